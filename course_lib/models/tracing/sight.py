"""What the output of an operator of PyTorch's core sees of the image, from what its inputs see."""

from collections.abc import Callable, Sequence
from math import ceil, prod
from typing import Any

from torch import Tensor

from course_lib.models.tracing.lines import Line, resampled, transposed_window, window
from course_lib.models.tracing.seen import (
    NOTHING,
    UNKNOWN,
    WHOLE,
    Loose,
    Map,
    Seen,
    joined,
    mixed_along,
    moved,
    on_map,
)
from course_lib.models.tracing.sight_products import PRODUCTS
from course_lib.models.tracing.sight_shapes import JOINS, SHAPES
from course_lib.models.tracing.step import Rule, Step

OF_SEVERAL: dict[str, Rule] = {**PRODUCTS, **JOINS}


def sight(step: Step, pointwise: bool) -> Seen:
    """What the entries of the (first) output see. An operator without a rule gives UNKNOWN, never a guess."""
    given = step.tensors()
    if all(step.look(t) is NOTHING for t in given):
        return NOTHING
    if step.operator in OF_SEVERAL:
        return OF_SEVERAL[step.operator](step)
    rule = RULES.get(step.operator)
    if rule is not None:  # for one input; weights, means and the like see nothing
        return rule(step) if sum(step.look(t) is not NOTHING for t in given) == 1 else UNKNOWN
    if pointwise:
        return joined([(step.look(t), t.shape) for t in given], step.shape, step.pixels)
    return UNKNOWN


def _same(step: Step) -> Seen:
    return step.input()[0]


def _along(step: Step, seen: Seen, x: Tensor, dims: Any, keepdim: bool = True) -> Seen:
    """Everything along ``dims`` (None: all) is summed, compared or exchanged."""
    every = range(x.ndim) if dims is None or dims == [] else [dims] if isinstance(dims, int) else dims
    chosen = {d % x.ndim for d in every} if x.ndim else set()
    shape = [1 if d in chosen else size for d, size in enumerate(x.shape)]
    kept = len(step.shape) == x.ndim and keepdim
    seen = mixed_along(seen, chosen, step.shape if kept else shape, step.pixels)
    if kept:
        return seen
    left = iter(range(x.ndim))
    return moved(seen, [None if d in chosen else next(left) for d in range(x.ndim)])


def _reduced(step: Step) -> Seen:
    seen, x = step.input()
    return _along(step, seen, x, step.arguments.get("dim"), len(step.shape) == x.ndim)


def _layer_norm(step: Step) -> Seen:
    seen, x = step.input()
    return _along(step, seen, x, list(range(x.ndim - len(step["normalized_shape"]), x.ndim)))


def _group_norm(step: Step) -> Seen:
    seen, x = step.input()
    return _along(step, seen, x, list(range(1, x.ndim)))


def _batch_norm(step: Step) -> Seen:
    seen, x = step.input()
    return _along(step, seen, x, [0, *range(2, x.ndim)]) if step.arguments.get("training") else seen


def _windows(step: Step, make: Callable[[Line, int, int], Line | None], n: int, pointlike: bool) -> Seen:
    """A window walks along each of the last ``n`` dimensions: ``make(line, units, i)`` along the i-th."""
    seen, x = step.input()
    first = x.ndim - n
    if isinstance(seen, Map):
        lines: list[Line | None] = list(seen.lines)
        for direction, d in enumerate(seen.dims):
            if d is None:
                return UNKNOWN
            if d >= first:
                lines[direction] = make(seen.lines[direction], step.shape[d], d - first)
        return on_map(seen.dims, lines, step.pixels)
    if isinstance(seen, Loose) and not pointlike:
        return seen if all(d < first for group in seen.groups for d in group) else UNKNOWN
    return seen


def _each(value: Any, n: int, default: Any = None) -> list[int]:
    """One value for each of n dimensions, from one or n of them (or none: the default)."""
    values = list(value) if isinstance(value, Sequence) else [value]
    values = values or list(default)
    return values * n if len(values) == 1 else values


