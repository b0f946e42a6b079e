"""The exercise on noise that is a penalty."""

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/noise_and_augmentation"


def equivalent_decay(std: float, outputs: int, loss: str) -> float:
    """The weight_decay of SGD that input noise amounts to in a linear layer."""
    return std**2 if loss == "half" else 2 * std**2 / outputs


DECAY = Exercise(
    id="noise_and_augmentation/equivalent_decay",
    section=SECTION,
    title="The decay that a noise amounts to",
    reference=equivalent_decay,
    cases=[
        case(0.1, 1, "half", label="one output, half the squared error"),
        case(0.1, 1, "mse", label="one output, without the half"),
        case(0.2, 10, "half", label="ten outputs, summed"),
        case(0.2, 10, "mse", label="ten outputs, averaged"),
        case(3.0, 5, "mse", label="strong noise"),
        case(0.0, 4, "mse", label="no noise"),
    ],
    alternatives=[lambda std, outputs, loss: {"half": 1, "mse": 2 / outputs}[loss] * std * std],
    mistakes=[
        Mistake(
            lambda std, outputs, loss: std if loss == "half" else 2 * std / outputs,
            "The penalty goes with the variance: the standard deviation has to be squared.",
        ),
        Mistake(
            lambda std, outputs, loss: std**2 if loss == "half" else std**2 / outputs,
            'For "mse" a factor of 2 is missing: the cost has no half, but gamma/2 |W|^2 has one.',
        ),
        Mistake(
            lambda std, outputs, loss: std**2 if loss == "half" else 2 * std**2,
            'For "mse" the errors of the outputs are averaged, so the noise adds only 1/k of sigma^2 |W|^2.',
        ),
        Mistake(
            lambda std, outputs, loss: std**2 / 2 if loss == "half" else std**2 / outputs,
            "This is lambda, the factor of |W|^2. SGD's weight_decay is the factor of |W|^2 / 2, twice as large.",
        ),
        Mistake(
            lambda std, outputs, loss: std**2 / outputs if loss == "half" else 2 * std**2 / outputs,
            'For "half" the errors of the outputs are summed and not averaged: nothing is divided by their number.',
        ),
        Mistake(
            lambda std, outputs, loss: 2 * std**2 if loss == "half" else 2 * std**2 / outputs,
            'For "half" the half of the cost and the half of gamma/2 |W|^2 cancel: no 2 is left.',
        ),
        Mistake(
            lambda std, outputs, loss: std**2 / 2 if loss == "half" else 2 * std**2 / outputs,
            'For "half" this is lambda, the factor of |W|^2. The decay gamma is the factor of |W|^2 / 2, twice as large.',
        ),
        Mistake(
            lambda std, outputs, loss: 2 * std**2 / outputs if loss == "half" else std**2,
            "The two costs are exchanged.",
        ),
        Mistake(
            lambda std, outputs, loss: std**2,
            "This is right for half of the summed squared error, whatever the loss is. The other one is twice as "
            "large, and divided by the number of outputs.",
        ),
        Mistake(
            lambda std, outputs, loss: std**2 * outputs if loss == "half" else 2 * std**2 / outputs,
            'For "half" this is too large by the number of outputs. |W|^2 already has the rows of all outputs in it.',
        ),
        Mistake(
            lambda std, outputs, loss: std**2 * outputs if loss == "half" else 2 * std**2,
            "Both are too large by the number of outputs. |W|^2 already has the rows of all outputs in it.",
        ),
    ],
    hint="Write down what the noise adds to the cost. Then ask for which gamma that is gamma/2 |W|^2.",
)
