import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from course_lib.visualize import boundary_line, decision_regions

X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
Y = np.array([0, 1, 2])


def right_half(points):
    return points[:, 0] > 0


def painted(ax):
    """The classes the image under the points shows, (resolution, resolution) from the bottom left."""
    return np.asarray(ax.images[0].get_array())


def test_regions_are_what_predict_says():
    ax = decision_regions(right_half, X, limits=(-2, 2, -1, 1), resolution=11)
    assert (painted(ax)[:, :6] == 0).all()
    assert (painted(ax)[:, 6:] == 1).all()
    assert ax.images[0].get_extent() == [-2, 2, -1, 1]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1))


def test_up_is_up():
    ax = decision_regions(lambda p: p[:, 1] > 0, X, limits=(-1, 1, -1, 1), resolution=10)
    assert (painted(ax)[0] == 0).all()
    assert (painted(ax)[-1] == 1).all()
    assert ax.images[0].origin == "lower"


@pytest.mark.parametrize(
    "predict",
    [
        lambda p: np.where(p[:, 0] > 0, 2, 0),
        lambda p: np.where(p[:, 0] > 0, 2.0, 0.0),
        lambda p: np.where(p[:, 0] > 0, 2, 0)[:, None],
        lambda p: np.eye(3)[np.where(p[:, 0] > 0, 2, 0)],
        lambda p: np.where(p[:, 0] > 0, 2, 0).tolist(),
    ],
    ids=["labels", "float labels", "a column", "scores", "a list"],
)
def test_labels_and_scores(predict):
    ax = decision_regions(predict, X, Y, limits=(-1, 1, -1, 1), resolution=4)
    assert painted(ax)[0].tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_is_asked_in_its_own_type_in_eval_mode_without_gradients(dtype):
    seen = []

    class Model(torch.nn.Module):
        def forward(self, points):
            seen.append((points.dtype, self.training, torch.is_grad_enabled()))
            return torch.stack([-points[:, 0], points[:, 0]], dim=1)

    model = Model()
    ax = decision_regions(
        model, torch.tensor(X, dtype=dtype), torch.tensor(Y), limits=(-1, 1, -1, 1), resolution=4
    )
    assert seen == [(dtype, False, False)]
    assert model.training
    assert painted(ax)[0].tolist() == [0, 0, 1, 1]


def test_a_model_in_eval_mode_stays_there():
    model = torch.nn.Linear(2, 2).eval()
    decision_regions(model, torch.tensor(X, dtype=torch.float32))
    assert not model.training


def test_points_differ_in_shape_and_have_names():
    ax = decision_regions(right_half, X, Y, names=["cat", "dog", "bird"])
    assert [line.get_label() for line in ax.lines] == ["cat", "dog", "bird"]
    assert len({line.get_marker() for line in ax.lines}) == 3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["cat", "dog", "bird"]
    for line, point in zip(ax.lines, X, strict=True):
        assert np.allclose(line.get_xydata(), point)


def test_regions_differ_in_hatching_and_lightness():
    ax = decision_regions(lambda p: np.digitize(p[:, 0], [-0.3, 0.3]), X, Y, limits=(-1, 1, -1, 1))
    hatches = {hatch for collection in ax.collections for hatch in getattr(collection, "hatches", [])}
    assert {"", "///", "..."} <= hatches
    first, second, *_ = [to_rgb(color) for color in ax.images[0].get_cmap().colors]
    assert abs(np.mean(first) - np.mean(second)) > 0.02


def test_no_legend_and_no_points_on_request():
    assert decision_regions(right_half, X, Y, legend=False).get_legend() is None
    ax = decision_regions(right_half, X)
    assert ax.get_legend() is None
    assert len(ax.lines) == 0


def test_limits_leave_a_margin_even_for_one_point():
    ax = decision_regions(right_half, X[:1])
    assert ax.get_xlim() == (-1.5, -0.5)
    ax = decision_regions(right_half, X)
    assert ax.get_xlim() == pytest.approx((-1.24, 1.24))


