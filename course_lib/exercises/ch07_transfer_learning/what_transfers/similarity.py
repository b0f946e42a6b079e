"""The exercises on centred kernel alignment: the plain one, and a control for it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/what_transfers"


def linear_cka(x: np.ndarray, y: np.ndarray) -> float:
    """By features: |Y^T X|^2 over the product of |X^T X| and |Y^T Y|."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cross = np.linalg.norm(y.T @ x) ** 2
    return float(cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def _by_examples(x: np.ndarray, y: np.ndarray) -> float:
    """By examples: the cosine between the two centred n by n matrices of products."""
    n = len(x)
    centre = np.eye(n) - 1 / n
    k, kk = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return float((k * kk).sum() / np.sqrt((k * k).sum() * (kk * kk).sum()))


def _centred_by(centre: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], float]:
    def answer(x: np.ndarray, y: np.ndarray) -> float:
        x, y = centre(x), centre(y)
        below = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
        return float(np.linalg.norm(y.T @ x) ** 2 / below)

    return answer


def _parts(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return tuple(float(np.linalg.norm(each)) for each in (y.T @ x, x.T @ x, y.T @ y))  # type: ignore[return-value]


def _one_root(x: np.ndarray, y: np.ndarray) -> float:
    cross, xx, yy = _parts(x, y)
    return cross / np.sqrt(xx * yy)


def _squares_below(x: np.ndarray, y: np.ndarray) -> float:
    cross, xx, yy = _parts(x, y)
    return cross**2 / (xx * yy) ** 2


def _not_squared(x: np.ndarray, y: np.ndarray) -> float:
    cross, xx, yy = _parts(x, y)
    return cross / (xx * yy)


def _traces(x: np.ndarray, y: np.ndarray) -> float:
    cross, _, _ = _parts(x, y)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return float(cross**2 / ((x**2).sum() * (y**2).sum()))


def _standardized(x: np.ndarray, y: np.ndarray) -> float:
    def each(values: np.ndarray) -> np.ndarray:
        spread = values.std(axis=0)
        return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)

    return linear_cka(each(x), each(y))


def _pairs(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    same = whole(6, 3)
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    return [
        case(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [5.0]]), label="one feature each"),
        case(same, 3 * same @ turn, label="turned and three times as large"),
        case(whole(6, 3), whole(6, 3), label="three features each"),
        case(whole(7, 2), whole(7, 4), label="two features against four"),
        case(whole(5, 3) + 100, whole(5, 3) - 40, label="features far from zero"),
        case(same, same * np.array([10.0, 1.0, 0.1]), label="features stretched by themselves"),
        case(whole(4, 9), whole(4, 6), label="fewer examples than features"),
    ]


CKA = Exercise(
    id="what_transfers/linear_cka",
    section=SECTION,
    title="Linear CKA by examples",
    reference=linear_cka,
    cases=_pairs,
    alternatives=[_by_examples],
    mistakes=[
        Mistake(
            _centred_by(lambda v: v),
            "Nothing is centred here. Take off each feature's mean over the examples before the products.",
        ),
        Mistake(
            _centred_by(lambda v: v - v.mean(axis=1, keepdims=True)),
            "Each example's mean over its features is taken off. Centre the columns: mean over axis 0.",
        ),
        Mistake(
            _centred_by(lambda v: v - v.mean()),
            "One number is taken off everywhere. Every feature has its own mean: axis 0.",
        ),
        Mistake(
            _one_root,
            "This is the root of the formula. The products of K and L are already the squares: take no root above.",
        ),
        Mistake(
            _squares_below,
            "Below stand the squares of both lengths. A cosine divides by the lengths themselves: take the root.",
        ),
        Mistake(
            _not_squared,
            "Above stands a length, below a product of two: the result changes with the scale. The numerator is the sum of all K times L.",
        ),
        Mistake(
            _traces,
            "Below stand the traces of K and L. Take their lengths: the root of the sum of all squared entries.",
        ),
        Mistake(
            _standardized,
            "Features are divided by their spread. CKA only centres them; a feature of large variance counts more.",
        ),
    ],
    hint="First centre both. Then make two n by n matrices of products, and take the cosine between them.",
)


def above_chance(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    """CKA of the true pairs, less the mean CKA over wrong pairings y[order]."""
    floor = np.mean([linear_cka(x, y[order]) for order in orders])
    return float(linear_cka(x, y) - floor)


def _floor_only(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return float(np.mean([linear_cka(x, y[order]) for order in orders]))


def _largest(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return linear_cka(x, y) - max(linear_cka(x, y[order]) for order in orders)


def _shuffled_both(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return linear_cka(x, y) - float(np.mean([linear_cka(x[order], y[order]) for order in orders]))


def _first_only(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return linear_cka(x, y) - linear_cka(x, y[orders[0]])


def _mean_first(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return linear_cka(x, y) - linear_cka(x, np.mean([y[order] for order in orders], axis=0))


def _ratio(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return linear_cka(x, y) / _floor_only(x, y, orders)


def _controls(rng: np.random.Generator) -> list[Case]:
    def orders(k: int, n: int) -> np.ndarray:
        return np.stack([rng.permutation(n) for _ in range(k)])

    x = rng.normal(size=(8, 3))
    return [
        case(x, x, orders(3, 8), label="a representation with itself"),
        case(x, rng.normal(size=(8, 2)), orders(4, 8), label="two unrelated ones"),
        case(rng.normal(size=(6, 20)), rng.normal(size=(6, 20)), orders(5, 6), label="few examples"),
        case(x + 50, 2 * x[:, :2] + 7, orders(2, 8), label="far from zero"),
    ]


CONTROL = Exercise(
    id="what_transfers/above_chance",
    section=SECTION,
    title="A control for a similarity",
    reference=above_chance,
    cases=_controls,
    mistakes=[
        Mistake(
            _floor_only,
            "This is the control alone. Subtract it from the CKA of the true pairs.",
        ),
        Mistake(
            lambda x, y, orders: linear_cka(x, y),
            "Nothing is subtracted. Take off the mean CKA of the wrong pairings.",
        ),
        Mistake(
            _largest,
            "The largest of the controls is subtracted. The question was by how much the true pairs exceed the average one.",
        ),
        Mistake(
            _shuffled_both,
            "This is 0 for anything: x and y are shuffled alike, so that the pairs stay together. Shuffle only one of them.",
        ),
        Mistake(
            _first_only,
            "Only the first order is used. One shuffle is one draw: take the mean over all.",
        ),
        Mistake(
            _mean_first,
            "The shuffled representations are averaged, and then compared. Compare each, and average the similarities.",
        ),
        Mistake(
            _ratio,
            "This divides by the control. Subtract it: a difference is what was asked.",
        ),
        Mistake(
            lambda x, y, orders: -above_chance(x, y, orders),
            "The sign is turned: true pairs first, less the control.",
        ),
    ],
    hint="y[order] keeps every row of y and gives it to another example.",
)
