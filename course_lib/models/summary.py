"""A table of any model's layers: shapes, parameters, multiply-adds, memory, receptive field."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import torch
from torch import nn

from course_lib.layers import checks
from course_lib.models.summary_table import as_html, as_text
from course_lib.models.tracing import NOTHING, UNKNOWN, WHOLE, Loose, Plain, Seen, trace, units

OWNER = "summary"
Shape = tuple[int, ...]
Number = int | Fraction


class Field(NamedTuple):
    """What a layer's units see of the image, as in ``receptive_field``; pairs are for height and width.

    Behind a transposed convolution or an upsampling, units see windows of a few sizes in turn: ``size`` is
    the largest, ``start`` where the first unit's begins, and ``jump`` the mean, perhaps a fraction.
    """

    size: tuple[int, int]
    jump: tuple[Number, Number]
    start: tuple[int, int]

    @property
    def whole(self) -> bool:
        """Whether every unit sees the whole image."""
        return self.jump == (0, 0) and min(self.size) > 0


class Layer(NamedTuple):
    """One row of a summary."""

    name: str  # as in model.named_modules()
    kind: str
    output_size: Shape | None  # without the batch; None: it did not run
    parameters: int
    multiply_adds: int
    activation_bytes: int
    field: Field | None  # None: unknown, or the input is no image


@dataclass(frozen=True, repr=False)
class Summary(Sequence[Layer]):
    """The layers of a model in the order in which they run; printed, a table."""

    model: str
    input_size: tuple[Shape, ...]
    dtype: torch.dtype
    layers: tuple[Layer, ...]

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return self.layers[index]

    @property
    def parameters(self) -> int:
        """Of the whole model, those included that did not run; a shared one counts once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of convolutions and matrix products, for one input."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Of all layers' outputs for one input, as if all were kept."""
        return sum(layer.activation_bytes for layer in self.layers)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def summary(
    model: nn.Module,
    input_size: int | Shape | Sequence[Shape],
    *,
    depth: int | None = None,
    dtype: torch.dtype | None = None,
) -> Summary:
    """List a model's layers with output shapes, parameters, multiply-adds, memory and receptive fields.

    The model runs once, in evaluation mode, on tensors without numbers: a net of any size takes no memory. It
    may be on any device, "meta" included, and is left as it was. Branches, additions, concatenations and
    attention are followed operator by operator: it does not matter of whose layers the model is made.

    - A row is a module that calls no other one, such as a convolution; or something a module computes between
      those it calls, under that module's name: "add", "cat". What only rearranges entries has no row. Modules
      that did not run, such as auxiliary heads, come last, if they have parameters.
    - Multiply-adds are those of convolutions and matrix products. The two products inside attention (queries
      with keys, weights with values) count too. Biases, normalizations, activations, poolings don't.
    - Activation memory is the bytes of a layer's outputs for one input. One that works in place counts as if
      it did not; one that hands on what it got (Flatten, Dropout) counts 0.
    - The receptive field is that of ``receptive_field``, on any graph: a sum or concatenation sees what any
      of its parts sees, and what lies between. Pooling to one unit, attention, and a dense layer on all of a
      map see the whole image. What follows an operator whose field is not known shows "?", as it does.

    Args:
        model: any module whose ``forward`` takes tensors and does not depend on the numbers in them.
        input_size: shape of one input without the batch, such as ``(3, 224, 224)``; one integer n is a colour
            image, (3, n, n). Of several inputs a list of shapes.
        depth: one row for each module whose name has so many parts, with all that is inside: 1 for "layer1",
            2 for "layer1.0". Default: a row for every layer.
        dtype: of the inputs. Default: that of the model's parameters.

    Raises:
        TypeError, ValueError: arguments that are none of these, parameters without a shape yet (lazy ones), a
            model that asks for numbers. What the model raises on such inputs comes with a note on where.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"{OWNER}: model must be a torch.nn.Module, got {type(model).__name__}")
    if depth is not None:
        checks.positive_integer(OWNER, "depth", depth)
    shapes = input_shapes(OWNER, input_size)
    used = dtype or floating_dtype(model)
    traced = trace(model, [(1, *shape) for shape in shapes], [used] * len(shapes))
    rows = [
        Layer(
            unit.name,
            unit.kind,
            None if unit.shape is None else unit.shape[1:],
            unit.parameters,
            unit.multiply_adds,
            unit.activation_bytes,
            None if traced.pixels is None else _field(unit.seen, traced.pixels),
        )
        for unit in units(traced, depth)
    ]
    return Summary(type(model).__name__, shapes, used, tuple(rows))


def input_shapes(owner: str, input_size: Any) -> tuple[Shape, ...]:
    """The shapes of all inputs, from ``input_size`` as ``summary`` takes it."""
    if isinstance(input_size, int) and not isinstance(input_size, bool):
        input_size = (3, input_size, input_size)
    shapes = input_size if isinstance(input_size, list) else [input_size]
    for shape in shapes:
        if not isinstance(shape, tuple | torch.Size) or not all(type(n) is int for n in shape):
            raise TypeError(
                f"{owner}: input_size must be an integer, a tuple or a list of tuples, got {input_size!r}"
            )
        if min(shape, default=1) < 1:
            raise ValueError(f"{owner}: input_size must be of numbers of 1 or more, got {input_size!r}")
    if not shapes:
        raise ValueError(f"{owner}: input_size has no shape")
    return tuple(tuple(shape) for shape in shapes)


def floating_dtype(model: nn.Module) -> torch.dtype:
    """Of the first parameter that has one for real numbers; float32 without any."""
    dtypes = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return next(dtypes, torch.float32)


def _field(seen: Seen, pixels: tuple[int, int]) -> Field | None:
    if seen is NOTHING:
        return Field((0, 0), (0, 0), (0, 0))
    if seen is WHOLE or (isinstance(seen, Loose) and seen.mixed):
        return Field(pixels, (0, 0), (0, 0))
    if seen is UNKNOWN or isinstance(seen, Plain) or seen.lines is None:
        return None
    height, width = seen.lines
    return Field((height.size, width.size), (height.jump, width.jump), (height.start, width.start))
