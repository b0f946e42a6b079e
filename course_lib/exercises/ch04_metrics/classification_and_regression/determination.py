"""The exercise on R^2, which compares with the baseline of squared error."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/classification_and_regression"


def r_squared(t: np.ndarray, t_hat: np.ndarray) -> float:
    """One minus the squared error over that of the labels' own mean."""
    return float(1 - np.sum((t - t_hat) ** 2) / np.sum((t - t.mean()) ** 2))


def _correlation(t: np.ndarray, t_hat: np.ndarray) -> float:
    with np.errstate(all="ignore"):  # answers that are all equal have no correlation
        return float(np.corrcoef(t, t_hat)[0, 1])


def _squared_correlation(t: np.ndarray, t_hat: np.ndarray) -> float:
    return _correlation(t, t_hat) ** 2


def _exchanged(t: np.ndarray, t_hat: np.ndarray) -> float:
    with np.errstate(all="ignore"):
        return float(1 - np.sum((t - t_hat) ** 2) / np.sum((t_hat - t_hat.mean()) ** 2))


R2 = Exercise(
    id="classification_and_regression/r_squared",
    section=SECTION,
    title="R squared",
    reference=r_squared,
    cases=[
        case(np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 2.0, 4.0, 5.0]), label="good answers"),
        case(
            np.array([1.0, 2.0, 3.0, 6.0]),
            np.array([3.0, 3.0, 3.0, 3.0]),
            label="always the mean of the labels",
        ),
        case(
            np.array([1.0, 2.0, 3.0, 6.0]), np.array([6.0, 3.0, 2.0, 1.0]), label="answers in the wrong order"
        ),
        case(
            np.array([1.0, 2.0, 3.0, 6.0]),
            np.array([11.0, 12.0, 13.0, 16.0]),
            label="every answer 10 too large",
        ),
        case(np.array([-2.0, 0.0, 5.0]), np.array([-2.0, 0.0, 5.0]), label="perfect answers"),
        case(np.array([10.0, 12.0]), np.array([20.0, 40.0]), label="two labels, answers far away"),
        case(
            np.array([0.0, 1.0, 2.0, 3.0]),
            np.array([1.0, 1.5, 1.5, 2.0]),
            label="answers drawn towards the middle",
        ),
    ],
    alternatives=[lambda t, t_hat: 1 - np.mean((t_hat - t) ** 2) / np.var(t)],
    mistakes=[
        Mistake(
            _squared_correlation,
            "This is the squared correlation. It forgives answers that are all 10 too large, or in reverse order; R^2 does not "
            "and may be negative. Compare the squared errors as they are.",
        ),
        Mistake(
            _correlation,
            "This is the correlation. It forgives a shift or another scale, which R^2 does not. Compare the squared errors with those of always "
            "answering the mean of t.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.sum((t - t_hat) ** 2) / np.sum((t - np.median(t)) ** 2)),
            "The baseline here is the median of the labels. Under squared error it is their mean.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.mean((t - t_hat) ** 2) / np.std(t)),
            "The mean squared error is divided by the standard deviation, which is in other units. Divide by the variance.",
        ),
        Mistake(
            _exchanged,
            "The spread below the fraction bar is that of the answers. The baseline is always the mean of the labels t, so it is "
            "their spread that counts.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.var(t - t_hat) / np.var(t)),
            "The variance of the errors forgives a shift: answers that are all 10 too large get 1 here. Use the mean of the "
            "squared errors.",
        ),
        Mistake(
            lambda t, t_hat: max(0.0, r_squared(t, t_hat)),
            "Negative values are cut off at 0 here. They are part of the message: these answers are worse than the mean.",
        ),
        Mistake(
            lambda t, t_hat: abs(r_squared(t, t_hat)),
            "The sign has been dropped. A negative value says that the answers are worse than the mean.",
        ),
        Mistake(
            lambda t, t_hat: r_squared(t, t_hat) ** 2,
            "This is R^2 squared once more. The 2 belongs to the name: nothing is squared but the errors.",
        ),
        Mistake(
            lambda t, t_hat: 1 - r_squared(t, t_hat),
            "This is the share of the squared error that is left. Subtract it from 1.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.sum((t - t_hat) ** 2) / np.sum((t - t_hat.mean()) ** 2)),
            "The baseline here is the mean of the answers. It is the mean of the labels t.",
        ),
        Mistake(
            lambda t, t_hat: float(np.sum((t_hat - t.mean()) ** 2) / np.sum((t - t.mean()) ** 2)),
            "This is the spread of the answers over that of the labels. It equals R^2 only for a least-squares fit with a bias, on its own training "
            "data. Use the errors t - t_hat.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.mean((t - t_hat) ** 2) / np.var(t, ddof=1)),
            "The error is divided by n and the variance by n - 1. Use sums in both, or the same n.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.sum(np.abs(t - t_hat)) / np.sum(np.abs(t - t.mean()))),
            "The errors enter with their absolute values here. R^2 compares squared errors.",
        ),
        Mistake(
            lambda t, t_hat: float(1 - np.sqrt(np.sum((t - t_hat) ** 2) / np.sum((t - t.mean()) ** 2))),
            "This is 1 minus the ratio of the RMSEs. Leave out the root: R^2 compares the squared errors themselves.",
        ),
    ],
    hint="Two sums of squares: of your errors, and of the errors of someone who always answers the mean of t.",
)
