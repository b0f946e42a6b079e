"""Exercises on choosing layers: the dilation that is large enough, and the price of a stack."""

import math
from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/receptive_field"

# pick the dilation


def smallest_dilation(target: int, size: int, jump: int, kernel: int) -> int:
    """Divide what is missing by what each unit of dilation adds, rounded up; at least 1."""
    return max(1, math.ceil((target - size) / ((kernel - 1) * jump)))


def _by_trying(target: int, size: int, jump: int, kernel: int) -> int:
    dilation = 1
    while size + (kernel - 1) * dilation * jump < target:
        dilation += 1
    return dilation


DILATION = Exercise(
    id="receptive_field/dilation",
    section=SECTION,
    title="Pick the dilation",
    reference=smallest_dilation,
    cases=[
        case(15, 7, 1, 3, label="8 pixels are missing, and 3x3 kernels add 2 for each step"),
        case(16, 7, 1, 3, label="9 are missing: an odd number"),
        case(17, 5, 1, 5, label="a 5x5 kernel"),
        case(64, 10, 4, 3, label="behind two poolings"),
        case(100, 30, 8, 2, label="a 2x2 kernel behind three poolings"),
        case(41, 9, 2, 5, label="an exact fit"),
        case(20, 20, 1, 3, label="the field is there already"),
        case(9, 31, 2, 3, label="the field is larger than asked for"),
        case(33, 1, 1, 3, label="the first layer"),
    ],
    alternatives=[
        _by_trying,
        lambda target, size, jump, kernel: max(1, -(-(target - size) // ((kernel - 1) * jump))),
    ],
    mistakes=[
        Mistake(
            lambda target, size, jump, kernel: max(1, (target - size) // ((kernel - 1) * jump)),
            "Rounded down, the field ends up smaller than the target. Round up.",
        ),
        Mistake(
            lambda target, size, jump, kernel: max(1, round((target - size) / ((kernel - 1) * jump))),
            "Rounded to the nearest, the field is sometimes smaller than the target. Round up.",
        ),
        Mistake(
            lambda target, size, jump, kernel: max(1, math.ceil((target - size) / (kernel * jump))),
            "The kernel is counted with K steps. From its first entry to its last there are K - 1, each D long.",
        ),
        Mistake(
            lambda target, size, jump, kernel: max(1, math.ceil((target - size) / (kernel - 1))),
            "The jump is missing: one step on this layer's input is a jump of several pixels.",
        ),
        Mistake(
            lambda target, size, jump, kernel: math.ceil((target - size) / ((kernel - 1) * jump)),
            "A dilation of 0 or less is no layer. Where the field is large enough already, the answer is 1.",
        ),
        Mistake(
            lambda target, size, jump, kernel: max(1, (target - size) // ((kernel - 1) * jump) + 1),
            "One too many where the division comes out even: at least the target is enough, more is not asked for.",
        ),
        Mistake(
            lambda target, size, jump, kernel: max(1, math.ceil((target - 1) / ((kernel - 1) * jump))),
            "The layer is given the whole field to make up. The layers before already see `size` pixels.",
        ),
    ],
    hint="With dilation D the size becomes size + (K - 1) D jump. Which is the smallest whole D that makes it target?",
)

# the price of a stack


def stack_and_single(kernel: int, count: int, channels: int) -> tuple[int, int]:
    """Count the weights and biases of both."""
    whole = count * (kernel - 1) + 1
    return count * (kernel**2 * channels**2 + channels), whole**2 * channels**2 + channels


def _price(
    kernels: Callable[[int], int] = lambda k: k * k,
    channels: Callable[[int], int] = lambda c: c * c,
    bias: Callable[[int], int] = lambda c: c,
    whole: Callable[[int, int], int] = lambda k, n: n * (k - 1) + 1,
    times: Callable[[int], int] = lambda n: n,
) -> Callable[[int, int, int], tuple[int, int]]:
    """A wrong count: the entries of a kernel, its channels, its biases, the single kernel or the depth."""

    def answer(kernel: int, count: int, channels_: int) -> tuple[int, int]:
        def one(k: int) -> int:
            return kernels(k) * channels(channels_) + bias(channels_)

        return times(count) * one(kernel), one(whole(kernel, count))

    return answer


WEIGHTS = Exercise(
    id="receptive_field/weights",
    section=SECTION,
    title="The price of a stack",
    reference=stack_and_single,
    cases=[
        case(3, 2, 64, label="two 3x3 against one 5x5"),
        case(3, 3, 64, label="three 3x3 against one 7x7"),
        case(5, 2, 10, label="two 5x5 against one 9x9"),
        case(2, 4, 3, label="four 2x2 against one 5x5"),
        case(3, 1, 7, label="a stack of one"),
        case(1, 3, 5, label="1x1 kernels"),
        case(7, 5, 1, label="one channel"),
    ],
    mistakes=[
        Mistake(
            _price(bias=lambda c: 0),
            "The biases are missing: each layer has one for every output channel.",
        ),
        Mistake(
            _price(bias=lambda c: 1),
            "Each layer has one bias here. It has one for every output channel.",
        ),
        Mistake(
            _price(channels=lambda c: c),
            "The channels count once only. Every one of the C kernels has K x K weights for each of C input channels.",
        ),
        Mistake(
            _price(kernels=lambda k: k),
            "A kernel of K rows has K columns too: K squared weights for each pair of channels.",
        ),
        Mistake(
            _price(times=lambda n: 1),
            "This counts one layer of the stack. There are `count` of them.",
        ),
        Mistake(
            _price(whole=lambda k, n: n * k),
            "The single kernel is too large: stacked windows overlap by one entry, so the field is count (K - 1) + 1.",
        ),
        Mistake(
            lambda k, n, c: (n * (k * k * c * c + c), n * k * k * c * c + c),
            "The single kernel is given as many entries as the stack has. It has as many as its whole window: "
            "(count (K - 1) + 1) squared.",
        ),
    ],
    hint="First the size of the single kernel: each layer after the first adds K - 1 pixels to the field.",
)

EXERCISES = [WEIGHTS, DILATION]
