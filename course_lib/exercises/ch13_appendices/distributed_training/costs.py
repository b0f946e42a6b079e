"""An exercise on what an exchange of gradients costs."""

import math
from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "13_appendices/distributed_training"
Cost = Callable[[float, int, float, float], float]

# a ring


def ring_seconds(size: float, world: int, latency: float, bandwidth: float) -> float:
    """Two trips of world - 1 messages, each with one part in world of the vector."""
    return 2 * (world - 1) * (latency + size / world / bandwidth)


def _by_messages(size: float, world: int, latency: float, bandwidth: float) -> float:
    message = latency + size / (world * bandwidth)
    return sum(message for _ in range(world - 1)) + sum(message for _ in range(world - 1))


def _apart(size: float, world: int, latency: float, bandwidth: float) -> float:
    return 2 * (world - 1) * latency + 2 * (world - 1) / world * size / bandwidth


RING_SECONDS = Exercise(
    id="distributed_training/ring_seconds",
    section=SECTION,
    title="The time of a ring",
    reference=ring_seconds,
    cases=[
        case(100.0, 2, 0.0, 100.0, label="two processes, no latency"),
        case(0.0, 4, 0.5, 100.0, label="latency only"),
        case(1000.0, 4, 0.1, 50.0, label="both"),
        case(4e6, 8, 1e-4, 1e9, label="a million numbers, eight processes"),
        case(1.02e8, 256, 5e-6, 1e10, label="a ResNet-50, 256 processes"),
        case(100.0, 1, 0.1, 10.0, label="alone: nothing to send"),
        case(100.0, 3, 0.1, 7.0, label="three processes"),
    ],
    alternatives=[_by_messages, _apart],
    mistakes=[
        Mistake(lambda s, w, a, b: (w - 1) * (a + s / w / b), "This is half the way: the sums are complete, each part in one process. They go round once more."),
        Mistake(lambda s, w, a, b: 2 * w * (a + s / w / b), "One message too many in each trip: with world processes a part has to pass world - 1 others."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * (a + s / b), "Each message has the whole vector. In a ring it has one part of world."),
        Mistake(lambda s, w, a, b: a + 2 * (w - 1) * s / w / b, "The latency is paid once. Every message pays it, one after the other."),
        Mistake(lambda s, w, a, b: 2 * a + 2 * (w - 1) * s / w / b, "The latency is paid once for each trip. Every message pays it."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * s / w / b, "The latency is left out. With many processes the messages are short, and it is most of the time."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * (a + 8 * s / w / b), "Size and bandwidth are both in bytes here: no factor 8."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * (a + s / w * b), "You multiply by the bandwidth. Seconds are bytes divided by bytes per second."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * w * (a + s / w / b), "You add the messages of all processes. They are sent at the same time, round the ring."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * (a + s / (w - 1) / b) if w > 1 else 0.0, "The vector is cut into world - 1 parts. It has world, one for each process."),
        Mistake(lambda s, w, a, b: 2 * math.ceil(math.log2(w)) * (a + s / b), "This is a tree: fewer messages, each with the whole vector. A ring sends parts to the neighbour."),
        Mistake(lambda s, w, a, b: 2 * (w - 1) * (a / w + s / w / b), "The latency is divided by world as well. A short message waits as long as a long one."),
    ],
    hint="How long is one message, and how many does a process send one after the other in each of the two trips?",
)  # fmt: skip
