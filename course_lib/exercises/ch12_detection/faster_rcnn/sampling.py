"""The exercise on the sample of anchors that a step trains on."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/faster_rcnn"
Array = np.ndarray


def sample(owner: Array, order: Array, n: int) -> Array:
    """Indices of the sample, sorted."""
    shuffled = owner[order]
    positive = order[shuffled >= 0][: n // 2]
    negative = order[shuffled == -1][: n - len(positive)]
    return np.sort(np.concatenate([positive, negative]))


def _in_turn(owner: Array, order: Array, n: int) -> list[int]:
    shown = [int(i) for i in order if owner[i] >= 0]
    empty = [int(i) for i in order if owner[i] == -1]
    drawn = shown[: n // 2]
    while len(drawn) < n and empty:
        drawn.append(empty.pop(0))
    return sorted(drawn)


def _sampled(
    positives: Callable[[Array, int], Array] = lambda shown, n: shown[: n // 2],
    negatives: Callable[[Array, int, int], Array] = lambda empty, n, had: empty[: n - had],
    is_empty: Callable[[Array], Array] = lambda owner: owner == -1,
    is_shown: Callable[[Array], Array] = lambda owner: owner >= 0,
    shuffle: Callable[[Array], Array] = lambda order: order,
    result: Callable[[Array, Array], Array] = lambda p, q: np.sort(np.concatenate([p, q])),
) -> Callable[[Array, Array, int], Array]:
    """Other shares, other kinds, or another order."""

    def answer(owner: Array, order: Array, n: int) -> Array:
        order = shuffle(order)
        drawn = positives(order[is_shown(owner[order])], n)
        return result(drawn, negatives(order[is_empty(owner[order])], n, len(drawn)))

    return answer


def _at_random(owner: Array, order: Array, n: int) -> Array:
    return np.sort(order[owner[order] >= -1][:n])


def _mask_misplaced(owner: Array, order: Array, n: int) -> Array:
    drawn = order[owner >= 0][: n // 2]
    return np.sort(np.concatenate([drawn, order[owner == -1][: n - len(drawn)]]))


def _draws(rng: np.random.Generator) -> list[Case]:
    def draw(positive: int, negative: int, left: int, n: int, label: str) -> Case:
        owner = np.concatenate([rng.integers(0, 3, positive), np.full(negative, -1), np.full(left, -2)])
        return case(rng.permutation(owner), rng.permutation(len(owner)), n, label=label)

    return [
        case(np.array([0, 0, -1, -1, -1, 1]), np.array([5, 2, 0, 4, 1, 3]), 4, label="enough of both"),
        case(np.array([-1, -1, 0, -1, -1, -1]), np.array([3, 1, 2, 5, 0, 4]), 4, label="one positive"),
        case(
            np.array([0, -2, -2, -1, 1]), np.array([4, 1, 3, 0, 2]), 4, label="few negatives, some left out"
        ),
        draw(6, 20, 5, 7, "an odd number"),
        draw(3, 40, 6, 16, "few positives"),
        draw(10, 3, 4, 12, "few negatives"),
        draw(9, 9, 9, 8, "enough of all"),
        case(np.array([-2, -1, -1]), np.array([2, 0, 1]), 2, label="no positive"),
    ]


SAMPLE = Exercise(
    id="faster_rcnn/sample",
    section=SECTION,
    title="A sample, one to one where it can be",
    reference=sample,
    cases=_draws,
    alternatives=[_in_turn],
    mistakes=[
        Mistake(
            _at_random,
            "The first n of all are drawn, nearly all of them background. Draw up to half from the positives.",
        ),
        Mistake(
            _sampled(negatives=lambda empty, n, had: empty[: n // 2]),
            "Where positives are few, the sample stays small. Negatives fill it up to n.",
        ),
        Mistake(
            _sampled(negatives=lambda empty, n, had: empty[:had]),
            "There are as many negatives as positives, and none where there is no positive. Negatives fill the sample up to n.",
        ),
        Mistake(
            _sampled(positives=lambda shown, n: shown[:n]),
            "Positives may fill the whole sample. They get at most half of it.",
        ),
        Mistake(
            _sampled(positives=lambda shown, n: shown),
            "All positives are taken, however many there are. At most half of n are.",
        ),
        Mistake(
            _sampled(positives=lambda shown, n: shown[: (n + 1) // 2]),
            "Half of an odd number is rounded up. Round down.",
        ),
        Mistake(
            _sampled(is_empty=lambda owner: owner < 0),
            "Anchors that are left out (-2) are drawn as background. Background is -1.",
        ),
        Mistake(
            _sampled(is_shown=lambda owner: owner > 0),
            "The anchors of the first object (0) are forgotten. All numbers from 0 on are positive.",
        ),
        Mistake(
            _sampled(shuffle=np.sort),
            "The first indices are drawn, always the upper left of the picture. Go through the anchors in the given order.",
        ),
        Mistake(
            _sampled(shuffle=lambda order: order[::-1]),
            "The order is gone through from its end. Begin at its start.",
        ),
        Mistake(
            _mask_misplaced,
            "owner is indexed by anchor and order by rank: a mask of owner does not fit order. Use owner[order].",
        ),
        Mistake(
            _sampled(result=lambda p, q: np.concatenate([p, q])),
            "The right anchors, but in the order drawn. Return them sorted.",
        ),
        Mistake(
            lambda owner, order, n: owner[sample(owner, order, n)],
            "These are the owners of the anchors drawn. Return the indices of the anchors.",
        ),
    ],
    hint="owner[order] says, rank by rank, what each anchor is.",
)
