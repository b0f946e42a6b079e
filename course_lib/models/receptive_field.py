"""The receptive field of each layer of a chain: what one of its units can see of the image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import nn

from course_lib import layers
from course_lib.layers import activations, checks

OWNER = "receptive_field"
Pair = tuple[int, int]

CONVOLUTIONS = (nn.Conv2d, layers.Conv2d)
POOLINGS = (
    *(nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d),
    *(layers.MaxPool2d, layers.AvgPool2d, layers.LPPool2d, layers.MixedPool2d, layers.StochasticPool2d),
)
_OURS = (layers.AdaptiveAvgPool2d, layers.AdaptiveMaxPool2d)
ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, *_OURS)
PADDINGS = (nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)
ENTRY_BY_ENTRY = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.Threshold, nn.ELU, nn.CELU, nn.SELU, nn.GELU),
    *(nn.SiLU, nn.Mish, nn.Hardswish, nn.Sigmoid, nn.Hardsigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh),
    *(nn.Softplus, nn.Softsign, nn.Softshrink, nn.Hardshrink, nn.Tanhshrink, nn.Softmax2d, nn.Identity),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.LocalResponseNorm),
    *(layers.Dropout, layers.Dropout2d, layers.GaussianNoise, layers.LocalResponseNorm),
    activations.Activation,
)
SOFTMAXES = (nn.Softmax, nn.LogSoftmax, layers.Softmax)
RUNNING_NORMS = (nn.modules.batchnorm._NormBase, layers.BatchNorm1d, layers.BatchNorm2d)
WHOLE_NORMS = (nn.GroupNorm, layers.GroupNorm, layers.InstanceNorm2d)
LAYER_NORMS = (nn.LayerNorm, layers.LayerNorm)
LINEAR = (nn.Linear, layers.Linear)
BEHIND_FLATTEN = (*ENTRY_BY_ENTRY, *SOFTMAXES, *RUNNING_NORMS, *LAYER_NORMS, *LINEAR, nn.Flatten)


class LayerField(NamedTuple):
    """What the units of one layer can see of the image; each pair is for height and width.

    The unit in row i of the map sees ``size[0]`` rows of the image, from row ``start[0] + i * jump[0]`` on. A
    start is negative where the first unit's window begins in the padding. Where every unit depends on the
    whole image, size is the image's, jump and start are 0. Behind a Flatten, ``output_size`` is ().
    """

    name: str  # as in model.named_modules()
    layer: str
    output_size: tuple[int, ...]
    size: Pair
    jump: Pair
    start: Pair

    def window(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Top, left, bottom, right of a unit's window, padding included; the last two are not in it."""
        top, left = self.start[0] + row * self.jump[0], self.start[1] + column * self.jump[1]
        return top, left, top + self.size[0], left + self.size[1]

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Row and column of the middle of the window: 0.5 is between the first pixel and the next."""
        top, left, bottom, right = self.window(row, column)
        return (top + bottom - 1) / 2, (left + right - 1) / 2


@dataclass(frozen=True, repr=False)
class ReceptiveFields(Sequence[LayerField]):
    """The fields of all layers, from the first to the last; printed, they are a table."""

    input_size: Pair
    fields: tuple[LayerField, ...]

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, index: Any) -> Any:
        return self.fields[index]

    def __repr__(self) -> str:
        rows = [("name", "layer", "output", "size", "jump", "start")]
        rows += [("", "input", _by(self.input_size), "1 x 1", "1", "0")]
        for field in self.fields:
            seen = (_by(field.size), _one(field.jump), _one(field.start))
            if field.jump == (0, 0):
                seen = ("whole image", "", "")
            rows.append((field.name, field.layer, _by(field.output_size) or "flat", *seen))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


class Window(NamedTuple):
    """What a unit takes of the layer before, in one direction; by default the entry at its own place."""

    kernel: int = 1
    stride: int = 1
    before: int = 0  # padding
    after: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def reach(self) -> int:
        """How many entries lie between its first and its last, both counted."""
        return self.dilation * (self.kernel - 1) + 1

    def fits(self, units: int) -> int:
        """In how many places of a map it fits."""
        room = units + self.before + self.after - self.reach
        found = room // self.stride + 1
        if self.ceil_mode and room % self.stride and found * self.stride < units + self.before:
            found += 1  # it hangs over the end, but does not start behind it
        if found < 1:
            side = units + self.before + self.after
            raise ValueError(f"has a window of {self.reach} entries on a map of {side}, padding included")
        return found


class Everything(NamedTuple):
    """Each of ``units`` units takes all of the layer before, in one direction."""

    units: int


Step = Window | Everything


class Line(NamedTuple):
    """One direction of the map: its units, and what they see."""

    units: int
    size: int = 1
    jump: int = 1
    start: int = 0

    def then(self, step: Step, pixels: int) -> "Line":
        """The units of the next layer; ``pixels`` is the size of the image."""
        if isinstance(step, Everything):
            return Line(step.units, size=pixels, jump=0, start=0)
        return Line(
            step.fits(self.units),
            size=self.size + (step.reach - 1) * self.jump,
            jump=self.jump * step.stride,
            start=self.start - step.before * self.jump,
        )


def receptive_field(model: nn.Module, input_size: int | Pair) -> ReceptiveFields:
    """Say for each layer of a chain what its units can see of an image of ``input_size`` pixels.

    A layer with K entries a kernel, D apart, stride S and padding P changes, in each direction,

        size  <-  size + (K - 1) D jump
        start <-  start - P jump
        jump  <-  S jump,               from size 1, jump 1 and start 0: a pixel sees itself.

    ``model`` is a ``torch.nn.Sequential``, perhaps with others nested in it, of layers of this package or of
    ``torch.nn``, or one layer alone. Nothing is computed with it. It counts

    - as windows: Conv2d with all its options, MaxPool2d, AvgPool2d, LPPool2d, MixedPool2d, StochasticPool2d,
      adaptive pooling to a size that divides the map, and padding layers. The size is from
      the first entry to the last, whatever a dilation leaves out between. Padding made of the image
      (reflected, replicated, circular) counts as zeros do, so what it repeats is not followed;
    - entry by entry: activations, dropout, noise, LocalResponseNorm, Softmax over channels, and batch
      normalization in evaluation mode;
    - as the whole image: GroupNorm, InstanceNorm2d, LayerNorm (over one dimension: a whole row), Softmax
      along rows or columns, pooling to one unit, SpectralPool2d, and batch normalization in training mode or
      without running statistics. Its means are over all pixels, and other images too: ask after
      ``model.eval()`` for what it does when it is used;
    - as the whole image, on no map: Flatten, and what follows it, such as Linear.

    Source: Araujo, Norris & Sim (2019), Computing receptive fields of convolutional neural networks.

    Raises:
        TypeError: a model that is no module, an input_size that is no integer or two.
        ValueError: a size below 1, a layer that is no step of such a chain (a block with a forward of its
            own, ConvTranspose2d, MaxUnpool2d ...), or a window that does not fit.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"{OWNER}: model must be a torch.nn.Module, got {type(model).__name__}")
    pixels = checks.pair(OWNER, "input_size", input_size)
    lines, flat = [Line(side) for side in pixels], False
    fields = []
    for name, layer in _chain(model):
        try:
            steps = _steps(layer, (lines[0].units, lines[1].units), flat)
            lines = [line.then(step, side) for line, step, side in zip(lines, steps, pixels, strict=True)]
        except ValueError as error:
            raise ValueError(f"{OWNER}: {type(layer).__name__} {name!r} {error}") from None
        flat = flat or isinstance(layer, nn.Flatten)
        units, *seen = zip(*lines, strict=True)
        fields.append(LayerField(name, _described(layer, steps), () if flat else units, *seen))
    return ReceptiveFields(pixels, tuple(fields))


