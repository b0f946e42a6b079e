"""The boxes that non-maximum suppression still has before it."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Candidates:
    """Boxes, in some order.

    Attributes:
        corners: (5, n) the rows x1, y1, x2, y2 and area.
        places: (n,) the index of each box among those that were given.
        groups: (n,) its category, or None if all are of one.
    """

    corners: Tensor
    places: Tensor
    groups: Tensor | None

    @classmethod
    def of(cls, boxes: Tensor, groups: Tensor | None = None) -> "Candidates":
        """All ``boxes`` (n, 4), in at least float32, and their categories."""
        x1, y1, x2, y2 = boxes.to(torch.promote_types(boxes.dtype, torch.float32)).unbind(dim=1)
        corners = torch.stack([x1, y1, x2, y2, (x2 - x1) * (y2 - y1)])
        return cls(corners, torch.arange(len(boxes), device=boxes.device), groups)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, part: slice) -> "Candidates":
        groups = None if self.groups is None else self.groups[part]
        return Candidates(self.corners[:, part], self.places[part], groups)

    def take(self, indices: Tensor) -> "Candidates":
        """Return the boxes at ``indices``, in their order."""
        groups = None if self.groups is None else self.groups.index_select(0, indices)
        return Candidates(self.corners.index_select(1, indices), self.places.index_select(0, indices), groups)

    def sort(self, scores: Tensor) -> "Candidates":
        """Return the boxes by falling score; those of equal ``scores`` (of all boxes) stay in their order."""
        return self.take(torch.argsort(scores[self.places], descending=True, stable=True))

    def iou(self, others: "Candidates") -> Tensor:
        """Return (n, m): the IoU of each box with each of ``others``, 0 for boxes of different categories."""
        x1, y1, x2, y2, area = self.corners[:, :, None].unbind()
        other_x1, other_y1, other_x2, other_y2, other_area = others.corners.unbind()
        width = torch.minimum(x2, other_x2).sub_(torch.maximum(x1, other_x1)).clamp_(min=0)
        height = torch.minimum(y2, other_y2).sub_(torch.maximum(y1, other_y1)).clamp_(min=0)
        intersection = width.mul_(height)
        found = divided(intersection, (area + other_area).sub_(intersection))
        if self.groups is not None and others.groups is not None:
            found *= self.groups[:, None] == others.groups
        return found


def divided(intersection: Tensor, union: Tensor) -> Tensor:
    """Return intersection / union, and 0 where both are 0, in the place of the intersection."""
    smallest = torch.finfo(union.dtype).smallest_normal * torch.finfo(union.dtype).eps
    return intersection.div_(union.clamp_(min=smallest))
