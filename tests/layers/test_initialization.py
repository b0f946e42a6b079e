"""The initializers against torch.nn.init, the formulas of the reference, and SciPy's distributions."""

import inspect
import math
import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import layers
from course_lib.layers import initialization
from course_lib.reference import initialization as ref

NAMES = (
    "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "eye_", "dirac_",
    "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_",
)  # fmt: skip
GAINS = [
    ("linear", None), ("conv1d", None), ("conv2d", None), ("conv3d", None), ("conv_transpose1d", None),
    ("conv_transpose2d", None), ("conv_transpose3d", None), ("sigmoid", None), ("tanh", None), ("relu", None),
    ("selu", None), ("leaky_relu", None), ("leaky_relu", 0.2), ("leaky_relu", 0), ("leaky_relu", -1),
]  # fmt: skip
FLOATS = st.floats(-3, 3)
FANNED = st.lists(st.integers(1, 5), min_size=2, max_size=5).map(tuple)
ANY = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def both(name, shape, seed, *arguments, dtype=torch.float32, generator=False, **options):
    """What ours and PyTorch's initializer of that name make of a tensor that starts as sevens."""
    found = []
    for module in (initialization, nn.init):
        tensor = torch.full(shape, 7.0, dtype=dtype).requires_grad_()
        torch.manual_seed(seed)
        if generator:
            options["generator"] = torch.Generator().manual_seed(seed + 1)
        returned = getattr(module, name)(tensor, *arguments, **options)
        assert returned is tensor, f"{name} returns its tensor"
        assert tensor.requires_grad, f"{name} keeps requires_grad"
        assert tensor.grad_fn is None, f"{name} is not recorded"
        found.append(tensor.detach())
    assert getattr(layers, name) is getattr(initialization, name)
    return found


