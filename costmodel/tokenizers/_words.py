"""The two tokenizers of the 2023 paper, whose vocabulary comes from the training programs.

Source: Das and Mannarswamy, "ML-driven Hardware Cost Model for MLIR", 2023 (arXiv 2302.11405).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from simulators.errors import InvalidConfigError

PAD, UNKNOWN = 0, 1

_TYPE = r"(?:tensor|memref|vector)<[^<>]*(?:<[^<>]*>[^<>]*)*>"
_OPERATION = r"[A-Za-z_]\w*(?:\.\w+)+"
_OPERAND = r"%[\w$.-]+"
_TOKEN = {
    "op": re.compile(f"{_TYPE}|{_OPERATION}"),
    "operand": re.compile(f"{_TYPE}|{_OPERATION}|{_OPERAND}"),
}


class WordTokenizer:
    """Operations and whole tensor types as words; ``operand`` adds the names of SSA values.

    A tensor type is one word, so a shape that no training program had is out of vocabulary, and so
    is an operation or a name.

    Args:
        kind: ``"op"`` or ``"operand"``.
        words: The vocabulary, most frequent first; by default empty, to be fitted.
    """

    def __init__(self, kind: Literal["op", "operand"], words: Iterable[str] = ()) -> None:
        if kind not in _TOKEN:
            raise InvalidConfigError(
                f"There is no tokenizer '{kind}'. Choose one of {', '.join(_TOKEN)}."
            )
        self.kind = kind
        self.words = tuple(words)
        self._ids = {word: i for i, word in enumerate(self.words, start=UNKNOWN + 1)}

    def __len__(self) -> int:
        return len(self.words) + UNKNOWN + 1

    def tokens(self, text: str | bytes) -> list[str]:
        """Return the words of a text."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        return _TOKEN[self.kind].findall(text)

    def fit(self, texts: Iterable[str | bytes], max_words: int = 20_000) -> Self:
        """Return a tokenizer whose vocabulary is the most frequent words of these texts."""
        counts = Counter(word for text in texts for word in self.tokens(text))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        return type(self)(self.kind, ranked[:max_words])

    def encode(self, text: str | bytes, max_tokens: int | None = None) -> npt.NDArray[np.int32]:
        """Return the ids of the words of a text; :data:`UNKNOWN` for those never seen."""
        words = self.tokens(text)[:max_tokens]
        return np.array([self._ids.get(word, UNKNOWN) for word in words], dtype=np.int32)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return {"kind": self.kind, "words": list(self.words)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the tokenizer that was saved."""
        words = data.get("words")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InvalidConfigError(
                "The tokenizer has no list 'words'. Save the model again, or train it anew."
            )
        return cls(data.get("kind", ""), words)
