"""One big graph as a data set: the examples are some of its nodes, and the rest of it comes along."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_lib.data.dataset import Dataset


@dataclass(frozen=True, eq=False, repr=False)
class GraphDataset(Dataset):
    """The nodes of one split, ``x`` (n, d) and ``y`` (n,), and the whole graph they are nodes of.

    A graph network reads the features of every node, ``graph_x`` (N, d), along ``edge_index`` (2, E), int64,
    each undirected edge once in either direction; its output at ``nodes`` (n,), int64, is held against ``y``:
    ``model(d.graph_x, d.edge_index)[d.nodes]``. Labels of other splits are not in here, so none can leak.
    """

    graph_x: Tensor = field(default_factory=lambda: torch.empty(0))
    edge_index: Tensor = field(default_factory=lambda: torch.empty(2, 0, dtype=torch.int64))
    nodes: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
