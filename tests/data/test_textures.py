import numpy as np
import pytest
import skimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from course_lib import data

AREAS = {"train": (0, 288), "validation": (304, 400), "test": (416, 512)}
NAMES = ("brick", "grass", "gravel")


@pytest.mark.parametrize("split", AREAS)
@pytest.mark.parametrize("size", [8, 32, 40, 96])
def test_patches_tile_the_splits_own_columns(split, size):
    textures = data.load("textures", split, size=size)
    left, right = AREAS[split]
    across, down = (right - left) // size, 512 // size
    assert textures.y.bincount().tolist() == [across * down] * 3
    for label, name in enumerate(NAMES):
        photograph = getattr(skimage.data, name)()[:, left:right]
        cut = textures.x[textures.y == label, 0].reshape(down, across, size, size)
        whole = cut.permute(0, 2, 1, 3).reshape(down * size, across * size)
        assert np.array_equal(whole * 255, photograph[: down * size, : across * size])


def test_no_pixel_is_in_two_splits_and_the_gap_is_wider_than_the_grain():
    edges = [edge for area in AREAS.values() for edge in area]
    assert edges == sorted(edges)
    gap = min(AREAS["validation"][0] - AREAS["train"][1], AREAS["test"][0] - AREAS["validation"][1])
    for name in NAMES:
        pixels = getattr(skimage.data, name)()
        correlation = np.corrcoef(pixels[:, :-gap].ravel(), pixels[:, gap:].ravel())[0, 1]
        assert abs(correlation) < 0.02, f"{name}: {correlation}"


def test_the_sheet_is_right_about_easy_ways():
    train, test = data.load("textures"), data.load("textures", "test")

    def two_numbers(textures):
        return torch.stack([textures.x.mean(dim=(1, 2, 3)), textures.x.std(dim=(1, 2, 3))], dim=1)

    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(two_numbers(train), train.y)
    assert 0.65 < tree.score(two_numbers(test), test.y) < 0.8
    linear = LogisticRegression(max_iter=2000).fit(train.x.flatten(1), train.y)
    assert linear.score(test.x.flatten(1), test.y) < 0.65


@settings(max_examples=20)
@given(size=st.integers(8, 96))
def test_there_are_as_many_patches_of_each_class_at_any_size(size):
    textures = data.load("textures", "test", size=size)
    assert textures.x.shape[1:] == (1, size, size)
    assert len(set(textures.y.bincount().tolist())) == 1


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (7, "size must be a whole number of at least 8, got 7"),
        (32.0, "size must be a whole number of at least 8, got 32.0"),
        (97, "size must be at most 96, the width of the test area, got 97"),
        (None, "size must be a whole number of at least 8, got None"),
    ],
)
def test_a_bad_size_is_named(size, message):
    with pytest.raises(ValueError, match=message):
        data.load("textures", size=size)
