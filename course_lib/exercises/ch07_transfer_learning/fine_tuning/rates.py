"""Exercises on rates: one for every part, none for what is frozen, and a schedule that unfreezes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.exercises import Exercise, Mistake, case

SECTION = "07_transfer_learning/fine_tuning"
Array = NDArray[Any]
Names = Sequence[str]


def group_rates(names: Names, stages: Names, head_rate: float, factor: float) -> list[float]:
    """The stage is the name up to its first dot; the last stage has the head's rate."""
    above = {stage: len(stages) - 1 - depth for depth, stage in enumerate(stages)}
    return [head_rate / factor ** above[name.split(".")[0]] for name in names]


def _by_loop(names: Names, stages: Names, head_rate: float, factor: float) -> list[float]:
    rates, rate = {}, head_rate
    for stage in list(stages)[::-1]:
        rates[stage] = rate
        rate = rate / factor
    return [rates[name.partition(".")[0]] for name in names]


def _grouped(rate: Callable[[int, int, float, float], float]) -> Callable[..., list[float]]:
    """A wrong rule for the rate: from depth, number of stages, the head's rate and the factor."""

    def answer(names: Names, stages: Names, head_rate: float, factor: float) -> list[float]:
        depths = [list(stages).index(name.split(".")[0]) for name in names]
        return [rate(depth, len(stages), head_rate, factor) for depth in depths]

    return answer


def _by_start(names: Names, stages: Names, head_rate: float, factor: float) -> list[float]:
    found = [next(stage for stage in stages if name.startswith(stage)) for name in names]
    return [head_rate / factor ** (len(stages) - 1 - list(stages).index(stage)) for stage in found]


def _grouped_anywhere(names: Names, stages: Names, head_rate: float, factor: float) -> list[float]:
    depths = [max(depth for depth, stage in enumerate(stages) if stage in name) for name in names]
    return [head_rate / factor ** (len(stages) - 1 - depth) for depth in depths]


_NAMES = ["0.weight", "0.bias", "1.weight", "1.bias", "10.weight", "16.weight", "16.bias"]
GROUPS = Exercise(
    id="fine_tuning/group_rates",
    section=SECTION,
    title="A rate for every stage",
    reference=group_rates,
    cases=[
        case(["conv.weight", "fc.weight", "fc.bias"], ["conv", "fc"], 0.1, 10.0, label="two stages"),
        case(_NAMES, ["0", "1", "10", "16"], 0.01, 2.6, label="a Sequential: 1 and 10, 1 and 16"),
        case(
            ["fc.bias", "layer1.0.fc.weight", "layer2.0.bn.bias", "conv1.weight"],
            ["conv1", "layer1", "layer2", "layer3", "fc"],
            0.03,
            3.0,
            label="names in another order, one stage without a parameter",
        ),
        case(["fc.weight"], ["fc"], 0.5, 4.0, label="a head alone"),
    ],
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate / factor**depth),
            "The order is upside down: the first stage learns fastest. The last stage, the head, has the head's rate.",
        ),
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate / factor ** (n - depth)),
            "All rates are too small by one factor. The head has the head's rate itself, undivided.",
        ),
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate * factor ** (n - 1 - depth)),
            "The rates grow towards the input: you multiply by the factor. Divide.",
        ),
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate if depth == n - 1 else rate / factor),
            "The whole body has one rate. Each stage is one factor slower than the stage above it.",
        ),
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate / (1 + (factor - 1) * (n - 1 - depth))),
            "The divisor grows in equal steps. Each stage down divides once more by the factor, so powers are needed.",
        ),
        Mistake(
            _grouped(lambda depth, n, rate, factor: rate),
            "Everything learns at the head's rate. The factor is not used.",
        ),
        Mistake(
            lambda names, stages, rate, factor: [
                rate / factor ** (len(stages) - 1 - sorted(stages).index(name.split(".")[0]))
                for name in names
            ],
            "The stages are taken in the order of the alphabet. Take them in the order that stages gives.",
        ),
        Mistake(
            _grouped_anywhere,
            "A stage is looked for anywhere in a name: layer1.0.fc.weight is taken for the head. Only what stands before the first dot counts.",
        ),
        Mistake(
            _by_start,
            "The stage is found by how a name begins, and so 10.weight and 16.weight are taken for parts of stage 1. Compare what stands before the dot.",
        ),
    ],
    hint="name.split('.')[0] is the stage. How many stages lie above it?",
)

