"""Sparse and contractive autoencoders: the code may be large, but it pays for what it does."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.models.autoencoder import Autoencoder, EncoderDecoder

EPSILON = 1e-6  # mean activations of exactly 0 or 1 would have no logarithm


class PenalizedOutputs(NamedTuple):
    """What a penalized autoencoder gives in training."""

    reconstruction: Tensor  # of the shape of x
    penalty: Tensor  # (), weight included


class SparseAutoencoder(EncoderDecoder):
    """In training it gives ``PenalizedOutputs``, else the reconstruction: see ``sparse_autoencoder``."""

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, weight: float, penalty: str, rho: float
    ) -> None:
        super().__init__(encoder, decoder)
        self.weight, self.penalty, self.rho = weight, penalty, rho

    def forward(self, x: Tensor) -> Tensor | PenalizedOutputs:
        """Encode and decode; in training, what the code costs, too."""
        h = self.encode(x)
        if not self.training:
            return self.decode(h)
        cost = h.abs().flatten(1).sum(dim=1).mean() if self.penalty == "l1" else kl_sparsity(h, self.rho)
        return PenalizedOutputs(self.decode(h), self.weight * cost)


class ContractiveAutoencoder(EncoderDecoder):
    """In training it gives ``PenalizedOutputs``, in evaluation the reconstruction: see
    ``contractive_autoencoder``.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, weight: float) -> None:
        super().__init__(encoder, decoder)
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor | PenalizedOutputs:
        """Encode and decode; in training, how steep the encoder is, too."""
        reconstruction = self.decode(self.encode(x))
        if not self.training:
            return reconstruction
        return PenalizedOutputs(reconstruction, self.weight * contraction(self.encoder, x).mean())


def sparse_autoencoder(
    net: Autoencoder, weight: float, penalty: str = "kl", rho: float = 0.05
) -> SparseAutoencoder:
    """Return ``net`` as one whose code is mostly silent; the parameters are shared and keep their names.

    The loss is the reconstruction's plus ``weight`` times a penalty on the code h (n, k):

        "l1"   the sum of |h_j| over the units, mean over the batch
        "kl"   sum over the units of KL(rho || rho_j), where rho_j is the unit's mean over the batch; for
               activations between 0 and 1, so with a sigmoid code

    Args:
        net: any autoencoder; its code may be larger than its input.
        weight: of the penalty.
        penalty: "l1" or "kl".
        rho: the mean activation that "kl" asks for.

    Source: Ng (2011), Sparse autoencoder (CS294A lecture notes), section 3; Olshausen & Field (1996) for the
    idea.

    Raises:
        ValueError: another penalty, a negative weight, rho not between 0 and 1.
        TypeError: a net that is no autoencoder, a number that is none.
    """
    owner = "sparse_autoencoder"
    _check(owner, net, weight)
    checks.one_of(owner, "penalty", penalty, ("l1", "kl"))
    _check_rate(owner, rho)
    return SparseAutoencoder(net.encoder, net.decoder, weight, penalty, rho)


def contractive_autoencoder(net: Autoencoder, weight: float) -> ContractiveAutoencoder:
    """Return ``net`` as one whose code hardly moves when its input does; the parameters are shared.

    The loss is the reconstruction's plus ``weight`` times ||J||_F^2, the squared entries of the encoder's
    Jacobian dh/dx, mean over the batch. The reconstruction needs the directions in which data differ; in all
    others the code becomes flat.

    Source: Rifai, Vincent, Muller, Glorot & Bengio (2011), Contractive auto-encoders: explicit invariance
    during feature extraction, equation 2.

    Raises:
        ValueError: a negative weight.
        TypeError: a net that is no autoencoder, a weight that is no number.
    """
    _check("contractive_autoencoder", net, weight)
    return ContractiveAutoencoder(net.encoder, net.decoder, weight)


