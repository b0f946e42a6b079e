"""Boxes to try things on."""

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def draw_boxes():
    """A function: n boxes xyxy (n, 4) with corners up to ``spread`` and sides up to 6."""

    def draw(n, seed, spread=10.0, dtype=torch.float64):
        rng = np.random.default_rng(seed)
        corner = rng.uniform(0, spread, (n, 2))
        return torch.tensor(
            np.concatenate([corner, corner + rng.uniform(0.5, 6, (n, 2))], axis=1), dtype=dtype
        )

    return draw


@pytest.fixture(scope="session")
def draw_rois():
    """A function: k regions (k, 5) of n maps (h, w), some of them sticking out."""

    def draw(k, n, h, w, seed, dtype=torch.float64, outside=2.0):
        rng = np.random.default_rng(seed)
        x, y = (np.sort(rng.uniform(-outside, side + outside, (k, 2)), axis=1) for side in (w, h))
        rois = np.stack([rng.integers(0, n, k), x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
        return torch.tensor(rois, dtype=dtype)

    return draw


@pytest.fixture(scope="session")
def run_onnx():
    """A function: the output of one node of ONNX, computed by onnxruntime."""
    import onnxruntime
    from onnx import TensorProto, helper

    types = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}

    def run(operator, attributes, inputs):
        arrays = {str(i): np.ascontiguousarray(x) for i, x in enumerate(inputs)}
        values = [helper.make_tensor_value_info(k, types[v.dtype], v.shape) for k, v in arrays.items()]
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        node = helper.make_node(operator, list(arrays), ["y"], **attributes)
        graph = helper.make_graph([node], "one", values, [y])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return torch.tensor(session.run(None, arrays)[0])

    return run
