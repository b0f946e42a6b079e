"""Exercise on the training loop: mend it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib import optim
from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.exercises.ch02_convolutional_networks.training_a_cnn.loops import (
    SECTION,
    Batches,
    small_batches,
    small_net,
)

Pairs = list[tuple[float, float]]


def mended(
    model: nn.Module, train_batches: Batches, validation_batches: Batches, epochs: int, learning_rate: float
) -> Pairs:
    """The loop without its bugs."""
    return _loop()(model, train_batches, validation_batches, epochs, learning_rate)


def _loop(*bugs: str) -> Callable[[nn.Module, Batches, Batches, int, float], Pairs]:
    """The loop with some of its bugs: "softmax", "clear", "modes".

    Or with a new one: "stuck" (eval() but no train()), "evaluating" (training in evaluation mode), "undone"
    (cleared between backward and step), "once" (cleared once an epoch), "means" (batches count alike).
    """

    def answer(
        model: nn.Module,
        train_batches: Batches,
        validation_batches: Batches,
        epochs: int,
        learning_rate: float,
    ) -> Pairs:
        optimizer = optim.SGD(model.parameters(), lr=learning_rate)
        record = []
        for _ in range(epochs):
            if not {"modes", "stuck"} & set(bugs):
                model.train("evaluating" not in bugs)
            if "once" in bugs:
                optimizer.zero_grad()
            total, seen = 0.0, 0
            for x, y in train_batches:
                scores = model(x).softmax(dim=1) if "softmax" in bugs else model(x)
                loss = cross_entropy(scores, y)
                if not {"clear", "once"} & set(bugs):
                    optimizer.zero_grad()
                loss.backward()
                if "undone" in bugs:
                    optimizer.zero_grad()
                optimizer.step()
                total, seen = total + loss.item() * len(y), seen + len(y)
            validated = _validated(model, validation_batches, "modes" not in bugs, "means" not in bugs)
            record.append((total / seen, validated))
        return record

    return answer


@torch.no_grad()
def _validated(model: nn.Module, batches: Batches, switch: bool, weighted: bool = True) -> float:
    if switch:
        model.eval()
    losses = [cross_entropy(model(x), y).item() for x, y in batches]
    return float(np.average(losses, weights=[len(y) if weighted else 1 for _, y in batches]))


def _back_at_the_end(
    model: nn.Module, train_batches: Batches, validation_batches: Batches, epochs: int, learning_rate: float
) -> Pairs:
    """Right too: log-probabilities, and back to training mode behind the validation."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    record = []
    for _ in range(epochs):
        total = torch.zeros(())
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = nn.functional.nll_loss(model(x).log_softmax(dim=1), y)
            loss.backward()
            optimizer.step()
            total = total + loss.detach() * len(y)
        validated = _validated(model, validation_batches, switch=True)
        model.train()
        record.append((float(total) / sum(len(y) for _, y in train_batches), validated))
    return record


def _loop_cases(rng: np.random.Generator) -> list[Case]:
    def both(d: int, classes: int) -> tuple[Batches, Batches]:
        return small_batches(rng, [5, 5, 3], d, classes), small_batches(rng, [4, 2], d, classes)

    return [
        case(small_net(rng, (2, 3, 2), norm=True), *both(2, 2), 1, 0.2, label="a single epoch"),
        case(small_net(rng, (3, 5, 3), norm=True), *both(3, 3), 3, 0.2, label="three epochs"),
        case(small_net(rng, (4, 6, 3), norm=True), *both(4, 3), 4, 0.1, label="four epochs"),
    ]


_SOFTMAX = "the softmax before the cross-entropy, which wants logits"
_CLEAR = "gradients that are never cleared"
_MODES = "a network that is judged in training mode"

THREE_BUGS = Exercise(
    id="training_a_cnn/three_bugs",
    section=SECTION,
    title="Three bugs",
    reference=mended,
    cases=_loop_cases,
    alternatives=[_back_at_the_end],
    mistakes=[
        Mistake(
            _loop("softmax", "clear", "modes"),
            "This does what the broken loop does: all three bugs are left. Read what cross_entropy wants, what "
            "backward does with old gradients, and which mode the network is in.",
        ),
        Mistake(_loop("softmax"), f"Two bugs are mended. One is left: {_SOFTMAX}."),
        Mistake(_loop("clear"), f"Two bugs are mended. One is left: {_CLEAR}."),
        Mistake(
            _loop("modes"),
            f"Two bugs are mended. One is left: {_MODES}. Call eval() before validating and train() before training.",
        ),
        Mistake(_loop("softmax", "clear"), f"One bug is mended. Left are {_SOFTMAX}, and {_CLEAR}."),
        Mistake(_loop("softmax", "modes"), f"One bug is mended. Left are {_SOFTMAX}, and {_MODES}."),
        Mistake(_loop("clear", "modes"), f"One bug is mended. Left are {_CLEAR}, and {_MODES}."),
        Mistake(
            _loop("stuck"),
            "All three are mended, and a new one has come in: after the first validation the network stays in "
            "evaluation mode. Call model.train() at the start of every epoch.",
        ),
        Mistake(
            _loop("evaluating"),
            "It trains in evaluation mode: the losses of training are not those of the batches' own means and spreads. "
            "Call model.train() before the training batches and model.eval() before the validation batches.",
        ),
        Mistake(
            _loop("undone"),
            "The gradients are cleared between backward and step, so no step moves anything. Clear them before backward.",
        ),
        Mistake(
            _loop("once"),
            "The gradients are cleared once an epoch, and pile up within it. Clear them for every batch.",
        ),
        Mistake(
            _loop("means"),
            "The validation loss is a mean of the batches' means. Weight each by its length, as it was.",
        ),
    ],
    hint="One bug is in what the loss gets, one in what happens between two steps, one in the mode of the network.",
)
