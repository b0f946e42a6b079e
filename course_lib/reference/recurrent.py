"""Recurrent nets in NumPy: a step of the RNN, LSTM and GRU, and backpropagation through time.

A step takes the input x (n, d) of one time and the state h (n, k) that the past left behind, and gives the
next state; a sequence x (t, n, d) takes the same step, with the same parameters, t times. n is the number of
sequences, d the size of an input, k that of the state. All arrays are float64.

``Params`` are named and shaped as in torch.nn. w_ih and w_hh stack a block of k rows for each gate: one block
in the RNN; input, forget, cell and output gate (i, f, g, o) in the LSTM; reset, update and new gate (r, z, n)
in the GRU. Of the two biases the RNN and the LSTM need only the sum; in the GRU the reset gate multiplies the
last block of b_hh.

Sources: Elman (1990), Finding structure in time; Werbos (1990), Backpropagation through time; Hochreiter &
Schmidhuber (1997) with the forget gate of Gers, Schmidhuber & Cummins (2000); Cho et al. (2014).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_lib.reference import activations
from course_lib.reference.activations import sigmoid
from course_lib.reference.dense import dense, dense_backward


class Params(NamedTuple):
    """Weights and biases of a cell with ``gates`` gates, or their gradients."""

    w_ih: np.ndarray  # (gates * k, d)
    w_hh: np.ndarray  # (gates * k, k)
    b_ih: np.ndarray  # (gates * k,)
    b_hh: np.ndarray  # (gates * k,)


State = tuple[np.ndarray, np.ndarray]  # of the LSTM: h and c, each (n, k)
StepGradients = tuple[np.ndarray, np.ndarray, Params]  # dE/dx (n, d), dE/dh (n, k), dE/dparams
SequenceGradients = tuple[np.ndarray, np.ndarray, Params]  # dE/dx (t, n, d), dE/dh_0 (n, k), dE/dparams


def rnn_step(x: np.ndarray, h: np.ndarray, params: Params, activation: str = "tanh") -> np.ndarray:
    """h' = g(W_ih x + b_ih + W_hh h + b_hh), with g tanh or relu. Elman (1990)."""
    return getattr(activations, activation)(_from_input(x, params) + _from_state(h, params))


def rnn_step_backward(
    grad_h_next: np.ndarray, x: np.ndarray, h: np.ndarray, params: Params, activation: str = "tanh"
) -> StepGradients:
    """dE/dx, dE/dh and dE/dparams from ``grad_h_next`` = dE/dh' (n, k)."""
    slope = getattr(activations, f"{activation}_derivative")
    grad_z = grad_h_next * slope(_from_input(x, params) + _from_state(h, params))
    return _affine_backward(grad_z, grad_z, x, h, params)


def lstm_step(x: np.ndarray, state: State, params: Params) -> State:
    """c' = f * c + i * g and h' = o * tanh(c'): forget some of the cell, write some, show some.

    i, f, o = sigmoid(...) and g = tanh(...) of W_ih x + b_ih + W_hh h + b_hh, each of its own block.
    """
    _, c = state
    i, f, g, o = _lstm_gates(x, state, params)
    c_next = f * c + i * g
    return o * np.tanh(c_next), c_next


def lstm_step_backward(
    grad_next: State, x: np.ndarray, state: State, params: Params
) -> tuple[np.ndarray, State, Params]:
    """dE/dx (n, d), (dE/dh, dE/dc) and dE/dparams from ``grad_next`` = (dE/dh', dE/dc').

    dE/dc = f * dE/dc': along the cell, the gradient is only multiplied by the forget gate.
    """
    h, c = state
    grad_h_next, grad_c_next = grad_next
    i, f, g, o = _lstm_gates(x, state, params)
    tanh_c = np.tanh(f * c + i * g)
    grad_c_next = grad_c_next + grad_h_next * o * (1 - tanh_c**2)  # c' also acts through h'
    grad_z = np.concatenate(
        [
            grad_c_next * g * i * (1 - i),
            grad_c_next * c * f * (1 - f),
            grad_c_next * i * (1 - g**2),
            grad_h_next * tanh_c * o * (1 - o),
        ],
        axis=1,
    )
    grad_x, grad_h, grad_params = _affine_backward(grad_z, grad_z, x, h, params)
    return grad_x, (grad_h, grad_c_next * f), grad_params


