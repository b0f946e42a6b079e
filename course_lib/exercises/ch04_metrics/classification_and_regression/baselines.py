"""Exercises on answers that do not look at the picture, and on R^2, which compares with one of them."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/classification_and_regression"

# the baseline of each metric

Scores = tuple[float, float, float]


def baseline_scores(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> Scores:
    """Best constants of the training labels, scored on the test labels."""
    majority = np.mean(train_t > limit) > 0.5
    accuracy = np.mean((test_t > limit) == majority)
    rmse = np.sqrt(np.mean((test_t - train_t.mean()) ** 2))
    mae = np.mean(np.abs(test_t - np.median(train_t)))
    return float(accuracy), float(rmse), float(mae)


def _counted(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> Scores:
    """The same, with the majority found by counting."""
    counts = np.bincount((train_t > limit).astype(int), minlength=2)
    right = (test_t > limit).astype(int) == counts.argmax()
    residual = test_t - np.mean(train_t)
    return (
        right.mean(),
        np.linalg.norm(residual) / len(test_t) ** 0.5,
        np.abs(test_t - np.median(train_t)).mean(),
    )


def _scores(
    accuracy: Callable[..., float] | None = None,
    rmse: Callable[..., float] | None = None,
    mae: Callable[..., float] | None = None,
) -> Callable[..., Scores]:
    """The right scores but for those computed from (train_t, test_t, limit) by the given functions."""

    def answer(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> Scores:
        right = baseline_scores(train_t, test_t, limit)
        wrong = (accuracy, rmse, mae)
        return tuple(  # type: ignore[return-value]
            value if replaced is None else float(replaced(train_t, test_t, limit))
            for value, replaced in zip(right, wrong, strict=True)
        )

    return answer


def _share_of_test_majority(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    share = np.mean(test_t > limit)
    return max(share, 1 - share)


def _share_of_train_majority(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    share = np.mean(train_t > limit)
    return max(share, 1 - share)


def _at_least(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    return np.mean((test_t >= limit) == (np.mean(train_t >= limit) > 0.5))


SCORES = Exercise(
    id="classification_and_regression/baseline_scores",
    section=SECTION,
    title="What can be had for nothing",
    reference=baseline_scores,
    cases=[
        case(
            np.array([1.0, 2.0, 3.0, 30.0]),
            np.array([2.0, 4.0, 25.0]),
            20.0,
            label="four training labels, three test labels",
        ),
        case(
            np.array([25.0, 30.0, 55.0, 5.0, 2.0]),
            np.array([1.0, 3.0, 40.0, 8.0]),
            20.0,
            label="most training labels are beyond the limit, most test labels are not",
        ),
        case(np.array([0.0, 1.0, 10.0]), np.array([4.0, 4.0]), 3.0, label="equal test labels"),
        case(
            np.array([20.0, 20.0, 20.0, 31.0, 50.0]),
            np.array([20.0, 21.0, 25.0]),
            20.0,
            label="labels exactly at the limit",
        ),
        case(
            np.array([-4.0, -1.0, 0.0, 0.5, 9.0, 12.0]),
            np.array([-2.0, 7.0, 1.0, 1.0, 30.0]),
            0.7,
            label="negative labels, an even number of them",
        ),
    ],
    alternatives=[_counted],
    mistakes=[
        Mistake(
            lambda train_t, test_t, limit: baseline_scores(test_t, test_t, limit),
            "These constants are computed from the test labels, which no model may see. Take majority, mean and median "
            "from train_t and score them on test_t.",
        ),
        Mistake(
            lambda train_t, test_t, limit: baseline_scores(train_t, train_t, limit),
            "These are the scores on the training labels. The constants come from train_t; the scores from test_t.",
        ),
        Mistake(
            _scores(accuracy=_share_of_test_majority),
            "Your accuracy is the share of the majority class of the test labels. The class must be chosen from train_t, and may "
            "then be the rarer one in test_t.",
        ),
        Mistake(
            _scores(accuracy=_share_of_train_majority),
            "Your accuracy is how frequent the majority class is in train_t. Choose the class there, then count how often it is "
            "right in test_t.",
        ),
        Mistake(
            _scores(accuracy=lambda train_t, test_t, limit: np.mean(test_t <= limit)),
            "Your accuracy is that of always saying no. That is the baseline only where most of train_t is not beyond the limit.",
        ),
        Mistake(
            _scores(
                accuracy=lambda train_t, test_t, limit: np.mean((test_t > limit) == (train_t.mean() > limit))
            ),
            "Your class is whether the mean label is beyond the limit. A few large labels can carry the mean there while most "
            "are not: count the labels beyond the limit.",
        ),
        Mistake(
            _scores(accuracy=_at_least),
            "A label equal to the limit counts as beyond it here. The class is yes only where the label exceeds the limit.",
        ),
        Mistake(
            _scores(rmse=lambda train_t, test_t, limit: np.mean((test_t - train_t.mean()) ** 2)),
            "Your second score is the mean squared error. The RMSE is its root, in the units of the labels.",
        ),
        Mistake(
            _scores(rmse=lambda train_t, test_t, limit: test_t.std()),
            "Your second score is the standard deviation of test_t: the error of the test labels' own mean. Answer the mean of train_t.",
        ),
        Mistake(
            _scores(rmse=lambda train_t, test_t, limit: np.sqrt(np.mean((test_t - np.median(train_t)) ** 2))),
            "Your second score answers the median. Under squared error the best constant is the mean.",
        ),
        Mistake(
            _scores(
                rmse=lambda train_t, test_t, limit: test_t.std(),
                mae=lambda train_t, test_t, limit: np.mean(np.abs(test_t - np.median(test_t))),
            ),
            "Your mean and your median are those of test_t. A model knows the training labels only: take both from train_t.",
        ),
        Mistake(
            lambda train_t, test_t, limit: (lambda a: (a[0], a[2], a[1]))(
                baseline_scores(train_t, test_t, limit)
            ),
            "RMSE and MAE are exchanged. Return accuracy, RMSE (of the mean), MAE (of the median).",
        ),
        Mistake(
            _scores(
                rmse=lambda train_t, test_t, limit: np.sqrt(np.mean((test_t - np.median(train_t)) ** 2)),
                mae=lambda train_t, test_t, limit: np.mean(np.abs(test_t - train_t.mean())),
            ),
            "Mean and median are exchanged. The mean belongs to squared error, the median to absolute error.",
        ),
        Mistake(
            _scores(mae=lambda train_t, test_t, limit: np.mean(np.abs(test_t - train_t.mean()))),
            "Your third score answers the mean. Under absolute error the best constant is the median.",
        ),
        Mistake(
            _scores(mae=lambda train_t, test_t, limit: np.median(np.abs(test_t - np.median(train_t)))),
            "Your third score is the median of the absolute errors. MAE is their mean; only the constant is a median.",
        ),
    ],
    hint="First three constants from train_t alone: a class, a mean, a median. Then three scores of them on test_t.",
)

# R^2


def r_squared(t: np.ndarray, t_hat: np.ndarray) -> float:
    """One minus the squared error over that of the labels' own mean."""
    return float(1 - np.sum((t - t_hat) ** 2) / np.sum((t - t.mean()) ** 2))


def _squared_correlation(t: np.ndarray, t_hat: np.ndarray) -> float:
    with np.errstate(all="ignore"):  # answers that are all equal have no correlation
        return float(np.corrcoef(t, t_hat)[0, 1] ** 2)


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
            "This is the spread of the answers over that of the labels. It equals R^2 only for a least-squares line on its own training "
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
