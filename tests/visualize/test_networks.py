from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle

from course_lib.visualize import network_diagram


def circles(ax):
    return [patch for patch in ax.patches if isinstance(patch, Circle)]


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("sizes", [[1, 1], [2, 3, 1], [8, 8, 8]])
def test_every_unit_and_every_connection(sizes):
    ax = network_diagram(sizes)
    assert len(circles(ax)) == sum(sizes)
    assert len(ax.lines) == sum(a * b for a, b in pairwise(sizes))


def test_lines_join_circles():
    ax = network_diagram([2, 3, 1])
    places = {tuple(np.round(circle.center, 6)) for circle in circles(ax)}
    assert len(places) == 6
    assert all(tuple(np.round(end, 6)) in places for line in ax.lines for end in line.get_xydata())


def test_a_large_layer_has_a_gap():
    ax = network_diagram([100, 3])
    assert len(circles(ax)) == 5 + 3
    assert texts(ax).count("⋮") == 1


def test_layers_are_named():
    assert texts(network_diagram([1, 2, 3, 1])) == ["input", "hidden", "hidden", "output"]
    assert texts(network_diagram([1, 1], ["64 pixels", "10 logits"])) == ["64 pixels", "10 logits"]


def test_units_carry_texts():
    ax = network_diagram([2, 1], units=[["$x_1$", "$x_2$"], None])
    assert texts(ax) == ["$x_1$", "$x_2$", "input", "output"]
    by_text = {text.get_text(): text.get_position() for text in ax.texts}
    assert by_text["$x_1$"][1] > by_text["$x_2$"][1], "the first unit is on top"


def test_weights_show_size_and_sign():
    weights = torch.tensor([[2.0, -1.0]], requires_grad=True)
    ax = network_diagram([2, 1], weights=[weights])
    positive, negative = ax.lines
    assert positive.get_linewidth() == pytest.approx(2 * negative.get_linewidth())
    assert (positive.get_linestyle(), negative.get_linestyle()) == ("-", "--")
    assert positive.get_color() != negative.get_color()


def test_zero_weights_can_be_drawn():
    assert all(
        line.get_linewidth() == 0 for line in network_diagram([2, 2], weights=[np.zeros((2, 2))]).lines
    )


@pytest.mark.parametrize("sizes", [[2, 3, 1], [4, 8, 8, 8, 2], [100, 50, 10]])
def test_everything_is_inside_the_figure(sizes):
    ax = network_diagram(sizes, ["two\nlines"] * len(sizes))
    ax.figure.canvas.draw()
    for artist in [*circles(ax), *ax.texts]:
        box = artist.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= ax.figure.bbox.x1
        assert box.y1 <= ax.figure.bbox.y1
    radii = [circle.get_window_extent() for circle in circles(ax)]
    assert all(box.width == pytest.approx(box.height, rel=1e-3) for box in radii), "circles are not round"


def test_draws_on_the_axes_given():
    _, own = plt.subplots()
    assert network_diagram([1, 1], ax=own) is own


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ([3], {}, r"sizes must be at least two numbers of at least 1, got \[3\]"),
        ([3, 0], {}, "sizes must be"),
        ([1, 1], {"labels": ["a"]}, "there are 2 layers and 1 labels"),
        ([1, 1], {"units": [["a"]]}, "there are 2 layers and units for 1"),
        ([2, 1], {"units": [["a"], None]}, "layer 0 has 2 units and 1 texts"),
        ([2, 1], {"weights": [np.zeros((2, 1))]}, r"weights must have shapes \[\(1, 2\)\].*got \[\(2, 1\)\]"),
        ([2, 1], {"weights": []}, r"weights must have shapes"),
    ],
)
def test_bad_arguments_are_explained(sizes, options, message):
    with pytest.raises(ValueError, match=message):
        network_diagram(sizes, **options)
