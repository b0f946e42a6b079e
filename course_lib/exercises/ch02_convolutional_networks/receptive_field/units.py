"""Exercises on single units: which pixels one of them sees, by arithmetic and by its gradient."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/receptive_field"

# which pixels a unit sees

Seen = tuple[int, int, float]


def pixels_of(unit: int, size: int, jump: int, start: int, pixels: int) -> Seen:
    """Find the window, then cut its ends off at the edge of the image; the centre is that of the whole."""
    first = start + unit * jump
    last = first + size - 1
    return max(first, 0), min(last, pixels - 1), (first + last) / 2


def _found(
    first: Callable[[int, int, int, int], int] = lambda unit, size, jump, start: start + unit * jump,
    extra: int = -1,
    cut: bool = True,
    centre: Callable[[int, int, int], float] = lambda first, last, size: (first + last) / 2,
) -> Callable[[int, int, int, int, int], Seen]:
    """A wrong window: where it begins, how far it goes, whether it is cut off, where its middle is."""

    def answer(unit: int, size: int, jump: int, start: int, pixels: int) -> Seen:
        begin = first(unit, size, jump, start)
        end = begin + size + extra
        middle = centre(begin, end, size)
        return (max(begin, 0), min(end, pixels - 1), middle) if cut else (begin, end, middle)

    return answer


def _centre_of_the_cut(unit: int, size: int, jump: int, start: int, pixels: int) -> Seen:
    begin, end, _ = pixels_of(unit, size, jump, start, pixels)
    return begin, end, (begin + end) / 2


PIXELS = Exercise(
    id="receptive_field/pixels",
    section=SECTION,
    title="Which pixels a unit sees",
    reference=pixels_of,
    cases=[
        case(3, 5, 1, 0, 20, label="a unit in the middle, jump 1"),
        case(2, 10, 2, -4, 32, label="padding and a pooling"),
        case(0, 10, 2, -4, 32, label="the first unit, half in the padding"),
        case(15, 10, 2, -4, 32, label="the last unit"),
        case(4, 6, 4, -1, 40, label="an even size: the centre lies between two pixels"),
        case(3, 31, 4, -14, 20, label="a window larger than the image"),
        case(5, 1, 3, 0, 16, label="a window of one pixel"),
    ],
    mistakes=[
        Mistake(
            _found(cut=False),
            "The window is not cut off at the edge. Pixels begin at 0 and end at pixels - 1.",
        ),
        Mistake(
            _centre_of_the_cut,
            "The centre is that of the part inside the image. It belongs to the whole window, padding included.",
        ),
        Mistake(
            _found(extra=0, centre=lambda first, last, size: (first + last - 1) / 2),
            "The last pixel is one too far: a window of `size` pixels that begins at f ends at f + size - 1.",
        ),
        Mistake(
            _found(first=lambda unit, size, jump, start: start + unit * size),
            "Windows are put side by side here. They overlap: from one unit to the next is one jump.",
        ),
        Mistake(
            _found(first=lambda unit, size, jump, start: (start + unit) * jump),
            "The start is multiplied by the jump. It is in pixels already.",
        ),
        Mistake(
            _found(first=lambda unit, size, jump, start: unit * jump),
            "The start is left out: padding moves all windows up and to the left.",
        ),
        Mistake(
            _found(centre=lambda first, last, size: first + size / 2),
            "The centre is half a pixel off: the middle of the pixels f ... f + size - 1 is f + (size - 1) / 2.",
        ),
        Mistake(
            _found(centre=lambda first, last, size: (first + last) // 2),
            "The centre is rounded down. Where the size is even it lies between two pixels.",
        ),
    ],
    hint="Where does the window of unit 0 begin, and how far is it moved for unit i? Cut off only at the very end.",
)

# the same by gradients


def support(model: nn.Module, image: Tensor, row: int, column: int) -> tuple[int, int, int, int]:
    """Differentiate one unit for all pixels, and find the rows and columns where something is left."""
    image = image.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(image)[0, 0, row, column], image)
    return _box((gradient[0] != 0).any(0))


def _box(seen: Tensor, extra: int = 1) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the true entries of ``seen`` (h, w)."""
    rows, columns = (seen.any(dim).nonzero().flatten().tolist() for dim in (1, 0))
    return rows[0], columns[0], rows[-1] + extra, columns[-1] + extra


def _gradient(model: nn.Module, image: Tensor, row: int, column: int, all_units: bool = False) -> Tensor:
    image = image.detach().clone().requires_grad_()
    answer = model(image)
    unit = answer.sum() if all_units else answer[0, 0, row, column]
    return torch.autograd.grad(unit, image)[0][0]  # (C, H, W)


