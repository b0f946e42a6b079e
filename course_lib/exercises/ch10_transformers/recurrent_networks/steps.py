"""Exercises on one step, and on going back through three of them by hand."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/recurrent_networks"
Array = np.ndarray

# one step of a batch


def rnn_step(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    """tanh(W_ih x + b_ih + W_hh h + b_hh), row by row."""
    return np.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def _row_by_row(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    rows = [W_ih @ now + W_hh @ before for now, before in zip(x, h, strict=True)]
    return np.tanh(np.stack(rows) + (b_ih + b_hh))


def _one_matrix(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    joined = np.concatenate([np.asarray(x), np.asarray(h)], axis=1)
    return np.tanh(joined @ np.concatenate([W_ih, W_hh], axis=1).T + b_ih + b_hh)


def _step(
    z: Callable[[Array, Array, Array, Array], Array] = lambda from_x, from_h, b_ih, b_hh: (
        from_x + from_h + b_ih + b_hh
    ),
    g: Callable[[Array], Array] = np.tanh,
) -> Callable[..., Array]:
    """Another sum, or another activation."""

    def answer(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
        return g(z(x @ W_ih.T, h @ W_hh.T, b_ih, b_hh))

    return answer


def _not_transposed(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    return np.tanh(x @ W_ih.T + b_ih + h @ W_hh + b_hh)


def _carried(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    return h + rnn_step(x, h, W_ih, W_hh, b_ih, b_hh)


def _across_the_batch(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    state, states = np.asarray(h)[0], []
    for now in x:
        state = np.tanh(W_ih @ now + b_ih + W_hh @ state + b_hh)
        states.append(state)
    return np.stack(states)


def _tanh_of_each(x: Array, h: Array, W_ih: Array, W_hh: Array, b_ih: Array, b_hh: Array) -> Array:
    return np.tanh(x @ W_ih.T + b_ih) + np.tanh(h @ W_hh.T + b_hh)


def _cells(rng: np.random.Generator) -> list[Case]:
    def cell(n: int, d: int, k: int, scale: float, label: str) -> Case:
        shapes = ((n, d), (n, k), (k, d), (k, k), (k,), (k,))
        return case(*((scale * rng.normal(size=shape)).round(2) for shape in shapes), label=label)

    return [
        cell(1, 2, 2, 0.7, "one sequence"),
        cell(3, 2, 4, 0.6, "three sequences"),
        cell(4, 3, 3, 0.5, "as many inputs as units"),
        cell(2, 5, 2, 1.0, "large sums"),
    ]


STEP = Exercise(
    id="recurrent_networks/step",
    section=SECTION,
    title="One step",
    reference=rnn_step,
    cases=_cells,
    alternatives=[_row_by_row, _one_matrix],
    mistakes=[
        Mistake(
            _not_transposed,
            "W_hh acts the wrong way round: a unit's weights are a row of it. Take its transpose, as for W_ih.",
        ),
        Mistake(
            _step(lambda from_x, from_h, b_ih, b_hh: from_x + b_ih + b_hh),
            "The state before plays no part: this is a layer without memory. Add W_hh h.",
        ),
        Mistake(
            _step(lambda from_x, from_h, b_ih, b_hh: from_h + b_ih + b_hh),
            "The input plays no part. Add W_ih x.",
        ),
        Mistake(
            _step(lambda from_x, from_h, b_ih, b_hh: from_x + from_h + b_ih),
            "b_hh is missing. There are two biases, and both are added.",
        ),
        Mistake(
            _step(lambda from_x, from_h, b_ih, b_hh: from_x + from_h + b_hh),
            "b_ih is missing. There are two biases, and both are added.",
        ),
        Mistake(
            _step(lambda from_x, from_h, b_ih, b_hh: from_x + from_h), "Both biases are missing. Add them."
        ),
        Mistake(_step(g=lambda z: z), "The tanh is missing: this is the sum that goes into it."),
        Mistake(
            _step(g=lambda z: 1 / (1 + np.exp(-z))),
            "This is the sigmoid of the sum. The step here takes tanh.",
        ),
        Mistake(
            _step(g=lambda z: np.maximum(z, 0)), "This is the ReLU of the sum. The step here takes tanh."
        ),
        Mistake(
            _carried, "The old state is added to the new one. The new one replaces it: return the tanh alone."
        ),
        Mistake(
            _across_the_batch,
            "Each row goes on from the row before it. The rows are different sequences, each with its own state h.",
        ),
        Mistake(
            _tanh_of_each,
            "tanh is taken of input and state separately. Add them first: one tanh of the whole sum.",
        ),
    ],
    hint="One row for each sequence: x @ W_ih.T has the shape (n, k), and so has the state's part.",
)

# three steps of one unit


def three_steps(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
    """dE/du and dE/dw, back from the third step."""
    h = _states(u, w, x)
    d_u = d_w = later = 0.0
    for t in (2, 1, 0):
        e = (1 - h[t + 1] ** 2) * (h[t + 1] - y[t] + later)
        d_u, d_w, later = d_u + e * x[t], d_w + e * h[t], w * e
    return d_u, d_w


def _states(u: float, w: float, x: Array) -> list[float]:
    """h_0 = 0 and the states after it."""
    h = [0.0]
    for now in x:
        h.append(float(np.tanh(u * now + w * h[-1])))
    return h


def _forwards(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
    h = h_u = h_w = d_u = d_w = 0.0
    for now, target in zip(x, y, strict=True):
        new = np.tanh(u * now + w * h)
        h_u, h_w = (1 - new**2) * (now + w * h_u), (1 - new**2) * (h + w * h_w)
        h = new
        d_u, d_w = d_u + (h - target) * h_u, d_w + (h - target) * h_w
    return d_u, d_w


def _backward(
    slope: Callable[[float], float] = lambda h: 1 - h**2,
    counts: Callable[[int], float] = lambda t: 1.0,
    carry: Callable[[float, float, float], float] = lambda w, e, delta: w * e,
    state: Callable[[list[float], int], float] = lambda h, t: h[t],
    total: float = 1.0,
) -> Callable[..., tuple[float, float]]:
    """Another slope, other losses, another way back, another state for dE/dw, a factor in front."""

    def answer(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
        h = _states(u, w, x)
        d_u = d_w = later = 0.0
        for t in (2, 1, 0):
            delta = counts(t) * (h[t + 1] - y[t]) + later
            e = slope(h[t + 1]) * delta
            d_u, d_w, later = d_u + e * x[t], d_w + e * state(h, t), carry(w, e, delta)
        return total * d_u, total * d_w

    return answer


def _added_after_the_slope(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
    h = _states(u, w, x)
    d_u = d_w = later = 0.0
    for t in (2, 1, 0):
        e = (1 - h[t + 1] ** 2) * (h[t + 1] - y[t]) + later
        d_u, d_w, later = d_u + e * x[t], d_w + e * h[t], w * e
    return d_u, d_w


def _last_share(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
    h = _states(u, w, x)
    e = (1 - h[3] ** 2) * (h[3] - y[2])
    return e * x[2], e * h[2]


def _swapped(u: float, w: float, x: Array, y: Array) -> tuple[float, float]:
    d_u, d_w = three_steps(u, w, x, y)
    return d_w, d_u


def _triples(rng: np.random.Generator) -> list[Case]:
    def triple(u: float, w: float, label: str) -> Case:
        return case(u, w, rng.normal(size=3).round(1), rng.uniform(-1, 1, 3).round(1), label=label)

    return [
        case(0.5, 0.8, np.array([1.0, 0.5, -1.0]), np.array([0.2, 0.0, 0.5]), label="the first try"),
        triple(1.0, -0.7, "a negative weight back"),
        triple(0.3, 1.5, "a large weight back"),
        triple(-1.2, 0.4, "a negative input weight"),
    ]


THREE_STEPS = Exercise(
    id="recurrent_networks/three_steps",
    section=SECTION,
    title="Through three steps by hand",
    reference=three_steps,
    cases=_triples,
    alternatives=[_forwards],
    mistakes=[
        Mistake(
            _last_share,
            "Only the third step's copy of the weights, and only its loss, is counted. Go back to steps 2 and 1 and add.",
        ),
        Mistake(
            _backward(carry=lambda w, e, delta: 0.0),
            "Nothing comes back from the later steps: each h acts on the next one, too. Add w times e of the step after.",
        ),
        Mistake(
            _backward(slope=lambda h: 1.0),
            "The slope of tanh is missing: multiply each delta by 1 - h^2 on its way through the step.",
        ),
        Mistake(
            _backward(slope=lambda h: h * (1 - h)),
            "h (1 - h) is the slope of the sigmoid. That of tanh is 1 - h^2.",
        ),
        Mistake(
            _backward(carry=lambda w, e, delta: w * delta),
            "On the way back from a step, delta skips its slope: it is e = (1 - h^2) delta that is multiplied by w.",
        ),
        Mistake(
            _backward(carry=lambda w, e, delta: e),
            "What comes back from a later step is not multiplied by w, the weight between the states.",
        ),
        Mistake(
            _backward(counts=lambda t: float(t == 2)),
            "Only the loss of the last step is counted. Each of the three states has a loss of its own.",
        ),
        Mistake(
            _backward(state=lambda h, t: h[t + 1]),
            "For w each e is multiplied by the state that it led to. It is the state before: h_2 for step 3.",
        ),
        Mistake(
            _backward(total=2.0),
            "Twice too large: the half in front of the squares cancels the 2 of their derivative.",
        ),
        Mistake(
            _added_after_the_slope,
            "What comes back from the next step is added after the slope. It is part of delta: add first, then take 1 - h^2.",
        ),
        Mistake(
            _backward(total=-1.0), "The sign is turned round: the derivative of the loss begins with h - y."
        ),
        Mistake(_swapped, "The two results are in the wrong order: dE/du comes first."),
    ],
    hint="delta_3 = h_3 - y_3 and e_3 = (1 - h_3^2) delta_3. What does h_2 do, apart from its own loss?",
)
