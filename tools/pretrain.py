"""Train the small nets that come with the course: ``python tools/pretrain.py NAME ...``.

Each is trained from a seed on characters that ``data.load("glyphs")`` draws. On one machine, with one thread
and the same versions, the same weights come out; elsewhere sums round differently, and the accuracy is that
of another seed.
"""

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from pretraining import versions
from torch import nn

from course_lib import data, optim, training
from course_lib.models import embedded_weights

CLASSES = 55
# Stronger changes than the set's own defaults: handwriting varies more than print.
GLYPHS = {"classes": "all", "size": 28, "rotation": 15.0, "scale": 0.25, "shear": 0.3, "stroke": 1.0}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides which weights come out.

    Attributes:
        model: name of the function of ``course_lib.models`` that makes the net.
        options: its arguments; a norm by the name of its layer.
        dataset: name of the data set.
        data_options: its options, the number of examples and the seed apart.
        examples: of the training split, drawn once.
        held_out: examples of the test split, whose fonts are others, that the accuracy is measured on.
        mean: subtracted from every pixel, and
        std: what the difference is divided by.
        epochs: how many times every example is shown.
        batch_size: examples a step.
        learning_rate: of Adam at the start; it falls to 0 along a cosine.
        seed: of the weights, the examples and their order.
    """

    model: str
    options: dict[str, Any]
    dataset: str = "glyphs"
    data_options: dict[str, Any] = field(default_factory=lambda: dict(GLYPHS))
    examples: int = 15_000
    held_out: int = 5_500
    mean: float = 0.5
    std: float = 0.5
    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 3e-3
    seed: int = 0


RECIPES = {
    "glyphs_simple_cnn": Recipe(
        "simple_cnn", {"in_channels": 1, "num_classes": CLASSES, "width": 24, "norm": "BatchNorm2d"}
    ),
    "glyphs_cifar_resnet14": Recipe(
        "cifar_resnet", {"depth": 14, "in_channels": 1, "num_classes": CLASSES, "width_mult": 0.75}
    ),
}


def train(recipe: Recipe) -> tuple[nn.Module, data.Dataset]:
    """Return the trained net in evaluation mode, and the examples of the test split, standardized."""
    sets = {
        split: data.load(recipe.dataset, split, n=n, seed=recipe.seed, **recipe.data_options)
        for split, n in (("train", recipe.examples), ("test", recipe.held_out))
    }
    sets = {split: replace(each, x=(each.x - recipe.mean) / recipe.std) for split, each in sets.items()}
    torch.manual_seed(recipe.seed)
    net = embedded_weights.build(recipe.model, recipe.options)
    optimizer = optim.Adam(net.parameters(), lr=recipe.learning_rate)
    training.fit(
        net,
        sets["train"],
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
    )
    return net.eval(), sets["test"]


def record(name: str, recipe: Recipe, classes: tuple[str, ...], accuracy: float) -> dict[str, Any]:
    """Return what the file says of its weights."""
    measured = {"classes": list(classes), "held_out_accuracy": accuracy, "versions": versions()}
    return {"name": name, **vars(recipe), **measured}


def make(name: str, recipe: Recipe, folder: Path) -> float:
    """Train one net and write its checkpoint; return its accuracy on the test split."""
    net, test = train(recipe)
    accuracy = training.evaluate(net, test)["accuracy"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    embedded_weights.write(path, net.state_dict(), record(name, recipe, test.classes, accuracy))
    return accuracy


def main() -> None:
    """Make the checkpoints asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=RECIPES, metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--folder", type=Path, default=embedded_weights.FOLDER, help="where to write them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # sums of one order
    for name in arguments.names:
        accuracy = make(name, RECIPES[name], arguments.folder)
        print(f"{name}: {accuracy:.4f} of the test split's characters are right")


if __name__ == "__main__":
    main()
