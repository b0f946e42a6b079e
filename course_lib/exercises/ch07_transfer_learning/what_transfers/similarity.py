"""The exercises on centred kernel alignment: from tables of products, and a control for it."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/what_transfers"


def by_features(x: np.ndarray, y: np.ndarray) -> float:
    """Linear CKA of x (n, p) and y (n, q): |Y^T X|^2 over the product of |X^T X| and |Y^T Y|."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cross = np.linalg.norm(y.T @ x) ** 2
    return float(cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def _centred(table: np.ndarray) -> np.ndarray:
    rows = table.mean(axis=1, keepdims=True)
    return table - rows - rows.T + table.mean()


def _cosine(k: np.ndarray, other: np.ndarray) -> float:
    return float((k * other).sum() / (np.linalg.norm(k) * np.linalg.norm(other)))


def linear_cka(table_x: np.ndarray, table_y: np.ndarray) -> float:
    """Linear CKA from X X^T and Y Y^T, both (n, n), of features that were not centred."""
    return _cosine(_centred(table_x), _centred(table_y))


def _with_matrix(table_x: np.ndarray, table_y: np.ndarray) -> float:
    h = np.eye(len(table_x)) - 1 / len(table_x)
    k, other = h @ table_x @ h, h @ table_y @ h
    return float(np.trace(k @ other) / np.sqrt(np.trace(k @ k) * np.trace(other @ other)))


def _after(centre: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda table_x, table_y: _cosine(centre(table_x), centre(table_y))


def _ones_not_divided(table_x: np.ndarray, table_y: np.ndarray) -> float:
    h = np.eye(len(table_x)) - 1
    return _cosine(h @ table_x @ h, h @ table_y @ h)


def _root(table_x: np.ndarray, table_y: np.ndarray) -> float:
    return float(np.sqrt(linear_cka(table_x, table_y)))


def _squares_below(table_x: np.ndarray, table_y: np.ndarray) -> float:
    k, other = _centred(table_x), _centred(table_y)
    return float((k * other).sum() / ((k**2).sum() * (other**2).sum()))


def _traces(table_x: np.ndarray, table_y: np.ndarray) -> float:
    k, other = _centred(table_x), _centred(table_y)
    return float((k * other).sum() / (np.trace(k) * np.trace(other)))


def _raw_below(table_x: np.ndarray, table_y: np.ndarray) -> float:
    above = (_centred(table_x) * _centred(table_y)).sum()
    return float(above / (np.linalg.norm(table_x) * np.linalg.norm(table_y)))


def _tables(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    def tables(x: np.ndarray, y: np.ndarray, label: str) -> Case:
        return case(x @ x.T, y @ y.T, label=label)

    same = whole(6, 3)
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    return [
        tables(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [0.0], [3.0]]), "the example of the lesson"),
        tables(same, 3 * same @ turn, "turned and three times as large"),
        tables(whole(7, 2), whole(7, 4), "two features against four"),
        tables(whole(5, 3) + 10, whole(5, 3) - 4, "features far from zero"),
        tables(same, same * np.array([10.0, 1.0, 0.1]), "features stretched by themselves"),
        tables(whole(4, 9), whole(4, 6), "fewer examples than features"),
    ]


CKA = Exercise(
    id="what_transfers/linear_cka",
    section=SECTION,
    title="Linear CKA from tables",
    reference=linear_cka,
    cases=_tables,
    alternatives=[_with_matrix],
    mistakes=[
        Mistake(
            _after(lambda k: k),
            "Nothing is centred here: the features' means are still in the tables. Take them out of rows and columns.",
        ),
        Mistake(
            _after(lambda k: k - k.mean(axis=0)),
            "The tables are centred along one axis. The mean stood in both factors of X X^T: centre rows and columns.",
        ),
        Mistake(
            _after(lambda k: k - k.mean()),
            "One number is taken off everywhere. Take off each row's and each column's own mean, and add the mean of all.",
        ),
        Mistake(
            _after(lambda k: k - k.mean(axis=0) - k.mean(axis=1, keepdims=True)),
            "With both means off, the mean of all entries is taken off twice. Add it once: rows must sum to 0.",
        ),
        Mistake(
            _ones_not_divided,
            "The matrix of ones is not divided by n: that takes off sums, not means. Use I - 1/n.",
        ),
        Mistake(
            by_features,
            "The tables are used as if they were features. They are products already: the cosine is between them.",
        ),
        Mistake(
            _root,
            "This is the root of CKA. The sum of all products of entries stands above without a root.",
        ),
        Mistake(
            _squares_below,
            "Below stand the squares of both lengths. A cosine divides by the lengths themselves: take the root.",
        ),
        Mistake(
            _traces,
            "Below stand the traces of the tables. Take their lengths: the root of the sum of all squared entries.",
        ),
        Mistake(
            _raw_below,
            "Above the tables are centred, below they are not. A cosine needs the same two tables in both places.",
        ),
    ],
    hint="If every feature of X had mean 0, every row of X X^T would sum to 0, and every column too.",
)


def above_chance(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    """CKA of the true pairs, less the mean CKA over wrong pairings y[order]."""
    floor = np.mean([by_features(x, y[order]) for order in orders])
    return float(by_features(x, y) - floor)


def _floor_only(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return float(np.mean([by_features(x, y[order]) for order in orders]))


def _largest(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - max(by_features(x, y[order]) for order in orders)


def _shuffled_both(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - float(np.mean([by_features(x[order], y[order]) for order in orders]))


def _first_only(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - by_features(x, y[orders[0]])


def _shuffled_x(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - float(np.mean([by_features(x[order], y) for order in orders]))


def _summed(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - sum(by_features(x, y[order]) for order in orders)


def _mean_first(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) - by_features(x, np.mean([y[order] for order in orders], axis=0))


def _ratio(x: np.ndarray, y: np.ndarray, orders: np.ndarray) -> float:
    return by_features(x, y) / _floor_only(x, y, orders)


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
            lambda x, y, orders: by_features(x, y),
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
            _shuffled_x,
            "The rows of x are shuffled, or those of y by the order turned round. Picture i gets row order[i] of y.",
        ),
        Mistake(
            _summed,
            "The controls are added up. Subtract their mean, which does not grow with the number of orders.",
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
