"""summary against published figures, torch's own counter of operations, and receptive_field."""

import copy
import pickle
import tracemalloc
import warnings
from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from random_graphs import graphs
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision_models import get_model, published

from course_lib import layers, models
from course_lib.models.summary import summary

PUBLISHED = {
    "alexnet": 224, "vgg16": 224, "googlenet": 224, "inception_v3": 299, "resnet50": 224, "densenet121": 224,
    "mobilenet_v2": 224, "vit_b_16": 224, "swin_t": 224, "convnext_tiny": 224, "efficientnet_b0": 224,
}  # fmt: skip


def on_meta(name, **options):
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_model(name, weights=None, **options)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_multiply_adds_and_parameters(name):
    net = on_meta(name)
    got = summary(net, PUBLISHED[name])
    assert got.multiply_adds / 1e9 == pytest.approx(published(name)["_ops"], rel=0.002), name
    assert got.parameters == sum(parameter.numel() for parameter in net.parameters()), name
    if name != "googlenet":  # published without its auxiliary heads
        assert got.parameters == published(name)["num_params"], name


def test_auxiliary_heads_are_parameters_that_do_not_run():
    got = summary(on_meta("googlenet"), 224, depth=1)
    heads = [layer for layer in got if layer.output_size is None]
    assert [(layer.name, layer.kind, layer.multiply_adds) for layer in heads] == [
        ("aux1", "InceptionAux", 0),
        ("aux2", "InceptionAux", 0),
    ]
    assert got.parameters - sum(layer.parameters for layer in heads) == published("googlenet")["num_params"]
    assert repr(got).count("not run") == 2


def flops(net, *inputs):
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # it counts no other here
        net(*inputs)
    return counter.get_total_flops()


@given(drawn=graphs())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_multiply_adds_are_half_of_what_torch_counts(drawn):
    graph, size = drawn
    try:
        expected = flops(graph, torch.zeros(1, 2, *size, dtype=torch.float64))
    except RuntimeError:
        assume(False)  # the image is too small
    got = summary(graph, (2, *size))
    assert 2 * got.multiply_adds == expected, graph
    assert got.parameters == sum(parameter.numel() for parameter in graph.parameters())


@pytest.mark.parametrize(
    ("net", "size"),
    [
        (nn.Sequential(nn.Conv1d(3, 4, 3), nn.Conv1d(4, 6, 2, groups=2)), (3, 9)),
        (nn.ConvTranspose2d(3, 4, 3, stride=2), (3, 5, 6)),
        (nn.Conv3d(2, 3, 2, dilation=2), (2, 4, 5, 6)),
        (nn.Sequential(nn.Linear(5, 4, bias=False), nn.Linear(4, 3)), (7, 5)),
        (nn.MultiheadAttention(6, 2, batch_first=True), [(5, 6), (7, 6), (7, 6)]),
        (layers.MultiheadAttention(6, 2, batch_first=True), [(5, 6), (7, 6), (7, 6)]),
        (nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), (5, 6)),
        (nn.Bilinear(3, 4, 5), [(3,), (4,)]),
    ],
)
def test_other_products(net, size):
    shapes = size if isinstance(size, list) else [size]
    net = net.eval()
    assert 2 * summary(net, size).multiply_adds == flops(net, *(torch.zeros(1, *shape) for shape in shapes))


def test_attention_counts_its_own_products():
    """A sequence of n vectors of d: four projections n d^2, and twice n^2 d."""
    got = summary(nn.MultiheadAttention(8, 2, batch_first=True), [(5, 8)] * 3)
    assert got.multiply_adds == 4 * 5 * 8**2 + 2 * 5**2 * 8


def test_a_recurrent_net_counts_each_step():
    """Four gates of 4 units see 3 inputs and 4 units, five times."""
    for source in (nn, layers):
        assert summary(source.LSTM(3, 4, batch_first=True), (5, 3)).multiply_adds == 5 * 4 * 4 * (3 + 4)


# fields


def chain(source):
    return nn.Sequential(
        *(source.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0)), source.BatchNorm2d(4), source.ReLU()),
        nn.Sequential(source.MaxPool2d(2, stride=1), source.Conv2d(4, 4, 3, padding="same", dilation=2)),
        *(source.LocalResponseNorm(2), source.LPPool2d(2, 2), source.Dropout(0.5)),
        *(source.AdaptiveAvgPool2d(1), nn.Flatten(), source.Linear(4, 3), source.Softmax(-1)),
    ).eval()


@pytest.mark.parametrize("source", [layers, nn])
@pytest.mark.parametrize("size", [(32, 24), (17, 33)])
def test_chains_have_the_fields_of_receptive_field(source, size):
    assert_same_fields(chain(source), (2, *size))


