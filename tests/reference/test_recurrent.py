"""The NumPy recurrent nets against central differences, PyTorch, ONNX and examples by hand."""

import math

import numpy as np
import pytest
import torch
from families.recurrent import in_torchs_order, onnx_answer
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import recurrent
from course_lib.reference.gradient_check import numerical_gradient, relative_error
from course_lib.reference.recurrent import Params

GATES = {"rnn": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def draw_params(rng, gates, d, k):
    return Params(
        rng.normal(size=(gates * k, d)),
        rng.normal(size=(gates * k, k)),
        rng.normal(size=gates * k),
        rng.normal(size=gates * k),
    )


def step(kind, x, state, params):
    """A step of any cell, on a tuple of states."""
    if kind == "lstm":
        return recurrent.lstm_step(x, state, params)
    if kind == "gru":
        return (recurrent.gru_step(x, state[0], params),)
    return (recurrent.rnn_step(x, state[0], params, "relu" if kind == "rnn_relu" else "tanh"),)


def step_backward(kind, grad, x, state, params):
    """The gradients of x, of the states, and of the parameters, in one list."""
    if kind == "lstm":
        dx, (dh, dc), dparams = recurrent.lstm_step_backward(grad, x, state, params)
        return [dx, dh, dc, *dparams]
    if kind == "gru":
        dx, dh, dparams = recurrent.gru_step_backward(grad[0], x, state[0], params)
    else:
        activation = "relu" if kind == "rnn_relu" else "tanh"
        dx, dh, dparams = recurrent.rnn_step_backward(grad[0], x, state[0], params, activation)
    return [dx, dh, *dparams]


def sequence(kind, x, state, params):
    """All h_1 ... h_t and the last states."""
    if kind == "lstm":
        h, c = recurrent.lstm(x, state, params)
        return h[1:], (h[-1], c[-1])
    run = {
        "gru": recurrent.gru,
        "rnn": recurrent.rnn,
        "rnn_relu": lambda x, h, p: recurrent.rnn(x, h, p, "relu"),
    }
    h = run[kind](x, state[0], params)
    return h[1:], (h[-1],)


def sequence_backward(kind, grad_h, grad_c, x, state, params):
    if kind == "lstm":
        states = recurrent.lstm(x, state, params)
        dx, (dh, dc), dparams = recurrent.lstm_backward(grad_h, grad_c, x, states, params)
        return [dx, dh, dc, *dparams]
    if kind == "gru":
        h = recurrent.gru(x, state[0], params)
        dx, dh, dparams = recurrent.gru_backward(grad_h, x, h, params)
    else:
        activation = "relu" if kind == "rnn_relu" else "tanh"
        h = recurrent.rnn(x, state[0], params, activation)
        dx, dh, dparams = recurrent.rnn_backward(grad_h, x, h, params, activation)
    return [dx, dh, *dparams]


def names(kind):
    return ["x", "h", *(["c"] if kind == "lstm" else []), *Params._fields]


@pytest.mark.parametrize("kind", GATES)
def test_a_steps_gradients_agree_with_central_differences(kind):
    rng = np.random.default_rng(1)
    n, d, k = 3, 4, 5
    x, params = rng.normal(size=(n, d)), draw_params(rng, GATES[kind], d, k)
    state = tuple(rng.normal(size=(n, k)) for _ in range(2 if kind == "lstm" else 1))
    grad = tuple(rng.normal(size=(n, k)) for _ in state)
    got = step_backward(kind, grad, x, state, params)
    arrays = [x, *state, *params]
    for number, name in enumerate(names(kind)):

        def loss(array, number=number):
            changed = [array if at == number else other for at, other in enumerate(arrays)]
            after = step(kind, changed[0], tuple(changed[1 : 1 + len(state)]), Params(*changed[-4:]))
            return float(sum(np.sum(g * a) for g, a in zip(grad, after, strict=True)))

        error = relative_error(got[number], numerical_gradient(loss, arrays[number]))
        assert error < 1e-7, f"{kind}_step_backward: d{name} is off by {error}"


@pytest.mark.parametrize("kind", GATES)
def test_gradients_through_time_agree_with_central_differences(kind):
    rng = np.random.default_rng(2)
    t, n, d, k = 4, 2, 3, 2
    x, params = rng.normal(size=(t, n, d)), draw_params(rng, GATES[kind], d, k)
    state = tuple(rng.normal(size=(n, k)) for _ in range(2 if kind == "lstm" else 1))
    grad_h, grad_c = rng.normal(size=(t, n, k)), rng.normal(size=(n, k))
    got = sequence_backward(kind, grad_h, grad_c, x, state, params)
    arrays = [x, *state, *params]
    for number, name in enumerate(names(kind)):

        def loss(array, number=number):
            changed = [array if at == number else other for at, other in enumerate(arrays)]
            h, last = sequence(kind, changed[0], tuple(changed[1 : 1 + len(state)]), Params(*changed[-4:]))
            return float(np.sum(grad_h * h) + (np.sum(grad_c * last[1]) if kind == "lstm" else 0.0))

        error = relative_error(got[number], numerical_gradient(loss, arrays[number]))
        assert error < 1e-6, f"{kind}_backward: d{name} is off by {error}"


@pytest.mark.parametrize("kind", GATES)
@given(
    t=st.integers(1, 6),
    n=st.integers(0, 3),
    d=st.integers(1, 4),
    k=st.integers(1, 4),
    seed=st.integers(0, 999),
)
@settings(max_examples=25, deadline=None)
def test_sequences_agree_with_torch(kind, t, n, d, k, seed):
    rng = np.random.default_rng(seed)
    x, params = rng.normal(size=(t, n, d)), draw_params(rng, GATES[kind], d, k)
    state = tuple(rng.normal(size=(n, k)) for _ in range(2 if kind == "lstm" else 1))
    grad_h, grad_c = rng.normal(size=(t, n, k)), rng.normal(size=(n, k))
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *state, *params)]
    x_torch, *state_torch = leaves[: 1 + len(state)]
    begin = [part[None] for part in state_torch]
    arguments = (leaves[-4:], True, 1, 0.0, True, False, False)
    if kind == "lstm":
        y, _, c = torch.lstm(x_torch, begin, *arguments)
        torch.autograd.backward([y, c], [torch.tensor(grad_h), torch.tensor(grad_c)[None]])
    else:
        kernel = {"rnn": torch.rnn_tanh, "rnn_relu": torch.rnn_relu, "gru": torch.gru}[kind]
        y, _ = kernel(x_torch, begin[0], *arguments)
        y.backward(torch.tensor(grad_h))
    h, _ = sequence(kind, x, state, params)
    np.testing.assert_allclose(h, y.detach().numpy(), atol=1e-12, err_msg=f"{kind} {(t, n, d, k)}")
    got = sequence_backward(kind, grad_h, grad_c, x, state, params)
    for name, mine, leaf in zip(names(kind), got, leaves, strict=True):
        np.testing.assert_allclose(
            mine, leaf.grad.numpy(), rtol=1e-9, atol=1e-10, err_msg=f"{kind} {(t, n, d, k)}: d{name}"
        )


