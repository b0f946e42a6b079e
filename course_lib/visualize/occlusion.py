"""Occlusion: how much a class's score drops where a patch covers the image."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.visualize.class_scores import Classes, chosen_classes, scores_in
from course_lib.visualize.probing import evaluating, images_for


def occlusion(
    model: Callable[[Tensor], Tensor],
    images: Any,
    classes: Classes = None,
    *,
    patch: int | tuple[int, int] = 7,
    stride: int | tuple[int, int] = 2,
    fill: float | Tensor = 0.0,
    batch_size: int = 256,
) -> Tensor:
    """Drop of a class's score when each pixel is covered: images (N, C, H, W) -> (N, H, W).

    A patch moves over the image by ``stride``, and at the end up to the edge. Each place gives a drop, the
    score of the whole image minus that of the covered one; a pixel gets the mean over the patches that cover
    it. Positive is what speaks for the class, negative what speaks against it. Nothing is asked of
    the model but scores: it may be any function. A module works in evaluation mode, and is left as it was.

    Args:
        model: images (n, C, H, W) -> scores (n, classes), as they are meant: logits or probabilities.
        images: moved to the model's device if it is a module.
        classes: one for all images, or one for each; default the one of the highest score.
        patch: rows and columns that are covered, at most those of the image.
        stride: how far the patch moves, at most its size, so that every pixel gets covered.
        fill: what is put there: a number, or one for each channel (C,).
        batch_size: covered images shown to the model at a time.

    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 4.2.

    Raises:
        TypeError: an argument of the wrong type, a model that gives no tensor.
        ValueError: no such class, a size out of range, scores of another shape.
    """
    owner = "occlusion"
    if not callable(model):
        raise TypeError(f"{owner}: model must be a module or a function, got {type(model).__name__}")
    images = images_for(owner, model, images)
    patch, stride = checks.pair(owner, "patch", patch), checks.pair(owner, "stride", stride)
    checks.positive_integer(owner, "batch_size", batch_size)
    fill = _filling(owner, fill, images)
    down, across = (
        _covered(owner, *sizes, images) for sizes in zip(images.shape[2:], patch, stride, strict=True)
    )
    with evaluating(model), torch.no_grad():
        whole = scores_in(owner, model(images.clone()), len(images))
        chosen = chosen_classes(owner, classes, whole)
        places = torch.cartesian_prod(*map(torch.arange, (len(images), len(down), len(across))))
        drops = []
        for image, row, column in (part.T for part in places.to(images.device).split(batch_size)):
            hidden = (down[row][:, :, None] & across[column][:, None, :])[:, None]  # (n, 1, H, W)
            scores = scores_in(owner, model(torch.where(hidden, fill, images[image])), len(image))
            drops.append(whole[image, chosen[image]] - scores.gather(1, chosen[image][:, None])[:, 0])
    drop = torch.cat(drops).unflatten(0, (len(images), len(down), len(across)))
    down, across = down.to(drop.dtype), across.to(drop.dtype)
    return down.T @ drop @ across / (down.sum(0)[:, None] * across.sum(0))


def _covered(owner: str, side: int, patch: int, stride: int, like: Tensor) -> Tensor:
    """Tell for each place of the patch, in one direction, which pixels it covers: (places, side)."""
    if patch > side:
        raise ValueError(f"{owner}: patch must be at most the image, {tuple(like.shape[2:])}, got {patch}")
    if stride > patch:
        raise ValueError(f"{owner}: stride must be at most the patch, {patch}, got {stride}")
    first = torch.tensor([*range(0, side - patch, stride), side - patch], device=like.device)[:, None]
    pixels = torch.arange(side, device=like.device)
    return (pixels >= first) & (pixels < first + patch)


def _filling(owner: str, fill: Any, images: Tensor) -> Tensor:
    """Return the fill as (1, 1 or C, 1, 1) in the dtype of the images."""
    if not isinstance(fill, Tensor):
        checks.finite_number(owner, "fill", fill)
        return images.new_full((1, 1, 1, 1), fill)
    if fill.shape != images.shape[1:2]:
        expected = f"a number, or one for each channel, ({images.shape[1]},)"
        raise ValueError(f"{owner}: fill must be {expected}, got shape {tuple(fill.shape)}")
    return fill.to(images)[None, :, None, None]
