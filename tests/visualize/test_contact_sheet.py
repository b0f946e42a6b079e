from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib import data
from course_lib.data import Dataset, GraphDataset, TextDataset
from course_lib.visualize import contact_sheet

LOCAL = [sheet.name for sheet in data.sheets() if sheet.kind != "downloaded"]


def loading(dataset, monkeypatch):
    """Make every name load this data set."""
    monkeypatch.setattr(data, "load", lambda name, split, **options: dataset)


def shown(figure):
    return [ax for ax in figure.axes if ax.images]


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.mark.parametrize("name", LOCAL)
def test_every_set_that_needs_no_network_has_a_sheet(name):
    figure = contact_sheet(name)
    figure.canvas.draw()
    drawn = sum(len(ax.images) + len(ax.lines) + len(ax.texts) for ax in figure.axes)
    assert drawn
    width, height = figure.get_size_inches()
    assert width == pytest.approx(5.4)
    assert height < 8


def test_pictures_are_spread_over_the_split_with_their_classes():
    figure = contact_sheet("textures", count=9)
    textures = data.load("textures")
    rows = np.linspace(0, len(textures) - 1, 9).round().astype(int)
    assert len(shown(figure)) == 9
    for ax, row in zip(shown(figure), rows, strict=True):
        assert ax.get_title() == textures.classes[textures.y[row]]
        assert np.array_equal(ax.images[0].get_array(), textures.x[row, 0])
        assert ax.images[0].get_clim() == (0, 1), "all grey pictures are on the scale of the data"


def test_split_and_options_are_passed_on():
    figure = contact_sheet("photos", "test", size=None, picture="cat")
    assert shown(figure)[0].images[0].get_array().shape == (300, 451, 3)
    assert len(shown(contact_sheet("digits", "test", count=5))) == 5


def test_no_more_are_shown_than_there_are():
    assert len(shown(contact_sheet("photos", "test", size=100, count=1000))) == 12


def test_long_names_get_room(monkeypatch):
    names = ("short", "a rather long name")
    loading(Dataset(torch.zeros(10, 1, 4, 4), torch.arange(10) % 2, classes=names), monkeypatch)
    figure = contact_sheet("anything")
    figure.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in shown(figure)]
    assert all(a.x1 < b.x0 or a.y0 > b.y1 for a, b in pairwise(boxes))


def test_scenes_have_a_box_a_name_and_an_outline_for_each_object():
    figure = contact_sheet("scenes", count=4)
    scenes = data.load("scenes")
    rows = np.linspace(0, len(scenes) - 1, 4).round().astype(int)
    for ax, row in zip(shown(figure), rows, strict=True):
        target = scenes.target(row)
        rectangles = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        found = [
            (*patch.get_xy(), patch.get_x() + patch.get_width(), patch.get_y() + patch.get_height())
            for patch in rectangles
        ]
        assert np.allclose(found, target["boxes"])
        assert [text.get_text() for text in ax.texts] == [scenes.classes[label] for label in target["labels"]]
        assert len(ax.collections) == len(target["labels"])
        assert ax.images[0].get_extent() == [0, 64, 64, 0], "boxes are measured between pixels"
        colors = {label: set() for label in target["labels"].tolist()}
        for patch, label in zip(rectangles, target["labels"].tolist(), strict=True):
            colors[label].add(to_hex(patch.get_edgecolor()))
        assert all(len(each) == 1 for each in colors.values())


def test_outlines_lie_between_the_pixels_of_the_mask():
    figure = contact_sheet("coins")
    ax = shown(figure)[0]
    assert not ax.texts, "one class needs no names"
    coins = data.load("coins", "test")
    for collection, box in zip(ax.collections, coins.boxes[0], strict=True):
        corners = np.concatenate([path.vertices for path in collection.get_paths()])
        assert np.allclose(corners.min(axis=0), box[:2], atol=0.01)
        assert np.allclose(corners.max(axis=0), box[2:], atol=0.01)


def test_signals_are_curves_on_one_scale(monkeypatch):
    x = torch.stack([torch.sin(torch.arange(50) / (3 + k)) for k in range(7)])[:, None]
    loading(Dataset(x, torch.arange(7) % 2, classes=("calm", "wild")), monkeypatch)
    figure = contact_sheet("anything")
    curves = [ax for ax in figure.axes if ax.lines]
    assert [ax.get_title(loc="left") for ax in curves] == ["calm", "wild"] * 3 + ["calm"]
    assert np.allclose(curves[3].lines[0].get_ydata(), x[3, 0])
    assert len({ax.get_ylim() for ax in curves}) == 1
    assert [ax.axison for ax in figure.axes] == [True] * 7 + [False] * 2


VOCABULARY = tuple(bytes([byte]) for byte in range(256))


def encoded(*strings):
    return torch.tensor([list(string.encode()) for string in strings])


