"""The focal loss against torchvision's, against cross-entropy, and where numbers are extreme."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch.nn import functional as F
from torchvision_models import torchvision

from course_lib.vision import sigmoid_focal_loss


@given(
    n=st.integers(0, 12),
    alpha=st.sampled_from([-1, 0, 0.25, 1]),
    gamma=st.sampled_from([0, 0.5, 2, 5.0]),
    reduction=st.sampled_from(["none", "sum"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_torchvisions(n, alpha, gamma, reduction, seed):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=rng, dtype=torch.float64).mul_(3).requires_grad_()
    y = torch.randint(2, (n, 3), generator=rng).double()
    results = []
    for loss in (sigmoid_focal_loss, torchvision.ops.sigmoid_focal_loss):
        value = loss(x, y, alpha, gamma, reduction)
        results.append((value, *torch.autograd.grad(value.sum(), x)))
    for got, expected, what in zip(*results, ("loss", "gradient"), strict=True):
        assert_close(got, expected, f"focal {what}", rtol=1e-9, atol=1e-12)


def test_without_focus_and_weights_it_is_cross_entropy():
    x, y = torch.linspace(-30, 30, 13).double(), (torch.arange(13) % 2).double()
    expected = F.binary_cross_entropy_with_logits(x, y)
    assert_close(sigmoid_focal_loss(x, y, -1, 0, "mean"), expected, "gamma 0", rtol=1e-12)


def test_what_is_easy_counts_little():
    """At p_t = 0.9 and gamma 2: a hundredth of the cross-entropy (Lin et al. 2017, section 3.2)."""
    p = torch.tensor([0.9, 0.968, 0.5]).double()
    x, y = torch.logit(p), torch.ones(3).double()
    ratio = F.binary_cross_entropy_with_logits(x, y, reduction="none") / sigmoid_focal_loss(x, y, alpha=-1)
    assert ratio[0] == pytest.approx(100)
    assert ratio[1] == pytest.approx(1000, rel=0.05)
    assert ratio[2] == pytest.approx(4)


def test_gradients_are_those_of_finite_differences_and_finite_at_the_ends():
    x = torch.randn(7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: sigmoid_focal_loss(z, (z > 0).double().detach()), (x,))
    ends = torch.tensor([-200.0, 200.0, -200, 200], requires_grad=True)
    loss = sigmoid_focal_loss(ends, torch.tensor([0.0, 1, 1, 0]))
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([0, 0, 50, 150])
    assert ends.grad.isfinite().all()


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (TypeError, (torch.zeros(2).long(), torch.zeros(2)), "inputs must have a floating-point"),
        (TypeError, (torch.zeros(2), torch.zeros(2).long()), "targets must have a floating-point"),
        (
            ValueError,
            (torch.zeros(2), torch.zeros(3)),
            "targets must have the shape of inputs, (2,), got (3,)",
        ),
        (ValueError, (torch.zeros(2), torch.zeros(2), 1.5), "alpha must be at most 1, got 1.5"),
        (ValueError, (torch.zeros(2), torch.zeros(2), 0.5, -1), "gamma must be 0 or more, got -1"),
        (ValueError, (torch.zeros(2), torch.zeros(2), 0.5, 1, "max"), "reduction must be one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_calls_are_named(error, arguments, words):
    with pytest.raises(error) as caught:
        sigmoid_focal_loss(*arguments)
    assert words in str(caught.value)