def test_no_points_need_limits():
    ax = decision_regions(right_half, np.zeros((0, 2)), np.zeros(0, dtype=int), limits=(-1, 1, -1, 1))
    assert len(ax.lines) == 0
    with pytest.raises(ValueError, match="without points the limits must be given"):
        decision_regions(right_half, np.zeros((0, 2)))


def test_draws_on_the_axes_given():
    _, axes = plt.subplots(1, 2)
    assert decision_regions(right_half, X, Y, ax=axes[1]) is axes[1]
    assert len(axes[0].images) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X[0]}, r"x must be points in the plane, \(n, 2\), got shape \(2,\)"),
        ({"x": np.zeros((3, 3))}, r"got shape \(3, 3\)"),
        ({"y": Y[:2]}, r"y must be one label per point, \(3,\), got shape \(2,\)"),
        ({"y": [0.5, 1, 2]}, "y must be class labels 0, 1, ..., got 0.5"),
        ({"y": [-1, 1, 1]}, "y must be class labels 0, 1, ..., got -1"),
        ({"y": [np.nan, 1, 1]}, "y must be class labels 0, 1, ..., got nan"),
        ({"resolution": 1}, "resolution must be at least 2, got 1"),
        ({"names": ["a", "b"]}, "names must name all 3 classes, got 2"),
        (
            {"predict": lambda p: p[:, 0]},
            r"what predict returns must be class labels .*got -1\.24; one score",
        ),
        ({"predict": lambda p: 1}, r"predict must return a label per point, \(62500,\).*got shape \(\)"),
        ({"predict": lambda p: p[:10]}, r"got shape \(10, 2\)"),
        ({"predict": lambda p: p[:10, 0] > 0}, r"got shape \(10,\)"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        decision_regions(**({"predict": right_half, "x": X, "y": Y} | arguments))


# The line


@pytest.mark.parametrize("w", [(1.0, 1.0), (0.0, 2.0), (3.0, 0.0), (-1.0, 0.5), (1e-3, -1e-3)])
@pytest.mark.parametrize("b", [0.0, 0.5, -0.25])
def test_every_point_of_the_line_satisfies_the_equation(w, b):
    _, ax = plt.subplots()
    ax.axis((-1, 1, -2, 2))
    scaled = b * abs(max(w, key=abs))
    boundary_line(w, scaled, ax=ax)
    line = ax.lines[0]
    for point in (line.get_xy1(), line.get_xy2()):
        assert np.dot(w, point) + scaled == pytest.approx(0, abs=1e-9)
    assert ax.axis() == (-1, 1, -2, 2), "the line moved the limits"


def test_the_arrow_points_to_the_positive_side():
    _, ax = plt.subplots()
    ax.axis((-1, 1, -1, 1))
    w, b = np.array([2.0, -1.0]), 0.5
    boundary_line(torch.tensor(w, requires_grad=True), torch.tensor(b), ax=ax)
    arrow = ax.texts[0]
    assert w @ arrow.xyann + b == pytest.approx(0)
    assert w @ arrow.xy + b > 0


def test_a_line_without_an_arrow_with_a_label():
    ax = boundary_line([1, 1], 0, arrow=False, label="w·x + b = 0")
    assert len(ax.texts) == 0
    assert ax.lines[0].get_label() == "w·x + b = 0"


@pytest.mark.parametrize(
    ("w", "b", "message"),
    [
        ([0, 0], 1, "w is zero"),
        ([1, 2, 3], 1, "w must be two finite numbers"),
        ([1, np.nan], 1, "w must be two finite numbers"),
        ([1, 1], np.inf, "w must be two finite numbers and b one"),
    ],
)
def test_what_is_no_line_is_explained(w, b, message):
    with pytest.raises(ValueError, match=message):
        boundary_line(w, b)
