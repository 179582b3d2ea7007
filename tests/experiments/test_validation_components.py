import csv
import json

from experiments.validation.components import compare, interpolation_errors, main

HEADER = (
    "class,width,depth,n_banks,n_rdwr_ports,type,datawidth,read_max_pJ,write_max_pJ,idle_pJ,"
    "mac_random,mac_reused,mac_gated,area_um2"
)
ROWS = [
    "SRAM,16,1024,1,2,,,2.32672,2.16407,6e-05,,,,14829.2",
    "SRAM,8,1024,32,2,,,FAILED,,,,,,",
    "intmac,,,,,,16,,,0.06595,2.20035,1.87673,0.10285,1239.5",
]


def test_components_that_agree_are_counted(tmp_path, capsys):
    reference = tmp_path / "components.csv"
    reference.write_text("\n".join([HEADER, *ROWS]))
    assert {row.component_class: (row.equal, row.total) for row in compare(reference)} == {
        "SRAM": (2, 2),
        "intmac": (1, 1),
    }
    assert main(reference) == 0
    assert "3 of 3 components agree" in capsys.readouterr().out


def test_a_component_that_differs_in_the_last_digit_is_found(tmp_path, capsys):
    reference = tmp_path / "components.csv"
    reference.write_text("\n".join([HEADER, ROWS[0].replace("2.32672", "2.32673")]))
    assert main(reference, json_output=True) == 1
    assert json.loads(capsys.readouterr().out)["agreement"][0]["equal"] == 0


def test_a_reference_of_another_layout_is_an_error(tmp_path, capsys):
    reference = tmp_path / "components.csv"
    with reference.open("w", newline="") as file:
        csv.writer(file).writerows([["name"], ["SRAM"]])
    assert main(reference) == 2
    assert "class" in capsys.readouterr().err


def test_arrays_left_out_are_predicted_within_a_quarter_mostly():
    inside = [row for row in interpolation_errors() if row.inside and row.ports == 2]
    assert {row.figure for row in inside} == {"read_pj", "write_pj", "idle_pj", "area_um2"}
    for row in inside:
        assert row.arrays > 90
        assert 1 < row.median < 10
        assert row.p90 < 25
