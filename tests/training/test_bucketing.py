"""Buckets: every pair once, as it was, beside others of its length."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.training.bucketing import BucketBatches, trim_padding


def pairs(n, seed=0):
    """Pairs that know their number, which is their first token."""
    g = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 30, (2, n), generator=g).tolist()
    sources = [torch.tensor([i + 1, *[7] * (length - 1)]) for i, length in enumerate(lengths[0])]
    targets = [torch.tensor([i + 1, *[8] * (length - 1)]) for i, length in enumerate(lengths[1])]
    return sources, targets


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def padding_share(batches):
    found = list(batches)
    return sum(int((x == 0).sum()) for x, _ in found) / sum(x.numel() for x, _ in found)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 5), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_every_pair_comes_once_a_pass_and_unchanged(n, batch_size, pool, shuffled, seed):
    sources, targets = pairs(n, seed)
    batches = BucketBatches(sources, targets, batch_size, generator(seed) if shuffled else None, pool=pool)
    for _ in range(2):
        found = list(batches)
        assert len(found) == len(batches)
        assert sorted(len(x) for x, _ in found)[1:] == [batch_size] * (len(found) - 1)
        numbers = []
        for x, y in found:
            assert len(x) == len(y)
            rows = [int(row[0]) - 1 for row in x]
            numbers += rows
            assert x.shape[1] == max(len(sources[i]) for i in rows), "longer than its longest"
            for i, row, answer in zip(rows, x, y, strict=True):
                assert row.tolist() == sources[i].tolist() + [0] * (len(row) - len(sources[i]))
                assert answer.tolist() == targets[i].tolist() + [0] * (len(answer) - len(targets[i]))
        assert sorted(numbers) == list(range(n))


def test_there_is_less_padding_the_larger_the_pool():
    sources, targets = pairs(600)
    shares = {
        pool: padding_share(BucketBatches(sources, targets, 20, generator(), pool=pool))
        for pool in (1, 5, 30)
    }
    assert shares[1] > 0.4, shares
    assert shares[5] < 0.2, shares
    assert shares[30] < 0.05, shares
    assert padding_share(BucketBatches(sources, targets, 20)) <= shares[30], "all sorted once"


def test_the_order_is_new_in_every_pass_and_the_generators():
    sources, targets = pairs(50)
    batches = BucketBatches(sources, targets, 5, generator(1), pool=2)
    again = BucketBatches(sources, targets, 5, generator(1), pool=2)
    passes = [[x[:, 0].tolist() for x, _ in source] for source in (batches, batches, again)]
    assert passes[0] != passes[1]
    assert passes[0] == passes[2]
    lengths = [x.shape[1] for x, _ in batches]
    assert lengths != sorted(lengths), "batches go from short to long"
    fixed = [x.shape[1] for x, _ in BucketBatches(sources, targets, 5)]
    assert fixed == sorted(fixed)


def test_another_padding():
    x, y = next(
        iter(BucketBatches([torch.tensor([1, 2]), torch.tensor([3])], [torch.tensor([4])] * 2, 2, padding=9))
    )
    assert x.tolist() == [[3, 9], [1, 2]]
    assert y.tolist() == [[4], [4]]


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=6))
def test_trimming_takes_away_the_padding_at_the_end_alone(rows):
    for row, trimmed in zip(rows, trim_padding(torch.tensor(rows), padding=2), strict=True):
        expected = list(row)
        while len(expected) > 1 and expected[-1] == 2:
            expected.pop()
        assert trimmed.tolist() == expected


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda x, y: BucketBatches(x, y[:-1], 2), "must be as many, and 1 or more, got 4 and 3"),
        (ValueError, lambda x, y: BucketBatches([], [], 2), "got 0 and 0"),
        (ValueError, lambda x, y: BucketBatches(x, y, 0), "batch_size must be 1 or more, got 0"),
        (ValueError, lambda x, y: BucketBatches(x, y, 2, pool=0), "pool must be 1 or more"),
        (TypeError, lambda x, y: BucketBatches([[1]] * 4, y, 2), "sources must be a torch.Tensor, got list"),
        (
            ValueError,
            lambda x, y: BucketBatches(x, [torch.ones(1, 1)] * 4, 2),
            r"each of targets must be \(length\)",
        ),
        (ValueError, lambda x, y: trim_padding(torch.ones(3)), r"tokens must be \(n, t\)"),
        (TypeError, lambda x, y: trim_padding([1]), "tokens must be a torch.Tensor"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call(*pairs(4))
