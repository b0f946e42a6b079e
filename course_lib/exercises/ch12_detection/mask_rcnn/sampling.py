"""The exercise on bilinear sampling."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/mask_rcnn"
Array = np.ndarray


def _value(f: Array, i: int, j: int) -> float:
    """The map at row i and column j, 0 outside."""
    h, w = f.shape
    return float(f[i, j]) if 0 <= i < h and 0 <= j < w else 0.0


def bilinear(f: Array, u: Array, v: Array) -> Array:
    """The map f (h, w) at the points (u, v), 0 outside of it."""
    padded = np.pad(f, 2)
    x, y = np.clip(u, -2, f.shape[1]) + 2, np.clip(v, -2, f.shape[0]) + 2
    j, i = np.floor(x).astype(int), np.floor(y).astype(int)
    a, b = x - j, y - i
    upper = (1 - a) * padded[i, j] + a * padded[i, j + 1]
    lower = (1 - a) * padded[i + 1, j] + a * padded[i + 1, j + 1]
    return (1 - b) * upper + b * lower


def _by_tents(f: Array, u: Array, v: Array) -> Array:
    h, w = f.shape
    across = np.maximum(0, 1 - np.abs(u[:, None] - np.arange(w)))
    down = np.maximum(0, 1 - np.abs(v[:, None] - np.arange(h)))
    return np.einsum("ni,ij,nj->n", down, f, across)


Weights = Callable[[float, float], tuple[float, float, float, float]]


def _sampled(
    point: Callable[[float, float], tuple[float, float]] = lambda u, v: (u, v),
    low: Callable[[float], int] = lambda x: int(np.floor(x)),
    value: Callable[[Array, int, int], float] = _value,
    weights: Weights = lambda a, b: ((1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b),
) -> Callable[[Array, Array, Array], Array]:
    """Another point, neighbours, border, or other weights: of i j, i j+1, i+1 j, i+1 j+1."""

    def answer(f: Array, u: Array, v: Array) -> Array:
        found = []
        for x, y in zip(u.tolist(), v.tolist(), strict=True):
            p, q = point(x, y)
            j, i = low(p), low(q)
            near = [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
            each = weights(p - j, q - i)
            found.append(sum(k * value(f, *place) for k, place in zip(each, near, strict=True)))
        return np.array(found)

    return answer


def _at_edge(f: Array, i: int, j: int) -> float:
    h, w = f.shape
    return float(f[min(max(i, 0), h - 1), min(max(j, 0), w - 1)])


def _wrapped(f: Array, i: int, j: int) -> float:
    h, w = f.shape
    return float(f[i, j]) if -h <= i < h and -w <= j < w else 0.0


def _all_or_nothing(f: Array, u: Array, v: Array) -> Array:
    h, w = f.shape
    inside = (u >= 0) & (u <= w - 1) & (v >= 0) & (v <= h - 1)
    return np.where(inside, bilinear(f, u, v), 0)


def _nearest(f: Array, u: Array, v: Array) -> Array:
    return np.array(
        [_value(f, int(np.floor(y + 0.5)), int(np.floor(x + 0.5))) for x, y in zip(u, v, strict=True)]
    )


def _points(rng: np.random.Generator) -> list[Case]:
    def draw(h: int, w: int, n: int, margin: float, label: str) -> Case:
        f = rng.normal(0, 1, (h, w)).round(2)
        return case(
            f, rng.uniform(-margin, w - 1 + margin, n), rng.uniform(-margin, h - 1 + margin, n), label=label
        )

    plane = np.array([[0.0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]])
    return [
        case(plane, np.array([1.0, 3.0]), np.array([2.0, 0.0]), label="on places"),
        case(plane, np.array([0.5, 1.25]), np.array([0.0, 1.5]), label="between places"),
        case(plane + 1, np.array([-0.5, 3.25]), np.array([1.0, 2.5]), label="half outside"),
        case(plane + 1, np.array([-3.0, 9.0, 2.0]), np.array([1.0, 1.0, -7.5]), label="far outside"),
        draw(5, 5, 8, 0.0, "inside"),
        draw(3, 6, 20, 1.2, "around the edge"),
    ]


BILINEAR = Exercise(
    id="mask_rcnn/bilinear",
    section=SECTION,
    title="Between the places",
    reference=bilinear,
    cases=_points,
    alternatives=[_by_tents],
    mistakes=[
        Mistake(
            _nearest,
            "The value of the nearest place is taken. Take the mean of four, weighted by nearness.",
        ),
        Mistake(
            _sampled(point=lambda u, v: (v, u)),
            "Rows and columns are exchanged: u runs along columns, v along rows.",
        ),
        Mistake(
            _sampled(weights=lambda a, b: (a * b, (1 - a) * b, a * (1 - b), (1 - a) * (1 - b))),
            "The weights are turned round: the nearer a place, the more it counts. At a = b = 0 it is F[i, j] alone.",
        ),
        Mistake(
            _sampled(weights=lambda a, b: ((1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b)),
            "a and b are exchanged: a, the part of u, belongs to the step in columns.",
        ),
        Mistake(
            _sampled(weights=lambda a, b: (0.25, 0.25, 0.25, 0.25)),
            "All four neighbours count alike. The nearer ones count more.",
        ),
        Mistake(
            _sampled(value=_at_edge),
            "Outside the map the values of its edge go on. Here the map is 0 outside.",
        ),
        Mistake(
            _sampled(value=_wrapped),
            "An index of -1 is the last row or column in Python. Outside the map its value is 0.",
        ),
        Mistake(
            _all_or_nothing,
            "A point beyond the last centre is 0 at once. Only its neighbours outside are; those inside still count.",
        ),
        Mistake(
            _sampled(low=int),
            "int() rounds towards 0, so that -0.5 becomes 0. Use floor.",
        ),
        Mistake(
            _sampled(point=lambda u, v: (u - 0.5, v - 0.5)),
            "Half a place is subtracted. Here u and v count centres already: place (i, j) is the point (j, i).",
        ),
    ],
    hint="Pad the map with zeros, or ask for each neighbour whether it is inside.",
)
