"""Boxes and regions against greedy loops in NumPy, loops over regions in PyTorch, and onnxruntime."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import vision
from course_lib.benchmarks.contest import Call, Contest, Row

BOXES = 10_000
MAPS = (2, 64, 32, 32)
REGIONS = 200


def crowded(objects: int) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Boxes around some objects in 1000 x 1000 pixels, as a detector proposes them."""

    def draw() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        sides, centres = rng.uniform(30, 150, (objects, 2)), rng.uniform(0, 1000, (objects, 2))
        which = rng.integers(0, objects, BOXES)
        centre = centres[which] + 0.1 * rng.normal(size=(BOXES, 2)) * sides[which]
        side = sides[which] * np.exp(0.1 * rng.normal(size=(BOXES, 2)))
        return _boxes(centre, side), (rng.permutation(BOXES) / BOXES).astype(np.float32)

    return draw


def scattered(size: float, longest: float) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Boxes anywhere in size x size pixels."""

    def draw() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        centre, side = rng.uniform(0, size, (BOXES, 2)), rng.uniform(10, longest, (BOXES, 2))
        return _boxes(centre, side), (rng.permutation(BOXES) / BOXES).astype(np.float32)

    return draw


def _boxes(centre: np.ndarray, side: np.ndarray) -> np.ndarray:
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)


def greedy_nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """The loop that is found everywhere: each kept box against all that are left, in one go."""
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T)
    areas = (x2 - x1) * (y2 - y1)
    order = scores.argsort()[::-1]
    kept = []
    while order.size:
        i, rest = order[0], order[1:]
        kept.append(i)
        width = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]))
        height = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]))
        intersection = width * height
        order = rest[intersection / (areas[i] + areas[rest] - intersection) <= iou_threshold]
    return np.array(kept)


def nms_row(name: str, draw: Callable[[], tuple[np.ndarray, np.ndarray]], bar: float) -> Row:
    """``nms`` at a threshold of 0.5."""

    def build(device: torch.device, threads: int) -> Contest:
        boxes, scores = draw()
        on_device = torch.tensor(boxes, device=device), torch.tensor(scores, device=device)
        return {
            "ours": lambda: vision.nms(*on_device, 0.5),
            "NumPy": lambda: greedy_nms(boxes, scores, 0.5),
        }

    return Row(f"nms {BOXES} boxes, {name}", build, "NumPy", bar)


def draw_regions() -> tuple[Tensor, Tensor]:
    """Feature maps, and regions of 2 to 16 pixels a side in them."""
    torch.manual_seed(0)
    corner, side = 24 * torch.rand(REGIONS, 2), 2 + 14 * torch.rand(REGIONS, 2)
    number = torch.randint(MAPS[0], (REGIONS, 1))
    return torch.randn(MAPS), torch.cat([number, corner, (corner + side).clamp(max=31)], dim=1)


def roi_align_by_regions(x: Tensor, rois: Tensor) -> Tensor:
    """A loop over regions: bilinear samples (2 x 2 in each of 7 x 7 bins), then their averages."""
    pooled = []
    scale = torch.tensor([2 / x.shape[3], 2 / x.shape[2]], device=x.device)
    steps = (torch.arange(14, device=x.device) + 0.5) / 14
    for number, x1, y1, x2, y2 in rois.unbind():
        across, down = x1 + (x2 - x1) * steps, y1 + (y2 - y1) * steps
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1) * scale - 1
        one = x[int(number)][None]
        samples = F.grid_sample(one, grid[None], padding_mode="border", align_corners=False)
        pooled.append(F.avg_pool2d(samples, 2))
    return torch.cat(pooled)


def roi_pool_by_regions(x: Tensor, rois: Tensor) -> Tensor:
    """A loop over regions: cut out, then pool adaptively."""
    pooled = []
    for number, x1, y1, x2, y2 in (rois + 0.5).floor().long().tolist():
        crop = x[math.floor(number), :, y1 : y2 + 1, x1 : x2 + 1]
        pooled.append(F.adaptive_max_pool2d(crop, 7))
    return torch.stack(pooled)


def region_rows(
    name: str,
    ours: Callable[[Tensor, Tensor], Tensor],
    loop: Callable[[Tensor, Tensor], Tensor],
    node: tuple[str, dict],
    bar: float | None,
) -> list[Row]:
    """Forward against onnxruntime, which has no backward pass; both passes against the loop."""

    def forward(device: torch.device, threads: int) -> Contest:
        x, rois = (each.to(device) for each in draw_regions())
        others = _onnxruntime(*node, x, rois, threads) if device.type == "cpu" else {}
        return {"ours": lambda: ours(x, rois), "naive": lambda: loop(x, rois), **others}

    def both(device: torch.device, threads: int) -> Contest:
        x, rois = (each.to(device) for each in draw_regions())
        x.requires_grad_()

        def call(pool: Callable[[Tensor, Tensor], Tensor]) -> Call:
            def run() -> Tensor:
                y = pool(x, rois)
                return torch.autograd.grad(y, x, torch.ones_like(y))[0]

            return run

        return {"ours": call(ours), "naive": call(loop)}

    what = f"{name} {REGIONS} regions of {'x'.join(map(str, MAPS))}"
    return [
        Row(f"{what}, forward", forward, "onnxruntime", bar),
        Row(f"{what}, forward and backward", both, "naive"),
    ]


def _onnxruntime(
    operator: str, attributes: dict, x: Tensor, rois: Tensor, threads: int
) -> Mapping[str, Call]:
    """The same node in onnxruntime, if it is installed."""
    try:
        import onnxruntime
        from onnx import TensorProto, helper
    except ImportError:
        return {}
    feed = {"x": x.numpy(), "rois": rois.numpy()}
    if operator == "RoiAlign":
        feed |= {"rois": rois[:, 1:].contiguous().numpy(), "numbers": rois[:, 0].long().numpy()}
    types = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(k, types[v.dtype], v.shape) for k, v in feed.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    node = helper.make_node(operator, list(feed), ["y"], **attributes)
    graph = helper.make_graph([node], operator, inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return {"onnxruntime": lambda: session.run(None, feed)[0]}


def iou_of_stacked_corners(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU with x and y together in the last dimension."""
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (boxes1, boxes2)]
    sides = torch.minimum(boxes1[:, None, 2:], boxes2[:, 2:]) - torch.maximum(
        boxes1[:, None, :2], boxes2[:, :2]
    )
    intersection = sides.clamp(min=0).prod(dim=2)
    return intersection / (areas[0][:, None] + areas[1] - intersection)


