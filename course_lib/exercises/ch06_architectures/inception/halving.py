"""The exercise on three ways to halve a map."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/inception"


def halving(side: int, c: int, kernel: int) -> tuple[int, int, int]:
    """Convolve then pool; pool then convolve; convolve with stride 2 beside a pooling."""
    half = side // 2
    return (
        side**2 * c * 2 * c * kernel**2,
        half**2 * c * 2 * c * kernel**2,
        half**2 * c * c * kernel**2,
    )


def _halved(
    first: int = 1, second: int = 1, third: int = 1, of_half: int = 4, kernel: int = 2
) -> Callable[[int, int, int], tuple[int, ...]]:
    """Three costs in units of c^2 k^2 per place: wrong by factors."""

    def answer(side: int, c: int, k: int) -> tuple[int, ...]:
        unit = c * c * k**kernel
        half = side * side // of_half
        return side**2 * 2 * unit // first, half * 2 * unit * second, half * unit * third

    return answer


HALVING = Exercise(
    id="inception/halving",
    section=SECTION,
    title="Three ways to halve a map",
    reference=halving,
    cases=[
        case(4, 1, 1, label="a small map, one channel"),
        case(8, 3, 3, label="3x3 kernels"),
        case(34, 320, 3, label="34x34x320 to 17x17x640"),
        case(16, 10, 1, label="1x1 kernels"),
        case(6, 2, 5, label="5x5 kernels"),
    ],
    mistakes=[
        Mistake(
            _halved(first=4),
            "The first number is too small: the convolution comes before the pooling and works on all side x side places.",
        ),
        Mistake(
            _halved(first=2),
            "The first number has c kernels. Twice as many channels are wanted, and the pooling does not make any: 2 c kernels.",
        ),
        Mistake(
            _halved(second=4),
            "The second number is too large: behind the pooling there are half as many rows and half as many columns.",
        ),
        Mistake(
            _halved(third=2),
            "The third number has 2 c kernels. The pooling beside the convolution gives c of the 2 c channels.",
        ),
        Mistake(
            _halved(third=4),
            "The third number has a convolution at all places. With stride 2 it is computed at a quarter of them.",
        ),
        Mistake(
            _halved(of_half=2),
            "Half the side is a quarter of the places, not half of them.",
        ),
        Mistake(
            _halved(kernel=1),
            "The kernel counts with its side. It has kernel times kernel weights for each pair of channels.",
        ),
        Mistake(
            lambda side, c, k: tuple(
                number // 2 if i < 2 else number for i, number in enumerate(halving(side, c, k))
            ),
            "The first two have c kernels. Without a second branch all 2 c channels must come from the convolution.",
        ),
        Mistake(
            lambda side, c, k: tuple(halving(side, c, k)[i] for i in (1, 0, 2)),
            "The first two numbers are exchanged. First comes: convolve, then pool.",
        ),
    ],
    hint="For each way: at how many places is the convolution computed, from how many channels, to how many?",
)
