"""The n-gram models against their formulas, computed anew from the whole text for each probability."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import data, metrics
from course_lib.models import AddKNGram, KneserNeyNGram


def windows(rows, length):
    return [tuple(row[i : i + length]) for row in rows for i in range(len(row) - length + 1)]


def add_k(rows, order, vocab_size, k, context, token):
    h = tuple(context)[max(0, len(context) - order + 1) :]
    grams = windows(rows, len(h) + 1)
    above = grams.count((*h, token)) + k
    below = sum(gram[:-1] == h for gram in grams) + k * vocab_size
    return above / below if below else 1 / vocab_size


def kneser_ney(rows, order, vocab_size, discount, context, token):
    """Chen & Goodman's recursion, from the longest context down."""

    def count(gram):
        if len(gram) == order:
            return windows(rows, order).count(gram)
        return len({longer[0] for longer in windows(rows, len(gram) + 1) if longer[1:] == gram})

    def p(h, w):
        counts = {v: count((*h, v)) for v in range(vocab_size)}
        total = sum(counts.values())
        shorter = p(h[1:], w) if h else 1 / vocab_size
        if total == 0:
            return shorter
        different = sum(c > 0 for c in counts.values())
        return (max(counts[w] - discount, 0) + discount * different * shorter) / total

    return p(tuple(context)[max(0, len(context) - order + 1) :], token)


MODELS = {
    "add-k": (AddKNGram, add_k, [0.0, 0.1, 1.0, 3.0]),
    "Kneser-Ney": (KneserNeyNGram, kneser_ney, [0.0, 0.5, 0.75, 1.0]),
}


