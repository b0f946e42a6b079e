"""Exercises on errors: their parts, and the choice that they decide."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.polynomial import Polynomial, legendre

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/overfitting"

# bias and variance


def bias_variance(predictions: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Average of the squared bias and of the variance over the places."""
    mean = predictions.mean(axis=0)
    return float(((mean - truth) ** 2).mean()), float(predictions.var(axis=0).mean())


def _by_the_sum(predictions: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    total = float(((predictions - truth) ** 2).mean())
    variance = float(((predictions - predictions.mean(axis=0, keepdims=True)) ** 2).mean())
    return total - variance, variance


def _part(
    bias: Callable[[np.ndarray, np.ndarray], float] = lambda h, f: bias_variance(h, f)[0],
    variance: Callable[[np.ndarray], float] = lambda h: h.var(axis=0).mean(),
) -> Callable[..., tuple[float, float]]:
    """A wrong answer: one of its two parts done in another way."""
    return lambda predictions, truth: (float(bias(predictions, truth)), float(variance(predictions)))


_PREDICTIONS = np.array([[1.0, 2.0, 0.0], [3.0, 2.5, -1.0], [2.0, 0.0, 4.0], [0.5, 1.0, 1.0]])
_TRUTH = np.array([1.0, 2.0, 2.5])

BIAS_VARIANCE = Exercise(
    id="overfitting/bias_variance",
    section=SECTION,
    title="Bias and variance from predictions",
    reference=bias_variance,
    cases=[
        case(np.array([[1.0], [3.0]]), np.array([0.0]), label="two fits, one place"),
        case(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, 2.0]), label="fits that agree and are wrong"),
        case(
            np.array([[0.0, 4.0], [2.0, 2.0]]), np.array([1.0, 3.0]), label="fits that are right on average"
        ),
        case(_PREDICTIONS, _TRUTH, label="four fits, three places"),
        case(_PREDICTIONS[:3] + 0.5, _TRUTH, label="as many fits as places"),
        case(1000.0 + _PREDICTIONS, 1000.0 + _TRUTH, label="far from zero"),
    ],
    alternatives=[_by_the_sum],
    mistakes=[
        Mistake(
            _part(bias=lambda h, f: (h.mean(axis=0) - f).mean() ** 2),
            "The bias is averaged over the places before it is squared, so that errors upwards and downwards cancel. "
            "Square first.",
        ),
        Mistake(
            _part(bias=lambda h, f: ((h - f) ** 2).mean()),
            "This bias is the whole error of the fits: variance is in it too. Take the mean over the fits first.",
        ),
        Mistake(
            _part(bias=lambda h, f: np.abs(h.mean(axis=0) - f).mean()),
            "This is the size of the bias. Its square is what adds up with the variance.",
        ),
        Mistake(
            _part(variance=lambda h: h.var()),
            "The variance is taken over all numbers at once, so the shape of the function counts as variance. Take it "
            "at each place, over the fits.",
        ),
        Mistake(
            _part(variance=lambda h: h.var(axis=1).mean()),
            "The variance runs over the places of each fit. It should run over the fits, at each place: axis 0.",
        ),
        Mistake(
            _part(variance=lambda h: h.std(axis=0).mean()),
            "This is the standard deviation. The variance is its square, before the mean over the places is taken.",
        ),
        Mistake(
            _part(variance=lambda h: h.var(axis=0, ddof=1).mean()),
            "The variance is divided by the number of fits less one. Then the parts no longer add up exactly; divide "
            "by the number of fits.",
        ),
        Mistake(
            _part(bias=lambda h, f: ((np.median(h, axis=0) - f) ** 2).mean()),
            "The bias is that of the median of the fits. The mean fit is their mean.",
        ),
        Mistake(
            lambda predictions, truth: (
                bias_variance(np.median(predictions, axis=0)[None], truth)[0],
                float(((predictions - np.median(predictions, axis=0)) ** 2).mean()),
            ),
            "This takes the median of the fits for both. The mean fit is their mean.",
        ),
        Mistake(
            lambda predictions, truth: (
                bias_variance(predictions, truth)[0],
                float(((predictions - truth) ** 2).mean()),
            ),
            "The distances in the variance are from the truth, so bias is in them. Measure from the mean fit.",
        ),
        Mistake(
            lambda predictions, truth: bias_variance(predictions, truth)[::-1],
            "The two are in the wrong order: the squared bias comes first.",
        ),
        Mistake(
            lambda predictions, truth: tuple(len(truth) * part for part in bias_variance(predictions, truth)),
            "These are sums over the places. Take means.",
        ),
    ],
    hint="First the mean fit, an array (m,). The bias compares it with the truth, the variance with the single fits.",
)

# the degree that validation chooses

Answer = tuple[int, float]
Points = np.ndarray


def _errors(x: Points, y: Points, x_judge: Points, y_judge: Points, degrees: Sequence[int]) -> np.ndarray:
    """Mean squared error on the judging points of a fit of every degree."""
    fits = [legendre.legfit(x, y, degree) for degree in degrees]
    return np.array([np.mean((legendre.legval(x_judge, c) - y_judge) ** 2) for c in fits])


def choose_degree(
    x: Points, y: Points, x_validation: Points, y_validation: Points, degrees: Sequence[int]
) -> Answer:
    """Degree with the lowest validation error, and that error."""
    errors = _errors(x, y, x_validation, y_validation, degrees)
    return degrees[int(errors.argmin())], float(errors.min())


def _with_powers(
    x: Points, y: Points, x_validation: Points, y_validation: Points, degrees: Sequence[int]
) -> Answer:
    scored = [
        (float(np.mean((Polynomial.fit(x, y, degree)(x_validation) - y_validation) ** 2)), degree)
        for degree in degrees
    ]
    error, degree = min(scored)
    return degree, error


