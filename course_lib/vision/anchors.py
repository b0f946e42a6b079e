"""Anchors: boxes of fixed sizes and shapes, the same set at every place of a feature map.

Source: Ren, He, Girshick & Sun (2015), Faster R-CNN, section 3.1.1. ``AnchorGenerator`` is called as in
``torchvision.models.detection.anchor_utils``.
"""

from collections.abc import Sequence
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from course_lib.layers import checks as layer_checks
from course_lib.layers.checks import Device, Dtype
from course_lib.vision import checks

Nested = Sequence[Sequence[float]]
Sizes = Sequence[float] | Nested


def anchors(
    sizes: Sequence[float],
    aspect_ratios: Sequence[float],
    *,
    dtype: Dtype = None,
    device: Device = None,
) -> Tensor:
    """Return the anchors of one place, centred on (0, 0), as xyxy: (len(aspect_ratios) len(sizes), 4).

    An anchor of size s and aspect ratio r is s / sqrt(r) wide and s sqrt(r) high, so that r is height over
    width and the area s^2; its corners are then rounded to whole pixels (halves to the even number). All
    sizes of the first ratio come first. The default dtype is float32.

    Raises:
        ValueError: no sizes or ratios, or one that is not positive.
        TypeError: one that is no number.
    """
    for name, values in (("sizes", sizes), ("aspect_ratios", aspect_ratios)):
        checks.filled("anchors", name, values)
        for value in values:
            layer_checks.finite_number("anchors", name, value, above=0)
    dtype = torch.float32 if dtype is None else dtype
    size = torch.tensor(sizes, dtype=dtype, device=device)
    root = torch.tensor(aspect_ratios, dtype=dtype, device=device).sqrt()[:, None]
    width, height = (1 / root * size).flatten(), (root * size).flatten()
    return (torch.stack([-width, -height, width, height], dim=1) / 2).round()


def grid_anchors(cell_anchors: Tensor, grid_size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Return ``cell_anchors`` (A, 4) moved to every place of a feature map: (h w A, 4), xyxy.

    The place in row i and column j of the map, whose ``grid_size`` is (h, w), is the point (j stride_x,
    i stride_y) of the image, with ``stride`` = (stride_y, stride_x). Rows come one after the other, and at
    each place all its anchors: the order of a convolution's output (A, h, w) after permute(1, 2, 0).

    Raises:
        ValueError: a wrong shape, a negative grid size, a stride below 1.
        TypeError: cell_anchors that are no tensor of a floating-point dtype, sizes that are no integers.
    """
    checks.rows("grid_anchors", cell_anchors, "cell_anchors", floating=True)
    h, w = checks.image_size("grid_anchors", "grid_size", grid_size)
    stride_y, stride_x = layer_checks.pair("grid_anchors", "stride", stride)
    ys = stride_y * torch.arange(h, dtype=cell_anchors.dtype, device=cell_anchors.device)
    xs = stride_x * torch.arange(w, dtype=cell_anchors.dtype, device=cell_anchors.device)
    y, x = (each.flatten() for each in torch.meshgrid(ys, xs, indexing="ij"))
    places = torch.stack([x, y, x, y], dim=1)  # (h w, 4)
    return (places[:, None] + cell_anchors).reshape(-1, 4)


class Images(Protocol):
    """A batch of images, as torchvision's ``ImageList`` has it.

    ``tensors`` (N, C, H, W) are the images, padded to one size; ``image_sizes`` their own (height, width).
    """

    tensors: Tensor
    image_sizes: Sequence[tuple[int, int]]


class AnchorGenerator(nn.Module):
    """The anchors of a batch, over all feature maps.

    ``sizes`` and ``aspect_ratios`` have a tuple for each feature map; in place of its tuple, a map may have
    one size, and one tuple of ratios may serve all maps. ``cell_anchors`` are those of one place, for each
    map. There are no parameters, and nothing in the ``state_dict``.

    Raises:
        ValueError: nothing in ``sizes`` or ``aspect_ratios``, what is not positive, or another number of
            tuples of ratios than of sizes.
        TypeError: what is no number.
    """

    def __init__(self, sizes: Sizes = ((128, 256, 512),), aspect_ratios: Sizes = ((0.5, 1.0, 2.0),)) -> None:
        super().__init__()
        checks.filled("AnchorGenerator", "sizes", sizes)
        checks.filled("AnchorGenerator", "aspect_ratios", aspect_ratios)
        self.sizes = cast(Nested, tuple(each if isinstance(each, Sequence) else (each,) for each in sizes))
        one_for_all = not isinstance(aspect_ratios[0], Sequence)
        ratios = (aspect_ratios,) * len(self.sizes) if one_for_all else tuple(aspect_ratios)
        self.aspect_ratios = cast(Nested, ratios)
        if len(self.sizes) != len(self.aspect_ratios):
            raise ValueError(
                f"AnchorGenerator: aspect_ratios must be for {len(self.sizes)} feature maps, as sizes are, "
                f"got {len(self.aspect_ratios)}"
            )
        self.set_cell_anchors(torch.float32, torch.device("cpu"))

    def set_cell_anchors(self, dtype: torch.dtype, device: torch.device) -> None:
        """Make the anchors of one place of each map."""
        self.cell_anchors = [
            self.generate_anchors(sizes, ratios, dtype, device)
            for sizes, ratios in zip(self.sizes, self.aspect_ratios, strict=True)
        ]

    def generate_anchors(
        self,
        scales: Sequence[float],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: Device = None,
    ) -> Tensor:
        """The function ``anchors``, by its name in torchvision."""
        return anchors(scales, aspect_ratios, dtype=dtype, device=device)

    def num_anchors_per_location(self) -> list[int]:
        """Return how many anchors a place has, for each feature map."""
        return [
            len(sizes) * len(ratios) for sizes, ratios in zip(self.sizes, self.aspect_ratios, strict=True)
        ]

    def grid_anchors(
        self, grid_sizes: Sequence[Sequence[int]], strides: Sequence[Sequence[int]]
    ) -> list[Tensor]:
        """Return the anchors of each feature map (h w A, 4), from the maps' sizes and strides in the image.

        Raises:
            ValueError: another number of sizes or strides than ``AnchorGenerator`` has maps.
        """
        if not len(grid_sizes) == len(strides) == len(self.cell_anchors):
            raise ValueError(
                f"AnchorGenerator: grid_sizes and strides must be for {len(self.cell_anchors)} feature maps, "
                f"got {len(grid_sizes)} and {len(strides)}"
            )
        return [
            grid_anchors(cell, size, [int(step) for step in stride])
            for cell, size, stride in zip(self.cell_anchors, grid_sizes, strides, strict=True)
        ]

    def forward(self, image_list: Images, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the anchors of each image (total, 4), those of the first feature map first.

        The stride of a map is the padded images' size over the map's, rounded down. Raises ValueError for
        another number of maps than ``AnchorGenerator`` has, or a map that is larger than the images.
        """
        height, width = image_list.tensors.shape[-2:]
        grid_sizes = [tuple(each.shape[-2:]) for each in feature_maps]
        if any(h > height or w > width or 0 in (h, w) for h, w in grid_sizes):
            raise ValueError(
                f"AnchorGenerator: feature_maps must be 1 x 1 to {height} x {width}, got sizes {grid_sizes}"
            )
        like = feature_maps[0] if feature_maps else image_list.tensors
        self.set_cell_anchors(like.dtype, like.device)
        strides = [(height // h, width // w) for h, w in grid_sizes]
        every = torch.cat(self.grid_anchors(grid_sizes, strides))
        return [every.clone() for _ in image_list.image_sizes]
