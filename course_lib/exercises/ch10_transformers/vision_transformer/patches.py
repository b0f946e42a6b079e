"""The exercise on the projection of patches."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/vision_transformer"
Array = np.ndarray


def cut(x: Array, p: int) -> Array:
    """Patches (rows, columns, c, p, p) of a picture (c, h, w); what is left over at the edges is dropped."""
    c, h, w = x.shape
    rows, columns = h // p, w // p
    grid = x[:, : rows * p, : columns * p].reshape(c, rows, p, columns, p)
    return grid.transpose(1, 3, 0, 2, 4)


def embed_patches(x: Array, W: Array, b: Array) -> Array:
    """Cut, string out, multiply."""
    pieces = cut(x, W.shape[2])
    return pieces.reshape(pieces.shape[0] * pieces.shape[1], -1) @ W.reshape(len(W), -1).T + b


def _by_loops(x: Array, W: Array, b: Array) -> Array:
    p = W.shape[2]
    tokens = []
    for top in range(0, x.shape[1] - p + 1, p):
        for left in range(0, x.shape[2] - p + 1, p):
            window = x[:, top : top + p, left : left + p]
            tokens.append([(window * kernel).sum() + bias for kernel, bias in zip(W, b, strict=True)])
    return np.array(tokens)


def _by_windows(x: Array, W: Array, b: Array) -> Array:
    p = W.shape[2]
    windows = np.lib.stride_tricks.sliding_window_view(x, (p, p), axis=(1, 2))[:, ::p, ::p]
    return np.einsum("crsij,kcij->rsk", windows, W).reshape(-1, len(W)) + b


def _changed(change: Callable[[Array], Array]) -> Callable[[Array, Array, Array], Array]:
    """The pieces (rows, columns, c, p, p) changed before they are multiplied."""

    def answer(x: Array, W: Array, b: Array) -> Array:
        pieces = change(cut(x, W.shape[2]))
        return np.einsum("rscij,kcij->rsk", pieces, W).reshape(-1, len(W)) + b

    return answer


def _reshaped(x: Array, W: Array, b: Array) -> Array:
    c, p = W.shape[1:3]
    h, w = x.shape[1] // p * p, x.shape[2] // p * p
    return x[:, :h, :w].reshape(-1, c * p * p) @ W.reshape(len(W), -1).T + b


def _channels_last(x: Array, W: Array, b: Array) -> Array:
    pieces = np.moveaxis(cut(x, W.shape[2]), 2, 4)
    return pieces.reshape(pieces.shape[0] * pieces.shape[1], -1) @ W.reshape(len(W), -1).T + b


def _stride_one(x: Array, W: Array, b: Array) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[2:], axis=(1, 2))
    return np.einsum("crsij,kcij->rsk", windows, W).reshape(-1, len(W)) + b


def _padded(x: Array, W: Array, b: Array) -> Array:
    p = W.shape[2]
    more = ((0, 0), (0, -x.shape[1] % p), (0, -x.shape[2] % p))
    return embed_patches(np.pad(x, more), W, b)


def _pictures(rng: np.random.Generator) -> list[Case]:
    def draw(c: int, h: int, w: int, p: int, d: int, label: str) -> Case:
        shapes = ((c, h, w), (d, c, p, p), (d,))
        return case(*(rng.normal(size=shape).round(2) for shape in shapes), label=label)

    return [
        case(np.arange(16.0).reshape(1, 4, 4), np.ones((1, 1, 2, 2)), np.zeros(1), label="sums of 2 x 2"),
        draw(1, 4, 4, 2, 3, "four patches of a grey picture"),
        draw(3, 4, 4, 2, 5, "three channels"),
        draw(2, 4, 6, 2, 3, "wider than high"),
        draw(2, 9, 6, 3, 4, "higher than wide, patches of 3"),
        draw(3, 4, 4, 4, 2, "one patch"),
        draw(2, 5, 7, 2, 3, "a row and a column are left over"),
    ]


EMBED = Exercise(
    id="vision_transformer/embed",
    section=SECTION,
    title="Patches by a strided convolution",
    reference=embed_patches,
    cases=_pictures,
    alternatives=[_by_loops, _by_windows],
    mistakes=[
        Mistake(
            _reshaped,
            "The picture is reshaped at once: that takes runs of rows instead of squares. First cut both axes.",
        ),
        Mistake(
            _stride_one,
            "The windows move by one pixel and overlap. Patches lie side by side: the stride is p.",
        ),
        Mistake(
            _changed(lambda pieces: pieces.transpose(1, 0, 2, 3, 4)),
            "The patches come column by column. They follow row by row.",
        ),
        Mistake(
            _changed(lambda pieces: pieces.swapaxes(3, 4)),
            "Rows and columns are exchanged within each patch.",
        ),
        Mistake(
            _changed(lambda pieces: pieces[..., ::-1, ::-1]),
            "The filters are turned by 180 degrees, as in mathematics. A convolutional layer does not turn them.",
        ),
        Mistake(
            _channels_last,
            "The patches are strung out with the channel last, the filters with the channel first. Use one order.",
        ),
        Mistake(
            lambda x, W, b: embed_patches(x, W, 0 * b),
            "The bias is missing.",
        ),
        Mistake(
            lambda x, W, b: embed_patches(x, W, b).T,
            "This is (d, n). Tokens are rows: (n, d).",
        ),
        Mistake(
            _padded,
            "Leftover rows and columns are filled up with zeros to further patches. A convolution without padding drops them.",
        ),
        Mistake(
            lambda x, W, b: embed_patches(x, W, b) - (1 - 1 / W.shape[2] ** 2) * embed_patches(x, W, 0 * b),
            "The sums are divided by the number of pixels. A token is a sum of products, no mean.",
        ),
    ],
    hint="Cut the rows into (h / p, p) and the columns into (w / p, p), bring the axes into order, then reshape.",
)
