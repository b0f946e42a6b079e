"""The command's own words, and that it starts quickly."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["list", "check", "progress", "run", "data", "data fetch", "bench"])
def test_every_command_explains_itself(course, command):
    result = course(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert len(result.stdout) > 200


def test_without_arguments_it_shows_the_commands(course):
    result = course()
    assert result.exit_code in (0, 2), "which of them depends on the version of click"
    for command in ("list", "check", "progress", "run", "data", "bench"):
        assert f" {command} " in result.output


def test_unknown_command_is_misuse(course):
    assert course("chek").exit_code == 2


def test_starting_imports_neither_torch_nor_the_exercises():
    heavy = "('torch', 'course_lib.exercises', 'papermill')"
    code = f"import sys, course_lib.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
