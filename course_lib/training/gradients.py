"""How much gradient reaches each layer: the measure of vanishing and exploding gradients."""

import math
from typing import Any

import torch
from torch import Tensor, nn


def gradient_norms(model: nn.Module, loss: Tensor) -> dict[str, float]:
    """Euclidean norm of d(loss)/d(weight) for each layer that has a trainable ``weight``, in forward order.

    Keys are the layers' names in the model ("0", "2", ...). A layer the loss does not depend on has norm 0
    and comes last. Call it before ``loss.backward()``: it keeps the graph, and writes to no ``.grad``.

    Raises:
        TypeError: ``model`` is no module.
        ValueError: ``loss`` is not one number computed with gradients, or no layer has a trainable weight.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    if not isinstance(loss, Tensor) or loss.numel() != 1 or loss.grad_fn is None:
        raise ValueError(f"loss must be one number computed from the model with gradients on, got {loss!r}")
    weights = {
        name: module.weight
        for name, module in model.named_modules()
        if isinstance(getattr(module, "weight", None), nn.Parameter) and module.weight.requires_grad
    }
    if not weights:
        raise ValueError(f"model must have a layer with a trainable weight, got {type(model).__name__}")
    gradients = torch.autograd.grad(loss, list(weights.values()), retain_graph=True, allow_unused=True)
    norms = {
        name: 0.0 if gradient is None else _norm(gradient)
        for name, gradient in zip(weights, gradients, strict=True)
    }
    moments = _moments_of_use(loss)
    in_forward_order = sorted(norms, key=lambda name: moments.get(weights[name], math.inf))
    return {name: norms[name] for name in in_forward_order}


def _norm(gradient: Tensor) -> float:
    # Vanished gradients are what this is for: below 1e-23 the squares would underflow in float32.
    return float(torch.linalg.vector_norm(gradient.to("cpu", torch.float64)))


def _moments_of_use(loss: Tensor) -> dict[Tensor, float]:
    """When the forward pass first used each leaf: autograd numbers its nodes in the order it makes them."""
    moments: dict[Tensor, float] = {}
    seen: set[Any] = {loss.grad_fn}
    waiting = list(seen)
    while waiting:
        node = waiting.pop()
        for source, _ in node.next_functions:
            if hasattr(source, "variable"):
                moments[source.variable] = min(moments.get(source.variable, math.inf), node._sequence_nr())
            elif source is not None and source not in seen:
                seen.add(source)
                waiting.append(source)
    return moments
