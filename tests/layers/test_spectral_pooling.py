"""SpectralPool2d: what it keeps and what not, as proofs, and against its NumPy reference."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, output_and_gradients

from course_lib import layers
from course_lib.reference import pooling as ref

WAYS = ["matrix", "fft"]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


@st.composite
def sizes(draw, least=1):
    """A size (H, W), and one that it can be made to."""
    whole = draw(st.integers(least, 9)), draw(st.integers(least, 9))
    return whole, tuple(draw(st.integers(1, each)) for each in whole)


def wave(size, u, v, phase=0.3):
    """The wave of u periods over the height and v over the width, at the points of an image of this size."""
    rows, columns = (torch.arange(each, dtype=torch.float64) / each for each in size)
    return torch.cos(2 * math.pi * (u * rows[:, None] + v * columns) + phase).expand(1, 1, -1, -1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(case=sizes(), n=st.integers(0, 2), c=st.integers(1, 3), seed=st.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_values_and_gradients_agree_with_the_reference(dtype, way, case, n, c, seed):
    whole, part = case
    torch.manual_seed(seed)
    x, grad = torch.randn(n, c, *whole, dtype=dtype), torch.randn(n, c, *part, dtype=dtype)
    before = x.clone()
    got = output_and_gradients(layers.SpectralPool2d(part, way=way), x, grad)
    assert_close(x, before, "SpectralPool2d changed its input")
    assert_close(layers.spectral_pool2d(x, part, way=way), got[0], f"spectral_pool2d {whole} to {part}")
    if n == 0:
        assert got[0].shape == (0, c, *part)
        return
    for name, mine, expected in (
        ("y", got[0], ref.spectral_pool2d(x.double().numpy(), part)),
        ("dx", got[1], ref.spectral_pool2d_backward(grad.double().numpy(), x.shape)),
    ):
        np.testing.assert_allclose(
            mine.double(),
            expected,
            TOLERANCE[dtype],
            TOLERANCE[dtype],
            err_msg=f"{way} {whole} to {part}: {name}",
        )


@pytest.mark.parametrize("way", WAYS)
@given(case=sizes(), value=st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_a_constant_stays_itself(way, case, value):
    whole, part = case
    x = torch.full((1, 2, *whole), value, dtype=torch.float64)
    expected = torch.full((1, 2, *part), value, dtype=torch.float64)
    assert_close(layers.spectral_pool2d(x, part, way=way), expected, f"{way} {whole} to {part}", 0, 1e-12)


@pytest.mark.parametrize("way", WAYS)
@given(case=sizes(), data=st.data(), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_an_image_of_low_waves_alone_is_sampled_and_nothing_else(way, case, data, seed):
    """Its small image has the values of the same waves at fewer points, and gives the large one back."""
    whole, part = case
    rng = np.random.default_rng(seed)
    large, small = torch.zeros(1, 1, *whole).double(), torch.zeros(1, 1, *part).double()
    for _ in range(4):
        u, v = (data.draw(st.integers(-((each - 1) // 2), (each - 1) // 2)) for each in part)
        amplitude, phase = rng.normal(), rng.uniform(0, 6)
        large += amplitude * wave(whole, u, v, phase)
        small += amplitude * wave(part, u, v, phase)
    y = layers.spectral_pool2d(large, part, way=way)
    assert_close(y, small, f"{way} {whole} to {part}: low waves", 1e-11, 1e-11)
    scale = math.prod(whole) / math.prod(part)
    _, dx = output_and_gradients(layers.SpectralPool2d(part, way=way), large, y)
    assert_close(scale * dx, large, f"{way} {part} back to {whole}", 1e-11, 1e-11)


@pytest.mark.parametrize("way", WAYS)
def test_higher_waves_are_gone_and_that_at_the_limit_keeps_half(way):
    part = (4, 6)
    for u, v in ((3, 0), (0, 4), (4, -1), (-1, 5), (6, 6)):
        y = layers.spectral_pool2d(wave((12, 13), u, v), part, way=way)
        assert y.abs().max() < 1e-12, f"{way}: the wave {u, v} is still there"
    for u, v in ((2, 0), (-2, 1), (1, 3), (0, -3)):
        large, small = wave((12, 13), u, v, phase=0.0), wave(part, u, v, phase=0.0)
        y = layers.spectral_pool2d(large, part, way=way)
        mirrored = wave(part, *((-u, v) if abs(u) == 2 else (u, -v)), phase=0.0)
        assert_close(mirrored, small, "at the limit both directions are one wave", 1e-12, 1e-12)
        assert_close(y, small / 2, f"{way}: the wave {u, v} at the limit", 1e-12, 1e-12)
    y = layers.spectral_pool2d(wave((12, 13), 2, 3, 0.0), part, way=way)
    assert_close(y, wave(part, 2, 3, 0.0) / 4, f"{way}: the wave at both limits", 1e-12, 1e-12)


@pytest.mark.parametrize("way", WAYS)
@given(case=sizes(), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_the_gradient_is_the_transpose(way, case, seed):
    """<A x, y> = <x, A^T y>."""
    whole, part = case
    torch.manual_seed(seed)
    x, y = torch.randn(1, 1, *whole).double(), torch.randn(1, 1, *part).double()
    ax, aty = output_and_gradients(layers.SpectralPool2d(part, way=way), x, y)
    assert (ax * y).sum().item() == pytest.approx((x * aty).sum().item(), rel=1e-10, abs=1e-11)


@pytest.mark.parametrize("way", WAYS)
@given(case=sizes(), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_energy_is_that_of_the_kept_spectrum_and_never_more_than_before(way, case, seed):
    """Parseval: the mean of y^2 is the sum of |Y|^2, and for odd sizes that of x's |X|^2 in the middle."""
    whole, part = case
    torch.manual_seed(seed)
    x = torch.randn(1, 1, *whole).double()
    y = layers.spectral_pool2d(x, part, way=way)
    energy = y.square().mean().item()
    assert energy == pytest.approx(torch.fft.fft2(y, norm="forward").abs().square().sum().item(), abs=1e-12)
    assert energy <= x.square().mean().item() + 1e-12
    low = torch.fft.fftshift(torch.fft.fft2(x, norm="forward"), (2, 3)).abs().square()
    for dim, (size, kept) in enumerate(zip(whole, part, strict=True), start=2):
        low = low.narrow(dim, size // 2 - (kept - 1) // 2, kept - (kept % 2 == 0))  # without the limit
    if all(kept % 2 for kept in part):
        assert energy == pytest.approx(low.sum().item(), abs=1e-12)
    assert energy >= low.sum().item() - 1e-12


@pytest.mark.parametrize("way", WAYS)
def test_no_other_image_of_low_waves_is_nearer(way):
    """What is lost is orthogonal to what is kept: the small image is the best there is of its size."""
    x = torch.randn(1, 1, 9, 8, generator=torch.Generator().manual_seed(0)).double()
    part = (5, 5)
    _, back = output_and_gradients(
        layers.SpectralPool2d(part, way=way), x, layers.spectral_pool2d(x, part, way=way) * 72 / 25
    )
    for u in range(-2, 3):
        for v in range(-2, 3):
            for phase in (0.0, math.pi / 2):
                assert abs(((x - back) * wave((9, 8), u, v, phase)).sum()) < 1e-10


@pytest.mark.parametrize("way", WAYS)
def test_the_same_size_is_the_identity_and_size_1_the_mean(way):
    for size in ((6, 6), (7, 4), (1, 1), (5, 8)):
        x = torch.randn(2, 3, *size, dtype=torch.float64)
        assert_close(layers.SpectralPool2d(size, way=way)(x), x, f"{way} {size}", 1e-12, 1e-12)
        mean = x.mean((2, 3), keepdim=True)
        assert_close(layers.SpectralPool2d(1, way=way)(x), mean, f"{way} {size} to 1", 1e-12, 1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", [(4, 4), (3, 5)], ids=str)
def test_mirrored_and_shifted_images_give_mirrored_and_shifted_ones(part, way):
    x = torch.randn(1, 2, 8, 10, dtype=torch.float64)
    pool = layers.SpectralPool2d(part, way=way)
    for dim in (2, 3):

        def mirror(image, dim=dim):
            return image.flip(dim).roll(1, dim)  # entry 0 stays

        assert_close(pool(mirror(x)), mirror(pool(x)), f"{way} {part}: mirrored along {dim}", 1e-12, 1e-12)
    pool = layers.SpectralPool2d((4, 5), way=way)
    assert_close(pool(x.roll(4, 2)), pool(x).roll(2, 2), f"{way}: shifted by 2 windows", 1e-12, 1e-12)
    assert_close(pool(x.roll(2, 3)), pool(x).roll(1, 3), f"{way}: shifted by 1 window", 1e-12, 1e-12)


def test_it_keeps_more_of_a_picture_than_max_pooling():
    from sklearn.datasets import load_digits

    x = torch.from_numpy(load_digits().images[:100]).unsqueeze(1) / 16
    spectral = layers.spectral_pool2d(x, 4)
    _, back = output_and_gradients(layers.SpectralPool2d(4), x, 4 * spectral)
    highest = torch.nn.functional.interpolate(layers.max_pool2d(x, 2), scale_factor=2)
    assert (x - back).square().mean() < 0.6 * (x - highest).square().mean()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("part", [(4, 4), (3, 5), (6, 1)], ids=str)
def test_gradcheck_first_and_second_order(part, way):
    x = torch.randn(2, 1, 6, 5, dtype=torch.float64, requires_grad=True)
    call = lambda x: layers.spectral_pool2d(x, part, way=way).square()  # noqa: E731
    assert torch.autograd.gradcheck(call, x)
    assert torch.autograd.gradgradcheck(call, x)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scale", [1e-30, 1e4, 1e30])
def test_extreme_scales(scale, way):
    x = torch.randn(1, 2, 8, 9, generator=torch.Generator().manual_seed(0))
    expected = scale * ref.spectral_pool2d(x.double().numpy(), (4, 5))
    y = layers.spectral_pool2d(scale * x, (4, 5), way=way)
    np.testing.assert_allclose(
        y.double(), expected, rtol=1e-4, atol=1e-6 * scale, err_msg=f"{way} at {scale}"
    )
    shifted = layers.spectral_pool2d(1e4 + x.double(), (4, 5), way=way)
    np.testing.assert_allclose(shifted, 1e4 + expected / scale, rtol=1e-12, err_msg=f"{way} around 1e4")


@pytest.mark.parametrize("way", WAYS)
def test_nan_and_infinity_do_not_disappear(way):
    for value in (math.nan, math.inf):
        x = torch.randn(2, 1, 6, 6)
        x[0, 0, 2, 3] = value
        y = layers.spectral_pool2d(x, 4, way=way)
        assert not y[0].isfinite().any(), f"{way}: {value} disappears"
        assert y[1].isfinite().all(), f"{way}: {value} reaches another image"


@pytest.mark.parametrize("way", WAYS)
def test_repr_copies_layouts_precision_and_devices(way):
    layer = layers.SpectralPool2d((4, 5), way=way)
    assert repr(layer) == "SpectralPool2d(output_size=(4, 5))"
    assert layer.state_dict() == {}
    x = torch.randn(2, 3, 8, 9)
    y = layer(x)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_close(copied(x), y, "SpectralPool2d copied")
    assert_close(layer(x[0]), y[0], "SpectralPool2d, one image", 1e-5, 1e-6)
    assert_close(layers.SpectralPool2d(4, way=way)(x.mT), layers.spectral_pool2d(x, 4).mT, way, 1e-5, 1e-6)
    assert_close(layer(x.to(memory_format=torch.channels_last)), y, "channels_last", 1e-5, 1e-6)
    for dtype in (torch.bfloat16, torch.float16):
        low = layer(x.to(dtype))
        assert low.dtype == dtype
        assert low.sub(y).abs().max() < 0.05
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).sub(y).abs().max() < 0.05
    for device in DEVICES:
        found = layer(x.to(device))
        assert (found.device.type, found.shape) == (device, (2, 3, 4, 5))
