"""MaxUnpool2d against its NumPy reference, torch.nn and the pooling that it undoes."""

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
from window_cases import distinct, windows

from course_lib import layers
from course_lib.reference import pooling as ref

DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=windows(), n=st.integers(0, 2), c=st.integers(1, 3), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(dtype, case, n, c, seed):
    options, size = case
    x = distinct(n, c, *size, dtype=dtype, seed=seed)
    y, indices = F.max_pool2d(x, **options, return_indices=True)
    del options["ceil_mode"]
    what = f"MaxUnpool2d {options} {n, c, *size}"
    theirs, ours = nn.MaxUnpool2d(**options), layers.MaxUnpool2d(**options)
    try:
        expected = theirs(y, indices, size)
    except (ValueError, RuntimeError):  # this size is too far from what the windows come to
        with pytest.raises(ValueError, match="MaxUnpool2d: output_size must"):
            ours(y, indices, size)
        return
    grad = torch.randn(expected.shape, dtype=dtype)
    got = output_and_gradients(ours, y, grad, indices, size)
    for name, mine, other in zip(
        ("y", "dx"), got, output_and_gradients(theirs, y, grad, indices, size), strict=True
    ):
        assert_close(mine, other, f"{what} {name} against torch.nn")
    assert_close(layers.max_unpool2d(y, indices, **options, output_size=size), expected, f"{what}: function")
    for name, mine, other in (
        ("y", got[0], ref.max_unpool2d(y.numpy(), indices.numpy(), size)),
        ("dx", got[1], ref.max_unpool2d_backward(grad.numpy(), indices.numpy())),
    ):
        np.testing.assert_array_equal(mine.numpy(), other, err_msg=f"{what} {name} against the reference")
    if n:
        again, _ = F.max_pool2d(got[0].clamp(min=-1) - (got[0] == 0) * 9.0, **options, return_indices=True)
        stayed = again[..., : y.shape[2], : y.shape[3]]
        assert_close(stayed, y[..., : again.shape[2], : again.shape[3]], f"{what}: pooled again")


def test_pooling_undone_keeps_the_maxima_in_their_places():
    x = torch.tensor([[[1.0, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]])
    y, switches = layers.MaxPool2d(2, return_indices=True)(x)
    assert switches.tolist() == [[[5, 2], [12, 15]]]
    expected = [[0.0, 0, 6, 0], [0, 5, 0, 0], [0, 0, 0, 0], [7, 0, 0, 8]]
    assert layers.MaxUnpool2d(2)(y, switches).tolist() == [expected]


@pytest.mark.parametrize("size", [None, (7, 8), (2, 3, 7, 8), torch.Size((3, 7, 8)), [7, 9]], ids=str)
def test_output_size_chooses_among_the_sizes_that_pool_to_the_same(size):
    x = distinct(2, 3, 7, 9)
    y, indices = F.max_pool2d(x[..., :6, :8], 2, return_indices=True)
    got = layers.MaxUnpool2d(2)(y, indices, output_size=size)
    if size is None or len(size) != 3:
        assert_close(got, nn.MaxUnpool2d(2)(y, indices, output_size=size), f"MaxUnpool2d to {size}")
    assert got.shape == (2, 3, *((6, 8) if size is None else tuple(size)[-2:]))


@pytest.mark.parametrize("arguments", [(2,), (3, 2), ((2, 3), (1, 2), (1, 0)), (3, 2, 1)], ids=str)
def test_called_shown_and_copied_as_torchs(arguments):
    ours, theirs = layers.MaxUnpool2d(*arguments), nn.MaxUnpool2d(*arguments)
    assert_same_signature(layers.MaxUnpool2d, nn.MaxUnpool2d)
    assert_same_signature(layers.max_unpool2d, F.max_unpool2d)
    assert repr(ours) == repr(theirs)
    assert ours.state_dict() == theirs.state_dict() == {}
    for key, value in vars(theirs).items():
        if not key.startswith("_"):
            assert getattr(ours, key) == value, f"MaxUnpool2d: attribute {key}"
    y, indices = F.max_pool2d(distinct(2, 3, 7, 7), *arguments, return_indices=True)
    indices = torch.arange(indices[0, 0].numel()).view(1, 1, *indices.shape[2:]).expand_as(indices)
    expected = theirs(y, indices)
    for what, layer in {
        "as made": ours,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert_close(layer(y, indices), expected, f"MaxUnpool2d {what}")
        assert_close(layer(y[0], indices[0]), expected[0], f"MaxUnpool2d {what}, one image")


def test_gradcheck_first_and_second_order():
    y, indices = F.max_pool2d(distinct(2, 3, 6, 6), 2, return_indices=True)
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda y: layers.MaxUnpool2d(2)(y, indices).square(), y)
    assert torch.autograd.gradgradcheck(lambda y: layers.MaxUnpool2d(2)(y, indices).square(), y)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
def test_extreme_values_are_put_back(value):
    y, indices = torch.full((1, 1, 1, 1), value), torch.tensor([[[[2]]]])
    expected = torch.tensor([[[[0.0, 0.0], [value, 0.0]]]])
    assert_close(layers.MaxUnpool2d(2)(y, indices), expected, f"MaxUnpool2d at {value}")


def test_memory_layouts_and_precision_agree_with_torch():
    y, indices = F.max_pool2d(distinct(4, 4, 8, 8), 2, return_indices=True)
    before = y.clone(), indices.clone()
    for what, (a, b) in {
        "transposed": (y.mT, indices.mT),
        "channels_last": (y.to(memory_format=torch.channels_last), indices),
        "strided": (y[:, ::2], indices[:, ::2]),
        "bfloat16": (y.bfloat16(), indices),
    }.items():
        assert_close(layers.MaxUnpool2d(2)(a, b), nn.MaxUnpool2d(2)(a, b), f"MaxUnpool2d {what}")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, expected = layers.MaxUnpool2d(2)(y, indices), nn.MaxUnpool2d(2)(y, indices)
    assert_close(got, expected, "MaxUnpool2d under autocast")
    assert_close(y, before[0], "MaxUnpool2d changed its input")
    assert_close(indices, before[1], "MaxUnpool2d changed its indices")


@pytest.mark.parametrize("device", DEVICES)
def test_any_device_will_do(device):
    y, indices = (
        torch.rand(2, 3, 4, 4, device=device),
        torch.zeros(2, 3, 4, 4, dtype=torch.int64, device=device),
    )
    found = layers.MaxUnpool2d(2)(y, indices)
    assert (found.device.type, found.shape) == (device, (2, 3, 8, 8))


def test_where_indices_repeat_one_entry_is_kept():
    y, indices = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3, 3]]]])
    found = layers.MaxUnpool2d(2)(y, indices)
    assert found.count_nonzero() == 1
    assert found.flatten()[3].item() in (1.0, 2.0)
