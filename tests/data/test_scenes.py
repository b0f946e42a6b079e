import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from course_lib import data
from course_lib.data.shapes import AREAS, SHAPES


def every_object(scenes):
    """Each object's row, box, label and mask."""
    for row, target in enumerate(scenes.targets()):
        for box, label, mask in zip(*target.values(), strict=True):
            yield row, box, int(label), mask.bool()


# ---- the truth about each picture


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 70),
    size=st.sampled_from([32, 48, 64, 100]),
    objects=st.integers(1, 9),
    clutter=st.integers(0, 12),
    noise=st.floats(0, 0.3),
    seed=st.integers(0, 2**63),
    split=st.sampled_from(["train", "validation", "test"]),
)
def test_boxes_labels_masks_and_class_maps_agree(n, size, objects, clutter, noise, seed, split):
    scenes = data.load(
        "scenes", split, n=n, size=size, objects=objects, clutter=clutter, noise=noise, seed=seed
    )
    assert scenes.x.shape == (n, 3, size, size)
    assert scenes.boxes.shape == (n, objects, 4)
    count = (scenes.labels > 0).sum(dim=1)
    assert ((count >= 1) & (count <= objects)).all()
    assert torch.equal(count, scenes.instances.flatten(1).max(dim=1).values.long())
    for row in range(n):
        beyond = int(count[row])
        assert not scenes.labels[row, beyond:].any(), "padding stands before an object"
        assert not scenes.boxes[row, beyond:].any()
    painted = torch.zeros_like(scenes.y)
    for row, box, label, mask in every_object(scenes):
        rows, columns = np.flatnonzero(mask.any(dim=1)), np.flatnonzero(mask.any(dim=0))
        assert box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        assert 1 <= label <= len(SHAPES)
        painted[row][mask] = label
    assert torch.equal(painted, scenes.y)


def test_no_object_is_a_sliver():
    crowded = data.load("scenes", n=600, objects=12)
    smallest = 0.3 * AREAS * (0.1 * 64) ** 2  # of the smallest shape of each class
    hidden = 0
    for _, _, label, mask in every_object(crowded):
        assert mask.sum() >= smallest[label - 1]
        hidden += int(mask.sum()) < 0.8 * AREAS[label - 1] * (0.1 * 64) ** 2
    assert hidden > 50, "the rule should have something to do"


def test_alone_and_away_from_the_edge_a_mask_is_the_whole_shape():
    scenes = data.load("scenes", n=600, objects=1)
    whole = dict.fromkeys(range(1, 7), 0)
    for _, box, label, mask in every_object(scenes):
        if box[:2].min() <= 0 or box[2:].max() >= 64:
            continue
        whole[label] += 1
        area = float(mask.sum()) / AREAS[label - 1] / 64**2
        assert 0.1**2 * 0.85 < area < 0.2**2 * 1.15
        stretch = float((box[2] - box[0]) / (box[3] - box[1]))
        assert 0.55 < stretch < 1.8
        pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
        largest = np.bincount(pieces[mask]).max()
        assert count == 1 or largest >= mask.sum() - 3, "more than the pixels of thin tips came off"
        assert np.array_equal(ndimage.binary_fill_holes(mask), mask) == (SHAPES[label - 1] != "ring")
    assert min(whole.values()) > 30


def test_numbers_of_objects_and_classes_are_even():
    scenes = data.load("scenes", n=3000, objects=4)
    counts = (scenes.labels > 0).sum(dim=1).bincount(minlength=5)[1:] / 3000
    assert ((counts - 0.25).abs() < 0.05).all(), counts
    shares = scenes.labels[scenes.labels > 0].bincount(minlength=7)[1:] / (scenes.labels > 0).sum()
    assert ((shares - 1 / 6).abs() < 0.02).all(), shares


def test_objects_hide_each_other():
    scenes = data.load("scenes", n=300)
    touching = 0
    for boxes, labels in zip(scenes.boxes, scenes.labels, strict=True):
        boxes = boxes[labels > 0]
        low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        touching += bool(((high > low).all(dim=2).sum(dim=1) > 1).any())
    assert touching > 100


# ---- the pictures


def test_objects_stand_out_from_the_ground_where_the_masks_say():
    scenes = data.load("scenes", n=300, objects=1, clutter=0, noise=0)
    for row, _, _, mask in every_object(scenes):
        inside = torch.from_numpy(ndimage.binary_erosion(mask, iterations=2))
        beside = torch.from_numpy(ndimage.binary_dilation(mask, iterations=4)) & ~torch.from_numpy(
            ndimage.binary_dilation(mask, iterations=2)
        )
        if inside.sum() < 3:
            continue
        apart = (scenes.x[row][:, inside].mean(dim=1) - scenes.x[row][:, beside].mean(dim=1)).abs()
        assert apart.max() > 0.15, f"picture {row}: the object does not stand out"


def test_without_noise_most_pixels_inside_an_object_change_slowly_and_edges_are_soft():
    scenes = data.load("scenes", n=50, objects=1, clutter=0, noise=0)
    soft = 0
    for row, _, label, mask in every_object(scenes):
        if SHAPES[label - 1] != "circle":
            continue
        edge = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask)
        values = scenes.x[row][:, torch.from_numpy(edge)]
        soft += len(torch.unique(values.round(decimals=2), dim=1).T) > 15
    assert soft >= 3


