"""Trees in few bytes: a threshold is an index into the thresholds that its feature has anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel.errors import ModelError

_PAGE = 256

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Forest:
    """Nodes and leaves of all trees, one tree after another."""

    feature: Array
    """Feature of each node, uint16."""
    threshold: Array
    """Threshold of each node, float32: up to it, left."""
    left: Array
    """Left child of each node in its tree, int32; below zero ``~leaf``."""
    right: Array
    """Right child of each node."""
    leaf: Array
    """Value of each leaf, float32."""
    tree_nodes: Array
    """Nodes of each tree, int32."""
    tree_leaves: Array
    """Leaves of each tree, int32."""

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.tree_nodes)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the trees of a model that LightGBM wrote as text."""
        trees = [_block(part) for part in text.split("\nTree=")[1:]]
        thresholds = [_single(_floats(tree, "threshold")) for tree in trees]
        return cls(
            _joined([_floats(t, "split_feature") for t in trees], np.uint16),
            _joined(thresholds, np.float32),
            _joined([_floats(t, "left_child") for t in trees], np.int32),
            _joined([_floats(t, "right_child") for t in trees], np.int32),
            _joined([_floats(t, "leaf_value") for t in trees], np.float32),
            np.array([int(t["num_leaves"]) - 1 for t in trees], dtype=np.int32),
            np.array([int(t["num_leaves"]) for t in trees], dtype=np.int32),
        )

    @classmethod
    def of_nodes(cls, trees: Sequence[Any], leaves: Sequence[Array]) -> Self:
        """Return trees of scikit-learn, given the value of each of their nodes that is a leaf."""
        parts = [_renumbered(tree) for tree in trees]
        inner = [tree.children_left >= 0 for tree in trees]
        counts = np.array([int(own.sum()) for own in inner], dtype=np.int32)
        pairs = list(zip(trees, inner, strict=True))
        return cls(
            _joined([tree.feature[own] for tree, own in pairs], np.uint16),
            _joined([_single(tree.threshold[own]) for tree, own in pairs], np.float32),
            _joined([left for left, _ in parts], np.int32),
            _joined([right for _, right in parts], np.int32),
            _joined([v[~own] for v, own in zip(leaves, inner, strict=True)], np.float32),
            counts,
            counts + 1,
        )

    @classmethod
    def join(cls, forests: Sequence["Forest"]) -> Self:
        """Return all trees of several forests."""
        return cls(
            *(
                np.concatenate([getattr(forest, field.name) for forest in forests])
                for field in fields(cls)
            )
        )

    def evaluator(self, tree_targets: Array, targets: int, width: int) -> _core.Trees:
        """Return what evaluates the trees, each of which adds to one target.

        Raises:
            ModelError: If the trees do not fit together.
        """
        try:
            return _core.Trees(
                self.feature,
                self.threshold,
                self.left,
                self.right,
                self.leaf,
                self.tree_nodes,
                self.tree_leaves,
                np.ascontiguousarray(tree_targets, dtype=np.int32),
                targets,
                width,
            )
        except ValueError as error:
            raise ModelError(f"{error} Save the model again.") from error

    def to_arrays(self, prefix: str) -> dict[str, Array]:
        """Return compact arrays that :meth:`from_arrays` reads."""
        # By feature, then threshold; one key for both, as sorting rows of two takes far longer.
        values, rank = np.unique(self.threshold, return_inverse=True)
        keys = self.feature.astype(np.int64) * max(len(values), 1) + rank
        table, row = np.unique(keys, return_inverse=True)
        counts = np.bincount(table // max(len(values), 1))
        # A feature has a page for each 256 of its thresholds, so that a node takes two bytes.
        pages = -(-counts // _PAGE)
        of_page = np.repeat(np.arange(len(pages)), pages)
        place = np.arange(len(of_page)) - np.repeat(np.cumsum(pages) - pages, pages)
        starts = (np.cumsum(counts) - counts)[of_page] + _PAGE * place
        page = np.searchsorted(starts, row, side="right") - 1
        most = int(self.tree_leaves.max(initial=0))
        child = np.int8 if most <= 128 else np.int16 if most <= 1 << 15 else np.int32
        arrays = {
            "page": page.astype(_small(len(of_page))),
            "bin": (row - starts[page]).astype(np.uint8),
            "thresholds": values[table % max(len(values), 1)].astype(np.float32),
            "feature_of_page": of_page.astype(_small(len(pages))),
            "page_starts": starts.astype(np.int32),
            "left": self.left.astype(child),
            "right": self.right.astype(child),
            "tree_leaves": self.tree_leaves.astype(np.int16 if most < 1 << 15 else np.int32),
            **self._kept_leaves(),
        }
        return {f"{prefix}.{name}": array for name, array in arrays.items()}

    def _kept_leaves(self) -> dict[str, Array]:
        whole = self.leaf.astype(np.int64)
        if np.array_equal(whole, self.leaf) and whole.min(initial=0) >= 0:
            return {"leaf": whole.astype(_small(int(whole.max(initial=0)) + 1))}
        # Leaves of a tree differ little from its first one, which is kept exactly.
        first = self.leaf[np.cumsum(self.tree_leaves) - self.tree_leaves]
        beyond = (self.leaf - np.repeat(first, self.tree_leaves)).astype(np.float16)
        return {"first_leaf": first, "leaf": beyond}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: Mapping[str, Array]) -> Self:
        """Return the forest that was saved."""
        part = {
            name.removeprefix(f"{prefix}."): array
            for name, array in arrays.items()
            if name.startswith(f"{prefix}.")
        }
        page, starts = part["page"].astype(np.int64), part["page_starts"].astype(np.int64)
        thresholds, of_page = part["thresholds"], part["feature_of_page"]
        at = np.full(len(page), -1)
        if len(page) and page.max() < min(len(starts), len(of_page)):
            at = starts[page] + part["bin"]
        if len(page) and not (at.min() >= 0 and at.max() < len(thresholds)):
            raise ModelError("The trees are damaged: a threshold is missing. Save them again.")
        leaves = part["tree_leaves"].astype(np.int32)
        return cls(
            of_page[page].astype(np.uint16),
            thresholds[at].astype(np.float32),
            part["left"].astype(np.int32),
            part["right"].astype(np.int32),
            _leaves(part.get("first_leaf"), part["leaf"], leaves),
            leaves - 1,
            leaves,
        )


def _leaves(first: Array | None, kept: Array, counts: Array) -> Array:
    short = first is not None and len(first) != len(counts)
    if short or counts.min(initial=1) < 1 or counts.sum() != len(kept):
        raise ModelError("The trees are damaged: leaves are missing. Save them again.")
    if first is None:
        return kept.astype(np.float32)
    return np.repeat(first.astype(np.float32), counts) + kept.astype(np.float32)


def _small(count: int) -> type[Any]:
    return np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.uint32


def _block(text: str) -> dict[str, str]:
    lines = text.split("\n\n", 1)[0].splitlines()
    pairs = (line.partition("=")[::2] for line in lines if "=" in line)
    return dict(pairs)


def _floats(tree: Mapping[str, str], name: str) -> Array:
    return np.array(tree.get(name, "").split(), dtype=np.float64)


def _single(thresholds: Array) -> Array:
    # Round down: what a float32 feature was at most, it still is.
    rounded = thresholds.astype(np.float32)
    down = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > thresholds, down, rounded)


def _renumbered(tree: Any) -> tuple[Array, Array]:
    """Return the children of inner nodes, which scikit-learn numbers together with leaves."""
    inner = tree.children_left >= 0
    number = np.where(inner, np.cumsum(inner) - 1, -np.cumsum(~inner))
    return number[tree.children_left[inner]], number[tree.children_right[inner]]


def _joined(parts: Sequence[Array], dtype: Any) -> Array:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype=dtype)
