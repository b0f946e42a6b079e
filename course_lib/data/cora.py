"""Cora: papers on machine learning, their words, and who cites whom, downloaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.download import RemoteFile, fetch
from course_lib.data.graph import GraphDataset
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.unpickle import CsrMatrix, load_arrays

_ALTERNATIVE = (
    'data.load("citations") is a generated graph of papers and their words, and data.load("karate") a small '
    "real one"
)
_VALIDATION = 500  # nodes that follow the training nodes: Yang et al.'s split, as everybody uses it

# The authors' repository at a fixed commit. It states no hashes; three independent projects that fetched
# these files at this commit publish the same SHA-256 for every one of them.
_FOLDER = (
    "https://raw.githubusercontent.com/kimiyoung/planetoid/af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/"
)
CORA_FILES = tuple(
    RemoteFile(f"ind.cora.{part}", (f"{_FOLDER}ind.cora.{part}",), f"sha256:{digest}")
    for part, digest in {
        "y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
        "allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
        "ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
        "tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
        "ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
        "graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
        "test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    }.items()
)


@register(
    Sheet(
        name="cora",
        kind="downloaded",
        what="2,708 papers on machine learning in seven fields, the words they contain, and who cites whom.",
        source="P. Sen, G. Namata, M. Bilgic, L. Getoor, B. Gallagher and T. Eliassi-Rad (2008), Collective "
        "classification in network data, AI Magazine 29(3), 93-106; files and split of Z. Yang, W. W. "
        "Cohen and R. Salakhutdinov (2016), Revisiting semi-supervised learning with graph "
        "embeddings, ICML (github.com/kimiyoung/planetoid), whose SHA-256 are those that three "
        "independent projects publish.",
        licence="none stated for the data; the repository that holds the files is under MIT",
        size="seven small files to download; 16 MB in memory; 5,278 links, 10,556 counting both directions",
        splits={"train": 140, "validation": 500, "test": 1000, "all": 2708},
        shape=(1433,),
        values="float32, 1 for each of 1,433 words that the paper contains, else 0",
        target="int64, the field",
        classes=(
            "Theory",
            "Reinforcement_Learning",
            "Genetic_Algorithms",
            "Neural_Networks",
            "Probabilistic_Methods",
            "Case_Based",
            "Rule_Learning",
        ),
        pitfalls=(
            "Transductive: a model sees the words and links of all papers, the test papers' too, and only "
            "their fields are held back.",
            "Training papers are 20 from each field, while fields differ in size (Neural_Networks has 30 % "
            "of all), and 1,068 papers are in no split but 'all'.",
            "With one fixed split and 1,000 test papers, methods less than about 2 points apart cannot be "
            "ranked, and their order changes from one random split to the next (O. Shchur et al., 2018, "
            "arXiv:1811.05868).",
            "Citations are used in both directions and without those of a paper to itself.",
        ),
        alternative=_ALTERNATIVE,
    )
)
def cora(split: str) -> GraphDataset:
    """Return the split's papers, ``x`` (n, 1433) and ``y`` (n,), and the whole graph."""
    paths = {path.name.removeprefix("ind.cora."): path for path in fetch("cora", CORA_FILES, _ALTERNATIVE)}
    features, labels, n_train, test = read_planetoid(paths)
    rows = {
        "train": np.arange(n_train),
        "validation": np.arange(n_train, n_train + _VALIDATION),
        "test": np.sort(test),
        "all": np.arange(len(labels)),
    }[split]
    nodes = torch.from_numpy(rows)
    graph_x, y = torch.from_numpy(features), torch.from_numpy(labels)
    edges = torch.from_numpy(read_edges(paths["graph"], len(labels)))
    return GraphDataset(graph_x[nodes], y[nodes], graph_x=graph_x, edge_index=edges, nodes=nodes)


def read_planetoid(
    paths: Mapping[str, Path],
) -> tuple[NDArray[np.float32], NDArray[np.int64], int, NDArray[np.int64]]:
    """Return features (N, d), labels (N,), the number of training nodes, and the test nodes' numbers.

    Training nodes come first. The rows of the test files are in the order of ``test.index``, and each belongs
    at the number that stands there.

    Raises:
        ValueError: a file is damaged, or the files do not fit together.
    """
    allx, tx = (_matrix(paths[part]) for part in ("allx", "tx"))
    y, ally, ty = (_one_hot(paths[part]) for part in ("y", "ally", "ty"))
    try:
        test = np.array([int(line) for line in paths["test.index"].read_text().split()], dtype=np.int64)
    except ValueError as error:
        raise ValueError(f"{paths['test.index'].name} is not a list of numbers: {error}") from error
    expected = np.arange(len(allx), len(allx) + len(tx))
    if len(allx) != len(ally) or len(tx) != len(ty) or not np.array_equal(np.sort(test), expected):
        raise ValueError(
            f"the files of cora do not fit together: {len(allx)} and {len(tx)} rows of features, {len(ally)} "
            f"and {len(ty)} labels, {len(test)} test numbers (each from {len(allx)} on, once)"
        )
    features = np.concatenate([allx, tx])
    labels = np.concatenate([ally, ty])
    features[test], labels[test] = tx, ty
    return features, labels, len(y), test


def read_edges(path: Path, n: int) -> NDArray[np.int64]:
    """Return the edges (2, E) among ``n`` nodes: both directions of each, once, sorted, and no loops.

    Raises:
        ValueError: the file is damaged, or names a node that is not there.
    """
    neighbours = _unpickled(path)
    if not isinstance(neighbours, dict):
        raise ValueError(
            f"{path.name} holds a {type(neighbours).__name__}, expected a dict of lists of neighbours"
        )
    pairs = np.array([(a, b) for a, others in neighbours.items() for b in others], dtype=np.int64).reshape(
        -1, 2
    )
    if pairs.size and (pairs.min() < 0 or pairs.max() >= n):
        raise ValueError(
            f"{path.name} names nodes from {pairs.min()} to {pairs.max()}, expected 0 to {n - 1}"
        )
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.ascontiguousarray(np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0).T)


def _matrix(path: Path) -> NDArray[np.float32]:
    matrix = _unpickled(path)
    if not isinstance(matrix, CsrMatrix):
        raise ValueError(f"{path.name} holds a {type(matrix).__name__}, expected a sparse matrix")
    return matrix.toarray()


def _one_hot(path: Path) -> NDArray[np.int64]:
    """Return the labels (n,) that the rows of the array (n, classes) in the file encode."""
    rows = _unpickled(path)
    if not (isinstance(rows, np.ndarray) and rows.ndim == 2 and (rows.sum(1) == 1).all()):
        raise ValueError(f"{path.name} does not hold an array of one-hot rows")
    return rows.argmax(1).astype(np.int64)


def _unpickled(path: Path) -> Any:
    with open(path, "rb") as file:
        return load_arrays(file, path.name)
