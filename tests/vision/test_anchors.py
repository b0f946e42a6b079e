"""Anchors against their NumPy reference and the tables of the published code."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import boxes as ref


@given(
    sizes=st.lists(st.integers(1, 600), min_size=1, max_size=4),
    ratios=st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.7]), min_size=1, max_size=4),
    grid=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    stride=st.tuples(st.integers(1, 32), st.integers(1, 32)),
)
@settings(max_examples=60, deadline=None)
def test_anchors_agree_with_the_reference(sizes, ratios, grid, stride):
    cell = vision.anchors(sizes, ratios, dtype=torch.float64)
    np.testing.assert_array_equal(cell.numpy(), ref.anchors(sizes, ratios), err_msg="anchors")
    placed = vision.grid_anchors(cell, grid, stride)
    expected = ref.grid_anchors(cell.numpy(), grid, stride)
    np.testing.assert_array_equal(placed.numpy(), expected, err_msg=f"grid_anchors {grid}, {stride}")


def test_anchors_of_torchvision():
    """Those that its documentation and tests state for sizes 32, 64 ... 512 and ratios 0.5, 1, 2."""
    cell = vision.anchors((32,), (0.5, 1.0, 2.0))
    assert cell.dtype == torch.float32
    assert cell.tolist() == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    assert vision.anchors((10,), (1.0,)).tolist() == [[-5, -5, 5, 5]]
    assert vision.anchors((1, 3, 5), (1,)).tolist() == [[0, 0, 0, 0], [-2, -2, 2, 2], [-2, -2, 2, 2]]
    assert vision.anchors((4.0,), (1,), dtype=torch.float64, device="meta").device.type == "meta"


def images(n, height, width):
    return SimpleNamespace(tensors=torch.zeros(n, 3, height, width), image_sizes=[(height, width)] * n)


def test_generator_of_one_map():
    generator = vision.AnchorGenerator(sizes=((10,),), aspect_ratios=((1,),))
    assert generator.num_anchors_per_location() == [1]
    found = generator(images(2, 15, 15), [torch.zeros(2, 8, 1, 2)])
    assert len(found) == 2
    for each in found:
        assert each.tolist() == [[-5, -5, 5, 5], [2, -5, 12, 5]], "stride 15 // 2 = 7"
    assert found[0].data_ptr() != found[1].data_ptr(), "images share memory"


def test_generator_of_a_pyramid():
    generator = vision.AnchorGenerator(((32, 48), (64,)), (0.5, 1.0, 2.0))
    assert generator.num_anchors_per_location() == [6, 3]
    maps = [torch.zeros(1, 8, 8, 6), torch.zeros(1, 8, 4, 3, dtype=torch.float64)]
    (found,) = generator(images(1, 64, 48), maps)
    first = ref.grid_anchors(ref.anchors((32, 48), (0.5, 1, 2)), (8, 6), (8, 8))
    second = ref.grid_anchors(ref.anchors((64,), (0.5, 1, 2)), (4, 3), (16, 16))
    np.testing.assert_array_equal(found.numpy(), np.concatenate([first, second]))
    (double,) = generator(images(1, 64, 48), [each.double() for each in maps])
    assert double.dtype == torch.float64
    by_hand = generator.grid_anchors([(8, 6), (4, 3)], [[torch.tensor(8), torch.tensor(8)], [16, 16]])
    np.testing.assert_array_equal(torch.cat(by_hand).numpy(), found.numpy())


def test_generator_is_torchvisions():
    generator = vision.AnchorGenerator()
    assert generator.sizes == ((128, 256, 512),)
    assert generator.aspect_ratios == ((0.5, 1.0, 2.0),)
    assert generator.state_dict() == {}
    assert repr(generator) == "AnchorGenerator()"
    defaults = {k: p.default for k, p in inspect.signature(vision.AnchorGenerator).parameters.items()}
    assert defaults == {"sizes": ((128, 256, 512),), "aspect_ratios": ((0.5, 1.0, 2.0),)}
    one_each = vision.AnchorGenerator((32, 64), ((1.0,), (0.5, 2.0)))
    assert one_each.sizes == ((32,), (64,))
    assert one_each.num_anchors_per_location() == [1, 2]
    base = generator.generate_anchors([128], [1.0], torch.float64)
    assert base.tolist() == [[-64, -64, 64, 64]]
    assert [len(each) for each in generator.cell_anchors] == [9]


def test_the_order_is_that_of_a_convolution():
    """scores (A, h, w) -> permute(1, 2, 0).flatten() stands in the order of the anchors."""
    cell, (h, w) = vision.anchors((8,), (1, 2)), (3, 4)
    placed = vision.grid_anchors(cell, (h, w), (10, 10))
    number = torch.arange(2 * h * w).reshape(2, h, w)
    for a in range(2):
        for i in range(h):
            for j in range(w):
                at = (number.permute(1, 2, 0).flatten() == number[a, i, j]).nonzero().item()
                expected = cell[a] + torch.tensor([10 * j, 10 * i, 10 * j, 10 * i])
                assert torch.equal(placed[at], expected)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    generator = vision.AnchorGenerator()
    batch = SimpleNamespace(tensors=torch.zeros(1, 3, 32, 32, device=device), image_sizes=[(32, 32)])
    (found,) = generator(batch, [torch.zeros(1, 8, 2, 2, device=device)])
    assert (found.device.type, found.shape) == (device, (36, 4))
