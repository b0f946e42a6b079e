"""An exercise on six runs that have come to a halt: what each of them needs."""

from course_lib.exercises import Exercise, Mistake

SECTION = "05_optimization/challenges"

REMEDIES = {"A": "condition", "B": "raise", "C": "leave", "D": "lower", "E": "stop", "F": "lower"}


def _but(**changed: str) -> dict[str, str]:
    """The right remedies, but for some runs."""
    return REMEDIES | changed


DIAGNOSE = Exercise(
    id="challenges/diagnose",
    section=SECTION,
    title="Six runs that no longer fall",
    reference=REMEDIES,
    cases=[],
    mistakes=[
        Mistake(
            _but(A="raise"),
            "Look at A again: rate times largest curvature. There is next to no room below 2, so raising the rate explodes. "
            "Compare the two curvatures.",
        ),
        Mistake(
            _but(A="lower"),
            "Look at A again: a lower rate makes the flat direction slower still, and it is the flat one that is left.",
        ),
        Mistake(
            _but(A="raise", B="condition"),
            "A and B again: the one has curvatures of very different size and a rate at its limit, the other a rate far "
            "below it.",
        ),
        Mistake(
            _but(A="stop"),
            "Look at A again: its gradient is not small. It has not arrived.",
        ),
        Mistake(
            _but(A="leave"),
            "Look at A again: no eigenvalue is negative, and the gradient is not small. There is no saddle to leave.",
        ),
        Mistake(
            _but(B="condition"),
            "Look at B again: the two curvatures are nearly equal, so there is no ravine to mend. Compare the rate "
            "with its limit.",
        ),
        Mistake(
            _but(B="stop"),
            "Look at B again: its gradient is large. It is not at rest, it only takes tiny steps.",
        ),
        Mistake(
            _but(B="lower"),
            "Look at B again: rate times largest curvature is far below 2, and the gradient is large.",
        ),
        Mistake(
            _but(C="stop"),
            "Look at C again: the gradient is tiny, but one of the eigenvalues is negative. There is a way down.",
        ),
        Mistake(
            _but(C="raise"),
            "Look at C again: there is hardly any gradient for the rate to multiply. Look at the signs.",
        ),
        Mistake(
            _but(C="lower"),
            "Look at C again: a lower rate takes it away from there more slowly still. Look at the signs.",
        ),
        Mistake(
            _but(C="stop", E="leave"),
            "C and E again: both have hardly any gradient. A minimum curves up in all directions, a saddle does not.",
        ),
        Mistake(
            _but(D="condition"),
            "Look at D again: curvatures of 1 and 2 are a good bowl. One column of the table is not zero for this run alone.",
        ),
        Mistake(
            _but(D="leave"),
            "Look at D again: no eigenvalue is negative, so it is not at a saddle. It has plenty of noise already.",
        ),
        Mistake(
            _but(D="raise"),
            "Look at D again: its steps are noisy, and a higher rate makes the wandering wider.",
        ),
        Mistake(
            _but(D="stop"),
            "Look at D again: it wanders around the minimum at a distance that its rate sets. The gradient is not small.",
        ),
        Mistake(
            _but(E="leave"),
            "Look at E again: both eigenvalues are positive. There is no way down from there.",
        ),
        Mistake(
            _but(E="raise"),
            "Look at E again: no gradient, both eigenvalues positive. It has arrived.",
        ),
        Mistake(
            _but(F="condition"),
            "Look at F again: compute the rate times the largest curvature. The steep direction bounces from wall to "
            "wall without getting lower.",
        ),
        Mistake(
            _but(F="raise"),
            "Look at F again: the rate is at the limit 2 over the largest curvature. Any higher, and it explodes.",
        ),
        Mistake(
            _but(F="leave"),
            "Look at F again: no eigenvalue is negative, so there is no saddle. Compute the rate times the largest curvature.",
        ),
        Mistake(
            _but(F="stop"),
            "Look at F again: its gradient is the largest of all. It jumps across the minimum at every step.",
        ),
        Mistake(
            _but(D="condition", F="condition"),
            "D and F again: a condition number of 2 or 5 is no trouble. One has noise, the other a rate at its limit.",
        ),
        Mistake(
            dict.fromkeys("ABCDEF", "raise"),
            "A cost that no longer falls does not always want a higher rate: it would be wrong for five of the six.",
        ),
    ],
    hint="For each run: is the gradient small? Then the signs. If not: the rate times the largest curvature, then the noise.",
)

EXERCISES = [DIAGNOSE]
