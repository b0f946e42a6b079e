"""The exercise on clipping by global norm."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"
Gradients = Sequence[np.ndarray]
Clipped = tuple[list[np.ndarray], float]


def _norm(gradients: Gradients) -> float:
    return float(np.sqrt(sum((g**2).sum() for g in gradients)))


def clip_by_norm(gradients: Gradients, max_norm: float) -> Clipped:
    """Scale all gradients by one factor, where they are too long together."""
    norm = _norm(gradients)
    factor = max_norm / norm if norm > max_norm else 1.0
    return [factor * g for g in gradients], norm


def _as_one_vector(gradients: Gradients, max_norm: float) -> Clipped:
    norm = float(np.linalg.norm(np.concatenate([g.ravel() for g in gradients])))
    return [g / max(1.0, norm / max_norm) for g in gradients], norm


def _as_torch(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return [g * min(1.0, max_norm / (norm + 1e-6)) for g in gradients], norm


def _by(measure: Callable[[Gradients], float]) -> Callable[[Gradients, float], Clipped]:
    """Clipping by another length."""

    def answer(gradients: Gradients, max_norm: float) -> Clipped:
        norm = measure(gradients)
        return [g * (max_norm / norm if norm > max_norm else 1.0) for g in gradients], norm

    return answer


def _each(gradients: Gradients, max_norm: float) -> Clipped:
    return [clip_by_norm([g], max_norm)[0][0] for g in gradients], _norm(gradients)


def _by_value(gradients: Gradients, max_norm: float) -> Clipped:
    return [np.clip(g, -max_norm, max_norm) for g in gradients], _norm(gradients)


def _always(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return [g * max_norm / norm if norm else g for g in gradients], norm


def _unguarded(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    with np.errstate(divide="ignore", invalid="ignore"):
        shortened = [g / norm * min(norm, max_norm) for g in gradients]
    return [np.asarray(g) for g in shortened], norm


def _to_one(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return [g / norm if norm > max_norm else g.copy() for g in gradients], norm


def _dropped(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return [g * float(norm <= max_norm) for g in gradients], norm


def _norm_after(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return clip_by_norm(gradients, max_norm)[0], min(norm, max_norm)


def _factor(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return clip_by_norm(gradients, max_norm)[0], max_norm / norm if norm > max_norm else 1.0


def _untouched(gradients: Gradients, max_norm: float) -> Clipped:
    return [g.copy() for g in gradients], _norm(gradients)


def _norms(gradients: Gradients, max_norm: float) -> tuple[list[np.ndarray], list[float]]:
    return clip_by_norm(gradients, max_norm)[0], [float(np.linalg.norm(g)) for g in gradients]


def _stretched(gradients: Gradients, max_norm: float) -> Clipped:
    norm = _norm(gradients)
    return [g * (max(1.0, max_norm / norm) if norm else 1.0) for g in gradients], norm


def _layers(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(1, 6, shape) * rng.choice([-1.0, 1.0], shape)

    return [
        case([np.array([3.0, 4.0])], 1.0, label="one array of norm 5, to 1"),
        case([np.array([3.0, 0.0]), np.array([[0.0], [4.0]])], 2.0, label="two arrays, together of norm 5"),
        case([np.array([0.3, 0.4])], 2.0, label="short enough already"),
        case([whole(3, 4), whole(4), whole(2, 4), whole(2)], 2.5, label="a small network"),
        case([0.01 * whole(2, 2), 100.0 * whole(3)], 3.0, label="layers of very different size"),
        case([np.array([0.6, -0.6]), np.array([0.6])], 1.0, label="every entry below the limit"),
        case([np.zeros(3), np.zeros((2, 2))], 1.0, label="nothing but zeros"),
        case([np.array([2.0]), np.zeros(2)], 2.0, label="exactly at the limit"),
    ]


CLIP_BY_NORM = Exercise(
    id="learning_rates/clip_by_norm",
    section=SECTION,
    title="Clip by global norm",
    reference=clip_by_norm,
    cases=_layers,
    alternatives=[_as_one_vector, _as_torch],
    mistakes=[
        Mistake(
            _each,
            "Each array is clipped by its own norm. That bends the direction of the step: use one norm and one factor for all.",
        ),
        Mistake(
            _by_value,
            "Each entry is cut by itself: clipping by value. Scale all entries by one factor instead.",
        ),
        Mistake(
            _always,
            "Short gradients are stretched to max_norm too. Leave them as they are: the factor is at most 1.",
        ),
        Mistake(
            _unguarded,
            "Gradients of zero become NaN: 0 divided by a norm of 0. Divide only where the norm is above max_norm.",
        ),
        Mistake(
            _to_one,
            "Gradients that are too long end at norm 1. They should end at max_norm.",
        ),
        Mistake(
            _dropped,
            "Gradients that are too long become 0 here: the step is lost. Shorten them and keep the direction.",
        ),
        Mistake(
            _by(lambda gradients: float(sum((g**2).sum() for g in gradients))),
            "This compares the squared norm. Take the root of the sum of squares.",
        ),
        Mistake(
            _by(lambda gradients: float(sum(np.linalg.norm(g) for g in gradients))),
            "The norms of the arrays are added. Add their squares, then take the root.",
        ),
        Mistake(
            _by(lambda gradients: float(sum(np.abs(g).sum() for g in gradients))),
            "This adds absolute values. The global norm is the root of the sum of squares.",
        ),
        Mistake(
            _by(lambda gradients: float(max(np.abs(g).max() for g in gradients))),
            "This measures by the largest entry. The global norm is the root of the sum of all squares.",
        ),
        Mistake(
            _by(lambda gradients: float(max(np.linalg.norm(g) for g in gradients))),
            "This measures by the longest array alone. All arrays together are one vector.",
        ),
        Mistake(
            _by(
                lambda gradients: float(np.sqrt(np.mean(np.concatenate([g.ravel() for g in gradients]) ** 2)))
            ),
            "This is the root of the mean square. The norm takes the sum of squares, not the mean.",
        ),
        Mistake(
            _norm_after,
            "The arrays are right. The norm to return is the one before clipping: it is what tells how often and how much you clip.",
        ),
        Mistake(
            _factor,
            "The arrays are right, but the second value is the factor. Return the norm before clipping.",
        ),
        Mistake(
            _norms,
            "The arrays are right, but you return a norm for each array. The global norm is one number for all.",
        ),
        Mistake(
            _stretched,
            "Short gradients are stretched and long ones left alone: max stands where min belongs.",
        ),
        Mistake(_untouched, "The norm is right, but the gradients come back as they were."),
    ],
    hint="The norm of all is the norm of the norms: sqrt of the sum of all squares. Then one factor for every array.",
)
