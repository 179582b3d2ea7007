"""For tests: programs in several dialects whose cost is known by counting."""

from textwrap import dedent

__all__ = ["axpy_vector", "matmul_affine", "matmul_linalg", "relu_generic"]


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
