import re
from collections import Counter

import pytest
import torch

from course_lib import data

SPLITS = ("train", "validation", "test")


def problems(split, **options):
    found = data.load("arithmetic", split, **options)
    return [(found.decode(x), found.decode(y)) for x, y in found]


@pytest.mark.parametrize("operations", ["+", "-", "*", "+-", "*-+"])
@pytest.mark.parametrize("digits", [1, 2, 4, 9])
def test_every_answer_is_right(digits, operations):
    found = data.load(
        "arithmetic", "train", n=20 if digits == 1 else 300, digits=digits, operations=operations
    )
    seen = Counter()
    for x, y in found:
        source, answer = found.decode(x), found.decode(y)
        a, sign, b = re.fullmatch(r"(\d+)([-+*])(\d+)=", source).groups()
        right = {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign]
        assert answer == str(right), f"{source}{answer}"
        assert {a, b} == {str(int(a)), str(int(b))}, f"{source} has a leading 0"
        assert max(len(a), len(b)) <= digits
        assert y[-1] == 0, f"nothing says that {answer} ends"
        seen[sign] += 1
    assert set(seen) == set(operations)
    assert min(seen.values()) > 0.5 * len(found) / len(operations)


def test_the_longest_problem_and_answer_fit_and_no_more():
    found = data.load("arithmetic", n=3000, operations="+-*")
    assert found.x.shape[1] == len("999*999=") == int((found.x > 0).sum(dim=1).max())
    assert found.y.shape[1] == len("998001") + 1 == int((found.y > 0).sum(dim=1).max()) + 1
    assert data.load("arithmetic", n=10).y.shape[1] == len("1998") + 1
    assert (data.load("arithmetic", n=3000).y > 0).sum(dim=1).max() == len("1998")


def test_a_problem_is_in_one_split_only_in_whatever_order_and_whatever_the_seed():
    pairs = {split: set() for split in SPLITS}
    for seed in range(3):
        for split in SPLITS:
            found = [source for source, _ in problems(split, n=400, digits=2, operations="+*-", seed=seed)]
            assert len(set(found)) == 400, "a problem came twice"
            for source in found:
                a, sign, b = re.fullmatch(r"(\d+)(.)(\d+)=", source).groups()
                pairs[split].add((sign, *sorted((int(a), int(b)))))
    assert not pairs["train"] & pairs["validation"]
    assert not pairs["train"] & pairs["test"]
    assert not pairs["validation"] & pairs["test"]


def test_every_length_comes_as_often():
    lengths = Counter()
    for source, _ in problems("train", n=4000, digits=4):
        lengths.update(len(number) for number in re.findall(r"\d+", source))
    # Problems of short numbers run out, so the longest come a little more often.
    assert all(0.2 < lengths[length] / 8000 < 0.3 for length in range(1, 5)), lengths


def test_encode_undoes_decode_and_padding_is_nothing():
    found = data.load("arithmetic", "test", n=50)
    for x, _ in found:
        source = found.encode(found.decode(x))
        assert torch.equal(source, x[: len(source)])
        assert (x[len(source) :] == 0).all()
    assert found.vocabulary[0] == b""
    with pytest.raises(ValueError, match=r"the vocabulary of 'arithmetic' has no \['/'\]"):
        found.encode("1/2")


def test_asking_for_more_keeps_the_first_ones():
    assert problems("test", n=300)[:100] == problems("test", n=100)
    assert problems("test", n=100, seed=1) != problems("test", n=100)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 500, "digits": 1}, "n must be at most about .* for 'train' of 'arithmetic' .* got 500"),
        ({"digits": 0}, "digits must be a whole number of at least 1, got 0"),
        ({"digits": 10}, "digits must be at most 9, got 10"),
        ({"operations": "/"}, r"operations must be some of '\+-\*', got '/'"),
        ({"operations": ""}, "operations must be some of .* got ''"),
        ({"operations": None}, "operations must be some of .* got None"),
        ({"operations": "++"}, r"operations must be different ones, got '\+\+'"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("arithmetic", **options)
