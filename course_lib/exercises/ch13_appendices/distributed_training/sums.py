"""Exercises on putting together what processes found: gradients, means and variances."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "13_appendices/distributed_training"
Array = np.ndarray

# one gradient


def whole_gradient(gradients: Array, counts: Array) -> Array:
    """Each mean counts for its examples; a process without any has no mean, and counts for nothing."""
    there = counts > 0
    return counts[there] @ gradients[there] / counts.sum()


def _by_average(gradients: Array, counts: Array) -> Array:
    return np.average(np.nan_to_num(gradients), axis=0, weights=counts)


def _by_loop(gradients: Array, counts: Array) -> list[float]:
    total = np.zeros(gradients.shape[1])
    for gradient, count in zip(gradients, counts, strict=True):
        if count:
            total += gradient * (count / counts.sum())
    return total.tolist()


def _weighed(weights: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """Another weight for each process, by its counts; nothing is NaN."""
    return lambda gradients, counts: weights(counts.astype(float)) @ np.nan_to_num(gradients)


def _inverse(counts: Array) -> Array:
    inverse = np.where(counts > 0, 1 / np.maximum(counts, 1), 0)
    return inverse / inverse.sum()


def _gradients(rng: np.random.Generator) -> list[Case]:
    def draw(*counts: int, d: int = 2, label: str) -> Case:
        gradients = rng.normal(size=(len(counts), d)).round(2)
        gradients[np.array(counts) == 0] = np.nan
        return case(gradients, np.array(counts), label=label)

    return [
        case(np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([4, 4]), label="equal shares"),
        case(np.array([[1.0, 0.0], [4.0, 3.0]]), np.array([2, 1]), label="shares of two and one"),
        draw(3, 3, 2, label="three processes"),
        draw(5, label="alone"),
        draw(1, 1, 0, label="a process without examples, whose mean is NaN"),
        draw(17, 16, 0, 1, d=5, label="four processes, all unlike"),
    ]


WHOLE_GRADIENT = Exercise(
    id="distributed_training/whole_gradient",
    section=SECTION,
    title="The gradient of the whole batch",
    reference=whole_gradient,
    cases=_gradients,
    alternatives=[_by_average, _by_loop],
    mistakes=[
        Mistake(_weighed(lambda n: np.full(len(n), 1 / len(n))), "This is the mean of the means, over all processes: an example in a small share counts for more. Weigh each by its examples."),
        Mistake(_weighed(lambda n: (n > 0) / (n > 0).sum()), "This is the mean of the means of those that have examples. Weigh each by how many it has."),
        Mistake(_weighed(lambda n: n), "These are sums over examples. Divide by the size of the whole batch."),
        Mistake(_weighed(lambda n: n / n.sum() / len(n)), "You divide by the number of processes as well: the step would shrink with every process that joins. The shares already add up to 1."),
        Mistake(_weighed(lambda n: n * len(n) / n.sum()), "It is too large by the number of processes. That factor is right before DistributedDataParallel, which divides by it; here nobody does."),
        Mistake(_weighed(np.ones_like), "The gradients are added with weight 1. Each is a mean already: weigh it by its share of the batch."),
        Mistake(_weighed(lambda n: n / n.max()), "You divide by the largest share. Divide by the whole batch."),
        Mistake(_weighed(_inverse), "The weights are upside down: small shares count for most."),
        Mistake(_weighed(lambda n: n**2 / (n**2).sum()), "The counts are squared, or used twice: the means are already divided by them once, so multiply once."),
        Mistake(lambda gradients, counts: counts @ gradients / counts.sum(), "A process without examples has spoilt everything: 0 times NaN is NaN. Leave it out of the sum."),
        Mistake(lambda gradients, counts: np.nan_to_num(gradients)[0], "This is the gradient of the first process alone."),
        Mistake(_weighed(lambda n: n / (n.sum() - 1)), "You divide by the size of the batch less 1. It is a plain mean: divide by the size."),
    ],
    hint="counts[r] * gradients[r] is the sum over the examples of process r. What is the mean over all of them?",
)  # fmt: skip

# one mean and variance

Statistics = tuple[Array, Array]


def pooled_statistics(counts: Array, means: Array, variances: Array) -> Statistics:
    """The variance within the shares, and that of their means around the common one."""
    weights = counts / counts.sum()
    mean = weights @ means
    return mean, weights @ (variances + (means - mean) ** 2)


def _two_by_two(counts: Array, means: Array, variances: Array) -> Statistics:
    n, mean, spread = counts[0], means[0], counts[0] * variances[0]
    for count, other, variance in zip(counts[1:], means[1:], variances[1:], strict=True):
        spread = spread + count * variance + (other - mean) ** 2 * n * count / (n + count)
        mean = mean + (other - mean) * count / (n + count)
        n = n + count
    return mean, spread / n


def _with_average(counts: Array, means: Array, variances: Array) -> Statistics:
    mean = np.average(means, axis=0, weights=counts)
    return mean, np.average(variances + (means - mean) ** 2, axis=0, weights=counts)


def _within(counts: Array, means: Array, variances: Array) -> Statistics:
    weights = counts / counts.sum()
    return weights @ means, weights @ variances


def _between(counts: Array, means: Array, variances: Array) -> Statistics:
    mean, variance = pooled_statistics(counts, means, variances)
    return mean, variance - counts / counts.sum() @ variances


def _plain_means(counts: Array, means: Array, variances: Array) -> Statistics:
    mean = means.mean(axis=0)
    return mean, (variances + (means - mean) ** 2).mean(axis=0)


def _plain_mean(counts: Array, means: Array, variances: Array) -> Statistics:
    weights, mean = counts / counts.sum(), means.mean(axis=0)
    return mean, weights @ (variances + (means - mean) ** 2)


def _plain_between(counts: Array, means: Array, variances: Array) -> Statistics:
    weights = counts / counts.sum()
    mean = weights @ means
    return mean, weights @ variances + ((means - mean) ** 2).mean(axis=0)


def _of_squares(counts: Array, means: Array, variances: Array) -> Statistics:
    weights = counts / counts.sum()
    mean = weights @ means
    return mean, weights @ (variances + means**2) - mean**2


def _not_squared(counts: Array, means: Array, variances: Array) -> Statistics:
    weights = counts / counts.sum()
    mean = weights @ means
    return mean, weights @ (variances + np.abs(means - mean))


def _unbiased(counts: Array, means: Array, variances: Array) -> Statistics:
    mean, variance = pooled_statistics(counts, means, variances)
    n = counts.sum()
    return mean, variance * n / (n - 1)


def _changed(change: Callable[[Array, Array], Statistics]) -> Callable[[Array, Array, Array], Statistics]:
    """The right mean and variance, changed."""
    return lambda counts, means, variances: change(*pooled_statistics(counts, means, variances))


def _statistics(rng: np.random.Generator) -> list[Case]:
    def draw(*counts: int, c: int = 3, offset: float = 0.0, label: str) -> Case:
        parts = [offset + rng.normal(r, 1 + r, size=(n, c)).round(2) for r, n in enumerate(counts)]
        means, variances = np.stack([p.mean(0) for p in parts]), np.stack([p.var(0) for p in parts])
        return case(np.array(counts), means, variances, label=label)

    return [
        case(np.array([4, 4]), np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]]), label="two equal shares"),
        case(np.array([3, 1]), np.array([[0.0], [2.0]]), np.array([[1.0], [0.0]]), label="shares of 3 and 1"),
        draw(5, 3, label="three channels"),
        draw(6, label="alone"),
        draw(7, 6, 2, c=2, label="three processes"),
        draw(4, 3, c=1, offset=1e8, label="a large mean, where squares lose all digits"),
    ]


POOLED_STATISTICS = Exercise(
    id="distributed_training/pooled_statistics",
    section=SECTION,
    title="Batch statistics from all shares",
    reference=pooled_statistics,
    cases=_statistics,
    alternatives=[_two_by_two, _with_average],
    mistakes=[
        Mistake(_within, "The variance is the mean of the shares' variances: that the shares have different means is left out. Add the variance of the means."),
        Mistake(_between, "This is the variance of the shares' means alone. Add the mean of the variances within the shares."),
        Mistake(_plain_means, "Every share counts alike. Weigh it by its examples, in the mean and in the variance."),
        Mistake(_plain_mean, "The mean is that of the means, each counted once. Weigh it by the examples, as you do in the variance."),
        Mistake(_plain_between, "The squared distances of the means are averaged over shares. Weigh them by the examples, too."),
        Mistake(_of_squares, "The mean of squares less the square of the mean: for a large mean, the difference of two huge numbers has no right digit left. Square the distances from the common mean instead."),
        Mistake(_not_squared, "The distances of the means are not squared."),
        Mistake(_unbiased, "You divide by n - 1. That is for the running variance; the batch itself is standardized with n."),
        Mistake(_changed(lambda mean, variance: (mean, np.sqrt(variance))), "The second is the standard deviation. Return the variance."),
        Mistake(_changed(lambda mean, variance: (variance, mean)), "Mean and variance have changed places."),
        Mistake(lambda counts, means, variances: (counts @ means, counts @ (variances + (means - counts @ means / counts.sum()) ** 2)), "These are sums over the examples. Divide both by the size of the batch."),
        Mistake(lambda counts, means, variances: (means[0], variances[0]), "These are the statistics of the first share, which is what a batch norm without exchange would use."),
    ],
    hint="An example's distance from the common mean is its distance from its share's mean plus that mean's distance. Square, and average: what becomes of the mixed term?",
)  # fmt: skip
