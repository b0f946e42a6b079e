"""Random changes of images that leave their meaning as it is: as many new training images as you like.

Each function takes images (n, c, h, w), every one of which gets a draw of its own, or a single image
(c, h, w); it returns new tensors of the same dtype on the same device, and its input stays as it was. Draws
come from ``generator`` if there is one, else from PyTorch's global generator; one on the CPU gives the same
draws for images on any device. Bad arguments raise ValueError or TypeError, which name the argument.
"""

from collections.abc import Sequence
from typing import overload

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.data.options import above_zero, at_least_zero, number, whole

Generator = torch.Generator | None

_LUMA = (0.2989, 0.587, 0.114)  # weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)


def random_shift(images: Tensor, most: int, generator: Generator = None) -> Tensor:
    """Move images by whole pixels, down and to the right, each by any number from -``most`` to ``most``.

    What leaves an image is lost, and zeros come in.
    """
    whole("random_shift: most", most, at_least=0)
    height, width = _as_batch("random_shift", images).shape[-2:]
    return random_crop(images, (height, width), padding=most, generator=generator)


def random_crop(
    images: Tensor,
    size: int | Sequence[int],
    padding: int | Sequence[int] = 0,
    generator: Generator = None,
) -> Tensor:
    """Cut a window of ``size`` out of each image, after padding it with zeros; every place is as likely.

    Args:
        images: (n, c, h, w) or (c, h, w), of any dtype.
        size: of the window, one number for both sides or (height, width).
        padding: one number for all sides, two for (left and right, top and bottom), or four for (left, top,
            right, bottom), as in torchvision.transforms.RandomCrop.

    Returns:
        (n, c, height, width) or (c, height, width).
    """
    batch = _as_batch("random_crop", images)
    height, width = _height_and_width("random_crop", size)
    left, top, right, bottom = _sides("random_crop", padding)
    padded = F.pad(batch, (left, right, top, bottom))
    free = padded.shape[2] - height, padded.shape[3] - width
    if min(free) < 0:
        raise ValueError(
            f"random_crop: size must fit into the padded images of {padded.shape[2]}x{padded.shape[3]}, "
            f"got {height}x{width}"
        )
    n = len(batch)
    tops, lefts = (_integers(n, most + 1, batch, generator)[:, None, None] for most in free)  # (n, 1, 1)
    rows = tops + torch.arange(height, device=batch.device)[:, None]  # (n, height, 1)
    columns = lefts + torch.arange(width, device=batch.device)  # (n, 1, width)
    examples = torch.arange(n, device=batch.device)[:, None, None]
    # The channels' axis stands between the indices, so indexing puts it last: (n, height, width, c).
    found = padded[examples, :, rows, columns].movedim(-1, 1).contiguous()
    return found.reshape(*images.shape[:-2], height, width)


@overload
def random_horizontal_flip(
    images: Tensor, p: float = ..., boxes: None = ..., generator: Generator = ...
) -> Tensor: ...
@overload
def random_horizontal_flip(
    images: Tensor, p: float = ..., *, boxes: Tensor, generator: Generator = ...
) -> tuple[Tensor, Tensor]: ...
def random_horizontal_flip(
    images: Tensor, p: float = 0.5, boxes: Tensor | None = None, generator: Generator = None
) -> Tensor | tuple[Tensor, Tensor]:
    """Exchange left and right in each image with probability ``p``, and in its boxes.

    Args:
        images: (n, c, h, w) or (c, h, w), of any dtype.
        p: from 0 to 1.
        boxes: (n, m, 4), or (m, 4) for a single image: m boxes (x1, y1, x2, y2) an image.

    Returns:
        The images; with ``boxes`` the pair of images and boxes.
    """
    if not 0 <= number("random_horizontal_flip: p", p) <= 1:
        raise ValueError(f"random_horizontal_flip: p must be from 0 to 1, got {p!r}")
    batch = _as_batch("random_horizontal_flip", images)
    chosen = _uniform((len(batch),), batch, generator) < p  # (n,)
    flipped = torch.where(chosen[:, None, None, None], batch.flip(-1), batch).reshape(images.shape)
    if boxes is None:
        return flipped
    mirrored = flip_boxes(boxes, images.shape[-1])
    if boxes.shape[:-2] != images.shape[:-3]:
        expected = f"({', '.join([*map(str, images.shape[:-3]), 'm', '4'])})"
        raise ValueError(
            f"random_horizontal_flip: boxes must be {expected} to go with images {tuple(images.shape)}, "
            f"got {tuple(boxes.shape)}"
        )
    return flipped, torch.where(chosen.reshape(*boxes.shape[:-2], 1, 1), mirrored, boxes)


