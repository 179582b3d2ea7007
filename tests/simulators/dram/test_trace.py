import gzip
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.dram import AddressMapping, MemorySpec, Trace
from simulators.dram._trace import check_addresses
from simulators.errors import TraceFormatError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(content: str | bytes, name: str = "trace.stl") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file


def requests(trace: Trace) -> list[tuple[int, int, bool]]:
    columns = (trace.times, trace.addresses, trace.writes)
    return list(zip(*(column.tolist() for column in columns), strict=True))


sorted_times = st.lists(st.integers(0, 2**40), min_size=1, max_size=50).map(sorted)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    relative = draw(st.booleans())
    times = draw(sorted_times)
    size = len(times)
    return Trace.from_arrays(
        times,
        draw(st.lists(st.integers(0, 2**64 - 1), min_size=size, max_size=size)),
        draw(st.lists(st.booleans(), min_size=size, max_size=size)),
        clock_mhz=draw(st.sampled_from([1, 800, 933.5, 3200])),
        relative=relative,
    )


def test_an_stl_line_is_a_request_and_comments_and_blank_lines_are_not(write: Write) -> None:
    path = write(
        "# head\n31:\tread\t0x400140\n\n  \n 33 : write 0XFFffffffFFFFFFFF 00ab\r\n#\n35: read 0x0"
    )
    trace = Trace.from_stl(path, clock_mhz=800)
    assert requests(trace) == [
        (31, 0x400140, False),
        (33, 2**64 - 1, True),
        (35, 0, False),
    ]
    assert (trace.name, trace.relative, trace.clock_ps, len(trace)) == ("trace", False, 1250, 3)
    assert (trace.times.dtype, trace.addresses.dtype, trace.writes.dtype) == (
        np.int64,
        np.uint64,
        np.bool_,
    )


@settings(deadline=None)
@given(traces())
def test_writing_and_reading_gives_the_same_trace(trace: Trace) -> None:
    suffix = "rstl" if trace.relative else "stl"
    with tempfile.TemporaryDirectory() as folder:
        for name in (f"a.{suffix}", f"a.{suffix}.gz"):
            path = Path(folder) / name
            trace.to_stl(path)
            again = Trace.from_stl(path, clock_mhz=trace.clock_mhz)
            assert again.digest == trace.digest
            assert requests(again) == requests(trace)
    assert pickle.loads(pickle.dumps(trace)).digest == trace.digest


def test_the_written_bytes_do_not_depend_on_time_or_file_name(tmp_path: Path) -> None:
    trace = Trace.from_arrays([0, 1], [0, 64], [False, True], clock_mhz=800)
    for name in ("a.stl.gz", "b.stl.gz"):
        trace.to_stl(tmp_path / name)
    assert (tmp_path / "a.stl.gz").read_bytes() == (tmp_path / "b.stl.gz").read_bytes()
    trace.to_stl(tmp_path / "c.stl")
    assert gzip.decompress((tmp_path / "a.stl.gz").read_bytes()) == trace.to_stl_bytes()
    assert (tmp_path / "c.stl").read_bytes() == trace.to_stl_bytes()


def test_the_suffix_must_tell_relative_from_absolute_times(tmp_path: Path) -> None:
    relative = Trace.from_arrays([5, 3], [0, 0], [False, False], clock_mhz=1, relative=True)
    with pytest.raises(TraceFormatError, match=r"Name the file \*\.rstl"):
        relative.to_stl(tmp_path / "a.stl")
    with pytest.raises(TraceFormatError, match=r"Name the file \*\.stl"):
        Trace.from_arrays([0], [0], [False], clock_mhz=1).to_stl(tmp_path / "a.rstl.gz")


def test_relative_times_may_decrease_and_are_known_by_suffix_or_argument(write: Write) -> None:
    text = "5: read 0x0\n3: read 0x0"
    assert Trace.from_stl(write(text, "a.rstl"), clock_mhz=800).relative
    assert Trace.from_stl(write(text, "a.rstl.gz"), clock_mhz=800).relative
    assert Trace.from_stl(write(text), clock_mhz=800, relative=True).times.tolist() == [5, 3]


def test_a_repeated_trace_restarts_at_its_first_time_stamp(write: Write) -> None:
    text = "0: read 0x0\n7: read 0x40\n"
    assert Trace.from_stl(write(text * 2), clock_mhz=800).times.tolist() == [0, 7, 0, 7]


