"""What ``course bench`` writes is what the appendix reads."""

import json
import math

import pytest
import torch

from course_lib import benchmarks
from course_lib.benchmarks import Roofs, Row, Work, gpu_records, measure, records

ROOFS = Roofs(bandwidth=1e9, multiply_adds={"float32": 1e10, "bfloat16": 8e10})
MACHINE = {"device": "a GPU", "torch": "9.9"}
ROW_KEYS = {
    *("family", "row", "against", "to_reach", "share_to_reach", "met", "seconds", "speed", "quartiles"),
    *("dtype", "bytes", "multiply_adds", "limit"),
}


def results():
    rows = [
        Row("large, float32, forward", contest, work=Work(1e6, 1e7), share=0.5, bar=0.1),
        Row("small", contest),
    ]
    return {"sums": [measure(row, torch.device("cpu"), 1, 3, 1e-4, roofs=ROOFS) for row in rows]}


def contest(device, threads):
    return {"ours": lambda: sum(range(100)), "PyTorch": lambda: sum(range(100))}


def assert_is_record(found):
    assert found.keys() == {"machine", "rates", "rows"}
    assert {"device", "torch"} <= found["machine"].keys()
    assert found["rates"]["bandwidth"] > 0
    assert found["rates"]["multiply_adds"].keys() == {"float32", "bfloat16"}
    assert found["rows"], "a record of nothing"
    for row in found["rows"]:
        assert row.keys() == ROW_KEYS
        assert all(seconds > 0 for seconds in row["seconds"].values())
        assert "ours" in row["seconds"]
        assert (row["limit"] is None) == (row["bytes"] is None)
        if row["limit"] is not None:
            arithmetic = row["multiply_adds"] / found["rates"]["multiply_adds"][row["dtype"]]
            assert math.isclose(row["limit"], max(row["bytes"] / found["rates"]["bandwidth"], arithmetic))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    return tmp_path / "records"


def test_a_record_is_read_as_it_was_written(folder):
    assert gpu_records() == [], "there is no folder"
    folder.mkdir()
    written = records.record(MACHINE, results(), ROOFS)
    records.write(folder / "b.json", written)
    records.write(folder / "a.json", written | {"machine": {**MACHINE, "device": "another"}})
    (folder / "notes.txt").write_text("no record")
    found = gpu_records()
    assert [each["machine"]["device"] for each in found] == ["another", "a GPU"]
    assert found[1] == json.loads(json.dumps(written))
    assert_is_record(found[1])
    large, small = found[1]["rows"]
    assert large["bytes"] == 4e6
    assert large["limit"] == pytest.approx(4e-3)
    assert small["limit"] is None


def test_records_of_a_cpu_and_without_rates_are_no_gpus(folder):
    folder.mkdir()
    records.write(folder / "cpu.json", records.record({"device": "cpu", "torch": "9"}, results(), ROOFS))
    records.write(folder / "old.json", records.record(MACHINE, results(), None))
    assert gpu_records() == []


def test_every_record_that_comes_with_the_course_has_this_form():
    assert_is_record(json.loads(json.dumps(records.record(MACHINE, results(), ROOFS))))
    for found in gpu_records():
        assert_is_record(found)
        names = {row.name for each in benchmarks.rows().values() for row in each}
        assert {row["row"] for row in found["rows"]} <= names, found["machine"]["device"]
