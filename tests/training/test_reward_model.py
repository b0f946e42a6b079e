"""The judge: losses against scikit-learn and their formulas, and Bradley-Terry strengths found again."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import nn

from course_lib.models.scalar_head import scalar_head
from course_lib.training.reward_model import (
    fit_reward_model,
    preference_agreement,
    preference_loss,
    ranking_loss,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def judge(size=8):
    """Scores a text by its last token: one strength for each."""
    torch.manual_seed(0)
    return scalar_head(nn.Embedding(size, 4, dtype=torch.float64), 4)


@given(st.integers(1, 8), st.floats(0.1, 4), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_loss_is_scikit_learns_of_the_probability_to_win(n, scale, seed):
    chosen, rejected = scale * draw(2, n, seed=seed)
    p = torch.sigmoid(chosen - rejected)
    expected = log_loss([1] * n, np.stack([1 - p, p], axis=1), labels=[0, 1])
    assert preference_loss(chosen, rejected).item() == pytest.approx(expected, rel=1e-6)


def test_the_losses_at_the_extremes():
    zero = torch.zeros(3)
    assert preference_loss(zero, zero).item() == pytest.approx(math.log(2))
    far = preference_loss(torch.tensor([-1e30]), torch.tensor([1e30]))
    assert far.item() == pytest.approx(2e30), "no overflow: the loss grows as the difference"
    assert preference_loss(torch.tensor([1e30]), torch.tensor([-1e30])).item() == 0
    assert ranking_loss(torch.tensor([[500.0, 0.0, -500.0]])).item() == 0
    assert preference_loss(zero + 7, zero - 7).item() == pytest.approx(
        preference_loss(zero + 14, zero).item()
    )


def test_gradients_are_those_of_finite_differences():
    pair = tuple(row.clone().requires_grad_() for row in draw(2, 4))
    assert torch.autograd.gradcheck(preference_loss, pair)
    assert torch.autograd.gradcheck(ranking_loss, (draw(3, 4).requires_grad_(),))


@given(st.integers(1, 4), st.integers(2, 6), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_ranking_is_the_mean_of_all_pairs(n, k, seed):
    rewards = draw(n, k, seed=seed)
    pairs = [
        math.log1p(math.exp(-(row[better] - row[worse])))
        for row in rewards.tolist()
        for better, worse in itertools.combinations(range(k), 2)
    ]
    assert ranking_loss(rewards).item() == pytest.approx(sum(pairs) / len(pairs))


def test_it_finds_the_strengths_that_logistic_regression_finds():
    """Bradley-Terry is logistic regression on +1 for the winner and -1 for the loser."""
    g = torch.Generator().manual_seed(3)
    strengths = torch.tensor([-1.5, -0.5, 0.0, 0.7, 1.5])
    first, second = torch.randint(0, 5, (2, 600), generator=g)
    first, second = first[first != second], second[first != second]
    wins = torch.rand(len(first), generator=g) < torch.sigmoid(strengths[first] - strengths[second])
    chosen, rejected = torch.where(wins, first, second), torch.where(wins, second, first)

    model = judge(5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    options = {"optimizer": optimizer, "steps": 80, "batch_size": 1000, "clip": None, "seed": 0}
    history = fit_reward_model(model, (chosen[:, None], rejected[:, None]), progress=False, **options)
    assert list(history["step"]) == [80]
    found = model(torch.arange(5)[:, None]).detach()[:, 0].numpy()

    difference = (nn.functional.one_hot(chosen, 5) - nn.functional.one_hot(rejected, 5)).numpy()
    both = np.concatenate([difference, -difference])
    side = np.repeat([1, 0], len(difference))
    expected = LogisticRegression(C=1e6, fit_intercept=False).fit(both, side).coef_[0]
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=0.02)


def test_the_history_tells_of_pairs_held_out_and_padding_is_no_last_token():
    """Texts whose last token is greater are preferred; what fills them up must not be judged."""
    g = torch.Generator().manual_seed(0)

    def pairs(n):
        tokens = torch.randint(1, 8, (2, n, 4), generator=g)
        lengths = torch.randint(1, 5, (2, n), generator=g)
        for side in range(2):
            for row, length in zip(tokens[side], lengths[side].tolist(), strict=True):
                row[length:] = 0
        last = tokens.gather(2, lengths[..., None] - 1)[..., 0]
        keep = last[0] != last[1]
        swap = (last[0] < last[1])[:, None]
        first, second = torch.where(swap, tokens[1], tokens[0]), torch.where(swap, tokens[0], tokens[1])
        return first[keep], second[keep]

    train, validation = pairs(200), pairs(100)
    model = judge()
    before = preference_agreement(model, validation, padding=0)
    assert before == 0.5, "all scores are 0, and ties count half"
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    options = {"optimizer": optimizer, "steps": 60, "every": 30, "seed": 0, "progress": False}
    history = fit_reward_model(model, train, validation, padding=0, **options)
    assert history["validation_agreement"][-1] == preference_agreement(model, validation, padding=0)
    assert history["validation_agreement"][-1] > 0.97, str(history)
    assert history["validation_loss"][-1] < 0.3, str(history)
    assert preference_agreement(model, validation[::-1], padding=0) == pytest.approx(
        1 - history["validation_agreement"][-1]
    )


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: preference_loss(draw(3), draw(2)), r"the same shape, .* got \(3,\) and \(2,\)"),
        (ValueError, lambda: preference_loss(draw(0), draw(0)), "of 1 reward or more"),
        (
            TypeError,
            lambda: preference_loss(torch.ones(2, dtype=torch.int64), draw(2)),
            "chosen must have a float",
        ),
        (
            TypeError,
            lambda: preference_loss(draw(2), [1.0, 2.0]),
            "rejected must be a torch.Tensor, got list",
        ),
        (ValueError, lambda: ranking_loss(draw(3)), r"rewards must be \(n, k\) with n of 1 or more"),
        (ValueError, lambda: ranking_loss(draw(3, 1)), r"k of 2 or more, got shape \(3, 1\)"),
        (
            ValueError,
            lambda: fit_reward_model(judge(), (draw(2), draw(2)), steps=0),
            "steps must be 1 or more",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
