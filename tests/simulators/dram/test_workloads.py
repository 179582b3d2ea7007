import json
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.dram._generators import (
    Bursts,
    MixedStreams,
    PointerChase,
    Stream,
    Strided,
    UniformRandom,
)
from simulators.dram._generators_models import GemmTiles, KvCache, ZipfEmbedding
from simulators.dram._pattern import LINE_BYTES, Pattern
from simulators.dram._trace import Trace
from simulators.dram._trace_info import trace_info
from simulators.dram._workloads import GENERATORS, load_workload, recordings, workloads
from simulators.errors import InvalidConfigError, TraceFormatError

GIB = 1 << 30
RANDOM = ["random", "pointer-chase", "zipf-embedding", "mixed-streams", "bursts"]
every_generator = pytest.mark.parametrize("name", list(GENERATORS))
every_recording = pytest.mark.parametrize("name", list(recordings()))


def lines(trace: Trace) -> np.ndarray[Any, np.dtype[np.int64]]:
    return (trace.addresses // np.uint64(LINE_BYTES)).astype(np.int64)


# --- every generator -------------------------------------------------------------------------


@every_generator
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    first, again = (load_workload(name, requests=2000, seed=3) for _ in range(2))
    assert first.to_stl_bytes() == again.to_stl_bytes()
    assert first.digest == again.digest


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_another_trace(name: str) -> None:
    assert load_workload(name, seed=1).digest != load_workload(name, seed=2).digest


@pytest.mark.parametrize("name", sorted(set(GENERATORS) - set(RANDOM)))
def test_patterns_without_randomness_ignore_the_seed(name: str) -> None:
    assert load_workload(name, seed=1).digest == load_workload(name, seed=2).digest


@every_generator
def test_requests_are_aligned_inside_the_footprint_and_a_gibibyte(name: str) -> None:
    pattern = GENERATORS[name]()
    trace = pattern.generate(20_000, seed=1)
    assert len(trace) == 20_000
    assert not np.any(trace.addresses % np.uint64(LINE_BYTES))
    assert int(trace.addresses.max()) + LINE_BYTES <= pattern.span_bytes <= GIB


@every_generator
def test_a_shorter_trace_starts_like_a_longer_one_if_nothing_is_random(name: str) -> None:
    if name in RANDOM:
        return
    long, short = load_workload(name, requests=3000), load_workload(name, requests=700)
    assert np.array_equal(long.addresses[:700], short.addresses)
    assert np.array_equal(long.writes[:700], short.writes)
    assert np.array_equal(long.times[:700], short.times)


@every_generator
def test_the_base_address_shifts_every_request(name: str) -> None:
    base = GENERATORS[name]().generate(500, seed=4)
    moved = GENERATORS[name](base_address=4096).generate(500, seed=4)
    assert np.array_equal(moved.addresses, base.addresses + np.uint64(4096))
    assert np.array_equal(moved.times, base.times)


@every_generator
@pytest.mark.parametrize("requests", [1, 2, 63, 1025])
def test_any_length_is_delivered_exactly(name: str, requests: int) -> None:
    assert len(load_workload(name, requests=requests)) == requests


@every_generator
@pytest.mark.parametrize("requests", [0, -1, 2.5, True, "10", 10**9])
def test_a_length_out_of_range_is_refused(name: str, requests: Any) -> None:
    with pytest.raises(InvalidConfigError, match="requests is"):
        GENERATORS[name]().generate(requests)


@every_generator
def test_a_negative_seed_is_refused(name: str) -> None:
    with pytest.raises(InvalidConfigError, match="seed is -1"):
        load_workload(name, seed=-1)


@every_generator
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"gap_cycles": -1.0}, "gap_cycles is -1.0; it must be from 0 to"),
        ({"gap_cycles": float("nan")}, "gap_cycles is nan"),
        ({"gap_cycles": "4"}, "gap_cycles is '4'"),
        ({"arrivals": "regluar"}, "Did you mean 'regular'"),
        ({"clock_mhz": 0}, "clock_mhz is 0"),
        ({"base_address": 32}, "multiple of 64, for example 64"),
    ],
)
def test_a_common_option_out_of_range_is_refused(
    name: str, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidConfigError, match=complaint):
        GENERATORS[name](**options)


