"""A network's architecture, drawn from what the network does."""

from dataclasses import dataclass

import torch
from torch import nn

from course_lib.layers import checks
from course_lib.models.summary import Shape, floating_dtype, input_shapes
from course_lib.models.tracing import trace
from course_lib.visualize.architecture_boxes import Box, boxes
from course_lib.visualize.architecture_layout import lay_out
from course_lib.visualize.architecture_page import box_size, page

OWNER = "architecture"


@dataclass(frozen=True, repr=False)
class Architecture:
    """A drawing of a network as one piece of HTML that needs neither a kernel nor a network."""

    html: str
    boxes: tuple[Box, ...]
    skips: int  # lines that pass by a box or more

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        edges = sum(len(box.inputs) for box in self.boxes)
        return f"<architecture: {len(self.boxes)} boxes, {edges} lines, {self.skips} of them skip boxes>"


def architecture(
    model: nn.Module,
    input_size: int | Shape | list[Shape],
    alt: str,
    *,
    depth: int | None = None,
    dtype: torch.dtype | None = None,
) -> Architecture:
    """Draw a network: a box for each layer or block, from the top to the bottom, and lines for what flows.

    The drawing is made from one run of the model on tensors without numbers, as ``models.summary`` does, not
    from its text: what is drawn is what happens in evaluation mode. Each box says which module it is, its
    class, the shape it hands on (without the batch), and its parameters. A normalization, an activation or a
    dropout that follows a layer, and only that one, is written in the layer's box. Blocks of one kind and
    shape that follow one another are one box, "6 x Bottleneck". Lines that skip boxes are vermilion.

    Args:
        model: any module that ``models.summary`` takes.
        input_size: shape of one input without the batch, such as ``(3, 224, 224)``; one integer n is a colour
            image, (3, n, n). Of several inputs a list of shapes.
        alt: what the drawing shows, for those who do not see it.
        depth: modules whose names have so many parts ("layer1.0" has two) are one box. Default: the deepest
            at which there are no more than 90 boxes and 150 lines. A large number: every layer.
        dtype: of the inputs. Default: that of the model's parameters.

    Returns:
        An object that a notebook shows: a drawing to scroll and zoom (buttons, + and -, two fingers, the
        wheel with Ctrl), with the list ``boxes``.

    Raises:
        TypeError, ValueError: no alt text, or what ``models.summary`` does not take either.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"{OWNER}: model must be a torch.nn.Module, got {type(model).__name__}")
    if not (isinstance(alt, str) and alt.strip()):
        raise ValueError(f"{OWNER}: alt must be a text that says what the drawing shows, got {alt!r}")
    if depth is not None:
        checks.positive_integer(OWNER, "depth", depth)
    shapes = input_shapes(OWNER, input_size)
    traced = trace(model, [(1, *shape) for shape in shapes], [dtype or floating_dtype(model)] * len(shapes))
    found = boxes(traced, model, depth)
    number = {id(box): i for i, box in enumerate(found)}
    places, edges = lay_out(
        [box_size(box) for box in found], [[number[id(source)] for source in box.inputs] for box in found]
    )
    skips = sum(len(edge) > 2 for edge in edges)
    return Architecture(page(found, places, edges, alt), tuple(found), skips)
