"""Regions of interest: the boxes that are cut out of feature maps, as ``torchvision.ops`` takes them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.layers import checks as layer_checks
from course_lib.vision import checks


def rois_of(owner: str, x: Tensor, boxes: Tensor | Sequence[Tensor], spatial_scale: float) -> Tensor:
    """Return the regions (K, 5) as (index in the batch, x1, y1, x2, y2), of at least float32.

    ``boxes`` is such a tensor, or a list with a tensor (L, 4) for each of the n maps ``x`` (n, c, h, w). What
    is wrong with shapes and types raises ValueError or TypeError; what is wrong with the numbers does so on
    the CPU only, since to look at them would make a GPU wait.
    """
    layer_checks.float_tensor(owner, x)
    layer_checks.rank(owner, x, "(N, C, H, W)")
    layer_checks.finite_number(owner, "spatial_scale", spatial_scale, above=0)
    rois = boxes if isinstance(boxes, Tensor) else _joined(owner, boxes, x)
    layer_checks.float_tensor(owner, rois, "boxes")
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise ValueError(f"{owner}: boxes must have shape (K, 5), got {tuple(rois.shape)}")
    if rois.dtype != x.dtype and torch.float64 in (rois.dtype, x.dtype):
        raise TypeError(f"{owner}: boxes must have the dtype of input, {x.dtype}, got {rois.dtype}")
    if rois.device != x.device:
        raise ValueError(f"{owner}: boxes must be on the device of input, {x.device}, got {rois.device}")
    if rois.device.type == "cpu" and len(rois):
        _check_numbers(owner, rois.detach(), len(x))
    return rois.detach().to(torch.promote_types(rois.dtype, torch.float32))


def _joined(owner: str, boxes: Sequence[Tensor], x: Tensor) -> Tensor:
    """Number the boxes of each map and join them."""
    if not isinstance(boxes, Sequence) or isinstance(boxes, str):
        raise TypeError(
            f"{owner}: boxes must be a torch.Tensor or a list of them, got {type(boxes).__name__}"
        )
    if len(boxes) != len(x):
        raise ValueError(f"{owner}: boxes must have {len(x)} tensors, one for each map, got {len(boxes)}")
    for each in boxes:
        checks.rows(owner, each, "each of boxes", floating=True)
    numbered = [torch.cat([torch.full_like(each[:, :1], i), each], dim=1) for i, each in enumerate(boxes)]
    return torch.cat(numbered) if numbered else x.new_empty(0, 5)


def _check_numbers(owner: str, rois: Tensor, n: int) -> None:
    if not rois.isfinite().all():
        raise ValueError(f"{owner}: boxes must be finite, got {rois[~rois.isfinite().all(1)][0].tolist()}")
    low, high = (bound.item() for bound in rois[:, 0].aminmax())
    if low < 0 or high >= n:
        wrong = low if low < 0 else high
        raise ValueError(
            f"{owner}: the first column of boxes must be 0 to {n - 1}, maps of input, got {wrong:g}"
        )
