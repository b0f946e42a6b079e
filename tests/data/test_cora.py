import collections

import numpy as np
import pytest
import scipy.sparse
import torch

from course_lib import data
from course_lib.data import cora

# A Cora of 30 papers, 12 words and 3 fields: 6 for training, 10 for validation, 8 in no split, 6 for testing,
# which are the last ones and stand in their files in another order.
N, WORDS, FIELDS, TRAIN, VALIDATION, TEST = 30, 12, 3, 6, 10, 6
ORDER = [27, 24, 29, 25, 28, 26]


class csr_matrix:
    """Pickles as scipy's class of this name did ten years ago."""

    def __init__(self, dense):
        new = scipy.sparse.csr_matrix(dense)
        self.__dict__.update(
            _shape=new.shape, maxprint=50, data=new.data, indices=new.indices, indptr=new.indptr
        )


csr_matrix.__module__ = "scipy.sparse.csr"


@pytest.fixture
def world():
    """What the files should lead to: features, labels, links (with a loop, a double, a one-sided one)."""
    rng = np.random.default_rng(0)
    features = (rng.random((N, WORDS)) < 0.3).astype(np.float32)
    labels = rng.integers(0, FIELDS, N)
    labels[:TRAIN] = np.arange(TRAIN) % FIELDS
    graph = collections.defaultdict(list, {0: [1, 2, 2, 0], 1: [0, 29], 2: [0], 29: [1, 7], 7: []})
    return features, labels, graph


@pytest.fixture
def objects(world):
    features, labels, graph = world
    one_hot = np.eye(FIELDS, dtype=np.int32)[labels]
    return {
        "y": one_hot[:TRAIN],
        "allx": csr_matrix(features[: N - TEST]),
        "ally": one_hot[: N - TEST],
        "tx": csr_matrix(features[ORDER]),
        "ty": one_hot[ORDER],
        "graph": graph,
        "test.index": "".join(f"{number}\n" for number in ORDER),
    }


@pytest.fixture
def serve(server, cache, hasty, monkeypatch, python2_pickle):
    """A function that makes the files of these objects the Cora of the test."""

    def serve(objects):
        contents = {
            part: made.encode() if isinstance(made, str) else python2_pickle(made)
            for part, made in objects.items()
        }
        files = tuple(server.file(f"ind.cora.{part}", content) for part, content in contents.items())
        monkeypatch.setattr(cora, "CORA_FILES", files)
        monkeypatch.setattr(cora, "_VALIDATION", VALIDATION)

    return serve


ROWS = {
    "train": list(range(TRAIN)),
    "validation": list(range(TRAIN, TRAIN + VALIDATION)),
    "test": sorted(ORDER),
    "all": list(range(N)),
}


@pytest.mark.parametrize("split", ROWS)
def test_a_split_has_its_own_nodes_and_the_whole_graph(serve, objects, world, split):
    serve(objects)
    features, labels, _ = world
    found = data.load("cora", split)
    assert found.nodes.tolist() == ROWS[split]
    assert np.array_equal(found.graph_x.numpy(), features), "test papers should be where test.index puts them"
    assert torch.equal(found.x, found.graph_x[found.nodes])
    assert found.y.tolist() == labels[ROWS[split]].tolist()
    assert found.x.dtype == torch.float32
    assert found.y.dtype == found.nodes.dtype == found.edge_index.dtype == torch.int64
    assert len(found) == len(ROWS[split])


def test_links_go_both_ways_once_and_never_to_oneself(serve, objects):
    serve(objects)
    edges = data.load("cora").edge_index
    links = {(0, 1), (0, 2), (1, 29), (7, 29)}
    assert edges.shape == (2, 8)
    assert set(map(tuple, edges.T.tolist())) == links | {(b, a) for a, b in links}
    assert edges.T.tolist() == sorted(edges.T.tolist())


def test_a_graph_without_links_is_a_graph(serve, objects):
    serve(objects | {"graph": {0: [], 1: [1]}})
    assert data.load("cora").edge_index.shape == (2, 0)


@pytest.mark.parametrize(
    ("part", "made", "message"),
    [
        ("graph", [1, 2], "ind.cora.graph holds a list"),
        ("graph", {0: [30]}, "ind.cora.graph names nodes from 0 to 30, expected 0 to 29"),
        ("graph", {-1: [2]}, "ind.cora.graph names nodes from -1 to 2"),
        ("allx", np.zeros((24, 12)), "ind.cora.allx holds a ndarray, expected a sparse matrix"),
        ("ty", np.zeros((6, 3)), "ind.cora.ty does not hold an array of one-hot rows"),
        ("ty", [1, 2], "ind.cora.ty does not hold an array of one-hot rows"),
        ("ally", np.eye(3), "do not fit together"),
        ("test.index", "24\n25\n", "do not fit together"),
        ("test.index", "24\n24\n25\n26\n27\n28\n", "do not fit together"),
        ("test.index", "0\n1\n2\n3\n4\n5\n", "do not fit together"),
        ("test.index", "<html>", "ind.cora.test.index is not a list of numbers"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_named(serve, objects, part, made, message):
    serve(objects | {part: made})
    with pytest.raises(ValueError, match=message):
        data.load("cora")


def test_without_a_network_the_alternative_is_named(serve, objects, server):
    serve(objects)
    server.close()
    with pytest.raises(data.DownloadError, match=r'data.load\("citations"\).*data.load\("karate"\)'):
        data.load("cora")


def test_the_real_files_are_pinned_to_a_commit_and_a_sha256_each():
    assert len({file.known_hash for file in cora.CORA_FILES}) == len(cora.CORA_FILES) == 7
    for file in cora.CORA_FILES:
        assert len(bytes.fromhex(file.known_hash.removeprefix("sha256:"))) == 32
        assert all("/af6abf468a772cc055bec88c52e4d6f51b7c37e3/" in url for url in file.urls)
        assert all(url.endswith("/" + file.name) for url in file.urls)
