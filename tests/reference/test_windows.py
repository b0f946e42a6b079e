"""The windows of the reference, against windows that are listed entry by entry."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import windows

SIZES = {"kernel": st.integers(1, 4), "stride": st.integers(1, 4), "dilation": st.integers(1, 3)}


@given(size=st.integers(1, 12), padding=st.integers(0, 2), ceil_mode=st.booleans(), **SIZES)
@settings(max_examples=200, deadline=None)
def test_as_many_windows_as_start_in_time(size, kernel, stride, padding, dilation, ceil_mode):
    """Floor: as many as end within the padding. Ceil: one more if it starts before the padding at the end."""
    padding = min(padding, kernel // 2)
    reach = dilation * (kernel - 1) + 1
    starts = [
        start
        for start in range(-padding, size, stride)
        if start + reach <= size + padding or (ceil_mode and start - stride + reach < size + padding)
    ]
    if size + 2 * padding >= reach:
        assert windows.output_size(size, kernel, stride, padding, dilation, ceil_mode) == len(starts)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((32, 2, 2), 16),
        ((55, 3, 2), 27),  # AlexNet's overlapping pooling
        ((5, 2, 2), 2),
        ((5, 2, 2, 0, 1, True), 3),
        ((2, 3, 3, 1, 1, True), 1),  # a second window would start in the padding
        ((7, 3, 1, 0, 2), 3),
    ],
)
def test_known_sizes(arguments, expected):
    assert windows.output_size(*arguments) == expected


@given(
    shape=st.tuples(st.just(1), st.just(1), st.integers(4, 8), st.integers(4, 8)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)) | st.integers(1, 3),
    stride=st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)) | st.integers(1, 3),
    padded=st.booleans(),
    ceil_mode=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_rows_columns_and_divisors(shape, kernel, stride, padded, ceil_mode):
    k_h, k_w = np.broadcast_to(kernel, 2)
    s_h, s_w = np.broadcast_to(kernel if stride is None else stride, 2)
    padding = (int(k_h) // 2, int(k_w) // 2) if padded else 0
    p_h, p_w = np.broadcast_to(padding, 2)
    shape_out = windows.output_shape(shape, kernel, stride, padding, 1, ceil_mode)
    with_padding = windows.divisors(shape, shape_out, kernel, stride, padding)
    without = windows.divisors(shape, shape_out, kernel, stride, padding, count_include_pad=False)
    places = []
    for (_, _, i, j), rows, columns in windows.windows(shape, shape_out, kernel, stride, padding):
        places.append((i, j))
        inside = [
            (row, column)
            for row in range(i * s_h - p_h, i * s_h - p_h + k_h)
            for column in range(j * s_w - p_w, j * s_w - p_w + k_w)
            if 0 <= row < shape[2] and 0 <= column < shape[3]
        ]
        assert [(row, column) for row in rows for column in columns] == inside
        assert without[i, j] == len(inside)
        assert windows.coverage(kernel, rows, columns) == pytest.approx(len(inside) / (k_h * k_w))
        framed = [
            min(start + k, size + p) - start
            for start, k, size, p in (
                (i * s_h - p_h, k_h, shape[2], p_h),
                (j * s_w - p_w, k_w, shape[3], p_w),
            )
        ]
        assert with_padding[i, j] == math.prod(framed)
    assert places == list(np.ndindex(*shape_out[2:]))
    assert (windows.divisors(shape, shape_out, kernel, stride, padding, divisor_override=7) == 7).all()


def test_dilated_windows():
    shape_out = windows.output_shape((1, 1, 7, 7), 3, 1, 1, 2)
    found = list(windows.windows((1, 1, 7, 7), shape_out, 3, 1, 1, 2))
    assert shape_out == (1, 1, 5, 5)
    assert [rows.tolist() for _, rows, _ in found[::5]] == [[1, 3], [0, 2, 4], [1, 3, 5], [2, 4, 6], [3, 5]]


@given(size=st.integers(1, 12), cells=st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_cells_cover_the_image_and_overlap_by_at_most_one_if_it_is_large_enough(size, cells):
    found = [rows for (_, _, _, j), rows, _ in windows.cells((1, 1, size, 1), (cells, 1)) if j == 0]
    assert found[0].start == 0
    assert found[-1].stop == size
    for before, after in itertools.pairwise(found):
        assert before.start <= after.start <= before.stop
        if size >= cells:
            assert before.stop - after.start <= 1
    assert all(row.stop > row.start for row in found)
    if size % cells == 0:
        assert {row.stop - row.start for row in found} == {size // cells}
