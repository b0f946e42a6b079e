"""CIFAR-10: small colour photographs of ten kinds of things, downloaded."""

import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.download import RemoteFile, fetch
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.splits import stratified
from course_lib.data.unpickle import load_arrays

_TRAINING = tuple(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6))
_TEST = ("cifar-10-batches-py/test_batch",)
_ALTERNATIVE = (
    'data.load("digits") has 1,797 real handwritten digits, 8x8 and grey, which come with scikit-learn; '
    "skimage.data has a few colour photographs"
)

# The hash is the one in keras/src/datasets/cifar10.py; its MD5 (torchvision) is
# c58f30108f718f92721af3b95e74349a.
CIFAR10_FILES = (
    RemoteFile(
        "cifar-10-python.tar.gz",
        (
            "https://cave.cs.toronto.edu/kriz/cifar-10-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        ),
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
)


@register(
    Sheet(
        name="cifar10",
        kind="downloaded",
        what="60,000 colour photographs, 32x32, of ten kinds of animals and vehicles.",
        source="A. Krizhevsky (2009), Learning multiple layers of features from tiny images, technical "
        "report, University of Toronto; a labelled part of the Tiny Images collection.",
        licence="none stated by its authors, who ask to cite the report; the photographs were collected from "
        "the web",
        size="170 MB to download; 737 MB in memory for split 'all'",
        splits={"train": 45_000, "validation": 5_000, "test": 10_000, "all": 60_000},
        shape=(3, 32, 32),
        values="float32, red, green and blue, each from 0 to 1 in steps of 1/255",
        target="int64, the kind",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        pitfalls=(
            "About 3 % of the test pictures have a near-duplicate among the training pictures (B. Barz and "
            "J. Denzler, 2020, Do we train on test data? Purging CIFAR of near-duplicates, Journal of "
            "Imaging 6(6), 41), which flatters models that memorize.",
            "Validation is a fixed stratified tenth of the 50,000 training pictures; figures in print are "
            "mostly for training on all of them.",
            "Kinds go with backgrounds (ships with water, deer with grass), and a model may learn those.",
            "Tiny Images, which this was labelled from, was withdrawn in 2020 for offensive labels and "
            "content; the ten kinds here were chosen and checked by hand.",
        ),
        alternative=_ALTERNATIVE,
    )
)
def cifar10(split: str) -> Dataset:
    """Return ``x`` (n, 3, 32, 32) in [0, 1] and ``y`` (n,)."""
    (archive,) = fetch("cifar10", CIFAR10_FILES, _ALTERNATIVE)
    members = {"test": _TEST, "all": _TRAINING + _TEST}.get(split, _TRAINING)
    pictures, labels = read_batches(archive, members)
    if split in ("train", "validation"):
        rows = stratified(labels, {"validation": len(labels) // 10})[split]
        pictures, labels = pictures[rows], labels[rows]
    x = torch.from_numpy(pictures).view(-1, 3, 32, 32).float().div_(255)
    return Dataset(x, torch.from_numpy(labels))


def read_batches(archive: Path, members: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pictures (n, 3072) and labels (n,) from batches in the archive, which is not unpacked.

    Raises:
        ValueError: the archive is damaged, lacks a batch, or a batch is not what the authors describe.
    """
    pictures, labels = [], []
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in members:
                file = tar.extractfile(member)
                if file is None:
                    raise ValueError(f"{member} in {archive.name} is not a file")
                batch = load_arrays(file, f"{member} in {archive.name}")
                _check_batch(batch, member)
                pictures.append(batch["data"])
                labels.append(np.asarray(batch["labels"], dtype=np.int64))
    except KeyError as error:
        raise ValueError(f"{archive.name}: {error.args[0]}") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"{archive.name} is not a complete tar.gz file: {error}") from error
    return np.concatenate(pictures), np.concatenate(labels)


def _check_batch(batch: object, member: str) -> None:
    data = batch.get("data") if isinstance(batch, dict) else None
    labels = batch.get("labels") if isinstance(batch, dict) else None
    if not (isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.shape[1:] == (3072,)):
        raise ValueError(f"{member} has no array 'data' of shape (n, 3072) and type uint8")
    if not (isinstance(labels, list) and len(labels) == len(data)):
        raise ValueError(f"{member} has no list 'labels' with one entry for each of its {len(data)} pictures")
