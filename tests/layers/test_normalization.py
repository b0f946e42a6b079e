"""Batch, layer, group and instance normalization against torch, NumPy and numerical gradients."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature, output_and_gradients
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import normalization as ref

TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-9}, torch.float32: {"rtol": 1e-4, "atol": 1e-4}}
DTYPES = pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)

# name: (arguments, shape of the input)
LAYERS = {
    "BatchNorm1d": ((6,), (4, 6)),
    "BatchNorm2d": ((6,), (4, 6, 3, 2)),
    "LayerNorm": (((6, 3, 2),), (4, 6, 3, 2)),
    "GroupNorm": ((2, 6), (4, 6, 3, 2)),
    "InstanceNorm2d": ((6,), (4, 6, 3, 2)),
}
EACH = pytest.mark.parametrize("name", LAYERS)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def ours_and_theirs(name, *arguments, dtype=torch.float64, **options):
    """The same random weights in both layers."""
    ours = getattr(layers, name)(*arguments, **options, dtype=dtype)
    theirs = getattr(nn, name)(*arguments, **options, dtype=dtype)
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def by_reference(name, layer, x, grad):
    """Output and gradients in NumPy; of a layer without weights, only those of x."""
    x, grad = x.double().numpy(), grad.double().numpy()
    shape = layer.normalized_shape if name == "LayerNorm" else x.shape[1:2]
    weight = np.ones(shape) if layer.weight is None else layer.weight.detach().double().numpy()
    bias = np.zeros(shape) if layer.bias is None else layer.bias.detach().double().numpy()
    if name == "LayerNorm":
        y = ref.layer_norm(x, weight, bias, layer.eps)
        gradients = ref.layer_norm_backward(grad, x, weight, layer.eps)
    elif name.startswith("Batch"):
        y = ref.batch_norm(x, weight, bias, layer.eps)
        gradients = ref.batch_norm_backward(grad, x, weight, layer.eps)
    else:
        groups = layer.num_groups if name == "GroupNorm" else x.shape[1]
        y = ref.group_norm(x, groups, weight, bias, layer.eps)
        gradients = ref.group_norm_backward(grad, x, groups, weight, layer.eps)
    return [y, *gradients[: 1 + len(list(layer.parameters()))]]


@st.composite
def drawn(draw, name):
    """Arguments of a layer, and a shape of input that suits them."""
    n, groups = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    c = groups * draw(st.integers(1, 3))
    positions = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=2)))
    if name == "BatchNorm1d":
        positions = draw(st.sampled_from([(), positions[:1]]))
    if name.startswith("Batch"):
        assume(n * math.prod(positions) > 1)
        return (c,), (n, c, *positions)
    if name == "LayerNorm":
        lead = draw(st.integers(0, 2))
        shape = (n, c, *positions)
        return (shape[lead:] if lead < 2 or draw(st.booleans()) else shape[-1],), shape
    if name == "GroupNorm":
        positions = positions[: draw(st.integers(0, 2))]
        assume(n * c // groups * math.prod(positions) > 1)  # PyTorch refuses one value in all
        return (groups, c), (n, c, *positions)
    assume(math.prod(positions) > 1)
    return (c,), draw(st.sampled_from([(n, c, *positions), (c, *positions)]))


@DTYPES
@EACH
@given(data=st.data(), affine=st.booleans(), large=st.booleans(), seed=st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_agree_with_torch_and_the_reference(name, dtype, data, affine, large, seed):
    arguments, shape = data.draw(drawn(name))
    # Where few values share and are nearly equal, float32 rounding comes out times 1 / sqrt(eps).
    eps = 0.1 if large else 1e-5 if dtype == torch.float64 else 1e-2
    torch.manual_seed(seed)
    options = {"elementwise_affine" if name == "LayerNorm" else "affine": affine, "eps": eps}
    ours, theirs = ours_and_theirs(name, *arguments, dtype=dtype, **options)
    x, grad = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    before = x.clone()
    got = output_and_gradients(ours, x, grad)
    what = ("y", "dx", "dweight", "dbias")
    for part, mine, other in zip(what, got, output_and_gradients(theirs, x, grad), strict=False):
        assert_close(mine, other, f"{ours} {shape} {part} against torch", **TOLERANCE[dtype])
    assert_close(x, before, f"{name} changed its input")
    if len(shape) == 3 and name == "InstanceNorm2d":
        x, grad = x.unsqueeze(0), grad.unsqueeze(0)
    for part, mine, other in zip(what, got, by_reference(name, ours, x, grad), strict=False):
        np.testing.assert_allclose(
            mine.double().numpy().reshape(other.shape), other, rtol=1e-3 if dtype == torch.float32 else 1e-8,
            atol=1e-3 if dtype == torch.float32 else 1e-8, err_msg=f"{ours} {shape} {part}: reference",
        )  # fmt: skip


@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize(("name", "shape"), [("BatchNorm1d", (5, 3)), ("BatchNorm2d", (2, 3, 4, 2))])
def test_running_statistics_agree_with_torch_batch_by_batch(name, shape, track, momentum):
    ours, theirs = ours_and_theirs(name, 3, momentum=momentum, track_running_stats=track)
    mean, var = np.zeros(3), np.ones(3)
    for batch in range(1, 5):
        x = 3 + 2 * torch.randn(shape, dtype=torch.float64)
        assert_close(ours.train()(x), theirs.train()(x), f"{ours} batch {batch}")
        for key, value in theirs.state_dict().items():
            assert_close(ours.state_dict()[key], value, f"{ours} {key} after {batch}", 1e-12, 1e-12)
        assert_close(ours.eval()(x), theirs.eval()(x), f"{ours} evaluated after {batch}")
        if track:
            mean, var = ref.running_statistics(
                x.numpy(), mean, var, 1 / batch if momentum is None else momentum
            )
            np.testing.assert_allclose(ours.running_mean.numpy(), mean, err_msg=f"{ours} mean {batch}")
            np.testing.assert_allclose(ours.running_var.numpy(), var, err_msg=f"{ours} variance {batch}")
    if track:
        assert ours.num_batches_tracked == 4
        ours.reset_running_stats()
        assert_close(ours.running_var, torch.ones(3).double(), "reset_running_stats")
        assert ours.num_batches_tracked == 0
        assert ours.running_mean.abs().sum() == 0
    else:
        assert (ours.running_mean, ours.running_var, ours.num_batches_tracked) == (None, None, None)


def test_tracking_can_be_switched_off_later():
    ours, theirs = ours_and_theirs("BatchNorm1d", 3)
    x = torch.randn(4, 3, dtype=torch.float64)
    for layer in (ours, theirs):
        layer(x + 5)
        layer.track_running_stats = False
        layer(x)
    assert_close(ours.running_mean, theirs.running_mean, "BatchNorm1d: running_mean when tracking is off")
    assert_close(ours.eval()(x), theirs.eval()(x), "BatchNorm1d: evaluation when tracking is off")
    assert ours.num_batches_tracked == 1


@DTYPES
@pytest.mark.parametrize("shape", [(5, 6), (3, 6, 4), (2, 6, 3, 2)], ids=str)
def test_the_formulas_agree_with_the_kernels(shape, dtype):
    x, grad = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    weight, bias = torch.randn(6, dtype=dtype), torch.randn(6, dtype=dtype)
    w, b = torch.randn(shape[1:], dtype=dtype), torch.randn(shape[1:], dtype=dtype)
    statistics = {
        way: (torch.zeros(6, dtype=dtype), torch.ones(6, dtype=dtype)) for way in ("native", "formula")
    }
    calls = {
        "batch_norm in training": lambda x, way: layers.batch_norm(
            x, *statistics[way], weight, bias, training=True, momentum=0.3, eps=0.01, way=way
        ),
        "batch_norm": lambda x, way: layers.batch_norm(x, *statistics[way], weight, None, way=way),
        "layer_norm": lambda x, way: layers.layer_norm(x, shape[1:], w, b, 0.01, way=way),
        "layer_norm, bare": lambda x, way: layers.layer_norm(x, shape[-1:], eps=0.01, way=way),
        "group_norm": lambda x, way: layers.group_norm(x, 2, weight, bias, 0.01, way=way),
        "group_norm, bare": lambda x, way: layers.group_norm(x, 3, eps=0.01, way=way),
    }
    for name, call in calls.items():
        native, formula = (
            output_and_gradients(lambda x, c=call, way=way: c(x, way), x, grad)
            for way in ("native", "formula")
        )
        for part, mine, other in zip(("y", "dx"), formula, native, strict=True):
            assert_close(mine, other, f"{name} by formula, {part}", **TOLERANCE[dtype])
    for mine, other in zip(*statistics.values(), strict=True):
        assert_close(mine, other, "batch_norm by formula: running statistics", **TOLERANCE[dtype])


@EACH
def test_signature_repr_and_state_dict_are_torchs(name):
    arguments, shape = LAYERS[name]
    assert_same_signature(getattr(layers, name), getattr(nn, name), newer=["bias"])
    affine = "elementwise_affine" if name == "LayerNorm" else "affine"
    for options in ({}, {affine: False}, {affine: True}, {"eps": 0.5}):
        ours, theirs = ours_and_theirs(name, *arguments, **options)
        expected = repr(theirs) if "bias=" in repr(theirs) else repr(ours).replace(", bias=True", "")
        assert repr(ours) == expected, f"{name} {options}"
        assert list(ours.state_dict()) == list(theirs.state_dict()), f"{name} {options}"
        fresh = getattr(layers, name)(*arguments, **options, dtype=torch.float64)
        fresh.load_state_dict(theirs.state_dict())
        x = torch.randn(shape, dtype=torch.float64)
        copies = {"torch's state_dict": fresh, "deepcopy": copy.deepcopy(ours)}
        copies["pickle"] = pickle.loads(pickle.dumps(ours))
        for how, copied in copies.items():
            assert_close(copied(x), theirs(x), f"{name} {options} by {how}", 1e-9, 1e-9)


@EACH
def test_bias_can_be_left_out(name):
    arguments, shape = LAYERS[name]
    options = {"affine": True} if name == "InstanceNorm2d" else {}
    layer = getattr(layers, name)(*arguments, **options, bias=False)
    assert layer.bias is None
    assert layer.weight is not None
    assert "bias=False" in repr(layer)
    assert next(iter(layer.state_dict())) == "weight"
    with_bias = getattr(layers, name)(*arguments, **options)
    x = torch.randn(shape)
    assert_close(layer(x), with_bias(x), f"{name} without bias")


@EACH
def test_parameters_start_at_one_and_zero_and_return_there(name):
    arguments, shape = LAYERS[name]
    options = {"affine": True} if name == "InstanceNorm2d" else {}
    layer = getattr(layers, name)(*arguments, **options)
    fresh = copy.deepcopy(layer.state_dict())
    assert layer.weight.eq(1).all()
    assert layer.bias.eq(0).all()
    layer(torch.randn(shape))
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    layer.reset_parameters()
    for key, value in layer.state_dict().items():
        assert_close(value, fresh[key], f"{name}: {key} after reset_parameters")


def test_weights_of_before_the_batches_were_counted_can_be_loaded():
    old = nn.BatchNorm2d(3).state_dict()
    del old["num_batches_tracked"]
    old._metadata[""]["version"] = 1
    layer = layers.BatchNorm2d(3)
    layer.load_state_dict(old)
    assert layer.num_batches_tracked == 0
    new = nn.BatchNorm2d(3).state_dict()
    del new["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        layer.load_state_dict(new)
    bare = layers.BatchNorm2d(3, track_running_stats=False)
    bare.load_state_dict({"weight": old["weight"], "bias": old["bias"]})


@pytest.mark.parametrize("training", [True, False])
@EACH
def test_gradcheck_first_and_second_order(name, training):
    arguments, shape = LAYERS[name]
    ours, _ = ours_and_theirs(name, *arguments, eps=0.1)
    ours.train(training)
    names = [key for key, _ in ours.named_parameters()]
    buffers = {key: buffer.clone() for key, buffer in ours.named_buffers()}

    def call(x, *parameters):
        state = dict(zip(names, parameters, strict=True)) | {k: b.clone() for k, b in buffers.items()}
        return torch.func.functional_call(ours, state, (x,))

    shape = (3, 6) if name == "BatchNorm1d" else (2, *shape[1:2], 2, 2)
    if name == "LayerNorm":
        ours, shape = ours_and_theirs(name, (6, 2), eps=0.1)[0], (2, 6, 2)
    inputs = (torch.randn(shape, dtype=torch.float64).requires_grad_(), *ours.parameters())
    assert torch.autograd.gradcheck(call, inputs), name
    assert torch.autograd.gradgradcheck(call, inputs), name


LARGE_MEAN = {
    "BatchNorm1d": ((4,), (64, 4)),
    "BatchNorm1d, many examples": ((4,), (65_536, 4)),
    "BatchNorm1d, sequences": ((4,), (16, 4, 9)),
    "BatchNorm2d": ((6,), (8, 6, 7, 5)),
    "BatchNorm2d, many pixels": ((4,), (16, 4, 64, 64)),
    "LayerNorm": (((6, 7, 5),), (8, 6, 7, 5)),
    "GroupNorm": ((2, 6), (8, 6, 7, 5)),
    "GroupNorm, one group": ((1, 6), (8, 6, 7, 5)),
    "InstanceNorm2d": ((6,), (8, 6, 7, 5)),
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("case", LARGE_MEAN)
def test_a_mean_of_1e4_does_not_break_the_variance(case, layout):
    arguments, shape = LARGE_MEAN[case]
    layer = getattr(layers, case.split(",")[0])(*arguments)
    x, grad = torch.randn(shape) + 1e4, torch.randn(shape)
    if len(shape) == 4:
        x = x.contiguous(memory_format=layout)
    y, dx, *_ = output_and_gradients(layer, x, grad)
    exact = copy.deepcopy(layer).double()
    y_exact, dx_exact, *_ = output_and_gradients(exact, x.double().contiguous(), grad.double())
    assert (y - y_exact).abs().max() < 0.02, f"{case} {layout}: y at mean 1e4"
    assert (dx - dx_exact).abs().max() < 0.02 * dx_exact.abs().max(), f"{case} {layout}: dx at mean 1e4"
    if case.startswith("Batch"):
        mean, var = (
            x.double().transpose(0, 1).flatten(1).mean(1),
            x.double().transpose(0, 1).flatten(1).var(1),
        )
        assert_close(layer.running_mean.double(), 0.1 * mean, f"{case} {layout}: running_mean", 1e-5)
        assert_close(layer.running_var.double(), 0.9 + 0.1 * var, f"{case} {layout}: running_var", 1e-3)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("track", [True, False])
def test_what_is_subtracted_from_large_batches_changes_nothing_else(track, momentum):
    ours, theirs = ours_and_theirs("BatchNorm1d", 3, track_running_stats=track, momentum=momentum)
    for _ in range(2):
        x, grad = torch.randn(5000, 3, dtype=torch.float64) + 2, torch.randn(5000, 3, dtype=torch.float64)
        got, expected = (output_and_gradients(layer, x, grad) for layer in (ours, theirs))
        for part, mine, other in zip(("y", "dx", "dweight", "dbias"), got, expected, strict=True):
            assert_close(mine, other, f"{ours} {part}, 5,000 examples", 1e-9, 1e-9)
        for key, value in theirs.state_dict().items():
            assert_close(ours.state_dict()[key], value, f"{ours} {key}, 5,000 examples", 1e-9, 1e-9)


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e-30, 0.0])
@EACH
def test_extreme_values_agree_with_torch(name, value):
    arguments, shape = LAYERS[name]
    ours, theirs = ours_and_theirs(name, *arguments, dtype=torch.float32)
    x = torch.randn(shape)
    x[0, 0] = value
    for training in (True, False):
        got, expected = ours.train(training)(x), theirs.train(training)(x)
        assert_close(got, expected, f"{name} at {value}, training {training}", 1e-4, 1e-4)
    all_the_same = torch.full(shape, 3.0)
    ours.train()
    bias = torch.zeros(1) if ours.bias is None else ours.bias.detach()
    expected = bias if name == "LayerNorm" else bias.view(1, -1, *[1] * (len(shape) - 2))
    assert_close(
        ours(all_the_same), expected.expand(shape), f"{name} of a constant", 0, 1e-3
    )  # rounding, over sqrt(eps)


@EACH
def test_an_empty_batch_gives_an_empty_batch(name):
    arguments, shape = LAYERS[name]
    ours, theirs = ours_and_theirs(name, *arguments)
    x = torch.zeros(0, *shape[1:], dtype=torch.float64)
    for training in (True, False):
        assert ours.train(training)(x).shape == theirs.train(training)(x).shape == x.shape, name
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value, f"{name}: {key} after an empty batch")


def test_a_group_of_one_value_gives_the_bias():
    for layer, shape in ((layers.LayerNorm(1), (3, 1)), (layers.GroupNorm(4, 4), (1, 4))):
        with torch.no_grad():
            layer.bias.fill_(7.0)
        assert_close(layer(torch.randn(shape)), torch.full(shape, 7.0), f"{layer} of single values", 1e-4)


@EACH
def test_memory_layouts_agree_with_torch(name):
    arguments, shape = LAYERS[name]
    ours, theirs = ours_and_theirs(name, *arguments)
    x = torch.randn(shape, dtype=torch.float64)
    views = {
        "transposed": x.transpose(0, 1).contiguous().transpose(0, 1),
        "strided": torch.randn(2 * shape[0], *shape[1:], dtype=torch.float64)[::2],
        "expanded": x[:1].expand(shape),
    }
    if len(shape) == 4:
        views["channels_last"] = x.contiguous(memory_format=torch.channels_last)
    for layout, view in views.items():
        grad = torch.randn(shape, dtype=torch.float64)
        for mine, other in zip(
            output_and_gradients(ours, view, grad),
            output_and_gradients(theirs, view.contiguous(), grad),
            strict=True,
        ):
            assert_close(mine, other, f"{name} {layout}", 1e-9, 1e-9)


@EACH
def test_autocast_and_bfloat16_stay_near_float32(name):
    arguments, shape = LAYERS[name]
    ours, theirs = ours_and_theirs(name, *arguments, dtype=torch.float32)
    x = torch.randn(shape)
    exact = ours(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, expected = ours(x), theirs(x)
    assert_close(got, expected, f"{name} under autocast", 1e-4, 1e-4)
    got, expected = ours(x.bfloat16()), theirs(x.bfloat16())
    assert_close(got, expected, f"{name}, bfloat16 into float32", 1e-2, 1e-2)
    assert (got.float() - exact).abs().max() < 0.1, f"{name}, bfloat16 into float32"
    got, expected = ours.bfloat16()(x.bfloat16()), theirs.bfloat16()(x.bfloat16())
    assert_close(got, expected, f"{name} in bfloat16", 2e-2, 2e-2)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
@EACH
def test_any_device_will_do(name, device):
    arguments, shape = LAYERS[name]
    layer = getattr(layers, name)(*arguments, device=device)
    y = layer(torch.randn(shape, device=device))
    assert (y.device.type, y.shape) == (device, shape)
    assert all(tensor.device.type == device for tensor in layer.state_dict().values())


def test_one_group_is_layer_norm_and_a_group_each_is_instance_norm():
    x = 5 + torch.randn(3, 6, 4, 4, dtype=torch.float64)
    pairs = {
        "one group, LayerNorm": (layers.GroupNorm(1, 6), layers.LayerNorm([6, 4, 4])),
        "six groups, InstanceNorm2d": (layers.GroupNorm(6, 6), layers.InstanceNorm2d(6)),
    }
    for name, (one, other) in pairs.items():
        assert_close(one.double()(x), other.double()(x), name, 1e-12, 1e-12)
    alone = torch.cat([layers.batch_norm(image[None], None, None, training=True) for image in x])
    assert_close(layers.instance_norm(x), alone, "instance_norm, batch_norm of an image", 1e-12, 1e-12)


def test_batch_norm_does_not_see_the_scale_of_the_weights_before_it():
    linear, norm = layers.Linear(5, 4, dtype=torch.float64), layers.BatchNorm1d(4, eps=1e-12).double()
    x, grad = torch.randn(8, 5, dtype=torch.float64), torch.randn(8, 4, dtype=torch.float64)
    y = norm(linear(x))
    (slope,) = torch.autograd.grad(y, linear.weight, grad)
    with torch.no_grad():
        linear.weight.mul_(10)
        linear.bias.add_(3)
    y_scaled = norm(linear(x))
    (slope_scaled,) = torch.autograd.grad(y_scaled, linear.weight, grad)
    assert_close(y_scaled, y, "BatchNorm1d of weights ten times as large", 1e-8, 1e-8)
    assert_close(slope_scaled, slope / 10, "the gradient of weights ten times as large", 1e-7, 1e-9)


def test_only_batch_norm_mixes_the_examples():
    x = torch.randn(4, 6, 3, 3)
    changed = torch.cat([x[:1], 9 * torch.randn(3, 6, 3, 3)])
    for layer in (layers.LayerNorm([6, 3, 3]), layers.GroupNorm(2, 6), layers.InstanceNorm2d(6)):
        assert_close(layer(changed)[0], layer(x)[0], f"{layer} of the same image in another batch")
    norm = layers.BatchNorm2d(6)
    assert not torch.allclose(norm(changed)[0], norm(x)[0])
    assert_close(norm.eval()(changed)[0], norm(x)[0], "BatchNorm2d in evaluation")


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm", "group_norm", "instance_norm"])
def test_the_functions_have_torchs_signatures(name):
    extra = [] if name == "instance_norm" else ["way"]
    assert_same_signature(getattr(layers, name), getattr(F, name), extra=extra)


@given(shape=st.tuples(*[st.integers(2, 4)] * 4), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_functions_agree_with_torch(shape, seed):
    torch.manual_seed(seed)
    x, c = torch.randn(shape), shape[1]
    weight, bias, mean, var = torch.randn(c), torch.randn(c), torch.randn(c), torch.rand(c) + 0.5
    w, b = torch.randn(shape[2:]), torch.randn(shape[2:])
    calls = {
        "batch_norm": lambda f: f(x, mean, var, weight, bias, False, 0.1, 1e-3),
        "layer_norm": lambda f: f(x, shape[2:], w, b, 1e-3),
        "group_norm": lambda f: f(x, c, weight, bias, 1e-3),
        "instance_norm": lambda f: f(x, weight=weight, bias=bias, eps=1e-3),
    }
    for name, call in calls.items():
        assert_close(call(getattr(layers, name)), call(getattr(F, name)), f"{name} {shape}", 1e-4, 1e-4)
    moved = [(mean.clone(), var.clone()) for _ in range(2)]
    got = layers.batch_norm(x, *moved[0], weight, bias, training=True, momentum=0.3)
    expected = F.batch_norm(x, *moved[1], weight, bias, training=True, momentum=0.3)
    assert_close(got, expected, "batch_norm in training", 1e-5, 1e-5)
    assert_close(moved[0][0], moved[1][0], "batch_norm: running_mean", 1e-5, 1e-5)
    assert_close(moved[0][1], moved[1][1], "batch_norm: running_var", 1e-5, 1e-5)
