"""Layer and group normalization in one pass over memory, with an activation at the end if one is wanted.

Both make rows of mean 0 and variance 1. In memory x is (examples, channels, positions); a row is a group of
neighbouring channels with all their positions: for group normalization ``channels / num_groups`` of them, for
layer normalization all, with one position each. Each channel has its weight and bias.

Mean and variance come from one reading: those of a block are exact, and blocks are combined as Chan, Golub &
LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample variances, section 2, do it.
So no digits are lost at mean 1e4, as they are in E[x^2] - E[x]^2.

Bytes, for N numbers of b bytes: forward reads N b and writes N b (a row that is longer than a block is read
again, mostly from cache); backward reads 2 N b twice, for x and for the weights, and writes N b. An
activation of its own would read and write N b more, forward, and move 3 N b more, backward.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from course_lib.kernels.activations import BY_NAME, activate, check, through
from course_lib.kernels.precision import numbering, precision
from course_lib.kernels.second_derivatives import differentiable

BLOCK = 2048  # numbers of a row that are worked on at once, at most


class Rows(NamedTuple):
    """x as (examples, groups, share channels each, positions)."""

    examples: int
    groups: int
    share: int
    positions: int


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    activation: str | None = None,
) -> Tensor:
    """Normalize ``input`` (..., *normalized_shape), as in ``torch.nn``, then apply ``activation``.

    weight and bias have ``normalized_shape``; activation is "relu", "gelu", "silu" or None.
    Source: Ba, Kiros & Hinton (2016), section 3.

    Raises:
        ValueError: an input, weight or bias of another shape, or an unknown activation.
    """
    shape = tuple(normalized_shape)
    check("layer_norm", activation)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ValueError(f"layer_norm: input must end in {shape}, got shape {tuple(input.shape)}")
    _check_shapes("layer_norm", shape, weight, bias)
    rows = Rows(math.prod(input.shape[: -len(shape)]), 1, math.prod(shape), 1)
    return _Normalize.apply(input, weight, bias, rows, shape, eps, activation)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    activation: str | None = None,
) -> Tensor:
    """Normalize groups of channels of ``input`` (n, c, ...), as in ``torch.nn``, then ``activation``.

    weight and bias are (c,); activation is "relu", "gelu", "silu" or None.
    Source: Wu & He (2018), Group normalization, section 3.

    Raises:
        ValueError: channels that ``num_groups`` does not divide, a weight or bias of another shape, or an
            unknown activation.
    """
    check("group_norm", activation)
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        shape = tuple(input.shape)
        raise ValueError(f"group_norm: num_groups={num_groups} must divide the channels of input, {shape}")
    _check_shapes("group_norm", tuple(input.shape[1:2]), weight, bias)
    share = input.shape[1] // num_groups
    rows = Rows(input.shape[0], num_groups, share, math.prod(input.shape[2:]))
    return _Normalize.apply(input, weight, bias, rows, None, eps, activation)


def _check_shapes(owner: str, shape: tuple[int, ...], *vectors: Tensor | None) -> None:
    for name, vector in zip(("weight", "bias"), vectors, strict=True):
        if vector is not None and vector.shape != shape:
            raise ValueError(f"{owner}: {name} must have shape {shape}, got {tuple(vector.shape)}")


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, rows: Rows,
        shape: tuple[int, ...] | None, eps: float, activation: str | None,
    ) -> Tensor:  # fmt: skip
        ctx.rows, ctx.shape, ctx.eps, ctx.activation = rows, shape, eps, activation
        value = x.contiguous()
        dtype = torch.float32 if torch.is_autocast_enabled(x.device.type) else x.dtype
        y = torch.empty_like(value, dtype=dtype)
        statistics = torch.empty(
            2, rows.examples * rows.groups, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device
        )
        ctx.save_for_backward(x, weight, bias, statistics)
        if x.numel():
            grid, constants = _launch(rows, x)
            with torch.cuda.device_of(x):
                _forward[grid](value, _flat(weight), _flat(bias), y, *statistics, *rows, EPS=eps,
                               ACTIVATION=activation, **constants)  # fmt: skip
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, statistics = ctx.saved_tensors
        rows, inputs = ctx.rows, (x, weight, bias)
        if torch.is_grad_enabled():

            def spelled(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
                if ctx.shape is None:
                    y = F.group_norm(x, rows.groups, weight, bias, ctx.eps)
                else:
                    y = F.layer_norm(x, ctx.shape, weight, bias, ctx.eps)
                return BY_NAME[ctx.activation](y)

            return *differentiable(spelled, inputs, grads[0]), None, None, None, None
        value, grad = x.contiguous(), grads[0].contiguous()
        arguments = grad, value, _flat(weight), _flat(bias), *statistics
        dx = torch.empty_like(value) if ctx.needs_input_grad[0] else None
        if dx is not None and x.numel():
            grid, constants = _launch(rows, x)
            with torch.cuda.device_of(x):
                _input_gradient[grid](*arguments, dx, *rows, ACTIVATION=ctx.activation, **constants)
        if not any(ctx.needs_input_grad[1:3]):
            return dx, None, None, None, None, None, None
        slopes = [
            slope.to(vector.dtype).view(vector.shape) if vector is not None and needed else None
            for slope, vector, needed in zip(
                _vector_gradients(x, rows, ctx.activation, arguments), inputs[1:], ctx.needs_input_grad[1:3],
                strict=True,
            )
        ]  # fmt: skip
        return dx, *slopes, None, None, None, None


def _flat(vector: Tensor | None) -> Tensor | None:
    return None if vector is None else vector.contiguous()


def _launch(rows: Rows, x: Tensor) -> tuple[tuple[int], dict[str, Any]]:
    """Programs of several short rows, or of one long one."""
    block = min(BLOCK, triton.next_power_of_2(rows.share * rows.positions))
    together = max(1, 1024 // block)
    constants = {
        "PRECISION": precision(x),
        "ROWS": together,
        "BLOCK": block,
        "num_warps": 4 if block <= 1024 else 8,
    }
    return (triton.cdiv(rows.examples * rows.groups, together),), constants


def _vector_gradients(x: Tensor, rows: Rows, activation: str | None, arguments: tuple[Any, ...]) -> Tensor:
    """dE/dweight and dE/dbias, (2, channels): sums over chunks of the (example, position) pairs, added up."""
    channels, places = rows.groups * rows.share, rows.examples * rows.positions
    shape = (64, 16) if rows.positions == 1 else (1, 1024)  # neighbours in memory: channels, or positions
    width = triton.cdiv(channels, shape[0])
    chunks = max(1, min(triton.cdiv(places, shape[1]), triton.cdiv(1024, width)))
    turns = triton.cdiv(triton.cdiv(places, chunks), shape[1])
    sums = torch.zeros(2, chunks, channels, dtype=arguments[-1].dtype, device=x.device)
    if x.numel():
        with torch.cuda.device_of(x):
            _weight_gradients[(width * chunks,)](
                *arguments, *sums, *rows, turns, ACTIVATION=activation, PRECISION=precision(x),
                NUMBERING=numbering(places), ROWED=rows.positions == 1, CHANNELS=shape[0], PLACES=shape[1],
            )  # fmt: skip
    return sums.sum(1)


@triton.jit
def _forward(
    x: tl.tensor, weight: tl.tensor, bias: tl.tensor, y: tl.tensor, means: tl.tensor, scales: tl.tensor,
    examples: tl.tensor, groups: tl.tensor, share: tl.tensor, positions: tl.tensor, EPS: tl.constexpr,
    ACTIVATION: tl.constexpr, PRECISION: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """y, and each row's mean and 1 / sqrt(variance + eps)."""
    row, n = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS), share * positions
    there = row < examples * groups
    mean, squares = tl.zeros((ROWS,), PRECISION), tl.zeros((ROWS,), PRECISION)
    for start in range(0, n, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = there[:, None] & (column < n)[None, :]
        value = tl.load(x + row[:, None] * n + column[None, :], inside, 0.0).to(PRECISION)
        count, whole = tl.minimum(n - start, BLOCK).to(PRECISION), tl.minimum(n, start + BLOCK).to(PRECISION)
        here = tl.sum(value, 1) / count
        deviation = tl.where(inside, value - here[:, None], 0.0)
        shift = here - mean
        mean += shift * (count / whole)
        squares += tl.sum(deviation * deviation, 1) + shift * shift * (count * ((whole - count) / whole))
    scale = 1 / tl.sqrt(squares / n + EPS)
    tl.store(means + row, mean, there)
    tl.store(scales + row, scale, there)
    for start in range(0, n, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = there[:, None] & (column < n)[None, :]
        value = tl.load(x + row[:, None] * n + column[None, :], inside, 0.0).to(PRECISION)
        channel = (row % groups * share)[:, None] + (column // positions)[None, :]
        u = (value - mean[:, None]) * scale[:, None]
        if weight is not None:
            u *= tl.load(weight + channel, inside, 0.0).to(PRECISION)
        if bias is not None:
            u += tl.load(bias + channel, inside, 0.0).to(PRECISION)
        tl.store(y + row[:, None] * n + column[None, :], activate(u, ACTIVATION), inside)


@triton.jit
def _input_gradient(
    grad: tl.tensor, x: tl.tensor, weight: tl.tensor, bias: tl.tensor, means: tl.tensor, scales: tl.tensor,
    dx: tl.tensor, examples: tl.tensor, groups: tl.tensor, share: tl.tensor, positions: tl.tensor,
    ACTIVATION: tl.constexpr, PRECISION: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    """dE/dx = scale (h - mean(h) - x_hat mean(h x_hat)), with h = dE/dx_hat."""
    row, n = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS), share * positions
    there = row < examples * groups
    mean, scale = tl.load(means + row, there, 0.0)[:, None], tl.load(scales + row, there, 0.0)[:, None]
    total, along = tl.zeros((ROWS,), PRECISION), tl.zeros((ROWS,), PRECISION)
    for turn in tl.static_range(2):  # first the two means, then dx
        for start in range(0, n, BLOCK):
            column = start + tl.arange(0, BLOCK)
            inside = there[:, None] & (column < n)[None, :]
            at = row[:, None] * n + column[None, :]
            channel = (row % groups * share)[:, None] + (column // positions)[None, :]
            x_hat = (tl.load(x + at, inside, 0.0).to(PRECISION) - mean) * scale
            h = tl.load(grad + at, inside, 0.0).to(PRECISION)
            u, w = x_hat, tl.full((ROWS, BLOCK), 1.0, PRECISION)
            if weight is not None:
                w = tl.load(weight + channel, inside, 0.0).to(PRECISION)
                u = u * w
            if bias is not None:
                u = u + tl.load(bias + channel, inside, 0.0).to(PRECISION)
            h = through(h, u, ACTIVATION) * w
            if turn == 0:
                total += tl.sum(h, 1)  # 0 where grad is
                along += tl.sum(h * x_hat, 1)
            else:
                tl.store(dx + at, scale * (h - (total / n)[:, None] - x_hat * (along / n)[:, None]), inside)


@triton.jit
def _weight_gradients(
    grad: tl.tensor, x: tl.tensor, weight: tl.tensor, bias: tl.tensor, means: tl.tensor, scales: tl.tensor,
    weight_sums: tl.tensor, bias_sums: tl.tensor, examples: tl.tensor, groups: tl.tensor, share: tl.tensor,
    positions: tl.tensor, turns: tl.tensor, ACTIVATION: tl.constexpr, PRECISION: tl.constexpr,
    NUMBERING: tl.constexpr, ROWED: tl.constexpr, CHANNELS: tl.constexpr, PLACES: tl.constexpr,
) -> None:  # fmt: skip
    """Sums of dE/du x_hat and of dE/du for some channels, over a chunk of the (example, position) pairs."""
    channels = groups * share
    width = tl.cdiv(channels, CHANNELS)
    channel = tl.program_id(0) % width * CHANNELS + tl.arange(0, CHANNELS)
    chunk = (tl.program_id(0) // width).to(tl.int64)
    known, group = channel < channels, channel // share
    w, b = tl.full((CHANNELS,), 1.0, PRECISION), tl.zeros((CHANNELS,), PRECISION)
    if weight is not None:
        w = tl.load(weight + channel, known, 0.0).to(PRECISION)
    if bias is not None:
        b = tl.load(bias + channel, known, 0.0).to(PRECISION)
    weight_sum, bias_sum = tl.zeros((CHANNELS,), PRECISION), tl.zeros((CHANNELS,), PRECISION)
    for turn in range(0, turns):
        place = (chunk * turns + turn).to(NUMBERING) * PLACES + tl.arange(0, PLACES)
        example = (place if ROWED else place // positions).to(tl.int64)
        inside = known[:, None] & (example < examples)[None, :]
        row = example[None, :] * groups + group[:, None]
        if ROWED:  # so that the compiler sees neighbours in memory
            at = example[None, :] * channels + channel[:, None]
        else:
            at = (example * channels * positions + place % positions)[None, :] + channel[:, None] * positions
        scale = tl.load(scales + row, inside, 0.0)
        x_hat = (tl.load(x + at, inside, 0.0).to(PRECISION) - tl.load(means + row, inside, 0.0)) * scale
        h = through(
            tl.load(grad + at, inside, 0.0).to(PRECISION), x_hat * w[:, None] + b[:, None], ACTIVATION
        )
        weight_sum += tl.sum(h * x_hat, 1)
        bias_sum += tl.sum(h, 1)
    tl.store(weight_sums + chunk * channels + channel, weight_sum, known)
    tl.store(bias_sums + chunk * channels + channel, bias_sum, known)
