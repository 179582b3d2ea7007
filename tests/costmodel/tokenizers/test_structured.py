"""The structured tokenizer: nothing is unknown, and tokens give the program back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costmodel.tokenizers import StructuredTokenizer

TOKENIZER = StructuredTokenizer()
SPECIAL = {"[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"}

AFFINE = """
#map = affine_map<(d0) -> (d0 + 8)>
module {
  func.func @conv(%arg0: memref<1x16x30x30xf32>, %arg1: memref<?x300xf32>) {
    %cst = arith.constant -1.000000e-05 : f32
    affine.for %i = 0 to 16 step 8 {
      affine.for %j = %i to #map(%i) {
        %0 = affine.load %arg0[0, %j, %i + 1, 2] : memref<1x16x30x30xf32>
        %1:2 = "my_dialect.frobnicate"(%0, %cst) {a = 0xFF800000 : f32} : (f32, f32) -> (f32, f32)
        affine.store %1#1, %arg1[%i, %j] : memref<?x300xf32>
      }
    }
    return
  }
}
"""


def test_tokens_of_a_small_program():
    text = "%0 = arith.addf %a, %0 : vector<4x300xf32>"
    assert TOKENIZER.tokens(text) == [
        *("<def>", "<0x3D>", "arith.addf", "<free>", "<0x2C>", "<use:2>", "<0x3A>", "vector"),
        *("<0x3C>", "<dim:4>", "<dim2>", "<int:1>", "<int:44>", "f32", "<0x3E>"),
    ]


def test_numbers_stand_beside_their_tokens():
    encoding = TOKENIZER.encode("tensor<4x300x?xf32> 7 2.5")
    words = [TOKENIZER.vocabulary[i] for i in encoding.ids]
    numbers = {word: n for word, n in zip(words, encoding.numbers, strict=True) if not np.isnan(n)}
    assert numbers == {"<dim:4>": 4, "<dim2>": 300, "<int:7>": 7, "<float>": 2.5}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%x = a.b %y", "%foo = a.b %bar"),
        ("func.func @main(%a: f32)", "func.func @other(%b : f32)".replace(" :", ":")),
        ("^bb7(%a: f32):", "^entry(%z: f32):"),
        ("#map1 = affine_map<(d0) -> (d0)>", "#m = affine_map<(d0) -> (d0)>"),
        ("a.b // comment\n\n  c.d", "a.b\nc.d"),
    ],
)
def test_names_and_spacing_do_not_matter(one: str, other: str):
    assert TOKENIZER.tokens(one) == TOKENIZER.tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%a = x.y %b, %c", "%a = x.y %c, %a"),
        ("tensor<4x5xf32>", "tensor<4x6xf32>"),
        ("tensor<0x4xf32>", "tensor<4x0xf32>"),
        ("dense<0x4>", "dense<4>"),
        ("x.unknown_one", "x.unknown_two"),
        ("1.0", "4.0"),
        ("300", "44"),
    ],
)
def test_what_differs_in_meaning_differs_in_tokens(one: str, other: str):
    assert TOKENIZER.tokens(one) != TOKENIZER.tokens(other)


def test_sibling_loops_may_reuse_a_name():
    body = "affine.for %i = 0 to 4 {\n x.y %i\n}\n"
    once, twice = TOKENIZER.tokens(body + body)[: len(TOKENIZER.tokens(body))], body
    assert once == TOKENIZER.tokens(twice)
    assert TOKENIZER.tokens(body + body).count("<def>") == 2


def test_lists_define_their_members():
    assert TOKENIZER.tokens("%a, %b:2 = x.y").count("<def>") == 2
    assert TOKENIZER.tokens("scf.forall (%i, %j) in (4, 8)").count("<def>") == 2
    assert TOKENIZER.tokens("affine.parallel (%i, %j) = (0, 0)").count("<def>") == 2
    assert TOKENIZER.tokens("x.y(%i, %j)").count("<def>") == 0


def test_decoding_gives_operations_types_and_structure_back():
    text = TOKENIZER.decode(TOKENIZER.encode(AFFINE).ids)
    for expected in (
        "#a0 = affine_map<(d0) -> (d0 + 8)>",
        "(%0: memref<1x16x30x30xf32>, %1: memref<?x300xf32>)",
        '%6:2 = "my_dialect.frobnicate" (%5, %2)',
        "0xFF800000 : f32",
        "affine.store %6#1, %1 [%3, %4] : memref<?x300xf32>",
        "step 8 {",
    ):
        assert expected in text
    assert text.count("\n") == AFFINE.strip().count("\n")


def assert_stable(text: bytes):
    encoding = TOKENIZER.encode(text)
    assert encoding.ids.shape == encoding.numbers.shape
    words = {TOKENIZER.vocabulary[i] for i in encoding.ids}
    assert not words & SPECIAL
    again = TOKENIZER.encode(TOKENIZER.decode_bytes(encoding.ids)).ids
    np.testing.assert_array_equal(again, encoding.ids)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_have_tokens(text: bytes):
    assert_stable(text)


PIECES = (
    *("%a", "%b", "%0:2", "%c#1", " = ", " : ", ": ", ", ", "(", ")", "{", "}", "<", ">", "[", "]"),
    *("4x", "?x", "0x", "0xFF", "12", "1.5e-3", "-", "->", "f32", "x", "#map", "#gpu.block"),
    *("@f", '"', '@"q"', "^bb0", "affine.for", "foo.bar_baz", "tensor", "dense", "\n", " ", "//"),
    *("in", "!vec", "00", "dense<"),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_tokens_of_decoded_text_are_the_same_tokens(pieces: list[str]):
    assert_stable("".join(pieces).encode())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-5, 4000), max_size=60))
def test_any_ids_decode(ids: list[int]):
    assert isinstance(TOKENIZER.decode(ids), str)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{" * 1_000_000,
        b"x" * 1_000_000,
        b"%a," * 300_000,
        b"(%a, " * 200_000,
        b"\xff\xfe" * 100_000,
        b'dense<"0x' + b"AB" * 500_000 + b'">',
        b"9" * 1_000_000,
        b"1." + b"9" * 1_000_000,
    ],
    ids=["empty", "braces", "word", "list", "parens", "invalid", "blob", "digits", "fraction"],
)
def test_degenerate_texts_have_tokens(text: bytes):
    encoding = TOKENIZER.encode(text)
    assert len(encoding.ids) <= len(text) + 3


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_limit_keeps_the_first_tokens(limit: int):
    full = TOKENIZER.encode(AFFINE)
    cut = TOKENIZER.encode(AFFINE, limit)
    np.testing.assert_array_equal(cut.ids, full.ids[:limit])
    np.testing.assert_array_equal(cut.numbers, full.numbers[:limit])


def test_lone_surrogates_are_bytes():
    assert TOKENIZER.tokens("\udc80") == ["<0xED>", "<0xB2>", "<0x80>"]


def test_the_vocabulary_has_no_token_twice():
    assert len(set(TOKENIZER.vocabulary)) == len(TOKENIZER.vocabulary)
    assert not any(set(token) & set(" \t\n") for token in TOKENIZER.vocabulary)


def test_fast_tokenizer_of_transformers_gives_the_same_ids(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    path = tmp_path / "tokenizer.json"
    TOKENIZER.save_fast(path)
    assert json.loads(path.read_text())["model"]["type"] == "WordLevel"
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(path), pad_token="[PAD]", unk_token="[UNK]"
    )
    ids = fast(" ".join(TOKENIZER.tokens(AFFINE)), add_special_tokens=False)["input_ids"]
    assert ids == TOKENIZER.encode(AFFINE).ids.tolist()
