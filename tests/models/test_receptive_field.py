"""receptive_field against the pixels that count: the support of the gradient, and of impulses' answers."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import layers, models

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
SOURCES = [layers, nn]


def reaches(kernel, dilation=(1, 1)):
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]


@st.composite
def convolutions(draw, source):
    kernel, dilation = draw(PAIRS), draw(PAIRS)
    padding = draw(st.sampled_from(["same", "valid"]) | st.tuples(st.integers(0, 2), st.integers(0, 2)))
    stride = 1 if padding == "same" else draw(PAIRS)
    groups, bias = draw(st.sampled_from([1, 2])), draw(st.booleans())
    return source.Conv2d(2, 2, kernel, stride, padding, dilation, groups, bias)


@st.composite
def means(draw, source):
    kernel = draw(PAIRS)
    padding = tuple(draw(st.integers(0, each // 2)) for each in kernel)
    return source.AvgPool2d(kernel, draw(st.none() | PAIRS), padding, draw(st.booleans()))


@st.composite
def maxima(draw, source):
    kernel, dilation = draw(PAIRS), draw(PAIRS)
    padding = tuple(draw(st.integers(0, each // 2)) for each in kernel)
    return source.MaxPool2d(kernel, draw(st.none() | PAIRS), padding, dilation, ceil_mode=draw(st.booleans()))


@st.composite
def other_poolings(draw, source):
    kernel, stride, ceil_mode = draw(PAIRS), draw(st.none() | PAIRS), draw(st.booleans())
    if draw(st.booleans()):
        return source.LPPool2d(draw(st.sampled_from([1, 2, 3])), kernel, stride, ceil_mode)
    kind = draw(st.sampled_from([layers.MixedPool2d, layers.StochasticPool2d]))
    return kind(kernel, stride, tuple(each // 2 for each in kernel), ceil_mode=ceil_mode)


@st.composite
def paddings(draw, source):
    return nn.ZeroPad2d(tuple(draw(st.integers(0, 2)) for _ in range(4)))


def pointwise(source):
    """Layers that change an entry by itself, and keep positive ones positive."""
    return st.sampled_from(
        [
            *(source.ReLU(), source.LeakyReLU(), source.Softsign(), source.PReLU(), source.Dropout(0.5)),
            *(source.BatchNorm2d(2), source.LocalResponseNorm(2), nn.Identity(), layers.GaussianNoise(1.0)),
        ]
    )


@st.composite
def chains(draw, *kinds):
    """A chain in evaluation mode, with positive weights and sequences in sequences, and a size it takes."""
    source = draw(st.sampled_from(SOURCES))
    drawn = draw(st.lists(st.sampled_from(kinds).flatmap(lambda kind: kind(source)), min_size=1, max_size=4))
    cut = draw(st.integers(0, len(drawn)))
    chain = nn.Sequential(*drawn[:cut], nn.Sequential(*drawn[cut:])).double().eval()
    with torch.no_grad():
        for module in chain.modules():
            if isinstance(module, nn.Conv2d | layers.Conv2d):
                module.weight.uniform_(0.5, 1.0)
                if module.bias is not None:
                    module.bias.zero_()
    size = draw(st.tuples(st.integers(3, 13), st.integers(3, 13)))
    return chain, size


def fields_of(chain, size):
    """The fields, or None where an image of this size is too small for the chain, as torch says too."""
    try:
        chain(torch.ones(1, 2, *size, dtype=torch.float64))
    except (RuntimeError, ValueError):
        with pytest.raises(ValueError, match="has a window of"):
            models.receptive_field(chain, size)
        return None
    return models.receptive_field(chain, size)


def check_unit(seen, field, size, row, column, name):
    """``seen`` (h, w), true where a pixel counts, against the field's window."""
    top, left, bottom, right = field.window(row, column)
    outside = seen.clone()
    outside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    assert not outside.any(), f"{name}: unit {row, column} sees pixels outside its window"
    if top >= 0 and left >= 0 and bottom <= size[0] and right <= size[1]:
        rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
        box = (rows[0].item(), columns[0].item(), rows[-1].item() + 1, columns[-1].item() + 1)
        assert box == (top, left, bottom, right), f"{name}: unit {row, column} against what changes it"


