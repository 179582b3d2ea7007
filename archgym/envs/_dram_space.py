"""The design spaces of DRAM-v0."""

from archgym.errors import InvalidConfigError, did_you_mean
from archgym.space import (
    Categorical,
    Condition,
    Constraint,
    Design,
    DesignSpace,
    Integer,
    Ordinal,
    Parameter,
)
from simulators.dram import AddressMapping, MemorySpec

__all__ = ["SPACES", "dram_space"]

SPACES = ("full", "paper", "paper-dense")

POWERS = (1, 2, 4, 8, 16, 32, 64, 128)
UP_TO_8 = (1, 2, 3, 4, 5, 6, 7, 8)


def dram_space(name: str, memory: MemorySpec) -> DesignSpace:
    """Return the space "full", "paper" (442,368 designs) or "paper-dense" (1,769,472 designs).

    The grids are those of the 2023 paper's code: of its reinforcement-learning agents, and of its
    other agents except that these differ in ``max_active_transactions``.

    Raises:
        InvalidConfigError: no space has this name.
    """
    if name == "full":
        return DesignSpace(_full_parameters(memory), [RETENTION])
    if name == "paper":
        return DesignSpace(_paper_parameters(POWERS, (1, 2, 4, 8)))
    if name == "paper-dense":
        return DesignSpace(_paper_parameters(UP_TO_8, UP_TO_8))
    raise InvalidConfigError(
        f"space={name!r} is not allowed.{did_you_mean(name, SPACES)} Allowed: {', '.join(SPACES)}."
    )


def _paper_parameters(sizes: tuple[int, ...], refreshes: tuple[int, ...]) -> list[Parameter]:
    """The ten parameters of the 2023 paper's environment, all of them unconditional."""
    return [
        *_common_parameters(sizes),
        Categorical(
            name="refresh_policy",
            choices=("NoRefresh", "AllBank"),
            description="Which banks a refresh command refreshes.",
        ),
        Ordinal(
            name="refresh_max_postponed",
            values=refreshes,
            description="Refresh commands that may be postponed.",
        ),
        Ordinal(
            name="refresh_max_pulledin",
            values=refreshes,
            description="Refresh commands that may be issued early.",
        ),
        _arbiter(),
        Ordinal(
            name="max_active_transactions",
            values=POWERS,
            description="Requests in flight per initiator; the arbiter Simple ignores it.",
            unit="requests",
        ),
    ]


def _full_parameters(memory: MemorySpec) -> list[Parameter]:
    """The paper's parameters, conditional where they have no effect, and three more."""
    per_bank = memory.core_config()["refresh_interval_per_bank_ps"] > 0
    refreshing = ("AllBank", "PerBank") if per_bank else ("AllBank",)
    with_refresh = Condition("refresh_policy", refreshing)
    return [
        *_common_parameters(tuple(sorted({*UP_TO_8, *POWERS}))),
        Categorical(
            name="refresh_policy",
            choices=("NoRefresh", *refreshing),
            description="Which banks a refresh command refreshes; NoRefresh loses data.",
        ),
        Integer(
            name="refresh_max_postponed",
            low=1,
            high=8,
            when=with_refresh,
            description="Refresh commands that may be postponed.",
        ),
        Integer(
            name="refresh_max_pulledin",
            low=1,
            high=8,
            when=with_refresh,
            description="Refresh commands that may be issued early.",
        ),
        _arbiter(),
        Integer(
            name="max_active_transactions",
            low=1,
            high=128,
            when=Condition("arbiter", ("Fifo", "Reorder")),
            description="Requests in flight per initiator.",
            unit="requests",
        ),
        Categorical(
            name="address_mapping",
            choices=tuple(AddressMapping.presets(memory)),
            description="Order of row, bank and column bits in an address.",
        ),
        # With a scheduler that reorders, Strict can wait for the one request that the scheduler
        # does not offer: a deadlock that only a refresh may resolve.
        Categorical(
            name="cmd_mux",
            choices=("Oldest", "Strict"),
            when=Condition("scheduler", ("Fifo",)),
            description="Commands of the oldest request first, or column commands in strict order.",
        ),
        Categorical(
            name="power_down_policy",
            choices=("NoPowerDown", "Staggered"),
            description="Whether idle ranks power down.",
        ),
    ]


def _common_parameters(buffer_sizes: tuple[int, ...]) -> list[Parameter]:
    return [
        Categorical(
            name="page_policy",
            choices=("Open", "OpenAdaptive", "Closed", "ClosedAdaptive"),
            description="When a row is closed.",
        ),
        Categorical(
            name="scheduler",
            choices=("Fifo", "FrFcfs", "FrFcfsGrp"),
            description="Which request of a bank goes first.",
        ),
        Categorical(
            name="scheduler_buffer",
            choices=("Bankwise", "ReadWrite", "Shared"),
            description="What shares a request buffer.",
        ),
        Ordinal(
            name="request_buffer_size",
            values=buffer_sizes,
            description="Requests that fit in each buffer.",
            unit="requests",
        ),
        Categorical(
            name="resp_queue",
            choices=("Fifo", "Reorder"),
            description="Responses in the order of data or of acceptance.",
        ),
    ]


def _arbiter() -> Parameter:
    return Categorical(
        name="arbiter",
        choices=("Simple", "Fifo", "Reorder"),
        description="How initiators share the controllers.",
    )


def _loses_data(design: Design) -> float:
    return 1.0 if design["refresh_policy"] == "NoRefresh" else 0.0


RETENTION = Constraint(
    "retention",
    _loses_data,
    "Without refresh a DRAM loses its data after 64 ms (tREFW of JESD79-4; 32 ms in JESD209-4).",
    ("refresh_policy",),
)
