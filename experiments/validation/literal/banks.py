"""Bank machines: which request a bank serves next, and the command that takes."""

from dataclasses import dataclass, field

from experiments.validation.literal.kernel import NEVER
from experiments.validation.literal.requests import Request
from experiments.validation.literal.timing import CommandHistory, Place
from simulators.dram import ControllerConfig


@dataclass(slots=True)
class LastColumn:
    """Direction of the channel's last column command."""

    write: bool = False


@dataclass(slots=True)
class Bank:
    """One bank machine; everything is decided afresh at every evaluation."""

    place: Place
    config: ControllerConfig
    history: CommandHistory
    last_column: LastColumn
    queue: list[Request] = field(default_factory=list)
    open_row: int | None = None
    blocked: bool = False
    asleep: bool = False
    chosen: Request | None = None
    command: str | None = None
    ready_ps: int = NEVER

    @property
    def idle(self) -> bool:
        """Whether the last evaluation found nothing to serve."""
        return self.chosen is None

    @property
    def serving(self) -> Request:
        """The request that the bank's command is for."""
        if self.chosen is None:
            raise RuntimeError(f"{self.place} serves no request")
        return self.chosen

    def evaluate(self, now_ps: int) -> int:
        """Choose request and command; return the command's time, `NEVER` if there is none."""
        self.command, self.ready_ps = None, NEVER
        if self.blocked or self.asleep:
            return NEVER
        self.chosen = self._choose() if self.queue else None
        if self.chosen is None:
            return NEVER
        self.command = self._command(self.chosen)
        self.ready_ps = max(now_ps, self.history.earliest_ps(self.command, self.place))
        return self.ready_ps

    def issued(self, command: str) -> None:
        """Follow a command of this bank or of its whole rank."""
        if command == "ACT":
            self.open_row = self.serving.row
        elif command in ("RD", "RDA", "WR", "WRA"):
            self.queue.remove(self.serving)
        if command in ("PRE", "PREA", "RDA", "WRA"):
            self.open_row = None
        if command in ("REFA", "REFB"):
            self.blocked = False
        if command in ("PDEA", "PDEP", "SREFEN"):
            self.asleep = True
        if command in ("PDXA", "PDXP", "REFA"):
            self.asleep = False

    def _hits(self) -> list[Request]:
        return [r for r in self.queue if self.open_row is not None and r.row == self.open_row]

    def _choose(self) -> Request:
        hits = self._hits()
        if self.config.scheduler == "Fifo" or not hits:
            return self.queue[0]
        if self.config.scheduler == "FrFcfs":
            return hits[0]
        for number, hit in enumerate(hits):
            overtakes = any(older.address == hit.address for older in hits[:number])
            if hit.write == self.last_column.write and not overtakes:
                return hit
        return hits[0]

    def _further_row_hit(self) -> bool:
        if self.config.scheduler == "Fifo":
            return len(self.queue) >= 2 and self.queue[1].row == self.open_row
        return len(self._hits()) >= 2

    def _command(self, request: Request) -> str:
        if self.open_row is None:
            return "ACT"
        policy = self.config.page_policy
        if request.row != self.open_row:
            return "PRE"
        auto_precharge = {
            "Open": False,
            "OpenAdaptive": len(self.queue) >= 2 and not self._further_row_hit(),
            "Closed": True,
            "ClosedAdaptive": not self._further_row_hit(),
        }[policy]
        return ("WR" if request.write else "RD") + ("A" if auto_precharge else "")
