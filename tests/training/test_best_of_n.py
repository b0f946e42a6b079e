"""The best of n: it is one of n that were drawn, its distribution in closed form, and its distance."""

import math

import pytest
import torch
from torch import nn

from course_lib.models.generate import generate
from course_lib.models.gpt2 import gpt2
from course_lib.training.best_of_n import best_of_n, best_of_n_kl

V = 5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def table():
    """A model that knows the last token only."""
    torch.manual_seed(0)
    return nn.Embedding(V, V)


def last_token(tokens):
    return tokens[:, -1].float()


def gpt():
    torch.manual_seed(0)
    return gpt2(n_layer=1, n_head=2, n_embd=8, n_positions=8, vocab_size=V)


@pytest.mark.parametrize("make", [table, gpt])
@pytest.mark.parametrize("n", [1, 4])
def test_it_is_the_best_of_those_that_were_drawn(make, n):
    model, prompts = make(), torch.randint(0, V, (6, 2), generator=generator(1))
    found = best_of_n(model, prompts, n, lambda t: t[:, 2:].sum(dim=1), 3, generator=generator(2))
    every = generate(model, prompts.repeat_interleave(n, 0), 3, generator=generator(2), cache=False)
    for i in range(6):
        mine = every[i * n : (i + 1) * n]
        sums = mine[:, 2:].sum(dim=1).tolist()
        assert found.scores[i].item() == max(sums)
        assert found.tokens[i].tolist() == mine[sums.index(max(sums))].tolist()
    assert torch.equal(found.tokens[:, :2], prompts)


def test_its_distribution_is_that_of_the_largest_of_n():
    """P(best <= a) = P(token <= a)^n."""
    model = table()
    prompts = torch.zeros(4000, 1, dtype=torch.int64)
    found = best_of_n(model, prompts, 3, last_token, 1, generator=generator())
    below = model.weight[0].softmax(dim=0).cumsum(dim=0)
    shares = torch.stack([(found.scores <= token).float().mean() for token in range(V)])
    deviations = (below**3 * (1 - below**3) / 4000).sqrt()  # of a share
    assert ((shares - below**3).abs() <= 4 * deviations + 1e-6).all(), f"{shares} instead of {below**3}"


def test_a_temperature_of_0_draws_one_text_n_times():
    found = best_of_n(table(), torch.tensor([[0], [1]]), 5, last_token, 4, temperature=0.0)
    expected = generate(table(), torch.tensor([[0], [1]]), 4, 0.0, cache=False)
    assert torch.equal(found.tokens, expected)


@pytest.mark.parametrize("n", [1, 2, 4, 16, 100])
def test_the_distance_is_that_of_many_texts_and_a_bound_for_few(n):
    """Of m texts, equally likely and ranked, the k-th is the best of n with ((k + 1)^n - k^n) / m^n."""
    for m, tolerance in ((10_000, 0.02), (3, None)):
        k = torch.arange(m, dtype=torch.float64)
        p = ((k + 1) / m) ** n - (k / m) ** n
        kl = torch.special.xlogy(p, p * m).sum().item()
        assert kl <= best_of_n_kl(n) + 1e-12, f"n = {n}, {m} texts"
        assert tolerance is None or kl == pytest.approx(best_of_n_kl(n), abs=tolerance)
    assert best_of_n_kl(n) == pytest.approx(math.log(n) - 1 + 1 / n)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda p: best_of_n(table(), p, 0, last_token, 3),
            "best_of_n: n must be 1 or more, got 0",
        ),
        (TypeError, lambda p: best_of_n(table(), p, 2.0, last_token, 3), "best_of_n: n must be an integer"),
        (
            ValueError,
            lambda p: best_of_n(table(), p, 2, lambda t: t, 3),
            r"scores of shape \(6,\), got \(6, 5\)",
        ),
        (ValueError, lambda p: best_of_n(table(), p[0], 2, last_token, 3), r"tokens must be \(n, t\)"),
        (TypeError, lambda p: best_of_n(table(), [[1]], 2, last_token, 3), "prompts must be a torch.Tensor"),
        (ValueError, lambda p: best_of_n_kl(0), "best_of_n_kl: n must be 1 or more"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call(torch.ones(3, 2, dtype=torch.int64))