def _convolution(step: Step) -> Seen:
    seen, x = step.input()
    if step.look(step["weight"]) is not NOTHING:
        return WHOLE if seen is WHOLE else UNKNOWN
    n = x.ndim - 2
    kernel, stride = list(step["weight"].shape[2:]), _each(step["stride"], n)
    padding, dilation = _each(step["padding"], n), _each(step["dilation"], n)
    make = transposed_window if step["transposed"] else window
    pointlike = prod(kernel) * prod(stride) == 1 and not any(padding)
    if isinstance(seen, Loose) and not (pointlike and all(min(g) > 1 for g in seen.groups)):
        return UNKNOWN
    if isinstance(seen, Map) and 1 in seen.dims:
        return UNKNOWN
    return _windows(
        step, lambda line, units, i: make(line, units, kernel[i], stride[i], padding[i], dilation[i]), n, True
    )


def _pooling(step: Step) -> Seen:
    n = int(step.operator.split("pool")[1][0])
    kernel = _each(step["kernel_size"], n)
    stride, padding = _each(step["stride"], n, kernel), _each(step["padding"], n)
    dilation = _each(step.arguments.get("dilation", 1), n)
    return _windows(
        step,
        lambda line, units, i: window(line, units, kernel[i], stride[i], padding[i], dilation[i]),
        n,
        all(k == 1 for k in kernel),
    )


def _adaptive(step: Step) -> Seen:
    seen, x = step.input()
    n = int(step.operator.split("pool")[1][0])

    def make(line: Line, units: int, i: int) -> Line | None:
        entries = x.shape[x.ndim - n + i]
        if units == 1:
            return None
        return resampled(line, units, lambda o: range(o * entries // units, ceil((o + 1) * entries / units)))

    single = [d for d in range(x.ndim - n, x.ndim) if step.shape[d] == 1]
    if single:
        shape = [1 if d in single else size for d, size in enumerate(x.shape)]
        seen = mixed_along(seen, set(single), shape, step.pixels)
    if not isinstance(seen, Map):
        return seen if seen is WHOLE else UNKNOWN
    lines: list[Line | None] = list(seen.lines)
    for direction, d in enumerate(seen.dims):
        if d is not None and d >= x.ndim - n and d not in single:
            lines[direction] = make(seen.lines[direction], step.shape[d], d - (x.ndim - n))
    return on_map(seen.dims, lines, step.pixels)


def _upsampled(step: Step) -> Seen:
    x = step.input()[1]
    if step.arguments.get("align_corners"):
        return WHOLE if _same(step) is WHOLE else UNKNOWN
    linear = "linear" in step.operator
    for d, direction in ((2, "scales_h"), (3, "scales_w")):
        scale = step.arguments.get(direction)
        if scale is not None and scale * x.shape[d] != step.shape[d]:
            return UNKNOWN

    def make(line: Line, units: int, i: int) -> Line | None:
        entries = x.shape[2 + i]

        def taps(o: int) -> list[int]:
            if not linear:
                return [o * entries // units]
            place = (2 * o + 1) * entries - units  # in 1 / (2 units) of an entry
            return [place // (2 * units), -(-place // (2 * units))]

        return resampled(line, units, taps)

    return _windows(step, make, 2, False)


def _padded(step: Step) -> Seen:
    pads = list(step["pad"] if "pad" in step.arguments else step["padding"])
    n = len(pads) // 2
    before = pads[0::2][::-1]
    return _windows(step, lambda line, units, i: window(line, units, 1, before=before[i]), n, False)


RULES: dict[str, Rule] = {
    **SHAPES,
    "convolution": _convolution,
    **dict.fromkeys(
        ("max_pool2d_with_indices", "avg_pool2d", "avg_pool3d", "max_pool3d_with_indices"), _pooling
    ),
    **dict.fromkeys(("_adaptive_avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"), _adaptive),
    **dict.fromkeys(("upsample_nearest2d", "upsample_bilinear2d"), _upsampled),
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _padded),
    **dict.fromkeys(
        (
            *("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "prod", "logsumexp"),
            *("linalg_vector_norm", "norm", "any", "all", "_softmax", "_log_softmax", "_safe_softmax"),
            *("cumsum", "sort", "_fft_r2c", "_fft_c2r", "_fft_c2c"),
        ),
        _reduced,
    ),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **dict.fromkeys(
        ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"), _batch_norm
    ),
    **dict.fromkeys(
        ("clone", "detach", "alias", "lift_fresh", "_to_copy", "native_dropout", "native_channel_shuffle"),
        _same,
    ),
}
