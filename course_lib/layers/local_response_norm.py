"""Local response normalization: channels that respond at the same place inhibit each other."""

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks

WAYS = ("native", "loops")


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, *, way: str = "native"
) -> Tensor:
    """Divide by ``size`` neighbouring channels' squares, as ``torch.nn.functional.local_response_norm``.

    See LocalResponseNorm. ``way="native"`` adds whole blocks of channels and has the gradient in closed form;
    ``way="loops"`` goes channel by channel, as the formula says.

    Raises:
        ValueError: a size below 1, or an input that is not (N, C, L, ...).
    """
    _check_arguments("local_response_norm", size, alpha, beta, k)
    checks.one_of("local_response_norm", "way", way, WAYS)
    _check_input("local_response_norm", input)
    compute = _by_blocks if way == "native" else _by_loops
    return compute(input, size, alpha, beta, k)


def _by_loops(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    left, right = size // 2, (size - 1) // 2
    sums = [x[:, max(0, c - left) : c + right + 1].square().sum(dim=1) for c in range(x.shape[1])]
    return x / (k + alpha / size * torch.stack(sums, dim=1)) ** beta


def _by_blocks(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    if x.dtype in (torch.float16, torch.bfloat16):  # squares overflow in float16 and are coarse in bfloat16
        return _by_blocks(x.float(), size, alpha, beta, k).to(x.dtype)
    y, _, _ = _LocalResponse.apply(x, size, alpha, beta, k)
    return y


def _window_sum(x: Tensor, left: int, right: int) -> Tensor:
    """Sum channels c - left, ..., c + right, as far as they exist: right + left additions of whole blocks."""
    total = x.clone()
    for offset in range(1, min(right, x.shape[1] - 1) + 1):
        total[:, :-offset] += x[:, offset:]
    for offset in range(1, min(left, x.shape[1] - 1) + 1):
        total[:, offset:] += x[:, :-offset]
    return total


class _LocalResponse(torch.autograd.Function):
    """y = x scale with scale = d^-beta and d = k + alpha / size * the window's sum of x^2.

    scale and d are outputs too: so ``backward``, made of differentiable operations, has its own derivatives.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, size: int, alpha: float, beta: float, k: float) -> tuple[Tensor, Tensor, Tensor]:
        d = _window_sum(x * x, size // 2, (size - 1) // 2).mul_(alpha / size).add_(k)
        scale = d.pow(-beta)
        return x * scale, scale, d

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, ctx.size, ctx.alpha, ctx.beta, _ = inputs
        ctx.save_for_backward(x, *output)
        ctx.set_materialize_grads(False)  # a first derivative has no grad_scale and no grad_d

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        x, y, scale, d = ctx.saved_tensors
        grad_y, grad_scale, grad_d = grads
        grad_y = torch.zeros_like(y) if grad_y is None else grad_y
        # Channel j is in the window of c if c is in the window of j turned round.
        right, left = ctx.size // 2, (ctx.size - 1) // 2
        through_scale = grad_y * y if grad_scale is None else grad_y * y + grad_scale * scale
        around = _window_sum(through_scale / d, left, right)
        slope = 2 * ctx.alpha / ctx.size  # dd_c / dx_j = slope x_j
        dx = torch.addcmul(grad_y * scale, x, around, value=-ctx.beta * slope)
        if grad_d is not None:
            dx = torch.addcmul(dx, x, _window_sum(grad_d, left, right), value=slope)
        return dx, None, None, None, None


class LocalResponseNorm(nn.Module):
    """y_c = x_c / (k + alpha / size * sum_j x_j^2)^beta, with j in a window of ``size`` channels around c.

    The window is j = c - size // 2, ..., c + (size - 1) // 2, cut off at the first and last channel: an even
    one reaches one further to the left. x (n, c, ...) has 3 dimensions or more; there are no parameters.
    AlexNet used 5 channels, beta = 0.75, k = 2 and, with alpha before the sum and not the mean, alpha = 1e-4
    (so 5e-4 here).

    Source: Krizhevsky, Sutskever & Hinton (2012), ImageNet classification with deep convolutional neural
    networks, section 3.3.

    Raises:
        ValueError: a size below 1, an argument that is not finite, or an input of less than 3 dimensions.
        TypeError: an argument that is no number, or an input that is no tensor or not of a floating-point
            dtype.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        _check_arguments("LocalResponseNorm", size, alpha, beta, k)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (n, c, ...) across its channels."""
        _check_input("LocalResponseNorm", x)
        return _by_blocks(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _check_arguments(owner: str, size: int, alpha: float, beta: float, k: float) -> None:
    checks.positive_integer(owner, "size", size)
    for name, value in {"alpha": alpha, "beta": beta, "k": k}.items():
        checks.finite_number(owner, name, value)


def _check_input(owner: str, x: Tensor) -> None:
    checks.float_tensor(owner, x)
    if x.ndim < 3:
        raise ValueError(f"{owner}: input must be (N, C, L, ...), got shape {tuple(x.shape)}")
