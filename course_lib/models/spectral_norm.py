"""Spectral normalization: layers that stretch nothing by more than 1."""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from course_lib import layers
from course_lib.layers import checks

Net = TypeVar("Net", bound=nn.Module)

WEIGHTED = (layers.Linear, layers.Conv2d, layers.ConvTranspose2d, layers.Embedding)


class SpectralNorm(nn.Module):
    """W -> W / s, with s the largest singular value of W as a matrix, followed by power iteration.

    W (out, ...) is read as a matrix (out, the rest); that of a transposed convolution, (in, out, ...), with
    its first two dimensions exchanged. The buffers ``_u`` and ``_v`` hold the two singular vectors; in
    training every look at the weight improves them, in evaluation they stay.
    """

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim, eps
        matrix = self._matrix(weight.detach())
        self.register_buffer("_u", F.normalize(matrix.new_empty(len(matrix)).normal_(), dim=0, eps=eps))
        self.register_buffer("_v", F.normalize(matrix.new_empty(matrix.shape[1]).normal_(), dim=0, eps=eps))
        self._iterate(matrix, 15)  # near enough from the first pass on

    def forward(self, weight: Tensor) -> Tensor:
        """Divide by the largest singular value, through which gradients flow; u and v are constants."""
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next look must not change what backward needs
        return weight / torch.dot(u, matrix @ v)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.transpose(0, self.dim).flatten(1)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.T @ self._u, dim=0, eps=self.eps))


def spectral_norm(net: Net, n_power_iterations: int = 1, eps: float = 1e-12) -> Net:
    """Make all dense layers, convolutions and embeddings of ``net`` use W / s(W) for W, and return ``net``.

    s(W) is the largest singular value, so that a dense layer is 1-Lipschitz: |f(x) - f(y)| <= |x - y|. With
    activations of slope 1 at most, so is a stack of them. (Of a convolution it bounds the kernel as a matrix,
    not quite the whole map.) s is followed by ``n_power_iterations`` of power iteration whenever a layer is
    used in training. Parameters and buffers are named, and computed, as by
    ``torch.nn.utils.parametrizations.spectral_norm``.

    Source: Miyato, Kataoka, Koyama & Yoshida (2018), Spectral normalization for generative adversarial
    networks, algorithm 1.

    Raises:
        ValueError: a net without such layers, or that has it already, n_power_iterations below 1, or an eps
            that is not above 0.
        TypeError: a net that is no module, a number that is none.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"spectral_norm: net must be a torch.nn.Module, got {type(net).__name__}")
    checks.positive_integer("spectral_norm", "n_power_iterations", n_power_iterations)
    checks.finite_number("spectral_norm", "eps", eps, above=0)
    found = [module for module in net.modules() if isinstance(module, WEIGHTED)]
    if not found:
        raise ValueError("spectral_norm: net must have a layer with a matrix of weights, and has none")
    if any(parametrize.is_parametrized(module, "weight") for module in found):
        raise ValueError("spectral_norm: net must have plain weights, and has them parametrized already")
    for module in found:
        dim = 1 if isinstance(module, layers.ConvTranspose2d) else 0
        norm = SpectralNorm(module.weight, n_power_iterations, dim, eps)
        parametrize.register_parametrization(module, "weight", norm)
    return net
