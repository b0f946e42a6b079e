"""RoI pooling: features of a region of any size, on a grid of fixed size, called as in ``torchvision.ops``.

Source: Girshick (2015), Fast R-CNN, section 2.1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.layers import checks as layer_checks
from course_lib.vision.max_bags import Bags, Maximum
from course_lib.vision.rois import rois_of


def roi_pool(
    input: Tensor,
    boxes: Tensor | Sequence[Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
) -> Tensor:
    """Take the maximum of each bin of each region, whose edges are rounded to whole pixels, twice.

    A box, times ``spatial_scale``, is rounded (halves away from 0) and holds its last pixel, so that it is
    at least one pixel high and wide; it is cut into ``output_size`` bins, whose edges are rounded outwards
    (an edge that is whole but for the last bit, as 7 x (31 / 7) in float32, too: so it is in torchvision).
    A bin outside the map is 0. The gradient goes to the maximum, the first one of equal ones.

    Shapes: input (N, C, H, W); boxes (K, 5) as (index in the batch, x1, y1, x2, y2), or a list of N tensors
    (L, 4) -> (K, C, ph, pw). Gradients flow to the input, not to the boxes. A GPU is waited for once. The
    same in NumPy: ``course_lib.reference.regions``.

    Raises:
        ValueError: a wrong shape, a size below 1, a scale that is not positive, boxes on another device; on
            the CPU also coordinates that are not finite and an index outside the batch.
        TypeError: what is no tensor of a floating-point dtype, or of float64 if only one is.
    """
    rois = rois_of("roi_pool", input, boxes, spatial_scale)
    ph, pw = layer_checks.pair("roi_pool", "output_size", output_size)
    n, c, h, w = input.shape
    if rois.is_meta or not len(rois):
        return input.new_zeros(len(rois), c, ph, pw) + 0 * input.sum()
    x1, y1, x2, y2 = (rois[:, 1:] * spatial_scale).unbind(dim=1)
    top, rows = _bins(y1, y2, ph, h)
    left, columns = _bins(x1, x2, pw, w)
    corner = (rois[:, 0].long()[:, None, None] * h + top[:, :, None]) * w + left[:, None, :]
    sizes = (rows[:, :, None].expand_as(corner).flatten(), columns[:, None, :].expand_as(corner).flatten())
    bags = Bags.of(_rectangles(corner.flatten(), *sizes, w), sizes[0] * sizes[1])
    pixels = input.to(rois.dtype).permute(0, 2, 3, 1).reshape(n * h * w, c)
    pooled = Maximum.apply(pixels, bags).view(len(rois), ph, pw, c)
    return pooled.permute(0, 3, 1, 2).contiguous().to(input.dtype)


class RoIPool(nn.Module):
    """``roi_pool`` as a module.

    Shapes: input (N, C, H, W), rois (K, 5) or a list of N tensors (L, 4) -> (K, C, ph, pw).
    Raises what ``roi_pool`` raises, when it is called.
    """

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: Tensor, rois: Tensor | Sequence[Tensor]) -> Tensor:
        """Pool ``rois`` from ``input``."""
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"


def _bins(low: Tensor, high: Tensor, bins: int, length: int) -> tuple[Tensor, Tensor]:
    """Return the first pixel of each bin along one side of the map, and how many it has: (k, bins) each."""
    low, high = _rounded(low), _rounded(high)
    size = (high - low + 1).clamp(min=1) / bins
    i = torch.arange(bins, dtype=low.dtype, device=low.device)
    start = ((i * size[:, None]).floor() + low[:, None]).clamp(0, length)
    end = (((i + 1) * size[:, None]).ceil() + low[:, None]).clamp(0, length)
    return start.long(), (end - start).clamp(min=0).long()


def _rounded(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves away from 0 (torch.round takes them to the even one)."""
    nearest = x.trunc()
    return nearest + torch.where((x - nearest).abs() >= 0.5, x.sign(), 0)


def _rectangles(corner: Tensor, rows: Tensor, columns: Tensor, w: int) -> Tensor:
    """Return the pixels of all rectangles, one after the other and row by row.

    ``corner`` is the index of the upper left pixel, in maps that are ``w`` wide.
    """
    sizes = rows * columns
    owner = torch.repeat_interleave(sizes)
    nth = torch.arange(len(owner), device=owner.device) - (sizes.cumsum(0) - sizes).index_select(0, owner)
    width = columns.index_select(0, owner)
    row = torch.div(nth, width, rounding_mode="floor")
    return corner.index_select(0, owner) + row * (w - width) + nth
