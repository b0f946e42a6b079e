"""An exercise on dense evaluation: the first dense layer, run as a convolution."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/vgg"


def dense_everywhere(weight: np.ndarray, bias: np.ndarray, maps: np.ndarray, grid: int) -> np.ndarray:
    """Cut out every grid x grid window, flatten it as the net does, and apply the layer."""
    _, h, w = maps.shape
    scores = np.empty((len(weight), h - grid + 1, w - grid + 1))
    for row in range(scores.shape[1]):
        for column in range(scores.shape[2]):
            window = maps[:, row : row + grid, column : column + grid]
            scores[:, row, column] = weight @ window.reshape(-1) + bias
    return scores


def _by_einsum(weight: np.ndarray, bias: np.ndarray, maps: np.ndarray, grid: int) -> np.ndarray:
    kernel = weight.reshape(len(weight), len(maps), grid, grid)
    windows = sliding_window_view(maps, (grid, grid), axis=(1, 2))  # (c, rows, columns, grid, grid)
    return np.asarray(np.einsum("ocuv,cijuv->oij", kernel, windows) + bias[:, None, None])


def _through(
    kernel: Callable[[np.ndarray, int, int], np.ndarray] = lambda weight, c, k: weight.reshape(-1, c, k, k),
    bias: Callable[[np.ndarray], np.ndarray] = lambda bias: bias[:, None, None],
    finish: Callable[[np.ndarray], np.ndarray] = lambda scores: scores,
) -> Callable[..., np.ndarray]:
    """A wrong answer: another kernel made of the weights, the bias, or what is done with the scores."""

    def answer(weight: np.ndarray, bias_: np.ndarray, maps: np.ndarray, grid: int) -> np.ndarray:
        windows = sliding_window_view(maps, (grid, grid), axis=(1, 2))
        scores = np.einsum("ocuv,cijuv->oij", kernel(weight, len(maps), grid), windows)
        return finish(scores + bias(bias_))

    return answer


def _cases(rng: np.random.Generator) -> list[Case]:
    def drawn(units: int, c: int, grid: int, h: int, w: int, label: str) -> Case:
        weight, bias = rng.normal(size=(units, c * grid * grid)), rng.normal(size=units)
        return case(weight, bias, rng.normal(size=(c, h, w)), grid, label=label)

    return [
        case(np.ones((1, 4)), np.zeros(1), np.arange(9.0).reshape(1, 3, 3), 2, label="sums of four places"),
        drawn(2, 1, 3, 3, 3, "a map that fits exactly"),
        drawn(3, 2, 2, 4, 4, "two channels on a map of 4 x 4"),
        drawn(2, 3, 2, 3, 6, "a wide map"),
        drawn(5, 4, 1, 3, 3, "a grid of one place: a 1x1 convolution"),
        drawn(4, 5, 7, 9, 8, "the grid of VGG"),
    ]


DENSE = Exercise(
    id="vgg/dense_everywhere",
    section=SECTION,
    title="A dense layer at every place",
    reference=dense_everywhere,
    cases=_cases,
    alternatives=[_by_einsum],
    rtol=1e-4,
    atol=1e-5,
    mistakes=[
        Mistake(
            _through(kernel=lambda weight, c, k: weight.reshape(-1, k, k, c).transpose(0, 3, 1, 2)),
            "The weights are unpacked with the channels last. Flatten runs through the first channel's places, then the "
            "second's: reshape to (units, c, grid, grid).",
        ),
        Mistake(
            _through(kernel=lambda weight, c, k: weight.reshape(-1, c, k, k)[:, :, ::-1, ::-1]),
            "The kernel is turned round. A dense layer multiplies entry by entry, without a flip, and so do the "
            "convolutions of PyTorch.",
        ),
        Mistake(
            _through(kernel=lambda weight, c, k: weight.reshape(-1, c, k, k).transpose(0, 1, 3, 2)),
            "Rows and columns of the kernel are exchanged.",
        ),
        Mistake(
            _through(bias=lambda bias: 0 * bias[:, None, None]),
            "The bias is missing. It is added at every place.",
        ),
        Mistake(
            _through(finish=lambda scores: scores[:, :1, :1]),
            "This is the answer at the first place only. Slide the window over the whole map.",
        ),
        Mistake(
            _through(finish=lambda scores: scores.mean(axis=(1, 2))),
            "The places are averaged. That comes later: return the score of every place.",
        ),
        Mistake(
            _through(finish=lambda scores: scores.transpose(0, 2, 1)),
            "Rows and columns of the answer are exchanged: its shape is (units, rows, columns).",
        ),
        Mistake(
            _through(finish=lambda scores: np.maximum(scores, 0)),
            "A ReLU was applied. The dense layer is linear: its ReLU is a module of its own.",
        ),
    ],
    hint="At place (row, column) the layer sees maps[:, row : row + grid, column : column + grid], flattened.",
)

EXERCISES = [DENSE]
