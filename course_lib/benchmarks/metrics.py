"""Metrics against scikit-learn, scikit-image and pycocotools."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from course_lib import metrics
from course_lib.benchmarks.contest import Contest, Row


def labels(score: str, **options: Any) -> Callable[[torch.device, int], Contest]:
    """Score 100,000 predicted labels of 10 classes."""

    def build(device: torch.device, threads: int) -> Contest:
        import sklearn.metrics

        rng = np.random.default_rng(0)
        y_true = rng.integers(0, 10, 100_000)
        y_pred = np.where(rng.random(100_000) < 0.7, y_true, rng.integers(0, 10, 100_000))
        tensors = [torch.from_numpy(y).to(device) for y in (y_true, y_pred)]
        return {
            "ours": lambda: getattr(metrics, score)(*tensors, **options),
            "scikit-learn": lambda: getattr(sklearn.metrics, score)(y_true, y_pred, **options),
        }

    return build


def scores(score: str) -> Callable[[torch.device, int], Contest]:
    """Score 100,000 examples of two classes."""

    def build(device: torch.device, threads: int) -> Contest:
        import sklearn.metrics

        rng = np.random.default_rng(0)
        y_true = rng.integers(0, 2, 100_000)
        y_score = rng.normal(size=100_000) + y_true
        tensors = [torch.from_numpy(y).to(device) for y in (y_true, y_score)]
        return {
            "ours": lambda: getattr(metrics, score)(*tensors),
            "scikit-learn": lambda: getattr(sklearn.metrics, score)(y_true, y_score),
        }

    return build


def similarity(gaussian_weights: bool) -> Callable[[torch.device, int], Contest]:
    """Compare two pictures of 256 x 256 pixels."""

    def build(device: torch.device, threads: int) -> Contest:
        import skimage.metrics

        x, y = np.random.default_rng(0).random((2, 256, 256))
        tensors = [torch.from_numpy(image).to(device) for image in (x, y)]
        options: dict[str, Any] = {"data_range": 1.0, "gaussian_weights": gaussian_weights}
        return {
            "ours": lambda: metrics.structural_similarity(*tensors, **options),
            "scikit-image": lambda: skimage.metrics.structural_similarity(x, y, **options),
        }

    return build


def detections(device: torch.device, threads: int) -> Contest:
    """Evaluate 50 pictures of 3 classes, with up to 8 objects and 20 detections."""
    rng = np.random.default_rng(0)
    predictions, targets = [], []
    for _ in range(50):
        corner, size = rng.integers(0, 90, (8, 2)), rng.integers(8, 38, (8, 2))
        boxes = np.concatenate([corner, corner + size], axis=1).astype(float)
        kinds, which = rng.integers(0, 3, 8), rng.integers(0, 8, 20)
        found = boxes[which] + rng.integers(-2, 3, (20, 4))
        predictions.append({"boxes": found, "labels": kinds[which], "scores": rng.random(20)})
        targets.append({"boxes": boxes, "labels": kinds})
    names = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large")

    def ours() -> list[float]:
        result = metrics.mean_average_precision(predictions, targets)
        return [result[name] for name in names]

    contest = {"ours": ours}
    with contextlib.suppress(ImportError):
        contest["pycocotools"] = _coco(predictions, targets)
    return contest


def _coco(predictions: list[dict], targets: list[dict]) -> Callable[[], list[float]]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(pictures: list[dict]) -> list[dict]:
        made: list[dict] = []
        for i, picture in enumerate(pictures):
            for j, (left, top, right, bottom) in enumerate(picture["boxes"].tolist()):
                box = [left, top, right - left, bottom - top]
                row = {"image_id": i, "category_id": int(picture["labels"][j]), "bbox": box, "iscrowd": 0}
                score = float(picture["scores"][j]) if "scores" in picture else 1.0
                made.append(row | {"id": len(made) + 1, "area": box[2] * box[3], "score": score})
        return made

    def evaluate() -> list[float]:
        with contextlib.redirect_stdout(io.StringIO()):
            both = []
            for pictures in (targets, predictions):
                coco = COCO()
                coco.dataset = {
                    "images": [{"id": i} for i in range(len(pictures))],
                    "annotations": rows(pictures),
                    "categories": [{"id": k} for k in range(3)],
                }
                coco.createIndex()
                both.append(coco)
            evaluation = COCOeval(*both, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return evaluation.stats[:6].tolist()

    return evaluate


ROWS = [
    Row("confusion_matrix, 100,000 labels", labels("confusion_matrix"), "scikit-learn", 1.0),
    Row("f1_score, 100,000 labels", labels("f1_score", average="macro"), "scikit-learn", 1.0),
    Row("accuracy_score, 100,000 labels", labels("accuracy_score"), "scikit-learn", 1.0),
    Row("roc_auc_score, 100,000 scores", scores("roc_auc_score"), "scikit-learn", 1.0),
    Row("average_precision_score, 100,000 scores", scores("average_precision_score"), "scikit-learn", 1.0),
    Row("structural_similarity, 256x256", similarity(False), "scikit-image"),
    Row("structural_similarity, 256x256, Gaussian", similarity(True), "scikit-image"),
    Row("mean_average_precision, 50 pictures", detections, "pycocotools", 1.0),
]
