"""Many notebooks at a time: whatever one does, the others get their grades, and nothing is harmed."""

import csv
import json
import os
import secrets
import socket
import textwrap
from contextlib import suppress

import psutil
import pytest
from answers import UNIT

from course_lib.exercises.grading import Limits, batch, isolation
from course_lib.exercises.grading.nursery import Nursery

WRONG = UNIT.replace("> threshold", "< threshold")


@pytest.fixture
def hand_in(make_notebook, tmp_path):
    """Write a notebook into the folder of submissions; the folder."""
    folder = tmp_path / "submissions"

    def write(name, *cells, section="01_neural_networks/neurons"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_notebook(*cells, section=section, name=f"submissions/{name}")
        return folder

    return write


def graded(folder, limits=None, workers=2):
    """What came of each notebook of a folder, by name."""
    found = batch.grade_all(batch.notebooks_in([folder]), limits, workers)
    return {os.path.relpath(each.notebook, folder): each for each in found}


def statuses(submission):
    return [result.status for result in submission.grade.results]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_notebook_gets_its_own_grade(hand_in, tmp_path):
    hand_in("ada.ipynb", UNIT)
    hand_in("group/ben.ipynb", WRONG)
    hand_in("chen.ipynb", "1 +", UNIT)
    hand_in("dora.ipynb", "print('nothing of the course')", section=None)
    folder = hand_in(".ipynb_checkpoints/ada.ipynb", WRONG)
    (folder / "emil.ipynb").write_text('{"cells": [')
    before = contents(folder)
    found = graded(folder)
    assert list(found) == ["ada.ipynb", "chen.ipynb", "dora.ipynb", "emil.ipynb", "group/ben.ipynb"]
    assert [statuses(found[name])[0] for name in ("ada.ipynb", "chen.ipynb", "group/ben.ipynb")] == [
        "passed",
        "passed",
        "failed",
    ]
    assert found["dora.ipynb"].grade is None
    assert "does not say its section" in found["dora.ipynb"].problem
    assert "no notebook that can be read" in found["emil.ipynb"].problem
    assert contents(folder) == before


HOSTILE = {
    "loops": """
        while True:
            try:
                while True: pass
            except BaseException: pass""",
    "hoards": """
        import numpy as np
        hoard = np.ones(10**11 // 8)""",
    "crashes": """
        import ctypes
        ctypes.string_at(0)""",
    "breeds": """
        import os, time
        for _ in range(60):
            if os.fork() == 0:
                os.setsid()
                time.sleep(98767)
        time.sleep(5)""",
    "hides": """
        import os, time
        if os.fork() == 0:
            os.setsid()
            os.fork() or time.sleep(98767)
            os._exit(0)""",
}


@pytest.fixture
def left_running(monkeypatch):
    """Processes of this test's making, which inherit a mark; not those of tests that run beside it."""
    mark = secrets.token_hex(8)
    monkeypatch.setenv("TEST_MARK", mark)

    def marked():
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("TEST_MARK") == mark:
                    found.append(process)
        return found

    return marked


def test_hostile_notebooks_take_none_with_them_and_leave_nothing_running(hand_in, left_running):
    for name, cell in HOSTILE.items():
        folder = hand_in(f"{name}.ipynb", UNIT, textwrap.dedent(cell), "later = 1")
    hand_in("zoe.ipynb", UNIT)
    graders = iter(
        batch.grade_all(batch.notebooks_in([folder]), Limits(cell_seconds=6, memory=900, processes=20), 2)
    )
    first = next(graders)
    assert len(left_running()) >= 2, "the graders carry the mark"
    found = {os.path.relpath(each.notebook, folder): each for each in [first, *graders]}
    assert {name: statuses(each)[0] for name, each in found.items()} == dict.fromkeys(found, "passed")
    troubles = {name: " ".join(t.text for t in each.grade.troubles) for name, each in found.items()}
    assert "longer than 6 seconds" in troubles["loops.ipynb"]
    assert "MemoryError" in troubles["hoards.ipynb"]
    assert "SIGSEGV" in troubles["crashes.ipynb"]
    assert "more than 20 processes" in troubles["breeds.ipynb"]
    assert troubles["hides.ipynb"] == troubles["zoe.ipynb"] == ""
    assert left_running() == []


def test_a_locked_in_notebook_does_nothing_that_the_system_can_keep_it_from(hand_in, tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    submissions = str(tmp_path / "submissions")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        attempts = {
            "files": {
                "read another notebook": f"open({submissions!r} + '/ada.ipynb').read()",
                "list the submissions": f"os.listdir({submissions!r})",
                "read a user's file": f"open({str(precious)!r}).read()",
                "change it": f"open({str(precious)!r}, 'a').write('yours')",
                "empty it": f"os.truncate({str(precious)!r}, 0)",
                "delete it": f"os.remove({str(precious)!r})",
                "delete the submissions": f"import shutil; shutil.rmtree({submissions!r})",
                "write beside them": f"open({str(tmp_path / 'new.txt')!r}, 'w').write('x')",
                "a shell": f"import subprocess; subprocess.run(['rm', {str(precious)!r}], check=True)",
                "read the grader's memory": f"open('/proc/{os.getpid()}/environ').read()",
            },
            "signals": {"stop the grader": f"os.kill({os.getpid()}, 0)"},
            "tcp": {"connect": f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"},
            "udp": {"a datagram": "import socket; socket.socket(type=2).sendto(b'x', ('127.0.0.1', 9))"},
        }
        kept = [kind for kind in attempts if getattr(isolation.means(), kind)]
        hand_in("ada.ipynb", UNIT)
        folder = hand_in(
            "mallory.ipynb",
            "import os\nfrom contextlib import suppress\ndone = []",
            *(
                f"with suppress(BaseException):\n    {line}\n    done.append({what!r})"
                for kind in kept
                for what, line in attempts[kind].items()
            ),
            "assert done == [], done",
            "open('own.txt', 'w').write('x')\nassert open('own.txt').read() == 'x'",
            UNIT,
        )
        before = contents(tmp_path)
        found = graded(folder)["mallory.ipynb"]
    assert "files" in kept
    assert found.grade.troubles == ()
    assert statuses(found)[0] == "passed"
    assert contents(tmp_path) == before


def test_what_every_notebook_may_read_is_no_place_for_notebooks(make_notebook, monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "_SYSTEM", (*isolation._SYSTEM, str(tmp_path)))
    path = make_notebook(UNIT)
    with pytest.raises(ValueError, match=r"answers.ipynb stands in a folder that every notebook may read"):
        next(batch.grade_all([path]))


def test_a_system_that_cannot_lock_in_says_so(monkeypatch):
    monkeypatch.setattr(isolation, "means", lambda: isolation.Means(*[False] * 4))
    with pytest.raises(isolation.NotIsolated, match="no Landlock"):
        Nursery(confined=True)


def test_a_nursery_takes_no_memory_from_one_notebook_to_the_next(make_notebook):
    path = make_notebook(UNIT, "import numpy as np\nlarge = np.ones(2**24)")
    with Nursery(confined=True) as nursery:
        sizes = []
        for _ in range(12):
            assert statuses(batch.submission(path, None, nursery))[0] == "passed"
            sizes.append(psutil.Process(nursery._process.pid).memory_info().rss)
    assert max(sizes[2:]) - sizes[2] < 5 * 2**20


def test_the_command_writes_one_table(course, hand_in, tmp_path):
    hand_in("ada.ipynb", UNIT)
    folder = hand_in("ben.ipynb", WRONG)
    table = tmp_path / "grades.csv"
    told = course("check", folder, "--out", table)
    assert told.exit_code == 1
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [row["neurons/unit"] for row in rows] == ["passed", "failed"]
    assert [row["passed"] for row in rows] == ["1", "0"]
    assert "2/2" in told.stderr
    told = course("check", folder, "--out", tmp_path / "grades.json")
    assert [each["grade"]["section"] for each in json.loads((tmp_path / "grades.json").read_text())] == [
        "01_neural_networks/neurons"
    ] * 2


def test_the_command_says_what_it_cannot_do(course, tmp_path):
    (tmp_path / "empty").mkdir()
    told = course("check", tmp_path / "empty")
    assert told.exit_code == 2
    assert "no notebook in" in told.stderr
    (tmp_path / "empty/one.ipynb").write_text("{}")
    told = course("check", tmp_path / "empty", "--out", tmp_path / "grades.xlsx")
    assert told.exit_code == 2
    assert "a table is a .csv or a .json file" in told.stderr
