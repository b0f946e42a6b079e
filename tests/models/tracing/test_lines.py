"""Windows at an even pace, against the windows worked out unit by unit."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from course_lib.models.tracing.lines import Line, resampled, transposed_window, whole, window

NUMBERS = st.integers(1, 4)


def hull(line, entries):
    """What all these entries of a line see."""
    seen = [line.at(entry) for entry in entries]
    return min(first for first, _ in seen), max(end for _, end in seen)


@st.composite
def lines(draw):
    """Pixels, after a few convolutions and transposed ones."""
    line = Line(50)
    for _ in range(draw(st.integers(0, 3))):
        kernel, stride, before = draw(NUMBERS), draw(NUMBERS), draw(st.integers(0, 2))
        if draw(st.booleans()):
            line = window(line, 50, kernel, stride, before, draw(NUMBERS))
        else:
            line = transposed_window(line, 50, max(kernel, stride), stride, before, 1)
    return line


@given(line=lines(), kernel=NUMBERS, stride=NUMBERS, before=st.integers(0, 3), dilation=NUMBERS)
def test_a_window_takes_these_entries(line, kernel, stride, before, dilation):
    got = window(line, 20, kernel, stride, before, dilation)
    for unit in range(20):
        first = unit * stride - before
        assert got.at(unit) == hull(line, range(first, first + kernel * dilation, dilation))


@given(line=lines(), kernel=NUMBERS, stride=NUMBERS, before=st.integers(0, 3), dilation=NUMBERS)
def test_a_transposed_window_is_reached_from_these_entries(line, kernel, stride, before, dilation):
    got = transposed_window(line, 20, kernel, stride, before, dilation)
    for unit in range(20):
        entries = [
            i for i in range(-20, 40) for t in range(kernel) if i * stride - before + t * dilation == unit
        ]
        if not entries:
            assert got is None
            return
        assert got is None or got.at(unit) == hull(line, entries)


@given(first=lines(), second=lines())
def test_a_sum_sees_what_both_see(first, second):
    got = first.joined(second, 1000)
    assert got == second.joined(first, 1000)
    if got is None:
        assert first.jump != second.jump
        return
    for unit in range(20):
        (a, b), (c, d) = first.at(unit), second.at(unit)
        assert got.at(unit) == (min(a, c), max(b, d))


@given(line=lines(), units=st.integers(2, 12))
def test_pooling_to_a_size_takes_these_entries(line, units):
    line = line._replace(units=15)
    got = resampled(line, units, lambda o: range(o * 15 // units, -(-(o + 1) * 15 // units)))
    for unit in range(units):
        assert got.at(unit) == hull(line, range(unit * 15 // units, -(-(unit + 1) * 15 // units)))


def test_it_is_told_with_as_few_phases_as_possible():
    up = transposed_window(Line(8), 16, 2, 2, 0, 1)
    assert (up.phases, up.step, up.jump, up.size) == (((0, 1), (0, 1)), 1, Fraction(1, 2), 1)
    down = window(up, 8, 2, 2)
    assert down == Line(8)


def test_the_whole_image():
    everything = whole(8, 20)
    assert (everything.size, everything.jump, everything.start) == (20, 0, 0)
    assert window(everything, 4, 3, 2, 1) == whole(4, 20)
    assert Line(8).joined(everything, 20) == everything
    assert Line(1).repeated(5) == Line(5, ((0, 1),), 0)
    assert Line(5).joined(Line(1).repeated(5), 20) is None