def test_texts_with_their_answers(monkeypatch):
    dataset = TextDataset(encoded("one $1$", "two\n\x07 2"), encoded("1", "2"), vocabulary=VOCABULARY)
    loading(dataset, monkeypatch)
    figure = contact_sheet("anything")
    figure.canvas.draw()
    assert texts(figure) == ["one $1$ → 1", "two↵· 2 → 2"]


def test_a_text_to_continue_has_no_answer_and_fits_on_its_line(monkeypatch):
    long = "x" * 300
    loading(TextDataset(encoded(long), encoded(long), vocabulary=VOCABULARY), monkeypatch)
    figure = contact_sheet("anything")
    figure.canvas.draw()
    (line,) = figure.axes[0].texts
    assert line.get_text().endswith("x…")
    assert line.get_window_extent().x1 < figure.bbox.x1
    assert line.get_window_extent().x1 > 0.85 * figure.bbox.x1, "the line is hardly used"


def test_points_by_class_and_by_height():
    (ax,) = contact_sheet("moons", n=50).axes
    assert sum(len(line.get_xdata()) for line in ax.lines) == 50
    assert [line.get_label() for line in ax.lines] == ["upper", "lower"]
    assert len({line.get_marker() for line in ax.lines}) == 2
    (ax,) = contact_sheet("line", n=50).axes
    line = data.load("line", n=50)
    assert np.allclose(ax.lines[0].get_xydata(), np.stack([line.x[:, 0], line.y], axis=1))


def graph(n, links, nodes, labels):
    edges = torch.tensor(links + [(b, a) for a, b in links]).T
    nodes = torch.tensor(nodes)
    return GraphDataset(
        torch.zeros(len(nodes), 2),
        torch.tensor(labels),
        classes=("Rule_Learning", "Theory"),
        graph_x=torch.zeros(n, 2),
        edge_index=edges,
        nodes=nodes,
    )


def test_a_graph_is_drawn_with_the_splits_classes(monkeypatch):
    loading(graph(5, [(0, 1), (1, 2), (2, 3), (3, 4)], [0, 2, 4], [0, 1, 1]), monkeypatch)
    figure = contact_sheet("anything")
    figure.canvas.draw()
    (ax,) = figure.axes
    marks = {
        line.get_label(): len(line.get_xdata()) for line in ax.lines if not line.get_label().startswith("_")
    }
    assert marks == {"not in this split": 2, "Rule Learning": 1, "Theory": 2}
    links = [line for line in ax.lines if line.get_label().startswith("_")]
    assert len(links) == 4, "each link once"


def drawn_nodes(figure):
    (ax,) = figure.axes
    return {
        line.get_label(): len(line.get_xdata()) for line in ax.lines if not line.get_label().startswith("_")
    }


def test_a_graph_is_drawn_whole_unless_a_split_is_asked_for():
    assert drawn_nodes(contact_sheet("karate")) == {"Mr. Hi": 17, "Officer": 17}
    assert drawn_nodes(contact_sheet("karate", "train")) == {
        "not in this split": 32,
        "Mr. Hi": 1,
        "Officer": 1,
    }
    found = drawn_nodes(contact_sheet("citations", classes=3))
    assert set(found) == {"field 1", "field 2", "field 3"}
    assert sum(found.values()) == 150


def test_classes_of_nodes_differ_in_colour_and_in_shape():
    (ax,) = contact_sheet("citations").axes
    marks = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert len({line.get_marker() for line in marks}) == len({line.get_color() for line in marks}) == 6


def test_of_a_large_graph_a_neighbourhood_is_drawn(monkeypatch):
    ring = [(node, (node + 1) % 1000) for node in range(1000)]
    loading(graph(1000, ring, list(range(1000)), [node % 2 for node in range(1000)]), monkeypatch)
    (ax,) = contact_sheet("anything").axes
    drawn = sum(len(line.get_xdata()) for line in ax.lines if not line.get_label().startswith("_"))
    assert drawn == 150
    assert sum(line.get_label().startswith("_") for line in ax.lines) == 149


@pytest.mark.parametrize("count", [0, -3, 2.0, True, "all"])
def test_a_bad_count_is_named(count):
    with pytest.raises(ValueError, match="count must be a whole number of at least 1, got"):
        contact_sheet("digits", count=count)


def test_bad_names_splits_and_options_are_named_as_by_load():
    with pytest.raises(ValueError, match="no data set called 'digitz', did you mean 'digits'"):
        contact_sheet("digitz")
    with pytest.raises(ValueError, match="split of 'digits' must be one of"):
        contact_sheet("digits", "tests")
    with pytest.raises(TypeError, match="'digits' has no option called 'size'"):
        contact_sheet("digits", size=3)


def test_what_nobody_can_draw_is_said(monkeypatch):
    loading(Dataset(torch.zeros(3, 7, 2, 2), torch.zeros(3)), monkeypatch)
    with pytest.raises(ValueError, match=r"no way to draw examples of shape \(7, 2, 2\), as in 'anything'"):
        contact_sheet("anything")
