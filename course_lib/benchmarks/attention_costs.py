"""What attention costs against the length: seconds, and bytes of memory at the peak."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_lib import layers
from course_lib.benchmarks.contest import Contest, Row
from course_lib.benchmarks.measure import measure
from course_lib.layers import checks

WAYS = ("naive", "blockwise", "native")


class AttentionCost(NamedTuple):
    """What one way of computing attention costs at one length."""

    way: str
    length: int
    seconds: float  # the median time of a call
    peak_bytes: int  # see ``peak_bytes``


def attention_costs(
    lengths: Sequence[int],
    *,
    batch: int = 1,
    heads: int = 2,
    head_dim: int = 32,
    backward: bool = True,
    is_causal: bool = False,
    rounds: int = 5,
    device: str | torch.device = "cpu",
) -> list[AttentionCost]:
    """Measure ``layers.scaled_dot_product_attention`` in each of its ways at each of ``lengths``.

    "naive" is the formula, which holds all length x length scores; "blockwise" visits them tile by tile, and
    "native" is PyTorch's kernel, which does so too. All have to compare every position with every other, so
    that the time is quadratic in each; the memory is so in the formula only. The ways take turns, and must
    compute the same numbers.

    Args:
        lengths: of queries and keys.
        batch, heads, head_dim: the other sizes of query, key and value (batch, heads, length, head_dim).
        backward: whether gradients of all three are computed, too.
        is_causal: whether a position looks back only.
        rounds: how often each way is timed.
        device: where.

    Raises:
        ValueError: a number below 1, no lengths.
        TypeError: a number that is no integer.
    """
    owner = "attention_costs"
    sizes = {"batch": batch, "heads": heads, "head_dim": head_dim, "rounds": rounds}
    for name, size in sizes.items():
        checks.positive_integer(owner, name, size)
    if not len(lengths):
        raise ValueError(f"{owner}: lengths must hold one number or more, got {lengths!r}")
    costs = []
    for length in lengths:
        checks.positive_integer(owner, "each of lengths", length)
        calls = _calls((batch, heads, length, head_dim), backward, is_causal, torch.device(device))

        def build(_device: torch.device, _threads: int, calls: Contest = calls) -> Contest:
            return {"ours" if way == "native" else way: call for way, call in calls.items()}

        row = Row(f"attention of length {length}", build, against="naive")
        result = measure(row, torch.device(device), torch.get_num_threads(), rounds=rounds)
        for way, call in calls.items():
            seconds = result.seconds["ours" if way == "native" else way]
            costs.append(AttentionCost(way, length, seconds, peak_bytes(call)))
    return costs


def peak_bytes(call: Callable[[], Any]) -> int:
    """Return the most bytes that tensors made by ``call`` take at one time.

    Tensors that were there before don't count. What a kernel needs for itself while it runs is not seen.
    """
    with _Memory() as memory:
        call()
    return memory.peak


class _Memory(TorchDispatchMode):
    """Watches all of PyTorch's operations, and counts the memory of what they return while it is in use."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self.now = 0
        self.bytes_of: dict[
            int, int
        ] = {}  # by the address of the memory's owner; 0 for what was there before

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation; what it returns may be a view of what it was given, which takes no memory."""
        for x in tree_leaves((args, kwargs)):
            if isinstance(x, Tensor):
                self._add(x, counts=False)
        output = func(*args, **(kwargs or {}))
        for x in tree_leaves(output):
            if isinstance(x, Tensor):
                self._add(x, counts=True)
        return output

    def _add(self, x: Tensor, counts: bool) -> None:
        storage = x.untyped_storage()
        if storage._cdata in self.bytes_of:
            return
        self.bytes_of[storage._cdata] = storage.nbytes() if counts else 0
        self.now += self.bytes_of[storage._cdata]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._remove, storage._cdata)

    def _remove(self, address: int) -> None:
        self.now -= self.bytes_of.pop(address)


def _calls(shape: tuple[int, ...], backward: bool, is_causal: bool, device: torch.device) -> Contest:
    """The same work in each way."""
    g = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(shape, generator=g).to(device).requires_grad_(backward) for _ in range(3))
    ones = torch.ones(shape, device=device)

    def call(way: str) -> list[Tensor]:
        y = layers.scaled_dot_product_attention(q, k, v, is_causal=is_causal, way=way)
        return [y.detach(), *(torch.autograd.grad(y, (q, k, v), ones) if backward else ())]

    return {way: lambda way=way: call(way) for way in WAYS}  # type: ignore[misc]
