import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.neighbors import KNeighborsClassifier

from course_lib import data
from course_lib.data import fonts
from course_lib.data.glyphs import FONTS, _Limits, _packed_masters, _sampled

SPLITS = ("train", "validation", "test")
PLAIN = {"shift": 0, "rotation": 0, "scale": 0, "shear": 0, "stroke": 0, "noise": 0}


def plain(split="train", **options):
    """Characters as they are in the fonts: upright, in the middle, sharp."""
    return data.load("glyphs", split, **{**PLAIN, **options})


# ---- what is drawn


def test_no_family_is_in_two_splits():
    families = {"train": "DejaVu", "validation": "STIX", "test": "cm"}
    assert FONTS.keys() == families.keys()
    for part, family in families.items():
        assert len(set(FONTS[part])) == len(FONTS[part])
        assert all(font.startswith(family) for font in FONTS[part])


def test_fonts_apart_means_pictures_apart():
    seen = {split: {x.numpy().tobytes() for x in plain(split, n=3000).x} for split in SPLITS}
    for split, number in {"train": 12, "validation": 4, "test": 4}.items():
        assert 0.8 * 62 * number < len(seen[split]) <= 62 * number, f"{split}: {len(seen[split])} pictures"
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]


@pytest.mark.parametrize("split", SPLITS)
def test_a_picture_shows_its_label(split):
    glyphs = plain(split, n=500)
    known, names = [], []
    for font in FONTS[split]:
        known += [ndimage.zoom(each.astype(float), 28 / 39.2, order=1) for each in fonts.masters(font)]
        names += list(fonts.CHARACTERS)
    side = known[0].shape[0]
    border = (28 - side) // 2
    known = np.stack(known).reshape(len(known), -1)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    for picture, label in zip(glyphs.x.numpy(), glyphs.y, strict=True):
        seen = picture[0, border : border + side, border : border + side].ravel()
        likeness = known @ seen / np.linalg.norm(seen)
        name = glyphs.classes[label]
        own = max(like for like, each in zip(likeness, names, strict=True) if each in {name, alike(name)})
        assert own > 0.93
        assert own > likeness.max() - 0.02, f"{name} looks more like {names[likeness.argmax()]}"


def alike(name):
    return name.lower() if name in "COSVWXZ" else name


def test_capitals_stand_for_small_letters_that_look_alike():
    names = data.load("glyphs").classes
    assert "".join(names) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijklmnpqrtuy"
    for capital in "CSX":  # both forms are there, and differ a little: in weight, in how round they are
        pictures = plain("test", n=3000).x[plain("test", n=3000).y == names.index(capital)]
        assert 4 < len({each.numpy().tobytes() for each in pictures}) <= 8, capital


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ("digits", "0123456789"),
        ("letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijklmnpqrtuy"),
        ("all", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijklmnpqrtuy"),
    ],
)
@pytest.mark.parametrize("n", [1, 99, 1000])
def test_every_class_comes_as_often_as_the_others(classes, names, n):
    glyphs = data.load("glyphs", n=n, classes=classes)
    assert "".join(glyphs.classes) == names
    counts = glyphs.y.bincount(minlength=len(names))
    assert counts.max() - counts.min() <= 1
    assert not torch.equal(glyphs.y, glyphs.y.sort().values) or n == 1


@pytest.mark.parametrize("size", [28, 32])
def test_characters_fill_as_much_of_the_picture_as_in_mnist(size):
    upright = plain(size=size, n=200).x[:, 0] > 0.3
    assert upright.shape[1:] == (size, size)
    for picture in upright:
        edges = [np.flatnonzero(picture.any(dim=axis))[[0, -1]] for axis in (0, 1)]
        longest = max(last + 1 - first for first, last in edges)
        assert abs(longest - size * 20 / 28) <= 1.6


# ---- how it is changed