@pytest.mark.parametrize("pattern", [Stream, Strided, UniformRandom, MixedStreams, GemmTiles])
def test_regular_arrivals_keep_the_gap_and_poisson_ones_its_mean(pattern: type[Pattern]) -> None:
    regular = trace_info(pattern(gap_cycles=7.5, arrivals="regular").generate(20_000))
    poisson = trace_info(pattern(gap_cycles=7.5, arrivals="poisson").generate(20_000))
    assert regular["mean_gap_cycles"] == pytest.approx(7.5, rel=1e-3)
    assert regular["gap_variation"] < 0.1
    assert poisson["mean_gap_cycles"] == pytest.approx(7.5, rel=0.05)
    assert poisson["gap_variation"] == pytest.approx(1.0, abs=0.05)


# --- each generator --------------------------------------------------------------------------


def test_stream_walks_each_array_sequentially_two_read_one_written() -> None:
    trace = Stream(footprint_bytes=3 * 64 * 100).generate(600)
    for array in range(3):
        mine = lines(trace)[array::3]
        assert np.array_equal(mine, array * 100 + np.arange(200) % 100)
        assert np.all(trace.writes[array::3] == (array == 2))


def test_a_single_read_stream_is_purely_sequential() -> None:
    info = trace_info(Stream(read_arrays=1, write_arrays=0).generate(1000))
    assert info["sequential_ratio"] == 1.0
    assert info["writes"] == 0


def test_strides_are_constant_and_each_pass_moves_one_line() -> None:
    pattern = Strided(footprint_bytes=16 * 1024, stride_bytes=1024, write_ratio=0.25)
    walked = lines(pattern.generate(16 * 16)).reshape(16, 16)
    assert np.array_equal(walked, np.arange(16)[:, np.newaxis] + 16 * np.arange(16))


@given(st.floats(0, 1), st.integers(1, 3000))
def test_evenly_spaced_writes_have_the_exact_ratio(ratio: float, requests: int) -> None:
    writes = Strided(write_ratio=ratio).generate(requests).writes
    assert abs(int(writes.sum()) - ratio * requests) <= 1


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_random_lines_are_uniform_and_written_at_the_ratio(ratio: float) -> None:
    trace = UniformRandom(footprint_bytes=64 * 256, write_ratio=ratio).generate(50_000, seed=5)
    counts = np.bincount(lines(trace), minlength=256)
    # Each count is binomial with mean 195 and deviation 14: five deviations.
    assert np.all(np.abs(counts - 50_000 / 256) < 70)
    assert trace.writes.mean() == pytest.approx(ratio, abs=0.02)


def test_a_pointer_chase_visits_every_node_once_per_round_in_the_same_order() -> None:
    trace = PointerChase(footprint_bytes=64 * 500, chains=1).generate(1500, seed=2)
    rounds = lines(trace).reshape(3, 500)
    assert np.array_equal(np.sort(rounds[0]), np.arange(500))
    assert np.array_equal(rounds[0], rounds[1])
    assert np.array_equal(rounds[1], rounds[2])


def test_chains_follow_one_successor_relation_and_share_the_dependency_time() -> None:
    pattern = PointerChase(footprint_bytes=64 * 100, chains=4, dependency_cycles=50)
    trace = pattern.generate(4000, seed=9)
    successors: dict[int, set[int]] = {}
    for chain in range(4):
        walk = lines(trace)[chain::4].tolist()
        for here, there in pairwise(walk):
            successors.setdefault(here, set()).add(there)
    assert all(len(each) == 1 for each in successors.values())
    assert trace.relative
    assert int(trace.times.sum()) == pytest.approx(50 / 4 * 4000, abs=50 / 4 + 1)


