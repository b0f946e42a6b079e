"""Recurrent nets as a loop over time, written to be read: a step for each cell, and what repeats it.

The input's part of every gate does not depend on the state: ``project`` computes it for all times in one
product. A step adds the state's part. Gradients come from autograd, of first and of higher order. On a CPU,
PyTorch's own LSTM in float32 stays well ahead of this one: oneDNN fuses its whole step into one operation.

Shapes: n sequences are running at a time, k is the hidden size, ``projected`` (n, gates * k), h and c (n, k).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Weights(NamedTuple):
    """The parameters of one layer in one direction, named and shaped as in torch.nn."""

    weight_ih: Tensor  # (gates * k, input_size)
    weight_hh: Tensor  # (gates * k, k), or (gates * k, proj_size)
    bias_ih: Tensor | None = None  # (gates * k,)
    bias_hh: Tensor | None = None  # (gates * k,)
    weight_hr: Tensor | None = None  # (proj_size, k), in an LSTM with a projected state


State = tuple[Tensor, ...]  # (h,), and (h, c) in the LSTM


class Cell(NamedTuple):
    """``project`` for all times at once, then ``step`` by step."""

    project: Callable[[Tensor, Weights], Tensor]
    step: Callable[[Tensor, State, Weights], State]


def project(x: Tensor, w: Weights) -> Tensor:
    """W_ih x + b_ih + b_hh: where the biases are only ever added, one sum will do."""
    if w.bias_ih is None or w.bias_hh is None:
        return F.linear(x, w.weight_ih)
    return F.linear(x, w.weight_ih, w.bias_ih + w.bias_hh)


def project_gru(x: Tensor, w: Weights) -> Tensor:
    """W_ih x + b_ih: b_hh has to wait, because the reset gate multiplies it."""
    return F.linear(x, w.weight_ih, w.bias_ih)


def rnn_tanh_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    (h,) = state
    return (torch.tanh(torch.addmm(projected, h, w.weight_hh.T)),)


def rnn_relu_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = max(0, W_ih x + b_ih + W_hh h + b_hh)."""
    (h,) = state
    return (torch.relu(torch.addmm(projected, h, w.weight_hh.T)),)


def lstm_step(projected: Tensor, state: State, w: Weights) -> State:
    """c' = f * c + i * g and h' = o * tanh(c'), with gates i, f, o and candidate g of projected + W_hh h."""
    h, c = state
    i, f, g, o = torch.addmm(projected, h, w.weight_hh.T).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return h if w.weight_hr is None else F.linear(h, w.weight_hr), c


def gru_step(projected: Tensor, state: State, w: Weights) -> State:
    """h' = (1 - z) * n + z * h, with update gate z, and n = tanh(W_in x + b_in + r * (W_hn h + b_hn))."""
    (h,) = state
    x_r, x_z, x_n = projected.chunk(3, dim=1)
    h_r, h_z, h_n = F.linear(h, w.weight_hh, w.bias_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(torch.addcmul(x_n, r, h_n))  # of x_n + r * h_n
    return (torch.lerp(n, h, z),)  # (1 - z) * n + z * h


CELLS = {
    "RNN_TANH": Cell(project, rnn_tanh_step),
    "RNN_RELU": Cell(project, rnn_relu_step),
    "LSTM": Cell(project, lstm_step),
    "GRU": Cell(project_gru, gru_step),
}


def through_time(
    cell: Cell, x: Tensor, sizes: Sequence[int], state: State, w: Weights, backwards: bool
) -> tuple[Tensor, State]:
    """One layer, one direction: x (sum of sizes, input_size) -> all h (sum of sizes, k), and the last state.

    ``sizes`` says how many sequences are running at each time, the longest first (a packed batch): those
    are the first rows of ``state``. The others keep the state they ended with, or have yet to begin with.
    """
    projected = cell.project(x, w)
    state = tuple(part.to(projected.dtype) for part in state)  # under autocast, as low as the gates
    batch = state[0].shape[0]
    outputs = []
    times = list(zip(projected.split(sizes), sizes, strict=True))
    for now, running in reversed(times) if backwards else times:
        if running == batch:
            state = cell.step(now, state, w)
            outputs.append(state[0])
        else:
            after = cell.step(now, tuple(part[:running] for part in state), w)
            outputs.append(after[0])
            waiting = (part[running:] for part in state)
            state = tuple(torch.cat(pair) for pair in zip(after, waiting, strict=True))
    return torch.cat(outputs[::-1] if backwards else outputs), state


def unroll(
    cell: Cell, x: Tensor, sizes: Sequence[int], state: State, layers: list[list[Weights]], dropout: float
) -> tuple[Tensor, State]:
    """All layers: each reads what the layer below gave, in both directions if there are two ``Weights``.

    x (sum of sizes, input_size) -> (sum of sizes, directions * k); the parts of ``state`` are (layers *
    directions, batch, k) on both sides. ``dropout`` acts between layers.
    """
    last_states = []
    begin = iter(zip(*state, strict=True))  # the states of layer 0, forward, backward; layer 1, ...
    for layer, directions in enumerate(layers):
        if layer > 0 and dropout > 0:
            x = F.dropout(x, dropout)
        outputs = []
        for w, backwards in zip(directions, (False, True), strict=False):
            output, last = through_time(cell, x, sizes, next(begin), w, backwards)
            outputs.append(output)
            last_states.append(last)
        x = torch.cat(outputs, dim=1)
    return x, tuple(torch.stack(parts) for parts in zip(*last_states, strict=True))
