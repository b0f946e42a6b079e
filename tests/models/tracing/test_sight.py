"""What the entries of a tensor see, against the pixels whose gradient is not zero."""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from random_graphs import graphs
from torch import nn
from torch.nn import functional as F

from course_lib.models.tracing import NOTHING, UNKNOWN, WHOLE, Loose, Map, trace


def seen_by(model, shape):
    return trace(model, [(1, *shape)], [torch.float64]).outputs[0].seen


def units_of(model, shape):
    """How many places the output has; none where the image is too small."""
    try:
        return model(torch.ones(1, *shape, dtype=torch.float64))[0, 0].numel()
    except RuntimeError:
        return 0


@given(drawn=graphs())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_gradient_has_this_support_on_any_graph(drawn):
    graph, size = drawn
    assume(0 < units_of(graph, (2, *size)) <= 200)
    seen = seen_by(graph, (2, *size))
    if seen is UNKNOWN:
        return  # branches at different paces
    check_windows(graph, (2, *size), seen)


def check_windows(model, shape, seen):
    assert isinstance(seen, Map), f"{model} on {shape}: {seen}"
    rows, columns = seen.lines
    # A copy of the image for each unit, so that one pass back gives the gradients of all.
    units = [(row, column) for row in range(rows.units) for column in range(columns.units)]
    image = torch.rand(len(units), *shape, dtype=torch.float64).add_(0.5).requires_grad_()
    output = model(image * 1.0)
    assert [output.shape[d] for d in seen.dims] == [rows.units, columns.units], f"{model} on {shape}"
    weight = torch.rand(output.shape[1:], dtype=torch.float64) + 0.5
    picked = (output * weight).movedim(seen.dims, (1, 2))
    sum(picked[n, row, column].sum() for n, (row, column) in enumerate(units)).backward()
    for n, (row, column) in enumerate(units):
        support = (image.grad[n] != 0).any(0)
        check_window(support, rows.at(row), columns.at(column), f"{model} on {shape}: unit {row, column}")


def check_window(support, rows, columns, what):
    size = support.shape
    outside = support.clone()
    outside[max(rows[0], 0) : max(rows[1], 0), max(columns[0], 0) : max(columns[1], 0)] = False
    assert not outside.any(), f"{what} sees pixels outside {rows}, {columns}"
    if min(rows[0], columns[0]) >= 0 and rows[1] <= size[0] and columns[1] <= size[1]:
        found = [
            (int(each.nonzero()[0]), int(each.nonzero()[-1]) + 1) for each in (support.any(1), support.any(0))
        ]
        assert found == [rows, columns], f"{what} against what changes it"


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.rand(1, 3, 4, dtype=torch.float64))

    def forward(self, x):
        return self.function(x)


def squeezed(x):
    """A gate from all of the image on each channel."""
    return x * torch.sigmoid(x.mean((2, 3), keepdim=True))


def attention(x):
    tokens = x.flatten(2).transpose(1, 2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens)


def attention_by_hand(x):
    tokens = x.flatten(2)  # (n, c, places)
    scores = torch.einsum("nci,ncj->nij", tokens, tokens)
    return torch.einsum("nij,ncj->nci", scores.softmax(-1), tokens).unflatten(2, x.shape[2:])


MAPS = {
    "a slice": lambda x: x[:, :, 1:, 2:-1],
    "every second": lambda x: x[..., 1::2, ::2],
    "a row that is a map": lambda x: x[:, :, 2:3],
    "a turned map": lambda x: x.transpose(2, 3),
    "channels last": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (3,)),
    "tokens, mixed and a map again": lambda x: torch.cat(
        [x.flatten(2).transpose(1, 2) @ torch.rand(3, 2, dtype=x.dtype, device=x.device)] * 2, 2
    ).transpose(1, 2).unflatten(2, x.shape[2:]),
    "channels in groups": lambda x: x.unflatten(1, (3, 1)).transpose(1, 2).flatten(1, 2),
    "half of the channels": lambda x: torch.cat(x.split([1, 2], 1)[::-1], 1),
    "one channel": lambda x: x.unbind(1)[1].unsqueeze(1),
    "stacked": lambda x: torch.stack([x, 2 * x], 1),
    "padding": lambda x: F.avg_pool2d(F.pad(x, (1, 2, 0, 1)), 2),
    "pooling to unequal windows": lambda x: F.adaptive_avg_pool2d(x, (3, 4)),
    "upsampling by 3/2": lambda x: F.interpolate(x, size=(9, 12), mode="bilinear"),
    "nearest by 5/3": lambda x: F.interpolate(x, size=(10, 12)),
    "in place": lambda x: F.avg_pool2d(x, 2).mul_(2).add_(1),
    "a mean over channels": lambda x: x.mean(1),
    "a maximum over channels": lambda x: x.max(1, keepdim=True).values + x,
    "where": lambda x: torch.where(x > 0, x, -x),
    "shifted by a constant": lambda x: x + torch.arange(8, device=x.device),
}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
def test_maps(name):
    model = Function(MAPS[name])
    check_windows(model, (3, 6, 8), seen_by(model, (3, 6, 8)))


