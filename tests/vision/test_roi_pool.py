"""RoI pooling against its NumPy reference, onnxruntime, adaptive pooling and numerical gradients."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from course_lib import vision
from course_lib.reference import regions as ref


@pytest.mark.parametrize("ties", [False, True])
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    k=st.integers(0, 4),
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    scale=st.sampled_from([0.5, 1.0, 1.3]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_the_reference(draw_rois, ties, shape, k, size, scale, seed):
    n, c, h, w = shape
    torch.manual_seed(seed)
    x = torch.randint(0, 3, shape).double() if ties else torch.randn(shape, dtype=torch.float64)
    x.requires_grad_()
    rois = draw_rois(k, n, h / scale, w / scale, seed)
    before = x.detach().clone(), rois.clone()
    y = vision.roi_pool(x, rois, size, scale)
    assert y.shape == (k, c, *size)
    assert y.is_contiguous()
    grad = torch.randn_like(y)
    (dx,) = torch.autograd.grad(y, x, grad)
    assert torch.equal(x, before[0])
    assert torch.equal(rois, before[1])

    expected, expected_dx = np.zeros(y.shape), np.zeros(shape)
    maps = x.detach().numpy()
    for i, (number, *box) in enumerate(rois.numpy()):
        one = maps[int(number)], np.array(box)
        expected[i] = ref.roi_pool(*one, size, scale)
        expected_dx[int(number)] += ref.roi_pool_backward(grad[i].numpy(), *one, scale)
    what = f"roi_pool {shape}, {k} boxes, {size}, {scale}"
    np.testing.assert_array_equal(y.detach().numpy(), expected, err_msg=what)
    np.testing.assert_allclose(dx.numpy(), expected_dx, atol=1e-12, err_msg=f"{what}: dx")


@pytest.mark.parametrize("scale", [0.25, 1.0])
@pytest.mark.parametrize("size", [(7, 7), (2, 11)])
def test_agrees_with_onnxruntime(draw_rois, run_onnx, size, scale):
    torch.manual_seed(0)
    x = torch.randn(2, 8, 31, 40)
    rois = draw_rois(100, 2, 31 / scale, 40 / scale, 1, torch.float32, 5.0)
    rois[0] = torch.tensor([0, 0, 0, 39, 30]) / torch.tensor([1, scale, scale, scale, scale])
    attributes = {"pooled_shape": list(size), "spatial_scale": scale}
    expected = run_onnx("MaxRoiPool", attributes, [x.numpy(), rois.numpy()])
    got = vision.roi_pool(x, rois, size, scale)
    torch.testing.assert_close(got, expected, atol=0, rtol=0, msg=lambda m: f"roi_pool, onnxruntime: {m}")


@given(h=st.integers(1, 9), w=st.integers(1, 9), size=st.tuples(st.integers(1, 4), st.integers(1, 4)))
@settings(max_examples=30, deadline=None)
def test_the_whole_map_is_adaptive_pooling(h, w, size):
    x = torch.randn(2, 3, h, w)
    boxes = [torch.tensor([[0, 0, w - 1.0, h - 1.0]])] * 2
    torch.testing.assert_close(
        vision.roi_pool(x, boxes, size), F.adaptive_max_pool2d(x, size), atol=0, rtol=0
    )


def test_gradcheck(draw_rois):
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    rois = draw_rois(4, 2, 4, 5, 0)
    assert torch.autograd.gradcheck(lambda z: vision.roi_pool(z, rois, (2, 3), 0.9), x)


def test_halves_are_rounded_away_from_zero():
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    for edge, last in ((2.5, 3), (3.5, 4), (2.49, 2), (1.5, 2)):
        y = vision.roi_pool(x, torch.tensor([[0, 0, 0, edge, 0]]), 1)
        assert y.item() == last, f"{edge} is rounded to {last}"
    negative = vision.roi_pool(-x, torch.tensor([[0, -2.5, -1.5, 1, 1.0]]), (1, 5))
    assert negative.flatten().tolist() == [0, 0, 0, 0, -1], "columns -3 to 1"


def test_degenerate_boxes():
    x = torch.randn(1, 2, 5, 5)
    assert vision.roi_pool(x, torch.tensor([[0, 50, 50, 60, 60.0]]), 2).abs().sum() == 0, "outside is 0"
    assert vision.roi_pool(x, torch.tensor([[0, -9, -9, -8, -8.0]]), 2).abs().sum() == 0, "all of them"
    turned = vision.roi_pool(x, torch.tensor([[0, 3, 3, 1, 1.0]]), 2)
    torch.testing.assert_close(turned, x[:, :, 3:4, 3:4].expand(1, 2, 2, 2), msg="one pixel at least")
    for value in (math.inf, -math.inf, 1e30, -1e30):
        full = torch.full((1, 1, 3, 3), value)
        assert (
            vision.roi_pool(full, torch.tensor([[0, 0, 0, 2, 2.0]]), 1).item() == torch.tensor(value).item()
        )


def test_no_regions_at_all():
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    y = vision.roi_pool(x, torch.zeros(0, 5), (2, 3))
    assert y.shape == (0, 3, 2, 3)
    y.sum().backward()
    assert x.grad.abs().sum() == 0
    assert vision.roi_pool(x[:0], [], 2).shape == (0, 3, 2, 2)


def test_lists_layouts_and_precisions(draw_rois):
    x, rois = torch.randn(2, 3, 8, 8), draw_rois(6, 2, 8, 8, 0, torch.float32)
    rois = rois[rois[:, 0].argsort(stable=True)]
    y = vision.roi_pool(x, rois, 2)
    boxes = [rois[rois[:, 0] == i, 1:] for i in range(2)]
    assert torch.equal(vision.roi_pool(x, boxes, 2), y)
    assert torch.equal(vision.roi_pool(x.to(memory_format=torch.channels_last), rois, 2), y)
    assert torch.equal(vision.roi_pool(x, rois.T.contiguous().T, 2), y)
    for dtype in (torch.bfloat16, torch.float16):
        assert torch.equal(vision.roi_pool(x.to(dtype), rois, 2), y.to(dtype)), f"roi_pool in {dtype}"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(vision.roi_pool(x, rois, 2), y)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    x = torch.zeros(2, 3, 8, 8, device=device, requires_grad=True)
    y = vision.roi_pool(x, torch.zeros(4, 5, device=device), (2, 3))
    assert (y.device.type, y.shape) == (device, (4, 3, 2, 3))
    y.sum().backward()


def test_module_and_signature_are_torchvisions(draw_rois):
    defaults = {k: p.default for k, p in inspect.signature(vision.roi_pool).parameters.items()}
    assert list(defaults) == ["input", "boxes", "output_size", "spatial_scale"]
    assert defaults["spatial_scale"] == 1.0
    assert list(inspect.signature(vision.RoIPool).parameters) == ["output_size", "spatial_scale"]
    layer = vision.RoIPool(2, 0.5)
    assert repr(layer) == "RoIPool(output_size=2, spatial_scale=0.5)"
    x, rois = torch.randn(2, 3, 8, 8), draw_rois(6, 2, 16, 16, 0, torch.float32)
    for each in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(each(x, rois), vision.roi_pool(x, rois, 2, 0.5))
