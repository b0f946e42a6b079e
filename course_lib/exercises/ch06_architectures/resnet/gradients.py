"""The exercise on the gradient's way back, with and without additions."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/resnet"


def gradient_norms(weights: np.ndarray, gradient: np.ndarray, residual: bool) -> np.ndarray:
    """From the last block to the first: times W transposed, and plus itself."""
    norms = [np.linalg.norm(gradient)]
    for w in weights[::-1]:
        gradient = w.T @ gradient + (gradient if residual else 0)
        norms.append(np.linalg.norm(gradient))
    return np.array(norms[::-1])


def _by_matrices(weights: np.ndarray, gradient: np.ndarray, residual: bool) -> np.ndarray:
    """The derivative of each block as a matrix, their product from the right end on."""
    d = len(gradient)
    whole = np.eye(d)
    norms = [np.sqrt(gradient @ gradient)]
    for w in weights[::-1]:
        whole = whole @ (np.asarray(w) + residual * np.eye(d))
        norms.append(np.sqrt(((gradient @ whole) ** 2).sum()))
    return np.array(norms)[::-1]


Step = Callable[[np.ndarray, np.ndarray, bool], np.ndarray]


def _walk(
    step: Step = lambda w, g, residual: w.T @ g + (g if residual else 0),
    norm: Callable[[np.ndarray], float] = lambda g: float(np.linalg.norm(g)),
    order: int = -1,
    collect: Callable[[list[float]], list[float]] = lambda norms: norms[::-1],
) -> Callable[[np.ndarray, np.ndarray, bool], np.ndarray]:
    """A wrong way back: its step, its norm, its order or what it hands back."""

    def answer(weights: np.ndarray, gradient: np.ndarray, residual: bool) -> np.ndarray:
        norms = [norm(gradient)]
        for w in weights[::order]:
            gradient = step(w, gradient, residual)
            norms.append(norm(gradient))
        return np.array(collect(norms))

    return answer


def _start_again(weights: np.ndarray, gradient: np.ndarray, residual: bool) -> np.ndarray:
    """The 1 as the gradient of the end, added at every block."""
    norms, back = [np.linalg.norm(gradient)], gradient
    for w in weights[::-1]:
        back = w.T @ back + (gradient if residual else 0)
        norms.append(np.linalg.norm(back))
    return np.array(norms[::-1])


def _bounds(weights: np.ndarray, gradient: np.ndarray, residual: bool) -> np.ndarray:
    """Norms multiplied, block by block, which is only a bound."""
    norms = [np.linalg.norm(gradient)]
    for w in weights[::-1]:
        norms.append(norms[-1] * (np.linalg.norm(w, 2) + residual))
    return np.array(norms[::-1])


def _chains(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-3, 4, shape).astype(float)

    return [
        case(np.array([[[0.5]], [[-2.0]]]), np.array([3.0]), False, label="two plain blocks of one unit"),
        case(np.array([[[0.5]], [[-2.0]]]), np.array([3.0]), True, label="the same two with additions"),
        case(whole(1, 2, 2), whole(2) + 5, False, label="one plain block of two units"),
        case(whole(3, 2, 2), whole(2) + 5, True, label="three residual blocks of two units"),
        case(whole(4, 3, 3), whole(3) + 5, False, label="four plain blocks of three units"),
        case(np.zeros((5, 3, 3)), np.array([2.0, 3.0, 6.0]), True, label="zero weights with additions"),
        case(np.zeros((5, 3, 3)), np.array([2.0, 3.0, 6.0]), False, label="zero weights without"),
        case(rng.normal(0, 0.05, (30, 4, 4)), whole(4) + 4, True, label="thirty blocks of small weights"),
    ]


GRADIENTS = Exercise(
    id="resnet/gradients",
    section=SECTION,
    title="The way back, with and without",
    reference=gradient_norms,
    cases=_chains,
    alternatives=[_by_matrices],
    mistakes=[
        Mistake(
            _walk(step=lambda w, g, residual: w @ g + (g if residual else 0)),
            "The weights are not transposed. On the way back the gradient is multiplied by W transposed.",
        ),
        Mistake(
            _walk(step=lambda w, g, residual: w.T @ g),
            "The additions are ignored. With residual=True the gradient also arrives as it is.",
        ),
        Mistake(
            _walk(step=lambda w, g, residual: w.T @ g + g),
            "The gradient is passed around every block, even where residual is False.",
        ),
        Mistake(
            _walk(step=lambda w, g, residual: w.T @ g + (1 if residual else 0)),
            "A 1 is added to every entry. The 1 of the formula is a unit matrix: it adds the gradient that arrives.",
        ),
        Mistake(
            _start_again,
            "The gradient of the end is added at every block. What is added is the gradient that arrives behind this block.",
        ),
        Mistake(
            _bounds,
            "Norms of matrices are multiplied. That is only a bound: walk back with the vector, and take its norm at each place.",
        ),
        Mistake(
            _walk(order=1),
            "The way back begins with the first block here. It begins with the last.",
        ),
        Mistake(
            _walk(collect=lambda norms: norms),
            "The norms come in the order of the way back. The input's is asked for first.",
        ),
        Mistake(
            _walk(norm=lambda g: float(g @ g)),
            "These are squared norms. Take the root.",
        ),
        Mistake(
            _walk(norm=lambda g: float(np.abs(g).sum())),
            "These are sums of absolute values. The norm is the root of the sum of squares.",
        ),
        Mistake(
            _walk(collect=lambda norms: norms[:0:-1]),
            "The gradient behind the last block is missing: there are L + 1 places.",
        ),
    ],
    hint="One step back through x + W x: the gradient that arrives, plus W transposed times it.",
)
