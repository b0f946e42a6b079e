"""An exercise on a whole run: patience, and the best weights given back."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "03_regularization/early_stopping"

Data = tuple[np.ndarray, np.ndarray]


def train_and_restore(
    train: Data, validation: Data, learning_rate: float, patience: int, max_epochs: int
) -> np.ndarray:
    """Gradient descent on the mean squared error, stopped by the validation error; the best weights."""
    return _trained(train, validation, learning_rate, patience, max_epochs)


def _error(data: Data, w: np.ndarray) -> float:
    x, y = data
    return float(np.mean((x @ w - y) ** 2))


def _trained(
    train: Data,
    validation: Data,
    learning_rate: float,
    patience: int,
    max_epochs: int,
    pick: Callable[[list[np.ndarray], int], np.ndarray] = lambda path, best: path[best],
    watch: Callable[[Data, Data], Data] = lambda train, validation: validation,
    before_last: bool = False,
    equal: bool = False,
    stale: Callable[[list[float], int], int] = lambda values, best: len(values) - 1 - best,
    factor: float = 2.0,
) -> np.ndarray:
    x, y = train
    w = np.zeros(x.shape[1])
    path: list[np.ndarray] = []
    values: list[float] = []
    best, lowest = 0, float("inf")
    for epoch in range(max_epochs):
        w = w - learning_rate * factor / len(x) * x.T @ (x @ w - y)
        path.append(w)
        value = _error(watch(train, validation), w)
        values.append(value)
        if value < lowest or (equal and value == lowest):
            best, lowest = epoch, value
        elif before_last:
            lowest = value
        if stale(values, best) >= patience:
            break
    return pick(path, best)


def _in_all(values: list[float], best: int) -> int:
    """Epochs without improvement since the start."""
    return sum(values[k] >= min(values[:k]) for k in range(1, len(values)))


def _since_last_fall(values: list[float], best: int) -> int:
    """Epochs in a row that did not improve on the one before them."""
    falls = [k for k in range(1, len(values)) if values[k] < values[k - 1]]
    return len(values) - 1 - max(falls, default=0)


def _wrong(**change: object) -> Callable[..., np.ndarray]:
    return lambda train, validation, learning_rate, patience, max_epochs: _trained(
        train,
        validation,
        learning_rate,
        patience,
        max_epochs,
        **change,  # type: ignore[arg-type]
    )


def _limitless(
    train: Data, validation: Data, learning_rate: float, patience: int, max_epochs: int
) -> np.ndarray:
    return _trained(train, validation, learning_rate, max_epochs + 1, max_epochs)


def _from_the_start(
    train: Data, validation: Data, learning_rate: float, patience: int, max_epochs: int
) -> np.ndarray:
    """Keep the zeros of the start as long as nothing is better."""
    start = np.zeros(train[0].shape[1])
    w = train_and_restore(train, validation, learning_rate, patience, max_epochs)
    return w if _error(validation, w) < _error(validation, start) else start


def _fit_cases(rng: np.random.Generator) -> list[Case]:
    def pair(n: int, d: int, noise: float, drift: float = 0.0) -> tuple[Data, Data]:
        w = rng.normal(size=d)
        x, x_held = rng.normal(size=(n, d)), rng.normal(size=(n, d))
        return (x, x @ w + noise * rng.normal(size=n)), (
            x_held,
            x_held @ (w + drift * rng.normal(size=d)) + noise * rng.normal(size=n),
        )

    line = np.array([[1.0], [2.0]]), np.array([1.0, 2.0])
    half = np.array([[1.0], [1.0]]), np.array([0.5, 0.5])
    away = np.array([[1.0], [1.0]]), np.array([-0.5, -1.0])
    # Two directions at two speeds: the validation error falls, rises, and falls below its first valley.
    steep = np.array([[4.0, 0.0], [0.0, 1.0]]), np.array([4.0, 1.0])
    bend = np.array([[4.0, -3.0], [0.0, 1.0]]), np.array([2.0, 1.0])
    # Here the second valley lies higher than the first.
    higher = np.array([[2.0, -2.0], [0.0, 2.0]]), np.array([1.0, 0.25])
    # Weights 0.5, 0.75, 0.875 ... exactly: the errors of the first two are equal to the last bit.
    unit = np.array([[1.0], [1.0]]), np.array([1.0, 1.0])
    tie = np.array([[1.0], [1.0]]), np.array([0.625, 0.625])
    # The first weight overshoots in every step, so the validation error falls in every other one.
    fast = np.array([[2.0, 0.0], [0.0, 0.5]]), np.array([2.0, 0.5])
    zigzag = np.eye(2), np.array([1.4, 1.0])
    return [
        case(line, half, 0.05, 2, 50, label="one weight, and validation wants half of it"),
        case(line, line, 0.05, 3, 7, label="the validation error falls to the end"),
        case(line, half, 0.1, 1, 50, label="one epoch of patience"),
        case(line, away, 0.05, 2, 50, label="every step makes it worse"),
        case(steep, bend, 0.02, 40, 200, label="two valleys, enough patience for the second"),
        case(steep, bend, 0.02, 3, 200, label="two valleys, patience for the first only"),
        case(steep, bend, 0.02, 12, 200, label="two valleys, falling again when patience ends"),
        case(steep, bend, 0.02, 24, 200, label="two valleys, patience ends one epoch before the second"),
        case(steep, bend, 0.02, 25, 200, label="two valleys, one epoch more of patience"),
        case(unit, tie, 0.25, 2, 50, label="two equal errors: the first counts"),
        case(fast, zigzag, 0.475, 2, 60, label="every other epoch is better"),
        case(steep, higher, 0.02, 25, 200, label="a second valley that is no better than the first"),
        case(*pair(12, 10, 1.0, 0.3), 0.03, 5, 200, label="ten weights, twelve noisy examples"),
        case(*pair(8, 12, 0.5), 0.02, 10, 60, label="more weights than examples"),
    ]


RESTORE = Exercise(
    id="early_stopping/train_and_restore",
    section=SECTION,
    title="Patience, and the best weights back",
    reference=train_and_restore,
    cases=_fit_cases,
    mistakes=[
        Mistake(
            _wrong(pick=lambda path, best: path[-1]),
            "These are the weights of the last epoch. If you kept the best ones and this is what came out, you kept "
            "the array that the steps change in place: keep a copy.",
        ),
        Mistake(
            _wrong(watch=lambda train, validation: train),
            "The training error decides here. It falls as long as you go on; watch the validation error.",
        ),
        Mistake(
            _limitless,
            "These are the best weights of all `max_epochs` epochs. Training should have stopped when `patience` "
            "epochs in a row did not improve.",
        ),
        Mistake(
            lambda train, validation, learning_rate, patience, max_epochs: _trained(
                train, validation, learning_rate, patience + 1, max_epochs
            ),
            "This stops an epoch late. Stop as soon as `patience` epochs in a row did not improve.",
        ),
        Mistake(
            lambda train, validation, learning_rate, patience, max_epochs: _trained(
                train, validation, learning_rate, patience - 1, max_epochs
            ),
            "This stops an epoch early. Only the `patience`-th epoch in a row without improvement ends the run.",
        ),
        Mistake(
            _wrong(stale=_in_all),
            "Epochs without improvement are counted over the whole run. Every improvement sets the count back to 0.",
        ),
        Mistake(
            _wrong(stale=_since_last_fall),
            "The count goes back to 0 whenever an error is below the one before. Only a new best error does that.",
        ),
        Mistake(
            _wrong(equal=True),
            "An equal error counts as an improvement here. It must be lower than the best.",
        ),
        Mistake(
            _wrong(before_last=True),
            "Each error is compared with the one before. Compare it with the best so far.",
        ),
        Mistake(
            _wrong(factor=1.0),
            "The gradient is half of what it should be: that of the mean of squares has a factor 2.",
        ),
        Mistake(
            lambda train, validation, learning_rate, patience, max_epochs: _trained(
                train, validation, learning_rate * len(train[0]), patience, max_epochs
            ),
            "The gradient is summed over the examples. Take the mean.",
        ),
        Mistake(
            _from_the_start,
            "The weights of the start take part here, where they are best. Compare weights after a step only.",
        ),
        Mistake(
            _wrong(pick=lambda path, best: path[max(best - 1, 0)]),
            "These are the weights from one epoch before the best. Measure after the step, and keep the weights that "
            "were measured.",
        ),
    ],
    hint="Inside the loop: step, measure, compare with the best, copy if better, stop if the best is too old.",
)

EXERCISES = [RESTORE]
