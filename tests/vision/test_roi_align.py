"""RoIAlign against its NumPy reference, onnxruntime, numerical gradients and closed forms."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import vision
from course_lib.reference import regions as ref
from course_lib.vision import bilinear_bags


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("aligned", [False, True])
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(1, 7), st.integers(1, 7)),
    k=st.integers(0, 4),
    size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    scale=st.sampled_from([0.5, 1.0, 1.3]),
    sampling_ratio=st.sampled_from([-1, 0, 1, 2, 3]),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_agree_with_the_reference(
    draw_rois, aligned, dtype, shape, k, size, scale, sampling_ratio, seed
):
    n, c, h, w = shape
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    rois = draw_rois(k, n, h / scale, w / scale, seed, dtype)
    before = x.detach().clone(), rois.clone()
    y = vision.roi_align(x, rois, size, scale, sampling_ratio, aligned)
    assert y.shape == (k, c, *size)
    assert y.is_contiguous()
    grad = torch.randn_like(y)
    (dx,) = torch.autograd.grad(y, x, grad)
    assert torch.equal(x, before[0])
    assert torch.equal(rois, before[1])

    expected, expected_dx = np.zeros(y.shape), np.zeros(shape)
    maps, boxes = x.detach().double().numpy(), rois.double().numpy()
    for i, (number, *box) in enumerate(boxes):
        arguments = np.array(box), scale, sampling_ratio, aligned
        expected[i] = ref.roi_align(maps[int(number)], arguments[0], size, *arguments[1:])
        expected_dx[int(number)] += ref.roi_align_backward(grad[i].double().numpy(), (h, w), *arguments)
    tolerance = 2e-5 if dtype == torch.float32 else 1e-11
    what = f"roi_align {shape}, {k} boxes, {size}, {scale}, {sampling_ratio}, aligned={aligned}"
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=tolerance, err_msg=what)
    np.testing.assert_allclose(dx.numpy(), expected_dx, atol=10 * tolerance, err_msg=f"{what}: dx")


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sampling_ratio", [-1, 1, 2])
def test_agrees_with_onnxruntime(draw_rois, run_onnx, sampling_ratio, aligned):
    torch.manual_seed(0)
    x, rois = torch.randn(2, 8, 20, 30), draw_rois(50, 2, 40, 60, 1, torch.float32)
    attributes = {
        "output_height": 7,
        "output_width": 5,
        "sampling_ratio": max(sampling_ratio, 0),
        "spatial_scale": 0.5,
        "coordinate_transformation_mode": "half_pixel" if aligned else "output_half_pixel",
    }
    inputs = [x.numpy(), rois[:, 1:].numpy(), rois[:, 0].long().numpy()]
    expected = run_onnx("RoiAlign", attributes, inputs)
    got = vision.roi_align(x, rois, (7, 5), 0.5, sampling_ratio, aligned)
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=0, msg=lambda m: f"roi_align, onnxruntime: {m}")


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sampling_ratio", [-1, 2])
def test_gradcheck_first_and_second_order(draw_rois, sampling_ratio, aligned):
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    rois = draw_rois(4, 2, 4, 5, 0)

    def call(z):
        return vision.roi_align(z, rois, (2, 3), 0.9, sampling_ratio, aligned)

    assert torch.autograd.gradcheck(call, x)
    assert torch.autograd.gradgradcheck(call, x)
    assert torch.autograd.gradgradcheck(lambda z: call(z) ** 2, x)


def test_a_plane_is_its_value_at_the_centre_of_each_bin():
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(8.0), indexing="ij")
    plane = (3 + 2 * rows - 0.5 * columns)[None, None]
    y = vision.roi_align(plane, torch.tensor([[0, 1, 2, 6, 8.0]]), (3, 5), sampling_ratio=2)
    p, q = torch.meshgrid(torch.arange(3.0), torch.arange(5.0), indexing="ij")
    torch.testing.assert_close(y[0, 0], 3 + 2 * (2 + 2 * p + 1) - 0.5 * (1 + q + 0.5))
    whole = vision.roi_align(
        plane, [torch.tensor([[0, 0, 8.0, 9.0]])], (9, 8), sampling_ratio=1, aligned=True
    )
    torch.testing.assert_close(whole, plane, msg="aligned, the box of the whole map gives the map")


def test_lists_of_boxes_are_numbered(draw_rois):
    x = torch.randn(3, 2, 6, 6, dtype=torch.float64)
    rois = draw_rois(5, 3, 6, 6, 0)
    rois = rois[rois[:, 0].argsort(stable=True)]
    boxes = [rois[rois[:, 0] == i, 1:] for i in range(3)]
    for given_as in (boxes, tuple(boxes)):
        torch.testing.assert_close(vision.roi_align(x, given_as, 2), vision.roi_align(x, rois, 2))
    assert vision.roi_align(x, [torch.zeros(0, 4, dtype=torch.float64)] * 3, 2).shape == (0, 2, 2, 2)
    assert vision.roi_align(x[:0], [], 2).shape == (0, 2, 2, 2)


def test_the_memory_is_bounded_by_working_on_some_regions_at_a_time(draw_rois, monkeypatch):
    x = torch.randn(2, 3, 9, 9, dtype=torch.float64, requires_grad=True)
    rois = draw_rois(20, 2, 9, 9, 0)
    y = vision.roi_align(x, rois, 3)
    (dx,) = torch.autograd.grad(y.sum(), x)
    monkeypatch.setattr(bilinear_bags, "PIXELS_AT_ONCE", 1000)
    torch.testing.assert_close(vision.roi_align(x, rois, 3), y)
    torch.testing.assert_close(torch.autograd.grad(vision.roi_align(x, rois, 3).sum(), x)[0], dx)


def test_degenerate_boxes():
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    far = torch.tensor([[0, 50, 50, 60, 60], [0, -60, -60, -50, -50.0]], dtype=torch.float64)
    assert vision.roi_align(x, far, 2).abs().sum() == 0, "outside is 0"
    point = torch.tensor([[0, 2, 2, 2, 2.0]], dtype=torch.float64)
    pixel = vision.roi_align(x, torch.tensor([[0, 2, 2, 3, 3.0]], dtype=torch.float64), 2)
    torch.testing.assert_close(vision.roi_align(x, point, 2), pixel, msg="not aligned: one pixel at least")
    assert vision.roi_align(x, point, 2, aligned=True).abs().sum() == 0, "aligned: no samples"
    once = vision.roi_align(x, point + torch.tensor([0, 0.5, 0.5, 0.5, 0.5]), 2, 1.0, 1, True)
    torch.testing.assert_close(once, x[:, :, 2:3, 2:3].expand(1, 2, 2, 2), msg="four samples of one point")


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e30, 1e-30])
def test_extreme_values_go_through(value):
    x = torch.zeros(1, 1, 6, 6)
    x[0, 0, 1, 1] = value
    y = vision.roi_align(x, torch.tensor([[0, 0.5, 0.5, 1.5, 1.5], [0, 3, 3, 5, 5]]), 1, sampling_ratio=1)
    expected = torch.tensor(value).expand(1, 1, 1)
    torch.testing.assert_close(y[0], expected, equal_nan=True, msg=f"roi_align of {value}")
    assert y[1].item() == 0


def test_memory_layouts_and_precisions(draw_rois):
    x, rois = torch.randn(2, 3, 8, 8), draw_rois(6, 2, 8, 8, 0, torch.float32)
    y = vision.roi_align(x, rois, 2)
    torch.testing.assert_close(vision.roi_align(x.to(memory_format=torch.channels_last), rois, 2), y)
    torch.testing.assert_close(vision.roi_align(x.mT.contiguous().mT, rois, 2), y)
    torch.testing.assert_close(vision.roi_align(x, rois.T.contiguous().T, 2), y)
    for dtype in (torch.bfloat16, torch.float16):
        low = vision.roi_align(x.to(dtype), rois, 2)
        assert low.dtype == dtype
        torch.testing.assert_close(low.float(), y, atol=0.05, rtol=0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(vision.roi_align(x, rois, 2), y)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    x = torch.zeros(2, 3, 8, 8, device=device, requires_grad=True)
    for sampling_ratio in (-1, 2):
        y = vision.roi_align(x, torch.zeros(4, 5, device=device), (2, 3), 1.0, sampling_ratio)
        assert (y.device.type, y.shape) == (device, (4, 3, 2, 3))
        y.sum().backward()


def test_module_and_signature_are_torchvisions(draw_rois):
    defaults = {k: p.default for k, p in inspect.signature(vision.roi_align).parameters.items()}
    assert list(defaults) == ["input", "boxes", "output_size", "spatial_scale", "sampling_ratio", "aligned"]
    assert list(defaults.values())[3:] == [1.0, -1, False]
    parameters = inspect.signature(vision.RoIAlign).parameters
    assert list(parameters) == ["output_size", "spatial_scale", "sampling_ratio", "aligned"]
    layer = vision.RoIAlign((2, 3), 0.5, 2)
    assert repr(layer) == "RoIAlign(output_size=(2, 3), spatial_scale=0.5, sampling_ratio=2, aligned=False)"
    assert layer.state_dict() == {}
    x, rois = torch.randn(2, 3, 8, 8), draw_rois(6, 2, 16, 16, 0, torch.float32)
    expected = vision.roi_align(x, rois, (2, 3), 0.5, 2)
    for each in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(each(x, rois), expected)
