import hashlib

import networkx
import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.layers.graph_convolutions import GCNConv

SIZES = {"train": 2, "validation": 8, "test": 24, "all": 34}


def known():
    """Every member's club, out of the splits."""
    club = {}
    for split in ("train", "validation", "test"):
        part = data.load("karate", split)
        club |= dict(zip(part.nodes.tolist(), part.y.tolist(), strict=True))
    return club


def test_it_is_networkxs_graph_without_its_weights():
    karate = data.load("karate")
    graph = networkx.karate_club_graph()
    edges = karate.edge_index.T.tolist()
    assert karate.edge_index.shape == (2, 156)
    assert edges == sorted(edges)
    assert {tuple(edge) for edge in edges} == {*graph.edges, *((b, a) for a, b in graph.edges)}
    assert all(a != b for a, b in edges)
    assert karate.edge_index.dtype == torch.int64
    assert karate.edge_index.is_contiguous()


@pytest.mark.parametrize("split", SIZES)
def test_a_split_has_its_own_members_and_the_whole_graph(split):
    karate = data.load("karate", split)
    graph = networkx.karate_club_graph()
    assert len(karate) == len(karate.nodes) == SIZES[split]
    assert karate.nodes.tolist() == sorted(set(karate.nodes.tolist()))
    assert torch.equal(karate.graph_x, torch.eye(34))
    assert torch.equal(karate.x, karate.graph_x[karate.nodes])
    clubs = [karate.classes[label] for label in karate.y]
    assert clubs == [graph.nodes[node]["club"] for node in karate.nodes.tolist()]


def test_the_labelled_members_are_the_two_heads_and_the_others_are_shared_out_evenly():
    heads = data.load("karate")
    assert heads.nodes.tolist() == [0, 33]
    assert [heads.classes[label] for label in heads.y] == ["Mr. Hi", "Officer"]
    for split in ("validation", "test"):
        assert data.load("karate", split).y.bincount().tolist() == [SIZES[split] // 2] * 2
    assert sorted(known()) == list(range(34))


# ---- what the sheet says


def test_zacharys_cut_is_right_about_all_but_node_8():
    graph, club = networkx.karate_club_graph(), known()
    _, (instructors, _) = networkx.minimum_cut(graph, 0, 33, capacity="weight")
    assert [node for node in graph if (node in instructors) != (club[node] == 0)] == [8]


def test_counting_steps_is_right_about_26_and_undecided_about_6():
    graph, club = networkx.karate_club_graph(), known()
    to_0, to_33 = (networkx.single_source_shortest_path_length(graph, head) for head in (0, 33))
    others = set(graph) - {0, 33}
    even = {node for node in others if to_0[node] == to_33[node]}
    assert len(even) == 6
    assert all((to_33[node] < to_0[node]) == club[node] for node in others - even)
    assert len((set(graph[0]) | set(graph[33])) - {0, 33}) == 29


def right(hidden, seed):
    """Train a graph network of two layers on the two heads; return how many test members it gets right."""
    train, test = data.load("karate"), data.load("karate", "test")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        first, second = GCNConv(34, hidden), GCNConv(hidden, 2)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        scores = second(torch.relu(first(train.graph_x, train.edge_index)), train.edge_index)
        torch.nn.functional.cross_entropy(scores[train.nodes], train.y).backward()
        optimizer.step()
    return int((scores[test.nodes].argmax(dim=1) == test.y).sum())


def test_a_graph_network_learns_it_from_one_label_a_class():
    assert min(right(hidden=16, seed=seed) for seed in range(3)) >= 21


# ---- bits


# SHA-256 of all that there is, of every split.
def test_the_bits_are_those_they_always_were():
    found = hashlib.sha256()
    for split in SIZES:
        karate = data.load("karate", split)
        for tensor in (karate.graph_x, karate.edge_index, karate.nodes, karate.y):
            array = tensor.numpy()
            found.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    assert found.hexdigest() == "53aeed7d2340a9a56d22b975ff509664b3d9334222d6a144d94a5d4209ff7489"


def test_the_whole_graph_is_the_callers_own():
    first = data.load("karate")
    first.graph_x.zero_()
    first.edge_index.zero_()
    again = data.load("karate")
    assert torch.equal(again.graph_x, torch.eye(34))
    assert again.edge_index.any()
