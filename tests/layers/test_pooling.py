"""Max and average pooling, by PyTorch's kernel and by ours, against NumPy reference, torch.nn and ONNX."""

import copy
import math
import pickle
from unittest import mock

import numpy as np
import pytest
import torch
from families.pooling import run_average_pool, run_max_pool
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature, output_and_gradients
from torch import nn
from torch.nn import functional as F
from window_cases import distinct, windows

from course_lib import layers
from course_lib.layers import separable
from course_lib.reference import pooling as ref

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
TWO_PASSES = {"by PyTorch's kernel": False, "in two passes": True}
DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]
SAMPLES = {
    "MaxPool2d": [(2,), (3, 2, 1), ((2, 3), (1, 2), (1, 0), (2, 1)), (3, 2, 0, 1, False, True)],
    "AvgPool2d": [(2,), (3, 2, 1, True, False), ((2, 3), (1, 2), (1, 0)), (2, None, 0, False, True, 5)],
    "AdaptiveAvgPool2d": [(1,), ((3, 5),), ((None, 2),), ((2, None),), ((None, None),)],
    "AdaptiveMaxPool2d": [(1,), ((3, 5),), ((None, 2),), (3, False)],
}
LAYERS = [(name, arguments) for name, samples in SAMPLES.items() for arguments in samples]


def both(name, arguments):
    return getattr(layers, name)(*arguments), getattr(nn, name)(*arguments)


def force(two_passes):
    """Choose how CPU windows are reduced, whatever pays."""
    return mock.patch.object(separable, "pays", lambda x, windows: two_passes and x.device.type == "cpu")


def assert_reference(got, expected, dtype, what):
    got = got.detach().double().numpy()
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=what)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=windows(dilated=True), n=st.integers(0, 2), c=st.integers(1, 3), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_max_pooling_agrees_with_reference_and_torch(dtype, case, n, c, seed):
    options, size = case
    what = f"MaxPool2d {options} {n, c, *size}"
    x = distinct(n, c, *size, dtype=dtype, seed=seed)
    before = x.clone()
    y, indices = layers.MaxPool2d(**options, return_indices=True)(x)
    theirs_y, theirs_indices = nn.MaxPool2d(**options, return_indices=True)(x)
    assert_close(y, theirs_y, f"{what} against torch.nn")
    assert_close(indices, theirs_indices, f"{what} indices against torch.nn")
    grad = torch.randn(y.shape, dtype=dtype)
    got = output_and_gradients(layers.MaxPool2d(**options), x, grad)
    for name, mine, theirs in zip(
        ("y", "dx"), got, output_and_gradients(nn.MaxPool2d(**options), x, grad), strict=True
    ):
        assert_close(mine, theirs, f"{what} {name} against torch.nn")
    with force(two_passes=True):
        assert_close(layers.MaxPool2d(**options)(x), theirs_y, f"{what} in two passes against torch.nn")
    assert_close(x, before, f"{what} changed its input")

    expected_y, expected_indices = ref.max_pool2d(x.double().numpy(), **options)
    assert_reference(y, expected_y, dtype, f"{what} against the reference")
    np.testing.assert_array_equal(indices.numpy(), expected_indices, err_msg=f"{what} indices")
    expected_dx = ref.max_pool2d_backward(grad.double().numpy(), expected_indices, x.shape)
    assert_reference(got[1], expected_dx, dtype, f"{what} dx against the reference")


