"""Data sets by name: ``load("digits")`` gives tensors with their classes, source and licence.

Three kinds: *embedded* sets come with an installed library and *generated* ones are computed from a seed, so
both work without a network; *downloaded* ones are fetched once, checked against a published SHA-256 and kept
in a cache. ``sheets()`` describes every set. Importing this package costs no more than importing torch:
whatever else a set needs is imported when it is loaded.
"""

# Importing a loader's module registers its data set; augment is there for its functions.
from course_lib.data import (  # noqa: F401
    arithmetic,
    augment,
    cifar10,
    citations,
    clouds,
    coins,
    copying,
    cora,
    dates,
    digits,
    ecg,
    faces,
    gates,
    glyphs,
    homonyms,
    karate,
    line,
    mnist,
    moons,
    photos,
    python_docs,
    recall,
    ring,
    scenes,
    textures,
    vqa,
)
from course_lib.data.byte_pairs import BytePairTokenizer
from course_lib.data.dataset import Batches, Dataset
from course_lib.data.detection import DetectionDataset
from course_lib.data.download import DownloadError, cache_folder
from course_lib.data.graph import GraphDataset
from course_lib.data.next_tokens import TokenSplits, contiguous_splits, next_tokens
from course_lib.data.registry import load, names, sheets
from course_lib.data.sheet import Sheet
from course_lib.data.text import TextDataset

__all__ = [
    "Batches",
    "BytePairTokenizer",
    "Dataset",
    "DetectionDataset",
    "DownloadError",
    "GraphDataset",
    "Sheet",
    "TextDataset",
    "TokenSplits",
    "augment",
    "cache_folder",
    "contiguous_splits",
    "load",
    "names",
    "next_tokens",
    "sheets",
]