def by_scipy(master, size, pose, limits):
    """One character in its pose, by matrices, an inverse and scipy's interpolation."""
    dx, dy, turn, grow, slant = pose
    angle = limits.rotation * turn
    rotate = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shear = np.array([[1, -limits.shear * slant], [0, 1]])
    forward = (20 / 28 * size / fonts.BOX) * (1 + limits.scale * grow) * rotate @ shear  # master to picture
    down, across = np.mgrid[:size, :size] + 0.5 - size / 2
    place = np.stack([across - limits.shift * dx, down - limits.shift * dy]).reshape(2, -1)
    x, y = np.linalg.inv(forward) @ place + fonts.SIDE / 2 - 0.5
    return ndimage.map_coordinates(master, [y, x], order=1).reshape(size, size)


@settings(max_examples=40)
@given(
    pose=st.tuples(*[st.floats(-1, 1) for _ in range(5)]),
    character=st.integers(0, 61),
    size=st.sampled_from([28, 32]),
    rotation=st.floats(0, 3.1),
    shear=st.floats(0, 0.5),
)
def test_poses_are_the_affine_maps_they_should_be(pose, character, size, rotation, shear):
    limits = _Limits(shift=3.0, rotation=rotation, scale=0.4, shear=shear, stroke=0.0, noise=0.0)
    packed = _packed_masters("test")
    found = _sampled(packed, np.array([character]), np.array(pose)[:, None], size, limits)[0]
    master = (packed.reshape(-1, fonts.SIDE, fonts.SIDE)[character] & 255) / 255
    assert np.abs(found - by_scipy(master, size, pose, limits)).max() < 0.02


def middles(glyphs):
    ink = glyphs.x[:, 0].double()
    at = torch.arange(ink.shape[1], dtype=torch.float64)
    total = ink.sum(dim=(1, 2))
    return torch.stack([(ink.sum(dim=axis) * at).sum(dim=1) / total for axis in (1, 2)], dim=1)


def test_shift_moves_by_that_many_pixels_at_most_in_every_direction():
    moved = middles(plain(n=2000, shift=3.0)) - middles(plain(n=2000))
    assert moved.abs().max() < 3.3, "thin strokes fall differently on the grid, but not by a third of a pixel"
    assert (moved.min(dim=0).values < -2.9).all()
    assert (moved.max(dim=0).values > 2.9).all()


def test_scale_changes_the_area():
    ratio = plain(n=2000, scale=0.3).x.sum(dim=(1, 2, 3)) / plain(n=2000).x.sum(dim=(1, 2, 3))
    assert 0.44 < ratio.min() < 0.6
    assert 1.5 < ratio.max() < 1.76


def test_stroke_moves_edges_by_less_than_half_a_pixel():
    thin, thick = plain(n=1000), plain(n=1000, stroke=1.0)
    down, across = thin.x.diff(dim=2)[..., 1:], thin.x.diff(dim=3)[..., 1:, :]
    edge = (down**2 + across**2).sqrt().sum(dim=(1, 2, 3))  # how long it is, in pixels
    moved = (thick.x - thin.x).sum(dim=(1, 2, 3)) / edge
    assert -0.42 < moved.min() < -0.25
    assert 0.25 < moved.max() < 0.42


def test_noise_has_the_deviation_asked_for():
    clean, noisy = plain(n=500), plain(n=500, noise=0.1)
    grey = (clean.x > 0.4) & (clean.x < 0.6)
    noise = (noisy.x - clean.x)[grey]
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 0.1) < 0.01


def test_one_option_leaves_the_other_changes_as_they_are():
    base = data.load("glyphs", n=50, noise=0)
    assert torch.equal(data.load("glyphs", n=50, noise=0.2).y, base.y)
    upright = data.load("glyphs", n=50, noise=0, rotation=0)
    assert torch.allclose(middles(upright), middles(base), atol=1.0)


def test_values_are_bytes_over_255():
    x = data.load("glyphs").x
    assert (x.min(), x.max()) == (0, 1)
    assert torch.equal((x * 255).round() / 255, x)


# ---- seeds and splits


