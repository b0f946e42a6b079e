"""The exercise on the schedule of a large batch."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/learning_rates"


def large_batch_rate(
    epoch: float,
    devices: int,
    per_device: int,
    base_rate: float = 0.1,
    base_batch: int = 256,
    warmup: float = 5,
    milestones: Sequence[float] = (30, 60, 80),
) -> float:
    """Linear scaling, gradual warm-up, and a tenth at every milestone."""
    scaled = base_rate * devices * per_device / base_batch
    if epoch < warmup:
        return base_rate + (scaled - base_rate) * epoch / warmup
    return scaled / 10 ** sum(epoch >= milestone for milestone in milestones)


def _by_loop(
    epoch: float,
    devices: int,
    per_device: int,
    base_rate: float = 0.1,
    base_batch: int = 256,
    warmup: float = 5,
    milestones: Sequence[float] = (30, 60, 80),
) -> float:
    k = devices * per_device / base_batch
    rate = base_rate * (1 + (k - 1) * min(1.0, epoch / warmup if warmup else 1.0))
    for milestone in milestones:
        if milestone <= epoch:
            rate *= 0.1
    return rate


def _times(devices: int, per_device: int, base_batch: int) -> float:
    return devices * per_device / base_batch


def _ramp(epoch: float, warmup: float, base: float, scaled: float) -> float:
    return base + (scaled - base) * epoch / warmup


def _steps(epoch: float, milestones: Sequence[float]) -> float:
    return 0.1 ** sum(epoch >= milestone for milestone in milestones)


def _with(
    factor: Callable[[int, int, int], float] = _times,
    ramp: Callable[[float, float, float, float], float] = _ramp,
    steps: Callable[[float, Sequence[float]], float] = _steps,
    warm: bool = True,
    clock: Callable[[float], float] = lambda epoch: epoch,
) -> Callable[..., float]:
    """The schedule with one of its parts exchanged."""

    def answer(
        epoch: float,
        devices: int,
        per_device: int,
        base_rate: float = 0.1,
        base_batch: int = 256,
        warmup: float = 5,
        milestones: Sequence[float] = (30, 60, 80),
    ) -> float:
        scaled, now = base_rate * factor(devices, per_device, base_batch), clock(epoch)
        if warm and now < warmup:
            return ramp(now, warmup, base_rate, scaled)
        return scaled * steps(now, milestones)

    return answer


def _fixed(
    epoch: float,
    devices: int,
    per_device: int,
    base_rate: float = 0.1,
    base_batch: int = 256,
    warmup: float = 5,
    milestones: Sequence[float] = (30, 60, 80),
) -> float:
    return large_batch_rate(epoch, devices, per_device)


def _shifted(
    epoch: float,
    devices: int,
    per_device: int,
    base_rate: float = 0.1,
    base_batch: int = 256,
    warmup: float = 5,
    milestones: Sequence[float] = (30, 60, 80),
) -> float:
    late = [warmup + milestone for milestone in milestones]
    return large_batch_rate(epoch, devices, per_device, base_rate, base_batch, warmup, late)


CASES = [
    case(10, 1, 256, label="the base batch, after the warm-up"),
    case(10, 256, 32, label="256 devices with 32 examples each"),
    case(0, 256, 32, label="the very start"),
    case(2.5, 256, 32, label="in the middle of the warm-up"),
    case(5, 256, 32, label="the end of the warm-up"),
    case(29.9, 8, 64, label="just before the first milestone"),
    case(30, 8, 64, label="at the first milestone"),
    case(33, 8, 64, label="after the first milestone"),
    case(70, 8, 64, label="after the second milestone"),
    case(85.5, 8, 64, label="after the third milestone"),
    case(1.75, 2, 16, label="a batch smaller than the base"),
    case(12, 4, 32, 0.4, 64, 3, (10, 20), label="another base and other milestones"),
    case(0, 4, 128, 0.1, 256, 0, label="no warm-up"),
]

LARGE_BATCH_RATE = Exercise(
    id="learning_rates/large_batch_rate",
    section=SECTION,
    title="A large batch",
    reference=large_batch_rate,
    cases=CASES,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _with(factor=lambda devices, per_device, base_batch: per_device / base_batch),
            "Only the examples of one device are counted. A step averages over all devices: the batch is devices * per_device.",
        ),
        Mistake(
            _with(factor=lambda devices, per_device, base_batch: float(devices)),
            "The rate is multiplied by the number of devices. What counts is the whole batch relative to base_batch.",
        ),
        Mistake(
            _with(factor=lambda d, n, base_batch: _times(d, n, base_batch) ** 0.5),
            "This scales with the square root of the batch, the rule of thumb for Adam. The linear rule takes the ratio itself.",
        ),
        Mistake(
            _with(factor=lambda d, n, base_batch: 1 / _times(d, n, base_batch)),
            "A larger batch gets a smaller rate here. The linear rule multiplies: twice the batch, twice the rate.",
        ),
        Mistake(
            _with(factor=lambda d, n, base_batch: max(1.0, _times(d, n, base_batch))),
            "Batches below the base keep the base rate. The rule works downwards, too.",
        ),
        Mistake(
            _with(factor=lambda d, n, base_batch: 1.0),
            "The rate does not depend on the batch. Scale it by devices * per_device / base_batch.",
        ),
        Mistake(
            _with(ramp=lambda epoch, warmup, base, scaled: scaled * epoch / warmup),
            "The warm-up starts at 0. Here it starts at base_rate, which is right for a small batch.",
        ),
        Mistake(
            _with(ramp=lambda epoch, warmup, base, scaled: base),
            "The rate stays at base_rate and jumps at the end of the warm-up. Let it grow in a straight line.",
        ),
        Mistake(
            _with(ramp=lambda epoch, warmup, base, scaled: float(base * (scaled / base) ** (epoch / warmup))),
            "The warm-up grows by a constant factor. Let it grow by a constant amount: a straight line.",
        ),
        Mistake(
            _with(ramp=lambda epoch, warmup, base, scaled: base + scaled * epoch / warmup),
            "The warm-up ends at base_rate + the scaled rate. The height to climb is the difference of the two.",
        ),
        Mistake(
            _with(ramp=lambda epoch, warmup, base, scaled: _ramp(epoch + 1, warmup, base, scaled)),
            "The warm-up is one epoch ahead: at epoch 0 the rate must still be base_rate. Take epoch / warmup, without the + 1.",
        ),
        Mistake(
            _with(factor=lambda d, n, base_batch: float(d * n // base_batch)),
            "The ratio of the batches is rounded down, so that a batch below base_batch gets the rate 0. Divide with /.",
        ),
        Mistake(_with(warm=False), "There is no warm-up: the scaled rate is used from the start."),
        Mistake(
            _with(clock=lambda epoch: float(int(epoch))),
            "The epoch is rounded down, so that the warm-up climbs in stairs. Use the number as it is, 2.5 say.",
        ),
        Mistake(
            _with(steps=lambda epoch, milestones: 0.1 ** sum(epoch > m for m in milestones)),
            "At a milestone itself the rate is still the old one. A milestone that has been reached counts: epoch >= milestone.",
        ),
        Mistake(
            _with(steps=lambda epoch, milestones: 0.1 if epoch >= milestones[0] else 1.0),
            "Only the first milestone counts. Divide by ten at each that has been reached.",
        ),
        Mistake(
            _with(steps=lambda epoch, milestones: 1 / max(1, 10 * sum(epoch >= m for m in milestones))),
            "Two milestones divide by 20 here. Each divides by ten: 10 to the power of their number.",
        ),
        Mistake(
            _with(steps=lambda epoch, milestones: 1.0),
            "The milestones are ignored. Divide by ten at each that has been reached.",
        ),
        Mistake(
            _shifted,
            "The milestones are counted from the end of the warm-up. They are epochs of the whole training.",
        ),
        Mistake(
            _fixed,
            "The arguments behind per_device are ignored: this is right for their defaults only.",
        ),
    ],
    hint="First the batch of one step, then the scaled rate, then three cases: warm-up, or a power of ten.",
)
