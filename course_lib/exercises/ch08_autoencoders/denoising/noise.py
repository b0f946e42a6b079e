"""Exercises on the damage, and on the loss that asks for its repair."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/denoising"
Array = np.ndarray

# two kinds of damage


def corrupt(x: Array, u: Array, e: Array, q: float, std: float) -> tuple[Array, Array]:
    """Masked where u < q, and x + std e."""
    return np.where(u < q, 0.0, x), x + std * e


def _by_products(x: Array, u: Array, e: Array, q: float, std: float) -> tuple[Array, Array]:
    return x * (u >= q), std * e + x


def _damage(
    masked: Callable[[Array, Array, float], Array] = lambda x, u, q: x * (u >= q),
    noisy: Callable[[Array, Array, float], Array] = lambda x, e, std: x + std * e,
) -> Callable[..., tuple[Array, Array]]:
    """Another mask, or another noise."""

    def answer(x: Array, u: Array, e: Array, q: float, std: float) -> tuple[Array, Array]:
        return masked(x, u, q), noisy(x, e, std)

    return answer


def _swapped(x: Array, u: Array, e: Array, q: float, std: float) -> tuple[Array, Array]:
    masked, noisy = corrupt(x, u, e, q, std)
    return noisy, masked


def _both(x: Array, u: Array, e: Array, q: float, std: float) -> tuple[Array, Array]:
    masked = x * (u >= q)
    return masked, masked + std * e


def _draws(rng: np.random.Generator) -> list[Case]:
    def draw(q: float, std: float, *shape: int, label: str) -> Case:
        x, u = rng.integers(1, 17, shape) / 16, rng.integers(0, 16, shape) / 16 + 1 / 32
        return case(x, u, rng.normal(size=shape).round(2), q, std, label=label)

    return [
        draw(0.25, 0.5, 1, 6, label="one row"),
        draw(0.75, 0.1, 3, 8, label="much masking, little noise"),
        draw(0.0, 2.0, 2, 4, label="no masking, strong noise"),
        draw(0.5, 0.0, 4, 5, label="no noise"),
        draw(0.375, 0.3, 2, 3, 3, label="two pictures of 3 x 3"),
    ]


CORRUPT = Exercise(
    id="denoising/corrupt",
    section=SECTION,
    title="Two kinds of damage",
    reference=corrupt,
    cases=_draws,
    alternatives=[_by_products],
    mistakes=[
        Mistake(
            _damage(masked=lambda x, u, q: x * (u >= q) / (1 - q)),
            "What the mask leaves is divided by 1 - q. That is dropout; masking noise leaves it as it is.",
        ),
        Mistake(
            _damage(masked=lambda x, u, q: x * (u < q)),
            "The mask is turned round: pixels with u < q are the ones that become 0.",
        ),
        Mistake(
            _damage(masked=lambda x, u, q: np.where(u < q, 1.0, x)),
            "The masked pixels become 1 here. They become 0.",
        ),
        Mistake(
            _damage(masked=lambda x, u, q: x * (u[:, :1] >= q)),
            "The first draw of each row decides on all of the row. Every pixel has a draw of its own.",
        ),
        Mistake(
            _damage(masked=lambda x, u, q: np.where(x < q, 0.0, x)),
            "The pixel values are compared with q. It is the draws u that decide, not what is in the picture.",
        ),
        Mistake(
            _damage(noisy=lambda x, e, std: x * (1 + std * e)),
            "The noise is multiplied by the pixel. It is added, whatever the pixel is.",
        ),
        Mistake(
            _damage(noisy=lambda x, e, std: x + std**2 * e),
            "The noise is scaled by the variance. Scale it by the standard deviation.",
        ),
        Mistake(
            _damage(noisy=lambda x, e, std: np.clip(x + std * e, 0, 1)),
            "The noisy picture is cut to [0, 1]. That would bend the noise, whose mean must be 0: leave it.",
        ),
        Mistake(
            _damage(noisy=lambda x, e, std: x + e),
            "The noise has standard deviation 1, whatever std is. Scale it.",
        ),
        Mistake(_both, "The noise is added to the masked picture. The second result starts from x itself."),
        Mistake(_swapped, "The two results are in the wrong order: the masked picture comes first."),
    ],
    hint="A draw u, uniform from 0 to 1, is below q with probability q.",
)

# clean target, weight decay

Net = tuple[Array, Array, Array, Array]


def denoising_loss(x: Array, damaged: Array, W: Array, b: Array, V: Array, c: Array, decay: float) -> float:
    """Mean squared distance of the repaired rows from the clean ones, plus decay on both matrices."""
    x_hat = np.maximum(damaged @ W.T + b, 0) @ V.T + c
    return ((x_hat - x) ** 2).sum() / len(x) + decay * ((W**2).sum() + (V**2).sum())


def _by_parts(x: Array, damaged: Array, W: Array, b: Array, V: Array, c: Array, decay: float) -> float:
    total = 0.0
    for clean, row in zip(x, damaged, strict=True):
        h = W @ row + b
        total += float(np.sum((V @ np.where(h > 0, h, 0) + c - clean) ** 2))
    return total / len(x) + decay * float(np.sum(np.square(W)) + np.sum(np.square(V)))


def _loss(
    error: Callable[[Array, Array, Array], float] = lambda x_hat, x, damaged: (
        ((x_hat - x) ** 2).sum() / len(x)
    ),
    penalty: Callable[[Array, Array, Array, Array], float] = lambda W, b, V, c: (W**2).sum() + (V**2).sum(),
    reads: Callable[[Array, Array], Array] = lambda x, damaged: damaged,
) -> Callable[..., float]:
    """Another input, error or penalty."""

    def answer(x: Array, damaged: Array, W: Array, b: Array, V: Array, c: Array, decay: float) -> float:
        x_hat = np.maximum(reads(x, damaged) @ W.T + b, 0) @ V.T + c
        return error(x_hat, x, damaged) + decay * penalty(W, b, V, c)

    return answer


def _linear(x: Array, damaged: Array, W: Array, b: Array, V: Array, c: Array, decay: float) -> float:
    x_hat = (damaged @ W.T + b) @ V.T + c
    return ((x_hat - x) ** 2).sum() / len(x) + decay * ((W**2).sum() + (V**2).sum())


def _nets(rng: np.random.Generator) -> list[Case]:
    def net(n: int, d: int, k: int, decay: float, label: str) -> Case:
        x = rng.normal(size=(n, d)).round(2)
        parts = (rng.normal(size=shape).round(2) for shape in ((k, d), (k,), (d, k), (d,)))
        return case(x, x * (rng.random((n, d)) > 0.4), *parts, decay, label=label)

    return [
        net(1, 3, 2, 0.0, "one row, no decay"),
        net(4, 3, 2, 0.5, "four rows, strong decay"),
        net(3, 2, 5, 0.1, "a code larger than the input"),
        net(6, 4, 4, 0.01, "square weights"),
        net(2, 5, 1, 2.0, "a code of a single number"),
    ]


LOSS = Exercise(
    id="denoising/loss",
    section=SECTION,
    title="The denoising loss",
    reference=denoising_loss,
    cases=_nets,
    alternatives=[_by_parts],
    mistakes=[
        Mistake(
            _loss(error=lambda x_hat, x, damaged: ((x_hat - damaged) ** 2).sum() / len(x)),
            "The answer is compared with the damaged rows, so a copy would be perfect. Compare with x.",
        ),
        Mistake(
            _loss(reads=lambda x, damaged: x),
            "The net reads the clean rows: there is nothing left to repair. It reads the damaged ones.",
        ),
        Mistake(
            _loss(
                reads=lambda x, damaged: x,
                error=lambda x_hat, x, damaged: ((x_hat - damaged) ** 2).sum() / len(x),
            ),
            "Input and target are exchanged: this net learns to damage. It reads damaged rows and answers x.",
        ),
        Mistake(
            _loss(error=lambda x_hat, x, damaged: ((x_hat - x) ** 2).mean()),
            "The error is a mean over pixels, too. This loss divides by the number of rows alone.",
        ),
        Mistake(
            _loss(error=lambda x_hat, x, damaged: ((x_hat - x) ** 2).sum()),
            "The error is summed over the rows. Take the mean over rows.",
        ),
        Mistake(
            _loss(error=lambda x_hat, x, damaged: ((x_hat - x) ** 2 * (x != damaged)).sum() / len(x)),
            "Only the damaged pixels count here. A net must give back the others as well: count all.",
        ),
        Mistake(
            _loss(penalty=lambda W, b, V, c: (W**2).sum() + (V**2).sum() + (b**2).sum() + (c**2).sum()),
            "The biases are penalized, too. Weight decay is for the two matrices.",
        ),
        Mistake(
            _loss(penalty=lambda W, b, V, c: (W**2).sum()),
            "Only the encoder's weights are penalized. The decoder's matrix V counts as well.",
        ),
        Mistake(
            _loss(penalty=lambda W, b, V, c: float(np.sqrt((W**2).sum()) + np.sqrt((V**2).sum()))),
            "The norms are not squared: sum the squares of the weights, without a root.",
        ),
        Mistake(
            _loss(penalty=lambda W, b, V, c: ((W**2).sum() + (V**2).sum()) / 2),
            "There is a factor 1/2 in front of the penalty. This loss has none.",
        ),
        Mistake(
            _linear, "The code is linear: its negative entries get through. Take the ReLU between the layers."
        ),
        Mistake(
            _loss(error=lambda x_hat, x, damaged: ((x_hat - x) ** 2).sum() / len(x) / 2),
            "There is a factor 1/2 in front of the error. This loss has none.",
        ),
        Mistake(_loss(penalty=lambda W, b, V, c: 0.0), "The penalty is missing: this is the error alone."),
    ],
    hint="Read the damaged rows, compare with the clean ones; then add the squares of both matrices.",
)
