"""Exercises on the data that go in and the number that comes out."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "02_convolutional_networks/training_a_cnn"

# one scale

Scaled = Callable[[np.ndarray, np.ndarray], np.ndarray]


def standardize(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean and deviation of each channel, from the training images; a deviation of 0 divides by 1."""
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    std = train.std(axis=(0, 2, 3), keepdims=True)
    return (other - mean) / np.where(std == 0, 1.0, std)


def _scaled(
    ruler: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda train, other: train,
    axes: tuple[int, ...] = (0, 2, 3),
    power: float = 1.0,
    guard: bool = True,
    shift: bool = True,
    correction: int = 0,
) -> Scaled:
    """A wrong scale: from other images, over other axes, or by another formula."""

    def answer(train: np.ndarray, other: np.ndarray) -> np.ndarray:
        measured = ruler(train, other)
        mean = measured.mean(axis=axes, keepdims=True)
        std = measured.std(axis=axes, keepdims=True, ddof=correction) ** power
        if guard:
            std = np.where(std == 0, 1.0, std)
        with np.errstate(all="ignore"):
            return np.asarray((other - mean * shift) / std)

    return answer


def _to_unit_range(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    low, high = (f(train, axis=(0, 2, 3), keepdims=True) for f in (np.min, np.max))
    return (other - low) / np.where(high == low, 1.0, high - low)


def _with_a_tiny_number(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    mean, std = (f(train, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.std))
    return np.asarray((other - mean) / (std + 1e-8))


def _each_image(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    mean, std = (f(other, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.std))
    return (other - mean) / np.where(std == 0, 1.0, std)


def _by_channel(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    found = np.empty(other.shape)
    for c in range(train.shape[1]):
        values = train[:, c].ravel()
        found[:, c] = (other[:, c] - values.mean()) / (values.std() or 1.0)
    return found


def _pictures(rng: np.random.Generator) -> list[Case]:
    def images(n: int, *shape: int, center: float = 0.4) -> np.ndarray:
        return np.round(rng.uniform(center - 0.4, center + 0.4, (n, *shape)), 3)

    colour = images(5, 3, 4, 4) * np.array([1.0, 0.5, 0.2]).reshape(1, 3, 1, 1)
    dull = images(4, 2, 3, 3)
    dull[:, 1] = 0.25
    dark = images(3, 2, 3, 3, center=0.2)
    return [
        case(images(4, 1, 2, 3), images(2, 1, 2, 3), label="grey images"),
        case(images(6, 1, 3, 3), images(3, 1, 3, 3, center=0.1), label="the others are darker"),
        case(colour, images(2, 3, 4, 4), label="three channels"),
        case(colour, colour, label="the training images themselves"),
        case(images(4, 2, 3, 5), images(1, 2, 3, 5), label="a single image"),
        case(dull, dark, label="a channel without variation in training"),
    ]


STANDARDIZE = Exercise(
    id="training_a_cnn/standardize",
    section=SECTION,
    title="The training set's ruler",
    reference=standardize,
    cases=_pictures,
    alternatives=[_by_channel],
    mistakes=[
        Mistake(
            _scaled(ruler=lambda train, other: other),
            "The other images are measured with a ruler of their own. Use the mean and the deviation of the training images.",
        ),
        Mistake(
            _scaled(ruler=lambda train, other: np.concatenate([train, other])),
            "The mean and the deviation are those of both sets together. What is held out must not have a say: training "
            "images only.",
        ),
        Mistake(
            _scaled(axes=(0, 1, 2, 3)),
            "There is one mean and one deviation for all channels. Each channel has its own.",
        ),
        Mistake(
            _scaled(axes=(0,)),
            "Each pixel has a mean and a deviation of its own here. Take them over the places too: axes 0, 2 and 3.",
        ),
        Mistake(
            _each_image,
            "Each image is standardized by itself. The mean and the deviation are those of the training set.",
        ),
        Mistake(_scaled(power=2.0), "This divides by the variance. Divide by its root."),
        Mistake(
            _scaled(guard=False),
            "A channel that never varies in training has the deviation 0. Divide by 1 there.",
        ),
        Mistake(
            _with_a_tiny_number,
            "A tiny number added to the deviation does not save a channel without variation: divided by it, any "
            "difference becomes huge. Divide by 1 where the deviation is 0.",
        ),
        Mistake(
            _scaled(shift=False),
            "The mean is not subtracted. Subtract it first, then divide.",
        ),
        Mistake(
            _scaled(correction=1),
            "The variance is divided by the number of values less one. The formula of the text is the mean of the "
            "squares: ddof=0.",
        ),
        Mistake(
            _to_unit_range,
            "This maps the smallest value to 0 and the largest to 1. Asked for are mean 0 and deviation 1.",
        ),
    ],
    hint="train.mean(axis=(0, 2, 3), keepdims=True) has the shape (1, c, 1, 1), which goes with any number of images.",
)

# accuracy over a loader

Batches = Sequence[tuple[Tensor, Tensor]]


def accuracy_over(model: nn.Module, batches: Batches) -> float:
    """Count the right answers in evaluation mode, then divide by all examples."""
    model.eval()
    right = seen = 0
    with torch.no_grad():
        for x, y in batches:
            right += int((model(x).argmax(dim=1) == y).sum())
            seen += len(y)
    return right / seen


def _rights(model: nn.Module, batches: Batches, mode: str = "eval") -> list[Tensor]:
    """Which answers are right, batch by batch."""
    if mode:
        model.train(mode == "train")
    with torch.no_grad():
        return [(model(x).argmax(dim=1) == y).double() for x, y in batches]


def _all_at_once(model: nn.Module, batches: Batches) -> Tensor:
    return torch.cat(_rights(model, batches)).mean()


def _worst_of_all(model: nn.Module, batches: Batches) -> float:
    model.eval()
    with torch.no_grad():
        return float(torch.cat([(model(x).argmin(dim=1) == y).double() for x, y in batches]).mean())


def _reader(mean: Sequence[float], var: Sequence[float], weight: Sequence[Sequence[float]]) -> nn.Sequential:
    """Batch normalization with these running averages, then a dense layer without bias; in training mode."""
    norm = layers.BatchNorm1d(len(mean))
    dense = layers.Linear(len(mean), len(weight), bias=False)
    with torch.no_grad():
        norm.load_state_dict(
            norm.state_dict() | {"running_mean": torch.tensor(mean), "running_var": torch.tensor(var)}
        )
        dense.weight.copy_(torch.tensor(weight))
    return nn.Sequential(norm, dense).double()


def _labelled(rng: np.random.Generator, sizes: Sequence[int], share: Sequence[float]) -> Batches:
    """Points (n, 2) and labels: the larger coordinate, made wrong for 1 - share of each batch."""
    found = []
    for n, right in zip(sizes, share, strict=True):
        x = np.round(rng.normal(size=(n, 2)), 2) + np.array([[1.5, 0.0]])
        y = x.argmax(axis=1)
        wrong = np.arange(n) >= round(right * n)
        found.append((torch.from_numpy(x), torch.from_numpy(np.where(wrong, 1 - y, y))))
    return found


def _readers(rng: np.random.Generator) -> list[Case]:
    eye = [[1.0, 0.0], [0.0, 1.0]]
    dense = layers.Linear(2, 2, bias=False).double()
    with torch.no_grad():
        dense.weight.copy_(torch.tensor(eye))
    plain = nn.Sequential(dense)
    scale = _reader([0.0, 0.0], [1.0, 1.0], eye)
    three = _reader([0.0, 0.0], [1.0, 2.0], [[1.0, 0.2], [0.1, 1.0], [-0.5, 0.3]])
    return [
        case(plain, _labelled(rng, [5], [0.8]), label="a single batch"),
        case(plain, _labelled(rng, [4, 4], [1.0, 0.5]), label="two batches of equal size"),
        case(plain, _labelled(rng, [6, 6, 1], [0.5, 0.5, 1.0]), label="a last batch of one"),
        case(scale, _labelled(rng, [8, 8, 3], [0.75, 1.0, 0.4]), label="batch normalization"),
        case(three, _labelled(rng, [9, 9, 4], [0.7, 0.8, 1.0]), label="three classes, batch normalization"),
    ]


ACCURACY = Exercise(
    id="training_a_cnn/accuracy_over",
    section=SECTION,
    title="Accuracy over all batches",
    reference=accuracy_over,
    cases=_readers,
    alternatives=[_all_at_once],
    mistakes=[
        Mistake(
            lambda model, batches: float(np.mean([right.mean() for right in _rights(model, batches)])),
            "This is the mean of the batches' accuracies, in which the examples of a short batch count more. Count right "
            "answers and examples, and divide at the end.",
        ),
        Mistake(
            lambda model, batches: float(torch.cat(_rights(model, batches, mode="")).mean()),
            "The model answers in the mode in which it came. Call model.eval() first.",
        ),
        Mistake(
            lambda model, batches: float(
                np.mean([right.mean() for right in _rights(model, batches, mode="")])
            ),
            "Two things: the model is not in evaluation mode, and a short batch counts as much as a long one.",
        ),
        Mistake(
            lambda model, batches: int(torch.cat(_rights(model, batches)).sum()),
            "This is the number of right answers. Divide by the number of examples.",
        ),
        Mistake(
            lambda model, batches: 1 - float(torch.cat(_rights(model, batches)).mean()),
            "This is the share of wrong answers.",
        ),
        Mistake(
            lambda model, batches: float(_rights(model, batches)[-1].mean()),
            "This is the accuracy of the last batch alone. Add up over all of them.",
        ),
        Mistake(
            lambda model, batches: (
                float(torch.cat(_rights(model, batches)).sum()) / (len(batches) * len(batches[0][1]))
            ),
            "The number of examples is taken as batches times batch size. The last batch may be shorter: add up the lengths.",
        ),
        Mistake(
            lambda model, batches: float(torch.cat(_rights(model, batches)).sum()) / len(batches),
            "This divides by the number of batches. Divide by the number of examples.",
        ),
        Mistake(
            lambda model, batches: 100 * float(torch.cat(_rights(model, batches)).mean()),
            "This is in percent. Return a share from 0 to 1.",
        ),
        Mistake(_worst_of_all, "The answer is the class with the largest logit, not the smallest."),
    ],
    hint="Two counters, right and seen, and one division at the very end. Which mode is the model in?",
)
