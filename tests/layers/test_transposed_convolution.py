"""ConvTranspose2d and conv_transpose2d against torch, the NumPy reference and numerical gradients."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import OF_A_CONVOLUTION, assert_interchangeable, assert_same_signature
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import convolution as ref

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
# float32's matrix products need not round as the reference does
TOLERANCE = {torch.float64: {"rtol": 1e-10, "atol": 1e-11}, torch.float32: {"rtol": 1e-4, "atol": 1e-4}}


@st.composite
def cases(draw):
    """Arguments of a layer and a shape of input that suit each other."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel, dilation, stride = draw(PAIRS), draw(PAIRS), draw(PAIRS)
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    size = draw(PAIRS)
    whole = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(size, stride, dilation, kernel, extra, strict=True)
    ]
    padding = tuple(draw(st.integers(0, (n - 1) // 2)) for n in whole)
    arguments = (groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), kernel)
    options = {
        "stride": stride, "padding": padding, "output_padding": extra, "groups": groups,
        "bias": draw(st.booleans()), "dilation": dilation,
    }  # fmt: skip
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    return arguments, options, (*batch, arguments[0], *size)


def ours_and_theirs(arguments, options, dtype=torch.float64):
    """The same weights in both layers."""
    ours = layers.ConvTranspose2d(*arguments, **options, dtype=dtype)
    theirs = nn.ConvTranspose2d(*arguments, **options, dtype=dtype)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def output_and_gradients(layer, x):
    """The output, and the gradients of the input and of every parameter."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x)
    return y, *torch.autograd.grad(y, [x, *layer.parameters()], waves(y))


def waves(y):
    return torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape)


def assert_same(got, expected, what):
    torch.testing.assert_close(
        got, expected, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"ConvTranspose2d {what}: {m}"
    )


def assert_all_same(got, expected, what):
    for name, mine, other in zip(("y", "dx", "dw", "db"), got, expected, strict=False):
        assert_same(mine, other, f"{name} {what}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=cases(), scale=st.sampled_from([1e-30, 1.0, 1e4]), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_torchs_and_the_references(dtype, case, scale, seed):
    torch.manual_seed(seed)
    arguments, options, shape = case
    ours, theirs = ours_and_theirs(arguments, options, dtype)
    x = scale * torch.randn(shape, dtype=dtype)
    before = x.clone()
    got = output_and_gradients(ours, x)
    assert_all_same(got, output_and_gradients(theirs, x), f"against torch {case}")
    assert_same(x, before, "changed its input")

    options = dict(options)
    bias = ours.bias if options.pop("bias") else None
    assert_same(layers.conv_transpose2d(x, ours.weight, bias, **options), got[0], f"functional {case}")
    w = ours.weight.detach().double().numpy()
    b = None if bias is None else bias.detach().double().numpy()
    images = x.reshape(-1, *shape[-3:]).double().numpy()
    y = ref.conv_transpose2d(images, w, b, **options)
    grad = waves(got[0]).double().numpy().reshape(y.shape)
    options.pop("output_padding")
    expected = (y, *ref.conv_transpose2d_backward(grad, images, w, **options))
    tolerance = TOLERANCE[dtype] | {"atol": TOLERANCE[dtype]["atol"] * max(1.0, scale)}
    for name, mine, other in zip(("y", "dx", "dw", "db"), got, expected, strict=False):
        np.testing.assert_allclose(
            mine.detach().double().numpy(),
            other.reshape(mine.shape),
            **tolerance,
            err_msg=f"ConvTranspose2d {name} against reference: {case}",
        )


@given(case=cases(), more=st.tuples(st.integers(0, 2), st.integers(0, 2)))
@settings(max_examples=40, deadline=None)
def test_output_size_chooses_among_the_sizes_that_convolution_makes_one(case, more):
    arguments, options, shape = case
    options = options | {"output_padding": 0}
    ours, theirs = ours_and_theirs(arguments, options)
    kernel = arguments[2]
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + min(e, s - 1)
        for n, s, p, d, k, e in zip(
            shape[-2:], options["stride"], options["padding"], options["dilation"], kernel, more, strict=True
        )
    ]
    x = torch.randn(shape, dtype=torch.float64)
    if min(size) < 1:
        return
    y = ours(x, output_size=size)
    assert list(y.shape[-2:]) == size
    assert_same(y, theirs(x, output_size=size), f"output_size={size} of {case}")
    assert_same(ours(x, (*shape[:-3], arguments[1], *size)), y, f"the whole shape of the output, {case}")
    assert_same(ours(x, y.shape), y, f"output_size as torch.Size {case}")


def test_it_is_the_transpose_of_conv2d_and_so_the_gradient_of_its_input():
    w = torch.randn(6, 2, 3, 2, dtype=torch.float64)
    options = {"stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2}
    u = torch.randn(3, 4, 7, 6, dtype=torch.float64).requires_grad_()
    v = layers.conv2d(u, w, **options)
    weights = torch.randn_like(v)
    [du] = torch.autograd.grad(v, u, weights)
    torch.testing.assert_close(layers.conv_transpose2d(weights, w, **options), du)


def test_a_product_with_the_kernels_folded_is_a_transposed_convolution():
    x, w = torch.randn(2, 3, 4, 5, dtype=torch.float64), torch.randn(3, 2, 3, 3, dtype=torch.float64)
    columns = w.flatten(1).T @ x.flatten(2)
    y = layers.fold(columns, (7, 9), 3, padding=1, stride=2)
    torch.testing.assert_close(y, layers.conv_transpose2d(x, w, stride=2, padding=1))


def test_the_sizes_of_the_course():
    x = torch.randn(1, 1, 3, 3)
    assert layers.ConvTranspose2d(1, 1, 3)(x).shape[2:] == (5, 5)
    assert layers.ConvTranspose2d(1, 1, 3, stride=2, padding=1)(x).shape[2:] == (5, 5)


@pytest.mark.parametrize("bias", [True, False])
@given(
    kernel=PAIRS,
    groups=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_torchs_weights(bias, kernel, groups, channels, seed):
    arguments = (groups * channels[0], groups * channels[1], kernel)
    torch.manual_seed(seed)
    ours = layers.ConvTranspose2d(*arguments, groups=groups, bias=bias)
    torch.manual_seed(seed)
    theirs = nn.ConvTranspose2d(*arguments, groups=groups, bias=bias)
    for (name, mine), (_, other) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert_same(mine, other, f"{name} of seed {seed} against torch.nn")
        assert mine.abs().max() <= 1 / math.sqrt(channels[1] * kernel[0] * kernel[1]), name


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"dilation": (1, 2), "output_padding": (0, 1), "groups": 2, "bias": False},
    ],
    ids=str,
)
def test_repr_and_state_dict_are_torchs(options):
    ours, theirs = ours_and_theirs((4, 6, (3, 2)), options)
    fresh = layers.ConvTranspose2d(4, 6, (3, 2), **options, dtype=torch.float64)
    x = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    assert_interchangeable(ours, theirs, fresh, x, OF_A_CONVOLUTION)


def test_signatures_are_torchs():
    for ours, theirs in [
        (layers.ConvTranspose2d, nn.ConvTranspose2d),
        (layers.ConvTranspose2d.forward, nn.ConvTranspose2d.forward),
    ]:
        assert_same_signature(ours, theirs)
    documented = dict.fromkeys(["input", "weight"], inspect.Parameter.empty) | {
        "bias": None, "stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1,
    }  # fmt: skip
    found = inspect.signature(layers.conv_transpose2d).parameters
    assert list(found) == list(documented)
    assert {n: p.default for n, p in found.items()} == documented


@pytest.mark.parametrize(
    ("shape", "arguments", "options"),
    [
        ((2, 2, 3, 2), (2, 3, 2), {"stride": 2, "padding": 1, "output_padding": 1}),
        ((2, 3, 2), (2, 2, (2, 3)), {"dilation": (2, 1), "groups": 2, "bias": False}),
    ],
)
def test_gradcheck_first_and_second_order(shape, arguments, options):
    ours, _ = ours_and_theirs(arguments, options)
    names = [name for name, _ in ours.named_parameters()]

    def call(x, *parameters):
        return torch.func.functional_call(ours, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (torch.randn(*shape, dtype=torch.float64).requires_grad_(), *ours.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
def test_extreme_values_agree_with_torch(value):
    ours, theirs = ours_and_theirs((2, 3, 3), {"stride": 2}, torch.float32)
    x = torch.randn(1, 2, 4, 4)
    x[0, 1, 2, 3] = value
    y = ours(x)
    assert_same(y, theirs(x), f"at {value}")
    if not math.isfinite(value):
        assert y[..., :3, :].isfinite().all(), "rows that no stamp of the entry reaches"
        assert not y[..., 4:7, 6:9].isfinite().any(), "the stamp of the entry"


def test_memory_layouts_agree_with_torch():
    ours, theirs = ours_and_theirs((4, 3, 3), {"stride": 2, "padding": 1})
    x = torch.randn(4, 6, 5, 7, dtype=torch.float64)
    for name, view in {
        "transposed": x.transpose(0, 1)[:, :4],
        "strided": x[:, :4, ::2, 1::2],
        "expanded": x[:1, :1].expand(2, 4, 5, 7),
        "channels_last": x[:, :4].contiguous(memory_format=torch.channels_last),
    }.items():
        assert_all_same(output_and_gradients(ours, view), output_and_gradients(theirs, view), name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_and_low_precision_agree_with_torch(dtype):
    ours, theirs = ours_and_theirs((8, 4, 3), {"padding": 1, "groups": 2}, torch.float32)
    x = torch.randn(5, 8, 6, 6, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = ours(x), theirs(x)
    assert y.dtype == torch.bfloat16
    assert_same(y, expected, f"autocast from {dtype}")
    ours, theirs = ours_and_theirs((8, 4, 3), {"padding": 1, "groups": 2}, dtype)
    assert_same(ours(x), theirs(x), f"{dtype}")


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    layer = layers.ConvTranspose2d(4, 2, (3, 2), 2, 1, output_padding=1, groups=2, device=device)
    y = layer(torch.randn(3, 4, 3, 5, device=device))
    assert (y.device.type, y.shape) == (device, (3, 2, 6, 9))


def test_the_inner_kernel_is_pytorchs(monkeypatch):
    calls = []
    kernel = F.conv_transpose2d
    monkeypatch.setattr(F, "conv_transpose2d", lambda *a: calls.append(a) or kernel(*a))
    layers.ConvTranspose2d(1, 1, 2)(torch.zeros(1, 1, 2, 2))
    layers.conv_transpose2d(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    assert len(calls) == 2
