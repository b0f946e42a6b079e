"""Exercises on what a column of the table costs: parameters, and multiply-adds stage by stage."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/vgg"

Stages = Sequence[tuple[int, Sequence[int]]]  # channels of a stage, and the kernel size of each convolution

D = [(64, (3, 3)), (128, (3, 3)), (256, (3, 3, 3)), (512, (3, 3, 3)), (512, (3, 3, 3))]
C = [(64, (3, 3)), (128, (3, 3)), (256, (3, 3, 1)), (512, (3, 3, 1)), (512, (3, 3, 1))]

# parameters


def parameters(
    stages: Stages, num_classes: int, in_channels: int = 3, grid: int = 7, hidden: int = 4096
) -> int:
    """Walk the column: every layer has its weights and one bias for each unit or channel."""
    total, c_in = 0, in_channels
    for channels, kernels in stages:
        for k in kernels:
            total += k * k * c_in * channels + channels
            c_in = channels
    sizes = [c_in * grid * grid, hidden, hidden, num_classes]
    return total + sum(n_in * n_out + n_out for n_in, n_out in pairwise(sizes))


def _counted(
    weights: Callable[[int, int, int], int] = lambda k, c_in, c_out: k * k * c_in * c_out,
    bias: Callable[[int], int] = lambda units: units,
    first: Callable[[int, int], int] = lambda before, channels: before,
    later: Callable[[int, int], int] = lambda before, channels: channels,
    sizes: Callable[[int, int, int, int], list[int]] = lambda c, grid, hidden, num_classes: [
        c * grid * grid,
        hidden,
        hidden,
        num_classes,
    ],
) -> Callable[..., int]:
    """A wrong count: weights or biases of a layer, input channels in a stage, or the dense layers."""

    def answer(
        stages: Stages, num_classes: int, in_channels: int = 3, grid: int = 7, hidden: int = 4096
    ) -> int:
        total, before = 0, in_channels
        for channels, kernels in stages:
            for i, k in enumerate(kernels):
                c_in = first(before, channels) if i == 0 else later(before, channels)
                total += weights(k, c_in, channels) + bias(channels)
            before = channels
        dense = sizes(before, grid, hidden, num_classes)
        for n_in, n_out in pairwise(dense):
            total += n_in * n_out + bias(n_out)
        return total

    return answer


PARAMETERS = Exercise(
    id="vgg/parameters",
    section=SECTION,
    title="The table, added up",
    reference=parameters,
    cases=[
        case([(2, (3,))], 2, in_channels=1, grid=1, hidden=3, label="one convolution of 2 channels"),
        case([(4, (3, 3))], 5, in_channels=1, grid=2, hidden=6, label="two convolutions in one stage"),
        case([(4, (3,)), (8, (3, 3))], 5, grid=2, hidden=10, label="two stages of a colour image"),
        case([(4, (3, 1)), (6, (5, 3))], 3, grid=3, hidden=7, label="kernels of 1, 3 and 5"),
        case([(5, (3,)), (7, (3,)), (9, (3, 3, 3))], 4, grid=1, hidden=2, label="three stages"),
        case(D, 1000, label="column D"),
        case(C, 1000, label="column C, with 1x1 kernels"),
        case(D, 10, in_channels=1, grid=1, hidden=512, label="column D for small grey images"),
    ],
    mistakes=[
        Mistake(
            _counted(bias=lambda units: 0),
            "This counts weights only. Every convolution has a bias for each output channel, every dense layer one for "
            "each unit.",
        ),
        Mistake(
            lambda stages, num_classes, in_channels=3, grid=7, hidden=4096: parameters(
                stages, num_classes, 3, grid, hidden
            ),
            "The image is always taken to have three channels. The first convolution reads in_channels.",
        ),
        Mistake(
            _counted(bias=lambda units: 1),
            "Each layer has a single bias here. It has one for each output channel or unit.",
        ),
        Mistake(
            _counted(first=lambda before, channels: channels),
            "Every convolution reads as many channels as it writes here. The first of a stage reads those of the stage "
            "before, and the very first those of the image.",
        ),
        Mistake(
            _counted(later=lambda before, channels: before),
            "All convolutions of a stage read the channels of the stage before here. Only its first one does: the second "
            "reads what the first has written.",
        ),
        Mistake(
            _counted(weights=lambda k, c_in, c_out: 9 * c_in * c_out),
            "Every kernel is taken as 3x3. Use the size the column gives: the 1x1 of column C have a ninth of the weights.",
        ),
        Mistake(
            _counted(weights=lambda k, c_in, c_out: k * c_in * c_out),
            "A kernel of k rows has k columns too: k squared weights for each pair of channels.",
        ),
        Mistake(
            _counted(sizes=lambda c, grid, hidden, classes: [c, hidden, hidden, classes]),
            "The first dense layer has one weight for each channel here. It reads all places: channels x grid x grid.",
        ),
        Mistake(
            _counted(sizes=lambda c, grid, hidden, classes: [c * grid, hidden, hidden, classes]),
            "The map has grid rows and grid columns, so grid squared places for the first dense layer.",
        ),
        Mistake(
            _counted(sizes=lambda c, grid, hidden, classes: [c * grid * grid, hidden, classes]),
            "One dense layer is missing: hidden, hidden again, then the classes.",
        ),
        Mistake(
            _counted(sizes=lambda c, grid, hidden, classes: [c]),
            "These are the convolutions alone. The three dense layers are missing.",
        ),
    ],
    hint="Keep the number of channels that the next convolution reads in a variable, and update it after every convolution.",
)

# multiply-adds


def stage_costs(stages: Stages, side: int, in_channels: int = 3) -> list[int]:
    """Weights times places for every convolution; the map is halved after each stage."""
    costs, c_in = [], in_channels
    for channels, kernels in stages:
        cost = 0
        for k in kernels:
            cost += k * k * c_in * channels * side * side
            c_in = channels
        costs.append(cost)
        side //= 2
    return costs


def _costs(
    product: Callable[[int, int, int, int], int] = lambda k, c_in, c_out, side: (
        k * k * c_in * c_out * side * side
    ),
    halved: Callable[[int], int] = lambda side: side // 2,
    pool_first: bool = False,
    later: Callable[[int, int], int] = lambda before, channels: channels,
    total: Callable[[list[int]], list[int]] = lambda costs: costs,
) -> Callable[..., list[int]]:
    """A wrong cost: of a layer, of the map's size, of the input channels, or how stages are put together."""

    def answer(stages: Stages, side: int, in_channels: int = 3) -> list[int]:
        costs, before = [], in_channels
        for channels, kernels in stages:
            if pool_first:
                side = halved(side)
            cost = 0
            for i, k in enumerate(kernels):
                c_in = before if i == 0 else later(before, channels)
                cost += product(k, c_in, channels, side)
            costs.append(cost)
            before = channels
            if not pool_first:
                side = halved(side)
        return total(costs)

    return answer