@pytest.mark.parametrize("way", TWO_PASSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    case=windows(),
    n=st.integers(0, 2),
    c=st.integers(1, 3),
    count_include_pad=st.booleans(),
    divisor=st.none() | st.integers(1, 9),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_average_pooling_agrees_with_reference_and_torch(
    dtype, way, case, n, c, count_include_pad, divisor, seed
):
    options, size = case
    options |= {"count_include_pad": count_include_pad, "divisor_override": divisor}
    what = f"AvgPool2d {way} {options} {n, c, *size}"
    torch.manual_seed(seed)
    x = torch.randn(n, c, *size, dtype=dtype)
    before = x.clone()
    theirs = nn.AvgPool2d(**options)
    grad = torch.randn(theirs(x).shape, dtype=dtype)
    with force(TWO_PASSES[way]):
        got = output_and_gradients(layers.AvgPool2d(**options), x, grad)
    tolerance = TOLERANCE[dtype]
    for name, mine, other in zip(("y", "dx"), got, output_and_gradients(theirs, x, grad), strict=True):
        assert_close(mine, other, f"{what} {name} against torch.nn", tolerance, tolerance)
    assert_close(x, before, f"{what} changed its input")

    expected_y = ref.avg_pool2d(x.double().numpy(), **options)
    assert_reference(got[0], expected_y, dtype, f"{what} against the reference")
    del options["ceil_mode"]
    expected_dx = ref.avg_pool2d_backward(grad.double().numpy(), x.shape, **options)
    assert_reference(got[1], expected_dx, dtype, f"{what} dx against the reference")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    shape=st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.none() | st.integers(1, 9), st.none() | st.integers(1, 9)) | st.integers(1, 4),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_adaptive_pooling_agrees_with_reference_and_torch(dtype, shape, size, seed):
    x = distinct(*shape, dtype=dtype, seed=seed)
    before = x.clone()
    rows, columns = size if isinstance(size, tuple) else (size, size)
    grid = rows or shape[2], columns or shape[3]
    grad = torch.randn(*shape[:2], *grid, dtype=dtype)
    mean = output_and_gradients(layers.AdaptiveAvgPool2d(size), x, grad)
    highest = output_and_gradients(layers.AdaptiveMaxPool2d(size), x, grad)
    what = f"{shape} to {size}"
    for name, got, theirs in (
        ("AdaptiveAvgPool2d", mean, output_and_gradients(nn.AdaptiveAvgPool2d(size), x, grad)),
        ("AdaptiveMaxPool2d", highest, output_and_gradients(nn.AdaptiveMaxPool2d(size), x, grad)),
    ):
        for part, mine, other in zip(("y", "dx"), got, theirs, strict=True):
            assert_close(mine, other, f"{name} {what} {part} against torch.nn", *2 * [TOLERANCE[dtype]])
    assert_close(x, before, "adaptive pooling changed its input")

    expected, grad = ref.adaptive_avg_pool2d(x.double().numpy(), grid), grad.double().numpy()
    assert_reference(mean[0], expected, dtype, f"AdaptiveAvgPool2d {what}")
    expected = ref.adaptive_avg_pool2d_backward(grad, x.shape)
    assert_reference(mean[1], expected, dtype, f"AdaptiveAvgPool2d {what} dx")
    expected, expected_indices = ref.adaptive_max_pool2d(x.double().numpy(), grid)
    assert_reference(highest[0], expected, dtype, f"AdaptiveMaxPool2d {what}")
    y, indices = layers.AdaptiveMaxPool2d(size, return_indices=True)(x)
    np.testing.assert_array_equal(y.numpy(), highest[0].numpy())
    np.testing.assert_array_equal(indices.numpy(), expected_indices, err_msg=f"AdaptiveMaxPool2d {what}")
    expected = ref.max_pool2d_backward(grad, expected_indices, x.shape)
    assert_reference(highest[1], expected, dtype, f"AdaptiveMaxPool2d {what} dx")


@pytest.mark.parametrize("way", TWO_PASSES)
def test_the_tables_of_the_chapter(way):
    table = [[29.0, 15, 28, 184], [0, 100, 70, 38], [12, 12, 7, 2], [12, 12, 45, 6]]
    with force(TWO_PASSES[way]):
        highest = layers.MaxPool2d(2)(torch.tensor([table]))
        table[0][0] = 31.0
        mean = layers.AvgPool2d(2)(torch.tensor([table]))
    assert highest.tolist() == [[[100, 184], [12, 45]]]
    assert mean.tolist() == [[[36.5, 80], [12, 15]]]


