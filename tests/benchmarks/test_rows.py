"""Every row of the benchmark runs, and ours computes there what its rival computes."""

import pytest
import torch

from course_lib.benchmarks import rows
from course_lib.benchmarks.measure import assert_agree

EVERY = [(family, row) for family, each in rows().items() for row in each]


@pytest.mark.parametrize(("family", "row"), EVERY, ids=[f"{family}: {row.name}" for family, row in EVERY])
def test_a_row_runs_and_agrees(family, row):
    threads = torch.get_num_threads()
    contest = row.build(torch.device("cpu"), threads)
    assert "ours" in contest
    assert row.against in contest, f"{row.name}: {row.against} is not installed"
    assert row.bar is None or row.bar > 0
    if row.agree:
        assert_agree(row, contest["ours"](), contest[row.against]())
    else:
        assert contest["ours"]() is not None


def test_names_are_not_used_twice():
    names = [row.name for _, row in EVERY]
    assert len(names) == len(set(names))
