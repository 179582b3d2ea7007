"""MAESTRO's text format: networks, mappings, hardware files; and what is wrong in which line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.accelerator.maestro import (
    Cluster,
    Hardware,
    MaestroMapping,
    SpatialMap,
    TemporalMap,
    parse_network,
)
from simulators.errors import InvalidConfigError

NETWORK = """
Constant Tile 4; // as many channels at a time
Network tiny {
  Layer first {
    Type: CONV
    Stride { X: 2, Y: 2 }
    Dimensions { K: 8, C: 3, R: 3, S: 3, Y: 19, X: 19 }
    Dataflow {
      TemporalMap(Tile,Tile) C;
      SpatialMap(1,1) K; // one filter each
      Cluster(Sz(R), P);
      TemporalMap(Sz(R),1) Y;
      SpatialMap (1, 1) X';
    }
  }
  Layer second {
    Type: DSCONV
    Dimensions { C: 8, R: 5, S: 5, Y': 9, X': 9 }
  }
}
"""


def test_a_network_file_gives_its_layers_and_mappings() -> None:
    (first, mapping), (second, inherited) = parse_network(NETWORK)
    assert (first.name, first.kind, first.stride) == ("first", "CONV", (2, 2))
    assert dict(first.dims) == {"K": 8, "C": 3, "R": 3, "S": 3, "Y": 19, "X": 19}
    assert mapping.directives == (
        TemporalMap(4, 4, "C"),
        SpatialMap(1, 1, "K"),
        Cluster("Sz(R)", "P"),
        TemporalMap("Sz(R)", 1, "Y"),
        SpatialMap(1, 1, "X'"),
    )
    assert dict(second.dims) == {"C": 8, "R": 5, "S": 5, "Y": 13, "X": 13}
    # A layer without a Dataflow block has that of the layer before, with the sizes of that layer.
    assert inherited.directives[2:4] == (Cluster(3, "P"), TemporalMap(3, 1, "Y"))


def test_directives_remember_the_line_that_they_were_read_from() -> None:
    mapping = parse_network(NETWORK)[0][1]
    assert [directive.line for directive in mapping.directives] == [9, 10, 11, 12, 13]


def test_output_sizes_of_a_strided_layer_give_the_inputs_that_they_read() -> None:
    text = (
        "Network n { Layer l { Type: CONV Stride { X: 2, Y: 3 } "
        "Dimensions { K: 1, C: 1, R: 3, S: 3, Y': 4, X': 5 } "
        "Dataflow { SpatialMap(1,1) K; } } }"
    )
    layer, _ = parse_network(text)[0]
    assert (layer.dims["Y"], layer.dims["X"]) == (3 * 3 + 3, 4 * 2 + 3)
    assert layer.macs == 4 * 5 * 9


@pytest.mark.parametrize(
    "text",
    [
        "SpatialMap(1,1)K;TemporalMap(Sz(R),1)Y;Cluster(64,P);SpatialMap(2,2)C;",
        "Dataflow {\n SpatialMap(1,1) K;\n TemporalMap(Sz(R), 1) Y\n"
        "Cluster(64, P)\n SpatialMap(2,2) C;\n}",
    ],
)
def test_compact_and_block_forms_read_alike(text: str) -> None:
    assert MaestroMapping.from_text(text).directives == (
        SpatialMap(1, 1, "K"),
        TemporalMap("Sz(R)", 1, "Y"),
        Cluster(64, "P"),
        SpatialMap(2, 2, "C"),
    )


_sizes = st.one_of(st.integers(1, 500), st.sampled_from(["Sz(R)", "Sz(K)", "Sz(X)"]))
_maps = st.builds(
    lambda kind, size, offset, dim: kind(size, offset, dim),
    st.sampled_from([TemporalMap, SpatialMap]),
    _sizes,
    _sizes,
    st.sampled_from(["K", "C", "R", "S", "Y", "X", "N", "G", "M", "X'", "Y'"]),
)
_clusters = st.builds(Cluster, _sizes, st.sampled_from("PL"))


@given(st.lists(st.one_of(_maps, _clusters), min_size=1, max_size=12))
def test_a_mapping_survives_being_written_and_read(directives: list[TemporalMap]) -> None:
    mapping = MaestroMapping(tuple(directives))
    assert MaestroMapping.from_text(mapping.to_text()) == mapping


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SpatialMap(1,1) K;\nTemporaMap(1,1) C;", "line 2: unknown directive 'TemporaMap'. Did"),
        ("SpatialMap(1,1) K;\n\nTemporalMap(1,1) Q;", "line 3: TemporalMap: unknown dimension 'Q'"),
        ("SpatialMap(0,1) K;", "line 1: the size of SpatialMap is '0'"),
        ("SpatialMap(1,-3) K;", "line 1: '-' after|line 1: the offset of SpatialMap is '-'"),
        ("SpatialMap(1,x) K;", "line 1: the offset of SpatialMap is 'x'"),
        ("SpatialMap(Sz(Q),1) K;", "unknown dimension 'Q'"),
        ("SpatialMap[1,1] K;", r"line 1: '\[' after SpatialMap. Expected '\('"),
        ("SpatialMap(1,1", "line 1: the text ends where"),
        ("SpatialMap(1,1) K; Cluster(8,Z);", "line 1: Cluster: kind is 'Z'"),
        ("Dataflow { SpatialMap(1,1) K; } K", "line 1: 'K' after the Dataflow block"),
        ("", "a mapping has no directives"),
    ],
)
def test_a_bad_mapping_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        MaestroMapping.from_text(text)


LAYER = "Network n {{\n Layer l {{\n {} }}\n}}"
DIMS = "Dimensions { K: 1, C: 1, R: 1, S: 1, Y: 1, X: 1 }"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Type: POOL " + DIMS + " Dataflow { SpatialMap(1,1) K }", "line 2: .*type 'POOL'"),
        ("Dimension { K: 1 }", "line 3: unknown section 'Dimension'.* Did you mean 'Dimensions'"),
        ("Dimensions { K: 1, Q: 1 }", "line 3: unknown dimension 'Q'"),
        ("Dimensions { K: 1, K: 1 }", "line 3: Dimensions gives K twice"),
        ("Dimensions { K: none }", "line 3: Dimensions K is 'none'"),
        ("Dimensions { K: 1 } Dataflow { SpatialMap(1,1) K }", "line 2: .* Add C, R, S, Y, X"),
        (DIMS, "line 2: layer 'l' has no Dataflow block"),
        (DIMS + " Dataflow { SpatialMap(1,1) K", "unknown directive '}'|the text ends"),
    ],
)
def test_a_bad_network_is_refused_with_its_line(body: str, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        parse_network(LAYER.format(body))


@pytest.mark.parametrize("text", ["", "Layer l { }", "Network n { }"])
def test_a_text_without_a_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfigError, match="line 1: "):
        parse_network(text)


@given(st.text(alphabet="SpatialMpTer(1,)K;{}\nNwokLyDfC/'Z:", max_size=80))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    for read in (MaestroMapping.from_text, parse_network):
        with suppress(InvalidConfigError):
            assert read(text)


def test_a_hardware_file_is_read(tmp_path) -> None:
    path = tmp_path / "hardware.m"
    path.write_text("num_pes: 168 // array\nnoc_bw_cstr: 64\nNoC_NumHops: 2\nl1_size_cstr: 512\n")
    assert Hardware.from_file(path) == Hardware(pes=168, noc_bandwidth=64, noc_hops=2, l1_size=512)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_pes: 8\nnoc_bw: 4", "line 2: 'noc_bw: 4' is no hardware setting. Did you mean 'noc"),
        ("num_pes: many", "line 1"),
        ("noc_bw_cstr: 8", "no num_pes"),
        ("num_pes: 0", "pes is 0"),
    ],
)
def test_a_bad_hardware_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidConfigError, match=message):
        Hardware.from_text(text)
