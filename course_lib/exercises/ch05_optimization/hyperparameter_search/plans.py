"""Exercises on where to put trials: the logarithmic scale, and a grid beside random points."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/hyperparameter_search"
Array = np.ndarray

# log-uniform


def log_uniform(u: Array, low: float, high: float) -> Array:
    """Equal steps of u are equal factors."""
    return np.exp(np.log(low) + (np.log(high) - np.log(low)) * np.asarray(u))


def _powers(u: Array, low: float, high: float) -> Array:
    return 10 ** (np.log10(low) * (1 - np.asarray(u)) + np.log10(high) * np.asarray(u))


LOG_UNIFORM = Exercise(
    id="hyperparameter_search/log_uniform",
    section=SECTION,
    title="Draw on the right scale",
    reference=log_uniform,
    cases=[
        case(np.array([0.0, 0.5, 1.0]), 0.01, 1.0, label="both ends and the middle"),
        case(np.array([0.1, 0.35, 0.8]), 1e-5, 1e-1, label="learning rates"),
        case(np.array([[0.2, 0.9], [0.6, 0.05]]), 4.0, 64.0, label="widths, a table of numbers"),
        case(np.array([0.25]), 0.3, 0.5, label="less than a decade"),
        case(np.array([0.0, 1.0, 0.7]), 1e-12, 1e3, label="fifteen decades"),
        case(np.array([0.4, 0.95]), 2.0, 3.0, label="from 2 to 3"),
    ],
    alternatives=[_powers, lambda u, low, high: low * (high / low) ** np.asarray(u)],
    mistakes=[
        Mistake(
            lambda u, low, high: low + (high - low) * np.asarray(u),
            "These values are uniform: equal steps of u add equal amounts, so nearly all lie in the highest decade. "
            "Make u linear in the logarithm.",
        ),
        Mistake(
            lambda u, low, high: np.log10(low) + (np.log10(high) - np.log10(low)) * np.asarray(u),
            "These are the logarithms of the values. Raise 10 to them.",
        ),
        Mistake(
            lambda u, low, high: np.log(low) + (np.log(high) - np.log(low)) * np.asarray(u),
            "These are the natural logarithms of the values. Take exp of them.",
        ),
        Mistake(
            lambda u, low, high: np.exp(np.log10(low) + (np.log10(high) - np.log10(low)) * np.asarray(u)),
            "Two bases are mixed: logarithms to base 10, then exp. Use log10 with powers of 10, or log with exp.",
        ),
        Mistake(
            lambda u, low, high: 10 ** (np.log(low) + (np.log(high) - np.log(low)) * np.asarray(u)),
            "Two bases are mixed: natural logarithms, then powers of 10. Use log with exp, or log10 with powers of 10.",
        ),
        Mistake(
            lambda u, low, high: 10 ** (low + (high - low) * np.asarray(u)),
            "The ends are taken for exponents here. low and high are the values themselves: take their logarithms first.",
        ),
        Mistake(
            lambda u, low, high: np.exp(low + (high - low) * np.asarray(u)),
            "This is exp of a number between low and high. Take the logarithms of low and high first.",
        ),
        Mistake(
            lambda u, low, high: log_uniform(1 - np.asarray(u), low, high),
            "The range is run through from the upper end: u = 0 must give low and u = 1 high.",
        ),
        Mistake(
            lambda u, low, high: 10 ** (np.log10(low) + np.log10(high) * np.asarray(u)),
            "At u = 1 this gives low times high. Multiply u by the difference of the logarithms.",
        ),
        Mistake(
            lambda u, low, high: low * 10 ** np.asarray(u),
            "This always runs through one decade. The factor from end to end is high / low.",
        ),
        Mistake(
            lambda u, low, high: np.geomspace(low, high, np.size(u)).reshape(np.shape(u)),
            "These values are spread evenly over the decades whatever u is. Put each entry of u into the formula.",
        ),
        Mistake(
            lambda u, low, high: np.exp(np.log(low) + np.log(high - low) * np.asarray(u)),
            "The logarithm of the difference is not the difference of the logarithms: u is multiplied with "
            "log(high) - log(low).",
        ),
        Mistake(
            lambda u, low, high: low + (high - low) * np.asarray(u) ** 2,
            "Squaring u pushes the values down, but this is no logarithmic scale: equal steps of u must be equal factors.",
        ),
        Mistake(
            lambda u, low, high: 1 / (1 / low + (1 / high - 1 / low) * np.asarray(u)),
            "Here 1/value is uniform, so most values lie near low. Make the logarithm uniform.",
        ),
        Mistake(
            lambda u, low, high: low + (high - low) * (10 ** np.asarray(u) - 1) / 9,
            "The powers of 10 are stretched onto the range by adding and multiplying, so that factors are not kept. "
            "Interpolate between the logarithms of low and high.",
        ),
    ],
    hint="Where must u = 1/2 lead? To the geometric mean of low and high, the root of their product.",
)

# a grid and as many random points


def _cells(k: int, d: int) -> Array:
    return np.array(list(itertools.product(range(k), repeat=d)))


def two_plans(k: int, d: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """All combinations of the middles of k cells, and as many random points."""
    return (_cells(k, d) + 0.5) / k, rng.random((k**d, d))


def _with_mesh(k: int, d: int, rng: np.random.Generator) -> tuple[Array, Array]:
    axis = (2 * np.arange(k) + 1) / (2 * k)
    mesh = np.meshgrid(*[axis] * d, indexing="ij")
    return np.column_stack([part.ravel() for part in mesh]), rng.random((k**d, d))


def _plans(
    grid: Callable[[int, int], Array] = lambda k, d: (_cells(k, d) + 0.5) / k,
    points: Callable[[Any, int, int], Array] = lambda rng, k, d: rng.random((k**d, d)),
) -> Callable[[int, int, np.random.Generator], tuple[Array, Array]]:
    return lambda k, d, rng: (grid(k, d), points(rng, k, d))


def _diagonal(k: int, d: int) -> Array:
    return np.repeat((np.arange(k)[:, None] + 0.5) / k, d, axis=1)


def _mesh_xy(k: int, d: int) -> Array:
    mesh = np.meshgrid(*[(np.arange(k) + 0.5) / k] * d)
    return np.stack(mesh, axis=-1).reshape(-1, d)


def _stacked(k: int, d: int) -> Array:
    return np.stack(np.meshgrid(*[(np.arange(k) + 0.5) / k] * d, indexing="ij"))


def _each_set_once(k: int, d: int) -> Array:
    return (np.array(list(itertools.combinations_with_replacement(range(k), d))) + 0.5) / k


TWO_PLANS = Exercise(
    id="hyperparameter_search/two_plans",
    section=SECTION,
    title="Two plans for one budget",
    reference=two_plans,
    cases=[
        case(2, 2, np.random.default_rng(1), label="four trials, two parameters"),
        case(3, 2, np.random.default_rng(2), label="nine trials, two parameters"),
        case(2, 3, np.random.default_rng(3), label="eight trials, three parameters"),
        case(4, 1, np.random.default_rng(4), label="a single parameter"),
        case(1, 3, np.random.default_rng(5), label="a single trial"),
        case(3, 4, np.random.default_rng(6), label="81 trials, four parameters"),
    ],
    alternatives=[_with_mesh],
    mistakes=[
        Mistake(
            _plans(grid=lambda k, d: _cells(k, d) / max(k - 1, 1)),
            "The grid runs from 0 to 1, ends included. Its values are the middles of k equal cells: the first is 1/(2k).",
        ),
        Mistake(
            _plans(grid=lambda k, d: _cells(k, d) / k),
            "The grid has the lower ends of the cells. Move it by half a cell to their middles.",
        ),
        Mistake(
            _plans(grid=lambda k, d: (_cells(k, d) + 1) / k),
            "The grid has the upper ends of the cells. Move it by half a cell to their middles.",
        ),
        Mistake(
            _plans(grid=lambda k, d: (_cells(k, d) + 1) / (k + 1)),
            "The values are 1/(k+1), 2/(k+1) and so on. The middles of k equal cells are 1/(2k), 3/(2k) and so on.",
        ),
        Mistake(
            _plans(grid=lambda k, d: _cells(k, d) + 0.5),
            "The grid is not divided by k: it should lie between 0 and 1.",
        ),
        Mistake(
            _plans(grid=lambda k, d: (_cells(k, d)[:, ::-1] + 0.5) / k),
            "The first parameter changes fastest here. The last one should.",
        ),
        Mistake(
            _plans(grid=_mesh_xy),
            "The combinations come in another order: np.meshgrid exchanges its first two axes unless you give it "
            "indexing='ij'.",
        ),
        Mistake(
            _plans(grid=_diagonal),
            "This grid is a diagonal: all parameters change together, so there are only k trials. Take all combinations.",
        ),
        Mistake(
            _plans(grid=_stacked),
            "These are the axes of a mesh, still in the form of a cube. Flatten them: one row for each trial, one column "
            "for each parameter.",
        ),
        Mistake(
            _plans(grid=_each_set_once),
            "Every set of values stands here once, so (a, b) is there and (b, a) is not. These are different settings: "
            "take the product.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: rng.random((k, d))),
            "The random plan has k trials only. Give it the budget of the grid, k to the power of d.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: rng.random((k * d, d))),
            "The random plan has k times d trials. Give it the budget of the grid, k to the power of d.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: rng.random((d, k**d)).T),
            "The random numbers are drawn as (d, trials) and turned, so other numbers come to other places. Draw them as "
            "(trials, d).",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: rng.random((d, k**d))),
            "The random plan has one row for each parameter. It should have one row for each trial.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: np.repeat(rng.random((k**d, 1)), d, axis=1)),
            "All parameters of a random trial are the same number. Draw one for each.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: rng.normal(size=(k**d, d))),
            "These numbers are normally distributed. Draw them uniformly, with rng.random.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: (rng.integers(k, size=(k**d, d)) + 0.5) / k),
            "These are random points of the grid, so the random plan, too, has only k values of each parameter. Draw "
            "with rng.random.",
        ),
        Mistake(
            _plans(points=lambda rng, k, d: np.random.default_rng(0).random((k**d, d))),
            "The random plan comes from a generator of its own, with seed 0. Draw from the rng that is handed over.",
        ),
        Mistake(
            lambda k, d, rng: two_plans(k, d, rng)[::-1],
            "The two plans are exchanged. Return the grid first.",
        ),
    ],
    hint="itertools.product(range(k), repeat=d) goes through the cells in the right order.",
)

EXERCISES = [LOG_UNIFORM, TWO_PLANS]
