"""Selective search against the ``selectivesearch`` package, with the same segmentation, scale 100."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib import data
from course_lib.benchmarks.contest import Contest, Row
from course_lib.vision.selective_search import selective_search


def _contest(image: Tensor) -> Contest:
    contest: dict[str, Callable[[], object]] = {"ours": lambda: selective_search(image, 100, 0.8, 20)}
    try:
        import selectivesearch
    except ImportError:
        return contest
    pixels = (image.expand(3, -1, -1).permute(1, 2, 0) * 255).to(torch.uint8).numpy()
    contest["selectivesearch"] = lambda: selectivesearch.selective_search(pixels, 100, 0.8, 20)
    return contest


def _row(name: str, load: Callable[[], Tensor]) -> Row:
    # The package counts other textures and takes boxes that cross for neighbours: other proposals, whose
    # recall tests/vision/test_selective_search.py compares.
    return Row(name, lambda device, threads: _contest(load()), "selectivesearch", bar=3, agree=False)


ROWS = [
    _row("selective search, coins 303x384", lambda: data.load("coins", "all").x[0]),
    _row("selective search, a scene 64x64", lambda: data.load("scenes", "test", n=1).x[0]),
]
