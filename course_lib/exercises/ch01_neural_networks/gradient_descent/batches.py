"""Exercises on mini-batches: how many, one epoch of them, and how noisy they are."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/gradient_descent"


def steps_per_epoch(m: int, batch_size: int) -> int:
    """Batches needed to see every example once, the last one perhaps short."""
    return -(-m // batch_size)


STEPS = Exercise(
    id="gradient_descent/steps_per_epoch",
    section=SECTION,
    title="Steps in an epoch",
    reference=steps_per_epoch,
    cases=[
        case(128, 32, label="128 examples in batches of 32"),
        case(130, 32, label="two examples left over"),
        case(128, 128, label="one batch of everything"),
        case(128, 1, label="one example at a time"),
        case(10, 32, label="a batch larger than the data"),
        case(1197, 100, label="1,197 digits in batches of 100"),
    ],
    alternatives=[lambda m, batch_size: int(np.ceil(m / batch_size))],
    mistakes=[
        Mistake(
            lambda m, batch_size: m // batch_size,
            "The short batch at the end is dropped here, and with it examples that are never seen.",
        ),
        Mistake(
            lambda m, batch_size: m // batch_size + 1,
            "One step too many whenever the batches fit exactly: 128 examples in batches of 32 are 4 steps.",
        ),
        Mistake(lambda m, batch_size: m, "This counts examples. One step is taken for each batch of them."),
        Mistake(lambda m, batch_size: m / batch_size, "A number of steps is a whole number: round up."),
        Mistake(
            lambda m, batch_size: round(m / batch_size),
            "Rounded to the nearest: a started batch is a step too.",
        ),
    ],
    hint="How many batches are full, and is anything left over?",
)

Step = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _slope(t: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient (2,) of the cost over the batch at t = (t0, t1)."""
    error = t[0] + t[1] * x - y
    return np.array([error.mean(), (error * x).mean()])


