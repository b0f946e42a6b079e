"""The exercise on the multiply-adds of a chain of layers."""

from collections.abc import Callable, Sequence
from typing import Any

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/comparison"

Rows = Sequence[tuple[Any, ...]]


def multiply_adds(rows: Rows, channels: int, side: int) -> int:
    """Walk down the net: outputs of a layer, times the products in each of them."""
    total = 0
    for kind, *numbers in rows:
        if kind == "conv":
            c_out, k, stride, padding, groups = numbers
            side = (side + 2 * padding - k) // stride + 1
            total += c_out * side**2 * k**2 * channels // groups
            channels = c_out
        elif kind == "pool":
            k, stride = numbers
            side = (side - k) // stride + 1
        else:
            total += channels * side**2 * numbers[0]
            channels, side = numbers[0], 1
    return total


def _as_weights_times_places(rows: Rows, channels: int, side: int) -> int:
    """The same, with weights first and places afterwards."""
    total = 0
    for row in rows:
        if row[0] == "dense":
            row = ("conv", row[1], side, 1, 0, 1)
        if row[0] == "pool":
            side = 1 + (side - row[1]) // row[2]
            continue
        _, c_out, k, stride, padding, groups = row
        weights = c_out * (channels // groups) * k * k
        side = 1 + (side - k + 2 * padding) // stride
        total += weights * side * side
        channels = c_out
    return total


def _counted(
    size: Callable[[int, int, int, int], int] = lambda side, k, stride, padding: (
        (side + 2 * padding - k) // stride + 1
    ),
    pooled: Callable[[int, int, int], int] = lambda side, k, stride: (side - k) // stride + 1,
    cost: Callable[..., int] = lambda c_in, c_out, k, groups, before, after: (
        c_out * after**2 * k**2 * c_in // groups
    ),
    dense: Callable[[int, int, int], int] = lambda channels, side, units: channels * side**2 * units,
    carry: Callable[[int, int], int] = lambda c_in, c_out: c_out,
) -> Callable[[Rows, int, int], int]:
    """A wrong count: the size of a map, the cost of a layer, or the channels that the next one reads."""

    def answer(rows: Rows, channels: int, side: int) -> int:
        total = 0
        for kind, *numbers in rows:
            if kind == "conv":
                c_out, k, stride, padding, groups = numbers
                after = size(side, k, stride, padding)
                total += cost(channels, c_out, k, groups, side, after)
                channels, side = carry(channels, c_out), after
            elif kind == "pool":
                side = pooled(side, *numbers)
            else:
                total += dense(channels, side, numbers[0])
                channels, side = numbers[0], 1
        return total

    return answer


ALEXNET = [
    ("conv", 64, 11, 4, 2, 1),
    ("pool", 3, 2),
    ("conv", 192, 5, 1, 2, 1),
    ("pool", 3, 2),
    ("conv", 384, 3, 1, 1, 1),
    ("conv", 256, 3, 1, 1, 1),
    ("conv", 256, 3, 1, 1, 1),
    ("pool", 3, 2),
    ("dense", 4096),
    ("dense", 4096),
    ("dense", 1000),
]
SEPARABLE = [
    ("conv", 8, 3, 2, 1, 1),
    ("conv", 8, 3, 1, 1, 8),
    ("conv", 16, 1, 1, 0, 1),
    ("conv", 16, 3, 2, 1, 16),
    ("conv", 32, 1, 1, 0, 1),
    ("pool", 4, 4),
    ("dense", 5),
]

MULTIPLY_ADDS = Exercise(
    id="comparison/multiply_adds",
    section=SECTION,
    title="The arithmetic of a list of layers",
    reference=multiply_adds,
    cases=[
        case([("dense", 3)], 2, 4, label="a dense layer on 2 x 4 x 4 numbers"),
        case([("conv", 5, 3, 1, 1, 1)], 2, 6, label="one 3 x 3 convolution that keeps the size"),
        case(
            [("conv", 4, 3, 1, 0, 1), ("conv", 6, 3, 1, 0, 1)], 3, 7, label="two convolutions without padding"
        ),
        case(
            [("conv", 4, 5, 2, 2, 2), ("pool", 2, 2), ("dense", 3)],
            6,
            11,
            label="stride 2, two groups, a pooling",
        ),
        case(
            [("conv", 4, 3, 1, 1, 1), ("pool", 3, 2), ("conv", 8, 3, 1, 1, 1)],
            1,
            8,
            label="a pooling in between",
        ),
        case(
            [("conv", 4, 3, 1, 1, 1), ("pool", 2, 2), ("dense", 3)],
            1,
            5,
            label="an odd side before a pooling",
        ),
        case(SEPARABLE, 3, 32, label="depthwise and 1 x 1 convolutions"),
        case([("dense", 7), ("dense", 4)], 3, 5, label="two dense layers"),
        case(ALEXNET, 3, 224, label="AlexNet in one tower"),
        case(ALEXNET, 1, 100, label="AlexNet on grey images of 100 x 100"),
    ],
    alternatives=[_as_weights_times_places],
    mistakes=[
        Mistake(
            _counted(cost=lambda c_in, c_out, k, groups, before, after: c_out * after**2 * k**2 * c_in),
            "The groups are ignored. A filter reads only the channels of its own group, a share of 1 / groups.",
        ),
        Mistake(
            _counted(
                cost=lambda c_in, c_out, k, groups, before, after: c_out * before**2 * k**2 * c_in // groups
            ),
            "Each filter is used once for each place of its input here. It is used once for each place of its output map.",
        ),
        Mistake(
            _counted(size=lambda side, k, stride, padding: side + 2 * padding - k + 1),
            "The stride of the convolutions is ignored: a filter moves by it, so that the map shrinks.",
        ),
        Mistake(
            _counted(size=lambda side, k, stride, padding: max((side - k) // stride + 1, 1)),
            "The padding is ignored: it adds as many rows on either side before the filter moves.",
        ),
        Mistake(
            _counted(size=lambda side, k, stride, padding: (side + padding - k) // stride + 1),
            "The padding is added once. It stands on both sides of the map.",
        ),
        Mistake(
            _counted(size=lambda side, k, stride, padding: -(-(side + 2 * padding - k) // stride) + 1),
            "Sizes are rounded up. A window that does not fit is left out: round down.",
        ),
        Mistake(
            _counted(pooled=lambda side, k, stride: side),
            "The poolings leave the map as large as it is. They cost nothing, but what follows them sees a smaller map.",
        ),
        Mistake(
            _counted(pooled=lambda side, k, stride: -(-(side - k) // stride) + 1),
            "The sizes behind poolings are rounded up. A window that does not fit is left out: round down.",
        ),
        Mistake(
            _counted(pooled=lambda side, k, stride: side // stride),
            "The pooling divides the side by its stride, whatever its window. Its size is that of a convolution without padding.",
        ),
        Mistake(
            _counted(
                cost=lambda c_in, c_out, k, groups, before, after: c_out * after**2 * k * c_in // groups
            ),
            "A kernel of k rows has k columns, too: k squared products for each channel that it reads.",
        ),
        Mistake(
            _counted(cost=lambda c_in, c_out, k, groups, before, after: c_out * k**2 * c_in // groups),
            "These are weights. A convolution uses each of its weights once for each place of its map.",
        ),
        Mistake(
            _counted(dense=lambda channels, side, units: channels * units),
            "The dense layer reads one number for each channel here. It reads the whole map: channels x side x side.",
        ),
        Mistake(
            _counted(carry=lambda c_in, c_out: c_in),
            "Every convolution reads as many channels as the image has. It reads those that the one before it has written.",
        ),
        Mistake(
            _counted(
                cost=lambda c_in, c_out, k, groups, before, after: (
                    2 * c_out * after**2 * k**2 * c_in // groups
                ),
                dense=lambda channels, side, units: 2 * channels * side**2 * units,
            ),
            "Multiplications and additions are counted apart: these are FLOPs. A multiply-add is both together.",
        ),
        Mistake(
            _counted(
                cost=lambda c_in, c_out, k, groups, before, after: (
                    c_out * after**2 * (k**2 * c_in // groups + 1)
                ),
                dense=lambda channels, side, units: (channels * side**2 + 1) * units,
            ),
            "The biases are counted. They are added and multiplied with nothing.",
        ),
    ],
    hint="Keep two numbers, the channels and the side of the map that the next layer reads, and update them after every row.",
)

EXERCISES = [MULTIPLY_ADDS]
