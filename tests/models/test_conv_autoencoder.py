"""conv_autoencoder against torch's layers, and the checkerboard that its kernel sizes make or avoid."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F

from course_lib import layers, optim
from course_lib.models.conv_autoencoder import conv_autoencoder


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("kernel_size", [3, 4])
def test_by_torch(upsampling, kernel_size):
    torch.manual_seed(0)
    net = conv_autoencoder(2, (4, 6), 3, upsampling, kernel_size=kernel_size, output=layers.Sigmoid).double()
    x = torch.randn(2, 2, 12, 20, dtype=torch.float64)
    weights = [module for module in net.modules() if hasattr(module, "weight")]
    assert len(weights) == 6
    h = x
    for layer in weights[:2]:
        h = F.conv2d(h, layer.weight, layer.bias, stride=2, padding=1).relu()
    h = F.conv2d(h, weights[2].weight, weights[2].bias, padding=1)
    assert_close(net.encode(x), h, "code", 1e-12, 1e-12)
    assert h.shape == (2, 3, 3, 5)
    y = F.conv2d(h, weights[3].weight, weights[3].bias, padding=1).relu()
    for number, layer in enumerate(weights[4:]):
        if upsampling == "transposed":
            padding = {3: (1, 1), 4: (1, 0)}[kernel_size]
            y = F.conv_transpose2d(y, layer.weight, layer.bias, 2, *padding)
        else:
            y = F.conv2d(
                F.interpolate(y, scale_factor=2, mode=upsampling), layer.weight, layer.bias, padding=1
            )
        y = y.sigmoid() if number else y.relu()
    assert_close(net(x), y, f"conv_autoencoder, {upsampling}", 1e-12, 1e-12)


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5, 6])
def test_a_kernel_that_2_divides_stamps_every_inner_pixel_as_often(kernel_size):
    net = conv_autoencoder(1, (1,), 1, kernel_size=kernel_size)
    stamp = next(module for module in net.decoder if isinstance(module, layers.ConvTranspose2d))
    nn.init.ones_(stamp.weight)
    nn.init.zeros_(stamp.bias)
    counts = stamp(torch.ones(1, 1, 8, 8))[0, 0, 4:12, 4:12].unique()
    assert (len(counts) == 1) == (kernel_size % 2 == 0), f"stamps a pixel: {counts.tolist()}"


def test_colours_for_grey_images():
    net = conv_autoencoder(1, (4,), 2, out_channels=3)
    assert net(torch.randn(2, 1, 6, 8)).shape == (2, 3, 6, 8)
    assert conv_autoencoder(3, (4,), 2)(torch.zeros(0, 3, 4, 4)).shape == (0, 3, 4, 4)


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
def test_device_dtype_and_gradients(upsampling):
    net = conv_autoencoder(1, (4, 4), 2, upsampling, dtype=torch.float64)
    net(torch.randn(2, 1, 8, 8, dtype=torch.float64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0, f"{upsampling}: {name} has no gradient"
    meta = conv_autoencoder(upsampling=upsampling, device="meta")
    assert {parameter.device.type for parameter in meta.parameters()} == {"meta"}


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (
            ValueError,
            {"upsampling": "cubic"},
            "upsampling must be one of 'transposed', 'nearest', 'bilinear'",
        ),
        (ValueError, {"channels": ()}, "channels must hold one number at least"),
        (ValueError, {"channels": (4, 0)}, r"channels\[1\] must be 1 or more"),
        (ValueError, {"kernel_size": 1}, "kernel_size must be 2 or more"),
        (TypeError, {"code_channels": 2.0}, "code_channels must be an integer"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        conv_autoencoder(**options)


def test_sides_that_do_not_halve_are_named():
    with pytest.raises(ValueError, match="multiples of 4, for halving and doubling to meet again, got 28x30"):
        conv_autoencoder()(torch.zeros(1, 1, 28, 30))


def stamped(x):
    damaged = x.clone()
    damaged[:, :, 3:9, 3:9] = 0.5 * damaged[:, :, 3:9, 3:9] + 0.5
    return damaged


def coarse(x):
    return F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bicubic")


@pytest.mark.parametrize("damage", [stamped, coarse])
def test_it_learns_to_undo_damage_it_has_not_seen_there(damage):
    """Stripes of any direction and width: of others than those of training, most of the damage goes."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    turns, widths, shifts = torch.rand(3, 512, 1, 1, generator=generator)
    waves = (rows * (torch.pi * turns).cos() + columns * (torch.pi * turns).sin()) * (0.4 + widths / 2)
    x = ((waves + 6 * shifts).sin() > 0).float()[:, None]
    torch.manual_seed(0)
    net = conv_autoencoder(1, (16,), 16, "nearest")
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    seen, unseen = x[:448], x[448:]
    for _ in range(150):
        chosen = torch.randint(len(seen), (32,), generator=generator)
        loss = F.mse_loss(damage(seen[chosen]) + net(damage(seen[chosen])), seen[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        before = F.mse_loss(damage(unseen), unseen)
        after = F.mse_loss(damage(unseen) + net(damage(unseen)), unseen)
    assert after < 0.7 * before, f"{damage.__name__}: {before:.4f} before, {after:.4f} after"
