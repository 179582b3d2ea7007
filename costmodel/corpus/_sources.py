"""Where programs come from: whole models traced once, kernels and random graphs drawn each time.

Loops over long arrays are a corpus of their own, which needs no front end.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from costmodel.corpus._emit_linalg import to_linalg_text
from costmodel.corpus._emit_stablehlo import to_stablehlo_text
from costmodel.corpus._generator import random_graph
from costmodel.corpus._graph import Graph
from costmodel.corpus._kernels import KERNELS, random_kernel
from costmodel.corpus._loops import LOOPS, random_loops
from costmodel.corpus._nests import NESTS, random_nest
from costmodel.corpus._program import Program, canonical
from costmodel.corpus._slices import random_slice
from costmodel.corpus.families import JAX_FAMILIES, TORCH_FAMILIES, jax_program, torch_program

__all__ = ["MODEL_VARIANTS", "Kind", "Model", "draw_program", "models", "trace"]

Kind = Literal["tensors", "loops"]
"""Programs of a corpus: pieces of models, kernels and random graphs; or loops over long arrays."""

MODEL_VARIANTS = {"jax": 5, "torch": 4}
"""How many sizes each family is traced in."""

_KERNEL_SHARE, _GENERATOR_SHARE, _TORCH_SHARE = 0.24, 0.2, 0.25
"""Shares of all draws; of the pieces of models, those that PyTorch traced."""
_STABLEHLO_SHARE = 0.35

Model = tuple[str, str, int]
"""A traced model: source, family, variant."""


def models(kind: Kind = "tensors") -> list[Model]:
    """Return every model that is to be traced."""
    if kind == "loops":
        return []
    named = (("jax", JAX_FAMILIES), ("torch", TORCH_FAMILIES))
    return [
        (source, family, variant)
        for source, families in named
        for family in families
        for variant in range(MODEL_VARIANTS[source])
    ]


def model_path(folder: Path, model: Model) -> Path:
    """Return where a traced model is kept."""
    source, family, variant = model
    return folder / f"{source}-{family}-{variant}.mlir"


def trace(model: Model, seed: int) -> str:
    """Return the text of a whole model, its sizes drawn from the seed.

    Raises:
        BackendError: If its front end is not installed.
    """
    source, family, variant = model
    entropy = [seed, 1, *family.encode(), variant]
    rng = np.random.default_rng(entropy)
    return jax_program(family, rng) if source == "jax" else torch_program(family, rng)


def draw_program(
    rng: np.random.Generator, traced: list[tuple[Model, Path]], kind: Kind = "tensors"
) -> Program:
    """Draw a program: a kernel, a random graph, or a piece of a traced model; or loops.

    Raises:
        SampleError: If the piece drawn is not a program.
    """
    if kind == "loops":
        names = (*LOOPS, *NESTS)
        family = names[int(rng.integers(len(names)))]
        nest = family in NESTS
        text = random_nest(rng, family) if nest else to_linalg_text(random_loops(rng, family))
        return Program(canonical(text), family, "loops")
    share = rng.random()
    if share < _KERNEL_SHARE or not traced:
        family = list(KERNELS)[int(rng.integers(len(KERNELS)))]
        return Program(canonical(_text(random_kernel(rng, family), 0.0)), family, "kernel")
    if share < _KERNEL_SHARE + _GENERATOR_SHARE:
        most = 1 + int(rng.geometric(0.25))
        graph = random_graph(rng, max_operations=min(most, 12))
        return Program(canonical(_text(graph, rng.random())), "generator", "generator")
    # Families are equally likely, however many models of them were traced.
    source = "torch" if rng.random() < _TORCH_SHARE else "jax"
    traced = [pair for pair in traced if pair[0][0] == source] or traced
    families = sorted({model[1] for model, _ in traced})
    family = families[int(rng.integers(len(families)))]
    candidates = [pair for pair in traced if pair[0][1] == family]
    (source, _, _), path = candidates[int(rng.integers(len(candidates)))]
    return Program(canonical(random_slice(path.read_text(), rng)), family, source)


def _text(graph: Graph, draw: float) -> str:
    other = to_stablehlo_text(graph) if 0.0 < draw < _STABLEHLO_SHARE else None
    return other or to_linalg_text(graph)
