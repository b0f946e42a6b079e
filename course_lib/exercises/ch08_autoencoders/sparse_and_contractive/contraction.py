"""Exercises on the encoder's Jacobian: its size, and its size along and across a curve."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/sparse_and_contractive"
Array = np.ndarray

# the closed form for a hyperbolic tangent


def tanh_contraction(x: Array, W: Array, b: Array) -> Array:
    """||dh/dx||_F^2 of h = tanh(W x + b), for the rows of x."""
    h = np.tanh(x @ W.T + b)  # (n, k)
    return (1 - h**2) ** 2 @ (W**2).sum(axis=1)


def _by_jacobians(x: Array, W: Array, b: Array) -> Array:
    sums = []
    for row in x:
        jacobian = np.diag(1 / np.cosh(W @ row + b) ** 2) @ W
        sums.append(np.linalg.norm(jacobian) ** 2)
    return np.array(sums)


def _form(
    slope: Callable[[Array, Array], Array],
    lengths: Callable[[Array], Array] = lambda W: (W**2).sum(axis=1),
) -> Callable[[Array, Array, Array], Array]:
    """slope(z, h) in place of g'^2, other lengths in place of the squared norms of the rows."""

    def answer(x: Array, W: Array, b: Array) -> Array:
        z = x @ W.T + b
        return slope(z, np.tanh(z)) @ lengths(W)

    return answer


def _of_columns(x: Array, W: Array, b: Array) -> Array:
    h = np.tanh(x @ W.T + b)
    return (1 - h**2) ** 2 @ (W**2).sum(axis=0)  # fails unless W is square, and the report says so


def _layers(rng: np.random.Generator) -> list[Case]:
    def layer(n: int, d: int, k: int) -> tuple[Array, Array, Array]:
        return tuple(rng.normal(size=shape).round(2) for shape in ((n, d), (k, d), (k,)))  # type: ignore[return-value]

    return [
        case(np.zeros((1, 2)), np.array([[3.0, 4.0]]), np.zeros(1), label="one unit, at its steepest"),
        case(*layer(1, 3, 2), label="one example, two units"),
        case(*layer(4, 3, 3), label="as many units as inputs"),
        case(*layer(5, 2, 6), label="an overcomplete code"),
        case(*layer(2, 7, 3), label="seven inputs, three units"),
    ]


TANH = Exercise(
    id="sparse_and_contractive/tanh_contraction",
    section=SECTION,
    title="The closed form for tanh",
    reference=tanh_contraction,
    cases=_layers,
    alternatives=[_by_jacobians],
    mistakes=[
        Mistake(
            _form(lambda z, h: (h * (1 - h)) ** 2),
            "h (1 - h) is the slope of the sigmoid. That of tanh is 1 - h squared.",
        ),
        Mistake(
            _form(lambda z, h: 1 - h**2),
            "The slope 1 - h^2 stands in every entry of its row of the Jacobian, and the entries are squared: square it, too.",
        ),
        Mistake(
            _form(lambda z, h: (1 - h**2) ** 2, lambda W: np.sqrt((W**2).sum(axis=1))),
            "The lengths of the rows of W are not squared.",
        ),
        Mistake(
            _of_columns,
            "The squares are summed over the columns of W. Unit j has the weights of row j.",
        ),
        Mistake(
            _form(lambda z, h: (1 - z**2) ** 2),
            "The slope is written with z. It is 1 - h^2, with h = tanh(z).",
        ),
        Mistake(
            lambda x, W, b: np.sqrt(tanh_contraction(x, W, b)),
            "This is the norm. The penalty is its square.",
        ),
        Mistake(
            lambda x, W, b: tanh_contraction(x, W, np.zeros_like(b)),
            "The bias is missing. It does not stand in the Jacobian, but it decides where on the curve a unit is.",
        ),
        Mistake(
            lambda x, W, b: float(tanh_contraction(x, W, b).mean()),
            "This is the mean over the examples. Return one number for each.",
        ),
        Mistake(
            _form(lambda z, h: np.ones_like(h)),
            "This is the squared norm of W for every example: a linear layer, which is weight decay.",
        ),
    ],
    hint="Row j of the Jacobian is (1 - h_j^2) w_j. What is the sum of its squares?",
)