def one_epoch(
    t: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    learning_rate: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Shuffle, cut into batches, one step down for each."""
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        batch = order[start : start + batch_size]
        t = t - learning_rate * _slope(t, x[batch], y[batch])
    return t


def _epoch(
    shuffle: bool = True,
    keep_last: bool = True,
    first_only: bool = False,
    same_weights: bool = False,
    divide_by_batch_size: bool = False,
    y_in_order: bool = False,
    with_replacement: bool = False,
    scale: float = 1.0,
    summed: bool = False,
    one_after_other: bool = False,
) -> Callable[..., np.ndarray]:
    """A wrong epoch, by what it does differently."""

    def answer(
        t: np.ndarray,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        learning_rate: float,
        rng: np.random.Generator,
    ) -> np.ndarray:
        m, at = len(x), t
        order = rng.permutation(m) if shuffle else np.arange(m)
        for start in range(0, m if keep_last else m - m % batch_size, batch_size):
            batch = order[:batch_size] if first_only else order[start : start + batch_size]
            if with_replacement:
                batch = rng.integers(0, m, len(batch))
            answers = y[start : start + batch_size] if y_in_order else y[batch]
            slope = _slope(at if same_weights else t, x[batch], answers)
            if divide_by_batch_size:
                slope = slope * len(batch) / batch_size
            if summed:
                slope = slope * len(batch)
            if one_after_other:
                moved = np.array([t[0] - learning_rate * slope[0], t[1]])
                slope = np.array([slope[0], _slope(moved, x[batch], answers)[1]])
            t = t - scale * learning_rate * slope
        return t

    return answer


def _data(m: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 2, m)
    return x, 1 + 2 * x + 0.5 * rng.standard_normal(m)


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


EPOCH = Exercise(
    id="gradient_descent/one_epoch",
    section=SECTION,
    title="One epoch of mini-batches",
    reference=one_epoch,
    cases=[
        case(np.array([0.0, 0.0]), *_data(8, 0), 4, 0.1, _rng(0), label="8 examples in two batches"),
        case(
            np.array([1.0, -1.0]),
            *_data(10, 1),
            4,
            0.2,
            _rng(1),
            label="10 examples: the last batch is short",
        ),
        case(np.array([0.5, 0.5]), *_data(7, 2), 2, 0.05, _rng(2), label="7 examples in pairs"),
        case(np.array([0.0, 1.0]), *_data(6, 3), 1, 0.1, _rng(3), label="one example at a time"),
        case(np.array([0.0, 1.0]), *_data(5, 4), 8, 0.3, _rng(4), label="a batch larger than the data"),
    ],
    mistakes=[
        Mistake(
            _epoch(shuffle=False),
            "The examples come in their stored order. Shuffle them with rng.permutation.",
        ),
        Mistake(
            _epoch(keep_last=False),
            "The short batch at the end is dropped, so its examples are never used in this epoch.",
        ),
        Mistake(
            _epoch(divide_by_batch_size=True),
            "The short last batch is divided by batch_size. Divide by the number of examples really in it.",
        ),
        Mistake(
            _epoch(same_weights=True),
            "Every batch's gradient is taken at the weights of the start. Each step must begin where the last ended.",
        ),
        Mistake(
            _epoch(y_in_order=True),
            "x is shuffled and y is not, so most examples meet another one's answer. Use the same indices for both.",
        ),
        Mistake(
            _epoch(first_only=True),
            "Every step uses the first batch. Move the slice on: start, start + batch_size, and so on.",
        ),
        Mistake(
            _epoch(with_replacement=True),
            "Batches are drawn with replacement, so some examples come twice and others not at all.",
        ),
        Mistake(_epoch(scale=-1.0), "This climbs. Subtract the gradient."),
        Mistake(_epoch(scale=2.0), "The steps are twice as long: the one half in the cost cancels the 2."),
        Mistake(_epoch(summed=True), "This sums over the batch. Take the mean over the examples in it."),
        Mistake(
            _epoch(one_after_other=True),
            "The second slope is taken after t[0] has moved. Compute both, then move.",
        ),
    ],
    hint="order = rng.permutation(len(x)) once; then slices of order, batch_size long; a step for each.",
)


def gradient_noise(gradients: np.ndarray, batch_size: int) -> float:
    """Root mean square distance of the batch gradient from the full one, drawn without replacement."""
    m = len(gradients)
    variance = gradients.var(axis=0).sum()
    return float(np.sqrt(variance / batch_size * (m - batch_size) / (m - 1)))


def _noise(
    power: float = 0.5, correct: bool = True, ddof: int = 0, rooted: bool = True
) -> Callable[..., float]:
    """A wrong noise: another power of the batch size, no correction, another variance, no root."""

    def answer(gradients: np.ndarray, batch_size: int) -> float:
        m = len(gradients)
        spread = np.sqrt(gradients.var(axis=0, ddof=ddof).sum())
        factor = np.sqrt((m - batch_size) / (m - 1)) if correct else 1.0
        noise = spread / batch_size**power * factor
        return float(noise if rooted else noise**2)

    return answer


NOISE = Exercise(
    id="gradient_descent/gradient_noise",
    section=SECTION,
    title="The noise of a mini-batch",
    reference=gradient_noise,
    cases=[
        case(np.array([[1.0, 2.0], [-1.0, 5.0]]), 1, label="two gradients, batches of one"),
        case(
            np.array([[1.0, 0.0], [3.0, 4.0], [-1.0, 2.0], [0.0, -2.0]]),
            2,
            label="four gradients, batches of two",
        ),
        case(
            np.array([[1.0, 0.0], [3.0, 4.0], [-1.0, 2.0], [0.0, -2.0]]), 4, label="the whole set: no noise"
        ),
        case(
            np.random.default_rng(0).normal(3.0, 2.0, (50, 3)), 8, label="fifty gradients, batches of eight"
        ),
    ],
    mistakes=[
        Mistake(
            _noise(correct=False),
            "This is the noise of drawing with replacement. Without it, a batch of everything has none: multiply "
            "the variance by (m - B) / (m - 1).",
        ),
        Mistake(
            _noise(power=1.0),
            "The noise falls with the square root of the batch size, not with the batch size.",
        ),
        Mistake(
            _noise(power=0.0),
            "This does not divide by the batch size: averaging B gradients must reduce the noise.",
        ),
        Mistake(_noise(rooted=False), "This is the mean squared distance. Take its square root."),
        Mistake(
            _noise(ddof=1),
            "The variance divides by m - 1. The m gradients are everything there is, not a sample: divide by m.",
        ),
        Mistake(
            lambda g, b: np.sqrt(g.var(axis=0) / b * (len(g) - b) / (len(g) - 1)),
            "One number for each parameter. The squared distance adds them up before the root.",
        ),
        Mistake(
            lambda g, b: float(np.sqrt(g.var(axis=0).mean() / b * (len(g) - b) / (len(g) - 1))),
            "The squared distance of two vectors sums over their parts; this takes the mean.",
        ),
        Mistake(
            lambda g, b: float(np.sqrt(g.var(axis=0).sum() / b) * (len(g) - b) / (len(g) - 1)),
            "The correction belongs under the root: it multiplies the variance.",
        ),
        Mistake(
            lambda g, b: float(np.sqrt((g**2).sum(axis=1).mean() / b * (len(g) - b) / (len(g) - 1))),
            "Distances are taken from zero here. Subtract the mean gradient first.",
        ),
        Mistake(
            lambda g, b: float(np.sqrt(g.var(axis=0).sum() / b * (len(g) - b) / len(g))),
            "Nearly: the correction is (m - B) / (m - 1), which is 1 for batches of one.",
        ),
    ],
    hint="The variance of a mean of B draws without replacement is the variance / B times (m - B) / (m - 1).",
)

EXERCISES = [STEPS, EPOCH, NOISE]
