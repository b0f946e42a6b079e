from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_lib.training import History
from course_lib.visualize import curves
from course_lib.visualize.lines import GAP, _spread

LOSSES = {"train_loss": [3.0, 2.0, 1.0], "validation_loss": [3.5, 3.0, 2.5]}


def names_at_ends(ax):
    return {text.get_text(): text.xy[1] for text in ax.texts if text.get_text()}


def test_lines_are_the_columns():
    ax = curves(LOSSES)
    assert [line.get_label() for line in ax.lines] == ["train loss", "validation loss"]
    assert ax.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


def test_a_history_shows_its_losses_or_what_is_asked_for():
    rows = [
        {"epoch": i, "train_loss": 1.0 / i, "train_accuracy": 0.5, "validation_loss": 1.0} for i in (1, 2)
    ]
    ax = curves(History(rows))
    assert [line.get_label() for line in ax.lines] == ["train loss", "validation loss"]
    ax = curves(History(rows), ["train_accuracy"], ylabel="accuracy")
    assert [line.get_label() for line in ax.lines] == ["train accuracy"]
    assert ax.get_ylabel() == "accuracy"


def test_lines_differ_in_colour_and_dashes():
    ax = curves({str(i): [i, i] for i in range(6)})
    assert len({line.get_color() for line in ax.lines}) == 6
    assert len({line.get_linestyle() + str(line._unscaled_dash_pattern) for line in ax.lines}) == 6


def test_runs_are_a_mean_and_a_band():
    runs = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]])
    ax = curves({"loss": torch.tensor(runs)})
    assert ax.lines[0].get_ydata().tolist() == [3.0, 2.0]
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (
        3.0 - 2.0,
        3.0 + 2.0,
    )  # the sample deviation of 1, 3, 5 is 2
    assert len(curves({"loss": runs[:1]}).collections) == 0


def test_names_stand_at_the_line_ends_in_their_order():
    ax = curves(LOSSES)
    found = names_at_ends(ax)
    assert set(found) == {"train loss", "validation loss"}
    assert found["validation loss"] > found["train loss"]
    assert ax.get_legend() is None


def test_legend_on_request():
    ax = curves(LOSSES, legend=True)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train loss", "validation loss"]
    assert names_at_ends(ax) == {}


def test_names_never_overlap():
    ax = curves({str(i): [1.0, 0.001 * i] for i in range(6)})
    ax.figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in ax.texts if text.get_text()), key=lambda box: box.y0)
    for lower, upper in pairwise(boxes):
        assert lower.y1 <= upper.y0 + 1


@pytest.mark.parametrize(
    "heights", [[0.5], [0.1, 0.9], [0.5, 0.5, 0.5], [0.9, 0.1, 0.12, 0.5], [0.0, 0.0, 1.0, 1.0]]
)
def test_spread_keeps_order_and_distance(heights):
    placed = _spread(heights)
    assert np.argsort(placed, kind="stable").tolist() == np.argsort(heights, kind="stable").tolist()
    assert (np.diff(sorted(placed)) >= GAP - 1e-6).all()
    assert np.mean(placed) == pytest.approx(np.mean(heights))


def test_labels_are_inside_the_figure():
    ax = curves({"a rather long name for a line": [1, 2], "b": [2, 1]})
    ax.figure.canvas.draw()
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x1 <= ax.figure.bbox.x1
        assert box.y0 >= 0


def test_own_x_and_axes_and_log():
    _, own = plt.subplots()
    ax = curves({"norm": [1.0, 0.1]}, x=[10, 20], ax=own, log=True, xlabel="layer")
    assert ax is own
    assert ax.lines[0].get_xdata().tolist() == [10, 20]
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "layer"


def test_one_epoch_is_a_visible_dot():
    assert curves({"loss": [1.0]}).lines[0].get_marker() == "o"


def test_a_diverging_run_can_be_drawn():
    ax = curves({"loss": [1.0, 100.0, np.inf, np.nan], "other": [1, 1, 1, 1]})
    ax.figure.canvas.draw()
    assert set(names_at_ends(ax)) == {"loss", "other"}


def test_whole_epochs_are_marked():
    ax = curves({"loss": [1.0, 2.0]})
    ax.figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


@pytest.mark.parametrize(
    ("data", "options", "kind", "message"),
    [
        ([1, 2], {}, TypeError, "data must be a History or a mapping of names to sequences, got list"),
        ({}, {}, ValueError, "there are no curves to draw"),
        (History(), {}, ValueError, "there are no curves to draw"),
        (LOSSES, {"columns": ["loss"]}, KeyError, "no column 'loss'; there is train_loss, validation_loss"),
        ({"a": []}, {}, ValueError, "'a' must be a sequence"),
        ({"a": np.zeros((2, 2, 2))}, {}, ValueError, r"'a' must be a sequence .*got \(2, 2, 2\)"),
        ({"a": [np.nan]}, {}, ValueError, "'a' has no finite value"),
        ({"a": [1.0, 0.0]}, {"log": True}, ValueError, "'a' has values that are not positive"),
        ({"a": [1.0, 2.0]}, {"x": [1]}, ValueError, r"'a' has 2 steps, and x has shape \(1,\)"),
    ],
)
def test_bad_arguments_are_explained(data, options, kind, message):
    with pytest.raises(kind, match=message):
        curves(data, **options)
