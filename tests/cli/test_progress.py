"""course progress: what one has passed and tried."""

import json

from course_lib.exercises import progress, registry
from course_lib.exercises.report import Report


def test_every_exercise_is_listed_with_its_status(course, home):
    progress.record(Report("neurons/unit", "failed", "Not yet."))
    progress.record(Report("neurons/unit", "passed", "Right."))
    progress.record(Report("neurons/gate_name", "failed", "Not yet."))
    result = course("progress")
    assert result.exit_code == 0
    assert "  passed       neurons/unit" in result.stdout
    assert "2 tries" in next(line for line in result.stdout.splitlines() if "neurons/unit " in line)
    assert "  failed       neurons/gate_name" in result.stdout
    assert "  not started  neurons/xor_from" in result.stdout
    assert "01_neural_networks/neurons  1/5" in result.stdout
    total = len(registry.all_exercises())
    assert f"1 of {total} exercises passed. Kept in {home / 'progress'}" in result.stdout


def test_json_says_the_same(course, home):
    progress.record(Report("neurons/unit", "passed", "Right."))
    told = json.loads(course("progress", "--json").stdout)
    assert told["folder"] == str(home / "progress")
    rows = {row["id"]: row for row in told["sections"]["01_neural_networks/neurons"]}
    assert rows["neurons/unit"] == {
        "id": "neurons/unit",
        "title": rows["neurons/unit"]["title"],
        "status": "passed",
        "attempts": 1,
    }
    assert rows["neurons/xor_from"]["status"] == "not started"
    assert [each["id"] for rows in told["sections"].values() for each in rows] == [
        exercise.id for exercise in registry.all_exercises()
    ]