STAGE_COSTS = Exercise(
    id="vgg/stage_costs",
    section=SECTION,
    title="The cost of each stage",
    reference=stage_costs,
    cases=[
        case([(4, (3,))], 8, in_channels=1, label="one convolution"),
        case([(4, (3, 3)), (8, (3,))], 8, label="two stages, side 8"),
        case([(4, (3,)), (8, (3,)), (16, (3,))], 15, label="an odd side: 15, 7, 3"),
        case([(4, (1, 3)), (6, (5, 3))], 12, label="kernels of 1, 3 and 5"),
        case(D, 224, label="column D on 224 x 224"),
        case(C, 100, in_channels=1, label="column C on grey images of 100 x 100"),
    ],
    mistakes=[
        Mistake(
            lambda stages, side, in_channels=3: stage_costs(stages, side),
            "The image is always taken to have three channels. The first convolution reads in_channels.",
        ),
        Mistake(
            _costs(pool_first=True),
            "Each stage is charged for the map after its pooling. The convolutions run before it, on the larger map.",
        ),
        Mistake(
            _costs(halved=lambda side: side),
            "The map never shrinks here. After each stage a pooling halves its side.",
        ),
        Mistake(
            _costs(halved=lambda side: -(-side // 2)),
            "An odd side is rounded up. 2x2 pooling with stride 2 drops the odd row: 15 becomes 7.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: k * k * c_in * c_out),
            "These are the weights. Each is used once at every place of the map: times side squared.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: k * k * c_in * c_out * side),
            "A map of side s has s squared places, not s.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: k * c_in * c_out * side * side),
            "A kernel of k rows has k columns too: k squared products for each pair of channels.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: 2 * k * k * c_in * c_out * side * side),
            "This counts a multiplication and an addition as two. A multiply-add is one.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: (k * k * c_in + 1) * c_out * side * side),
            "The biases are counted. They are added once and multiplied with nothing.",
        ),
        Mistake(
            _costs(product=lambda k, c_in, c_out, side: k * k * c_in * c_out * max(side - k + 1, 0) ** 2),
            "The maps shrink at the edge here, as they do without padding. VGG pads each convolution so that the size stays.",
        ),
        Mistake(
            _costs(later=lambda before, channels: before),
            "All convolutions of a stage read the channels of the stage before here. Only its first one does.",
        ),
        Mistake(
            _costs(total=lambda costs: [sum(costs[: i + 1]) for i in range(len(costs))]),
            "The costs are summed up from the image on. Return each stage's own.",
        ),
    ],
    hint="A convolution costs its number of weights (without biases), once for each place of its output map.",
)

EXERCISES = [PARAMETERS, STAGE_COSTS]
