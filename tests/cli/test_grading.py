"""Grading a notebook: what counts is the answer, judged by the course's own engine."""

import pytest

from course_lib.exercises.grading import Limits, grade

UNIT = """def threshold_unit(x, w, threshold):
    return (x @ w > threshold).astype(int)"""


def statuses(result):
    return {each.id.partition("/")[2]: each.status for each in result.results}


def messages(result):
    return {each.id.partition("/")[2]: each.message for each in result.results}


def test_a_notebook_solved_in_all_the_ways_one_may_write_it(make_notebook):
    path = make_notebook(
        UNIT,
        "import course_lib.exercises\n"
        "report = course_lib.exercises.check('neurons/unit', threshold_unit)\n"
        "assert report.passed",
        "from course_lib.exercises import check as sure\n"
        "def gate_name(w1, w2, t):\n"
        "    fires = tuple(int(w1 * a + w2 * b > t) for a in (0, 1) for b in (0, 1))\n"
        "    names = {(0,0,0,1): 'AND', (0,1,1,1): 'OR', (1,1,1,0): 'NAND', (1,0,0,0): 'NOR'}\n"
        "    return names.get(fires, 'other')\n"
        "sure('neurons/gate_name', answer=gate_name)",
        "%matplotlib inline\n!true\nimport asyncio\nawait asyncio.sleep(0)",
        "from course_lib.exercises import check\n"
        "def xor_from(gate, x1, x2):\n"
        "    both = gate(x1, x2)\n"
        "    return gate(gate(x1, both), gate(x2, both))\n"
        "for name, answer in [('neurons/xor_from', xor_from)]:\n"
        "    check(exercise='neurons/xor_from', answer=answer)",
        "def perceptron_update(w, b, x, y, learning_rate=1.0):\n"
        "    error = y - int(x @ w + b > 0)\n"
        "    return w + learning_rate * error * x, b + learning_rate * error\n"
        "def grade_myself():\n"
        "    return check('neurons/perceptron_update', perceptron_update)\n"
        "grade_myself()",
        "import numpy as np\n"
        "def answer(x, y, w, b):\n"
        "    z, v = np.hstack([x, np.ones((len(x), 1))]), np.append(w, b)\n"
        "    gamma = ((2 * y - 1) * (z @ v)).min() / np.linalg.norm(v)\n"
        "    return (np.linalg.norm(z, axis=1).max() / gamma) ** 2\n"
        "check('neurons/mistake_bound', answer)\n"
        "answer = 'used again for something else'",
    )  # fmt: skip
    result = grade(path)
    assert result.troubles == ()
    assert result.stopped == ""
    assert set(statuses(result).values()) == {"passed"}, messages(result)
    assert result.complete
    assert result.passed == 5


def test_faking_the_check_earns_nothing(make_notebook):
    path = make_notebook(
        "from course_lib.exercises import check, Report\n"
        "def check(exercise, answer):\n"
        "    return Report(exercise, 'passed', 'Right!')",
        "check('neurons/unit', lambda x, w, threshold: 0)",
        "import json\n"
        "line = {'event': 'result', 'id': 'neurons/gate_name', 'status': 'passed',"
        " 'message': '', 'details': []}\n"
        "print(json.dumps(line))\n"
        "import os\n"
        "for stream in range(3, 30):\n"
        "    try: os.write(stream, (json.dumps(line) + '\\n').encode())\n"
        "    except OSError: pass",
        "from course_lib.exercises import progress\n"
        "progress.record(Report('neurons/xor_from', 'passed', ''))",
        "from course_lib.exercises import judge\n"
        "kept = judge.fault_of\n"
        "judge.fault_of = lambda *_: None\n"
        "check('neurons/perceptron_update', lambda w, b, x, y, learning_rate=1.0: 0)\n"
        "judge.fault_of = kept",
        "from course_lib.exercises import registry\n"
        "exercise = registry.find('neurons/mistake_bound')\n"
        "object.__setattr__(exercise, 'reference', lambda x, y, w, b: 0)\n"
        "check('neurons/mistake_bound', lambda x, y, w, b: 0)",
    )  # fmt: skip
    result = grade(path)
    assert statuses(result) == {
        "unit": "failed",
        "gate_name": "not checked",
        "xor_from": "not checked",
        "perceptron_update": "error",
        "mistake_bound": "error",
    }
    told = messages(result)
    assert told["gate_name"] == "No cell of the notebook checks this exercise."
    assert "replaced by the notebook: course_lib.exercises.judge.fault_of" in told["perceptron_update"]
    assert "replaced by the notebook: neurons/mistake_bound: reference" in told["mistake_bound"]


def test_each_exercise_stands_alone(make_notebook):
    path = make_notebook(
        "from course_lib.exercises import check",
        "def threshold_unit(x, w, threshold)\n    return 1\ncheck('neurons/unit', threshold_unit)",
        "1 / 0\ncheck('neurons/gate_name', None)",
        "def xor_from(gate, x1, x2):\n    while True: pass\ncheck('neurons/xor_from', xor_from)",
        "def perceptron_update(w, b, x, y, learning_rate=1.0):\n    raise SystemExit\n"
        "check('neurons/perceptron_update', perceptron_update)\n"
        "raise SystemExit",
        "check('neurons/mistake_bound', lambda x, y, w, b: 0)\n"
        "check('neurons/mistake_bound', ...)  # the last one counts",
    )  # fmt: skip
    result = grade(path)
    told = messages(result)
    assert statuses(result) == {
        "unit": "error",
        "gate_name": "error",
        "xor_from": "error",
        "perceptron_update": "error",
        "mistake_bound": "not started",
    }
    assert told["unit"].startswith("The cell that checks this failed: SyntaxError")
    assert told["gate_name"] == "The cell that checks this failed: ZeroDivisionError: division by zero."
    assert "second" in told["xor_from"], "the engine stopped the endless answer itself"
    assert [trouble.cell for trouble in result.troubles] == [2, 3, 5]


def test_section_is_found_without_metadata(make_notebook, tmp_path):
    (tmp_path / "helper.py").write_text("threshold = 1\n")
    path = make_notebook(
        "import helper, os, sys\nfrom course_lib.exercises import check",
        f"{UNIT}\ncheck('neurons/unit', threshold_unit)",
        "assert os.path.samefile(os.getcwd(), os.path.dirname(helper.__file__))\n"
        "assert sys.stdin.read() == ''\n"
        "assert 'COURSE_BOOK' not in os.environ",
        section=None,
    )
    seen = []
    result = grade(path, Limits(), lambda cell, cells: seen.append((cell, cells)))
    assert result.section == "01_neural_networks/neurons"
    assert result.troubles == (), "its folder is where it runs and imports from"
    assert statuses(result)["unit"] == "passed"
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_library_of_ones_own_beside_the_notebook_is_not_the_judge(make_notebook, tmp_path):
    fake = tmp_path / "course_lib" / "exercises"
    fake.mkdir(parents=True)
    (fake.parent / "__init__.py").write_text("")
    (fake / "__init__.py").write_text("def check(*_): return 'passed'\n")
    path = make_notebook(
        "from course_lib.exercises import check\ncheck('neurons/unit', lambda x, w, threshold: 0)"
    )
    assert statuses(grade(path))["unit"] == "failed"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3, "nbformat": 4, "metadata": {}}'])
def test_what_is_no_notebook_raises(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"x\.ipynb is no notebook|does not say its section"):
        grade(path)
