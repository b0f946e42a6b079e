"""Grades notebooks on several machines, by Dask's scheduler: what a lost machine had in hand, another one
grades.

Each machine needs the course (``pip install course_lib[cluster]``) and a worker of one thread a core,
started as ``dask worker tcp://SCHEDULER:8786 --nthreads 1``. Notebooks travel as their contents, so no
folder is shared. Every notebook has one key and gets one grade, however often it had to be begun.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from distributed import Client, as_completed

from course_lib.exercises.grading.batch import Submission, submission
from course_lib.exercises.grading.nursery import Nursery
from course_lib.exercises.grading.process import Limits

_TRIES = 3  # machines that may be lost while they have a notebook in hand, before it is given up


def grade_on(client: Client, notebooks: Iterable[Path], limits: Limits | None = None) -> Iterator[Submission]:
    """Grade notebooks on a cluster; yield what came of each, as they are done.

    They are locked in as in ``batch.grade_all``. A file that can't be read here is a problem of its own.
    """
    waiting, grades = {}, []
    for number, path in enumerate(notebooks):
        try:
            contents = path.read_bytes()
        except OSError as error:
            yield Submission(str(path), None, f"can't be read: {error.strerror or error}")
            continue
        grade = client.submit(
            grade_here, contents, limits, key=f"course-{number}-{path.name}", pure=False, retries=_TRIES
        )
        waiting[grade.key] = str(path)
        grades.append(grade)
    for done in as_completed(grades):
        name = waiting.pop(done.key)
        if done.status == "finished":
            yield replace(done.result(), notebook=name)
        else:
            yield Submission(name, None, f"not graded: {done.exception()!r}")


def grade_here(contents: bytes, limits: Limits | None) -> Submission:
    """Grade a notebook in this process's own nursery."""
    with tempfile.TemporaryDirectory(prefix="course-grade-") as folder:
        path = Path(folder) / "notebook.ipynb"
        path.write_bytes(contents)
        return submission(path, limits, _nursery())


@cache
def _nursery() -> Nursery:
    """One nursery for all notebooks that this process grades; it ends with the process."""
    return Nursery(confined=True)
