"""Exercises on counting: the number in the name, channels down the net, and where a bottleneck pays."""

import math
from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/densenet"
Blocks = Sequence[int]

# the number in the name


def depth(blocks: Blocks) -> int:
    """Two convolutions a layer, one a transition, the first one, and the classifier."""
    return 2 * sum(blocks) + (len(blocks) - 1) + 2


def _depth(each: int = 2, others: Callable[[int], int] = lambda n: n + 1) -> Callable[[Blocks], int]:
    """A wrong depth: so many layers with weights in a dense layer, so many outside n blocks."""
    return lambda blocks: each * sum(blocks) + others(len(blocks))


DEPTH = Exercise(
    id="densenet/depth",
    section=SECTION,
    title="The number in the name",
    reference=depth,
    cases=[
        case((6, 12, 24, 16), label="DenseNet-121"),
        case((6, 12, 32, 32), label="DenseNet-169"),
        case((6, 12, 36, 24), label="DenseNet-161"),
        case((6, 12, 64, 48), label="four blocks of 130 layers"),
        case((16, 16, 16), label="three blocks, for small images"),
        case((5, 2), label="two blocks"),
        case((7,), label="a single block"),
    ],
    mistakes=[
        Mistake(
            _depth(each=1),
            "Every dense layer is counted as one convolution. With the bottleneck it has two: 1 x 1 and 3 x 3.",
        ),
        Mistake(
            _depth(others=lambda n: 2),
            "The transitions are missing. Each has a convolution of its own.",
        ),
        Mistake(
            _depth(others=lambda n: n + 2),
            "One transition too many: they stand between blocks, so there is none after the last.",
        ),
        Mistake(
            _depth(others=lambda n: n),
            "One is missing. Outside the blocks there are the first convolution, the transitions, and the classifier.",
        ),
        Mistake(
            _depth(others=lambda n: n - 1),
            "Two are missing: the first convolution and the classifier at the end.",
        ),
        Mistake(
            _depth(others=lambda n: 0),
            "These are the convolutions inside the blocks only.",
        ),
        Mistake(
            _depth(others=lambda n: 5),
            "Three transitions are counted, however many blocks there are. Use the number of blocks.",
        ),
        Mistake(
            _depth(each=3),
            "Three convolutions are counted in every dense layer, as in the bottleneck of a ResNet. Here it has two.",
        ),
    ],
    hint="Which parts have weights that are multiplied with maps? Poolings and normalizations do not count.",
)

# channels down the net


def channels(blocks: Blocks, stem: int, growth_rate: int, theta: float) -> list[int]:
    """Each block adds its layers times k; each transition keeps a share."""
    now, found = stem, []
    for number, num_layers in enumerate(blocks, start=1):
        now += num_layers * growth_rate
        found.append(now)
        if number < len(blocks):
            now = math.floor(theta * now)
            found.append(now)
    return found


Grow = Callable[[int, int, int], int]
Shrink = Callable[[int, int, float], int]


def _channels(
    grow: Grow = lambda before, n, k: before + n * k,
    shrink: Shrink = lambda before, after, theta: math.floor(theta * after),
    last: bool = False,
    slower: bool = False,
) -> Callable[[Blocks, int, int, float], list[int]]:
    """A wrong walk: how a block grows, what a transition leaves, and where transitions stand."""

    def answer(blocks: Blocks, stem: int, growth_rate: int, theta: float) -> list[int]:
        now, k, found = stem, growth_rate, []
        for number, num_layers in enumerate(blocks, start=1):
            before, now = now, grow(now, num_layers, k)
            found.append(now)
            if number < len(blocks) or last:
                now = shrink(before, now, theta)
                found.append(now)
                k = math.floor(theta * k) if slower else k
        return found

    return answer


def _rounded_late(blocks: Blocks, stem: int, growth_rate: int, theta: float) -> list[int]:
    """Round what is listed, and go on with the fraction."""
    now, found = float(stem), []
    for number, num_layers in enumerate(blocks, start=1):
        now += num_layers * growth_rate
        found.append(math.floor(now))
        if number < len(blocks):
            now *= theta
            found.append(math.floor(now))
    return found


CHANNELS = Exercise(
    id="densenet/channels",
    section=SECTION,
    title="Channels down the net",
    reference=channels,
    cases=[
        case((3,), 8, 4, 0.5, label="a single block"),
        case((3, 2), 8, 4, 0.5, label="two blocks"),
        case((6, 12, 24, 16), 64, 32, 0.5, label="DenseNet-121"),
        case((6, 12, 36, 24), 96, 48, 0.5, label="DenseNet-161"),
        case((4, 4, 4), 10, 8, 1.0, label="no compression"),
        case((4, 4, 4), 10, 8, 0.25, label="a quarter is kept"),
        case((2, 3, 1), 7, 3, 0.5, label="odd numbers: round down"),
        case((5, 1, 5), 9, 6, 0.75, label="three quarters are kept"),
        case((2, 3, 1), 7, 3, 0.75, label="three quarters of odd numbers"),
    ],
    mistakes=[
        Mistake(
            _channels(shrink=lambda before, after, theta: after),
            "The transitions take nothing away. Each keeps theta times the channels it gets.",
        ),
        Mistake(
            _channels(last=True),
            "There is a transition after the last block. They stand only between blocks.",
        ),
        Mistake(
            _channels(grow=lambda before, n, k: n * k),
            "A block hands on only what its layers have made. Its input is part of its output, too.",
        ),
        Mistake(
            _channels(grow=lambda before, n, k: before + (n - 1) * k),
            "The maps of each block's last layer are missing. They join the others at the block's end.",
        ),
        Mistake(
            _channels(grow=lambda before, n, k: before + k),
            "Each block adds k channels here. Each of its layers does.",
        ),
        Mistake(
            _channels(shrink=lambda before, after, theta: after - math.floor(theta * after)),
            "A share theta is taken away here. It is what is kept.",
        ),
        Mistake(
            _channels(shrink=lambda before, after, theta: before + math.floor(theta * (after - before))),
            "Only the new channels are compressed. The transition reads all of them, the block's input included.",
        ),
        Mistake(
            _channels(shrink=lambda before, after, theta: math.ceil(theta * after)),
            "The channels are rounded up. They are rounded down.",
        ),
        Mistake(
            _rounded_late,
            "What is listed is rounded, but the next block begins with the fraction. Channels are whole: go on with the "
            "rounded number.",
        ),
        Mistake(
            _channels(slower=True),
            "The growth rate is compressed as well. It stays k in the whole net.",
        ),
        Mistake(
            lambda blocks, stem, growth_rate, theta: channels(blocks, stem, growth_rate, theta)[::2],
            "What the transitions leave is missing from the list. Give both, in the order in which they come.",
        ),
    ],
    hint="One number is enough to keep: the channels now. A block adds to it, a transition multiplies it.",
)

