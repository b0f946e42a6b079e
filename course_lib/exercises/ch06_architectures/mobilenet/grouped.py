"""The exercise on a grouped convolution as a full one with zeros."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/mobilenet"


def as_full_kernel(weight: np.ndarray, groups: int) -> np.ndarray:
    """Each filter at the channels of its group, zeros at all others."""
    c_out, inner, *window = weight.shape
    full = np.zeros((c_out, inner * groups, *window), weight.dtype)
    for o in range(c_out):
        first = o // (c_out // groups) * inner
        full[o, first : first + inner] = weight[o]
    return full


def _by_mask(weight: np.ndarray, groups: int) -> np.ndarray:
    c_out, inner = weight.shape[:2]
    own = np.arange(c_out)[:, None] * groups // c_out == np.arange(inner * groups) // inner
    return np.asarray(np.tile(weight, (1, groups, 1, 1)) * own[:, :, None, None])


def _placed(
    group_of: Callable[[int, int, int], int],
    spread: bool = False,
) -> Callable[[np.ndarray, int], np.ndarray]:
    """Filters at the channels of another group; group_of(filter, groups, filters)."""

    def answer(weight: np.ndarray, groups: int) -> np.ndarray:
        c_out, inner, *window = weight.shape
        full = np.zeros((c_out, inner * groups, *window), weight.dtype)
        for o in range(c_out):
            group = group_of(o, groups, c_out)
            channels = (
                np.arange(group, inner * groups, groups) if spread else np.arange(inner) + group * inner
            )
            full[o, channels] = weight[o]
        return full

    return answer


def _inputs_first(weight: np.ndarray, groups: int) -> np.ndarray:
    return as_full_kernel(weight, groups).swapaxes(0, 1)


def _stacked(weight: np.ndarray, groups: int) -> np.ndarray:
    """Each channel as often as there are groups."""
    return np.asarray(np.repeat(weight, groups, axis=1))


def _weights(rng: np.random.Generator) -> list[Case]:
    def whole(c_out: int, inner: int, k: int) -> np.ndarray:
        return (rng.integers(1, 9, (c_out, inner, k, k)) * rng.choice([-1, 1], (c_out, inner, k, k))).astype(
            float
        )

    return [
        case(np.array([2.0, 5.0]).reshape(2, 1, 1, 1), 2, label="two channels, each with a kernel of 1 x 1"),
        case(whole(3, 1, 3), 3, label="depthwise, three channels"),
        case(whole(4, 2, 1), 2, label="two groups of two channels in, two out"),
        case(whole(6, 1, 3), 3, label="depthwise, two filters for each channel"),
        case(whole(2, 3, 2), 2, label="two groups with one filter each"),
        case(whole(4, 3, 2), 1, label="one group: a full convolution already"),
    ]


GROUPED = Exercise(
    id="mobilenet/grouped",
    section=SECTION,
    title="A grouped kernel, written out",
    reference=as_full_kernel,
    cases=_weights,
    alternatives=[_by_mask],
    mistakes=[
        Mistake(
            lambda weight, groups: np.tile(weight, (1, groups, 1, 1)),
            "Each filter is repeated for every group, so it reads all channels. Leave zeros at the channels of other groups.",
        ),
        Mistake(
            lambda weight, groups: np.tile(weight, (1, groups, 1, 1)) / groups,
            "Each filter is spread over all groups as a mean. It belongs to one group, with its weights as they are.",
        ),
        Mistake(
            _placed(lambda o, groups, c_out: 0),
            "All filters read the first group's channels. Filter o belongs to group o // (filters in a group).",
        ),
        Mistake(
            _placed(lambda o, groups, c_out: o % groups),
            "The filters are dealt out to the groups in turn. They come in blocks: all filters of the first group, then all of the second.",
        ),
        Mistake(
            _placed(lambda o, groups, c_out: groups - 1 - o // (c_out // groups)),
            "The groups are in reverse: your first filters read the last channels.",
        ),
        Mistake(
            _placed(lambda o, groups, c_out: o // (c_out // groups), spread=True),
            "Your groups take every groups-th channel. A group's channels are neighbours.",
        ),
        Mistake(
            _stacked, "Every channel of a filter is repeated. Each weight occurs once; all else is zero."
        ),
        Mistake(
            _inputs_first,
            "The first two axes are exchanged: the output channels come first, as in the weight you got.",
        ),
    ],
    hint="For two groups, four filters and six channels, draw the matrix of 4 x 6 kernels. Where are the zeros?",
)
