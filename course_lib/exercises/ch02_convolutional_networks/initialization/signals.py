"""The exercise on the variance to expect after many layers."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/initialization"

# the variance after L layers


def predicted_variance(
    mean_square: float, fans_in: Sequence[int], stds: Sequence[float], relu: bool = True
) -> float:
    """Var z of the last layer: fan_in Var w for each layer, and a half for each ReLU between two."""
    kept = 0.5 if relu else 1.0
    variance = mean_square / kept  # no activation before the first layer
    for fan_in, std in zip(fans_in, stds, strict=True):
        variance = fan_in * std**2 * kept * variance
    return float(variance)


def _as_product(
    mean_square: float, fans_in: Sequence[int], stds: Sequence[float], relu: bool = True
) -> float:
    factors = np.asarray(fans_in) * np.asarray(stds) ** 2.0
    return float(mean_square * np.prod(factors) * (0.5 if relu else 1.0) ** (len(factors) - 1))


def _predicted(
    half: float = 0.5, extra: int = -1, power: float = 2.0, fan_power: float = 1.0
) -> Callable[..., float]:
    """A wrong prediction: what a ReLU keeps, how many there are beyond L, the powers of std and fan_in."""

    def answer(mean_square: float, fans_in: Sequence[int], stds: Sequence[float], relu: bool = True) -> float:
        factors = np.asarray(fans_in) ** fan_power * np.asarray(stds) ** power
        return float(mean_square * np.prod(factors) * (half if relu else 1.0) ** (len(factors) + extra))

    return answer


PREDICTED_VARIANCE = Exercise(
    id="initialization/predicted_variance",
    section=SECTION,
    title="The variance after L layers",
    reference=predicted_variance,
    rtol=1e-4,
    atol=0.0,  # a variance of 1e-9 is the point
    cases=[
        case(2.0, [64], [0.25], label="one layer, whose inputs have passed no ReLU"),
        case(1.0, [64, 100], [0.25, 0.1], label="two layers, one ReLU between them"),
        case(1.0, [50, 50, 50], [0.2, 0.2, 0.2], label="three layers of He's rule"),
        case(0.5, [64, 128, 32, 16], [0.1, 0.2, 0.05, 0.3], label="four layers, all different"),
        case(1.0, [100] * 30, [0.1] * 30, label="thirty layers of the variance 1 / fan_in"),
        case(3.0, [20, 40, 80], [0.1, 0.3, 0.2], False, label="no activation"),
        case(1.0, [16] * 20, [0.5] * 20, label="twenty layers that explode"),
    ],
    alternatives=[_as_product],
    mistakes=[
        Mistake(
            _predicted(extra=0),
            "One half too many: the inputs come as they are, so L layers have L - 1 ReLUs between them.",
        ),
        Mistake(
            _predicted(half=1.0),
            "The ReLUs are forgotten. Each one between two layers keeps half of the mean square.",
        ),
        Mistake(
            _predicted(power=1.0),
            "The standard deviations stand where variances belong: square them.",
        ),
        Mistake(
            _predicted(half=(np.pi - 1) / (2 * np.pi)),
            "This takes the variance that a ReLU leaves, 0.34. The next layer feels its mean square, which is a half.",
        ),
        Mistake(
            lambda mean_square, fans_in, stds, relu=True: (
                predicted_variance(mean_square, fans_in, stds, relu) ** 0.5
            ),
            "This is the standard deviation of the last pre-activations. The exercise asks for their variance.",
        ),
        Mistake(
            _predicted(fan_power=0.0),
            "fan_in is missing: every output is a sum of that many terms, and their variances add up.",
        ),
        Mistake(
            lambda mean_square, fans_in, stds, relu=True: predicted_variance(1.0, fans_in, stds, relu),
            "The mean square of the inputs is ignored. Everything after it is in proportion to it.",
        ),
        Mistake(
            lambda mean_square, fans_in, stds, relu=True: predicted_variance(mean_square, fans_in, stds),
            "The half is applied even where relu is False. Without a ReLU nothing is lost between the layers.",
        ),
        Mistake(
            lambda mean_square, fans_in, stds, relu=True: predicted_variance(
                mean_square**2, fans_in, stds, relu
            ),
            "The mean square of the inputs is squared again. It already is a square.",
        ),
    ],
    hint="Start with Var z of the first layer, fan_in Var w E[x^2]. What does one ReLU and one more layer do to it?",
)

EXERCISES = [PREDICTED_VARIANCE]
