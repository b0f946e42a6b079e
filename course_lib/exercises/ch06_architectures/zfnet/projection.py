"""The exercise on the whole way back: one unit's activation, projected to the pixels."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/zfnet"

Way = Callable[[Tensor, Tensor], Tensor]  # pre-activation, signal -> signal
Start = Callable[[Tensor, int], Tensor]


def deconvnet(image: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, channel: int) -> Tensor:
    """Up, noting the switches; then down from the strongest unit."""
    return _projected()(image, w1, b1, w2, b2, channel)


def _strongest(a2: Tensor, channel: int) -> Tensor:
    a = a2[0, channel]
    found = torch.zeros_like(a2)
    found[0, channel] = torch.where(torch.arange(a.numel()).view(a.shape) == a.argmax(), a, 0.0)
    return found


def _of_all(a2: Tensor, channel: int) -> Tensor:
    found = torch.zeros_like(a2).flatten()
    found[a2.argmax()] = a2.max()
    return found.view_as(a2)


def _whole_map(a2: Tensor, channel: int) -> Tensor:
    found = torch.zeros_like(a2)
    found[0, channel] = a2[0, channel]
    return found


def _rectified(z: Tensor, signal: Tensor) -> Tensor:
    return signal.clamp(min=0)


def _transposed(signal: Tensor, weight: Tensor) -> Tensor:
    return F.conv_transpose2d(signal, weight, padding=1)


def _not_turned(signal: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(signal, weight.transpose(0, 1), padding=1)


def _put_back(signal: Tensor, switches: Tensor) -> Tensor:
    return F.max_unpool2d(signal, switches, [2, 2])


def _enlarged(signal: Tensor, switches: Tensor) -> Tensor:
    return signal.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def _projected(
    start: Start = _strongest,
    relu: Way = _rectified,
    filtered: Way = _transposed,
    unpooled: Way = _put_back,
    less_bias: bool = False,
    end: Callable[[Tensor], Tensor] = lambda pixels: pixels,
) -> Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, int], Tensor]:
    """An answer in which one of the steps may be another."""

    def answer(image: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, channel: int) -> Tensor:
        z1 = F.conv2d(image, w1, b1, padding=1)
        pooled, switches = F.max_pool2d(z1.relu(), 2, return_indices=True)
        z2 = F.conv2d(pooled, w2, b2, padding=1)
        signal = relu(z2, start(z2.relu(), channel))
        signal = filtered(signal - b2[:, None, None] if less_bias else signal, w2)
        signal = relu(z1, unpooled(signal, switches))
        return end(filtered(signal - b1[:, None, None] if less_bias else signal, w1))

    return answer


def _by_gradient(image: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, channel: int) -> Tensor:
    """The same in two pieces, with autograd for what is linear."""
    z1 = F.conv2d(image, w1, b1, padding=1).relu().requires_grad_()
    a2 = F.conv2d(F.max_pool2d(z1, 2), w2, b2, padding=1).relu()[0, channel]
    (signal,) = torch.autograd.grad(a2.max() ** 2 / 2, z1)
    pixels = image.clone().requires_grad_()
    (found,) = torch.autograd.grad(F.conv2d(pixels, w1, padding=1), pixels, signal.clamp(min=0))
    return found


def _nets(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> Tensor:
        return torch.from_numpy(rng.integers(-3, 4, shape).astype(float))

    def some(label: str, size: tuple[int, int], channels: int, hidden: int, units: int, channel: int) -> Case:
        """A net whose unit is active, with a clear maximum."""
        while True:
            image = torch.from_numpy(rng.integers(0, 5, (1, channels, *size)).astype(float))
            parts = whole(hidden, channels, 3, 3), whole(hidden), whole(units, hidden, 3, 3), whole(units)
            pooled = F.max_pool2d(F.conv2d(image, parts[0], parts[1], padding=1).relu(), 2)
            best = F.conv2d(pooled, parts[2], parts[3], padding=1)[0, channel].flatten().topk(2).values
            if best[0] > best[1] + 1 and best[1] > 1:
                return case(image, *parts, channel, label=label)

    silent = [whole(1, 1, 3, 3), whole(1), whole(1, 1, 3, 3), torch.tensor([-1000.0], dtype=torch.float64)]
    return [
        some("one channel of 4 x 4, one map", (4, 4), 1, 1, 1, 0),
        some("two hidden maps", (4, 4), 1, 2, 1, 0),
        some("6 x 8 pixels, the second of three maps", (6, 8), 1, 3, 3, 1),
        some("a colour image", (6, 6), 3, 4, 2, 1),
        some("8 x 8 pixels, more maps", (8, 8), 2, 5, 4, 3),
        case(whole(1, 1, 4, 4).abs(), *silent, 0, label="a unit that is silent everywhere"),
    ]


DECONVNET = Exercise(
    id="zfnet/deconvnet",
    section=SECTION,
    title="The deconvnet of one unit",
    reference=deconvnet,
    cases=_nets,
    alternatives=[_by_gradient],
    mistakes=[
        Mistake(
            _projected(start=lambda a2, channel: (_strongest(a2, channel) > 0).to(a2)),
            "The signal starts with 1, as in guided backprop. The deconvnet starts with the activation itself.",
        ),
        Mistake(
            _projected(start=_whole_map),
            "All units of the map are projected at once. Set all activations to 0 but the strongest of this map.",
        ),
        Mistake(
            _projected(start=_of_all),
            "This is the strongest unit of all maps. Look in the map `channel` alone.",
        ),
        Mistake(
            _projected(relu=lambda z, signal: signal),
            "Nothing is rectified on the way down: after unpooling, negative signals have to become 0.",
        ),
        Mistake(
            _projected(relu=lambda z, signal: signal * (z > 0)),
            "This is the gradient's rule: signals pass where the unit was active on the way up. Here what passes is "
            "what is positive.",
        ),
        Mistake(
            _projected(relu=lambda z, signal: signal.clamp(min=0) * (z > 0)),
            "Signals are kept from units that were silent on the way up: that is guided backprop. The deconvnet only "
            "rectifies.",
        ),
        Mistake(
            _projected(filtered=_not_turned),
            "The kernels are not turned around: channels are exchanged, but a transposed convolution also turns each "
            "kernel by half a turn. F.conv_transpose2d does both.",
        ),
        Mistake(
            _projected(unpooled=_enlarged),
            "Every signal is copied to the whole 2 x 2 window. With the switches it goes to one pixel of it.",
        ),
        Mistake(
            _projected(less_bias=True),
            "The biases are taken off on the way down. The deconvnet leaves them out: it filters with the transposed "
            "weights alone.",
        ),
        Mistake(
            lambda image, w1, b1, w2, b2, channel: deconvnet(image, w1, 0 * b1, w2, 0 * b2, channel),
            "The biases are missing on the way up. They are left out on the way down only.",
        ),
        Mistake(
            _projected(end=lambda pixels: pixels.clamp(min=0)),
            "The pixels are rectified too. There is no ReLU in front of the first convolution.",
        ),
    ],
    hint="F.max_pool2d(..., return_indices=True) gives the switches and F.max_unpool2d uses them. Then rectify, and "
    "F.conv_transpose2d(signal, weight, padding=1).",
)
