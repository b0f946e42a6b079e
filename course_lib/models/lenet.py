"""LeNet-5: the first convolutional net at work, on cheques and letters."""

import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import activations, checks, initialization
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

MAPS = (6, 16, 120)  # of C1, C3 and C5
HIDDEN = 84  # units of F6
TABLE_I = (  # row: a map of S2; column: a map of C3; X: the one sees the other
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)
DIGITS = """
..###.. ...#... ..###.. .#####. ....##. #######  ..####. ####### ..###.. ..###..
.##.##. ..##... .##.##. #....## ...###. #......  .##.... #.....# .#...#. .#...#.
##...## .###... ##...## .....## ...#.#. #......  ##..... .....## #.....# #.....#
#.....# ...#... .....## .....#. ..##.#. #......  #...... .....#. #.....# #.....#
#.....# ...#... .....#. ...##.. ..#..#. #.###..  #...... ....##. .#...#. #....##
#.....# ...#... ....##. ..###.. .##..#. ##..##.  #.####. ....#.. ..###.. .##.###
#.....# ...#... ...##.. ....##. .#...#. .....##  ##...## ...##.. .##.##. ..###.#
#.....# ...#... ..##... .....## ##...#. ......#  #.....# ...#... ##...## ......#
#.....# ...#... .##.... ......# ####### ......#  #.....# ..##... #.....# ......#
##...## ...#... ##..... #.....# .....#. #.....#  #.....# ..#.... #.....# .....##
.##.##. ...#... #...... ##...## .....#. ##...##  .##.##. .##.... .##.##. ....##.
..###.. .#####. ####### .#####. .....#. .#####.  ..###.. .#..... ..###.. ..###..
"""


class ScaledTanh(activations.Activation):
    """y = 1.7159 tanh(2 x / 3): y(1) = 1 and y(-1) = -1, and there the curve bends most.

    Source: LeCun et al. (1998), Gradient-based learning applied to document recognition, appendix A.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("ScaledTanh", x)
        return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(layers.AvgPool2d):
    """y_c = weight_c (sum of 2x2 entries of x_c) + bias_c: (n, channels, h, w) -> (n, channels, h/2, w/2).

    The map is halved and blurred, as with average pooling, but each map learns a coefficient and a bias: with
    the activation after it, it can be anything from a faint average to a switch.

    Source: LeCun et al. (1998), section II.B, layer S2.
    """

    def __init__(self, channels: int, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(2, divisor_override=1)
        checks.positive_integer("Subsampling", "channels", channels)
        self.weight = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        _draw(self, inputs=4)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (n, channels, h, w)."""
        return super().forward(input) * self.weight[:, None, None] + self.bias[:, None, None]