def flip_boxes(boxes: Tensor, width: int) -> Tensor:
    """Return boxes (..., 4) as they lie after an image of ``width`` pixels is flipped horizontally.

    A box (x1, y1, x2, y2) is measured between pixels: that of the pixel in row 0, column 0 is (0, 0, 1, 1).
    Left and right change places, so that x1 <= x2 still holds: (width - x2, y1, width - x1, y2). An empty
    box that fills up the places of missing objects, (0, 0, 0, 0), stays empty, but moves to the other side.
    """
    whole("flip_boxes: width", width, at_least=1)
    if not isinstance(boxes, Tensor):
        raise TypeError(f"flip_boxes: boxes must be a torch.Tensor, got {type(boxes).__name__}")
    if boxes.ndim < 2 or boxes.shape[-1] != 4:
        raise ValueError(f"flip_boxes: boxes must be (..., m, 4), got shape {tuple(boxes.shape)}")
    x1, y1, x2, y2 = boxes.unbind(-1)
    return torch.stack([width - x2, y1, width - x1, y2], dim=-1)


def random_scale(
    images: Tensor, scale: tuple[float, float] = (0.8, 1.2), generator: Generator = None
) -> Tensor:
    """Magnify each image about its middle by a factor drawn evenly from the two numbers of ``scale``.

    The size of the image stays: above 1 the rim is lost, below 1 zeros come in. Values between pixels are
    interpolated linearly; a factor far below 1 would need smoothing first, or fine detail flickers. The
    ``scale`` of torchvision.transforms.RandomAffine, with bilinear interpolation.
    """
    if not isinstance(scale, Sequence) or len(scale) != 2:
        raise ValueError(f"random_scale: scale must be two numbers (least, most), got {scale!r}")
    low, high = (above_zero("random_scale: scale", each) for each in scale)
    if low > high:
        raise ValueError(f"random_scale: scale must be (least, most), got {scale!r}")
    batch = _as_batch("random_scale", images, floating=True)
    if len(batch) == 0:  # which affine_grid does not take
        return images.clone()
    factor = low + (high - low) * _uniform((len(batch),), batch, generator)
    theta = factor.new_zeros(len(batch), 2, 3)  # from a place in the output to the place in the input
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / factor
    wide = batch if batch.dtype == torch.float64 else batch.float()  # not every device samples half precision
    grid = F.affine_grid(theta.to(wide.dtype), list(batch.shape), align_corners=False)
    found = F.grid_sample(wide, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return found.to(images.dtype).reshape(images.shape)


def color_jitter(
    images: Tensor,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    generator: Generator = None,
) -> Tensor:
    """Change brightness, contrast and saturation of each image, in an order drawn for it.

    Each of the three mixes the image with a dull one: f * image + (1 - f) * dull, cut off to [0, 1], with f
    drawn evenly from max(0, 1 - s) to 1 + s, where s is the argument. Dull is black for the brightness, the
    mean grey of the image for the contrast, and each pixel's own grey for the saturation. The definitions of
    torchvision.transforms.ColorJitter.

    Args:
        images: (n, c, h, w) or (c, h, w) with c = 3 (red, green, blue) or c = 1 (grey, for which saturation
            does nothing), floating, from 0 to 1.
        brightness, contrast, saturation: the strengths s, 0 or more.
    """
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, strength in strengths.items():
        at_least_zero(f"color_jitter: {name}", strength)
    batch = _as_batch("color_jitter", images, floating=True)
    if batch.shape[1] not in (1, 3):
        raise ValueError(f"color_jitter: images must have 1 or 3 channels, got shape {tuple(images.shape)}")
    n = len(batch)
    s = torch.tensor(list(strengths.values()), device=batch.device, dtype=torch.float32)
    low, high = (1 - s).clamp(min=0), 1 + s
    factors = low + (high - low) * _uniform((n, 3), batch, generator)  # (n, 3)
    orders = _uniform((n, 3), batch, generator).argsort(dim=1)  # (n, 3): what comes first, second and third
    for step in range(3):
        now = orders[:, step].reshape(n, 1, 1, 1)
        f = factors.gather(1, orders[:, step : step + 1]).reshape(n, 1, 1, 1).to(batch.dtype)
        grey = _grey(batch)  # (n, 1, h, w)
        dull = torch.where(now == 1, grey.mean(dim=(1, 2, 3), keepdim=True), grey)
        dull = torch.where(now == 0, torch.zeros_like(dull), dull)
        batch = (f * batch + (1 - f) * dull).clamp(0, 1)
    return batch.reshape(images.shape)


def mixup(
    x: Tensor, y: Tensor, num_classes: int, alpha: float = 0.2, generator: Generator = None
) -> tuple[Tensor, Tensor]:
    """Mix each example, and its label, with another one of the batch: x' = l x + (1 - l) x_partner.

    l is drawn for each example from the Beta distribution with both parameters ``alpha``: for a small one it
    is mostly near 0 or 1, for 1 every value is as likely, for a large one it is near one half. Partners are
    a permutation of the batch.

    Args:
        x: (n, ...), floating.
        y: (n,), int64, labels from 0 to ``num_classes`` - 1.
        alpha: above 0.

    Returns:
        The mixtures (n, ...), and their targets (n, num_classes) with rows that sum to 1, which
        cross-entropy losses take in the place of labels.

    Source: Zhang, Cisse, Dauphin & Lopez-Paz (2018), mixup: Beyond empirical risk minimization. They draw
    one weight for the whole batch in their code; here each example has its own.
    """
    whole("mixup: num_classes", num_classes, at_least=1)
    above_zero("mixup: alpha", alpha)
    _check_labels(x, y, num_classes)
    own = _beta(len(x), alpha, x, generator).to(x.dtype)  # (n,)
    partner = _uniform((len(x),), x, generator).argsort()  # (n,): a permutation
    targets = F.one_hot(y, num_classes).to(x.dtype)  # (n, num_classes)
    weight = own.reshape(-1, *[1] * (x.ndim - 1))
    mixed = weight * x + (1 - weight) * x[partner]
    return mixed, own[:, None] * targets + (1 - own[:, None]) * targets[partner]


def _beta(n: int, alpha: float, like: Tensor, generator: Generator) -> Tensor:
    """Draw n numbers from the Beta distribution with both parameters ``alpha``.

    With p = u^(1/alpha) and u, v uniform, t = sqrt(2 alpha (1/p - 1)) cos(2 pi v) has Student's distribution
    of 2 alpha degrees of freedom (Bailey 1994), and 1/2 + t / (2 sqrt(2 alpha + t^2)) is Beta(alpha, alpha).
    Fractions are cleared, for p may be 0.
    """
    u, v = _uniform((2, n), like, generator)
    p, cosine = u ** (1 / alpha), torch.cos(2 * torch.pi * v)
    half = (1 - p).sqrt() * cosine / (p + (1 - p) * cosine**2).sqrt()
    return (0.5 + 0.5 * half).clamp(0, 1)


def _grey(images: Tensor) -> Tensor:
    """Return the brightness (n, 1, h, w) of images (n, 1 or 3, h, w)."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, dim=1)
    return _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue


def _uniform(shape: tuple[int, ...], like: Tensor, generator: Generator) -> Tensor:
    """Draw float32 numbers from [0, 1) on the generator's device, and take them to that of ``like``."""
    return torch.rand(shape, generator=generator, device=_source(like, generator)).to(like.device)


def _integers(n: int, end: int, like: Tensor, generator: Generator) -> Tensor:
    """Draw n whole numbers from 0 to ``end`` - 1."""
    return torch.randint(end, (n,), generator=generator, device=_source(like, generator)).to(like.device)


def _source(like: Tensor, generator: Generator) -> torch.device:
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator or None, got {generator!r}")
    return like.device if generator is None else generator.device


def _as_batch(owner: str, images: Tensor, floating: bool = False) -> Tensor:
    """Return checked images as (n, c, h, w)."""
    if not isinstance(images, Tensor):
        raise TypeError(f"{owner}: images must be a torch.Tensor, got {type(images).__name__}")
    if images.ndim not in (3, 4):
        raise ValueError(f"{owner}: images must be (n, c, h, w) or (c, h, w), got {tuple(images.shape)}")
    if floating and not images.is_floating_point():
        raise TypeError(f"{owner}: images must have a floating-point dtype, got {images.dtype}")
    return images if images.ndim == 4 else images[None]


def _check_labels(x: Tensor, y: Tensor, num_classes: int) -> None:
    for name, value in (("x", x), ("y", y)):
        if not isinstance(value, Tensor):
            raise TypeError(f"mixup: {name} must be a torch.Tensor, got {type(value).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"mixup: x must have a floating-point dtype, got {x.dtype}")
    if y.dtype != torch.int64:
        raise TypeError(f"mixup: y must be labels of dtype int64, got {y.dtype}")
    if x.ndim == 0 or y.shape != x.shape[:1]:
        raise ValueError(
            f"mixup: y must be (n,) to go with x (n, ...), got {tuple(y.shape)} and {tuple(x.shape)}"
        )
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < num_classes:
        raise ValueError(
            f"mixup: y must be from 0 to {num_classes - 1}, got labels from {y.min()} to {y.max()}"
        )


def _height_and_width(owner: str, size: int | Sequence[int]) -> tuple[int, int]:
    values = [size, size] if isinstance(size, int) else list(size)
    if len(values) != 2:
        raise ValueError(f"{owner}: size must be one number or (height, width), got {size!r}")
    return whole(f"{owner}: size", values[0], at_least=1), whole(f"{owner}: size", values[1], at_least=1)


def _sides(owner: str, padding: int | Sequence[int]) -> list[int]:
    """Return padding as [left, top, right, bottom]."""
    values = [padding] if isinstance(padding, int) else list(padding)
    if len(values) not in (1, 2, 4):
        raise ValueError(f"{owner}: padding must be one number, two or four, got {padding!r}")
    return [whole(f"{owner}: padding", each, at_least=0) for each in values] * (4 // len(values))
