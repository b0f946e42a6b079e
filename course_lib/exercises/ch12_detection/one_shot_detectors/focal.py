"""The exercise on the focal loss."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/one_shot_detectors"
Array = np.ndarray


def focal(z: Array, full: Array, alpha: float, gamma: float) -> float:
    """Focal loss of all cells, summed, over the number of full ones."""
    against = np.where(full, -z, z)  # the logit of what is wrong
    entropy = np.logaddexp(0, against)
    wrong = np.exp(-np.logaddexp(0, -against))
    return float((np.where(full, alpha, 1 - alpha) * wrong**gamma * entropy).sum() / max(full.sum(), 1))


def _cell_by_cell(z: Array, full: Array, alpha: float, gamma: float) -> float:
    total = 0.0
    for logit, there in zip(z.ravel().tolist(), full.ravel().tolist(), strict=True):
        signed = logit if there else -logit
        small = np.exp(-abs(signed))
        entropy = max(-signed, 0) + np.log1p(small)
        wrong = (1 if signed < 0 else small) / (1 + small)
        total += (alpha if there else 1 - alpha) * wrong**gamma * entropy
    return total / (int(full.sum()) or 1)


def _log_wrong(z: Array, full: Array) -> tuple[Array, Array]:
    """Cross-entropy, and the probability of what is wrong."""
    against = np.where(full, -z, z)
    return np.logaddexp(0, against), np.exp(-np.logaddexp(0, -against))


Weight = Callable[[Array, float], Array]


def _loss(
    balance: Weight = lambda full, alpha: np.where(full, alpha, 1 - alpha),
    focus: Callable[[Array, Array, Array, float], Array] = lambda wrong, z, full, gamma: wrong**gamma,
    entropy: Callable[[Array, Array], Array] = lambda z, full: _log_wrong(z, full)[0],
    result: Callable[[Array, Array], float] = lambda loss, full: loss.sum() / max(full.sum(), 1),
) -> Callable[..., float]:
    """Another balance, another focus, another entropy, or another mean."""

    def answer(z: Array, full: Array, alpha: float, gamma: float) -> float:
        with np.errstate(all="ignore"):
            wrong = _log_wrong(z, full)[1]
            loss = balance(full, alpha) * focus(wrong, z, full, gamma) * entropy(z, full)
            return float(result(loss, full))

    return answer


def _log_of_sigmoid(z: Array, full: Array) -> Array:
    p = 1 / (1 + np.exp(-z))
    return -np.log(np.where(full, p, 1 - p))


def _clipped(z: Array, full: Array) -> Array:
    p = np.clip(1 / (1 + np.exp(-z)), 1e-7, 1 - 1e-7)
    return -np.log(np.where(full, p, 1 - p))


def _cells(rng: np.random.Generator) -> list[Case]:
    def grid(
        shape: tuple[int, ...], share: float, spread: float, alpha: float, gamma: float, label: str
    ) -> Case:
        z, full = rng.normal(-1, spread, shape).round(3), rng.random(shape) < share
        full.flat[0] = True
        return case(z, full, alpha, gamma, label=label)

    return [
        case(np.array([0.0]), np.array([True]), 0.25, 2.0, label="one full cell, undecided"),
        case(np.array([0.0, -2.0, 1.0]), np.array([True, False, False]), 0.25, 2.0, label="two empty cells"),
        grid((2, 4, 4), 0.15, 2.0, 0.25, 2.0, "two grids"),
        grid((3, 8, 8), 0.05, 1.5, 0.4, 1.0, "another alpha and gamma"),
        grid((4, 4), 0.2, 2.0, 0.3, 0.0, "gamma 0"),
        case(
            np.array([[-1.0, -3.0], [0.5, -2.0]]), np.zeros((2, 2), dtype=bool), 0.25, 2.0, label="all empty"
        ),
        case(
            np.array([800.0, -800.0, -900.0, 40.0]),
            np.array([True, True, False, False]),
            0.25,
            2.0,
            label="very sure, rightly and wrongly",
        ),
    ]


FOCAL = Exercise(
    id="one_shot_detectors/focal_loss",
    section=SECTION,
    title="The focal loss of a grid",
    reference=focal,
    cases=_cells,
    alternatives=[_cell_by_cell],
    mistakes=[
        Mistake(
            _loss(result=lambda loss, full: loss.mean()),
            "The sum is divided by the number of all cells. Divide by the number of full ones.",
        ),
        Mistake(
            _loss(result=lambda loss, full: loss.sum()),
            "This is the sum. Divide it by the number of full cells.",
        ),
        Mistake(
            _loss(result=lambda loss, full: loss.sum() / full.sum()),
            "A picture without objects gives a division by 0. Divide by at least 1.",
        ),
        Mistake(
            _loss(result=lambda loss, full: loss.sum() / max(full.sum(), 1) if full.any() else 0.0),
            "A picture without objects costs nothing. Its empty cells can still be wrong: divide their sum by 1.",
        ),
        Mistake(
            _loss(balance=lambda full, alpha: np.full(full.shape, alpha)),
            "Full and empty cells have the weight alpha. Empty ones have 1 - alpha.",
        ),
        Mistake(
            _loss(balance=lambda full, alpha: np.where(full, 1 - alpha, alpha)),
            "The weights are exchanged: alpha belongs to the full cells.",
        ),
        Mistake(
            _loss(balance=lambda full, alpha: np.ones(full.shape)),
            "The weights alpha and 1 - alpha are missing.",
        ),
        Mistake(
            _loss(focus=lambda wrong, z, full, gamma: np.ones(z.shape)),
            "This is cross-entropy with weights. Multiply by (1 - p_t) to the power gamma.",
        ),
        Mistake(
            _loss(focus=lambda wrong, z, full, gamma: (1 - wrong) ** gamma),
            "What is easy counts most: the factor is p_t to the power gamma. Take 1 - p_t.",
        ),
        Mistake(
            _loss(focus=lambda wrong, z, full, gamma: np.exp(-np.logaddexp(0, z)) ** gamma),
            "1 - p is used for empty cells too. There p_t is 1 - p, and the factor p to the power gamma.",
        ),
        Mistake(
            _loss(focus=lambda wrong, z, full, gamma: gamma * wrong),
            "gamma multiplies 1 - p_t. It is a power.",
        ),
        Mistake(
            _loss(entropy=_log_of_sigmoid),
            "The logarithm of a rounded probability: a sure cell gives infinity. Use log(1 + exp), stably.",
        ),
        Mistake(
            _loss(entropy=_clipped),
            "Probabilities are clipped, so that a sure mistake costs too little. Work with the logits.",
        ),
        Mistake(
            _loss(entropy=lambda z, full: -_log_wrong(z, full)[0]),
            "The loss is negative. Mind the sign of the logarithm.",
        ),
    ],
    hint="With z_t = z in full cells and -z in empty ones, -log p_t = log(1 + exp(-z_t)): np.logaddexp.",
)
