"""deconvnet against the paper's steps, one by one: unpool by switches, rectify, filter with the transpose."""

import pytest
import torch
from torch import nn

from course_lib import layers, visualize

DTYPES = [torch.float32, torch.float64]
POOLINGS = {
    "2 side by side": {"kernel_size": 2},
    "3 with stride 2, overlapping": {"kernel_size": 3, "stride": 2},
    "3 with stride 2 and padding": {"kernel_size": 3, "stride": 2, "padding": 1},
    "3 with stride 1": {"kernel_size": 3, "stride": 1},
}


def unpooled(signal, switches, size):
    """Each pooled value put back by itself, by its switch, and all of these planes added up."""
    total = signal.new_zeros(*signal.shape[:2], *size)
    for i in range(signal.shape[2]):
        for j in range(signal.shape[3]):
            one = (slice(None), slice(None), slice(i, i + 1), slice(j, j + 1))
            total += layers.max_unpool2d(signal[one], switches[one], size)
    return total


def filtered(signal, conv, size):
    """Filter with the transposed kernels, without the bias, to maps of this size."""
    options = {
        "stride": conv.stride,
        "padding": conv.padding,
        "groups": conv.groups,
        "dilation": conv.dilation,
    }
    least = layers.conv_transpose2d(signal, conv.weight, **options)
    extra = tuple(a - b for a, b in zip(size, least.shape[2:], strict=True))
    return layers.conv_transpose2d(signal, conv.weight, output_padding=extra, **options)


def one_step(layer, signal, x, switches):
    """What the deconvnet does for one layer, whose input was x."""
    size = tuple(x.shape[2:])
    if isinstance(layer, layers.MaxPool2d):
        return unpooled(signal, switches, size)
    if isinstance(layer, layers.ReLU):
        return torch.relu(signal)
    if isinstance(layer, layers.Conv2d):
        return filtered(signal, layer, size)
    if isinstance(layer, layers.BatchNorm2d):
        scale = layer.weight / torch.sqrt(layer.running_var + layer.eps)
        return signal * scale[:, None, None]
    if isinstance(layer, layers.AvgPool2d):  # side by side: each entry gets its share
        share = signal / layer.kernel_size**2
        return share.repeat_interleave(layer.kernel_size, 2).repeat_interleave(layer.kernel_size, 3)
    if isinstance(layer, layers.Linear):
        return signal @ layer.weight
    if isinstance(layer, nn.Flatten):
        return signal.view_as(x)
    assert isinstance(layer, layers.LocalResponseNorm | layers.Dropout), layer
    return signal  # the paper does not normalize on the way back; dropout is off


@torch.no_grad()
def step_by_step(chain, x, number, index):
    """The projection of the activation at ``index`` behind layer ``number`` of a chain in evaluation mode."""
    record = []
    for layer in list(chain)[: number + 1]:
        switches = None
        if isinstance(layer, layers.MaxPool2d):
            sizes = (layer.kernel_size, layer.stride, layer.padding)
            _, switches = layers.max_pool2d(x, *sizes, return_indices=True)
        record.append((layer, x, switches))
        x = layer(x)
    signal = torch.zeros_like(x)
    signal[index] = x[index]
    for layer, given, switches in reversed(record):
        signal = one_step(layer, signal, given, switches)
    return signal


def strongest_place(chain, x, number, channel):
    maps = chain[: number + 1](x)[:, channel]
    best = maps.flatten(1).argmax(1)
    return range(len(x)), [channel] * len(x), best // maps.shape[2], best % maps.shape[2]


def chain_of(in_channels, pooling, dtype):
    torch.manual_seed(0)
    chain = nn.Sequential(
        *(layers.Conv2d(in_channels, 6, 3, padding=1), layers.ReLU(), layers.MaxPool2d(**pooling)),
        *(layers.Conv2d(6, 8, 3, stride=2, padding=1, groups=2), layers.ReLU()),
        *(layers.Conv2d(8, 5, (2, 3), padding=1), layers.ReLU(), layers.MaxPool2d(**pooling)),
        layers.Conv2d(5, 4, 2),
    )
    for number in (0, 3, 5):
        nn.init.uniform_(chain[number].bias, 0.0, 0.5)  # so that all maps have active units
    return chain.to(dtype).eval()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_layer_of_a_chain_against_the_papers_steps(pooling, in_channels, dtype):
    chain = chain_of(in_channels, POOLINGS[pooling], dtype)
    x = torch.randn(2, in_channels, 21, 20, dtype=dtype)
    for number, layer in enumerate(chain):
        projected = False
        for unit in (0, 2, 3):
            expected = step_by_step(chain, x, number, strongest_place(chain, x, number, unit))
            got = visualize.deconvnet(chain, x, str(number), unit)
            case = f"deconvnet, pooling {pooling}, {in_channels} channels, layer {number}, map {unit}"
            assert got.dtype == dtype, case
            torch.testing.assert_close(got, expected, msg=lambda m, case=case: f"{case}: {m}")
            projected = projected or bool(expected.any())
        assert projected, f"{case}, and others: there is something to compare"
        by_module = visualize.deconvnet(chain, x, layer, 3)
        assert torch.equal(got, by_module), f"{case}: the layer itself in place of its name"


