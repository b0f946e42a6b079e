"""The scores of a model's classes, and which class a map is about."""

from typing import Any

import torch
from torch import Tensor

from course_lib.layers import checks

Classes = int | Tensor | list[int] | None


def scores_in(owner: str, output: Any, n: int) -> Tensor:
    """Return what a model gave for n images if it is a score for each class, (n, classes); else raise."""
    if not isinstance(output, Tensor):
        raise TypeError(f"{owner}: model must return a tensor of scores, got {type(output).__name__}")
    if output.ndim != 2 or len(output) != n or output.shape[1] < 1:
        raise ValueError(
            f"{owner}: model must return a score for each image and class, ({n}, classes), "
            f"got shape {tuple(output.shape)}"
        )
    return output


def check_no_softmax(owner: str, scores: Tensor) -> None:
    """Raise if a softmax made them: it mixes in the other classes, and where it saturates the slope is 0."""
    made_by = type(scores.grad_fn).__name__.removesuffix("Backward0")
    if made_by in ("Softmax", "LogSoftmax"):
        raise ValueError(f"{owner}: model must return scores before the softmax, got those of a {made_by}")


def chosen_classes(owner: str, classes: Classes, scores: Tensor) -> Tensor:
    """Return a class for each image, (N,): the one for all, one each, or by default that of highest score.

    Raises:
        TypeError: a class that is no integer.
        ValueError: not one or N, or there is no such class.
    """
    n, count = scores.shape
    if classes is None:
        return scores.argmax(1)
    if isinstance(classes, Tensor):
        if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
            raise TypeError(f"{owner}: classes must be integers, got {classes.dtype}")
        classes = classes.tolist()
    chosen = list(classes) if isinstance(classes, list | tuple) else [classes] * n
    if len(chosen) != n:
        raise ValueError(f"{owner}: classes must be one, or one for each of {n} images, got {len(chosen)}")
    for each in chosen:
        checks.non_negative_integer(owner, "classes", each)
        if each >= count:
            raise ValueError(f"{owner}: classes must be from 0 to {count - 1}, got {each}")
    return torch.tensor([int(each) for each in chosen], device=scores.device)
