"""DropConnect with a mask for each example, and no memory for any mask.

y_no = (sum_i m_noi w_oi x_ni + m'_no b_o) / (1 - p): the masks of n examples have n * d_out * d_in entries.
By PyTorch's operations they are drawn, multiplied with copies of the weights, and kept for the backward pass.
Here they come from a seed and the link's number, in the middle of the product, and are drawn again backward.

Bytes of numbers of b bytes: forward reads (n d_in + d_out d_in) b and writes n d_out b, times how often a
tile is read again from cache, instead of 2 n d_out d_in b written and as much read. What takes time is the
random numbers: n d_out d_in / 4 evaluations of Philox a pass, three passes with the backward ones.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import precision
from course_lib.kernels.random_masks import draw_seed, four_each, one_each
from course_lib.kernels.second_derivatives import differentiable

EXAMPLES, OUTPUTS, INPUTS = 4, 16, 64  # of a tile; the masks do not depend on them


def drop_connect(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, p: float = 0.5, seed: Tensor | None = None
) -> Tensor:
    """``torch.nn.functional.linear`` whose weights and biases each example drops with probability p.

    input (..., d_in), weight (d_out, d_in) and bias (d_out,) -> (..., d_out). ``seed`` (1,), int64, makes the
    masks; None draws one with PyTorch's generator of the device.
    Source: Wan, Zeiler, Zhang, LeCun & Fergus (2013), section 3.

    Raises:
        ValueError: p outside 0 ... 1, or shapes that do not fit.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"drop_connect: p must be from 0 to 1, got {p}")
    if weight.ndim != 2 or input.ndim < 1 or input.shape[-1] != weight.shape[1]:
        shapes = f"{tuple(input.shape)} and {tuple(weight.shape)}"
        raise ValueError(f"drop_connect: input must be (..., d_in) and weight (d_out, d_in), got {shapes}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"drop_connect: bias must be ({len(weight)},), got {tuple(bias.shape)}")
    rows = input.reshape(-1, weight.shape[1])
    y = _DropConnect.apply(rows, weight, bias, draw_seed(input) if seed is None else seed, float(p))
    return y.view(*input.shape[:-1], len(weight))


def masks(seed: Tensor, examples: int, outputs: int, inputs: int, p: float) -> tuple[Tensor, Tensor]:
    """The links (n, d_out, d_in) and the biases (n, d_out) that ``drop_connect`` keeps, as booleans."""
    links = torch.empty(examples, outputs, inputs, dtype=torch.bool, device=seed.device)
    biases = torch.empty(examples, outputs, dtype=torch.bool, device=seed.device)
    grid = (triton.cdiv(examples, EXAMPLES) * triton.cdiv(outputs, OUTPUTS),)
    with torch.cuda.device_of(seed):
        _masks[grid](seed, links, biases, examples, outputs, inputs, P=float(p), **_tile())
    return links, biases


class _DropConnect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, seed: Tensor, p: float) -> Tensor:
        ctx.save_for_backward(x, weight, bias, seed)
        ctx.p = p
        y = x.new_empty(len(x), len(weight), dtype=torch.promote_types(x.dtype, weight.dtype))
        grid = (triton.cdiv(len(x), EXAMPLES) * triton.cdiv(len(weight), OUTPUTS),)
        flat_bias = None if bias is None else bias.contiguous()
        with torch.cuda.device_of(x):
            _forward[grid](
                x.contiguous(),
                weight.contiguous(),
                flat_bias,
                seed,
                y,
                len(x),
                *weight.shape,
                **_constants(x, p),
            )
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, seed = ctx.saved_tensors
        examples, (outputs, inputs) = len(x), weight.shape
        if torch.is_grad_enabled():
            links, biases = masks(seed, examples, outputs, inputs, ctx.p)
            scale = 1 / (1 - ctx.p) if ctx.p < 1 else 0.0

            def spelled(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
                y = ((weight * links * scale) * x.unsqueeze(1)).sum(2)
                return y if bias is None else y + bias * biases * scale

            return *differentiable(spelled, (x, weight, bias), grads[0]), None, None
        sizes, constants = (examples, outputs, inputs), _constants(x, ctx.p)
        grad, value, w = grads[0].contiguous(), x.contiguous(), weight.contiguous()
        dx = dweight = dbias = None
        with torch.cuda.device_of(x):
            if ctx.needs_input_grad[0]:
                dx = torch.empty_like(value)
                grid = (triton.cdiv(examples, EXAMPLES) * triton.cdiv(inputs, INPUTS),)
                _input_gradient[grid](grad, w, seed, dx, *sizes, **constants)
            if any(ctx.needs_input_grad[1:3]):
                dweight = torch.empty_like(w)
                dbias = (
                    None if bias is None else torch.empty_like(bias, memory_format=torch.contiguous_format)
                )
                grid = (triton.cdiv(outputs, OUTPUTS) * triton.cdiv(inputs, INPUTS),)
                _weight_gradient[grid](grad, value, seed, dweight, dbias, *sizes, **constants)
        return dx, dweight, dbias, None, None


def _tile() -> dict[str, int]:
    return {"EXAMPLES": EXAMPLES, "OUTPUTS": OUTPUTS, "INPUTS": INPUTS}


def _constants(x: Tensor, p: float) -> dict[str, Any]:
    return {"P": p, "SCALE": 1 / (1 - p) if p < 1 else 0.0, "PRECISION": precision(x), **_tile()}


@triton.jit
def _kept_links(
    seed: tl.tensor, n: tl.tensor, o: tl.tensor, first: tl.tensor, outputs: tl.tensor, inputs: tl.tensor,
    P: tl.constexpr, EXAMPLES: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
) -> Any:  # fmt: skip
    """Which links from inputs first ... first + INPUTS - 1 to outputs o examples n keep."""
    quarter = first // 4 + tl.arange(0, INPUTS // 4)
    row = n.to(tl.int64)[:, None, None] * outputs + o[None, :, None]
    counter = row * tl.cdiv(inputs, 4) + quarter[None, None, :]
    return tl.reshape(four_each(seed, counter, 0), (EXAMPLES, OUTPUTS, INPUTS)) >= P


@triton.jit
def _forward(
    x: tl.tensor, weight: tl.tensor, bias: tl.tensor, seeds: tl.tensor, y: tl.tensor, examples: tl.tensor,
    outputs: tl.tensor, inputs: tl.tensor, P: tl.constexpr, SCALE: tl.constexpr, PRECISION: tl.constexpr,
    EXAMPLES: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
) -> None:  # fmt: skip
    across = tl.cdiv(outputs, OUTPUTS)
    n = (tl.program_id(0) // across * EXAMPLES + tl.arange(0, EXAMPLES)).to(tl.int64)
    o = (tl.program_id(0) % across * OUTPUTS + tl.arange(0, OUTPUTS)).to(tl.int64)
    seed, real_n, real_o = tl.load(seeds), n < examples, o < outputs
    total = tl.zeros((EXAMPLES, OUTPUTS), PRECISION)
    for first in range(0, inputs, INPUTS):
        i = first + tl.arange(0, INPUTS)
        real_i = i < inputs
        w = tl.load(weight + o[:, None] * inputs + i[None, :], real_o[:, None] & real_i[None, :], 0.0)
        value = tl.load(x + n[:, None] * inputs + i[None, :], real_n[:, None] & real_i[None, :], 0.0)
        kept = _kept_links(seed, n, o, first, outputs, inputs, P, EXAMPLES, OUTPUTS, INPUTS)
        product = w.to(PRECISION)[None, :, :] * value.to(PRECISION)[:, None, :]
        total += tl.sum(tl.where(kept, product, 0.0), 2)
    at = n[:, None] * outputs + o[None, :]
    if bias is not None:
        b = tl.load(bias + o, real_o, 0.0).to(PRECISION)
        total += tl.where(one_each(seed, at, 1) >= P, b[None, :], 0.0)
    tl.store(y + at, total * SCALE, real_n[:, None] & real_o[None, :])


@triton.jit
def _input_gradient(
    grad: tl.tensor, weight: tl.tensor, seeds: tl.tensor, dx: tl.tensor, examples: tl.tensor,
    outputs: tl.tensor, inputs: tl.tensor, P: tl.constexpr, SCALE: tl.constexpr, PRECISION: tl.constexpr,
    EXAMPLES: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
) -> None:  # fmt: skip
    """dE/dx_ni = sum_o g_no m_noi w_oi / (1 - p)."""
    across = tl.cdiv(inputs, INPUTS)
    n = (tl.program_id(0) // across * EXAMPLES + tl.arange(0, EXAMPLES)).to(tl.int64)
    first = tl.program_id(0) % across * INPUTS
    i = first + tl.arange(0, INPUTS)
    seed, real_n, real_i = tl.load(seeds), n < examples, i < inputs
    total = tl.zeros((EXAMPLES, INPUTS), PRECISION)
    for start in range(0, outputs, OUTPUTS):
        o = start + tl.arange(0, OUTPUTS).to(tl.int64)
        real_o = o < outputs
        w = tl.load(weight + o[:, None] * inputs + i[None, :], real_o[:, None] & real_i[None, :], 0.0)
        g = tl.load(grad + n[:, None] * outputs + o[None, :], real_n[:, None] & real_o[None, :], 0.0)
        kept = _kept_links(seed, n, o, first, outputs, inputs, P, EXAMPLES, OUTPUTS, INPUTS)
        product = w.to(PRECISION)[None, :, :] * g.to(PRECISION)[:, :, None]
        total += tl.sum(tl.where(kept, product, 0.0), 1)
    tl.store(dx + n[:, None] * inputs + i[None, :], total * SCALE, real_n[:, None] & real_i[None, :])


@triton.jit
def _weight_gradient(
    grad: tl.tensor, x: tl.tensor, seeds: tl.tensor, dweight: tl.tensor, dbias: tl.tensor,
    examples: tl.tensor, outputs: tl.tensor, inputs: tl.tensor, P: tl.constexpr, SCALE: tl.constexpr,
    PRECISION: tl.constexpr, EXAMPLES: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
) -> None:  # fmt: skip
    """dE/dw_oi = sum_n g_no m_noi x_ni / (1 - p), and dE/db_o = sum_n g_no m'_no / (1 - p)."""
    across = tl.cdiv(inputs, INPUTS)
    o = (tl.program_id(0) // across * OUTPUTS + tl.arange(0, OUTPUTS)).to(tl.int64)
    first = tl.program_id(0) % across * INPUTS
    i = first + tl.arange(0, INPUTS)
    seed, real_o, real_i = tl.load(seeds), o < outputs, i < inputs
    total, biases = tl.zeros((OUTPUTS, INPUTS), PRECISION), tl.zeros((OUTPUTS,), PRECISION)
    for start in range(0, examples, EXAMPLES):
        n = start + tl.arange(0, EXAMPLES).to(tl.int64)
        real_n, at = n < examples, n[:, None] * outputs + o[None, :]
        value = tl.load(x + n[:, None] * inputs + i[None, :], real_n[:, None] & real_i[None, :], 0.0)
        g = tl.load(grad + at, real_n[:, None] & real_o[None, :], 0.0).to(PRECISION)
        kept = _kept_links(seed, n, o, first, outputs, inputs, P, EXAMPLES, OUTPUTS, INPUTS)
        product = g[:, :, None] * value.to(PRECISION)[:, None, :]
        total += tl.sum(tl.where(kept, product, 0.0), 0)
        if dbias is not None:
            biases += tl.sum(tl.where(one_each(seed, at, 1) >= P, g, 0.0), 0)
    tl.store(dweight + o[:, None] * inputs + i[None, :], total * SCALE, real_o[:, None] & real_i[None, :])
    if dbias is not None:
        tl.store(dbias + o, biases * SCALE, real_o & (first == 0))


@triton.jit
def _masks(
    seeds: tl.tensor, links: tl.tensor, biases: tl.tensor, examples: tl.tensor, outputs: tl.tensor,
    inputs: tl.tensor, P: tl.constexpr, EXAMPLES: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
) -> None:  # fmt: skip
    across = tl.cdiv(outputs, OUTPUTS)
    n = (tl.program_id(0) // across * EXAMPLES + tl.arange(0, EXAMPLES)).to(tl.int64)
    o = (tl.program_id(0) % across * OUTPUTS + tl.arange(0, OUTPUTS)).to(tl.int64)
    seed, row, real = (
        tl.load(seeds),
        n[:, None] * outputs + o[None, :],
        (n < examples)[:, None] & (o < outputs),
    )
    tl.store(biases + row, one_each(seed, row, 1) >= P, real)
    for first in range(0, inputs, INPUTS):
        i = first + tl.arange(0, INPUTS)
        kept = _kept_links(seed, n, o, first, outputs, inputs, P, EXAMPLES, OUTPUTS, INPUTS)
        at = row[:, :, None] * inputs + i[None, None, :]
        tl.store(links + at, kept, real[:, :, None] & (i < inputs)[None, None, :])
