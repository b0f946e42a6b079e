"""One direction of a map, and which pixels its units see: windows at an even, or an evenly repeated, pace."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

Taps = Callable[[int], Iterable[int]]  # the entries of the layer before that a unit takes


class Line(NamedTuple):
    """Unit i sees the pixels from ``at(i)[0]`` up to, not including, ``at(i)[1]``.

    After convolutions and poolings all windows are alike: one phase, moved by ``step`` pixels a unit. After
    a transposed convolution or an upsampling, a few different windows come in turn: as many phases, and they
    all move by ``step`` when the turn comes again. Padding is counted, as if the image went on there.
    """

    units: int
    phases: tuple[tuple[int, int], ...] = ((0, 1),)
    step: int = 1

    def at(self, unit: int) -> tuple[int, int]:
        """First pixel seen, and the first one after."""
        turn, phase = divmod(unit, len(self.phases))
        first, end = self.phases[phase]
        return first + turn * self.step, end + turn * self.step

    @property
    def size(self) -> int:
        """Pixels that the unit with the largest window sees."""
        return max(end - first for first, end in self.phases)

    @property
    def jump(self) -> int | Fraction:
        """Pixels from one unit's window to the next one's, in the mean."""
        jump = Fraction(self.step, len(self.phases))
        return int(jump) if jump.denominator == 1 else jump

    @property
    def start(self) -> int:
        """First pixel the first unit sees."""
        return self.phases[0][0]

    def then(self, units: int, taps: Taps, period: int = 1, advance: int = 1) -> "Line | None":
        """The units of the next layer: unit o takes entries ``taps(o)``, and o + period those + advance.

        None if one of them takes no entry.
        """
        # Whole turns of the phases here: `period` units there are `advance` units here.
        turns = len(self.phases) // gcd(len(self.phases), advance)
        phases = []
        for unit in range(period * turns):
            seen = [self.at(entry) for entry in taps(unit)]
            if not seen:
                return None
            phases.append((min(first for first, _ in seen), max(end for _, end in seen)))
        return _shortest(units, phases, self.step * advance * turns // len(self.phases))

    def joined(self, other: "Line", pixels: int) -> "Line | None":
        """Each unit sees what it sees in one or the other, and what lies between; None if at no even pace."""
        if self == other:
            return self
        if whole(self.units, pixels) in (self, other):
            return whole(self.units, pixels)
        if self.units == 1:
            (a, b), (c, d) = self.at(0), other.at(0)
            return Line(1, ((min(a, c), max(b, d)),), max(self.step, other.step))
        if self.jump != other.jump:
            return None
        period = lcm(len(self.phases), len(other.phases))
        pairs = [(self.at(unit), other.at(unit)) for unit in range(period)]
        phases = [(min(a, c), max(b, d)) for (a, b), (c, d) in pairs]
        return _shortest(self.units, phases, self.step * period // len(self.phases))

    def repeated(self, units: int) -> "Line":
        """One unit broadcast to many, which all see the same."""
        return self if units == self.units else Line(units, (self.at(0),), 0)


def whole(units: int, pixels: int) -> Line:
    """Units that each see all pixels."""
    return Line(units, ((0, pixels),), 0)


def window(
    line: Line, units: int, kernel: int, stride: int = 1, before: int = 0, dilation: int = 1
) -> Line | None:
    """The units of a convolution or a pooling, with ``before`` entries of padding at the start."""
    return line.then(
        units, lambda o: (o * stride - before + t * dilation for t in range(kernel)), advance=stride
    )


def transposed_window(
    line: Line, units: int, kernel: int, stride: int, before: int, dilation: int
) -> Line | None:
    """The units of a transposed convolution: entry i reaches units i * stride - before + t * dilation."""

    def taps(o: int) -> Iterable[int]:
        reached = (o + before - t * dilation for t in range(kernel))
        return [place // stride for place in reached if place % stride == 0]

    return line.then(units, taps, period=stride)


def resampled(line: Line, units: int, taps: Taps) -> Line | None:
    """Another number of units over the same pixels, where unit o takes ``taps(o)``: pooling to a size."""
    common = gcd(units, line.units)
    return line.then(units, taps, units // common, line.units // common)


def _shortest(units: int, phases: list[tuple[int, int]], step: int) -> Line:
    """The same windows, told with as few phases as possible."""
    count = len(phases)
    for period in range(1, count + 1):
        if count % period or step * period % count:
            continue
        line = Line(units, tuple(phases[:period]), step * period // count)
        if all(line.at(unit) == phases[unit] for unit in range(count)):
            return line
    raise AssertionError("all phases are always a period")
