"""The costs of attention: memory by what is known to be made, and how both grow with the length."""

import pytest
import torch

from course_lib import layers
from course_lib.benchmarks.attention_costs import WAYS, attention_costs, peak_bytes

MIB = 2**20


def floats(mib):
    return torch.zeros(mib * MIB // 4)


def test_the_peak_is_of_what_is_there_at_one_time():
    def call():
        a, b = floats(2), floats(3)
        del a
        c = floats(4)
        del b, c
        return floats(1)

    assert peak_bytes(call) == 7 * MIB
    assert peak_bytes(lambda: None) == 0


def test_views_and_what_was_there_before_take_nothing():
    before = floats(5)

    def call():
        halves = before.view(2, -1).unbind()
        before.mul_(1.0)
        return halves[0][:10] + 1

    assert peak_bytes(call) == 40
    assert peak_bytes(lambda: before + before.flip(0).view(-1)) == 10 * MIB


def test_what_the_backward_pass_needs_is_kept_and_counted():
    x = floats(1).requires_grad_()

    def call(backward):
        y = (x.exp().exp() * 2).sum()  # both exponentials are needed to the end
        return torch.autograd.grad(y, x) if backward else None

    with torch.no_grad():
        without = peak_bytes(lambda: call(False))
    assert without == pytest.approx(2 * MIB, abs=100), "one in, one out"
    assert peak_bytes(lambda: call(True)) >= 4 * MIB


def test_the_formula_holds_every_score_several_times():
    n, heads = 96, 2
    q = torch.randn(1, heads, n, 8)
    formula = peak_bytes(lambda: layers.scaled_dot_product_attention(q, q, q, way="naive"))
    square = heads * n * n * 4
    assert 2 * square < formula < 6 * square


@pytest.mark.parametrize("backward", [False, True])
def test_memory_is_quadratic_in_the_formula_and_linear_in_tiles(backward):
    short, long = 384, 1536
    costs = attention_costs([short, long], heads=1, head_dim=8, backward=backward, rounds=3)
    assert [(cost.way, cost.length) for cost in costs] == [(way, n) for n in (short, long) for way in WAYS]
    growth = {way: costs[i + len(WAYS)].peak_bytes / costs[i].peak_bytes for i, way in enumerate(WAYS)}
    assert growth["naive"] == pytest.approx(16, rel=0.1), growth
    assert growth["native"] == pytest.approx(4, rel=0.3), growth
    assert growth["blockwise"] < 4, growth
    naive, blockwise, native = (cost.peak_bytes for cost in costs[len(WAYS) :])
    assert naive > 5 * blockwise > 5 * native
    assert all(cost.seconds > 0 for cost in costs)


def test_causal_attention_agrees_too():
    costs = attention_costs([40], batch=2, heads=3, head_dim=4, is_causal=True, rounds=3)
    assert [cost.way for cost in costs] == list(WAYS)


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"lengths": []}, r"lengths must hold one number or more, got \[\]"),
        (ValueError, {"lengths": [4, 0]}, "each of lengths must be 1 or more, got 0"),
        (TypeError, {"lengths": [4.0]}, "each of lengths must be an integer"),
        (ValueError, {"lengths": [4], "heads": 0}, "heads must be 1 or more"),
        (ValueError, {"lengths": [4], "rounds": 0}, "rounds must be 1 or more"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=f"attention_costs: {words}"):
        attention_costs(**options)
