"""LocalResponseNorm and its two ways against torch, the NumPy reference and numerical gradients."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature, output_and_gradients
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import local_response_norm as ref

TOLERANCE = {torch.float64: {"rtol": 1e-10, "atol": 1e-11}, torch.float32: {"rtol": 2e-5, "atol": 1e-5}}
ARGUMENTS = {"alpha": 0.7, "beta": 0.6, "k": 1.3}
WAYS = pytest.mark.parametrize("way", ["native", "loops"])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@WAYS
@pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
@given(
    n=st.integers(1, 3),
    c=st.integers(1, 8),
    positions=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    size=st.integers(1, 12),
    alpha=st.sampled_from([1e-4, 0.5, 20.0]),
    beta=st.sampled_from([0.5, 0.75, 1.0, 2.0]),
    k=st.sampled_from([0.5, 1.0, 2.0]),
    seed=st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_values_and_gradients_agree_with_torch_and_the_reference(
    way, dtype, n, c, positions, size, alpha, beta, k, seed
):
    torch.manual_seed(seed)
    shape = (n, c, *positions)
    x, grad = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    before = x.clone()
    arguments = (size, alpha, beta, k)
    got = output_and_gradients(lambda x: layers.local_response_norm(x, *arguments, way=way), x, grad)
    expected = output_and_gradients(lambda x: F.local_response_norm(x, *arguments), x, grad)
    a, g = x.double().numpy(), grad.double().numpy()
    by_hand = ref.local_response_norm(a, *arguments), ref.local_response_norm_backward(g, a, *arguments)
    for part, mine, theirs, numpys in zip(("y", "dx"), got, expected, by_hand, strict=True):
        what = f"local_response_norm {way} {shape} {arguments} {part}"
        assert_close(mine, theirs, f"{what} against torch", **TOLERANCE[dtype])
        np.testing.assert_allclose(
            mine.double().numpy(), numpys, **TOLERANCE[dtype], err_msg=f"{what} against the reference"
        )
    assert_close(x, before, "local_response_norm changed its input")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 11])
@pytest.mark.parametrize("shape", [(2, 5, 3), (1, 4, 2, 2), (1, 3, 1, 2, 2)], ids=str)
def test_gradcheck_first_and_second_order(shape, size):
    layer = layers.LocalResponseNorm(size, **ARGUMENTS)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x), f"LocalResponseNorm({size}) {shape}"
    assert torch.autograd.gradgradcheck(layer, x), f"LocalResponseNorm({size}) {shape}"


def test_the_second_derivative_agrees_with_torch_alone_and_in_batches():
    x = torch.randn(4, 5, 2, dtype=torch.float64)

    def curvature(function, x):
        return torch.func.jacrev(torch.func.grad(lambda x: function(x[None], 3, **ARGUMENTS).sum()))(x)

    expected = torch.stack([curvature(F.local_response_norm, each) for each in x])
    got = torch.func.vmap(lambda x: curvature(layers.local_response_norm, x))(x)
    assert_close(got, expected, "local_response_norm: second derivative", 1e-9, 1e-11)


@pytest.mark.parametrize("value", [1e4, 1e15, 1e-30, 0.0, math.inf, math.nan])
def test_extreme_values_agree_with_torch(value):
    x = torch.randn(1, 9, 2, 2)
    x[0, 4, 0] = value
    for alpha, k in ((1e-4, 1.0), (1.0, 0.01)):
        ours, theirs = layers.LocalResponseNorm(3, alpha, 0.75, k), nn.LocalResponseNorm(3, alpha, 0.75, k)
        assert_close(ours(x), theirs(x), f"LocalResponseNorm at {value}", 1e-5, 1e-6)
    far = [0, 1, 2, 6, 7, 8]
    assert ours(x)[:, far].isfinite().all(), f"{value} reaches beyond its neighbours"


@pytest.mark.parametrize("shape", [(0, 3, 2), (0, 3, 2, 2), (2, 3, 0, 4)], ids=str)
def test_an_empty_batch_gives_an_empty_batch(shape):
    y, dx = output_and_gradients(layers.LocalResponseNorm(3), torch.zeros(shape), torch.zeros(shape))
    assert y.shape == dx.shape == shape


def test_memory_layouts_agree_with_torch():
    x = torch.randn(4, 6, 3, 2, dtype=torch.float64)
    views = {
        "channels_last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(1, 3),
        "strided": x[:, ::2],
        "expanded": x[:1].expand(4, 6, 3, 2),
    }
    for layout, view in views.items():
        grad = torch.randn(view.shape, dtype=torch.float64)
        for mine, other in zip(
            output_and_gradients(layers.LocalResponseNorm(3, 0.5), view, grad),
            output_and_gradients(nn.LocalResponseNorm(3, 0.5), view.contiguous(), grad),
            strict=True,
        ):
            assert_close(mine, other, f"LocalResponseNorm {layout}", 1e-10, 1e-10)


def test_signature_repr_copies_and_no_state():
    assert_same_signature(layers.LocalResponseNorm, nn.LocalResponseNorm)
    assert_same_signature(layers.local_response_norm, F.local_response_norm, extra=["way"])
    ours, theirs = layers.LocalResponseNorm(5, 0.1, k=2), nn.LocalResponseNorm(5, 0.1, k=2)
    assert repr(ours) == repr(theirs)
    assert not ours.state_dict()
    x = torch.randn(2, 6, 4)
    for copied in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert_close(copied(x), ours(x), "LocalResponseNorm copied")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_and_autocast_stay_near_float32(dtype):
    layer = layers.LocalResponseNorm(5, 0.1)
    x = 20 * torch.randn(2, 8, 4, 4)
    exact = layer(x)
    y = layer(x.to(dtype))
    assert y.dtype == dtype
    assert_close(y.float(), exact, f"LocalResponseNorm in {dtype}", 2e-2, 1e-2)
    assert layer(torch.full((1, 3, 1), 300.0, dtype=torch.float16)).gt(0).all(), "squares overflow"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(layer(x), exact, "LocalResponseNorm under autocast", 1e-5, 1e-5)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    x = torch.randn(2, 6, 4, 4, device=device, requires_grad=True)
    y = layers.LocalResponseNorm(5)(x)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert (y.device.type, y.shape, dx.shape) == (device, x.shape, x.shape)


def test_torchs_parameters_of_alexnet_are_the_papers():
    # The paper: k = 2, n = 5, alpha = 1e-4 before the sum, beta = 0.75.
    x = 30 * torch.randn(1, 8, 3, 3, dtype=torch.float64)
    windows = [x[:, max(0, c - 2) : c + 3].square().sum(dim=1) for c in range(8)]
    expected = x / (2 + 1e-4 * torch.stack(windows, dim=1)) ** 0.75
    assert_close(layers.LocalResponseNorm(5, alpha=5e-4, k=2)(x), expected, "AlexNet's", 1e-12)