@given(drawn=chains(convolutions, means, paddings, pointwise))
@settings(max_examples=60, deadline=None)
def test_the_gradient_has_this_support(drawn):
    chain, size = drawn
    fields = fields_of(chain, size)
    if fields is None:
        return
    image = torch.ones(1, 2, *size, dtype=torch.float64, requires_grad=True)
    answer = chain(image)
    field = fields[-1]
    assert answer.shape[2:] == field.output_size, f"receptive_field of {chain} on {size}: output_size"
    for row in range(answer.shape[2]):
        for column in range(answer.shape[3]):
            unit = answer[0, :, row, column].sum()
            (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)
            seen = (gradient[0] != 0).any(0)
            check_unit(seen, field, size, row, column, f"receptive_field of {chain} on {size}, gradient")


@given(drawn=chains(convolutions, means, maxima, other_poolings, paddings, pointwise))
@settings(max_examples=100, deadline=None)
def test_an_impulse_reaches_these_units_in_every_layer(drawn):
    chain, size = drawn
    fields = fields_of(chain, size)
    if fields is None:
        return
    pixels = size[0] * size[1]
    answer = torch.eye(pixels, dtype=torch.float64).view(pixels, 1, *size).repeat(1, 2, 1, 1)
    flattened = [*chain[:-1], *chain[-1]]
    assert [field.name for field in fields] == [
        name for name, module in chain.named_modules(remove_duplicate=False) if module in flattened
    ]
    for module, field in zip(flattened, fields, strict=True):
        answer = module(answer)  # of every pixel's impulse
        name = f"receptive_field of {module} in {chain} on {size}, impulses"
        assert answer.shape[2:] == field.output_size, name
        for row in range(answer.shape[2]):
            for column in range(answer.shape[3]):
                seen = (answer[:, :, row, column] > 0).any(1).view(size)
                check_unit(seen, field, size, row, column, name)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_units_inside_see_their_window_with_every_padding_mode(source, mode):
    conv = source.Conv2d(1, 1, (3, 5), padding=(1, 2), dilation=(2, 1), padding_mode=mode, bias=False)
    with torch.no_grad():
        conv.weight.fill_(1)
    field = models.receptive_field(conv, (9, 9))[0]
    assert (field.size, field.jump, field.start) == ((5, 5), (1, 1), (-1, -2))
    image = torch.zeros(1, 1, 9, 9, requires_grad=True)
    conv(image)[0, 0, 3, 4].backward()
    check_unit(image.grad[0, 0] != 0, field, (9, 9), 3, 4, f"Conv2d with {mode}")


# the recursion, by hand and against published numbers


def test_two_and_three_3x3_are_a_5x5_and_a_7x7():
    chain = nn.Sequential(*(layers.Conv2d(4, 4, 3) for _ in range(3)))
    assert [field.size for field in models.receptive_field(chain, 20)] == [(3, 3), (5, 5), (7, 7)]


def alexnet():
    conv, pool = layers.Conv2d, layers.MaxPool2d
    return nn.Sequential(
        *(conv(3, 64, 11, stride=4, padding=2), layers.ReLU(), pool(3, 2)),
        *(conv(64, 192, 5, padding=2), layers.ReLU(), pool(3, 2)),
        *(conv(192, 384, 3, padding=1), layers.ReLU(), conv(384, 256, 3, padding=1), layers.ReLU()),
        *(conv(256, 256, 3, padding=1), layers.ReLU(), pool(3, 2)),
    )


def vgg16():
    modules, channels = [], 3
    for out_channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            modules += [nn.Conv2d(channels, out_channels, 3, padding=1, device="meta"), nn.ReLU()]
            channels = out_channels
        modules.append(nn.MaxPool2d(2))
    return nn.Sequential(*modules)


