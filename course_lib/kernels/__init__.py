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

OLDEST_GPU = (8, 0)  # compute capability, of 2020: what came before has too little memory for the tiles
OLDEST_TRITON = (3, 6)  # with which the tests have run


def usable(*tensors: Tensor | None) -> bool:
    """Whether Triton's kernels can run on these: all in the memory of one GPU that it compiles for.

    None does not count. Tensors that stand for others, as in ``torch.func.vmap`` or ``torch.func.grad``, and
    subclasses such as fake tensors keep PyTorch's operations; so do sparse tensors, and what
    ``torch.compile`` makes kernels of itself. Autocast casts what PyTorch's operations are given, and not
    what a kernel is: a layer whose result would have another dtype must ask for it, too.
    """
    given = [tensor for tensor in tensors if tensor is not None]
    if not all(map(_in_memory, given)) or torch.compiler.is_compiling() or not _installed():
        return False
    devices = {tensor.get_device() for tensor in given}  # PyTorch says it where there are two
    return len(devices) <= 1 and all(map(_new_enough, devices))


def _in_memory(tensor: Tensor) -> bool:
    if type(tensor) not in (Tensor, torch.nn.Parameter) or not tensor.is_cuda:
        return False
    stands_for_another = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    as_it_is = tensor.layout == torch.strided and not tensor.is_neg()  # z.conj().imag lies there as z.imag
    return as_it_is and not stands_for_another


@functools.cache
def _installed() -> bool:
    if importlib.util.find_spec("triton") is None:
        return False
    import triton  # only where there are tensors on a GPU to be asked for

    return tuple(int(part) for part in triton.__version__.split(".")[:2]) >= OLDEST_TRITON


@functools.cache
def _new_enough(index: int) -> bool:
    return torch.version.cuda is not None and torch.cuda.get_device_capability(index) >= OLDEST_GPU
