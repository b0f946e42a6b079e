"""Exercises on two single steps of the way back: through a ReLU, and through max pooling."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/zfnet"

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]

# three rules for a ReLU


def _backprop(z: np.ndarray, signal: np.ndarray) -> np.ndarray:
    return signal * (z > 0)


def _deconvnet(z: np.ndarray, signal: np.ndarray) -> np.ndarray:
    return np.maximum(signal, 0)


def _guided(z: np.ndarray, signal: np.ndarray) -> np.ndarray:
    return np.maximum(signal, 0) * (z > 0)


def _by(
    backprop: Rule = _backprop, deconvnet: Rule = _deconvnet, guided: Rule = _guided
) -> Callable[[np.ndarray, np.ndarray, str], np.ndarray]:
    """An answer with these three rules, right unless one is given."""

    def answer(z: np.ndarray, signal: np.ndarray, rule: str) -> np.ndarray:
        return {"backprop": backprop, "deconvnet": deconvnet, "guided": guided}[rule](z, signal)

    return answer


def pass_down(z: np.ndarray, signal: np.ndarray, rule: str) -> np.ndarray:
    """Two gates: what the unit did on the way up, and the sign of what comes down."""
    up, down = z > 0, signal > 0
    gate = {"backprop": up, "deconvnet": down, "guided": up & down}[rule]
    return np.where(gate, signal, 0.0)


def _three(rng: np.random.Generator) -> list[Case]:
    small = np.array([2.0, -1.0, 3.0, -2.0]), np.array([5.0, 4.0, -3.0, -6.0])
    zero = np.array([0.0, 0.0, 1.5, 0.0, -1.5]), np.array([7.0, -2.0, -1.0, 0.0, 3.0])
    large = np.round(rng.normal(0, 3, (3, 4)), 1), np.round(rng.normal(0, 3, (3, 4)), 1)
    named = {"all four signs": small, "pre-activations of exactly 0": zero, "a map of 3 x 4": large}
    return [
        case(z, signal, rule, label=f"{rule}: {label}")
        for label, (z, signal) in named.items()
        for rule in ("backprop", "deconvnet", "guided")
    ]


RULES = Exercise(
    id="zfnet/relu_rules",
    section=SECTION,
    title="Three ways back through a ReLU",
    reference=pass_down,
    cases=_three,
    alternatives=[_by()],
    mistakes=[
        Mistake(
            _by(backprop=_deconvnet, deconvnet=_backprop),
            "The rules of backprop and deconvnet are exchanged. Backprop asks what the unit did on the way up; the "
            "deconvnet does not.",
        ),
        Mistake(
            _by(deconvnet=_guided, guided=_deconvnet),
            "The rules of deconvnet and guided are exchanged. The deconvnet rectifies and asks no more; guided "
            "backprop asks two questions.",
        ),
        Mistake(
            _by(deconvnet=_guided),
            "Your deconvnet looks at z too, which makes it guided backprop. It rectifies the signal and nothing else.",
        ),
        Mistake(
            _by(guided=_backprop),
            "Your guided backprop lets negative signals through where the unit was active. Rectify the signal too.",
        ),
        Mistake(
            _by(guided=_deconvnet),
            "Your guided backprop lets signals through units that were silent. It asks for z > 0 too.",
        ),
        Mistake(
            _by(
                backprop=lambda z, s: s * np.maximum(z, 0),
                guided=lambda z, s: np.maximum(s, 0) * np.maximum(z, 0),
            ),
            "The signal is multiplied by the activation. The derivative of an active ReLU is 1, whatever its activation.",
        ),
        Mistake(
            _by(backprop=lambda z, s: s * (z >= 0), guided=lambda z, s: np.maximum(s, 0) * (z >= 0)),
            "A unit with z = 0 counts as active here. Active is z > 0.",
        ),
        Mistake(
            _by(deconvnet=lambda z, s: np.abs(s), guided=lambda z, s: np.abs(s) * (z > 0)),
            "Negative signals come out positive. To rectify is to make them 0.",
        ),
        Mistake(
            _by(deconvnet=lambda z, s: np.maximum(z, 0)),
            "Your deconvnet rectifies z. What is rectified on the way down is the signal.",
        ),
        Mistake(
            _by(lambda z, s: s * (s > 0) * (z > 0)),
            "Your backprop drops negative signals. A gradient may be negative; only guided backprop forbids it.",
        ),
    ],
    hint="There are two questions, z > 0 and signal > 0. Each rule asks the one, the other, or both.",
)

# unpooling

Place = Callable[[np.ndarray], tuple[int, int]]


def unpool(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Look for the maximum of each window and put the signal there."""
    return _unpooled(lambda window: divmod(int(window.argmax()), 2))(signal, x)