@pytest.mark.parametrize(("model", "size", "jump", "output"), [(alexnet, 195, 32, 6), (vgg16, 212, 32, 7)])
def test_published_fields(model, size, jump, output):
    """The table of Araujo, Norris & Sim (2019), for alexnet_v2 and vgg_16."""
    last = models.receptive_field(model(), 224)[-1]
    assert (last.size, last.jump, last.output_size) == ((size,) * 2, (jump,) * 2, (output,) * 2)


def test_window_and_centre():
    chain = nn.Sequential(nn.Conv2d(1, 1, (3, 2), stride=(2, 1), padding=(1, 0)), nn.MaxPool2d(2))
    field = models.receptive_field(chain, (12, 8))[-1]
    assert field[2:] == ((3, 3), (5, 3), (4, 2), (-1, 0))
    assert field.window(0, 0) == (-1, 0, 4, 3)
    assert field.window(2, 1) == (7, 2, 12, 5)
    assert field.centre(0, 0) == (1.0, 1.0)
    assert field.centre(2, 1) == (9.0, 3.0)
    even = models.receptive_field(nn.AvgPool2d(2), 4)[0]
    assert even.centre(0, 1) == (0.5, 2.5)


# layers that see everything


def seen_by_first_unit(chain, size):
    torch.manual_seed(0)
    image = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    answer = chain(image)
    unit = answer[0].reshape(answer.shape[1], -1)[0, 0]
    (gradient,) = torch.autograd.grad(unit, image)
    return (gradient[0] != 0).any(0)


WHOLE = {
    "batch norm in training": lambda source: source.BatchNorm2d(4),
    "batch norm without running statistics": lambda source: source.BatchNorm2d(
        4, track_running_stats=False
    ).eval(),
    "group norm": lambda source: source.GroupNorm(2, 4),
    "instance norm": lambda source: source.InstanceNorm2d(4).eval(),
    "layer norm": lambda source: source.LayerNorm((4, 5, 3)),
    "layer norm without channels": lambda source: source.LayerNorm((5, 3)),
    "global average": lambda source: source.AdaptiveAvgPool2d(1),
    "spectral pooling": lambda source: layers.SpectralPool2d((3, 2)),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", WHOLE)
def test_layers_that_see_the_whole_image(source, name):
    chain = nn.Sequential(source.Conv2d(4, 4, (2, 3)), WHOLE[name](source), source.ReLU()).double()
    fields = models.receptive_field(chain, (6, 5))
    for field in fields[1:]:
        assert field[3:] == ((6, 5), (0, 0), (0, 0)), name
        assert field.window(0, 0) == (0, 0, 6, 5), name
    assert seen_by_first_unit(chain[:2], (6, 5)).all(), f"{name}, gradient"
    assert fields[-1].output_size == chain(torch.zeros(1, 4, 6, 5).double()).shape[2:]
    assert "whole image" in repr(fields)


@pytest.mark.parametrize("source", SOURCES)
def test_a_window_over_what_sees_everything_sees_everything(source):
    chain = nn.Sequential(source.GroupNorm(1, 4), source.Conv2d(4, 4, 3, stride=2, padding=1)).double()
    field = models.receptive_field(chain, (7, 5))[-1]
    assert field[2:] == ((4, 3), (7, 5), (0, 0), (0, 0))
    assert seen_by_first_unit(chain, (7, 5)).all()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("make", "direction"),
    [
        (lambda source: source.LayerNorm(5), 1),
        (lambda source: source.Softmax(dim=-1), 1),
        (lambda source: source.Softmax(dim=3), 1),
        (lambda source: source.Softmax(dim=2), 0),
        (lambda source: source.Softmax(dim=-2), 0),
        (lambda source: source.Softmax(dim=1), None),
        (lambda source: source.Softmax(dim=-3), None),
    ],
)
def test_layers_that_see_a_row_or_a_column(source, make, direction):
    layer = make(source)
    field = models.receptive_field(layer, (4, 5))[0]
    expected = [(4, 5)[d] if d == direction else 1 for d in (0, 1)]
    assert list(field.size) == expected, layer
    assert list(field.jump) == [0 if d == direction else 1 for d in (0, 1)], layer
    seen = seen_by_first_unit(layer.double(), (4, 5))
    assert [seen.any(1).sum().item(), seen.any(0).sum().item()] == expected, f"{layer}, gradient"


