"""From layers that ran to the boxes of a picture: small layers join a neighbour, repeated blocks one box."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from torch import nn

from course_lib.models.tracing import Trace, Unit, units

MAX_BOXES, MAX_EDGES = 90, 150  # what a picture may hold before blocks become boxes
NOT_RUN = "not run in evaluation"


@dataclass(eq=False, repr=False)
class Box:
    """One box: what is written in it, and the boxes its inputs come from."""

    names: list[str]  # of the modules in it
    kind: str  # in bold
    role: str  # which colour
    notes: list[str]  # further lines
    units: list[Unit] = field(default_factory=list)
    inputs: list["Box"] = field(default_factory=list)
    repeats: int = 1

    def __repr__(self) -> str:  # without the inputs, which would repeat the whole network down to the image
        return f"Box({self.label!r}, {self.kind!r})"

    @property
    def parameters(self) -> int:
        """Of all that is in the box."""
        return sum(unit.parameters for unit in self.units)

    @property
    def label(self) -> str:
        """The first module's name, and the last one's if the box holds several alike."""
        return self.names[0] if self.repeats == 1 else f"{self.names[0]} \u2026 {self.names[-1]}"

    @property
    def group(self) -> str:
        """The name of the module around it."""
        return self.names[0] if self.role == "join" else self.names[0].rpartition(".")[0]


def boxes(trace: Trace, model: nn.Module, depth: int | None) -> list[Box]:
    """The boxes at a depth of the module tree; without one, at the deepest that a picture can hold."""
    if depth is not None:
        return _boxes(trace, model, depth)
    deepest = max(name.count(".") + 1 for name in trace.kinds)
    for level in range(deepest, 0, -1):
        found = _boxes(trace, model, level)
        if len(found) <= MAX_BOXES and sum(len(box.inputs) for box in found) <= MAX_EDGES:
            break
    return found


def _boxes(trace: Trace, model: nn.Module, depth: int) -> list[Box]:
    layers = units(trace, depth)
    modules = dict(model.named_modules(remove_duplicate=False))
    shapes = "\n".join(_by(value.shape[1:]) for value in trace.inputs)
    start = Box(["input"], "input", "input", shapes.split("\n"))
    consumers: dict[int, int] = {}
    for unit in layers:
        for source in unit.inputs:
            consumers[id(source)] = consumers.get(id(source), 0) + 1
    found, of = [start], {id(None): start}
    idle: dict[str, list[Unit]] = {}
    for unit in layers:
        source = unit.inputs[0] if len(unit.inputs) == 1 else None
        home = None if source is None or consumers[id(source)] > 1 else of[id(source)]
        if home is not None and source is not None and home.role != "block" and _is_light(unit, source):
            home.units.append(unit)
            of[id(unit)] = home
            continue
        if unit.shape is None:
            idle.setdefault(_idle_part(unit.name, layers), []).append(unit)
            continue
        box = of[id(unit)] = Box([unit.name], _kind(unit, modules), _role(unit), [], [unit])
        found.append(box)
    found += [Box([name], trace.kinds[name], "block", [], parts) for name, parts in idle.items()]
    for unit in layers:
        box = of.get(id(unit), start)  # what did not run has no inputs
        for source in unit.inputs:
            if of[id(source)] is not box and of[id(source)] not in box.inputs:
                box.inputs.append(of[id(source)])
    for box in found[1:]:
        box.notes = _notes(box, modules)
    return _grouped(found)


def _idle_part(name: str, layers: Sequence[Unit]) -> str:
    """The outermost module around one that did not run, of which nothing ran."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        outer = ".".join(parts[:length])
        ran = (unit.name for unit in layers if unit.shape is not None)
        if not any(f"{other}.".startswith(f"{outer}.") for other in ran):
            return outer
    return name


def _is_light(unit: Unit, source: Unit) -> bool:
    """A normalization, an activation, a dropout: it changes entries, not what they are of."""
    same = unit.shape is not None and source.shape is not None and prod(unit.shape) == prod(source.shape)
    return same and not unit.multiply_adds and _role(unit) == "light"


def _role(unit: Unit) -> str:
    kind = unit.kind.lower()
    names = {operation.name for operation in unit.operations}
    if len(unit.kinds) > 1 or (unit.call is not None and unit.call.has_calls):
        return "block"
    if "attention" in kind or {"bmm", "_safe_softmax"} <= names or {"bmm", "_softmax"} <= names:
        return "attention"
    if unit.call is None and (kind in ("add", "cat", "mul", "stack") or len(unit.inputs) > 1):
        return "join"
    if "convolution" in names or "conv" in kind:
        return "convolution"
    if unit.multiply_adds or "linear" in kind:
        return "dense"
    return "pooling" if "pool" in kind or kind == "mean" else "light"


def _kind(unit: Unit, modules: dict[str, Any]) -> str:
    """A layer's class, with the size of its window: "Conv2d 3 x 3, stride 2"."""
    if unit.call is None:
        return unit.kind
    module = modules[unit.name]
    words = unit.kind
    kernel, stride = (_pair(getattr(module, name, None)) for name in ("kernel_size", "stride"))
    if kernel:
        words += " " + " x ".join(map(str, kernel))
    if stride and len(set(stride)) == 1 and stride[0] != 1:
        words += f", stride {stride[0]}"
    groups = getattr(module, "groups", 1)
    if isinstance(groups, int) and groups > 1:
        depthwise = groups == getattr(module, "in_channels", None)
        words += ", depthwise" if depthwise else f", {groups} groups"
    return words


def _pair(value: Any) -> Sequence[int]:
    values = value if isinstance(value, tuple) else (value, value)
    return values if all(isinstance(each, int) for each in values) else ()


def _notes(box: Box, modules: dict[str, Any]) -> list[str]:
    notes = []
    first, last = box.units[0], box.units[-1]
    if len(box.units) > 1 and last.shape is not None:
        notes.append("".join(f"+ {unit.kind} " for unit in box.units[1:]).strip())
    elif box.role == "block" and first.call is not None:
        children = [type(child).__name__ for child in modules[first.name].children()]
        alike = len(children) > 1 and len(set(children)) == 1
        notes.append(f"{len(children)} \u00d7 {children[0]}" if alike else f"{len(first.kinds)} layers")
    if last.shape is None:
        notes.append(NOT_RUN)
    else:
        notes.append(_by(last.shape[1:]))
    if box.parameters:
        notes.append(f"{box.parameters:,} parameters")
    return notes


def _grouped(found: list[Box]) -> list[Box]:
    """Blocks of one kind, one after the other, become one box; parameters are then those of all."""
    users: dict[int, list[Box]] = {}
    for box in found:
        for source in box.inputs:
            users.setdefault(id(source), []).append(box)
    kept: list[Box] = []
    now: dict[int, Box] = {}
    for box in found:
        before = box.inputs[0] if len(box.inputs) == 1 else None
        home = None if before is None else now[id(before)]
        if home is not None and len(users[id(before)]) == 1 and _alike(home, box):
            home.repeats += 1
            home.names += box.names
            home.units += box.units
            home.notes = [*box.notes[:-1], f"{home.parameters:,} parameters"] if box.parameters else box.notes
            now[id(box)] = home
            continue
        box.inputs = [now[id(source)] for source in box.inputs]
        now[id(box)] = box
        kept.append(box)
    return kept


def _alike(first: Box, second: Box) -> bool:
    if first.role != "block" or second.role != "block":
        return False
    a, b = first.units[-1], second.units[-1]
    return (a.kind, a.kinds, a.shape, a.parameters) == (b.kind, b.kinds, b.shape, b.parameters)


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
