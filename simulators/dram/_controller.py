"""The memory controller's configuration: the fields and values of a DRAMSys mcconfig."""

from dataclasses import dataclass, fields
from typing import Any

from simulators.dram._dramsys_json import MAX_INTEGER, Source, load_section
from simulators.errors import InvalidConfigError, did_you_mean

CHOICES: dict[str, tuple[str, ...]] = {
    "page_policy": ("Open", "OpenAdaptive", "Closed", "ClosedAdaptive"),
    "scheduler": ("Fifo", "FrFcfs", "FrFcfsGrp"),
    "scheduler_buffer": ("Bankwise", "ReadWrite", "Shared"),
    "cmd_mux": ("Oldest", "Strict"),
    "resp_queue": ("Fifo", "Reorder"),
    "refresh_policy": ("NoRefresh", "AllBank", "PerBank"),
    "power_down_policy": ("NoPowerDown", "Staggered"),
    "arbiter": ("Simple", "Fifo", "Reorder"),
}
"""Values by field; a value's index is its number in the simulator core."""

_LOWEST = {
    "request_buffer_size": 1,
    "refresh_max_postponed": 0,
    "refresh_max_pulledin": 0,
    "max_active_transactions": 1,
}
UNUSED_KEYS: dict[str, str] = {
    "PowerDownTimeout": "DRAMSys 4.0 ignores it: its power-down policies do not wait",
    "HighWatermark": "only the scheduler GrpFrFcfsWm reads it, which is not modelled",
    "LowWatermark": "only the scheduler GrpFrFcfsWm reads it, which is not modelled",
    "RefreshManagement": "only DDR5 and LPDDR5 have it",
}
"""Keys of real mcconfig files that change nothing in the modelled controller, and why."""

