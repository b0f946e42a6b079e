"""Papers of known classes, their words and the links among them: a block model to try graph networks on."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.graph import GraphDataset
from course_lib.data.options import at_least_zero, number, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import stream

Ints = NDArray[np.int64]

_SHORTEST, _LONGEST = 12, 28  # words drawn for a paper; repeated ones count once
_CLASSES = 6


def _names(classes: int) -> tuple[str, ...]:
    return tuple(f"field {number}" for number in range(1, classes + 1))


@register(
    Sheet(
        name="citations",
        kind="generated",
        what="Papers in six fields, the words they contain, and who cites whom, drawn from a block model.",
        source="Made by this course: a stochastic block model (P. W. Holland, K. B. Laskey and S. Leinhardt, "
        "1983, Stochastic blockmodels: first steps, Social Networks 5(2), 109-137), corrected for "
        "degree (B. Karrer and M. E. J. Newman, 2011, Stochastic blockmodels and community structure in "
        "networks, Phys. Rev. E 83, 016107) on the side of the cited paper, with words as in Cora.",
        licence="CC0 1.0: numbers from a seed",
        size="as many papers as you ask for; 3,000 links, 6,000 counting both directions",
        splits={"train": 120, "validation": 300, "test": 1080, "all": 1500},
        shape=(300,),
        values="float32, 1 for each word that the paper contains, else 0",
        target="int64, the field",
        classes=_names(_CLASSES),
        options={
            "n": "1500: papers in the whole graph",
            "classes": "6: fields, all of one size, to within one paper",
            "words": "300: in the vocabulary",
            "degree": "4.0: links of a paper, on average",
            "homophily": "0.65: the part of the links that join papers of one field, exactly; 1 / classes is "
            "chance",
            "on_topic": "0.6: the part of a paper's words drawn from its field's list; the others are drawn "
            "from one list for all",
            "labels": "20: training papers in each field",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "Given the field, words and links are independent, all papers of a field are alike, and fields "
            "are of one size: what a graph network assumes holds to the letter. With the default options and "
            "three seeds, logistic regression on the words is right for 60 to 70 % of the test papers, and a "
            "graph network of two layers for 85 to 86 %. Real citations are less kind: with a homophily "
            "of 0.81, Cora gives such a network 81.5 % (T. N. Kipf and M. Welling, 2017, arXiv:1609.02907).",
            "Homophily decides which method wins. Links at chance (homophily 1 / classes) are noise, and "
            "averaging over neighbours then does worse than the words alone.",
            "Transductive: a model sees the words and links of all papers, the test papers' too, and only "
            "their fields are held back.",
            "The number of a paper's links says nothing of its field: each cites about as many as any "
            "other, and is cited according to a popularity of its own, which has a heavy tail.",
            "Links are used in both directions, so that who cites whom is lost; there are no doubles, and "
            "none of a paper to itself.",
            "A seed is one graph and one choice of labels, and numbers move by several points from one to "
            "the next: draw a few before you rank methods.",
        ),
    )
)
def citations(
    split: str,
    *,
    n: int = 1500,
    classes: int = _CLASSES,
    words: int = 300,
    degree: float = 4.0,
    homophily: float = 0.65,
    on_topic: float = 0.6,
    labels: int = 20,
    seed: int = 0,
) -> GraphDataset:
    """Return the split's papers, ``x`` (n, words) and ``y`` (n,), and the whole graph, edges sorted.

    A fifth of the papers are for validation, and those that are not for training either are for the test.
    """
    classes, labels = whole("classes", classes, at_least=2), whole("labels", labels, at_least=1)
    n, words = whole("n", n, at_least=2 * classes * labels), whole("words", words, at_least=1)
    degree, seed = at_least_zero("degree", degree), whole("seed", seed, at_least=0)
    homophily, on_topic = _share("homophily", homophily), _share("on_topic", on_topic)
    if degree >= n:
        raise ValueError(f"degree must be less than n = {n}, got {degree!r}")

    # One graph for all splits, so one stream; links last, so that other links leave papers and words alone.
    rng = stream("citations", seed, "train")
    y = rng.permutation(np.arange(n) % classes)
    rows = _rows(rng, y, labels)[split]
    features = torch.from_numpy(_bags_of_words(rng, y, words, on_topic))
    edges = torch.from_numpy(_both_ways(_links(rng, y, degree, homophily), n))
    nodes = torch.from_numpy(rows)
    return GraphDataset(
        features[nodes],
        torch.from_numpy(y)[nodes],
        classes=_names(classes),
        graph_x=features,
        edge_index=edges,
        nodes=nodes,
    )


def _share(name: str, value: float) -> float:
    if not 0 <= number(name, value) <= 1:
        raise ValueError(f"{name} must be from 0 to 1, got {value!r}")
    return float(value)


def _rows(rng: Generator, y: Ints, labels: int) -> dict[str, Ints]:
    """Return the nodes of each split, ascending: ``labels`` of each class, a fifth of all, and the rest."""
    order = rng.permutation(len(y))
    by_class = [order[y[order] == label] for label in range(y.max() + 1)]
    train = np.concatenate([pool[:labels] for pool in by_class])
    others = order[~np.isin(order, train)]
    validation, test = np.split(others, [len(y) // 5])
    return {
        "train": np.sort(train),
        "validation": np.sort(validation),
        "test": np.sort(test),
        "all": np.arange(len(y)),
    }


def _bags_of_words(rng: Generator, y: Ints, words: int, on_topic: float) -> NDArray[np.float32]:
    """Return which words each paper contains, (n, words), 1 or 0.

    Every list, the common one (row 0) and one for each class, has all the words in an order of its own, and
    the word at place r is drawn in proportion to about 1 / (r + 10): Zipf's law, flattened at the top.
    """
    n = len(y)
    lists = rng.permuted(np.tile(np.arange(words), (y.max() + 2, 1)), axis=1)
    total = np.cumsum(10_000_000 // (np.arange(words) + 10) + 1)
    place = np.searchsorted(total, rng.integers(0, total[-1], (n, _LONGEST)), side="right")
    own = rng.random((n, _LONGEST)) < on_topic
    drawn = lists[np.where(own, y[:, None] + 1, 0), place]
    length = rng.integers(_SHORTEST, _LONGEST + 1, (n, 1))
    paper, nth = np.nonzero(np.arange(_LONGEST) < length)
    x = np.zeros((n, words), np.float32)
    x[paper, drawn[paper, nth]] = 1
    return x


def _links(rng: Generator, y: Ints, degree: float, homophily: float) -> Ints:
    """Return the links as numbers a n + b, a < b, each once: exactly the share asked for within classes.

    Papers take turns to cite, so that none is left out, and whom they cite is drawn by tickets: a paper has
    about 1 / sqrt(u) of them, u uniform, which makes a heavy tail. Papers of a class stand together in a
    row, and so do their tickets: to leave out a paper, or its whole class, is to leave out a stretch.
    """
    n = len(y)
    wanted = round(n * degree / 2)
    within = round(homophily * wanted)
    _check_room(y, degree, homophily, within, wanted - within)
    row = np.argsort(y, kind="stable")
    place = np.argsort(row)
    # Whole numbers, and sqrt, are exact on every machine.
    until = np.concatenate([[0], np.cumsum((4 / np.sqrt(1 - rng.random(n))).astype(np.int64))])
    bounds = until[np.searchsorted(y[row], np.arange(y.max() + 2))]  # between one class and the next

    def owner(ticket: Ints) -> Ints:
        return row[np.searchsorted(until, ticket, side="right") - 1]

    def same_class(citing: Ints) -> Ints:
        low, high = bounds[y[citing]], bounds[y[citing] + 1]
        own, end = until[place[citing]], until[place[citing] + 1]
        ticket = low + _below(rng, high - low - (end - own))
        return owner(np.where(ticket < own, ticket, ticket + end - own))

    def other_class(citing: Ints) -> Ints:
        low, high = bounds[y[citing]], bounds[y[citing] + 1]
        ticket = _below(rng, until[-1] - (high - low))
        return owner(np.where(ticket < low, ticket, ticket + high - low))

    same = _distinct(rng, n, within, same_class)
    return np.concatenate([same, _distinct(rng, n, wanted - within, other_class)])


def _distinct(rng: Generator, n: int, wanted: int, cited: Callable[[Ints], Ints]) -> Ints:
    """Return ``wanted`` different links from papers in turn to those ``cited``; doubles are drawn again."""
    found = np.empty(0, np.int64)
    while len(found) < wanted:
        missing = wanted - len(found)
        citing = np.concatenate([rng.permutation(n) for _ in range(-(-missing // n))])[:missing]
        other = cited(citing)
        links = np.minimum(citing, other) * n + np.maximum(citing, other)
        found = np.sort(np.concatenate([found, links]))
        found = found[np.diff(found, prepend=-1) > 0]  # np.unique takes four times as long here
    return found


def _below(rng: Generator, count: Ints) -> Ints:
    """Return a random whole number from 0 to each of ``count`` less 1."""
    return (rng.random(len(count)) * count).astype(np.int64)


def _check_room(y: Ints, degree: float, homophily: float, within: int, across: int) -> None:
    """Raise ValueError if the graph would be so full that drawing again and again took for ever."""
    sizes = np.bincount(y)
    room = int((sizes * (sizes - 1) // 2).sum())
    for where, links, pairs in (
        ("within", within, room),
        ("across", across, len(y) * (len(y) - 1) // 2 - room),
    ):
        if links > pairs // 2:
            raise ValueError(
                f"degree {degree!r} with homophily {homophily!r} asks for {links} links {where} classes, and "
                f"{len(y)} nodes leave room for {pairs // 2}: half of the pairs"
            )


def _both_ways(links: Ints, n: int) -> Ints:
    """Return edges (2, E), sorted, with both directions of each link."""
    a, b = np.divmod(links, n)
    return np.stack(np.divmod(np.sort(np.concatenate([links, b * n + a])), n))