def test_one_step_by_hand():
    one = np.ones((1, 1))
    x, h, c = 0.5 * one, -0.25 * one, 2.0 * one
    rnn = Params(2 * one, 4 * one, np.array([0.1]), np.array([0.2]))
    assert recurrent.rnn_step(x, h, rnn)[0, 0] == pytest.approx(math.tanh(1 - 1 + 0.3), rel=1e-14)
    assert recurrent.rnn_step(x, h, rnn, "relu")[0, 0] == pytest.approx(0.3, rel=1e-12)

    weights = np.array([[1.0], [2.0], [3.0], [4.0]])
    lstm = Params(weights, -weights, np.zeros(4), np.array([0.0, 1.0, 0.0, 0.0]))
    c_next = sigmoid(2 * 0.75 + 1) * 2 + sigmoid(0.75) * math.tanh(3 * 0.75)
    h_got, c_got = recurrent.lstm_step(x, (h, c), lstm)
    assert c_got[0, 0] == pytest.approx(c_next, rel=1e-14)
    assert h_got[0, 0] == pytest.approx(sigmoid(4 * 0.75) * math.tanh(c_next), rel=1e-14)

    gru = Params(weights[:3], -weights[:3], np.zeros(3), np.array([0.0, 0.0, 0.4]))
    r, z = sigmoid(0.75), sigmoid(1.5)
    after, before = math.tanh(1.5 + r * (0.75 + 0.4)), math.tanh(1.5 + r * 0.75 + 0.4)
    for run, n in ((recurrent.gru_step, after), (recurrent.gru_reset_first_step, before)):
        assert run(x, h, gru)[0, 0] == pytest.approx((1 - z) * n + z * -0.25, rel=1e-14), run.__name__


