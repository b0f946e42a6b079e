"""RoIAlign in one kernel against its NumPy reference, ours of several steps, and numerical gradients."""

import numpy as np
import pytest
import torch
from originals import assert_close

from course_lib import kernels, vision
from course_lib.kernels.roi_align import roi_align
from course_lib.reference import regions as ref

ROIS = [[1, 0.6, 1.2, 4.1, 3.9], [0, -2.5, -1, 2, 6.5], [1, 3, 2, 3, 2], [0, 40, 40, 50, 50]]


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_agrees_with_the_reference(device, dtype, ratio, aligned):
    torch.manual_seed(0)
    shape, size = (2, 3, 5, 6), (2, 3)
    x = torch.randn(shape, dtype=dtype, device=device, requires_grad=True)
    rois = torch.tensor(ROIS, dtype=dtype, device=device)
    y = roi_align(x, rois, size, 0.9, ratio, aligned)
    grad = torch.randn_like(y)
    (dx,) = torch.autograd.grad(y, x, grad)
    expected, expected_dx = np.zeros(y.shape), np.zeros(shape)
    for i, (number, *box) in enumerate(rois.cpu().double().numpy()):
        arguments = np.array(box), size, 0.9, ratio, aligned
        expected[i] = ref.roi_align(x[int(number)].detach().cpu().double().numpy(), *arguments)
        at = grad[i].cpu().double().numpy(), shape[2:], arguments[0], *arguments[2:]
        expected_dx[int(number)] += ref.roi_align_backward(*at)
    atol = 1e-5 if dtype == torch.float32 else 1e-12
    what = f"ratio {ratio}, aligned={aligned}"
    assert_close(y.detach().cpu(), torch.tensor(expected, dtype=dtype), what, atol=atol)
    assert_close(dx.cpu(), torch.tensor(expected_dx, dtype=dtype), f"{what}: dE/dx", atol=atol)


def test_more_outputs_than_a_program_has(device):
    torch.manual_seed(0)
    x = torch.randn(1, 11, 4, 4, dtype=torch.float64, device=device, requires_grad=True)
    rois = torch.tensor([[0, 0.3, 0.2, 3.1, 3.7]], dtype=torch.float64, device=device)
    ours, theirs = roi_align(x, rois, (5, 5), 1.0, 1), vision.roi_align(x, rois, (5, 5), 1.0, 1)
    assert_close(ours, theirs, "275 outputs", atol=1e-12)
    grads = [torch.autograd.grad(y, x, torch.cos(y.detach()))[0] for y in (ours, theirs)]
    assert_close(*grads, "dE/dx of 275 outputs", atol=1e-12)


def test_gradients_of_first_and_second_order(device):
    x = torch.randn(1, 1, 3, 3, dtype=torch.float64, device=device, requires_grad=True)
    rois = torch.tensor([[0, 0.4, 0.2, 2.3, 2.6]], dtype=torch.float64, device=device)

    def call(z):
        return roi_align(z, rois, (2, 1), 1.0, 1) ** 2

    assert torch.autograd.gradcheck(call, x, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, x, fast_mode=True)


def test_strides_and_half_precision(device):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 4, device=device)
    rois = torch.tensor(ROIS, device=device)
    y = roi_align(x, rois, (2, 2))
    for name, same in {
        "channels last": x.to(memory_format=torch.channels_last),
        "transposed": x.mT.contiguous().mT,
        "every other column": torch.stack([x, x + 1], dim=-1).flatten(-2)[..., ::2],
    }.items():
        assert_close(roi_align(same, rois, (2, 2)), y, name, atol=1e-6)
    low = roi_align(x.half(), rois, (2, 2))
    assert_close(low, y.half(), "float16", rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e30, 1e-30])
def test_extreme_values_go_through(device, value):
    x = torch.zeros(1, 1, 6, 6, device=device)
    x[0, 0, 1, 1] = value
    rois = torch.tensor([[0, 0.5, 0.5, 1.5, 1.5], [0, 3, 3, 5, 5]], device=device)
    y = roi_align(x, rois, (1, 1), 1.0, 1).flatten().cpu()
    assert_close(y, torch.tensor([value, 0.0]), f"a sample at {value}, and one elsewhere")


def test_regions_that_are_none_give_zero(device):
    x = torch.ones(1, 1, 4, 4, device=device, requires_grad=True)
    nan, inf = float("nan"), float("inf")
    rois = torch.tensor(
        [[1, 0, 0, 2, 2], [-1, 0, 0, 2, 2], [0, nan, 0, 2, 2], [0, 0, 0, inf, 2]], device=device
    )
    y = roi_align(x, rois, (1, 1))
    assert y.abs().sum() == 0, f"a map that is not there, NaN, infinity: {y.flatten().tolist()}"
    assert torch.autograd.grad(y.sum(), x)[0].abs().sum() == 0, "and no gradient"


def test_nothing_in_nothing_out(device):
    x = torch.zeros(2, 3, 4, 4, device=device, requires_grad=True)
    y = roi_align(x, torch.zeros(0, 5, device=device), (2, 2))
    assert y.shape == (0, 3, 2, 2)
    assert torch.autograd.grad(y.sum(), x)[0].abs().sum() == 0
    assert roi_align(x[:, :0], torch.zeros(1, 5, device=device), (2, 2)).shape == (1, 0, 2, 2)


def test_rois_that_do_not_fit(device):
    x = torch.zeros(1, 1, 4, 4, device=device)
    for rois in (torch.zeros(2, 4, device=device), torch.zeros(2, 5, dtype=torch.float64, device=device)):
        with pytest.raises(ValueError, match="roi_align: rois must have shape"):
            roi_align(x, rois, (1, 1))


def test_ours_uses_it_unless_sums_must_not_vary(device, monkeypatch):
    x, rois = torch.randn(2, 2, 5, 5, device=device), torch.tensor(ROIS, device=device)
    expected = vision.roi_align(x, rois, 2, 0.7)
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    assert_close(vision.roi_align(x, rois, 2, 0.7), expected, "by the kernel", rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    assert_close(vision.roi_align(x, rois, 2, 0.7), expected, "deterministic", rtol=1e-6, atol=1e-6)
