"""The exercise on memory: what training keeps, and what an answer needs."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/comparison"

Answer = Callable[[int, Sequence[int], int, int], list[int]]


def memory(weights: int, sizes: Sequence[int], batch: int, states: int) -> list[int]:
    """Training keeps gradients, states and every map; an answer needs a layer's input and its output."""
    training = weights * (2 + states) + batch * sum(sizes)
    answering = weights + batch * max(map(sum, pairwise(sizes)))
    return [4 * training, 4 * answering]


def _with_arrays(weights: int, sizes: Sequence[int], batch: int, states: int) -> np.ndarray:
    maps = np.asarray(sizes) * batch
    return np.array([weights * (1 + 1 + states) + maps.sum(), weights + (maps[1:] + maps[:-1]).max()]) * 4


def _wrong(
    each: Callable[[int], int] = lambda states: 2 + states,
    kept: Callable[[Sequence[int]], int] = sum,
    alive: Callable[[Sequence[int]], int] = lambda sizes: max(map(sum, pairwise(sizes))),
    used: int = 1,
    of_batch: Callable[[int], int] = lambda batch: batch,
    of_weights: Callable[[int], int] = lambda batch: 1,
    width: int = 4,
) -> Answer:
    """A wrong bill: numbers for each weight, maps that are kept or alive, the batch, bytes of a number."""

    def answer(weights: int, sizes: Sequence[int], batch: int, states: int) -> list[int]:
        training = of_weights(batch) * weights * each(states) + of_batch(batch) * kept(sizes)
        answering = of_weights(batch) * weights * used + of_batch(batch) * alive(sizes)
        return [width * training, width * answering]

    return answer


MEMORY = Exercise(
    id="comparison/memory",
    section=SECTION,
    title="Two bills for memory",
    reference=memory,
    cases=[
        case(10, [4, 6, 3], 1, 0, label="two layers, one image, plain SGD"),
        case(10, [4, 6, 3], 2, 1, label="two images, SGD with momentum"),
        case(100, [3, 50, 7, 60, 2], 4, 2, label="the largest two maps are no neighbours, Adam"),
        case(1000, [9, 8, 7, 6, 5], 8, 0, label="the image is the largest"),
        case(20, [12, 30, 1], 32, 2, label="a batch of 32, few weights"),
        case(61_100_840, [150_528, 193_600, 46_656, 139_968, 32_448, 1000], 128, 1, label="about AlexNet"),
    ],
    alternatives=[_with_arrays],
    mistakes=[
        Mistake(
            _wrong(each=lambda states: 1 + states),
            "The gradients are missing from the bill of training: one number for each weight, besides the weight itself.",
        ),
        Mistake(
            _wrong(each=lambda states: 2),
            "The optimizer's states are missing: it keeps so many numbers for each weight.",
        ),
        Mistake(
            _wrong(each=lambda states: 3),
            "One state for each weight whatever the optimizer is: plain SGD keeps none, Adam two.",
        ),
        Mistake(
            _wrong(each=lambda states: 1),
            "Training has the weights alone here, without gradients and states.",
        ),
        Mistake(
            _wrong(of_batch=lambda batch: 1),
            "The maps of one image only. Every image of the batch has its own.",
        ),
        Mistake(
            _wrong(of_weights=lambda batch: batch),
            "The weights are multiplied by the batch. All images share one set of weights, gradients and states.",
        ),
        Mistake(
            _wrong(width=1),
            "These are numbers. A float32 has four bytes.",
        ),
        Mistake(
            _wrong(width=8),
            "Eight bytes are those of a float64. A float32 has four.",
        ),
        Mistake(
            _wrong(alive=sum),
            "For an answer all maps are kept. Nothing goes back, so a map may be forgotten as soon as the next layer has read it.",
        ),
        Mistake(
            _wrong(alive=max),
            "For an answer only the largest map is counted. While a layer computes, its input and its output are both there.",
        ),
        Mistake(
            _wrong(alive=lambda sizes: sum(sorted(sizes)[-2:])),
            "The two largest maps are taken wherever they stand. Only neighbours, a layer's input and output, live together.",
        ),
        Mistake(
            _wrong(used=2),
            "Gradients are counted for an answer, too. Without a way back there are none.",
        ),
        Mistake(
            _wrong(kept=lambda sizes: max(map(sum, pairwise(sizes)))),
            "In training only two maps are kept here. The way back needs every one of them.",
        ),
        Mistake(
            _wrong(kept=lambda sizes: sum(sizes[1:])),
            "The images are missing from the bill of training: the first layer's weight gradient needs them.",
        ),
    ],
    hint="For each weight: itself, its gradient, the optimizer's numbers. For each image: every entry of `sizes` in training, "
    "and at most two neighbours of them for an answer.",
)

EXERCISES = [MEMORY]