def assert_torchs(name, shape, seed, *arguments, **options):
    got, expected = both(name, shape, seed, *arguments, **options)
    torch.testing.assert_close(
        got,
        expected,
        rtol=0,
        atol=0,
        equal_nan=True,
        msg=lambda m: f"{name}{arguments} {options} on {shape}, seed {seed}: {m}",
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@given(
    shape=ANY,
    seed=st.integers(0, 2**31),
    a=FLOATS,
    width=st.floats(0, 3),
    val=st.sampled_from([0, 0.3, -1e30, math.inf, math.nan]),
    generator=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_plain_fills_are_torchs(dtype, shape, seed, a, width, val, generator):
    assert_torchs("uniform_", shape, seed, a, a + width, dtype=dtype, generator=generator)
    assert_torchs("normal_", shape, seed, a, width, dtype=dtype, generator=generator)
    assert_torchs("constant_", shape, seed, val, dtype=dtype)
    assert_torchs("ones_", shape, seed, dtype=dtype)
    assert_torchs("zeros_", shape, seed, dtype=dtype)


@given(
    shape=ANY,
    seed=st.integers(0, 2**31),
    mean=st.floats(-0.5, 0.5),
    std=st.floats(0.1, 2),
    cut=st.floats(0.3, 4),
    generator=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_trunc_normal_is_torchs(shape, seed, mean, std, cut, generator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean far from the interval
        assert_torchs("trunc_normal_", shape, seed, mean, std, -cut, cut, generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    shape=FANNED,
    seed=st.integers(0, 2**31),
    gain=st.floats(0, 3),
    a=st.floats(0, 2),
    mode=st.sampled_from(["fan_in", "fan_out"]),
    nonlinearity=st.sampled_from(sorted({name for name, _ in GAINS})),
    generator=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_fills_by_fan_are_torchs(dtype, shape, seed, gain, a, mode, nonlinearity, generator):
    options = {"dtype": dtype, "generator": generator}
    assert_torchs("xavier_uniform_", shape, seed, gain, **options)
    assert_torchs("xavier_normal_", shape, seed, gain, **options)
    assert_torchs("kaiming_uniform_", shape, seed, a, mode, nonlinearity, **options)
    assert_torchs("kaiming_normal_", shape, seed, a, mode, nonlinearity, **options)
    assert_torchs("orthogonal_", shape, seed, -gain, **options)
    got, _ = both("kaiming_normal_", shape, seed, mode="fan_in", nonlinearity="linear")
    torch.manual_seed(seed)
    torch.testing.assert_close(layers.lecun_normal_(torch.empty(shape)), got, rtol=1e-6, atol=0)


@given(
    groups=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_dirac_and_eye_are_torchs_and_pass_inputs_on(groups, channels, kernel):
    shape = (groups * channels[0], channels[1], *kernel)
    assert_torchs("dirac_", shape, 0, groups)
    assert_torchs("eye_", channels, 0)
    if len(kernel) == 2:
        weight = layers.dirac_(torch.empty(shape, dtype=torch.float64), groups=groups)
        x = torch.randn(2, groups * channels[1], 5, 6, dtype=torch.float64)
        padded = nn.functional.pad(x, [side for k in reversed(kernel) for side in (k // 2, (k - 1) // 2)])
        y = layers.conv2d(padded, weight, groups=groups).unflatten(1, (groups, -1))
        kept = min(channels)
        torch.testing.assert_close(y[:, :, :kept], x.unflatten(1, (groups, -1))[:, :, :kept])
        assert not y[:, :, kept:].any(), "dirac_: a channel beyond the input's is not 0"


@pytest.mark.parametrize(("nonlinearity", "param"), GAINS)
def test_gains_are_torchs(nonlinearity, param):
    gain = layers.calculate_gain(nonlinearity, param)
    assert gain == nn.init.calculate_gain(nonlinearity, param)
    if nonlinearity == "leaky_relu" and param is not None:
        assert gain == ref.leaky_relu_gain(param)


@given(shape=FANNED)
def test_fans_are_the_references_and_torchs(shape):
    fans = layers.fan_in_and_fan_out(torch.empty(shape))
    assert fans == ref.fan_in_and_fan_out(shape)
    assert fans == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


def test_fans_of_layers_by_hand():
    assert layers.fan_in_and_fan_out(layers.Linear(784, 10).weight) == (784, 10)
    assert layers.fan_in_and_fan_out(layers.Conv2d(3, 64, 7).weight) == (147, 3136)
    assert layers.fan_in_and_fan_out(layers.Conv2d(32, 32, 3, groups=32).weight) == (9, 288)


SHAPE = (40, 20, 3, 3)
FAN_IN, FAN_OUT = ref.fan_in_and_fan_out(SHAPE)
KAIMING = {"a": 0.5, "mode": "fan_out"}


@pytest.mark.parametrize(
    ("fill", "distribution"),
    [
        (lambda w: layers.uniform_(w, -2, 3), scipy.stats.uniform(-2, 5)),
        (lambda w: layers.normal_(w, 1, 3), scipy.stats.norm(1, 3)),
        (lambda w: layers.trunc_normal_(w, std=0.1, a=-0.2, b=0.2), scipy.stats.truncnorm(-2, 2, scale=0.1)),
        (
            lambda w: layers.xavier_uniform_(w, gain=5 / 3),
            scipy.stats.uniform(
                -ref.uniform_bound(ref.xavier_std(FAN_IN, FAN_OUT, 5 / 3)),
                2 * ref.uniform_bound(ref.xavier_std(FAN_IN, FAN_OUT, 5 / 3)),
            ),
        ),
        (layers.xavier_normal_, scipy.stats.norm(0, ref.xavier_std(FAN_IN, FAN_OUT))),
        (
            lambda w: layers.kaiming_uniform_(w, nonlinearity="relu"),
            scipy.stats.uniform(
                -ref.uniform_bound(ref.kaiming_std(FAN_IN)), 2 * ref.uniform_bound(ref.kaiming_std(FAN_IN))
            ),
        ),
        (
            lambda w: layers.kaiming_normal_(w, **KAIMING),
            scipy.stats.norm(0, ref.kaiming_std(FAN_OUT, ref.leaky_relu_gain(0.5))),
        ),
        (layers.lecun_normal_, scipy.stats.norm(0, ref.lecun_std(FAN_IN))),
    ],
    ids=["uniform", "normal", "trunc_normal", "xavier_uniform", "xavier_normal", "kaiming_uniform",
         "kaiming_normal", "lecun_normal"],
)  # fmt: skip
def test_draws_follow_the_distribution_of_the_reference(fill, distribution):
    torch.manual_seed(0)
    draws = fill(torch.empty(SHAPE, dtype=torch.float64)).numpy().ravel()
    assert draws.std() == pytest.approx(distribution.std(), rel=0.03)
    assert scipy.stats.kstest(draws, distribution.cdf).pvalue > 1e-3


def test_the_truncated_normals_std_is_the_references():
    torch.manual_seed(0)
    draws = layers.trunc_normal_(torch.empty(50_000), std=2.0, a=-3.0, b=3.0)
    assert draws.abs().max() <= 3
    assert draws.std().item() == pytest.approx(ref.truncated_normal_std(2.0, 3.0), rel=0.02)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (20, 2, 3, 3)], ids=str)
def test_orthogonal_is_orthogonal(shape):
    torch.manual_seed(0)
    w = layers.orthogonal_(torch.empty(shape, dtype=torch.float64), gain=2.0).flatten(1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    torch.testing.assert_close(gram, 4.0 * torch.eye(len(gram), dtype=torch.float64))


def test_orthogonal_matrices_are_equally_likely():
    # without the signs of Mezzadri's correction, LAPACK's Q has a diagonal that is mostly negative
    torch.manual_seed(0)
    diagonals = torch.stack([layers.orthogonal_(torch.empty(3, 3)).diagonal() for _ in range(400)])
    assert (diagonals > 0).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_orthogonal_works_in_half_precision():
    w = layers.orthogonal_(torch.empty(4, 9, dtype=torch.bfloat16))
    assert w.dtype == torch.bfloat16
    torch.testing.assert_close((w @ w.T).float(), torch.eye(4), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_torchs(name):
    got = inspect.signature(getattr(initialization, name)).parameters
    expected = inspect.signature(getattr(nn.init, name)).parameters
    assert list(got) == list(expected)
    assert {n: p.default for n, p in got.items()} == {n: p.default for n, p in expected.items()}


def test_the_signature_of_calculate_gain_is_torchs():
    got = inspect.signature(layers.calculate_gain).parameters
    expected = inspect.signature(nn.init.calculate_gain).parameters
    assert [(n, p.default) for n, p in got.items()] == [(n, p.default) for n, p in expected.items()]


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("name", [*NAMES, "lecun_normal_"])
def test_any_device_and_layout_will_do(name, device):
    arguments = (0.5,) if name == "constant_" else ()
    shape = (4, 3) if name == "eye_" else (4, 3, 2, 2)
    fill = getattr(layers, name)
    tensor = torch.empty(shape, device=device)
    assert fill(tensor, *arguments) is tensor
    turned = torch.full(shape[::-1], math.nan).permute(*reversed(range(len(shape))))  # not contiguous
    assert fill(turned, *arguments) is turned
    assert turned.isfinite().all(), f"{name} leaves entries of a tensor in another layout as they were"
    if name == "eye_":
        np.testing.assert_array_equal(turned.numpy(), np.eye(4, 3))


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_an_empty_tensor_is_left_alone_with_torchs_warning(name):
    empty = torch.empty(0, 3)
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op") as caught:
        assert getattr(layers, name)(empty) is empty
    assert caught[0].filename == __file__, "the warning points at the caller"


@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "lecun_normal_", "orthogonal_"])
def test_an_empty_tensor_is_fine(name):
    for shape in [(0, 3), (3, 0), (0, 0)]:
        assert getattr(layers, name)(torch.empty(shape)).shape == shape


def test_whole_numbers_can_be_filled_where_that_makes_sense():
    for name, arguments, expected in [("ones_", (), 1), ("zeros_", (), 0), ("constant_", (3,), 3)]:
        filled = getattr(layers, name)(torch.full((2, 3), 7), *arguments)
        assert filled.tolist() == [[expected] * 3] * 2
    assert layers.eye_(torch.full((2, 2), 7)).tolist() == [[1, 0], [0, 1]]
