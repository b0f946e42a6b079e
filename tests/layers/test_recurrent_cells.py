"""RNNCell, LSTMCell and GRUCell against the NumPy reference, torch.nn, the layers and numerical gradients."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import layers
from course_lib.reference import recurrent as ref

CELLS = {"RNNCell": {}, "RNNCell, relu": {"nonlinearity": "relu"}, "LSTMCell": {}, "GRUCell": {}}


def ours_and_theirs(cell, *args, dtype=torch.float64, **options):
    """The same parameters in both layers."""
    name, options = cell.split(",")[0], CELLS[cell] | options
    ours = getattr(layers, name)(*args, dtype=dtype, **options)
    theirs = getattr(nn, name)(*args, dtype=dtype, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def flat(found):
    return [found] if isinstance(found, torch.Tensor) else list(found)


def results(layer, x, hx, grads):
    leaves = [part.detach().clone().requires_grad_() for part in (x, *(hx or ()))]
    state = None if hx is None else tuple(leaves[1:]) if len(grads) == 2 else leaves[1]
    outputs = flat(layer(leaves[0], state))
    return [*outputs, *torch.autograd.grad(outputs, [*leaves, *layer.parameters()], grads)]


def assert_same(got, expected, what):
    torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"{what}: {m}")


def reference_step(cell, x, state, params, grads):
    """Next states, then the gradients of x, of the states and of the parameters."""
    if cell == "LSTMCell":
        after = ref.lstm_step(x, state, params)
        dx, dstate, dparams = ref.lstm_step_backward(grads, x, state, params)
        return [*after, dx, *dstate, *dparams]
    if cell == "GRUCell":
        after = ref.gru_step(x, state[0], params)
        dx, dh, dparams = ref.gru_step_backward(grads[0], x, state[0], params)
    else:
        activation = "relu" if "relu" in cell else "tanh"
        after = ref.rnn_step(x, state[0], params, activation)
        dx, dh, dparams = ref.rnn_step_backward(grads[0], x, state[0], params, activation)
    return [after, dx, dh, *dparams]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("cell", CELLS)
@given(
    n=st.sampled_from([None, 0, 1, 3]),
    d=st.integers(1, 5),
    k=st.integers(1, 5),
    bias=st.booleans(),
    state_given=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(cell, dtype, n, d, k, bias, state_given, seed):
    torch.manual_seed(seed)
    ours, theirs = ours_and_theirs(cell, d, k, bias, dtype=dtype)
    lead, parts = (() if n is None else (n,)), 1 + (cell == "LSTMCell")
    x = torch.randn(*lead, d, dtype=dtype)
    state = tuple(torch.randn(*lead, k, dtype=dtype) for _ in range(parts))
    hx = state if state_given else None
    grads = [torch.randn(*lead, k, dtype=dtype) for _ in range(parts)]
    before = [part.clone() for part in (x, *state)]
    got, expected = results(ours, x, hx, grads), results(theirs, x, hx, grads)
    names = ["h", "c"][:parts] + (["dx", "dh", "dc"] if state_given else ["dx"])[: 1 + parts]
    names += [f"d{name}" for name, _ in ours.named_parameters()]
    case = f"{cell} {lead} {d}->{k} bias={bias} state={state_given}"
    for name, mine, other in zip(names, got, expected, strict=True):
        assert_same(mine, other, f"{case}: {name} against torch.nn")
    for part, same in zip((x, *state), before, strict=True):
        assert_same(part, same, f"{case} changed its input")

    if not state_given:
        state = tuple(torch.zeros_like(part) for part in state)
    zeros = torch.zeros(len(ours.weight_ih), dtype=dtype)
    params = [ours.weight_ih, ours.weight_hh, *((ours.bias_ih, ours.bias_hh) if bias else (zeros, zeros))]
    x_rows, *state_rows = (torch.atleast_2d(part).double().numpy() for part in (x, *state))
    wanted = reference_step(
        cell,
        x_rows,
        tuple(state_rows),
        ref.Params(*(part.detach().double().numpy() for part in params)),
        [torch.atleast_2d(grad).double().numpy() for grad in grads],
    )
    all_names = ["h", "c"][:parts] + ["dx", "dh", "dc"][: 1 + parts]
    all_names += ["dweight_ih", "dweight_hh", "dbias_ih", "dbias_hh"]
    by_name = dict(zip(all_names, wanted, strict=True))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-10, "atol": 1e-11}
    for name, mine in zip(names, got, strict=True):
        want = by_name[name].reshape(mine.shape)
        np.testing.assert_allclose(
            mine.detach().double().numpy(), want, **tolerance, err_msg=f"{case}: {name} against reference"
        )


@pytest.mark.parametrize("cell", CELLS)
def test_signature_repr_and_state_dict_are_torchs(cell):
    name = cell.split(",")[0]
    got = inspect.signature(getattr(layers, name)).parameters
    expected = inspect.signature(getattr(nn, name)).parameters
    assert {n: p.default for n, p in got.items()} == {n: p.default for n, p in expected.items()}
    assert list(got) == list(expected)
    forward = [list(inspect.signature(getattr(m, name).forward).parameters) for m in (layers, nn)]
    assert forward[0] == forward[1]
    for bias in (True, False):
        torch.manual_seed(1)
        ours, theirs = ours_and_theirs(cell, 3, 4, bias)
        torch.manual_seed(1)
        seeded = type(theirs)(3, 4, bias, dtype=torch.float64, **CELLS[cell])
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        for key, value in seeded.state_dict().items():
            assert_same(ours.state_dict()[key], value, f"{cell} {key} of the same seed")
        fresh = type(ours)(3, 4, bias, dtype=torch.float64, **CELLS[cell])
        fresh.load_state_dict(theirs.state_dict())
        x = torch.randn(2, 3, dtype=torch.float64)
        for what, copied in {
            "torch.nn's state_dict": fresh,
            "deepcopy": copy.deepcopy(ours),
            "pickle": pickle.loads(pickle.dumps(ours)),
        }.items():
            assert_same(flat(copied(x)), flat(ours(x)), f"{cell} {what}")


@pytest.mark.parametrize("cell", CELLS)
def test_gradcheck_first_and_second_order(cell):
    torch.manual_seed(0)
    ours, _ = ours_and_theirs(cell, 2, 3)
    names = [name for name, _ in ours.named_parameters()]

    def call(x, *rest):
        state, parameters = rest[: -len(names)], dict(zip(names, rest[-len(names) :], strict=True))
        hx = state if len(state) == 2 else state[0]
        return tuple(flat(torch.func.functional_call(ours, parameters, (x, hx))))

    shapes = [(2, 2), *[(2, 3)] * (1 + (cell == "LSTMCell"))]
    inputs = [torch.randn(*shape, dtype=torch.float64).requires_grad_() for shape in shapes]
    assert torch.autograd.gradcheck(call, (*inputs, *ours.parameters()))
    assert torch.autograd.gradgradcheck(call, (*inputs, *ours.parameters()))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_loop_over_a_cell_is_the_layer(kind):
    torch.manual_seed(0)
    layer = getattr(layers, kind)(3, 4, dtype=torch.float64)
    cell = getattr(layers, f"{kind}Cell")(3, 4, dtype=torch.float64)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x, hx, outputs = torch.randn(6, 2, 3, dtype=torch.float64), None, []
    for x_t in x:
        hx = cell(x_t, hx)
        outputs.append(flat(hx)[0])
    torch.testing.assert_close(torch.stack(outputs), layer(x)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 1e4, 1e-30])
def test_extreme_values_agree_with_torch(cell, value):
    ours, theirs = ours_and_theirs(cell, 3, 2, dtype=torch.float32)
    x = torch.tensor([[1.0, value, -1.0], [0.5, 0.0, 2.0]])
    assert_same(flat(ours(x)), flat(theirs(x)), f"{cell} at {value}")


@pytest.mark.parametrize("cell", CELLS)
def test_layouts_precisions_and_devices(cell):
    ours, theirs = ours_and_theirs(cell, 4, 3)
    x = torch.randn(4, 8, dtype=torch.float64)
    for name, view in {"transposed": x.T, "strided": x[:, ::2], "expanded": x[0, :4].expand(5, 4)}.items():
        assert_same(flat(ours(view)), flat(theirs(view)), f"{cell} {name}")
    ours, theirs = ours_and_theirs(cell, 4, 3, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(flat(ours(x[:, :4].float())), flat(theirs(x[:, :4].float())), f"{cell} autocast")
    low = x[:, :4].bfloat16()
    assert_same(flat(ours.bfloat16()(low)), flat(theirs.bfloat16()(low)), f"{cell} bfloat16")
    for device in ("meta", *(["cuda"] if torch.cuda.is_available() else [])):
        found = flat(ours.float().to(device)(torch.randn(2, 4, device=device)))
        assert all((y.device.type, y.shape) == (device, (2, 3)) for y in found)
