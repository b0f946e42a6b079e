"""What is done to images before a trained net sees them, which must be what was done in its training."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of red, green and blue


@dataclass(frozen=True)
class Preprocessing:
    """Resize, cut out the middle, standardize: images (n, c, h, w) from 0 to 1 -> (n, c, size, size).

    Attributes:
        resize: pixels of the shorter side, the longer one in proportion.
        size: pixels of either side of the square that is cut out.
        mean: of each channel, subtracted.
        std: of each channel, what the difference is divided by.
    """

    resize: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare images.

        Raises:
            TypeError: images that are no floating-point tensor.
            ValueError: images of another shape or number of channels.
        """
        checks.float_tensor("Preprocessing", images, "images")
        checks.rank("Preprocessing", images, "(N, C, H, W)", name="images")
        checks.size("Preprocessing", images, 1, len(self.mean), "channels", name="images")
        h, w = images.shape[-2:]
        shorter = min(h, w)
        if shorter != self.resize:
            h, w = (self.resize * side // shorter for side in (h, w))
            # Antialiased: small versions are averages, as those were that the net has seen.
            images = F.interpolate(images, (h, w), mode="bilinear", antialias=True)
        top, left = round((h - self.size) / 2), round((w - self.size) / 2)
        images = images[:, :, top : top + self.size, left : left + self.size]
        mean, std = (
            torch.tensor(each, dtype=images.dtype, device=images.device).view(-1, 1, 1)
            for each in (self.mean, self.std)
        )
        return (images - mean) / std