class PartialConv2d(nn.Module):
    """A 5x5 convolution whose maps see only some of the maps before: (n, c, h, w) -> (n, k, h-4, w-4).

    ``table`` has c rows of k letters: an X where map k sees map c. ``weight`` (number of X, 5, 5) holds only
    the kernels that there are, one column of the table after the other; ``bias`` (k,). Maps that see
    different inputs have to look for different things, and there are fewer weights.

    Source: LeCun et al. (1998), section II.B, layer C3 and table I.
    """

    def __init__(self, table: Sequence[str], device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        self.full_shape = (len(table[0]), len(table), 5, 5)
        seen = [(k, c) for k in range(len(table[0])) for c in range(len(table)) if table[c][k] == "X"]
        self.maps, self.inputs = ([pair[i] for pair in seen] for i in (0, 1))
        self.weight = nn.Parameter(torch.empty(len(seen), 5, 5, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(len(table[0]), device=device, dtype=dtype))
        bounds = torch.tensor([2.4 / (25 * self.maps.count(k)) for k in self.maps])
        initialization.uniform_(self.weight, -1, 1)
        with torch.no_grad():
            self.weight.mul_(bounds[:, None, None].to(self.weight))
        initialization.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (n, c, h, w)."""
        full = self.weight.new_zeros(self.full_shape)
        full[self.maps, self.inputs] = self.weight
        return layers.conv2d(input, full, self.bias)


class DigitCodes(nn.Module):
    """Minus the squared distance to each class's code: x (n, 84) -> scores (n, num_classes).

    The codes (num_classes, 84) are pictures of the digits, 12 rows of 7 entries that are 1 or -1, and are not
    learned. The paper's units give the distance itself, and the smallest wins; with the sign turned, the
    largest score wins, and cross entropy on these scores is the paper's equation 9 with no rubbish class
    (j infinite). The pictures are drawn anew in the manner of its figure 3, and not copied from there.

    Source: LeCun et al. (1998), section II.B, equation 7.
    """

    codes: Tensor

    def __init__(self, num_classes: int = 10, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        rows = [line.split() for line in DIGITS.split("\n") if line]
        if not 1 <= num_classes <= len(rows[0]):
            raise ValueError(f"DigitCodes: num_classes must be from 1 to {len(rows[0])}, got {num_classes}")
        pictures = ["".join(row[digit] for row in rows) for digit in range(num_classes)]
        codes = [[1.0 if ink == "#" else -1.0 for ink in picture] for picture in pictures]
        self.register_buffer("codes", torch.tensor(codes, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        """Compare input (n, 84) with the codes."""
        return -(input[..., None, :] - self.codes).square().sum(dim=-1)


def lenet5(
    num_classes: int = 10,
    *,
    padding: int = 0,
    original: bool = False,
    in_channels: int = 1,
    width_mult: float = 1.0,
    device: Device = None,
    dtype: Dtype = None,
) -> nn.Sequential:
    """Convolution and subsampling by turns, then dense: x (n, in_channels, 32, 32) -> (n, num_classes).

    The layers are c1, s2, c3, s4, c5, f6 and output, as the paper calls them. The same small kernels
    everywhere, and maps that get smaller and more: from pixels to a digit, all of it learned.
    Images are 32x32; with ``padding=2``, which C1 puts around them, 28x28.

    By default it is the form in which the net is built today: tanh after c1, c3, c5 and f6, average pooling,
    every map sees every map, a dense output. It has 61,706 parameters. ``width_mult`` is a factor on the
    maps of c1, c3, c5 and the units of f6.

    ``original=True`` is the net of the paper, with 60,000 parameters. Subsampling learns a coefficient and
    a bias a map (``Subsampling``), c3 has the connections of table I (``PartialConv2d``), a scaled tanh
    follows each of the six layers (``ScaledTanh``), and the output compares f6 with fixed pictures
    of the ten digits (``DigitCodes``). c1 156 + s2 12 + c3 1,516 + s4 32 + c5 48,120 + f6 10,164. The paper
    gave it images in which white paper is -0.1 and ink 1.175. Weights are drawn as in its appendix A, from
    U(-2.4 / F, 2.4 / F) for a unit with F inputs; biases start at 0.

    Source: LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition,
    figure 2 and section II.B.

    Raises:
        ValueError: an argument out of range, images of another size; with ``original=True`` more than ten
            classes or a ``width_mult`` other than 1, since table I and the pictures are for this width.
        TypeError: an argument of the wrong type.
    """
    check_sizes("lenet5", width_mult, num_classes=num_classes, in_channels=in_channels)
    checks.non_negative_integer("lenet5", "padding", padding)
    if original and (width_mult != 1 or num_classes > 10):
        given = f"width_mult={width_mult} and num_classes={num_classes}"
        raise ValueError(f"lenet5: the original has width_mult=1 and up to 10 digits, got {given}")
    build = _original if original else _modern
    net = nn.Sequential(OrderedDict(build(num_classes, padding, in_channels, width_mult, device, dtype)))
    net.register_forward_pre_hook(functools.partial(_check_image, in_channels, 32 - 2 * padding))
    return net


def _modern(
    num_classes: int, padding: int, channels: int, width_mult: float, device: Device, dtype: Dtype
) -> dict[str, nn.Module]:
    first, second, third = (scaled(maps, width_mult) for maps in MAPS)
    hidden = scaled(HIDDEN, width_mult)
    return {
        "c1": layers.Conv2d(channels, first, 5, padding=padding, device=device, dtype=dtype),
        "tanh1": layers.Tanh(),
        "s2": layers.AvgPool2d(2),
        "c3": layers.Conv2d(first, second, 5, device=device, dtype=dtype),
        "tanh3": layers.Tanh(),
        "s4": layers.AvgPool2d(2),
        "c5": layers.Conv2d(second, third, 5, device=device, dtype=dtype),
        "tanh5": layers.Tanh(),
        "flatten": nn.Flatten(),
        "f6": layers.Linear(third, hidden, device=device, dtype=dtype),
        "tanh6": layers.Tanh(),
        "output": layers.Linear(hidden, num_classes, device=device, dtype=dtype),
    }


def _original(
    num_classes: int, padding: int, channels: int, width_mult: float, device: Device, dtype: Dtype
) -> dict[str, nn.Module]:
    first, second, third = MAPS
    named = {
        "c1": layers.Conv2d(channels, first, 5, padding=padding, device=device, dtype=dtype),
        "tanh1": ScaledTanh(),
        "s2": Subsampling(first, device, dtype),
        "tanh2": ScaledTanh(),
        "c3": PartialConv2d(TABLE_I, device, dtype),
        "tanh3": ScaledTanh(),
        "s4": Subsampling(second, device, dtype),
        "tanh4": ScaledTanh(),
        "c5": layers.Conv2d(second, third, 5, device=device, dtype=dtype),
        "tanh5": ScaledTanh(),
        "flatten": nn.Flatten(),
        "f6": layers.Linear(third, HIDDEN, device=device, dtype=dtype),
        "tanh6": ScaledTanh(),
        "output": DigitCodes(num_classes, device, dtype),
    }
    for name, inputs in {"c1": 25 * channels, "c5": 25 * second, "f6": third}.items():
        _draw(named[name], inputs)
    return named


def _draw(layer: Any, inputs: int) -> None:
    initialization.uniform_(layer.weight, -2.4 / inputs, 2.4 / inputs)
    initialization.zeros_(layer.bias)


def _check_image(channels: int, side: int, net: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Refuse another size here: the layer that it does not fit, c5 or f6, could not say why."""
    checks.float_tensor("lenet5", inputs[0])
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or shape[1:] != (channels, side, side):
        hint = ": padding=2 is for 28x28 images" if shape[2:] == (28, 28) else ""
        raise ValueError(f"lenet5: input must have shape (N, {channels}, {side}, {side}), got {shape}{hint}")
