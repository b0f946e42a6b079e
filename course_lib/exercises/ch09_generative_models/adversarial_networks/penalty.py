"""The exercise on the gradient penalty."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray


def penalty(W: Array, b: Array, v: Array, real: Array, fake: Array, u: Array) -> float:
    """mean (||W^T (v (1 - h^2))|| - 1)^2 at the points between."""
    norms = np.linalg.norm(_slopes(W, b, v, u[:, None] * real + (1 - u[:, None]) * fake), axis=1)
    return float(np.mean((norms - 1) ** 2))


def _slopes(W: Array, b: Array, v: Array, x: Array) -> Array:
    """Gradients (n, d) of v . tanh(W x + b) by x."""
    return (v * (1 - np.tanh(x @ W.T + b) ** 2)) @ W


def _of_sigmoid(W: Array, b: Array, v: Array, x: Array) -> Array:
    h = np.tanh(x @ W.T + b)
    return (v * h * (1 - h)) @ W


def _by_loop(W: Array, b: Array, v: Array, real: Array, fake: Array, u: Array) -> float:
    total = 0.0
    for x, made, weight in zip(real, fake, u, strict=True):
        z = W @ (made + weight * (x - made)) + b
        slope = sum(vj / np.cosh(zj) ** 2 * row for vj, zj, row in zip(v, z, W, strict=True))
        total += (float(np.sqrt(slope @ slope)) - 1) ** 2
    return total / len(u)


def _by_differences(W: Array, b: Array, v: Array, real: Array, fake: Array, u: Array) -> float:
    x = u[:, None] * real + (1 - u[:, None]) * fake
    step = 1e-5
    columns = [
        (np.tanh((x + step * e) @ W.T + b) - np.tanh((x - step * e) @ W.T + b)) @ v / (2 * step)
        for e in np.eye(x.shape[1])
    ]
    return float(np.mean((np.sqrt(np.sum(np.square(columns), axis=0)) - 1) ** 2))


def _priced(
    price: Callable[[Array], float] = lambda slopes: float(
        ((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean()
    ),
    where: Callable[[Array, Array, Array], Array] = lambda real, fake, u: (
        u[:, None] * real + (1 - u[:, None]) * fake
    ),
    slopes: Callable[[Array, Array, Array, Array], Array] = _slopes,
) -> Callable[..., float]:
    """Another price, place or slope."""

    def answer(W: Array, b: Array, v: Array, real: Array, fake: Array, u: Array) -> float:
        return price(slopes(W, b, v, where(real, fake, u)))

    return answer


def _critics(rng: np.random.Generator) -> list[Case]:
    def critic(n: int, d: int, k: int, scale: float, label: str) -> Case:
        parts = (scale * rng.normal(size=shape).round(2) for shape in ((k, d), (k,), (k,)))
        real, fake = rng.normal(size=(n, d)).round(2), rng.normal(size=(n, d)).round(2) + 1
        return case(*parts, real, fake, rng.integers(0, 9, n) / 8, label=label)

    return [
        critic(1, 2, 1, 1.0, "one point, one unit"),
        critic(3, 2, 4, 1.0, "three points"),
        critic(5, 3, 3, 0.4, "a flat critic"),
        critic(4, 2, 6, 2.0, "a steep critic"),
        case(
            np.eye(2),
            np.zeros(2),
            np.zeros(2),
            np.ones((2, 2)),
            np.zeros((2, 2)),
            np.array([0.25, 0.5]),
            label="a critic without any slope",
        ),
    ]


PENALTY = Exercise(
    id="adversarial_networks/penalty",
    section=SECTION,
    title="The gradient penalty",
    reference=penalty,
    cases=_critics,
    alternatives=[_by_loop, _by_differences],
    rtol=1e-5,
    atol=1e-8,
    mistakes=[
        Mistake(
            _priced(where=lambda real, fake, u: real),
            "The slope is taken at the real points. Take it at the points between.",
        ),
        Mistake(
            _priced(where=lambda real, fake, u: fake),
            "The slope is taken at the made points. Take it at the points between.",
        ),
        Mistake(
            _priced(where=lambda real, fake, u: (1 - u[:, None]) * real + u[:, None] * fake),
            "u weighs the made point. Here it weighs the real one: u real + (1 - u) fake.",
        ),
        Mistake(
            _priced(where=lambda real, fake, u: (real + fake) / 2),
            "The slope is taken half way, whatever u is. Each pair has its own u.",
        ),
        Mistake(
            _priced(price=lambda slopes: float((((slopes**2).sum(axis=1) - 1) ** 2).mean())),
            "The squared norm is compared with 1. Take the root of the sum of squares first.",
        ),
        Mistake(
            _priced(price=lambda slopes: float((slopes**2).sum(axis=1).mean())),
            "This drives the slope to 0, as the penalty on real points does. Here it is to be 1: subtract 1 from the norm.",
        ),
        Mistake(
            _priced(price=lambda slopes: float((np.linalg.norm(slopes, axis=1).mean() - 1) ** 2)),
            "The mean of the norms is compared with 1, so steep and flat places make up for one another. Square first.",
        ),
        Mistake(
            _priced(price=lambda slopes: float(((np.linalg.norm(slopes, axis=1) - 1) ** 2).sum())),
            "The penalties are summed over the points. Take their mean.",
        ),
        Mistake(
            _priced(price=lambda slopes: float(np.abs(np.linalg.norm(slopes, axis=1) - 1).mean())),
            "The distance from 1 is not squared.",
        ),
        Mistake(
            _priced(
                price=lambda slopes: float((np.maximum(np.linalg.norm(slopes, axis=1) - 1, 0) ** 2).mean())
            ),
            "Only slopes above 1 are charged. This penalty is two-sided: a flat critic pays as well.",
        ),
        Mistake(
            _priced(price=lambda slopes: float(((np.abs(slopes) - 1) ** 2).sum(axis=1).mean())),
            "Each coordinate's slope is driven to 1. The norm over all coordinates is to be 1.",
        ),
        Mistake(
            _priced(slopes=lambda W, b, v, x: (v * (1 - np.tanh(x @ W.T + b))) @ W),
            "The derivative of tanh is 1 - tanh^2; here the square is missing.",
        ),
        Mistake(
            _priced(slopes=_of_sigmoid),
            "h (1 - h) is the derivative of the sigmoid. That of tanh is 1 - h^2.",
        ),
        Mistake(
            _priced(slopes=lambda W, b, v, x: _slopes(W, np.zeros_like(b), v, x)),
            "b is missing from W x + b. It falls out of the gradient, but not out of the tanh.",
        ),
        Mistake(
            _priced(slopes=lambda W, b, v, x: _slopes(W, b, np.ones_like(v), x)),
            "v is missing: each unit's slope is weighted by its v.",
        ),
        Mistake(
            _priced(where=lambda real, fake, u: u[0] * real + (1 - u[0]) * fake),
            "One u serves all points. Each pair has its own: make u a column, (n, 1).",
        ),
        Mistake(
            _priced(price=lambda slopes: float(((np.linalg.norm(slopes, axis=0) - 1) ** 2).mean())),
            "The norm goes over the points, one for each coordinate. Take it over the coordinates, one for each point.",
        ),
        Mistake(
            _priced(price=lambda slopes: float((np.linalg.norm(slopes) - 1) ** 2)),
            "One norm is taken of all slopes together. Each point has its own.",
        ),
        Mistake(
            _priced(price=lambda slopes: float(((np.abs(slopes).sum(axis=1) - 1) ** 2).mean())),
            "The absolute slopes are added up. The norm is the Euclidean one: the root of the sum of squares.",
        ),
        Mistake(
            _priced(price=lambda slopes: float(np.sqrt(((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean()))),
            "This is the root of the mean square. The penalty is the mean square itself.",
        ),
        Mistake(
            _priced(slopes=lambda W, b, v, x: np.tile(v @ W, (len(x), 1))),
            "The units are taken to be linear: the derivative of tanh is missing, and with it the place.",
        ),
    ],
    hint="With h = tanh(W x + b), the gradient by x is W^T (v * (1 - h^2)). One norm for each point.",
)