def test_other_decreasing_time_stamps_need_to_be_asked_for(write: Write) -> None:
    path = write("1: read 0x0\n7: read 0x40\n5: read 0x80\n")
    with pytest.raises(TraceFormatError, match=r":3: '5: read 0x80': .*below that of the line"):
        Trace.from_stl(path, clock_mhz=800)
    trace = Trace.from_stl(path, clock_mhz=800, allow_decreasing=True)
    assert trace.times.tolist() == [1, 7, 5]
    with pytest.raises(TraceFormatError, match=r"entry 2 is 5, after 7"):
        Trace.from_arrays(trace.times, trace.addresses, trace.writes, clock_mhz=800)
    Trace.from_arrays([1, 7, 5], [0] * 3, [True] * 3, clock_mhz=1, allow_decreasing=True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 read 0x0", "no colon"),
        (": read 0x0", "not a whole decimal number"),
        ("1.5: read 0x0", "not a whole decimal number"),
        ("0x1: read 0x0", "not a whole decimal number"),
        ("-1: read 0x0", "negative"),
        (f"{2**53 + 1}: read 0x0", "above 2\\^53"),
        (f"{10**40}: read 0x0", "above 2\\^53"),
        ("1: Read 0x0", "the command"),
        ("1:", "the command"),
        ("1: (64) read 0x0", "the command"),
        ("1: read", "prefix 0x"),
        ("1: read 40", "prefix 0x"),
        ("1: read 0x", "prefix 0x"),
        ("1: read 0x4g", "prefix 0x"),
        ("1: read 0x1" + 16 * "0", "more than 64 bits"),
        ("1: read 0x0 ab cd", "text after the request"),
    ],
)
def test_a_malformed_line_is_reported_with_file_line_and_form(
    write: Write, line: str, reason: str
) -> None:
    path = write(f"# a comment\n0: read 0x0\n{line}\n2: read 0x0\n")
    with pytest.raises(TraceFormatError, match=rf"trace\.stl:3: .*{reason}") as raised:
        Trace.from_stl(path, clock_mhz=800)
    assert "Allowed: 'TIME: read|write 0xADDRESS [DATA]'" in str(raised.value)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"\n# nothing\n\n", r"no request in it"),
        (b"\x00\x01\xff" * 1000, r":1: .*no colon"),
        (b"\x1f\x8b", r"damaged or truncated gzip"),
        (gzip.compress(b"0: read 0x0\n" * 999, mtime=0)[:-12], r"damaged or truncated gzip"),
        (gzip.compress(b"", mtime=0), r"empty"),
        (gzip.compress(b"0: read 0x0\n1: rea", mtime=0), r":2: '1: rea'"),
        (gzip.compress(b"0: read 0x0\n", mtime=0)[:-8] + b"\0" * 8, r"damaged or truncated gzip"),
    ],
)
def test_a_damaged_file_is_reported_by_name(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(TraceFormatError, match=rf"trace\.stl.*{message}"):
        Trace.from_stl(write(content), clock_mhz=800)


def test_a_missing_file_or_a_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TraceFormatError, match=r"none\.stl: does not exist"):
        Trace.from_stl(tmp_path / "none.stl", clock_mhz=800)
    with pytest.raises(TraceFormatError, match="not a regular file"):
        Trace.from_stl(tmp_path, clock_mhz=800)


def test_compressed_parts_and_a_byte_order_mark_are_read(write: Write) -> None:
    two_parts = gzip.compress(b"\xef\xbb\xbf0: read 0x0\n", mtime=0) + gzip.compress(
        b"1: read 0x40\n", mtime=0
    )
    assert len(Trace.from_stl(write(two_parts), clock_mhz=800)) == 2


def test_ramulator_memory_traces_have_no_times(write: Write) -> None:
    path = write("# x\n0x12345680 R\n0x4cbd56c0 W\n4096 R\n", "dram.trace")
    trace = Trace.from_ramulator(path, clock_mhz=1600)
    assert requests(trace) == [(0, 0x12345680, False), (1, 0x4CBD56C0, True), (2, 4096, False)]
    assert not trace.relative


def test_ramulator_cpu_traces_have_bubbles_and_write_backs(write: Write) -> None:
    trace = Trace.from_ramulator(write("3 20734016\n1 20846400 0x13C0\n", "cpu"), clock_mhz=3200)
    assert requests(trace) == [(3, 20734016, False), (1, 20846400, False), (0, 0x13C0, True)]
    assert trace.relative


