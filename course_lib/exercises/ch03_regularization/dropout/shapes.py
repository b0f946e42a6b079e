"""Exercise on the shapes of masks: how many decisions each kind of dropout takes."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/dropout"

Shape = tuple[int, ...]


def mask_shape(kind: str, shape: Shape, out_features: int) -> Shape:
    """How many decisions each kind of dropout takes, and for what."""
    if kind == "dropout":
        return tuple(shape)
    if kind == "dropout2d":
        return (shape[0], shape[1], 1, 1)
    if kind == "dropconnect":
        return (shape[0], out_features, shape[1])
    return (1, shape[1], shape[2])


def _by_table(kind: str, shape: Shape, out_features: int) -> Shape:
    table = {
        "dropout": lambda: shape,
        "dropout2d": lambda: (*shape[:2], 1, 1),
        "dropconnect": lambda: (shape[0], out_features, shape[1]),
        "same_mask": lambda: (1, *shape[1:]),
    }
    return tuple(table[kind]())


def _but(kind: str, other: Callable[[Shape, int], Shape]) -> Callable[..., Shape]:
    """A wrong answer: another shape for one kind."""

    def answer(asked: str, shape: Shape, out_features: int) -> Shape:
        return other(shape, out_features) if asked == kind else mask_shape(asked, shape, out_features)

    return answer


MASK_SHAPE = Exercise(
    id="dropout/mask_shape",
    section=SECTION,
    title="How many decisions?",
    reference=mask_shape,
    cases=[
        case("dropout", (32, 128), 10, label="dropout of a dense layer's inputs"),
        case("dropout", (8, 16, 14, 12), 10, label="dropout of feature maps, pixel by pixel"),
        case("dropout2d", (8, 16, 14, 12), 10, label="dropout of whole feature maps"),
        case("dropconnect", (32, 128), 10, label="DropConnect from 128 units to 10"),
        case("dropconnect", (5, 3), 7, label="DropConnect to more units than there were"),
        case("same_mask", (30, 64, 20), 10, label="a sequence of 30 steps"),
    ],
    alternatives=[_by_table],
    mistakes=[
        Mistake(
            _but("dropconnect", lambda shape, out: (shape[0], shape[1])),
            "For DropConnect this is the mask of dropout: a number for each unit. It needs one for each link, and there are "
            "out_features x in_features of those in each example.",
        ),
        Mistake(
            _but("dropconnect", lambda shape, out: (out, shape[1])),
            "For DropConnect one mask serves the whole batch here. In the paper, and by default in the library, each example "
            "has its own.",
        ),
        Mistake(
            _but("dropconnect", lambda shape, out: (shape[0], shape[1], out)),
            "The links' mask is the wrong way round: a weight matrix is (out_features, in_features).",
        ),
        Mistake(
            _but("dropout2d", lambda shape, out: tuple(shape)),
            "For whole feature maps this decides about every pixel. Each map of each image gets one decision.",
        ),
        Mistake(
            _but("dropout2d", lambda shape, out: (1, shape[1], 1, 1)),
            "For whole feature maps the same maps are dropped in all images of the batch here. Each image draws its own.",
        ),
        Mistake(
            _but("dropout2d", lambda shape, out: (shape[0], 1, *shape[2:])),
            "For whole feature maps this decides about pixels, for all maps together. Each map gets one decision: put the 1 for "
            "height and width.",
        ),
        Mistake(
            _but("dropout", lambda shape, out: (1, *shape[1:])),
            "For plain dropout one mask serves the whole batch here. Every entry of every example is drawn on its own.",
        ),
        Mistake(
            _but("same_mask", lambda shape, out: (1, shape[1], 1)),
            "For the sequence this drops all features of a sequence or none. Each feature gets a decision of its own.",
        ),
        Mistake(
            _but("same_mask", lambda shape, out: tuple(shape)),
            "For the sequence this draws a fresh mask at each step. One mask serves all steps: put a 1 for them.",
        ),
        Mistake(
            _but("same_mask", lambda shape, out: (1, 1, shape[2])),
            "The same steps, but also the same units in every sequence of the batch. Each sequence draws its own mask.",
        ),
        Mistake(
            _but("same_mask", lambda shape, out: (shape[0], 1, shape[2])),
            "The 1 stands in the place of the batch. The steps come first: x is (steps, n, features).",
        ),
    ],
    hint="Ask of each kind: what falls together? Along those directions the mask has size 1.",
)
