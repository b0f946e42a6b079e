"""What the entries of a tensor see of the image: on a map, off the map, all, nothing, or unknown."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from course_lib.models.tracing.lines import Line, whole

Dims = tuple[int | None, int | None]


class Plain(Enum):
    """What needs no more words: no pixel at all, the whole image, or we cannot say."""

    NOTHING = "nothing"
    WHOLE = "whole"
    UNKNOWN = "?"


class Map(NamedTuple):
    """Entries on a map. ``dims``: the tensor's dimensions for height and width, None for one that is gone."""

    dims: Dims
    lines: tuple[Line, Line]


class Loose(NamedTuple):
    """Entries of a map that was reshaped, such as tokens.

    ``groups`` are sets of dimensions, such that a sum over all of one set is a sum over the whole map.
    ``lines`` are those of the map, None if they are lost: an entry may see what two of its units see.
    ``mixed``: all channels and places in one dimension, as behind a Flatten. ``shifts``: where they stand in
    a longer row of tokens, (first, all), for each time that others were added.
    """

    groups: tuple[frozenset[int], ...]
    lines: tuple[Line, Line] | None
    mixed: bool = False
    shifts: tuple[tuple[int, int], ...] = ()


Seen = Plain | Map | Loose
NOTHING, WHOLE, UNKNOWN = Plain.NOTHING, Plain.WHOLE, Plain.UNKNOWN


def on_map(dims: Dims, lines: Sequence[Line | None], pixels: tuple[int, int]) -> Seen:
    """The map, or what it comes to."""
    height, width = lines
    if height is None or width is None:
        return UNKNOWN
    if all(line == whole(line.units, side) for line, side in zip((height, width), pixels, strict=True)):
        return WHOLE
    covered = (
        line.at(0)[0] <= 0 and line.at(0)[1] >= side
        for line, side in zip((height, width), pixels, strict=True)
    )
    if dims == (None, None) and all(covered):
        return WHOLE
    return Map(dims, (height, width))


def moved(seen: Seen, places: Sequence[int | None]) -> Seen:
    """After a change of the dimensions' order: d is now ``places[d]``, None if it (of size 1) is gone."""
    if isinstance(seen, Map):
        height, width = (None if d is None else places[d] for d in seen.dims)
        return seen._replace(dims=(height, width))
    if isinstance(seen, Loose):
        kept = [[p for d in sorted(group) if (p := places[d]) is not None] for group in seen.groups]
        if not all(kept):
            return UNKNOWN
        in_order = all(group == sorted(group) for group in kept)
        return seen._replace(groups=tuple(map(frozenset, kept)), lines=seen.lines if in_order else None)
    return seen


def mixed_along(seen: Seen, dims: set[int], shape: Sequence[int], pixels: tuple[int, int]) -> Seen:
    """After each entry has come to depend on all entries along ``dims``; ``shape`` is the new one."""
    if isinstance(seen, Map):
        lines = [
            line if d not in dims else whole(1 if d is None else shape[d], side)
            for d, line, side in zip(seen.dims, seen.lines, pixels, strict=True)
        ]
        return on_map(seen.dims, lines, pixels)
    if isinstance(seen, Loose):
        if any(group <= dims for group in seen.groups):
            return WHOLE
        return UNKNOWN if any(group & dims for group in seen.groups) else seen
    return seen


def joined(
    seens: Sequence[tuple[Seen, Sequence[int]]], shape: Sequence[int], pixels: tuple[int, int]
) -> Seen:
    """Entry by entry, of several tensors (what they see, and their shapes), broadcast to ``shape``."""
    aligned = [_broadcast(seen, old, shape) for seen, old in seens if seen is not NOTHING]
    if not aligned or UNKNOWN in aligned:
        return UNKNOWN if aligned else NOTHING
    if WHOLE in aligned:
        return WHOLE
    result = aligned[0]
    for seen in aligned[1:]:
        if result == seen:
            continue
        if not (isinstance(result, Map) and isinstance(seen, Map)):
            return UNKNOWN
        if any(None not in pair and pair[0] != pair[1] for pair in zip(result.dims, seen.dims, strict=True)):
            return UNKNOWN
        dims = (_one_of(result.dims[0], seen.dims[0]), _one_of(result.dims[1], seen.dims[1]))
        if dims[0] is not None and dims[0] == dims[1]:
            return UNKNOWN
        sizes = [1 if d is None else shape[d] for d in dims]
        pairs = zip(sizes, result.lines, seen.lines, pixels, strict=True)
        lines = [a.repeated(n).joined(b.repeated(n), side) for n, a, b, side in pairs]
        result = on_map(dims, lines, pixels)
        if not isinstance(result, Map):
            return result
    return result


