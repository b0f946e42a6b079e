"""The process that runs a notebook: reads its job from the standard input, reports in lines of JSON.

It is started by ``process.py``, which watches it from outside. Every line it writes carries a secret that
came with the job, so that nothing the notebook prints is taken for a report.
"""

from __future__ import annotations

import builtins
import faulthandler
import json
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from course_lib.exercises import registry
from course_lib.exercises.grading.cells import SendToJudge
from course_lib.exercises.grading.integrity import Seal
from course_lib.exercises.judge import judge
from course_lib.exercises.model import Exercise
from course_lib.exercises.report import ERROR, Report

_SLACK = 256 * 2**20  # bytes that threads and allocators reserve without using them
_LARGEST_FILE = 2**30  # bytes of one file that a notebook may write
_MESSAGE = 500  # characters of an error's text that are reported

Say = Callable[..., None]


def prepare() -> None:
    """Import what every notebook needs, so that copies of this process need not."""
    import matplotlib.pyplot
    import torch
    from IPython.core.interactiveshell import InteractiveShell

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a thread that exists now would be missing in the copies
    del matplotlib, InteractiveShell
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(threads))


def main() -> None:
    """Run the job on the standard input."""
    job = json.load(sys.stdin)
    say = _speaker(job["secret"])
    exercises = {exercise.id: exercise for exercise in registry.of_section(job["section"])}
    seal = Seal(exercises.values())
    shell = _shell()
    judge_name = f"_judge_{secrets.token_hex(8)}"
    shell.ast_transformers.append(SendToJudge(set(exercises), judge_name))
    vars(builtins)[judge_name] = _judge(exercises, seal, say)
    sys.path.insert(0, os.getcwd())
    _limit_memory(job["memory"] * 2**20)
    process = os.getpid()
    for number, source in job["cells"]:
        say("cell", cell=number)
        error = _run(shell, source)
        if os.getpid() != process:
            os._exit(0)  # a copy of this process that the cell has made and that came out of it
        if error:
            say("trouble", cell=number, text=error)
    say("end")
    os._exit(0)  # whatever threads and exit handlers the notebook has left


def _speaker(secret: str) -> Say:
    """Take the standard streams away from the notebook; return what writes a report to the old output."""
    process = os.getpid()
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (stays open as long as the process)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    faulthandler.enable()
    dumps, current = json.dumps, os.getpid

    def say(event: str, **fields: Any) -> None:
        if current() == process:
            reports.write(dumps({"secret": secret, "event": event, **fields}) + "\n")
            reports.flush()

    return say


def _shell() -> Any:
    """An IPython shell that remembers nothing: magics, ``!commands`` and ``await`` work as in a notebook."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui: str | None = None) -> None:
            """Nothing to enable: nobody looks at the figures (``%matplotlib`` asks for it)."""

    config = Config()
    config.HistoryManager.enabled = False
    return Shell.instance(config=config)


def _run(shell: Any, source: str) -> str:
    """Run a cell; return the error that ended it, in one line, or ``""``."""
    try:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
    except BaseException as raised:  # IPython's own error handling can be led to raise
        error = raised
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        with suppress(Exception):
            pyplot.close("all")
    return _text(error) if error else ""


def _text(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its text can't be shown)"
    return f"{type(error).__name__}: {text}".rstrip(": ")[:_MESSAGE]


def _judge(exercises: dict[str, Exercise], seal: Seal, say: Say) -> Callable[[str, Any], Report]:
    """Return what stands in for ``check`` in the notebook's cells."""

    def judge_answer(exercise_id: str, answer: Any) -> Report:
        exercise = exercises[exercise_id]
        report = _report(exercise, answer, seal)
        details = [[detail.label, detail.text] for detail in report.details]
        say("result", id=exercise_id, status=report.status, message=report.message, details=details)
        return report

    return judge_answer


def _report(exercise: Exercise, answer: Any, seal: Seal) -> Report:
    part = seal.broken()
    report = None if part else judge(exercise, answer)
    part = part or seal.broken()
    if report is None or part:
        message = f"A part of the checks has been replaced by the notebook: {part}."
        return Report(exercise.id, ERROR, message, title=exercise.title)
    return report


def _limit_memory(most: int) -> None:
    """Let allocations beyond ``most`` bytes (with what is in use already) fail, where the system can do that.

    Limits what is written to, not what is reserved: torch reserves several times what it uses. Where there
    is a GPU, its driver reserves too much for that, and only the watch from outside remains.
    """
    torch = sys.modules.get("torch")
    status = Path("/proc/self/status")
    if not status.exists() or (torch is not None and torch.cuda.is_available()):
        return
    import resource

    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    data, resident = (int(fields[name].split()[0]) * 1024 for name in ("VmData", "VmRSS"))
    limit = data + max(most - resident, 0) + _SLACK
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))


if __name__ == "__main__":
    main()
