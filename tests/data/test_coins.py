import json
from importlib import resources

import numpy as np
import pytest
import skimage
import torch
from scipy import ndimage

from course_lib import data
from course_lib.data.coins import outlines

WHOLE = data.load("coins", "test")
MASKS = WHOLE.target(0)["masks"].numpy().astype(bool)


def test_the_picture_is_scikit_images():
    assert np.array_equal(WHOLE.x[0, 0] * 255, skimage.data.coins())


def test_there_are_24_and_each_is_one_blob_without_holes():
    assert MASKS.shape == (24, 303, 384)
    for number, mask in enumerate(MASKS, start=1):
        assert ndimage.label(mask)[1] == 1, f"coin {number} is in pieces"
        assert np.array_equal(ndimage.binary_fill_holes(mask), mask), f"coin {number} has a hole"
        solidity = skimage.measure.regionprops(mask.astype(int))[0].solidity
        assert solidity > 0.95, f"coin {number} is not round: {solidity}"


def test_boxes_go_around_the_masks():
    for box, mask in zip(WHOLE.boxes[0].int().tolist(), MASKS, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert box == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert WHOLE.boxes.shape == (1, 24, 4)
    assert (WHOLE.labels == 1).all()


def test_coins_neither_overlap_nor_touch():
    drawn = json.loads(resources.files("course_lib.data").joinpath("files", "coins.json").read_text())
    areas = [sum(end - start for start, end in coin["rows"]) for coin in drawn["coins"]]
    assert areas == MASKS.sum(axis=(1, 2)).tolist(), "a coin was painted over by a later one"
    assert ndimage.label(outlines() > 0, structure=np.ones((3, 3)))[1] == 24


def test_the_class_map_is_the_union_of_the_masks():
    assert np.array_equal(WHOLE.y[0].bool(), MASKS.any(axis=0))


def test_coins_are_numbered_in_rows_from_the_top_left():
    middles = (WHOLE.boxes[0, :, :2] + WHOLE.boxes[0, :, 2:]) / 2
    rows = middles.reshape(4, 6, 2)
    assert (rows[:, 1:, 0] > rows[:, :-1, 0]).all()
    assert (rows[1:, :, 1].min(dim=1).values > rows[:-1, :, 1].max(dim=1).values).all()


def watershed():
    """An outline by other means: flooding from what is surely coin and surely ground."""
    picture = skimage.data.coins()
    markers = np.zeros_like(picture, dtype=int)
    markers[picture < 30], markers[picture > 150] = 1, 2
    flooded = skimage.segmentation.watershed(skimage.filters.sobel(picture), markers) == 2
    return ndimage.binary_fill_holes(flooded)


def test_outlines_agree_with_a_watershed():
    flooded = watershed()
    for number, mask in enumerate(MASKS, start=1):
        near = flooded & ndimage.binary_dilation(mask, iterations=5)
        iou = (mask & near).sum() / (mask | near).sum()
        assert iou > 0.96, f"coin {number}: {iou:.3f}"


def test_the_sheet_is_right_about_the_best_threshold():
    picture, truth = skimage.data.coins(), MASKS.any(axis=0)
    ious = [((picture > t) & truth).sum() / ((picture > t) | truth).sum() for t in range(256)]
    assert round(max(ious), 2) == 0.82


@pytest.mark.parametrize("side", [72, 96, 303])
def test_every_square_is_a_piece_of_the_picture_about_its_coin(side):
    squares = data.load("coins", "test", crop=side)
    assert squares.x.shape == (24, 1, side, side)
    everything = np.stack([WHOLE.x[0, 0].numpy() * 255, outlines()])
    for row in range(24):
        left, top, right, bottom = WHOLE.boxes[0, row].int().tolist()
        corner = [
            min(max((a + b - side) // 2, 0), limit - side)
            for a, b, limit in ((top, bottom, 303), (left, right, 384))
        ]
        picture, numbers = everything[:, corner[0] : corner[0] + side, corner[1] : corner[1] + side]
        assert np.array_equal(squares.x[row, 0] * 255, picture)
        target = squares.target(row)
        there = np.unique(numbers[numbers > 0])
        assert row + 1 in there
        assert np.array_equal(target["masks"], [numbers == number for number in there])
        own = target["masks"][list(there).index(row + 1)]
        assert own.sum() == MASKS[row].sum(), "its own coin should be whole"
        assert np.array_equal(squares.y[row], numbers > 0)
        for box, mask in zip(target["boxes"], target["masks"], strict=True):
            x1, y1, x2, y2 = box.int().tolist()
            assert mask[y1:y2, x1:x2].sum() == mask.sum()
            assert mask[y1:y2, x1:x2].any(dim=0).all() or mask[y1:y2, x1:x2].any(dim=1).all()


def test_squares_have_as_many_slots_as_the_fullest_one_needs():
    squares = data.load("coins", "all", crop=100)
    counts = (squares.labels > 0).sum(dim=1)
    assert counts.max() == squares.labels.shape[1] == squares.boxes.shape[1]
    assert torch.equal(counts, squares.instances.flatten(1).max(dim=1).values.long())


def test_there_is_nothing_to_train_on():
    with pytest.raises(ValueError, match="split of 'coins' must be one of 'test', 'all'; got 'train'"):
        data.load("coins")
    assert torch.equal(data.load("coins", "all").instances, WHOLE.instances)


@pytest.mark.parametrize(
    ("crop", "message"),
    [
        (71, "crop must be a whole number of at least 72, got 71"),
        (304, "crop must be at most 303, the height of the picture, got 304"),
        (96.0, "crop must be a whole number of at least 72, got 96.0"),
        (True, "crop must be a whole number of at least 72, got True"),
    ],
)
def test_a_bad_crop_is_named(crop, message):
    with pytest.raises(ValueError, match=message):
        data.load("coins", "test", crop=crop)
