"""The limit of a row: bytes and multiply-adds at the rates of a machine, by hand."""

import math

import pytest
import torch

from course_lib.benchmarks import Roofs, Row, Work, clocks, limits, measure, measure_roofs

ROOFS = Roofs(bandwidth=1e9, multiply_adds={"float32": 1e10, "bfloat16": 8e10})
CPU = torch.device("cpu")


def test_bytes_follow_the_dtype_and_indices_do_not():
    work = Work(numbers=100, others=8)
    assert work.moved(torch.float32) == 408
    assert work.moved(torch.bfloat16) == 208
    assert Work(1, 2, 3) + Work(10, 20, 30) == Work(11, 22, 33)


@pytest.mark.parametrize(
    ("work", "dtype", "seconds"),
    [
        (Work(numbers=1e6), torch.float32, 4e-3),
        (Work(numbers=1e6), torch.bfloat16, 2e-3),
        (Work(numbers=1e6, multiply_adds=3e7), torch.float32, 4e-3),  # the arithmetic takes 3 ms meanwhile
        (Work(numbers=1e6, multiply_adds=5e7), torch.float32, 5e-3),
        (Work(numbers=1e6, multiply_adds=5e7), torch.bfloat16, 2e-3),
        (Work(), torch.float32, 0.0),
    ],
)
def test_the_slower_of_both_decides(work, dtype, seconds):
    assert ROOFS.seconds(work, dtype) == pytest.approx(seconds)


def test_the_rates_of_this_machine_are_those_of_a_copy_and_a_product(monkeypatch):
    monkeypatch.setattr(limits, "COPIED", 2**20)
    monkeypatch.setattr(limits, "SIDE_ON_CPU", 64)
    monkeypatch.setattr(clocks, "_wall", lambda device, call, repeats: call() is None or 0.5)
    roofs = measure_roofs(CPU)
    assert roofs.bandwidth == pytest.approx(2 * 2**20 / 0.5), "what is copied is read and written"
    assert roofs.multiply_adds == pytest.approx({"float32": 64**3 / 0.5, "bfloat16": 64**3 / 0.5})


def row(seconds, monkeypatch, **options):
    """A row whose contestants take these seconds by the clock."""
    calls = {"ours": lambda: 1.0, "PyTorch": lambda: 1.0}
    taken = {id(call): seconds[name] for name, call in calls.items()}
    monkeypatch.setattr(clocks, "_wall", lambda device, call, repeats: taken[id(call)])
    return Row("a row", lambda device, threads: calls, **options)


def test_a_row_knows_its_limit_and_which_share_of_it_was_reached(monkeypatch):
    work, seconds = Work(numbers=1e6), {"ours": 5e-3, "PyTorch": 6e-3}
    result = measure(row(seconds, monkeypatch, work=work, share=0.8), CPU, 1, 3, roofs=ROOFS)
    assert result.limit == pytest.approx(4e-3)
    assert result.met is True
    missed = measure(row(seconds, monkeypatch, work=work, share=0.81), CPU, 1, 3, roofs=ROOFS)
    assert missed.met is False
    half = row(seconds, monkeypatch, work=work, share=0.81, dtype=torch.bfloat16)
    assert measure(half, CPU, 1, 3, roofs=ROOFS).limit == pytest.approx(2e-3)


def test_both_speeds_have_to_be_reached(monkeypatch):
    work, seconds = Work(numbers=1e6), {"ours": 5e-3, "PyTorch": 6e-3}
    for bar, share, met in ((1.0, 0.8, True), (1.3, 0.8, False), (1.0, 0.9, False), (None, None, None)):
        result = measure(row(seconds, monkeypatch, work=work, bar=bar, share=share), CPU, 1, 3, roofs=ROOFS)
        assert result.met is met, (bar, share)


def test_where_no_rate_was_measured_or_no_work_counted_there_is_no_limit(monkeypatch):
    seconds = {"ours": 5e-3, "PyTorch": 6e-3}
    counted = row(seconds, monkeypatch, work=Work(1e6), share=0.8)
    assert measure(counted, CPU, 1, 3).limit is None
    assert measure(counted, CPU, 1, 3).met is None
    assert measure(row(seconds, monkeypatch), CPU, 1, 3, roofs=ROOFS).limit is None


def test_rounds_end_with_the_time_but_for_three(monkeypatch):
    def rounds_within(seconds, rounds=9):
        timed = []
        monkeypatch.setattr(clocks, "_wall", lambda device, call, repeats: timed.append(call) or 1.0)
        alone = Row("a row", lambda device, threads: {"ours": lambda: 1.0})
        measure(alone, CPU, 1, rounds, seconds=seconds)
        return len(timed) - 1  # the first counts how often

    assert rounds_within(math.inf) == 9
    assert rounds_within(0.0) == rounds_within(-1.0) == 3
