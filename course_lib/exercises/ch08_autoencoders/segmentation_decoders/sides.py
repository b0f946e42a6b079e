"""The exercise on the sides of pictures that a U-Net without padding takes."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "08_autoencoders/segmentation_decoders"


def output_side(side: int, poolings: int) -> int:
    """Side of the scores of an unpadded U-Net, 0 where the side does not fit."""
    side -= 4
    for _ in range(poolings):
        if side < 2 or side % 2:
            return 0
        side = side // 2 - 4
    for _ in range(poolings):
        if side < 1:
            return 0
        side = 2 * side - 4
    return max(side, 0)


def _by_formula(side: int, poolings: int) -> int:
    step = 2**poolings
    lost = 12 * step - 8  # of an image that fits: 4 at each stage, down and up, each doubled on the way
    deepest, rest = divmod(side - 4 * (2 * step - 1), step)
    return max(side - lost, 0) if rest == 0 and deepest >= 1 else 0


def _walk(
    lost: int = 4, bottom: bool = True, up: bool = True, even: bool = True
) -> Callable[[int, int], int]:
    """A walk through the net with something left out."""

    def answer(side: int, poolings: int) -> int:
        size = side - lost
        for number in range(poolings):
            if size < 2 or (even and size % 2):
                return 0
            size = size // 2 - (lost if bottom or number < poolings - 1 else 0)
        for _ in range(poolings):
            if size < 1:
                return 0
            size = 2 * size - (lost if up else 0)
        return max(size, 0)

    return answer


def _padded(side: int, poolings: int) -> int:
    return 0 if side % 2**poolings else side


def _negative(side: int, poolings: int) -> int:
    size = side - 4
    for _ in range(poolings):
        if size % 2:
            return 0
        size = size // 2 - 4
    for _ in range(poolings):
        size = 2 * size - 4
    return size


SIDE = Exercise(
    id="segmentation_decoders/output_side",
    section=SECTION,
    title="Which sides fit",
    reference=output_side,
    cases=[
        case(572, 4, label="the paper's images"),
        case(20, 1, label="one pooling"),
        case(19, 1, label="an odd map before the pooling"),
        case(570, 4, label="odd only before the last pooling"),
        case(60, 2, label="two poolings"),
        case(44, 2, label="hardly anything left"),
        case(28, 2, label="nothing left below"),
        case(188, 4, label="the smallest with four"),
        case(172, 4, label="too small for four"),
        case(3, 1, label="smaller than a stage takes off"),
        case(12, 1, label="nothing after the first pooling"),
        case(100, 0, label="no pooling at all"),
    ],
    alternatives=[_by_formula],
    mistakes=[
        Mistake(
            _walk(lost=2),
            "Each stage takes 2 pixels off here. It has two 3 x 3 convolutions, and each of them takes 2.",
        ),
        Mistake(
            _walk(even=False),
            "Odd maps are rounded down before pooling. Then the maps on the two sides would not meet: the answer is 0.",
        ),
        Mistake(
            _walk(up=False),
            "The way up only doubles. Its stages have two convolutions as well.",
        ),
        Mistake(
            _walk(bottom=False),
            "The deepest stage, after the last pooling, takes nothing off. It has two convolutions like all others.",
        ),
        Mistake(
            _padded,
            "That is the net with padding, where nothing is lost. Without, every stage costs 4 pixels.",
        ),
        Mistake(
            lambda side, poolings: side - 4 * (2 * poolings + 1),
            "4 pixels for each stage, counted at full size. A pixel lost after k poolings is 2^k pixels of the image.",
        ),
        Mistake(_negative, "Where nothing is left of a map this walks on with negative sides. Return 0."),
    ],
    hint="Walk: -4; then for each pooling halve (must be even) and -4; then for each way up double and -4.",
)
