"""Exercise on a walk with three bugs."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case
from course_lib.exercises.ch05_optimization.momentum.slopes import bowl, valleys

SECTION = "05_optimization/momentum"
Gradient = Callable[[np.ndarray], np.ndarray]


def mended_walk(gradient: Gradient, start: np.ndarray, rates: Sequence[float], gamma: float) -> np.ndarray:
    """Nesterov's walk in the classic form, every place in an array of its own."""
    return _walk()(gradient, start, rates, gamma)


def _walk(
    forgets: bool = False,
    sign: float = -1.0,
    aliased: bool = False,
    from_ahead: bool = False,
    reach: float = 1.0,
    first_rate: bool = False,
    with_start: bool = True,
) -> Callable[..., np.ndarray]:
    """The walk, with some of its bugs left in, or with new ones."""

    def answer(gradient: Gradient, start: np.ndarray, rates: Sequence[float], gamma: float) -> np.ndarray:
        theta, v = np.array(start, dtype=float), np.zeros(np.shape(start))
        path = [theta]
        for rate in rates:
            if forgets:
                v = np.zeros_like(v)
            rate = rates[0] if first_rate else rate
            ahead = theta + sign * reach * gamma * v
            v = gamma * v + rate * gradient(ahead)
            theta = (ahead if from_ahead else theta) - v
            path.append(theta)
        if aliased:
            path = path[:1] + [theta] * len(rates)
        return np.array(path if with_start else path[1:])

    return answer


def _as_given(sign: float, forgets: bool) -> Callable[..., np.ndarray]:
    """The given code with none or some of its bugs mended: one array in every row, the start's too."""

    def answer(gradient: Gradient, start: np.ndarray, rates: Sequence[float], gamma: float) -> np.ndarray:
        theta = start.copy()
        path, v = [theta], np.zeros_like(theta)
        for rate in rates:
            v = np.zeros_like(theta) if forgets else v
            v = gamma * v + rate * gradient(theta + sign * gamma * v)
            theta -= v
            path.append(theta)
        return np.array(path)

    return answer


MENDED_WALK = Exercise(
    id="momentum/mended_walk",
    section=SECTION,
    title="Find the bugs",
    reference=mended_walk,
    cases=[
        case(bowl, np.array([1.0, -2.0]), [0.1] * 3, 0.9, label="three steps in a bowl"),
        case(bowl, np.array([1.0, 0.5, -0.5]), [0.05, 0.05, 0.02, 0.01], 0.8, label="rates that fall"),
        case(valleys, np.array([1.5]), [0.1] * 6, 0.95, label="not a bowl"),
        case(bowl, np.array([1.0, -2.0]), [0.1, 0.1], 0.0, label="no momentum"),
        case(bowl, np.array([3.0, -2.0]), [0.1, 0.2], 0.5, label="a rate that grows"),
    ],
    mistakes=[
        Mistake(
            _walk(forgets=True),
            "The velocity still begins at zero in every step, so this is gradient descent. Make it once, before the loop.",
        ),
        Mistake(
            _walk(sign=1.0),
            "The look still goes backwards. theta moves by minus v, so the place ahead is theta - gamma v.",
        ),
        Mistake(
            _walk(aliased=True),
            "All rows but the first are the last place: the path holds one array many times, changed in place. Make a new one in each step.",
        ),
        Mistake(
            _walk(aliased=True, sign=1.0),
            "All rows but the first are alike, and wrong, too. Two bugs are left: the change in place, and the sign of the look-ahead.",
        ),
        Mistake(
            _walk(aliased=True, forgets=True),
            "All rows but the first are alike, the last place of a walk without memory. Two bugs are left: the change in place, and the velocity made anew in each step.",
        ),
        Mistake(
            _as_given(sign=-1.0, forgets=False),
            "Every row is the last place, the start's too: theta, the start and all of the path are one array, changed in place. Make a new one in each step.",
        ),
        Mistake(
            _as_given(sign=1.0, forgets=False),
            "Every row is the same array, changed in place, and its place is wrong, too. Two bugs are left: the change in place, and the sign of the look-ahead.",
        ),
        Mistake(
            _as_given(sign=1.0, forgets=True),
            "The velocity is still made anew in each step (so the sign of the look makes no difference), and theta -= v changes the one array that start and every row of the path are.",
        ),
        Mistake(
            _walk(reach=0.0),
            "The look-ahead is gone: this is momentum without Nesterov's change. Mend the sign, do not drop the term.",
        ),
        Mistake(
            _walk(from_ahead=True),
            "The step starts from the place ahead, so gamma v is counted twice.",
        ),
        Mistake(
            _walk(first_rate=True),
            "Every step uses the first rate. There is one for each step.",
        ),
        Mistake(_walk(with_start=False), "The start is missing from the path."),
    ],
    hint="Which line loses the memory? Which looks the wrong way? And which changes an array that someone else holds?",
)
