"""Exercises on statistics: running ones, and those of two batches put together."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import normalization

SECTION = "03_regularization/normalization"
Pair = tuple[np.ndarray, np.ndarray]

# running statistics


def update_running(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> Pair:
    """Move both a share of the way to the batch's, the variance divided by n - 1."""
    mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var


def _by_differences(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> Pair:
    mean = x.sum(axis=0) / len(x)
    var = ((x - mean) ** 2).sum(axis=0) / (len(x) - 1)
    return running_mean + momentum * (mean - running_mean), running_var + momentum * (var - running_var)


def _running(
    ddof: int = 1,
    share: Callable[[float], float] = lambda momentum: momentum,
    decay: Callable[[float], float] = lambda momentum: 1 - momentum,
) -> Callable[..., Pair]:
    """A wrong update: divided otherwise, or with other weights of the batch and the past."""

    def answer(
        x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
    ) -> Pair:
        new, old = share(momentum), decay(momentum)
        return (
            old * running_mean + new * x.mean(axis=0),
            old * running_var + new * x.var(axis=0, ddof=ddof),
        )

    return answer


def _around_running(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> Pair:
    var = ((x - running_mean) ** 2).sum(axis=0) / (len(x) - 1)
    mean = update_running(x, running_mean, running_var, momentum)[0]
    return mean, (1 - momentum) * running_var + momentum * var


def _through_std(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> Pair:
    mean = update_running(x, running_mean, running_var, momentum)[0]
    return mean, ((1 - momentum) * np.sqrt(running_var) + momentum * x.std(axis=0, ddof=1)) ** 2


def _std_mixed_in(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1
) -> Pair:
    mean = update_running(x, running_mean, running_var, momentum)[0]
    return mean, (1 - momentum) * running_var + momentum * x.std(axis=0, ddof=1)


def _short(x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, momentum: float = 0.1) -> Pair:
    mean = update_running(x, running_mean, running_var, momentum)[0]
    var = np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0) * len(x) / (len(x) - 1)
    return mean, (1 - momentum) * running_var + momentum * var


def _batches(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-6, 7, shape).astype(float)

    # Means of 2^27: in double precision the ones in (2^27 +- 1)^2 are lost, so the short formula gives exactly 0.
    far = 2.0**27 + np.array([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    return [
        case(np.array([[1.0], [3.0]]), np.zeros(1), np.ones(1), label="two examples, the first batch"),
        case(
            np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]]), np.zeros(2), np.ones(2), label="three examples"
        ),
        case(
            whole(5, 3),
            np.array([2.0, -1.0, 4.0]),
            np.array([3.0, 0.5, 9.0]),
            label="statistics that have a past",
        ),
        case(
            whole(4, 2), np.array([5.0, -5.0]), np.array([1.0, 4.0]), 0.3, label="a momentum other than 0.1"
        ),
        case(whole(8, 2), np.array([5.0, -5.0]), np.array([1.0, 4.0]), 1.0, label="momentum 1: no memory"),
        case(whole(3, 2), np.array([0.5, 7.0]), np.array([1.0, 4.0]), 0.0, label="momentum 0: nothing moves"),
        case(whole(6, 4) + 1000, np.zeros(4), np.ones(4), label="a large mean"),
        case(far, np.full(2, 1e8), np.ones(2), label="values near a hundred million"),
    ]


RUNNING = Exercise(
    id="normalization/update_running",
    section=SECTION,
    title="Running statistics",
    reference=update_running,
    cases=_batches,
    alternatives=[normalization.running_statistics, _by_differences],
    mistakes=[
        Mistake(
            _running(ddof=0),
            "The variance is divided by n. What is kept for the test is the unbiased estimate, divided by n - 1.",
        ),
        Mistake(
            _running(share=lambda momentum: 1 - momentum, decay=lambda momentum: momentum),
            "The two weights are exchanged: here momentum is the share of the new batch, not that of the past.",
        ),
        Mistake(
            _running(share=lambda momentum: 1.0, decay=lambda momentum: 0.0),
            "The past is forgotten: these are the statistics of the batch alone.",
        ),
        Mistake(
            _running(share=lambda momentum: momentum, decay=lambda momentum: 1.0),
            "The past keeps its full weight, so the statistics grow without end. Multiply it by 1 - momentum.",
        ),
        Mistake(
            _running(share=lambda momentum: 0.1, decay=lambda momentum: 0.9),
            "This is right for momentum 0.1 only. Use the argument.",
        ),
        Mistake(
            _around_running,
            "The squared deviations are taken from the running mean. The variance of a batch is around its own mean.",
        ),
        Mistake(
            _through_std,
            "Standard deviations are averaged and then squared. Average the variances.",
        ),
        Mistake(
            _std_mixed_in,
            "A standard deviation is mixed into a running variance. Use the variance of the batch.",
        ),
        Mistake(
            _short,
            "Right on paper, but E[x^2] - E[x]^2 subtracts two numbers that agree in nearly all digits. Subtract the mean first, then square.",
        ),
        Mistake(
            lambda x, running_mean, running_var, momentum=0.1: update_running(
                x, running_mean, running_var, momentum
            )[::-1],
            "The two are exchanged: return the running mean first, then the running variance.",
        ),
    ],
    hint="np.var divides by n unless you say ddof=1. How much of the new value is the batch's: 0.1 or 0.9?",
)

# two batches put together

Statistics = tuple[int, np.ndarray, np.ndarray]


def merge(
    n_a: int, mean_a: np.ndarray, var_a: np.ndarray, n_b: int, mean_b: np.ndarray, var_b: np.ndarray
) -> Statistics:
    """The variance within both, and the one between their means."""
    n = n_a + n_b
    delta = mean_b - mean_a
    mean = mean_a + delta * n_b / n
    return n, mean, (n_a * var_a + n_b * var_b) / n + delta**2 * n_a * n_b / n**2


def _around_the_mean(
    n_a: int, mean_a: np.ndarray, var_a: np.ndarray, n_b: int, mean_b: np.ndarray, var_b: np.ndarray
) -> Statistics:
    n = n_a + n_b
    mean = (n_a * mean_a + n_b * mean_b) / n
    sums = n_a * (var_a + (mean_a - mean) ** 2) + n_b * (var_b + (mean_b - mean) ** 2)
    return n, mean, sums / n


def _with_variance(variance: Callable[..., np.ndarray]) -> Callable[..., Statistics]:
    """The right number and mean, with a variance made of (n_a, n_b, var_a, var_b, delta)."""

    def answer(
        n_a: int, mean_a: np.ndarray, var_a: np.ndarray, n_b: int, mean_b: np.ndarray, var_b: np.ndarray
    ) -> Statistics:
        n, mean, _ = merge(n_a, mean_a, var_a, n_b, mean_b, var_b)
        return n, mean, variance(n_a, n_b, var_a, var_b, mean_b - mean_a)

    return answer


def _by_squares(
    n_a: int, mean_a: np.ndarray, var_a: np.ndarray, n_b: int, mean_b: np.ndarray, var_b: np.ndarray
) -> Statistics:
    n = n_a + n_b
    mean = (n_a * mean_a + n_b * mean_b) / n
    squares = (n_a * (var_a + mean_a**2) + n_b * (var_b + mean_b**2)) / n
    return n, mean, squares - mean**2


def _half_and_half(
    n_a: int, mean_a: np.ndarray, var_a: np.ndarray, n_b: int, mean_b: np.ndarray, var_b: np.ndarray
) -> Statistics:
    n, _, var = merge(n_a, mean_a, var_a, n_b, mean_b, var_b)
    return n, (mean_a + mean_b) / 2, var


def _pair(first: np.ndarray, second: np.ndarray, label: str) -> Case:
    return case(
        len(first), first.mean(0), first.var(0), len(second), second.mean(0), second.var(0), label=label
    )


def _two_batches(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-6, 7, shape).astype(float)

    far = np.array([1e9, -1e9])
    return [
        _pair(np.array([[1.0], [3.0]]), np.array([[5.0], [7.0]]), "two batches of two, one channel"),
        _pair(whole(4, 3), whole(4, 3), "equal sizes, three channels"),
        _pair(whole(2, 2), whole(8, 2), "a small batch and a large one"),
        _pair(whole(9, 2), whole(1, 2), "a batch of one, which has no spread"),
        _pair(np.full((3, 2), 4.0), np.full((5, 2), -2.0), "two batches without spread, means apart"),
        _pair(whole(6, 2) + 1e4, whole(10, 2) + 1e4, "means near ten thousand"),
        _pair(whole(4, 2) + far, whole(4, 2) + far, "means near a thousand million"),
    ]


MERGE = Exercise(
    id="normalization/merge",
    section=SECTION,
    title="One batch on two machines",
    reference=merge,
    cases=_two_batches,
    alternatives=[_around_the_mean],
    mistakes=[
        Mistake(
            _by_squares,
            "Right on paper, but this subtracts two numbers that agree in nearly all digits: the mean square and the "
            "square of the mean. Use the difference of the two means.",
        ),
        Mistake(
            _with_variance(lambda n_a, n_b, var_a, var_b, delta: (n_a * var_a + n_b * var_b) / (n_a + n_b)),
            "The variance between the two means is missing: batches without any spread can differ from each other.",
        ),
        Mistake(
            _with_variance(
                lambda n_a, n_b, var_a, var_b, delta: (
                    (var_a + var_b) / 2 + delta**2 * n_a * n_b / (n_a + n_b) ** 2
                )
            ),
            "The two variances count the same. Weight them by the number of values behind them.",
        ),
        Mistake(
            _half_and_half, "The two means count the same. Weight them by the number of values behind them."
        ),
        Mistake(
            _with_variance(
                lambda n_a, n_b, var_a, var_b, delta: (n_a * var_a + n_b * var_b) / (n_a + n_b) + delta**2 / 4
            ),
            "delta squared over 4 is right for equal sizes only: the weight is n_a n_b / (n_a + n_b)^2.",
        ),
        Mistake(
            _with_variance(
                lambda n_a, n_b, var_a, var_b, delta: (
                    (n_a * var_a + n_b * var_b + delta**2 * n_a * n_b / (n_a + n_b)) / (n_a + n_b - 1)
                )
            ),
            "This is the unbiased variance, divided by n - 1. All variances here are divided by n.",
        ),
        Mistake(
            _with_variance(
                lambda n_a, n_b, var_a, var_b, delta: (
                    (n_a * var_a + n_b * var_b) / (n_a + n_b) + abs(delta) * n_a * n_b / (n_a + n_b) ** 2
                )
            ),
            "The difference of the means is not squared.",
        ),
    ],
    hint="Around the common mean, batch a has the mean square var_a + (mean_a - mean)^2.",
)