# where a bottleneck pays


def first_that_pays(in_channels: int, growth_rate: int, bn_size: int) -> int:
    """Go down the block until the two convolutions have fewer weights than the one."""
    layer, c, wide = 1, in_channels, bn_size * growth_rate
    while c * wide + 9 * wide * growth_rate >= 9 * c * growth_rate:
        layer, c = layer + 1, c + growth_rate
    return layer


def _by_threshold(in_channels: int, growth_rate: int, bn_size: int) -> int:
    left, right = 9 - bn_size, 9 * bn_size * growth_rate  # it pays where left * c > right
    missing = right - left * in_channels
    return 1 if missing < 0 else missing // (left * growth_rate) + 2


def _pays(
    with_bottleneck: Callable[[int, int, int], int] = lambda c, k, wide: c * wide + 9 * wide * k,
    direct: Callable[[int, int], int] = lambda c, k: 9 * c * k,
    first: int = 1,
    extra: int = 0,
    tie: bool = False,
    input_counts: bool = True,
) -> Callable[[int, int, int], int]:
    """A wrong search: other weights, another count of layers or of channels."""

    def answer(in_channels: int, growth_rate: int, bn_size: int) -> int:
        start = in_channels if input_counts else 0
        for index in range(1000):
            c = start + (index + extra) * growth_rate
            less = direct(c, growth_rate) - with_bottleneck(c, growth_rate, bn_size * growth_rate)
            if less > 0 or (tie and less == 0):
                return index + first
        return 1000

    return answer


PAYS = Exercise(
    id="densenet/first_that_pays",
    section=SECTION,
    title="Where a bottleneck pays",
    reference=first_that_pays,
    cases=[
        case(64, 32, 4, label="the first block of DenseNet-121"),
        case(512, 32, 4, label="its last block: from the first layer on"),
        case(16, 8, 2, label="a narrower bottleneck"),
        case(24, 12, 6, label="a wider bottleneck"),
        case(9, 2, 3, label="as many weights in the first layer: that is not fewer"),
        case(2, 7, 4, label="two channels at the start"),
        case(10, 10, 8, label="a bottleneck of 8 k"),
    ],
    alternatives=[_by_threshold],
    mistakes=[
        Mistake(
            _pays(first=0),
            "The layers are counted from 0. The first is layer 1.",
        ),
        Mistake(
            _pays(extra=1),
            "Layer l reads k channels too many here: its own are not among its inputs.",
        ),
        Mistake(
            _pays(tie=True),
            "Equal is not fewer: in the case of a tie the bottleneck does not pay yet.",
        ),
        Mistake(
            _pays(with_bottleneck=lambda c, k, wide: c * wide + 9 * wide * wide),
            "The 3 x 3 convolution of the bottleneck gives bn_size k channels here. It gives k.",
        ),
        Mistake(
            _pays(with_bottleneck=lambda c, k, wide: c * wide),
            "The 3 x 3 convolution behind the 1 x 1 is not counted.",
        ),
        Mistake(
            _pays(with_bottleneck=lambda c, k, wide: c * wide + 3 * wide * k, direct=lambda c, k: 3 * c * k),
            "A 3 x 3 kernel is counted as 3 weights. It has 9.",
        ),
        Mistake(
            _pays(
                with_bottleneck=lambda c, k, wide: c * wide + 9 * wide * k + wide + k,
                direct=lambda c, k: 9 * c * k + k,
            ),
            "Biases are counted. These convolutions have none.",
        ),
        Mistake(
            _pays(with_bottleneck=lambda c, k, wide: 4 * k * c + 36 * k * k),
            "This is right for bn_size 4 only. Use the argument.",
        ),
        Mistake(
            _pays(input_counts=False),
            "The block's input is forgotten: the first layer reads in_channels channels.",
        ),
        Mistake(
            lambda in_channels, growth_rate, bn_size: (
                in_channels + (first_that_pays(in_channels, growth_rate, bn_size) - 1) * growth_rate
            ),
            "This is the number of channels that the layer reads. Give the number of the layer.",
        ),
    ],
    hint="Write down both numbers of weights for c channels, then count up c by k from in_channels.",
)
