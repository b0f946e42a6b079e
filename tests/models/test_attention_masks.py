"""Masks of who may look where: against loops over all pairs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.models.attention_masks import look_back, padding_mask


@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 4), st.booleans(), st.integers(0, 99))
def test_a_query_looks_at_tokens_up_to_itself_and_not_at_padding(n, t, past, padded, seed):
    tokens = torch.zeros(n, t, dtype=torch.long)
    real = torch.rand(n, past + t, generator=torch.Generator().manual_seed(seed)) < 0.7
    mask = look_back("net", tokens, past, real if padded else None)
    if not past and not padded:
        assert mask is None, "the causal kernel needs no mask"
        return
    got = mask.expand(n, 1, t, past + t)
    for row in range(n):
        for query in range(t):
            for key in range(past + t):
                expected = key <= past + query and (not padded or bool(real[row, key]))
                assert got[row, 0, query, key] == expected, f"row {row}, query {past + query}, key {key}"


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.int32, torch.uint8])
def test_ones_are_tokens_and_zeros_padding_of_any_dtype(dtype):
    given = torch.tensor([[1, 1, 0], [1, 0, 0]], dtype=dtype)
    before = given.clone()
    mask = padding_mask("net", given, (2, 3))
    assert mask.shape == (2, 1, 1, 3)
    assert mask.dtype == torch.bool
    assert mask[:, 0, 0].tolist() == [[True, True, False], [True, False, False]]
    assert torch.equal(given, before)


@pytest.mark.parametrize(
    ("error", "mask", "words"),
    [
        (TypeError, [[1, 1, 0]], "net: attention_mask must be a torch.Tensor, got list"),
        (
            TypeError,
            torch.ones(1, 3),
            "net: attention_mask must hold booleans or integers.*got torch.float32",
        ),
        (
            ValueError,
            torch.ones(1, 2).bool(),
            r"attention_mask must have tokens' shape \(1, 3\), got \(1, 2\)",
        ),
        (ValueError, torch.ones(3).bool(), r"attention_mask must have tokens' shape \(1, 3\), got \(3,\)"),
    ],
)
def test_bad_masks_are_named(error, mask, words):
    with pytest.raises(error, match=words):
        padding_mask("net", mask, (1, 3))
