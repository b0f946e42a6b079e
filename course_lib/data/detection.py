"""Pictures with objects in them: boxes, classes and masks, as detectors and segmenters want them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.dataset import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class DetectionDataset(Dataset):
    """Pictures ``x`` (n, c, h, w) and, for each of their pixels, a class ``y`` (n, h, w), 0 for background.

    So it trains a segmenter as it is. For a detector the same truth is here object by object, in arrays that
    leave room for m objects a picture: ``boxes`` (n, m, 4), float32, and ``labels`` (n, m), int64, are zero
    beyond a picture's last object (no object has label 0), and ``instances`` (n, h, w), uint8, has the number
    of the object, from 1, that each pixel shows, 0 for none. Boxes are (x1, y1, x2, y2) in pixels, measured
    between pixels: the box of the single pixel in row 0, column 0 is (0, 0, 1, 1), and x2 - x1 is a width.

    ``targets`` has the lists of dictionaries of torchvision's detectors: ``model(list(d.x), d.targets())``.
    """

    boxes: Tensor = field(default_factory=lambda: torch.empty(0, 0, 4))
    labels: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.int64))
    instances: Tensor = field(default_factory=lambda: torch.empty(0, 0, 0, dtype=torch.uint8))

    def __post_init__(self) -> None:
        super().__post_init__()
        n, most = len(self.x), self.labels.shape[-1]
        maps = (n, *self.x.shape[2:])
        for part, shape in {"labels": (n, most), "boxes": (n, most, 4), "instances": maps, "y": maps}.items():
            found = tuple(getattr(self, part).shape)
            if found != shape:
                raise ValueError(
                    f"{part} must have shape {shape} to go with x {tuple(self.x.shape)}, got {found}"
                )

    def target(self, index: int) -> dict[str, Tensor]:
        """Return the k objects of one picture.

        Returns:
            "boxes" (k, 4), float32; "labels" (k,), int64, from 1; "masks" (k, h, w), uint8, 1 where the
            object is to be seen.
        """
        k = int((self.labels[index] > 0).sum())
        numbers = torch.arange(1, k + 1, dtype=self.instances.dtype, device=self.instances.device)
        masks = (self.instances[index] == numbers[:, None, None]).to(torch.uint8)
        return {"boxes": self.boxes[index, :k], "labels": self.labels[index, :k], "masks": masks}

    def targets(self, index: Any = None) -> list[dict[str, Tensor]]:
        """Return ``target`` of several pictures; ``index`` is a slice, a mask or numbers, default all."""
        rows = torch.arange(len(self))
        chosen = rows if index is None else rows[index.cpu() if isinstance(index, Tensor) else index]
        return [self.target(int(row)) for row in chosen]


def visible_boxes(instances: NDArray[np.integer], most: int) -> NDArray[np.float32]:
    """Return the tightest boxes (n, most, 4) around objects 1 to ``most`` of ``instances`` (n, h, w).

    An object that is not to be seen has the box (0, 0, 0, 0).
    """
    boxes = np.zeros((len(instances), most, 4), np.float32)
    for number in range(1, most + 1):
        mask = instances == number
        for start, across in ((0, mask.any(axis=1)), (1, mask.any(axis=2))):  # columns, rows
            seen = across.any(axis=1)
            first = across.argmax(axis=1)
            last = across.shape[1] - across[:, ::-1].argmax(axis=1)
            boxes[:, number - 1, start] = np.where(seen, first, 0)
            boxes[:, number - 1, start + 2] = np.where(seen, last, 0)
    return boxes