def _choice(
    choose: Callable[..., np.ndarray] = lambda x, y, xv, yv, degrees: _errors(x, y, xv, yv, degrees),
    report: Callable[..., np.ndarray] | None = None,
) -> Callable[..., Answer]:
    """A wrong choice: by other errors, or with other errors reported."""

    def answer(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> Answer:
        place = int(choose(x, y, xv, yv, degrees).argmin())
        return degrees[place], float((report or choose)(x, y, xv, yv, degrees)[place])

    return answer


def _on_both(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> np.ndarray:
    return _errors(np.append(x, xv), np.append(y, yv), xv, yv, degrees)


def _by_place(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> Answer:
    errors = _errors(x, y, xv, yv, degrees)
    return int(errors.argmin()), float(errors.min())


def _all_up_to_the_last(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> Answer:
    return choose_degree(x, y, xv, yv, range(max(degrees) + 1))


def _mean_distance(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> np.ndarray:
    fits = [legendre.legfit(x, y, degree) for degree in degrees]
    return np.array([np.mean(np.abs(legendre.legval(xv, c) - yv)) for c in fits])


def _scaled(rule: Callable[[float, int], float]) -> Callable[..., Answer]:
    def answer(x: Points, y: Points, xv: Points, yv: Points, degrees: Sequence[int]) -> Answer:
        degree, error = choose_degree(x, y, xv, yv, degrees)
        return degree, rule(error, len(xv))

    return answer


def _points(
    rng: np.random.Generator, n: int, f: Callable[[Points], Points], noise: float
) -> tuple[Points, Points]:
    x = rng.uniform(-1, 1, n)
    return x, f(x) + noise * rng.normal(size=n)


def _degree_cases(rng: np.random.Generator) -> list:
    def pair(f: Callable[[Points], Points], noise: float, n: int, m: int) -> tuple[Points, ...]:
        return *_points(rng, n, f, noise), *_points(rng, m, f, noise)

    return [
        case(*pair(lambda x: 2 * x - 1, 0.2, 12, 12), [0, 1, 2, 3], label="a straight line with noise"),
        case(*pair(lambda x: np.sin(4 * x), 0.3, 20, 20), list(range(9)), label="a wave"),
        case(
            *pair(lambda x: np.sin(4 * x), 0.3, 20, 30), [7, 1, 5, 3], label="degrees that are not in order"
        ),
        case(*pair(lambda x: x**2, 1.0, 15, 40), [0, 2, 4, 6, 8], label="much noise, unequal sets"),
        case(
            *pair(lambda x: np.abs(x), 0.05, 40, 15),
            [0, 2, 4, 6, 8],
            label="a function that is no polynomial",
        ),
        case(*pair(lambda x: x**3, 0.1, 10, 10), [4], label="a single candidate"),
        case(*pair(lambda x: np.sin(4 * x), 0.3, 20, 30), [1, 8], label="the best degree is not on the list"),
    ]


CHOOSE_DEGREE = Exercise(
    id="overfitting/choose_degree",
    section=SECTION,
    title="Let the validation set choose",
    reference=choose_degree,
    cases=_degree_cases,
    alternatives=[_with_powers],
    mistakes=[
        Mistake(
            _choice(lambda x, y, xv, yv, degrees: _errors(x, y, x, y, degrees)),
            "The training error chooses. It falls with every degree, so the largest one always wins.",
        ),
        Mistake(
            _choice(report=lambda x, y, xv, yv, degrees: _errors(x, y, x, y, degrees)),
            "The degree is right, but the error returned is the training error of the winner. Return its validation "
            "error.",
        ),
        Mistake(
            _choice(lambda x, y, xv, yv, degrees: _errors(xv, yv, xv, yv, degrees)),
            "The fits are made to the validation points. Fit to the training points, judge on the others.",
        ),
        Mistake(
            _choice(lambda x, y, xv, yv, degrees: _errors(xv, yv, x, y, degrees)),
            "The two sets are exchanged: this fits to the validation points and judges on the training points.",
        ),
        Mistake(
            _choice(_on_both),
            "The fits are made to both sets together, so the judge has been trained on. Validation points must not "
            "take part in the fit.",
        ),
        Mistake(
            _choice(report=_on_both),
            "The degree is right, but the error is that of a fit to both sets. Return the one that chose the degree.",
        ),
        Mistake(
            _all_up_to_the_last,
            "This tries degrees that are not on the list. Choose among those given.",
        ),
        Mistake(
            lambda x, y, xv, yv, degrees: choose_degree(x, y, xv, yv, degrees)[::-1],
            "The two are in the wrong order: first the degree, then its error.",
        ),
        Mistake(
            _choice(_mean_distance),
            "This is the mean distance. Return the mean of the squares.",
        ),
        Mistake(
            _by_place,
            "This is the place of the winner in `degrees`. Return the degree that stands there.",
        ),
        Mistake(
            _choice(lambda x, y, xv, yv, degrees: -_errors(x, y, xv, yv, degrees), report=_errors),
            "This is the degree with the highest validation error. Take the lowest.",
        ),
        Mistake(
            _scaled(lambda error, m: error**0.5), "The error is a root here. Return the mean of the squares."
        ),
        Mistake(
            _scaled(lambda error, m: error * m),
            "The error is a sum here. Return the mean, which does not depend on how many points there are.",
        ),
        Mistake(
            _scaled(lambda error, m: error / 2),
            "The error has the factor one half of gradient descent. Return the plain mean of the squares.",
        ),
    ],
    hint="A loop over the degrees: fit to x and y, predict at x_validation, compare with y_validation.",
)

EXERCISES = [BIAS_VARIANCE, CHOOSE_DEGREE]
