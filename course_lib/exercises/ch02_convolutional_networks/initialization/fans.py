"""Exercises on the fans of a kernel and on the spread that He's rule gives it."""

import math
from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/initialization"
Shape = tuple[int, ...]
Fans = tuple[int, int]

# fans of a kernel


def fans(shape: Shape, groups: int = 1, transposed: bool = False) -> Fans:
    """Count the weights that meet in one output, and those that leave one input, at stride 1."""
    first, second, *kernel = shape
    places = math.prod(kernel)
    into, out = second * places, first // groups * places
    return (out, into) if transposed else (into, out)


def _by_channels(shape: Shape, groups: int = 1, transposed: bool = False) -> Fans:
    first, second, *kernel = shape
    in_channels, out_channels = (first, second * groups) if transposed else (second * groups, first)
    return in_channels * math.prod(kernel) // groups, out_channels * math.prod(kernel) // groups


def _with(
    places: Callable[[list[int]], int] = math.prod,
    into: Callable[[int, int], int] = lambda second, groups: second,
    out: Callable[[int, int], int] = lambda first, groups: first // groups,
    swapped: bool = False,
) -> Callable[..., Fans]:
    """A wrong count: of the places of a kernel, or of the channels on either side."""

    def answer(shape: Shape, groups: int = 1, transposed: bool = False) -> Fans:
        first, second, *kernel = shape
        found = into(second, groups) * places(kernel), out(first, groups) * places(kernel)
        return found[::-1] if transposed != swapped else found

    return answer


FANS = Exercise(
    id="initialization/fans",
    section=SECTION,
    title="The fans of a kernel",
    reference=fans,
    cases=[
        case((10, 64), label="a dense layer from 64 to 10"),
        case((16, 3, 5, 5), label="a 5 x 5 convolution from 3 to 16 channels"),
        case((32, 16, 3, 1), label="a kernel that is not square"),
        case((8, 12, 7), label="a convolution in one dimension"),
        case((4, 2, 3, 3, 2), label="a convolution in three dimensions"),
        case((32, 4, 3, 3), groups=4, label="a convolution in 4 groups: 16 channels in, 32 out"),
        case((24, 1, 3, 3), groups=24, label="a depthwise convolution"),
        case((32, 16, 4, 4), transposed=True, label="a transposed convolution from 32 to 16 channels"),
        case((32, 4, 2, 3), 4, True, label="a transposed convolution in 4 groups: 32 channels in, 16 out"),
    ],
    alternatives=[_by_channels],
    mistakes=[
        Mistake(
            _with(places=lambda kernel: 1),
            "These are the channels alone. Every channel is seen at k_h k_w places, so both fans have that factor.",
        ),
        Mistake(
            _with(swapped=True),
            "The two fans are exchanged. A row weight[0] holds the weights that meet in one output: that is fan_in.",
        ),
        Mistake(
            _with(into=lambda second, groups: second // groups or 1),
            "fan_in is divided by groups once too often: shape[1] of a grouped kernel already is in_channels / groups.",
        ),
        Mistake(
            _with(into=lambda second, groups: second * groups),
            "In a grouped layer an output sums over its own group only: in_channels / groups channels, which is shape[1].",
        ),
        Mistake(
            _with(out=lambda first, groups: first),
            "This is what PyTorch counts: all output channels. In a grouped layer one input reaches only those of its "
            "own group.",
        ),
        Mistake(
            lambda shape, groups=1, transposed=False: fans(shape, groups),
            "For a transposed layer the fans are exchanged: its weight is (in_channels, out_channels / groups, ...).",
        ),
        Mistake(
            _with(places=lambda kernel: sum(kernel) or 1),
            "The sides of the kernel are added. A kernel of 3 x 5 has 15 places, not 8: multiply.",
        ),
        Mistake(
            _with(places=lambda kernel: kernel[0] ** len(kernel) if kernel else 1),
            "The kernel is taken for a square. Multiply all the sizes in shape[2:].",
        ),
        Mistake(
            _with(places=lambda kernel: math.prod(kernel[:2])),
            "Only the first two sizes of the kernel are counted. It may have three: multiply all of shape[2:].",
        ),
    ],
    hint="Write down what the axes of the weight are, then ask: which of its entries meet in one output?",
)

# He's standard deviation


def he_std(shape: Shape, negative_slope: float = 0.0) -> float:
    """sqrt(2 / ((1 + a^2) fan_in))."""
    fan_in = math.prod(shape[1:])
    return math.sqrt(2 / ((1 + negative_slope**2) * fan_in))


def _gain_over_root(shape: Shape, negative_slope: float = 0.0) -> float:
    return math.sqrt(2 / (1 + negative_slope**2)) / math.sqrt(math.prod(shape[1:]))


HE_STD = Exercise(
    id="initialization/he_std",
    section=SECTION,
    title="He's standard deviation",
    reference=he_std,
    cases=[
        case((50, 200), label="a dense layer with 200 inputs"),
        case((64, 16, 3, 3), label="a 3 x 3 convolution from 16 to 64 channels"),
        case((8, 32, 1, 5), label="a kernel of 1 x 5"),
        case((64, 128), 0.25, label="a leaky ReLU of slope 0.25"),
        case((20, 10, 3, 3), 1.0, label="slope 1, which is no bend at all"),
        case((32, 1, 3, 3), 0.1, label="a depthwise kernel and a leaky ReLU"),
    ],
    alternatives=[_gain_over_root],
    mistakes=[
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape, negative_slope) ** 2,
            "This is the variance. The standard deviation is its square root.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape, negative_slope) / math.sqrt(2),
            "The 2 is missing, as for a linear unit. A ReLU halves the mean square, and the 2 makes up for it.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape, negative_slope) * math.sqrt(2),
            "This is 2 / sqrt(fan_in): the root is missing over the 2. Var w is 2 / fan_in, so the 2 is under it too.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape, negative_slope) * math.sqrt(3),
            "This is the bound of a uniform distribution, sqrt(3) times its standard deviation.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std((shape[1], shape[0], *shape[2:]), negative_slope),
            "This divides by fan_out, which keeps gradients. The exercise asks for fan_in, which keeps signals.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape[:2], negative_slope),
            "fan_in is more than the number of input channels: count the k_h k_w places of the kernel too.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: math.sqrt(
                4 / ((1 + negative_slope**2) * (shape[0] + shape[1]) * math.prod(shape[2:]))
            ),
            "This takes the mean of the two fans, as Glorot and Bengio do. He's rule uses fan_in alone.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: he_std(shape),
            "The slope is ignored. The negative half keeps a^2 of its mean square, so divide by 1 + a^2.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: math.sqrt(2 / ((1 + negative_slope) * math.prod(shape[1:]))),
            "The slope is not squared. A leaky unit multiplies z by a, and z^2 by a^2.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: math.sqrt(
                2 / ((1 + negative_slope) ** 2 * math.prod(shape[1:]))
            ),
            "The sum was squared. It is 1 + a^2: the two halves keep 1 and a^2 of their mean square.",
        ),
        Mistake(
            lambda shape, negative_slope=0.0: math.sqrt(2 / ((1 + negative_slope**2) * math.prod(shape))),
            "All the sizes are multiplied. fan_in leaves out the first, the number of outputs.",
        ),
    ],
    hint="fan_in is the number of weights that meet in one output: all the sizes but the first, multiplied.",
)

EXERCISES = [FANS, HE_STD]
