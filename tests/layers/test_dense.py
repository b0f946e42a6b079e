"""Linear against its NumPy reference, torch.nn.Linear, numerical gradients and ONNX's cases."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_same_signature
from torch import nn

from course_lib import layers
from course_lib.reference import dense as ref

TOLERANCE = {torch.float64: {"rtol": 1e-10, "atol": 1e-11}, torch.float32: {"rtol": 1e-4, "atol": 1e-4}}


def ours_and_theirs(d_in, d_out, bias=True, dtype=torch.float64):
    """The same weights in both layers."""
    ours = layers.Linear(d_in, d_out, bias, dtype=dtype)
    theirs = nn.Linear(d_in, d_out, bias, dtype=dtype)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def output_and_gradients(layer, x, grad):
    x = x.detach().clone().requires_grad_()
    y = layer(x)
    return y, *torch.autograd.grad(y, [x, *layer.parameters()], grad)


def assert_equal(got, expected, what):
    torch.testing.assert_close(
        got, expected, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"Linear {what}: {m}"
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    lead=st.lists(st.integers(0, 4), max_size=3),
    d_in=st.integers(1, 6),
    d_out=st.integers(1, 6),
    bias=st.booleans(),
    scale=st.sampled_from([1e-30, 1.0, 1e4]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(dtype, lead, d_in, d_out, bias, scale, seed):
    torch.manual_seed(seed)
    ours, theirs = ours_and_theirs(d_in, d_out, bias, dtype)
    x = scale * torch.randn(*lead, d_in, dtype=dtype)
    grad = torch.randn(*lead, d_out, dtype=dtype)
    before = x.clone()
    got = output_and_gradients(ours, x, grad)
    for name, mine, other in zip(
        ("y", "dx", "dw", "db"), got, output_and_gradients(theirs, x, grad), strict=False
    ):
        assert_equal(mine, other, f"{lead} {d_in}->{d_out} {name} against torch.nn")
    assert_equal(x, before, "changed its input")

    rows = x.reshape(math.prod(lead), d_in).double().numpy()
    w = ours.weight.detach().double().numpy()
    b = ours.bias.detach().double().numpy() if bias else np.zeros(d_out)
    dx, dw, db = ref.dense_backward(grad.reshape(len(rows), d_out).double().numpy(), rows, w)
    expected = (ref.dense(rows, w, b), dx, dw, db)
    for name, mine, theirs_ in zip(("y", "dx", "dw", "db"), got, expected, strict=False):
        tolerance = TOLERANCE[dtype] | {"atol": TOLERANCE[dtype]["atol"] * max(1.0, scale)}
        np.testing.assert_allclose(
            mine.detach().double().numpy().reshape(theirs_.shape),
            theirs_,
            **tolerance,
            err_msg=f"Linear {lead} {d_in}->{d_out} {name} against reference",
        )


@pytest.mark.parametrize("bias", [True, False])
@given(d_in=st.integers(1, 50), d_out=st.integers(1, 50), seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_torchs_weights(bias, d_in, d_out, seed):
    torch.manual_seed(seed)
    ours = layers.Linear(d_in, d_out, bias)
    torch.manual_seed(seed)
    theirs = nn.Linear(d_in, d_out, bias)
    for (name, mine), (_, other) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert_equal(mine, other, f"{name} of seed {seed} against torch.nn")
        assert mine.abs().max() <= 1 / math.sqrt(d_in), f"Linear {name} outside 1/sqrt(in_features)"
    torch.manual_seed(seed)
    ours.reset_parameters()
    assert_equal(ours.weight, theirs.weight, "reset_parameters")


@pytest.mark.parametrize("bias", [True, False])
def test_signature_repr_and_state_dict_are_torchs(bias):
    ours, theirs = ours_and_theirs(3, 2, bias)
    assert_same_signature(layers.Linear, nn.Linear)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    fresh = layers.Linear(3, 2, bias, dtype=torch.float64)
    fresh.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 3, dtype=torch.float64)
    for name, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert_equal(copied(x), ours(x), name)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3), (1, 3)], ids=str)
def test_gradcheck_first_and_second_order(bias, shape):
    ours, _ = ours_and_theirs(3, 2, bias)
    names = [name for name, _ in ours.named_parameters()]

    def call(x, *parameters):
        return torch.func.functional_call(ours, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (torch.randn(*shape, dtype=torch.float64).requires_grad_(), *ours.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e4, 1e-30])
def test_extreme_values_agree_with_torch(value):
    ours, theirs = ours_and_theirs(3, 2, dtype=torch.float32)
    x = torch.tensor([[1.0, value, -1.0]])
    assert_equal(ours(x), theirs(x), f"at {value}")
    if math.isnan(value):
        assert ours(x).isnan().all(), "Linear lets NaN disappear"


def test_memory_layouts_agree_with_torch():
    ours, theirs = ours_and_theirs(4, 3)
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    for name, view in {
        "transposed": x.transpose(0, 2),
        "strided": x.mT[:, :, :4],
        "expanded": x[:1, :1, :4].expand(2, 6, 4),
    }.items():
        assert_equal(ours(view), theirs(view), name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_and_low_precision_agree_with_torch(dtype):
    ours, theirs = ours_and_theirs(8, 4, dtype=torch.float32)
    x = torch.randn(5, 8, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, expected = ours(x), theirs(x)
    assert y.dtype == torch.bfloat16
    assert_equal(y, expected, f"autocast from {dtype}")
    ours, theirs = ours_and_theirs(8, 4, dtype=dtype)
    assert_equal(ours(x), theirs(x), f"{dtype}")


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    layer = layers.Linear(3, 2, device=device)
    y = layer(torch.randn(4, 3, device=device))
    assert (y.device.type, y.shape) == (device, (4, 2))


def run_gemm(inputs, alpha=1.0, beta=1.0, transA=0, transB=0):
    """Alpha A B + beta C is a Linear with weight alpha B^T and bias beta C."""
    a, b = torch.tensor(inputs["a"]), torch.tensor(inputs["b"])
    a, weight = a.T if transA else a, b if transB else b.T
    layer = layers.Linear(weight.shape[1], weight.shape[0], bias="c" in inputs)
    state = {"weight": alpha * weight}
    if "c" in inputs:
        state["bias"] = (beta * torch.tensor(inputs["c"])).expand(1, len(weight))[0]
    layer.load_state_dict(state)
    return layer(a)


@pytest.mark.parametrize(
    ("operator", "count", "not_ours"),
    [
        ("Gemm", 10, {"test_gemm_default_matrix_bias"}),  # a bias for each row of the batch
        (
            "MatMul",
            1,
            {"3d", "4d", "bcast", "1d_3d", "4d_1d", "1d_1d"},
        ),  # a weight for each entry of the batch
    ],
)
def test_onnx_node_cases(onnx_cases, operator, count, not_ours):
    excluded = not_ours | {f"test_{operator.lower()}_{name}" for name in not_ours}
    cases = [case for case in onnx_cases[operator] if case.name not in excluded]
    assert len(cases) == count, f"ONNX {operator}: {[case.name for case in cases]}"
    for case in cases:
        got = run_gemm(case.inputs, **case.attributes).detach().numpy()
        np.testing.assert_allclose(
            got, case.outputs[0], rtol=1e-5, atol=1e-5, err_msg=f"Linear: ONNX {case.name}"
        )


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: layers.Linear(0, 2), "Linear: in_features must be 1 or more, got 0"),
        (ValueError, lambda: layers.Linear(2, -1), "Linear: out_features must be 1 or more, got -1"),
        (TypeError, lambda: layers.Linear(2.0, 1), "Linear: in_features must be an integer, got 2.0"),
        (TypeError, lambda: layers.Linear(2, "3"), "Linear: out_features must be an integer, got '3'"),
        (
            ValueError,
            lambda: layers.Linear(3, 2)(torch.zeros(3, 2)),
            r"Linear: input must have shape \(..., in_features=3\), got \(3, 2\)",
        ),
        (
            ValueError,
            lambda: layers.Linear(1, 2)(torch.tensor(1.0)),
            r"Linear: input must have shape \(..., in_features=1\), got \(\)",
        ),
        (
            TypeError,
            lambda: layers.Linear(3, 2)([1.0, 2.0, 3.0]),
            "Linear: input must be a torch.Tensor, got list",
        ),
        (
            TypeError,
            lambda: layers.Linear(3, 2)(torch.zeros(3, dtype=torch.int64)),
            "Linear: input must have a floating-point dtype, got torch.int64",
        ),
        (
            TypeError,
            lambda: layers.Linear(3, 2)(torch.zeros(3).double()),
            "Linear: input must have the dtype of weight, torch.float32, got torch.float64",
        ),
    ],
)
def test_bad_input_is_named(error, call, words):
    with pytest.raises(error, match=f"^{words}$"):
        call()
