"""Selective search against its reference, the paper's properties, and pictures whose objects are known."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color, data

from course_lib import data as course_data
from course_lib.reference import selective_search as ref
from course_lib.vision import region_descriptors
from course_lib.vision.selective_search import MEASURES, merge_regions, selective_search


def cat(step=4):
    return torch.from_numpy(data.chelsea()[::step, ::step].transpose(2, 0, 1).copy())


def numpy_of(image):
    return image.permute(1, 2, 0).numpy() / 255


segmentations = st.integers(0, 2**32 - 1).map(
    lambda seed: np.unique(
        np.kron(np.random.default_rng(seed).integers(0, 6, (3, 4)), np.ones((3, 2), dtype=int)),
        return_inverse=True,
    )[1].reshape(9, 8)
)


@given(segments=segmentations, seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_descriptors_agree_with_counting_one_region_at_a_time(segments, seed):
    image = np.random.default_rng(seed).random((*segments.shape, 3))
    got = region_descriptors.describe(image, segments)
    pairs = set()
    for r in range(segments.max() + 1):
        mask = segments == r
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert got.sizes[r] == mask.sum(), f"size of region {r}"
        assert got.boxes[r].tolist() == box, f"box of region {r}"
        np.testing.assert_allclose(got.colour[r], ref.colour_histogram(image[mask]), err_msg=f"region {r}")
        for y, x in zip(rows, columns, strict=True):
            for other in (segments[y : y + 2, x].max(), segments[y, x : x + 2].max()):
                pairs |= {(min(r, other), max(r, other))} if other != r else set()
            for other in (segments[y : y + 2, x].min(), segments[y, x : x + 2].min()):
                pairs |= {(min(r, other), max(r, other))} if other != r else set()
    assert {tuple(pair) for pair in got.pairs.tolist()} == pairs
    np.testing.assert_allclose(got.texture.sum(axis=1), 1)


@pytest.mark.parametrize("angle", [0, 45, 90, 135, 180, 225, 270, 315])
def test_texture_tells_the_directions_of_a_ramp_apart(angle):
    y, x = np.mgrid[:40, :40] / 40
    ramp = 0.5 + 0.2 * (np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y)
    middle = np.zeros((40, 40), dtype=int)
    middle[10:30, 10:30] = 1
    histogram = region_descriptors.describe(ramp[..., None], middle).texture[1].reshape(4, 20)
    strongest = np.argmax(histogram, axis=1) - 10  # the signed bin of each of the four directions
    along = angle % 180 // 45
    assert strongest[along] == (9 if angle < 180 else -10), f"slope along {angle} degrees: {strongest}"
    across = histogram[(along + 2) % 4]
    assert across[9] + across[10] == pytest.approx(0.25), f"no slope across {angle} degrees"


def test_texture_of_one_channel_does_not_leak_into_the_others():
    image = np.full((30, 30, 3), 0.5)
    image[:, ::4, 0] = 1.0
    whole = np.zeros((30, 30), dtype=int)
    red, green, blue = region_descriptors.describe(image, whole).texture[0].reshape(3, 4, 20)
    assert (green == blue).all()
    assert green[:, 10].sum() == pytest.approx(1 / 3), "a flat channel has slopes"
    assert red[0, 10] < 0.8 / 12


def test_the_grouping_is_the_references():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        pixels = np.clip(numpy_of(cat(8)) + 0.05 * rng.random((38, 57, 3)), 0, 1)
        hierarchy = merge_regions(pixels, scale=20, min_size=5, colour_space="rgb")
        regions = region_descriptors.describe(pixels, hierarchy.segments)
        expected = ref.group(
            regions.colour, regions.texture, regions.boxes, regions.sizes, regions.pairs, 38 * 57
        )
        assert len(expected) > 15
        assert hierarchy.merges.tolist() == [list(pair) for pair in expected], f"seed {seed}"


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_alone_is_the_references(measure):
    pixels = numpy_of(cat(8))
    hierarchy = merge_regions(pixels, scale=20, min_size=5, colour_space="rgb", measures=[measure])
    r = region_descriptors.describe(pixels, hierarchy.segments)
    n = pixels.shape[0] * pixels.shape[1]
    i, j = hierarchy.merges[0]
    every = {
        "colour": [ref.histogram_intersection(r.colour[a], r.colour[b]) for a, b in r.pairs],
        "texture": [ref.histogram_intersection(r.texture[a], r.texture[b]) for a, b in r.pairs],
        "size": [ref.size_similarity(r.sizes[a], r.sizes[b], n) for a, b in r.pairs],
        "fill": [ref.fill_similarity(r.boxes[a], r.boxes[b], r.sizes[a], r.sizes[b], n) for a, b in r.pairs],
    }[measure]
    assert hierarchy.similarities[0] == pytest.approx(max(every))
    assert every[r.pairs.tolist().index([i, j])] == pytest.approx(max(every))


def test_a_hierarchy_is_a_tree_of_growing_regions():
    h = merge_regions(numpy_of(cat()), scale=50)
    n = h.segments.max() + 1
    assert h.merges.shape == (n - 1, 2)
    assert sorted(h.merges.ravel().tolist()) == list(range(2 * n - 2)), "each region is merged once"
    for k, (i, j) in enumerate(h.merges):
        assert h.sizes[n + k] == h.sizes[i] + h.sizes[j]
        assert h.boxes[n + k].tolist() == ref.merged_box(h.boxes[i], h.boxes[j]).tolist()
    assert h.sizes[-1] == h.segments.size
    assert h.boxes[-1].tolist() == [0, 0, h.segments.shape[1], h.segments.shape[0]]


def test_boxes_are_distinct_inside_the_image_and_lead_with_large_ones():
    image = cat(2)
    boxes = selective_search(image)
    _, height, width = image.shape
    assert boxes.dtype == torch.float32
    assert len(torch.unique(boxes, dim=0)) == len(boxes) > 50
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= width).all()
    assert (boxes[:, 3] <= height).all()
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides >= 1).all()
    areas = sides.prod(dim=1)
    third = len(areas) // 3
    assert areas[:third].mean() > 2 * areas[-third:].mean()
    assert [0, 0, width, height] in boxes.tolist()


def test_more_colour_spaces_give_more_boxes_and_keep_the_old_ones():
    image = cat()
    one = {tuple(box) for box in selective_search(image).tolist()}
    three = {tuple(box) for box in selective_search(image, colour_spaces=("rgb", "lab", "grey")).tolist()}
    assert one < three


def test_the_seed_orders_and_nothing_else():
    image = cat()
    first, again, other = (selective_search(image, seed=seed).tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other)


def test_discs_on_a_plain_ground_are_found_exactly():
    y, x = np.mgrid[:60, :80]
    image = np.full((60, 80, 3), 0.2)
    image[(x - 20) ** 2 + (y - 20) ** 2 < 100] = [0.9, 0.1, 0.1]
    image[(x - 55) ** 2 + (y - 35) ** 2 < 225] = [0.1, 0.8, 0.2]
    found = selective_search(torch.from_numpy(image).permute(2, 0, 1), sigma=0).tolist()
    assert [11, 11, 30, 30] in found
    assert [41, 21, 70, 50] in found


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab", "grey"])
def test_every_colour_space_works_on_colour_and_on_grey(space):
    image = cat()
    grey = torch.from_numpy(color.rgb2gray(numpy_of(image))).float()[None]
    for picture in (image, grey, image.float() / 255):
        assert len(selective_search(picture, colour_spaces=[space])) > 5


def test_dtypes_agree_and_the_input_stays():
    image = cat()
    before = image.clone()
    as_bytes = selective_search(image)
    assert torch.equal(as_bytes, selective_search(image.double() / 255))
    assert torch.equal(image, before)


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 7), (3, 5, 1)], ids=str)
def test_tiny_images(shape):
    boxes = selective_search(torch.zeros(shape))
    assert boxes.tolist() == [[0, 0, shape[2], shape[1]]]


def test_a_constant_image_has_one_region():
    assert selective_search(torch.full((3, 30, 40), 0.5)).tolist() == [[0, 0, 40, 30]]


def recall(boxes, truth, threshold=0.5):
    """The part of the true boxes (m, 4) that a proposal (k, 4) overlaps by more than the threshold."""
    low = torch.maximum(boxes[:, None, :2], truth[:, :2])
    high = torch.minimum(boxes[:, None, 2:], truth[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    areas = [(each[:, 2:] - each[:, :2]).prod(dim=1) for each in (boxes, truth)]
    overlaps = shared / (areas[0][:, None] + areas[1] - shared)
    return (overlaps.amax(dim=0) > threshold).float().mean().item()


def packages_boxes(image, **options):
    import selectivesearch

    pixels = (image.expand(3, -1, -1).permute(1, 2, 0) * 255).to(torch.uint8).numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it gives scikit-image's texture floating-point images
        _, regions = selectivesearch.selective_search(pixels, **options)
    found = {(x, y, x + w + 1, y + h + 1) for x, y, w, h in (region["rect"] for region in regions)}
    return torch.tensor(sorted(found), dtype=torch.float32)


def test_recall_is_not_less_than_the_packages_with_as_many_boxes():
    options = {"scale": 100, "sigma": 0.8, "min_size": 20}
    coins, scenes = course_data.load("coins", "all"), course_data.load("scenes", "validation", n=40)
    for name, pictures in (("coins", coins), ("scenes", scenes)):
        ours, theirs, counts = [], [], np.zeros(2)
        for i in range(len(pictures)):
            image, truth = pictures.x[i], pictures.target(i)["boxes"]
            proposals = selective_search(image, **options), packages_boxes(image, **options)
            counts += [len(each) for each in proposals]
            ours.append(recall(proposals[0], truth))
            theirs.append(recall(proposals[1], truth))
        assert np.mean(ours) >= np.mean(theirs), f"{name}: recall {np.mean(ours)} against {np.mean(theirs)}"
        assert np.mean(ours) > 0.95, name
        assert counts[0] <= 1.05 * counts[1], f"{name}: {counts} boxes"