ALONE = {
    "stochastic pooling": layers.StochasticPool2d(2),
    "mixed pooling": layers.MixedPool2d(2),
    "spectral pooling": layers.SpectralPool2d((3, 2)),
    "circular padding": nn.CircularPad2d(1),
    "reflection": layers.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "instance norm": nn.InstanceNorm2d(4),
    "layer norm of rows": nn.LayerNorm(6),
    "softmax along rows": layers.Softmax(dim=2),
    "adaptive": nn.AdaptiveMaxPool2d((4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_layers_alone_have_the_fields_of_receptive_field(name):
    assert_same_fields(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), ALONE[name].eval()), (4, 8, 6))


def assert_same_fields(net, size):
    expected, got = models.receptive_field(net, size[1:]), summary(net, size)
    assert [layer.name for layer in got] == [field.name for field in expected]
    for layer, field in zip(got, expected, strict=True):
        assert layer.field == (field.size, field.jump, field.start), f"{layer.name} {field.layer}"
        if field.output_size:
            assert layer.output_size[1:] == field.output_size, f"{layer.name} {field.layer}"


@pytest.mark.parametrize(
    ("name", "layer", "size", "jump"),
    [
        ("inception_v3", "Mixed_7c", 1311, 32),
        ("alexnet", "features.12", 195, 32),
        ("vgg16", "features.30", 212, 32),
    ],
)
def test_published_fields(name, layer, size, jump):
    """The table of Araujo, Norris & Sim (2019), for alexnet_v2, vgg_16 and inception_v3."""
    rows = summary(on_meta(name), 299 if name == "inception_v3" else 224)
    got = [row for row in rows if row.name == layer][-1]
    assert got.field[:2] == ((size, size), (jump, jump))


def test_a_field_that_is_a_fraction_or_unknown():
    up = summary(
        nn.Sequential(nn.Conv2d(1, 1, 3), nn.ConvTranspose2d(1, 1, 4, 2), nn.PixelShuffle(1)), (1, 9, 9)
    )
    assert up[1].field == ((4, 4), (Fraction(1, 2), Fraction(1, 2)), (-1, -1))
    assert up[2].field is None
    assert repr(up).splitlines()[4].endswith("?")


# rows


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.never = nn.Linear(2, 3)

    def forward(self, x):
        y = self.relu(self.conv(x)) * self.scale
        return torch.cat([x, self.relu(y + x)], 1).flatten(2)


def test_a_row_for_each_layer_and_for_what_is_done_between():
    got = summary(nn.Sequential(Block()), (4, 6, 5))
    numbers = 4 * 6 * 5
    rows = [(row.name, row.kind, row.output_size, row.parameters, row.activation_bytes) for row in got]
    assert rows == [
        ("0.conv", "Conv2d", (4, 6, 5), 144, 4 * numbers),
        ("0.relu", "ReLU", (4, 6, 5), 0, 4 * numbers),
        ("0", "mul", (4, 6, 5), 4, 4 * numbers),
        ("0", "add", (4, 6, 5), 0, 4 * numbers),
        ("0.relu", "ReLU", (4, 6, 5), 0, 4 * numbers),
        ("0", "cat", (8, 6, 5), 0, 8 * numbers),
        ("0.never", "Linear", None, 9, 0),
    ]  # fmt: skip
    assert (got.parameters, got.multiply_adds, got.activation_bytes) == (157, 144 * 30, 28 * numbers)


def test_blocks_at_a_depth():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(Block(), nn.Unflatten(2, (6, 5))))
    whole = summary(net, (3, 6, 5))
    for depth, names in ((1, ["0", "1"]), (2, ["0", "1.0", "1.1"])):
        got = summary(net, (3, 6, 5), depth=depth)
        assert [layer.name for layer in got] == names
        assert got.parameters == whole.parameters
        assert got.multiply_adds == whole.multiply_adds
        assert got.activation_bytes == whole.activation_bytes
    assert summary(net, (3, 6, 5), depth=1)[1][1:3] == ("Sequential", (8, 6, 5))


def test_a_layer_used_twice_has_two_rows_and_counts_once():
    conv = nn.Conv2d(1, 1, 3)
    got = summary(nn.Sequential(conv, nn.ReLU(), conv), (1, 8, 8))
    assert [(layer.name, layer.parameters, layer.multiply_adds) for layer in got] == [
        ("0", 10, 9 * 36), ("1", 0, 0), ("2", 0, 9 * 16),
    ]  # fmt: skip


def test_what_hands_on_its_input_is_a_row_without_memory():
    got = summary(nn.Sequential(nn.Dropout(), nn.Identity(), nn.Flatten()), (2, 3, 3))
    assert [(layer.kind, layer.activation_bytes) for layer in got] == [
        ("Dropout", 0),
        ("Identity", 0),
        ("Flatten", 0),
    ]


