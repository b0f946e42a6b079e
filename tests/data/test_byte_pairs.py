"""The byte-pair tokenizer against counting anew for each merge, and against Hugging Face's tokenizers."""

import re
from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE

from course_lib import data
from course_lib.data import BytePairTokenizer

TEXT = (
    "the cat sat on the mat; the hat that the cat sat on was flat. " * 3
    + "naïve café, 日本語\n\n    def f(x):\n        return x_1 + 2024\n" * 2
)
WORD = re.compile(rb" ?[A-Za-z\x80-\xff]+| ?[0-9]+| ?[^\sA-Za-z0-9\x80-\xff]+|\s+(?!\S)|\s+")


def replaced(word, pair, token):
    new, rest = [], list(word)
    while rest:
        if tuple(rest[:2]) == pair:
            new, rest = [*new, token], rest[2:]
        else:
            new, rest = [*new, rest[0]], rest[1:]
    return new


def learned_slowly(text, merges):
    """Every word of the text, one by one, and all pairs counted anew for each merge."""
    words = [list(word) for word in WORD.findall(text)]
    learned = []
    for number in range(merges):
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        learned.append(best)
        words = [replaced(word, best, 256 + number) for word in words]
    return learned, [token for word in words for token in word]


@given(
    text=st.one_of(
        st.text("ab 1\n", max_size=60), st.text(max_size=40), st.text("aé-", min_size=5, max_size=60)
    ),
    merges=st.integers(0, 12),
)
@settings(max_examples=150, deadline=None)
def test_merges_are_those_of_counting_anew_each_time(text, merges):
    raw = text.encode()
    expected, tokens = learned_slowly(raw, merges)
    ours = BytePairTokenizer.train(raw, len(expected))
    assert list(ours.merges) == expected, f"{text!r}: other merges"
    assert ours.encode(raw).tolist() == tokens, f"{text!r}: training and encoding cut it differently"


def test_merges_of_real_text():
    text = data.load("python-docs", "validation").text[:20_000]
    expected, tokens = learned_slowly(text.encode(), 60)
    ours = BytePairTokenizer.train(text, 60)
    assert list(ours.merges) == expected
    assert ours.encode(text).tolist() == tokens


def test_by_hand():
    ours = BytePairTokenizer.train("aab aab aab ab", 2)
    assert ours.merges == ((97, 98), (97, 256))  # ab in all four words, then a + ab in three
    assert ours.vocabulary[256:] == (b"ab", b"aab")
    assert ours.encode("aab ab b").tolist() == [257, 32, 256, 32, 98]
    assert ours.encode("").shape == (0,)
    assert ours.encode("").dtype == torch.int64
    assert len(ours) == 258


@given(raw=st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_bytes_come_back(raw):
    assert TOKENIZER.decode_bytes(TOKENIZER.encode(raw)) == raw


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back(text):
    tokens = TOKENIZER.encode(text)
    assert TOKENIZER.decode(tokens) == text
    assert TOKENIZER.decode(tokens.tolist()) == text
    assert len(tokens) <= len(text.encode())


@given(text=st.text("thecatsonm é", min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_encoding_is_that_of_hugging_face(text):
    names = ["".join(chr(256 + byte) for byte in word) for word in TOKENIZER.vocabulary[:-2]]
    assert len(set(names)) == len(names), "their vocabulary needs a name for each token"
    merges = [(names[left], names[right]) for left, right in TOKENIZER.merges]
    theirs = Tokenizer(BPE({name: number for number, name in enumerate(names)}, merges))
    expected = []
    for word in WORD.findall(text.encode()):
        expected += theirs.encode("".join(chr(256 + byte) for byte in word)).ids
    assert TOKENIZER.encode(text).tolist() == expected


TOKENIZER = BytePairTokenizer.train(TEXT, 60, special=("[CLS]", "[MASK]"))


def test_merges_stay_within_words():
    for token in TOKENIZER.vocabulary[256:-2]:
        assert len(WORD.findall(token)) == 1, f"{token!r} reaches over the end of a word"


def test_special_tokens_have_the_last_numbers_and_are_never_read_from_text():
    n = len(TOKENIZER)
    assert TOKENIZER.special == {"[CLS]": n - 2, "[MASK]": n - 1}
    assert TOKENIZER.decode([n - 2, 97, n - 1]) == "[CLS]a[MASK]"
    assert TOKENIZER.encode("[MASK]").max() < n - 2


def test_a_merge_saves_a_token_each_time_it_applies():
    lengths = [len(BytePairTokenizer.train(TEXT, merges).encode(TEXT)) for merges in range(0, 60, 10)]
    assert lengths[0] == len(TEXT.encode())
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 0.6 * lengths[0]


def test_it_is_fast_on_long_text_and_long_words():
    text = data.load("python-docs").text
    ours = BytePairTokenizer.train(text, 500)
    assert len(text.encode()) / len(ours.encode(text)) > 2.5, "bytes per token"
    assert ours.decode(ours.encode(text)) == text
    assert ours.decode(ours.encode("a" * 50_000)) == "a" * 50_000


def test_saved_and_loaded_it_is_the_same(tmp_path):
    TOKENIZER.save(tmp_path / "tokens.json")
    again = BytePairTokenizer.load(tmp_path / "tokens.json")
    assert again.merges == TOKENIZER.merges
    assert again.special == TOKENIZER.special
    assert again.vocabulary == TOKENIZER.vocabulary
    assert torch.equal(again.encode(TEXT), TOKENIZER.encode(TEXT))


@pytest.mark.parametrize(
    "content", ["", "[]", '{"merges": [[1, 2]]}', '{"merges": [[1, 999]], "special": []}']
)
def test_a_file_of_something_else_is_named(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=r"other.json must be a file that save wrote"):
        BytePairTokenizer.load(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: BytePairTokenizer.train("aab", 9), "merges must be at most 2, .* got 9"),
        (
            ValueError,
            lambda: BytePairTokenizer.train("aab", -1),
            "merges must be a whole number of at least 0",
        ),
        (ValueError, lambda: BytePairTokenizer.train("aab", 1.5), "merges must be a whole number"),
        (TypeError, lambda: BytePairTokenizer.train(["a"], 1), "text must be a string or bytes, got list"),
        (TypeError, lambda: TOKENIZER.encode(None), "text must be a string or bytes, got NoneType"),
        (ValueError, lambda: TOKENIZER.decode([3, 400]), "tokens must be from 0 to 317, got 400"),
        (ValueError, lambda: TOKENIZER.decode(torch.tensor([-1])), "tokens must be from 0 to 317, got -1"),
        (
            ValueError,
            lambda: BytePairTokenizer([(97, 256)]),
            r"merges\[0\] must be of two tokens from 0 to 255",
        ),
        (ValueError, lambda: BytePairTokenizer([(97, 98)] * 2), "got a pair twice"),
        (ValueError, lambda: BytePairTokenizer([], ("x", "x")), "special must be different names"),
        (ValueError, lambda: BytePairTokenizer([], ("",)), "special must be different names"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
