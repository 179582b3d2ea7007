"""Any input gives a result or one of the project's errors: never a crash, never a hang.

``ARCHGYM_FUZZ_EXAMPLES=10000 pytest tests/simulators/dram/test_fuzz_readers.py`` tries more inputs
than the few that a usual run tries.
"""

import gzip
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.dram import AddressMapping, ControllerConfig, MemorySpec, Trace
from simulators.dram._dramsys import parse_output
from simulators.dram._formula import Formula
from simulators.dram._standard import Standard
from simulators.errors import ArchGymError

EXAMPLES = int(os.environ.get("ARCHGYM_FUZZ_EXAMPLES", "60"))
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

MEMORY = MemorySpec.preset("DDR4-2400")
VALID_JSON: list[tuple[Callable[[Any], Any], dict[str, Any]]] = [
    *((MemorySpec.from_dramsys, MemorySpec.preset(name).to_dramsys())
      for name in MemorySpec.presets()),
    (AddressMapping.from_dramsys,
     AddressMapping.preset(MEMORY, "row-bank-column-xor").to_dramsys()),
    (ControllerConfig.from_dramsys, ControllerConfig().to_dramsys()),
]  # fmt: skip
VALID_TRACES = {
    "from_stl": b"# head\n0:\tread\t0x400140\n31:\twrite\t0x7fff8000 00ff\n\n56: read 0x0\n",
    "from_ramulator": b"0x12345680 R\n0x4cbd56c0 W\n",
    "from_dramsim3": b"0x40 READ 3\n0x80 WRITE 9\n",
}
READERS = list(VALID_TRACES)

