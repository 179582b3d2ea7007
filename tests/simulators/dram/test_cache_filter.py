from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.dram._cache import CacheConfig, CacheHierarchy
from simulators.dram._core import CacheFilter
from simulators.dram._recording import RecordingConfig
from simulators.errors import InvalidConfigError

LINE, PAGE = 64, 4096
Access = tuple[str, int, int]
Request = tuple[int, int, bool]


@dataclass
class ModelCache:
    """Least recently used first; the value says whether the line is dirty."""

    sets: int
    ways: int
    below: "ModelCache | ModelMemory"
    content: dict[int, OrderedDict[int, bool]] = field(default_factory=dict)
    misses: int = 0

    def read(self, line: int) -> None:
        self._touch(line, dirty=False, fill=True)

    def write(self, line: int) -> None:
        self._touch(line, dirty=True, fill=True)

    def write_back(self, line: int) -> None:
        self._touch(line, dirty=True, fill=False)

    def _touch(self, line: int, *, dirty: bool, fill: bool) -> None:
        held = self.content.setdefault(line % self.sets, OrderedDict())
        if line in held:
            held[line] = held[line] or dirty
            held.move_to_end(line)
            return
        self.misses += 1
        if fill:
            self.below.read(line)
        held[line] = dirty
        if len(held) > self.ways:
            victim, was_dirty = held.popitem(last=False)
            if was_dirty:
                self.below.write_back(victim)

    @property
    def dirty(self) -> set[int]:
        return {line for held in self.content.values() for line, dirty in held.items() if dirty}


@dataclass
class ModelMemory:
    instructions: int = 0
    requests: list[Request] = field(default_factory=list)

    def read(self, line: int) -> None:
        self.requests.append((self.instructions - 1, line * LINE, False))

    def write_back(self, line: int) -> None:
        self.requests.append((self.instructions - 1, line * LINE, True))


class Model:
    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        self.memory = ModelMemory()
        below: ModelCache | ModelMemory = self.memory
        shared = []
        for sets, ways in reversed(shapes[2:]):
            below = ModelCache(sets, ways, below)
            shared.append(below)
        self.l1i, self.l1d = (ModelCache(sets, ways, below) for sets, ways in shapes[:2])
        self.caches = [self.l1i, self.l1d, *reversed(shared)]
        self.frames: dict[int, int] = {}
        self.written: set[int] = set()

    def access(self, kind: str, address: int, size: int) -> None:
        if kind == "I":
            self.memory.instructions += 1
        for line in range(address // LINE, (address + size - 1) // LINE + 1):
            page, offset = divmod(line * LINE, PAGE)
            frame = self.frames.setdefault(page, len(self.frames))
            physical = (frame * PAGE + offset) // LINE
            if kind == "I":
                self.l1i.read(physical)
            elif kind == "L":
                self.l1d.read(physical)
            else:
                self.written.add(physical * LINE)
                self.l1d.write(physical)


def lackey_text(accesses: list[Access]) -> bytes:
    return "".join(
        f"{'I ' if kind == 'I' else ' ' + kind} {address:08x},{size}\n"
        for kind, address, size in accesses
    ).encode()


def cache_filter(shapes: list[tuple[int, int]], **options: int) -> CacheFilter:
    sizes = [(sets * ways * LINE, ways) for sets, ways in shapes]
    return CacheFilter(
        l1i=sizes[0],
        l1d=sizes[1],
        l2=sizes[2],
        l3=sizes[3] if len(sizes) == 4 else None,
        line_bytes=LINE,
        page_bytes=PAGE,
        frame_count=options.get("frame_count", 1 << 18),
        frame_order=None,
        skip_instructions=options.get("skip_instructions", 0),
        max_requests=options.get("max_requests", 1 << 40),
    )


def filtered(native: CacheFilter, chunks: list[bytes]) -> list[Request]:
    parts = [native.feed(chunk) for chunk in chunks]
    return [
        (int(stamp), int(address), bool(write))
        for part in parts
        for stamp, address, write in zip(*part, strict=True)
    ]


shapes = st.lists(
    st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(1, 4)), min_size=3, max_size=4
)
accesses = st.lists(
    st.tuples(
        st.sampled_from(["I", "L", "S", "M"]),
        st.integers(0, 6 * PAGE) | st.integers(2**47, 2**47 + 600),
        st.sampled_from([1, 4, 8, 64, 200]),
    ),
    max_size=300,
).map(lambda some: [("I", 0x400000, 3), *some])


@given(shapes, accesses)
def test_requests_equal_those_of_an_independent_lru_model(
    shapes: list[tuple[int, int]], accesses: list[Access]
) -> None:
    model = Model(shapes)
    for access in accesses:
        model.access(*access)
    native = cache_filter(shapes)
    assert filtered(native, [lackey_text(accesses)]) == model.memory.requests
    assert [misses for _, misses in native.counts] == [cache.misses for cache in model.caches]
    assert native.instructions == model.memory.instructions
    assert native.pages == len(model.frames)
    assert native.dirty_lines() == sum(len(cache.dirty) for cache in model.caches)


@given(shapes, accesses)
def test_every_stored_line_is_written_back_or_still_held_dirty(
    shapes: list[tuple[int, int]], accesses: list[Access]
) -> None:
    model = Model(shapes)
    for access in accesses:
        model.access(*access)
    requests = filtered(cache_filter(shapes), [lackey_text(accesses)])
    written_back = {address for _, address, write in requests if write}
    held = {line * LINE for cache in model.caches for line in cache.dirty}
    assert written_back <= model.written
    assert written_back | held == model.written


