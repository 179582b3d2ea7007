import re

import numpy as np
import pytest

from costmodel.corpus._nests import NESTS, random_nest

SEEDS = range(60)


def _texts(name: str) -> list[str]:
    return [random_nest(np.random.default_rng(seed), name) for seed in SEEDS]


@pytest.mark.parametrize("name", NESTS)
def test_equal_seeds_give_equal_nests(name: str):
    texts = _texts(name)
    assert texts == _texts(name)
    assert len(set(texts)) > len(SEEDS) / 2


@pytest.mark.parametrize("name", NESTS)
def test_nests_are_written_in_both_dialects_for_all_elements(name: str):
    texts = _texts(name)
    for part in ("affine.for", "scf.for", "xf32", "xf64", "xi32"):
        assert any(part in text for text in texts), part
    assert not any("affine." in text and "scf." in text for text in texts)


def test_reductions_carry_a_value_and_recurrences_do_or_read_what_they_wrote():
    assert all("iter_args" in text for text in _texts("nest-reduction"))
    carried = ["iter_args" in text for text in _texts("nest-recurrence")]
    earlier = [" - 1]" in text or "arith.subi %i" in text for text in _texts("nest-recurrence")]
    assert 0.2 < np.mean(carried) < 0.8
    assert [not one for one in carried] == earlier


def test_some_operands_have_their_dimensions_in_another_order():
    loads = re.compile(r"load %\w+\[%i1, %i0\]")
    assert 0 < sum(bool(loads.search(text)) for text in _texts("nest-map")) < len(SEEDS) / 2


@pytest.mark.parametrize("name", NESTS)
def test_nests_are_valid_programs(name: str):
    pytest.importorskip("mlir.ir")
    from costmodel.corpus._program import canonical
    from costmodel.corpus._schedule import scheduled
    from costmodel.targets._buffers import arguments_of

    for text in _texts(name)[:20]:
        module, _ = scheduled(canonical(text), [])
        assert arguments_of(module)
