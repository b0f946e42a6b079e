"""grad_cam against class activation maps, and against the formula written out for nets cut in two."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import layers, models, visualize


def enlarged(maps, size):
    return F.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (16, 24)])
def test_with_a_global_average_and_a_dense_layer_it_is_cam_up_to_scale(size, channels, dtype):
    """Zhou et al. (2016), equation 2: the dense layer's weights of the class, times the maps."""
    torch.manual_seed(0)
    net = models.simple_cnn(channels, 5, width=4).to(dtype).eval()
    x = torch.randn(3, channels, *size, dtype=dtype)
    with torch.no_grad():
        maps = net[:10](x)  # (n, k, h, w): what the global average averages
        for c in range(5):
            cam = torch.einsum("k,nkhw->nhw", net[12].weight[c], maps)
            scale = maps.shape[2] * maps.shape[3]
            got = visualize.grad_cam(net, x, "9", c)
            assert got.dtype == dtype
            expected = enlarged(cam.relu() / scale, size)
            torch.testing.assert_close(
                got, expected, msg=lambda m, c=c: f"grad_cam against CAM, class {c}: {m}"
            )
            score = cam.mean((1, 2)) + net[12].bias[c]
            torch.testing.assert_close(score, net(x)[:, c], msg=lambda m: f"CAM's mean is the score: {m}")


@pytest.mark.parametrize("layer", range(0, 10))
def test_any_layer_against_the_formula_in_a_net_cut_in_two(layer):
    torch.manual_seed(1)
    net = models.simple_cnn(3, 5, width=8).double().eval()
    x = torch.randn(2, 3, 12, 12, dtype=torch.float64)
    maps = net[: layer + 1](x).detach().requires_grad_()
    scores = net[layer + 1 :](maps)
    best = scores.argmax(1)
    scores[range(2), best].sum().backward()
    expected = torch.zeros(2, *maps.shape[2:], dtype=torch.float64)
    for n in range(2):
        for k in range(maps.shape[1]):
            expected[n] += maps.grad[n, k].mean() * maps[n, k].detach()
    expected = enlarged(expected.clamp(min=0), (12, 12))
    torch.testing.assert_close(visualize.grad_cam(net, x, str(layer)), expected)
    torch.testing.assert_close(visualize.grad_cam(net, x, net[layer], best), expected)
    assert expected.any(), f"layer {layer}: there is something to compare"


def test_it_tells_classes_apart_by_where_they_are():
    """Two detectors, for a bright left or right half: each class's heat is on its side."""
    net = nn.Sequential(
        *(layers.Conv2d(1, 2, 1, bias=False), layers.ReLU()),
        *(layers.AdaptiveAvgPool2d(1), nn.Flatten(), layers.Linear(2, 2, bias=False)),
    )
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        net[4].weight.copy_(torch.eye(2))
    x = torch.cat([torch.ones(1, 1, 4, 3), -torch.ones(1, 1, 4, 3)], dim=3)
    bright, dark = (visualize.grad_cam(net, x, "1", c)[0] for c in (0, 1))
    assert torch.equal(bright, torch.tensor([[1.0] * 3 + [0.0] * 3] * 4) / 24)
    assert torch.equal(dark, bright.flip(1))


def test_what_speaks_against_a_class_is_0():
    net = nn.Sequential(
        layers.Conv2d(1, 1, 1), layers.AdaptiveAvgPool2d(1), nn.Flatten(), layers.Linear(1, 2)
    )
    with torch.no_grad():
        net[0].weight.fill_(1.0), net[0].bias.zero_()
        net[3].weight.copy_(torch.tensor([[1.0], [-1.0]]))
    x = torch.rand(1, 1, 3, 3) + 0.1
    assert (visualize.grad_cam(net, x, "0", 0) > 0).all()
    assert not visualize.grad_cam(net, x, "0", 1).any()


def test_frozen_nets_and_in_place_relus():
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
    )
    x = torch.randn(2, 1, 9, 9)
    with torch.no_grad():
        before = net[2](net[1](net[0](x)))
    expected = visualize.grad_cam(net, x, "2", 0)
    assert torch.equal(visualize.grad_cam(net.requires_grad_(False), x, "2", 0), expected), "frozen"
    net[1], net[3] = nn.ReLU(), nn.ReLU()
    assert torch.equal(visualize.grad_cam(net, x, "2", 0), expected), "not in place"
    slopes = net[6].weight[0][:, None, None] * (before > 0) / 25
    heat = (slopes.mean((2, 3), keepdim=True) * before).sum(1).relu()
    torch.testing.assert_close(expected, enlarged(heat, (9, 9)))


class Aside(nn.Module):
    """A branch without influence on the scores, and one that ends outside the graph."""

    def __init__(self):
        super().__init__()
        self.main, self.aside, self.cut = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 1)

    def forward(self, x):
        self.aside(x)
        return (self.main(x) + self.cut(x).detach()).mean((2, 3))


@pytest.mark.parametrize("layer", ["aside", "cut"])
def test_a_layer_without_influence_is_named(layer):
    x = torch.rand(2, 1, 4, 4)
    assert visualize.grad_cam(Aside(), x, "main", 0).shape == (2, 4, 4)
    with pytest.raises(ValueError, match="grad_cam: layer must be one on which the scores depend"):
        visualize.grad_cam(Aside(), x, layer, 0)


def test_a_layer_without_maps_is_named():
    net = models.simple_cnn(1, 3, width=2)
    with pytest.raises(ValueError, match=r"grad_cam: layer must give maps .*, got shape \(2, 4\)"):
        visualize.grad_cam(net, torch.rand(2, 1, 8, 8), "11")
