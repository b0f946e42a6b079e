"""The exercise on the inverted residual block."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/mobilenet"
Step = Callable[[Tensor], Tensor]


def relu6(z: Tensor) -> Tensor:
    """From 0 to 6."""
    return z.clamp(0, 6)


def inverted_residual(x: Tensor, expand: Tensor, depthwise: Tensor, project: Tensor, stride: int) -> Tensor:
    """Expand, filter, project; add x where it fits."""
    hidden = relu6(F.conv2d(x, expand))
    hidden = relu6(F.conv2d(hidden, depthwise, stride=stride, padding=1, groups=len(depthwise)))
    z = F.conv2d(hidden, project)
    return x + z if stride == 1 and x.shape[1] == len(project) else z


def _by_products(x: Tensor, expand: Tensor, depthwise: Tensor, project: Tensor, stride: int) -> Tensor:
    def at_pixels(weight: Tensor, a: Tensor) -> Tensor:
        return torch.einsum("oc,nchw->nohw", weight[:, :, 0, 0], a)

    hidden = F.hardtanh(at_pixels(expand, x), 0, 6)
    each = [
        F.conv2d(hidden[:, c : c + 1], kernel[None], stride=stride, padding=1)
        for c, kernel in enumerate(depthwise)
    ]
    z = at_pixels(project, F.hardtanh(torch.cat(each, dim=1), 0, 6))
    return z + x if z.shape == x.shape else z


def _same(z: Tensor) -> Tensor:
    return z


def _add_where_it_fits(x: Tensor, z: Tensor) -> Tensor:
    return x + z if z.shape == x.shape else z


def _wrong(
    first: Step = relu6,
    second: Step = relu6,
    last: Step = _same,
    end: Callable[[Tensor, Tensor], Tensor] = _add_where_it_fits,
    stride_first: bool = False,
) -> Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]:
    """A block with other activations, another end, or the stride elsewhere."""

    def answer(x: Tensor, expand: Tensor, depthwise: Tensor, project: Tensor, stride: int) -> Tensor:
        strides = (stride, 1) if stride_first else (1, stride)
        hidden = first(F.conv2d(x, expand, stride=strides[0]))
        hidden = F.conv2d(hidden, depthwise, stride=strides[1], padding=1, groups=len(depthwise))
        return end(x, last(F.conv2d(second(hidden), project)))

    return answer


def _add_if_channels_fit(x: Tensor, z: Tensor) -> Tensor:
    if x.shape[1] != z.shape[1]:
        return z
    stride = -(-x.shape[2] // z.shape[2])
    return x[:, :, ::stride, ::stride] + z


def _draw(
    n: int, c: int, wide: int, c_out: int, h: int, w: int, seed: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Whole numbers, so that sums are exact; large enough that some pass 6."""
    generator = torch.Generator().manual_seed(seed)

    def whole(*shape: int) -> Tensor:
        return torch.randint(-3, 4, shape, generator=generator).double()

    return whole(n, c, h, w), whole(wide, c, 1, 1), whole(wide, 1, 3, 3), whole(c_out, wide, 1, 1)


def _ones(value: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    kernel[0, 0, 1, 1] = 1
    return value * one, one, kernel, -one


INVERTED = Exercise(
    id="mobilenet/inverted_residual",
    section=SECTION,
    title="An inverted residual block",
    reference=inverted_residual,
    cases=[
        case(*_ones(2.0), 1, label="one pixel, one channel, the projection -1"),
        case(*_ones(9.0), 1, label="one pixel that is larger than 6"),
        case(*_draw(1, 2, 6, 2, 4, 4, 0), 1, label="two channels, expanded to six"),
        case(*_draw(2, 3, 6, 5, 4, 5, 1), 1, label="more channels out than in"),
        case(*_draw(1, 2, 8, 4, 6, 6, 2), 2, label="stride 2"),
        case(*_draw(2, 3, 9, 3, 5, 7, 3), 2, label="stride 2, as many channels out as in, an odd size"),
    ],
    alternatives=[_by_products],
    mistakes=[
        Mistake(
            _wrong(last=relu6),
            "A ReLU6 follows your projection. The bottleneck is linear: nothing follows it but the addition.",
        ),
        Mistake(
            _wrong(end=lambda x, z: relu6(_add_where_it_fits(x, z))),
            "A ReLU6 follows your addition. What is handed on to the next block stays as it is.",
        ),
        Mistake(_wrong(end=lambda x, z: z), "The input is never added."),
        Mistake(
            _wrong(end=_add_if_channels_fit),
            "At stride 2 you add every second pixel of x. The block has no shortcut there.",
        ),
        Mistake(_wrong(first=torch.relu, second=torch.relu), "Your activations do not stop at 6."),
        Mistake(_wrong(first=_same), "There is no ReLU6 behind your expansion."),
        Mistake(_wrong(second=_same), "There is no ReLU6 behind your depthwise step."),
        Mistake(
            _wrong(first=_same, second=_same),
            "Your block has no activation at all: but for the shortcut it is linear as a whole.",
        ),
        Mistake(
            _wrong(stride_first=True),
            "Your expansion takes the stride, and three quarters of the pixels are never looked at. The depthwise step takes it.",
        ),
    ],
    hint="Three convolutions, two activations. Which of the three has no activation behind it, and when has the result the shape of x?",
)