# freezing


def freeze(kinds: Sequence[str], first_free: int) -> list[list[int]]:
    """Frozen layers neither learn nor train; free ones do, as far as they have parameters."""
    owns = {"conv", "batchnorm", "linear"}
    return [
        [int(place >= first_free and kind in owns), int(place >= first_free)]
        for place, kind in enumerate(kinds)
    ]


def _freeze_by_loop(kinds: Sequence[str], first_free: int) -> list[list[int]]:
    rows = [[0, 0] for _ in kinds]
    for place in range(first_free, len(kinds)):
        rows[place] = [0 if kinds[place] in ("relu", "dropout") else 1, 1]
    return rows


def _flags(
    learns: Callable[[bool, str], bool], trains: Callable[[bool, str], bool], shift: int = 0
) -> Callable[[Sequence[str], int], list[list[int]]]:
    """Wrong flags: from whether a layer is free, and its kind."""
    return lambda kinds, first_free: [
        [int(learns(place >= first_free + shift, kind)), int(trains(place >= first_free + shift, kind))]
        for place, kind in enumerate(kinds)
    ]


def _owns(kind: str) -> bool:
    return kind in ("conv", "batchnorm", "linear")


_BLOCK = ["conv", "batchnorm", "relu"]
FREEZE = Exercise(
    id="fine_tuning/freeze",
    section=SECTION,
    title="Freeze, statistics and all",
    reference=freeze,
    cases=[
        case([*_BLOCK, "linear"], 3, label="all but the head"),
        case([*_BLOCK, "dropout", *_BLOCK, "dropout", "linear"], 4, label="the first block and its dropout"),
        case([*_BLOCK, "linear"], 0, label="nothing frozen"),
        case([*_BLOCK, "dropout", "linear"], 5, label="everything frozen"),
        case([*_BLOCK, *_BLOCK, "linear"], 1, label="between a convolution and its normalization"),
    ],
    alternatives=[_freeze_by_loop],
    mistakes=[
        Mistake(
            _flags(lambda free, kind: free and _owns(kind), lambda free, kind: True),
            "All layers are in training mode. The parameters are frozen, but the running statistics of frozen normalizations still move.",
        ),
        Mistake(
            _flags(lambda free, kind: free and _owns(kind), lambda free, kind: free or kind != "batchnorm"),
            "Only the normalizations of the frozen part are in evaluation mode. A frozen dropout in training mode still makes the features noisy.",
        ),
        Mistake(
            _flags(lambda free, kind: free and _owns(kind), lambda free, kind: free and kind != "batchnorm"),
            "The normalizations of the free part are in evaluation mode, too. What is free trains.",
        ),
        Mistake(
            _flags(lambda free, kind: _owns(kind), lambda free, kind: free),
            "Parameters below the first free layer still learn. eval() stops statistics and dropout, not the gradient.",
        ),
        Mistake(
            _flags(lambda free, kind: _owns(kind) and (free or kind == "batchnorm"), lambda free, kind: free),
            "The scale and shift of frozen normalizations still learn. Freeze their parameters as well as their statistics.",
        ),
        Mistake(
            _flags(lambda free, kind: free, lambda free, kind: free),
            "Layers without parameters are said to learn. A ReLU or a dropout has nothing to learn.",
        ),
        Mistake(
            _flags(lambda free, kind: not free and _owns(kind), lambda free, kind: not free),
            "Free and frozen have changed places: what lies before the first free layer is frozen.",
        ),
        Mistake(
            _flags(lambda free, kind: free and _owns(kind), lambda free, kind: free, shift=1),
            "The first free layer is frozen, too. The layer with that number is the first that learns.",
        ),
        Mistake(
            _flags(lambda free, kind: free and _owns(kind), lambda free, kind: free and _owns(kind)),
            "Free layers without parameters are in evaluation mode, so a free dropout drops nothing. The second flag does not ask for parameters.",
        ),
        Mistake(
            lambda kinds, first_free: [row[::-1] for row in freeze(kinds, first_free)],
            "The two flags have changed places: whether it learns comes first, then whether it is in training mode.",
        ),
    ],
    hint="Two questions for each layer: is it free, and has it parameters? The second column needs the first question only.",
)

