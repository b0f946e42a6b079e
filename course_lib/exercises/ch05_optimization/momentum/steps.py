"""Exercise on one step of momentum, of a whole network."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/momentum"
Arrays = list[np.ndarray]


def momentum_step(
    params: Arrays, velocities: Arrays, grads: list[np.ndarray | None], rate: float, gamma: float
) -> tuple[Arrays, Arrays]:
    """One step in the classic form; a parameter without a gradient is left alone."""
    moved, rolled_on = [], []
    for param, velocity, grad in zip(params, velocities, grads, strict=True):
        if grad is not None:
            velocity = gamma * velocity + rate * grad
            param = param - velocity
        moved.append(param)
        rolled_on.append(velocity)
    return moved, rolled_on


One = Callable[[np.ndarray, np.ndarray, np.ndarray, float, float], tuple[np.ndarray, np.ndarray]]


def _each(one: One, missing: One | None = None) -> Callable[..., tuple[Arrays, Arrays]]:
    """A step that does `one` to every parameter, and `missing` to those without a gradient."""

    def answer(
        params: Arrays, velocities: Arrays, grads: list[np.ndarray | None], rate: float, gamma: float
    ) -> tuple[Arrays, Arrays]:
        pairs = []
        for w, v, g in zip(params, velocities, grads, strict=True):
            if g is not None:
                pairs.append(one(w, v, g, rate, gamma))
            else:
                pairs.append(missing(w, v, np.zeros_like(w), rate, gamma) if missing else (w, v))
        return [w for w, _ in pairs], [v for _, v in pairs]

    return answer


def _with_velocity(new: Callable[..., np.ndarray]) -> Callable[..., tuple[Arrays, Arrays]]:
    """A step with another velocity, made of (v, g, rate, gamma)."""

    def one(w: np.ndarray, v: np.ndarray, g: np.ndarray, rate: float, gamma: float):  # type: ignore[no-untyped-def]
        velocity = new(v, g, rate, gamma)
        return w - velocity, velocity

    return _each(one)


def _right(w: np.ndarray, v: np.ndarray, g: np.ndarray, rate: float, gamma: float):  # type: ignore[no-untyped-def]
    velocity = gamma * v + rate * g
    return w - velocity, velocity


def _skipping(
    params: Arrays, velocities: Arrays, grads: list[np.ndarray | None], rate: float, gamma: float
) -> tuple[Arrays, Arrays]:
    triples = zip(params, velocities, grads, strict=True)
    pairs = [_right(w, v, g, rate, gamma) for w, v, g in triples if g is not None]
    return [w for w, _ in pairs], [v for _, v in pairs]


def _stopping(
    params: Arrays, velocities: Arrays, grads: list[np.ndarray | None], rate: float, gamma: float
) -> tuple[Arrays, Arrays]:
    n = next((place for place, g in enumerate(grads) if g is None), len(grads))
    moved, rolled_on = momentum_step(params[:n], velocities[:n], grads[:n], rate, gamma)
    return moved + params[n:], rolled_on + velocities[n:]


def _swapped(*args: object) -> tuple[Arrays, Arrays]:
    moved, rolled_on = momentum_step(*args)  # type: ignore[arg-type]
    return rolled_on, moved


_W = np.array([[1.0, -2.0], [0.5, 3.0]])
_V = np.array([[0.2, 0.4], [-0.6, 0.1]])
_G = np.array([[2.0, -1.0], [4.0, 0.0]])

MOMENTUM_STEP = Exercise(
    id="momentum/momentum_step",
    section=SECTION,
    title="One step of a network",
    reference=momentum_step,
    cases=[
        case([np.array([1.0, 2.0])], [np.zeros(2)], [np.array([3.0, -1.0])], 0.1, 0.9, label="from rest"),
        case([np.array([1.0])], [np.array([0.5])], [np.array([2.0])], 0.2, 0.9, label="already rolling"),
        case(
            [_W, np.array([1.0, 2.0])],
            [_V, np.array([0.3, -0.7])],
            [_G, np.array([-1.0, 5.0])],
            0.05,
            0.8,
            label="a matrix and a bias",
        ),
        case(
            [_W, np.array([1.0, 2.0, 4.0])],
            [_V, np.array([0.3, -0.7, 0.2])],
            [_G, None],
            0.05,
            0.8,
            label="a parameter without a gradient",
        ),
        case(
            [np.array([1.0, 2.0, 4.0]), _W, np.array([2.0])],
            [np.array([0.3, -0.7, 0.2]), _V, np.array([0.5])],
            [None, _G, np.array([1.0])],
            0.05,
            0.8,
            label="the first has no gradient",
        ),
        case([np.array([1.0])], [np.array([0.5])], [np.array([0.0])], 0.1, 0.9, label="a slope of zero"),
        case(
            [np.array([1.0, -2.0])],
            [np.array([5.0, -3.0])],
            [np.array([40.0, -60.0])],
            0.1,
            0.9,
            label="steep and fast",
        ),
    ],
    mistakes=[
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w - rate * (gamma * v + g), gamma * v + g)),
            "This is PyTorch's form: the rate multiplies outside the memory. In the classic form it stands inside, and theta moves by v as it is.",
        ),
        Mistake(
            _each(
                lambda w, v, g, rate, gamma: (w - rate * (gamma * v + rate * g), gamma * v + rate * g),
            ),
            "The rate is applied twice: it is in the velocity already, so the parameter moves by v as it is.",
        ),
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w - v, gamma * v + rate * g)),
            "The parameters move by the old velocity. Update the velocity first.",
        ),
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w - rate * g, gamma * v + rate * g)),
            "The velocity is kept, but the parameters move by the gradient alone.",
        ),
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w - gamma * v - rate * (g + v), gamma * v + rate * (g + v))),
            "The velocity counts once more than it should: v = gamma v + rate g.",
        ),
        Mistake(
            _with_velocity(lambda v, g, rate, gamma: gamma * v + (1 - gamma) * rate * g),
            "The gradient is multiplied by 1 - gamma: that is a running mean. Momentum adds the gradients up.",
        ),
        Mistake(
            _with_velocity(lambda v, g, rate, gamma: gamma * (v + rate * g)),
            "gamma fades the new gradient, too. It multiplies the old velocity alone.",
        ),
        Mistake(
            _with_velocity(lambda v, g, rate, gamma: rate * v + gamma * g),
            "rate and gamma are exchanged: gamma belongs to the velocity, the rate to the gradient.",
        ),
        Mistake(
            _with_velocity(lambda v, g, rate, gamma: v + rate * g),
            "Nothing of the velocity is lost, so gamma has no effect: multiply the old velocity by it.",
        ),
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w + gamma * v + rate * g, gamma * v + rate * g)),
            "This climbs. The parameters move against the velocity.",
        ),
        Mistake(
            _each(lambda w, v, g, rate, gamma: (w + gamma * v - rate * g, gamma * v - rate * g)),
            "Right for a velocity that points downhill. Here v has the gradient's sign and is subtracted.",
        ),
        Mistake(
            _each(_right, missing=_right),
            "A parameter without a gradient rolls on here, as if the gradient were zero. Leave it and its velocity as they are.",
        ),
        Mistake(
            _each(_right, missing=lambda w, v, g, rate, gamma: (w, gamma * v)),
            "Where there is no gradient the velocity fades here. Leave it as it is.",
        ),
        Mistake(
            _each(_right, missing=lambda w, v, g, rate, gamma: (w, np.zeros_like(v))),
            "Where there is no gradient the velocity is lost here. Leave it as it is.",
        ),
        Mistake(
            _skipping,
            "A parameter without a gradient is missing from the lists here. It goes into them as it was.",
        ),
        Mistake(
            _stopping,
            "Everything after the first missing gradient stays still here. Leave that parameter alone, and go on with the next.",
        ),
        Mistake(_swapped, "The two lists are exchanged: return the parameters first, then the velocities."),
    ],
    hint="For each parameter: first the new velocity, gamma times the old one plus rate times the gradient; then subtract it.",
)
