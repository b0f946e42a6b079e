"""Similarities of regions by hand, and the grouping of a row of stripes."""

import numpy as np
import pytest

from course_lib.reference import selective_search as ref


def test_colour_histogram_counts_and_sums_to_one():
    pixels = np.array([[0.0, 1.0], [0.02, 0.99], [0.5, 0.5]])
    got = ref.colour_histogram(pixels, bins=4)
    np.testing.assert_allclose(got, np.array([2, 0, 1, 0, 0, 0, 1, 2]) / 6)


def test_intersection_of_histograms():
    a, b = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.25, 0.5])
    assert ref.histogram_intersection(a, b) == 0.5
    assert ref.histogram_intersection(a, a) == 1.0
    assert ref.histogram_intersection(a, np.array([0.0, 0.0, 1.0])) == 0.0


def test_size_and_fill_by_hand():
    # Two 2x2 squares in the corners of a 4x4 box, in an image of 100 pixels.
    a, b = np.array([0, 0, 2, 2]), np.array([2, 2, 4, 4])
    assert ref.size_similarity(4, 4, 100) == pytest.approx(0.92)
    assert ref.fill_similarity(a, b, 4, 4, 100) == pytest.approx(1 - (16 - 8) / 100)
    np.testing.assert_array_equal(ref.merged_box(a, b), [0, 0, 4, 4])
    side_by_side = ref.fill_similarity(a, np.array([2, 0, 4, 2]), 4, 4, 100)
    assert side_by_side == 1.0, "no hole: the box around both is full"


def test_a_merged_histogram_is_that_of_all_pixels():
    rng = np.random.default_rng(0)
    a, b = rng.random((30, 3)), rng.random((50, 3))
    both = ref.merged_histogram(ref.colour_histogram(a), ref.colour_histogram(b), 30, 50)
    np.testing.assert_allclose(both, ref.colour_histogram(np.concatenate([a, b])))


def test_stripes_of_one_colour_merge_first():
    # Four stripes: red red blue blue. Equal neighbours first, then the two halves.
    red, blue = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    boxes = np.array([[10 * k, 0, 10 * k + 10, 10] for k in range(4)])
    colours, flat = np.stack([red, red, blue, blue]), np.ones((4, 1))
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    assert ref.group(colours, flat, boxes, np.full(4, 100), pairs, 400) == [(0, 1), (2, 3), (4, 5)]
