"""Exercises on splitting: what leaks, and how to keep groups together."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/overfitting"

Rows = np.ndarray

# what must not be in the validation set


def _copies(train_x: Rows, x: Rows) -> np.ndarray:
    return (x[:, None] == train_x[None]).all(axis=2).any(axis=1)


def leaks(train_x: Rows, train_group: Rows, train_time: Rows, x: Rows, group: Rows, time: Rows) -> np.ndarray:
    """Mark copies of training pictures, members of training groups, and what is not newer than training."""
    return _copies(train_x, x) | np.isin(group, train_group) | (time <= train_time.max())


def _one_by_one(
    train_x: Rows, train_group: Rows, train_time: Rows, x: Rows, group: Rows, time: Rows
) -> list[bool]:
    known = {tuple(row) for row in np.asarray(train_x).tolist()}
    groups = set(np.asarray(train_group).tolist())
    return [
        tuple(row) in known or g in groups or bool(t <= max(train_time))
        for row, g, t in zip(x.tolist(), group.tolist(), time.tolist(), strict=True)
    ]


def _with(
    copies: Callable[[Rows, Rows], np.ndarray] | None = _copies,
    groups: bool = True,
    times: Callable[[Rows, Rows], np.ndarray] | None = lambda old, new: new <= old.max(),
) -> Callable[..., np.ndarray]:
    """A wrong filter: one of its three reasons left out or done in another way."""

    def answer(
        train_x: Rows, train_group: Rows, train_time: Rows, x: Rows, group: Rows, time: Rows
    ) -> np.ndarray:
        found = np.zeros(len(x), bool)
        if copies:
            found = found | copies(train_x, x)
        if groups:
            found = found | np.isin(group, train_group)
        return found | times(train_time, time) if times else found

    return answer


def _row_by_row(train_x: Rows, x: Rows) -> np.ndarray:
    """Compare picture i with picture i only."""
    both = min(len(train_x), len(x))
    return np.append((train_x[:both] == x[:both]).all(axis=1), np.zeros(len(x) - both, bool))


_TRAIN_X = np.array([[0.0, 0.5, 1.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.0]])
_TRAIN = (_TRAIN_X, np.array([1, 1, 2]), np.array([10, 12, 11]))

LEAKS = Exercise(
    id="overfitting/leaks",
    section=SECTION,
    title="What leaks?",
    reference=leaks,
    cases=[
        case(
            *_TRAIN,
            np.array([[0.5, 0.5, 0.5], [1.0, 1.0, 1.0]]),
            np.array([3, 2]),
            np.array([20, 20]),
            label="one of a training group",
        ),
        case(
            *_TRAIN,
            np.array([[0.25, 0.25, 0.0], [0.75, 0.0, 0.25]]),
            np.array([3, 3]),
            np.array([20, 20]),
            label="one copy of a training picture",
        ),
        case(
            *_TRAIN,
            np.array([[0.5, 0.75, 0.5], [0.5, 0.25, 0.25]]),
            np.array([3, 4]),
            np.array([11, 13]),
            label="one older than the newest training picture",
        ),
        case(
            *_TRAIN,
            np.array([[0.5, 0.75, 0.5], [0.5, 0.25, 0.25], [0.75, 0.75, 0.75]]),
            np.array([3, 4, 5]),
            np.array([12, 13, 9]),
            label="one of the same time as the newest",
        ),
        case(
            *_TRAIN,
            np.array([[0.0, 0.25, 0.25], [1.0, 0.0, 0.0], [0.5, 0.0, 1.0], [0.5, 0.5, 0.5]]),
            np.array([3, 3, 4, 1]),
            np.array([20, 21, 22, 23]),
            label="a pixel in common, a copy, the same pixels in another order",
        ),
        case(
            np.array([[0.0, 1.0]]),
            np.array([7]),
            np.array([5]),
            np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]),
            np.array([7, 8, 7]),
            np.array([4, 6, 9]),
            label="a single training picture",
        ),
        case(
            _TRAIN_X,
            np.array([1, 1, 2]),
            np.array([14, 4, 11]),
            np.array([[0.5, 0.75, 0.5], [0.5, 0.25, 0.25], [0.75, 0.75, 0.75]]),
            np.array([3, 4, 5]),
            np.array([10, 13, 15]),
            label="the newest training picture is not the last",
        ),
        case(*_TRAIN, np.zeros((0, 3)), np.zeros(0, int), np.zeros(0, int), label="nothing to check"),
    ],
    alternatives=[_one_by_one],
    mistakes=[
        Mistake(
            _with(copies=None),
            "Copies pass unseen: a picture can lie in the training set under another group, pixel for pixel.",
        ),
        Mistake(
            _with(groups=False),
            "Groups are not looked at: another picture of a group that was trained on gives its answer away.",
        ),
        Mistake(
            _with(times=None),
            "Times are not looked at. What is judged must be newer than everything that was learned from.",
        ),
        Mistake(
            lambda train_x, train_group, train_time, x, group, time: (
                _copies(train_x, x) & np.isin(group, train_group) & (time <= train_time.max())
            ),
            "A picture is marked only if all three reasons hold at once. Each of them alone is a leak: use | and not &.",
        ),
        Mistake(
            _with(copies=lambda train_x, x: (x[:, None] == train_x[None]).any(axis=(1, 2))),
            "One equal pixel makes a copy here. All pixels of the picture must be equal.",
        ),
        Mistake(
            _with(copies=lambda train_x, x: np.isin(x.sum(axis=1), train_x.sum(axis=1))),
            "Pictures count as copies when their sums are equal. Many different pictures share a sum; compare every "
            "pixel.",
        ),
        Mistake(
            _with(copies=_row_by_row),
            "Picture i is compared with training picture i alone. A copy may lie anywhere in the training set.",
        ),
        Mistake(
            _with(times=lambda old, new: new < old.max()),
            "A picture of the same time as the newest training picture passes. It must be strictly newer.",
        ),
        Mistake(
            _with(times=lambda old, new: new <= old.min()),
            "Times are compared with the oldest training picture. A model that has seen the newest knows the time "
            "before it.",
        ),
        Mistake(
            _with(times=lambda old, new: new <= old[-1]),
            "Times are compared with the last training picture in the list. The newest may stand anywhere: take the "
            "maximum.",
        ),
        Mistake(
            _with(times=lambda old, new: new <= old.mean()),
            "Times are compared with the mean time of the training pictures. Take the newest, the maximum.",
        ),
        Mistake(
            lambda *given: ~leaks(*given),
            "This marks the pictures that may stay. Mark those that leak.",
        ),
    ],
    hint="Write three masks of shape (m,), one for each reason, and join them with |.",
)

# whole groups


def group_split(groups: Rows, order: Rows, n_validation: int) -> np.ndarray:
    """Give whole groups to the validation set, in the given order, until it is large enough."""
    chosen: list[int] = []
    for group in order:
        if np.isin(groups, chosen).sum() >= n_validation:
            break
        chosen.append(group)
    return np.isin(groups, chosen)


def _by_counting(groups: Rows, order: Rows, n_validation: int) -> np.ndarray:
    sizes = np.array([(groups == group).sum() for group in order])
    before = np.cumsum(sizes) - sizes  # examples in the validation set when the turn comes to this group
    return np.isin(groups, np.asarray(order)[before < n_validation])


def _groups_while(keep: Callable[[int, int, int], bool], skip: bool = False) -> Callable[..., np.ndarray]:
    """A wrong split: a group is taken while ``keep(taken so far, its size, n_validation)``."""

    def answer(groups: Rows, order: Rows, n_validation: int) -> np.ndarray:
        chosen: list[int] = []
        for group in order:
            taken = int(np.isin(groups, chosen).sum())
            if keep(taken, int((groups == group).sum()), n_validation):
                chosen.append(group)
            elif not skip:
                break
        return np.isin(groups, chosen)

    return answer


def _exactly(groups: Rows, order: Rows, n_validation: int) -> np.ndarray:
    rows = [row for group in order for row in np.flatnonzero(groups == group)]
    return np.isin(np.arange(len(groups)), rows[:n_validation])


_GROUPS = np.array([4, 4, 1, 4, 2, 1, 3, 3, 3, 3, 2, 5])

GROUP_SPLIT = Exercise(
    id="overfitting/group_split",
    section=SECTION,
    title="Keep groups together",
    reference=group_split,
    cases=[
        case(np.array([0, 0, 1, 1, 2, 2]), np.array([1, 0, 2]), 2, label="three pairs, one of them wanted"),
        case(
            np.array([0, 1, 2, 0, 1, 2]), np.array([2, 0, 1]), 3, label="pairs in turn, an odd number wanted"
        ),
        case(_GROUPS, np.array([2, 3, 5, 1, 4]), 3, label="groups of different sizes"),
        case(_GROUPS, np.array([3, 4, 2, 1, 5]), 6, label="a large group comes first"),
        case(_GROUPS, np.array([1, 2, 4, 5, 3]), 4, label="exactly full after two groups"),
        case(_GROUPS, np.array([5, 4, 3, 2, 1]), 0, label="none wanted"),
        case(np.arange(5), np.array([3, 1, 4, 0, 2]), 2, label="every example its own group"),
    ],
    alternatives=[_by_counting],
    mistakes=[
        Mistake(
            lambda groups, order, n_validation: np.arange(len(groups)) < n_validation,
            "The first rows are taken, whatever their group, so groups are torn apart.",
        ),
        Mistake(
            _exactly,
            "The last group is cut to get exactly n_validation examples. Its other members stay in the training set: "
            "that is the leak. Take it whole.",
        ),
        Mistake(
            _groups_while(lambda taken, size, n: taken + size <= n),
            "This stops before a group that would make the validation set too large. Take that group too: at least "
            "n_validation examples are wanted.",
        ),
        Mistake(
            _groups_while(lambda taken, size, n: taken + size <= n, skip=True),
            "Groups that are too large are skipped, so only small ones are ever judged on. Take the groups as they come.",
        ),
        Mistake(
            _groups_while(lambda taken, size, n: taken <= n),
            "This takes one group too many where the validation set is already exactly full.",
        ),
        Mistake(
            lambda groups, order, n_validation: ~group_split(groups, order, n_validation),
            "This marks the training set. True should mean validation.",
        ),
        Mistake(
            lambda groups, order, n_validation: np.isin(groups, np.asarray(order)[:n_validation]),
            "This takes n_validation groups. It is the examples that are counted.",
        ),
        Mistake(
            lambda groups, order, n_validation: np.flatnonzero(group_split(groups, order, n_validation)),
            "These are the row numbers. Return a mask: one True or False for every example.",
        ),
        Mistake(
            lambda groups, order, n_validation: group_split(groups, np.unique(groups), n_validation),
            "The groups are taken in sorted order. Take them in the order you are given, which has been shuffled.",
        ),
    ],
    hint="Go through `order` and keep a list of the groups taken; stop as soon as they have enough examples together.",
)

EXERCISES = [LEAKS, GROUP_SPLIT]
