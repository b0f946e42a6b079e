"""Exercise on the training loop: write it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib import layers, optim
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "02_convolutional_networks/training_a_cnn"
Batches = Sequence[tuple[Tensor, Tensor]]


def small_net(rng: np.random.Generator, sizes: Sequence[int], norm: bool = False) -> nn.Sequential:
    """A small net in double precision, with batch normalization behind its first layer or without."""
    modules: list[nn.Module] = [layers.Linear(sizes[0], sizes[1])]
    if norm:
        modules.append(layers.BatchNorm1d(sizes[1]))
    for i in range(1, len(sizes) - 1):
        modules += [layers.ReLU(), layers.Linear(sizes[i], sizes[i + 1])]
    net = nn.Sequential(*modules).double()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                low = 0.5 if "running_var" in name else -1.0
                value.copy_(torch.from_numpy(rng.uniform(low, low + 2.0, value.shape)))
    return net


def small_batches(rng: np.random.Generator, sizes: Sequence[int], d: int, classes: int) -> Batches:
    """Batches of these sizes: points of d coordinates and labels, all at random."""
    return [
        (torch.from_numpy(2.0 * rng.normal(size=(n, d))), torch.from_numpy(rng.integers(0, classes, n)))
        for n in sizes
    ]


# one epoch

Epoch = Callable[[nn.Module, Batches, float], list[float]]


def train_one_epoch(model: nn.Module, batches: Batches, learning_rate: float) -> list[float]:
    """Forward, loss, zero_grad, backward, step; the loss of each batch, before its step."""
    optimizer = optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    model.train()
    losses = []
    for x, y in batches:
        loss = cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _epoch(
    momentum: float = 0.9,
    mode: str = "train",
    clear: bool = True,
    step: str = "after",
    softmax: bool = False,
    reduction: str = "mean",
    report: str = "before",
) -> Epoch:
    """An epoch with one of its lines missing, misplaced or wrong."""

    def answer(model: nn.Module, batches: Batches, learning_rate: float) -> list[float]:
        optimizer = optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
        if mode:
            model.train(mode == "train")
        losses = []
        for x, y in batches:
            scores = model(x).softmax(dim=1) if softmax else model(x)
            loss = cross_entropy(scores, y, reduction=reduction)
            if step == "before":
                optimizer.step()
            if clear:
                optimizer.zero_grad()
            loss.backward()
            if step == "after":
                optimizer.step()
            losses.append(loss.item() if report == "before" else cross_entropy(model(x), y).item())
        return losses

    return answer


def _mean_of(model: nn.Module, batches: Batches, learning_rate: float) -> float:
    return float(np.mean(train_one_epoch(model, batches, learning_rate)))


def _total(model: nn.Module, batches: Batches, learning_rate: float) -> float:
    losses = train_one_epoch(model, batches, learning_rate)
    return sum(loss * len(y) for loss, (_, y) in zip(losses, batches, strict=True)) / sum(
        len(y) for _, y in batches
    )


def _cleared_after(model: nn.Module, batches: Batches, learning_rate: float) -> list[float]:
    """Right too: clear behind the step, for the next batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    model.train()
    losses = []
    for x, y in batches:
        loss = layers.CrossEntropyLoss()(model(x), y)
        loss.backward()
        losses.append(float(loss))
        optimizer.step()
        model.zero_grad()
    return losses


def _epoch_cases(rng: np.random.Generator) -> list[Case]:
    idle = small_net(rng, (3, 4, 3), norm=True).eval()
    return [
        case(
            small_net(rng, (2, 2)),
            small_batches(rng, [4, 4], 2, 2),
            0.5,
            label="two batches, one dense layer",
        ),
        case(small_net(rng, (3, 5, 3)), small_batches(rng, [4, 4, 4, 4], 3, 3), 0.3, label="four batches"),
        case(small_net(rng, (3, 5, 3)), small_batches(rng, [5, 5, 2], 3, 3), 0.2, label="a short last batch"),
        case(idle, small_batches(rng, [4, 4, 4, 3], 3, 3), 0.2, label="a net that comes in evaluation mode"),
        case(
            small_net(rng, (4, 6, 2), norm=True),
            small_batches(rng, [3] * 6, 4, 2),
            0.1,
            label="batch normalization",
        ),
    ]


TRAIN_ONE_EPOCH = Exercise(
    id="training_a_cnn/train_one_epoch",
    section=SECTION,
    title="One epoch of training",
    reference=train_one_epoch,
    cases=_epoch_cases,
    alternatives=[_cleared_after],
    mistakes=[
        Mistake(
            _epoch(clear=False),
            "The gradients are never cleared: from the second step on each batch moves the weights by the sum of all "
            "gradients so far. Call optimizer.zero_grad() before backward.",
        ),
        Mistake(
            _epoch(step="never"),
            "The weights never move. Call optimizer.step() after backward, with no zero_grad in between.",
        ),
        Mistake(
            _epoch(step="before"),
            "The step comes before backward, so each step uses the gradient of the batch before. First backward, then step.",
        ),
        Mistake(
            _epoch(momentum=0.0),
            "No momentum is at work. Pass momentum=0.9, and make the optimizer once, before the loop: a new one for "
            "each batch forgets its past.",
        ),
        Mistake(
            _epoch(mode=""),
            "The mode is left as it was. A model that comes in evaluation mode must be put into training mode first.",
        ),
        Mistake(
            _epoch(mode="eval"),
            "The model is trained in evaluation mode: batch normalization then ignores the batch. Call model.train().",
        ),
        Mistake(
            _epoch(softmax=True),
            "There is a softmax before the loss. Cross-entropy wants logits and takes the softmax itself.",
        ),
        Mistake(
            _epoch(reduction="sum"),
            "The loss is the sum over the batch. It should be the mean, or long batches make long steps.",
        ),
        Mistake(
            _epoch(report="after"),
            "These are the losses after each step. Return the one that was computed before it and that made the step.",
        ),
        Mistake(_mean_of, "This is the mean over the batches. Return a list with the loss of each batch."),
        Mistake(
            _total, "This is the mean over the examples. Return a list with the loss of each batch instead."
        ),
    ],
    hint="Inside the loop: model, cross_entropy, zero_grad, backward, step. Which lines belong before the loop?",
)