def test_dtypes():
    net = nn.Sequential(nn.Linear(4, 3))
    assert summary(net, (4,)).activation_bytes == 12
    assert summary(net.double(), (4,)).activation_bytes == 24
    assert summary(nn.Embedding(5, 3), (7,), dtype=torch.int64)[0].output_size == (7, 3)


def test_the_result_is_a_sequence():
    got = summary(chain(nn), (2, 32, 24))
    assert len(got) == 12
    assert got[:2] == (got[0], got[1])
    assert copy.deepcopy(got) == pickle.loads(pickle.dumps(got)) == got
    assert got[-1].field.whole
    assert not got[0].field.whole


# what it leaves alone


def test_the_model_is_left_as_it_was():
    net = models.simple_cnn(1, norm=layers.BatchNorm2d)
    net[1].eval()
    state, modes = copy.deepcopy(net.state_dict()), [module.training for module in net.modules()]
    values = list(net.parameters())
    summary(net, (1, 8, 8))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(state[key], value) for key, value in net.state_dict().items())
    assert all(before is after for before, after in zip(values, net.parameters(), strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_an_error_leaves_the_model_as_it_was_and_says_where():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.Conv2d(3, 1, 1)))
    with pytest.raises(RuntimeError) as caught:
        summary(net, (1, 8, 8))
    assert caught.value.__notes__ == ["in Conv2d '1.0', on input of shape (1, 1, 8, 8)"]
    assert net.training
    assert net[0](torch.zeros(1, 1, 8, 8)).device.type == "cpu"


def test_nothing_is_allocated():
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(3, 2**14, 3), nn.Flatten(), nn.Linear(2**14 * 2046**2, 2**20))
    tracemalloc.start()
    got = summary(net, 2048)
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    assert got.activation_bytes > 2**37


class Asks(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("error", "model", "size", "options", "words"),
    [
        (TypeError, "vgg", 8, {}, "summary: model must be a torch.nn.Module, got str"),
        (
            TypeError,
            nn.ReLU(),
            "8",
            {},
            "input_size must be an integer, a tuple or a list of tuples, got '8'",
        ),
        (TypeError, nn.ReLU(), (3, 8.0), {}, r"got \(3, 8.0\)"),
        (TypeError, nn.ReLU(), True, {}, "got True"),
        (ValueError, nn.ReLU(), (3, 0, 8), {}, r"numbers of 1 or more, got \(3, 0, 8\)"),
        (ValueError, nn.ReLU(), [], {}, "input_size has no shape"),
        (ValueError, nn.ReLU(), 8, {"depth": 0}, "depth must be 1 or more, got 0"),
        (ValueError, nn.LazyLinear(3), (4,), {}, "'weight' has no shape yet: call the model once before"),
        (ValueError, nn.Sequential(Asks()), 8, {}, "Asks '0' asks for a number in a tensor"),
    ],
)
def test_what_is_refused(error, model, size, options, words):
    with pytest.raises(error, match=words):
        summary(model, size, **options)


# the table


def test_the_table():
    net = nn.Sequential(nn.Conv2d(1, 6, (5, 3)), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 24 * 26, 1000))
    assert repr(summary(net, (1, 28, 28))).splitlines() == [
        "Sequential on 1x28x28, float32",
        "layer  kind      output  parameters  mult-adds   memory   sees",
        "0      Conv2d   6x24x26          96     56.2 k  15.0 kB    5x3",
        "1      ReLU     6x24x26                         15.0 kB    5x3",
        "2      Flatten     3744                                  whole",
        "3      Linear      1000   3,745,000     3.74 M  4.00 kB  whole",
        "--------------------------------------------------------------",
        "total                     3,745,096     3.80 M  34.0 kB",
        "mult-adds: convolutions and matrix products, for one input",
    ]


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16", "googlenet"])
def test_the_table_is_narrow(name):
    net = on_meta(name)
    for depth in (None, 2):
        lines = repr(summary(net, 224, depth=depth)).splitlines()
        assert max(map(len, lines)) <= 75, name


def test_without_an_image_there_is_no_field():
    got = summary(nn.Linear(3, 2), (3,))
    assert got[0].field is None
    assert "sees" not in repr(got)
    assert "sees" not in got._repr_html_()


def test_html_is_escaped_and_scrolls():
    net = nn.Sequential()
    net.add_module("<b>", nn.Conv2d(3, 4, 3, stride=2))
    text = summary(net, 9)._repr_html_()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert 'tabindex="0"' in text
    assert "<td>3</td><td>2</td>" in text


def test_functional_attention_sees_the_whole_image():
    class Mixer(nn.Module):
        def forward(self, x):
            tokens = x.flatten(2).mT
            return F.scaled_dot_product_attention(tokens, tokens, tokens)

    (row,) = summary(Mixer(), (4, 6, 6))
    assert row.field.whole
    assert row.multiply_adds == 2 * 36 * 36 * 4
