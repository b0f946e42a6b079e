"""Random numbers for generated sets: each set, seed and split has a stream of its own."""

import zlib
from collections.abc import Callable

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import whole

SPLITS = ("train", "validation", "test")

Draw = Callable[[Generator], tuple[NDArray[np.float64], NDArray[np.number]]]


def generate(name: str, seed: int, split: str, draw: Draw) -> Dataset:
    """Return what ``draw`` makes of the split's stream; for "all", of the three streams one after the other.

    ``x`` is rounded from float64 to float32, so that a last bit in which two machines' sines differ does not
    show; so is ``y`` unless it holds whole numbers, which become int64.

    Raises:
        ValueError: ``seed`` is not a whole number of at least 0.
    """
    seed = whole("seed", seed, at_least=0)
    parts = [draw(stream(name, seed, part)) for part in parts_of(split)]
    x = np.concatenate([x for x, _ in parts]).astype(np.float32)
    y = np.concatenate([y for _, y in parts])
    y = y.astype(np.int64 if np.issubdtype(y.dtype, np.integer) else np.float32)
    return Dataset(torch.from_numpy(x), torch.from_numpy(y))


def parts_of(split: str) -> tuple[str, ...]:
    """Return the splits that ``split`` is made of: itself, or all three for "all"."""
    return SPLITS if split == "all" else (split,)


def stream(name: str, seed: int, split: str) -> Generator:
    """Return the random numbers of the set called ``name`` for one split, the same ones every time."""
    # A key of the set and the split, and not seed + 1: streams of neighbouring seeds would coincide.
    key = (zlib.crc32(name.encode()), SPLITS.index(split))
    return Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