@pytest.mark.parametrize("source", SOURCES)
def test_a_head_sees_the_whole_image(source):
    net = nn.Sequential(source.Conv2d(1, 2, 3), nn.Flatten(), source.Linear(18, 4), source.BatchNorm1d(4))
    fields = models.receptive_field(nn.Sequential(net, source.Softmax(-1), source.Dropout()).eval(), 5)
    assert [field.output_size for field in fields] == [(3, 3), (), (), (), (), ()]
    for field in fields[1:]:
        assert field[3:] == ((5, 5), (0, 0), (0, 0)), field
    assert repr(fields).count("flat") == 5


@pytest.mark.parametrize("source", SOURCES)
def test_batch_norm_in_evaluation_adds_nothing(source):
    chain = nn.Sequential(source.Conv2d(4, 4, 3), source.BatchNorm2d(4)).double().eval()
    assert models.receptive_field(chain, 5)[1].size == (3, 3)
    assert seen_by_first_unit(chain, (5, 5)).sum() == 9
    assert "in training mode" not in repr(models.receptive_field(chain, 5))
    assert "BatchNorm2d in training mode  " in repr(models.receptive_field(chain.train(), 5))


@pytest.mark.parametrize("source", SOURCES)
def test_adaptive_pooling(source):
    for layer in (source.AdaptiveAvgPool2d((2, None)), source.AdaptiveMaxPool2d((2, 3))):
        field = models.receptive_field(nn.Sequential(source.Conv2d(1, 1, 3), layer), (10, 5))[-1]
        assert field[2:] == ((2, 3), (6, 3), (4, 1), (0, 0)), layer
    field = models.receptive_field(source.AdaptiveAvgPool2d((1, 5)), (10, 5))[0]
    assert field[2:] == ((1, 5), (10, 1), (0, 1), (0, 0))


# the model, the result


def test_simple_cnn_has_a_field_for_every_layer():
    net = models.simple_cnn(3, norm=layers.BatchNorm2d).eval()
    fields = models.receptive_field(net, (32, 24))
    assert len(fields) == len(net)
    assert [field.name for field in fields] == [str(i) for i in range(len(net))]
    x = torch.zeros(1, 3, 32, 24)
    for module, field in zip(net, fields, strict=True):
        x = module(x)
        assert x.shape[2:] == field.output_size
    assert fields[13][2:] == ((8, 6), (16, 16), (4, 4), (-6, -6))
    assert fields[-1].size == (32, 24)


def test_the_table():
    conv = layers.Conv2d(1, 1, (3, 5), stride=2, padding=(1, 0), dilation=(1, 2))
    chain = nn.Sequential(conv, nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), nn.Flatten())
    lines = repr(models.receptive_field(chain, (9, 17))).splitlines()
    described = "Conv2d 3 x 5, stride 2, padding (1, 0), dilation (1, 2)"
    space = " " * (len(described) - 5)
    assert lines == [
        f"name  layer{space}  output  size         jump  start",
        f"      input{space}  9 x 17  1 x 1        1     0",
        f"0     {described}  5 x 5   3 x 9        2     (-1, 0)",
        f"1.0   ReLU {space}  5 x 5   3 x 9        2     (-1, 0)",
        f"1.1   MaxPool2d 2 x 2, stride 2{space[20:]}  2 x 2   5 x 11       4     (-1, 0)",
        f"2     Flatten{space[2:]}  flat    whole image",
    ]


def test_the_result_is_a_sequence():
    chain = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    fields = models.receptive_field(chain, 8)
    assert len(fields) == 2
    assert [field.layer for field in fields] == ["Conv2d 3 x 3", "ReLU"]
    assert fields[-1] is fields[1]
    assert fields[:1] == (fields[0],)
    assert fields.input_size == (8, 8)
    assert fields == models.receptive_field(chain, (8, 8))
    assert copy.deepcopy(fields) == pickle.loads(pickle.dumps(fields)) == fields


