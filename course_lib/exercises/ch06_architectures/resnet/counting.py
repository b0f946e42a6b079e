"""Exercises on what a residual network is made of: its layers, and a bottleneck's parameters."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/resnet"

# layers


def blocks_for_depth(depth: int, first: int, second: int, last: int, bottleneck: bool) -> int:
    """Take away the first and the last layer, divide by the layers of a block, take away the other stages."""
    return (depth - 2) // (3 if bottleneck else 2) - first - second - last


def _third(
    outside: int = 2, basic: int = 2, bottleneck: int = 3, others: Callable[..., int] = lambda *of: sum(of)
) -> Callable[[int, int, int, int, bool], int]:
    """A wrong count: layers outside the blocks, layers of a block, or the stages taken away."""

    def answer(depth: int, first: int, second: int, last: int, is_bottleneck: bool) -> int:
        each = bottleneck if is_bottleneck else basic
        return int((depth - outside) // each - others(first, second, last))

    return answer


DEPTH = Exercise(
    id="resnet/depth",
    section=SECTION,
    title="How many blocks has the third stage?",
    reference=blocks_for_depth,
    cases=[
        case(18, 2, 2, 2, False, label="ResNet-18"),
        case(34, 3, 4, 3, False, label="ResNet-34"),
        case(50, 3, 4, 3, True, label="ResNet-50"),
        case(101, 3, 4, 3, True, label="ResNet-101"),
        case(152, 3, 8, 3, True, label="ResNet-152"),
        case(200, 3, 24, 3, True, label="a ResNet-200"),
        case(269, 3, 30, 8, True, label="a ResNet-269, with more blocks in its last stage"),
        case(26, 1, 1, 1, False, label="nearly everything in the third stage"),
        case(14, 1, 1, 1, True, label="one bottleneck a stage"),
        case(20, 2, 3, 2, False, label="nine basic blocks, an odd number"),
    ],
    mistakes=[
        Mistake(
            _third(outside=0),
            "The first convolution and the dense layer are counted as if they were in blocks. Take these 2 away from the depth first.",
        ),
        Mistake(
            _third(others=lambda first, second, last: first + second),
            "The blocks of the last stage are still in it. Take all three given numbers away.",
        ),
        Mistake(
            _third(outside=5),
            "Too much is taken away for the outside: poolings and projections have no place in the count, only the first "
            "convolution and the dense layer.",
        ),
        Mistake(
            _third(bottleneck=2),
            "Every block has two layers here. A bottleneck has three: 1 x 1, 3 x 3, 1 x 1.",
        ),
        Mistake(
            _third(basic=3),
            "Every block has three layers here. A basic block has two.",
        ),
        Mistake(
            _third(basic=1, bottleneck=1),
            "This counts layers as blocks. Divide by the layers of a block: 2, or 3 with bottlenecks.",
        ),
        Mistake(
            lambda depth, first, second, last, bottleneck: (
                depth - 2 - (3 if bottleneck else 2) * (first + second + last)
            ),
            "These are the layers of the third stage. Divide by the layers of a block.",
        ),
        Mistake(
            _third(others=lambda *of: 0),
            "These are the blocks of all four stages. Take away the three that are given.",
        ),
    ],
    hint="Layers with weights: one convolution, 2 or 3 a block, one dense layer.",
)

# a bottleneck


def bottleneck_parameters(in_channels: int, channels: int, stride: int) -> int:
    """Three convolutions, three normalizations, and a projection where the shape changes."""
    out = 4 * channels
    count = in_channels * channels + 9 * channels**2 + channels * out + 2 * (channels + channels + out)
    if stride != 1 or in_channels != out:
        count += in_channels * out + 2 * out
    return count


def _by_layers(in_channels: int, channels: int, stride: int) -> int:
    layers: Sequence[tuple[int, int, int]] = [
        (in_channels, channels, 1),
        (channels, channels, 3),
        (channels, 4 * channels, 1),
    ]
    if stride > 1 or in_channels != 4 * channels:
        layers = [*layers, (in_channels, 4 * channels, 1)]
    return sum(k * k * before * after + 2 * after for before, after, k in layers)


def _count(
    inner: int = 9,
    expansion: int = 4,
    norm: int = 2,
    bias: int = 0,
    needs: Callable[[int, int, int], bool] = lambda before, after, stride: stride != 1 or before != after,
    projection: Callable[[int, int, int], int] = lambda before, after, norm: before * after + norm * after,
) -> Callable[[int, int, int], int]:
    """A wrong count of weights, normalizations or projections."""

    def answer(in_channels: int, channels: int, stride: int) -> int:
        out = expansion * channels
        count = in_channels * channels + inner * channels**2 + channels * out
        count += (norm + bias) * (2 * channels + out)
        return count + (projection(in_channels, out, norm + bias) if needs(in_channels, out, stride) else 0)

    return answer


BOTTLENECK = Exercise(
    id="resnet/bottleneck",
    section=SECTION,
    title="The parameters of a bottleneck",
    reference=bottleneck_parameters,
    cases=[
        case(256, 64, 1, label="ResNet-50, layer1.1: nothing changes"),
        case(64, 64, 1, label="ResNet-50, layer1.0: more channels, the same size"),
        case(256, 128, 2, label="ResNet-50, layer2.0: more channels, half the size"),
        case(2048, 512, 1, label="ResNet-50, layer4.2"),
        case(32, 8, 2, label="as many channels, half the size"),
        case(8, 8, 1, label="a narrow one: 8 to 32"),
        case(4, 1, 1, label="4 to 1 to 4"),
    ],
    alternatives=[_by_layers],
    mistakes=[
        Mistake(
            _count(needs=lambda before, after, stride: False),
            "The projection is missing where input and output differ in shape.",
        ),
        Mistake(
            _count(needs=lambda before, after, stride: True),
            "A projection is counted in every block. Where nothing changes, the shortcut is the input itself.",
        ),
        Mistake(
            _count(needs=lambda before, after, stride: stride != 1),
            "More channels need a projection, even where the size stays the same.",
        ),
        Mistake(
            _count(needs=lambda before, after, stride: before != after),
            "Half the size needs a projection, even where the channels stay the same.",
        ),
        Mistake(
            _count(needs=lambda before, after, stride: stride != 1 or before != after // 4),
            "The input is compared with the channels of the middle. What it is added to has four times as many.",
        ),
        Mistake(
            _count(projection=lambda before, after, norm: before * after),
            "The projection has a batch normalization as well: 2 more for each of its output channels.",
        ),
        Mistake(
            _count(projection=lambda before, after, norm: 9 * before * after + norm * after),
            "The projection is counted as 3 x 3. It is 1 x 1.",
        ),
        Mistake(
            _count(inner=1),
            "All three convolutions are counted as 1 x 1. The one in the middle is 3 x 3.",
        ),
        Mistake(
            _count(expansion=1),
            "The block's output is as wide as its middle here. It has four times as many channels.",
        ),
        Mistake(
            _count(norm=0),
            "The batch normalizations are missing: gamma and beta for every channel of every convolution.",
        ),
        Mistake(
            _count(norm=1),
            "One parameter a channel is counted for a batch normalization. There are two, gamma and beta.",
        ),
        Mistake(
            _count(norm=4),
            "Running mean and variance are counted, too. They are buffers, and no parameters.",
        ),
        Mistake(
            _count(bias=1),
            "Biases are counted, too. A convolution before a batch normalization has none.",
        ),
    ],
    hint="List the convolutions as (channels before, channels after, kernel size): three, or four with the projection. Each has a batch normalization.",
)
