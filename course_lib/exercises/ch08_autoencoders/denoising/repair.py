"""Exercises on the best possible repair: by Bayes, and by a matrix."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/denoising"
Array = np.ndarray

# the mean of what it may have been


def _compatible(patterns: Array, damaged: Array) -> Array:
    """Which patterns agree with the damaged one wherever it is not 0."""
    return ((patterns == damaged) | (damaged == 0)).all(axis=1)


def _blanked(patterns: Array, damaged: Array) -> Array:
    """How many pixels of each pattern must have been blanked."""
    return ((patterns != 0) & (damaged == 0)).sum(axis=1)


def best_guess(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    """E[x | damaged] under masking noise."""
    weight = p * _compatible(patterns, damaged) * q ** _blanked(patterns, damaged)
    return weight @ patterns / weight.sum()


def _by_loop(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    weights = []
    for x, prior in zip(patterns, p, strict=True):
        chances = [
            float(seen == 0) if clean == 0 else (q if seen == 0 else (1 - q) * (seen == clean))
            for clean, seen in zip(x, damaged, strict=True)
        ]
        weights.append(prior * np.prod(chances))
    return np.average(patterns, axis=0, weights=np.array(weights))


def _weighted(weight: Callable[[Array, Array, Array, float], Array]) -> Callable[..., Array]:
    """The mean of the patterns with other weights."""

    def answer(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
        weights = weight(patterns, p, damaged, q)
        return weights @ patterns / weights.sum()

    return answer


def _most_likely(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    weight = p * _compatible(patterns, damaged) * q ** _blanked(patterns, damaged)
    return patterns[weight.argmax()]


def _unnormalized(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    return (p * _compatible(patterns, damaged) * q ** _blanked(patterns, damaged)) @ patterns


def _filled(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    return np.where(damaged != 0, damaged, p @ patterns)


def _copied(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    return np.array(damaged, dtype=float)


def _pixel_by_pixel(patterns: Array, p: Array, damaged: Array, q: float) -> Array:
    mean = p @ patterns
    ink = p @ (patterns != 0)  # (d,): how often the pixel is not 0 in a clean pattern
    return np.where(damaged != 0, damaged, q * mean / (1 - ink + q * ink))


GUESS = Exercise(
    id="denoising/best_guess",
    section=SECTION,
    title="The best guess",
    reference=best_guess,
    cases=[
        case(
            np.array([[1.0, 1, 0], [0, 1, 1]]),
            np.array([0.5, 0.5]),
            np.array([0.0, 1, 0]),
            0.5,
            label="two strokes that share a pixel",
        ),
        case(
            np.array([[2.0, 1], [4, 2]]),
            np.array([0.75, 0.25]),
            np.array([0.0, 0]),
            0.25,
            label="nothing is left to see",
        ),
        case(
            np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]]),
            np.array([0.125, 0.25, 0.5, 0.125]),
            np.array([1.0, 0, 0]),
            0.25,
            label="patterns with more and less ink",
        ),
        case(
            np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]]),
            np.array([0.125, 0.25, 0.5, 0.125]),
            np.array([0.0, 0, 1]),
            0.75,
            label="the same patterns, more damage",
        ),
        case(
            np.array([[2.0, 1, 3, 0], [2, 5, 3, 1], [4, 1, 3, 2], [2, 1, 0, 2], [0, 1, 3, 2]]),
            np.array([0.375, 0.125, 0.125, 0.25, 0.125]),
            np.array([0.0, 0, 3, 0]),
            0.375,
            label="several values",
        ),
    ],
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _weighted(lambda patterns, p, damaged, q: p * _compatible(patterns, damaged)),
            "The patterns are weighed by p alone. One that had to lose more pixels to look like this is less likely: q for each.",
        ),
        Mistake(
            _weighted(
                lambda patterns, p, damaged, q: (
                    _compatible(patterns, damaged) * q ** _blanked(patterns, damaged)
                )
            ),
            "The probabilities p of the patterns do not count here. A common pattern is the better guess.",
        ),
        Mistake(
            _weighted(
                lambda patterns, p, damaged, q: (
                    p * _compatible(patterns, damaged) * (1 - q) ** _blanked(patterns, damaged)
                )
            ),
            "Each lost pixel counts as 1 - q, the probability that it is kept. It is lost with probability q.",
        ),
        Mistake(
            _weighted(lambda patterns, p, damaged, q: p * q ** _blanked(patterns, damaged)),
            "Patterns that contradict a pixel you can see count, too. Masking cannot have made these: weight 0.",
        ),
        Mistake(
            _weighted(lambda patterns, p, damaged, q: p),
            "This is the mean of all patterns, whatever is seen. What is seen rules some of them out.",
        ),
        Mistake(
            _most_likely,
            "This is the most likely pattern. The smallest squared error belongs to the mean, weighed by probability.",
        ),
        Mistake(_unnormalized, "The weights do not sum to 1. Divide by their sum."),
        Mistake(
            _filled,
            "The zeros are filled with the mean of all patterns. What is seen elsewhere tells more than that.",
        ),
        Mistake(
            _pixel_by_pixel,
            "Each pixel is guessed from itself alone, as if the pixels were independent. Weigh whole patterns.",
        ),
        Mistake(_copied, "The damaged pattern comes back as it is. That is the copy we do not want."),
    ],
    hint="Weight of a pattern: p, times q for each of its pixels that was lost, or 0 if it contradicts what is seen.",
)

# the best matrix against Gaussian noise


def best_matrix(x: Array, std: float) -> Array:
    """C (C + std^2 I)^-1 with the second moments C."""
    C = x.T @ x / len(x)
    return np.linalg.solve(C + std**2 * np.eye(len(C)), C).T


def _by_eigenvectors(x: Array, std: float) -> Array:
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    return vectors * (values / (values + std**2)) @ vectors.T


def _by_ridge(x: Array, std: float) -> Array:
    n, d = x.shape
    return np.linalg.inv(x.T @ x + n * std**2 * np.eye(d)) @ (x.T @ x)


def _matrix(
    noise: Callable[[Array, float], Array],
    moments: Callable[[Array], Array] = lambda x: x.T @ x / len(x),
) -> Callable[..., Array]:
    """C (C + noise)^-1 with another C or another noise."""

    def answer(x: Array, std: float) -> Array:
        C = moments(x)
        return C @ np.linalg.inv(C + noise(C, std))

    return answer


def _white(C: Array, std: float) -> Array:
    return std**2 * np.eye(len(C))


def _inverse(x: Array, std: float) -> Array:
    C = x.T @ x / len(x)
    return np.linalg.inv(C + std**2 * np.eye(len(C)))


def _noise_part(x: Array, std: float) -> Array:
    return np.eye(x.shape[1]) - best_matrix(x, std)


def _undone(x: Array, std: float) -> Array:
    return np.linalg.inv(best_matrix(x, std))


def _diagonal(x: Array, std: float) -> Array:
    power = (x**2).mean(axis=0)
    return np.diag(power / (power + std**2))


def _sheets(rng: np.random.Generator) -> list[Case]:
    def sheet(n: int, d: int) -> Array:
        return (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 1).round(2)

    return [
        case(np.array([[1.0, 2], [2, 4], [3, 6]]), 1.0, label="points of a line"),
        case(sheet(20, 3), 0.5, label="three pixels"),
        case(sheet(6, 2), 2.0, label="strong noise"),
        case(sheet(50, 4), 1.5, label="four pixels"),
        case(sheet(3, 5), 0.8, label="fewer rows than pixels"),
    ]


LINEAR = Exercise(
    id="denoising/best_matrix",
    section=SECTION,
    title="The best matrix against Gaussian noise",
    reference=best_matrix,
    cases=_sheets,
    alternatives=[_by_eigenvectors, _by_ridge],
    mistakes=[
        Mistake(
            _matrix(lambda C, std: std * np.eye(len(C))),
            "The standard deviation is added to the moments. They are squares: add its square.",
        ),
        Mistake(
            _matrix(_white, lambda x: x.T @ x),
            "The sums over the rows are not divided by n, while the noise is per row.",
        ),
        Mistake(
            _matrix(_white, lambda x: (x - x.mean(axis=0)).T @ (x - x.mean(axis=0)) / len(x)),
            "The rows are centred first. This matrix must rebuild x itself, without a bias: take E[x x^T].",
        ),
        Mistake(
            _matrix(lambda C, std: std**2 * np.diag(np.diag(C))),
            "The noise is in proportion to each pixel's power, as with masking. Here each pixel has the same variance.",
        ),
        Mistake(
            _matrix(lambda C, std: std**2 * np.ones_like(C)),
            "The variance is added to all entries. The noise of different pixels is independent: to the diagonal alone.",
        ),
        Mistake(_inverse, "This is only the inverse. On its left, E[x damaged^T] = C is missing."),
        Mistake(_noise_part, "This matrix keeps the noise and removes the picture: it is I - R."),
        Mistake(_undone, "This is the inverse of R. It makes large what R makes small."),
        Mistake(
            _diagonal,
            "Each pixel is only shrunk by itself. Use all of C: what the other pixels tell is the point.",
        ),
    ],
    hint="R = E[x d^T] E[d d^T]^-1 for the damaged d. The noise is independent of x and has mean 0.",
)
