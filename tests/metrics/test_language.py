"""Perplexity, bits per byte and exact matches against their definitions, PyTorch and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from torch.nn import functional as F

from course_lib import metrics


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    vocabulary=st.integers(1, 9),
    scale=st.sampled_from([0.0, 1.0, 50.0, 1e4]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    seed=st.integers(0, 999),
)
@settings(max_examples=100, deadline=None)
def test_token_log_prob_is_minus_torchs_cross_entropy(shape, vocabulary, scale, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = (scale * torch.randn(*shape, vocabulary, generator=generator)).to(dtype)
    y = torch.randint(vocabulary, shape, generator=generator)
    y.flatten()[1:][torch.rand(y.numel() - 1, generator=generator) < 0.3] = -100
    expected = F.cross_entropy(logits.double().flatten(0, -2), y.flatten(), reduction="none")
    got = metrics.token_log_prob(y, logits)
    assert got.dtype == torch.float64
    torch.testing.assert_close(got, -expected[y.flatten() != -100], rtol=1e-12, atol=1e-12)
    mean = F.cross_entropy(logits.double().flatten(0, -2), y.flatten()).item()
    expected = math.exp(mean) if mean < 700 else math.inf
    assert metrics.perplexity(got) == pytest.approx(expected, rel=1e-9)


def test_by_hand():
    assert metrics.perplexity([math.log(0.5), math.log(0.125)]) == pytest.approx(4.0)
    assert metrics.bits_per_byte([math.log(0.5), math.log(0.125)], 2) == pytest.approx(2.0)
    assert metrics.bits_per_byte([math.log(0.5), math.log(0.125)], 8) == pytest.approx(0.5)
    assert metrics.perplexity(torch.zeros(2, 3)) == 1.0, "a model that always knew"


@pytest.mark.parametrize("k", [1, 2, 10, 50_000])
def test_a_model_that_guesses_among_k_has_perplexity_k(k):
    logits = torch.full((3, 4, k), 7.0)
    log_prob = metrics.token_log_prob(torch.zeros(3, 4, dtype=torch.int64), logits)
    assert metrics.perplexity(log_prob) == pytest.approx(k)
    assert metrics.bits_per_byte(log_prob, 12) == pytest.approx(math.log2(k), abs=1e-12)


def test_bits_per_byte_do_not_depend_on_how_the_text_is_cut():
    """Two characters of probability 1/4 each, or one token of 1/16 for both."""
    single, joined = np.log(np.full(100, 1 / 4)), np.log(np.full(50, 1 / 16))
    assert metrics.bits_per_byte(single, 100) == pytest.approx(metrics.bits_per_byte(joined, 100))
    assert metrics.perplexity(joined) == pytest.approx(metrics.perplexity(single) ** 2)


def test_extreme_surprise():
    assert metrics.perplexity([0.0, -math.inf]) == math.inf
    assert metrics.perplexity([-1e5]) == math.inf
    assert metrics.bits_per_byte([-1e5], 1) == pytest.approx(1e5 / math.log(2))
    logits = torch.tensor([[0.0, 1e30], [0.0, -math.inf]])
    assert metrics.token_log_prob(torch.tensor([1, 1]), logits).tolist() == [0.0, -math.inf]


def test_long_and_wide_logits_are_read_a_part_at_a_time():
    logits = torch.randn(9000, 30, generator=torch.Generator().manual_seed(0))
    y = torch.arange(9000) % 30
    expected = -F.cross_entropy(logits.double(), y, reduction="none")
    torch.testing.assert_close(metrics.token_log_prob(y, logits), expected, rtol=1e-12, atol=1e-12)


def test_nothing_is_differentiated_or_changed():
    logits = torch.randn(2, 3, 4, requires_grad=True)
    before = logits.detach().clone()
    assert not metrics.token_log_prob(torch.zeros(2, 3, dtype=torch.int64), logits).requires_grad
    assert torch.equal(logits.detach(), before)


@given(
    n=st.integers(1, 8),
    t=st.integers(1, 4),
    ignore=st.sampled_from([None, 0, 1]),
    seed=st.integers(0, 999),
)
@settings(max_examples=100, deadline=None)
def test_exact_match_is_the_accuracy_of_whole_rows(n, t, ignore, seed):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, (n, t))
    pred = np.where(rng.random((n, t)) < 0.8, true, rng.integers(0, 3, (n, t)))
    blank = np.where(true == ignore, true, pred) if ignore is not None else pred
    strings = ["".join(map(str, row)) for row in true], ["".join(map(str, row)) for row in blank]
    expected = accuracy_score(*strings)
    got = metrics.exact_match_score(torch.tensor(true), torch.tensor(pred), ignore_index=ignore)
    assert got == pytest.approx(expected)
    assert metrics.exact_match_score(*strings) == pytest.approx(expected)


def test_exact_match_by_hand():
    assert metrics.exact_match_score(["12", "7", "100"], ["12", "8", "1000"]) == pytest.approx(1 / 3)
    y_true = torch.tensor([[1, 2, 0, 0], [3, 4, 5, 0]])
    y_pred = torch.tensor([[1, 2, 0, 9], [3, 4, 5, 0]])
    assert metrics.exact_match_score(y_true, y_pred) == 0.5
    assert metrics.exact_match_score(y_true, y_pred, ignore_index=0) == 1.0


def test_on_any_device(devices):
    logits, y = torch.randn(5, 6, 7), torch.randint(7, (5, 6))
    expected = metrics.perplexity(metrics.token_log_prob(y, logits))
    for device in devices:
        found = metrics.token_log_prob(y.to(device), logits.to(device))
        assert found.device.type == device
        assert metrics.perplexity(found) == pytest.approx(expected, rel=1e-9)
        assert metrics.exact_match_score(y.to(device), y) == 1.0


Y, LOGITS = torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (TypeError, lambda: metrics.token_log_prob([0], LOGITS), "y_true must be a torch.Tensor, got list"),
        (TypeError, lambda: metrics.token_log_prob(Y, Y), "logits must have a floating-point dtype"),
        (TypeError, lambda: metrics.token_log_prob(Y.float(), LOGITS), "y_true must hold whole numbers"),
        (ValueError, lambda: metrics.token_log_prob(Y[0], LOGITS), r"got \(2, 3, 4\) for \(3,\)"),
        (ValueError, lambda: metrics.token_log_prob(Y + 4, LOGITS), "must be from 0 to 3, or .* got 4"),
        (ValueError, lambda: metrics.token_log_prob(Y - 1, LOGITS), "must be from 0 to 3, or .* got -1"),
        (ValueError, lambda: metrics.token_log_prob(Y, LOGITS, ignore_index=0), "other than ignore_index=0"),
        (ValueError, lambda: metrics.perplexity([]), "perplexity: log_prob must have at least one token"),
        (ValueError, lambda: metrics.perplexity([0.5]), "perplexity: log_prob must be 0 or less, got 0.5"),
        (ValueError, lambda: metrics.perplexity([-1, math.nan]), "log_prob must be 0 or less, got nan"),
        (TypeError, lambda: metrics.perplexity("text"), "log_prob must be a tensor, an array or a list"),
        (ValueError, lambda: metrics.bits_per_byte([-1.0], 0), "n_bytes must be 1 or more, got 0"),
        (TypeError, lambda: metrics.bits_per_byte([-1.0], 2.5), "n_bytes must be an integer, got 2.5"),
        (
            ValueError,
            lambda: metrics.bits_per_byte([math.nan], 1),
            "bits_per_byte: log_prob must be 0 or less",
        ),
        (ValueError, lambda: metrics.exact_match_score(Y, Y[:1]), r"one shape .* got \(2, 3\) and \(1, 3\)"),
        (ValueError, lambda: metrics.exact_match_score(Y[:0], Y[:0]), "at least one sequence"),
        (ValueError, lambda: metrics.exact_match_score(Y[0], Y[0]), r"one shape \(n, t\)"),
        (ValueError, lambda: metrics.exact_match_score(["a"], []), "as many strings, .* got 1 and 0"),
        (TypeError, lambda: metrics.exact_match_score(Y, ["a"]), "both be .* got Tensor and list"),
        (TypeError, lambda: metrics.exact_match_score("ab", "ab"), "both be .* got str and str"),
        (TypeError, lambda: metrics.exact_match_score([1], [1]), "both be .* lists of strings"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
