"""The exercise on what a loss divides by."""

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/autoencoders"
Array = np.ndarray


def squared_error(x_hat: Array, x: Array) -> tuple[float, float]:
    """The loss per example, and its mean per pixel."""
    squares = (x_hat - x) ** 2
    return squares.sum() / len(x), squares.mean()


def _by_norms(x_hat: Array, x: Array) -> tuple[float, float]:
    per_example = [np.linalg.norm(row) ** 2 for row in (x_hat - x).reshape(len(x), -1)]
    total = float(np.sum(per_example))
    return total / len(x), total / x.size


def _images(rng: np.random.Generator) -> list[Case]:
    def pair(*shape: int) -> tuple[Array, Array]:
        return rng.integers(0, 9, shape).astype(float), rng.integers(0, 9, shape).astype(float)

    return [
        case(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]), label="one example of two pixels"),
        case(*pair(3, 2), label="three examples of two pixels"),
        case(*pair(4, 1), label="examples of a single pixel"),
        case(*pair(2, 1, 3, 3), label="two pictures of 3 x 3"),
        case(*pair(3, 3, 4, 5), label="three colour pictures of 4 x 5"),
    ]


LOSS = Exercise(
    id="autoencoders/loss",
    section=SECTION,
    title="Divided by what?",
    reference=squared_error,
    cases=_images,
    alternatives=[_by_norms],
    mistakes=[
        Mistake(
            lambda x_hat, x: (((x_hat - x) ** 2).mean(), ((x_hat - x) ** 2).sum() / len(x)),
            "The right two numbers in the wrong order: the sum over the pixels first, then the mean.",
        ),
        Mistake(
            lambda x_hat, x: (((x_hat - x) ** 2).sum(), ((x_hat - x) ** 2).mean()),
            "The first number is the sum over all examples. Divide it by their number, m.",
        ),
        Mistake(
            lambda x_hat, x: (((x_hat - x) ** 2).mean(), ((x_hat - x) ** 2).mean()),
            "Both numbers are the mean over all entries. The first one divides by the number of examples alone.",
        ),
        Mistake(
            lambda x_hat, x: (
                ((x_hat - x) ** 2).sum() / len(x),
                ((x_hat - x) ** 2).sum() / len(x) / x.shape[1],
            ),
            "The second divides by the length of axis 1. A picture has c * h * w entries.",
        ),
        Mistake(
            lambda x_hat, x: (((x_hat - x) ** 2).sum() / len(x) / 2, ((x_hat - x) ** 2).mean() / 2),
            "The factor 1/2 of chapter 1 is in here. This section's loss, like mse_loss, has none.",
        ),
        Mistake(
            lambda x_hat, x: (((x_hat - x) ** 2).sum() / x[0].size, ((x_hat - x) ** 2).mean()),
            "The first number is divided by the entries of one example. Divide by how many examples there are.",
        ),
        Mistake(
            lambda x_hat, x: (abs(x_hat - x).sum() / len(x), abs(x_hat - x).mean()),
            "These are absolute differences. Square them.",
        ),
        Mistake(
            lambda x_hat, x: (
                float(np.sqrt(((x_hat - x) ** 2).sum()) / len(x)),
                float(np.sqrt(((x_hat - x) ** 2).mean())),
            ),
            "There is a root too many: the loss is the squared distance.",
        ),
        Mistake(
            lambda x_hat, x: (((x_hat - x).sum() ** 2) / len(x), (x_hat - x).mean() ** 2),
            "The differences are summed before they are squared, so that errors of opposite sign cancel.",
        ),
    ],
    hint="For pictures (m, c, h, w) the loss sums over c, h and w and takes the mean over m alone.",
)
