"""Samples of a generative model held against real examples, by their nearest neighbours."""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import Array, ArrayLike

_ENTRIES = 1 << 22  # of the largest matrix of distances: 32 MB


class SamplePrecisionRecall(NamedTuple):
    """How many samples look real, and how much of the real data is covered: both from 0 to 1."""

    precision: float
    recall: float


class CopiesFound(NamedTuple):
    """Share of the samples that are suspiciously near a training example, below which distance, and which."""

    share: float
    threshold: float
    found: Array


def nearest_distances(x: ArrayLike, reference: ArrayLike) -> Array:
    """Euclidean distance of each row of ``x`` (n, d) to the nearest row of ``reference`` (m, d), as (n,).

    Which row is nearest is found by matrix products; how far it is, from the difference of the two rows, so
    that a copy is at distance 0 exactly. In blocks: the n by m matrix is never there as a whole.

    Raises:
        ValueError: not (n, d) and (m, d) with one d, empty, or NaN.
    """
    found, others = _rows("nearest_distances", x=x, reference=reference)
    centre = others.mean(dim=0)  # products lose fewer digits around 0
    nearest = [torch.cdist(block - centre, others - centre).argmin(dim=1) for block in _blocks(found, others)]
    result = (found - others[torch.cat(nearest)]).norm(dim=1)
    return inputs.hand_back(result, x, reference)


def sample_precision_recall(real: ArrayLike, fake: ArrayLike, k: int = 3) -> SamplePrecisionRecall:
    """Precision and recall of generated features ``fake`` (m, d) against real ones (n, d).

    Each set stands for its manifold by balls: around every row, as far as its ``k``-th nearest neighbour in
    its own set (the row itself not counted). Precision is the share of ``fake`` inside a ball of ``real``,
    recall the share of ``real`` inside a ball of ``fake``; the surface belongs to the ball.

    Both depend on n and m: more rows have smaller balls. One outlier has a ball that may hold much, and
    nothing here weighs how *often* a region is visited.

    Raises:
        ValueError: not (n, d) and (m, d) with one d, no more than ``k`` rows, or NaN; ``k`` below 1.
        TypeError: ``k`` that is no integer.

    Source: Kynkäänniemi et al. (2019), Improved precision and recall metric for assessing generative models,
    equations 1 to 3; there with features of VGG-16 and k = 3.
    """
    owner = "sample_precision_recall"
    checks.positive_integer(owner, "k", k)
    found, others = _rows(owner, real=real, fake=fake)
    for name, rows in (("real", found), ("fake", others)):
        if len(rows) <= k:
            raise ValueError(f"{owner}: {name} must have more than k={k} rows, got {len(rows)}")
    return SamplePrecisionRecall(_covered(others, found, k), _covered(found, others, k))


def copies_found(
    samples: ArrayLike, training: ArrayLike, held_out: ArrayLike, level: float = 0.01
) -> CopiesFound:
    """Samples (n, d) that are nearer to a training example (m, d) than almost any fresh real one is.

    The rule: ``held_out`` (h, d) are real examples that the model never saw, from the same source as
    ``training``. The ``level`` quantile of *their* distances to the nearest training example is the
    threshold, and a sample below it is called a copy. So about ``level`` of fresh real examples are called
    copies as well: only a share well above ``level`` accuses a model.

    A threshold needs many held-out examples, 10 / ``level`` at least. Samples that are blurred or far from
    all data are never called copies, and neither is a copy that was shifted, where rows are pixels.

    Raises:
        ValueError: not (n, d), (m, d) and (h, d) with one d, empty, or NaN; ``level`` not between 0 and 1.
    """
    owner = "copies_found"
    checks.finite_number(owner, "level", level, above=0.0)
    if level >= 1:
        raise ValueError(f"{owner}: level must be below 1, got {level}")
    rows = _rows(owner, samples=samples, training=training, held_out=held_out)
    suspects, null = (torch.as_tensor(nearest_distances(each, rows[1])) for each in (rows[0], rows[2]))
    threshold = null.quantile(level)
    found = suspects < threshold
    return CopiesFound(
        float(found.double().mean()), float(threshold), inputs.hand_back(found, samples, training, held_out)
    )


def _rows(owner: str, **arrays: ArrayLike) -> list[Tensor]:
    """Return the arrays as float64 matrices of one width on one device; raise for others."""
    device = inputs.device_of(*arrays.values())
    found = {name: inputs.finite(owner, name, x, device) for name, x in arrays.items()}
    for name, x in found.items():
        if x.ndim != 2 or 0 in x.shape:
            raise ValueError(
                f"{owner}: {name} must have shape (n, features), both 1 or more, got {tuple(x.shape)}"
            )
    if len({x.shape[1] for x in found.values()}) > 1:
        got = ", ".join(f"{x.shape[1]} in {name}" for name, x in found.items())
        raise ValueError(f"{owner}: {' and '.join(found)} must have as many columns, got {got}")
    return list(found.values())


def _covered(points: Tensor, centres: Tensor, k: int) -> float:
    """Share of the points within at least one ball of the centres."""
    radii = torch.cat(
        [  # the k + 1 smallest include the distance 0 of the centre to itself
            _distances(block, centres).kthvalue(k + 1, dim=1).values for block in _blocks(centres, centres)
        ]
    )
    inside = [(_distances(block, centres) <= radii).any(dim=1) for block in _blocks(points, centres)]
    return float(torch.cat(inside).double().mean())


def _blocks(x: Tensor, others: Tensor) -> tuple[Tensor, ...]:
    """Rows of x in blocks whose distances to all ``others`` fit into the memory set aside."""
    return x.split(max(1, _ENTRIES // len(others)))


def _distances(x: Tensor, others: Tensor) -> Tensor:
    """Distances (n, m) by differences: by products, copies would be some 1e-7 apart."""
    return torch.cdist(x, others, compute_mode="donot_use_mm_for_euclid_dist")
