import numpy as np
import pytest

from course_lib.data.painting import Figures, ground, number_pixels, paint, patches
from course_lib.data.shapes import AREAS, SHAPES

SIZE = 40


def figures(*each):
    """One picture with figures given as (shape, x, y, extent along, extent across, turn, grey)."""
    columns = list(zip(*each, strict=True))
    return Figures(
        shape=np.array([[SHAPES.index(name) for name in columns[0]]]),
        middle=np.array([list(zip(columns[1], columns[2], strict=True))], float),
        extent=np.array([list(zip(columns[3], columns[4], strict=True))], float),
        turn=np.array([columns[5]], float),
        color=np.repeat(np.array([columns[6]], np.float32)[..., None], 3, axis=2),
        shade=np.zeros((1, len(each), 2), np.float32),
    )


def painted(drawn, there=None):
    canvas = np.zeros((1, SIZE, SIZE, 3), np.float32)
    there = np.ones(drawn.shape.shape, bool) if there is None else there
    paint(canvas, drawn, patches(drawn, SIZE), there)
    return canvas[0, :, :, 0]


def in_fine(shape, x, y, extent, turn, fine=16):
    """How much of each pixel a disc or a rectangle covers, by counting points."""
    at = (np.arange(SIZE * fine) + 0.5) / fine
    across, down = np.meshgrid(at - x, at - y)
    u = (np.cos(turn) * across + np.sin(turn) * down) / extent[0]
    v = (np.cos(turn) * down - np.sin(turn) * across) / extent[1]
    inside = np.hypot(u, v) < 0.85 if shape == "circle" else (np.abs(u) < 0.75) & (np.abs(v) < 0.75)
    return inside.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", ["circle", "square"])
@pytest.mark.parametrize(("x", "y"), [(20.0, 20.0), (13.37, 24.9), (2.5, 38.0)])
@pytest.mark.parametrize(("extent", "turn"), [((10, 10), 0.0), ((12, 9), 0.9), ((8, 8), 2.6)])
def test_edges_are_as_smooth_as_if_many_points_a_pixel_were_counted(shape, x, y, extent, turn):
    found = painted(figures((shape, x, y, *extent, turn, 1.0)))
    expected = in_fine(shape, x, y, extent, turn)
    assert np.abs(found - expected).max() < 0.3, "a corner rounds off, but a pixel is not lost"
    assert np.abs(found - expected).mean() < 0.003
    assert abs(found.sum() - expected.sum()) < 3


@pytest.mark.parametrize("shape", SHAPES)
def test_a_figure_has_its_area(shape):
    found = painted(figures((shape, 20.2, 19.6, 14, 12, 0.5, 1.0)))
    area = AREAS[SHAPES.index(shape)] * 14 * 12
    assert abs(found.sum() - area) < 0.02 * area


def test_later_figures_lie_on_top():
    two = figures(("square", 15, 20, 10, 10, 0, 0.3), ("circle", 22, 20, 10, 10, 0, 0.9))
    picture = painted(two)
    assert picture[20, 18] == np.float32(0.9)
    assert picture[20, 9] == np.float32(0.3)
    shown = number_pixels(patches(two, SIZE).distance <= 0, patches(two, SIZE).pixel, SIZE)[0]
    assert (shown[20, 18], shown[20, 9], shown[0, 0]) == (2, 1, 0)
    assert np.array_equal(picture[shown == 2] > 0.6, np.ones((shown == 2).sum(), bool))


def test_a_figure_that_is_not_there_is_not_painted():
    two = figures(("square", 15, 20, 10, 10, 0, 0.3), ("circle", 22, 20, 10, 10, 0, 0.9))
    picture = painted(two, np.array([[True, False]]))
    assert np.array_equal(picture, painted(figures(("square", 15, 20, 10, 10, 0, 0.3))))


@pytest.mark.parametrize(("x", "y"), [(0, 0), (40, 40), (0.4, 39), (-30, 20), (20, 90)])
def test_the_edge_of_the_picture_cuts_figures_off(x, y):
    found = painted(figures(("square", x, y, 8, 8, 0.3, 1.0)))
    assert np.abs(found - in_fine("square", x, y, (8, 8), 0.3)).max() < 0.3


def test_shade_brightens_to_the_right_and_down():
    drawn = figures(("square", 20, 20, 12, 12, 0, 0.5))._replace(shade=np.array([[[0.01, 0.02]]], np.float32))
    picture = painted(drawn)
    assert np.allclose(np.diff(picture[20, 14:26]), 0.01, atol=1e-5)
    assert np.allclose(np.diff(picture[14:26, 20]), 0.02, atol=1e-5)
    assert abs(picture[19:21, 19:21].mean() - 0.5) < 1e-6


def test_pictures_do_not_mix():
    one = figures(("circle", 20, 20, 9, 9, 0, 0.8))
    other = figures(("star", 9, 30, 9, 9, 1, 0.6))
    both = Figures(*(np.concatenate(parts) for parts in zip(one, other, strict=True)))
    canvas = np.zeros((2, SIZE, SIZE, 3), np.float32)
    paint(canvas, both, patches(both, SIZE), np.ones((2, 1), bool))
    assert np.array_equal(canvas[0, :, :, 0], painted(one))
    assert np.array_equal(canvas[1, :, :, 0], painted(other))


def test_no_figures_leave_the_ground_alone():
    none = Figures(
        shape=np.zeros((2, 0), np.int64),
        middle=np.zeros((2, 0, 2)),
        extent=np.zeros((2, 0, 2)),
        turn=np.zeros((2, 0)),
        color=np.zeros((2, 0, 3), np.float32),
        shade=np.zeros((2, 0, 2), np.float32),
    )
    canvas = np.full((2, SIZE, SIZE, 3), 0.25, np.float32)
    paint(canvas, none, patches(none, SIZE), np.ones((2, 0), bool))
    assert (canvas == 0.25).all()


def test_ground_is_patterned_about_its_colour():
    canvas, color = ground(np.random.default_rng(0), 50, 64)
    assert canvas.shape == (50, 64, 64, 3)
    assert canvas.dtype == np.float32
    assert canvas.flags.c_contiguous, "painting writes through a view"
    assert np.abs(canvas.mean(axis=(1, 2)) - color).max() < 0.1
    assert (canvas.std(axis=(1, 2)) > 0.004).all()
    assert (np.abs(canvas - color[:, None, None]) < 0.5).all()
