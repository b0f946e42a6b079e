import hashlib
import logging
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from course_lib.data import fonts
from course_lib.data.fonts import BOX, CHARACTERS, SIDE, filled, masters
from course_lib.data.glyphs import FONTS

EVERY_FONT = [font for part in FONTS.values() for font in part]


def polygon(*points):
    """Straight pieces (n, 2, 2) around a polygon."""
    corners = np.array(points, float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def by_freetype(font, character):
    """The character as FreeType draws it, large, fitted into the box like a master, and averaged."""
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    canvas = Image.new("L", (1600, 1600))
    ImageDraw.Draw(canvas).text((400, 200), character, font=ImageFont.truetype(str(path), 800), fill=255)
    left, top, right, bottom = canvas.getbbox()
    scale = 16 * BOX / max(right - left, bottom - top)
    size = (round((right - left) * scale), round((bottom - top) * scale))
    large = Image.new("L", (16 * SIDE, 16 * SIDE))
    glyph = canvas.crop((left, top, right, bottom)).resize(size, Image.Resampling.BILINEAR)
    large.paste(glyph, ((16 * SIDE - size[0]) // 2, (16 * SIDE - size[1]) // 2))
    return np.asarray(large, float).reshape(SIDE, 16, SIDE, 16).mean(axis=(1, 3))


@pytest.mark.parametrize("font", EVERY_FONT)
def test_characters_look_as_freetype_draws_them(font):
    for character in "08AaBgIijklMQRWxy":
        found = masters(font)[CHARACTERS.index(character)].astype(float)
        expected = by_freetype(font, character)
        overlap = np.minimum(found, expected).sum() / np.maximum(found, expected).sum()
        assert overlap > 0.88, f"{font} {character}: {overlap:.2f}"


@pytest.mark.parametrize("font", EVERY_FONT)
def test_characters_fill_the_box_and_nothing_beyond(font):
    found = masters(font)
    assert found.shape == (len(CHARACTERS), SIDE, SIDE) == (62, SIDE, SIDE)
    assert found.dtype == np.uint8
    margin = (SIDE - BOX) // 2
    inside = found[:, margin:-margin, margin:-margin].sum(axis=(1, 2), dtype=int)
    assert (found.sum(axis=(1, 2), dtype=int) == inside).all()
    for character, picture in zip(CHARACTERS, found, strict=True):
        edges = [np.flatnonzero(picture.any(axis=axis))[[0, -1]] for axis in (1, 0)]
        longest = max(last + 1 - first for first, last in edges)
        assert BOX - 1 <= longest <= BOX, (
            f"{character} is {longest} long"
        )  # a sharp tip may be too faint to see
        assert all(abs(first + last + 1 - SIDE) <= 2 for first, last in edges), (
            f"{character} is off the middle"
        )
    assert (found.max(axis=(1, 2)) > 200).all()


def test_characters_of_a_font_differ():
    found = {each.tobytes() for each in masters("DejaVuSans")}
    assert len(found) == 62


def test_coverage_of_a_rectangle_is_exact_along_lines_and_to_a_quarter_across():
    ink = filled(polygon((2.25, 3), (6.5, 3), (6.5, 5.5), (2.25, 5.5)))
    rows = [SIDE - 1 - y for y in (3, 4, 5)]
    assert ink.sum() == ink[rows][:, 2:7].sum(), "ink outside the rectangle"
    covered = np.array([0.75, 1, 1, 1, 0.5])
    for row, share in zip(rows, (1, 1, 0.5), strict=True):
        assert np.abs(ink[row, 2:7] - 255 * share * covered).max() <= 0.5


def test_holes_are_empty_whichever_way_the_outline_runs():
    outer = polygon((4, 4), (20, 4), (20, 20), (4, 20))
    hole = polygon((8, 8), (8, 16), (16, 16), (16, 8))
    ring = filled(np.concatenate([outer, hole]))
    assert ring[SIDE - 13, 12] == 0
    assert ring[SIDE - 6, 12] == 255
    assert np.array_equal(filled(np.concatenate([outer, hole])[:, ::-1]), ring)


def test_a_triangle_has_its_area():
    ink = filled(polygon((3, 3), (30, 5), (11, 31)))
    area = abs((30 - 3) * (31 - 3) - (11 - 3) * (5 - 3)) / 2
    assert abs(ink.sum() / 255 - area) < 0.5


def test_a_contour_may_start_off_its_curve_and_have_corners_left_out():
    # A circle as TrueType likes it: control points only, with the points of the curve halfway between them.
    control = np.array([(10, 10), (26, 10), (26, 26), (10, 26)], float)
    pieces = fonts._contour(control, np.zeros(4, bool))
    on_curve = {tuple(point) for point in pieces[:, 0]}
    assert {(18, 10), (26, 18), (18, 26), (10, 18)} <= on_curve
    starts, ends = (sorted(map(tuple, pieces[:, end])) for end in (0, 1))
    assert starts == ends, "the contour is not closed"
    distances = np.hypot(*(pieces[:, 0] - 18).T)
    assert distances.min() > 7.9
    assert distances.max() < 8.6


def test_masters_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        masters("cmr10")[0, 0, 0] = 1


def test_reading_fonts_leaves_no_warning_and_no_trace(caplog):
    logger = logging.getLogger("fontTools.ttLib.tables._h_e_a_d")
    masters.cache_clear()
    with caplog.at_level(logging.DEBUG):
        masters("cmr10")
    assert not [record for record in caplog.records if "timestamp" in record.getMessage()]
    assert not logger.disabled


def test_a_font_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="Comic"):
        masters("Comic")


def test_the_bits_are_those_they_always_were():
    found = hashlib.sha256(b"".join(masters(font).tobytes() for font in EVERY_FONT)).hexdigest()
    assert found == "8c5b385e94ac31b45a0f9cc9ebecb360888bab21082695724639900f455b4517"
