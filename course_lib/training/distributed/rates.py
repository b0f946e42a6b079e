"""The learning rate of a large batch."""

from course_lib.layers import checks


def large_batch_rate(
    step: int, *, batch_size: int, base_rate: float, base_batch: int = 256, warmup: int = 0
) -> float:
    """Learning rate of a step, counted from 0, by the linear rule with warm-up.

    A batch k times as large takes steps k times as long: base_rate batch_size / base_batch. In the first
    ``warmup`` steps the rate climbs to that from ``base_rate`` in a straight line; a rate that is scaled
    down descends to it likewise.

    Source: Goyal et al. (2017), Accurate, large minibatch SGD, sections 2.1 and 2.2.

    Raises:
        ValueError, TypeError: a batch below 1, a negative step or warm-up, a rate that is not positive.
    """
    for name, size in (("batch_size", batch_size), ("base_batch", base_batch)):
        checks.positive_integer("large_batch_rate", name, size)
    for name, count in (("step", step), ("warmup", warmup)):
        checks.non_negative_integer("large_batch_rate", name, count)
    checks.finite_number("large_batch_rate", "base_rate", base_rate, above=0)
    scaled = base_rate * batch_size / base_batch
    if step >= warmup:
        return scaled
    return base_rate + (scaled - base_rate) * step / warmup
