"""The exercise on the size that a transposed convolution makes."""

from course_lib.exercises import Exercise, Mistake, case

SECTION = "08_autoencoders/stacked_and_convolutional"


def transposed_size(
    n: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """(n - 1) S - 2 P + D (K - 1) + 1 + output_padding."""
    return (n - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + 1 + output_padding


def _searched(n: int, K: int, S: int = 1, P: int = 0, more: int = 0, D: int = 1) -> int:
    """The smallest size that the convolution makes n, and as many more."""
    size = D * (K - 1) + 1 - 2 * P
    while (size + 2 * P - D * (K - 1) - 1) // S + 1 < n:
        size += 1
    return size + more


SIZES = [
    case(3, 3, label="3 x 3 kernel on a side of 3"),
    case(3, 3, 2, 1, label="3 to 5: kernel 3, stride 2, padding 1"),
    case(7, 4, 2, 1, label="7 to 14: kernel 4, stride 2, padding 1"),
    case(7, 3, 2, 1, 1, label="7 to 14: kernel 3, with output padding"),
    case(1, 7, label="one place to a side of 7"),
    case(5, 2, 3, label="stride larger than the kernel"),
    case(4, 3, 1, 0, 0, 2, label="dilation 2"),
    case(6, 5, 3, 2, 1, 2, label="everything at once"),
    case(5, 3, 2, padding=2, dilation=3, label="padding and dilation by name"),
]

TRANSPOSED_SIZE = Exercise(
    id="stacked_and_convolutional/transposed_size",
    section=SECTION,
    title="How large does it get?",
    reference=transposed_size,
    cases=SIZES,
    alternatives=[
        lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: _searched(
            n, kernel_size, stride, padding, output_padding, dilation
        ),
    ],
    mistakes=[
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: (
                (n + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1
            ),
            "This is the size that a convolution makes. Solve its formula for the input's size.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: n * stride,
            "n times the stride: right for some kernels and paddings only. Count the stamps: n of them, S apart.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n + 1, kernel_size, stride, padding, output_padding, dilation
            ),
            "n stamps have n - 1 steps between them, not n.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n, kernel_size, stride, -padding, output_padding, dilation
            ),
            "Padding is added here. In a transposed convolution it is cut off, at both sides.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: (
                transposed_size(n, kernel_size, stride, padding, output_padding, dilation) + padding
            ),
            "The padding is cut off at one side only. It goes at both.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n, kernel_size, stride, padding, 0, dilation
            ),
            "The output padding is left out: it is added once.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n, kernel_size, stride, padding, 2 * output_padding, dilation
            ),
            "The output padding is added twice. It stands at one side only.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n, kernel_size, stride, padding, output_padding
            ),
            "The dilation is left out: a stamp spans D (K - 1) + 1 pixels.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: transposed_size(
                n, kernel_size, 1, padding, output_padding, dilation
            ),
            "The stride is left out: neighbouring stamps lie S apart.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: (
                transposed_size(n, kernel_size, stride, padding, output_padding, dilation) - 1
            ),
            "One too few: from the first to the last entry of a stamp there are D (K - 1) steps, and one pixel more.",
        ),
        Mistake(
            lambda n, kernel_size, stride=1, padding=0, output_padding=0, dilation=1: (
                (n - 1) * stride - 2 * padding + dilation * kernel_size + output_padding
            ),
            "A stamp of K entries, D apart, spans D (K - 1) + 1 pixels, not D K.",
        ),
    ],
    hint="The last stamp begins at (n - 1) S. Where does it end? Then cut and add.",
)
