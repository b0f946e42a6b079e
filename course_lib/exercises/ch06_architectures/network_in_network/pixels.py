"""The exercise on a dense layer at every pixel."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/network_in_network"


def dense_at_pixels(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The sum over the channels, then the bias of each channel that comes out."""
    return np.asarray(np.tensordot(x, weight, axes=(1, 1)).transpose(0, 3, 1, 2) + bias[:, None, None])


def _rows(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Pixels as rows of one matrix."""
    n, c_in, h, w = x.shape
    rows = np.moveaxis(x, 1, -1).reshape(-1, c_in)
    return np.moveaxis((rows @ weight.T + bias).reshape(n, h, w, -1), -1, 1)


def _columns(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """NumPy's product over a batch, pixels as columns."""
    n, c_in, h, w = x.shape
    return np.asarray((weight @ x.reshape(n, c_in, h * w) + bias[:, None]).reshape(n, -1, h, w))


def _torn_rows(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A reshape that cuts rows out of the maps, in place of the channels of a pixel."""
    n, c_in, h, w = x.shape
    rows = x.reshape(-1, c_in) @ weight.T + bias
    return np.asarray(rows.reshape(n, h, w, -1).transpose(0, 3, 1, 2))


def _torn_back(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    n, c_in, h, w = x.shape
    return np.asarray((np.moveaxis(x, 1, -1).reshape(-1, c_in) @ weight.T + bias).reshape(n, -1, h, w))


def _channels_last(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.moveaxis(dense_at_pixels(x, weight, bias), 1, -1)


def _transposed(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    square = weight.shape[0] == weight.shape[1]
    return dense_at_pixels(x, weight.T if square else weight, bias)


def _bias_along(axis: int) -> Callable[..., np.ndarray]:
    """The bias added along the height (2) or the width (3) wherever NumPy lets it pass."""

    def answer(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        without = dense_at_pixels(x, weight, np.zeros_like(bias))
        if x.shape[axis] != len(bias):
            return without + bias[:, None, None]
        return np.asarray(without + (bias if axis == 3 else bias[:, None]))

    return answer


def _same_everywhere(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The mean over all pixels first."""
    mean = np.broadcast_to(x.mean(axis=(2, 3), keepdims=True), x.shape)
    return dense_at_pixels(mean, weight, bias)


def _batches(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    return [
        case(
            np.array([[[[1.0, 2.0]], [[10.0, 20.0]]]]),
            np.array([[1.0, 1.0]]),
            np.zeros(1),
            label="two pixels of two channels",
        ),
        case(whole(1, 2, 3, 3), whole(4, 2), whole(4) + 0.5, label="2 channels to 4"),
        case(whole(2, 3, 4, 5), whole(2, 3), whole(2) + 0.5, label="two images that are no squares"),
        case(
            whole(2, 3, 2, 3),
            whole(3, 3),
            whole(3) + 0.5,
            label="as many channels in as out, as wide as that",
        ),
        case(whole(3, 4, 5, 2), whole(5, 4), whole(5) + 0.5, label="as many channels out as rows"),
        case(whole(2, 4, 1, 1), whole(2, 4), whole(2) + 0.5, label="maps of one pixel"),
    ]


PIXELWISE = Exercise(
    id="network_in_network/pixelwise",
    section=SECTION,
    title="A dense layer at every pixel",
    reference=dense_at_pixels,
    cases=_batches,
    alternatives=[_rows, _columns],
    mistakes=[
        Mistake(
            _torn_rows,
            "x.reshape(-1, c_in) cuts pieces out of the maps' rows: they are not the channels of a pixel. Move the channels to the last axis first.",
        ),
        Mistake(
            _torn_back,
            "The product is right, but its rows are pixels: reshape to (n, h, w, c_out) and then move the channels to axis 1.",
        ),
        Mistake(_channels_last, "The channels come last in this answer. Return (n, c_out, h, w)."),
        Mistake(
            _transposed,
            "The weights are transposed. weight[o, i] leads from channel i to channel o, as in a dense layer.",
        ),
        Mistake(lambda x, weight, bias: dense_at_pixels(x, weight, 0 * bias), "The bias is missing."),
        Mistake(
            _bias_along(3),
            "The bias is added along the columns of the map: NumPy lines up last axes. It belongs to the channels, bias[:, None, None].",
        ),
        Mistake(
            _bias_along(2),
            "The bias is added along the rows of the map. It belongs to the channels, bias[:, None, None].",
        ),
        Mistake(
            lambda x, weight, bias: np.maximum(dense_at_pixels(x, weight, bias), 0),
            "Negative answers are cut off. The activation is a layer of its own.",
        ),
        Mistake(
            lambda x, weight, bias: np.trunc(dense_at_pixels(x, weight, bias)),
            "Fractions are cut off. An array made with an integer dtype does that to what is written into it.",
        ),
        Mistake(
            _same_everywhere,
            "All pixels get the same answer, that of the mean pixel. Each pixel has channels of its own.",
        ),
    ],
    hint="What is summed over is axis 1 of x and axis 1 of weight. Where does your product put the axis that comes out?",
)

EXERCISES = [PIXELWISE]
