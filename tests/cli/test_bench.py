"""``course bench``: the table, the files, the exit codes."""

import json

import pytest

from course_lib import benchmarks
from course_lib.benchmarks import Row

SLOW = {"ours": lambda: sum(range(20_000)), "PyTorch": lambda: sum(range(2_000))}
FAST = {"ours": lambda: 1, "PyTorch": lambda: sum(range(20_000)), "loops": lambda: 1}


def rows(**families):
    return lambda: {
        family: [
            Row(f"{family} {name}", lambda device, threads, contest=contest: contest, agree=False, **options)
            for name, contest, options in each
        ]
        for family, each in families.items()
    }


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_table_names_the_machine_and_says_what_was_reached(course, monkeypatch, tmp_path):
    monkeypatch.setattr(
        benchmarks, "rows", rows(conv=[("3x3", FAST, {"bar": 0.95})], pool=[("max", SLOW, {})])
    )
    result = course(
        "bench", "--rounds", "3", "--json", str(tmp_path / "b.json"), "--plot", str(tmp_path / "b.png")
    )
    assert result.exit_code == 0, result.output
    for words in (
        "processor: ",
        "threads: 1",
        "torch: ",
        "conv 3x3",
        "pool max",
        "2 rows, 1 reach their speed",
    ):
        assert words in result.stdout
    written = json.loads((tmp_path / "b.json").read_text())
    assert written["machine"]["threads"] == "1"
    fast, slow = written["rows"]
    assert (fast["row"], fast["met"], fast["to_reach"]) == ("conv 3x3", True, 0.95)
    assert fast["speed"]["PyTorch"] > 1 > slow["speed"]["PyTorch"]
    assert fast["quartiles"]["PyTorch"][0] <= fast["speed"]["PyTorch"] <= fast["quartiles"]["PyTorch"][1]
    assert (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"


def test_a_row_below_its_bar_is_a_failure(course, monkeypatch):
    monkeypatch.setattr(benchmarks, "rows", rows(pool=[("max", SLOW, {"bar": 0.95})]))
    result = course("bench", "--rounds", "3")
    assert result.exit_code == 1
    assert "0.95 MISSED" in result.stdout
    assert "missed: pool max" in result.stderr


def test_a_wrong_result_is_a_failure(course, monkeypatch):
    wrong = Row("conv 3x3", lambda device, threads: {"ours": lambda: 1.0, "PyTorch": lambda: 2.0})
    monkeypatch.setattr(benchmarks, "rows", lambda: {"conv": [wrong]})
    result = course("bench", "--rounds", "3")
    assert result.exit_code == 1
    assert "does not agree: " in result.stderr


def test_words_choose_rows_by_family_or_name(course, monkeypatch):
    monkeypatch.setattr(benchmarks, "rows", rows(conv=[("3x3", FAST, {})], pool=[("max", FAST, {})]))
    result = course("bench", "MAX", "--rounds", "3")
    assert "pool max" in result.stdout
    assert "conv 3x3" not in result.stdout
    nothing = course("bench", "transformer")
    assert nothing.exit_code == 2
    assert "no row of the benchmark" in nothing.stderr


def test_a_device_that_is_not_there_is_misuse(course):
    result = course("bench", "--device", "abacus")
    assert result.exit_code == 2
    assert "abacus" in result.stderr