def gru_step(x: np.ndarray, h: np.ndarray, params: Params) -> np.ndarray:
    """h' = (1 - z) * n + z * h: the update gate z keeps the old state or takes the new one.

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh), each of its own block, and
    n = tanh(W_in x + b_in + r * (W_hn h + b_hn)). This is PyTorch's and cuDNN's variant: the reset gate acts
    after the matrix product (ONNX: linear_before_reset = 1). In ``gru_reset_first_step`` it acts before.
    """
    _, z, n, _ = _gru_gates(x, h, params)
    return (1 - z) * n + z * h


def gru_step_backward(grad_h_next: np.ndarray, x: np.ndarray, h: np.ndarray, params: Params) -> StepGradients:
    """dE/dx, dE/dh and dE/dparams from ``grad_h_next`` = dE/dh' (n, k)."""
    r, z, n, from_state = _gru_gates(x, h, params)
    grad_n = grad_h_next * (1 - z) * (1 - n**2)
    grad_r = grad_n * from_state * r * (1 - r)
    grad_z = grad_h_next * (h - n) * z * (1 - z)
    grad_from_input = np.concatenate([grad_r, grad_z, grad_n], axis=1)
    grad_from_state = np.concatenate([grad_r, grad_z, grad_n * r], axis=1)
    grad_x, grad_h, grad_params = _affine_backward(grad_from_input, grad_from_state, x, h, params)
    return grad_x, grad_h + grad_h_next * z, grad_params


def rnn(x: np.ndarray, h_0: np.ndarray, params: Params, activation: str = "tanh") -> np.ndarray:
    """All states h_0 ... h_t, (t + 1, n, k), of the sequence x (t, n, d)."""
    return _unroll(lambda x_t, h: rnn_step(x_t, h, params, activation), x, h_0)


def rnn_backward(
    grad_h: np.ndarray, x: np.ndarray, h: np.ndarray, params: Params, activation: str = "tanh"
) -> SequenceGradients:
    """dE/dx, dE/dh_0 and dE/dparams from ``grad_h`` = dE/dh_1 ... dE/dh_t (t, n, k) and ``h`` = rnn(...)."""

    def step_backward(grad_h_next: np.ndarray, x_t: np.ndarray, h_before: np.ndarray) -> StepGradients:
        return rnn_step_backward(grad_h_next, x_t, h_before, params, activation)

    return _through_time(step_backward, grad_h, x, h, params)


def lstm(x: np.ndarray, state: State, params: Params) -> State:
    """All states (h_0 ... h_t, c_0 ... c_t), each (t + 1, n, k), of the sequence x (t, n, d)."""
    states = [state]
    for x_t in x:
        states.append(lstm_step(x_t, states[-1], params))
    return np.stack([h for h, _ in states]), np.stack([c for _, c in states])


def lstm_backward(
    grad_h: np.ndarray, grad_c_last: np.ndarray, x: np.ndarray, states: State, params: Params
) -> tuple[np.ndarray, State, Params]:
    """dE/dx (t, n, d), (dE/dh_0, dE/dc_0) and dE/dparams.

    From ``grad_h`` = dE/dh_1 ... dE/dh_t (t, n, k), ``grad_c_last`` = dE/dc_t (n, k), ``states`` = lstm(...).
    """
    h, c = states
    grad_x, grad_params = np.zeros_like(x), _zeros(params)
    grad_state = np.zeros_like(h[0]), grad_c_last
    for t in reversed(range(len(x))):
        grad_next = grad_h[t] + grad_state[0], grad_state[1]
        grad_x[t], grad_state, grad_step = lstm_step_backward(grad_next, x[t], (h[t], c[t]), params)
        grad_params = _add(grad_params, grad_step)
    return grad_x, grad_state, grad_params


def gru(x: np.ndarray, h_0: np.ndarray, params: Params) -> np.ndarray:
    """All states h_0 ... h_t, (t + 1, n, k), of the sequence x (t, n, d)."""
    return _unroll(lambda x_t, h: gru_step(x_t, h, params), x, h_0)


def gru_backward(grad_h: np.ndarray, x: np.ndarray, h: np.ndarray, params: Params) -> SequenceGradients:
    """dE/dx, dE/dh_0 and dE/dparams from ``grad_h`` = dE/dh_1 ... dE/dh_t (t, n, k) and ``h`` = gru(...)."""

    def step_backward(grad_h_next: np.ndarray, x_t: np.ndarray, h_before: np.ndarray) -> StepGradients:
        return gru_step_backward(grad_h_next, x_t, h_before, params)

    return _through_time(step_backward, grad_h, x, h, params)


