"""occlusion against patches put on one by one, and closed forms."""

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize


def one_by_one(net, x, chosen, patch, stride, fill):
    """Every place, every image, each for itself."""
    n, _, height, width = x.shape
    total, count = torch.zeros(n, height, width, dtype=x.dtype), torch.zeros(n, height, width, dtype=x.dtype)
    tops = sorted({*range(0, height - patch[0] + 1, stride[0]), height - patch[0]})
    lefts = sorted({*range(0, width - patch[1] + 1, stride[1]), width - patch[1]})
    for row in range(n):
        whole = net(x[row : row + 1])[0, chosen[row]]
        for top in tops:
            for left in lefts:
                hidden = x[row : row + 1].clone()
                for channel, value in enumerate(fill):
                    hidden[0, channel, top : top + patch[0], left : left + patch[1]] = value
                drop = whole - net(hidden)[0, chosen[row]]
                total[row, top : top + patch[0], left : left + patch[1]] += drop
                count[row, top : top + patch[0], left : left + patch[1]] += 1
    assert (count > 0).all(), "every pixel was covered"
    return total / count


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("channels", "size", "patch", "stride", "fill"),
    [
        (1, (9, 7), (3, 3), (2, 2), 0.0),
        (3, (8, 8), (3, 2), (2, 1), 0.5),
        (3, (10, 6), (4, 6), (3, 1), torch.tensor([0.1, -2.0, 3.0])),
        (1, (5, 5), (5, 5), (4, 4), -1),
        (2, (4, 7), (1, 2), (1, 2), torch.tensor([1, 2])),
    ],
)
def test_against_patches_put_on_one_by_one(channels, size, patch, stride, fill, dtype):
    torch.manual_seed(0)
    net = models.simple_cnn(channels, 4, width=3).to(dtype).eval()
    x = torch.randn(3, channels, *size, dtype=dtype)
    with torch.no_grad():
        chosen = net(x).argmax(1)
        values = fill.tolist() if isinstance(fill, torch.Tensor) else [fill] * channels
        expected = one_by_one(net, x, chosen, patch, stride, values)
    for batch_size in (1, 7, 1000):
        got = visualize.occlusion(net, x, patch=patch, stride=stride, fill=fill, batch_size=batch_size)
        assert got.dtype == dtype
        case = f"occlusion, patch {patch}, stride {stride}, {batch_size} at a time"
        torch.testing.assert_close(got, expected, msg=lambda m, case=case: f"{case}: {m}")


def test_of_a_linear_model_a_pixel_is_worth_its_weight_times_its_value():
    net = nn.Sequential(nn.Flatten(), layers.Linear(3 * 4 * 5, 6)).double()
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    classes = torch.tensor([5, 1])
    got = visualize.occlusion(net, x, classes, patch=1, stride=1, fill=0.25)
    expected = (net[1].weight.detach()[classes].view_as(x) * (x - 0.25)).sum(1)
    torch.testing.assert_close(got, expected)


def test_any_function_of_images_will_do():
    def brightness(images):
        mean = images.mean((1, 2, 3))
        return torch.stack([mean, 1 - mean], 1)  # probabilities

    x = torch.zeros(1, 1, 4, 4)
    x[..., 0, 0] = 16.0
    got = visualize.occlusion(brightness, x, 0, patch=2, stride=2)[0]
    assert got.tolist() == [[1.0, 1.0, 0.0, 0.0]] * 2 + [[0.0] * 4] * 2
    assert torch.equal(visualize.occlusion(brightness, x, 1, patch=2, stride=2)[0], -got)


def test_the_images_stay_as_they_were():
    def careless(images):
        return images.zero_().sum((2, 3))

    x = torch.ones(2, 3, 4, 4)
    visualize.occlusion(careless, x, 0, patch=2, stride=2)
    assert torch.equal(x, torch.ones(2, 3, 4, 4))


BAD = [
    (ValueError, {"patch": 6}, r"patch must be at most the image, \(5, 7\), got 6"),
    (ValueError, {"patch": (5, 8)}, r"patch must be at most the image, \(5, 7\), got 8"),
    (ValueError, {"patch": 0}, "patch must be 1 or more, got 0"),
    (TypeError, {"patch": 2.0}, r"patch must be one integer or two, got 2\.0"),
    (ValueError, {"patch": 2, "stride": 3}, "stride must be at most the patch, 2, got 3"),
    (ValueError, {"stride": 0}, "stride must be 1 or more, got 0"),
    (TypeError, {"fill": "grey"}, "fill must be a number, got 'grey'"),
    (ValueError, {"fill": float("nan")}, "fill must be a number, got nan"),
    (ValueError, {"fill": torch.zeros(2)}, r"fill must be a number, or one for each channel, \(3,\), got"),
    (ValueError, {"batch_size": 0}, "batch_size must be 1 or more, got 0"),
    (ValueError, {"classes": 4}, "classes must be from 0 to 3, got 4"),
]


@pytest.mark.parametrize(("error", "options", "words"), BAD)
def test_bad_calls_are_named(error, options, words):
    net = models.simple_cnn(3, 4, width=2)
    with pytest.raises(error, match=f"occlusion: {words}"):
        visualize.occlusion(net, torch.rand(2, 3, 5, 7), **{"patch": 3, **options})


def test_a_model_that_cannot_be_called_is_named():
    with pytest.raises(TypeError, match="occlusion: model must be a module or a function, got int"):
        visualize.occlusion(3, torch.rand(2, 3, 5, 7))
