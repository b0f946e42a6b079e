"""Zachary's karate club: who met whom outside the lessons, before the club broke in two; from networkx."""

import numpy as np
import torch

from course_lib.data.graph import GraphDataset
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.splits import stratified

_CLUBS = ("Mr. Hi", "Officer")
_INSTRUCTOR, _PRESIDENT = 0, 33
_VALIDATION = 8


@register(
    Sheet(
        name="karate",
        kind="embedded",
        what="34 members of a karate club, who met whom outside it, and whose side each took when it split.",
        source="W. W. Zachary (1977), An information flow model for conflict and fission in small groups, "
        "Journal of Anthropological Research 33(4), 452-473; inside networkx as karate_club_graph.",
        licence="none stated for the data, which are a published table; networkx is under the BSD licence",
        size="34 nodes; 78 links, 156 counting both directions; inside networkx",
        splits={"train": 2, "validation": _VALIDATION, "test": 24, "all": 34},
        shape=(34,),
        values="float32, which member it is: 1 in that place, else 0",
        target="int64, the club joined after the split: the instructor's (Mr. Hi) or the officers'",
        classes=_CLUBS,
        pitfalls=(
            "The two training nodes are the heads of the two sides, 0 (the instructor) and 33 (the "
            "president), who between them know 29 of the other 32. Counting steps to each of the two, with "
            "nothing learned, puts 26 members on the right side and leaves six at equal distance: compare a "
            "model with that. With two random members labelled instead, one of each club, a graph network "
            "was right about 25 to 32 of the other 32, from one pair to another.",
            "With 24 test nodes one node is 4.2 percentage points. A graph network with four hidden "
            "features was right about 18 to 23 of them, from one random start to another: report many.",
            "Transductive: the one-hot features only tell the members apart, so a model without the links "
            "learns nothing about the others, and one with them is of no use on another graph.",
            "Node 8 (Zachary's number 9) joined the instructor's club although the cut of least weight "
            "between the two heads, Zachary's prediction, puts him with the officers: it is right for the "
            "other 33. He was close to his black-belt test, which he would have had to begin again.",
            "Zachary's table has the link 22-33 in one of its two halves only, so there are versions with "
            "77 links; networkx has 78. And T. N. Kipf and M. Welling (2017, arXiv:1609.02907, appendix A) "
            "use the 77, and four classes found by a clustering of the graph, not the two clubs: their "
            "picture is not of these labels.",
            "Links are used without the weights that networkx keeps with them, the number of places or "
            "occasions where two members met.",
        ),
    )
)
def karate(split: str) -> GraphDataset:
    """Return the split's members, ``x`` (n, 34) and ``y`` (n,), and the whole graph, edges sorted."""
    import networkx

    club = networkx.karate_club_graph()
    labels = np.array([_CLUBS.index(club.nodes[node]["club"]) for node in range(len(club))])
    links = np.array(club.edges)
    edges = np.unique(np.concatenate([links, links[:, ::-1]]), axis=0).T
    nodes = torch.from_numpy(_rows(labels)[split])
    graph_x = torch.eye(len(club))
    return GraphDataset(
        graph_x[nodes],
        torch.from_numpy(labels)[nodes],
        graph_x=graph_x,
        edge_index=torch.from_numpy(np.ascontiguousarray(edges, dtype=np.int64)),
        nodes=nodes,
    )


def _rows(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the nodes of each split: the two heads to learn from, the others at random but fixed."""
    heads = np.array([_INSTRUCTOR, _PRESIDENT])
    others = np.setdiff1d(np.arange(len(labels)), heads)
    parts = stratified(labels[others], {"validation": _VALIDATION})
    return {
        "train": heads,
        "validation": others[parts["validation"]],
        "test": others[parts["train"]],
        "all": np.arange(len(labels)),
    }
