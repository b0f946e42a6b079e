"""An exercise on fair comparisons: how wide may the two small layers be for the price of the large one?"""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/vgg"


def fair_width(c_in: int, c_out: int) -> int:
    """Divide what may be spent by what one channel in the middle costs, rounded down."""
    return (25 * c_in * c_out) // (9 * c_in + 1 + 9 * c_out)


def _by_trying(c_in: int, c_out: int) -> int:
    middle = 0
    while 9 * c_in * (middle + 1) + (middle + 1) + 9 * (middle + 1) * c_out <= 25 * c_in * c_out:
        middle += 1
    return middle


def _width(
    price: Callable[[int, int], int] = lambda c_in, c_out: 9 * c_in + 1 + 9 * c_out,
    spend: Callable[[int, int], int] = lambda c_in, c_out: 25 * c_in * c_out,
    rounded: Callable[[int, int], int] = lambda money, price: money // price,
) -> Callable[[int, int], int]:
    """A wrong width: the price of a channel, what there is to spend, or how it is rounded."""
    return lambda c_in, c_out: rounded(spend(c_in, c_out), price(c_in, c_out))


FAIR_WIDTH = Exercise(
    id="vgg/fair_width",
    section=SECTION,
    title="Two for the price of one",
    reference=fair_width,
    cases=[
        case(64, 64, label="64 channels in and out"),
        case(64, 128, label="64 in, 128 out"),
        case(3, 64, label="colours in"),
        case(9, 90, label="9 in, 90 out"),
        case(1, 8, label="one channel in"),
        case(36, 4, label="fewer out than in"),
        case(512, 512, label="512 in and out"),
        case(13, 17, label="13 in, 17 out"),
        case(5, 5, label="5 in and out"),
        case(18, 25, label="18 in, 25 out"),
        case(73, 73, label="73 in and out: almost one more"),
        case(2, 19, label="2 in, 19 out: exactly the same price"),
    ],
    alternatives=[
        _by_trying,
        lambda c_in, c_out: int(25 * c_in * c_out / (9 * (c_in + c_out) + 1)),
    ],
    mistakes=[
        Mistake(
            _width(rounded=lambda money, price: -(-money // price)),
            "Rounded up, the pair costs more than the single layer. Round down.",
        ),
        Mistake(
            _width(rounded=lambda money, price: round(money / price)),
            "Rounded to the nearest, the pair sometimes costs more than the single layer. Round down.",
        ),
        Mistake(
            _width(spend=lambda c_in, c_out: 25 * c_in * c_out - 1),
            "Where both cost exactly the same, this takes a channel too few: no more parameters is asked for, not fewer.",
        ),
        Mistake(
            _width(price=lambda c_in, c_out: 9 * c_in + 9 * c_out),
            "The biases of the layer in the middle are missing: each of its channels has one.",
        ),
        Mistake(
            _width(price=lambda c_in, c_out: 9 * c_in),
            "A channel in the middle is paid for in the first layer only. The second layer has 9 weights for it in every "
            "output channel.",
        ),
        Mistake(
            _width(price=lambda c_in, c_out: 18 * c_in + 1),
            "The second layer is taken to write c_in channels. It writes c_out.",
        ),
        Mistake(
            lambda c_in, c_out: c_out,
            "This is the width of the single layer. With it the pair is usually cheaper, and sometimes dearer.",
        ),
        Mistake(
            lambda c_in, c_out: 25 * c_out // 18,
            "The factor 25/18 holds where as many channels go in as out, and without biases. Set up the equation for both.",
        ),
        Mistake(
            _width(spend=lambda c_in, c_out: 25 * c_in * c_out + c_out),
            "The single layer's biases are spent on the middle. The pair needs them itself: its second layer has c_out too.",
        ),
    ],
    hint="With m channels in the middle the pair has 9 c_in m + m + 9 m c_out + c_out parameters. Which m is the largest "
    "that fits?",
)

EXERCISES = [FAIR_WIDTH]
