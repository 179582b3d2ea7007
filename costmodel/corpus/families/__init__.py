"""Families of programs: networks and kernels that compilers meet, with random sizes."""

import numpy as np

from costmodel.corpus.families._convolutional import CONVOLUTIONAL
from costmodel.corpus.families._jax import jax_text
from costmodel.corpus.families._other_networks import INTEGER_INPUTS, OTHER_NETWORKS
from costmodel.corpus.families._scientific import SCIENTIFIC
from costmodel.corpus.families._torch import TORCH_FAMILIES, torch_program
from costmodel.corpus.families._transformers import TRANSFORMERS

__all__ = ["JAX_FAMILIES", "TORCH_FAMILIES", "jax_program", "torch_program"]

_MODELS = {**CONVOLUTIONAL, **TRANSFORMERS, **OTHER_NETWORKS, **SCIENTIFIC}
JAX_FAMILIES = tuple(_MODELS)
"""Families that are traced with JAX."""


def jax_program(family: str, rng: np.random.Generator) -> str:
    """Return StableHLO of a whole model of the family, with sizes drawn."""
    model, inputs = _MODELS[family]
    return jax_text(model, inputs(rng), integers=INTEGER_INPUTS.get(family, ()))
