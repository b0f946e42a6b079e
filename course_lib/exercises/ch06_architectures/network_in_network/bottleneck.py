"""The exercises on what a bottleneck can express."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/network_in_network"
Merged = tuple[np.ndarray, np.ndarray]


def merge(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
    """The sum over the channels of the bottleneck; the first bias goes through the whole kernel."""
    return np.einsum("olst,li->oist", v, r), v_bias + v.sum(axis=(2, 3)) @ r_bias


def _as_matrices(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
    c_out, m, k, _ = v.shape
    behind = v.transpose(1, 2, 3, 0).reshape(m, -1)  # (m, k k c_out)
    kernel = (r.T @ behind).reshape(-1, k, k, c_out).transpose(3, 0, 1, 2)
    return kernel, v_bias + (r_bias @ behind).reshape(-1, c_out).sum(axis=0)


def _with_bias(bias: Callable[..., np.ndarray]) -> Callable[..., Merged]:
    """The right kernel with another bias, made of (r, r_bias, v, v_bias)."""

    def answer(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
        return merge(r, r_bias, v, v_bias)[0], bias(r, r_bias, v, v_bias)

    return answer


def _centre(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> np.ndarray:
    middle = v.shape[-1] // 2
    return np.asarray(v_bias + v[:, :, middle, middle] @ r_bias)


def _transposed(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
    return merge(r.T if r.shape[0] == r.shape[1] else r, r_bias, v, v_bias)


def _inputs_first(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
    kernel, bias = merge(r, r_bias, v, v_bias)
    return kernel.swapaxes(0, 1), bias


def _turned(r: np.ndarray, r_bias: np.ndarray, v: np.ndarray, v_bias: np.ndarray) -> Merged:
    kernel, bias = merge(r, r_bias, v, v_bias)
    return kernel[:, :, ::-1, ::-1], bias


def _pairs(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(float)

    def pair(c_in: int, m: int, c_out: int, k: int) -> list[np.ndarray]:
        return [whole(m, c_in), whole(m) + 0.5, whole(c_out, m, k, k), whole(c_out) + 0.25]

    return [
        case(
            np.array([[2.0, 3.0]]),
            np.array([1.0]),
            np.array([[[[5.0]]]]),
            np.array([7.0]),
            label="two 1x1 layers, one number between them",
        ),
        case(*pair(3, 2, 4, 1), label="two 1x1 layers"),
        case(*pair(4, 2, 3, 3), label="a kernel of 3x3 behind"),
        case(*pair(3, 3, 2, 3), label="as many channels in the middle as come in"),
        case(*pair(2, 5, 2, 5), label="no bottleneck: more channels in the middle"),
    ]


MERGE = Exercise(
    id="network_in_network/merge",
    section=SECTION,
    title="Two layers that are one",
    reference=merge,
    cases=_pairs,
    alternatives=[_as_matrices],
    mistakes=[
        Mistake(
            _with_bias(lambda r, r_bias, v, v_bias: v_bias),
            "The bias of the 1x1 layer is lost. It goes through the second kernel and comes out as a constant.",
        ),
        Mistake(
            _with_bias(lambda r, r_bias, v, v_bias: v.sum(axis=(2, 3)) @ r_bias),
            "The second layer's own bias is missing. Add it at the end.",
        ),
        Mistake(
            _with_bias(_centre),
            "The first bias goes through the middle of the kernel only. It stands at every place of the window: sum over all of them.",
        ),
        Mistake(
            _with_bias(lambda r, r_bias, v, v_bias: v_bias + v.mean(axis=(2, 3)) @ r_bias),
            "The first bias is averaged over the window. A convolution sums.",
        ),
        Mistake(
            _with_bias(lambda r, r_bias, v, v_bias: v_bias + v.sum(axis=(1, 2, 3)) * r_bias.sum()),
            "Sums are multiplied where products should be summed: each channel's bias goes with that channel's entries of v.",
        ),
        Mistake(
            _transposed, "r is transposed. r[l, i] leads from input channel i to channel l in the middle."
        ),
        Mistake(
            _inputs_first,
            "The first two axes of the kernel are exchanged: the output channels come first, as in v.",
        ),
        Mistake(_turned, "The kernel is turned around. Merging channels does not move places."),
    ],
    hint="Put the first layer's z, at a place of the window, into the sum of the second layer, and sort by what multiplies x.",
)


def smallest_bottleneck(kernel: np.ndarray) -> int:
    """The rank of the kernel as a matrix with a row for each input channel."""
    return int(np.linalg.matrix_rank(kernel.swapaxes(0, 1).reshape(kernel.shape[1], -1)))


def _by_singular_values(kernel: np.ndarray) -> int:
    rows = np.moveaxis(kernel, 1, -1).reshape(-1, kernel.shape[1])
    sigma = np.linalg.svd(rows, compute_uv=False)
    return int((sigma > 1e-9 * max(sigma[0], 1e-300)).sum())


def _torn(kernel: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(kernel.reshape(kernel.shape[1], -1)))


def _by_outputs(kernel: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(kernel.reshape(kernel.shape[0], -1)))


def _smaller_rank(kernel: np.ndarray) -> int:
    return min(smallest_bottleneck(kernel), _by_outputs(kernel))


def _matrix_of_matrices(kernel: np.ndarray) -> int:
    """NumPy's rank of each small kernel, the largest one."""
    return int(np.linalg.matrix_rank(kernel).max())


