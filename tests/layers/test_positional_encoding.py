"""SinusoidalPositionalEncoding: its formula, its properties, the NumPy reference."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import layers
from course_lib.reference import transformer as ref

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(
    d_model=st.integers(1, 12),
    length=st.integers(0, 9),
    n=st.integers(0, 3),
    layout=st.sampled_from(["unbatched", "batch_first", "length first"]),
    max_len=st.sampled_from([None, 9, 50]),
    seed=st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_values_and_gradients_agree_with_the_reference(dtype, d_model, length, n, layout, max_len, seed):
    torch.manual_seed(seed)
    layer = layers.SinusoidalPositionalEncoding(d_model, max_len, batch_first=layout == "batch_first")
    shapes = {"unbatched": (length,), "batch_first": (n, length), "length first": (length, n)}
    x = torch.randn(*shapes[layout], d_model, dtype=dtype, requires_grad=True)
    before, grad = x.detach().clone(), torch.randn_like(x)
    y = layer(x)
    waves = torch.from_numpy(ref.positional_encoding(length, d_model)).to(dtype)
    expected = before + (waves.unsqueeze(1) if layout == "length first" else waves)
    what = f"positional encoding of {layout} {tuple(x.shape)}"
    torch.testing.assert_close(
        y, expected, rtol=0, atol=TOLERANCE[dtype], msg=lambda m: f"{what} against reference: {m}"
    )
    (gradient,) = torch.autograd.grad(y, x, grad)
    assert torch.equal(gradient, grad), f"{what}: the gradient passes through"
    assert torch.equal(x, before), f"{what}: changed its input"
    assert y.dtype == dtype


@given(half=st.integers(1, 16), k=st.integers(-40, 40))
@settings(max_examples=40, deadline=None)
def test_a_shift_is_the_same_linear_map_everywhere(half, k):
    encoding = layers.SinusoidalPositionalEncoding(2 * half).encoding(200, dtype=torch.float64)
    shift = torch.from_numpy(ref.shift_matrix(k, 2 * half))
    here = torch.arange(50, 150)
    torch.testing.assert_close(
        encoding[here] @ shift.T, encoding[here + k], rtol=0, atol=1e-12, msg=f"shift by {k} of {2 * half}"
    )


@pytest.mark.parametrize("d_model", [1, 3, 7, 127])
def test_an_odd_size_ends_with_a_sine_without_cosine(d_model):
    encoding = layers.SinusoidalPositionalEncoding(d_model).encoding(5, dtype=torch.float64)
    assert encoding.shape == (5, d_model)
    frequency = 10000 ** (-(d_model - 1) / d_model)
    expected = [math.sin(t * frequency) for t in range(5)]
    np.testing.assert_allclose(encoding[:, -1], expected, atol=1e-14, err_msg=f"last of {d_model} features")


def test_no_two_positions_are_alike_and_all_have_one_length():
    encoding = layers.SinusoidalPositionalEncoding(64).encoding(3000, dtype=torch.float64)
    torch.testing.assert_close(encoding.square().sum(dim=1), torch.full((3000,), 32.0, dtype=torch.float64))
    distances = torch.cdist(encoding, encoding) + 9 * torch.eye(3000, dtype=torch.float64)
    assert distances.min() > 0.5


def test_far_positions_are_exact_in_float32():
    encoding = layers.SinusoidalPositionalEncoding(4).encoding(100_001)
    assert encoding.dtype == torch.float32
    angles = np.array([100_000.0, 100_000 / 100])
    expected = np.stack([np.sin(angles), np.cos(angles)], axis=1).ravel()
    np.testing.assert_allclose(encoding[-1], expected, atol=1e-6, err_msg="position 100,000")


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    layer = layers.SinusoidalPositionalEncoding(8, dropout=0.5)
    x = torch.full((50, 4, 8), 3.0)
    exact = x + layer.encoding(50).unsqueeze(1)
    y = layer(x)
    dropped = y == 0
    assert 0.4 < dropped.float().mean() < 0.6
    torch.testing.assert_close(y[~dropped], 2 * exact[~dropped])
    assert torch.equal(layer.eval()(x), exact)


def test_nothing_is_stored_and_copies_agree():
    layer = layers.SinusoidalPositionalEncoding(6, max_len=9, dropout=0.25, batch_first=True)
    assert not layer.state_dict()
    assert not list(layer.buffers())
    expected = "SinusoidalPositionalEncoding(6, max_len=9, dropout=0.25, batch_first=True)"
    assert repr(layer) == expected
    defaults = inspect.signature(layers.SinusoidalPositionalEncoding).parameters
    assert {name: p.default for name, p in defaults.items() if name != "d_model"} == {
        "max_len": None,
        "dropout": 0.0,
        "batch_first": False,
    }
    x = torch.randn(2, 9, 6)
    layer.eval()
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x), layer(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_rounds_exact_waves(dtype):
    layer = layers.SinusoidalPositionalEncoding(6)
    y = layer(torch.zeros(500, 6, dtype=dtype))
    exact = torch.from_numpy(ref.positional_encoding(500, 6))
    assert torch.equal(y, exact.to(dtype)), (
        f"{dtype}: positions in low precision would be wrong by whole waves"
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
def test_extreme_values_stay_where_they_are(value):
    x = torch.zeros(3, 4)
    x[1, 2] = value
    y = layers.SinusoidalPositionalEncoding(4)(x)
    expected = x + layers.SinusoidalPositionalEncoding(4).encoding(3)
    torch.testing.assert_close(y, expected, equal_nan=True, rtol=0, atol=0, msg=f"at {value}")


def test_gradcheck_and_layouts():
    layer = layers.SinusoidalPositionalEncoding(3)
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)
    view = torch.randn(3, 2, 4).permute(2, 1, 0)
    assert torch.equal(layer(view), layer(view.contiguous()))


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    layer = layers.SinusoidalPositionalEncoding(6, batch_first=True)
    y = layer(torch.zeros(2, 5, 6, device=device))
    assert (y.device.type, y.shape) == (device, (2, 5, 6))
