"""Nothing an answer does stops IPython or a notebook's kernel."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

SETUP = """
import os, sys, types
sys.modules["course_lib.environment"] = types.SimpleNamespace(in_book=lambda: False)  # spares us torch
from course_lib.exercises import Exercise, Mistake, case, check
double = Exercise(
    id="toy/double", section="00_toys/toy", title="Double",
    reference=lambda x: 2 * x, cases=[case(1), case(2)],
    mistakes=[Mistake(lambda x, n=n: n * x, f"That is {n} times.") for n in (3, 4, 5)], time_limit=0.3,
)
"""
ANSWERS = {
    "exit()": "Your function tried to end Python",
    "quit()": "Your function tried to end Python",
    "sys.exit(1)": "Your function tried to end Python",
    "os._exit(1)": "Your function tried to end Python",
    "os.abort()": "Your function tried to end Python",
    "return input('x? ')": "Your function waits for someone to type",
    "return __import__('getpass').getpass()": "Your function waits for someone to type",
    "breakpoint()": "Your function waits for someone to type",
    "while True: pass": "did not come to an end within 0.3 seconds",
    "return x / 0": "line 2 of your cell: return x / 0",
    "print(x)": "did you print instead of return?",
    "return 3 * x": "That is 3 times.",
    "...": "NOT STARTED: Double",
    "return x + x": "All 2 cases agree.",
}


def source(body):
    return f"def answer(x):\n    {body}\ncheck(double, answer)"


@pytest.fixture
def environment(home):
    return os.environ | {
        "COURSE_HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": "1",
    }


def test_a_terminal_goes_on(environment):
    program = f"""
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance(simple_prompt=True)
shell.run_cell({SETUP!r}).raise_error()
for body in {list(ANSWERS)!r}:
    leaver = shell.user_ns["exit"]
    print("=====", body)
    shell.run_cell(f"def answer(x):\\n    {{body}}")
    print(" ".join(str(shell.run_cell("check(double, answer)").result).split()))
    assert shell.keep_running, body
    assert shell.user_ns["exit"] is leaver, body
shell.user_ns["exit"]()
assert not shell.keep_running
print("went on to the end")
"""
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout.rstrip().endswith("went on to the end"), process.stdout + process.stderr
    for body, words in ANSWERS.items():
        shown = process.stdout.split(f"===== {body}\n")[1].split("=====")[0]
        assert words in shown, shown


def test_a_kernel_goes_on(environment):
    notebook = nbformat.v4.new_notebook()
    cells = [SETUP, *map(source, ANSWERS), "print('alive', type(exit).__name__)"]
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    client = NotebookClient(notebook, timeout=60, kernel_name="python3")
    client.execute(env=environment)
    for (body, words), cell in zip(ANSWERS.items(), notebook.cells[1:], strict=False):
        (output,) = cell.outputs
        assert words in " ".join(output.data["text/plain"].split()), (body, output)
        assert "role='status'" in output.data["text/html"]
    assert notebook.cells[-1].outputs[0].text == "alive ZMQExitAutocall\n"
