import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.accelerator._components import component_classes, estimate
from simulators.accelerator._sram import measured_arrays, sram
from simulators.accelerator._technology import node_scale
from simulators.errors import InvalidConfigError

# What Accelergy printed at 45 nm: class, attributes, read, write, idle (pJ), area (um2).
TOOL = [
    ("regfile", {"width": 16, "depth": 1}, 0.144, 0.144, 0.00592, 95.68),
    ("regfile", {"width": 8, "depth": 12}, 0.11552, 0.11552, 0.00314, 152.84),
    ("regfile", {"width": 32, "depth": 4096}, 44.85504, 44.85504, 0.19785, 107711.36),
    # Timeloop's names do not reach these two classes: the tool charges its default sizes.
    ("regfile", {"memory_width": 16, "memory_depth": 2048}, 0.144, 0.144, 0.00592, 95.68),
    ("SRAM", {"memory_width": 16, "memory_depth": 8}, 3.38552, 6.45356, 0.00011, 13502.9),
    ("SRAM", {"width": 16, "depth": 1024, "n_rdwr_ports": 2}, 2.32672, 2.16407, 6e-5, 14829.2),
    ("SRAM", {"width": 16, "depth": 1024}, 1.96991, 1.83309, 5e-5, 7090.5),
    ("SRAM", {"width": 16, "depth": 16}, 0.20203, 0.20203, 0.00616, 235.68),
    ("SRAM", {"width": 16, "depth": 32}, 0.54526, 0.71807, 1e-5, 1020.59),
    (
        "smartbuffer_SRAM",
        {"memory_width": 64, "memory_depth": 16384, "n_banks": 32},
        74.1442,
        75.2148,
        0.01824,
        1162549.0,
    ),
    (
        "smartbuffer_SRAM",
        {"memory_width": 16, "memory_depth": 192},
        0.72713,
        1.08538,
        0.01191,
        3087.39,
    ),
    (
        "smartbuffer_RF",
        {"memory_width": 16, "memory_depth": 128},
        1.00522,
        1.00522,
        0.02121,
        2234.68,
    ),
    ("DRAM", {"type": "HBM2", "width": 64}, 249.6, 249.6, 0, 0),
    ("DRAM", {"word-bits": 16, "block-size": 4}, 512, 512, 0, 0),
    ("reg_storage", {"memory_depth": 1, "word-bits": 8}, 0.009, 0.009, 0.00037, 5.98),
]


@pytest.mark.parametrize(("kind", "attributes", "read", "write", "idle", "area"), TOOL)
def test_accelergy_compatibility_gives_what_accelergy_prints(
    kind, attributes, read, write, idle, area
):
    cost = estimate(kind, attributes, compatibility="accelergy")
    assert cost.read_energy_pj == pytest.approx(read, abs=0.6e-5)
    assert cost.write_energy_pj == pytest.approx(write, abs=0.6e-5)
    assert cost.idle_energy_pj == pytest.approx(idle, abs=0.6e-5)
    assert cost.area_um2 == pytest.approx(area, rel=1e-9, abs=0.006)


@pytest.mark.parametrize(
    ("bits", "random", "reused", "gated", "idle", "area"),
    [
        (8, 0.5608, 0.47989, 0.03642, 0.01797, 332.25),
        (16, 2.20035, 1.87673, 0.10285, 0.06595, 1239.5),
        (24, 4.91865, 4.19049, 0.19928, 0.14392, 2721.75),
        (32, 8.7157, 7.4212, 0.3257, 0.2519, 4779.0),
    ],
)
def test_an_integer_mac_costs_an_adder_and_a_multiplier(bits, random, reused, gated, idle, area):
    cost = estimate("intmac", {"datawidth": bits})
    measured = [cost.actions[name] for name in ("mac_random", "mac_reused", "mac_gated", "idle")]
    assert measured == pytest.approx([random, reused, gated, idle], abs=0.6e-5)
    assert cost.area_um2 == pytest.approx(area)


def test_every_measured_array_costs_what_the_table_says():
    for ports, arrays in measured_arrays().items():
        for (width, rows, banks), values in arrays.items():
            found = sram(width, rows, banks, ports, monotone=False)
            assert not found.interpolated
            assert (found.read_pj, found.write_pj, found.idle_pj, found.area_um2) == values