def _kernels(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(float)

    def product(c_out: int, m: int, c_in: int, k: int) -> np.ndarray:
        return np.einsum("olst,li->oist", whole(c_out, m, k, k), whole(m, c_in))

    unused = product(6, 5, 5, 3)
    unused[:, [1, 3]] = 0
    differences = product(4, 2, 3, 3)
    differences[:, :, -1, -1] -= differences.sum(axis=(2, 3))
    one_place = np.zeros((4, 3, 3, 3))
    one_place[:, :, 0, 0] = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    return [
        case(np.ones((1, 2, 1, 1)), label="one filter that adds two channels"),
        case(product(6, 2, 5, 3), label="a kernel made through 2 channels"),
        case(whole(2, 6, 3, 3) + 0.5, label="two filters that have nothing in common"),
        case(product(3, 4, 8, 3), label="fewer channels out than in the middle"),
        case(unused, label="input channels that no filter reads"),
        case(one_place, label="filters that read one corner of the window"),
        case(differences, label="filters whose weights add up to zero"),
        case(product(7, 3, 7, 1) / 3, label="a 1x1 kernel with rounding errors"),
        case(np.zeros((2, 3, 3, 3)), label="a kernel of zeros"),
    ]


RANK = Exercise(
    id="network_in_network/rank",
    section=SECTION,
    title="The narrowest bottleneck without a loss",
    reference=smallest_bottleneck,
    cases=_kernels,
    alternatives=[_by_singular_values],
    mistakes=[
        Mistake(
            _by_outputs,
            "This is the rank with a row for each output channel: how many channels a 1x1 layer behind would need. The bottleneck stands before: a row for each input channel.",
        ),
        Mistake(
            _smaller_rank,
            "This is the smaller of two ranks, with rows for input and for output channels. A bottleneck before the kernel is bound by the input channels alone.",
        ),
        Mistake(
            _torn,
            "reshape(c_in, -1) of (c_out, c_in, K, K) mixes the channels up. Bring the input channels to the front first.",
        ),
        Mistake(
            lambda kernel: min(kernel.shape[1], kernel.shape[0] * kernel.shape[2] ** 2),
            "This is the largest rank that the shape allows. Rows may depend on one another: ask for the rank of the matrix.",
        ),
        Mistake(
            lambda kernel: int((kernel != 0).any(axis=(0, 2, 3)).sum()),
            "These are the input channels in use. Several of them may come in the same mixture everywhere.",
        ),
        Mistake(
            lambda kernel: int(np.linalg.matrix_rank(kernel.sum(axis=(2, 3)))),
            "The window is summed up first. Different places may use different mixtures, and the bottleneck must carry all of them.",
        ),
        Mistake(
            lambda kernel: int(
                np.linalg.matrix_rank(kernel[:, :, kernel.shape[2] // 2, kernel.shape[3] // 2])
            ),
            "Only the middle of the window is looked at. Mixtures that other places use need room, too.",
        ),
        Mistake(
            _matrix_of_matrices,
            "matrix_rank of an array with four axes takes the last two, rows and columns of the window. Make a matrix of channels first.",
        ),
        Mistake(
            lambda kernel: int(
                (
                    np.linalg.svd(kernel.swapaxes(0, 1).reshape(kernel.shape[1], -1), compute_uv=False) > 0
                ).sum()
            ),
            "Rounding leaves singular values such as 1e-16 where 0 is meant. Compare with a small part of the largest, or use matrix_rank.",
        ),
    ],
    hint="Which axis of the kernel does the 1x1 layer make narrower? Give the matrix a row for each entry of that axis.",
)

EXERCISES = [MERGE, RANK]
