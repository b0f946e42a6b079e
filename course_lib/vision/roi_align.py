"""RoIAlign: features of a region of any size, on a grid of fixed size, called as in ``torchvision.ops``.

Source: He, Gkioxari, Dollar & Girshick (2017), Mask R-CNN, section 3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.layers import checks as layer_checks
from course_lib.vision.bilinear_bags import Bags, Pull
from course_lib.vision.rois import rois_of


def roi_align(
    input: Tensor,
    boxes: Tensor | Sequence[Tensor],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Average bilinear samples in each bin of each region: nothing is rounded.

    A box, times ``spatial_scale``, is cut into ``output_size`` bins; in each bin the input is sampled at
    ``sampling_ratio`` x ``sampling_ratio`` points (if that is 0 or less: at as many as the bin is pixels
    high and wide, rounded up), and their average is the output. Samples more than a pixel outside count 0.
    ``aligned`` puts the centre of the first pixel at 0.5 instead of 0, which is where boxes have it;
    without it, regions are taken to be at least one pixel high and wide.

    Shapes: input (N, C, H, W); boxes (K, 5) as (index in the batch, x1, y1, x2, y2), or a list of N tensors
    (L, 4) -> (K, C, ph, pw). Gradients, of any order, flow to the input, not to the boxes. The adaptive
    sampling of a negative ratio makes a GPU wait once. The same in NumPy: ``course_lib.reference.regions``.

    Raises:
        ValueError: a wrong shape, a size below 1, a scale that is not positive, boxes on another device; on
            the CPU also coordinates that are not finite and an index outside the batch.
        TypeError: what is no tensor of a floating-point dtype, or of float64 if only one is.
    """
    rois = rois_of("roi_align", input, boxes, spatial_scale)
    ph, pw = layer_checks.pair("roi_align", "output_size", output_size)
    if isinstance(sampling_ratio, bool) or not isinstance(sampling_ratio, int):
        raise TypeError(f"roi_align: sampling_ratio must be an integer, got {sampling_ratio!r}")
    n, c, h, w = input.shape
    x1, y1, x2, y2 = (rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)).unbind(dim=1)
    width, height = x2 - x1, y2 - y1
    if not aligned:
        width, height = width.clamp(min=1), height.clamp(min=1)
    bags = Bags(
        rois[:, 0].long(),
        *_samples(y1, height, ph, h, sampling_ratio),
        *_samples(x1, width, pw, w, sampling_ratio),
        shape=(n, h, w),
    )
    pixels = input.to(rois.dtype).permute(0, 2, 3, 1).reshape(n * h * w, c)
    pooled = Pull.apply(pixels, bags).view(len(rois), ph, pw, c)
    return pooled.permute(0, 3, 1, 2).contiguous().to(input.dtype)


class RoIAlign(nn.Module):
    """``roi_align`` as a module.

    Shapes: input (N, C, H, W), rois (K, 5) or a list of N tensors (L, 4) -> (K, C, ph, pw).
    Raises what ``roi_align`` raises, when it is called.
    """

    def __init__(
        self,
        output_size: int | Sequence[int],
        spatial_scale: float,
        sampling_ratio: int,
        aligned: bool = False,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Tensor | Sequence[Tensor]) -> Tensor:
        """Pool ``rois`` from ``input``."""
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        names = ("output_size", "spatial_scale", "sampling_ratio", "aligned")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


def _samples(start: Tensor, size: Tensor, bins: int, length: int, ratio: int) -> tuple[Tensor, Tensor]:
    """Return the pixels that samples use along one side, and their weights: (k, bins, 2 samples).

    ``start`` and ``size`` (k,) are those of the regions, in pixels; the side of the map is ``length`` long.
    """
    bin_size = (size / bins)[:, None, None]
    if ratio > 0:
        count, most = torch.full_like(bin_size, ratio), ratio
    else:
        count = bin_size.ceil().clamp(min=0)
        most = 1 if count.is_meta or not len(count) else max(1, int(count.max()))
    i = torch.arange(most, dtype=start.dtype, device=start.device)
    first = start[:, None] + torch.arange(bins, dtype=start.dtype, device=start.device) * bin_size[:, 0]
    at = first[:, :, None] + (i + 0.5) * bin_size / count.clamp(min=1)
    counts = (i < count) & (at >= -1) & (at <= length)
    at = torch.where(counts, at, 0).clamp(0, length - 1)  # beyond the first and last centre: their values
    low = at.floor()
    weight = counts / count.clamp(min=1)
    weights = torch.cat([(low + 1 - at) * weight, (at - low) * weight], dim=2)
    low = low.long()
    return torch.cat([low, (low + 1).clamp(max=length - 1)], dim=2), weights