_DELAY_KEYS = tuple(
    f"{part}Delay{way}" for part in ("Arbitration", "Think", "Phy") for way in ("Fw", "Bw")
)
# Earlier spellings in files of DRAMSys, which it still reads.
_SYNONYMS = {"Rankwise": "AllBank", "Bankwise": "PerBank"}


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class ControllerConfig:
    """A memory controller as DRAMSys 4.0 models it.

    Every argument may also be given in the spelling of DRAMSys (``PagePolicy="Open"``).

    Raises:
        InvalidConfigError: an unknown or repeated argument, or a value that is not allowed.
    """

    page_policy: str
    """When a row closes: "Open" at a conflict, "Closed" after every access; the adaptive forms
    decide by whether a queued request hits the row."""
    scheduler: str
    """Which queued request of a bank goes first: "Fifo", "FrFcfs" (row hits first), "FrFcfsGrp"
    (row hits of the same direction first)."""
    scheduler_buffer: str
    """How ``request_buffer_size`` is shared: per bank ("Bankwise"), per direction ("ReadWrite"),
    or by all ("Shared")."""
    request_buffer_size: int
    """Requests that fit in each such buffer, from 1."""
    cmd_mux: str
    """"Oldest" ready command first, or column commands "Strict"ly in order of acceptance."""
    resp_queue: str
    """Responses in the order of data ("Fifo") or of acceptance ("Reorder")."""
    refresh_policy: str
    """"NoRefresh", "AllBank" (also "Rankwise"), or "PerBank" (also "Bankwise"; LPDDR4 and HBM2
    only)."""
    refresh_max_postponed: int
    """Refresh commands that may be postponed, from 0."""
    refresh_max_pulledin: int
    """Refresh commands that may be pulled in, from 0."""
    power_down_policy: str
    """"NoPowerDown", or "Staggered": power-down when idle, then self-refresh."""
    arbiter: str
    """Between initiators and channels: "Simple" (blocking), "Fifo", "Reorder" (in-order
    responses)."""
    max_active_transactions: int
    """Requests in flight per initiator, from 1; the "Simple" arbiter ignores it, as in DRAMSys."""

    def __init__(
        self,
        *,
        page_policy: str = "Open",
        scheduler: str = "FrFcfs",
        scheduler_buffer: str = "Bankwise",
        request_buffer_size: int = 8,
        cmd_mux: str = "Oldest",
        resp_queue: str = "Fifo",
        refresh_policy: str = "AllBank",
        refresh_max_postponed: int = 8,
        refresh_max_pulledin: int = 8,
        power_down_policy: str = "NoPowerDown",
        arbiter: str = "Simple",
        max_active_transactions: int = 128,
        **dramsys: Any,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in _DRAMSYS_KEYS}
        for key, value in dramsys.items():
            name = _field_of(key)
            if given[name] not in (value, (ControllerConfig.__init__.__kwdefaults__ or {})[name]):
                raise InvalidConfigError(f"{key} is {value!r}, but {name} is {given[name]!r}.")
            given[name] = value
        for name, value in given.items():
            object.__setattr__(self, name, _checked(name, value))

    @classmethod
    def from_dramsys(cls, source: Source) -> "ControllerConfig":
        """Read a DRAMSys mcconfig.

        Args:
            source: path of a JSON file, or its content, with or without the outer "mcconfig" key.
                Absent keys take the defaults of the constructor; those of `UNUSED_KEYS` are
                accepted and ignored. Fixed delays (ArbitrationDelayFw, ...) must be 0.

        Raises:
            InvalidConfigError: unreadable, an unknown key, or a value that is not allowed.
        """
        section = load_section(source, "mcconfig")
        for key in _DELAY_KEYS:
            if section.content.get(key, 0) != 0:
                raise InvalidConfigError(
                    f"{section.where}: {key} is {section.content[key]!r}. Allowed: 0; fixed delays "
                    "are not modelled. Remove it."
                )
        ignored = {*UNUSED_KEYS, *_DELAY_KEYS}
        try:
            content = {key: section.content[key] for key in section.content if key not in ignored}
            return cls(**{_field_of(key): value for key, value in content.items()})
        except InvalidConfigError as error:
            raise InvalidConfigError(f"{section.where}: {error}") from None

    def to_dramsys(self) -> dict[str, Any]:
        """Return the configuration as a DRAMSys mcconfig, with the outer "mcconfig" key."""
        return {"mcconfig": {key: getattr(self, name) for name, key in _DRAMSYS_KEYS.items()}}

    def core_config(self) -> tuple[int, ...]:
        """Return the fields in order of declaration, choices by their index, for the core."""
        values = ((name, getattr(self, name)) for name in _DRAMSYS_KEYS)
        return tuple(
            CHOICES[name].index(value) if name in CHOICES else value for name, value in values
        )


_DRAMSYS_KEYS = {
    field.name: "".join(word.capitalize() for word in field.name.split("_"))
    for field in fields(ControllerConfig)
}


def _field_of(key: str) -> str:
    for name, spelling in _DRAMSYS_KEYS.items():
        if key in (name, spelling):
            return name
    known = [*_DRAMSYS_KEYS, *_DRAMSYS_KEYS.values()]
    raise InvalidConfigError(
        f"unknown controller field {key!r}.{did_you_mean(key, known)} "
        f"Allowed: {', '.join(_DRAMSYS_KEYS.values())} (or in snake_case)."
    )


def _checked(name: str, value: object) -> str | int:
    if name in CHOICES:
        if name == "refresh_policy" and isinstance(value, str):
            value = _SYNONYMS.get(value, value)
        if isinstance(value, str) and value in CHOICES[name]:
            return value
        hint = did_you_mean(value, CHOICES[name])
        allowed = ", ".join(map(repr, CHOICES[name]))
    else:
        low = _LOWEST[name]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= MAX_INTEGER:
            return value
        hint, allowed = "", f"an integer from {low} to {MAX_INTEGER}"
    raise InvalidConfigError(
        f"{name} ({_DRAMSYS_KEYS[name]}) is {value!r}.{hint} Allowed: {allowed}."
    )