# unfreezing


def schedule(steps: int, stages: int, every: int, warmup: int, head_rate: float, factor: float) -> Array:
    """Stage s from the head down wakes at step s every, and warms up to head_rate / factor^s."""
    awake = np.arange(steps)[:, None] - every * np.arange(stages)
    return np.clip((awake + 1) / warmup, 0, 1) * head_rate / factor ** np.arange(stages)


def _schedule_by_loop(
    steps: int, stages: int, every: int, warmup: int, head_rate: float, factor: float
) -> Array:
    rates = np.zeros((steps, stages))
    for t in range(steps):
        for s in range(stages):
            since = t - s * every
            if since >= 0:
                rates[t, s] = head_rate / factor**s * min(1.0, (since + 1) / warmup)
    return rates


def _scheduled(
    rule: Callable[[Array, Array, Array, int, int, float], Array],
) -> Callable[[int, int, int, int, float, float], Array]:
    """A wrong schedule: from steps (T, 1), stages (1, S), steps awake (T, S), every, warmup, factor; times the head's rate."""

    def answer(steps: int, stages: int, every: int, warmup: int, head_rate: float, factor: float) -> Array:
        t, s = np.arange(steps)[:, None] * 1.0, np.arange(stages)[None, :] * 1.0
        return np.asarray(rule(t, s, t - s * every, every, warmup, factor) * head_rate)

    return answer


SCHEDULE = Exercise(
    id="fine_tuning/unfreezing",
    section=SECTION,
    title="Warm up and unfreeze",
    reference=schedule,
    cases=[
        case(6, 2, 3, 2, 0.1, 10.0, label="two stages, three steps apart"),
        case(12, 3, 4, 3, 0.01, 2.6, label="three stages"),
        case(9, 3, 2, 5, 0.02, 2.0, label="a warm-up longer than the distance"),
        case(5, 4, 3, 1, 0.1, 3.0, label="no warm-up, and stages that never wake"),
    ],
    alternatives=[_schedule_by_loop],
    mistakes=[
        Mistake(
            _scheduled(lambda t, s, awake, every, warmup, factor: (awake >= 0) / factor**s),
            "There is no warm-up: each stage starts at its full rate.",
        ),
        Mistake(
            _scheduled(
                lambda t, s, awake, every, warmup, factor: (
                    (awake >= 0) * np.minimum(1, (t + 1) / warmup) / factor**s
                )
            ),
            "The warm-up is counted from step 0 for all stages. Each warms up from the step at which it wakes.",
        ),
        Mistake(
            _scheduled(lambda t, s, awake, every, warmup, factor: np.clip(awake / warmup, 0, 1) / factor**s),
            "The rate at a stage's first step is 0, so it wakes a step late. The first step of the warm-up has 1/warmup of the rate.",
        ),
        Mistake(
            _scheduled(lambda t, s, awake, every, warmup, factor: np.clip((awake + 1) / warmup, 0, 1)),
            "All stages rise to the head's rate. Divide by the factor once for each stage down.",
        ),
        Mistake(
            _scheduled(
                lambda t, s, awake, every, warmup, factor: (
                    (awake < every) * np.clip((awake + 1) / warmup, 0, 1) / factor**s
                )
            ),
            "A stage freezes again when the next one wakes. Once awake, it stays awake.",
        ),
        Mistake(
            _scheduled(
                lambda t, s, awake, every, warmup, factor: np.minimum((awake + 1) / warmup, 1) / factor**s
            ),
            "Stages that sleep have negative rates: they would climb the loss. Their rate is 0.",
        ),
        Mistake(
            lambda *args: schedule(*args)[:, ::-1],
            "The columns are upside down: column 0 is the head, which wakes first.",
        ),
        Mistake(
            _scheduled(
                lambda t, s, awake, every, warmup, factor: np.clip((t + 1) / warmup, 0, 1) / factor**s
            ),
            "All stages start at step 0. Stage s sleeps, at rate 0, until step s times every.",
        ),
    ],
    hint="How many steps has stage s been awake at step t? A clip between 0 and 1 does the rest.",
)

EXERCISES = [GROUPS, FREEZE, SCHEDULE]