def test_registers_are_not_free_by_default():
    shallow, deep = (
        estimate("regfile", {"width": 16, "depth": depth}, 45).area_um2 for depth in (16, 32)
    )
    assert deep > 1.9 * shallow
    tool = estimate("regfile", {"width": 16, "depth": 16}, compatibility="accelergy")
    bits = estimate("regfile", {"width": 16, "depth": 16})
    assert bits.area_um2 - tool.area_um2 == pytest.approx(15 * 16 * 5.98)
    assert bits.read_energy_pj == tool.read_energy_pj


@pytest.mark.parametrize("kind", ["SRAM", "regfile", "smartbuffer_SRAM", "smartbuffer_RF"])
def test_timeloops_names_of_depth_and_width_are_charged_by_default(kind):
    by_tool = estimate(kind, {"memory_depth": 1024, "memory_width": 32})
    assert by_tool == estimate(kind, {"depth": 1024, "width": 32})
    assert by_tool == estimate(kind, {"depth": 1024, "word-bits": 8, "block-size": 4})
    assert by_tool == estimate(kind, {"entries": 4096, "word-bits": 8, "block-size": 4})
    assert by_tool == estimate(kind, {"sizeKB": 4, "word-bits": 8, "block-size": 4})


def test_instances_of_a_cluster_share_an_access_and_the_area():
    registers = {"memory_depth": 1, "word-bits": 8, "cluster-size": 64}
    cluster = estimate("reg_storage", registers)
    assert cluster.read_energy_pj == pytest.approx(0.009 * 8 * 64)
    assert cluster.area_um2 == pytest.approx(5.98 * 8)
    assert estimate("reg_storage", {**registers, "memory_width": 512}) == cluster
    assert estimate("reg_storage", registers, compatibility="accelergy").area_um2 == 5.98


SIZES = st.tuples(
    st.integers(1, 512), st.integers(1, 100_000), st.integers(1, 512), st.integers(1, 100_000)
)


@given(
    SIZES,
    st.sampled_from(["SRAM", "smartbuffer_SRAM", "regfile", "smartbuffer_RF", "register"]),
    st.sampled_from([1, 2]),
)
def test_a_larger_memory_never_costs_less(sizes, kind, ports):
    width, depth, more_width, more_depth = sizes
    small = {"width": width, "depth": depth, "n_rdwr_ports": ports}
    large = {"width": width + more_width, "depth": depth + more_depth, "n_rdwr_ports": ports}
    one, other = estimate(kind, small), estimate(kind, large)
    assert one.read_energy_pj <= other.read_energy_pj * (1 + 1e-9)
    assert one.write_energy_pj <= other.write_energy_pj * (1 + 1e-9)
    assert one.area_um2 <= other.area_um2 * (1 + 1e-9)


@given(st.sampled_from([8, 16, 32, 64, 128, 256]), st.integers(10, 15), st.floats(0, 1))
def test_a_size_between_two_rows_costs_what_lies_between(width, exponent, share):
    low, high = sram(width, 2**exponent), sram(width, 2 ** (exponent + 1))
    between = sram(width, round(2 ** (exponent + share)))
    assert low.read_pj * (1 - 1e-9) <= between.read_pj <= high.read_pj * (1 + 1e-9)
    assert low.area_um2 * (1 - 1e-9) <= between.area_um2 <= high.area_um2 * (1 + 1e-9)


def test_the_middle_of_two_rows_is_their_geometric_mean():
    low, high = sram(64, 1024), sram(64, 4096)
    assert sram(64, 2048).interpolated is False
    between = sram(64, round(math.sqrt(2048 * 4096)))
    expected = math.sqrt(sram(64, 2048).read_pj * high.read_pj)
    assert between.read_pj == pytest.approx(expected, rel=1e-3)
    assert between.interpolated
    assert not between.extrapolated
    assert low.read_pj < between.read_pj


def test_a_memory_outside_the_table_says_so():
    wide = estimate("SRAM", {"width": 512, "depth": 1024, "n_rdwr_ports": 2})
    inside = estimate("SRAM", {"width": 256, "depth": 1024, "n_rdwr_ports": 2})
    assert wide.extrapolated
    assert "outside" in wide.source
    assert wide.read_energy_pj == pytest.approx(2 * inside.read_energy_pj)
    assert wide.area_um2 == pytest.approx(2 * inside.area_um2)
    assert not inside.extrapolated
    assert estimate("SRAM", {"width": 64, "depth": 131072}).extrapolated