def _unpooled(place: Place) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The signal of each window at one place of the window."""

    def answer(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
        found = np.zeros_like(x)
        for i, j in np.ndindex(*signal.shape):
            row, column = place(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
            found[2 * i + row, 2 * j + column] = signal[i, j]
        return found

    return answer


def _enlarged(pooled: np.ndarray) -> np.ndarray:
    return pooled.repeat(2, axis=0).repeat(2, axis=1)


def _maxima(x: np.ndarray) -> np.ndarray:
    whole: np.ndarray = x.reshape(len(x) // 2, 2, x.shape[1] // 2, 2).max(axis=(1, 3))
    return whole


def _vectorized(signal: np.ndarray, x: np.ndarray) -> np.ndarray:
    h, w = signal.shape
    windows = x.reshape(h, 2, w, 2).transpose(0, 2, 1, 3).reshape(h, w, 4)
    chosen = np.eye(4)[windows.argmax(axis=2)] * signal[:, :, None]  # (h, w, 4)
    return chosen.reshape(h, w, 2, 2).transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)


def _last_of_equals(window: np.ndarray) -> tuple[int, int]:
    return divmod(3 - int(window.ravel()[::-1].argmax()), 2)


def _maps(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.permutation(np.arange(1.0, 1 + np.prod(shape))).reshape(shape)

    half_off = np.maximum(whole(4, 6) - 16, 0)
    half_off[:2, 2:4] = 0.0
    return [
        case(np.array([[5.0]]), np.array([[1.0, 2.0], [4.0, 3.0]]), label="one window"),
        case(np.array([[7.0, -2.0]]), np.array([[9.0, 1, 3, 8], [2, 4, 5, 6]]), label="two windows"),
        case(whole(2, 3), whole(4, 6), label="four rows, six columns"),
        case(whole(3, 2) - 3.5, whole(6, 4) - 20.0, label="negative entries too"),
        case(whole(2, 3), half_off, label="behind a ReLU: equal entries, and a window of zeros"),
        case(
            np.array([[0.0, 3.0]]),
            np.array([[1.0, -5, 2, 2], [0, 0, 2, 2]]),
            label="a signal of 0, four equal entries",
        ),
    ]


UNPOOL = Exercise(
    id="zfnet/unpool",
    section=SECTION,
    title="Unpool by the switches",
    reference=unpool,
    cases=_maps,
    alternatives=[_vectorized],
    mistakes=[
        Mistake(
            lambda signal, x: _enlarged(signal),
            "Each signal is copied to all four entries of its window. It belongs to the one that was the maximum.",
        ),
        Mistake(
            lambda signal, x: _enlarged(signal) / 4,
            "Each signal is spread over its window, which is the way back through average pooling.",
        ),
        Mistake(
            _unpooled(lambda window: (0, 0)),
            "Each signal is put at the top left of its window. Look in x for the place of the maximum.",
        ),
        Mistake(
            lambda signal, x: _enlarged(signal) * (x == _enlarged(_maxima(x))),
            "Where entries are equal, all of them get the signal. A window hands on one value and has one switch.",
        ),
        Mistake(
            _unpooled(_last_of_equals),
            "Of equal entries the last one is taken. The switch is the first, row by row.",
        ),
        Mistake(
            lambda signal, x: _unpooled(lambda window: divmod(int(window.argmax()), 2))(_maxima(x), x),
            "The maxima themselves are put back. What goes back is the signal; x only tells where to.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(window.argmax()), 2)[::-1]),
            "Row and column within the window are exchanged. Number i of a 2 x 2 window, row by row, is in row i // 2 "
            "and column i % 2.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(np.abs(window).argmax()), 2)),
            "The largest absolute value is looked for. Max pooling takes the largest value, signs included.",
        ),
        Mistake(
            _unpooled(lambda window: divmod(int(window.argmin()), 2)),
            "The signal goes to the smallest entry of each window. The switch is where the largest was.",
        ),
        Mistake(
            lambda signal, x: _vectorized(signal, x) * (x > 0),
            "Signals are lost where the maximum is not positive. Unpooling does not rectify; that is a step of its own.",
        ),
    ],
    hint="Take the windows one by one: x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax() says where its signal goes.",
)
