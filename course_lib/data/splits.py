"""Dividing a fixed collection into parts that never overlap."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# One seed for every collection: a split is part of what a set is, and not an option.
_SEED = 20240229


def stratified(y: NDArray[np.integer], held_out: Mapping[str, int]) -> dict[str, NDArray[np.int64]]:
    """Return row indices of "train", of each held-out part (name -> number of rows), and of "all".

    Every part has the classes in the proportions of ``y`` (n,), to within one example a class. Indices
    ascend; the same ``y`` gives the same parts every time.
    """
    rng = np.random.Generator(np.random.PCG64(_SEED))
    pools = {int(label): rng.permutation(np.flatnonzero(y == label)) for label in np.unique(y)}
    counts = {label: len(pool) for label, pool in pools.items()}
    parts = {"all": np.arange(len(y))}
    for part, size in held_out.items():
        taken = []
        for label, share in _apportion(counts, size).items():
            taken.append(pools[label][:share])
            pools[label] = pools[label][share:]
        parts[part] = np.sort(np.concatenate(taken))
    parts["train"] = np.sort(np.concatenate(list(pools.values())))
    return parts


def _apportion(counts: Mapping[int, int], size: int) -> dict[int, int]:
    """Divide ``size`` in proportion to ``counts``: rounded down, the rest to the largest remainders."""
    quotas = {label: size * count / sum(counts.values()) for label, count in counts.items()}
    shares = {label: int(quota) for label, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda label: (shares[label] - quotas[label], label))
    for label in by_remainder[: size - sum(shares.values())]:
        shares[label] += 1
    return shares
