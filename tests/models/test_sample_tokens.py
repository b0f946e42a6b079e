"""Drawing one token: filters against Hugging Face's, draws against the probabilities."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from originals import assert_close
from transformers_models import transformers

from course_lib.models.sample_tokens import sample_tokens, top_k_filter, top_p_filter

INF = math.inf


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# ---- filters


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 15), st.integers(0, 99))
def test_top_k_keeps_the_k_largest_as_hugging_face_does(n, v, k, seed):
    logits = torch.randn(n, v, generator=seeded(seed))
    expected = transformers.TopKLogitsWarper(k)(None, logits)
    assert_close(top_k_filter(logits, k), expected, f"top {k} of {v}")
    assert (top_k_filter(logits, k) > -INF).sum(-1).eq(min(k, v)).all()


@given(st.integers(1, 4), st.integers(1, 12), st.floats(0.01, 1.0), st.integers(0, 99))
def test_top_p_keeps_the_nucleus_as_hugging_face_does(n, v, p, seed):
    logits = 3 * torch.randn(n, v, generator=seeded(seed), dtype=torch.float64)
    expected = transformers.TopPLogitsWarper(p)(None, logits)
    got = top_p_filter(logits, p)
    assert_close(got, expected, f"nucleus of {p} of {v}")
    probabilities = torch.softmax(logits, -1)
    kept = got > -INF
    for row, stays in zip(probabilities, kept, strict=True):
        assert row[stays].sum() >= p - 1e-12, "the nucleus has p or more"
        assert row[stays].sum() - row[stays].min() < p, "and would not without its rarest"
        assert (not stays.all() and row[~stays].max() <= row[stays].min()) or stays.all(), "the likeliest"


def test_the_nucleus_by_hand():
    logits = torch.tensor([0.5, 0.125, 0.25, 0.125]).log()
    for p, kept in {0.3: [0], 0.5: [0], 0.51: [0, 2], 0.7: [0, 2], 0.8: [0, 1, 2], 1.0: [0, 1, 2, 3]}.items():
        assert (top_p_filter(logits, p) > -INF).nonzero()[:, 0].tolist() == kept, p


def test_of_equals_at_the_border_as_many_stay_as_fit():
    assert (top_k_filter(torch.zeros(2, 6), 4) > -INF).sum(-1).tolist() == [4, 4]
    assert (top_p_filter(torch.zeros(2, 4), 0.5) > -INF).sum(-1).tolist() == [2, 2]


def test_p_of_1_keeps_all_in_spite_of_rounding():
    logits = torch.tensor([[20.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    assert torch.softmax(logits, -1)[0, 0] == 1, "rounded, the first has all"
    assert torch.equal(top_p_filter(logits, 1.0), logits)
    assert torch.equal(top_p_filter(logits, 1), logits)


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("keep", [lambda x: top_k_filter(x, 2), lambda x: top_p_filter(x, 0.6)])
def test_filters_take_any_shape_and_leave_their_input(shape, keep):
    logits = torch.randn(shape, dtype=torch.float64)
    before = logits.clone()
    got = keep(logits)
    assert got.shape == shape
    assert got.dtype == torch.float64
    assert torch.equal(logits, before)
    stays = got > -INF
    assert torch.equal(got[stays], logits[stays]), "what stays keeps its logit"


@pytest.mark.parametrize("scale", [1e-30, 1e4, 1e30])
def test_filters_at_extremes(scale):
    logits = scale * torch.tensor([[1.0, -INF, 3.0, 2.0]])
    assert (top_k_filter(logits, 3) > -INF).tolist() == [[True, False, True, True]]
    for p in (1e-6, 0.2):
        assert (top_p_filter(logits, p) > -INF).tolist() == [[False, False, True, False]], p
    assert not (top_p_filter(logits, 1 - 1e-9) > -INF)[0, 1], "what is forbidden stays forbidden"


# ---- one token


@pytest.mark.parametrize(
    ("options", "shaped"),
    [
        ({}, lambda x: x),
        ({"temperature": 0.5}, lambda x: x / 0.5),
        ({"temperature": 3}, lambda x: x / 3),
        ({"top_k": 2}, lambda x: top_k_filter(x, 2)),
        ({"top_p": 0.7}, lambda x: top_p_filter(x, 0.7)),
        ({"temperature": 2, "top_p": 0.7}, lambda x: top_p_filter(x / 2, 0.7)),
        ({"temperature": 2, "top_k": 4, "top_p": 0.7}, lambda x: top_p_filter(top_k_filter(x, 4) / 2, 0.7)),
    ],
)
def test_tokens_come_as_often_as_they_should(options, shaped):
    logits = torch.tensor([2.0, 0.0, 1.0, -1.0, 0.5, -INF])
    n = 20_000
    drawn = sample_tokens(logits.expand(n, 6), **options, generator=seeded())
    assert drawn.dtype == torch.int64
    share = torch.bincount(drawn, minlength=6) / n
    expected = torch.softmax(shaped(logits), dim=-1)
    assert ((share == 0) | (expected > 0)).all(), "nothing forbidden is drawn"
    off = (share - expected).abs() / (expected * (1 - expected) / n).sqrt().clamp(min=1e-9)
    assert off.max() < 4, f"{options}: {share.tolist()} instead of {expected.tolist()}"


def test_rows_are_drawn_each_by_its_own():
    sure = torch.full((4, 5), -INF)
    for row, token in enumerate([3, 0, 4, 3]):
        sure[row, token] = -7.0
    assert sample_tokens(sure).tolist() == [3, 0, 4, 3]
    assert sample_tokens(torch.zeros(0, 5)).shape == (0,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-44, 5e-324])
def test_towards_temperature_0_sampling_becomes_greedy(temperature, dtype):
    logits = torch.randn(200, 50, generator=seeded(), dtype=dtype).round(decimals=1)
    logits.scatter_add_(1, logits.argmax(1, keepdim=True), torch.full((200, 1), 0.1, dtype=dtype))  # no ties
    greedy = sample_tokens(logits, temperature=0)
    assert torch.equal(greedy, logits.argmax(-1))
    assert torch.equal(sample_tokens(logits, temperature, generator=seeded()), greedy)
    assert torch.equal(sample_tokens(logits, top_k=1, generator=seeded()), greedy)
    assert torch.equal(sample_tokens(logits, top_p=1e-9, generator=seeded()), greedy)


@pytest.mark.parametrize("scale", [1e-30, 1e4, 3e38])
def test_logits_of_any_size_can_be_drawn_from(scale):
    drawn = sample_tokens(torch.tensor([[1.0, -1.0], [-1.0, 0.5]]) * scale, generator=seeded())
    assert drawn.shape == (2,)
    if scale > 1:
        assert drawn.tolist() == [0, 1]


def test_hot_sampling_becomes_uniform():
    logits = torch.tensor([5.0, -5.0, 0.0]).expand(9000, 3)
    share = torch.bincount(sample_tokens(logits, temperature=1e6, generator=seeded())) / 9000
    assert_close(share, torch.full((3,), 1 / 3), "shares", atol=0.02)


LOGITS = torch.zeros(2, 23)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: top_k_filter(LOGITS, 0), "top_k_filter: k must be 1 or more, got 0"),
        (TypeError, lambda: top_k_filter(LOGITS, 2.0), "top_k_filter: k must be an integer, got 2"),
        (TypeError, lambda: top_k_filter([1.0], 1), "top_k_filter: logits must be a torch.Tensor, got list"),
        (
            ValueError,
            lambda: top_k_filter(torch.tensor(1.0), 1),
            r"logits must be \(..., V\), got shape \(\)",
        ),
        (ValueError, lambda: top_p_filter(LOGITS, 0), "top_p_filter: p must be greater than 0, got 0"),
        (ValueError, lambda: top_p_filter(LOGITS, 90), "top_p_filter: p must be from 0 to 1, got 90"),
        (ValueError, lambda: top_p_filter(LOGITS, INF), "top_p_filter: p must be from 0 to 1, got inf"),
        (TypeError, lambda: top_p_filter(LOGITS, "0.9"), "top_p_filter: p must be a number, got '0.9'"),
        (TypeError, lambda: top_p_filter(LOGITS.long(), 0.9), "logits must have a floating-point dtype"),
        (ValueError, lambda: top_p_filter(LOGITS[:, :0], 0.9), r"must be \(..., V\), got shape \(2, 0\)"),
        (TypeError, lambda: sample_tokens([[1.0]]), "sample_tokens: logits must be a torch.Tensor, got list"),
        (ValueError, lambda: sample_tokens(LOGITS[0]), r"logits must be \(n, V\), got shape \(23,\)"),
        (ValueError, lambda: sample_tokens(LOGITS[:, :0]), r"logits must be \(..., V\), got shape \(2, 0\)"),
        (ValueError, lambda: sample_tokens(LOGITS, -1), "temperature must be 0 or more, got -1"),
        (ValueError, lambda: sample_tokens(LOGITS, INF), "temperature must be finite, got inf"),
        (TypeError, lambda: sample_tokens(LOGITS, None), "temperature must be a number, got None"),
        (
            TypeError,
            lambda: sample_tokens(LOGITS, generator=0),
            "generator must be a torch.Generator or None, got 0",
        ),
        (ValueError, lambda: sample_tokens(LOGITS - INF), "row 0's is -inf"),
        (ValueError, lambda: sample_tokens(LOGITS * math.nan), "row 0's is nan"),
        (ValueError, lambda: sample_tokens(torch.tensor([[1.0, 2], [0, INF]])), "row 1's is inf"),
    ],
)
def test_bad_calls_for_one_token_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
