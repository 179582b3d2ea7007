from pathlib import Path

import pytest
import yaml

import simulators.accelerator
from simulators.accelerator._architecture import Architecture

CONSTRAINTS = Path(simulators.accelerator.__file__).parent / "presets" / "constraints"
KIB = 1024 * 8


def test_the_presets_are_the_published_machines():
    macs = {name: Architecture.preset(name).compute.instances for name in Architecture.presets()}
    assert macs == {"edge": 64, "eyeriss": 168, "simba": 1024, "tpu-like": 65536}


@pytest.mark.parametrize(
    ("preset", "level", "instances", "bits"),
    [
        ("eyeriss", "shared_glb", 1, 128 * KIB),
        ("eyeriss", "weights_spad", 168, 192 * 16),
        ("simba", "GlobalBuffer", 1, 64 * KIB),
        ("simba", "InputBuffer", 16, 8 * KIB),
        ("simba", "WeightBuffer", 128, 4 * KIB),
        ("simba", "AccumulationBuffer", 128, 3 * KIB / 8),
        ("tpu-like", "UnifiedBuffer", 1, 24 * 1024 * KIB),
        ("tpu-like", "Accumulators", 256, 16 * KIB),
        ("edge", "ConvolutionBuffer", 1, 128 * KIB),
    ],
)
def test_a_preset_has_the_published_storage(preset, level, instances, bits):
    found = Architecture.preset(preset).level(level)
    assert found.instances == instances
    assert found.size_words * found.word_bits == bits


def test_eyeriss_accesses_cost_what_the_tool_charges():
    eyeriss = Architecture.preset("eyeriss")
    energies = {level.name: level.access_energy_pj for level in eyeriss.levels}
    assert energies["DRAM"] == (512, 512)
    assert energies["shared_glb"] == pytest.approx((74.1442, 75.2148))
    assert energies["weights_spad"] == pytest.approx((0.72713, 1.08538))
    assert energies["psum_spad"] == pytest.approx((0.25083, 0.25083))
    assert energies["ifmap_spad"] == pytest.approx((0.23632, 0.23632), abs=1e-5)
    assert eyeriss.compute.energy_pj == pytest.approx(2.20035)


@pytest.mark.parametrize("preset", Architecture.presets())
def test_the_constraints_of_a_preset_name_its_levels_and_hold_every_tensor(preset):
    content = yaml.safe_load((CONSTRAINTS / f"{preset}.yaml").read_text(encoding="utf-8"))
    targets = content["architecture_constraints"]["targets"]
    levels = {level.name for level in Architecture.preset(preset).levels}
    bypasses = [target for target in targets if target["type"] == "bypass"]
    assert {target["target"] for target in bypasses} == levels
    for target in targets:
        if target["type"] == "bypass":
            assert sorted(target["keep"] + target["bypass"]) == ["Inputs", "Outputs", "Weights"]
        else:
            assert sorted(target["permutation"]) == list("CMNPQRS")
            assert target["target"] in levels


@pytest.mark.parametrize("preset", Architecture.presets())
def test_every_on_chip_level_of_a_preset_costs_energy_and_area(preset):
    for level in Architecture.preset(preset).levels:
        assert min(level.access_energy_pj) > 0
        assert (level.area_um2 > 0) == (level.technology != "DRAM")
