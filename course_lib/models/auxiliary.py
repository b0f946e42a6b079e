"""The loss of networks with auxiliary heads: classifiers in their middle that help in training only."""

from collections.abc import Callable, Sequence

from torch import Tensor

from course_lib import layers
from course_lib.layers import checks


def loss_with_auxiliary_heads(
    outputs: Tensor | Sequence[Tensor],
    target: Tensor,
    weight: float = 0.3,
    loss: Callable[[Tensor, Tensor], Tensor] = layers.cross_entropy,
) -> Tensor:
    """loss(logits, target) + weight * (the sum of loss(head, target) over the auxiliary heads).

    ``outputs`` is what the network gives in training, a tuple such as ``GoogLeNetOutputs``: its own logits
    (n, k) first, then those of the heads. In evaluation it gives the logits alone, and the loss is theirs.
    GoogLeNet was trained with weight 0.3; Inception v3 commonly is with 0.4. For other weights or losses,
    ``functools.partial(loss_with_auxiliary_heads, weight=0.4)`` is a loss again.

    Source: Szegedy et al. (2015), Going deeper with convolutions, section 5.

    Raises:
        ValueError: a weight that is negative or not finite, or outputs without a tensor.
        TypeError: outputs that are neither a tensor nor a sequence of tensors, a weight that is no number.
    """
    owner = "loss_with_auxiliary_heads"
    checks.finite_number(owner, "weight", weight, at_least=0)
    if isinstance(outputs, Tensor):
        return loss(outputs, target)
    if not isinstance(outputs, Sequence) or not all(isinstance(each, Tensor) for each in outputs):
        raise TypeError(f"{owner}: outputs must be a tensor or a sequence of tensors, got {_kind(outputs)}")
    if not outputs:
        raise ValueError(f"{owner}: outputs must hold the logits of the network at least, got none")
    logits, *heads = outputs
    total = loss(logits, target)
    for head in heads:
        total = total + weight * loss(head, target)
    return total


def _kind(outputs: object) -> str:
    name = type(outputs).__name__
    if not isinstance(outputs, Sequence) or isinstance(outputs, str):
        return name
    return f"{name} of {', '.join(sorted({type(each).__name__ for each in outputs}))}"
