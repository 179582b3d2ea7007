import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.dram import ControllerConfig
from simulators.dram._controller import CHOICES
from simulators.errors import InvalidConfigError

INTEGERS = {
    "request_buffer_size": 1,
    "refresh_max_postponed": 0,
    "refresh_max_pulledin": 0,
    "max_active_transactions": 1,
}
configs = st.builds(
    ControllerConfig,
    **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    **{name: st.integers(low, 1000) for name, low in INTEGERS.items()},
)


@settings(deadline=None)
@given(configs)
def test_every_configuration_survives_a_round_trip(config: ControllerConfig) -> None:
    assert ControllerConfig.from_dramsys(config.to_dramsys()) == config
    assert ControllerConfig.from_dramsys(config.to_dramsys()["mcconfig"]) == config
    assert ControllerConfig(**config.to_dramsys()["mcconfig"]) == config
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(dataclasses.replace(config)) == hash(config)


@settings(deadline=None)
@given(configs)
def test_the_core_receives_an_index_per_choice(config: ControllerConfig) -> None:
    core = dict(
        zip((field.name for field in dataclasses.fields(config)), config.core_config(), strict=True)
    )
    for name, value in core.items():
        given_value = getattr(config, name)
        assert (CHOICES[name][value] if name in CHOICES else value) == given_value


def test_the_default_is_a_plain_open_page_controller() -> None:
    assert ControllerConfig().to_dramsys() == {
        "mcconfig": {
            "PagePolicy": "Open",
            "Scheduler": "FrFcfs",
            "SchedulerBuffer": "Bankwise",
            "RequestBufferSize": 8,
            "CmdMux": "Oldest",
            "RespQueue": "Fifo",
            "RefreshPolicy": "AllBank",
            "RefreshMaxPostponed": 8,
            "RefreshMaxPulledin": 8,
            "PowerDownPolicy": "NoPowerDown",
            "Arbiter": "Simple",
            "MaxActiveTransactions": 128,
        }
    }


def test_keys_without_effect_and_old_spellings_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "mc.json"
    content = {
        "RefreshPolicy": "Rankwise",
        "PowerDownTimeout": 100,
        "HighWatermark": 4,
        "RefreshManagement": False,
        "ThinkDelayFw": 0,
    }
    path.write_text(json.dumps({"mcconfig": content}), encoding="utf-8")
    assert ControllerConfig.from_dramsys(path) == ControllerConfig()
    assert ControllerConfig(RefreshPolicy="Bankwise").refresh_policy == "PerBank"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"PagePolicy": "open"}, r"PagePolicy.* is 'open'\. Did you mean 'Open'"),
        ({"page_policy": 3}, r"page_policy .* is 3.*Allowed: 'Open'"),
        ({"page_policy": None}, r"page_policy .* is None"),
        ({"page_policy": ["Open"]}, r"page_policy .* is \['Open'\]"),
        ({"Scheduler": "GrpFrFcfs"}, r"Allowed: 'Fifo', 'FrFcfs', 'FrFcfsGrp'"),
        ({"RequestBufferSize": 0}, r"RequestBufferSize.* is 0\. Allowed: an integer from 1"),
        ({"RequestBufferSize": 8.0}, r"is 8\.0"),
        ({"RequestBufferSize": True}, r"is True"),
        ({"RefreshMaxPostponed": -1}, r"is -1\. Allowed: an integer from 0"),
        ({"max_active_transactions": 10**20}, r"Allowed: an integer from 1 to 10000000"),
        ({"PagePolcy": "Open"}, r"'PagePolcy'\. Did you mean 'PagePolicy'"),
        ({"page_policy": "OpenAdaptive", "PagePolicy": "Closed"}, r"but page_policy is"),
    ],
)
def test_a_wrong_argument_is_reported_with_what_is_allowed(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        ControllerConfig(**arguments)


def test_a_wrong_file_is_reported_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mc.json"
    path.write_text('{"mcconfig": {"Arbiter": "Simpel"}}', encoding="utf-8")
    with pytest.raises(InvalidConfigError, match=r"mc\.json.*Did you mean 'Simple'"):
        ControllerConfig.from_dramsys(path)


def test_fixed_delays_are_not_modelled() -> None:
    with pytest.raises(InvalidConfigError, match=r"ThinkDelayFw is 10\. Allowed: 0"):
        ControllerConfig.from_dramsys({"ThinkDelayFw": 10})