@given(accesses, st.lists(st.integers(0, 4000), max_size=6))
def test_chunks_may_be_cut_anywhere(accesses: list[Access], cuts: list[int]) -> None:
    text = lackey_text(accesses)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[low:high] for low, high in pairwise(edges)]
    tiny = [(2, 1), (2, 1), (4, 2)]
    assert filtered(cache_filter(tiny), pieces) == filtered(cache_filter(tiny), [text])


@given(accesses, st.integers(0, 50), st.integers(1, 30))
def test_a_window_is_a_slice_of_the_whole_with_stamps_from_its_start(
    accesses: list[Access], skip: int, limit: int
) -> None:
    tiny = [(1, 1), (1, 1), (1, 2)]
    whole = filtered(cache_filter(tiny), [lackey_text(accesses)])
    window = [(stamp - skip, *rest) for stamp, *rest in whole if stamp >= skip][:limit]
    native = cache_filter(tiny, skip_instructions=skip, max_requests=limit)
    assert filtered(native, [lackey_text(accesses)]) == window
    assert native.done == (len(window) == limit)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"\n", b" L 10,4\n", b"I  "])))
def test_arbitrary_bytes_are_ignored_not_fatal(chunks: list[bytes]) -> None:
    native = cache_filter([(1, 1), (1, 1), (1, 1)])
    for stamp, address, _ in filtered(native, chunks):
        assert stamp >= 0
        assert address % LINE == 0


@pytest.mark.parametrize(
    "line",
    [
        b"I  ,4",
        b"I  10",
        b"I  10,",
        b"I  xyz,4",
        b" Q 10,4",
        b"L  10,4",
        b"I  10,4x",
        b" L 10,99999",
        b"I  11112222333344445,4",
        b"I",
        b"",
    ],
)
def test_a_malformed_line_is_counted_and_ignored(line: bytes) -> None:
    native = cache_filter([(1, 1), (1, 1), (1, 1)])
    assert filtered(native, [line + b"\n"]) == []
    assert native.ignored_lines == 1
    assert native.instructions == 0


def test_the_messages_of_valgrind_are_kept_but_bounded() -> None:
    native = cache_filter([(1, 1), (1, 1), (1, 1)])
    native.feed(b"==1== hello\n" + b"--1-- noise \xff\n" * 10_000 + b"==1== the end\n")
    assert native.messages.endswith(b"==1== the end\n")
    assert len(native.messages) < 10_000
    assert native.ignored_lines == 0


def test_a_line_without_end_does_not_eat_memory_and_is_dropped() -> None:
    native = cache_filter([(1, 1), (1, 1), (1, 1)])
    for _ in range(100):
        native.feed(b"I  " + b"1" * 100_000)
    native.feed(b"\nI  40,4\n")
    assert native.ignored_lines == 1
    assert native.instructions == 1


def test_pages_get_frames_in_order_of_first_touch_and_frames_are_reused_when_they_run_out() -> None:
    pages = [7, 3, 7, 9, 3]
    text = lackey_text([("I", page * PAGE, 4) for page in pages])
    one_way = [(1, 1), (1, 1), (1, 1)]
    enough = filtered(cache_filter(one_way), [text])
    assert [address // PAGE for _, address, _ in enough] == [0, 1, 0, 2, 1]
    short = cache_filter(one_way, frame_count=2)
    assert {address // PAGE for _, address, _ in filtered(short, [text])} == {0, 1}
    assert short.pages == 3


def test_shuffled_frames_follow_the_seed_and_stay_inside_the_device() -> None:
    text = lackey_text([("I", page * PAGE, 4) for page in range(64)])

    def frames(seed: int) -> list[int]:
        config = RecordingConfig(page_allocation="shuffled", seed=seed, device_bytes=64 * PAGE)
        return [address // PAGE for _, address, _ in filtered(config.cache_filter(), [text])]

    assert sorted(frames(1)) == list(range(64))
    assert frames(1) == frames(1) != frames(2)


def test_a_modify_costs_one_read_and_leaves_the_line_dirty() -> None:
    native = cache_filter([(1, 1), (1, 1), (1, 1)])
    requests = filtered(native, [b"I  0,4\n M 40,8\n"])
    assert requests == [(0, 0, False), (0, 64, False)]
    assert native.dirty_lines() == 1


def test_arrays_have_the_types_of_a_trace() -> None:
    stamps, addresses, writes = cache_filter([(1, 1), (1, 1), (1, 1)]).feed(b"I  0,4\n")
    assert (stamps.dtype, addresses.dtype, writes.dtype) == (np.int64, np.uint64, np.bool_)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"l1d": CacheConfig(size_bytes=48 * 1024, ways=8)}, "l1d.size_bytes is 49152"),
        ({"l3": CacheConfig(size_bytes=1000, ways=1)}, "for example 512"),
        ({"line_bytes": 48}, "power of two"),
        ({"line_bytes": 8}, "from 16 to 1024"),
    ],
)
def test_a_hierarchy_that_does_not_divide_into_sets_is_refused(
    options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InvalidConfigError, match=complaint):
        CacheHierarchy(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"size_bytes": 0, "ways": 1}, {"size_bytes": 64, "ways": 0}])
def test_an_empty_cache_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(InvalidConfigError, match="it must be from 1 to"):
        CacheConfig(**options)


def test_a_twelve_way_cache_of_twelve_mebibytes_is_accepted() -> None:
    cache = CacheConfig(size_bytes=12 << 20, ways=12)
    assert CacheHierarchy(l3=cache).levels["l3"] is cache
