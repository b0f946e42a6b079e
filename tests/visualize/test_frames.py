import base64
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from course_lib.visualize import PAPER, curves, decision_regions, image_grid
from course_lib.visualize import frames as module
from course_lib.visualize.frames import align, draw_figure, make_frames, own_figures


def picture(address):
    """The picture in a data address, as an array (h, w, 3)."""
    head, data = address.split(",")
    assert head == "data:image/webp;base64"
    opened = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert opened.format == "WEBP"
    return np.asarray(opened.convert("RGB"))


def line(slope):
    figure, ax = plt.subplots()
    ax.plot([0, 1], [0, slope])
    ax.set(xlim=(0, 1), ylim=(-3, 3))
    return figure


def settings(*slopes):
    return [{"slope": slope} for slope in slopes]


def test_one_picture_for_each_setting():
    frames = make_frames(line, settings(-1, 0, 1))
    pictures = [picture(address) for address in frames.addresses]
    assert {p.shape for p in pictures} == {(frames.height, frames.width, 3)} == {(374, 594, 3)}
    assert not np.array_equal(pictures[0], pictures[2])


def test_the_same_drawing_gives_the_same_text():
    assert make_frames(line, settings(1, 2)) == make_frames(line, settings(1, 2))


def test_fewer_colours_leave_the_paper_and_the_shapes_as_they_are():
    figure = line(1.0)
    figure.set_dpi(module.DPI)
    expected = np.asarray(module._pixels(figure), dtype=int)
    for colors in module.PALETTES:
        found = picture(module._encode(Image.fromarray(expected.astype(np.uint8)), colors)).astype(int)
        assert np.abs(found - expected).mean() < 1.0, colors
        assert np.allclose(found[2, 2], 255 * np.array(to_rgb(PAPER)), atol=1), colors


def test_what_draw_may_return():
    def nothing(slope):
        plt.plot([0, 1], [0, slope])

    def axes(slope):
        return line(slope).axes[0]

    def several_axes(slope):
        return plt.subplots(1, 2)[1]

    with own_figures():
        for draw in (nothing, axes, several_axes, line):
            figure = draw_figure(draw, {"slope": 1})
            assert isinstance(figure, mpl.figure.Figure)
            assert len(figure.axes) == (2 if draw is several_axes else 1)


def test_no_figure_is_left_and_figures_of_others_stay():
    mine = plt.figure()
    make_frames(line, settings(1, 2))
    assert plt.get_fignums() == [mine.number]
    with pytest.raises(ZeroDivisionError):
        make_frames(lambda slope: 1 / 0, settings(1))
    assert plt.get_fignums() == [mine.number]


@pytest.mark.filterwarnings("error")
def test_many_frames_raise_no_warning_and_leave_the_settings():
    before = dict(mpl.rcParams)
    make_frames(lambda slope: plt.figure(figsize=(1, 1)), settings(*range(25)))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("draw", "kind", "message"),
    [
        (lambda slope: "picture", TypeError, "draw must return a matplotlib figure, axes or None, got str"),
        (lambda slope: plt.close(), ValueError, "should not call plt.show"),
        (
            lambda slope: plt.figure(figsize=(2 + slope, 2)),
            ValueError,
            r"figures of one size; it made \[\(330, 220\)",
        ),
    ],
)
def test_bad_drawings_are_explained(draw, kind, message):
    with pytest.raises(kind, match=message):
        make_frames(draw, settings(1, 2))


def test_one_figure_drawn_over_and_over_is_refused():
    figure = plt.figure()
    with pytest.raises(ValueError, match="draw must make a new figure for every frame"):
        make_frames(lambda slope: figure, settings(1, 2))


# Layout


def frame_of_axes(figure):
    figure.canvas.draw()
    return [np.round(ax.get_position().extents, 9).tolist() for ax in figure.axes]


