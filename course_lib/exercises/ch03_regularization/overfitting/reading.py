"""Exercises on reading errors: which disease it is, and what would help."""

import itertools
from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/overfitting"

# from three errors to a diagnosis


def diagnose(train: float, validation: float, achievable: float, margin: float) -> str:
    """Compare the training error with what can be achieved, and the validation error with the training error."""
    return _called(train - achievable > margin, validation - train > margin)


def _called(underfits: bool, overfits: bool) -> str:
    if underfits and overfits:
        return "both"
    return "underfitting" if underfits else "overfitting" if overfits else "neither"


def _exchanged(train: float, validation: float, achievable: float, margin: float) -> str:
    swap = {"underfitting": "overfitting", "overfitting": "underfitting"}
    name = diagnose(train, validation, achievable, margin)
    return swap.get(name, name)


def _never_both(first: str) -> Callable[..., str]:
    """A wrong diagnosis: where both are true, only the one that was asked about first."""

    def answer(train: float, validation: float, achievable: float, margin: float) -> str:
        name = diagnose(train, validation, achievable, margin)
        return first if name == "both" else name

    return answer


DIAGNOSE = Exercise(
    id="overfitting/diagnose",
    section=SECTION,
    title="Two gaps",
    reference=diagnose,
    cases=[
        case(0.20, 0.21, 0.02, 0.05, label="both errors high"),
        case(0.00, 0.12, 0.02, 0.05, label="by heart"),
        case(0.03, 0.05, 0.02, 0.05, label="a good fit"),
        case(0.15, 0.30, 0.02, 0.05, label="far from what can be done, and a wide gap"),
        case(0.31, 0.33, 0.30, 0.05, label="a hard problem: nobody does better than 30 percent"),
        case(0.05, 0.09, 0.02, 0.05, label="two small gaps, one after the other"),
        case(0.50, 0.25, 0.50, 0.125, label="a validation error below the training error"),
        case(0.50, 0.625, 0.375, 0.125, label="both gaps exactly as wide as the margin"),
        case(0.00, 0.33, 0.30, 0.05, label="far better on its examples than can be done"),
        case(0.024, 0.026, 0.020, 0.003, label="small errors, a small margin"),
    ],
    alternatives=[
        lambda train, validation, achievable, margin: {
            (False, False): "neither",
            (True, False): "underfitting",
            (False, True): "overfitting",
            (True, True): "both",
        }[train > achievable + margin, validation > train + margin]
    ],
    mistakes=[
        Mistake(
            lambda train, validation, achievable, margin: _called(
                validation - achievable > margin, validation - train > margin
            ),
            "Underfitting is read off the validation error here. It shows in the training error: a model that "
            "underfits does not even answer its own examples well.",
        ),
        Mistake(
            lambda train, validation, achievable, margin: _called(
                train - achievable > margin, validation - achievable > margin
            ),
            "The second gap is measured from what is achievable. Overfitting is the distance from the training error "
            "to the validation error.",
        ),
        Mistake(
            lambda train, validation, achievable, margin: _called(
                train > margin, validation - train > margin
            ),
            "The training error is compared with zero. On a hard problem nobody reaches zero: compare it with what is "
            "achievable.",
        ),
        Mistake(
            _never_both("underfitting"),
            "Where both are true this says underfitting. A model can be too weak for the pattern and fit the noise all "
            "the same; ask the two questions separately.",
        ),
        Mistake(
            _never_both("overfitting"),
            "Where both are true this says overfitting. The wide gap does not excuse the high training error; ask the "
            "two questions separately.",
        ),
        Mistake(
            _exchanged,
            "The two names are exchanged. A high training error is underfitting, a wide gap above it overfitting.",
        ),
        Mistake(
            lambda train, validation, achievable, margin: _called(
                train - achievable >= margin, validation - train >= margin
            ),
            "A gap exactly as wide as the margin counts here. It must be wider: use > and not >=.",
        ),
        Mistake(
            lambda train, validation, achievable, margin: _called(
                abs(train - achievable) > margin, validation - train > margin
            ),
            "A training error far below the achievable one counts as underfitting here. It is the opposite: learned "
            "by heart. Only a gap upwards counts.",
        ),
        Mistake(
            lambda train, validation, achievable, margin: _called(
                train - achievable > margin, abs(validation - train) > margin
            ),
            "A validation error far below the training error counts as overfitting here. That is luck, or an easier "
            "validation set; only a gap upwards is overfitting.",
        ),
    ],
    hint="Two questions, each a comparison of one difference with the margin: train - achievable, and what else?",
)

# three learning curves

_RIGHT = ("examples", "neither", "capacity")
_WHY = (
    {
        "capacity": "its training error is already far below the noise, so the model can do too much, not too little",
        "neither": "there is still a wide gap, and it is closing as examples come in",
    },
    {
        "examples": "the gap has closed, so further examples have nothing left to close",
        "capacity": "both errors have come down to the noise, and no model does better on new examples",
    },
    {
        "examples": "the gap has closed, and both curves run flat far above the noise: more of the same cannot help",
        "neither": "both errors end far above the noise, so there is much to be gained",
    },
)


def _explained(answer: tuple[str, ...]) -> str:
    """Say for every panel that is read wrongly what is to be seen there."""
    wrong = [
        f"{panel}: {why[said]}"
        for panel, said, right, why in zip("ABC", answer, _RIGHT, _WHY, strict=True)
        if said != right
    ]
    return "Look again. " + "; ".join(wrong) + "."


_WORDS = ("capacity", "examples", "neither")

READ_CURVES = Exercise(
    id="overfitting/read_curves",
    section=SECTION,
    title="Read three learning curves",
    reference=_RIGHT,
    cases=[],
    mistakes=[
        Mistake(answer, _explained(answer))
        for answer in itertools.product(_WORDS, repeat=3)
        if answer != _RIGHT
    ],
    hint="For each panel: is there still a gap at the right end? And where do the curves end, compared with the noise?",
)

EXERCISES = [DIAGNOSE, READ_CURVES]