def test_asking_for_more_keeps_the_first_ones():
    many = data.load("glyphs", n=700)
    for n in (1, 275, 276, 699):
        few = data.load("glyphs", n=n)
        assert torch.equal(few.x, many.x[:n])
        assert torch.equal(few.y, many.y[:n])


def test_splits_differ_in_more_than_their_fonts():
    labels = {tuple(data.load("glyphs", split, n=60).y.tolist()) for split in SPLITS}
    assert len(labels) == 3


def test_another_seed_gives_other_pictures():
    assert not torch.equal(data.load("glyphs", n=9).x, data.load("glyphs", n=9, seed=1).x)
    assert torch.equal(data.load("glyphs", n=9, seed=5).x, data.load("glyphs", n=9, seed=5).x)


# SHA-256 of the pictures as bytes: what a seed gives must not change with machines or versions.
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"classes": "digits", "size": 32, "n": 300},
            "adcce0240fb2cc3c6b7bdabaabe453d0ce5820bb81342dd1d352ca58319fdc60",
        ),
        (
            {"classes": "letters", "n": 300, "rotation": 180, "shear": 1, "scale": 0.9, "seed": 7},
            "cea5ce26ef14d91871e08e249b4b35a1384d98993a61989745f1a0a70889e014",
        ),
    ],
)
def test_the_bits_are_those_they_always_were(options, expected):
    glyphs = data.load("glyphs", "all", **options)
    pixels = (glyphs.x * 255).round().to(torch.uint8).numpy()
    assert hashlib.sha256(pixels.tobytes() + bytes(glyphs.y.tolist())).hexdigest() == expected


def test_what_is_learned_from_one_family_is_of_use_in_another():
    train, test = (data.load("glyphs", split, n=1500, classes="digits") for split in ("train", "test"))
    score = KNeighborsClassifier(3).fit(train.x.flatten(1), train.y).score(test.x.flatten(1), test.y)
    assert 0.85 < score < 0.98


def test_the_sheet_is_right_about_handwriting():
    printed, written = data.load("glyphs", n=8000, classes="digits"), data.load("digits", "all")
    small = torch.nn.functional.avg_pool2d(printed.x[:, :, 2:26, 2:26], 3).flatten(1)
    score = KNeighborsClassifier(1).fit(small, printed.y).score(written.x.flatten(1), written.y)
    assert 0.62 < score < 0.72


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("classes", "greek", "classes must be one of 'all', 'digits', 'letters'; got 'greek'"),
        ("classes", None, "classes must be one of .* got None"),
        ("classes", ["digits"], "classes must be one of"),
        ("size", 64, "size must be one of 28, 32; got 64"),
        ("size", "28", "size must be one of 28, 32; got '28'"),
        ("shift", -1, "shift must be at least 0, got -1"),
        ("shift", 29, "shift must be at most 28, got 29"),
        ("rotation", 181, "rotation must be at most 180, got 181"),
        ("rotation", float("nan"), "rotation must be a finite number, got nan"),
        ("scale", 0.91, "scale must be at most 0.9, got 0.91"),
        ("scale", -0.1, "scale must be at least 0, got -0.1"),
        ("shear", 1.1, "shear must be at most 1, got 1.1"),
        ("shear", "much", "shear must be a finite number, got 'much'"),
        ("stroke", 1.01, "stroke must be at most 1, got 1.01"),
        ("noise", float("inf"), "noise must be a finite number, got inf"),
    ],
)
def test_a_bad_value_is_named(option, value, message):
    with pytest.raises(ValueError, match=message):
        data.load("glyphs", **{option: value})


def test_the_largest_changes_still_make_pictures():
    options = {"shift": 32, "rotation": 180, "scale": 0.9, "shear": 1, "stroke": 1, "noise": 10}
    with np.errstate(all="raise"):
        wild = data.load("glyphs", n=500, size=32, **options)
    assert (wild.x.min(), wild.x.max()) == (0, 1)
