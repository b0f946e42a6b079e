"""mask_tokens: how often it does what, and what it never does."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.models.mask_tokens import mask_tokens

MASK, V, N = 4, 50, 60_000


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def text(n=N, seed=1):
    """Tokens 5 ... 49: neither [MASK] nor the special ones are among them."""
    return torch.randint(5, V, (n // 100, 100), generator=seeded(seed))


def near(share, expected, n, what):
    """Within four standard deviations of a binomial's share."""
    assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / n)), what


@pytest.mark.parametrize("probability", [0.15, 0.4])
def test_15_percent_are_chosen_and_80_10_10_of_them_masked_replaced_kept(probability):
    tokens = text()
    inputs, targets = mask_tokens(tokens, MASK, V, probability=probability, generator=seeded())
    chosen = targets != -100
    near(chosen.double().mean().item(), probability, N, "chosen")
    n = int(chosen.sum())
    masked, kept = inputs[chosen] == MASK, inputs[chosen] == tokens[chosen]
    near(masked.double().mean().item(), 0.8 + 0.1 / V, n, "masked, by the draw now and then, too")
    near(kept.double().mean().item(), 0.1 + 0.1 / V, n, "kept")
    near((~masked & ~kept).double().mean().item(), 0.1 - 0.2 / V, n, "replaced by another")


def test_replacements_are_drawn_from_the_whole_vocabulary():
    tokens = torch.full((N,), 7)
    inputs = mask_tokens(tokens, MASK, V, probability=1.0, generator=seeded()).inputs
    counts = torch.bincount(inputs, minlength=V).double()
    others = counts[[each for each in range(V) if each not in (MASK, 7)]]
    expected = 0.1 * N / V
    chi_squared = ((others - expected) ** 2 / expected).sum().item()
    assert chi_squared < 48 + 4 * math.sqrt(2 * 48), (
        f"{others.min()} ... {others.max()} of {expected} expected"
    )


def test_targets_are_what_stood_there_and_the_rest_is_as_it_was():
    tokens = text(10_000)
    before = tokens.clone()
    inputs, targets = mask_tokens(tokens, MASK, V, generator=seeded())
    chosen = targets != -100
    assert torch.equal(targets[chosen], tokens[chosen])
    assert torch.equal(inputs[~chosen], tokens[~chosen])
    assert torch.equal(tokens, before), "the text itself is left alone"


def test_neighbours_are_chosen_independently():
    chosen = (mask_tokens(text(), MASK, V, generator=seeded()).targets != -100).double()
    both = (chosen[:, 1:] * chosen[:, :-1]).mean().item()
    near(both, 0.15**2, N, "both of two neighbours")


@given(st.lists(st.integers(0, 9), max_size=4), st.integers(0, 99))
def test_special_tokens_are_never_chosen_nor_changed(special, seed):
    tokens = torch.randint(10, (5, 20), generator=seeded(seed))
    inputs, targets = mask_tokens(tokens, 3, 10, special, probability=1.0, generator=seeded(seed))
    spared = torch.zeros_like(tokens, dtype=torch.bool)
    for each in special:
        spared |= tokens == each
    assert torch.equal(inputs[spared], tokens[spared])
    assert (targets[spared] == -100).all()
    assert torch.equal(targets[~spared], tokens[~spared]), "with probability 1 all others are chosen"


@pytest.mark.parametrize("shape", [(), (7,), (0, 4), (2, 3, 4)])
def test_any_shape_and_another_mark(shape):
    tokens = torch.randint(V, shape)
    inputs, targets = mask_tokens(tokens, MASK, V, probability=0.0, ignore_index=-1)
    assert torch.equal(inputs, tokens)
    assert torch.equal(targets, torch.full(shape, -1))


def test_the_seed_decides():
    first, again = (mask_tokens(text(1000), MASK, V, generator=seeded(3)) for _ in range(2))
    other = mask_tokens(text(1000), MASK, V, generator=seeded(4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.targets, other.targets)
    torch.manual_seed(5)
    from_global = mask_tokens(text(1000), MASK, V)
    torch.manual_seed(5)
    assert torch.equal(mask_tokens(text(1000), MASK, V).targets, from_global.targets)


GOOD = {"tokens": torch.zeros(2, 3, dtype=torch.long), "mask_token": 1, "vocab_size": 5}


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (TypeError, {"tokens": [[1]]}, "mask_tokens: tokens must be a torch.Tensor, got list"),
        (TypeError, {"tokens": torch.zeros(2)}, "tokens must be of dtype torch.int64, got torch.float32"),
        (
            ValueError,
            {"tokens": torch.tensor([5])},
            r"tokens must be in 0 ... 4 \(vocab_size=5\), got 5 ... 5",
        ),
        (ValueError, {"tokens": torch.tensor([-100, 2])}, "tokens must be in 0 ... 4 .*, got -100 ... 2"),
        (ValueError, {"mask_token": 5}, "mask_token must be in 0 ... 4 .*, got 5"),
        (ValueError, {"mask_token": -1}, "mask_token must be 0 or more, got -1"),
        (TypeError, {"mask_token": "[MASK]"}, "mask_token must be an integer, got '\\[MASK\\]'"),
        (ValueError, {"vocab_size": 0}, "vocab_size must be 1 or more, got 0"),
        (ValueError, {"special_tokens": [2, 9]}, "special_tokens must be in 0 ... 4 .*, got 9"),
        (ValueError, {"probability": 15}, "probability must be from 0 to 1, got 15"),
        (TypeError, {"ignore_index": None}, "ignore_index must be an integer, got None"),
        (TypeError, {"generator": 0}, "generator must be a torch.Generator or None, got 0"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        mask_tokens(**GOOD | options)