def loss_with_penalty(
    outputs: Tensor | PenalizedOutputs,
    target: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = layers.mse_loss,
) -> Tensor:
    """loss(reconstruction, target) + penalty; of a net in evaluation, which gives no penalty, without it.

    ``functools.partial(loss_with_penalty, loss=layers.binary_cross_entropy)`` is a loss again.

    Raises:
        TypeError: outputs that are neither a tensor nor ``PenalizedOutputs``.
    """
    if isinstance(outputs, Tensor):
        return loss(outputs, target)
    if not isinstance(outputs, PenalizedOutputs):
        raise TypeError(
            f"loss_with_penalty: outputs must be a tensor or PenalizedOutputs, got {type(outputs).__name__}"
        )
    return loss(outputs.reconstruction, target) + outputs.penalty


def kl_sparsity(h: Tensor, rho: float = 0.05) -> Tensor:
    """Sum over units j of KL(rho || rho_j) = rho ln(rho / rho_j) + (1 - rho) ln((1 - rho) / (1 - rho_j)).

    h (n, k), activations from 0 to 1; rho_j is the mean of column j, kept 1e-6 away from 0 and 1 -> ().

    Raises:
        ValueError: h that is no matrix, no rows, an entry outside 0 ... 1, rho not between 0 and 1.
        TypeError: h no float tensor, rho no number.
    """
    checks.float_tensor("kl_sparsity", h, "h")
    _check_rate("kl_sparsity", rho)
    if h.ndim != 2 or not len(h):
        raise ValueError(f"kl_sparsity: h must be (n, units) with n of 1 or more, got shape {tuple(h.shape)}")
    low, high = h.detach().aminmax() if h.numel() else (h.new_zeros(()), h.new_zeros(()))
    if low < 0 or high > 1:
        raise ValueError(f"kl_sparsity: h must lie from 0 to 1, got {low.item():g} to {high.item():g}")
    mean = h.mean(dim=0).clamp(EPSILON, 1 - EPSILON)
    target = torch.full_like(mean, rho)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()


def contraction(encoder: nn.Module, x: Tensor) -> Tensor:
    """||dh/dx||_F^2 for each input: x (n, ...) -> (n,).

    For one dense layer with a sigmoid or a hyperbolic tangent, g'(z_j) is h_j (1 - h_j) or 1 - h_j^2, and

        ||J||_F^2 = sum_j g'(z_j)^2 ||w_j||^2,

    which costs hardly more than h itself. Of any other encoder the whole Jacobian is computed, which takes as
    many backward passes as the code has units.

    Raises:
        TypeError: an encoder that is no module, x no float tensor.
        ValueError: x without a batch dimension.
    """
    if not isinstance(encoder, nn.Module):
        raise TypeError(f"contraction: encoder must be a torch.nn.Module, got {type(encoder).__name__}")
    checks.float_tensor("contraction", x, "x")
    if x.ndim < 2:
        raise ValueError(f"contraction: x must be (n, ...), got shape {tuple(x.shape)}")
    parts = [part for part in encoder.modules() if not isinstance(part, nn.Sequential | nn.Flatten)]
    if len(parts) == 2 and isinstance(parts[0], layers.Linear):
        h, squares = encoder(x), parts[0].weight.square().sum(dim=1)  # (n, k), (k,)
        if isinstance(parts[1], layers.Sigmoid):
            return (h * (1 - h)).square() @ squares
        if isinstance(parts[1], layers.Tanh):
            return (1 - h**2).square() @ squares

    def code(image: Tensor) -> Tensor:
        return encoder(image[None])[0].flatten()

    jacobian = torch.func.vmap(torch.func.jacrev(code))(x)  # (n, k, ...)
    return jacobian.flatten(1).square().sum(dim=1)


def _check(owner: str, net: Autoencoder, weight: float) -> None:
    if not isinstance(net, Autoencoder):
        raise TypeError(f"{owner}: net must be an Autoencoder, got {type(net).__name__}")
    checks.finite_number(owner, "weight", weight, at_least=0)


def _check_rate(owner: str, rho: float) -> None:
    checks.finite_number(owner, "rho", rho, above=0)
    if rho >= 1:
        raise ValueError(f"{owner}: rho must be less than 1, got {rho:g}")
