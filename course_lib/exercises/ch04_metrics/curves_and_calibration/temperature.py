"""The exercise on choosing a temperature."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/curves_and_calibration"
Choice = tuple[float, float]


def _log_softmax(z: np.ndarray) -> np.ndarray:
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _loss(z: np.ndarray, y: np.ndarray) -> float:
    return float(-_log_softmax(z)[np.arange(len(y)), y].mean())


def choose_temperature(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> Choice:
    """The candidate with the least mean cross-entropy of the softmax of logits / T, and this cross-entropy."""
    losses = [_loss(logits / t, y) for t in candidates]
    best = int(np.argmin(losses))
    return float(candidates[best]), losses[best]


def _with_logaddexp(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> Choice:
    best = (0.0, np.inf)
    for t in candidates:
        loss = float(np.mean(np.logaddexp.reduce(logits / t, axis=1) - logits[np.arange(len(y)), y] / t))
        best = (float(t), loss) if loss < best[1] else best
    return best


def _least(
    judge: Callable[[np.ndarray, np.ndarray, float], float],
    reported: Callable[[np.ndarray, np.ndarray, float], float] = lambda z, y, t: _loss(z / t, y),
) -> Callable[..., Choice]:
    """The candidate that minimizes another judge of (logits, y, T), and what is reported there."""

    def answer(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> Choice:
        with np.errstate(all="ignore"):
            best = int(np.argmin([judge(logits, y, t) for t in candidates]))
            return float(candidates[best]), float(reported(logits, y, candidates[best]))

    return answer


def _right_loss(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return _loss(z / t, y)


def _errors(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return float(((z / t).argmax(axis=1) != y).mean())


def _average_gap(z: np.ndarray, y: np.ndarray, t: float) -> float:
    p = np.exp(_log_softmax(z / t))
    return float(abs(p.max(axis=1).mean() - (p.argmax(axis=1) == y).mean()))


def _brier(z: np.ndarray, y: np.ndarray, t: float) -> float:
    p = np.exp(_log_softmax(z / t))
    return float(((p - np.eye(z.shape[1])[y]) ** 2).sum(axis=1).mean())


def _naive(z: np.ndarray, y: np.ndarray, t: float) -> float:
    e = np.exp(z / t)
    return float(-np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean())


def _no_logarithm(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return float(-np.exp(_log_softmax(z / t))[np.arange(len(y)), y].mean())


def _over_probabilities(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return float(-np.log(np.exp(_log_softmax(z))[np.arange(len(y)), y] / t).mean())


def _likelihood(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return -_loss(z / t, y)


def _own_answers(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return _loss(z / t, z.argmax(axis=1))


def _one_shift(z: np.ndarray, y: np.ndarray, t: float) -> float:
    shifted = (z - z.max()) / t
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]).mean())


def _one_shift_divided(z: np.ndarray, y: np.ndarray, t: float) -> float:
    e = np.exp((z - z.max()) / t)
    return float(-np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean())


def _clipped(least: float) -> Callable[[np.ndarray, np.ndarray, float], float]:
    def loss(z: np.ndarray, y: np.ndarray, t: float) -> float:
        p = np.exp(_log_softmax(z / t))[np.arange(len(y)), y]
        return float(-np.log(np.maximum(p, least)).mean())

    return loss


def _through_p(z: np.ndarray, y: np.ndarray, t: float) -> float:
    return float(-np.log(np.exp(_log_softmax(z / t))[np.arange(len(y)), y]).mean())


def _exchanged(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> Choice:
    best, loss = choose_temperature(logits, y, candidates)
    return loss, best


def _place(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> tuple[int, float]:
    losses = [_loss(logits / t, y) for t in candidates]
    return int(np.argmin(losses)), float(min(losses))


def _inverse(logits: np.ndarray, y: np.ndarray, candidates: np.ndarray) -> Choice:
    best, loss = choose_temperature(logits, y, candidates)
    return 1 / best, loss


def _networks(rng: np.random.Generator) -> list[Case]:
    def network(n: int, k: int, stretch: float) -> tuple[np.ndarray, np.ndarray]:
        z = rng.normal(0, 1.5, (n, k))
        p = np.exp(_log_softmax(z))
        y = np.array([rng.choice(k, p=row) for row in p])
        return np.round(stretch * z, 3), y

    two = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]]), np.array([0, 0, 1, 1])
    far, far_y = network(40, 4, 900.0)
    steps = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0])
    return [
        case(*two, np.array([0.5, 1.0, 4.0, 16.0]), label="four answers, one of them wrong"),
        case(*network(60, 3, 3.0), steps, label="an overconfident network"),
        case(*network(60, 3, 0.3), steps, label="a timid network"),
        case(*network(50, 5, 2.0), np.array([6.0, 3.0, 0.5, 2.0, 1.0]), label="candidates out of order"),
        case(*network(40, 2, 4.0), np.linspace(0.4, 8, 20), label="two classes"),
        case(far + 2e6, far_y, np.array([100.0, 300.0, 900.0, 500.0, 2000.0]), label="huge logits"),
        case(
            np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 6.0]]),
            np.array([0, 2]),
            np.array([4.0, 0.5, 1.0]),
            label="all answers right",
        ),
        case(
            np.array([[9.0, 0.0, 1.0]] + [[2.0, 0.0, -1.0]] * 9),
            np.array([1] + [0] * 9),
            np.array([0.4, 0.7, 1.0, 1.5, 2.5, 4.0]),
            label="one confident error",
        ),
        case(
            np.array([[2000.0, 1999.0, 1998.0], [2.0, 1.0, 0.0], [-2000.0, -2001.0, -1999.0]]),
            np.array([0, 1, 2]),
            np.array([0.5, 1.0, 2.0]),
            label="rows of different size",
        ),
        case(
            np.array([[90.0, 0.0, 0.0], [3.0, 1.0, 0.0]]),
            np.array([1, 0]),
            np.array([0.5, 1.0, 1.5]),
            label="one hopeless answer",
        ),
        case(
            np.array([[900.0, 0.0], [2.0, 0.0], [4.0, 5.0]]),
            np.array([1, 0, 1]),
            np.array([0.5, 1.0]),
            label="one even more hopeless",
        ),
    ]


TEMPERATURE = Exercise(
    id="curves_and_calibration/choose_temperature",
    section=SECTION,
    title="Choose a temperature",
    reference=choose_temperature,
    cases=_networks,
    alternatives=[_with_logaddexp],
    mistakes=[
        Mistake(
            _least(lambda z, y, t: _loss(z * t, y), lambda z, y, t: _loss(z * t, y)),
            "The logits are multiplied by the temperature. Divide by it: a large T makes the network less sure.",
        ),
        Mistake(
            _inverse,
            "This is 1 / T: the factor that the logits are multiplied by. Return the temperature.",
        ),
        Mistake(
            _least(_errors),
            "This chooses by accuracy, which is the same for all T; the first candidate wins. Choose by cross-entropy.",
        ),
        Mistake(
            _least(_average_gap),
            "This makes mean confidence and accuracy equal. Choose by cross-entropy.",
        ),
        Mistake(
            _least(_brier),
            "This chooses by the Brier score. Choose by cross-entropy.",
        ),
        Mistake(
            _least(_no_logarithm),
            "This maximizes the mean probability of the labels. Take the logarithm of each before the mean.",
        ),
        Mistake(
            _least(_over_probabilities, _over_probabilities),
            "The temperature divides the probabilities. Divide the logits, before the softmax.",
        ),
        Mistake(
            _least(_likelihood),
            "This is the candidate with the highest cross-entropy. Take the lowest.",
        ),
        Mistake(
            _least(_own_answers, _own_answers),
            "The loss is taken at the network's own answers, which are always best when T is least. Take it at the labels y.",
        ),
        Mistake(
            _least(_naive, _naive),
            "Right on paper, but the exponential of a large logit overflows. Subtract the largest logit of each row first.",
        ),
        Mistake(
            _least(_right_loss, lambda z, y, t: _loss(z, y)),
            "The temperature is right; the cross-entropy is that without it. Return the one at this temperature.",
        ),
        Mistake(
            _least(_right_loss, lambda z, y, t: _loss(z / t, y) * len(y)),
            "The temperature is right; the cross-entropy is a sum. Return the mean over the examples.",
        ),
        Mistake(
            _least(_right_loss, lambda z, y, t: _loss(z / t, y) / np.log(2)),
            "The temperature is right; the cross-entropy is in bits. Use the natural logarithm.",
        ),
        Mistake(
            _least(_one_shift, _one_shift),
            "The largest logit of all rows is subtracted from each. Where a row lies far below it, all exponentials of the row "
            "vanish, and the logarithm of their sum is lost. Subtract each row's own largest.",
        ),
        Mistake(
            _least(_one_shift_divided, _one_shift_divided),
            "The largest logit of all rows is subtracted from each. In a row far below it this divides zero by zero. Subtract "
            "each row's own largest.",
        ),
        Mistake(
            _least(_clipped(1e-12), _clipped(1e-12)),
            "The probabilities are clipped at 1e-12 before the logarithm, so that a hopeless answer costs too little. Take the "
            "log softmax as a difference, without going through p.",
        ),
        Mistake(
            _least(_clipped(1e-15), _clipped(1e-15)),
            "The probabilities are clipped at 1e-15 before the logarithm, so that a hopeless answer costs too little. Take the "
            "log softmax as a difference, without going through p.",
        ),
        Mistake(
            _least(_through_p, _through_p),
            "A probability that is too small for a float becomes 0 here, and its cross-entropy infinite. Take the log softmax as "
            "a difference, without going through p.",
        ),
        Mistake(
            _exchanged,
            "The two results are exchanged. Return the temperature first.",
        ),
        Mistake(
            _place,
            "The first number is the place of the best candidate in the list. Return the candidate.",
        ),
    ],
    hint="log softmax of z is z - max(z) - log(sum(exp(z - max(z)))), row by row.",
)
