"""The exercise on answers that do not look at the picture."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/classification_and_regression"

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
    share = float(np.mean(test_t > limit))
    return max(share, 1 - share)


def _share_of_train_majority(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    share = float(np.mean(train_t > limit))
    return max(share, 1 - share)


def _at_least(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    return float(np.mean((test_t >= limit) == (np.mean(train_t >= limit) > 0.5)))


def _percent(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    return 100 * baseline_scores(train_t, test_t, limit)[0]


def _lower_median(train_t: np.ndarray, test_t: np.ndarray, limit: float) -> float:
    return np.mean(np.abs(test_t - np.sort(train_t)[(len(train_t) - 1) // 2]))


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
        case(
            np.array([5.0, 30.0]),
            np.array([1.0, 2.0, 40.0]),
            20.0,
            label="as many training labels beyond the limit as not",
        ),
        case(
            np.array([1.0, 60.0, 10.0, 35.0]),
            np.array([3.0, 24.0, 12.0]),
            20.0,
            label="half are beyond the limit, and so is the median",
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
            _scores(
                accuracy=lambda train_t, test_t, limit: np.mean(
                    (test_t > limit) == (np.mean(train_t > limit) >= 0.5)
                )
            ),
            "With as many labels beyond the limit as not, no was asked for. Use > 0.5 and not >=.",
        ),
        Mistake(
            _scores(
                accuracy=lambda train_t, test_t, limit: np.mean(
                    (test_t > limit) == (np.median(train_t) > limit)
                )
            ),
            "Your class is whether the median is beyond the limit. Where exactly half of the labels are, their median can lie on "
            "either side, and no was asked for. Count the labels beyond the limit.",
        ),
        Mistake(
            _scores(accuracy=_percent),
            "Your accuracy is in percent. Return the share, a number from 0 to 1.",
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
            _scores(mae=_lower_median),
            "Your median is the lower one of the two middle labels (as torch.median gives it). Take their mean, as np.median does.",
        ),
        Mistake(
            _scores(mae=lambda train_t, test_t, limit: np.median(np.abs(test_t - np.median(train_t)))),
            "Your third score is the median of the absolute errors. MAE is their mean; only the constant is a median.",
        ),
    ],
    hint="First three constants from train_t alone: a class, a mean, a median. Then three scores of them on test_t.",
)
