"""Each activation layer against its NumPy reference, torch.nn, numerical gradients and ONNX's cases."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from course_lib import layers
from course_lib.reference import activations as ref

# case: (layer, its arguments, the reference, the reference's derivative, where the slope jumps)
CASES = {
    "Sigmoid()": ("Sigmoid", {}, ref.sigmoid, ref.sigmoid_derivative, []),
    "Tanh()": ("Tanh", {}, ref.tanh, ref.tanh_derivative, []),
    "Hardtanh()": ("Hardtanh", {}, ref.hardtanh, ref.hardtanh_derivative, [-1, 1]),
    "Hardtanh(-2, 0.5)": (
        "Hardtanh",
        {"min_val": -2.0, "max_val": 0.5},
        lambda z: ref.hardtanh(z, -2.0, 0.5),
        lambda z: ref.hardtanh_derivative(z, -2.0, 0.5),
        [-2, 0.5],
    ),
    "ReLU()": ("ReLU", {}, ref.relu, ref.relu_derivative, [0]),
    "ReLU6()": ("ReLU6", {}, ref.relu6, ref.relu6_derivative, [0, 6]),
    "LeakyReLU()": ("LeakyReLU", {}, ref.leaky_relu, ref.leaky_relu_derivative, [0]),
    "LeakyReLU(0.3)": (
        "LeakyReLU",
        {"negative_slope": 0.3},
        lambda z: ref.leaky_relu(z, 0.3),
        lambda z: ref.leaky_relu_derivative(z, 0.3),
        [0],
    ),
    "RReLU() in evaluation": ("RReLU", {}, ref.rrelu, ref.rrelu_derivative, [0]),
    "RReLU(0.1, 0.9) in evaluation": (
        "RReLU",
        {"lower": 0.1, "upper": 0.9},
        lambda z: ref.rrelu(z, 0.1, 0.9),
        lambda z: ref.rrelu_derivative(z, 0.1, 0.9),
        [0],
    ),
    "PReLU()": ("PReLU", {}, ref.prelu, ref.prelu_derivative, [0]),
    "PReLU(init=0.625)": (
        "PReLU",
        {"init": 0.625},
        lambda z: ref.prelu(z, 0.625),
        lambda z: ref.prelu_derivative(z, 0.625),
        [0],
    ),
    "ELU()": ("ELU", {}, ref.elu, ref.elu_derivative, [0]),
    "ELU(1.7)": (
        "ELU",
        {"alpha": 1.7},
        lambda z: ref.elu(z, 1.7),
        lambda z: ref.elu_derivative(z, 1.7),
        [0],
    ),
    "SELU()": ("SELU", {}, ref.selu, ref.selu_derivative, [0]),
    "GELU()": ("GELU", {}, ref.gelu, ref.gelu_derivative, []),
    "GELU('tanh')": ("GELU", {"approximate": "tanh"}, ref.gelu_tanh, ref.gelu_tanh_derivative, []),
    "SiLU()": ("SiLU", {}, ref.silu, ref.silu_derivative, []),
    "Softplus()": ("Softplus", {}, ref.softplus, ref.softplus_derivative, [20]),
    "Softplus(beta=3)": (
        "Softplus",
        {"beta": 3.0},
        lambda z: ref.softplus(z, 3.0),
        lambda z: ref.softplus_derivative(z, 3.0),
        [20 / 3],
    ),
    "Softsign()": ("Softsign", {}, ref.softsign, ref.softsign_derivative, [0]),
}
MORE_ARGUMENTS = {  # shown by PyTorch alone: the reference has no threshold and no channels' count
    "Softplus(threshold=2)": ("Softplus", {"beta": 0.5, "threshold": 2.0}),
    "PReLU(3)": ("PReLU", {"num_parameters": 3, "init": 0.1}),
    "Softmax(1)": ("Softmax", {"dim": 1}),
    "Softmax(-1)": ("Softmax", {"dim": -1}),
    "Softmax(0)": ("Softmax", {"dim": 0}),
}
ALL = {name: case[:2] for name, case in CASES.items()} | MORE_ARGUMENTS
WIDE = ["Sigmoid", "Tanh", "Hardtanh", "ReLU", "ReLU6", "Softsign"]  # they leave other dtypes to PyTorch
TOLERANCE = {  # Softplus returns x above its threshold, which is off by e^-20 / beta
    torch.float64: {"rtol": 1e-9, "atol": 3e-9},
    torch.float32: {"rtol": 3e-6, "atol": 1e-6},
}
SPECIAL = [0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1.0, -1.0, 20.0, 20.5, -20.0, math.inf, -math.inf, math.nan]

entry_by_entry = pytest.mark.parametrize("case", CASES)
every_layer = pytest.mark.parametrize("case", ALL)
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def ours_and_theirs(case, dtype=torch.float64):
    name, arguments = ALL[case][:2]
    ours, theirs = getattr(layers, name)(**arguments), getattr(nn, name)(**arguments)
    return ours.to(dtype).eval(), theirs.to(dtype).eval()


def output_and_gradients(layer, x, grad):
    """Output, dx, and the gradient of the slopes if there are any."""
    x = x.detach().clone().requires_grad_()
    y = layer(x)
    return y, torch.autograd.grad(y, [x, *layer.parameters()], grad)


def assert_equal(got, expected, what):
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"{what}: {m}")


@entry_by_entry
@dtypes
@given(
    z=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        elements=st.floats(-30, 30, width=32),
    )
)
@settings(max_examples=20, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(case, dtype, z):
    _, _, g, g_prime, _ = CASES[case]
    ours, theirs = ours_and_theirs(case, dtype)
    x = torch.tensor(z).to(dtype)
    grad = torch.linspace(-1, 2, x.numel(), dtype=dtype).reshape(x.shape)
    before = x.clone()
    y, gradients = output_and_gradients(ours, x, grad)
    y_torch, gradients_torch = output_and_gradients(theirs, x, grad)
    assert_equal(y, y_torch, f"{case} {dtype} value against torch.nn")
    for got, expected in zip(gradients, gradients_torch, strict=True):
        assert_equal(got, expected, f"{case} {dtype} gradient against torch.nn")
    assert_equal(x, before, f"{case} changed its input")

    z, grad = z.astype(np.float64), grad.double().numpy()
    np.testing.assert_allclose(
        y.detach().double().numpy(),
        g(z),
        **TOLERANCE[dtype],
        err_msg=f"{case} {dtype} value against reference",
    )
    np.testing.assert_allclose(
        gradients[0].double().numpy(),
        grad * g_prime(z),
        **TOLERANCE[dtype],
        err_msg=f"{case} {dtype} gradient against reference",
    )


@entry_by_entry
@dtypes
def test_extreme_values_agree_with_reference_and_torch(case, dtype):
    _, _, g, g_prime, jumps = CASES[case]
    ours, theirs = ours_and_theirs(case, dtype)
    x = torch.tensor(SPECIAL + jumps, dtype=dtype)
    y, gradients = output_and_gradients(ours, x, torch.ones_like(x))
    y_torch, gradients_torch = output_and_gradients(theirs, x, torch.ones_like(x))
    assert_equal(y, y_torch, f"{case} {dtype} extreme values against torch.nn")
    assert_equal(gradients[0], gradients_torch[0], f"{case} {dtype} extreme gradients against torch.nn")
    assert y[x.isnan()].isnan().all(), f"{case} {dtype} lets NaN disappear"

    if case == "GELU()":  # at infinity PyTorch's vector kernel may give NaN, its scalar one gives infinity
        x, y, gradients = x[~x.isinf()], y[~x.isinf()], (gradients[0][~x.isinf()],)
    z = x.double().numpy()
    with np.errstate(invalid="ignore"):
        value, slope = g(z), g_prime(z)
    np.testing.assert_allclose(
        y.detach().double().numpy(), value, **TOLERANCE[dtype], err_msg=f"{case} {dtype} against reference"
    )
    finite = np.isfinite(z) & ~np.isin(z, [20, 20 / 3])
    np.testing.assert_allclose(
        gradients[0].double().numpy()[finite],
        slope[finite],
        **TOLERANCE[dtype],
        err_msg=f"{case} {dtype} slope against reference",
    )


@every_layer
@pytest.mark.parametrize(
    "shape", [(2, 3), (0, 3), (2, 3, 0), (1, 3, 1, 1), (5, 3, 2, 2), (2, 3, 2, 2, 2)], ids=str
)
def test_shapes_agree_with_torch(case, shape):
    ours, theirs = ours_and_theirs(case)
    x, grad = 3 * torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y, gradients = output_and_gradients(ours, x, grad)
    y_torch, gradients_torch = output_and_gradients(theirs, x, grad)
    assert y.shape == x.shape, f"{case} changes the shape {shape}"
    assert_equal(y, y_torch, f"{case} {shape} value against torch.nn")
    for got, expected in zip(gradients, gradients_torch, strict=True):
        assert_equal(got, expected, f"{case} {shape} gradient against torch.nn")


@every_layer
def test_memory_layouts_agree_with_torch(case):
    ours, theirs = ours_and_theirs(case)
    x = torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for name, view in {
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.transpose(2, 3),
        "every other": x[..., ::2],
        "expanded": x[:1].expand(4, 3, 6, 5),
    }.items():
        assert_equal(ours(view), theirs(view), f"{case} {name} against torch.nn")


@every_layer
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_agrees_with_torch(case, dtype):
    ours, theirs = ours_and_theirs(case, dtype)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(2)).to(dtype)
    try:
        expected = theirs(x)
    except NotImplementedError:  # PyTorch has no RReLU kernel for float16 on the CPU
        assert case.startswith("RReLU")
        with pytest.raises(NotImplementedError):
            ours(x)
    else:
        assert_equal(ours(x), expected, f"{case} {dtype} against torch.nn")


@every_layer
def test_autocast_agrees_with_torch(case):
    ours, theirs = ours_and_theirs(case, torch.float32)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(3))
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert_equal(ours(x.to(dtype)), theirs(x.to(dtype)), f"{case} autocast from {dtype}")


@every_layer
def test_gradcheck_first_and_second_order(case):
    ours, _ = ours_and_theirs(case)
    jumps = CASES[case][4] if case in CASES else [0, 4]
    x = torch.linspace(-3.3, 5.2, 12, dtype=torch.float64).reshape(4, 3)
    for jump in jumps:  # numerical gradients across a jump of the slope mean nothing
        x = torch.where((x - jump).abs() < 0.05, jump + 0.1, x)
    parameters = [parameter.detach().clone().requires_grad_() for parameter in ours.parameters()]
    names = [name for name, _ in ours.named_parameters()]

    def call(x, *parameters):
        return torch.func.functional_call(ours, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (x.requires_grad_(), *parameters)
    assert torch.autograd.gradcheck(call, inputs), f"{case} gradcheck"
    assert torch.autograd.gradgradcheck(call, inputs), f"{case} gradgradcheck"


@every_layer
def test_signature_repr_and_state_dict_are_torchs(case):
    ours, theirs = ours_and_theirs(case)
    ours_parameters = inspect.signature(type(ours)).parameters
    theirs_parameters = dict(inspect.signature(type(theirs)).parameters)
    for deprecated in ("min_value", "max_value"):  # old names in Hardtanh, and a warning
        theirs_parameters.pop(deprecated, None)
    assert list(ours_parameters) == list(theirs_parameters), f"{case} arguments"
    for name, parameter in theirs_parameters.items():
        assert ours_parameters[name].default == parameter.default, f"{case} default of {name}"
    assert repr(ours) == repr(theirs), f"{case} repr"
    assert list(ours.state_dict()) == list(theirs.state_dict()), f"{case} state_dict"


@every_layer
def test_state_dict_goes_both_ways_and_copies_are_equal(case):
    ours, theirs = ours_and_theirs(case)
    for parameter in ours.parameters():
        nn.init.uniform_(parameter)
    x = torch.randn(4, 3, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    assert_equal(theirs(x), ours(x), f"{case}: torch.nn with our state_dict")
    fresh, _ = ours_and_theirs(case)
    fresh.load_state_dict(theirs.state_dict())
    assert_equal(fresh(x), ours(x), f"{case}: ours with torch.nn's state_dict")
    assert_equal(copy.deepcopy(ours)(x), ours(x), f"{case}: deepcopy")
    assert_equal(pickle.loads(pickle.dumps(ours))(x), ours(x), f"{case}: pickle")
    assert not list(ours.buffers()), f"{case} keeps a buffer"


@every_layer
@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(case, device):
    ours, _ = ours_and_theirs(case, torch.float32)
    x = torch.randn(4, 3)
    expected = ours(x)
    y = ours.to(device)(x.to(device))
    assert (y.device.type, y.shape, y.dtype) == (device, expected.shape, expected.dtype), (
        f"{case} on {device}"
    )
    if device != "meta":
        torch.testing.assert_close(y.cpu(), expected, msg=lambda m: f"{case}: {device} against cpu: {m}")


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.complex64], ids=str)
def test_other_dtypes_agree_with_torch_and_so_do_refusals(name, dtype):
    ours, theirs = getattr(layers, name)(), getattr(nn, name)()
    x = torch.tensor([0, 1, 3]).to(dtype)
    try:
        expected = theirs(x)
    except RuntimeError as error:
        with pytest.raises(type(error)):
            ours(x)
    else:
        assert_equal(ours(x), expected, f"{name} {dtype} against torch.nn")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_softmax_agrees_with_reference_and_torch(data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, max_side=4))
    rank = max(len(shape), 1)
    dim = data.draw(st.integers(-rank, rank - 1))
    z = data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-1e4, 1e4)))
    x = torch.tensor(z)
    grad = torch.linspace(-1, 2, x.numel(), dtype=torch.float64).reshape(shape)
    y, (dx,) = output_and_gradients(layers.Softmax(dim), x, grad)
    y_torch, (dx_torch,) = output_and_gradients(nn.Softmax(dim), x, grad)
    assert_equal(y, y_torch, f"Softmax({dim}) {shape} value against torch.nn")
    assert_equal(dx, dx_torch, f"Softmax({dim}) {shape} gradient against torch.nn")
    if shape:
        y_ref, dx_ref = ref.softmax(z, dim), ref.softmax_backward(grad.numpy(), z, dim)
        np.testing.assert_allclose(y.detach(), y_ref, atol=1e-13, err_msg=f"Softmax({dim}) {shape} reference")
        np.testing.assert_allclose(dx, dx_ref, atol=1e-12, err_msg=f"Softmax({dim}) {shape} reference")


@pytest.mark.parametrize(
    "values", [[1e4, -1e4, 0.0], [math.inf, 0.0], [-math.inf, 0.0], [-math.inf] * 2, [math.nan, 0.0]]
)
def test_softmax_of_extreme_values_agrees_with_torch(values):
    x = torch.tensor(values)
    assert_equal(layers.Softmax(0)(x), nn.Softmax(0)(x), f"Softmax of {values}")


@pytest.mark.parametrize("shape", [(2, 3), (4, 3, 5), (2, 3, 4, 5), (0, 3)], ids=str)
@dtypes
def test_prelu_with_a_slope_for_each_channel_agrees_with_reference(shape, dtype):
    layer = layers.PReLU(3, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.1, -0.5, 1.5]))
    x, grad = torch.randn(2, *shape, generator=torch.Generator().manual_seed(4)).to(dtype)
    y, (dx, dweight) = output_and_gradients(layer, x, grad)
    z, weight = x.double().numpy(), layer.weight.detach().double().numpy()
    for what, got, expected in (
        ("value", y, ref.prelu(z, weight)),
        ("dx", dx, grad.double().numpy() * ref.prelu_derivative(z, weight)),
        ("dweight", dweight, ref.prelu_weight_gradient(grad.double().numpy(), z, weight)),
    ):
        np.testing.assert_allclose(
            got.detach().double().numpy(), expected, rtol=1e-5, atol=1e-5, err_msg=f"PReLU(3) {shape} {what}"
        )


def test_prelu_reset_parameters_returns_to_init():
    layer = layers.PReLU(2, init=0.3)
    nn.init.ones_(layer.weight)
    layer.reset_parameters()
    assert_equal(layer.weight.detach(), torch.tensor([0.3, 0.3]), "PReLU.reset_parameters")


def test_rrelu_in_training_draws_a_slope_for_each_entry_as_torch_does():
    layer, x = layers.RReLU(0.2, 0.6), torch.linspace(-3, 3, 20_001, dtype=torch.float64)
    torch.manual_seed(0)
    y = layer(x)
    torch.manual_seed(0)
    assert_equal(y, nn.RReLU(0.2, 0.6)(x), "RReLU in training, same seed, against torch.nn")
    negative = x < 0
    slopes = y[negative] / x[negative]
    assert ((slopes >= 0.2) & (slopes <= 0.6)).all()
    assert slopes.mean().item() == pytest.approx(0.4, abs=0.005)
    assert slopes.var().item() == pytest.approx(0.4**2 / 12, rel=0.05)  # of a uniform distribution
    assert not torch.equal(y, layer(x)), "RReLU drew the same slopes twice"


def test_rrelu_in_training_agrees_with_reference_for_the_slopes_it_drew():
    layer = layers.RReLU()
    x = torch.randn(6, 7, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    y, (dx,) = output_and_gradients(layer, x, torch.ones_like(x))
    slopes = torch.where(x > 0, 1.0, y / x).detach().numpy()
    np.testing.assert_allclose(y.detach(), ref.rrelu(x.numpy(), slopes=slopes), rtol=1e-12)
    np.testing.assert_allclose(dx, ref.rrelu_derivative(x.numpy(), slopes=slopes), rtol=1e-12)


def test_layers_and_references_cover_each_other():
    named = {case[0] for case in ALL.values()}
    modules = ("course_lib.layers.activations", "course_lib.layers.softmax")
    assert named == {name for name in layers.__all__ if getattr(layers, name).__module__ in modules}


def prelu(inputs, _):
    """ONNX broadcasts the slope over the last axes: these become the channels."""
    x, slope = torch.tensor(inputs["x"]), torch.tensor(inputs["slope"])
    layer = layers.PReLU(slope.numel())
    layer.load_state_dict({"weight": slope.flatten()})
    return layer(x.reshape(-1, slope.numel())).reshape(x.shape)


def selu(inputs, attributes):
    x = torch.tensor(inputs["x"])
    if not attributes:
        return layers.SELU()(x)
    return attributes["gamma"] * layers.ELU(attributes["alpha"])(x)


def hardtanh(inputs, _):
    limits = float(inputs.get("min", -math.inf)), float(inputs.get("max", math.inf))
    return layers.Hardtanh(*limits)(torch.tensor(inputs["x"]))


def apply(make):
    return lambda inputs, attributes: make(attributes)(torch.tensor(inputs["x"]))


ONNX = {  # operator: (how our layer does it, the number of its cases, those that no layer of ours can do)
    "Sigmoid": (apply(lambda a: layers.Sigmoid()), 2, ()),
    "Tanh": (apply(lambda a: layers.Tanh()), 2, ()),
    "Relu": (apply(lambda a: layers.ReLU()), 1, ()),
    "LeakyRelu": (apply(lambda a: layers.LeakyReLU(a.get("alpha", 0.01))), 3, ()),
    "PRelu": (prelu, 2, ()),
    "Elu": (apply(lambda a: layers.ELU(a.get("alpha", 1.0))), 3, ()),
    "Selu": (selu, 3, ()),
    "Gelu": (apply(lambda a: layers.GELU(a.get("approximate", b"none").decode())), 4, ()),
    "Swish": (apply(lambda a: layers.SiLU() if a["alpha"] == 1 else None), 1, ()),
    "Softplus": (apply(lambda a: layers.Softplus()), 2, ()),
    "Softsign": (apply(lambda a: layers.Softsign()), 2, ()),
    "Softmax": (apply(lambda a: layers.Softmax(a.get("axis", -1))), 7, ()),
    "Clip": (
        hardtanh,
        8,
        (
            "test_clip_min_greater_than_max",  # Hardtanh refuses it
            "test_clip_default_int8_min",  # infinity is no int8
            "test_clip_default_int8_max",
            "test_clip_default_int8_inbounds",
        ),
    ),
}


@pytest.mark.parametrize("operator", ONNX)
def test_onnx_node_cases(onnx_cases, operator):
    run, count, not_ours = ONNX[operator]
    cases = [case for case in onnx_cases[operator] if case.name not in not_ours]
    assert len(cases) == count, f"ONNX {operator}: {[case.name for case in cases]}"
    for case in cases:
        got = run(case.inputs, case.attributes)
        np.testing.assert_allclose(
            got.detach().numpy(), case.outputs[0], rtol=1e-5, atol=1e-6, err_msg=f"{operator}: {case.name}"
        )


FLOATS = torch.zeros(2, 3)
INPLACE = ["Hardtanh", "ReLU", "ReLU6", "LeakyReLU", "RReLU", "ELU", "SELU", "SiLU"]


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_refused_by_name(name):
    assert repr(getattr(layers, name)(inplace=False)) == repr(getattr(nn, name)())
    with pytest.raises(ValueError, match=f"^{name}: inplace must be False .*got True$"):
        getattr(layers, name)(inplace=True)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda: layers.Hardtanh(1, -1),
            "Hardtanh: min_val must be less than max_val, got 1 and -1",
        ),
        (
            ValueError,
            lambda: layers.Hardtanh(1, 1),
            "Hardtanh: min_val must be less than max_val, got 1 and 1",
        ),
        (ValueError, lambda: layers.Hardtanh(math.nan), "Hardtanh: min_val must be a number, got nan"),
        (TypeError, lambda: layers.Hardtanh(max_val="1"), "Hardtanh: max_val must be a number, got '1'"),
        (ValueError, lambda: layers.LeakyReLU(-0.1), "LeakyReLU: negative_slope must be 0 or more, got -0.1"),
        (ValueError, lambda: layers.LeakyReLU(math.inf), "LeakyReLU: negative_slope must be finite, got inf"),
        (
            ValueError,
            lambda: layers.LeakyReLU(math.nan),
            "LeakyReLU: negative_slope must be a number, got nan",
        ),
        (TypeError, lambda: layers.LeakyReLU(None), "LeakyReLU: negative_slope must be a number, got None"),
        (TypeError, lambda: layers.LeakyReLU(True), "LeakyReLU: negative_slope must be a number, got True"),
        (ValueError, lambda: layers.RReLU(0.5, 0.2), "RReLU: lower must be at most upper, got 0.5 and 0.2"),
        (ValueError, lambda: layers.RReLU(-0.5, 0.2), "RReLU: lower must be 0 or more, got -0.5"),
        (TypeError, lambda: layers.RReLU(0.1, "x"), "RReLU: upper must be a number, got 'x'"),
        (ValueError, lambda: layers.PReLU(0), "PReLU: num_parameters must be 1 or more, got 0"),
        (TypeError, lambda: layers.PReLU(1.5), "PReLU: num_parameters must be an integer, got 1.5"),
        (TypeError, lambda: layers.PReLU(True), "PReLU: num_parameters must be an integer, got True"),
        (ValueError, lambda: layers.PReLU(init=math.inf), "PReLU: init must be finite, got inf"),
        (ValueError, lambda: layers.ELU(-1.0), "ELU: alpha must be 0 or more, got -1.0"),
        (ValueError, lambda: layers.GELU("exact"), "GELU: approximate must be 'none' or 'tanh', got 'exact'"),
        (ValueError, lambda: layers.Softplus(0), "Softplus: beta must be greater than 0, got 0"),
        (ValueError, lambda: layers.Softplus(beta=-1), "Softplus: beta must be greater than 0, got -1"),
        (
            ValueError,
            lambda: layers.Softplus(threshold=math.inf),
            "Softplus: threshold must be finite, got inf",
        ),
        (TypeError, lambda: layers.Softmax(), "Softmax: dim must be given as an integer, got None"),
        (TypeError, lambda: layers.Softmax(1.0), "Softmax: dim must be given as an integer, got 1.0"),
        (
            ValueError,
            lambda: layers.Softmax(2)(FLOATS),
            r"Softmax: dim must be -2 ... 1 for 2-d input, got 2",
        ),
        (
            ValueError,
            lambda: layers.Softmax(-3)(FLOATS),
            r"Softmax: dim must be -2 ... 1 for 2-d input, got -3",
        ),
        (
            ValueError,
            lambda: layers.PReLU(4)(FLOATS),
            r"PReLU: input must have shape \(n, num_parameters=4, ...\), got \(2, 3\)",
        ),
        (ValueError, lambda: layers.PReLU(3)(torch.zeros(3)), r"PReLU: input must have shape .*, got \(3,\)"),
        (
            TypeError,
            lambda: layers.PReLU()(FLOATS.double()),
            "PReLU: input must have the dtype of weight, torch.float32, got torch.float64",
        ),
    ],
)
def test_bad_arguments_are_named(error, call, words):
    with pytest.raises(error, match=f"^{words}$"):
        call()


@every_layer
@pytest.mark.parametrize(
    "bad", [[1.0, 2.0], np.zeros(3), 1.0, None], ids=["list", "ndarray", "float", "None"]
)
def test_an_input_that_is_no_tensor_is_named(case, bad):
    ours, _ = ours_and_theirs(case)
    words = f"^{type(ours).__name__}: input must be a torch.Tensor, got {type(bad).__name__}$"
    with pytest.raises(TypeError, match=words):
        ours(bad)


@pytest.mark.parametrize("case", [case for case in ALL if ALL[case][0] not in WIDE])
@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64], ids=str)
def test_an_input_of_the_wrong_dtype_is_named(case, dtype):
    ours, _ = ours_and_theirs(case)
    words = f"^{type(ours).__name__}: input must have a floating-point dtype, got {dtype}$"
    with pytest.raises(TypeError, match=words):
        ours(torch.zeros(2, 3, dtype=dtype))
