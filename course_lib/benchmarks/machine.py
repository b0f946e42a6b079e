"""The machine that a benchmark ran on, in words."""

import importlib.metadata
import platform
from pathlib import Path

import torch

LIBRARIES = ("torch", "numpy", "torch-geometric", "onnxruntime", "selectivesearch", "scikit-image")


def describe(device: torch.device, threads: int) -> dict[str, str]:
    """Return the processor, the threads used, the system, and the versions that matter."""
    described = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "processor": _processor(),
        "threads": str(threads),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }
    for library in LIBRARIES:
        try:
            described[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            described[library] = "not installed"
    return described


def _processor() -> str:
    information = Path("/proc/cpuinfo")  # where Linux tells; elsewhere Python knows
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