@given(case=windows(), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_of_equal_entries_the_first_is_taken(case, seed):
    options, size = case
    x = torch.randint(0, 2, (2, 3, *size), generator=torch.Generator().manual_seed(seed)).double()
    y, indices = layers.max_pool2d(x, **options, return_indices=True)
    theirs_y, theirs_indices = F.max_pool2d(x, **options, return_indices=True)
    assert_close(y, theirs_y, f"max_pool2d {options}")
    assert_close(indices, theirs_indices, f"max_pool2d {options}: of equal entries")
    _, expected = ref.max_pool2d(x.numpy(), **options)
    np.testing.assert_array_equal(indices.numpy(), expected)
    grads = (
        output_and_gradients(pool, x, torch.ones_like(y))[1]
        for pool in (layers.MaxPool2d(**options), nn.MaxPool2d(**options))
    )
    assert_close(*grads, f"MaxPool2d {options}: gradient of equal entries")


def test_functions_are_called_as_torchs():
    assert_same_signature(layers.max_pool2d, F.max_pool2d_with_indices)
    assert_same_signature(layers.adaptive_max_pool2d, F.adaptive_max_pool2d_with_indices)
    assert_same_signature(layers.adaptive_avg_pool2d, F.adaptive_avg_pool2d)
    x = distinct(2, 3, 7, 8)
    for name, arguments in {
        "max_pool2d": (3, 2, 1, 2, True),
        "avg_pool2d": (3, 2, 1, True, False, 7),
        "adaptive_avg_pool2d": ((2, None),),
        "adaptive_max_pool2d": (3,),
    }.items():
        got, expected = getattr(layers, name)(x, *arguments), getattr(F, name)(x, *arguments)
        assert_close(got, expected, name, 1e-12, 1e-12)
    for name, arguments in {
        "max_pool2d": (2, None, 0, 1, False, True),
        "adaptive_max_pool2d": (3, True),
    }.items():
        for got, expected in zip(
            getattr(layers, name)(x, *arguments), getattr(F, name)(x, *arguments), strict=True
        ):
            assert_close(got, expected, f"{name} with indices")


@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_layers_are_called_shown_and_copied_as_torchs(name, arguments):
    ours, theirs = both(name, arguments)
    assert_same_signature(type(ours), type(theirs))
    assert repr(ours) == repr(theirs)
    assert ours.state_dict() == theirs.state_dict() == {}
    ours.load_state_dict(theirs.state_dict())
    for key, value in vars(theirs).items():
        if not key.startswith("_"):
            assert getattr(ours, key) == value, f"{name}: attribute {key}"
    x = distinct(2, 3, 7, 8)
    expected = theirs(x)
    for what, layer in {
        "as made": ours,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert_close(layer(x), expected, f"{name}{arguments} {what}", 1e-12, 1e-12)
        assert_close(layer(x[0]), expected[0], f"{name}{arguments} {what}, one image", 1e-12, 1e-12)


def test_attributes_may_be_changed_afterwards():
    layer = layers.MaxPool2d(2)
    layer.ceil_mode, layer.return_indices, layer.stride = True, True, [1, 3]
    x = distinct(1, 2, 5, 5)
    for got, expected in zip(
        layer(x), F.max_pool2d(x, 2, [1, 3], ceil_mode=True, return_indices=True), strict=True
    ):
        assert_close(got, expected, "MaxPool2d changed afterwards")


@pytest.mark.parametrize("way", TWO_PASSES)
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_gradcheck_first_and_second_order(name, arguments, way):
    layer, _ = both(name, arguments)
    x = distinct(2, 2, 5, 6).requires_grad_()
    with force(TWO_PASSES[way]):
        assert torch.autograd.gradcheck(layer, x), name
        assert torch.autograd.gradgradcheck(layer, x), name


@pytest.mark.parametrize("way", TWO_PASSES)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30, 3e38])
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_extreme_values_agree_with_torch(name, arguments, value, way):
    ours, theirs = both(name, arguments)
    x = distinct(2, 2, 6, 7, dtype=torch.float32)
    x[0, 1, 2, 3] = value
    x[1, 0] = value
    with force(TWO_PASSES[way]):
        y = ours(x)
    assert_close(y, theirs(x), f"{name}{arguments} at {value} {way}", 1e-5, 1e-6)
    if math.isnan(value):
        assert y[0, 1].isnan().any(), f"{name} lets NaN disappear"


@pytest.mark.parametrize("way", TWO_PASSES)
def test_values_around_a_large_mean_keep_their_digits(way):
    x = 1e4 + distinct(4, 4, 16, 16, dtype=torch.float32)
    with force(TWO_PASSES[way]):
        y = layers.AvgPool2d(4)(x).double()
    additions = 3 + 3 if TWO_PASSES[way] else 15
    error = (y - F.avg_pool2d(x.double(), 4)).abs().max() / 1e4
    assert error < (additions + 1) * 2**-24, f"AvgPool2d {way}: relative error {error}"


@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_memory_layouts_agree_with_torch(name, arguments):
    ours, theirs = both(name, arguments)
    x = distinct(8, 8, 20, 22)
    for layout, view in {
        "plain": x,
        "transposed": x.mT,
        "strided": x[..., ::2, 1::2],
        "expanded": x[:1, :1].expand(3, 4, -1, -1),
        "channels_last": x.to(memory_format=torch.channels_last),
    }.items():
        got, expected = ours(view), theirs(view)
        assert_close(got, expected, f"{name} {layout}", 1e-12, 1e-12)
        if layout == "channels_last" and "Adaptive" not in name:
            assert got.is_contiguous(memory_format=torch.channels_last), f"{name} changes the layout"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_autocast_and_low_precision_agree_with_torch(name, arguments, dtype):
    ours, theirs = both(name, arguments)
    x = distinct(2, 3, 6, 7, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = ours(x), theirs(x)
    assert_close(y, expected, f"{name} under autocast", 1e-2, 1e-3)
    assert_close(ours(x), theirs(x), f"{name} {dtype}", 1e-2, 1e-3)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64], ids=str)
