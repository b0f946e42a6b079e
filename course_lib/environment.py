"""Where the code runs: the device, the seeds, and whether the static book is being made."""

import os
import random
from numbers import Integral

import numpy as np
import torch


def device(name: str | torch.device | None = None) -> torch.device:
    """Return the device to compute on.

    ``None`` or ``"auto"`` picks the best one there is: CUDA, then MPS (Apple), then the CPU. Any other
    name is checked.

    Raises:
        ValueError: the name is not a device PyTorch knows, or this machine does not have it.
    """
    if name is None or name == "auto":
        return torch.device(_available()[0])
    try:
        chosen = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"unknown device {name!r}; this machine has {_listing()}") from error
    if not _is_there(chosen):
        raise ValueError(f"device {str(chosen)!r} is not available; this machine has {_listing()}")
    return chosen


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python, NumPy's global generator and PyTorch on all devices; return a fresh CPU generator.

    The returned generator has the same seed and is independent of the global one: give it to functions
    that take a ``generator``, so that their numbers do not depend on what else was drawn before them.

    Raises:
        ValueError: the seed is not an integer in 0 ... 2**32 - 1 (NumPy's range).
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"the seed must be an integer from 0 to 2**32 - 1, got {seed!r}")
    seed = int(seed)  # NumPy integers are welcome, and not every seeding function knows them
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the global one is meant)
    torch.manual_seed(seed)  # also seeds every CUDA and MPS device
    return torch.Generator().manual_seed(seed)


def in_book() -> bool:
    """Tell whether a notebook is being executed for the static book (``COURSE_BOOK=1``).

    In the book there are no progress bars and no live widgets, and no progress is recorded.
    """
    return os.environ.get("COURSE_BOOK") == "1"


def _available() -> list[str]:
    """Device types of this machine, fastest first."""
    found = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def _listing() -> str:
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return ", ".join([*gpus, *(name for name in _available() if name != "cuda")])


def _is_there(chosen: torch.device) -> bool:
    if chosen.type not in _available():
        return False
    return chosen.type != "cuda" or chosen.index is None or chosen.index < torch.cuda.device_count()
