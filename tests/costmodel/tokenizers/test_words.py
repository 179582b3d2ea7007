"""The tokenizers of the paper: whole types are words, and what is new is out of vocabulary."""

import pytest

from costmodel.tokenizers import WordTokenizer
from costmodel.tokenizers._words import UNKNOWN
from simulators.errors import InvalidConfigError

TEXT = "%0 = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>)"


def test_op_tokens_are_operations_and_whole_types():
    assert WordTokenizer("op").tokens(TEXT) == [
        "linalg.matmul",
        "tensor<4x8xf32>",
        "tensor<8x2xf32>",
    ]


def test_operand_tokens_add_the_names():
    tokens = WordTokenizer("operand").tokens(TEXT)
    assert tokens == ["%0", "linalg.matmul", "%a", "%b", "tensor<4x8xf32>", "tensor<8x2xf32>"]


def test_a_type_with_a_layout_is_one_word():
    text = "memref<1x28xf32, strided<[900, 1], offset: 31>>"
    assert WordTokenizer("op").tokens(text) == [text]


def test_a_new_shape_is_out_of_vocabulary():
    tokenizer = WordTokenizer("op").fit([TEXT])
    ids = tokenizer.encode(TEXT.replace("8x2", "8x3"))
    assert list(ids == UNKNOWN) == [False, False, True]


def test_the_most_frequent_words_are_kept():
    tokenizer = WordTokenizer("op").fit(["a.b a.b c.d", "c.d c.d"], max_words=1)
    assert tokenizer.words == ("c.d",)
    assert len(tokenizer) == 3


def test_encoding_keeps_the_first_tokens():
    tokenizer = WordTokenizer("op").fit([TEXT])
    assert tokenizer.encode(TEXT, 2).tolist() == tokenizer.encode(TEXT).tolist()[:2]


def test_a_saved_tokenizer_encodes_alike():
    tokenizer = WordTokenizer("operand").fit([TEXT])
    again = WordTokenizer.from_dict(tokenizer.to_dict())
    assert again.encode(TEXT).tolist() == tokenizer.encode(TEXT.encode()).tolist()


@pytest.mark.parametrize("data", [{}, {"kind": "op"}, {"kind": "op", "words": [1]}, {"words": []}])
def test_damaged_vocabularies_are_refused(data):
    with pytest.raises(InvalidConfigError, match="tokenizer"):
        WordTokenizer.from_dict(data)