def test_three_steps_back_by_hand():
    """h_t = w h_{t-1} + x_t (relu, all positive): dh_3/dh_0 = w^3 and dh_3/dw = h_2 + w h_1 + w^2 h_0."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    params = Params(one, 3 * one, zero, zero)
    x = np.array([1.0, 2.0, 5.0]).reshape(3, 1, 1)
    h = recurrent.rnn(x, 2 * one, params, "relu")
    assert h.ravel().tolist() == [2, 7, 23, 74]
    grad_h = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1)
    dx, dh, dparams = recurrent.rnn_backward(grad_h, x, h, params, "relu")
    assert dx.ravel().tolist() == [9, 3, 1]
    assert dh.item() == 27
    assert dparams.w_hh.item() == 23 + 3 * 7 + 9 * 2
    assert dparams.w_ih.item() == 5 + 3 * 2 + 9 * 1
    assert dparams.b_ih.item() == dparams.b_hh.item() == 1 + 3 + 9


def test_gates_that_are_open_or_shut_keep_or_replace():
    rng = np.random.default_rng(3)
    x, h, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    zeros = Params(np.zeros((16, 3)), np.zeros((16, 4)), np.zeros(16), np.zeros(16))
    keep = np.repeat([-800.0, 800.0, 0.0, 0.0], 4)  # input shut, forget gate at "keep"
    with np.errstate(over="raise"):
        _, c_next = recurrent.lstm_step(x, (h, c), zeros._replace(b_ih=keep))
        np.testing.assert_array_equal(c_next, c, err_msg="lstm_step that keeps the cell")
        small = Params(*(array[:12] for array in zeros))
        kept = recurrent.gru_step(x, h, small._replace(b_ih=np.repeat([0.0, 800.0, 0.0], 4)))
        np.testing.assert_array_equal(kept, h, err_msg="gru_step that keeps the state")
    _, (_, dc), _ = recurrent.lstm_step_backward(
        (np.zeros_like(h), np.ones_like(c)), x, (h, c), zeros._replace(b_ih=keep)
    )
    np.testing.assert_array_equal(dc, 1.0, err_msg="the gradient along a cell that is kept")


def test_no_steps_give_the_state_back():
    one = np.ones((1, 1))
    params = Params(one, one, np.zeros(1), np.zeros(1))
    h = recurrent.rnn(np.zeros((0, 1, 1)), one, params)
    assert h.tolist() == [[[1.0]]]
    dx, dh, dparams = recurrent.rnn_backward(np.zeros((0, 1, 1)), np.zeros((0, 1, 1)), h, params)
    assert dx.shape == (0, 1, 1)
    assert not dh.any()
    assert not any(part.any() for part in dparams)


def params_from_onnx(operator, inputs):
    """Our parameters from W, R and B, of the first direction."""
    blank = np.zeros((1, 2 * inputs["W"].shape[1]))
    b_ih, b_hh = np.split(inputs.get("B", blank)[0].astype(np.float64), 2)
    arrays = (inputs["W"][0].astype(np.float64), inputs["R"][0].astype(np.float64), b_ih, b_hh)
    return Params(*(in_torchs_order(operator, array) for array in arrays))


def states_with_peepholes(inputs):
    """All h and the last c of an LSTM whose ``inputs`` are ONNX's."""
    p_i, p_o, p_f = np.split(inputs["P"][0], 3)
    params, states = params_from_onnx("LSTM", inputs), [(inputs["initial_h"][0], inputs["initial_c"][0])]
    for x in inputs["X"]:
        states.append(recurrent.lstm_peephole_step(x, states[-1], params, np.stack([p_i, p_f, p_o])))
    return np.stack([h for h, _ in states[1:]]), states[-1][1]


def states_with_reset_first(inputs, h):
    """All h of a GRU that resets before the product, whose ``inputs`` are ONNX's."""
    params, states = params_from_onnx("GRU", inputs), [h]
    for x in inputs["X"].astype(np.float64):
        states.append(recurrent.gru_reset_first_step(x, states[-1], params))
    return np.stack(states[1:])


def test_onnx_cases_of_the_variants(onnx_cases):
    """Peepholes, and a GRU that resets first, are not in torch.nn: only the reference has them."""
    (case,) = [case for case in onnx_cases["LSTM"] if "P" in case.inputs]
    h, _ = states_with_peepholes(case.inputs)
    np.testing.assert_allclose(h[-1], case.outputs[0][0], rtol=1e-5, err_msg=case.name)

    forward = [case for case in onnx_cases["GRU"] if "direction" not in case.attributes]
    assert len(forward) == 4
    for case in forward:
        inputs = dict(case.inputs)
        inputs["X"] = inputs["X"].swapaxes(0, 1) if case.attributes.get("layout") else inputs["X"]
        h = states_with_reset_first(inputs, np.zeros((inputs["X"].shape[1], case.attributes["hidden_size"])))
        expected = case.outputs[-1].reshape(h[-1].shape)
        np.testing.assert_allclose(h[-1], expected, rtol=1e-5, atol=1e-6, err_msg=case.name)


def test_variants_with_random_weights_agree_with_onnxruntime():
    """ONNX's own cases have equal weights, which would hide gates in the wrong order."""
    rng = np.random.default_rng(5)
    t, n, d, k = 4, 3, 2, 5

    def draw(gates, **more):
        shapes = {"X": (t, n, d), "W": (1, gates * k, d), "R": (1, gates * k, k), "B": (1, 2 * gates * k)}
        shapes |= {"initial_h": (1, n, k)} | more
        return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}

    inputs = draw(4, initial_c=(1, n, k), P=(1, 3 * k))
    y, _, y_c = onnx_answer("LSTM", inputs, hidden_size=k)
    h, c = states_with_peepholes(inputs)
    np.testing.assert_allclose(h, y[:, 0], rtol=1e-4, atol=1e-5, err_msg="lstm_peephole_step: h")
    np.testing.assert_allclose(c, y_c[0], rtol=1e-4, atol=1e-5, err_msg="lstm_peephole_step: c")

    inputs = draw(3)
    y, _ = onnx_answer("GRU", inputs, hidden_size=k, linear_before_reset=0)
    h = states_with_reset_first(inputs, inputs["initial_h"][0])
    np.testing.assert_allclose(h, y[:, 0], rtol=1e-4, atol=1e-5, err_msg="gru_reset_first_step")
