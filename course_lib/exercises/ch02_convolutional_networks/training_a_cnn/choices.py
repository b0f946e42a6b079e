"""Exercises on choices: which epoch to keep, and what to write into a checkpoint."""

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
                [0.6, 0.8, 0.8, 0.9, 0.7],
            ),
            label="three epochs of equal accuracy",
        ),
        case(
            _record([2.0, 1.2, 0.8], [1.8, 0.5, 0.9], [0.5, 0.80, 0.85], [0.6, 0.5, 0.4]),
            label="the lowest loss is not at the highest accuracy",
        ),
        case(
            _record([0.9, 0.5, 0.4, 0.2], [0.7, 0.4, 0.4, 0.6], [0.7, 0.9, 0.9, 0.9], [0.7, 0.7, 0.8, 0.9]),
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


def _but(name: str) -> dict[str, bool]:
    return NEEDED | {name: not NEEDED[name]}


CHECKPOINT = Exercise(
    id="training_a_cnn/checkpoint",
    section=SECTION,
    title="What must be saved?",
    reference=NEEDED,
    cases=[],
    mistakes=[
        Mistake(_but("weights"), "Without the weights nothing is left of the training."),
        Mistake(
            _but("running_averages"),
            "Batch normalization's running averages are no weights, but evaluation mode answers with them.",
        ),
        Mistake(
            _but("adam_means"),
            "Adam's next step depends on its running means. Started at zero again, it takes other steps.",
        ),
        Mistake(
            _but("schedule"),
            "Without the schedule's position the learning rate would start at the top again.",
        ),
        Mistake(
            _but("shuffling_generator"),
            "The generator's state decides the order of the images that come next. Without it the steps are others.",
        ),
        Mistake(
            _but("gradients"),
            "The gradients are cleared before the next backward pass. Nothing depends on the old ones.",
        ),
        Mistake(
            _but("feature_maps"),
            "Feature maps are computed anew from images and weights in every forward pass.",
        ),
        Mistake(
            _but("training_images"),
            "The images do not change while training: they are where they were. A checkpoint holds what training changes.",
        ),
        Mistake(
            dict.fromkeys(NEEDED, True),
            "Not everything: a checkpoint holds what training changes and what the next step depends on.",
        ),
        Mistake(
            NEEDED | dict.fromkeys(("adam_means", "schedule", "shuffling_generator"), False),
            "With this you can use the network, but not go on training as if nothing had happened.",
        ),
    ],
    hint="Ask of each: does the next step depend on it, and can it not be had from anywhere else?",
)
