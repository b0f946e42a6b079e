import numpy as np
import pytest
import skimage
import torch

from course_lib import data

NAMES = ("astronaut", "coffee", "rocket", "cat")
SPLITS = {"train": {0, 1}, "validation": {2}, "test": {3}, "all": {0, 1, 2, 3}}


@pytest.mark.parametrize("split", SPLITS)
def test_a_picture_is_in_one_split_as_a_whole(split):
    assert set(data.load("photos", split).y.tolist()) == SPLITS[split]


@pytest.mark.parametrize("name", NAMES)
def test_whole_pictures_are_scikit_images(name):
    photo = data.load("photos", "all", size=None, picture=name)
    original = getattr(skimage.data, name)()
    assert photo.x.shape == (1, 3, *original.shape[:2])
    assert np.array_equal(photo.x[0].permute(1, 2, 0), original.astype(np.float32) / 255)
    assert photo.y.tolist() == [NAMES.index(name)]


@pytest.mark.parametrize("name", NAMES)
def test_grey_is_the_luminance_of_scikit_image(name):
    grey = data.load("photos", "all", size=None, picture=name, colour=False)
    expected = skimage.color.rgb2gray(getattr(skimage.data, name)())
    assert grey.x.shape[:2] == (1, 1)
    assert torch.allclose(grey.x[0, 0].double(), torch.from_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("size", [8, 32, 100, 300])
def test_patches_are_pieces_of_the_picture(size):
    whole = data.load("photos", "test", size=None, picture="cat").x[0]
    cut = data.load("photos", "test", size=size)
    rows, columns = whole.shape[1] // size, whole.shape[2] // size
    assert len(cut) == rows * columns
    for number in (0, columns - 1, len(cut) - 1):
        top, left = size * (number // columns), size * (number % columns)
        assert torch.equal(cut.x[number], whole[:, top : top + size, left : left + size])


def test_one_picture_can_be_chosen():
    both = data.load("photos")
    coffee = data.load("photos", picture="coffee")
    assert torch.equal(coffee.x, both.x[both.y == 1])
    assert data.load("photos", "all", picture="cat").y.unique().tolist() == [3]


def test_memory_is_in_order_in_any_form():
    for options in ({}, {"colour": False}, {"size": None, "picture": "coffee"}):
        assert data.load("photos", **options).x.is_contiguous()


def test_the_sheet_is_right_about_plain_sky():
    plain = {}
    for name in NAMES:
        patches = data.load("photos", "all", picture=name)
        plain[name] = float((patches.x.std(dim=(2, 3)).amax(dim=1) < 0.03).float().mean())
    assert 0.45 < plain.pop("rocket") < 0.5
    assert max(plain.values()) < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 7}, "size must be a whole number of at least 8, got 7"),
        ({"size": 301}, "size must be at most 300, the height of the lowest picture, got 301"),
        ({"size": "big"}, "size must be a whole number of at least 8, got 'big'"),
        ({"size": None}, "size=None gives a whole picture, so picture must say which: 'astronaut', 'coffee'"),
        (
            {"picture": "dog"},
            "picture must be one of 'astronaut', 'coffee', 'rocket', 'cat', or None; got 'dog'",
        ),
        ({"picture": "cat"}, "picture 'cat' is in the splits 'test' and 'all', and not in 'train'"),
        ({"picture": 3}, "picture must be one of .* got 3"),
        ({"colour": "yes"}, "colour must be True or False, got 'yes'"),
        ({"colour": 1}, "colour must be True or False, got 1"),
    ],
)
def test_a_bad_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        data.load("photos", **options)
