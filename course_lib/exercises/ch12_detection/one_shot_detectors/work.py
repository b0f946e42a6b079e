"""The exercise on how much three detectors have to compute."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/one_shot_detectors"
Layers = Sequence[tuple[int, int, int]]
Counts = tuple[int, int, int]


def _network(layers: Layers, side: int) -> tuple[int, int]:
    """Multiplications of 3x3 convolutions on a square, and the side of the last map."""
    total = 0
    for before, after, stride in layers:
        side = -(-side // stride)
        total += 9 * before * after * side**2
    return total, side


def work(layers: Layers, size: int, regions: int, crop: int, head: int, outputs: int) -> Counts:
    """Multiplications that R-CNN, Fast R-CNN and a detector of one stage need for a picture."""
    whole, side = _network(layers, size)
    return (
        regions * _network(layers, crop)[0],
        whole + regions * head,
        whole + side**2 * layers[-1][1] * outputs,
    )


def _by_sides(layers: Layers, size: int, regions: int, crop: int, head: int, outputs: int) -> list[int]:
    def sides(side: int) -> list[int]:
        every = []
        for layer in layers:
            side = (side + layer[2] - 1) // layer[2]
            every.append(side)
        return every

    def convolved(side: int) -> int:
        return sum(3 * 3 * c * d * s * s for (c, d, _), s in zip(layers, sides(side), strict=True))

    shared = convolved(size)
    last = layers[-1][1] * sides(size)[-1] ** 2
    return [convolved(crop) * regions, shared + head * regions, shared + last * outputs]


Network = Callable[[Layers, int], tuple[int, int]]


def _counted(
    network: Network = _network,
    slow: Callable[[int, int, int, int], int] = lambda part, whole, regions, head: regions * part,
    fast: Callable[[int, int, int, int], int] = lambda part, whole, regions, head: whole + regions * head,
    last: Callable[[int, int, int], int] = lambda side, channels, outputs: side**2 * channels * outputs,
    result: Callable[[int, int, int], Sequence[int]] = lambda a, b, c: (a, b, c),
) -> Callable[..., Sequence[int]]:
    """Another count of the network, or another share of it."""

    def answer(layers: Layers, size: int, regions: int, crop: int, head: int, outputs: int) -> Sequence[int]:
        (part, _), (whole, side) = network(layers, crop), network(layers, size)
        once = whole + last(side, layers[-1][1], outputs)
        return result(slow(part, whole, regions, head), fast(part, whole, regions, head), once)

    return answer


def _convolutions(
    pixels: Callable[[int, int], int] = lambda before, after: after**2,
    weights: Callable[[int, int], int] = lambda before, after: 9 * before * after,
    step: Callable[[int, int], int] = lambda side, stride: -(-side // stride),
) -> Network:
    """Another count of pixels or weights."""

    def network(layers: Layers, side: int) -> tuple[int, int]:
        total = 0
        for before, after, stride in layers:
            new = step(side, stride)
            total += weights(before, after) * pixels(side, new)
            side = new
        return total, side

    return network


CASES: list[Case] = [
    case([(3, 4, 1)], 8, 5, 4, 100, 11, label="one layer"),
    case([(3, 8, 2), (8, 16, 2)], 16, 10, 8, 500, 11, label="two layers that halve"),
    case([(3, 16, 1), (16, 32, 2), (32, 64, 2), (64, 128, 2)], 64, 25, 32, 100_000, 11, label="our own"),
    case([(3, 8, 2), (8, 8, 2), (8, 24, 1)], 37, 7, 13, 900, 9, label="odd sides"),
    case([(3, 16, 2), (16, 32, 2)], 256, 2000, 32, 30_000, 85, label="two thousand regions"),
    case([(3, 4, 2)], 10, 0, 8, 50, 6, label="no region"),
]

WORK = Exercise(
    id="one_shot_detectors/work",
    section=SECTION,
    title="Three ways to spend multiplications",
    reference=work,
    cases=CASES,
    alternatives=[_by_sides],
    mistakes=[
        Mistake(
            _counted(network=_convolutions(step=lambda side, stride: side // stride)),
            "Odd sides are rounded down. With padding 1, a layer of stride 2 rounds up.",
        ),
        Mistake(
            _counted(network=_convolutions(step=lambda side, stride: (side - 3) // stride + 1)),
            "The maps lose their border, as without padding. With padding 1, stride 1 keeps the side.",
        ),
        Mistake(
            _counted(network=_convolutions(pixels=lambda before, after: before**2)),
            "The multiplications are counted at the pixels that come in. Count at those that go out.",
        ),
        Mistake(
            _counted(network=_convolutions(pixels=lambda before, after: after)),
            "A map of side s has s times s places. Square the side.",
        ),
        Mistake(
            _counted(network=_convolutions(weights=lambda before, after: before * after)),
            "The 9 weights of a 3x3 filter are missing.",
        ),
        Mistake(
            _counted(network=_convolutions(weights=lambda before, after: 9 * after)),
            "Each filter looks at all channels that come in. Multiply by their number.",
        ),
        Mistake(
            _counted(network=_convolutions(step=lambda side, stride: side)),
            "The strides are ignored. A stride of 2 halves the side for this layer and all after it.",
        ),
        Mistake(
            _counted(slow=lambda part, whole, regions, head: regions * whole),
            "R-CNN's network runs on the whole picture for each region. It runs on the stretched crop.",
        ),
        Mistake(
            _counted(slow=lambda part, whole, regions, head: part),
            "R-CNN's network runs once. It runs once for each region.",
        ),
        Mistake(
            _counted(slow=lambda part, whole, regions, head: whole + regions * part),
            "R-CNN is charged for the whole picture too. It never looks at that.",
        ),
        Mistake(
            _counted(fast=lambda part, whole, regions, head: regions * (whole + head)),
            "Fast R-CNN's network runs for each region. That it runs once is what makes it fast.",
        ),
        Mistake(
            _counted(fast=lambda part, whole, regions, head: whole + head),
            "Fast R-CNN's head runs once. It runs once for each region.",
        ),
        Mistake(
            _counted(last=lambda side, channels, outputs: channels * outputs),
            "The last layer is counted at one cell. It runs at each.",
        ),
        Mistake(
            _counted(last=lambda side, channels, outputs: 9 * side**2 * channels * outputs),
            "The last layer is counted as 3x3. It is a convolution of 1x1.",
        ),
        Mistake(
            _counted(last=lambda side, channels, outputs: 0),
            "The last layer of the one-stage detector is missing.",
        ),
        Mistake(
            _counted(result=lambda a, b, c: (c, b, a)),
            "The right numbers, turned round: R-CNN first, the one-stage detector last.",
        ),
        Mistake(
            _counted(result=lambda a, b, c: (2 * a, 2 * b, 2 * c)),
            "Additions are counted too. Count multiplications only.",
        ),
    ],
    hint="A function for the network alone, that returns its multiplications and its last side; it is used twice.",
)
