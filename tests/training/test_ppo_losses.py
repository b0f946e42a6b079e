"""What PPO computes: against loops over tokens, exact expectations, and the formulas at their edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import nn

from course_lib.training.ppo_losses import (
    generalized_advantages,
    kl_divergence,
    kl_penalty,
    ppo_loss,
    token_log_probs,
    token_rewards,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def masks(n, t, seed):
    lengths = torch.randint(1, t + 1, (n, 1), generator=torch.Generator().manual_seed(seed))
    return torch.arange(t) < lengths, lengths[:, 0].tolist()


SIZES = (st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))


@given(*SIZES)
@settings(max_examples=20, deadline=None)
def test_log_probabilities_are_those_of_cross_entropy(n, t, seed):
    logits, tokens = draw(n, t, 5, seed=seed), torch.randint(0, 5, (n, t))
    expected = -nn.functional.cross_entropy(logits.mT, tokens, reduction="none")
    assert_close(token_log_probs(logits, tokens), expected, "log-probabilities", 1e-12, 1e-12)


@given(*SIZES)
@settings(max_examples=20, deadline=None)
def test_the_divergence_is_pytorchs_and_the_mean_of_the_penalty(n, v, seed):
    logits, reference = draw(2, n, v, seed=seed)
    log_pi, log_rho = logits.log_softmax(-1), reference.log_softmax(-1)
    expected = nn.functional.kl_div(log_rho, log_pi, log_target=True, reduction="none").sum(-1)
    exact = kl_divergence(logits, reference)
    assert_close(exact, expected, "KL(pi || rho)", 1e-10, 1e-12)
    # The expectation over all tokens that pi could draw, each with its penalty.
    mean = (log_pi.exp() * kl_penalty(log_pi, log_rho)).sum(-1)
    assert_close(mean, exact, "mean of the penalty", 1e-10, 1e-12)


def test_the_divergence_at_the_edges():
    certain, coin = torch.tensor([0.0, -math.inf]), torch.tensor([0.0, 0.0])
    assert kl_divergence(certain, coin).item() == pytest.approx(math.log(2))
    assert kl_divergence(coin, certain).item() == math.inf, "rho forbids what pi does"
    assert kl_divergence(certain, certain).item() == 0
    assert kl_divergence(torch.tensor([1e4, 0.0]), torch.tensor([0.0, 1e4])).item() == pytest.approx(1e4)


@given(*SIZES, st.floats(0, 2))
@settings(max_examples=20, deadline=None)
def test_rewards_are_the_penalty_at_every_token_and_the_score_at_the_last(n, t, seed, weight):
    log_pi, log_rho, scores = draw(n, t, seed=seed), draw(n, t, seed=seed + 1), draw(n, seed=seed + 2)
    mask, lengths = masks(n, t, seed)
    got = token_rewards(scores, log_pi, log_rho, weight, mask)
    for i, length in enumerate(lengths):
        expected = [-weight * (log_pi[i, j] - log_rho[i, j]).item() for j in range(length)]
        expected[-1] += scores[i].item()
        assert got[i].tolist() == pytest.approx([*expected, *[0.0] * (t - length)])
    whole = token_rewards(scores, log_pi, log_rho, weight).sum(dim=1)
    assert_close(whole, scores - weight * (log_pi - log_rho).sum(dim=1), "Ziegler's R", 1e-10, 1e-10)


@given(*SIZES, st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_advantages_are_the_weighted_sum_of_what_was_better_than_expected(n, t, seed, gamma, lam):
    """Equation 16 as printed: A_i = sum over l of (gamma lam)^l delta_{i + l}."""
    rewards, values = draw(n, t, seed=seed), draw(n, t, seed=seed + 1)
    mask, lengths = masks(n, t, seed)
    got = generalized_advantages(rewards, values, gamma, lam, mask)
    for i, length in enumerate(lengths):
        r, v = rewards[i, :length].tolist(), [*values[i, :length].tolist(), 0.0]
        delta = [r[j] + gamma * v[j + 1] - v[j] for j in range(length)]
        expected = [sum((gamma * lam) ** (k - j) * delta[k] for k in range(j, length)) for j in range(length)]
        assert got[i].tolist() == pytest.approx([*expected, *[0.0] * (t - length)])


def test_advantages_at_the_ends_of_lam():
    rewards, values = draw(3, 5), draw(3, 5, seed=1)
    to_come = rewards.flip(1).cumsum(dim=1).flip(1)
    assert_close(generalized_advantages(rewards, values, lam=1.0), to_come - values, "lam=1", 1e-12, 1e-12)
    after = torch.cat([values[:, 1:], torch.zeros(3, 1).double()], dim=1)
    one_step = rewards + after - values
    assert_close(generalized_advantages(rewards, values, lam=0.0), one_step, "lam=0", 1e-12, 1e-12)
    assert not generalized_advantages(rewards, to_come).abs().max() > 1e-12, (
        "a critic that knows is not surprised"
    )


@given(*SIZES, st.floats(0.05, 0.5))
@settings(max_examples=30, deadline=None)
def test_the_loss_is_the_smaller_gain_of_each_token(n, t, seed, clip):
    new, old, advantages = draw(n, t, seed=seed), draw(n, t, seed=seed + 1), draw(n, t, seed=seed + 2)
    mask, _ = masks(n, t, seed)
    gains = []
    for i in range(n):
        for j in range(t):
            if mask[i, j]:
                r, a = math.exp(new[i, j] - old[i, j]), advantages[i, j].item()
                gains.append(min(r * a, min(max(r, 1 - clip), 1 + clip) * a))
    assert ppo_loss(new, old, advantages, clip, mask).item() == pytest.approx(-sum(gains) / len(gains))


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [
        (1.5, 1.0, False),
        (1.5, -1.0, True),
        (0.5, 1.0, True),
        (0.5, -1.0, False),
        (1.1, 1.0, True),
        (0.9, -1.0, True),
    ],
)
def test_what_has_gone_far_enough_the_right_way_has_no_gradient(ratio, advantage, moves):
    new = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    loss = ppo_loss(new, torch.zeros(1, 1).double(), torch.tensor([[advantage]]).double())
    (gradient,) = torch.autograd.grad(loss, new)
    assert gradient.item() == pytest.approx(-ratio * advantage if moves else 0.0)


def test_at_the_old_policy_the_gradient_is_the_policy_gradient():
    log_probs, advantages = draw(3, 4).requires_grad_(), draw(3, 4, seed=1)
    (gradient,) = torch.autograd.grad(ppo_loss(log_probs, log_probs.detach(), advantages), log_probs)
    assert_close(gradient, -advantages / 12, "gradient of -mean(A log pi)", 1e-12, 1e-12)


def test_gradients_are_those_of_finite_differences():
    new, old, advantages = draw(2, 3), draw(2, 3, seed=1), draw(2, 3, seed=2)
    mask, _ = masks(2, 3, 0)
    assert torch.autograd.gradcheck(
        lambda x: ppo_loss(x, old, advantages, mask=mask), (new.requires_grad_(),)
    )


def test_what_does_not_count_is_not_even_looked_at():
    new, old, advantages = draw(2, 3), draw(2, 3, seed=1), draw(2, 3, seed=2)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    spoilt = [x.masked_fill(~mask, value) for x, value in ((new, 1e9), (old, -1e9), (advantages, 1e9))]
    assert ppo_loss(*spoilt, mask=mask) == ppo_loss(new, old, advantages, mask=mask)
    first = generalized_advantages(spoilt[2], spoilt[0], mask=mask)
    assert_close(first, generalized_advantages(advantages, new, mask=mask), "advantages", 1e-12, 1e-12)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda: ppo_loss(draw(2, 3), draw(2, 2), draw(2, 3)),
            "old_log_probs must have the shape of",
        ),
        (ValueError, lambda: ppo_loss(draw(3), draw(3), draw(3)), r"log_probs must be \(n, t\)"),
        (ValueError, lambda: ppo_loss(*[draw(2, 0)] * 3), "neither of them 0"),
        (ValueError, lambda: ppo_loss(*[draw(2, 3)] * 3, clip=0.0), "clip must be greater than 0"),
        (TypeError, lambda: ppo_loss(draw(2, 3), draw(2, 3), [1.0]), "advantages must be a torch.Tensor"),
        (ValueError, lambda: ppo_loss(*[draw(2, 3)] * 3, mask=draw(2, 3)), "mask must be boolean"),
        (
            ValueError,
            lambda: ppo_loss(*[draw(1, 1)] * 3, mask=torch.tensor([[False]])),
            "True in the first column",
        ),
        (
            ValueError,
            lambda: generalized_advantages(draw(2, 3), draw(2, 3), 1.5),
            "gamma must be from 0 to 1",
        ),
        (
            ValueError,
            lambda: generalized_advantages(draw(2, 3), draw(2, 3), lam=-1),
            "lam must be from 0 to 1",
        ),
        (
            ValueError,
            lambda: token_rewards(draw(3), draw(2, 3), draw(2, 3), 0.1),
            r"scores must have shape \(2,\)",
        ),
        (
            ValueError,
            lambda: token_rewards(draw(2), draw(2, 3), draw(2, 3), -0.1),
            "kl_weight must be 0 or more",
        ),
        (ValueError, lambda: kl_penalty(draw(2), draw(3)), "reference_log_probs must have the shape"),
        (
            TypeError,
            lambda: kl_divergence(torch.ones(2, dtype=torch.int64), draw(2)),
            "logits must have a float",
        ),
        (
            ValueError,
            lambda: token_log_probs(draw(2, 3, 4), torch.ones(2, 4)),
            r"tokens must have shape \(2, 3\)",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
