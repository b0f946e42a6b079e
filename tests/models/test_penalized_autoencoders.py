"""Sparse and contractive autoencoders: penalties against their formulas, the Jacobian against autograd."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from scipy.stats import entropy
from torch import nn

from course_lib import layers, optim, training
from course_lib.models.autoencoder import autoencoder
from course_lib.models.penalized_autoencoders import (
    PenalizedOutputs,
    contraction,
    contractive_autoencoder,
    kl_sparsity,
    loss_with_penalty,
    sparse_autoencoder,
)


def sigmoid_net(*sizes, **options):
    torch.manual_seed(0)
    return autoencoder(sizes, code=layers.Sigmoid, dtype=torch.float64, **options)


def jacobians(encoder, x):
    return torch.stack(
        [
            torch.autograd.functional.jacobian(lambda image: encoder(image[None])[0].flatten(), each)
            for each in x
        ]
    )


@given(st.integers(1, 6), st.integers(1, 5), st.floats(0.01, 0.99), st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_kl_is_the_sum_of_scipys_entropies(n, k, rho, seed):
    h = torch.rand(n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = sum(entropy([rho, 1 - rho], [m, 1 - m]) for m in h.mean(dim=0).tolist())
    assert kl_sparsity(h, rho).item() == pytest.approx(expected, abs=1e-9)


def test_kl_is_0_at_its_target_and_has_a_gradient_where_units_are_dead():
    assert kl_sparsity(torch.full((4, 3), 0.05, dtype=torch.float64), 0.05).item() == pytest.approx(
        0, abs=1e-12
    )
    h = torch.full((4, 2), 0.01, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(functools.partial(kl_sparsity, rho=0.2), (h,))
    for extreme in (0.0, 1.0):
        assert kl_sparsity(torch.full((4, 3), extreme)).isfinite(), f"all activations {extreme}"


@pytest.mark.parametrize("activation", [layers.Sigmoid, layers.Tanh])
@pytest.mark.parametrize("shape", [None, (1, 2, 3)])
def test_the_closed_form_is_the_jacobian(activation, shape):
    torch.manual_seed(0)
    net = autoencoder((6, 4), code=activation, shape=shape, dtype=torch.float64)
    x = torch.randn(5, *(shape or (6,)), dtype=torch.float64)
    expected = jacobians(net.encoder, x).flatten(1).square().sum(dim=1)
    assert_close(contraction(net.encoder, x), expected, f"contraction, {activation.__name__}", 1e-12, 1e-12)


@pytest.mark.parametrize(
    "encoder",
    [
        nn.Sequential(layers.Linear(6, 5), layers.Sigmoid(), layers.Linear(5, 3), layers.Sigmoid()),
        nn.Sequential(layers.Linear(6, 4)),
        nn.Sequential(layers.Linear(6, 4), layers.ReLU()),
        nn.Sequential(nn.Unflatten(1, (1, 2, 3)), layers.Conv2d(1, 2, 2), layers.Sigmoid()),
    ],
    ids=["deep", "linear", "relu", "convolution"],
)
def test_any_other_encoder_has_its_jacobian_computed(encoder):
    encoder = encoder.double()
    x = torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = jacobians(encoder, x).flatten(1).square().sum(dim=1)
    assert_close(contraction(encoder, x), expected, "contraction by autograd", 1e-11, 1e-11)


def test_both_ways_have_the_same_gradient():
    net = sigmoid_net(6, 4)
    x = torch.randn(3, 6, dtype=torch.float64)
    parameters = list(net.encoder.parameters())
    closed = torch.autograd.grad(contraction(net.encoder, x).sum(), parameters)
    hidden = nn.Sequential(net.encoder, nn.Identity())  # not recognized: the whole Jacobian is computed
    for mine, theirs in zip(
        closed, torch.autograd.grad(contraction(hidden, x).sum(), parameters), strict=True
    ):
        assert_close(mine, theirs, "gradient of the contraction", 1e-11, 1e-11)


@pytest.mark.parametrize("penalty", ["l1", "kl"])
def test_in_training_there_is_a_penalty_and_in_evaluation_the_reconstruction(penalty):
    plain = sigmoid_net(6, 4)
    net = sparse_autoencoder(plain, 0.3, penalty, rho=0.1)
    assert list(net.state_dict()) == list(plain.state_dict())
    x = torch.randn(5, 6, dtype=torch.float64)
    outputs, h = net(x), plain.encode(x)
    assert isinstance(outputs, PenalizedOutputs)
    assert torch.equal(outputs.reconstruction, plain(x))
    expected = h.abs().sum(dim=1).mean() if penalty == "l1" else kl_sparsity(h, 0.1)
    assert_close(outputs.penalty, 0.3 * expected, f"penalty {penalty}", 1e-12, 1e-12)
    assert torch.equal(net.eval()(x), plain(x))


def test_the_contractive_penalty_is_the_weighted_mean():
    plain = sigmoid_net(6, 4)
    net = contractive_autoencoder(plain, 0.2)
    x = torch.randn(5, 6, dtype=torch.float64)
    reconstruction, penalty = net(x)
    assert torch.equal(reconstruction, plain(x))
    assert_close(penalty, 0.2 * contraction(plain.encoder, x).mean(), "penalty", 1e-12, 1e-12)
    assert torch.equal(net.eval()(x), plain(x))


def test_the_loss_adds_the_penalty_and_is_the_plain_one_in_evaluation():
    x, target = torch.randn(3, 4), torch.randn(3, 4)
    plain = layers.mse_loss(x, target)
    assert loss_with_penalty(PenalizedOutputs(x, torch.tensor(2.0)), target) == plain + 2
    assert loss_with_penalty(x, target) == plain
    other = functools.partial(loss_with_penalty, loss=layers.l1_loss)
    assert other(PenalizedOutputs(x, torch.tensor(0.5)), target) == layers.l1_loss(x, target) + 0.5


@pytest.mark.parametrize("kind", ["sparse", "contractive"])
def test_training_makes_the_code_what_it_is_asked_to_be(kind):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(120, 10, generator=generator) @ torch.rand(10, 10, generator=generator) / 5

    def trained(wrap):
        torch.manual_seed(0)
        net = wrap(autoencoder((10, 16), code=layers.Sigmoid))
        options = {"optimizer": optim.Adam(net.parameters(), lr=0.01), "loss": loss_with_penalty}
        training.fit(net, (x, x), epochs=30, batch_size=20, seed=0, progress=False, **options)
        return net.eval()

    free = trained(lambda net: net)
    if kind == "sparse":
        net = trained(lambda net: sparse_autoencoder(net, 0.05, rho=0.05))
        found, before = net.encode(x).mean().item(), free.encode(x).mean().item()
        assert found < 0.5 * before, f"mean activation {found:.3f}, without penalty {before:.3f}"
    else:
        net = trained(lambda net: contractive_autoencoder(net, 0.05))
        found, before = contraction(net.encoder, x).mean().item(), contraction(free.encoder, x).mean().item()
        assert found < 0.5 * before, f"squared Jacobian {found:.3f}, without penalty {before:.3f}"


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda net: sparse_autoencoder(net, 0.1, "l2"),
            "penalty must be one of 'l1', 'kl', got 'l2'",
        ),
        (ValueError, lambda net: sparse_autoencoder(net, -1.0), "weight must be 0 or more"),
        (ValueError, lambda net: sparse_autoencoder(net, 1.0, rho=1.0), "rho must be less than 1"),
        (ValueError, lambda net: contractive_autoencoder(net, np.inf), "weight must be finite"),
        (
            TypeError,
            lambda net: contractive_autoencoder(net.encoder, 1.0),
            "net must be an Autoencoder, got Sequential",
        ),
        (
            ValueError,
            lambda net: kl_sparsity(torch.tensor([[1.5]])),
            "h must lie from 0 to 1, got 1.5 to 1.5",
        ),
        (
            ValueError,
            lambda net: kl_sparsity(torch.zeros(0, 3)),
            r"h must be \(n, units\) with n of 1 or more",
        ),
        (
            ValueError,
            lambda net: contraction(net.encoder, torch.zeros(6)),
            r"x must be \(n, ...\), got shape \(6,\)",
        ),
        (TypeError, lambda net: contraction(len, torch.zeros(2, 6)), "encoder must be a torch.nn.Module"),
        (
            TypeError,
            lambda net: loss_with_penalty([1], torch.zeros(1)),
            "outputs must be a tensor or PenalizedOutputs, got list",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call(autoencoder((6, 4), code=layers.Sigmoid))
