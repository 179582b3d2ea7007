"""What worker processes have to know of the program that starts them.

A new process knows the package only. It finds the rest by name: agents and problems of other
modules by importing these, those of the user's script by running the script up to the call that
started the process. The script is not run where nothing of it is needed, as by default with
:mod:`multiprocessing`: one without ``if __name__ == "__main__"`` would start itself again.
"""

import contextlib
import io
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from pickle import PicklingError
from types import CodeType, ModuleType
from typing import Any

from archgym.agents import AGENTS, Agent
from archgym.envs import REGISTRY, ProblemSpec, register
from archgym.errors import InvalidConfigError

__all__ = ["Program", "Registered", "end_script_of_worker"]

_MAIN = b"__main__"

_running_script: ContextVar[bool] = ContextVar("_running_script", default=False)


class _ScriptEnds(BaseException):
    """Ends the user's script in a worker; no error, so that no script handles it."""


def end_script_of_worker() -> None:
    """End the script here if a worker runs it: this is the call that started the worker."""
    if _running_script.get():
        raise _ScriptEnds


@dataclass(frozen=True, slots=True)
class Registered:
    """What was registered besides what the package brings along."""

    agents: dict[str, type[Agent]]
    """Agents by name."""

    problems: tuple[ProblemSpec, ...]
    """Problems and their environments."""

    @classmethod
    def here(cls) -> "Registered":
        """Return what is registered in this process."""
        return cls(
            {name: agent for name, agent in AGENTS.items() if not _is_ours(agent.__module__)},
            tuple(spec for spec in REGISTRY.values() if not _is_ours(spec.problem)),
        )

    def restore(self) -> None:
        """Register it in this process too."""
        AGENTS.update(self.agents)
        for spec in self.problems:
            if spec.id not in REGISTRY:
                register(spec)


def _is_ours(module: str) -> bool:
    return module.startswith("archgym.")


@dataclass(frozen=True, slots=True)
class Program:
    """The user's script, if workers need it, and what it registered."""

    script: str | None
    """Path of the script; None: not needed, or run as a module."""

    module: str | None
    """Name of the module that was run as the script."""

    registered: bytes
    """`Registered`, by names that exist once the script has been run."""

    @classmethod
    def of(cls, jobs: Sequence[Any]) -> "Program":
        """Return what workers need to run jobs.

        Raises:
            InvalidConfigError: something has no name by which another process finds it.
        """
        registered = _by_name(Registered.here())
        needed = _MAIN in registered or any(_MAIN in _by_name(job) for job in jobs)
        return cls(*(_main() if needed else (None, None)), registered)

    def load(self) -> None:
        """Prepare this process for the jobs."""
        if self.script is not None or self.module is not None:
            _run(self.script, self.module)
        registered: Registered = ForkingPickler.loads(self.registered)
        registered.restore()


def _by_name(content: object) -> bytes:
    try:
        return bytes(ForkingPickler.dumps(content))
    except (PicklingError, AttributeError, TypeError) as error:
        raise _unreachable(str(error)) from None


def _unreachable(reason: str) -> InvalidConfigError:
    return InvalidConfigError(
        f"Other processes cannot find an agent or a problem: {reason}. Define it at the top level "
        "of a module or a script; a study runs in this process with jobs=1."
    )


def _main() -> tuple[str | None, str | None]:
    """Return path or name of the module that this process runs."""
    main = sys.modules["__main__"]
    if main.__spec__ is not None:
        return None, main.__spec__.name
    path = getattr(main, "__file__", None)
    if path is None or not Path(path).is_file():
        raise _unreachable("it is defined in an interactive session")
    return path, None


def _run(script: str | None, module: str | None) -> None:
    """Run the user's script up to the call that started this process."""
    main = ModuleType("__mp_main__")
    sys.modules["__main__"] = sys.modules["__mp_main__"] = main
    code = _code_of_script(main, script) if script else _code_of_module(main, str(module))
    token = _running_script.set(True)
    try:
        with contextlib.suppress(_ScriptEnds):
            exec(code, vars(main))  # noqa: S102 - the program that this process belongs to
    finally:
        _running_script.reset(token)


def _code_of_script(main: ModuleType, script: str) -> CodeType:
    main.__file__ = script
    with io.open_code(script) as file:
        return compile(file.read(), script, "exec")


def _code_of_module(main: ModuleType, module: str) -> CodeType:
    spec = find_spec(module)
    loader: Any = None if spec is None else spec.loader
    if spec is None or loader is None:
        raise ImportError(f"no module named {module!r}")
    main.__spec__, main.__package__, main.__file__ = spec, spec.parent, spec.origin
    code: CodeType = loader.get_code(module)
    return code
