"""The NumPy regions against scipy, PyTorch's adaptive pooling and resizing, onnxruntime, and closed forms."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from scipy import ndimage
from torch.nn import functional as F

from course_lib.reference import regions as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error


def draw_map(shape, seed):
    return np.random.default_rng(seed).normal(size=shape)


def draw_box(h, w, seed, outside=2.0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-outside, w, 2), rng.uniform(-outside, h, 2)
    return np.array([x.min(), y.min(), x.max() + outside, y.max() + outside])


def run_onnx(operator, attributes, inputs):
    """One node of ONNX in onnxruntime, in float32."""
    types = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}
    values = [helper.make_tensor_value_info(k, types[v.dtype], v.shape) for k, v in inputs.items()]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        [helper.make_node(operator, list(inputs), ["y"], **attributes)], "g", values, [y]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        None, inputs
    )[0]


@given(h=st.integers(1, 6), w=st.integers(1, 6), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_bilinear_agrees_with_scipy(h, w, seed):
    x = draw_map((2, h, w), seed)
    row, column = np.random.default_rng(seed).uniform(-1, 1 + np.array([h, w]) - 1)
    expected = [ndimage.map_coordinates(each, [[row], [column]], order=1, mode="nearest")[0] for each in x]
    np.testing.assert_allclose(
        ref.bilinear(x, row, column), expected, atol=1e-12, err_msg=f"at {row}, {column}"
    )
    np.testing.assert_array_equal(ref.bilinear(x, -1.01, 0), 0)
    np.testing.assert_array_equal(ref.bilinear(x, 0, w + 0.01), 0)
    grad = draw_map(2, seed + 1)
    numerical = numerical_gradient(lambda z: grad @ ref.bilinear(z, row, column), x)
    np.testing.assert_allclose(ref.bilinear_backward(grad, (h, w), row, column), numerical, atol=1e-8)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sampling_ratio", [-1, 1, 3])
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0]))
@settings(max_examples=10, deadline=None)
def test_roi_align_agrees_with_onnxruntime(sampling_ratio, aligned, seed, scale):
    x, box = draw_map((3, 7, 9), seed).astype("float32"), draw_box(7, 9, seed).astype("float32")
    attributes = {
        "output_height": 2,
        "output_width": 3,
        "sampling_ratio": max(sampling_ratio, 0),
        "spatial_scale": scale,
        "coordinate_transformation_mode": "half_pixel" if aligned else "output_half_pixel",
    }
    inputs = {"x": x[None], "rois": box[None] / np.float32(scale), "batch": np.zeros(1, dtype=np.int64)}
    expected = run_onnx("RoiAlign", attributes, inputs)[0]
    got = ref.roi_align(x.astype(float), box.astype(float) / scale, (2, 3), scale, sampling_ratio, aligned)
    np.testing.assert_allclose(got, expected, atol=2e-5, err_msg=f"roi_align of {box}, onnxruntime")


@pytest.mark.parametrize("sampling_ratio", [-1, 1, 2])
def test_roi_align_of_a_plane_is_its_value_at_the_centre_of_each_bin(sampling_ratio):
    rows, columns = np.mgrid[:9, :8].astype(float)
    plane = (3 + 2 * rows - 0.5 * columns)[None]
    y = ref.roi_align(plane, np.array([1.0, 2.0, 6.0, 8.0]), (3, 5), 1.0, sampling_ratio)
    p, q = np.mgrid[:3, :5]
    np.testing.assert_allclose(y[0], 3 + 2 * (2 + 2 * p + 1) - 0.5 * (1 + q + 0.5), err_msg="a plane")
    aligned = ref.roi_align(plane, np.array([1.5, 2.5, 6.5, 8.5]), (3, 5), 1.0, sampling_ratio, aligned=True)
    np.testing.assert_allclose(aligned, y, err_msg="aligned is a shift by half a pixel")


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sampling_ratio", [-1, 2])
def test_gradient_of_roi_align_agrees_with_central_differences(sampling_ratio, aligned):
    x, grad, box = draw_map((2, 4, 5), 0), draw_map((2, 2, 3), 1), np.array([-1.5, 0.3, 9.1, 4.4])
    got = ref.roi_align_backward(grad, (4, 5), box, 0.7, sampling_ratio, aligned)
    expected = numerical_gradient(
        lambda z: np.sum(grad * ref.roi_align(z, box, (2, 3), 0.7, sampling_ratio, aligned)), x
    )
    assert relative_error(got, expected) < 1e-8


@given(
    h=st.integers(1, 9),
    w=st.integers(1, 9),
    p=st.integers(1, 4),
    q=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_roi_pool_of_the_whole_map_is_adaptive_pooling(h, w, p, q, seed):
    x = draw_map((2, h, w), seed)
    y = torch.tensor(x, requires_grad=True)
    pooled = F.adaptive_max_pool2d(y, (p, q))
    grad = draw_map((2, p, q), seed + 1)
    pooled.backward(torch.tensor(grad))
    box = np.array([0, 0, w - 1, h - 1.0])
    np.testing.assert_array_equal(ref.roi_pool(x, box, (p, q)), pooled.detach().numpy(), err_msg="roi_pool")
    np.testing.assert_allclose(ref.roi_pool_backward(grad, x, box), y.grad.numpy(), atol=1e-12, err_msg="dx")


@given(seed=st.integers(0, 999), scale=st.sampled_from([0.25, 1.0]))
@settings(max_examples=30, deadline=None)
def test_roi_pool_agrees_with_onnxruntime(seed, scale):
    x, box = draw_map((3, 7, 9), seed).astype("float32"), draw_box(7, 9, seed, 3.0).astype("float32")
    inputs = {"x": x[None], "rois": np.concatenate([[np.float32(0)], box / np.float32(scale)])[None]}
    expected = run_onnx("MaxRoiPool", {"pooled_shape": [2, 4], "spatial_scale": scale}, inputs)[0]
    got = ref.roi_pool(x.astype(float), box.astype(float) / scale, (2, 4), scale)
    np.testing.assert_allclose(got, expected, atol=1e-6, err_msg=f"roi_pool of {box}, onnxruntime")


def test_roi_pool_of_a_worked_example():
    x = np.arange(24.0).reshape(1, 4, 6)
    y = ref.roi_pool(x, np.array([0.5, 0.4, 4.4, 2.6]), (2, 2))  # rounds to columns 1-4, rows 0-3
    np.testing.assert_array_equal(y, [[[8, 10], [20, 22]]])
    np.testing.assert_array_equal(ref.roi_pool(x, np.array([9, 9, 12, 12.0]), (1, 2)), [[[0, 0]]])
    ones = ref.roi_pool_backward(np.ones((1, 2, 2)), np.ones_like(x), np.array([0, 0, 5, 3.0]))
    np.testing.assert_array_equal(
        np.argwhere(ones[0]), [[0, 0], [0, 3], [2, 0], [2, 3]], err_msg="ties: first"
    )


def test_box_around_a_mask():
    mask = np.zeros((5, 6))
    mask[2, 1] = mask[3, 4] = 0.5
    np.testing.assert_array_equal(ref.mask_to_box(mask), [1, 2, 4, 3])


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("box", [[2, 1, 9, 6], [-3.5, -2, 4, 4], [6, 5, 30, 30], [3, 3, 3, 3]], ids=str)
def test_a_pasted_mask_is_the_resized_mask(box, padding):
    mask, box = np.random.default_rng(0).uniform(size=(4, 4)), np.array(box, dtype=float)
    image = ref.paste_mask(mask, box, (8, 10), padding)
    half = (box[2:] - box[:2]) / 2 * (4 + 2 * padding) / 4
    x1, y1, x2, y2 = np.trunc(
        np.concatenate([box[:2] + box[2:], box[:2] + box[2:]]) / 2 + [*-half, *half]
    ).astype(int)
    resized = F.interpolate(
        torch.tensor(np.pad(mask, padding))[None, None], (y2 - y1 + 1, x2 - x1 + 1), mode="bilinear"
    )[0, 0].numpy()
    expected = np.zeros((60, 60))
    expected[y1 + 20 : y2 + 21, x1 + 20 : x2 + 21] = resized
    np.testing.assert_allclose(image, expected[20:28, 20:30], atol=1e-12, err_msg=f"{box}, padding {padding}")
