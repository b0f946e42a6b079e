"""Exercises on arithmetic: the size of the output, and what a layer costs."""

import math
from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/convolution"

# the output's size


def output_size(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the places of a window; 0 where it does not fit."""
    span = dilation * (kernel_size - 1) + 1
    free = size + 2 * padding - span
    return free // stride + 1 if free >= 0 else 0


def _by_counting(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    last = dilation * (kernel_size - 1)
    return sum(i % stride == 0 for i in range(size + 2 * padding - last))


def _size_with(count: Callable[[int, int, int, int, int], float]) -> Callable[..., float]:
    """A wrong size from (H, K, S, P, D) for windows that fit; 0 for the others."""

    def answer(size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> float:
        if output_size(size, kernel_size, 1, padding, dilation) == 0:
            return 0
        return count(size, kernel_size, stride, padding, dilation)

    return answer


OUTPUT_SIZE = Exercise(
    id="convolution/output_size",
    section=SECTION,
    title="How large is the output?",
    reference=output_size,
    cases=[
        case(28, 5, label="28 pixels, a window of 5"),
        case(28, 3, 1, 1, label="padding 1"),
        case(227, 11, 4, label="stride 4"),
        case(224, 7, 2, 3, label="stride 2 and padding 3"),
        case(6, 3, 2, label="a stride that leaves a pixel over"),
        case(20, 3, 1, 0, 4, label="dilation 4"),
        case(33, 4, 3, 2, 3, label="stride, padding and dilation together"),
        case(5, 5, label="a window as large as the image"),
        case(5, 3, 2, 0, 3, label="a dilated window that does not fit"),
        case(5, 3, 1, 0, 4, label="a dilated window that reaches far beyond the image"),
        case(3, 7, 2, label="a window much larger than the image"),
        case(2, 5, 3, 1, label="a window larger than the padded image, by less than the stride"),
    ],
    alternatives=[
        _by_counting,
        lambda h, k, s=1, p=0, d=1: (
            max(0, math.floor((h - d * (k - 1) - 1 + 2 * p) / s + 1)) if h + 2 * p > d * (k - 1) else 0
        ),
    ],
    mistakes=[
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - k + 2 * p) // s + 1),
            "The dilation is ignored here. A dilated window reaches over D (K - 1) + 1 pixels, not over K.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - d * k + 2 * p) // s + 1),
            "The window is taken to reach over D K pixels. K entries have only K - 1 gaps between them: its reach is "
            "D (K - 1) + 1.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - d * (k - 1) - 1 + p) // s + 1),
            "The padding is counted on one side only. The frame adds P pixels at each end: 2 P in all.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - d * (k - 1) - 1 + 2 * p) // s),
            "One place is missing: the division counts the steps, and the first place comes before any step. Add 1.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: -(-(h - d * (k - 1) - 1 + 2 * p) // s) + 1),
            "This rounds up. The last window must lie inside the padded image, so round down.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: h - d * (k - 1) + 2 * p),
            "The stride is ignored: this counts every place. With stride S only every S-th of them remains.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - d * (k - 1) + 2 * p) // s),
            "The 1 is added before the division: all places, divided by the stride. When something is left over, that is "
            "one too few. Divide first, then add 1.",
        ),
        Mistake(
            _size_with(lambda h, k, s, p, d: (h - d * (k - 1) - 1 + 2 * p) / s + 1),
            "This is not rounded down, and an image has no fraction of a pixel.",
        ),
        Mistake(
            lambda h, k, s=1, p=0, d=1: (h - d * (k - 1) - 1 + 2 * p) // s + 1,
            "This is right as long as the window fits. Where it does not, the formula can fall below 0: "
            "return 0 then.",
        ),
        Mistake(
            lambda h, k, s=1, p=0, d=1: 0 if k > h + 2 * p else (h - d * (k - 1) - 1 + 2 * p) // s + 1,
            "This looks at K to see whether the window fits. A dilated window reaches over D (K - 1) + 1 pixels: that "
            "many have to fit.",
        ),
        Mistake(
            lambda h, k, s=1, p=0, d=1: max(0, int((h - d * (k - 1) - 1 + 2 * p) / s) + 1),
            "int() rounds towards 0. Where the window does not fit the quotient is negative, and a place "
            "is counted that is not there. Use // or math.floor.",
        ),
    ],
    hint="How far does a dilated window reach? How many steps of the stride fit into what is left?",
)

# what a layer costs

Cost = tuple[int, int]


def layer_cost(
    in_channels: int, out_channels: int, kernel_size: int, size_out: int, groups: int = 1, bias: bool = True
) -> Cost:
    """Parameters, and multiply-adds for one image."""
    weights = out_channels * (in_channels // groups) * kernel_size**2
    return weights + (out_channels if bias else 0), weights * size_out**2


def _cost_with(
    weights: Callable[[int, int, int, int], int] = lambda c, o, k, g: o * (c // g) * k**2,
    biases: Callable[[int, int, int], int] = lambda c, o, g: o,
    products: Callable[[int, int, int, int, int, int], int] | None = None,
) -> Callable[..., Cost]:
    """A wrong cost: other weights of (C_in, C_out, K, G), other biases, other multiply-adds."""

    def answer(
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        size_out: int,
        groups: int = 1,
        bias: bool = True,
    ) -> Cost:
        count = weights(in_channels, out_channels, kernel_size, groups)
        added = biases(in_channels, out_channels, groups) if bias else 0
        if products is None:
            return count + added, count * size_out**2
        return count + added, products(in_channels, out_channels, kernel_size, size_out, groups, added)

    return answer


LAYER_COST = Exercise(
    id="convolution/layer_cost",
    section=SECTION,
    title="What a layer costs",
    reference=layer_cost,
    cases=[
        case(1, 1, 3, 5, label="one filter of one channel"),
        case(3, 16, 5, 28, label="16 filters of three channels"),
        case(64, 128, 1, 14, label="a 1 x 1 convolution"),
        case(8, 12, 3, 10, label="no bias", bias=False),
        case(96, 256, 5, 27, 2, label="two groups, as in AlexNet"),
        case(32, 32, 3, 16, 32, label="depthwise"),
        case(32, 64, 3, 16, 32, False, label="depthwise, two filters for each channel, no bias"),
    ],
    alternatives=[
        lambda c, o, k, s, groups=1, bias=True: (
            groups * (o // groups) * (c // groups) * k * k + o * bool(bias),
            o * s * s * (c // groups) * k * k,
        ),
    ],
    mistakes=[
        Mistake(
            _cost_with(lambda c, o, k, g: o * c * k**2),
            "The groups are ignored. Each filter sees only the in_channels / groups channels of its group.",
        ),
        Mistake(
            _cost_with(lambda c, o, k, g: (o // g) * (c // g) * k**2),
            "This is the weights of one group only. There are `groups` of them, each with "
            "out_channels / groups filters.",
        ),
        Mistake(
            _cost_with(lambda c, o, k, g: o * k**2),
            "Every filter has a single slice here. It needs one slice of weights for each input channel it sees.",
        ),
        Mistake(
            _cost_with(biases=lambda c, o, g: 0),
            "The biases are left out of the parameters. With bias=True there is one for each output channel.",
        ),
        Mistake(
            _cost_with(biases=lambda c, o, g: o * (c // g)),
            "There is a bias for each slice of each filter here. The slices are summed first, so a "
            "filter has one bias.",
        ),
        Mistake(
            _cost_with(biases=lambda c, o, g: 1),
            "There is a single bias for the whole layer here. Each output channel has its own.",
        ),
        Mistake(
            _cost_with(products=lambda c, o, k, s, g, b: o * (c // g) * k**2),
            "Each weight is used only once here. It is used at every place of the output: "
            "size_out * size_out times.",
        ),
        Mistake(
            _cost_with(products=lambda c, o, k, s, g, b: (c // g) * k**2 * s**2),
            "These are the multiply-adds of one output channel. There are out_channels of them.",
        ),
        Mistake(
            _cost_with(products=lambda c, o, k, s, g, b: (o * (c // g) * k**2 + b) * s**2),
            "The biases are counted as multiplications. A bias is only added: count the weights' products.",
        ),
        Mistake(
            lambda c, o, k, s, groups=1, bias=True: layer_cost(c, o, k, s, groups),
            "The biases are counted although bias=False says that there are none.",
        ),
        Mistake(
            _cost_with(lambda c, o, k, g: o * (c // g) * k),
            "A kernel has K rows and K columns: K * K weights, not K.",
        ),
        Mistake(
            _cost_with(products=lambda c, o, k, s, g, b: o * (c // g) * k**2 * s),
            "The output is size_out wide and size_out high: multiply by its square.",
        ),
    ],
    hint="How many weights has one filter, and how many filters are there? How often is each weight used?",
)
