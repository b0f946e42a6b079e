import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from course_lib import data
from course_lib.layers.graph_convolutions import GCNConv

SPLITS = ["train", "validation", "test", "all"]


def everything(**options):
    return data.load("citations", "all", **options)


def linked_classes(papers):
    """The two classes of each link, (2, E)."""
    return papers.y[papers.edge_index]


# ---- the graph


@settings(max_examples=40, deadline=None)
@given(
    classes=st.integers(2, 7),
    labels=st.integers(1, 5),
    more=st.integers(0, 100),
    words=st.integers(1, 40),
    full=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    on_topic=st.floats(0, 1),
    seed=st.integers(0, 2**63),
)
def test_every_graph_is_as_asked_for(classes, labels, more, words, full, on_topic, seed):
    n = 2 * classes * labels + more
    sizes = np.bincount(np.arange(n) % classes)
    pairs = int((sizes * (sizes - 1) // 2).sum())
    within, across = int(full[0] * (pairs // 2)), int(full[1] * ((n * (n - 1) // 2 - pairs) // 2))
    papers = everything(
        n=n,
        classes=classes,
        words=words,
        degree=2 * (within + across) / n,
        homophily=within / max(1, within + across),
        on_topic=on_topic,
        labels=labels,
        seed=seed,
    )
    assert papers.x.shape == papers.graph_x.shape == (n, words)
    assert sorted(papers.y.bincount().tolist()) == sorted(sizes.tolist())
    assert papers.classes == tuple(f"field {number}" for number in range(1, classes + 1))

    edges = papers.edge_index.T.tolist()
    assert edges == sorted(edges)
    assert {(b, a) for a, b in edges} == {(a, b) for a, b in edges}, "a link goes one way only"
    assert len({tuple(edge) for edge in edges}) == len(edges), "a link is there twice"
    assert all(a != b for a, b in edges), "a paper cites itself"
    first, second = linked_classes(papers)
    assert (first == second).sum() == 2 * within
    assert (first != second).sum() == 2 * across


def test_a_link_to_another_class_goes_to_each_of_them_alike():
    papers = everything(n=6000, classes=4, degree=10.0, homophily=0.3)
    first, second = linked_classes(papers)
    shares = torch.zeros(4, 4).index_put_((first, second), torch.ones(len(first)), accumulate=True) / len(
        first
    )
    expected = torch.full((4, 4), 0.7 / 12) + torch.eye(4) * (0.3 / 4 - 0.7 / 12)
    assert ((shares - expected).abs() < 0.15 * expected).all(), shares


@pytest.mark.parametrize("homophily", [0.0, 0.65, 1.0])
def test_every_paper_cites_and_some_are_cited_very_often(homophily):
    papers = everything(homophily=homophily)
    degree = papers.edge_index[0].bincount(minlength=1500)
    assert degree.double().mean() == 4
    assert degree.min() >= 1, "a paper has no link"
    assert degree.max() > 5 * degree.double().mean()
    by_class = [degree[papers.y == label].double().mean() for label in range(6)]
    assert max(by_class) < 1.5 * min(by_class)


def test_ties_and_words_are_in_no_order():
    papers = everything()
    same = (papers.y[1:] == papers.y[:-1]).double().mean()
    assert abs(same - 1 / 6) < 0.04, "papers of a class stand together"
    close = (papers.edge_index[0] - papers.edge_index[1]).abs().double().mean()
    assert abs(close / 1500 - 1 / 3) < 0.03, "papers with near numbers are linked"


def test_a_large_graph_is_made_without_a_matrix_of_all_pairs():
    papers = data.load("citations", n=30_000, words=50, degree=20.0)
    assert papers.edge_index.shape == (2, 600_000)
    assert papers.x.shape == (120, 50)


# ---- the words


def test_papers_have_some_twenty_words():
    counts = everything().x.sum(dim=1)
    assert counts.min() >= 5
    assert counts.max() <= 28
    assert 16 < counts.mean() < 20


def test_words_depend_on_the_class_as_much_as_asked_for():
    def spread(on_topic):
        """How far the classes' frequencies of a word differ, in standard errors."""
        papers = everything(n=6000, on_topic=on_topic)
        rates = torch.stack([papers.x[papers.y == label].mean(dim=0) for label in range(6)])
        return float((rates.var(dim=0) / (rates.mean(dim=0) * (1 - rates.mean(dim=0)) / 1000)).mean())

    assert abs(spread(0.0) - 1) < 0.15, "without topics, classes should differ by chance only"
    assert 2 < spread(0.2) < spread(0.6) < spread(1.0)


def test_every_class_has_a_list_of_its_own_and_none_has_the_common_one():
    common = everything(on_topic=0.0).x.mean(dim=0)
    papers = everything(on_topic=1.0)
    rates = [papers.x[papers.y == label].mean(dim=0) for label in range(6)]
    alike = torch.corrcoef(torch.stack([common, *rates])) - torch.eye(7)
    assert alike.abs().max() < 0.3, alike


def test_some_words_are_much_more_frequent_than_others():
    rates = everything(on_topic=0.0).x.mean(dim=0).sort().values
    assert rates[-5:].mean() > 8 * rates[:100].mean()


def test_papers_and_words_stay_when_only_links_change():
    papers = everything()
    for options in ({"degree": 10.0}, {"homophily": 0.1}):
        other = everything(**options)
        assert torch.equal(papers.x, other.x)
        assert torch.equal(papers.y, other.y)
        assert not torch.equal(papers.edge_index, other.edge_index)


# ---- splits


@pytest.mark.parametrize(
    "options", [{}, {"n": 121, "classes": 3, "labels": 7}, {"n": 20, "classes": 2, "labels": 5}]
)
def test_splits_share_no_paper_and_have_the_whole_graph(options):
    papers = everything(**options)
    n, labels = len(papers), options.get("labels", 20)
    parts = [data.load("citations", split, **options) for split in SPLITS[:3]]
    train, validation, test = parts
    assert train.y.bincount().tolist() == [labels] * len(papers.classes)
    assert len(validation) == n // 5
    assert len(test) > 0
    assert sorted(torch.cat([part.nodes for part in parts]).tolist()) == list(range(n))
    assert papers.nodes.tolist() == list(range(n))
    for part in (*parts, papers):
        assert torch.equal(part.graph_x, papers.x)
        assert torch.equal(part.edge_index, papers.edge_index)
        assert torch.equal(part.x, papers.x[part.nodes])
        assert torch.equal(part.y, papers.y[part.nodes])
        assert torch.equal(part.nodes, part.nodes.sort().values)


def test_another_seed_is_another_graph():
    first, second = everything(), everything(seed=1)
    assert not torch.equal(first.y, second.y)
    assert not torch.equal(first.edge_index, second.edge_index)
    assert abs((first.x * second.x).sum() / first.x.sum() - first.x.mean()) < 0.05


# ---- what it is for


def accuracy_of_words(train, test):
    model = LogisticRegression(C=0.1, max_iter=500).fit(train.x.numpy(), train.y.numpy())
    return model.score(test.x.numpy(), test.y.numpy())


def accuracy_of_a_graph_network(train, test):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = GCNConv(300, 16), GCNConv(16, 6)
    parameters = [*first.parameters(), *second.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.02, weight_decay=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        scores = second(torch.relu(first(train.graph_x, train.edge_index)), train.edge_index)
        torch.nn.functional.cross_entropy(scores[train.nodes], train.y).backward()
        optimizer.step()
    return float((scores[test.nodes].argmax(dim=1) == test.y).double().mean())


def test_words_and_links_together_tell_more_than_words():
    train, test = (data.load("citations", split) for split in ("train", "test"))
    words, both = accuracy_of_words(train, test), accuracy_of_a_graph_network(train, test)
    assert 0.55 < words < 0.75
    assert 0.78 < both < 0.92


def test_links_at_chance_do_harm():
    train, test = (data.load("citations", split, homophily=1 / 6) for split in ("train", "test"))
    assert accuracy_of_a_graph_network(train, test) < accuracy_of_words(train, test) - 0.15


# ---- bits and bad values


# SHA-256 of all that there is: what a seed gives must not change with machines or versions.
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "bf9d0dd50e295231c4e9964ffa8f85d47b4a6be0ac883eef492b2452de06920d"),
        (
            {"n": 200, "classes": 4, "words": 50, "degree": 30.0, "homophily": 0.2, "labels": 5, "seed": 7},
            "8c8076872844de451b10f742809429f0c9e3fbc5238f83f30bf43d80049fcada",
        ),
    ],
)
def test_the_bits_are_those_they_always_were(options, expected):
    found = hashlib.sha256()
    for split in SPLITS:
        papers = data.load("citations", split, **options)
        for tensor in (papers.graph_x, papers.edge_index, papers.nodes, papers.y):
            array = tensor.numpy()
            found.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    assert found.hexdigest() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 239}, "n must be a whole number of at least 240, got 239"),
        ({"classes": 1}, "classes must be a whole number of at least 2, got 1"),
        ({"words": 0}, "words must be a whole number of at least 1, got 0"),
        ({"labels": 0}, "labels must be a whole number of at least 1, got 0"),
        ({"labels": 20.0}, "labels must be a whole number of at least 1, got 20.0"),
        ({"degree": -1}, "degree must be at least 0, got -1"),
        ({"degree": float("inf")}, "degree must be a finite number, got inf"),
        ({"degree": 1e308}, "degree must be less than n = 1500, got 1e\\+308"),
        ({"degree": 300}, "asks for 146250 links within classes, and 1500 nodes leave room for 93375"),
        ({"degree": 1400, "homophily": 0}, "asks for 1050000 links across classes"),
        ({"homophily": 1.1}, "homophily must be from 0 to 1, got 1.1"),
        ({"homophily": float("nan")}, "homophily must be a finite number, got nan"),
        ({"on_topic": -0.1}, "on_topic must be from 0 to 1, got -0.1"),
        ({"on_topic": "often"}, "on_topic must be a finite number, got 'often'"),
    ],
)
def test_a_bad_value_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        data.load("citations", **options)


def test_a_graph_without_links_is_a_graph():
    assert data.load("citations", degree=0).edge_index.shape == (2, 0)
