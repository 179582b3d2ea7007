"""The structured tokenizer: a fixed vocabulary in which nothing is out of vocabulary."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from costmodel import _core
from costmodel._text import to_bytes

PAD, CLS, SEP, MASK, UNK = "[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"


@dataclass(frozen=True, slots=True)
class Encoding:
    """Tokens of one text."""

    ids: npt.NDArray[np.int32]
    """Token ids."""

    numbers: npt.NDArray[np.float64]
    """What number each token stands for (a dimension, a constant, a distance); NaN if none."""


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[str, ...]:
    return tuple(_core.vocabulary())


class StructuredTokenizer:
    """Reads any text as MLIR, whatever its dialects, into tokens of one fixed vocabulary.

    SSA values become ``<def>`` where they are defined and the distance to their definition where
    they are used; symbols, blocks and aliases become numbers in order of appearance. Dimensions
    and integers up to 255 are one token each; larger ones are digits of base 256 after a token that
    says how many. Floating-point constants keep sign and binary exponent. Words without a token
    are spelled in pieces and bytes, so no token is ever unknown.
    """

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The token of every id."""
        return _vocabulary()

    def encode(self, text: str | bytes, max_tokens: int | None = None) -> Encoding:
        """Return the tokens of a text, the first ``max_tokens`` of them if it is given."""
        ids, numbers = _core.encode(to_bytes(text), max_tokens or 0)
        return Encoding(ids, numbers)

    def tokens(self, text: str | bytes, max_tokens: int | None = None) -> list[str]:
        """Return the tokens of a text as strings."""
        vocabulary = _vocabulary()
        return [vocabulary[i] for i in self.encode(text, max_tokens).ids]

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """Return canonical text with these tokens: the same operations, types and structure.

        Names are numbers, spacing is uniform, and floating-point constants are right to a factor
        of two. Tokens of the result are ``ids`` again.
        """
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> bytes:
        """Return :meth:`decode` as bytes, which need not be UTF-8 if the text was not."""
        return _core.decode(np.ascontiguousarray(ids, dtype=np.int32))

    def save_fast(self, path: Path) -> None:
        """Write a ``tokenizer.json`` that ``transformers.PreTrainedTokenizerFast`` reads.

        It maps tokens to the same ids, given the tokens of :meth:`tokens` joined by spaces: cutting
        text into tokens stays with this class.
        """
        path.write_text(json.dumps(_fast_json(), ensure_ascii=True, indent=1), encoding="utf-8")


def _fast_json() -> dict[str, Any]:
    special = [
        {
            "id": _vocabulary().index(token),
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token in (PAD, CLS, SEP, MASK, UNK)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {token: i for i, token in enumerate(_vocabulary())},
            "unk_token": UNK,
        },
    }
