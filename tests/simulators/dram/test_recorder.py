import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators.dram._cache import CacheConfig, CacheHierarchy
from simulators.dram._recorder import record
from simulators.dram._recording import RecordingConfig, RecordingProgress
from simulators.dram._trace import Trace
from simulators.errors import ArchGymError, BackendError, InvalidConfigError

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)
TINY = CacheHierarchy(
    l1i=CacheConfig(size_bytes=64, ways=1),
    l1d=CacheConfig(size_bytes=64, ways=1),
    l2=CacheConfig(size_bytes=64, ways=1),
)
TWO_LINES = r"printf 'I  0,4\n L 1000,8\n' >/dev/fd/$fd"
Fake = Callable[[str], None]


@pytest.fixture
def fake_valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a shell script in valgrind's place; $fd is where lackey would write."""

    def install(body: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "valgrind"
        script.write_text(
            "#!/bin/sh\n"
            '[ "$1" = --version ] && echo valgrind-fake && exit\n'
            'for option in "$@"; do case $option in --log-fd=*) fd=${option#*=};; esac; done\n'
            f"{body}\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "traces").mkdir()
    return tmp_path / "traces" / "x.stl.gz"


def nothing_written(out: Path) -> bool:
    return list(out.parent.iterdir()) == []


# --- a real program under the real valgrind --------------------------------------------------


@needs_valgrind
def test_the_same_command_gives_the_same_bytes_whatever_the_callers_environment(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = record(["true"], out=out, caches=TINY, max_requests=20_000)
    written = out.read_bytes()
    monkeypatch.setenv("SOME_OTHER_SHELL", "x" * 5000)
    again = record(["true"], out=out, caches=TINY, max_requests=20_000)
    assert out.read_bytes() == written
    assert again.digest == first.digest == Trace.from_stl(out, clock_mhz=800).digest


@needs_valgrind
def test_the_report_agrees_with_the_trace(out: Path) -> None:
    report = record(["true"], out=out)
    trace = Trace.from_stl(out, clock_mhz=800)
    assert report.requests == len(trace) == report.reads + report.writes
    assert report.writes == int(trace.writes.sum())
    assert report.duration_cycles == int(trace.times[-1])
    assert report.requests == report.cache_misses["l2"] + report.writes
    assert report.cache_misses["l1i"] + report.cache_misses["l1d"] <= report.cache_accesses["l2"]
    assert report.cache_accesses["l1i"] >= report.instructions > 10_000
    assert (report.stopped_by, report.exit_code) == ("exit", 0)
    assert report.valgrind.startswith("valgrind-")
    assert not report.frames_reused
    assert np.all(np.diff(trace.times) >= 0)


@needs_valgrind
def test_a_full_window_ends_the_program_early(out: Path) -> None:
    whole = record(["true"], out=out, caches=TINY)
    window = record(["true"], out=out, caches=TINY, skip_instructions=5000, max_requests=700)
    assert (window.stopped_by, window.exit_code, window.requests) == ("max_requests", None, 700)
    assert 5000 < window.instructions < whole.instructions


@needs_valgrind
def test_larger_caches_let_fewer_requests_through(out: Path) -> None:
    small = record(["true"], out=out, caches=TINY)
    large = record(["true"], out=out)
    assert large.requests < small.requests / 3


# --- the model of time and the window, on a scripted access stream ---------------------------


@pytest.mark.parametrize(
    ("clock_mhz", "cpu_mhz", "ipc", "expected"),
    [(800, 3200, 1.0, [0, 0, 1]), (1000, 1000, 1.0, [0, 3, 5]), (1600, 3200, 2.0, [0, 0, 1])],
)
def test_stamps_are_instructions_over_ipc_in_memory_cycles(
    out: Path,
    fake_valgrind: Fake,
    clock_mhz: float,
    cpu_mhz: float,
    ipc: float,
    expected: list[int],
) -> None:
    lines = ["I  0,4", "I  0,4", "I  0,4", "I  0,4", " L 2000,8", "I  0,4", "I  3000,4"]
    fake_valgrind("printf '" + r"\n".join(lines) + r"\n' >/dev/fd/$fd")
    record(["true"], out=out, clock_mhz=clock_mhz, cpu_mhz=cpu_mhz, ipc=ipc)
    trace = Trace.from_stl(out, clock_mhz=clock_mhz)
    assert trace.times.tolist() == expected
    assert trace.addresses.tolist() == [0, 4096, 8192]


def test_the_suffix_decides_about_compression(fake_valgrind: Fake, tmp_path: Path) -> None:
    fake_valgrind(TWO_LINES)
    path = tmp_path / "plain.stl"
    record(["true"], out=path)
    assert path.read_bytes() == b"0:\tread\t0x0\n0:\tread\t0x1000\n"


def test_the_program_gets_pinned_and_given_variables_only(
    out: Path, fake_valgrind: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    fake_valgrind(f"env > {tmp_path}/env\n{TWO_LINES}")
    record(["true"], out=out, env={"GIVEN": "yes", "LC_ALL": "de"})
    seen = (tmp_path / "env").read_text().splitlines()
    assert {"GIVEN=yes", "LC_ALL=de", "OPENBLAS_NUM_THREADS=1", "PYTHONHASHSEED=0"} <= set(seen)
    assert not any(line.startswith("LEAKED") for line in seen)


def test_arguments_reach_the_program_unchanged_and_without_a_shell(
    out: Path, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"printf '%s|' \"$@\" > {tmp_path}/arguments\n{TWO_LINES}")
    record(["true", "a b", "$HOME", "--log-file=x", ""], out=out)
    assert (tmp_path / "arguments").read_text().endswith("--|true|a b|$HOME|--log-file=x||")


def test_progress_tells_instructions_requests_and_rate(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(TWO_LINES)
    events: list[RecordingProgress] = []
    record(["true"], out=out, progress=events.append)
    assert (events[-1].instructions, events[-1].requests) == (1, 2)
    assert events[-1].instructions_per_s > 0


def test_a_chatty_program_does_not_block(out: Path, fake_valgrind: Fake) -> None:
    flood = "head -c 3000000 /dev/zero"
    fake_valgrind(f"{flood}; {flood} >&2; {TWO_LINES}; {flood}; {flood} >&2")
    assert record(["true"], out=out, timeout_s=60).requests == 2


def test_a_surviving_child_is_not_waited_for(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(f"{TWO_LINES}\nsleep 600 &")
    assert record(["true"], out=out, timeout_s=60).requests == 2


def test_more_pages_than_the_device_has_are_reported(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(TWO_LINES)
    assert record(["true"], out=out, device_bytes=4096).frames_reused


# --- failures --------------------------------------------------------------------------------


def test_a_missing_valgrind_says_how_to_install_it(
    out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "true").write_text("#!/bin/sh\n")
    (tmp_path / "true").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match="apt install valgrind"):
        record(["true"], out=out)
    assert nothing_written(out)


def test_a_program_that_fails_leaves_nothing_and_its_last_words_are_shown(
    out: Path, fake_valgrind: Fake
) -> None:
    fake_valgrind(f"{TWO_LINES}\necho 'no such table: sale' >&2\nexit 3")
    with pytest.raises(BackendError, match=r"exit code 3(.|\n)*no such table: sale"):
        record(["true"], out=out)
    assert nothing_written(out)


def test_a_failure_that_is_allowed_keeps_the_trace(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(f"{TWO_LINES}\nexit 3")
    assert record(["true"], out=out, allow_failure=True).exit_code == 3
    assert len(Trace.from_stl(out, clock_mhz=800)) == 2


def test_a_program_killed_by_a_signal_is_a_failure(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(f"{TWO_LINES}\nkill -SEGV $$")
    with pytest.raises(BackendError, match="killed by signal 11"):
        record(["true"], out=out)
    assert nothing_written(out)


def test_a_valgrind_that_prints_no_trace_is_reported(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind("printf '==7== valgrind: cannot run it\\n\\001\\377\\n' >/dev/fd/$fd; exit 1")
    with pytest.raises(BackendError, match=r"could not run the program(.|\n)*cannot run it"):
        record(["true"], out=out)
    assert nothing_written(out)


def test_no_request_in_the_window_is_an_error_that_names_the_ways_out(
    out: Path, fake_valgrind: Fake
) -> None:
    fake_valgrind(TWO_LINES)
    with pytest.raises(BackendError, match=r"first 10 were skipped(.|\n)*Lower skip_instructions"):
        record(["true"], out=out, skip_instructions=10)
    assert nothing_written(out)


def test_a_timeout_ends_the_program_and_leaves_nothing(
    out: Path, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"{TWO_LINES}\necho $$ > {tmp_path}/pid\nsleep 600")
    with pytest.raises(BackendError, match=r"Timed out after 0.5 s: 1 instructions run, 2 of"):
        record(["true"], out=out, timeout_s=0.5)
    assert nothing_written(out)
    assert not alive(tmp_path / "pid")


def test_an_interrupted_recording_ends_the_program_and_leaves_nothing(
    out: Path, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"echo $$ > {tmp_path}/pid\n{TWO_LINES}\nsleep 600")

    def interrupt(event: RecordingProgress) -> None:
        if event.requests:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(["true"], out=out, progress=interrupt, timeout_s=60)
    assert nothing_written(out)
    assert not alive(tmp_path / "pid")


def test_ctrl_c_ends_the_program_and_leaves_nothing(
    out: Path, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"echo $$ > {tmp_path}/pid\n{TWO_LINES}\nsleep 600")
    code = (
        "import os, signal\n"
        "from simulators.dram._recorder import record\n"
        "def interrupt(event):\n"
        "    if event.requests: os.kill(os.getpid(), signal.SIGINT)\n"
        f"record(['true'], out={str(out)!r}, timeout_s=60, progress=interrupt)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert nothing_written(out)
    assert not alive(tmp_path / "pid")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_killed_recorder_takes_the_program_with_it(
    out: Path, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"echo $$ > {tmp_path}/pid\n{TWO_LINES}\nexec sleep 600")
    code = (
        "import os, signal\n"
        "from simulators.dram._recorder import record\n"
        "def die(event):\n"
        "    if event.requests: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"record(['true'], out={str(out)!r}, timeout_s=60, progress=die)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert nothing_written(out)
    wait_until_gone(tmp_path / "pid")


def alive(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid_file: Path) -> None:
    """Wait for a process that has been told to end; it may take a moment to be reaped."""
    deadline = time.monotonic() + 60
    while alive(pid_file):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_full_disk_leaves_nothing_and_an_older_trace_survives(
    out: Path, fake_valgrind: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_valgrind(TWO_LINES)
    out.write_bytes(b"older")

    def full(self: Trace, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Trace, "to_stl", full)
    with pytest.raises(InvalidConfigError, match="No space left on device"):
        record(["true"], out=out)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_bytes() == b"older"


@pytest.mark.parametrize("folder", ["/proc", "/dev/null/x", "no/such/folder"])
def test_an_unwritable_folder_is_refused_before_the_program_runs(
    folder: str, fake_valgrind: Fake, tmp_path: Path
) -> None:
    fake_valgrind(f"touch {tmp_path}/ran\n{TWO_LINES}")
    with pytest.raises(InvalidConfigError, match=f"'{folder}/x.stl'"):
        record(["true"], out=f"{folder}/x.stl")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ([], "non-empty list"),
        ("sort words.txt", "non-empty list"),
        (["no-such-program-anywhere"], "No executable 'no-such-program-anywhere'"),
        (["./no/such/program"], "No executable './no/such/program'"),
        (["/"], "No executable '/'"),
        (["true", "a\0b"], "NUL byte"),
    ],
)
def test_a_command_that_cannot_run_is_refused(
    command: Any, complaint: str, out: Path, fake_valgrind: Fake
) -> None:
    fake_valgrind(TWO_LINES)
    with pytest.raises(InvalidConfigError, match=complaint):
        record(command, out=out)
    assert nothing_written(out)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"skip_instruction": 5}, "Did you mean 'skip_instructions'"),
        ({"ipc": 0}, "ipc is 0; it must be from 0.001 to 64"),
        ({"clock_mhz": float("inf")}, "clock_mhz is inf"),
        ({"max_requests": 0}, "max_requests is 0; it must be from 1 to"),
        ({"skip_instructions": -1}, "skip_instructions is -1"),
        ({"page_bytes": 5000}, "page_bytes is 5000; it must be a power of two, for example 4096"),
        ({"device_bytes": 4096 * 3 + 1}, "device_bytes is 12289; it must be a multiple of 4096"),
        ({"page_allocation": "first_touch"}, "Did you mean 'first-touch'"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"cwd": "/no/such/folder"}, "existing folder"),
        ({"seed": "1"}, "seed is '1'"),
    ],
)
def test_an_option_out_of_range_is_refused(
    options: dict[str, Any], complaint: str, out: Path, fake_valgrind: Fake
) -> None:
    fake_valgrind(TWO_LINES)
    with pytest.raises(ArchGymError, match=complaint):
        record(["true"], out=out, **options)
    assert nothing_written(out)


def test_a_name_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match=r"must end in \.stl or \.stl\.gz"):
        record(["true"], out=tmp_path / "x.txt")


def test_options_replace_those_of_the_config(out: Path, fake_valgrind: Fake) -> None:
    fake_valgrind(TWO_LINES)
    report = record(
        ["true"], out=out, config=RecordingConfig(clock_mhz=400, max_requests=7), max_requests=1
    )
    assert (report.clock_mhz, report.requests, report.stopped_by) == (400, 1, "max_requests")
