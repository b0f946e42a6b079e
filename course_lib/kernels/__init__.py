"""Triton kernels: what a GPU does in one pass over its memory, where PyTorch has none or needs several.

Each module has one family, called like the layer or the function it stands behind, and imports Triton. This
package does not: on a machine without a GPU, or without Triton, a layer asks ``usable`` and nothing else is
loaded. Under ``TRITON_INTERPRET=1``, set before Triton is imported, every kernel also runs on the CPU,
slowly.
"""

import functools
import importlib.util

import torch
from torch import Tensor

__all__ = ["usable"]


def usable(*tensors: Tensor | None) -> bool:
    """Whether Triton's kernels can run on these: all on CUDA, and Triton is installed. None does not count.

    A kernel reads memory. Tensors that stand for others, as in ``torch.func.vmap`` or ``torch.func.grad``,
    and subclasses such as fake tensors keep PyTorch's operations.
    """
    return all(tensor is None or _in_memory(tensor) for tensor in tensors) and _installed()


def _in_memory(tensor: Tensor) -> bool:
    plain = type(tensor) in (Tensor, torch.nn.Parameter)
    return plain and tensor.is_cuda and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None
