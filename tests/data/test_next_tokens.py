import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data import contiguous_splits, next_tokens


@given(t=st.integers(2, 200), length=st.integers(1, 30))
def test_a_target_is_the_token_that_follows(t, length):
    stream = torch.randperm(t)  # every token once: its place is known by its number
    if length > t - 1:
        with pytest.raises(ValueError, match=f"length must be at most {t - 1}, got {length}"):
            next_tokens(stream, length)
        return
    found = next_tokens(stream, length)
    assert found.x.shape == found.y.shape == ((t - 1) // length, length)
    follower = dict(zip(stream[:-1].tolist(), stream[1:].tolist(), strict=True))
    for x, y in zip(found.x.flatten().tolist(), found.y.flatten().tolist(), strict=True):
        assert follower[x] == y, "y is not one token further on"
    assert torch.equal(found.x.flatten(), stream[: found.x.numel()]), "the blocks do not follow one another"
    assert t - 1 - found.x.numel() < length, "more was dropped than did not fill a block"


@given(t=st.integers(2, 300), shares=st.tuples(st.floats(0, 0.49), st.floats(0, 0.49)))
def test_splits_are_the_stream_cut_in_three(t, shares):
    stream = torch.arange(t)
    splits = contiguous_splits(stream, *shares)
    assert torch.equal(torch.cat(splits), stream), "something was lost, or comes twice"
    assert len(splits.validation) == int(shares[0] * t)
    assert len(splits.test) == int(shares[1] * t)
    assert splits.train[0] == 0, "training begins where the text does"


def test_examples_of_two_splits_share_no_token():
    splits = contiguous_splits(torch.arange(1000), validation=0.2, test=0.1)
    seen = [
        {*next_tokens(part, 16).x.flatten().tolist(), *next_tokens(part, 16).y.flatten().tolist()}
        for part in splits
    ]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert [len(part) for part in splits] == [700, 200, 100]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_whole_numbers_become_int64(dtype):
    stream = torch.arange(50, dtype=dtype)
    found = next_tokens(stream, 7)
    assert found.x.dtype == found.y.dtype == torch.int64
    assert found.x.is_contiguous()
    assert found.y.is_contiguous()


def test_x_and_y_are_the_callers_own():
    stream = torch.arange(50)
    found = next_tokens(stream, 7)
    found.x.zero_()
    assert torch.equal(stream, torch.arange(50)), "writing into x changed the stream"
    assert torch.equal(found.y.flatten(), torch.arange(1, 50)), "writing into x changed y"


STREAM = torch.arange(10)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            TypeError,
            lambda: next_tokens([1, 2, 3], 1),
            "next_tokens: tokens must be a torch.Tensor, got list",
        ),
        (TypeError, lambda: next_tokens(STREAM.float(), 2), "must be whole numbers, got torch.float32"),
        (TypeError, lambda: next_tokens(STREAM > 3, 2), "must be whole numbers, got torch.bool"),
        (
            ValueError,
            lambda: next_tokens(STREAM[None], 2),
            r"must be \(t,\) with 2 or more, got shape \(1, 10\)",
        ),
        (ValueError, lambda: next_tokens(STREAM[:1], 1), "must be .* with 2 or more"),
        (ValueError, lambda: next_tokens(STREAM, 0), "length must be a whole number of at least 1, got 0"),
        (ValueError, lambda: contiguous_splits(STREAM, -0.1), "validation must be a share .* got -0.1"),
        (ValueError, lambda: contiguous_splits(STREAM, 0.1, 1.0), "test must be a share .* got 1.0"),
        (
            ValueError,
            lambda: contiguous_splits(STREAM, 0.5, 0.5),
            "leave a token to train on, got 0.5 and 0.5",
        ),
        (
            ValueError,
            lambda: contiguous_splits(STREAM, "half"),
            "validation must be a finite number, got 'half'",
        ),
        (TypeError, lambda: contiguous_splits("text"), "tokens must be a torch.Tensor, got str"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