def _backward(model: nn.Module, image: Tensor, row: int, column: int) -> tuple[int, int, int, int]:
    image = image.detach().clone().requires_grad_()
    model(image)[0, 0, row, column].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0) > 0
    rows, columns = torch.where(seen)
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def _weighed(*shape: int, stride: int = 1, dilation: int = 1, padding: int = 0) -> nn.Module:
    """A convolution with weights of 1."""
    c_out, c_in, k_h, k_w = shape
    conv = layers.Conv2d(c_in, c_out, (k_h, k_w), stride, padding, dilation, bias=False)
    nn.init.ones_(conv.weight)
    return conv.requires_grad_(False).eval()


def _rows(*channels: tuple[float, float, float]) -> nn.Module:
    """A 3x3 convolution: for each input channel, the weight of each row of its kernel."""
    conv = layers.Conv2d(len(channels), 1, 3, bias=False)
    conv.weight.data[0] = torch.tensor(channels)[:, :, None].expand(-1, 3, 3)
    return conv.requires_grad_(False).eval()


def _image(channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(channels * height + width)
    return torch.rand(1, channels, height, width, generator=generator)


SUPPORT = Exercise(
    id="receptive_field/support",
    section=SECTION,
    title="Measure it",
    reference=support,
    cases=[
        case(_weighed(1, 1, 3, 3), _image(1, 7, 9), 2, 4, label="a 3x3 convolution"),
        case(
            nn.Sequential(_weighed(2, 1, 3, 3), layers.ReLU(), _weighed(1, 2, 3, 3)),
            _image(1, 9, 9),
            1,
            2,
            label="two 3x3 convolutions",
        ),
        case(
            nn.Sequential(_weighed(1, 3, 3, 1, padding=1), layers.AvgPool2d(2), _weighed(1, 1, 1, 3)),
            _image(3, 10, 14),
            2,
            3,
            label="kernels and images that are not square",
        ),
        case(_weighed(1, 1, 3, 3, dilation=3), _image(1, 12, 11), 4, 1, label="a dilated convolution"),
        case(
            _weighed(1, 1, 5, 5, stride=2, padding=2), _image(1, 11, 11), 0, 5, label="a unit in the corner"
        ),
        case(_rows((1, 1, 1), (1, 1, -1)), _image(2, 6, 8), 1, 2, label="two channels that cancel in a row"),
        case(_rows((1, 1, 0), (0, 1, 1)), _image(2, 6, 8), 2, 3, label="each channel sees a row of its own"),
        case(_rows((-1, 1, 1)), _image(1, 6, 8), 1, 3, label="a row of negative weights"),
        case(_rows((1e-12, 1, 1)), _image(1, 6, 8), 1, 4, label="a row of small weights"),
    ],
    alternatives=[_backward],
    mistakes=[
        Mistake(
            lambda model, image, row, column: _box((_gradient(model, image, row, column, True) != 0).any(0)),
            "This is what all units together see. Differentiate the one at (row, column) alone.",
        ),
        Mistake(
            lambda model, image, row, column: _box(_gradient(model, image, row, column)[0] != 0),
            "Only the first channel of the image is looked at. A pixel counts if any of its channels does.",
        ),
        Mistake(
            lambda model, image, row, column: _box((_gradient(model, image, row, column) != 0).all(0)),
            "Only pixels that count in every channel are kept. A pixel counts if any of its channels does: .any(dim=0).",
        ),
        Mistake(
            lambda model, image, row, column: _box(_gradient(model, image, row, column).sum(0) != 0),
            "Channels are added up with their signs, and may cancel. Compare with zero, or take absolute values, first.",
        ),
        Mistake(
            lambda model, image, row, column: _box((_gradient(model, image, row, column) > 0).any(0)),
            "Pixels with a negative derivative are left out. They are seen too: compare with != 0.",
        ),
        Mistake(
            lambda model, image, row, column: _box(
                (_gradient(model, image, row, column).abs() > 1e-3).any(0)
            ),
            "Small derivatives are left out. However small, they are not zero: compare with != 0.",
        ),
        Mistake(
            lambda model, image, row, column: _box(
                (_gradient(model, image, row, column) != 0).any(0), extra=0
            ),
            "Bottom and right are the last row and column that are seen. They should be the first that are not: one more.",
        ),
        Mistake(
            lambda model, image, row, column: tuple(
                support(model, image, row, column)[i] for i in (0, 2, 1, 3)
            ),
            "The order is top, bottom, left, right here. It should be top, left, bottom, right.",
        ),
        Mistake(
            lambda model, image, row, column: tuple(
                support(model, image, row, column)[i] for i in (1, 0, 3, 2)
            ),
            "Rows and columns of the answer are exchanged. In a gradient of shape (1, C, H, W) rows are the dimension before the last.",
        ),
        Mistake(
            lambda model, image, row, column: support(model, image, column, row),
            "This is what the unit at (column, row) sees. A map is indexed [0, 0, row, column].",
        ),
    ],
    hint="torch.autograd.grad(unit, image) gives (1, C, H, W). Which rows, and which columns, have an entry that is not 0?",
)

EXERCISES = [PIXELS, SUPPORT]
