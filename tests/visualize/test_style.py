import importlib
import io
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba
from PIL import Image

from course_lib import visualize
from course_lib.visualize import style, use_style

PHONE = 390 - 32  # CSS pixels a figure has on a phone: the screen less the page's margins
# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# 2009: full strength, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color):
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(color, blindness):
    """CIE L*a*b* of a colour as seen with a colour vision deficiency."""
    seen = np.clip(np.array(BLINDNESS[blindness]) @ linear(color), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(first, second, blindness):
    return float(np.linalg.norm(lab(first, blindness) - lab(second, blindness)))


def test_contrast_is_that_of_the_guidelines():
    assert style.contrast("white", "black") == pytest.approx(21)
    assert style.contrast("black", "white") == pytest.approx(21)
    assert style.contrast("#777777", "#ffffff") == pytest.approx(
        4.478, abs=1e-3
    )  # a known pair, just too faint
    assert style.contrast("red", "red") == 1


def test_ink_is_legible_on_paper():
    assert style.contrast(style.INK, style.PAPER) > 7
    assert style.contrast(style.FAINT_INK, style.PAPER) > 4.5


def test_everything_written_is_in_a_legible_ink():
    for name, value in mpl.rcParams.items():
        if name in (
            "text.color",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.labelcolor",
            "ytick.labelcolor",
        ):
            assert style.contrast(value, style.PAPER) > 7, name


def test_the_card_is_opaque_and_light():
    for name in ("figure.facecolor", "savefig.facecolor", "axes.facecolor"):
        assert to_rgba(mpl.rcParams[name])[3] == 1.0, name
        assert style.contrast(mpl.rcParams[name], "black") > 18, name
    assert mpl.rcParams["savefig.transparent"] is False


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_line_colours_differ_under_colour_blindness(blindness):
    for first, second in itertools.combinations(style.CYCLE, 2):
        assert difference(first, second, blindness) > 10, f"{first} and {second} look alike: {blindness}"


def test_first_line_colours_stand_out_from_the_paper():
    assert all(style.contrast(color, style.PAPER) > 2.9 for color in style.CYCLE[:5])


def test_colour_never_stands_alone():
    entries = list(mpl.rcParams["axes.prop_cycle"])
    assert len({entry["color"] for entry in entries}) == len(entries) == 6
    assert len({str(entry["linestyle"]) for entry in entries}) == 6
    assert len(set(style.MARKERS)) == len(style.MARKERS) >= 10
    assert len(set(style.HATCHES)) == len(style.HATCHES) >= 10


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_signs_of_the_diverging_map_differ_under_colour_blindness(blindness):
    colors = mpl.colormaps[style.DIVERGING]
    for share in (0.1, 0.25):
        assert difference(colors(0.5 - share)[:3], colors(0.5 + share)[:3], blindness) > 15, (
            f"{blindness}, {share}"
        )
    assert style.contrast(mpl.colors.to_hex(colors(0.5)), "white") < 1.1, "zero is not white"


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_sequential_map_grows_lighter_all_the_way(blindness):
    lightness = [lab(mpl.colormaps[style.SEQUENTIAL](x)[:3], blindness)[0] for x in np.linspace(0, 1, 50)]
    assert (np.diff(lightness) > 0).all(), blindness
    assert lightness[-1] - lightness[0] > 60


def test_text_is_legible_on_a_phone():
    pixels_per_point = PHONE / style.WIDTH / 72
    sizes = {
        name: mpl.rcParams[name]
        for name in ("xtick.labelsize", "legend.fontsize", "axes.labelsize", "font.size")
    }
    assert all(size * pixels_per_point >= 9 for size in sizes.values()), sizes


def test_use_style_and_importing_visualize_set_the_style():
    for set_style in (use_style, lambda: importlib.reload(visualize)):
        mpl.rcdefaults()
        assert mpl.rcParams["figure.facecolor"] != style.PAPER
        set_style()
        assert mpl.rcParams["figure.facecolor"] == style.PAPER
        assert mpl.rcParams["figure.constrained_layout.use"] is True
        assert [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]] == style.CYCLE


def png():
    figure, ax = plt.subplots()
    for slope in range(6):
        ax.plot([0, 1, 2], [slope, slope + 1, slope], label=f"slope {slope}")
    ax.set(xlabel="epoch", ylabel="loss", title="Title")
    ax.legend()
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def test_figures_are_small_opaque_and_repeatable():
    first = png()
    assert first == png()
    assert len(first) < 80_000
    picture = Image.open(io.BytesIO(first)).convert("RGBA")
    assert picture.width == round(style.WIDTH * 130)
    assert picture.getextrema()[3] == (255, 255), "the picture is transparent somewhere"


def test_tint_goes_from_paper_to_the_colour():
    assert style.tint("#000000", 0) == pytest.approx(to_rgb(style.PAPER))
    assert style.tint("#0072B2", 1) == pytest.approx(to_rgb("#0072B2"))