@pytest.mark.parametrize("name", MODELS)
@given(
    order=st.integers(1, 4),
    vocab_size=st.integers(1, 4),
    n=st.integers(1, 3),
    t=st.integers(1, 12),
    which=st.integers(0, 3),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_probabilities_are_the_formulas_and_sum_to_one(name, order, vocab_size, n, t, which, seed):
    make, formula, values = MODELS[name]
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(vocab_size, (n, t), generator=generator)
    model = make(order, vocab_size, values[which]).fit(text)
    for length in range(5):
        context = torch.randint(vocab_size, (length,), generator=generator)
        got = model.probabilities(context)
        expected = [
            formula(text.tolist(), order, vocab_size, values[which], context.tolist(), token)
            for token in range(vocab_size)
        ]
        message = f"{name} of order {order}, {values[which]}, after {context.tolist()}"
        assert got.tolist() == pytest.approx(expected, abs=1e-12), message
        assert float(got.sum()) == pytest.approx(1.0, abs=1e-12), message
        assert got.dtype == torch.float64


@pytest.mark.parametrize("name", MODELS)
def test_log_prob_is_that_of_each_token_given_those_before_it(name):
    model = MODELS[name][0](3, 5, 0.3).fit(torch.arange(40) ** 2 % 5)
    new = torch.tensor([[0, 1, 4, 4, 1], [2, 3, 0, 0, 0]])
    got = model.log_prob(new)
    for row, found in zip(new, got, strict=True):
        for place, token in enumerate(row):
            expected = model.probabilities(row[:place])[token].log()
            assert float(found[place]) == pytest.approx(float(expected))
    assert torch.equal(model.log_prob(new[0]), got[0]), "a text is not read by itself"
    assert model.perplexity(new) == pytest.approx(metrics.perplexity(got))


def test_by_hand():
    text = torch.tensor([0, 1, 0, 1, 0, 2])
    frequencies = AddKNGram(2, 3, k=0.0).fit(text)
    assert frequencies.probabilities(torch.tensor([0])).tolist() == pytest.approx([0, 2 / 3, 1 / 3])
    laplace = AddKNGram(2, 3).fit(text)
    assert laplace.probabilities(torch.tensor([0])).tolist() == pytest.approx([1 / 6, 3 / 6, 2 / 6])
    # After 0 came 1 twice and 2 once. Of the 3 different pairs one ends in each of 0, 1 and 2: 1/3 each.
    smoothed = KneserNeyNGram(2, 3, discount=0.5).fit(text)
    spared = 0.5 * 2 / 3 * (1 / 3)
    expected = [spared, 1.5 / 3 + spared, 0.5 / 3 + spared]
    assert smoothed.probabilities(torch.tensor([0])).tolist() == pytest.approx(expected)


def test_a_frequent_word_that_follows_one_other_is_a_poor_guess_elsewhere():
    """1 comes often, but only after 0; 2 comes seldom, after 3, 4 and 5. What follows 6, which is new?"""
    text = torch.tensor([0, 1] * 20 + [3, 2, 4, 2, 5, 2, 0])
    new = torch.tensor([6])
    smoothed, counted = KneserNeyNGram(2, 7).fit(text), AddKNGram(1, 7).fit(text)
    assert smoothed.probabilities(new)[2] > 2 * smoothed.probabilities(new)[1]
    assert counted.probabilities(new)[2] < 0.5 * counted.probabilities(new)[1]


def test_what_never_came_is_impossible_to_frequencies_alone():
    text = torch.tensor([0, 1, 0, 1])
    assert AddKNGram(2, 3, k=0).fit(text).perplexity(torch.tensor([0, 2])) == math.inf
    assert AddKNGram(2, 3, k=0).fit(text).probabilities(torch.tensor([2])).tolist() == [1 / 3] * 3
    assert math.isfinite(AddKNGram(2, 3, k=1e-9).fit(text).perplexity(torch.tensor([0, 2])))
    assert math.isfinite(KneserNeyNGram(2, 3).fit(text).perplexity(torch.tensor([0, 2])))


def test_on_real_text_longer_contexts_help_kneser_ney_and_harm_add_k():
    train, new = (data.load("python-docs", split).x.flatten() for split in ("train", "validation"))
    train, new = train[:100_000], new[:10_000]
    smoothed = [KneserNeyNGram(order, 256).fit(train).perplexity(new) for order in (1, 3, 5)]
    counted = [AddKNGram(order, 256, k=0.1).fit(train).perplexity(new) for order in (1, 3, 5)]
    assert smoothed == sorted(smoothed, reverse=True), f"Kneser-Ney of order 1, 3, 5: {smoothed}"
    assert counted[2] > 1.2 * counted[1], f"add-k of order 1, 3, 5: {counted}"
    assert smoothed[2] < 0.6 * counted[2]


def test_samples_have_the_models_probabilities():
    model = KneserNeyNGram(2, 4).fit(torch.tensor([0, 1, 2, 3, 0, 2, 1, 1, 0, 3]))
    chain = model.sample(torch.tensor([0]), 8000, torch.Generator().manual_seed(0))
    assert chain.shape == (8001,)
    for context in range(4):
        followers = chain[1:][chain[:-1] == context].bincount(minlength=4)
        expected = model.probabilities(torch.tensor([context]))
        slack = 4 * (expected * (1 - expected) / followers.sum()).sqrt() + 1e-3
        assert ((followers / followers.sum() - expected).abs() < slack).all(), f"what follows {context}"


def test_samples_come_from_the_generator_and_continue_the_context():
    model = AddKNGram(3, 256, k=0.01).fit(data.load("python-docs", "test").x)
    context = torch.tensor(list(b"the "))
    first, again = (model.sample(context, 30, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first[:4], context)
    assert not torch.equal(first, model.sample(context, 30, torch.Generator().manual_seed(2)))
    assert torch.equal(model.sample(context, 0), context)
    assert model.sample(torch.tensor([], dtype=torch.int64), 3).shape == (3,)


def test_texts_are_counted_each_by_itself_and_anew():
    rows = torch.tensor([[0, 1], [2, 3]])
    model = AddKNGram(2, 4, k=0).fit(rows)
    assert model.probabilities(torch.tensor([1])).tolist() == [0.25] * 4, "1 was followed by nothing"
    assert AddKNGram(2, 4, k=0).fit(rows.flatten()).probabilities(torch.tensor([1]))[2] == 1
    model.fit(torch.tensor([1, 1, 1]))
    assert model.probabilities(torch.tensor([0])).tolist() == [0.25] * 4, "old counts are still there"


def test_it_can_be_copied():
    model = KneserNeyNGram(3, 5).fit(torch.arange(30) ** 2 % 5)
    new = torch.tensor([1, 4, 0, 1])
    assert torch.equal(copy.deepcopy(model).log_prob(new), model.log_prob(new))


TEXT = torch.tensor([0, 1, 2])
FITTED = AddKNGram(2, 3).fit(TEXT)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: AddKNGram(0, 3), "AddKNGram: order must be 1 or more, got 0"),
        (TypeError, lambda: KneserNeyNGram(2, 3.5), "KneserNeyNGram: vocab_size must be an integer, got 3.5"),
        (ValueError, lambda: AddKNGram(2, 3, k=-1), "AddKNGram: k must be 0 or more, got -1"),
        (ValueError, lambda: AddKNGram(2, 3, k=math.inf), "AddKNGram: k must be finite"),
        (ValueError, lambda: KneserNeyNGram(2, 3, discount=1.5), "discount must be from 0 to 1, got 1.5"),
        (TypeError, lambda: AddKNGram(2, 3).fit([0, 1]), "tokens must be a torch.Tensor, got list"),
        (TypeError, lambda: AddKNGram(2, 3).fit(TEXT.float()), "tokens must hold whole numbers"),
        (ValueError, lambda: AddKNGram(2, 3).fit(TEXT[None, None]), r"tokens must be \(t\) or \(n, t\)"),
        (ValueError, lambda: AddKNGram(2, 3).fit(TEXT[:0]), "tokens must have at least one token"),
        (ValueError, lambda: AddKNGram(2, 3).fit(TEXT + 1), "tokens must be from 0 to 2, got 3"),
        (ValueError, lambda: AddKNGram(2, 3).log_prob(TEXT), "the model must be fitted first"),
        (ValueError, lambda: KneserNeyNGram(2, 3).sample(TEXT, 3), "the model must be fitted first"),
        (ValueError, lambda: FITTED.log_prob(TEXT - 1), "tokens must be from 0 to 2, got -1"),
        (ValueError, lambda: FITTED.probabilities(TEXT[None]), r"context must be \(t,\), got shape \(1, 3\)"),
        (ValueError, lambda: FITTED.sample(TEXT, -1), "length must be 0 or more, got -1"),
        (ValueError, lambda: FITTED.sample(TEXT + 5, 1), "context must be from 0 to 2, got 5"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