def test_units_by_place_and_one_map_an_image():
    chain = chain_of(3, POOLINGS["3 with stride 2, overlapping"], torch.float64)
    x = torch.randn(3, 3, 21, 20, dtype=torch.float64)
    expected = step_by_step(chain, x, 5, (range(3), [2] * 3, [1] * 3, [0] * 3))
    torch.testing.assert_close(visualize.deconvnet(chain, x, "5", (2, 1, 0)), expected)
    several = visualize.deconvnet(chain, x, "5", torch.tensor([4, 0, 2]))
    for row, unit in enumerate([4, 0, 2]):
        alone = visualize.deconvnet(chain, x[row : row + 1], "5", unit)
        torch.testing.assert_close(several[row : row + 1], alone, msg=lambda m, row=row: f"image {row}: {m}")


def test_normalization_averages_dropout_and_dense_layers():
    torch.manual_seed(1)
    chain = nn.Sequential(
        *(
            layers.Conv2d(2, 6, 3),
            layers.BatchNorm2d(6),
            layers.ReLU(),
            layers.LocalResponseNorm(3, alpha=1.0),
        ),
        *(layers.AvgPool2d(2), layers.Conv2d(6, 4, 3, bias=False), layers.BatchNorm2d(4), layers.ReLU()),
        *(layers.Dropout(0.5), nn.Flatten(), layers.Linear(4 * 4 * 4, 7), layers.ReLU(), layers.Linear(7, 3)),
    ).double()
    for norm in (chain[1], chain[6]):
        nn.init.normal_(norm.weight)  # of both signs
        nn.init.uniform_(norm.running_var, 0.5, 2.0)
        nn.init.normal_(norm.running_mean)
    x = torch.randn(2, 2, 14, 14, dtype=torch.float64)
    found = {number: visualize.deconvnet(chain, x, str(number), 1) for number in range(len(chain))}
    chain.eval()
    for number in range(len(chain)):
        flat = number >= 9
        index = (range(2), [1, 1]) if flat else strongest_place(chain, x, number, 1)
        expected = step_by_step(chain, x, number, index)
        assert number == 9 or expected.abs().max() > 0, f"layer {number}: there is something to compare"
        torch.testing.assert_close(found[number], expected, msg=lambda m, n=number: f"layer {n}: {m}")


@pytest.mark.parametrize("kind", [layers.LocalResponseNorm, nn.LocalResponseNorm])
def test_local_response_norm_has_no_share_in_the_way_back(kind):
    torch.manual_seed(0)
    conv, norm = layers.Conv2d(1, 5, 3), kind(3, alpha=2.0)
    x = torch.randn(2, 1, 8, 8)
    got = visualize.deconvnet(nn.Sequential(conv, norm), x, "1", (2, 3, 3))
    with torch.no_grad():
        value = norm(conv(x))[:, 2, 3, 3]
        plain = visualize.deconvnet(nn.Sequential(conv), x, "0", (2, 3, 3))
        torch.testing.assert_close(got, plain * (value / conv(x)[:, 2, 3, 3])[:, None, None, None])


def test_one_convolution_gives_its_kernel_times_the_activation():
    conv = layers.Conv2d(3, 4, 3, stride=2, padding=1)
    x = torch.randn(1, 3, 9, 9)
    got = visualize.deconvnet(conv, x, "", (2, 1, 3))
    expected = torch.zeros_like(x)
    expected[0, :, 1:4, 5:8] = conv.weight[2].detach() * conv(x)[0, 2, 1, 3].detach()
    torch.testing.assert_close(got, expected)


def test_windows_that_share_their_maximum_add_up():
    net = nn.Sequential(layers.MaxPool2d(3, 2), layers.Conv2d(1, 1, 2, bias=False))
    nn.init.ones_(net[1].weight)
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1.0  # the pixel that all four windows have in common
    got = visualize.deconvnet(net, x, "1", 0)
    assert torch.equal(got, 16 * x), "activation 4, from each of four windows"
    _, switches = layers.max_pool2d(x, 3, 2, return_indices=True)
    kept = layers.max_unpool2d(torch.full((1, 1, 2, 2), 4.0), switches, 3, 2)
    assert torch.equal(kept, 4 * x), "MaxUnpool2d keeps one of the four"