def test_embedding_popularity_follows_zipf_and_rows_are_whole() -> None:
    pattern = ZipfEmbedding(tables=1, rows_per_table=1000, exponent=1.0, row_bytes=256)
    trace = pattern.generate(400_000, seed=3)
    lookups = lines(trace).reshape(-1, 4)
    assert np.array_equal(lookups - lookups[:, :1], np.tile(np.arange(4), (100_000, 1)))
    counts = np.sort(np.bincount(lookups[:, 0] // 4, minlength=1000))[::-1]
    harmonic = float(np.sum(1 / np.arange(1, 1001)))
    for rank in (1, 2, 5, 10):
        assert counts[rank - 1] / 100_000 == pytest.approx(1 / (rank * harmonic), rel=0.1)


def test_exponent_zero_is_uniform() -> None:
    pattern = ZipfEmbedding(tables=1, rows_per_table=50, exponent=0, row_bytes=64)
    counts = np.bincount(lines(pattern.generate(50_000, seed=1)), minlength=50)
    assert np.all(np.abs(counts - 1000) < 160)


def test_tables_take_turns_and_have_their_popular_rows_elsewhere() -> None:
    pattern = ZipfEmbedding(tables=4, rows_per_table=4096, pooling=2, row_bytes=64, exponent=1.5)
    trace = pattern.generate(40_000, seed=1)
    table, row = np.divmod(lines(trace), 4096)
    assert np.array_equal(table[:16], np.repeat([0, 1, 2, 3, 0, 1, 2, 3], 2))
    popular = {Counter(row[table == each].tolist()).most_common(1)[0][0] for each in range(4)}
    assert len(popular) == 4


def test_gemm_reads_each_operand_tile_and_writes_each_element_of_c_once() -> None:
    pattern = GemmTiles(m=64, n=96, k=64, tile_m=16, tile_n=32, tile_k=32, element_bytes=4)
    a, b, c = 64 * 64 * 4 // 64, 64 * 96 * 4 // 64, 64 * 96 * 4 // 64
    whole = (96 // 32) * a + (64 // 16) * b + c
    trace = pattern.generate(whole)
    counts = np.bincount(lines(trace), minlength=a + b + c)
    assert np.all(counts[:a] == 96 // 32)
    assert np.all(counts[a : a + b] == 64 // 16)
    assert np.all(counts[a + b :] == 1)
    assert np.array_equal(trace.writes, lines(trace) >= a + b)


def test_gemm_starts_again_after_the_last_tile() -> None:
    pattern = GemmTiles(m=16, n=16, k=16, tile_m=16, tile_n=16, tile_k=16)
    one = 3 * 16 * 16 * 4 // 64
    assert np.array_equal(lines(pattern.generate(2 * one))[one:], lines(pattern.generate(one)))


def test_kv_cache_appends_before_it_reads_the_whole_history_of_each_head() -> None:
    pattern = KvCache(sequences=1, layers=1, heads=2, head_dim=32, context_tokens=3, max_tokens=8)
    trace = pattern.generate(4 + 4 * 4)
    vectors = np.array([0, 8, 16, 24])  # keys of two heads, values of two heads
    assert np.array_equal(lines(trace)[:4], vectors + 3)
    expected = [start + token for start in (0, 16, 8, 24) for token in range(4)]
    assert lines(trace)[4:].tolist() == expected
    assert trace.writes.tolist() == [True] * 4 + [False] * 16


def test_a_full_kv_cache_becomes_a_ring() -> None:
    pattern = KvCache(sequences=1, layers=1, heads=1, head_dim=32, context_tokens=3, max_tokens=4)
    trace = pattern.generate(3 * (2 + 8))
    steps = lines(trace).reshape(3, 10)
    assert steps[:, 0].tolist() == [3, 0, 1]
    assert np.array_equal(steps[1, 2:], np.arange(8))


def test_every_sequence_and_layer_has_its_own_kv_region() -> None:
    pattern = KvCache(sequences=2, layers=3, heads=1, head_dim=32, context_tokens=0, max_tokens=4)
    steps = lines(pattern.generate(6 * 4)).reshape(6, 4)
    assert (steps[:, 0] // 8).tolist() == [0, 1, 2, 3, 4, 5]


def test_mixed_streams_are_each_sequential_and_either_read_or_written() -> None:
    pattern = MixedStreams(streams=8, write_ratio=1 / 3, run_requests=4, footprint_bytes=8 << 20)
    trace = pattern.generate(40_000, seed=2)
    stream, position = np.divmod(lines(trace), (8 << 20) // 64 // 8)
    for index in range(8):
        mine = stream == index
        assert np.all(np.diff(position[mine]) % ((8 << 20) // 64 // 8) == 1)
        assert len(set(trace.writes[mine].tolist())) == 1
    assert trace.writes.mean() == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 0.0), (0.05, 0.05), (1.0, 1.0)])
def test_mixed_streams_meet_extreme_write_ratios(ratio: float, expected: float) -> None:
    trace = MixedStreams(write_ratio=ratio).generate(40_000, seed=1)
    assert trace.writes.mean() == pytest.approx(expected, abs=0.02)


def test_bursts_come_back_to_back_and_are_followed_by_idle_gaps() -> None:
    trace = Bursts(burst_requests=10, idle_cycles=500, gap_cycles=3).generate(20_000, seed=6)
    times = trace.times.reshape(-1, 10)
    assert np.all((np.diff(times, axis=1) >= 2) & (np.diff(times, axis=1) <= 4))
    idle = times[1:, 0] - times[:-1, -1] - 3
    assert idle.mean() == pytest.approx(500, rel=0.1)
    assert idle.std() == pytest.approx(500, rel=0.15)


@pytest.mark.parametrize("ratio", [0.0, 0.75, 1.0])
def test_the_stated_share_of_bursts_is_sequential_and_each_has_one_direction(ratio: float) -> None:
    trace = Bursts(burst_requests=10, sequential_ratio=ratio).generate(20_000, seed=6)
    bursts = lines(trace).reshape(-1, 10)
    sequential = np.all(np.diff(bursts, axis=1) % ((64 << 20) // 64) == 1, axis=1)
    assert sequential.mean() == pytest.approx(ratio, abs=0.04)
    writes = trace.writes.reshape(-1, 10)
    assert np.all(writes == writes[:, :1])
    assert writes.mean() == pytest.approx(0.35, abs=0.04)


@pytest.mark.parametrize(
    ("pattern", "options", "complaint"),
    [
        (Stream, {"footprint_bytes": 100}, "footprint_bytes is 100; it must be a multiple of 64"),
        (Stream, {"read_arrays": 0, "write_arrays": 0}, "must be from 1 to"),
        (Strided, {"stride_bytes": 100}, "multiple of 64, for example 128"),
        (Strided, {"stride_bytes": 8 << 20}, "stride_bytes is 8388608; it must be from 64 to"),
        (UniformRandom, {"write_ratio": 1.5}, "write_ratio is 1.5; it must be from 0.* to 1"),
        (UniformRandom, {"footprint_bytes": 1 << 50}, "footprint_bytes is"),
        (PointerChase, {"chains": 0}, "chains is 0; it must be from 1 to 64"),
        (PointerChase, {"dependency_cycles": 0}, "dependency_cycles is 0"),
        (ZipfEmbedding, {"row_bytes": 100}, "multiple of 64"),
        (ZipfEmbedding, {"tables": 1024, "rows_per_table": 1 << 24}, "Make it smaller"),
        (GemmTiles, {"m": 100}, "m is 100; it must be a multiple of 32, for example 96"),
        (GemmTiles, {"tile_k": 8}, "tile_k x element_bytes is 32; it must be a multiple of 64"),
        (KvCache, {"context_tokens": 1024}, "context_tokens is 1024; it must be from 0 to 1023"),
        (KvCache, {"head_dim": 33}, "head_dim x element_bytes is 66"),
        (MixedStreams, {"streams": 1}, "single stream"),
        (Bursts, {"idle_cycles": -5}, "idle_cycles is -5"),
    ],
)
def test_an_option_out_of_range_is_refused(
    pattern: type[Pattern], options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidConfigError, match=complaint):
        pattern(**options)


# --- trace_info ------------------------------------------------------------------------------


def test_trace_info_counts_what_it_says() -> None:
    trace = Trace.from_arrays(
        [0, 4, 8, 16],
        np.array([0, 64, 8192 * 16, 0], dtype=np.uint64),
        [False, True, False, False],
        clock_mhz=1000,
    )
    info = trace_info(trace)
    assert (info["requests"], info["reads"], info["writes"]) == (4, 3, 1)
    assert info["write_ratio"] == 0.25
    assert (info["duration_cycles"], info["duration_ns"]) == (16, 16.0)
    assert info["footprint_bytes"] == 3 * 64
    assert info["pages"] == 2
    assert info["highest_address"] == 8192 * 16
    assert info["demand_gb_s"] == pytest.approx(4 * 64 / 16)
    assert info["sequential_ratio"] == pytest.approx(1 / 3)
    assert info["same_row_ratio"] == pytest.approx(1 / 3)
    assert info["open_row_ratio"] == pytest.approx(1 / 4)  # row 0, row 0, row 16 in its bank, row 0
    assert info["reuse_ratio"] == pytest.approx(1 / 4)


def test_trace_info_of_a_single_request_has_no_rates() -> None:
    info = trace_info(Trace.from_arrays([5], [64], [True], clock_mhz=800))
    assert (info["demand_gb_s"], info["gap_variation"], info["sequential_ratio"]) == (0, 0, 0)


def test_relative_stamps_are_summed() -> None:
    trace = Trace.from_arrays([9, 3, 4], [0, 64, 128], [False] * 3, clock_mhz=800, relative=True)
    assert trace_info(trace)["duration_cycles"] == 7


# --- recorded traces -------------------------------------------------------------------------


def test_at_least_six_real_programs_ship_in_half_a_megabyte() -> None:
    shipped = files("simulators.dram") / "traces"
    sizes = [len((shipped / entry["file"]).read_bytes()) for entry in recordings().values()]
    assert len(sizes) >= 6
    assert sum(sizes) <= 500_000


@every_recording
def test_a_recorded_trace_is_what_its_manifest_says(name: str) -> None:
    entry, trace = recordings()[name], load_workload(name)
    assert trace.digest == entry["digest"]
    assert trace.name == name
    assert trace.clock_mhz == entry["clock_mhz"]
    assert len(trace) == entry["requests"]
    assert not trace.relative


@every_recording
def test_a_recorded_trace_stresses_the_memory(name: str) -> None:
    info = trace_info(load_workload(name))
    assert 8_000 <= info["requests"] <= 20_000
    assert 0 < info["write_ratio"] < 0.7
    assert 1.0 < info["demand_gb_s"] < 12.8  # the peak of DDR3-1600
    assert info["highest_address"] < GIB


@every_recording
def test_the_manifest_tells_how_to_record_again(name: str) -> None:
    entry = recordings()[name]
    assert entry["command"]
    assert entry["program_version"]
    assert entry["recording"]["skip_instructions"] >= 0
    assert set(entry["recording"]["caches"]) >= {"l1i", "l1d", "l2", "line_bytes"}
    assert not any(
        part.startswith(("/work", "/home", "/root", "/tmp")) for part in entry["command"]
    )


def test_recorded_traces_are_read_once_and_cut_on_request() -> None:
    name = next(iter(recordings()))
    whole = load_workload(name)
    assert load_workload(name) is whole
    cut = load_workload(name, requests=100)
    assert np.array_equal(cut.addresses, whole.addresses[:100])
    assert np.array_equal(cut.times, whole.times[:100])
    assert cut.name == name
    assert load_workload(name, requests=10**6) is whole


# --- names and paths -------------------------------------------------------------------------


def test_every_workload_has_a_description_and_loads() -> None:
    known = workloads()
    assert list(known)[:9] == [
        "stream",
        "strided",
        "random",
        "pointer-chase",
        "zipf-embedding",
        "gemm-tiles",
        "kv-cache",
        "mixed-streams",
        "bursts",
    ]
    for name, description in known.items():
        assert 10 < len(description) < 100
        assert load_workload(name, requests=10).name == name


def test_an_unknown_name_gets_a_hint_and_the_list() -> None:
    with pytest.raises(InvalidConfigError, match="Did you mean 'stream'") as caught:
        load_workload("steam")
    assert "kv-cache" in str(caught.value)


@pytest.mark.parametrize("suffix", [".stl", ".stl.gz", ".rstl", ".rstl.gz"])
def test_a_path_is_read_and_cut(tmp_path: Path, suffix: str) -> None:
    name = "pointer-chase" if "rstl" in suffix else "random"
    trace = load_workload(name, requests=50)
    path = tmp_path / f"mine{suffix}"
    trace.to_stl(path)
    assert load_workload(path).digest == trace.digest
    cut = load_workload(str(path), requests=7)
    assert len(cut) == 7
    assert cut.relative == trace.relative
    assert load_workload(path, clock_mhz=400).clock_mhz == 400


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InvalidConfigError, match=r"'nowhere/x.stl' does not exist"):
        load_workload("nowhere/x.stl")


def test_a_folder_is_no_trace(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="is not a file"):
        load_workload(tmp_path)


def test_a_file_that_is_no_trace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.stl"
    path.write_bytes(b"hello\n")
    with pytest.raises(TraceFormatError):
        load_workload(path)


def test_the_manifest_holds_no_more_than_the_files_it_names() -> None:
    shipped = files("simulators.dram") / "traces"
    manifest = json.loads((shipped / "manifest.json").read_text(encoding="utf-8"))
    named = {entry["file"] for entry in manifest["traces"]}
    assert named | {"manifest.json"} == {path.name for path in shipped.iterdir()}


@every_recording
def test_compressed_traces_carry_no_file_name_or_time(name: str) -> None:
    data = (files("simulators.dram") / "traces" / recordings()[name]["file"]).read_bytes()
    assert data[4:8] == bytes(4)
    assert not data[3] & 8