# along and across


def along_across(J: Array, tangent: Array) -> tuple[float, float]:
    """Stretch along a direction, and root mean square stretch over the directions at right angles to it."""
    t = tangent / np.linalg.norm(tangent)
    along = np.linalg.norm(J @ t)
    rest = (J**2).sum() - along**2
    return float(along), float(np.sqrt(rest / (J.shape[1] - 1)))


def _by_basis(J: Array, tangent: Array) -> tuple[float, float]:
    d = len(tangent)
    basis = np.linalg.qr(np.column_stack([tangent, np.eye(d)]))[0]  # first column along the tangent
    stretches = np.linalg.norm(J @ basis, axis=0)
    return float(stretches[0]), float(np.sqrt((stretches[1:] ** 2).mean()))


def _stretch(
    change: Callable[[Array, float, float], tuple[float, float]],
) -> Callable[..., tuple[float, float]]:
    """change(J, along, ||J||_F^2), with a proper unit tangent."""

    def answer(J: Array, tangent: Array) -> tuple[float, float]:
        along = float(np.linalg.norm(J @ tangent) / np.linalg.norm(tangent))
        return change(J, along, float((J**2).sum()))

    return answer


def _not_unit(J: Array, tangent: Array) -> tuple[float, float]:
    along = float(np.linalg.norm(J @ tangent))
    return along, float(np.sqrt(abs((J**2).sum() - along**2) / (J.shape[1] - 1)))


def _half_unit(J: Array, tangent: Array) -> tuple[float, float]:
    """The second number is right."""
    return float(np.linalg.norm(J @ tangent)), along_across(J, tangent)[1]


def _maps(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([[3.0, 0.0], [0.0, 1.0]]), np.array([2.0, 0.0]), label="the tangent is an axis"),
        case(rng.normal(size=(4, 3)).round(2), rng.normal(size=3).round(2), label="three inputs, four units"),
        case(rng.normal(size=(2, 6)).round(2), rng.normal(size=6).round(2), label="six inputs, two units"),
        case(rng.normal(size=(5, 5)).round(2), 0.1 * rng.normal(size=5).round(2), label="a short tangent"),
        case(rng.normal(size=(3, 4)).round(2), 5 * rng.normal(size=4).round(2), label="a long tangent"),
    ]


ALONG = Exercise(
    id="sparse_and_contractive/along_across",
    section=SECTION,
    title="Along and across",
    reference=along_across,
    cases=_maps,
    alternatives=[_by_basis],
    mistakes=[
        Mistake(
            _not_unit,
            "The tangent is used as it comes. Divide it by its length first, or a longer one would look like a steeper code.",
        ),
        Mistake(
            _half_unit,
            "The second number is right. In the first, the tangent has not been divided by its length.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (along**2, (total - along**2) / (J.shape[1] - 1))),
            "Both numbers are squares. Return the roots.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (along, float(np.sqrt(total - along**2)))),
            "The second number is the sum over all directions across. There are d - 1 of them: take the mean.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (along, float(np.sqrt((total - along**2) / J.shape[1])))),
            "The mean is taken over d directions. One of them is the tangent: d - 1 are left.",
        ),
        Mistake(
            lambda J, tangent: (along_across(J, tangent)[0], float(np.linalg.norm(J, ord=2))),
            "The second number is the largest stretch in any direction, the spectral norm. Take the root mean square across.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (along, float(np.sqrt(total / J.shape[1])))),
            "The second number is the mean over all directions. Take the tangent's part out of the sum of squares.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (along, float(np.sqrt((total - along**2) / (len(J) - 1))))),
            "The mean is taken over units, the rows of J. Directions are those of the input, its columns.",
        ),
        Mistake(
            _stretch(lambda J, along, total: (float(np.sqrt((total - along**2) / (J.shape[1] - 1))), along)),
            "The right two numbers, in the wrong order: along, then across.",
        ),
    ],
    hint="Over any d directions at right angles, the squared stretches add up to the squared Frobenius norm.",
)