def gru_reset_first_step(x: np.ndarray, h: np.ndarray, params: Params) -> np.ndarray:
    """The GRU as first published: n = tanh(W_in x + b_in + W_hn (r * h) + b_hn), the rest as ``gru_step``.

    The reset gate acts before the matrix product (ONNX: linear_before_reset = 0). Cho et al. (2014), section
    2.3. Forward only: no layer of the course needs more.
    """
    r, z, _, _ = _gru_gates(x, h, params)
    x_n, h_n = _blocks(_from_input(x, params), 3)[2], _blocks(_from_state(r * h, params), 3)[2]
    return (1 - z) * np.tanh(x_n + h_n) + z * h


def lstm_peephole_step(x: np.ndarray, state: State, params: Params, peepholes: np.ndarray) -> State:
    """The LSTM whose gates also see the cell, weighed by ``peepholes`` (3, k): a row for i, for f and for o.

    Input and forget gate see the old cell c, the output gate the new one c'. Gers & Schmidhuber (2000).
    Forward only.
    """
    h, c = state
    z_i, z_f, z_g, z_o = _blocks(_from_input(x, params) + _from_state(h, params), 4)
    p_i, p_f, p_o = peepholes
    c_next = sigmoid(z_f + p_f * c) * c + sigmoid(z_i + p_i * c) * np.tanh(z_g)
    return sigmoid(z_o + p_o * c_next) * np.tanh(c_next), c_next


def _from_input(x: np.ndarray, params: Params) -> np.ndarray:
    return dense(x, params.w_ih, params.b_ih)


def _from_state(h: np.ndarray, params: Params) -> np.ndarray:
    return dense(h, params.w_hh, params.b_hh)


def _affine_backward(
    grad_from_input: np.ndarray, grad_from_state: np.ndarray, x: np.ndarray, h: np.ndarray, params: Params
) -> StepGradients:
    grad_x, grad_w_ih, grad_b_ih = dense_backward(grad_from_input, x, params.w_ih)
    grad_h, grad_w_hh, grad_b_hh = dense_backward(grad_from_state, h, params.w_hh)
    return grad_x, grad_h, Params(grad_w_ih, grad_w_hh, grad_b_ih, grad_b_hh)


def _blocks(z: np.ndarray, gates: int) -> list[np.ndarray]:
    """Cut (n, gates * k) into one (n, k) for each gate."""
    return np.split(z, gates, axis=1)


def _lstm_gates(x: np.ndarray, state: State, params: Params) -> tuple[np.ndarray, ...]:
    z_i, z_f, z_g, z_o = _blocks(_from_input(x, params) + _from_state(state[0], params), 4)
    return sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)


def _gru_gates(x: np.ndarray, h: np.ndarray, params: Params) -> tuple[np.ndarray, ...]:
    x_r, x_z, x_n = _blocks(_from_input(x, params), 3)
    h_r, h_z, h_n = _blocks(_from_state(h, params), 3)
    r = sigmoid(x_r + h_r)
    return r, sigmoid(x_z + h_z), np.tanh(x_n + r * h_n), h_n


def _unroll(
    step: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray, h_0: np.ndarray
) -> np.ndarray:
    h = [h_0]
    for x_t in x:
        h.append(step(x_t, h[-1]))
    return np.stack(h)


def _through_time(
    step_backward: Callable[[np.ndarray, np.ndarray, np.ndarray], StepGradients],
    grad_h: np.ndarray,
    x: np.ndarray,
    h: np.ndarray,
    params: Params,
) -> SequenceGradients:
    """From the last step to the first: h_t acts on the loss now and on every later step: gradients add up."""
    grad_x, grad_from_later, grad_params = np.zeros_like(x), np.zeros_like(h[0]), _zeros(params)
    for t in reversed(range(len(x))):
        grad_x[t], grad_from_later, grad_step = step_backward(grad_h[t] + grad_from_later, x[t], h[t])
        grad_params = _add(grad_params, grad_step)
    return grad_x, grad_from_later, grad_params


def _zeros(params: Params) -> Params:
    return Params(*(np.zeros_like(array) for array in params))


def _add(total: Params, step: Params) -> Params:
    return Params(*(a + b for a, b in zip(total, step, strict=True)))