def test_clutter_lies_under_the_objects_and_belongs_to_no_class():
    def steepest(scenes, where):
        down, across = scenes.x.diff(dim=2).abs().amax(dim=1), scenes.x.diff(dim=3).abs().amax(dim=1)
        return max(float(down[where[:, 1:]].max()), float(across[where[:, :, 1:]].max()))

    for clutter in (0, 60):
        scenes = data.load("scenes", n=64, objects=1, clutter=clutter, noise=0)
        inside = ndimage.binary_erosion(scenes.y > 0, structure=np.ones((1, 5, 5)))
        outside = ~ndimage.binary_dilation(scenes.y > 0, structure=np.ones((1, 7, 7)))
        assert steepest(scenes, torch.from_numpy(inside)) < 0.03
        assert (steepest(scenes, torch.from_numpy(outside)) > 0.4) == bool(clutter)
        assert (scenes.y.flatten(1).amax(dim=1) == scenes.labels[:, 0]).all()


def test_noise_has_the_deviation_asked_for():
    clean, noisy = (data.load("scenes", n=64, noise=noise) for noise in (0.0, 0.05))
    assert torch.equal(clean.instances, noisy.instances)
    grey = (clean.x > 0.3) & (clean.x < 0.7)
    noise = (noisy.x - clean.x)[grey]
    assert abs(noise.mean()) < 0.001
    assert abs(noise.std() - 0.05) < 0.002


def test_values_are_bytes_over_255():
    x = data.load("scenes", n=64).x
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal((x * 255).round() / 255, x)


def test_colour_says_nothing_of_the_class():
    scenes = data.load("scenes", n=600, objects=1, clutter=0)
    color = torch.stack([scenes.x[row][:, mask].mean(dim=1) for row, _, _, mask in every_object(scenes)])
    labels = scenes.labels[:, 0]
    score = LogisticRegression(max_iter=1000).fit(color[:400], labels[:400]).score(color[400:], labels[400:])
    assert score < 1 / 6 + 0.1


# ---- seeds and splits


def test_asking_for_more_keeps_the_first_ones():
    many = data.load("scenes", n=150)
    for n in (1, 64, 65, 149):
        few = data.load("scenes", n=n)
        for part in ("x", "y", "boxes", "labels", "instances"):
            assert torch.equal(getattr(few, part), getattr(many, part)[:n]), f"{part} of the first {n}"


def test_splits_and_seeds_share_no_picture():
    seen = set()
    for seed in range(3):
        for split in ("train", "validation", "test"):
            part = {x.numpy().tobytes() for x in data.load("scenes", split, n=70, seed=seed).x}
            assert not seen & part
            seen |= part
    assert len(seen) == 9 * 70


def test_all_is_the_three_one_after_the_other():
    together = data.load("scenes", "all", n=30)
    parts = [data.load("scenes", split, n=30) for split in ("train", "validation", "test")]
    for name in ("x", "y", "boxes", "labels", "instances"):
        assert torch.equal(getattr(together, name), torch.cat([getattr(part, name) for part in parts]))


# SHA-256 of all that there is: what a seed gives must not change with machines or versions.
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n": 100}, "b0d3c656b2640cd4f95ef5bd7493d8b14f7c0f3b0b230182f56479b2f671bce3"),
        (
            {"n": 30, "size": 96, "objects": 9, "clutter": 3, "noise": 0.1, "seed": 7},
            "57f88116ca93a973ede824cffafe31ad72a5ba0d6e1facde1098182812bdeda3",
        ),
    ],
)
def test_the_bits_are_those_they_always_were(options, expected):
    scenes = data.load("scenes", "all", **options)
    found = hashlib.sha256((scenes.x * 255).round().to(torch.uint8).numpy().tobytes())
    for tensor in (scenes.y, scenes.boxes, scenes.labels, scenes.instances):
        array = tensor.numpy()
        found.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    assert found.hexdigest() == expected


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("size", 31, "size must be a whole number of at least 32, got 31"),
        ("size", 257, "size must be at most 256, got 257"),
        ("size", 64.0, "size must be a whole number of at least 32, got 64.0"),
        ("objects", 0, "objects must be a whole number of at least 1, got 0"),
        ("objects", 21, "objects must be at most 20, got 21"),
        ("clutter", -1, "clutter must be a whole number of at least 0, got -1"),
        ("clutter", None, "clutter must be a whole number of at least 0, got None"),
        ("noise", -0.1, "noise must be at least 0, got -0.1"),
        ("noise", "some", "noise must be a finite number, got 'some'"),
    ],
)
def test_a_bad_value_is_named(option, value, message):
    with pytest.raises(ValueError, match=message):
        data.load("scenes", **{option: value})


def test_the_extremes_of_the_options_work():
    with np.errstate(all="raise"):
        assert data.load("scenes", n=2, size=256).x.shape == (2, 3, 256, 256)
        assert data.load("scenes", n=2, size=32, objects=20, clutter=60).labels.shape == (2, 20)
