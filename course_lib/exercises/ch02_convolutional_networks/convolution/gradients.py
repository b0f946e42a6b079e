"""An exercise on the way back: the gradient for the kernel."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "02_convolutional_networks/convolution"


def kernel_gradient(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    """dE/dw (c_out, c_in, k, k), summed over the images and the places."""
    h, w = delta.shape[2:]
    grad = np.zeros((delta.shape[1], x.shape[1], kernel_size, kernel_size))
    for u, v in np.ndindex(kernel_size, kernel_size):
        grad[:, :, u, v] = np.einsum("noij,ncij->oc", delta, x[:, :, u : u + h, v : v + w])
    return grad


def _by_places(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    k = kernel_size
    return sum(
        np.einsum("no,ncuv->ocuv", delta[:, :, i, j], x[:, :, i : i + k, j : j + k])
        for i, j in np.ndindex(delta.shape[2:])
    )


def _by_columns(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size), axis=(2, 3))
    return np.asarray(np.einsum("noij,ncijuv->ocuv", delta, windows))


def _after(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda delta, x, kernel_size: change(kernel_gradient(delta, x, kernel_size))


def _per_channel(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    """The right gradient of a layer that sums its channels first: the same for each of them."""
    summed = kernel_gradient(delta, x.sum(axis=1, keepdims=True), kernel_size)
    return np.repeat(summed, x.shape[1], axis=1)


def _first_place(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    return kernel_gradient(delta[:, :, :1, :1], x, kernel_size)


def _mixed_images(delta: np.ndarray, x: np.ndarray, kernel_size: int) -> np.ndarray:
    return kernel_gradient(delta.sum(axis=0, keepdims=True), x.sum(axis=0, keepdims=True), kernel_size)


def _cases(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-5, 6, shape).astype(float)

    return [
        case(np.ones((1, 1, 1, 1)), np.arange(4.0).reshape(1, 1, 2, 2), 2, label="a single place, delta = 1"),
        case(
            np.array([[[[1.0, -2.0], [0.5, 3.0]]]]),
            np.arange(9.0).reshape(1, 1, 3, 3) ** 1.5,
            2,
            label="four places",
        ),
        case(whole(1, 1, 2, 3), whole(1, 1, 4, 5), 3, label="an image wider than high"),
        case(whole(3, 1, 3, 3), whole(3, 1, 4, 4), 2, label="three images"),
        case(whole(1, 3, 2, 2), whole(1, 2, 4, 4), 3, label="two input channels, three filters"),
        case(whole(2, 2, 3, 2), whole(2, 2, 5, 4), 3, label="two images, two channels, two filters"),
        case(whole(2, 4, 3, 3), whole(2, 3, 3, 3), 1, label="a 1 x 1 convolution"),
    ]


KERNEL_GRADIENT = Exercise(
    id="convolution/kernel_gradient",
    section=SECTION,
    title="The gradient for the kernel",
    reference=kernel_gradient,
    cases=_cases,
    alternatives=[_by_places, _by_columns],
    mistakes=[
        Mistake(
            _after(lambda grad: grad[:, :, ::-1, ::-1]),
            "This gradient is turned around by 180 degrees. The layer does not turn its kernel, so nothing turns "
            "on the way back: weight u, v meets pixel i + u, j + v.",
        ),
        Mistake(
            lambda delta, x, kernel_size: kernel_gradient(delta, x, kernel_size) / len(x),
            "This is the mean over the images. E is a sum over them here, and so is its gradient.",
        ),
        Mistake(
            lambda delta, x, kernel_size: kernel_gradient(delta, x, kernel_size) / delta[0, 0].size,
            "This is the mean over the places. A shared weight collects the sum of all of them.",
        ),
        Mistake(
            lambda delta, x, kernel_size: kernel_gradient(delta[:1], x[:1], kernel_size),
            "Only the first image counts here. Sum over all of them.",
        ),
        Mistake(
            _after(lambda grad: grad.transpose(1, 0, 2, 3)),
            "The channels are exchanged: like w itself the gradient is (c_out, c_in, k, k).",
        ),
        Mistake(
            _after(lambda grad: grad.transpose(0, 1, 3, 2)),
            "The rows and columns of the kernel are exchanged.",
        ),
        Mistake(
            _first_place,
            "Only the first place counts here. The weight has a hand in every output: sum over i and j.",
        ),
        Mistake(
            _mixed_images,
            "The images are summed before the product, so the error signal of one meets the pixels of another. "
            "Multiply first, then sum.",
        ),
        Mistake(
            _per_channel,
            "The input channels are summed before the product, so every channel gets the same gradient. Each weight "
            "meets one channel only: x[n, c, i + u, j + v].",
        ),
        Mistake(
            _after(lambda grad: -grad),
            "The sign is the wrong way round. The minus belongs to the step of gradient descent, not to the gradient.",
        ),
    ],
    hint="For one u, v: multiply delta with the part of x that this weight saw, x[:, :, u : u + h, v : v + w].",
)
