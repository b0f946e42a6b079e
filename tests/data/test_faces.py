import numpy as np
import skimage
import torch

from course_lib import data

EVERYTHING = data.load("faces", "all")


def test_the_pictures_are_scikit_images_and_faces_are_faces():
    original = skimage.data.lfw_subset()
    assert torch.equal(EVERYTHING.x, torch.from_numpy(original.astype(np.float32))[:, None])
    assert EVERYTHING.y.tolist() == [1] * 100 + [0] * 100
    assert [EVERYTHING.classes[label] for label in EVERYTHING.y[[0, 199]]] == ["face", "other"]


def test_half_of_every_split_are_faces():
    for split, size in {"train": 120, "validation": 40, "test": 40}.items():
        assert data.load("faces", split).y.bincount().tolist() == [size // 2, size // 2]


def test_values_are_from_0_to_1():
    assert (EVERYTHING.x.min(), EVERYTHING.x.max()) == (0, 1)


def test_the_sheet_is_right_about_the_one_number_that_tells_them_apart():
    rough = EVERYTHING.x.diff(dim=2).abs().mean(dim=(1, 2, 3))
    right = max(int(((rough > threshold) == (EVERYTHING.y == 1)).sum()) for threshold in rough)
    assert right == 195


def test_the_sheet_is_right_about_black_corners():
    black = (EVERYTHING.x < 0.02).float().mean(dim=(1, 2, 3)) > 0.1
    assert black[EVERYTHING.y == 0].sum() == 62
    assert black[EVERYTHING.y == 1].sum() == 2
