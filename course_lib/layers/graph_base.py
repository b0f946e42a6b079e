"""What graph layers share: the checks of their arguments and inputs, and how their weights begin."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks


def check_channels(owner: str, in_channels: int, out_channels: int) -> None:
    """Raise unless both are integers of 1 or more; -1, to be found out later, is not supported."""
    checks.positive_integer(owner, "in_channels", in_channels)
    checks.positive_integer(owner, "out_channels", out_channels)


def check_options(owner: str, options: dict[str, object]) -> None:
    """Raise if there are further options, such as the original passes on to its base class."""
    for name, value in options.items():
        raise TypeError(f"{owner}: {name} is not supported and must be left out, got {value!r}")


def glorot(weight: Tensor) -> None:
    """Draw from U(-b, b), b^2 = 6 / (the last two sizes' sum): the original's numbers for the same seed."""
    bound = (6 / (weight.shape[-2] + weight.shape[-1])) ** 0.5
    nn.init.uniform_(weight, -bound, bound)


def check_graph(owner: str, x: Tensor, edge_index: Tensor, channels: int, targets: int | None = None) -> None:
    """Raise unless features and edges fit: x (N, channels), edge_index (2, E) with nodes that exist.

    There are N ``targets`` unless it says otherwise. Whether the nodes exist is not looked up on a GPU, where
    it would mean waiting for it.
    """
    check_features(owner, x, channels)
    checks.tensor(owner, edge_index, "edge_index")
    if edge_index.dtype != torch.int64:
        raise TypeError(f"{owner}: edge_index must have the dtype torch.int64, got {edge_index.dtype}")
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise ValueError(f"{owner}: edge_index must have shape (2, E), got {tuple(edge_index.shape)}")
    if not edge_index.is_cpu or not edge_index.shape[1]:
        return
    sources = x.shape[0]
    if targets is None or targets == sources:
        _check_nodes(owner, edge_index, sources, "nodes")
    else:
        _check_nodes(owner, edge_index[0], sources, "sources")
        _check_nodes(owner, edge_index[1], targets, "targets")


def _check_nodes(owner: str, nodes: Tensor, count: int, what: str) -> None:
    low, high = torch.aminmax(nodes)
    if low.item() < 0 or high.item() >= count:
        raise ValueError(f"{owner}: edge_index must have {what} from 0 to {count - 1}, got {low} to {high}")


def check_features(owner: str, x: Tensor, channels: int, name: str = "in_channels") -> None:
    """Raise unless there is a row of ``channels`` floating-point numbers for each node."""
    checks.float_tensor(owner, x, "x")
    if x.ndim != 2 or x.shape[1] != channels:
        raise ValueError(f"{owner}: x must have shape (N, {name}={channels}), got {tuple(x.shape)}")


def check_edge_weight(owner: str, edge_weight: Tensor | None, edge_index: Tensor) -> None:
    """Raise unless there are no edge weights, or one for each edge."""
    if edge_weight is None:
        return
    checks.float_tensor(owner, edge_weight, "edge_weight")
    if edge_weight.shape != edge_index.shape[1:]:
        raise ValueError(
            f"{owner}: edge_weight must have shape {tuple(edge_index.shape[1:])}, one for each edge, "
            f"got {tuple(edge_weight.shape)}"
        )
