"""Exercises on the recursion for size, jump and start: once by hand, once in code."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/receptive_field"

Chain = Sequence[tuple[int, int, int, int]]  # kernel, stride, padding, dilation of each layer
State = tuple[int, int, int]

# by hand

BY_HAND = Exercise(
    id="receptive_field/by_hand",
    section=SECTION,
    title="Four layers by hand",
    reference=(31, 4, -14),
    cases=[],
    mistakes=[
        Mistake(
            (12, 4, -14),
            "The size of 12 counts every step as one pixel. The entries of a deeper layer's window lie a jump apart: "
            "multiply (K - 1) D by the jump so far.",
        ),
        Mistake(
            (37, 4, -14),
            "The size of 37 comes from using a layer's own stride already in its own size. Its window lies on the map "
            "before it, so take the jump before it.",
        ),
        Mistake(
            (46, 4, -14),
            "The size of 46 adds K jumps for each layer. The first entry of a window costs nothing: add K - 1.",
        ),
        Mistake(
            (23, 4, -14),
            "The size of 23 leaves out the dilation of the last layer, which puts its entries two units apart.",
        ),
        Mistake(
            (31, 4, -5),
            "The start of -5 adds up the paddings as they are. A unit of padding on a deeper map is worth as many pixels "
            "as the jump there.",
        ),
        Mistake(
            (31, 4, 14),
            "The start has the wrong sign: padding lets the first unit begin before the image, at a negative row.",
        ),
        Mistake(
            (31, 4, 0),
            "A start of 0 is what you get without padding. Three of the four layers have some.",
        ),
        Mistake(
            (31, 1, -14),
            "The jump of 1 is the last layer's stride alone. Strides multiply through the whole chain.",
        ),
        Mistake(
            (31, 8, -14),
            "The jump of 8 counts the dilation as a stride. Dilation spreads a window, and units stay as close as before.",
        ),
        Mistake(
            (15, 4, -6),
            "This is right after three layers. The fourth is missing.",
        ),
        Mistake(
            (7, 4, -2),
            "This is right after two layers. Two are missing.",
        ),
        Mistake(
            (23, 4, -10),
            "The last layer is taken as a plain 3 x 3 with padding 1. It has dilation 2 and padding 2.",
        ),
    ],
    hint="Write a table with a row a layer: size, jump and start after it. Update the jump last.",
)

# the recursion


def field(chain: Chain) -> State:
    """Go through the layers: the jump is updated last."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in chain:
        size += (kernel - 1) * dilation * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start


def _backwards(chain: Chain) -> State:
    """The same from the last layer to the first: how much of the map before is needed."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in reversed(chain):
        size = (size - 1) * stride + dilation * (kernel - 1) + 1
        start = start * stride - padding
        jump *= stride
    return size, jump, start


Step = Callable[[State, tuple[int, int, int, int]], State]


def _by(step: Step, first: State = (1, 1, 0)) -> Callable[[Chain], State]:
    """A wrong recursion: its step, from a state and a layer (K, S, P, D) to the next state."""

    def answer(chain: Chain) -> State:
        state = first
        for layer in chain:
            state = step(state, layer)
        return state

    return answer


def _right(state: State, layer: tuple[int, int, int, int]) -> State:
    (size, jump, start), (kernel, stride, padding, dilation) = state, layer
    return size + (kernel - 1) * dilation * jump, jump * stride, start - padding * jump


def _own_stride_first(state: State, layer: tuple[int, int, int, int]) -> State:
    (size, jump, start), (kernel, stride, padding, dilation) = state, layer
    jump *= stride
    return size + (kernel - 1) * dilation * jump, jump, start - padding * jump


RECURSION = Exercise(
    id="receptive_field/recursion",
    section=SECTION,
    title="The recursion",
    reference=field,
    cases=[
        case([(3, 1, 0, 1)], label="one 3x3 convolution"),
        case([(3, 1, 1, 1), (3, 1, 1, 1)], label="two 3x3 convolutions with padding"),
        case([(2, 2, 0, 1), (3, 1, 1, 1)], label="a pooling first"),
        case([(3, 1, 1, 1), (2, 2, 0, 1)], label="a pooling last"),
        case([(3, 1, 2, 2), (3, 1, 4, 4)], label="two dilated convolutions"),
        case([(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 1, 1)], label="strides and paddings"),
        case([(5, 2, 2, 1), (2, 2, 0, 1), (3, 1, 1, 1), (3, 3, 2, 2)], label="everything at once"),
        case([(1, 2, 0, 1), (4, 1, 1, 3), (1, 1, 0, 1)], label="1x1 kernels and an even one"),
        case([], label="no layer: a pixel"),
    ],
    alternatives=[_backwards],
    mistakes=[
        Mistake(
            _by(_own_stride_first),
            "The layer's own stride is used before its time. A window lies on the map before the layer: update the jump "
            "last.",
        ),
        Mistake(
            _by(lambda s, k: (_right(s, k)[0], _right(s, k)[1], s[2] - k[2] * s[1] * k[1])),
            "Size and jump are right. The start already uses the jump after the layer: its padding lies on the map "
            "before it.",
        ),
        Mistake(
            _by(lambda s, k: (s[0] + k[0] * k[3] * s[1], *_right(s, k)[1:])),
            "Each layer adds K steps to the size here. From the first entry of a window to the last it is K - 1.",
        ),
        Mistake(
            _by(lambda s, k: (s[0] + (k[0] - 1) * s[1], *_right(s, k)[1:])),
            "The dilation is missing from the size: entries lie D apart, which makes (K - 1) D steps.",
        ),
        Mistake(
            _by(lambda s, k: (s[0] + (k[0] - 1) * k[3], *_right(s, k)[1:])),
            "The size counts steps on the layer's own map. In pixels of the image each is a jump long.",
        ),
        Mistake(
            _by(lambda s, k: (*_right(s, k)[:2], s[2] - k[2])),
            "The start adds up paddings without the jump. A padded unit of a deeper map is a jump wide.",
        ),
        Mistake(
            _by(lambda s, k: (*_right(s, k)[:2], s[2] + k[2] * s[1])),
            "The sign of the start is wrong: padding moves the first window out of the image, to negative rows.",
        ),
        Mistake(
            lambda chain: (*field(chain)[:2], field(chain)[2] + (field(chain)[0] - 1) / 2),
            "This is the centre of the first unit's window in the place of its start. The start is the first pixel of the "
            "window.",
        ),
        Mistake(
            _by(_right, first=(0, 1, 0)),
            "Every size is one too small. With no layer at all, a pixel sees itself: the size starts at 1.",
        ),
        Mistake(
            _by(lambda s, k: (_right(s, k)[0], k[1], _right(s, k)[2])),
            "The jump is only the last layer's stride, so what is behind two strides comes out too small. Strides "
            "multiply.",
        ),
        Mistake(
            _by(lambda s, k: (_right(s, k)[0], s[1] * k[1] * k[3], _right(s, k)[2])),
            "The dilation is multiplied into the jump. Dilated windows are wider, and neighbouring units are as close as "
            "before.",
        ),
    ],
    hint="Three lines in a loop: size, start, and last of all jump, which the other two use as it was before the layer.",
)

EXERCISES = [BY_HAND, RECURSION]