def test_one_layer_used_twice_counts_twice():
    conv = nn.Conv2d(1, 1, 3)
    fields = models.receptive_field(nn.Sequential(conv, nn.ReLU(), conv), 8)
    assert [field.size for field in fields] == [(3, 3), (3, 3), (5, 5)]


def test_an_empty_chain_has_no_fields():
    assert list(models.receptive_field(nn.Sequential(), 8)) == []


def test_the_model_is_only_read():
    net = models.simple_cnn(1, norm=layers.BatchNorm2d)
    before = copy.deepcopy(net.state_dict())
    models.receptive_field(net, 8)
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_a_model_without_memory():
    with torch.device("meta"):
        assert models.receptive_field(nn.Conv2d(1, 1, 3), 8)[0].size == (3, 3)
    assert models.receptive_field(nn.LazyConv2d(4, (3, 1)), 8)[0].size == (3, 1)


class Block(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


@pytest.mark.parametrize(
    ("error", "model", "size", "words"),
    [
        (TypeError, "vgg", 8, "receptive_field: model must be a torch.nn.Module, got str"),
        (TypeError, nn.Sequential, 8, "model must be a torch.nn.Module, got type"),
        (TypeError, nn.ReLU(), 8.0, "receptive_field: input_size must be one integer or two, got 8.0"),
        (TypeError, nn.ReLU(), None, "input_size must be one integer or two, got None"),
        (ValueError, nn.ReLU(), 0, "input_size must be 1 or more, got 0"),
        (ValueError, nn.ReLU(), (3, 8, 8), r"input_size must be one integer or two, got \(3, 8, 8\)"),
        (ValueError, nn.Sequential(nn.ReLU(), Block(nn.ReLU())), 8, "Block '1' has a forward of its own"),
        (ValueError, nn.ModuleList([nn.ReLU()]), 8, "ModuleList '' is no layer whose window is known"),
        (ValueError, nn.Sequential(nn.ConvTranspose2d(1, 1, 2)), 8, "ConvTranspose2d '0' is no layer"),
        (ValueError, nn.Sequential(layers.MaxUnpool2d(2)), 8, "MaxUnpool2d '0' is no layer"),
        (ValueError, nn.Sequential(nn.Conv1d(1, 1, 2)), 8, "Conv1d '0' is no layer"),
        (ValueError, nn.Sequential(nn.Upsample(scale_factor=2)), 8, "Upsample '0' is no layer"),
        (ValueError, nn.MaxPool2d(2, return_indices=True), 8, "MaxPool2d '' returns indices too"),
        (ValueError, layers.AdaptiveMaxPool2d(2, return_indices=True), 8, "returns indices too"),
        (
            ValueError,
            nn.Sequential(nn.Conv2d(1, 1, 5), nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, dilation=4))),
            (8, 9),
            "receptive_field: Conv2d '1.0' has a window of 9 entries on a map of 6, padding included",
        ),
        (ValueError, nn.AdaptiveAvgPool2d(3), 8, "3 units do not divide a map of 8 x 8"),
        (ValueError, nn.AdaptiveAvgPool2d(16), 8, "16 units do not divide a map of 8 x 8"),
        (ValueError, nn.Sequential(nn.Linear(8, 2)), 8, "Linear '0' comes on a map of 8 x 8 units: put a"),
        (ValueError, nn.Sequential(nn.Flatten(2)), 8, "must flatten channels, height and width together"),
        (
            ValueError,
            nn.Sequential(nn.Flatten(), nn.Conv2d(1, 1, 3)),
            8,
            "Conv2d '1' comes behind a Flatten, where there is no map",
        ),
    ],
)
def test_what_is_no_chain_is_refused(error, model, size, words):
    with pytest.raises(error, match=words):
        models.receptive_field(model, size)
