"""The exercise on what a depthwise separable convolution costs."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/mobilenet"
Costs = tuple[int, int]


def separable_cost(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
    """Both steps work at the places of the output."""
    places = (-(-side // stride)) ** 2
    return places * kernel**2 * c_in * c_out, places * c_in * (kernel**2 + c_out)


def _by_weights(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
    places = len(range(0, side, stride)) ** 2
    weights = [c_out * c_in * kernel * kernel, c_in * kernel * kernel, c_out * c_in]
    return places * weights[0], places * weights[1] + places * weights[2]


def _wrong(
    places_of: Callable[[int, int], int] = lambda side, stride: (-(-side // stride)) ** 2,
    depthwise: Callable[[int, int, int], int] = lambda c_in, c_out, kernel: kernel**2 * c_in,
    window: Callable[[int], int] = lambda kernel: kernel**2,
    times: int = 1,
) -> Callable[[int, int, int, int, int], Costs]:
    """A wrong count: other places, another first step, another window."""

    def answer(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
        places = times * places_of(side, stride)
        first = depthwise(c_in, c_out, kernel) // kernel**2 * window(kernel)
        return places * window(kernel) * c_in * c_out, places * (first + c_in * c_out)

    return answer


def _late_stride(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
    places = (-(-side // stride)) ** 2
    return places * kernel**2 * c_in * c_out, side**2 * kernel**2 * c_in + places * c_in * c_out


def _multiplied(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
    full, _ = separable_cost(c_in, c_out, kernel, side, stride)
    return full, full * c_in


def _only_last_step(c_in: int, c_out: int, kernel: int, side: int, stride: int) -> Costs:
    full, _ = separable_cost(c_in, c_out, kernel, side, stride)
    return full, full // kernel**2


COST = Exercise(
    id="mobilenet/cost",
    section=SECTION,
    title="The price of the two steps",
    reference=separable_cost,
    cases=[
        case(3, 5, 3, 4, 1, label="3 to 5 channels, 3 x 3, on 4 x 4"),
        case(32, 64, 3, 112, 1, label="the first block of MobileNet"),
        case(64, 128, 3, 112, 2, label="the second block, of stride 2"),
        case(24, 7, 5, 15, 2, label="5 x 5, stride 2 on an odd size, fewer channels out"),
        case(16, 16, 7, 10, 3, label="7 x 7, stride 3"),
        case(8, 12, 1, 6, 1, label="a kernel of 1 x 1"),
    ],
    alternatives=[_by_weights],
    mistakes=[
        Mistake(
            _wrong(depthwise=lambda c_in, c_out, kernel: kernel**2 * c_in * c_in),
            "Your first step lets every channel read every channel. Depthwise means that each of the c_in kernels sees one channel.",
        ),
        Mistake(
            _wrong(depthwise=lambda c_in, c_out, kernel: kernel**2 * c_out),
            "Your first step has a kernel for each channel that comes out of the second. It still works on the c_in channels.",
        ),
        Mistake(
            _late_stride,
            "Your depthwise step visits every pixel of the input. It takes the stride, so it computes only the places of the output.",
        ),
        Mistake(
            _wrong(places_of=lambda side, stride: side**2),
            "The stride has no effect on your counts. Both steps compute the places of the output, about side / stride a side.",
        ),
        Mistake(
            _wrong(places_of=lambda side, stride: (side // stride) ** 2),
            "You round the size down. With the padding as stated it is side / stride, rounded up.",
        ),
        Mistake(
            _wrong(places_of=lambda side, stride: side * -(-side // stride)),
            "The stride shortens one direction only in your counts. It acts on rows and on columns.",
        ),
        Mistake(
            _wrong(places_of=lambda side, stride: 1),
            "These are weights. Each weight is used once at every place of the output.",
        ),
        Mistake(
            _wrong(window=lambda kernel: kernel),
            "Your window has kernel weights. A window of kernel rows and kernel columns has kernel**2.",
        ),
        Mistake(
            _multiplied,
            "The costs of your two steps are multiplied. One step is done after the other: add them.",
        ),
        Mistake(
            _only_last_step,
            "Your second number is the 1 x 1 step alone. Add what the depthwise step costs.",
        ),
        Mistake(
            _wrong(times=2),
            "You count multiplications and additions one by one. Here a multiplication with its addition is one multiply-add.",
        ),
    ],
    hint="Count the weights of each step first. How often is each weight used?",
)