def test_dramsim3_traces_have_cycles_last(write: Write) -> None:
    trace = Trace.from_dramsim3(write("0x40 READ 3\n0x80 WRITE 9\n"), clock_mhz=1200)
    assert requests(trace) == [(3, 0x40, False), (9, 0x80, True)]


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        ("from_ramulator", "0x40 R\n0x40 X\n", r":2: .*the command.*Allowed: '0xADDRESS R\|W'"),
        ("from_ramulator", "0x40 R\n3 64\n", r":2: .*the command"),
        ("from_ramulator", "3 64\n0x40 R\n", r":2: .*time stamp.*BUBBLES"),
        ("from_ramulator", "3 64 x\n", r":1: .*the address"),
        ("from_ramulator", "3\n", r":1: .*the address"),
        ("from_ramulator", "", r"empty"),
        ("from_dramsim3", "0x40 READ\n", r":1: .*time stamp.*CYCLE"),
        ("from_dramsim3", "0x40 READ 9\n0x0 READ 12\n0x0 READ 10\n", r":3: .*below"),
        ("from_dramsim3", "40 READ 9\n", r":1: .*prefix 0x"),
    ],
)
def test_malformed_lines_of_other_simulators_are_reported(
    write: Write, reader: str, content: str, message: str
) -> None:
    with pytest.raises(TraceFormatError, match=message):
        getattr(Trace, reader)(write(content), clock_mhz=800)


@pytest.mark.parametrize(
    ("times", "addresses", "writes", "message"),
    [
        ([], [], [], "writes: float64"),
        ([], [], np.zeros(0, np.bool_), "0 times, 0 addresses"),
        ([0, 1], [0], [True], "2 times, 1 addresses and 1 writes"),
        ([0.5], [0], [True], "times: allowed is one dimension of integers"),
        ([[0]], [0], [True], "times: allowed is one dimension"),
        (0, [0], [True], "times: allowed is one dimension"),
        (["a"], [0], [True], "times: allowed is one dimension"),
        ([-1], [0], [True], "times: entry 0 is -1"),
        ([2**53 + 1], [0], [True], "times: entry 0"),
        ([0], [2**64], [True], "addresses: entry 0 is 18446744073709551616"),
        ([0, 0], [1, 2**70], [True] * 2, "addresses: entry 1"),
        ([True], [0], [True], "times: allowed is"),
        ([[0], [0, 1]], [0], [True], "times: allowed is"),
        ([0], [-64], [True], "addresses: entry 0 is -64"),
        ([0], [0], [1], "writes: int64"),
        ([2**53], [0], [True], "its last request is due after"),
    ],
)
def test_wrong_arrays_are_reported(times: Any, addresses: Any, writes: Any, message: str) -> None:
    with pytest.raises(TraceFormatError, match=message):
        Trace.from_arrays(times, addresses, writes, clock_mhz=1)


@pytest.mark.parametrize("clock_mhz", [0, -1, 1e7, float("nan"), "800", None, True])
def test_the_clock_must_be_a_number_of_megahertz(clock_mhz: Any) -> None:
    with pytest.raises(TraceFormatError, match="clock_mhz is"):
        Trace.from_arrays([0], [0], [True], clock_mhz=clock_mhz)


def test_arrays_are_copied_and_read_only() -> None:
    times = np.array([0, 1])
    trace = Trace.from_arrays(times, [0, 64], [True, False], clock_mhz=800)
    times[0] = 99
    assert trace.times.tolist() == [0, 1]
    for array in (trace.times, trace.addresses, trace.writes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_digest_depends_on_every_part_of_the_content_but_not_on_the_name() -> None:
    base: dict[str, Any] = {
        "times": [0, 1],
        "addresses": [0, 64],
        "writes": [True, False],
        "clock_mhz": 800,
    }
    changes: list[dict[str, Any]] = [
        {},
        {"times": [0, 2]},
        {"addresses": [0, 128]},
        {"writes": [True, True]},
        {"clock_mhz": 801},
        {"relative": True},
    ]
    digests = [Trace.from_arrays(**{**base, **change}).digest for change in changes]
    assert len(set(digests)) == len(digests)
    assert Trace.from_arrays(**base, name="other").digest == digests[0]
    assert Trace.from_arrays(**{**base, "clock_mhz": 800.0}).digest == digests[0]


def test_an_address_beyond_the_memory_is_reported_with_its_request() -> None:
    memory = MemorySpec.preset("DDR3-1600")
    mapping = AddressMapping.preset(memory, "row-bank-column")
    inside = Trace.from_arrays([0, 0], [0, (1 << 30) - 1], [True, True], clock_mhz=800)
    check_addresses(inside, memory, mapping)
    beyond = Trace.from_arrays([0] * 3, [0, 1 << 30, 1 << 63], [True] * 3, clock_mhz=800)
    with pytest.raises(
        TraceFormatError, match=r"request 1 .*0x40000000, as have 1 others.*wrap_addresses"
    ):
        check_addresses(beyond, memory, mapping)
