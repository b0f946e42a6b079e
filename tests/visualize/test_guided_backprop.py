"""guided_backprop against backward hooks, the steps by hand, and the gradient where they must agree."""

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize


def of_torch(in_channels):
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(in_channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.LocalResponseNorm(3, alpha=1.0), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * 2 * 2, 9), nn.ReLU(), nn.Linear(9, 5)),
    )


def by_hooks(net, x, scores_of):
    """Guided backpropagation by a backward hook on every ReLU."""
    handles = []
    for module in net.modules():
        if isinstance(module, nn.ReLU):  # below is the gradient: already masked by the sign on the way up
            hook = module.register_full_backward_hook(lambda module, below, above: (below[0].clamp(min=0),))
            handles.append(hook)
    pixels = x.clone().requires_grad_()
    scores_of(net(pixels)).sum().backward()
    for handle in handles:
        handle.remove()
    return pixels.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_same_as_with_backward_hooks(in_channels, dtype):
    net = of_torch(in_channels).to(dtype).eval()
    x = torch.randn(3, in_channels, 15, 15, dtype=dtype)
    for unit in range(5):
        expected = by_hooks(net, x, lambda scores, unit=unit: scores[:, unit])
        got = visualize.guided_backprop(net, x, "11", unit)
        assert got.dtype == dtype
        assert expected.abs().max() > 0, f"unit {unit}: there is something to compare"
        torch.testing.assert_close(got, expected, msg=lambda m, unit=unit: f"guided_backprop, {unit}: {m}")


def test_a_class_for_each_image_of_the_model_as_a_layer():
    net = of_torch(3).eval()
    x = torch.randn(3, 3, 15, 15)
    classes = torch.tensor([4, 0, 4])
    expected = by_hooks(net, x, lambda scores: scores[range(3), classes])
    torch.testing.assert_close(visualize.guided_backprop(net, x, net, classes), expected)


def test_the_steps_by_hand():
    torch.manual_seed(3)
    first, second = layers.Conv2d(1, 4, 3), layers.Conv2d(4, 3, 3)
    net = nn.Sequential(first, layers.ReLU(), second, layers.ReLU())
    x = torch.randn(1, 1, 9, 9)
    with torch.no_grad():
        below = first(x)
        above = second(below.relu())
        place = (0, 1, *divmod(int(above[0, 1].argmax()), 5))
        assert above[place] > 0
        signal = torch.zeros_like(above)
        signal[place] = 1.0
        signal = layers.conv_transpose2d(signal, second.weight).relu() * (below > 0)
        expected = layers.conv_transpose2d(signal, first.weight)
    torch.testing.assert_close(visualize.guided_backprop(net, x, "3", 1), expected)


def test_positive_weights_leave_nothing_to_rectify():
    net = models.simple_cnn(1, 3, width=4).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    x = torch.rand(2, 1, 12, 12, dtype=torch.float64)
    pixels = x.clone().requires_grad_()
    net(pixels)[:, 2].sum().backward()
    torch.testing.assert_close(visualize.guided_backprop(net, x, "12", 2), pixels.grad)


def test_a_unit_that_is_off_gets_nothing_down():
    net = nn.Sequential(layers.Conv2d(1, 2, 3), layers.ReLU())
    nn.init.constant_(net[0].bias, -100.0)
    assert not visualize.guided_backprop(net, torch.randn(2, 1, 5, 5), "1", 0).any()
