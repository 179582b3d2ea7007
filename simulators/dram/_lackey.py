"""Run a program under valgrind's lackey and stream its memory accesses through a pipe."""

import fcntl
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from simulators.errors import BackendError, InvalidConfigError

_CHUNK_BYTES = 1 << 20
_POLL_S = 0.1
_PACE_S = 0.01
_LAST_WORDS_BYTES = 2000


def valgrind_path() -> str:
    """Return the path of valgrind, or raise with how to install it."""
    path = shutil.which("valgrind")
    if path is None:
        raise BackendError(
            "Recording needs valgrind, which is not on PATH. Install it, for example with "
            "'apt install valgrind', 'dnf install valgrind' or 'brew install valgrind'."
        )
    return path


def valgrind_version() -> str:
    """Return valgrind's version, such as "valgrind-3.19.0"."""
    answer = subprocess.run(  # noqa: S603  (a fixed command, found on PATH)
        [valgrind_path(), "--version"], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def program_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return what the program sees: a few inherited variables, the pinned ones, then ``extra``."""
    kept = {name: os.environ[name] for name in LackeyProcess.KEPT_VARIABLES if name in os.environ}
    return LackeyProcess.PINNED_VARIABLES | kept | dict(extra)


def find_program(name: str, extra: Mapping[str, str], cwd: str | None) -> str:
    """Return the path of an executable, or raise saying where it was looked for."""
    search = program_environment(extra).get("PATH", os.defpath)
    if os.sep in name:
        found = shutil.which(str(Path(cwd or ".") / name))
    else:
        found = shutil.which(name, path=search)
    if found is None:
        raise InvalidConfigError(
            f"No executable {name!r} was found (PATH is {search!r}). Check the spelling, or give "
            "its full path. Only a program can be recorded, not shell syntax such as pipes."
        )
    return found


class LackeyProcess:
    """A program under lackey; as a context manager, it ends the process group on the way out."""

    KEPT_VARIABLES: ClassVar[tuple[str, ...]] = (
        "HOME",
        "LD_LIBRARY_PATH",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "USER",
        "VIRTUAL_ENV",
    )
    """Inherited variables. Others would move the stack, and with it the trace, from shell to
    shell."""

    PINNED_VARIABLES: ClassVar[dict[str, str]] = {
        # Must be first: valgrind adds its own to it in place, else at the end, where the loader's
        # strcspn reads past it into the random bytes that the kernel puts on the stack (AT_RANDOM)
        # and indexes a table by them.
        "LD_PRELOAD": "",
        "LC_ALL": "C",
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    """Variables set to a fixed value, so that programs repeat themselves."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: str | None
    ) -> None:
        self._errors = b""
        self._trace_fd, write_fd = os.pipe()
        os.set_blocking(self._trace_fd, False)
        with suppress(AttributeError, OSError):  # a larger pipe only saves context switches
            fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        try:
            self._process = subprocess.Popen(  # noqa: S603  (running the user's program is the purpose)
                [*_prefix(), valgrind_path(), *_options(write_fd), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(write_fd,),
                env=program_environment(env),
                cwd=cwd,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._trace_fd)
            raise
        finally:
            os.close(write_fd)

    def __enter__(self) -> Self:
        """Return the running process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process group and close every pipe."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._trace_fd)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield lackey's output as it comes; an empty chunk means that nothing came for a while.

        The program's own output is drained and dropped, except for the end of its standard error.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._trace_fd, selectors.EVENT_READ)
            for stream in (self._process.stdout, self._process.stderr):
                assert stream is not None  # noqa: S101  (both were opened as pipes)
                selector.register(stream, selectors.EVENT_READ)
            while True:
                ready = [key for key, _ in selector.select(_POLL_S)]
                # A forked child may outlive the program and hold the pipe: do not wait for it.
                if not ready and self._process.poll() is not None:
                    return
                chunk = b""
                for key in ready:
                    if key.fd == self._trace_fd:
                        chunk = os.read(self._trace_fd, _CHUNK_BYTES)
                        if not chunk:
                            return
                    elif not self._drain(key.fd):
                        selector.unregister(key.fd)
                yield chunk
                # Lackey writes line by line: let them gather instead of waking up for each.
                if 0 < len(chunk) < _CHUNK_BYTES // 4:
                    time.sleep(_PACE_S)

    def _drain(self, fd: int) -> bool:
        data = os.read(fd, _CHUNK_BYTES)
        if self._process.stderr is not None and fd == self._process.stderr.fileno():
            self._errors = (self._errors + data)[-_LAST_WORDS_BYTES:]
        return bool(data)

    def wait(self) -> int:
        """Return the exit code of a program whose trace has ended, negative for a signal."""
        code = self._process.wait()
        assert self._process.stderr is not None  # noqa: S101  (opened as a pipe)
        errors = self._process.stderr.fileno()
        os.set_blocking(errors, False)  # a surviving child may hold it open
        with suppress(BlockingIOError):
            while self._drain(errors):
                pass
        return code

    def last_words(self, messages: bytes) -> str:
        """Return what the program and valgrind said last, for an error message; "" if nothing."""
        said = self._errors.decode(errors="replace").strip()
        complaints = [
            line
            for line in messages.decode(errors="replace").splitlines()
            if "valgrind:" in line or "signal" in line or "unrecognised" in line
        ]
        text = "\n".join([*complaints, *([said] if said else [])])
        return f" It said:\n{text}" if text else ""


def _options(log_fd: int) -> list[str]:
    return [
        "--command-line-only=yes",  # no ~/.valgrindrc: the same command gives the same trace
        "--tool=lackey",
        "--trace-mem=yes",
        "--child-silent-after-fork=yes",
        "--vgdb=no",
        f"--log-fd={log_fd}",
        "--",
    ]


def _prefix() -> list[str]:
    """Return the wrappers that this system has, each of which replaces itself by valgrind.

    Without address-space randomisation the same command gives the same trace; with a death signal
    the program does not outlive a recorder that is killed (it would not notice the broken pipe if
    it ignores SIGPIPE, as Python does).
    """
    wrappers = (["setarch", "-R"], ["setpriv", "--pdeathsig", "KILL"])
    return [part for wrapper in wrappers if _works(wrapper) for part in wrapper]


def _works(wrapper: list[str]) -> bool:
    if shutil.which(wrapper[0]) is None:
        return False
    probe = subprocess.run([*wrapper, "true"], capture_output=True, check=False)  # noqa: S603
    return probe.returncode == 0
