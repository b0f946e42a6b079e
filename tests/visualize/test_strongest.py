"""strongest against a search image by image; a patch alone excites its unit as the image did."""

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize


def search(net, x, number, unit):
    """(value, image, row, column) of the strongest unit of each image, from the highest down."""
    found = []
    with torch.no_grad():
        for row in range(len(x)):
            plane = net[: number + 1](x[row : row + 1])[0, unit]
            best = divmod(int(plane.argmax()), plane.shape[1])
            found.append((float(plane[best]), row, *best))
    return sorted(found, key=lambda entry: -entry[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_against_a_search_image_by_image(batch_size, channels, dtype):
    torch.manual_seed(0)
    net = models.simple_cnn(channels, 3, width=4, norm=layers.BatchNorm2d).to(dtype)
    x = torch.randn(11, channels, 12, 10, dtype=dtype)
    results = {n: visualize.strongest(net, x, str(n), 2, 5, batch_size=batch_size) for n in (0, 5, 8, 10)}
    net.eval()
    for number, got in results.items():
        values, rows, *places = zip(*search(net, x, number, 2)[:5], strict=True)
        case = f"strongest, layer {number}, {batch_size} at a time"
        torch.testing.assert_close(
            got.values, torch.tensor(values, dtype=dtype), msg=lambda m, c=case: f"{c}: {m}"
        )
        assert got.rows.tolist() == list(rows), case
        assert got.places.tolist() == [list(place) for place in zip(*places, strict=True)], case
        assert got.patches.dtype == dtype, case


def test_a_patch_alone_excites_the_unit_as_its_image_did():
    torch.manual_seed(0)
    net = nn.Sequential(
        *(layers.Conv2d(3, 6, 3, stride=2), layers.ReLU(), layers.MaxPool2d(3, 2)),
        *(layers.Conv2d(6, 5, 2, dilation=2), layers.BatchNorm2d(5)),
    ).double()
    x = torch.randn(20, 3, 31, 33, dtype=torch.float64)
    for number, side in ((0, 3), (2, 7), (4, 15)):
        got = visualize.strongest(net, x, str(number), 1, 6)
        assert got.patches.shape == (6, 3, side, side), f"layer {number}"
        alone = net.eval()[: number + 1](got.patches)
        assert alone.shape[2:] == (1, 1)
        torch.testing.assert_close(alone[:, 1, 0, 0], got.values, msg=lambda m, n=number: f"layer {n}: {m}")


def test_what_hangs_over_the_edge_is_0():
    net = nn.Sequential(layers.Conv2d(1, 1, 3, padding=1, bias=False), layers.Conv2d(1, 1, 1, padding=2))
    nn.init.ones_(net[0].weight)
    x = torch.zeros(1, 1, 4, 5)
    x[0, 0, 0, 4], x[0, 0, 1, 3] = 2.0, 1.0
    corner = visualize.strongest(net, x, "0", (0, 0, 4))
    assert corner.windows.tolist() == [[-1, 3, 2, 6]]
    assert corner.patches.tolist() == [[[[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]]]
    assert corner.values.tolist() == [3.0]
    outside = visualize.strongest(net, x, "1", (0, 0, 8))
    assert outside.windows.tolist() == [[-3, 5, 0, 8]], "all of it lies outside"
    assert not outside.patches.any()


def test_other_images_are_cut_alike():
    torch.manual_seed(0)
    net = models.simple_cnn(1, 3, width=4)
    x = torch.randn(9, 1, 12, 12)
    found = visualize.strongest(net, x, "5", 0, 4)
    assert torch.equal(found.cut(x[found.rows]), found.patches)
    projections = visualize.deconvnet(net, x[found.rows], "5", 0)
    outside = projections.clone()
    for image, (top, left, bottom, right) in zip(outside, found.windows.tolist(), strict=True):
        image[:, max(0, top) : bottom, max(0, left) : right] = 0
    assert projections.any()
    assert not outside.any(), "a projection lies in the window of the unit: it is of the same place"
    torch.testing.assert_close(found.cut(projections).sum((1, 2, 3)), projections.sum((1, 2, 3)))
    with pytest.raises(
        ValueError, match=r"Strongest.cut: images must be \(4, C, H, W\), one for each window"
    ):
        found.cut(x)


def test_neurons_see_the_whole_image_and_have_no_place():
    torch.manual_seed(0)
    net = models.simple_cnn(3, 4, width=3)
    x = torch.randn(6, 3, 8, 9)
    got = visualize.strongest(net, x, net, 2, 3)
    values, rows = net(x)[:, 2].detach().sort(descending=True)
    torch.testing.assert_close(got.values, values[:3])
    assert torch.equal(got.rows, rows[:3])
    assert got.places.shape == (3, 0)
    assert torch.equal(got.patches, x[rows[:3]])


class Net(nn.Module):
    """No chain as a whole, but with chains in it: one is shown the image, one the image doubled."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(layers.Conv2d(1, 2, 3, stride=2), layers.ReLU(), layers.Conv2d(2, 2, 3))
        self.doubled = nn.Sequential(layers.Conv2d(1, 2, 3))
        self.after, self.single = layers.Conv2d(2, 2, 1), layers.Conv2d(1, 1, 5)

    def forward(self, x):
        return [self.after(self.features(x)), self.doubled(2 * x), self.single(x)]


def test_in_a_net_that_is_no_chain_the_patch_is_the_image_but_for_chains_that_start_with_it():
    torch.manual_seed(0)
    net, x = Net(), torch.randn(5, 1, 12, 13)
    sides = {"features.0": 3, "features.2": 7, "features": 7, "single": 5}
    for layer, side in sides.items():
        got = visualize.strongest(net, x, layer, 0, 2)
        assert got.patches.shape == (2, 1, side, side), f"layer {layer}"
        inner = net.features[0] if layer == "features.0" else net.get_submodule(layer.split(".")[0])
        alone = inner(got.patches)[:, 0, 0, 0].detach()
        torch.testing.assert_close(alone, got.values, msg=lambda m, layer=layer: f"layer {layer}: {m}")
    for layer in ("doubled", "doubled.0", "after"):
        got = visualize.strongest(net, x, layer, 0, 2)
        assert got.windows.tolist() == [[0, 0, 12, 13]] * 2, f"layer {layer}"
        assert torch.equal(got.patches, x[got.rows]), f"layer {layer}"


def test_a_nested_sequence_sees_what_its_last_layer_sees():
    inner = nn.Sequential(layers.Conv2d(1, 2, 3), layers.ReLU(), layers.MaxPool2d(2))
    net = nn.Sequential(nn.Sequential(inner, layers.Conv2d(2, 2, 3)), nn.Identity())
    x = torch.randn(3, 1, 12, 12)
    for layer, same, side in ((inner, "0.0.2", 4), ("0", "0.1", 8), ("", "1", 8)):
        got, expected = (visualize.strongest(net, x, name, 1, 2) for name in (layer, same))
        assert got.patches.shape[2:] == (side, side)
        assert torch.equal(got.patches, expected.patches), f"{same}"


def test_all_where_there_are_fewer_and_the_first_of_equals_first():
    net = nn.Sequential(layers.MaxPool2d(2))
    x = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    got = visualize.strongest(net, x, "0", 0, batch_size=3)
    assert got.rows.tolist() == [1, 3, 0, 2]
    off = visualize.strongest(net, torch.zeros(500, 1, 2, 2), "0", 0)
    assert off.rows.tolist() == list(range(9))
    several = visualize.strongest(net, x, "0", torch.tensor([0, 0, 0, 0]), batch_size=3)
    assert torch.equal(several.values, got.values), "a tensor of maps is split as the images are"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"k": 0}, "k must be 1 or more, got 0"),
        (TypeError, {"k": 2.5}, r"k must be an integer, got 2\.5"),
        (ValueError, {"batch_size": 0}, "batch_size must be 1 or more, got 0"),
        (ValueError, {"unit": 2}, r"unit must be from 0 to 1 in a layer of shape \(2, 8, 8\), got 2"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    net = models.simple_cnn(1, 3, width=2)
    with pytest.raises(error, match=f"strongest: {words}"):
        visualize.strongest(net, torch.rand(2, 1, 8, 8), **{"layer": "0", "unit": 0, **options})
