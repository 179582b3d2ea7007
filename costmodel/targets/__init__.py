"""Labels of programs from real compilers, one file per source.

Nothing here predicts: :func:`label` compiles, runs and analyses a program with LLVM, NVIDIA's
and AMD's code generators. :data:`TARGETS` says what each label means.
"""

from costmodel.targets._label import TARGETS, Labels, label, resolve_targets
from costmodel.targets._sandbox import Failure
from costmodel.targets._spec import TargetSpec

__all__ = ["TARGETS", "Failure", "Labels", "TargetSpec", "label", "resolve_targets"]
