"""The detectors that come with the course: six kinds, trained for equal times on equal pictures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models import embedded_weights
from course_lib.models.fast_rcnn import fast_rcnn
from course_lib.models.faster_rcnn import faster_rcnn, mask_rcnn
from course_lib.models.rcnn import rcnn
from course_lib.models.tiny_yolo import tiny_yolo

FOLDER = embedded_weights.FOLDER / "detectors"
SEEDS = (0, 1, 2)
MODELS: dict[str, Callable[..., nn.Module]] = {
    "rcnn": rcnn,
    "fast_rcnn": fast_rcnn,
    "faster_rcnn": faster_rcnn,
    "mask_rcnn": mask_rcnn,
    "mask_rcnn_pool": partial(mask_rcnn, pool="pool"),
    "tiny_yolo": tiny_yolo,
}


def load_detector(kind: str, seed: int, *, device: Device = None, dtype: Dtype = None) -> nn.Module:
    """Return a trained detector of the shapes in ``scenes``, in evaluation mode.

    Trained by ``tools/pretrain_detectors.py``, each for the same seconds of one core on the same pictures.
    The state of the random generators does not change.

    Args:
        kind: "rcnn" and "fast_rcnn" (to be given proposals of ``vision.selective_search``), "faster_rcnn",
            "mask_rcnn", "mask_rcnn_pool" (the same with RoI pooling in place of RoIAlign) or "tiny_yolo".
        seed: 0, 1 or 2, of the weights and the order of the pictures.
        device: where the parameters go.
        dtype: of the parameters.

    Raises:
        ValueError: there is no such kind or seed.
    """
    path = path_of("load_detector", kind, seed)
    return embedded_weights.load(path, MODELS[kind], device, dtype)


def detector_record(kind: str, seed: int) -> dict[str, Any]:
    """Return how ``load_detector(kind, seed)`` was made: recipe, seconds and steps of training, versions.

    Raises:
        ValueError: there is no such kind or seed.
    """
    return embedded_weights.read_record(path_of("detector_record", kind, seed))


def path_of(owner: str, kind: str, seed: int) -> Path:
    """The file of a detector; ``owner`` is named where there is none."""
    checks.one_of(owner, "kind", kind, tuple(MODELS))
    checks.one_of(owner, "seed", seed, SEEDS)
    return FOLDER / f"{kind}_{seed}.safetensors"
