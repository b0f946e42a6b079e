"""saliency against closed forms and differences of scores."""

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_of_a_linear_model_it_is_the_largest_weight_of_a_pixel(channels, dtype):
    net = nn.Sequential(nn.Flatten(), layers.Linear(channels * 5 * 4, 3)).to(dtype)
    x = torch.randn(2, channels, 5, 4, dtype=dtype)
    weights = net[1].weight.detach().view(3, channels, 5, 4).abs().amax(1)
    got = visualize.saliency(net, x, classes=[2, 0])
    assert got.dtype == dtype
    assert torch.equal(got, weights[[2, 0]])
    assert torch.equal(visualize.saliency(net, x), weights[net(x).argmax(1)]), (
        "by default the predicted class"
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_how_much_the_score_changes(channels):
    torch.manual_seed(0)
    net = models.simple_cnn(channels, 4, width=4, norm=layers.BatchNorm2d).double()
    net(torch.randn(8, channels, 6, 6, dtype=torch.float64))  # moves the running averages
    x, step = torch.randn(1, channels, 6, 6, dtype=torch.float64), 1e-6
    got = visualize.saliency(net, x, 3)
    net.eval()
    steps = step * torch.eye(x.numel(), dtype=torch.float64).view(-1, channels, 6, 6)
    with torch.no_grad():
        change = (net(x + steps) - net(x - steps))[:, 3] / (2 * step)
    expected = change.view(1, channels, 6, 6).abs().amax(1)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-8)


def test_an_image_does_not_depend_on_the_others():
    torch.manual_seed(0)
    net = models.simple_cnn(1, 4, width=4, norm=layers.BatchNorm2d).double()  # in training mode
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64)
    alone = torch.cat([visualize.saliency(net, image[None], 1) for image in x])
    torch.testing.assert_close(visualize.saliency(net, x, 1), alone)


def test_a_model_that_looks_away_is_named():
    with pytest.raises(ValueError, match="saliency: model must give scores that depend on the images"):
        visualize.saliency(Blind(), torch.rand(2, 1, 4, 4))


class Blind(nn.Module):
    def forward(self, x):
        return torch.zeros(len(x), 3)
