"""Rows for a GPU: sizes beyond its caches, in float32 and bfloat16, each with what it moves and computes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.benchmarks.contest import Call, Contest, Row, tensors
from course_lib.benchmarks.limits import Work, name_of

Function = Callable[..., Any]
Shapes = Sequence[tuple[int, ...]]
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 3e-2}
SHARE = 0.8  # of the measured bandwidth: what a kernel that waits for memory should reach


def normal(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Draw a tensor of each shape."""
    return [torch.randn(shape) for shape in shapes]


@dataclass(frozen=True)
class OnGPU:
    """Builds the contest of a row: functions of the same tensors, drawn where they are used.

    Attributes:
        functions: {"ours": function, rival: function}, of all the tensors.
        installed: loaders of rivals whose library may not be there; None leaves one out.
        compiled: the rival that also comes through ``torch.compile``, on a GPU; "" for none.
        draw: makes the tensors from ``shapes``; the floating ones take ``dtype``.
        shapes: of the tensors.
        trial: smaller ones, with which the row can be tried on any machine.
        backward: whether gradients of all floating tensors are computed, too.
        dtype: of the numbers.
    """

    functions: Mapping[str, Function]
    installed: Mapping[str, Callable[[], Function | None]]
    compiled: str
    draw: Callable[..., list[Tensor]]
    shapes: Shapes
    trial: Shapes
    backward: bool
    dtype: torch.dtype

    def __call__(self, device: torch.device, threads: int) -> Contest:
        """Draw the tensors, and return a call of each function."""
        torch.manual_seed(0)
        with device:
            inputs = [x.to(self.dtype) if x.is_floating_point() else x for x in self.draw(*self.shapes)]
        loaded = {name: load() for name, load in self.installed.items()}
        functions = {**self.functions, **{name: rival for name, rival in loaded.items() if rival}}
        if self.compiled and device.type == "cuda":
            torch.compiler.reset()  # it refuses to compile a function for ever new shapes
            functions["torch.compile"] = torch.compile(functions[self.compiled], dynamic=False)
        run = _both if self.backward else _forward
        return {name: run(function, inputs) for name, function in functions.items()}


def gpu_rows(
    name: str,
    functions: Mapping[str, Function],
    shapes: Shapes,
    trial: Shapes,
    *,
    forward: Work,
    backward: Work,
    draw: Callable[..., list[Tensor]] = normal,
    installed: Mapping[str, Callable[[], Function | None]] | None = None,
    dtypes: Sequence[torch.dtype] = (torch.float32, torch.bfloat16),
    against: str = "PyTorch",
    compiled: str = "PyTorch",
    bar: float | None = 0.95,
    share: float | None = None,
    agree: bool = True,
) -> list[Row]:
    """Return rows for CUDA: forward in float32, and forward with backward in each of ``dtypes``.

    ``forward`` and ``backward`` say what the passes of ours move and compute. ``compiled`` names the rival
    that also comes through ``torch.compile``, where gradients are wanted: compiling it for one pass alone
    would take too much time.
    """
    passes = [("forward", dtypes[0]), *(("forward and backward", dtype) for dtype in dtypes)]
    rows = []
    for what, dtype in passes:
        both = what != "forward"
        work = forward + backward if both else forward
        size = "x".join(map(str, shapes[0]))
        rows.append(
            Row(
                f"{name} {size}, {name_of(dtype)}, {what}",
                OnGPU(functions, installed or {}, compiled if both else "", draw, shapes, trial, both, dtype),
                against,
                bar,
                agree,
                TOLERANCE[dtype],
                TOLERANCE[dtype],
                only_on="cuda",
                dtype=dtype,
                work=work,
                share=share,
            )
        )
    return rows


def _forward(function: Function, inputs: list[Tensor]) -> Call:
    def call() -> list[Tensor]:
        with torch.no_grad():
            return tensors(function(*inputs))

    return call


def _both(function: Function, inputs: list[Tensor]) -> Call:
    leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
    sources = [x for x in leaves if x.requires_grad]
    slopes: list[Tensor] = []

    def call() -> list[Tensor]:
        outputs = tensors(function(*leaves))
        if not slopes:  # made once: in a network they come from the next layer
            slopes.extend(map(_ramp, outputs))
        return list(torch.autograd.grad(outputs, sources, slopes, allow_unused=True))

    return call


def _ramp(y: Tensor) -> Tensor:
    return torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape).to(y.dtype)