class Graph(nn.Module):
    """Branches, a concatenation, a sum and a skip connection; ``rectify`` applies the next ReLU."""

    def __init__(self, rectify):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.wide, self.narrow = nn.Conv2d(8, 5, 5, padding=2), nn.Conv2d(8, 3, 1)
        self.pool, self.mix = nn.MaxPool2d(3, 1, 1), nn.Conv2d(16, 8, 3, padding=1)
        self.norm, self.last = nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3)
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(5))
        self.shared = nn.ReLU(inplace=True)
        self.rectify = rectify

    def forward(self, x):
        x = self.rectify(self, 0, self.stem(x))
        branches = [self.rectify(self, 1, self.wide(x)), self.rectify(self, 2, self.narrow(x)), self.pool(x)]
        x = x + self.norm(self.mix(torch.cat(branches, 1)))
        return self.rectify(self, 4, self.last(self.rectify(self, 3, x)))


RECTIFIERS = {
    "modules": lambda net, number, x: net.relus[number](x),
    "one module, in place": lambda net, number, x: net.shared(x),
    "functional.relu": lambda net, number, x: nn.functional.relu(x),
    "functional.relu in place": lambda net, number, x: nn.functional.relu(x, inplace=True),
    "functional.relu by keyword": lambda net, number, x: nn.functional.relu(input=x),
    "torch.relu": lambda net, number, x: torch.relu(x),
    "torch.relu_": lambda net, number, x: torch.relu_(x),
    "method": lambda net, number, x: x.relu(),
    "method in place": lambda net, number, x: x.relu_(),
    "method in place, result not taken": lambda net, number, x: (x.relu_(), x)[1],
    "ours": lambda net, number, x: layers.ReLU()(x),
}


@pytest.mark.parametrize("kind", RECTIFIERS)
def test_graphs_and_relus_of_any_kind_against_backward_hooks(kind):
    torch.manual_seed(0)
    twin = Graph(RECTIFIERS["modules"]).double().eval()
    nn.init.uniform_(twin.norm.running_var, 0.5, 2.0)
    net = Graph(RECTIFIERS[kind]).double()
    net.load_state_dict(twin.state_dict())
    x = torch.randn(2, 3, 11, 11, dtype=torch.float64)
    pixels = x.clone().requires_grad_()
    for relu in twin.relus:
        relu.register_full_backward_hook(lambda module, below, above: (above[0].clamp(min=0),))
    twin(pixels)[:, 2, 1, 2].square().sum().div(2).backward()  # its slope is the activation
    assert pixels.grad.abs().max() > 0
    got = visualize.deconvnet(net, x, "", (2, 1, 2))
    torch.testing.assert_close(got, pixels.grad, msg=lambda m: f"deconvnet with {kind}: {m}")


def test_a_layer_before_an_in_place_relu_is_taken_as_it_was():
    torch.manual_seed(0)
    conv, last = layers.Conv2d(1, 3, 3), layers.Conv2d(3, 2, 1)
    in_place = nn.Sequential(conv, nn.ReLU(inplace=True), last)
    x = torch.randn(4, 1, 6, 6)
    got = visualize.deconvnet(in_place, x, "0", (1, 2, 2))
    assert torch.equal(got, visualize.deconvnet(conv, x, "", (1, 2, 2))), "activations below 0 too"
    assert (conv(x)[:, 1, 2, 2] < 0).any()


def test_a_unit_that_is_off_projects_nothing():
    net = nn.Sequential(layers.Conv2d(1, 2, 3), layers.ReLU())
    nn.init.constant_(net[0].bias, -100.0)
    assert not visualize.deconvnet(net, torch.randn(2, 1, 5, 5), "1", 0).any()


def test_an_image_does_not_depend_on_the_others():
    chain = chain_of(1, POOLINGS["2 side by side"], torch.float64).train()
    x = torch.randn(4, 1, 21, 20, dtype=torch.float64)
    together = visualize.deconvnet(chain, x, "5", 1)
    alone = torch.cat([visualize.deconvnet(chain, image[None], "5", 1) for image in x])
    torch.testing.assert_close(together, alone)


def test_other_activations_stand_in_the_way_but_not_behind_the_layer():
    net = nn.Sequential(layers.Conv2d(1, 2, 3), layers.SiLU(), layers.Conv2d(2, 2, 1), layers.Sigmoid())
    x = torch.randn(1, 1, 5, 5)
    assert visualize.deconvnet(net, x, "0", 0).shape == x.shape
    with pytest.raises(ValueError, match=r"deconvnet: model must have no activation but ReLU .* got silu"):
        visualize.deconvnet(net, x, "2", 0)
