"""The random generators of a training run: seeded for the run alone, saved and restored with it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class RandomState:
    """The state of every generator a run may draw from: those given, and the global ones.

    The global ones are Python's, NumPy's and PyTorch's on the CPU and on CUDA devices.
    """

    def __init__(self, *generators: torch.Generator) -> None:
        self.generators = generators

    def state_dict(self) -> dict[str, Any]:
        """Return all states as tensors and plain numbers."""
        name, key, *rest = np.random.get_state()  # noqa: NPY002 (the global one is meant)
        return {
            "generators": [generator.get_state() for generator in self.generators],
            "python": random.getstate(),
            "numpy": [str(name), torch.from_numpy(np.asarray(key, dtype=np.int64)), *rest],
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set all generators; CUDA's only where there are as many devices as there were."""
        saved_count, count = len(state["generators"]), len(self.generators)
        if saved_count != count:
            raise ValueError(f"{saved_count} random generators were saved, {count} are there")
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.set_state(saved)
        random.setstate(state["python"])
        name, key, *rest = state["numpy"]
        np.random.set_state((name, key.numpy().astype(np.uint32), *rest))  # noqa: NPY002
        torch.set_rng_state(state["torch"])
        if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[torch.Generator]:
    """Give a generator for the order of the examples, and seed PyTorch's global ones while the block runs.

    After it they are as they were. Without a seed nothing is seeded: the generator starts from a number drawn
    from the global one, so that ``seed_everything`` decides about it.
    """
    if seed is None:
        yield torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        return
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)
