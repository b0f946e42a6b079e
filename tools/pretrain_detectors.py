"""Train the detectors that come with the course: ``python tools/pretrain_detectors.py KIND ...``.

Each sees the same pictures and has the same time: seconds of one core that the process itself has used,
whatever else the machine does. How many steps fit into them is another matter on every machine, so what comes
out is alike in quality, not in every weight. The record in each file says how many steps there were, what the
steps before and after them took, and how well the detector does on pictures of the validation split.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from pretraining import descend, half, processor, train_for, versions
from torch import Tensor, nn

from course_lib import data, layers, metrics, optim, vision
from course_lib.models import embedded_weights, trained_detectors
from course_lib.models.rcnn import RCNN

LARGEST_GRADIENT = 5.0  # by its norm
REGIONS = 8  # of a picture, in a step of R-CNN's network
AT_ONCE = 50  # pictures that a detector is judged on at a time
SEARCHING = ("rcnn", "fast_rcnn")  # kinds that are given the proposals of selective search

Step = Callable[[list[int], float], None]
Boxes = list[Tensor]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a detector becomes, but for the speed of the machine.

    Attributes:
        kind: see ``trained_detectors.MODELS``.
        options: of the function that makes it.
        batch_size: pictures a step.
        learning_rate: of AdamW; it rises over the first steps and falls to 0 along a cosine of the time.
        examples: pictures of ``scenes`` that it is trained on.
        fitted: of these, those that R-CNN's machines and regressions are fitted to.
        held_out: pictures of the validation split that it is judged on.
        seconds: of one core.
    """

    kind: str
    options: dict[str, Any]
    batch_size: int = 16
    learning_rate: float = 3e-3
    examples: int = 3000
    fitted: int = 500
    held_out: int = 200
    seconds: float = 180.0


SMALL: dict[str, Any] = {"num_classes": 7, "output_size": 5, "hidden": 64}
RECIPES = {
    "rcnn": Recipe("rcnn", {"num_classes": 7}),
    "fast_rcnn": Recipe("fast_rcnn", SMALL),
    "faster_rcnn": Recipe("faster_rcnn", SMALL),
    "mask_rcnn": Recipe("mask_rcnn", {**SMALL, "mask_size": 7}),
    "mask_rcnn_pool": Recipe("mask_rcnn_pool", {**SMALL, "mask_size": 7}),
    "tiny_yolo": Recipe("tiny_yolo", {"num_classes": 7}),
}


@dataclass
class Pictures:
    """Pictures (n, 3, h, w) with what is on them, and the proposals of selective search where asked for."""

    x: Tensor
    targets: list[dict[str, Tensor]]
    proposals: Boxes = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def load(cls, split: str, n: int, search: bool) -> "Pictures":
        """The first n pictures of a split; ``seconds`` is what the search took."""
        scenes = data.load("scenes", split, n=n)
        began = time.process_time()
        proposals = [vision.selective_search(image) for image in scenes.x] if search else []
        return cls(scenes.x, scenes.targets(), proposals, round(time.process_time() - began, 2))


def joint_training(net: nn.Module, recipe: Recipe, shown: Pictures) -> Step:
    """The step of a detector whose losses are minimized together."""
    optimizer = optim.AdamW(net.parameters(), lr=recipe.learning_rate)

    def step(rows: list[int], share: float) -> None:
        targets = [shown.targets[row] for row in rows]
        given = ([shown.proposals[row] for row in rows],) if shown.proposals else ()
        losses = net(shown.x[rows], *given, targets)
        total = torch.stack(list(losses.values())).sum()
        descend(optimizer, total, recipe.learning_rate * share, LARGEST_GRADIENT)

    return step


def region_training(net: RCNN, recipe: Recipe, shown: Pictures) -> Step:
    """The step of R-CNN's network: it learns to name stretched proposals, by a layer that is thrown away."""
    name = layers.Linear(net.svm_weight.shape[1], recipe.options["num_classes"])
    optimizer = optim.AdamW([*net.network.parameters(), *name.parameters()], lr=recipe.learning_rate)

    def step(rows: list[int], share: float) -> None:
        boxes, labels = [], []
        for row in rows:
            target, candidates = shown.targets[row], with_truth(shown, row)
            matched = vision.match_boxes(vision.box_iou(target["boxes"], candidates), 0.5, 0.5)
            chosen = torch.cat(vision.sample_matches(matched, REGIONS, 0.5))
            boxes.append(candidates[chosen])
            is_object = matched[chosen] >= 0
            labels.append(torch.where(is_object, target["labels"][matched[chosen].clamp(min=0)], 0))
        regions = vision.warp_boxes(shown.x[rows], boxes, net.size, net.context)
        loss = layers.cross_entropy(name(net.network(regions)), torch.cat(labels))
        descend(optimizer, loss, recipe.learning_rate * share, LARGEST_GRADIENT)

    return step


