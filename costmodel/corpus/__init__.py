"""Programs with labels: drawn from models, kernels and a generator, compiled, split, written."""

from costmodel.corpus._build import (
    DEFAULT_TARGETS,
    BuildEvent,
    CorpusConfig,
    build_corpus,
)
from costmodel.corpus._extend import extend_corpus, repeatability
from costmodel.corpus._splits import SPLITS, TEST_FAMILIES, VALID_FAMILIES

__all__ = [
    "DEFAULT_TARGETS",
    "SPLITS",
    "TEST_FAMILIES",
    "VALID_FAMILIES",
    "BuildEvent",
    "CorpusConfig",
    "build_corpus",
    "extend_corpus",
    "repeatability",
]