def build_iou(device: torch.device, threads: int) -> Contest:
    """500 boxes with 500 others."""
    boxes = torch.tensor(scattered(1000, 200)()[0][:1000], device=device)
    return {
        "ours": lambda: vision.box_iou(boxes[:500], boxes[500:]),
        "naive": lambda: iou_of_stacked_corners(boxes[:500], boxes[500:]),
    }


ROI_ALIGN = {"output_height": 7, "output_width": 7, "sampling_ratio": 2}
ROWS = [
    Row("box_iou 500x500", build_iou, "naive"),
    nms_row("crowd of 20 objects", crowded(20), 1.0),
    nms_row("crowd of 200 objects", crowded(200), 1.0),
    nms_row("spread over 1000 pixels", scattered(1000, 50), 5.0),
    nms_row("spread over 10000 pixels", scattered(10_000, 100), 5.0),
    *region_rows(
        "roi_align",
        lambda x, rois: vision.roi_align(x, rois, 7, sampling_ratio=2, aligned=True),
        roi_align_by_regions,
        ("RoiAlign", ROI_ALIGN | {"coordinate_transformation_mode": "half_pixel"}),
        0.5,
    ),
    *region_rows(
        "roi_pool",
        lambda x, rois: vision.roi_pool(x, rois, 7),
        roi_pool_by_regions,
        ("MaxRoiPool", {"pooled_shape": [7, 7]}),
        None,
    ),
]
