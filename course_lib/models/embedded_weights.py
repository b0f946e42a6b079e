"""The checkpoints that come with the course: small nets, each with the record of how it was trained."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models.cifar_resnet import cifar_resnet
from course_lib.models.simple_cnn import simple_cnn

FOLDER = Path(__file__).parent / "checkpoints"
_MODELS: dict[str, Callable[..., nn.Module]] = {"cifar_resnet": cifar_resnet, "simple_cnn": simple_cnn}
_NORMS = {"BatchNorm2d": layers.BatchNorm2d}


def names() -> list[str]:
    """Return the names of the checkpoints, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def build(model: str, options: Mapping[str, Any]) -> nn.Module:
    """Make the net that a record names, with fresh weights; a norm is given by its layer's name."""
    norms = {key: _NORMS[value] for key, value in options.items() if key == "norm"}
    return _MODELS[model](**{**options, **norms})


def read_record(path: Path) -> dict[str, Any]:
    """Return how the net was made and trained, and how good it is: see ``tools/pretrain.py``."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the weights and buffers, on the CPU."""
    from safetensors.torch import load_file

    return load_file(path)


def load(path: Path, make: Callable[..., nn.Module], device: Device, dtype: Dtype) -> nn.Module:
    """Make a net by the options in its record, give it its weights, and return it in evaluation mode."""
    with torch.device("meta"):  # no weights are drawn that would be thrown away
        net = make(**read_record(path)["options"])
    net.load_state_dict(read_state(path), assign=True)
    return net.to(device=device, dtype=dtype or torch.float32).requires_grad_(True).eval()


def write(path: Path, state: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a checkpoint; whoever reads it needs nothing else to make the net again."""
    from safetensors.torch import save

    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    path.write_bytes(save(tensors, {key: json.dumps(value) for key, value in record.items()}))
