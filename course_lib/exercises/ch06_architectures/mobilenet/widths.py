"""The exercise on the width and resolution multipliers."""

from collections.abc import Callable, Sequence
from math import ceil

from course_lib.exercises import Exercise, Mistake, case
from course_lib.models.mobilenet_v1 import BLOCKS

SECTION = "06_architectures/mobilenet"
Blocks = Sequence[tuple[int, int]]
SMALL = [(16, 1), (32, 2), (32, 1)]


def thin_cost(blocks: Blocks, alpha: float, side: int) -> int:
    """Stem, blocks and classifier, layer by layer."""
    channels, side = round(32 * alpha), -(-side // 2)
    total = side**2 * 9 * 3 * channels
    for out, stride in blocks:
        out, side = round(out * alpha), -(-side // stride)
        total += side**2 * channels * (9 + out)
        channels = out
    return total + channels * 1000


def _as_layers(blocks: Blocks, alpha: float, side: int) -> int:
    products, before = [], round(32 * alpha)
    side = (side + 1) // 2
    products.append(27 * before * side * side)
    for after, stride in blocks:
        after = round(after * alpha)
        side = (side + stride - 1) // stride
        products += [9 * before * side * side, before * after * side * side]
        before = after
    return sum(products) + before * 1000


def _wrong(
    images: Callable[[float], int] = lambda alpha: 3,
    classes: Callable[[float], int] = lambda alpha: 1000,
    halved: Callable[[int, int], int] = lambda side, stride: -(-side // stride),
    block: Callable[[int, int, int, int], int] = lambda c, out, before, side: side**2 * c * (9 + out),
    stem: int = 1,
    whole: Callable[[float], int] = round,
) -> Callable[[Blocks, float, int], int]:
    """A wrong count; block(channels in, channels out, size before, size behind)."""

    def answer(blocks: Blocks, alpha: float, side: int) -> int:
        channels, side = whole(32 * alpha), halved(side, 2)
        total = stem * side**2 * 9 * images(alpha) * channels
        for out, stride in blocks:
            out, before, side = whole(out * alpha), side, halved(side, stride)
            total += block(channels, out, before, side)
            channels = out
        return total + channels * classes(alpha)

    return answer


MULTIPLIERS = Exercise(
    id="mobilenet/multipliers",
    section=SECTION,
    title="A thinner MobileNet on smaller images",
    reference=thin_cost,
    cases=[
        case(BLOCKS, 1.0, 224, label="the paper's network"),
        case(SMALL, 0.5, 32, label="three blocks, half the width, images of 32 x 32"),
        case(BLOCKS, 0.25, 224, label="a quarter of the width"),
        case(SMALL, 0.35, 20, label="a width that needs rounding"),
        case(BLOCKS, 1.0, 160, label="images of 160 x 160"),
        case(BLOCKS, 0.75, 130, label="130 x 130: some sizes are odd"),
        case(SMALL, 2.0, 15, label="three blocks, twice the width, images of 15 x 15"),
    ],
    alternatives=[_as_layers],
    mistakes=[
        Mistake(
            lambda blocks, alpha, side: round(alpha**2 * thin_cost(blocks, 1.0, side)),
            "This is alpha squared times the count of the full width. It is a good estimate, not the count: the stem, the depthwise steps and the classifier fall with alpha only.",
        ),
        Mistake(
            lambda blocks, alpha, side: round(alpha * thin_cost(blocks, 1.0, side)),
            "This is alpha times the count of the full width. In the 1 x 1 steps both the channels in and the channels out become fewer.",
        ),
        Mistake(
            lambda blocks, alpha, side: round((side / 224) ** 2 * thin_cost(blocks, alpha, 224)),
            "This scales the count of 224 x 224 images with the area. Sizes are rounded up at odd places, and the classifier has no area: count layer by layer.",
        ),
        Mistake(
            _wrong(classes=lambda alpha: round(1000 * alpha)),
            "Your classes become fewer, too. There are always 1000.",
        ),
        Mistake(
            _wrong(images=lambda alpha: max(1, round(3 * alpha))),
            "Your images lose channels, too. They always have three.",
        ),
        Mistake(_wrong(classes=lambda alpha: 0), "The dense layer to the 1000 classes is missing."),
        Mistake(_wrong(stem=0), "The stem is missing: 3 x 3, from three channels, with stride 2."),
        Mistake(
            _wrong(whole=int),
            "You cut off the fraction of a number of channels. round(c * alpha) goes to the nearest integer.",
        ),
        Mistake(
            _wrong(whole=ceil),
            "You round numbers of channels up. round(c * alpha) goes to the nearest integer.",
        ),
        Mistake(
            _wrong(halved=lambda side, stride: side // stride),
            "You round odd sizes down. With padding 1 the size behind stride 2 is half of it, rounded up.",
        ),
        Mistake(
            _wrong(block=lambda c, out, before, side: (9 * before**2 + side**2 * out) * c),
            "Your depthwise steps visit every pixel of their input. They take the stride, so they compute the smaller size.",
        ),
        Mistake(
            _wrong(block=lambda c, out, before, side: before**2 * c * (9 + out)),
            "Both steps of your blocks work at the size before the stride. It is the depthwise step that takes the stride.",
        ),
        Mistake(
            _wrong(block=lambda c, out, before, side: side**2 * c * 9 * out),
            "Your blocks have full 3 x 3 convolutions.",
        ),
        Mistake(
            _wrong(block=lambda c, out, before, side: side**2 * c * out),
            "Your blocks have no depthwise step. It is cheap, not free.",
        ),
    ],
    hint="Keep two numbers up to date as you go down the net: the channels and the size.",
)
