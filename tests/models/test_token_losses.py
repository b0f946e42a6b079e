"""Losses of tokens against the definition, scikit-learn's log loss and Hugging Face's."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from originals import assert_close
from sklearn.metrics import log_loss
from transformers_models import VOCABULARY, random_tokens, twin

from course_lib.models.token_losses import causal_lm_loss, token_loss


def drawn(n, t, v, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, t, v, generator=generator, dtype=torch.float64)
    return logits, torch.randint(v, (n, t), generator=generator)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(2, 6), st.integers(0, 99))
def test_it_is_the_mean_log_loss_of_what_counts(n, t, v, seed):
    logits, targets = drawn(n, t, v, seed)
    ignored = torch.rand(n, t, generator=torch.Generator().manual_seed(seed)) < 0.4
    ignored[0, 0] = False
    got = token_loss(logits, targets.masked_fill(ignored, -100))
    kept = ~ignored
    probabilities = torch.softmax(logits[kept], dim=-1)
    expected = log_loss(targets[kept], probabilities, labels=list(range(v)))
    assert got.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 3, 4)])
def test_any_number_of_dimensions(shape):
    logits = torch.randn(*shape, 5, dtype=torch.float64)
    targets = torch.randint(5, shape)
    expected = -torch.log_softmax(logits, -1).gather(-1, targets[..., None]).mean()
    assert_close(token_loss(logits, targets), expected, f"targets of {shape}", atol=1e-12)


def test_causal_loss_asks_each_position_for_the_next_token():
    logits, tokens = drawn(2, 4, 5)
    terms = [-torch.log_softmax(logits[i, j], 0)[tokens[i, j + 1]] for i in range(2) for j in range(3)]
    assert_close(causal_lm_loss(logits, tokens), torch.stack(terms).mean(), "by hand", atol=1e-12)
    padded = tokens.clone()
    padded[1, 2:] = -100
    expected = torch.stack([*terms[:3], terms[3]]).mean()
    assert_close(causal_lm_loss(logits, padded), expected, "without what is padding", atol=1e-12)


def test_causal_loss_is_hugging_faces():
    theirs, tokens = twin("GPT2LMHeadModel"), random_tokens()
    for labels in (tokens, tokens.masked_fill(tokens == tokens[0, 4], -100)):
        output = theirs(tokens, labels=labels)
        assert_close(causal_lm_loss(output.logits, labels), output.loss, "loss", atol=1e-5)


def test_masked_loss_is_hugging_faces():
    theirs, tokens = twin("BertForMaskedLM"), random_tokens()
    labels = tokens.masked_fill(torch.arange(9) % 3 > 0, -100)
    output = theirs(tokens, labels=labels)
    assert_close(token_loss(output.logits, labels), output.loss, "loss", atol=1e-5)


def test_a_model_that_knows_nothing_pays_log_v_and_one_that_knows_all_nothing():
    tokens = random_tokens()
    assert token_loss(torch.zeros(3, 9, VOCABULARY), tokens).item() == pytest.approx(math.log(VOCABULARY))
    sure = 1e4 * torch.nn.functional.one_hot(tokens, VOCABULARY).float()
    assert token_loss(sure, tokens) == 0
    assert token_loss(-sure, tokens).item() == pytest.approx(1e4, rel=1e-3), "surely wrong, and still finite"


def test_of_no_targets_there_is_no_mean():
    assert token_loss(torch.zeros(2, 3, 4), torch.full((2, 3), -100)).isnan()
    assert token_loss(torch.zeros(0, 3, 4), torch.zeros(0, 3, dtype=torch.long)).isnan()


def test_another_mark_can_be_ignored():
    logits, targets = drawn(2, 4, 5)
    marked = targets.masked_fill(targets == 2, 0)
    expected = token_loss(logits, marked.masked_fill(marked == 0, -100))
    assert token_loss(logits, marked, ignore_index=0) == expected
    assert causal_lm_loss(logits, marked, 0) == token_loss(logits[:, :-1], marked[:, 1:], 0)


def test_gradients_are_probability_less_target():
    logits, targets = drawn(2, 3, 4)
    logits.requires_grad_()
    token_loss(logits, targets).backward()
    expected = (torch.softmax(logits, -1) - torch.nn.functional.one_hot(targets, 4)) / 6
    assert_close(logits.grad, expected.detach(), "gradient", atol=1e-12)


LOGITS, TOKENS = torch.zeros(2, 3, 5), torch.zeros(2, 3, dtype=torch.long)


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (TypeError, ([1.0], TOKENS), "token_loss: logits must be a torch.Tensor, got list"),
        (TypeError, (LOGITS.long(), TOKENS), "logits must have a floating-point dtype, got torch.int64"),
        (TypeError, (LOGITS, [0]), "targets must be a torch.Tensor, got list"),
        (TypeError, (LOGITS, TOKENS.float()), "targets must be of dtype torch.int64, got torch.float32"),
        (TypeError, (LOGITS, LOGITS), "targets must be of dtype torch.int64, got torch.float32"),
        (ValueError, (LOGITS, TOKENS[:, 1:]), r"logits' shape without V, \(2, 3\), got \(2, 2\)"),
        (ValueError, (torch.tensor(1.0), torch.tensor(0)), r"logits must be \(..., V\), got shape \(\)"),
        (ValueError, (LOGITS, TOKENS + 5), "classes 0 ... 4"),
        (TypeError, (LOGITS, TOKENS, 1.0), "'ignore_index' .* must be int, not float"),
    ],
)
def test_bad_calls_of_token_loss_are_named(error, arguments, words):
    with pytest.raises(error, match=words):
        token_loss(*arguments)


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (TypeError, (LOGITS, TOKENS.float()), "causal_lm_loss: tokens must be of dtype torch.int64"),
        (
            ValueError,
            (LOGITS[0], TOKENS[0]),
            r"causal_lm_loss: logits must be \(n, t, V\), got shape \(3, 5\)",
        ),
        (ValueError, (LOGITS, TOKENS[:, 1:]), r"\(n, t\) = \(2, 3\), t of 2 or more, got \(2, 2\)"),
        (ValueError, (LOGITS[:, :1], TOKENS[:, :1]), r"\(2, 1\), t of 2 or more, got \(2, 1\)"),
    ],
)
def test_bad_calls_of_causal_lm_loss_are_named(error, arguments, words):
    with pytest.raises(error, match=words):
        causal_lm_loss(*arguments)
