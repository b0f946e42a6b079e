"""A trace cut into layers, or into blocks at some depth of the module tree."""

from dataclasses import dataclass, field

from course_lib.models.tracing.records import INPUT, Call, Operation, Trace
from course_lib.models.tracing.seen import NOTHING, Seen

# What an operator between layers is called in a table.
KINDS = {
    "convolution": "conv", "addmm": "linear", "mm": "matmul", "bmm": "matmul", "baddbmm": "matmul",
    "native_batch_norm": "batch_norm", "native_layer_norm": "layer_norm", "native_group_norm": "group_norm",
    "max_pool2d_with_indices": "max_pool2d", "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "_softmax": "softmax", "_safe_softmax": "softmax", "_log_softmax": "log_softmax",
}  # fmt: skip


@dataclass(eq=False)
class Unit:
    """One layer or block: a module's run, or one operator that a module does between those it calls."""

    name: str
    kind: str
    call: Call | None  # None: an operator alone
    caller: Call | None
    shape: tuple[int, ...] | None = None  # batch included; None: it did not run
    seen: Seen = NOTHING
    parameters: int = 0
    multiply_adds: int = 0
    activation_bytes: int = 0
    operations: list[Operation] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # of the layers inside, in order
    inputs: list["Unit | None"] = field(default_factory=list)  # None is the model's input


def units(trace: Trace, depth: int | None = None) -> list[Unit]:
    """The layers in the order in which they ran, those that did not run last.

    With ``depth``, modules whose names have so many parts ("layer1.0" has two) are one unit each. A module
    that calls no other is a layer, whatever it computes itself.
    """
    found: list[Unit] = []
    of_call: dict[int, Unit] = {}
    of_operation: dict[int, Unit] = {}
    for event in trace.events:
        inner = event.call if isinstance(event, Operation) else event
        outer = _outermost(inner, depth)
        if outer is not None:
            if id(outer) not in of_call:
                of_call[id(outer)] = _of_call(outer)
                found.append(of_call[id(outer)])
            unit = of_call[id(outer)]
        elif isinstance(event, Operation) and not event.handed_on and (event.inputs or event.multiply_adds):
            unit = _of_operation(event)
            found.append(unit)
        else:
            continue
        if isinstance(event, Operation):
            unit.operations.append(event)
            unit.multiply_adds += event.multiply_adds
            of_operation[event.number] = unit
    _add_memory(trace, of_operation, of_call, depth)
    _connect(trace, found, of_operation)
    _share_out_parameters(trace, found, depth)
    return found


def _outermost(call: Call, depth: int | None) -> Call | None:
    """The call that is a unit, and has this one inside; None between units."""
    for each in call.chain():
        parts = each.name.count(".") + 1 if each.name else 0
        if not each.has_calls or (depth is not None and parts >= depth):
            return each
    return None


def _of_call(call: Call) -> Unit:
    unit = Unit(call.name, call.kind, call, call.caller)
    if call.outputs:
        unit.shape, unit.seen = call.outputs[0].shape, call.outputs[0].seen
    return unit


def _of_operation(operation: Operation) -> Unit:
    kind = KINDS.get(operation.name, operation.name.strip("_"))
    output = operation.output
    return Unit(operation.call.name, kind, None, operation.call, output.shape, output.seen)


def _add_memory(
    trace: Trace, of_operation: dict[int, Unit], of_call: dict[int, Unit], depth: int | None
) -> None:
    """Bytes of what each layer computes and hands on, summed over the layers inside a block."""
    for event in trace.events:
        if isinstance(event, Call) and not event.has_calls:
            outer = _outermost(event, depth)
            unit = of_call[id(outer)]
            unit.kinds.append(event.kind)
            for value in event.outputs:
                if value.maker != INPUT and trace.operations[value.maker].call is event:
                    unit.activation_bytes += value.bytes
        elif isinstance(event, Operation) and event.call.has_calls and not event.handed_on:
            of = of_operation.get(event.number)
            if of is not None and event.inputs:
                of.kinds.append(KINDS.get(event.name, event.name.strip("_")))
                of.activation_bytes += event.output.bytes


def _connect(trace: Trace, found: list[Unit], of_operation: dict[int, Unit]) -> None:
    """From which units each one's inputs come, looking through what is only handed on."""
    reached: dict[int, dict[int, Unit | None]] = {INPUT: {0: None}}
    for operation in trace.operations:
        unit = of_operation.get(operation.number)
        before: dict[int, Unit | None] = {}
        for number in sorted(operation.inputs):
            before.update(reached[number])
        if unit is None:
            reached[operation.number] = before
            continue
        reached[operation.number] = {id(unit): unit}
        for source in before.values():
            if source is not unit and source not in unit.inputs:
                unit.inputs.append(source)
    order = {id(unit): i for i, unit in enumerate([None, *found])}
    for unit in found:
        unit.inputs.sort(key=lambda source: order[id(source)])


def _share_out_parameters(trace: Trace, found: list[Unit], depth: int | None) -> None:
    """Each parameter counts once: where it is used first, else with its module, else in a row of its own."""
    left = dict(trace.sizes)
    for unit in found:
        for operation in unit.operations:
            for name in operation.parameters:
                unit.parameters += left.pop(name, 0)
    by_name: dict[str, Unit] = {}
    for unit in found:
        if unit.call is not None:
            by_name.setdefault(unit.name, unit)
    for name, size in left.items():
        owner = name.rpartition(".")[0]
        parts = owner.split(".") if owner else []
        shown = [".".join(parts[:length]) for length in range(len(parts) + 1)]
        home = next((by_name[each] for each in shown if each in by_name), None)
        if home is None:
            place = shown[-1] if depth is None else shown[min(depth, len(parts))]
            home = by_name[place] = Unit(place, trace.kinds[place], None, None)
            found.append(home)
        home.parameters += size
