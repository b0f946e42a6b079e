"""The benchmark measures what it says: ratios of calls made in turns, of results that agree."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import layers
from course_lib.benchmarks import Row, layer_rows, measure

CPU = torch.device("cpu")


def row(contest, **options):
    return Row("a row", lambda device, threads: contest, **options)


def test_speed_is_the_rivals_time_over_ours(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def work(seconds):
        def call():
            now[0] += seconds
            return [1.0]

        return call

    result = measure(row({"ours": work(0.02), "PyTorch": work(0.05), "loops": work(2.0)}, bar=2.0), CPU, 1)
    assert result.seconds == pytest.approx({"ours": 0.02, "PyTorch": 0.05, "loops": 2.0})
    assert result.speed == pytest.approx({"PyTorch": 2.5, "loops": 100.0})
    assert result.spread["PyTorch"] == pytest.approx((2.5, 2.5))
    assert result.met is True
    assert measure(row({"ours": work(0.02), "PyTorch": work(0.03)}, bar=2.0), CPU, 1).met is False
    assert measure(row({"ours": work(0.02), "PyTorch": work(0.03)}), CPU, 1).met is None
    assert measure(row({"ours": work(0.02)}, bar=2.0), CPU, 1).met is None, "the rival is not installed"


def test_contestants_take_turns_from_both_ends():
    calls = []

    def call(name):
        def one():
            calls.append(name)
            time.sleep(0.002)
            return 0.0

        return one

    measure(row({"ours": call("o"), "PyTorch": call("t")}), CPU, 1, rounds=4, least=0.001)
    assert "".join(calls) == "ot" + "ot" + "to" + "ot" + "to" + "ot"  # warm up, count, and four rounds


def test_a_wrong_result_is_no_result():
    wrong = {"ours": lambda: torch.ones(3), "PyTorch": lambda: torch.tensor([1.0, 1.0, 1.1])}
    with pytest.raises(AssertionError, match="a row: ours against PyTorch"):
        measure(row(wrong), CPU, 1, rounds=3)
    assert measure(row(wrong, agree=False), CPU, 1, rounds=3).speed.keys() == {"PyTorch"}
    with pytest.raises(AssertionError, match="1 results, and PyTorch has 2"):
        measure(row({"ours": lambda: [1.0], "PyTorch": lambda: [1.0, 2.0]}), CPU, 1, rounds=3)
    with pytest.raises(AssertionError, match="a row"):
        measure(row({"ours": lambda: np.nan, "PyTorch": lambda: 0.0}), CPU, 1, rounds=3)


def test_rows_of_a_layer_give_both_modules_the_same_parameters_and_inputs():
    forward, backward = layer_rows(
        "Linear",
        lambda: layers.Linear(4, 3),
        {"PyTorch": lambda: nn.Linear(4, 3)},
        lambda: [torch.randn(5, 4)],
    )
    assert (forward.name, backward.name) == ("Linear, forward", "Linear, forward and backward")
    ours, theirs = (call() for call in forward.build(CPU, 1).values())
    assert torch.equal(ours[0], theirs[0])
    assert ours[0].shape == (5, 3)
    assert not ours[0].requires_grad
    gradients = backward.build(CPU, 1)["ours"]()
    assert [tuple(g.shape) for g in gradients] == [(5, 4), (3, 4), (3,)], "input, weight, bias"


def test_integer_inputs_get_no_gradient_and_tuples_of_outputs_are_taken_apart():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self, x, index):
            return x * self.weight, (index, None, self.weight[index])

    rows = layer_rows("pair", Pair, {"PyTorch": Pair}, lambda: [torch.ones(3, 2), torch.tensor([0, 1])])
    for each in rows:
        assert measure(each, CPU, 1, rounds=3).speed["PyTorch"] > 0
    assert len(rows[1].build(CPU, 1)["ours"]()) == 2
