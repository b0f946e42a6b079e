"""Exercises on how far a gradient reaches, and on clipping it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/recurrent_networks"
Array = np.ndarray

# the length of the gradient at every state


def gradient_lengths(W_hh: Array, h: Array, g: Array) -> Array:
    """Norms of dE/dh_0, ..., dE/dh_t."""
    deltas = [np.asarray(g, float)]
    for state in np.asarray(h)[:0:-1]:
        deltas.append(W_hh.T @ ((1 - state**2) * deltas[-1]))
    return np.linalg.norm(deltas[::-1], axis=1)


def _by_products(W_hh: Array, h: Array, g: Array) -> Array:
    product, lengths = np.eye(len(g)), [np.sqrt(np.sum(np.square(g)))]
    for t in range(len(h) - 1, 0, -1):
        product = product @ (np.diag(1 - np.square(h[t])) @ W_hh)
        lengths.append(np.sqrt(np.sum(np.square(g @ product))))
    return np.array(lengths[::-1])


def _going_back(
    back: Callable[[Array, Array, Array], Array] = lambda W, slope, delta: W.T @ (slope * delta),
    slope: Callable[[Array, int], Array] = lambda h, t: 1 - h[t] ** 2,
    length: Callable[[Array], Array] = lambda deltas: np.linalg.norm(deltas, axis=1),
) -> Callable[..., Array]:
    """Another step back, other slopes, or another length."""

    def answer(W_hh: Array, h: Array, g: Array) -> Array:
        deltas = [np.asarray(g, float)]
        for t in range(len(h) - 1, 0, -1):
            deltas.append(back(np.asarray(W_hh), slope(np.asarray(h), t), deltas[-1]))
        return length(np.stack(deltas[::-1]))

    return answer


def _before_tanh(W_hh: Array, h: Array, g: Array) -> Array:
    slopes = 1 - np.square(h)
    signals = [slopes[-1] * g]
    for slope in slopes[-2::-1]:
        signals.append(slope * (W_hh.T @ signals[-1]))
    return np.linalg.norm(signals[::-1], axis=1)


def _from_the_end(W_hh: Array, h: Array, g: Array) -> Array:
    return gradient_lengths(W_hh, h, g)[::-1]


def _spectral(W_hh: Array, h: Array, g: Array) -> Array:
    radius = np.abs(np.linalg.eigvals(W_hh)).max()
    return np.linalg.norm(g) * radius ** np.arange(len(h))[::-1]


def _bound(W_hh: Array, h: Array, g: Array) -> Array:
    return np.linalg.norm(g) * np.linalg.norm(W_hh, 2) ** np.arange(len(h))[::-1]


def _relative(W_hh: Array, h: Array, g: Array) -> Array:
    lengths = gradient_lengths(W_hh, h, g)
    return lengths / lengths[-1]


def _runs(rng: np.random.Generator) -> list[Case]:
    def run(t: int, k: int, scale: float, label: str) -> Case:
        W, h = (scale * rng.normal(size=(k, k))).round(2), [rng.uniform(-0.5, 0.5, k).round(2)]
        for _ in range(t):
            h.append(np.tanh(W @ h[-1] + rng.normal(size=k)).round(3))
        return case(W, np.stack(h), rng.normal(size=k).round(2), label=label)

    return [
        case(
            np.array([[0.5, 1.0], [0.0, 0.5]]),
            np.array([[0.1, 0.6], [0.5, 0.0], [0.0, 0.8]]),
            np.array([1.0, 2.0]),
            label="two steps, two units",
        ),
        run(1, 3, 0.7, "one step"),
        run(6, 3, 0.9, "six steps"),
        run(4, 4, 1.5, "large weights"),
    ]


REACH = Exercise(
    id="recurrent_networks/reach",
    section=SECTION,
    title="How far a gradient reaches",
    reference=gradient_lengths,
    cases=_runs,
    alternatives=[_by_products],
    mistakes=[
        Mistake(
            _going_back(lambda W, slope, delta: W @ (slope * delta)),
            "The matrix is not transposed: that is the way forward. Back goes W_hh^T.",
        ),
        Mistake(
            _going_back(slope=lambda h, t: np.ones(h.shape[1])),
            "The slopes of tanh are missing: this is the linear network. Multiply by 1 - h^2 at each step.",
        ),
        Mistake(
            _going_back(slope=lambda h, t: 1 - h[t - 1] ** 2),
            "The slopes are those of the state that the gradient goes to. Take those of the state it comes from.",
        ),
        Mistake(
            _going_back(lambda W, slope, delta: slope * (W.T @ delta)),
            "The slopes come after the matrix. Coming back, the gradient meets the tanh first, and then W_hh^T.",
        ),
        Mistake(
            _going_back(slope=lambda h, t: 1 - h[t]),
            "The slope of tanh is 1 - h^2: the square is missing.",
        ),
        Mistake(
            _going_back(slope=lambda h, t: 1 - np.tanh(h[t]) ** 2),
            "tanh is taken of h once more. h is the result of tanh already, so its slope is 1 - h^2.",
        ),
        Mistake(
            _going_back(length=lambda deltas: (deltas**2).sum(axis=1)),
            "These are squared lengths. Take the root.",
        ),
        Mistake(
            _before_tanh,
            "These are lengths of dE/dz_t, with the slopes of the state itself. dE/dh_t has those of later states only.",
        ),
        Mistake(_from_the_end, "The lengths are in the order of the way back. Give them from h_0 to h_t."),
        Mistake(
            _spectral,
            "This is the spectral radius to the power of the distance, the rate in the long run. Multiply the vectors.",
        ),
        Mistake(_bound, "This is the upper bound from the largest singular value, and not what happens."),
        Mistake(
            _relative,
            "The lengths are divided by that of the last. Give them as they are, so that it is that of g.",
        ),
    ],
    hint="delta_(t-1) = W_hh^T ((1 - h_t^2) * delta_t), from the last state to the first, and then the norms.",
)

# clipping the sum over time


def clipped_gradients(shares: list[Array], limit: float) -> list[Array]:
    """Sum over time, then scale all together."""
    sums = [np.asarray(share, float).sum(axis=0) for share in shares]
    norm = np.sqrt(sum((total**2).sum() for total in sums))
    return [total * min(1.0, limit / norm) if norm > 0 else total for total in sums]


def _by_one_vector(shares: list[Array], limit: float) -> list[Array]:
    sums = [np.sum(share, axis=0) for share in shares]
    norm = np.linalg.norm(np.concatenate([np.ravel(total) for total in sums]))
    return [np.asarray(total) if norm <= limit else np.asarray(total) / norm * limit for total in sums]


def _norm(arrays: list[Array]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(array)) for array in arrays)))


def _clipping(
    factor: Callable[[list[Array], float], float],
    sums: Callable[[Array], Array] = lambda share: np.sum(share, axis=0),
) -> Callable[..., list[Array]]:
    """All gradients times one factor of another kind, or another sum."""

    def answer(shares: list[Array], limit: float) -> list[Array]:
        totals = [np.asarray(sums(share)) for share in shares]
        return [total * factor(totals, limit) for total in totals]

    return answer


def _right_factor(totals: list[Array], limit: float) -> float:
    return limit / max(_norm(totals), limit)


def _each_step(shares: list[Array], limit: float) -> list[Array]:
    parts = []
    for step in zip(*shares, strict=True):
        parts.append([np.asarray(part) * _right_factor(list(step), limit) for part in step])
    return [np.sum(each, axis=0) for each in zip(*parts, strict=True)]


def _each_parameter(shares: list[Array], limit: float) -> list[Array]:
    totals = [np.sum(share, axis=0) for share in shares]
    return [total * _right_factor([total], limit) for total in totals]


def _by_value(shares: list[Array], limit: float) -> list[Array]:
    return [np.clip(np.sum(share, axis=0), -limit, limit) for share in shares]


def _norm_of_shares(shares: list[Array], limit: float) -> list[Array]:
    factor = limit / max(_norm(shares), limit)
    return [np.sum(share, axis=0) * factor for share in shares]


def _not_summed(shares: list[Array], limit: float) -> list[Array]:
    return [np.asarray(share) * _right_factor(shares, limit) for share in shares]


def _shares(rng: np.random.Generator) -> list[Case]:
    def shares(t: int, *shapes: tuple[int, ...]) -> list[Array]:
        return [rng.normal(size=(t, *shape)).round(1) for shape in shapes]

    still = [np.array([[1.0, -2.0], [-1.0, 2.0]]), np.array([[[3.0]], [[-3.0]]])]
    return [
        case([np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([[[2.0]], [[2.0]]])], 1.0, label="a length of 5"),
        case([np.array([[0.1, 0.2], [0.2, -0.1]])], 1.0, label="shorter than the limit"),
        case(shares(4, (2, 3), (2, 2), (2,)), 0.5, label="four steps, three parameters"),
        case(shares(3, (2, 2), (3,)), 3.0, label="a larger limit"),
        case(still, 0.5, label="steps that cancel"),
    ]


CLIP = Exercise(
    id="recurrent_networks/clip",
    section=SECTION,
    title="Clip what time has added up",
    reference=clipped_gradients,
    cases=_shares,
    alternatives=[_by_one_vector],
    mistakes=[
        Mistake(
            _each_step,
            "Each step's share is clipped before they are added. Only the sum is the gradient: add first.",
        ),
        Mistake(
            _each_parameter,
            "Each parameter is clipped by its own norm, which bends the direction. Take one norm over all of them.",
        ),
        Mistake(
            _by_value,
            "The entries are clipped one by one, which bends the direction. Scale all of them by one factor.",
        ),
        Mistake(
            _clipping(lambda totals, limit: 1.0), "Nothing is clipped: these are the sums over time alone."
        ),
        Mistake(
            _clipping(lambda totals, limit: limit / max(_norm(totals), 1e-300)),
            "Short gradients are made longer, up to the limit. Those below it stay as they are.",
        ),
        Mistake(
            _clipping(_right_factor, lambda share: np.mean(share, axis=0)),
            "The shares are averaged over time. The gradient is their sum.",
        ),
        Mistake(
            _clipping(_right_factor, lambda share: np.asarray(share)[-1]),
            "Only the last step's share is taken. The weights act at every step: sum over time.",
        ),
        Mistake(
            _clipping(lambda totals, limit: limit / max(_norm(totals) ** 2, limit)),
            "The squared norm is compared with the limit. Take the root.",
        ),
        Mistake(
            _clipping(lambda totals, limit: limit / max(sum(_norm([total]) for total in totals), limit)),
            "The norms of the parameters are added. Of several arrays together, the squares add up, then the root.",
        ),
        Mistake(
            _clipping(lambda totals, limit: 1 / _norm(totals) if _norm(totals) > limit else 1.0),
            "Long gradients are brought to the length 1, whatever the limit. Multiply by limit / norm.",
        ),
        Mistake(
            _norm_of_shares,
            "The norm is that of all shares before they are added. Shares may cancel: add, then measure.",
        ),
        Mistake(
            _not_summed, "The time axis is still there. Sum over it: each result has its parameter's shape."
        ),
    ],
    hint="Sum over axis 0; one norm of everything; a factor of limit / norm, but never more than 1.",
)
