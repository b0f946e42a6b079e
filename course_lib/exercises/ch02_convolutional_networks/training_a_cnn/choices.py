"""Exercises on choices: which epoch to keep, and what to write into a checkpoint."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/training_a_cnn"

# the epoch to keep

History = Mapping[str, Sequence[float]]


def best_epoch(history: History) -> int:
    """The highest validation accuracy; of equals the lowest validation loss, then the earliest."""
    accuracy, loss = history["validation_accuracy"], history["validation_loss"]
    return min(range(len(loss)), key=lambda i: (-accuracy[i], loss[i])) + 1


def _best(key: Callable[[History, int], Any], first: int = 1, latest: bool = False) -> Callable[..., int]:
    """The epoch with the smallest key, counted from ``first``; of equals the earliest or the latest."""

    def answer(history: History) -> int:
        rows = range(len(history["validation_loss"]))
        return min(reversed(rows) if latest else rows, key=lambda i: key(history, i)) + first

    return answer


def _accuracy_then_loss(history: History, i: int) -> tuple[float, float]:
    return -history["validation_accuracy"][i], history["validation_loss"][i]


def _sorted(history: History) -> int:
    rows = zip(history["validation_accuracy"], history["validation_loss"], strict=True)
    return sorted((-a, b, i) for i, (a, b) in enumerate(rows, start=1))[0][2]


def _record(
    train: Sequence[float], loss: Sequence[float], accuracy: Sequence[float], test: Sequence[float]
) -> dict[str, list[float]]:
    names = ("train_loss", "validation_loss", "validation_accuracy", "test_accuracy")
    return {name: list(column) for name, column in zip(names, (train, loss, accuracy, test), strict=True)}


BEST_EPOCH = Exercise(
    id="training_a_cnn/best_epoch",
    section=SECTION,
    title="Which epoch to keep",
    reference=best_epoch,
    cases=[
        case(
            _record([2.1, 1.0, 0.5, 0.3], [1.9, 0.9, 0.6, 0.7], [0.4, 0.7, 0.9, 0.8], [0.5, 0.9, 0.7, 0.6]),
            label="overfitting after the third epoch",
        ),
        case(
            _record(
                [1.5, 0.6, 0.3, 0.2, 0.1],
                [1.2, 0.5, 0.35, 0.3, 0.4],
                [0.6, 0.9, 0.9, 0.8, 0.9],
                [0.6, 0.7, 0.9, 0.8, 0.8],
            ),
            label="three epochs of equal accuracy",
        ),
        case(
            _record([2.0, 1.2, 0.8], [1.8, 0.5, 0.9], [0.5, 0.80, 0.85], [0.6, 0.5, 0.4]),
            label="the lowest loss is not at the highest accuracy",
        ),
        case(
            _record([0.9, 0.5, 0.3, 0.4], [0.7, 0.4, 0.4, 0.6], [0.7, 0.9, 0.9, 0.9], [0.7, 0.7, 0.8, 0.9]),
            label="equal in accuracy and loss",
        ),
        case(
            _record([0.3, 0.1, 0.4, 0.2], [0.2, 0.5, 0.6, 0.8], [0.95, 0.9, 0.9, 0.8], [0.8, 0.9, 0.95, 0.9]),
            label="best at the start",
        ),
        case(_record([1.0], [1.1], [0.5], [0.5]), label="a single epoch"),
    ],
    alternatives=[_sorted],
    mistakes=[
        Mistake(
            _best(_accuracy_then_loss, first=0),
            "This counts from 0. Epochs are counted from 1: add one to the position in the list.",
        ),
        Mistake(
            _best(lambda history, i: history["train_loss"][i]),
            "This is where the training loss is lowest. It nearly always goes on falling: judge by the validation set.",
        ),
        Mistake(
            _best(lambda history, i: history["validation_loss"][i]),
            "This goes by the validation loss alone. First comes the accuracy; the loss decides between equals.",
        ),
        Mistake(
            _best(lambda history, i: -history["validation_accuracy"][i]),
            "Of epochs with equal accuracy this takes the first. Take the one with the lowest validation loss.",
        ),
        Mistake(
            _best(lambda history, i: -history["validation_accuracy"][i], latest=True),
            "Of epochs with equal accuracy this takes the last. Take the one with the lowest validation loss.",
        ),
        Mistake(
            _best(_accuracy_then_loss, latest=True),
            "Where accuracy and loss are both equal this takes the last epoch. Take the first: less training for the same.",
        ),
        Mistake(
            _best(lambda history, i: -history["test_accuracy"][i]),
            "This chooses by the test set, which then is no test any more. Use the validation columns.",
        ),
        Mistake(
            lambda history: len(history["validation_loss"]),
            "This is the last epoch, whatever the curves say.",
        ),
        Mistake(
            _best(lambda history, i: history["validation_accuracy"][i]),
            "This is the epoch with the lowest accuracy. Look for the highest.",
        ),
        Mistake(
            _best(lambda history, i: (-history["validation_accuracy"][i], -history["test_accuracy"][i])),
            "Between equal accuracies this asks the test set. The validation loss decides.",
        ),
        Mistake(
            _best(lambda history, i: (-history["validation_accuracy"][i], history["train_loss"][i])),
            "Between equal accuracies this asks the training loss. The validation loss decides.",
        ),
        Mistake(
            _best(lambda history, i: (-history["validation_accuracy"][i], -history["validation_loss"][i])),
            "Between equal accuracies this takes the largest loss. Take the smallest.",
        ),
    ],
    hint="Compare pairs: Python orders (-accuracy, loss) by the first entry, and by the second where those are equal.",
)

# what a checkpoint holds

NEEDED = {
    "weights": True,
    "running_averages": True,
    "adam_means": True,
    "schedule": True,
    "shuffling_generator": True,
    "gradients": False,
    "feature_maps": False,
    "training_images": False,
}


_WHY = {
    "weights": "without them nothing is left of the training",
    "running_averages": "they are no weights, but evaluation mode answers with them",
    "adam_means": "Adam's next step depends on them; started at zero again, it takes other steps",
    "schedule": "without its position the learning rate starts at the top again",
    "shuffling_generator": "its state decides the order of the images that come next",
    "gradients": "they are cleared before the next backward pass, so nothing depends on the old ones",
    "feature_maps": "they are computed anew from images and weights in every forward pass",
    "training_images": "training does not change them, and their files are still there",
}
_AT_ONCE: dict[tuple[bool, ...], str] = {
    (True,)
    * 8: "Not everything: a checkpoint holds what training changes and what the next step depends on.",
    (False,) * 8: "With nothing saved, the new process starts from the beginning.",
    (True,)
    + (False,)
    * 7: "With the weights alone the run goes on, but as another one. What else does the next step "
    "depend on, and what does evaluation mode answer with? Think of all that changes while training.",
    (True, True)
    + (False,) * 6: "With this you can use the network, but not go on training as if nothing had happened.",
}


def _explained(answer: Mapping[str, bool]) -> str:
    """A sentence for everything that is wrong with a list."""
    wrong = [f"{name}: {_WHY[name]}" for name, needed in NEEDED.items() if answer[name] != needed]
    return _AT_ONCE.get(tuple(answer.values())) or f"Look again. {'; '.join(wrong)}."


_LISTS = [dict(zip(NEEDED, entries, strict=True)) for entries in itertools.product((True, False), repeat=8)]

CHECKPOINT = Exercise(
    id="training_a_cnn/checkpoint",
    section=SECTION,
    title="What must be saved?",
    reference=NEEDED,
    cases=[],
    mistakes=[Mistake(answer, _explained(answer)) for answer in _LISTS if answer != NEEDED],
    hint="Ask of each: does the next step depend on it, and can it not be had from anywhere else?",
)
