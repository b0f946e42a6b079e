"""TimeEmbedding: the sinusoids by hand, and classes of which one means "not told"."""

import math

import pytest
import torch

from course_lib.models.time_embedding import TimeEmbedding, sinusoids


def test_the_sinusoids_by_hand():
    waves = sinusoids(torch.tensor([0, 3, 999]), 6)
    for row, t in zip(waves, (0, 3, 999), strict=True):
        angles = [t, t / 100, t / 10_000]
        expected = [*map(math.sin, angles), *map(math.cos, angles)]
        torch.testing.assert_close(row, torch.tensor(expected), atol=1e-4, rtol=1e-4)


def test_two_sinusoids_are_one_frequency():
    torch.testing.assert_close(sinusoids(torch.tensor([2]), 2)[0], torch.tensor([math.sin(2), math.cos(2)]))


def test_neighbouring_times_differ():
    waves = sinusoids(torch.arange(1000), 32)
    distances = torch.cdist(waves, waves) + 9 * torch.eye(1000)
    assert distances.min() > 0.1


def test_no_class_is_the_class_not_told():
    torch.manual_seed(0)
    embed = TimeEmbedding(8, num_classes=3)
    t = torch.tensor([0, 4, 7])
    assert torch.equal(embed(t), embed(t, torch.full((3,), 3)))
    assert not torch.equal(embed(t), embed(t, torch.tensor([0, 1, 2])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_answer_has_the_dtype_of_the_parameters(dtype):
    embed = TimeEmbedding(8, dtype=dtype)
    assert embed(torch.tensor([0, 4])).dtype == dtype
    assert embed(torch.tensor([], dtype=torch.int64)).shape == (0, 8)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: sinusoids(torch.zeros(2, 2), 4), ValueError, r"t must be \(n\)"),
        (lambda: sinusoids([1, 2], 4), TypeError, "t must be a torch.Tensor"),
        (lambda: sinusoids(torch.arange(3), 5), ValueError, "size must be even, got 5"),
        (lambda: sinusoids(torch.arange(3), 0), ValueError, "size must be 1 or more"),
        (lambda: TimeEmbedding(7), ValueError, "features must be even, got 7"),
        (lambda: TimeEmbedding(8, num_classes=0), ValueError, "num_classes must be 1 or more"),
        (
            lambda: TimeEmbedding(8)(torch.arange(2), torch.arange(2)),
            ValueError,
            "y must be None for a net without classes",
        ),
        (
            lambda: TimeEmbedding(8, num_classes=3)(torch.arange(2), torch.arange(3)),
            ValueError,
            "y must have the shape of t",
        ),
        (
            lambda: TimeEmbedding(8, num_classes=3)(torch.arange(2), torch.tensor([0, 4])),
            ValueError,
            "4",
        ),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
