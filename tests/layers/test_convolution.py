"""Conv2d and conv2d, in all their ways, against torch, the NumPy reference and numerical gradients."""

import inspect
import math
import warnings

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

WAYS = ("native", "im2col", "fft", "loops")
TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 2e-4, "atol": 2e-4}}
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDINGS = st.tuples(st.integers(0, 2), st.integers(0, 2))
OTHER_MODES = ["reflect", "replicate", "circular"]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(autouse=True)
def _no_warning_of_uneven_padding():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using padding='same'")
        yield


@st.composite
def cases(draw):
    """Arguments of a layer and a shape of input that suit each other."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel, dilation, mode = draw(PAIRS), draw(PAIRS), draw(st.sampled_from(["zeros"] * 3 + OTHER_MODES))
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), PADDINGS))
    stride = (1, 1) if padding == "same" else draw(PAIRS)
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    added = {"same": [n - 1 for n in span], "valid": (0, 0)}.get(padding) or [2 * p for p in padding]
    # a kernel fits in, and no side of a frame needs more entries than there are
    sides = [(p + 1) // 2 for p in added]
    frame = {"reflect": [p + 1 for p in sides], "circular": sides}.get(mode, [1, 1])
    least = [max(n - p, f, 1) for n, p, f in zip(span, added, frame, strict=True)]
    size = [n + draw(st.integers(0, 3)) for n in least]
    arguments = (groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), kernel)
    options = {
        "stride": stride, "padding": padding, "dilation": dilation, "groups": groups,
        "bias": draw(st.booleans()), "padding_mode": mode,
    }  # fmt: skip
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    return arguments, options, (*batch, arguments[0], *size)


def ours_and_theirs(arguments, options, dtype=torch.float64, way="native"):
    """The same weights in both layers."""
    ours = layers.Conv2d(*arguments, **options, dtype=dtype, way=way)
    theirs = nn.Conv2d(*arguments, **options, dtype=dtype)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def output_and_gradients(layer, x, grad=None):
    """The output, and the gradients of the input and of every parameter."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x)
    grad = torch.cos(torch.arange(y.numel(), dtype=y.dtype)).reshape(y.shape) if grad is None else grad
    return y, *torch.autograd.grad(y, [x, *layer.parameters()], grad)


def assert_same(got, expected, what, **tolerance):
    tolerance = tolerance or {"rtol": 0, "atol": 0}
    torch.testing.assert_close(
        got, expected, **tolerance, equal_nan=True, msg=lambda m: f"Conv2d {what}: {m}"
    )


