"""Text to tokens: the structured MLIR tokenizer, and the two of the 2023 paper."""

from costmodel.tokenizers._structured import Encoding, StructuredTokenizer
from costmodel.tokenizers._words import WordTokenizer

__all__ = ["Encoding", "StructuredTokenizer", "WordTokenizer"]
