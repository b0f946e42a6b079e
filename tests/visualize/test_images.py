import numpy as np
import pytest
import torch

from course_lib.visualize import DIVERGING, image_grid

GREY = np.arange(5 * 4 * 3, dtype=float).reshape(5, 4, 3)


def shown(axes):
    return [np.asarray(ax.images[0].get_array()) for ax in axes.flat if ax.images]


@pytest.mark.parametrize(
    "images",
    [
        GREY,
        GREY[:, None],
        torch.tensor(GREY),
        torch.tensor(GREY[:, None], requires_grad=True),
        list(GREY),
        [torch.tensor(image) for image in GREY],
    ],
    ids=["array", "with channel", "tensor", "with gradient", "list", "list of tensors"],
)
def test_grey_pictures_of_any_kind(images):
    axes = image_grid(images, columns=3)
    assert axes.shape == (2, 3)
    assert np.array_equal(shown(axes), GREY)
    assert not axes[1, 2].images
    assert not axes[1, 2].axison


@pytest.mark.parametrize("layout", ["channels first", "channels last", "three high and wide"])
def test_colour_pictures(layout):
    colour = np.random.default_rng(0).random(
        (2, 3, 3 if "three" in layout else 6, 5 if "three" not in layout else 7)
    )
    given = colour.transpose(0, 2, 3, 1) if layout == "channels last" else colour
    assert np.array_equal(shown(image_grid(given)), colour.transpose(0, 2, 3, 1))


def test_bytes_stay_bytes():
    colour = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
    assert shown(image_grid(colour))[0].dtype == np.uint8


def test_all_are_on_one_scale():
    axes = image_grid(GREY)
    assert {ax.images[0].get_clim() for ax in axes.flat} == {(0.0, 59.0)}
    axes = image_grid(GREY, limits=(0, 255))
    assert {ax.images[0].get_clim() for ax in axes.flat} == {(0, 255)}


def test_a_single_grey_level_has_a_scale_too():
    assert image_grid(np.ones((1, 2, 2)))[0, 0].images[0].get_clim() == (1.0, 2.0)


def test_weights_are_centred_at_zero_with_a_colour_bar():
    axes = image_grid(GREY - 10, diverging=True)
    picture = axes[0, 0].images[0]
    assert picture.get_clim() == (-49.0, 49.0)
    assert picture.get_cmap().name == DIVERGING
    assert len(axes[0, 0].figure.axes) == axes.size + 1
    assert image_grid(np.zeros((2, 3, 3)), diverging=True)[0, 0].images[0].get_clim() == (-1.0, 1.0)


def test_colour_bar_on_request():
    axes = image_grid(GREY, color_bar=True)
    assert len(axes[0, 0].figure.axes) == axes.size + 1
    axes = image_grid(GREY, diverging=True, color_bar=False)
    assert len(axes[0, 0].figure.axes) == axes.size


def test_titles_are_above_their_pictures():
    for labels in (range(5), np.arange(5), torch.arange(5)):
        axes = image_grid(GREY, titles=labels)
        assert [ax.get_title() for ax in axes.flat] == ["0", "1", "2", "3", "4"]
    axes = image_grid(GREY, titles=["a", "b", "c", "d", "e"], columns=2)
    assert [ax.get_title() for ax in axes.flat] == ["a", "b", "c", "d", "e", ""]


def test_at_most_eight_a_row():
    assert image_grid(np.zeros((20, 2, 2))).shape == (3, 8)
    assert image_grid(np.zeros((3, 2, 2))).shape == (1, 3)


@pytest.mark.parametrize("count", [1, 4, 16, 40])
def test_figures_waste_no_height(count):
    axes = image_grid(np.zeros((count, 8, 8)), titles=range(count))
    figure = axes[0, 0].figure
    figure.canvas.draw()
    boxes = [ax.get_tightbbox() for ax in axes.flat if ax.images]
    used = max(box.y1 for box in boxes) - min(box.y0 for box in boxes)
    assert used > 0.8 * figure.bbox.height, f"{used / figure.bbox.height:.0%} of the height is used"


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((0, 2, 2)), {}, "there are no images"),
        ([], {}, "there are no images"),
        (np.zeros((2, 2)), {}, r"images must be .*got \(2, 2\)"),
        (np.zeros((2, 4, 5, 6)), {}, r"images must be .*got \(2, 4, 5, 6\)"),
        (GREY, {"titles": ["a"]}, "there are 5 images and 1 titles"),
        (GREY, {"columns": 0}, "columns must be at least 1, got 0"),
        (np.zeros((1, 3, 4, 4)), {"diverging": True}, "colour pictures have no scale"),
        (np.full((1, 2, 2), np.nan), {}, "the images hold no finite number"),
    ],
)
def test_bad_arguments_are_explained(images, options, message):
    with pytest.raises(ValueError, match=message):
        image_grid(images, **options)
