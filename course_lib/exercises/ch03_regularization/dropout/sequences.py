"""Exercise on dropout in time: one mask for all steps of a sequence."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/dropout"


def same_mask(x: np.ndarray, W_ih: np.ndarray, W_hh: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    """An RNN whose state passes through the mask drawn from the first step's numbers before it is used again."""
    scale = (u[0] >= p) / (1 - p)
    h = np.zeros((x.shape[1], len(W_hh)))
    states = []
    for x_t in x:
        h = np.tanh(x_t @ W_ih.T + (h * scale) @ W_hh.T)
        states.append(h)
    return np.array(states)


def _in_weights(x: np.ndarray, W_ih: np.ndarray, W_hh: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    columns = np.where(u[0] >= p, 1 / (1 - p), 0.0)[:, None, :] * W_hh  # (n, h, h): a matrix a sequence
    states = np.zeros((len(x) + 1, x.shape[1], len(W_hh)))
    for t, x_t in enumerate(x):
        states[t + 1] = np.tanh(x_t @ W_ih.T + np.einsum("nij,nj->ni", columns, states[t]))
    return states[1:]


def _stepping(
    step: Callable[..., tuple[np.ndarray, np.ndarray]],
) -> Callable[..., np.ndarray]:
    """A wrong net: step(from_x, h, W_hh, u, t, p) returns the next state and what is reported."""

    def answer(x: np.ndarray, W_ih: np.ndarray, W_hh: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
        h = np.zeros((x.shape[1], len(W_hh)))
        states = []
        for t, x_t in enumerate(x):
            h, shown = step(x_t @ W_ih.T, h, W_hh, u, t, p)
            states.append(shown)
        return np.array(states)

    return answer


def _overwritten(x: np.ndarray, W_ih: np.ndarray, W_hh: np.ndarray, u: np.ndarray, p: float) -> np.ndarray:
    """What a list holds in which the one array that is overwritten stands once for each step."""
    return np.repeat(same_mask(x, W_ih, W_hh, u, p)[-1:], len(x), axis=0)


def _twice(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return h, h


def _sequences(rng: np.random.Generator) -> list:
    def made(t: int, n: int, d: int, h: int) -> tuple:
        weights = 0.8 * rng.normal(size=(h, d)), rng.normal(size=(h, h)) / np.sqrt(h)
        return rng.normal(size=(t, n, d)), *weights, rng.random((t, n, h))

    short, long = made(3, 2, 2, 4), made(9, 3, 4, 10)
    short[-1][0, 0, 0] = 0.0  # exactly at p = 0: kept
    return [
        case(*short, 0.5, label="three steps, p = 0.5"),
        case(*long, 0.25, label="nine steps, p = 0.25"),
        case(*long, 0.7, label="nine steps, p = 0.7"),
        case(*short, 0.0, label="p = 0: a plain RNN"),
        case(*made(1, 2, 3, 4), 0.5, label="a single step: the state before it is zero"),
    ]


SAME_MASK = Exercise(
    id="dropout/same_mask",
    section=SECTION,
    title="The same mask at every step",
    reference=same_mask,
    cases=_sequences,
    alternatives=[_in_weights],
    mistakes=[
        Mistake(
            _stepping(
                lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[t] >= p) / (1 - p)) @ W.T)),
            ),
            "A fresh mask is taken at each step here, and that erases the memory. Take u[0] for all of them.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[-1] >= p) / (1 - p)) @ W.T))),
            "The mask is that of the last step. u[0] serves for all.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[0] >= p)) @ W.T))),
            "The mask is not scaled: divide what is kept by 1 - p.",
        ),
        Mistake(
            _stepping(
                lambda z, h, W, u, t, p: _twice(np.tanh(z + h @ W.T) * (u[0] >= p) / (1 - p)),
            ),
            "The states you return are masked. The mask stands only on the way from h to W_hh; the states themselves stay.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[0, :1] >= p) / (1 - p)) @ W.T))),
            "All sequences share the mask of the first one. Each sequence of the batch has its own row of u[0].",
        ),
        Mistake(
            _stepping(
                lambda z, h, W, u, t, p: _twice(np.tanh(z * (u[0] >= p) / (1 - p) + h @ W.T)),
            ),
            "The mask is put on what comes from the input. It belongs on the state that enters W_hh.",
        ),
        Mistake(
            _stepping(
                lambda z, h, W, u, t, p: _twice(np.tanh(z + (h @ W.T) * (u[0] >= p) / (1 - p))),
            ),
            "The mask is multiplied after W_hh. It drops units of the state, so it comes before the product.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[0] >= p) / (1 - p)) @ W))),
            "h @ W_hh mixes the units the wrong way round: W_hh is (after, before), so multiply by W_hh.T.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[0] < p) / (1 - p)) @ W.T))),
            "The kept units are those that should be dropped: a unit is dropped where u is less than p.",
        ),
        Mistake(
            _stepping(lambda z, h, W, u, t, p: _twice(np.tanh(z + (h * (u[0] > p) / (1 - p)) @ W.T))),
            "A unit is dropped where u is less than p. Where u is exactly p it is kept.",
        ),
        Mistake(
            _overwritten,
            "All the states are the same array, overwritten at each step: append a copy.",
        ),
    ],
    hint="Make the mask once, before the loop. Inside, multiply the old state by it on its way into W_hh.",
)

EXERCISES = [SAME_MASK]
