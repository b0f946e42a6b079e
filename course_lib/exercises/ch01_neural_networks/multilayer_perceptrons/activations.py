"""Exercises on activations: leaky ReLU, and the slope of tanh through its value."""

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/multilayer_perceptrons"

# leaky ReLU


def leaky_relu(z: np.ndarray, negative_slope: float = 0.01) -> np.ndarray:
    """z where it is positive, negative_slope times z elsewhere."""
    return np.where(z > 0, z, negative_slope * z)


LEAKY_RELU = Exercise(
    id="multilayer_perceptrons/leaky_relu",
    section=SECTION,
    title="Leaky ReLU",
    reference=leaky_relu,
    cases=[
        case(np.array([-2.0, -0.5, 0.0, 0.5, 2.0]), label="the default slope"),
        case(np.array([-2.0, -0.5, 0.0, 0.5, 2.0]), 0.2, label="a slope of 0.2"),
        case(np.array([[1.0, -1.0], [-3.0, 4.0], [0.0, -0.25]]), 0.1, label="a batch (3, 2)"),
        case(np.array([-1.0, 3.0]), 0.0, label="a slope of 0: plain ReLU"),
        case(np.array([-4.0, -1.0, 1.0, 4.0]), 1.5, label="a slope above 1"),
        case(np.array([-4.0, 4.0]), -1.0, label="a slope of -1: the absolute value"),
        case(np.array([-1e6, 1e6]), 0.3, label="large values"),
        case(np.zeros((0, 3)), 0.1, label="an empty batch"),
    ],
    alternatives=[
        lambda z, negative_slope=0.01: np.maximum(z, 0) + negative_slope * np.minimum(z, 0),
        lambda z, negative_slope=0.01: z * np.where(z >= 0, 1.0, negative_slope),
    ],
    mistakes=[
        Mistake(
            lambda z, negative_slope=0.01: np.maximum(z, 0),
            "This is plain ReLU: negative inputs give 0. Let them through, multiplied by the negative slope.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.where(z > 0, z, 0.01 * z),
            "The slope is always 0.01 here. Use the argument negative_slope.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.where(z > 0, z, negative_slope),
            "Negative inputs all give the slope itself. Multiply it by z.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.where(z > 0, z, -negative_slope * z),
            "Negative inputs come out with the opposite sign. They stay negative, only smaller: "
            "negative_slope * z.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.where(z < 0, z, negative_slope * z),
            "The two sides are exchanged: it is the negative side that is multiplied by the slope.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.maximum(z, 0) + negative_slope * z,
            "The leak is added on both sides, so positive inputs are multiplied by 1 + negative_slope. "
            "Leave them as they are.",
        ),
        Mistake(
            lambda z, negative_slope=0.01: np.maximum(z, negative_slope * z),
            "The larger of z and negative_slope * z is right as long as the slope is at most 1. For a larger "
            "one it takes the wrong side: choose by the sign of z.",
        ),
    ],
    hint="np.where(condition, here, there) picks, entry by entry, from two arrays.",
)

# the slope of tanh through its value


def tanh_derivative(a: np.ndarray) -> np.ndarray:
    """The slope 1 - a^2 of tanh where its value is a."""
    return 1 - a**2


TANH_DERIVATIVE = Exercise(
    id="multilayer_perceptrons/tanh_derivative",
    section=SECTION,
    title="The slope of tanh from its value",
    reference=tanh_derivative,
    cases=[
        case(np.array([0.0]), label="in the middle, where the slope is 1"),
        case(np.tanh(np.array([-1.0, 0.5, 2.0])), label="three activations"),
        case(np.tanh(np.array([[0.1, -0.1], [3.0, -3.0]])), label="a batch (2, 2)"),
        case(np.array([-1.0, 1.0]), label="fully saturated: no slope is left"),
        case(np.tanh(np.array([6.0, 8.0])), label="almost saturated"),
    ],
    alternatives=[
        lambda a: (1 - a) * (1 + a),
        lambda a: 1 - np.square(a),
    ],
    mistakes=[
        Mistake(
            lambda a: 1 - np.tanh(a) ** 2,
            "This takes the tanh a second time. The argument is already the activation a = tanh(z), not z.",
        ),
        Mistake(
            lambda a: a * (1 - a),
            "a (1 - a) is the slope of the sigmoid. Differentiate tanh = sinh / cosh instead.",
        ),
        Mistake(lambda a: 1 - a, "This is 1 - a. The square is missing."),
        Mistake(
            lambda a: (1 - a) ** 2,
            "This squares the difference, (1 - a)^2. Only a is squared: the slope is the same for a and -a.",
        ),
        Mistake(
            lambda a: 1 + a**2,
            "The sign of the square is wrong: here the slope grows towards the ends, where tanh is flat.",
        ),
        Mistake(
            lambda a: -2 * a,
            "This is the derivative of 1 - a^2 with respect to a, one derivative too many.",
        ),
    ],
    hint="By the quotient rule, the slope of sinh / cosh is (cosh^2 - sinh^2) / cosh^2. Divide it out.",
)
