"""The exercise on the shortcut that has to change shape."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/resnet"


def add_projected(branch: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Find the stride in the shapes, project every stride-th pixel, add, rectify."""
    stride = -(-x.shape[2] // branch.shape[2])
    projected = np.einsum("oc,nchw->nohw", weight, x[:, :, ::stride, ::stride])
    return np.maximum(branch + projected, 0)


def _project_first(branch: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    stride = -(-x.shape[2] // branch.shape[2])
    everywhere = np.moveaxis(np.moveaxis(x, 1, -1) @ weight.T, -1, 1)
    whole: np.ndarray = np.maximum(branch + everywhere[:, :, ::stride, ::stride], 0)
    return whole


def _wrong(
    pixels: Callable[[np.ndarray, int], np.ndarray] = lambda x, s: x[:, :, ::s, ::s],
    weight_of: Callable[[np.ndarray], np.ndarray] = lambda weight: weight,
    finish: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda branch, way: np.maximum(branch + way, 0),
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """A wrong shortcut: other pixels, another weight, another end."""

    def answer(branch: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        stride = -(-x.shape[2] // branch.shape[2])
        rows, columns = branch.shape[2:]
        taken = pixels(x, stride)[:, :, :rows, :columns]
        return finish(branch, np.einsum("oc,nchw->nohw", weight_of(weight), taken))

    return answer


def _means(x: np.ndarray, stride: int) -> np.ndarray:
    """Means over windows of stride x stride; what hangs over the edge repeats the last row or column."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (0, -h % stride), (0, -w % stride)), mode="edge")
    whole: np.ndarray = padded.reshape(n, c, -(-h // stride), stride, -(-w // stride), stride).mean(
        axis=(3, 5)
    )
    return whole


def _last_of_each(x: np.ndarray, stride: int) -> np.ndarray:
    h, w = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (0, -h % stride), (0, -w % stride)), mode="edge")
    return padded[:, :, stride - 1 :: stride, stride - 1 :: stride]


def _transposed(weight: np.ndarray) -> np.ndarray:
    return weight.T if weight.shape[0] == weight.shape[1] else weight


def _maps(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(float)

    return [
        case(
            np.array([[[[-1.0]], [[2.0]]]]),
            np.arange(4.0).reshape(1, 1, 2, 2) + 1,
            np.array([[3.0], [-1.0]]),
            label="one channel of 2 x 2 to two of 1 x 1",
        ),
        case(whole(1, 2, 2, 2), whole(1, 1, 4, 4), whole(2, 1), label="one channel of 4 x 4 to two of 2 x 2"),
        case(whole(2, 6, 3, 3), whole(2, 3, 6, 6), whole(6, 3), label="two images, 3 channels to 6"),
        case(whole(1, 4, 5, 5), whole(1, 2, 5, 5), whole(4, 2), label="more channels, the same size"),
        case(whole(2, 3, 2, 3), whole(2, 3, 4, 6), whole(3, 3) / 4, label="as many channels, half the size"),
        case(whole(1, 4, 3, 4), whole(1, 2, 5, 7), whole(4, 2), label="an odd size: 5 x 7 to 3 x 4"),
        case(whole(1, 2, 2, 2), whole(1, 2, 8, 8), whole(2, 2), label="stride 4"),
    ]


PROJECTION = Exercise(
    id="resnet/projection",
    section=SECTION,
    title="The shortcut that changes shape",
    reference=add_projected,
    cases=_maps,
    alternatives=[_project_first],
    mistakes=[
        Mistake(
            _wrong(pixels=_means),
            "The pixels of each window are averaged. A 1 x 1 convolution with a stride takes one pixel and passes over the others.",
        ),
        Mistake(
            _wrong(pixels=_last_of_each),
            "This begins at the last pixel of the first window. A convolution without padding begins at pixel 0.",
        ),
        Mistake(
            _wrong(pixels=lambda x, s: np.maximum(x, 0)[:, :, ::s, ::s]),
            "x is rectified before the projection. In the original block the shortcut takes x as it is.",
        ),
        Mistake(
            _wrong(pixels=lambda x, s: x),
            "This is the corner of x at its full resolution. Take every stride-th row and column of the whole map.",
        ),
        Mistake(
            _wrong(weight_of=_transposed),
            "The weight is transposed. It is (channels out, channels in), as in a convolution.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: branch + way),
            "The last ReLU is missing: it stands behind the addition.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: branch + np.maximum(way, 0)),
            "The ReLU is applied to the shortcut alone. It stands behind the addition.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: np.maximum(branch, 0) + way),
            "The ReLU is applied to the branch alone. It stands behind the addition.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: np.maximum(branch, 0) + np.maximum(way, 0)),
            "Branch and shortcut are rectified one by one. Add first: a negative branch can take something away.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: np.maximum(way, 0)),
            "The branch is not added.",
        ),
        Mistake(
            _wrong(finish=lambda branch, way: np.maximum(branch - way, 0)),
            "The shortcut is subtracted. The block computes F(x) plus the shortcut.",
        ),
    ],
    hint="With padding as usual, a map of h rows and stride s gives h / s rows, rounded up. Which s fits both shapes?",
)
