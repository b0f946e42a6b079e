"""The pooling kernels (Lp, mixed, stochastic) against PyTorch's operations, the references and chance."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from window_cases import distinct

from course_lib.kernels import windows
from course_lib.kernels.lp_pooling import lp_pool2d
from course_lib.kernels.mixed_pooling import mixed_pool2d
from course_lib.kernels.stochastic_pooling import stochastic_pool2d
from course_lib.reference import pooling as ref

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10, torch.bfloat16: 2e-2}
# Side by side, overlapping, gaps between, rectangles, hanging over the edge; a plane of one entry.
CASES = [
    ((2, 3, 4, 6), {"kernel_size": 2}),
    ((1, 2, 5, 7), {"kernel_size": 3, "stride": 1}),
    ((3, 7, 8), {"kernel_size": (1, 2), "stride": (2, 3)}),
    ((1, 2, 5, 8), {"kernel_size": (3, 2), "stride": 2, "ceil_mode": True}),
    ((2, 1, 1, 1), {"kernel_size": 1}),
    ((0, 2, 4, 4), {"kernel_size": 2}),
]
PADDED = [
    ((1, 2, 5, 7), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 6, 5), {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True}),
]
POWERS = [0.5, 1, 2, 2.5, 3, 16]


def run(function, x, seed=0):
    """Output and gradient for a random gradient of the output."""
    x = x.detach().requires_grad_()
    y = function(x)
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    y.backward(grad.to(y))
    return y.detach(), x.grad, grad.to(y)


def assert_close(got, expected, tolerance, what):
    torch.testing.assert_close(
        got.double(), expected.double(), rtol=tolerance, atol=tolerance, msg=lambda m: f"{what}: {m}"
    )


def maps(shape, device, dtype):
    return distinct(*shape, dtype=dtype).to(device)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("shape", "options"), CASES, ids=str)
def test_lp_pooling(shape, options, p, device, dtype):
    x = maps(shape, device, dtype) + 0.6  # above 0: what has no root has a test of its own
    y, dx, _ = run(lambda x: lp_pool2d(x, p, **options), x)
    expected, expected_dx, _ = run(lambda x: F.lp_pool2d(x, p, **options), x.double())
    assert_close(y, expected, TOLERANCE[dtype], f"p={p} {shape} y")
    assert_close(dx, expected_dx, 2 * TOLERANCE[dtype], f"p={p} {shape} dx")


@pytest.mark.parametrize(("p", "options"), [(2, {"kernel_size": 3, "stride": 1}), (4, {"kernel_size": 2})])
def test_lp_pooling_against_the_reference(p, options, device):
    x = torch.randn(2, 2, 5, 6, dtype=torch.float64).to(device)
    x[0, 0, :3, :3] = 0
    y, dx, grad = run(lambda x: lp_pool2d(x, p, **options), x)
    values, grads = x.cpu().numpy(), grad.cpu().numpy()
    expected = ref.lp_pool2d(values, p, **options)
    np.testing.assert_allclose(y.cpu(), expected, 1e-10, 1e-12)
    np.testing.assert_allclose(
        dx.cpu(), ref.lp_pool2d_backward(grads, values, expected, p, **options), 1e-9, 1e-12
    )


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("p", [2, 2.5, 16])
def test_no_power_leaves_the_range(scale, p, device):
    x = torch.rand(1, 2, 4, 4) + 0.5
    expected, expected_dx, _ = run(lambda x: F.lp_pool2d(x, p, 2), x.double())
    y, dx, _ = run(lambda x: lp_pool2d(x, p, 2), (scale * x).to(device))
    assert_close(y / scale, expected.to(device), 1e-5, "y")
    assert_close(dx, expected_dx.to(device), 1e-5, "dx")


def test_lp_pooling_of_what_has_no_root(device):
    x = torch.tensor([[[-1.0, -2.0], [0.5, 0.0]]], device=device)
    assert lp_pool2d(x, 3, 2).isnan().all(), "the cubes add up to less than 0"
    assert lp_pool2d(x, 2.5, 2).isnan().all(), "a power of a negative number that is not whole"
    assert lp_pool2d(x, 1, 2).item() == -2.5
    assert lp_pool2d(torch.tensor([[[math.inf, 1.0]]], device=device), 2, (1, 2)).item() == math.inf
    assert lp_pool2d(torch.tensor([[[math.nan, 1.0]]], device=device), 2, (1, 2)).isnan().all()


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("shape", "options"), CASES + PADDED, ids=str)
def test_mixed_pooling(shape, options, alpha, device, dtype):
    x = maps(shape, device, dtype)
    for include in (True, False):

        def mixture(x, alpha, include=include):
            mean = F.avg_pool2d(x, **options, count_include_pad=include)
            return alpha * F.max_pool2d(x, **options) + (1 - alpha) * mean

        learned = torch.tensor(alpha, dtype=torch.float64, device=device)
        ours, theirs = learned.clone().requires_grad_(), learned.clone().requires_grad_()
        y, dx, _ = run(
            lambda x, o=ours, i=include: mixed_pool2d(x, alpha=o, count_include_pad=i, **options), x
        )
        expected, expected_dx, _ = run(lambda x, t=theirs: mixture(x, t), x.double())
        assert_close(y, expected, TOLERANCE[dtype], f"{shape} y")
        assert_close(dx, expected_dx, TOLERANCE[dtype], f"{shape} dx")
        assert_close(ours.grad, theirs.grad, 50 * TOLERANCE[dtype], f"{shape} dalpha")
        assert y.dtype == dx.dtype == dtype


def test_mixed_pooling_at_the_extremes(device):
    x = torch.tensor(
        [[[-math.inf, -math.inf, 1.0, math.inf], [-math.inf, -math.inf, 2.0, 3.0]]], device=device
    )
    assert mixed_pool2d(x, 2, alpha=1.0).flatten().tolist() == [-math.inf, math.inf]
    ties = torch.zeros(1, 2, 2, device=device)
    _, dx, grad = run(lambda x: mixed_pool2d(x, 2, alpha=1.0), ties)
    assert dx.flatten().tolist() == [grad.item(), 0, 0, 0], "of equal entries the first takes the gradient"
    assert mixed_pool2d(torch.tensor([[[1.0, math.nan]]], device=device), (1, 2), alpha=1.0).isnan().all()


@pytest.mark.parametrize("function", [lambda x: lp_pool2d(x, 2, 3, 2), lambda x: mixed_pool2d(x, 3, 2)])
def test_inputs_with_strides_and_blocks_of_another_size(function, monkeypatch, device):
    x = torch.rand(2, 3, 7, 8, device=device)
    expected = run(function, x)
    monkeypatch.setattr(windows, "BLOCK", 32)
    for got, same in zip(
        run(function, x.contiguous(memory_format=torch.channels_last)), expected, strict=True
    ):
        torch.testing.assert_close(got, same)


@pytest.mark.parametrize(
    "function", [lambda x: lp_pool2d(x, 3, 2, 1), lambda x: mixed_pool2d(x, 2, alpha=0.3, padding=1)]
)
def test_gradients_of_gradients(function, device):
    x = torch.rand(1, 1, 3, 4, dtype=torch.float64, device=device, requires_grad=True)
    assert torch.autograd.gradgradcheck(function, x, fast_mode=True)


@pytest.mark.parametrize(("shape", "options"), CASES + PADDED, ids=str)
def test_stochastic_pooling_draws_entries_and_gives_them_the_gradient(shape, options, device, dtype):
    x = maps(shape, device, dtype)
    y, dx, grad = run(lambda x: stochastic_pool2d(x, **options), x)
    expected = torch.zeros_like(x, dtype=torch.float64)
    kernel, stride, padding = (
        torch.broadcast_to(
            torch.as_tensor(options.get(name, options["kernel_size"] if name != "padding" else 0)), (2,)
        )
        for name in ("kernel_size", "stride", "padding")
    )
    for *plane, i, j in itertools.product(*map(range, y.shape)):
        top, left = (i * stride[0] - padding[0]).item(), (j * stride[1] - padding[1]).item()
        rows, columns = slice(max(0, top), top + kernel[0]), slice(max(0, left), left + kernel[1])
        place = (*plane, rows, columns)
        drawn = (x[place] == y[(*plane, i, j)]) & (x[place] > 0)
        assert drawn.any() or (y[(*plane, i, j)] == 0 and not (x[place] > 0).any()), f"{place}: not an entry"
        expected[place] += drawn * grad[(*plane, i, j)]
    assert_close(dx, expected, TOLERANCE[dtype], f"{shape} dx")


def test_stochastic_pooling_draws_by_size(device):
    window = torch.tensor([[1.0, -5.0], [0.0, 3.0]], device=device)
    y = stochastic_pool2d(window.repeat(1, 60, 60), 2)
    assert set(y.unique().tolist()) == {1.0, 3.0}, f"drawn: {y.unique().tolist()}"
    rate = (y == 3).double().mean().item()
    assert abs(rate - 0.75) < 0.03, f"3 of 4 parts were drawn at a rate of {rate}"  # 4 standard deviations


def test_stochastic_pooling_repeats_with_its_seed(monkeypatch, device):
    x = torch.rand(2, 3, 8, 8, device=device)
    seed = torch.tensor([123456789012345], device=device)
    expected = stochastic_pool2d(x, 2, seed=seed)
    monkeypatch.setattr(windows, "BLOCK", 16)
    assert torch.equal(stochastic_pool2d(x, 2, seed=seed), expected), "the draws depend on the block"
    assert not torch.equal(stochastic_pool2d(x, 2, seed=seed + 1), expected), "the seed changes nothing"
    first, second = (
        stochastic_pool2d(x, 2, generator=torch.Generator(device).manual_seed(7)) for _ in range(2)
    )
    assert torch.equal(first, second), "a generator of the same seed draws differently"


@pytest.mark.parametrize("scale", [1e-38, 1.0, 1e38])
def test_stochastic_pooling_at_the_extremes(scale, device):
    x = scale * torch.tensor([[[1.0, 2.0], [3.0, 0.5]]], device=device)
    assert stochastic_pool2d(x, 2).item() in x.flatten().tolist()
    x[0, 0, 0] = math.inf
    assert stochastic_pool2d(x, 2).item() == math.inf
    x[0, 0, 0] = math.nan
    assert stochastic_pool2d(x, 2).isnan().all()
    assert stochastic_pool2d(-x[:, 1:].abs(), (1, 2)).item() == 0, "nothing positive to draw"


def test_stochastic_pooling_has_gradients_of_gradients(device):
    x = torch.rand(1, 3, 3, dtype=torch.float64, device=device, requires_grad=True)
    seed = torch.tensor([5], device=device)
    assert torch.autograd.gradgradcheck(
        lambda x: stochastic_pool2d(x, 2, 1, seed=seed) ** 2, x, fast_mode=True
    )


def test_bad_calls(device):
    x = torch.rand(1, 3, 3, device=device)
    with pytest.raises(ValueError, match="norm_type must be above 0"):
        lp_pool2d(x, math.inf, 2)
    for function in (
        lambda x: lp_pool2d(x, 2, 4),
        lambda x: mixed_pool2d(x, 4),
        lambda x: stochastic_pool2d(x, 4),
    ):
        with pytest.raises(ValueError, match="must hold a window"):
            function(x)
        with pytest.raises(ValueError, match="input must be"):
            function(x[0, 0])
    with pytest.raises(ValueError, match="alpha must be one number"):
        mixed_pool2d(x, 2, alpha=torch.ones(2, device=device))
