import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.shapes import AREAS, REACH, SHAPES, signed_distance, steady

SIDE = 61
CENTRES = (np.arange(SIDE) + 0.5 - SIDE / 2).astype(np.float32)


def drawn(shape, turn=0.3, along=20.0, across=20.0):
    cos, sin = np.cos(turn), np.sin(turn)
    to_unit = np.array([[cos, sin], [-sin, cos]]) / np.array([[along], [across]])
    return signed_distance(shape, to_unit[None], CENTRES[None], CENTRES[None])[0]


def contains(shape, x, y):
    """Whether points of the unit frame are in the shape, drawn corner by corner."""
    from matplotlib.path import Path

    turns = 2 * np.pi * (np.arange(10) / 10)
    if shape in ("circle", "ring"):
        radius = np.hypot(x, y)
        return radius < 0.85 if shape == "circle" else (radius > 0.5) & (radius < 0.9)
    if shape == "square":
        corners = np.array([(-0.75, -0.75), (0.75, -0.75), (0.75, 0.75), (-0.75, 0.75)])
    elif shape == "triangle":
        corners = np.array([(np.cos(t), np.sin(t)) for t in np.deg2rad((90, 210, 330))]) * 1.1
    elif shape == "star":
        dent = np.sin(np.deg2rad(18)) / np.sin(np.deg2rad(54))
        radius = 1.1 * np.where(np.arange(10) % 2 == 0, 1, dent)
        corners = radius[:, None] * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    else:
        a, b = 0.33, 0.95
        corners = np.array(
            [
                (a, a),
                (a, b),
                (-a, b),
                (-a, a),
                (-b, a),
                (-b, -a),
                (-a, -a),
                (-a, -b),
                (a, -b),
                (a, -a),
                (b, -a),
                (b, a),
            ]
        )
    return Path(corners).contains_points(np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(x.shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("turn", "along", "across"), [(0.0, 20, 20), (0.7, 25, 18), (4.0, 12, 26)])
def test_inside_is_where_a_drawing_program_says(shape, turn, along, across):
    distance = drawn(shape, turn, along, across)
    x, y = np.meshgrid(CENTRES.astype(float), CENTRES.astype(float))
    u = (np.cos(turn) * x + np.sin(turn) * y) / along
    v = (np.cos(turn) * y - np.sin(turn) * x) / across
    differs = (distance <= 0) != contains(shape, u, v)
    assert (np.abs(distance[differs]) < 1e-4).all(), f"{differs.sum()} pixels are on the wrong side"


@pytest.mark.parametrize("shape", SHAPES)
def test_areas_are_those_of_the_shapes(shape):
    fine = np.linspace(-REACH, REACH, 2001)
    x, y = np.meshgrid(fine, fine)
    area = contains(shape, x, y).mean() * (2 * REACH) ** 2
    assert abs(AREAS[SHAPES.index(shape)] - area) < 0.01


@pytest.mark.parametrize("shape", SHAPES)
def test_distances_are_in_pixels_at_the_edge(shape):
    distance = drawn(shape, 0.4, 22.0, 20.0)
    down, across = np.gradient(distance.astype(float))
    slope = np.hypot(down, across)[np.abs(distance) < 0.7]
    assert abs(np.median(slope) - 1) < 0.1


@settings(max_examples=30)
@given(
    shape=st.sampled_from(SHAPES),
    turn=st.floats(0, 6.28),
    along=st.floats(3, 26),
    across=st.floats(3, 26),
)
def test_nothing_reaches_beyond_its_reach(shape, turn, along, across):
    inside = drawn(shape, turn, along, across) <= 0
    rows, columns = np.nonzero(inside)
    assert len(rows), "nothing is inside"
    assert np.hypot(CENTRES[rows], CENTRES[columns]).max() <= REACH * max(along, across) + 1e-3


def test_many_at_once_are_as_each_alone():
    turns = np.array([0.1, 1.0, 2.0])
    matrices = np.array([[[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]] for t in turns]) / 20
    many = np.repeat(CENTRES[None], 3, axis=0)
    for shape in SHAPES:
        together = signed_distance(shape, matrices, many, many)
        for one, matrix in zip(together, matrices, strict=True):
            assert np.array_equal(one, signed_distance(shape, matrix[None], many[:1], many[:1])[0])


def test_steady_numbers_do_not_see_a_last_bit():
    angles = np.linspace(0, 7, 1000)
    values = np.sin(angles)
    assert np.array_equal(steady(values), steady(np.nextafter(values, 2)))
    assert np.abs(steady(values) - values).max() <= 2.0**-21
