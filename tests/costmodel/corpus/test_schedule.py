import numpy as np
import pytest

pytest.importorskip("mlir.ir")
pytest.importorskip("llvmlite.binding")

from costmodel.corpus._emit_linalg import to_linalg_text
from costmodel.corpus._kernels import KERNELS, random_kernel
from costmodel.corpus._operations import loop_nests, mark_operations
from costmodel.corpus._program import Program, canonical
from costmodel.corpus._sample import label_program, loop_nests_of
from costmodel.corpus._schedule import random_schedule, scheduled
from costmodel.targets._jit import host_runs
from costmodel.targets._label import Measurement, UnwantedError, measure, preload
from costmodel.targets._lowering import parse
from costmodel.targets._sandbox import SampleError, sandboxed

MATMUL = """\
func.func @kernel(%a: tensor<16x24xf32>, %b: tensor<24x32xf32>) -> tensor<16x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16x32xf32>) -> tensor<16x32xf32>
  %m = linalg.matmul ins(%a, %b : tensor<16x24xf32>, tensor<24x32xf32>)
                     outs(%f : tensor<16x32xf32>) -> tensor<16x32xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                        affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
       ins(%m : tensor<16x32xf32>) outs(%e : tensor<16x32xf32>) {
  ^bb0(%x: f32, %out: f32):
    %y = arith.mulf %x, %x : f32
    linalg.yield %y : f32
  } -> tensor<16x32xf32>
  return %s : tensor<16x32xf32>
}
"""
WANTED = frozenset({"x86-64-znver4/executed_instructions"})


class Silent:
    def stage(self, name):
        pass

    def value(self, name, value):
        pass


def _outputs(steps):
    if not host_runs("x86-64-znver4"):
        pytest.skip("this machine cannot run AVX-512 code")
    preload()
    module, applied = scheduled(MATMUL, steps)
    measurement = Measurement(WANTED, Silent())
    measure(module, measurement)
    return measurement, applied


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "interchange", "op": 2, "order": [1, 0]}],
        [{"step": "fuse", "mode": "greedy"}],
        [{"step": "tile", "size": 8}],
        [{"step": "unroll_jam", "loop": 1, "factor": 4}, {"step": "scalar_replace"}],
        [{"step": "vectorize", "size": 8}],
        [{"step": "unroll", "factor": 4}],
        [{"step": "hoist"}],
        [{"step": "register_tile", "op": 1, "tile": [4, 16, 2], "unroll": 2}],
        [
            {"step": "register_tile", "op": 1, "tile": [8, 8, 1]},
            {"step": "register_tile", "op": 2, "tile": [2, 16]},
        ],
    ],
    ids=lambda steps: "+".join(step["step"] for step in steps),
)
def test_each_step_applies_and_leaves_the_answer_unchanged(steps):
    plain, _ = _outputs([])
    changed, applied = _outputs(steps)
    assert list(applied) == steps
    assert changed.outputs.differs(plain.outputs.arrays) is None


def test_the_differential_check_sees_a_changed_answer():
    plain, _ = _outputs([])
    other, _ = _outputs([])
    other.outputs.arrays[2][3, 5] *= 1.5
    assert "argument 2" in other.outputs.differs(plain.outputs.arrays)


def test_a_step_that_finds_no_loop_is_not_recorded():
    text = "func.func @kernel(%a: memref<4xf32>) { return }"
    _, applied = scheduled(text, [{"step": "unroll_jam", "loop": 3, "factor": 2}])
    assert applied == []


def test_a_register_tile_shows_as_vectors():
    module, _ = scheduled(MATMUL, [{"step": "register_tile", "op": 1, "tile": [4, 16, 1]}])
    text = str(module)
    assert "vector.contract" in text
    assert "scf.forall" in text


def test_loops_of_operations_have_sizes_and_kinds():
    module = parse(MATMUL)
    nests = loop_nests(mark_operations(module))
    assert [(nest.index, nest.sizes) for nest in nests] == [(1, (16, 32, 24)), (2, (16, 32))]
    assert nests[0].reductions == (2,)


def test_equal_seeds_give_equal_schedules():
    nests = loop_nests_of(MATMUL)
    for kernel in (False, True):
        first = random_schedule(np.random.default_rng(5), nests, kernel=kernel)
        assert first == random_schedule(np.random.default_rng(5), nests, kernel=kernel)
        assert first


def test_most_random_schedules_of_kernels_succeed():
    done = 0
    for seed, name in enumerate(list(KERNELS) * 4):
        rng = np.random.default_rng(seed)
        text = to_linalg_text(random_kernel(rng, name))
        steps = random_schedule(rng, loop_nests_of(text), kernel=True)
        done += sandboxed(lambda report, t=text, s=steps: scheduled(t, s)).failure is None
    assert done >= 14


def test_trivial_programs_are_refused():
    preload()
    text = "func.func @kernel(%a: tensor<2xf32>) -> tensor<2xf32> { return %a : tensor<2xf32> }"
    with pytest.raises((SampleError, UnwantedError), match="trivial"):
        label_program(
            Program(canonical(text), "x", "generator"),
            np.random.default_rng(0),
            WANTED,
            1,
            protected=False,
        )
