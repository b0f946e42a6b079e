"""Exercises on what is read out: the mean of patches, and attention rollout."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/vision_transformer"
Array = np.ndarray

# the mean of the patches that are there


def mean_patch(tokens: Array, there: Array) -> Array:
    """Mean over the patches that are there, without the class token."""
    tokens, there = np.asarray(tokens), np.asarray(there)
    kept = np.where(there[:, :, None], tokens[:, 1:], 0.0)
    return kept.sum(axis=1) / there.sum(axis=1, keepdims=True)


def _by_loop(tokens: Array, there: Array) -> Array:
    pairs = zip(np.asarray(tokens), np.asarray(there).astype(bool), strict=True)
    return np.array([rows[1:][mask].mean(axis=0) for rows, mask in pairs])


def _picked(pick: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """For each picture, another answer from its tokens (1 + n, d) and mask (n,)."""

    def answer(tokens: Array, there: Array) -> Array:
        pairs = zip(np.asarray(tokens), np.asarray(there).astype(bool), strict=True)
        return np.array([pick(rows, mask) for rows, mask in pairs])

    return answer


def _multiplied(tokens: Array, there: Array) -> Array:
    there = np.asarray(there)
    return (np.asarray(tokens)[:, 1:] * there[:, :, None]).sum(axis=1) / there.sum(axis=1, keepdims=True)


def _over_batch(tokens: Array, there: Array) -> Array:
    there = np.asarray(there)
    kept = np.where(there[:, :, None], np.asarray(tokens)[:, 1:], 0.0)
    return kept.sum(axis=1) / there.sum(axis=1).mean()


def _batches(rng: np.random.Generator) -> list[Case]:
    def draw(sizes: Sequence[int], n: int, d: int, label: str, filling: float = 5.0) -> Case:
        tokens = rng.normal(size=(len(sizes), 1 + n, d)).round(2)
        there = np.arange(n) < np.array(sizes)[:, None]
        tokens[:, 1:][~there] = filling
        return case(tokens, there, label=label)

    return [
        draw([3], 3, 2, "one picture, all patches there"),
        draw([4, 4], 4, 3, "two pictures"),
        draw([2, 4, 1], 4, 3, "pictures of several sizes"),
        draw([3, 5], 5, 2, "the filling is not a number", np.nan),
        case(
            rng.normal(size=(2, 5, 3)).round(2),
            np.array([[False, True, True, False], [True, False, False, False]]),
            label="patches are missing at the beginning, too",
        ),
    ]


MEAN = Exercise(
    id="vision_transformer/mean",
    section=SECTION,
    title="The mean in place of the class token",
    reference=mean_patch,
    cases=_batches,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _picked(lambda rows, mask: rows[0]),
            "This is the class token. Here the mean of the patches is wanted in its place.",
        ),
        Mistake(
            _picked(lambda rows, mask: np.vstack([rows[:1], rows[1:][mask]]).mean(axis=0)),
            "The class token is in the mean. Leave row 0 out.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[1:].mean(axis=0)),
            "Patches that are filling are in the mean. Take those that are there.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[1:][mask].sum(axis=0) / len(mask)),
            "The sum is divided by the length with the filling. Divide by the number of patches that are there.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[1:][mask].sum(axis=0)),
            "This is the sum. A large picture would shout: divide by the number of patches.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[1:][mask].max(axis=0)),
            "This is the maximum of each feature. The mean is wanted.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[:-1][mask].mean(axis=0)),
            "Tokens and mask are shifted by one: token 0 is the class token, and the mask begins with the first patch.",
        ),
        Mistake(
            _picked(lambda rows, mask: rows[1:][~mask].mean(axis=0) if not mask.all() else 0 * rows[0]),
            "The mask is turned round: True means that a patch is there.",
        ),
        Mistake(
            _multiplied,
            "Zero times NaN is NaN: the filling is multiplied by 0. Select instead, as with np.where.",
        ),
        Mistake(_over_batch, "All pictures are divided by one number. Each has its own number of patches."),
        Mistake(
            _picked(lambda rows, mask: np.median(rows[1:][mask], axis=0)),
            "This is the median of each feature. The mean is wanted.",
        ),
    ],
    hint="Leave out token 0, select by the mask, sum over the patches, and divide by how many there are.",
)

# attention rollout


def rollout(maps: Array, share: float) -> Array:
    """Product of share I + (1 - share) A over the blocks, the last on the left; row 0 without column 0."""
    maps = np.asarray(maps)
    total = np.eye(maps.shape[-1])
    for A in maps.mean(axis=1):
        total = (share * np.eye(len(A)) + (1 - share) * A) @ total
    return total[0, 1:]


def _backward(maps: Array, share: float) -> Array:
    maps = np.asarray(maps)
    row = np.zeros(maps.shape[-1])
    row[0] = 1.0
    for A in maps.mean(axis=1)[::-1]:
        row = share * row + (1 - share) * row @ A
    return row[1:]


def _mixed(maps: Array, share: float) -> Array:
    """The matrices (blocks, tokens, tokens) that are to be multiplied."""
    maps = np.asarray(maps)
    return share * np.eye(maps.shape[-1]) + (1 - share) * maps.mean(axis=1)


def _product(matrices: Array) -> Array:
    total = np.eye(matrices.shape[-1])
    for each in matrices:
        total = each @ total
    return total


def _from(choose: Callable[[Array, float], Array]) -> Callable[[Array, float], Array]:
    def answer(maps: Array, share: float) -> Array:
        return choose(np.asarray(maps), share)

    return answer


def _unit(row: Array) -> Array:
    return row / row.sum()


def _networks(rng: np.random.Generator) -> list[Case]:
    def draw(blocks: int, heads: int, tokens: int, share: float, label: str) -> Case:
        e = np.exp(2 * rng.normal(size=(blocks, heads, tokens, tokens)))
        return case(e / e.sum(axis=-1, keepdims=True), share, label=label)

    return [
        draw(1, 1, 3, 0.5, "one block, one head"),
        draw(1, 3, 4, 0.5, "three heads"),
        draw(2, 1, 4, 0.5, "two blocks"),
        draw(3, 2, 5, 0.5, "three blocks of two heads"),
        draw(3, 2, 5, 0.2, "a smaller share for the residual"),
        draw(4, 2, 3, 0.0, "no residual"),
    ]


ROLLOUT = Exercise(
    id="vision_transformer/rollout",
    section=SECTION,
    title="Attention rollout",
    reference=rollout,
    cases=_networks,
    alternatives=[_backward],
    mistakes=[
        Mistake(
            _from(lambda maps, share: _product(maps.mean(axis=1))[0, 1:]),
            "The residual is left out. Half of each block (here: share) passes by the attention.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps, share)[::-1])[0, 1:]),
            "The first block is on the left of the product. The class token's last row comes first: the last block is on the left.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps, share))[1:, 0]),
            "This is a column: how much each patch takes from the class token. Its own row is wanted.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps, share))[0]),
            "The class token's weight on itself is still there. Only the patches are wanted.",
        ),
        Mistake(
            _from(lambda maps, share: _mixed(maps, share)[-1][0, 1:]),
            "This is the last block alone. Its tokens are mixtures: multiply by the blocks before.",
        ),
        Mistake(
            _from(lambda maps, share: _mixed(maps, share).mean(axis=0)[0, 1:]),
            "The blocks are averaged. Mixtures of mixtures are products of matrices.",
        ),
        Mistake(
            _from(lambda maps, share: _mixed(maps, share).prod(axis=0)[0, 1:]),
            "The matrices are multiplied entry by entry. Use the product of matrices.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps, 1 - share))[0, 1:]),
            "The share belongs to the residual, the rest to the attention. Here it is the other way round.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps, 0.5))[0, 1:]),
            "The share is fixed at one half here. It is an argument: use it.",
        ),
        Mistake(
            _from(lambda maps, share: _product(np.eye(maps.shape[-1]) + maps.mean(axis=1))[0, 1:]),
            "The identity is added with the full weight, so the rows no longer sum to 1. Weigh both by their shares.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps.max(axis=1, keepdims=True), share))[0, 1:]),
            "The largest head is taken at each place. Average over the heads.",
        ),
        Mistake(
            _from(lambda maps, share: _unit(_product(_mixed(maps, share))[0, 1:])),
            "The weights are divided by their sum. A part of the weight lies on the class token itself: leave it at that.",
        ),
        Mistake(
            _from(lambda maps, share: _product(_mixed(maps[:, :1], share))[0, 1:]),
            "Only the first head counts. Average over the heads.",
        ),
    ],
    hint="Average over heads; mix with the identity; multiply, the last block on the left; row 0, columns from 1 on.",
)
