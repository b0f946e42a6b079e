"""GaussianNoise: its statistics, its generator and its gradient."""

import copy
import math
import pickle

import pytest
import torch

from course_lib import layers


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("std", [0.1, 1.0, 30.0])
def test_the_noise_has_mean_0_and_the_stated_spread(std):
    torch.manual_seed(0)
    x = torch.full((200, 500), 3.0, dtype=torch.float64)
    noise = layers.GaussianNoise(std)(x) - x
    n = noise.numel()
    assert abs(noise.mean()) < 5 * std / math.sqrt(n)
    assert noise.std() == pytest.approx(std, rel=5 / math.sqrt(2 * n))
    inside = (noise.abs() < std).double().mean().item()
    assert inside == pytest.approx(0.6827, abs=0.01), "GaussianNoise is not normal"
    rows = noise - noise.mean(dim=1, keepdim=True)
    correlation = (rows[:-1] * rows[1:]).mean() / noise.var()
    assert abs(correlation) < 0.02, "GaussianNoise repeats itself"


def test_evaluation_and_no_spread_are_the_identity():
    x = torch.randn(4, 5)
    assert torch.equal(layers.GaussianNoise(2.0).eval()(x), x)
    assert torch.equal(layers.GaussianNoise(0)(x), x)


def test_the_noise_comes_from_the_generator_or_else_from_the_seed():
    x = torch.zeros(5)
    layer = layers.GaussianNoise(0.5, torch.Generator().manual_seed(1))
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    torch.manual_seed(7)
    expected = torch.randn(3)
    torch.manual_seed(7)
    assert torch.equal(layers.GaussianNoise(0.5, generator=torch.Generator().manual_seed(1))(x), first)
    assert torch.equal(torch.randn(3), expected), "GaussianNoise with a generator used the global one"
    torch.manual_seed(2)
    once = layers.GaussianNoise(0.5)(x)
    torch.manual_seed(2)
    assert torch.equal(layers.GaussianNoise(0.5)(x), once)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3), (2, 3, 4, 5)], ids=str)
def test_the_gradient_is_one_and_the_input_stays(shape, dtype):
    x = torch.ones(shape, dtype=dtype, requires_grad=True)
    y = layers.GaussianNoise(0.3)(x)
    assert (y.shape, y.dtype) == (x.shape, dtype)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(dx, torch.ones_like(dx))
    assert x.eq(1).all(), "GaussianNoise changed its input"


def test_memory_layouts_get_noise_of_their_own():
    x = torch.zeros(2, 3, 4, 5)
    for view in (
        x.transpose(0, 1),
        x.contiguous(memory_format=torch.channels_last),
        x[:1].expand(6, 3, 4, 5),
    ):
        y = layers.GaussianNoise(1.0)(view)
        assert len(y.unique()) == view.numel(), f"GaussianNoise shares noise at strides {view.stride()}"


def test_noise_on_the_inputs_of_a_linear_model_is_weight_decay():
    torch.manual_seed(3)
    x, w, t = torch.randn(50, 4).double(), torch.randn(4).double(), torch.randn(50).double()
    layer = layers.GaussianNoise(0.3)
    with torch.no_grad():
        noisy = torch.stack([((layer(x) @ w - t) ** 2).mean() for _ in range(4000)]).mean()
    clean = ((x @ w - t) ** 2).mean()
    assert (noisy - clean).item() == pytest.approx(0.3**2 * w.square().sum().item(), rel=0.05)


def test_repr_state_and_copies():
    layer = layers.GaussianNoise(0.2)
    assert repr(layer) == "GaussianNoise(std=0.2)"
    assert not layer.state_dict()
    found = []
    for copied in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.manual_seed(4)
        found.append(copied(torch.zeros(3)))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    y = layers.GaussianNoise(0.2)(torch.zeros(3, 2, device=device))
    assert (y.device.type, y.shape) == (device, (3, 2))


def test_low_precision_under_autocast():
    x = torch.randn(4, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layers.GaussianNoise(1e-6)(x).sub(x).abs().max() < 1e-4


# ---- MaskingNoise


@pytest.mark.parametrize("p", [0.1, 0.25, 0.9])
def test_masking_blanks_the_stated_share_and_leaves_the_rest_as_it_was(p):
    x = torch.full((200, 500), 3.0, dtype=torch.float64)
    y = layers.MaskingNoise(p)(x)
    assert set(y.unique().tolist()) == {0.0, 3.0}, "blanked or unchanged, nothing between"
    share = y.eq(0).double().mean().item()
    assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / y.numel()), f"{share:.4f} blanked"
    blank = y.eq(0).double() - p
    for dim in (0, 1):
        shifted = (blank.narrow(dim, 1, 100) * blank.narrow(dim, 0, 100)).mean() / (p * (1 - p))
        assert abs(shifted) < 0.03, "MaskingNoise repeats itself"


def test_masking_in_evaluation_with_0_and_with_1():
    x = torch.randn(4, 5)
    assert torch.equal(layers.MaskingNoise(0.5).eval()(x), x)
    assert torch.equal(layers.MaskingNoise(0)(x), x)
    assert layers.MaskingNoise(1)(x).eq(0).all()


def test_masking_comes_from_the_generator_or_else_from_the_seed():
    x = torch.ones(50)
    first = layers.MaskingNoise(0.5, torch.Generator().manual_seed(1))(x)
    assert torch.equal(layers.MaskingNoise(0.5, torch.Generator().manual_seed(1))(x), first)
    torch.manual_seed(2)
    once = layers.MaskingNoise(0.5)(x)
    torch.manual_seed(2)
    assert torch.equal(layers.MaskingNoise(0.5)(x), once)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(), (3,), (0, 3), (2, 3, 4, 5)], ids=str)
def test_maskings_gradient_is_1_where_x_was_kept(shape, dtype):
    x = torch.ones(shape, dtype=dtype, requires_grad=True)
    y = layers.MaskingNoise(0.5)(x)
    assert (y.shape, y.dtype) == (x.shape, dtype)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())
    assert x.eq(1).all(), "MaskingNoise changed its input"


def test_half_precision_is_masked_as_often():
    y = layers.MaskingNoise(0.001)(torch.ones(1_000_000, dtype=torch.bfloat16))
    assert y.eq(0).sum().item() == pytest.approx(1000, abs=200)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: layers.MaskingNoise(1.5), "MaskingNoise: p must be from 0 to 1"),
        (TypeError, lambda: layers.MaskingNoise("0.1"), "MaskingNoise: p must be a number"),
        (
            TypeError,
            lambda: layers.MaskingNoise(0.1, 3),
            "MaskingNoise: generator must be a torch.Generator or None, got 3",
        ),
        (
            TypeError,
            lambda: layers.MaskingNoise(0.1)(torch.ones(2, dtype=torch.int64)),
            "floating-point dtype",
        ),
    ],
)
def test_bad_masking_is_named(error, call, words):
    with pytest.raises(error, match=words):
        call()


def test_masking_repr():
    assert repr(layers.MaskingNoise(0.25)) == "MaskingNoise(p=0.25)"