def test_one_port_never_costs_more_than_two():
    for width in (8, 16, 50, 64, 256):
        for rows in (64, 500, 2048, 65536):
            one, two = sram(width, rows, 1, 1), sram(width, rows, 1, 2)
            assert one.area_um2 < two.area_um2
            assert one.read_pj < two.read_pj


@pytest.mark.parametrize(
    ("kind", "attributes", "words"),
    [
        ("SRAM", {"width": 8, "depth": 1024, "n_banks": 32}, ["32 banks", "64 bytes"]),
        ("SRAM", {"width": 64, "depth": 1024, "n_banks": 64}, ["16 rows", "32 rows"]),
        ("SRAM", {"width": 64, "depth": 64, "n_rdwr_ports": 3}, ["3 ports", "1 or 2"]),
        ("SRAM", {"width": 64, "depth": 1 << 23}, ["4,194,304 rows", "DRAM"]),
        ("SRAM", {"width": 64}, ["no depth", "memory_depth"]),
        ("regfile", {"depth": 64, "width": "wide"}, ["width='wide'", "positive number"]),
        ("SRAM", {"depth": 64, "width": 8, "n_banks": 1.5}, ["n_banks=1.5", "whole number"]),
        ("DRAM", {"type": "LPDDR5", "width": 64}, ["LPDDR5", "Did you mean 'LPDDR", "HBM2"]),
        ("fpmac", {"datawidth": 8}, ["8 bits", "16, 32"]),
        ("sramm", {}, ["'sramm'", "Did you mean 'sram'", "smartbuffer_sram"]),
        ("SRAM", {"depth": 64, "width": 8, "technology": "tiny"}, ["'tiny'", "45nm"]),
    ],
)
def test_what_no_table_covers_is_refused_with_the_reason(kind, attributes, words):
    with pytest.raises(InvalidConfigError) as error:
        estimate(kind, attributes)
    for word in words:
        assert word in str(error.value)


def test_an_unknown_compatibility_is_refused():
    with pytest.raises(InvalidConfigError, match="Did you mean 'accelergy'"):
        estimate("intmac", {}, compatibility="acelergy")


def test_floating_point_costs_the_published_figures():
    cost = estimate("fpmac", {"exponent": 5, "mantissa": 10})
    assert cost.actions["mac_random"] == pytest.approx(0.4 + 1.1)
    assert estimate("fpmac", {"datawidth": 32}).actions["mac_random"] == pytest.approx(4.6)


def test_every_class_has_an_estimate_in_any_case_of_letters():
    attributes = {"width": 32, "depth": 64}
    for name in component_classes():
        assert estimate(name, attributes) == estimate(name.upper(), attributes)
        assert min(estimate(name, attributes).actions.values()) >= 0


def test_the_published_example_of_scaling_is_reproduced():
    # The corrected example of section 4.2.1 of the paper: 0.4571 is the factor of 32 nm at 0.9 V.
    at_45 = 1.018 - 0.3107 + 0.1539
    assert node_scale(32).energy == pytest.approx(0.4571 / at_45, rel=1e-4)
    assert node_scale(7).area == pytest.approx(0.059)
    assert node_scale(45) == node_scale(90, 90)


@given(st.floats(7, 180), st.floats(7, 180))
def test_a_smaller_node_costs_less(one, other):
    small, large = sorted((one, other))
    assert node_scale(small).energy <= node_scale(large).energy
    assert node_scale(small).area <= node_scale(large).area


def test_scaling_reaches_logic_and_arrays_but_no_dram():
    for kind in ("SRAM", "intmac", "regfile"):
        attributes = {"width": 32, "depth": 64}
        at_45, at_16 = estimate(kind, attributes), estimate(kind, attributes, 16)
        assert at_16.area_um2 == pytest.approx(0.19 * at_45.area_um2)
        assert at_16 == estimate(kind, {**attributes, "technology": "16nm"})
        assert "16 nm" in at_16.source
    assert estimate("DRAM", {"width": 64}, 16) == estimate("DRAM", {"width": 64}, 45)


@pytest.mark.parametrize("node", [5, 250])
def test_a_node_without_published_factors_is_refused(node):
    with pytest.raises(InvalidConfigError, match="7 to 180"):
        estimate("intmac", {}, node)
