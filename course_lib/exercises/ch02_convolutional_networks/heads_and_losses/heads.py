"""Exercises on the head of a network, the loss that fits a task, and smoothed targets."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/heads_and_losses"

# the weights of a head


def head_parameters(channels: int, height: int, width: int, num_classes: int, kind: str) -> int:
    """One weight for each feature and class, one bias for each class."""
    features = channels * (height * width if kind == "flatten" else 1)
    return num_classes * (features + 1)


Counter = Callable[[int, int, int, int, str], int]


def _counted(features: Counter, biases: Callable[[int, int], int]) -> Counter:
    """A count from the number of features and, given features and classes, that of biases."""

    def answer(channels: int, height: int, width: int, num_classes: int, kind: str) -> int:
        d = features(channels, height, width, num_classes, kind)
        return num_classes * d + biases(d, num_classes)

    return answer


def _features(channels: int, height: int, width: int, num_classes: int, kind: str) -> int:
    return channels * height * width if kind == "flatten" else channels


HEAD_PARAMETERS = Exercise(
    id="heads_and_losses/head_parameters",
    section=SECTION,
    title="Weights of a head",
    reference=head_parameters,
    cases=[
        case(32, 2, 2, 10, "average", label="the digits' network"),
        case(32, 2, 2, 10, "flatten", label="the same maps, flattened"),
        case(512, 7, 7, 1000, "average", label="VGG's maps, averaged"),
        case(512, 7, 7, 4096, "flatten", label="VGG's first dense layer"),
        case(16, 4, 8, 1, "flatten", label="one output, maps that are not square"),
        case(8, 1, 1, 3, "flatten", label="maps of one pixel"),
    ],
    mistakes=[
        Mistake(
            _counted(_features, lambda d, k: 0),
            "The biases are missing: each output has one.",
        ),
        Mistake(
            _counted(_features, lambda d, k: 1),
            "There is one bias for the whole layer here. Each output has its own.",
        ),
        Mistake(
            _counted(_features, lambda d, k: d),
            "There is a bias for each feature here. A dense layer has one for each output.",
        ),
        Mistake(
            _counted(lambda c, h, w, k, kind: c * h * w, lambda d, k: k),
            "The average is forgotten: after it each map is a single number, whatever its size.",
        ),
        Mistake(
            _counted(lambda c, h, w, k, kind: c, lambda d, k: k),
            "Flattened maps have height times width features for each channel, not one.",
        ),
        Mistake(
            _counted(
                lambda c, h, w, k, kind: c if kind == "flatten" else c * h * w,
                lambda d, k: k,
            ),
            "The two heads are exchanged: flattening keeps every entry of the maps, averaging one number a map.",
        ),
        Mistake(
            _counted(lambda c, h, w, k, kind: h * w if kind == "flatten" else 1, lambda d, k: k),
            "The channels are missing: each of them has a map of its own.",
        ),
    ],
    hint="How many numbers does the dense layer get for one image? Each output has a weight for each, and a bias.",
)

# which head, which loss

Choice = tuple[int, str]
CHOICES: dict[str, Choice] = {
    "digit": (10, "CrossEntropyLoss"),
    "defect": (1, "BCEWithLogitsLoss"),
    "tags": (80, "BCEWithLogitsLoss"),
    "steering": (1, "MSELoss"),
    "corner": (2, "MSELoss"),
    "pixel": (21, "CrossEntropyLoss"),
}


def _with(**changes: Choice) -> dict[str, Choice]:
    return CHOICES | changes


WHICH_LOSS = Exercise(
    id="heads_and_losses/which_loss",
    section=SECTION,
    title="Which head, which loss?",
    reference=CHOICES,
    cases=[],
    mistakes=[
        Mistake(
            _with(tags=(80, "CrossEntropyLoss")),
            "Softmax makes the tags compete: their probabilities would sum to one, and a picture can have several tags "
            "or none. Ask 80 yes-or-no questions.",
        ),
        Mistake(
            _with(defect=(1, "CrossEntropyLoss")),
            "A softmax over a single logit is always 1, whatever the picture, so there is nothing to learn. A single "
            "logit for a yes-or-no question wants the sigmoid's loss.",
        ),
        Mistake(
            _with(defect=(2, "CrossEntropyLoss")),
            "This works too: two logits and a softmax. But one logit and a sigmoid can say the same, and the fewest "
            "outputs were asked for.",
        ),
        Mistake(
            _with(defect=(2, "BCEWithLogitsLoss")),
            "Two sigmoids answer two questions, and here there is one: one logit is enough.",
        ),
        Mistake(
            _with(tags=(1, "BCEWithLogitsLoss")),
            "One output answers one question. There is one for each of the 80 tags.",
        ),
        Mistake(
            _with(digit=(1, "CrossEntropyLoss")),
            "A softmax needs a logit for every class. With a single one its only probability is always 1.",
        ),
        Mistake(
            _with(digit=(10, "BCEWithLogitsLoss")),
            "These ten questions have exactly one yes between them. Softmax knows that; ten sigmoids do not.",
        ),
        Mistake(
            _with(digit=(10, "MSELoss")),
            "A digit is one of ten classes: squared error behind softmax has a gradient that vanishes at a confident "
            "mistake.",
        ),
        Mistake(
            _with(digit=(1, "MSELoss")),
            "A 3 is not halfway between a 2 and a 4: the names of classes are no amounts. Give each its own logit.",
        ),
        Mistake(
            _with(steering=(1, "BCEWithLogitsLoss")),
            "Steering is an amount, of either sign, and not a probability.",
        ),
        Mistake(
            _with(steering=(1, "CrossEntropyLoss")),
            "How far is an amount, and no class. A softmax over one logit is 1, however the wheel should turn.",
        ),
        Mistake(
            _with(steering=(2, "MSELoss")),
            "Left and right are the two signs of one amount: one output can be negative.",
        ),
        Mistake(
            _with(steering=(2, "CrossEntropyLoss")),
            "Two classes say whether left or right. How far was asked: an amount, with a sign.",
        ),
        Mistake(
            _with(corner=(2, "CrossEntropyLoss")),
            "The two numbers are coordinates, and not the scores of two classes.",
        ),
        Mistake(
            _with(corner=(1, "MSELoss")),
            "A corner has two coordinates, and each needs an output.",
        ),
        Mistake(
            _with(pixel=(21, "BCEWithLogitsLoss")),
            "Every pixel has exactly one class: a softmax over the 21 logits at each position.",
        ),
        Mistake(
            _with(pixel=(1, "CrossEntropyLoss")),
            "Each pixel needs a logit for every class, so the head has 21 output channels.",
        ),
        Mistake(
            _with(pixel=(21, "MSELoss")),
            "A pixel's class is one of 21, and no amount. Squared error behind a softmax hardly recovers from a "
            "confident mistake.",
        ),
    ],
    hint="Is the answer an amount? If not: exactly one of several, or several independent yes-or-no questions?",
)

# smoothed targets


def smoothed_targets(y: np.ndarray, num_classes: int, epsilon: float) -> np.ndarray:
    """Mix one-hot targets with the uniform distribution."""
    return (1 - epsilon) * np.eye(num_classes)[y] + epsilon / num_classes


def _targets(
    at_label: Callable[[float, int], float], elsewhere: Callable[[float, int], float]
) -> Callable[[np.ndarray, int, float], np.ndarray]:
    """Targets from their values at the label and elsewhere, given epsilon and the number of classes."""

    def answer(y: np.ndarray, num_classes: int, epsilon: float) -> np.ndarray:
        hot = np.eye(num_classes)[y]
        return hot * at_label(epsilon, num_classes) + (1 - hot) * elsewhere(epsilon, num_classes)

    return answer


def _by_putting(y: np.ndarray, num_classes: int, epsilon: float) -> np.ndarray:
    targets = np.full((len(y), num_classes), epsilon / num_classes)
    targets[np.arange(len(y)), y] += 1 - epsilon
    return targets


SMOOTHED = Exercise(
    id="heads_and_losses/smoothed_targets",
    section=SECTION,
    title="Smoothed targets",
    reference=smoothed_targets,
    cases=[
        case(np.array([2, 0]), 4, 0.1, label="two examples of four classes"),
        case(np.array([1, 1, 0, 2, 1]), 3, 0.3, label="more examples than classes"),
        case(np.array([7]), 10, 0.0, label="no smoothing"),
        case(np.array([1, 0]), 2, 1.0, label="nothing but smoothing"),
        case(np.array([3, 1, 0, 2]), 4, 0.2, label="as many examples as classes"),
    ],
    alternatives=[_by_putting],
    mistakes=[
        Mistake(
            _targets(lambda e, k: 1 - e, lambda e, k: e / (k - 1)),
            "Here epsilon is shared by the wrong classes only. The uniform distribution has a part for the label too.",
        ),
        Mistake(
            _targets(lambda e, k: 1 - e, lambda e, k: e / k),
            "These rows do not sum to 1: the label gets its share of the uniform distribution as well, "
            "1 - epsilon + epsilon / K.",
        ),
        Mistake(
            _targets(lambda e, k: 1 + e / k, lambda e, k: e / k),
            "The uniform part is added, but the one-hot part is not made smaller by 1 - epsilon.",
        ),
        Mistake(
            _targets(lambda e, k: 1 - e + e, lambda e, k: e),
            "Every class gets all of epsilon here. It is shared: epsilon / K each.",
        ),
        Mistake(
            _targets(lambda e, k: e + (1 - e) / k, lambda e, k: (1 - e) / k),
            "epsilon and 1 - epsilon are exchanged: for a small epsilon the target should stay near one-hot.",
        ),
        Mistake(
            _targets(lambda e, k: 1.0, lambda e, k: 0.0),
            "These are the one-hot targets, without smoothing.",
        ),
        Mistake(
            _targets(lambda e, k: 1 - e, lambda e, k: 0.0),
            "The label's share was lowered, and nobody got what was taken.",
        ),
        Mistake(
            lambda y, num_classes, epsilon: smoothed_targets(y, num_classes, epsilon).T,
            "Classes stand in the rows here. Each row should be one example.",
        ),
    ],
    hint="np.eye(num_classes)[y] is one-hot. Each row must still sum to 1.",
)

EXERCISES = [HEAD_PARAMETERS, WHICH_LOSS, SMOOTHED]
