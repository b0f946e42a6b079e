"""Progress survives kills, two writers, damage and full disks, and never breaks a check."""

import json
import os
import subprocess
import sys
import textwrap
import time
import warnings

import pytest

from course_lib.exercises import check, progress
from course_lib.exercises.report import Report

FAILED, PASSED = Report("toy/scale", "failed", "No."), Report("toy/scale", "passed", "Yes.")


def writer(home, code):
    """Start a process that records in a loop. It does without torch, which takes seconds to import."""
    program = """
import sys, types
sys.modules["course_lib.environment"] = types.SimpleNamespace(in_book=lambda: False)
from course_lib.exercises import progress
from course_lib.exercises.report import Report
"""
    environment = os.environ | {"COURSE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", program + textwrap.dedent(code)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_tries_are_counted_and_a_pass_stays():
    assert progress.read() == {}
    assert progress.record(FAILED)["attempts"] == 1
    first = progress.record(PASSED)
    assert first["passed"]
    assert first["first_passed"]
    entry = progress.record(Report("toy/scale", "error", "Oh."))
    assert entry == progress.read()["toy/scale"]
    assert (entry["attempts"], entry["failures"], entry["status"]) == (3, 2, "error")
    assert entry["passed"]
    assert entry["first_passed"] == first["first_passed"]


def test_a_stub_is_no_try():
    assert progress.record(Report("toy/scale", "not started", "Begin.")) is None
    assert not progress.folder().exists()


def test_nothing_is_recorded_in_the_book(monkeypatch, scale, home):
    monkeypatch.setenv("COURSE_BOOK", "1")
    assert check(scale, lambda w, x, factor=2.0: factor * (x @ w)).passed
    assert not check(scale, lambda w, x, factor=2.0: x).passed
    assert not home.exists()


def test_check_records(scale):
    check(scale, lambda w, x, factor=2.0: x)
    check(scale, lambda w, x, factor=2.0: factor * (x @ w))
    check("toy/unknown", 3)
    entries = progress.read()
    assert list(entries) == ["toy/scale"]
    assert (entries["toy/scale"]["attempts"], entries["toy/scale"]["passed"]) == (2, True)


def test_without_course_home_it_is_the_users_own_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in progress.folder().parents


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"exercise": 3}', '{"exercise": "toy/scale", "status": "x"}', "\udcff"]
)
def test_a_damaged_file_is_set_aside(scale, damage):
    progress.record(FAILED)
    file = progress.folder() / "toy.scale.json"
    file.write_bytes(damage.encode("utf-8", "surrogateescape"))
    report = check(scale, lambda w, x, factor=2.0: factor * (x @ w))
    assert report.passed
    assert "toy.scale.json was damaged and has been set aside as" in " ".join(str(report).split())
    assert progress.read()["toy/scale"]["attempts"] == 1
    assert (progress.folder() / "toy.scale.damaged").read_bytes() == damage.encode("utf-8", "surrogateescape")


def test_reading_sets_damaged_files_aside_too():
    progress.record(FAILED)
    (progress.folder() / "toy.other.json").write_text("oh")
    with pytest.warns(UserWarning, match="was damaged"):
        assert list(progress.read()) == ["toy/scale"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(progress.read()) == ["toy/scale"]


def test_a_folder_that_cannot_be_made_does_not_break_a_check(scale, home):
    home.write_text("a file where the folder should be")
    report = check(scale, lambda w, x, factor=2.0: factor * (x @ w))
    assert report.passed
    assert "Progress: Your progress was not saved:" in " ".join(str(report).split())
    assert progress.read() == {}


def test_a_full_disk_does_not_break_a_check_and_loses_nothing(scale, monkeypatch):
    progress.record(PASSED)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    report = check(scale, lambda w, x, factor=2.0: x)
    assert report.status == "failed"
    assert "Your progress was not saved: No space left on device." in " ".join(str(report).split())
    assert progress.read()["toy/scale"]["attempts"] == 1
    assert not list(progress.folder().glob("*.new"))


def test_two_writers_lose_no_try(home):
    code = 'for _ in range(100): assert progress.record(Report("toy/scale", "failed", "No."))'
    writers = [writer(home, code) for _ in range(2)]
    assert [process.wait() for process in writers] == [0, 0]
    entry = progress.read()["toy/scale"]
    assert (entry["attempts"], entry["failures"]) == (200, 200)


def test_a_killed_writer_leaves_a_whole_file(home):
    code = """
    print("ready", flush=True)
    while True: progress.record(Report("toy/scale", "passed", "Yes."))
    """
    last = 0
    for round_ in range(4):
        process = writer(home, code)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + 0.037 * round_)
        process.kill()
        process.wait()
        process.stdout.close()
        file = progress.folder() / "toy.scale.json"
        entry = json.loads(file.read_text())
        assert entry["attempts"] > last
        last = entry["attempts"]
        assert progress.record(FAILED)["attempts"] == last + 1  # the lock is free again
        last += 1
    assert sorted(path.suffix for path in progress.folder().iterdir()) == [".json", ".lock"]


def test_summary_counts_by_section(monkeypatch, scale):
    monkeypatch.setattr("course_lib.exercises.registry.sections", lambda: ["00_toys/toy", "00_toys/empty"])
    monkeypatch.setattr(
        "course_lib.exercises.registry.of_section", lambda section: [scale] if section.endswith("toy") else []
    )
    progress.record(FAILED)
    toy, empty = progress.summary()
    assert (toy.section, toy.passed, toy.tried, toy.total) == ("00_toys/toy", 0, 1, 1)
    assert (empty.passed, empty.tried, empty.total) == (0, 0, 0)
    progress.record(PASSED)
    assert progress.summary()[0].passed == 1
