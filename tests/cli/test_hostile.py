"""Whatever a notebook does, there is a report, soon, and nothing of it is left running."""

import psutil
import pytest

from course_lib.exercises.grading import Limits, grade

UNIT = """from course_lib.exercises import check
def threshold_unit(x, w, threshold):
    return (x @ w > threshold).astype(int)
check('neurons/unit', threshold_unit)"""
GATE = "check('neurons/gate_name', lambda w1, w2, threshold: 'AND')"


def left_running(mark):
    """Processes whose command line has a mark in it."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def texts(result):
    return {trouble.cell: trouble.text for trouble in result.troubles}


def test_cells_that_kill_the_process_are_left_out_and_the_rest_counts(make_notebook):
    path = make_notebook(
        UNIT,
        "import os\nos._exit(0)",
        "import ctypes\nctypes.string_at(0)",
        "try:\n    while True:\n        pass\nexcept BaseException:\n    while True: pass",
        "print('x' * 10**7)\ninput('Your name? ')",
        GATE,
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    )  # fmt: skip
    result = grade(path, Limits(cell_seconds=4))
    assert texts(result) == {
        2: "ended the process (exit code 0)",
        3: "ended the process: SIGSEGV (Segmentation fault)",
        4: "took longer than 4 seconds",
        5: "EOFError: EOF when reading a line",
    }
    assert [each.status for each in result.results[:2]] == ["passed", "failed"]


def test_children_end_with_the_notebook_also_those_that_hide(make_notebook):
    path = make_notebook(
        "import subprocess, os",
        "subprocess.Popen(['sleep', '98765.1'])\n"
        "subprocess.Popen(['sleep', '98765.2'], start_new_session=True)\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        os.execvp('sleep', ['sleep', '98765.3'])\n"
        "    os._exit(0)",
        "copy = os.fork() == 0",  # and both go on
        UNIT,
    )
    result = grade(path)
    assert result.results[0].passed
    assert result.troubles == ()
    assert left_running("98765.") == []


@pytest.mark.parametrize(
    ("cell", "limits", "text"),
    [
        (
            "import subprocess, sys\n"
            "eat = 'x = bytearray(350 * 2**20); import time; time.sleep(98766)'\n"
            "eaters = [subprocess.Popen([sys.executable, '-c', eat]) for _ in range(3)]\n"
            "eaters[0].wait()",
            Limits(memory=800),
            "used more than 800 MiB of memory",
        ),
        (
            "import subprocess\n"
            "many = [subprocess.Popen(['sleep', '98766']) for _ in range(30)]\n"
            "many[0].wait()",
            Limits(processes=20),
            "started more than 20 processes",
        ),
    ],
    ids=["memory of all together", "processes"],
)  # fmt: skip
def test_limits_hold_for_the_children_too(make_notebook, cell, limits, text):
    result = grade(make_notebook(UNIT, cell), limits)
    assert texts(result) == {2: text}
    assert result.results[0].passed
    assert left_running("98766") == []


def test_too_much_memory_in_one_process(make_notebook):
    path = make_notebook(
        "import numpy as np\nhuge = np.ones(10**11)",
        "hoard = []\nwhile True: hoard.append(np.ones(2**22))",
        "hoard = None",
        UNIT,
    )
    result = grade(path, Limits(memory=900))
    assert texts(result)[1].startswith("MemoryError")
    assert texts(result)[2].startswith("MemoryError") or "900 MiB" in texts(result)[2]
    assert result.results[0].passed, "what was hoarded is gone, and the rest runs"


def test_the_whole_notebook_has_an_end_too(make_notebook):
    path = make_notebook(UNIT, *["import time\ntime.sleep(60)"] * 3, GATE)
    result = grade(path, Limits(cell_seconds=50, total_seconds=9))
    assert result.stopped == "the whole notebook took longer than 9 seconds"
    assert result.results[0].passed
    assert result.results[1].message == "Not reached: the whole notebook took longer than 9 seconds."
