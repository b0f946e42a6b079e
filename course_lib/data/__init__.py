"""Data sets by name: ``load("digits")`` gives tensors with their classes, source and licence.

Three kinds: *embedded* sets come with an installed library and *generated* ones are computed from a seed, so
both work without a network; *downloaded* ones are fetched once, checked against a published SHA-256 and kept
in a cache. ``sheets()`` describes every set. Importing this package costs no more than importing torch:
whatever else a set needs is imported when it is loaded.
"""

# Importing a loader's module registers its data set; augment is there for its functions.
from course_lib.data import (  # noqa: F401
    augment,
    cifar10,
    citations,
    clouds,
    coins,
    cora,
    dates,
    digits,
    ecg,
    faces,
    gates,
    glyphs,
    karate,
    line,
    mnist,
    moons,
    photos,
    python_docs,
    scenes,
    textures,
)
from course_lib.data.dataset import Batches, Dataset
from course_lib.data.detection import DetectionDataset
from course_lib.data.download import DownloadError, cache_folder
from course_lib.data.graph import GraphDataset
from course_lib.data.registry import load, names, sheets
from course_lib.data.sheet import Sheet
from course_lib.data.text import TextDataset

__all__ = [
    "Batches",
    "Dataset",
    "DetectionDataset",
    "DownloadError",
    "GraphDataset",
    "Sheet",
    "TextDataset",
    "augment",
    "cache_folder",
    "load",
    "names",
    "sheets",
]