def _chain(model: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """All layers in their order, with their names."""
    if not isinstance(model, nn.Sequential):
        yield name, model
        return
    if type(model).forward is not nn.Sequential.forward:
        raise ValueError(f"{OWNER}: {type(model).__name__} {name!r} has a forward of its own: it is no chain")
    for key, child in model._modules.items():  # named_children() leaves out a layer's second use
        if child is not None:
            yield from _chain(child, f"{name}.{key}" if name else key)


def _steps(layer: Any, units: Pair, flat: bool) -> Sequence[Step]:
    """What the units of a layer take of a map of ``units``, in both directions."""
    whole = tuple(map(Everything, units))
    if flat:
        if isinstance(layer, BEHIND_FLATTEN):
            return whole
        raise ValueError("comes behind a Flatten, where there is no map")
    if getattr(layer, "return_indices", False):
        raise ValueError("returns indices too, and a chain hands on one tensor")
    if isinstance(layer, CONVOLUTIONS):
        return _convolution(layer)
    if isinstance(layer, POOLINGS):
        return _pooling(layer)
    if isinstance(layer, ADAPTIVE):
        return _adaptive(layer, units)
    if isinstance(layer, PADDINGS):
        left, right, top, bottom = layer.padding
        return Window(before=top, after=bottom), Window(before=left, after=right)
    if isinstance(layer, SOFTMAXES):
        return [whole[d] if layer.dim in (d + 2, d - 2) else Window() for d in (0, 1)]
    if isinstance(layer, RUNNING_NORMS):
        return whole if layer.training or layer.running_mean is None else [Window()] * 2
    if isinstance(layer, LAYER_NORMS) and len(layer.normalized_shape) == 1:
        return Window(), whole[1]
    if isinstance(layer, LAYER_NORMS + WHOLE_NORMS):
        return whole
    if isinstance(layer, layers.SpectralPool2d):
        return tuple(map(Everything, checks.pair(OWNER, "output_size", layer.output_size)))
    if isinstance(layer, nn.Flatten):
        if layer.start_dim != 1 or layer.end_dim not in (-1, 3):
            raise ValueError("must flatten channels, height and width together, as Flatten() does")
        return whole
    if isinstance(layer, LINEAR):
        raise ValueError(f"comes on a map of {_by(units)} units: put a Flatten before it")
    if isinstance(layer, ENTRY_BY_ENTRY):
        return [Window()] * 2
    raise ValueError(
        "is no layer whose window is known: a chain is a Sequential of convolutions, poolings, activations "
        "and normalizations. A block with branches sees what its widest branch sees"
    )


def _convolution(layer: Any) -> Sequence[Step]:
    steps = []
    for d in (0, 1):
        kernel, stride, dilation = layer.kernel_size[d], layer.stride[d], layer.dilation[d]
        spare = dilation * (kernel - 1) if layer.padding == "same" else 0
        before, after = spare // 2, spare - spare // 2  # an odd one goes to the end
        if not isinstance(layer.padding, str):
            before = after = layer.padding[d]
        steps.append(Window(kernel, stride, before, after, dilation))
    return steps


def _pooling(layer: Any) -> Sequence[Step]:
    stride = layer.kernel_size if layer.stride is None else layer.stride
    sizes = (layer.kernel_size, stride, getattr(layer, "padding", 0), getattr(layer, "dilation", 1))
    pairs = [each if isinstance(each, Sequence) else (each, each) for each in sizes]
    return [
        Window(kernel, stride, padding, padding, dilation, layer.ceil_mode)
        for kernel, stride, padding, dilation in zip(*pairs, strict=True)
    ]


def _adaptive(layer: Any, units: Pair) -> Sequence[Step]:
    size = layer.output_size
    steps: list[Step] = []
    for wanted, there in zip(size if isinstance(size, Sequence) else (size, size), units, strict=True):
        out = there if wanted is None else wanted
        if there % out:
            raise ValueError(f"has windows of unequal sizes: {out} units do not divide a map of {_by(units)}")
        steps.append(Everything(1) if out == 1 else Window(there // out, there // out))
    return steps


def _described(layer: nn.Module, steps: Sequence[Step]) -> str:
    """A layer in words, such as "Conv2d 3 x 3, stride 2"."""
    words = type(layer).__name__
    if isinstance(layer, RUNNING_NORMS) and layer.training:
        words += " in training mode"
    if isinstance(layer, CONVOLUTIONS + POOLINGS + ADAPTIVE) and all(isinstance(s, Window) for s in steps):
        kernel, stride, padding, _, dilation, _ = zip(*steps, strict=True)
        words += f" {_by(kernel)}"
        for name, sizes, usual in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)):
            words += "" if sizes == (usual, usual) else f", {name} {_one(sizes)}"
    return words


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _one(pair: Sequence[int]) -> str:
    """Two numbers, or one where they are equal."""
    return str(pair[0] if len(set(pair)) == 1 else tuple(pair))