tokens = st.one_of(
    st.sampled_from(
        ["read", "write", "READ", "WRITE", "R", "W", ":", "#", "0x", "0xff", "-1", "1e9", "\t",
         "\r", "\x00", "9" * 25, "0x" + "f" * 17, "18446744073709551616", "9007199254740993"]
    ),
    st.integers().map(str),
    st.integers(0, 2**70).map(hex),
    st.text(max_size=6),
)  # fmt: skip
token_lines = st.lists(
    st.lists(tokens, max_size=5).map(" ".join), max_size=8
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))  # fmt: skip

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from([0, 1, 2, -1, 2**31, 2**63, 10**40, "DDR3", "HBM2", "Open", "PerBank"]),
)  # fmt: skip
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def mutated_bytes(draw: st.DrawFn, valid: bytes) -> bytes:
    """Change, insert, remove or repeat pieces of a valid file."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        data[at : at + length] = draw(st.binary(max_size=8)) * draw(st.integers(0, 2))
    return bytes(data)


@st.composite
def mutated_json(draw: st.DrawFn) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """Replace, remove, rename or add keys anywhere in a valid file."""
    read, valid = draw(st.sampled_from(VALID_JSON))
    content: dict[str, Any] = json.loads(json.dumps(valid))
    for _ in range(draw(st.integers(1, 3))):
        part: Any = content
        while isinstance(part, dict) and part:
            key = draw(st.sampled_from(sorted(part)))
            if isinstance(part[key], dict) and draw(st.integers(0, 3)):
                part = part[key]
                continue
            change = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
            if change == "add":
                part[draw(st.text(max_size=8))] = draw(json_values)
            elif change == "replace":
                part[key] = draw(json_values)
            else:
                value = part.pop(key)
                if change == "rename":
                    part[key + draw(st.text(max_size=2))] = value
            break
    return read, content


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except ArchGymError as error:
        message = str(error)
    assert 0 < len(message) < 3000
    return None


def read_trace(reader: str, data: bytes, name: str = "t.stl") -> Trace | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        result = attempt(lambda: getattr(Trace, reader)(path, clock_mhz=800))
    if result is not None:
        assert len(result) > 0
        assert (result.times >= 0).all()
    return result  # type: ignore[no-any-return]


@fuzz
@given(st.sampled_from(READERS), st.binary(max_size=200), st.sampled_from(["t.stl", "t.rstl"]))
def test_any_bytes_are_a_trace_or_an_error(reader: str, data: bytes, name: str) -> None:
    read_trace(reader, data, name)


@fuzz
@given(st.sampled_from(READERS), token_lines)
def test_any_words_are_a_trace_or_an_error(reader: str, data: bytes) -> None:
    read_trace(reader, data)


@fuzz
@given(st.data())
def test_a_damaged_trace_is_a_trace_or_an_error(data: st.DataObject) -> None:
    reader = data.draw(st.sampled_from(READERS))
    read_trace(reader, data.draw(mutated_bytes(VALID_TRACES[reader])))


@fuzz
@given(st.data())
def test_a_damaged_compressed_trace_is_a_trace_or_an_error(data: st.DataObject) -> None:
    read_trace(
        "from_stl", data.draw(mutated_bytes(gzip.compress(VALID_TRACES["from_stl"], mtime=0)))
    )


@fuzz
@given(st.data())
def test_a_damaged_json_file_is_read_or_an_error(data: st.DataObject) -> None:
    read, valid = data.draw(st.sampled_from(VALID_JSON))
    text = data.draw(mutated_bytes(json.dumps(valid).encode()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        path.write_bytes(text)
        attempt(lambda: read(path))


@fuzz
@given(mutated_json())
def test_any_change_of_a_valid_configuration_is_read_or_an_error(
    mutated: tuple[Callable[[Any], Any], dict[str, Any]],
) -> None:
    read, content = mutated
    result = attempt(lambda: read(content))
    if isinstance(result, MemorySpec):
        assert result.core_config()["tck_ps"] > 0
        assert attempt(lambda: MemorySpec.from_dramsys(result.to_dramsys())) == result
    if isinstance(result, AddressMapping):
        attempt(lambda: result.core_config(MEMORY))
    if isinstance(result, ControllerConfig):
        assert len(result.core_config()) == 12


@fuzz
@given(st.sampled_from([read for read, _ in VALID_JSON]), json_values)
def test_any_json_value_is_read_or_an_error(read: Callable[[Any], Any], value: Any) -> None:
    attempt(lambda: read(value if isinstance(value, dict) else {"memspec": value}))


@fuzz
@given(st.text(alphabet="RCDA_01 +-*/().,maxceil[]'", max_size=30) | st.text(max_size=20))
def test_any_text_is_a_formula_or_an_error(text: str) -> None:
    formula = attempt(lambda: Formula.parse(text, "here"))
    if formula is not None:
        result = attempt(lambda: formula.cycles({"RCD": 16, "A": 3, "D": 0}))
        assert result is None or type(result) is int


@fuzz
@given(st.lists(st.sampled_from(
    ["Total Time: 5 ns", "Total Energy: 1 pJ", "Average Power: nan mW", "Average Power: 3 mW",
     "AVG BW: 1 Gb/s | 2 %", "AVG BW: inf Gb/s | 1 %", "MAX BW: 3 Gb/s"]) | st.text(max_size=30),
    max_size=8))  # fmt: skip
def test_any_output_is_a_result_or_an_error(lines: list[str]) -> None:
    result = attempt(lambda: parse_output("\n".join(lines)))
    assert result is None or result["time_ns"] is not None


@pytest.mark.parametrize("depth", [100, 5_000])
def test_a_deeply_nested_formula_is_evaluated_or_an_error(depth: int) -> None:
    text = "(" * depth + "RCD" + ")" * depth
    attempt(lambda: Formula.parse(text, "here").cycles({"RCD": 1}))
    attempt(lambda: Formula.parse("-" * depth + "RCD", "here").cycles({"RCD": 1}))


def test_no_standard_is_loaded_by_a_path() -> None:
    assert attempt(lambda: Standard.load("../standards/DDR4")) is None