def _broadcast(seen: Seen, old: Sequence[int], shape: Sequence[int]) -> Seen:
    """Dimensions are aligned at the end; a dimension of 1 is repeated."""
    shift = len(shape) - len(old)
    seen = moved(seen, [d + shift for d in range(len(old))])
    if isinstance(seen, Map):
        lines = [
            line if d is None else line.repeated(shape[d])
            for d, line in zip(seen.dims, seen.lines, strict=True)
        ]
        return seen._replace(lines=(lines[0], lines[1]))
    return seen


def _one_of(first: int | None, second: int | None) -> int | None:
    return second if first is None else first


def reshaped(seen: Seen, old: Sequence[int], new: Sequence[int], pixels: tuple[int, int]) -> Seen:
    """After a view with another shape, in which dimensions are merged or split."""
    if isinstance(seen, Plain) or tuple(old) == tuple(new):
        return seen
    segments = _segments(old, new)
    if segments is None:
        return UNKNOWN
    if isinstance(seen, Map):
        return _map_reshaped(seen, segments, new, pixels)
    return _loose_reshaped(seen, segments, new)


def _map_reshaped(
    seen: Map, segments: list[tuple[list[int], list[int]]], new: Sequence[int], pixels: tuple[int, int]
) -> Seen:
    kept: list[int | None] = []
    places: set[int] = set()
    for d in seen.dims:
        before, after = next((s for s in segments if d in s[0]), ([], []))
        kept.append(after[0] if before == [d] and len(after) == 1 else None)
        places.update(after)
    moving = [d for d in seen.dims if any(d in before for before, _ in segments)]
    if len(moving) == sum(d is not None for d in kept):  # a dimension of size 1 may have gone: one unit
        return on_map((kept[0], kept[1]), seen.lines, pixels)
    held = [d for before, after in segments if places & set(after) for d in before]
    mixed = not set(held) <= set(seen.dims)
    if mixed and any(len(after) > 1 for before, after in segments if set(seen.dims) & set(before)):
        return UNKNOWN
    vector = sum(size > 1 for size in new) == 1
    in_order = None in seen.dims or seen.dims[0] < seen.dims[1]  # type: ignore[operator]
    return Loose((frozenset(places),), seen.lines if in_order else None, mixed or vector)


def _loose_reshaped(seen: Loose, segments: list[tuple[list[int], list[int]]], new: Sequence[int]) -> Seen:
    groups, mixed = [], seen.mixed
    for before, after in segments:
        plain = seen.lines is not None and not mixed and not seen.shifts
        if plain and seen.groups == (frozenset(before),) and len(after) == 2:
            height, width = after
            if seen.lines and (new[height], new[width]) == tuple(line.units for line in seen.lines):
                return Map((height, width), seen.lines)  # rows after rows again
    for group in seen.groups:
        places: set[int] = set()
        for before, after in segments:
            if not group & set(before):
                continue
            if not set(before) <= group:
                mixed = True
            if len(after) > 1 and mixed:
                return UNKNOWN
            places.update(after)
        if not places:
            return UNKNOWN
        groups.append(frozenset(places))
    return seen._replace(groups=tuple(groups), mixed=mixed)


def _segments(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]] | None:
    """Which dimensions become which: the shortest runs of equal products. Those of size 1 are left out."""
    before = [(d, size) for d, size in enumerate(old) if size != 1]
    after = [(d, size) for d, size in enumerate(new) if size != 1]
    segments = []
    while before or after:
        if not (before and after):
            return None
        (d, left), (e, right) = before.pop(0), after.pop(0)
        olds, news = [d], [e]
        while left != right:
            if left < right and before:
                d, size = before.pop(0)
                left, olds = left * size, [*olds, d]
            elif right < left and after:
                e, size = after.pop(0)
                right, news = right * size, [*news, e]
            else:
                return None
        segments.append((olds, news))
    return segments
