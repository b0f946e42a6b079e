"""What the tools that train the course's checkpoints share: a step, a learning rate over time, a record."""

import platform
import time
from collections.abc import Callable
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from torch import Tensor, nn

import course_lib

WARM_UP = 50  # steps


def descend(
    optimizer: torch.optim.Optimizer, loss: Tensor, rate: float, largest: float = float("inf")
) -> None:
    """One step against the gradient of ``loss``, whose norm is cut to ``largest``."""
    group = optimizer.param_groups[0]
    group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    if largest < float("inf"):
        nn.utils.clip_grad_norm_(group["params"], largest)
    optimizer.step()


def train_for(
    seconds: float, step: Callable[[float], None], clock: Callable[[], float] = time.process_time
) -> dict[str, Any]:
    """Call ``step(share)`` for so many seconds of this process; the number of steps and what they took.

    share is what part of the highest learning rate is due: it rises over the first steps and falls to 0
    along a cosine of the time.
    """
    steps, began, passed = 0, clock(), 0.0
    while passed < seconds:
        step(min(1.0, (steps + 1) / WARM_UP) * (1 + cos(pi * passed / seconds)) / 2)
        steps, passed = steps + 1, clock() - began
    return {"steps": steps, "measured_seconds": round(passed, 2)}


def half(net: nn.Module) -> dict[str, Tensor]:
    """The net's state with its real numbers in 16 bits, as checkpoints are stored."""
    return {
        key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()
    }


def versions() -> dict[str, str]:
    """Of what had a part in the weights."""
    return {
        "course_lib": course_lib.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "safetensors": safetensors.__version__,
    }


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
