"""Matching and sampling against loops over the rules, and torchvision's matcher and sampler."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision_models import torchvision

from course_lib import vision

tv = torchvision.models.detection._utils


def drawn_iou(m, n, seed):
    """Numbers from 0 to 1 with ties among them, as with anchors of one size."""
    return torch.randint(0, 11, (m, n), generator=torch.Generator().manual_seed(seed)).double() / 10


@pytest.mark.parametrize("keep_best", [False, True])
@given(m=st.integers(1, 5), n=st.integers(1, 12), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_matches_are_torchvisions(keep_best, m, n, seed):
    iou = drawn_iou(m, n, seed)
    expected = tv.Matcher(0.7, 0.3, allow_low_quality_matches=keep_best)(iou)
    assert vision.match_boxes(iou, 0.7, 0.3, keep_best).tolist() == expected.tolist()


@given(m=st.integers(0, 5), n=st.integers(0, 12), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_matches_follow_the_rules_one_by_one(m, n, seed):
    iou = drawn_iou(m, n, seed)
    for keep_best in (False, True):
        got = vision.match_boxes(iou, 0.6, 0.4, keep_best).tolist()
        assert len(got) == n
        for j, match in enumerate(got):
            column = iou[:, j].tolist()
            best = max(column, default=0.0)
            if m and keep_best and any(column[i] == iou[i].max() for i in range(m)):
                assert match == column.index(best), f"candidate {j} is the best of a box"
            elif best >= 0.6:
                assert match == column.index(best), f"candidate {j} has a box"
            else:
                assert match == (-1 if best < 0.4 else -2), f"candidate {j} of IoU {best} has none"


@given(n=st.integers(0, 60), batch=st.integers(1, 40), tenths=st.integers(0, 10), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_sample_is_torchvisions(n, batch, tenths, seed):
    matched = torch.randint(-2, 3, (n,), generator=torch.Generator().manual_seed(seed))
    torch.manual_seed(seed)
    ((positive,), (negative,)) = tv.BalancedPositiveNegativeSampler(batch, tenths / 10)(
        [torch.where(matched == -2, -1, (matched >= 0).long())]
    )
    torch.manual_seed(seed)
    some, others = vision.sample_matches(matched, batch, tenths / 10)
    assert sorted(some.tolist()) == positive.nonzero().flatten().tolist()
    assert sorted(others.tolist()) == negative.nonzero().flatten().tolist()


def test_every_candidate_is_drawn_as_often():
    matched = torch.tensor([0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -2])
    counts, generator = torch.zeros(11), torch.Generator().manual_seed(0)
    for _ in range(2000):
        for part in vision.sample_matches(matched, 4, 0.5, generator):
            counts[part] += 1
    shares = counts / 2000
    assert (shares[:4] - 2 / 4).abs().max() < 0.05, shares
    assert (shares[4:10] - 2 / 6).abs().max() < 0.05, shares
    assert shares[10] == 0, "what is neither is not trained on"


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            TypeError,
            lambda: vision.match_boxes(torch.ones(2, 2).long(), 0.7, 0.3),
            "iou must have a floating",
        ),
        (ValueError, lambda: vision.match_boxes(torch.ones(2), 0.7, 0.3), "iou must be (M, N)"),
        (ValueError, lambda: vision.match_boxes(torch.ones(2, 2), 1.7, 0.3), "foreground_iou must be from 0"),
        (
            ValueError,
            lambda: vision.match_boxes(torch.ones(2, 2), 0.3, 0.7),
            "background_iou must be at most",
        ),
        (ValueError, lambda: vision.sample_matches(torch.ones(2, 2).long(), 4, 0.5), "matched must be (N)"),
        (
            TypeError,
            lambda: vision.sample_matches(torch.ones(2), 4, 0.5),
            "matched must be of dtype torch.int64",
        ),
        (ValueError, lambda: vision.sample_matches(torch.ones(2).long(), 0, 0.5), "batch_size must be 1 or"),
        (
            ValueError,
            lambda: vision.sample_matches(torch.ones(2).long(), 4, 2.0),
            "positive_fraction must be",
        ),
        (
            TypeError,
            lambda: vision.sample_matches(torch.ones(2).long(), 4, 0.5, 0),
            "generator must be a torch",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
