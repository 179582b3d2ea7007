"""For tests: programs in several dialects whose cost is known by counting."""

from collections.abc import Callable
from textwrap import dedent

import numpy as np

from costmodel._dataset import Dataset

__all__ = ["axpy_vector", "matmul_affine", "matmul_linalg", "relu_generic", "sample_dataset"]

FLOPS, REGISTERS, SPILLS = "analytic/flops", "test-cpu/register_pressure", "test-cpu/spills"
"""Targets of :func:`sample_dataset`."""


def matmul_affine(m: int = 8, n: int = 16, k: int = 32, unroll: int = 1) -> str:
    """Three loops around a multiply-add, the innermost one unrolled; k is a multiple of unroll."""
    step = f" step {unroll}" if unroll > 1 else ""
    body = []
    for u in range(unroll):
        at = f"%p + {u}" if u else "%p"
        body += [
            f"%a{u} = affine.load %A[%i, {at}] : memref<{m}x{k}xf32>",
            f"%b{u} = affine.load %B[{at}, %j] : memref<{k}x{n}xf32>",
            f"%c{u} = affine.load %C[%i, %j] : memref<{m}x{n}xf32>",
            f"%p{u} = arith.mulf %a{u}, %b{u} : f32",
            f"%s{u} = arith.addf %c{u}, %p{u} : f32",
            f"affine.store %s{u}, %C[%i, %j] : memref<{m}x{n}xf32>",
        ]
    lines = [
        "module {",
        f"func.func @f(%A: memref<{m}x{k}xf32>, %B: memref<{k}x{n}xf32>, "
        f"%C: memref<{m}x{n}xf32>) {{",
        f"affine.for %i = 0 to {m} {{",
        f"affine.for %j = 0 to {n} {{",
        f"affine.for %p = 0 to {k}{step} {{",
        *body,
        *("}", "}", "}", "return", "}", "}"),
    ]
    return "\n".join(lines) + "\n"


def matmul_linalg(m: int = 8, n: int = 16, k: int = 32) -> str:
    """The same as one operation on tensors."""
    return dedent(f"""\
        func.func @f(%a: tensor<{m}x{k}xf32>, %b: tensor<{k}x{n}xf32>) -> tensor<{m}x{n}xf32> {{
          %e = tensor.empty() : tensor<{m}x{n}xf32>
          %r = linalg.matmul ins(%a, %b : tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>) \
        outs(%e : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
          return %r : tensor<{m}x{n}xf32>
        }}
        """)


def relu_generic(rows: int = 4, columns: int = 8) -> str:
    """An elementwise operation as ``linalg.generic``."""
    kind = f"tensor<{rows}x{columns}xf32>"
    return dedent(f"""\
        #map = affine_map<(d0, d1) -> (d0, d1)>
        func.func @f(%x: {kind}) -> {kind} {{
          %zero = arith.constant 0.000000e+00 : f32
          %e = tensor.empty() : {kind}
          %r = linalg.generic {{indexing_maps = [#map, #map], \
        iterator_types = ["parallel", "parallel"]}} ins(%x : {kind}) outs(%e : {kind}) {{
          ^bb0(%in: f32, %out: f32):
            %m = arith.maximumf %in, %zero : f32
            linalg.yield %m : f32
          }} -> {kind}
          return %r : {kind}
        }}
        """)


def axpy_vector(n: int = 64, width: int = 8) -> str:
    """A loop over vectors: y += a * x."""
    vector, buffer = f"vector<{width}xf32>", f"memref<{n}xf32>"
    return dedent(f"""\
        func.func @f(%a: f32, %x: {buffer}, %y: {buffer}) {{
          %c0 = arith.constant 0 : index
          %n = arith.constant {n} : index
          %step = arith.constant {width} : index
          %av = vector.broadcast %a : f32 to {vector}
          scf.for %i = %c0 to %n step %step {{
            %xv = vector.load %x[%i] : {buffer}, {vector}
            %yv = vector.load %y[%i] : {buffer}, {vector}
            %r = vector.fma %av, %xv, %yv : {vector}
            vector.store %r, %y[%i] : {buffer}, {vector}
          }}
          return
        }}
        """)


def sample_dataset(size: int = 120, seed: int = 0) -> Dataset:
    """Return programs with labels that follow from how they were made.

    Every sixth program has no label of :data:`SPILLS`. Splits by family hold the vectors out.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    makers: list[Callable[[np.random.Generator], tuple[str, str, float, float]]]
    makers = [_some_loops, _some_tensors, _some_elements, _some_vectors]
    rows = [makers[i % len(makers)](rng) for i in range(size)]
    texts, families, flops, registers = zip(*rows, strict=True)
    pressure = np.array(registers)
    spills = np.where(np.arange(size) % 6 == 5, np.nan, np.maximum(pressure - 6.0, 0.0))
    part = np.where(rng.random(size) < 0.3, "test", "train").astype(object)
    held = np.array(["test" if f == "vector" else "train" for f in families], dtype=object)
    return Dataset(
        texts=texts,
        labels={FLOPS: np.array(flops), REGISTERS: pressure, SPILLS: spills},
        columns={
            "program": np.array([f"p{i // 4}" for i in range(size)], dtype=object),
            "family": np.array(families, dtype=object),
            "split_random": part,
            "split_family": held,
        },
    )


def _some_loops(rng: np.random.Generator) -> tuple[str, str, float, float]:
    m, n, unroll = (int(rng.integers(2, 20)) for _ in range(3))
    k = unroll * int(rng.integers(1, 8))
    return matmul_affine(m, n, k, unroll), "loops", 2.0 * m * n * k, 2.0 + unroll


def _some_tensors(rng: np.random.Generator) -> tuple[str, str, float, float]:
    m, n, k = (int(rng.integers(2, 60)) for _ in range(3))
    return matmul_linalg(m, n, k), "tensors", 2.0 * m * n * k, 4.0


def _some_elements(rng: np.random.Generator) -> tuple[str, str, float, float]:
    rows, columns = (int(rng.integers(2, 90)) for _ in range(2))
    return relu_generic(rows, columns), "elements", float(rows * columns), 2.0


def _some_vectors(rng: np.random.Generator) -> tuple[str, str, float, float]:
    width = int(2 ** rng.integers(1, 5))
    n = width * int(rng.integers(2, 40))
    return axpy_vector(n, width), "vector", 2.0 * n, 3.0