def labelled(slope):
    """A drawing whose labels grow, so that its own layout would move the axes."""
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([0, 1], [0, 10**slope])
    picture = right.imshow([[0, 10**slope]])
    figure.colorbar(picture, ax=right)
    left.set_title("Title" if slope > 3 else "")
    return figure


def test_axes_stay_in_place_though_labels_grow():
    figures = [labelled(slope) for slope in (0, 3, 6)]
    alone = [frame_of_axes(figure) for figure in figures]
    assert alone[0] != alone[2], "the drawings of this test do not move, so that it proves nothing"
    figures = [labelled(slope) for slope in (0, 3, 6)]
    align(figures)
    together = [frame_of_axes(figure) for figure in figures]
    assert together[0] == together[1] == together[2]


def test_labels_stay_inside_though_axes_are_aligned():
    figures = [labelled(slope) for slope in (0, 3, 6)]
    align(figures)
    for figure in figures:
        figure.canvas.draw()
        box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.get_figwidth()
        assert box.y1 <= figure.get_figheight()


def test_frames_show_axes_in_one_place():
    def growing(slope):
        ax = plt.subplots()[1]
        ax.set(ylim=(0, 10**slope))
        return ax

    addresses = make_frames(growing, settings(0, 4, 8)).addresses
    spines = [int((picture(address).mean(axis=2) < 150).sum(axis=0).argmax()) for address in addresses]
    assert spines[0] == spines[1] == spines[2], "the vertical axis jumps"


def test_different_numbers_of_axes_are_left_alone():
    figures = [plt.subplots(1, count)[0] for count in (1, 2)]
    align(figures)
    assert all(figure.get_layout_engine() is not None for figure in figures)


# Weight

CLOUDS = np.random.default_rng(0).normal(size=(60, 2))
LABELS = (CLOUDS[:, 0] > 0).astype(int)
GRID = np.stack(np.meshgrid(np.linspace(-2, 2, 100), np.linspace(-2, 2, 100)))


def regions(slope):
    return decision_regions(lambda p: p[:, 0] > slope * p[:, 1], CLOUDS, LABELS, resolution=100)


def bowl(slope):
    figure, ax = plt.subplots()
    ax.contourf(*GRID, GRID[0] ** 2 + slope * GRID[1] ** 2, levels=30)
    return figure


def several_curves(slope):
    steps = np.arange(1, 31)
    return curves({str(i): np.exp(-slope * i * steps / 30) for i in range(1, 5)})


def weights_of_units(slope):
    return image_grid(
        np.random.default_rng(round(slope * 10)).normal(size=(10, 8, 8)), columns=5, diverging=True
    )


@pytest.mark.parametrize("draw", [regions, bowl, several_curves, weights_of_units])
def test_forty_frames_are_under_four_hundred_kilobytes(draw):
    frames = make_frames(draw, settings(*np.linspace(0.1, 2, 3)))
    weight = sum(map(len, frames.addresses)) / 3
    lightest = sum(len(module._encode(Image.fromarray(picture(a)), 32)) for a in frames.addresses) / 3
    assert 40 * min(weight, lightest) < 400_000, f"{draw.__name__}: {weight / 1000:.1f} kB a frame"


def test_heavy_frames_get_fewer_colours(monkeypatch):
    monkeypatch.setattr(module, "LIGHT", 40_000)
    monkeypatch.setattr(module, "HEAVY", 10**9)
    frames = make_frames(regions, settings(*np.linspace(0.1, 2, 5)))
    assert sum(map(len, frames.addresses)) < 60_000
    assert len(np.unique(picture(frames.addresses[0]).reshape(-1, 3), axis=0)) < 200


def test_too_heavy_frames_are_refused(monkeypatch):
    monkeypatch.setattr(module, "LIGHT", 1_000)
    monkeypatch.setattr(module, "HEAVY", 9_000)
    with pytest.raises(ValueError, match=r"the 2 frames weigh \d+ kB, more than the 9 kB a page may carry"):
        make_frames(regions, settings(0.1, 0.2))
