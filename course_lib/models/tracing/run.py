"""Run a model without numbers, and write down which layer does what with which tensor."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from course_lib.models.receptive_field import receptive_field
from course_lib.models.tracing.lines import Line, whole, window
from course_lib.models.tracing.multiply_adds import multiply_adds
from course_lib.models.tracing.records import INPUT, Call, Operation, Trace, Value
from course_lib.models.tracing.seen import NOTHING, UNKNOWN, Map, Seen, on_map
from course_lib.models.tracing.sight import sight
from course_lib.models.tracing.sight_shapes import parts
from course_lib.models.tracing.step import Step

# They hand on entries as they are: no layer of their own where a model does them between its layers.
HANDED_ON = {"clone", "_unsafe_view", "_to_copy", "copy", "detach", "lift_fresh", "alias", "contiguous"}
PARTED = {"split", "split_with_sizes", "unbind"}


def trace(model: nn.Module, shapes: Sequence[tuple[int, ...]], dtypes: Sequence[torch.dtype]) -> Trace:
    """Run ``model`` in evaluation mode on inputs of these shapes, batch included, and say what it did.

    Tensors are on the meta device, so there are shapes but no numbers, and nothing is allocated. The model is
    left as it was.

    Raises:
        ValueError: lazy parameters, or a model that asks for a number in a tensor.
        Whatever the model raises on inputs of these shapes, with a note on where.
    """
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    for name, value in state.items():
        if is_lazy(value):
            raise ValueError(f"parameter {name!r} has no shape yet: call the model once before")
    recorder = _Recorder(model, shapes)
    on_meta = {name: torch.empty_like(value, device="meta") for name, value in state.items()}
    for name, _ in model.named_parameters():
        recorder.set(on_meta[name], Value(parameters=frozenset([name])))
    inputs = [torch.empty(shape, dtype=t, device="meta") for shape, t in zip(shapes, dtypes, strict=True)]
    seen: Seen = UNKNOWN
    if recorder.pixels is not None:  # each pixel sees itself
        seen = Map((2, 3), (Line(recorder.pixels[0]), Line(recorder.pixels[1])))
    for x in inputs:
        recorder.set(x, _value(x, frozenset([INPUT]), INPUT, seen))
    result = recorder.result(inputs)
    with torch.no_grad(), _evaluation(model), recorder.listening(), recorder:
        try:
            output = torch.func.functional_call(model, on_meta, tuple(inputs), tie_weights=True)
        except Exception as error:
            error.add_note(f"in {recorder.where()}, on input of shape {', '.join(map(str, shapes))}")
            raise
    result.outputs = recorder.values(output)
    return result


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    training = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, mode in training:
            module.training = mode


class _Recorder(TorchDispatchMode):
    """Sees every operator, and every module's call."""

    def __init__(self, model: nn.Module, shapes: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.pixels = (shapes[0][2], shapes[0][3]) if len(shapes) == 1 and len(shapes[0]) == 4 else None
        self.names: dict[int, list[str]] = {}
        for name, module in model.named_modules(remove_duplicate=False):
            self.names.setdefault(id(module), []).append(name)
        self.kinds = {name: type(module).__name__ for name, module in model.named_modules()}
        self.sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
        self.events: list[Call | Operation] = []
        self.operations: list[Operation] = []
        self.stack: list[Call] = []
        self.state: dict[int, Value] = {}
        self.aliases: dict[int, list[Tensor]] = {}  # views of one memory; keeps ids in use

    def result(self, inputs: Sequence[Tensor]) -> Trace:
        """What is recorded; it fills while the model runs."""
        values = [self.state[id(x)] for x in inputs]
        return Trace(self.events, self.operations, values, [], self.pixels, self.sizes, self.kinds)

    # values

    def set(self, tensor: Tensor, value: Value, base: Tensor | None = None) -> None:
        """A tensor now has this value; it is a view of ``base``."""
        self.state[id(tensor)] = value
        group = self.aliases.setdefault(id(tensor), []) if base is None else self.aliases[id(base)]
        self.aliases[id(tensor)] = group
        if not any(tensor is each for each in group):
            group.append(tensor)

    def look(self, tensor: Tensor) -> Seen:
        """What a tensor sees; one the model made itself sees nothing."""
        value = self.state.get(id(tensor))
        return NOTHING if value is None else value.seen

    def values(self, outputs: Any) -> list[Value]:
        """Of all tensors in the outputs of a module."""
        tensors = {id(t): t for t in tree_leaves(outputs) if isinstance(t, Tensor)}
        return [self.state.get(key) or _value(t, frozenset(), INPUT, NOTHING) for key, t in tensors.items()]

    # modules

    def where(self) -> str:
        """The module that runs, in words."""
        return f"{self.stack[-1].kind} {self.stack[-1].name!r}" if self.stack else "the model"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of all calls of modules; hooks for all modules leave the model itself alone."""
        handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        names = self.names.get(id(module))
        if names is None:
            return
        caller = self.stack[-1] if self.stack else None
        if caller is not None:
            caller.has_calls = True
        call = Call(self._name(names, caller), type(module).__name__, caller)
        self.stack.append(call)
        self.events.append(call)

    def _name(self, names: list[str], caller: Call | None) -> str:
        """Of a module that has several, the first that its caller has not used yet."""
        if len(names) == 1:
            return names[0]
        used = {e.name for e in self.events if isinstance(e, Call) and e.caller is caller}
        inside = "" if caller is None or not caller.name else caller.name + "."
        free = [name for name in names if name.startswith(inside)]
        return next((name for name in free if name not in used), (free or names)[0])

    def _leave(self, module: nn.Module, args: Any, output: Any) -> Any:
        if id(module) not in self.names:
            return None
        call = self.stack[-1]
        handed_on = isinstance(output, Tensor) and any(output is x for x in tree_leaves(args))
        if handed_on and not any(o.call is call for o in self.operations[-1:]) and not call.has_calls:
            # Dropout in evaluation, Identity: a tensor of its own, or nobody could see that it was there.
            output = output.view_as(output)
        self._known_to_receptive_field(module, call, args, output)
        call.outputs = self.values(output)
        self.stack.pop()
        return output if handed_on else None

    def _known_to_receptive_field(self, module: nn.Module, call: Call, args: Any, output: Any) -> None:
        """A layer of operators without rules, such as StochasticPool2d, may be one that is known by name."""
        if call.has_calls or not isinstance(output, Tensor) or self.look(output) is not UNKNOWN:
            return
        seen = self.look(args[0]) if len(args) == 1 and isinstance(args[0], Tensor) else UNKNOWN
        if not isinstance(seen, Map) or seen.dims != (2, 3) or output.ndim != 4 or self.pixels is None:
            return
        try:
            (step,) = receptive_field(module, (args[0].shape[2], args[0].shape[3]))
        except (TypeError, ValueError):
            return
        lines = []
        for d, side in enumerate(self.pixels):
            units, size, jump, start = output.shape[2 + d], step.size[d], step.jump[d], step.start[d]
            line = window(seen.lines[d], units, size, jump, -start) if jump else whole(units, side)
            lines.append(line)
        self.state[id(output)].seen = on_map((2, 3), lines, self.pixels)

    # operators

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.split("::")[1]
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if not any(t.is_meta for t in given):
            return func(*args, **(kwargs or {}))  # a constant of the model's own
        if name == "_local_scalar_dense":
            raise ValueError(f"{self.where()} asks for a number in a tensor; this run has shapes, no numbers")
        args, kwargs = tree_map(_to_meta, args), tree_map(_to_meta, kwargs or {})
        output = func(*args, **kwargs)
        if self.stack:
            self._record(func, name, args, kwargs, output)
        return output

    def _record(self, func: Any, name: str, args: Any, kwargs: Any, output: Any) -> None:
        arguments = {
            argument.name: kwargs.get(argument.name, args[i] if i < len(args) else argument.default_value)
            for i, argument in enumerate(func._schema.arguments)
        }
        outputs = [t for t in tree_leaves(output) if isinstance(t, Tensor)]
        given = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        known = [self.state[id(t)] for t in given if id(t) in self.state]
        if not outputs:
            return
        plain = name.removesuffix("_")
        step = Step(plain, arguments, tuple(outputs[0].shape), self.look, self.pixels or (1, 1))
        if plain in PARTED:
            seens = parts(step, [tuple(t.shape) for t in outputs])
        else:
            first = sight(step, torch.Tag.pointwise in func.tags)
            seens = [first] + [NOTHING if first is NOTHING else UNKNOWN] * (len(outputs) - 1)
        handed_on = func.is_view or plain in HANDED_ON
        number = len(self.operations)
        sources = frozenset().union(*(value.sources for value in known))
        maker = known[0].maker if handed_on and known else number
        used = frozenset().union(*(value.parameters for value in known))
        views = used if handed_on else frozenset()
        written = bool(func._schema.is_mutable)
        passed_on = frozenset([number]) if sources else frozenset()
        for t, seen in zip(outputs, seens, strict=True):
            value = _value(t, passed_on, maker, seen, views)
            if written and any(t is each for each in given):
                self._write(t, value)
            else:
                self.set(t, value, given[0] if func.is_view and id(given[0]) in self.aliases else None)
        operation = Operation(
            number, plain, self.stack[-1], sources, handed_on, multiply_adds(plain, args, output),
            frozenset() if handed_on else used, self.state[id(outputs[0])],
        )  # fmt: skip
        self.operations.append(operation)
        self.events.append(operation)

    def _write(self, tensor: Tensor, value: Value) -> None:
        """In place: other views of the memory change as well."""
        if id(tensor) not in self.aliases:
            self.set(tensor, Value())
        for other in self.aliases[id(tensor)]:
            if other is tensor or _place(other) == _place(tensor):
                self.state[id(other)] = value
                continue
            old = self.state[id(other)]
            sources = old.sources | value.sources
            seen = NOTHING if old.seen is NOTHING and value.seen is NOTHING else UNKNOWN
            self.state[id(other)] = _value(other, sources, value.maker, seen, old.parameters)


def _to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) and not value.is_meta else value


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.stride(), tensor.storage_offset()


def _value(
    t: Tensor, sources: frozenset[int], maker: int, seen: Seen, parameters: frozenset[str] = frozenset()
) -> Value:
    return Value(tuple(t.shape), t.numel() * t.element_size(), sources, maker, seen, parameters)
