"""An exercise on the start: the one standard deviation that lets a signal through a whole column."""

import math
from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/vgg"

Layers = Sequence[tuple[int, int, int]]  # kernel size, channels in, channels out


def one_scale(layers: Layers) -> float:
    """The product of all gains sigma^2 fan_in / 2 is 1: take the mean of the logarithms."""
    logs = [math.log(k * k * c_in / 2) for k, c_in, _ in layers]
    return math.exp(-sum(logs) / len(logs) / 2)


def _by_product(layers: Layers) -> float:
    product = 1.0
    for k, c_in, _ in layers:
        product *= k * k * c_in / 2
    return float(product ** (-0.5 / len(layers)))


def _by_roots(layers: Layers) -> float:
    scale = 1.0
    for k, c_in, _ in layers:
        scale *= (2 / (k * k * c_in)) ** (0.5 / len(layers))
    return scale


def _scale(
    fan: Callable[[int, int, int], float] = lambda k, c_in, c_out: k * k * c_in / 2,
    finish: Callable[[list[float]], float] = lambda fans: math.exp(-sum(map(math.log, fans)) / len(fans) / 2),
) -> Callable[[Layers], float]:
    """A wrong scale: what a layer multiplies sigma squared by, or how the layers are put together."""
    return lambda layers: finish([fan(*layer) for layer in layers])


ONE_SCALE = Exercise(
    id="vgg/one_scale",
    section=SECTION,
    title="One spread for all layers",
    reference=one_scale,
    cases=[
        case([(3, 2, 5)], label="one layer of fan-in 18: a third"),
        case([(3, 8, 8), (3, 8, 8)], label="two equal layers"),
        case([(3, 3, 64), (3, 64, 64), (3, 64, 128)], label="from colours to 128 channels"),
        case([(3, 1, 8), (1, 8, 16), (5, 16, 4)], label="kernels of 3, 1 and 5"),
        case([(3, 3, 64), (3, 64, 128), *[(3, 128, 256), (3, 256, 256)] * 2], label="six layers"),
        case([(3, 512, 512)] * 120, label="120 layers of 512 channels"),
    ],
    alternatives=[_by_roots],
    mistakes=[
        Mistake(
            _by_product,
            "The formula is right, but the product of all fans leaves the range of numbers where the net is deep. Add up "
            "logarithms.",
        ),
        Mistake(
            _scale(fan=lambda k, c_in, c_out: k * k * c_in),
            "The half of the ReLU is missing: it throws away half of the mean square.",
        ),
        Mistake(
            _scale(fan=lambda k, c_in, c_out: k * k * c_out / 2),
            "This takes the fan-out. A forward signal is a sum of k k c_in terms.",
        ),
        Mistake(
            _scale(fan=lambda k, c_in, c_out: k * c_in / 2),
            "A kernel of k rows has k columns too: fan-in k k c_in.",
        ),
        Mistake(
            _scale(fan=lambda k, c_in, c_out: c_in / 2),
            "The places of the kernel are missing from the fan-in: each unit sums k k c_in terms.",
        ),
        Mistake(
            _scale(finish=lambda fans: math.exp(-sum(map(math.log, fans)) / len(fans))),
            "This is sigma squared, the variance. Take its root.",
        ),
        Mistake(
            _scale(finish=lambda fans: (sum(fans) / len(fans)) ** -0.5),
            "The fans are averaged as in a sum. Gains multiply: it is their product that must be 1, so average the "
            "logarithms.",
        ),
        Mistake(
            _scale(finish=lambda fans: math.exp(-sum(map(math.log, fans)) / 2)),
            "The root over the number of layers is missing: sigma squared enters the product once for each layer.",
        ),
        Mistake(
            _scale(finish=lambda fans: sum(f**-0.5 for f in fans) / len(fans)),
            "This averages the He spreads of the layers. Gains multiply: ask that their product be 1.",
        ),
        Mistake(
            _scale(finish=lambda fans: fans[-1] ** -0.5),
            "This keeps the signal in the last layer only. All layers get the same sigma: their gains must multiply to 1.",
        ),
    ],
    hint="Layer l multiplies the mean square by sigma^2 fan_l / 2. Write the product of all of them, set it to 1, solve for "
    "sigma.",
)

EXERCISES = [ONE_SCALE]