def assert_all_same(got, expected, what, **tolerance):
    for name, mine, other in zip(("y", "dx", "dw", "db"), got, expected, strict=False):
        assert_same(mine, other, f"{name} {what}", **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=cases(), scale=st.sampled_from([1e-30, 1.0, 1e4]), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_torchs(dtype, case, scale, seed):
    torch.manual_seed(seed)
    arguments, options, shape = case
    ours, theirs = ours_and_theirs(arguments, options, dtype)
    x = scale * torch.randn(shape, dtype=dtype)
    before = x.clone()
    assert_all_same(output_and_gradients(ours, x), output_and_gradients(theirs, x), f"against torch {case}")
    assert_same(x, before, "changed its input")
    frame = options.pop("padding_mode")
    bias = options.pop("bias")
    if frame == "zeros":
        b = ours.bias if bias else None
        assert_same(layers.conv2d(x, ours.weight, b, **options), ours(x), f"conv2d against Conv2d {case}")


@pytest.mark.parametrize("way", ["im2col", "fft", "loops"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=cases(), seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_every_way_gives_torchs_values_and_gradients(way, dtype, case, seed):
    torch.manual_seed(seed)
    arguments, options, shape = case
    ours, theirs = ours_and_theirs(arguments, options, dtype, way)
    x = torch.randn(shape, dtype=dtype)
    before = x.clone()
    got, expected = output_and_gradients(ours, x), output_and_gradients(theirs, x)
    assert_all_same(got, expected, f"by {way} against torch {case}", **TOLERANCE[dtype])
    assert_same(x, before, f"by {way} changed its input")


@pytest.mark.parametrize("way", WAYS)
@given(case=cases(), seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_values_and_gradients_are_the_references(way, case, seed):
    torch.manual_seed(seed)
    arguments, options, shape = case
    layer = layers.Conv2d(*arguments, **options, dtype=torch.float64, way=way)
    x = torch.randn(shape, dtype=torch.float64)
    got = output_and_gradients(layer, x)
    grad = torch.cos(torch.arange(got[0].numel(), dtype=torch.float64)).reshape(got[0].shape)

    w = layer.weight.detach().numpy()
    b = layer.bias.detach().numpy() if options.pop("bias") else np.zeros(len(w))
    images, grad = (array if array.ndim == 4 else array[None] for array in (x.numpy(), grad.numpy()))
    padding, mode = options.pop("padding"), options.pop("padding_mode")
    sides = {"same": ref.same_padding(w.shape[2:], options["dilation"]), "valid": ((0, 0), (0, 0))}.get(
        padding
    ) or tuple((p, p) for p in padding)
    framed = ref.pad(images, sides, mode)
    y = ref.conv2d(framed, w, b, **options)
    d_framed, dw, db = ref.conv2d_backward(grad, framed, w, **options)
    dx = ref.pad_backward(d_framed, images.shape, sides, mode)
    for name, mine, other in zip(("y", "dx", "dw", "db"), got, (y, dx, dw, db), strict=False):
        np.testing.assert_allclose(
            mine.detach().numpy(),
            other.reshape(mine.shape),
            **TOLERANCE[torch.float64],
            err_msg=f"Conv2d {name} by {way} against reference: {case}",
        )


def test_the_worked_corner_is_320_in_every_way():
    image = torch.tensor(
        [
            [105, 102, 100, 97, 96],
            [103, 99, 103, 101, 102],
            [101, 98, 104, 102, 100],
            [99, 101, 106, 104, 99],
            [104, 104, 104, 100, 98],
        ],
        dtype=torch.float64,
    )
    sharpen = torch.tensor([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], dtype=torch.float64)
    for way in WAYS:
        y = layers.conv2d(image[None, None], sharpen[None, None], padding=1, way=way)
        assert y[0, 0, 0, 0].item() == pytest.approx(320, abs=1e-10), way


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
    ours = layers.Conv2d(*arguments, groups=groups, bias=bias)
    torch.manual_seed(seed)
    theirs = nn.Conv2d(*arguments, groups=groups, bias=bias)
    for (name, mine), (_, other) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert_same(mine, other, f"{name} of seed {seed} against torch.nn")
        assert mine.abs().max() <= 1 / math.sqrt(channels[0] * kernel[0] * kernel[1]), f"Conv2d {name}"
    ours.to(memory_format=torch.channels_last)
    torch.manual_seed(seed)
    ours.reset_parameters()
    assert_same(ours.weight.contiguous(), theirs.weight.detach(), "reset_parameters, channels_last")


SHOWN = [
    {},
    {"stride": 2, "padding": 1},
    {"padding": "same", "dilation": (1, 2), "groups": 2},
    {"padding": "valid", "bias": False},
    {"padding": (0, 1), "padding_mode": "reflect", "dilation": 3},
]


@pytest.mark.parametrize("options", SHOWN, ids=str)
def test_repr_and_state_dict_are_torchs(options):
    ours, theirs = ours_and_theirs((4, 6, (3, 2)), options)
    fresh = layers.Conv2d(4, 6, (3, 2), **options, dtype=torch.float64)
    x = torch.randn(2, 4, 8, 7, dtype=torch.float64)
    assert_interchangeable(ours, theirs, fresh, x, OF_A_CONVOLUTION)


def test_signatures_are_torchs_with_a_way_more():
    assert_same_signature(layers.Conv2d, nn.Conv2d, extra=("way",))
    assert list(inspect.signature(layers.Conv2d).parameters)[-1] == "way"
    assert list(inspect.signature(layers.Conv2d.forward).parameters) == ["self", "input"]
    functional = inspect.signature(layers.conv2d).parameters
    documented = dict.fromkeys(["input", "weight"], inspect.Parameter.empty) | {
        "bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "way": "native",
    }  # fmt: skip
    assert {n: p.default for n, p in functional.items()} == documented
    assert list(functional) == list(documented)
    assert functional["way"].kind is inspect.Parameter.KEYWORD_ONLY
    shown = repr(layers.Conv2d(1, 2, 3, way="fft"))
    assert shown == "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), way=fft)"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("shape", "arguments", "options"),
    [
        ((2, 2, 3, 3), (2, 2, 2), {"padding": 1}),
        ((2, 5, 4), (2, 2, (2, 3)), {"stride": 2, "padding": (1, 2), "groups": 2, "bias": False}),
        ((1, 1, 4, 5), (1, 2, 2), {"padding": "same", "dilation": (2, 1), "padding_mode": "circular"}),
    ],
)
def test_gradcheck_first_and_second_order(way, shape, arguments, options):
    ours, _ = ours_and_theirs(arguments, options, way=way)
    names = [name for name, _ in ours.named_parameters()]

    def call(x, *parameters):
        return torch.func.functional_call(ours, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (torch.randn(*shape, dtype=torch.float64).requires_grad_(), *ours.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
@pytest.mark.parametrize("way", ["native", "im2col", "loops"])
def test_extreme_values_stay_where_torch_has_them(way, value):
    ours, theirs = ours_and_theirs((2, 3, 3), {"padding": 1}, torch.float32, way)
    x = torch.randn(1, 2, 6, 6)
    x[0, 1, 2, 3] = value
    tolerance = {} if way == "native" else {"rtol": 1e-4, "atol": 1e-5 * (1e4 if value == 1e4 else 1)}
    assert_same(ours(x), theirs(x), f"by {way} at {value}", **tolerance)


@pytest.mark.parametrize("scale", [1e4, 1e-30])
def test_spectra_round_relative_to_the_largest_entry(scale):
    ours, theirs = ours_and_theirs((2, 3, 3), {"padding": 1}, torch.float32, "fft")
    x = scale * torch.randn(1, 2, 6, 6)
    assert_same(ours(x) - ours.bias[:, None, None], theirs(x) - theirs.bias[:, None, None], "fft",
                rtol=0, atol=1e-5 * max(scale, 1e-3))  # fmt: skip
    without = layers.conv2d(x, ours.weight, padding=1, way="fft")
    assert_same(without, F.conv2d(x, ours.weight, padding=1), f"fft at {scale}", rtol=0, atol=2e-6 * scale)
    x[0, 1, 2, 3] = math.nan
    assert ours(x).isnan().all(), "Conv2d by fft lets NaN disappear"


@pytest.mark.parametrize("way", WAYS)
def test_memory_layouts_agree_with_torch(way):
    ours, theirs = ours_and_theirs((4, 3, 3), {"stride": 2, "padding": 1}, way=way)
    x = torch.randn(4, 6, 5, 7, dtype=torch.float64)
    tolerance = {} if way == "native" else TOLERANCE[torch.float64]
    for name, view in {
        "transposed": x.transpose(0, 1)[:, :4],
        "strided": x[:, :4, ::2, 1::2],
        "expanded": x[:1, :1].expand(2, 4, 5, 7),
        "channels_last": x[:, :4].contiguous(memory_format=torch.channels_last),
    }.items():
        got, expected = output_and_gradients(ours, view), output_and_gradients(theirs, view)
        assert_all_same(got, expected, f"{name} by {way}", **tolerance)
    image = x[:, :4].contiguous(memory_format=torch.channels_last)
    if way == "native":
        assert ours(image).stride() == theirs(image).stride(), "Conv2d channels_last does not stay so"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_and_low_precision_are_near_torchs(way, dtype):
    ours, theirs = ours_and_theirs((8, 4, 3), {"padding": 1, "groups": 2}, torch.float32, way)
    x = torch.randn(5, 8, 6, 6, dtype=dtype)
    near = {} if way == "native" else {"rtol": 2e-2, "atol": 2e-2}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = ours(x), theirs(x)
    if way in ("native", "im2col"):
        assert y.dtype == torch.bfloat16, f"Conv2d by {way} under autocast"
    assert_same(y.to(expected.dtype), expected, f"autocast by {way} from {dtype}", **near)
    ours, theirs = ours_and_theirs((8, 4, 3), {"padding": 1, "groups": 2}, dtype, way)
    if dtype == torch.float32 and way != "native":
        near = TOLERANCE[dtype]
    assert ours(x).dtype == dtype
    assert_same(ours(x), theirs(x), f"{dtype} by {way}", **near)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("device", ["meta", *DEVICES[1:]])
def test_any_device_will_do(device, way):
    layer = layers.Conv2d(4, 2, (3, 2), 2, 1, groups=2, padding_mode="circular", device=device, way=way)
    y = layer(torch.randn(3, 4, 6, 5, device=device))
    assert (y.device.type, y.shape) == (device, (3, 2, 3, 3))


@pytest.mark.parametrize("way", WAYS)
def test_one_image_is_a_batch_of_one_and_an_empty_batch_has_zero_gradients(way):
    layer = layers.Conv2d(2, 3, 2, padding=1, way=way, dtype=torch.float64)
    image = torch.randn(2, 4, 5, dtype=torch.float64)
    assert_same(layer(image), layer(image[None])[0], f"one image by {way}", **TOLERANCE[torch.float64])
    y, dx, dw, db = output_and_gradients(layer, torch.zeros(0, 2, 4, 5, dtype=torch.float64))
    assert (y.shape, dx.shape) == ((0, 3, 5, 6), (0, 2, 4, 5))
    assert not dw.any()
    assert not db.any()


@pytest.mark.parametrize("way", WAYS)
def test_a_frozen_input_or_weight_gets_no_gradient(way):
    x, w, b = torch.randn(1, 2, 4, 4), torch.randn(3, 2, 2, 2).requires_grad_(), torch.randn(3)
    assert not layers.conv2d(x, w.detach(), b, way=way).requires_grad
    layers.conv2d(x, w, b, way=way).sum().backward()
    assert w.grad is not None
    with torch.no_grad():
        assert not layers.conv2d(x, w, b, way=way).requires_grad


def test_the_ways_go_different_ways(monkeypatch):
    """A way that quietly used PyTorch's kernel would pass every other test."""
    x, w = torch.randn(1, 2, 5, 5), torch.randn(3, 2, 3, 3)

    def refuse(*_, **__):
        raise AssertionError("PyTorch's kernel was called")

    monkeypatch.setattr(F, "conv2d", refuse)
    for way in ("im2col", "fft", "loops"):
        layers.conv2d(x, w, way=way)
    for library, name, way in [
        (torch.fft, "rfft2", "fft"),
        (torch, "stack", "loops"),
        (F, "conv2d", "native"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(library, name, refuse)
            for each in WAYS[1:]:
                if each != way:
                    layers.conv2d(x, w, way=each)
            with pytest.raises(AssertionError):
                layers.conv2d(x, w, way=way)


def test_changed_attributes_are_obeyed_as_in_torch():
    ours, theirs = ours_and_theirs((2, 2, 3), {})
    x = torch.randn(1, 2, 9, 9, dtype=torch.float64)
    for layer in (ours, theirs):
        layer.stride, layer.padding, layer.dilation = (2, 2), (2, 2), (2, 2)
    assert_same(ours(x), theirs(x), "after its attributes were changed")


@given(
    n=st.sampled_from([(), (0,), (1,), (2,)]),
    c=st.integers(1, 3),
    extra=PAIRS,
    kernel=PAIRS,
    dilation=PAIRS,
    stride=PAIRS,
    padding=PADDINGS,
)
@settings(max_examples=60, deadline=None)
def test_unfold_and_fold_are_torchs(n, c, extra, kernel, dilation, stride, padding):
    size = [d * (k - 1) + e for d, k, e in zip(dilation, kernel, extra, strict=True)]
    options = {"dilation": dilation, "padding": padding, "stride": stride}
    x = torch.randn(*n, c, *size, dtype=torch.float64).requires_grad_()
    columns = layers.unfold(x, kernel, **options)
    images = x if n else x[None]
    expected = F.unfold(images, kernel, **options)
    assert_same(columns if n else columns[None], expected, f"unfold of {tuple(x.shape)} {kernel} {options}")
    weights = torch.cos(torch.arange(columns.numel(), dtype=torch.float64)).reshape(columns.shape)
    [dx] = torch.autograd.grad(columns, x, weights)
    reference = ref.col2im(
        weights.reshape(expected.shape).numpy(), tuple(images.shape), kernel, stride, padding, dilation
    )
    np.testing.assert_allclose(dx.numpy(), reference.reshape(dx.shape), atol=1e-12, err_msg="unfold's dx")
    image = layers.fold(weights, size, kernel, **options)
    np.testing.assert_allclose(
        image.numpy(), reference.reshape(dx.shape), atol=1e-12, err_msg="fold, reference"
    )
    if len(images):  # which torch's fold refuses
        theirs = F.fold(weights.reshape(expected.shape), size, kernel, **options)
        assert_same(image if n else image[None], theirs, f"fold {kernel} {options}", rtol=1e-12, atol=1e-12)
    assert layers.unfold(x.detach().to("meta"), kernel, **options).shape == columns.shape


def test_unfold_and_fold_have_torchs_signatures_and_second_gradients():
    for ours, theirs in ((layers.unfold, F.unfold), (layers.fold, F.fold)):
        got, expected = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
        assert {n: p.default for n, p in got.items()} == {n: p.default for n, p in expected.items()}
        assert list(got) == list(expected)
    x = torch.randn(1, 2, 4, 3, dtype=torch.float64).requires_grad_()
    columns = torch.randn(1, 8, 6, dtype=torch.float64).requires_grad_()
    for call, argument in [
        (lambda x: layers.unfold(x, 2, padding=1, stride=2) ** 2, x),
        (lambda c: layers.fold(c, (4, 3), 2) ** 2, columns),
    ]:
        assert torch.autograd.gradcheck(call, argument)
        assert torch.autograd.gradgradcheck(call, argument)
    before = columns.detach().clone()
    layers.fold(columns.detach(), (4, 3), 2)
    assert_same(columns.detach(), before, "fold changed its input")
