"""What is seen behind products of two tensors: dense layers and attention."""

from collections.abc import Sequence

from torch import Tensor

from course_lib.models.tracing.seen import NOTHING, UNKNOWN, WHOLE, Loose, Map, Seen, mixed_along, moved
from course_lib.models.tracing.step import Rule, Step


def product(step: Step, first: Tensor, second: Tensor) -> Seen:
    """Of ``first`` (..., i, k) and ``second`` (..., k, j), summed over k."""
    seen, other = step.look(first), step.look(second)
    if seen is NOTHING and other is NOTHING:
        return NOTHING
    if other is NOTHING:  # a dense layer on the last dimension
        return mixed_along(seen, {first.ndim - 1}, step.shape, step.pixels)
    if seen is NOTHING:
        return mixed_along(other, {second.ndim - 2}, step.shape, step.pixels)
    return of_two(seen, other, {first.ndim - 1}, {second.ndim - 2})


def of_two(seen: Seen, other: Seen, summed: set[int], others_summed: set[int]) -> Seen:
    """A product of two tensors that both see something, summed along those dimensions."""
    if UNKNOWN in (seen, other):
        return UNKNOWN
    if WHOLE in (seen, other):
        return WHOLE
    groups, others = _groups(seen), _groups(other)
    if any(group <= summed for group in groups) or any(group <= others_summed for group in others):
        return WHOLE
    if not (groups and others) or any(g & summed for g in groups) or any(g & others_summed for g in others):
        return UNKNOWN
    return Loose((*groups, *others), None)  # an entry sees what one unit sees, and what another one does


def _groups(seen: Seen) -> Sequence[frozenset[int]]:
    if isinstance(seen, Loose):
        return seen.groups
    if isinstance(seen, Map) and None not in seen.dims:
        return [frozenset(d for d in seen.dims if d is not None)]
    return []


def _matrices(first: str, second: str) -> Rule:
    def rule(step: Step) -> Seen:
        if "self" not in (first, second) and step.look(step["self"]) is not NOTHING:  # what is added
            return UNKNOWN
        return product(step, step[first], step[second])

    return rule


def _linear(step: Step) -> Seen:
    seen, x = step.input()
    if step.look(step["weight"]) is not NOTHING:
        return UNKNOWN
    return mixed_along(seen, {x.ndim - 1}, step.shape, step.pixels)


def _attention(step: Step) -> Seen:
    query, key = step["query"], step["key"]
    last = key.ndim - 1
    turned = moved(step.look(key), [*range(last - 1), last, last - 1])
    if step.look(query) is NOTHING or turned is NOTHING:
        return UNKNOWN
    scores = of_two(step.look(query), turned, {last}, {last - 1})
    scores = mixed_along(scores, {last}, (*query.shape[:-1], key.shape[-2]), step.pixels)
    return WHOLE if scores is WHOLE else UNKNOWN


PRODUCTS: dict[str, Rule] = {
    **dict.fromkeys(("mm", "bmm"), _matrices("self", "mat2")),
    "addmm": _matrices("mat1", "mat2"),
    "baddbmm": _matrices("batch1", "batch2"),
    "linear": _linear,
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
        ),
        _attention,
    ),
}
