"""Exercises on what the net is asked and how it is cut: top-5 errors, map sizes, towers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/alexnet"
Array = NDArray[np.float64]

# top-k errors


def top_k_error(scores: Array, labels: NDArray[np.int64], k: int) -> float:
    """An image is missed if k classes or more score higher than its own."""
    own = scores[np.arange(len(labels)), labels]  # (n,)
    ahead = (scores > own[:, None]).sum(axis=1)
    return float((ahead >= k).mean())


def _by_sorting(scores: Array, labels: NDArray[np.int64], k: int) -> float:
    best = np.argsort(-scores, axis=1)[:, :k]
    return 1 - float((best == labels[:, None]).any(axis=1).mean())


def _guesses(scores: Array, k: int) -> NDArray[np.int64]:
    return np.argsort(scores, axis=1)[:, ::-1][:, :k]


def _scores(seed: int, images: int, classes: int) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    scores = rng.normal(size=(images, classes))
    scores[np.arange(images), labels] += 1.0
    return scores, labels


TOP_K = Exercise(
    id="alexnet/top_k_error",
    section=SECTION,
    title="The top-k error",
    reference=top_k_error,
    cases=[
        case(
            np.array([[0.1, 0.6, 0.2, 0.1001], [0.5, 0.1, 0.3, 0.05]]),
            np.array([2, 3]),
            2,
            label="two images, four classes, two guesses",
        ),
        case(*_scores(0, 40, 10), 5, label="forty images, ten classes, five guesses"),
        case(*_scores(1, 40, 10), 1, label="one guess"),
        case(*_scores(2, 60, 30), 5, label="thirty classes"),
        case(-3 * np.abs(_scores(3, 30, 8)[0]) - 1, _scores(3, 30, 8)[1], 3, label="all scores negative"),
        case(*_scores(4, 7, 6), 6, label="as many guesses as classes"),
        case(*_scores(5, 1, 12), 3, label="a single image"),
    ],
    alternatives=[_by_sorting],
    mistakes=[
        Mistake(
            lambda scores, labels, k: 1 - top_k_error(scores, labels, k),
            "This is the top-k accuracy. The error is the share of images that are missed.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, 1),
            "Only the best guess counts here. An image is missed if its class is not among the k best.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, 5),
            "There are always five guesses here. Their number is k.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(-scores, labels, k),
            "These are the k lowest scores. The guesses are the classes with the highest ones.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, k + 1),
            "One guess too many: with k classes ahead of it, the right one is no longer among k guesses.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, k - 1),
            "One guess too few: with k - 1 classes ahead of it, the right one is still among k guesses.",
        ),
        Mistake(
            lambda scores, labels, k: 1 - float((_guesses(scores, k) == labels[:, None]).mean()),
            "This is the share of guesses that are wrong. Of k guesses at most one is right, which is enough for the image.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, k) * len(labels),
            "This is the number of images that are missed. Divide by all images.",
        ),
        Mistake(
            lambda scores, labels, k: top_k_error(scores, labels, k) * 100,
            "This is in percent. Return a share, between 0 and 1.",
        ),
    ],
    hint="For each image: how many classes score higher than the right one? From which number on is it missed?",
)

# image sides that give a map


def fitting_sides(out: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """The windows reach from the first entry to the last; fewer than a stride may be left over."""
    least = (out - 1) * stride + kernel - 2 * padding
    return least, least + stride - 1


def _sides(
    steps: Callable[[int], int] = lambda out: out - 1,
    reach: Callable[[int], int] = lambda kernel: kernel,
    added: int = -2,
    before: Callable[[int], int] = lambda stride: 0,
    after: Callable[[int], int] = lambda stride: stride - 1,
) -> Callable[[int, int, int, int], tuple[int, int]]:
    """A wrong range: from ``before`` the side at which all windows fit exactly, to ``after`` it."""

    def answer(out: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
        exact = steps(out) * stride + reach(kernel) + added * padding
        return exact - before(stride), exact + after(stride)

    return answer


SIDES = Exercise(
    id="alexnet/fitting_sides",
    section=SECTION,
    title="Which images give this map?",
    reference=fitting_sides,
    cases=[
        case(7, 3, 1, 1, label="a 3 x 3 convolution that keeps the size"),
        case(55, 11, 4, 0, label="AlexNet's first convolution"),
        case(55, 11, 4, 2, label="the same with a padding of 2"),
        case(27, 3, 2, 0, label="an overlapping pooling"),
        case(1, 11, 4, 0, label="a single window"),
        case(112, 7, 2, 3, label="a 7 x 7 convolution with stride 2"),
        case(10, 2, 5, 1, label="a stride longer than the kernel"),
    ],
    mistakes=[
        Mistake(
            _sides(after=lambda stride: 0),
            "This side fits exactly, but it is not the only one: up to stride - 1 entries may be left over at the end.",
        ),
        Mistake(
            _sides(after=lambda stride: stride),
            "The largest side is one too large: with a whole stride left over, one more window fits.",
        ),
        Mistake(
            _sides(added=-1),
            "The padding is taken off once. It stands on both sides of the image.",
        ),
        Mistake(
            _sides(added=0), "The padding is left out. It makes the image larger, so a smaller one will do."
        ),
        Mistake(_sides(added=2), "The padding has the wrong sign: with it, a smaller image will do."),
        Mistake(
            _sides(steps=lambda out: out),
            "One stride too many: from the first of `out` windows to the last there are out - 1 strides.",
        ),
        Mistake(
            _sides(reach=lambda kernel: kernel - 1),
            "One pixel short: behind the strides a whole kernel must still fit.",
        ),
        Mistake(
            _sides(reach=lambda kernel: 1),
            "The kernel is left out, as if a window were one entry wide.",
        ),
        Mistake(
            _sides(before=lambda stride: stride - 1, after=lambda stride: 0),
            "This is the range for sizes that are rounded up. A convolution rounds down: what is left over is not used.",
        ),
        Mistake(
            lambda *chosen: fitting_sides(*chosen)[::-1],
            "The two are in the wrong order: the smallest comes first.",
        ),
    ],
    hint="Where does the last window end, counted from the start of the first? How much may be left over behind it?",
)

# towers

Stages = Sequence[tuple[int, int, int, bool]]


def tower_parameters(stages: Stages, towers: int) -> int:
    """In a split stage each kernel goes through the channels of its own tower only."""
    return sum(
        out_channels * (in_channels // (towers if split else 1) * kernel**2 + 1)
        for in_channels, out_channels, kernel, split in stages
    )


def _count(each: Callable[[int, int, int, int], int]) -> Callable[[Stages, int], int]:
    """A wrong count: what is counted for a stage with so many towers (1 where it is not split)."""

    def answer(stages: Stages, towers: int) -> int:
        return int(sum(each(i, o, k, towers if split else 1) for i, o, k, split in stages))

    return answer


ALEXNET = [
    (3, 96, 11, False),
    (96, 256, 5, True),
    (256, 384, 3, False),
    (384, 384, 3, True),
    (384, 256, 3, True),
]
TOWERS = Exercise(
    id="alexnet/tower_parameters",
    section=SECTION,
    title="Parameters of towers",
    reference=tower_parameters,
    cases=[
        case([(4, 6, 3, False)], 2, label="one convolution that is not split"),
        case([(4, 6, 3, True)], 2, label="one that is split"),
        case(ALEXNET, 2, label="AlexNet's five convolutions in two towers"),
        case(ALEXNET, 1, label="in one tower"),
        case([(64, 192, 5, True), (192, 384, 3, True)], 4, label="four towers"),
        case([(12, 12, 7, True), (12, 24, 1, False)], 3, label="three towers and a 1 x 1 convolution"),
    ],
    mistakes=[
        Mistake(
            lambda stages, towers: tower_parameters([(*s[:3], True) for s in stages], towers),
            "Every convolution is split here. Only those with split=True are.",
        ),
        Mistake(
            lambda stages, towers: tower_parameters(stages, 1),
            "No convolution is split here: with split=True a kernel goes through in_channels / towers channels.",
        ),
        Mistake(
            _count(lambda i, o, k, g: o * (i // g) * k**2),
            "The biases are missing: one for each output channel.",
        ),
        Mistake(
            _count(lambda i, o, k, g: (o // g) * ((i // g) * k**2 + 1)),
            "This is a single tower of the split layers. All towers together have all output channels.",
        ),
        Mistake(
            _count(lambda i, o, k, g: (o // g) * (i // g) * k**2 + o),
            "The weights are those of a single tower. There are as many kernels as output channels, in all towers together.",
        ),
        Mistake(
            _count(lambda i, o, k, g: o * (i // g) * k**2 + o // g),
            "The biases of split layers are divided by the towers. There is one for each output channel, in all towers.",
        ),
        Mistake(
            _count(lambda i, o, k, g: o * ((i // g) * k + 1)),
            "Kernels are kernel x kernel entries large: square it.",
        ),
        Mistake(
            _count(lambda i, o, k, g: o * (i // g) * k**2 + i),
            "There are as many biases as input channels here. A bias belongs to an output channel.",
        ),
        Mistake(
            _count(lambda i, o, k, g: g * o * (i * k**2 + 1)),
            "Towers are taken as copies of the whole layer. They share its output channels among them.",
        ),
    ],
    hint="Count one kernel: how many channels does it go through? Then how many kernels, and a bias for each.",
)
