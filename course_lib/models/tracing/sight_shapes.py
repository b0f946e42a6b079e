"""What is seen behind operators that rearrange entries: views, slices, concatenations."""

from collections.abc import Sequence
from typing import Any

from course_lib.models.tracing.lines import Line, window
from course_lib.models.tracing.seen import (
    NOTHING,
    UNKNOWN,
    WHOLE,
    Loose,
    Map,
    Plain,
    Seen,
    joined,
    moved,
    on_map,
    reshaped,
)
from course_lib.models.tracing.step import Rule, Step


def _view(step: Step) -> Seen:
    seen, x = step.input()
    return reshaped(seen, x.shape, step.shape, step.pixels)


def _expand(step: Step) -> Seen:
    seen, x = step.input()
    return joined([(seen, x.shape)], step.shape, step.pixels)


def _permute(step: Step) -> Seen:
    seen, x = step.input()
    order = [d % x.ndim for d in step["dims"]]
    return moved(seen, [order.index(d) for d in range(x.ndim)])


def _transpose(step: Step) -> Seen:
    seen, x = step.input()
    first, second = (step.arguments.get("dim0", 0), step.arguments.get("dim1", 1)) if x.ndim > 1 else (0, 0)
    places = list(range(x.ndim))
    places[first], places[second] = places[second], places[first]
    return moved(seen, places)


def _unsqueeze(step: Step) -> Seen:
    seen, x = step.input()
    new = step["dim"] % (x.ndim + 1)
    return moved(seen, [d + (d >= new) for d in range(x.ndim)])


def _squeeze(step: Step) -> Seen:
    seen, x = step.input()
    given = step.arguments.get("dim")
    chosen = range(x.ndim) if given is None else [given] if isinstance(given, int) else given
    gone = {d % x.ndim for d in chosen if x.shape[d] == 1}
    left = iter(range(x.ndim))
    return moved(seen, [None if d in gone else next(left) for d in range(x.ndim)])


def _cut(seen: Seen, dim: int, units: int, start: int, step: int, pixels: tuple[int, int]) -> Seen:
    """Every ``step``-th entry along ``dim``, from ``start`` on."""
    if isinstance(seen, Map) and dim in seen.dims:
        direction = seen.dims.index(dim)
        lines: list[Line | None] = list(seen.lines)
        lines[direction] = window(seen.lines[direction], units, 1, step, -start)
        return on_map(seen.dims, lines, pixels)
    if isinstance(seen, Loose) and any(dim in group for group in seen.groups):
        return UNKNOWN
    return seen


def _slice(step: Step) -> Seen:
    seen, x = step.input()
    dim = step["dim"] % x.ndim
    if x.shape[dim] == step.shape[dim]:
        return seen
    start = slice(step["start"], step["end"], step["step"]).indices(x.shape[dim])[0]
    return _cut(seen, dim, step.shape[dim], start, step["step"], step.pixels)


def _select(step: Step) -> Seen:
    seen, x = step.input()
    dim = step["dim"] % x.ndim
    seen = _cut(seen, dim, 1, step["index"] % x.shape[dim], 1, step.pixels)
    left = iter(range(x.ndim))
    return moved(seen, [None if d == dim else next(left) for d in range(x.ndim)])


def _concatenated(step: Step) -> Seen:
    pairs = [(step.look(t), t.shape) for t in step["tensors"]]
    dim = step["dim"] % len(step.shape)
    seens = [seen for seen, _ in pairs if seen is not NOTHING]
    if all(_is_place(seen, dim) for seen in seens) and not all(isinstance(seen, Plain) for seen in seens):
        first = next(i for i, (seen, _) in enumerate(pairs) if seen is not NOTHING)
        return _lengthened(seens, (sum(old[dim] for _, old in pairs[:first]), step.shape[dim]))
    if any(_is_place(seen, dim) for seen in seens if not isinstance(seen, Plain)):
        return UNKNOWN
    # Channels side by side: a unit is all channels of a place.
    return joined([(seen, step.shape) for seen, _ in pairs], step.shape, step.pixels)


def _is_place(seen: Seen, dim: int) -> bool:
    if isinstance(seen, Map):
        return dim in seen.dims
    return seen is WHOLE or (isinstance(seen, Loose) and any(dim in group for group in seen.groups))


def _lengthened(seens: Sequence[Seen], shift: tuple[int, int]) -> Seen:
    """Entries of several tensors one after the other, along a dimension of places."""
    loose = [seen for seen in seens if isinstance(seen, Loose)]
    if len(seens) == 1 and loose:
        return loose[0]._replace(shifts=(*loose[0].shifts, shift))  # tokens, and one that is learned
    if len(loose) == len(seens) and all(seen.mixed and seen.groups == loose[0].groups for seen in loose):
        return loose[0]._replace(lines=None)
    if loose and all(seen.mixed for seen in loose) and len(loose) + seens.count(WHOLE) == len(seens):
        return loose[0]._replace(lines=None)
    return UNKNOWN


def _stacked(step: Step) -> Seen:
    new = step["dim"] % len(step.shape)
    pairs: list[tuple[Any, Any]] = []
    for t in step["tensors"]:
        seen = moved(step.look(t), [d + (d >= new) for d in range(t.ndim)])
        pairs.append((seen, [*t.shape[:new], 1, *t.shape[new:]]))
    return joined(pairs, step.shape, step.pixels)


def _copied(step: Step) -> Seen:
    return joined([(step.look(step["src"]), step["src"].shape)], step.shape, step.pixels)


SHAPES: dict[str, Rule] = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "unflatten"), _view),
    "expand": _expand,
    "permute": _permute,
    **dict.fromkeys(("transpose", "t"), _transpose),
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "slice": _slice,
    "select": _select,
}
JOINS: dict[str, Rule] = {"cat": _concatenated, "stack": _stacked, "copy": _copied}


def parts(step: Step, shapes: Sequence[Sequence[int]]) -> list[Seen]:
    """What the outputs of split, split_with_sizes and unbind see, one by one."""
    seen, x = step.input()
    dim = step["dim"] % x.ndim
    found, start = [], 0
    gone = len(shapes[0]) < x.ndim
    left = iter(range(x.ndim))
    places = [None if gone and d == dim else next(left) for d in range(x.ndim)]
    for shape in shapes:
        units = 1 if gone else shape[dim]
        found.append(moved(_cut(seen, dim, units, start, 1, step.pixels), places))
        start += units
    return found