def with_truth(shown: Pictures, row: int) -> Tensor:
    """The proposals of a picture and its true boxes."""
    return torch.cat([shown.proposals[row], shown.targets[row]["boxes"]])


def fit(net: RCNN, shown: Pictures, count: int) -> float:
    """Fit machines and regressions to the first pictures; the seconds that it took."""
    began = time.process_time()
    targets = shown.targets[:count]
    boxes = [with_truth(shown, row) for row in range(count)]
    features = net.describe(shown.x[:count], boxes)
    net.fit_svms(features, boxes, targets)
    net.fit_boxes(features, boxes, targets)
    return round(time.process_time() - began, 2)


def batches(count: int, size: int, rng: torch.Generator) -> Iterator[list[int]]:
    """Rows of ``size`` pictures for ever, every picture once in each round."""
    while True:
        for rows in torch.randperm(count, generator=rng).split(size):
            if len(rows) == size:
                yield rows.tolist()


def detect(net: nn.Module, held: Pictures) -> list[dict[str, Tensor]]:
    """What the detector finds on each picture."""
    found = []
    with torch.no_grad():
        for start in range(0, len(held.x), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            given = (held.proposals[part],) if held.proposals else ()
            found += net(held.x[part], *given)
    return found


def judge(net: nn.Module, held: Pictures) -> dict[str, float]:
    """Average precision on held-out pictures, and the seconds that a picture takes."""
    began = time.process_time()
    found = detect(net, held)
    passed = time.process_time() - began + held.seconds
    result = metrics.mean_average_precision(found, held.targets)
    judged = {"map": result["map"], "map_50": result["map_50"], "seconds_a_picture": passed / len(held.x)}
    if "masks" in found[0]:
        outlines = [{**each, "masks": each["masks"][:, 0] > 0.5} for each in found]
        result = metrics.mean_average_precision(outlines, held.targets, iou_type="segm")
        judged |= {"mask_map": result["map"], "mask_map_50": result["map_50"]}
    return {key: round(float(value), 4) for key, value in judged.items()}


def train(recipe: Recipe, seed: int, shown: Pictures) -> tuple[nn.Module, dict[str, Any]]:
    """Return the trained detector in evaluation mode, and what was measured on the way."""
    torch.manual_seed(seed)
    net = trained_detectors.MODELS[recipe.kind](**recipe.options)
    training = region_training if isinstance(net, RCNN) else joint_training
    step = training(net, recipe, shown)
    rows = batches(len(shown.x), recipe.batch_size, torch.Generator().manual_seed(seed))
    measured = train_for(recipe.seconds, lambda share: step(next(rows), share), time.process_time)
    measured["search_seconds"] = shown.seconds
    net.eval()
    if isinstance(net, RCNN):
        measured["fit_seconds"] = fit(net, shown, recipe.fitted)
    return net, measured


def record(recipe: Recipe, seed: int, measured: dict[str, Any]) -> dict[str, Any]:
    """Return what the file says of its weights."""
    return {**vars(recipe), "seed": seed, **measured, "processor": processor(), "versions": versions()}


def make(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Train one detector, judge it and write it; return what was measured."""
    search = recipe.kind in SEARCHING
    net, measured = train(recipe, seed, Pictures.load("train", recipe.examples, search))
    net.load_state_dict(half(net))  # what is judged is what is stored
    measured["validation"] = judge(net, Pictures.load("validation", recipe.held_out, search))
    trained_detectors.FOLDER.mkdir(parents=True, exist_ok=True)
    path = trained_detectors.path_of("make", recipe.kind, seed)
    embedded_weights.write(path, half(net), record(recipe, seed, measured))
    return measured


def main() -> None:
    """Make the detectors asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="+", choices=RECIPES, metavar="KIND", help=", ".join(RECIPES))
    seeds = trained_detectors.SEEDS
    parser.add_argument("--seeds", type=int, nargs="+", default=seeds, choices=seeds)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one core's seconds
    for seed in arguments.seeds:
        for kind in arguments.kinds:
            print(f"{kind}, seed {seed}: {make(RECIPES[kind], seed)}", flush=True)


if __name__ == "__main__":
    main()
