"""The exercise on Adagrad: all steps at once."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import optim as reference

SECTION = "05_optimization/adaptive_methods"


def adagrad_steps(gradients: np.ndarray, lr: float = 0.01, eps: float = 1e-10) -> np.ndarray:
    """Divide by the root of the sums so far, the present gradient among them."""
    return -lr * gradients / (np.sqrt((gradients**2).cumsum(axis=0)) + eps)


def _one_by_one(gradients: np.ndarray, lr: float = 0.01, eps: float = 1e-10) -> np.ndarray:
    w, state, steps = np.zeros_like(gradients[0]), None, []
    for g in gradients:
        new, state = reference.adagrad(w, g, state, lr, eps)
        steps.append(new - w)
        w = new
    return np.array(steps)


def _with(
    divisor: Callable[[np.ndarray, float], np.ndarray], sign: float = -1.0
) -> Callable[..., np.ndarray]:
    """Steps whose divisor is made otherwise from the gradients and epsilon."""

    def answer(gradients: np.ndarray, lr: float = 0.01, eps: float = 1e-10) -> np.ndarray:
        return sign * lr * gradients / divisor(gradients, eps)

    return answer


def _earlier(gradients: np.ndarray, eps: float) -> np.ndarray:
    sums = (gradients**2).cumsum(axis=0)
    return np.sqrt(sums - gradients**2) + eps


def _mean(gradients: np.ndarray, eps: float) -> np.ndarray:
    steps = np.arange(1, len(gradients) + 1)[:, None]
    return np.sqrt((gradients**2).cumsum(axis=0) / steps) + eps


def _cases(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(1, 7, shape).astype(float) * rng.choice([-1.0, 1.0], shape)

    rare = np.zeros((6, 2))
    rare[:, 0] = [1, -1, 1, 1, -1, 1]
    rare[3, 1] = 1.0
    return [
        case(np.array([[3.0], [4.0]]), label="two steps of one weight"),
        case(np.array([[2.0, -20.0]]), label="one step of two weights: both of size lr"),
        case(whole(5, 3), 0.5, label="five steps of three weights"),
        case(whole(4, 2) * 1e-3, 0.1, 1e-3, label="gradients as small as epsilon"),
        case(rare + 1e-12, 0.1, 1e-6, label="a common weight, and one that is hardly ever asked"),
    ]


ADAGRAD = Exercise(
    id="adaptive_methods/adagrad_steps",
    section=SECTION,
    title="Adagrad, all steps at once",
    reference=adagrad_steps,
    cases=_cases,
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _with(_earlier),
            "The sum lacks the present gradient: the first step is then divided by epsilon alone. Add g squared first.",
        ),
        Mistake(
            _with(lambda g, eps: np.sqrt((g**2).cumsum(axis=0) + eps)),
            "Epsilon is under the root. Here it is added after the root, as in PyTorch.",
        ),
        Mistake(
            _with(lambda g, eps: np.sqrt((g**2).sum(axis=0)) + eps),
            "Every step is divided by the sum over all steps, later ones included. At step t only g_1 to g_t are known.",
        ),
        Mistake(
            _with(_mean),
            "This divides by a root mean square. Adagrad takes the sum: that is why its steps shrink.",
        ),
        Mistake(
            _with(lambda g, eps: (g**2).cumsum(axis=0) + eps),
            "The root is missing: the steps are divided by sums of squares.",
        ),
        Mistake(
            _with(lambda g, eps: np.abs(g).cumsum(axis=0) + eps),
            "These are sums of absolute values. Square, sum up, then take the root.",
        ),
        Mistake(
            _with(lambda g, eps: np.maximum.accumulate(np.abs(g)) + eps),
            "This divides by the largest gradient so far. Adagrad takes the root of the sum of squares.",
        ),
        Mistake(
            _with(lambda g, eps: np.abs(g.cumsum(axis=0)) + eps),
            "The gradients are summed before they are squared, so that opposite ones cancel. Square first.",
        ),
        Mistake(
            _with(lambda g, eps: np.sqrt((g**2).cumsum(axis=1)) + eps),
            "The sum runs over the weights. Every weight has a sum of its own, over the steps: axis 0.",
        ),
        Mistake(
            _with(lambda g, eps: np.sqrt((g**2).sum(axis=1, keepdims=True).cumsum(axis=0)) + eps),
            "All weights share one sum here. The point of Adagrad is that each has its own.",
        ),
        Mistake(
            _with(lambda g, eps: np.sqrt((g**2).cumsum(axis=0)) + eps, sign=1.0),
            "These steps go uphill. What is asked for is what is added to the weights: it has a minus sign.",
        ),
        Mistake(
            lambda gradients, lr=0.01, eps=1e-10: adagrad_steps(gradients, lr, eps).cumsum(axis=0),
            "These are the places where the weights are, not the steps: each row should hold one step.",
        ),
        Mistake(
            lambda gradients, lr=0.01, eps=1e-10: adagrad_steps(gradients, 1.0, eps),
            "The rate lr is missing.",
        ),
        Mistake(
            lambda gradients, lr=0.01, eps=1e-10: adagrad_steps(gradients, lr, eps) / gradients,
            "These are the rates of the weights, with a minus sign. A step is the rate times the gradient.",
        ),
        Mistake(
            lambda gradients, lr=0.01, eps=1e-10: adagrad_steps(gradients, lr),
            "This is right for an epsilon of 1e-10 only. Use the argument.",
        ),
    ],
    hint="np.cumsum along one axis gives the sum so far, at every step.",
)