def test_whole_numbers_have_a_maximum(dtype):
    x = torch.arange(2 * 6 * 6).view(1, 2, 6, 6).to(dtype)
    assert_close(layers.MaxPool2d(2)(x), nn.MaxPool2d(2)(x), f"MaxPool2d {dtype}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_any_device_will_do(name, arguments, device):
    ours, theirs = both(name, arguments)
    x = distinct(2, 3, 6, 7, dtype=torch.float32).to(device)
    y, expected = ours(x), theirs(x)
    assert (y.device.type, y.shape, y.dtype) == (device, expected.shape, expected.dtype)


@pytest.mark.parametrize("way", TWO_PASSES)
@pytest.mark.parametrize(("name", "arguments"), LAYERS)
def test_empty_batches_and_single_entries(name, arguments, way):
    ours, theirs = both(name, arguments)
    with force(TWO_PASSES[way]):
        for shape in ((0, 3, 6, 7), (1, 1, 6, 6)):
            assert_close(ours(torch.ones(shape)), theirs(torch.ones(shape)), f"{name} {shape}", 1e-6, 1e-6)
        one = torch.tensor([[[[3.0]]]])
        assert layers.MaxPool2d(1)(one).item() == layers.AvgPool2d(1)(one).item() == 3
        assert layers.AdaptiveAvgPool2d(1)(one).item() == layers.AdaptiveMaxPool2d(1)(one).item() == 3


def test_a_window_of_one_entry_gives_a_tensor_of_its_own():
    x = torch.zeros(64, 2, 16, 16)
    with force(two_passes=True):
        for layer in (layers.MaxPool2d(1), layers.AvgPool2d(1)):
            layer(x).add_(1)
            assert x.eq(0).all(), f"{layer} gives back its input"


@pytest.mark.parametrize("name", ["AvgPool2d", "MaxPool2d"])
@pytest.mark.parametrize("kernel", [2, 3])
def test_transforms_reach_through_the_two_passes(name, kernel):
    x, layer, theirs = distinct(3, 2, 6, 6), getattr(layers, name)(kernel, 1), getattr(nn, name)(kernel, 1)
    with force(two_passes=True):
        y = torch.func.vmap(layer)(x)
        slope = torch.func.vmap(torch.func.grad(lambda image: layer(image).square().sum()))(x)
    assert_close(y, theirs(x), f"{layer} under vmap", 1e-12, 1e-12)
    x.requires_grad_()
    (expected,) = torch.autograd.grad(theirs(x).square().sum(), x)
    assert_close(slope, expected, f"{layer} under vmap of grad", 1e-12, 1e-12)


def test_two_passes_are_for_many_small_windows_in_plain_order():
    def chosen(x, **options):
        with mock.patch.object(separable, "window_sum", wraps=separable.window_sum) as passes:
            layers.AvgPool2d(**options)(x)
        return passes.called

    x = torch.zeros(16, 8, 16, 16)
    assert chosen(x, kernel_size=2)
    assert chosen(x.double(), kernel_size=3, stride=1, padding=1)
    for why, call in {
        "few windows": lambda: chosen(x[:1], kernel_size=2),
        "large windows": lambda: chosen(torch.zeros(64, 64, 18, 18), kernel_size=9, stride=9),
        "half precision": lambda: chosen(x.bfloat16(), kernel_size=2),
        "another memory order": lambda: chosen(x.to(memory_format=torch.channels_last), kernel_size=2),
        "another device": lambda: chosen(x.to("meta"), kernel_size=2),
    }.items():
        assert not call(), why


def test_onnx_cases_whose_attributes_say_too_little(onnx_cases):
    """The one wants indices and does not say so, the other expects numbers rounded to four decimals."""
    cases = {case.name: case for operator in ("MaxPool", "AveragePool") for case in onnx_cases[operator]}
    case = cases["test_maxpool_with_argmax_2d_precomputed_pads"]
    got = run_max_pool(case.attributes | {"storage_order": 0}, case.inputs)
    for mine, expected in zip(got, case.outputs, strict=True):
        np.testing.assert_array_equal(mine, expected, err_msg=f"MaxPool2d {case.name}")
    case = cases["test_averagepool_2d_ceil_last_window_starts_on_pad"]
    (got,) = run_average_pool(case.attributes, case.inputs)
    np.testing.assert_allclose(got, case.outputs[0], atol=1e-4, err_msg=f"AvgPool2d {case.name}")