def test_where_the_last_of_two_branches_is_wider():
    model = Function(lambda x: F.avg_pool2d(x, 3, 1, 1) + F.max_pool2d(x, 5, 1, 2) + x)
    height, width = seen_by(model, (3, 6, 8)).lines
    assert height.phases == width.phases == ((-2, 3),)


WHOLES = {
    "a mean": lambda x: x.mean((2, 3)),
    "a sum of everything": lambda x: x.sum(),
    "a gate": squeezed,
    "attention": attention,
    "attention by hand": attention_by_hand,
    "a dense layer": lambda x: F.linear(x.flatten(1), torch.ones(2, 144, dtype=x.dtype, device=x.device)),
    "softmax over places": lambda x: x.flatten(2).softmax(2),
    "group norm": lambda x: F.group_norm(x, 1),
    "row by row, then column by column": lambda x: x.cumsum(2).cumsum(3),
    "a spectrum": lambda x: torch.fft.rfft2(x).abs(),
}


@pytest.mark.parametrize("name", WHOLES)
def test_what_sees_the_whole_image(name):
    assert seen_by(Function(WHOLES[name]), (3, 6, 8)) is WHOLE


def test_one_direction_alone():
    seen = seen_by(Function(lambda x: x.softmax(3)), (3, 6, 8))
    assert [(line.size, line.jump, line.start) for line in seen.lines] == [(1, 1, 0), (8, 0, 0)]


UNKNOWNS = {
    "a roll": lambda x: x.roll(1, 2),
    "turned over": lambda x: x.flip(2),
    "entries picked": lambda x: x[:, :, torch.tensor([2, 0])],
    "sorted places": lambda x: x.view(1, 3, 6, 2, 4).sort(3).values,
    "tokens of a part": lambda x: x.flatten(2)[:, :, 1:],
    "a flat vector cut up": lambda x: x.flatten(1).view(1, 6, 24),
    "branches at two paces": lambda x: x[:, :, :3, :4] + x[:, :, ::2, ::2],
    "one corner for all": lambda x: x + x[:, :, :1, :1],
    "a buffer filled in parts": lambda x: filled(x),
    "tokens at two places": lambda x: F.pad(x.flatten(2), (1, 0)) + F.pad(x.flatten(2), (0, 1)),
    "tokens beside those after them": lambda x: shifted(x.flatten(2).mT),
    "dynamic kernels": lambda x: F.conv2d(x, x[:, :, :3, :3]),
    "places beside each other": lambda x: torch.cat([x, x], 2),
    "attention in windows": lambda x: windows(x),
    "what is seen of an unknown": lambda x: F.relu(F.avg_pool2d(x.flip(2), 2)),
}  # fmt: skip


def filled(x):
    y = torch.zeros_like(x)
    y[:, :1] = x[:, 1:2]
    y[:, 1:] = x[:, :2]
    return y


def shifted(tokens):
    learned = torch.zeros(1, 1, 3, dtype=tokens.dtype, device=tokens.device)
    return torch.cat([learned, tokens], 1) + torch.cat([tokens, learned], 1)


def windows(x):
    tokens = x.view(1, 3, 2, 3, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(4, 12, 3)
    return tokens @ tokens.mT @ tokens


@pytest.mark.parametrize("name", UNKNOWNS)
def test_what_is_not_known_is_not_guessed(name):
    assert seen_by(Function(UNKNOWNS[name]), (3, 6, 8)) is UNKNOWN


def test_tokens_keep_the_size_of_their_patch():
    patches = nn.Conv2d(3, 5, 2, stride=2, dtype=torch.float64)
    learned = nn.Parameter(torch.zeros(1, 1, 5, dtype=torch.float64))
    model = Function(lambda x: torch.cat([learned, patches(x).flatten(2).mT], 1) * 2)
    seen = seen_by(model, (3, 6, 8))
    assert isinstance(seen, Loose)
    assert not seen.mixed
    assert [line.size for line in seen.lines] == [2, 2]


def test_a_map_in_another_order_is_no_map_again():
    def function(x):
        turned = x.reshape(1, 3, 8, 6).transpose(2, 3)
        return turned.flatten(2).unflatten(2, (6, 8))

    seen = seen_by(Function(function), (3, 6, 8))
    assert isinstance(seen, Loose)
    assert seen.lines is None


def test_what_does_not_come_from_the_image_sees_nothing():
    model = Function(lambda x: model.weight.exp() @ torch.ones(4, 4, device="meta", dtype=torch.float64))
    assert seen_by(model, (3, 6, 8)) is NOTHING


def test_behind_flatten_all_is_mixed():
    seen = seen_by(nn.Sequential(nn.Flatten(), nn.ReLU()), (3, 6, 8))
    assert isinstance(seen, Loose)
    assert seen.mixed


def test_maps_of_one_unit_that_see_less_than_all():
    seen = seen_by(Function(lambda x: F.avg_pool2d(x, 3).flatten(1)), (3, 4, 5))
    assert [line.at(0) for line in seen.lines] == [(0, 3), (0, 3)]
