import numpy as np
import torch
from sklearn.datasets import load_digits

from course_lib import data


def test_the_pictures_and_labels_are_scikit_learns():
    everything = data.load("digits", "all")
    original = load_digits()
    assert torch.equal(everything.x.squeeze(1) * 16, torch.from_numpy(original.images).float())
    assert np.array_equal(everything.y.numpy(), original.target)
    assert everything.classes == tuple("0123456789")


def test_sizes_are_as_promised_and_classes_in_proportion():
    sizes = {split: len(data.load("digits", split)) for split in ("train", "validation", "test", "all")}
    assert sizes == {"train": 1197, "validation": 300, "test": 300, "all": 1797}
    share = data.load("digits", "all").y.bincount() / 1797
    for split in ("train", "validation", "test"):
        labels = data.load("digits", split).y
        assert ((labels.bincount() - share * len(labels)).abs() < 1.01).all(), split


def test_values_are_sixteenths_from_0_to_1():
    x = data.load("digits").x
    assert (x.min(), x.max()) == (0, 1)
    assert torch.equal(x * 16, (x * 16).round())
    assert x.shape[1:] == (1, 8, 8)
