"""Runs the worker and watches it from outside: its time, its memory, its children."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from course_lib.exercises.grading.nursery import Forked

Worker = subprocess.Popen[str] | Forked
Start = Callable[[str, Path, dict[str, str]], Worker]  # a section, a folder to work in, an environment

_TICK = 0.2  # seconds between two looks at memory
_STARTUP = 120.0  # seconds the worker may take to import the course's library
_MARK = "COURSE_CHECK"  # the environment variable by which stray processes are found


@dataclass(frozen=True)
class Limits:
    """What a notebook may use: seconds for each cell and in all, MiB of memory, processes at a time."""

    cell_seconds: float = 60.0
    total_seconds: float = 600.0
    memory: int = 2048
    processes: int = 64


@dataclass(frozen=True)
class Ended:
    """How a worker ended. ``reason`` is ``""`` after its last cell, else says what happened in ``cell``."""

    reason: str
    cell: int | None
    out_of_time: bool = False


class Clock:
    """The time a notebook has in all. It runs from the first cell on: starting a worker is our affair."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._end: float | None = None

    def start(self) -> None:
        """Start it, unless it runs already."""
        if self._end is None:
            self._end = time.monotonic() + self._seconds

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._end is not None and time.monotonic() > self._end


def start_alone(section: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a worker as a Python of its own, which imports what it needs; works on every system."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "course_lib.exercises.grading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def run_worker(
    section: str, cells: Sequence[tuple[int, str]], folder: Path, limits: Limits, clock: Clock, start: Start
) -> Iterator[dict[str, Any] | Ended]:
    """Run cells in a worker; yield its reports as they come and, last of all, how it ended.

    When this generator is left, in whatever way, the worker and all that it has started are gone.
    """
    secret, mark = secrets.token_hex(16), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="course-check-", ignore_cleanup_errors=True) as home:
        worker = start(section, folder, _environment(home, mark))
        try:
            job = {"secret": secret, "section": section, "cells": list(cells), "memory": limits.memory}
            yield from _Watch(worker, job, limits, clock).events()
        finally:
            _kill(worker, mark)


def _environment(home: str, mark: str) -> dict[str, str]:
    """The worker's environment: the user's, but with folders of its own, and as in no book."""
    own = {_MARK: mark, "COURSE_HOME": home, "IPYTHONDIR": home, "MPLBACKEND": "agg", "PYTHONUNBUFFERED": "1"}
    return {**{name: value for name, value in os.environ.items() if name != "COURSE_BOOK"}, **own}


class _Watch:
    """Follows one worker through its cells."""

    def __init__(self, worker: Worker, job: dict[str, Any], limits: Limits, clock: Clock):
        self._worker, self._job, self._limits, self._clock = worker, job, limits, clock
        self._lines: queue.Queue[str] = queue.Queue()
        self._complaints: deque[str] = deque(maxlen=50)
        self._cell: int | None = None
        self._cell_end = time.monotonic() + _STARTUP

    def events(self) -> Iterator[dict[str, Any] | Ended]:
        streams = (self._worker.stdout, self._lines.put), (self._worker.stderr, self._complaints.append)
        for stream, put in streams:
            threading.Thread(target=_drain, args=(stream, put), daemon=True).start()
        # A worker that dies at once must not take us with it.
        with suppress(BrokenPipeError, OSError):
            assert self._worker.stdin is not None
            json.dump(self._job, self._worker.stdin)
            self._worker.stdin.close()
        while True:
            gone = self._worker.poll() is not None
            event = self._next()
            if event is not None and event["event"] == "end":
                yield Ended("", None)
                return
            if event is not None:
                yield event
                continue
            reason = self._exit() if gone else self._excess()
            if reason:
                yield Ended(reason, self._cell, self._clock.is_over)
                return

    def _next(self) -> dict[str, Any] | None:
        """The worker's next report; None if there is none within a tick."""
        try:
            line = self._lines.get(timeout=_TICK)
        except queue.Empty:
            return None
        try:
            event = json.loads(line)
        except ValueError:
            return None
        if not isinstance(event, dict) or event.pop("secret", None) != self._job["secret"]:
            return None
        if event["event"] == "cell":
            self._cell = event["cell"]
            self._clock.start()
            self._cell_end = time.monotonic() + self._limits.cell_seconds
        return event

    def _excess(self) -> str:
        """What the worker has too much of, in words; ``""`` if nothing."""
        processes = _processes(self._worker.pid)
        if len(processes) > self._limits.processes:  # told first: so many make everything else slow
            return f"started more than {self._limits.processes} processes"
        now = time.monotonic()
        if self._clock.is_over:
            return f"the whole notebook took longer than {self._limits.total_seconds:g} seconds"
        if now > self._cell_end and self._cell is None:
            return f"the notebook could not be started within {_STARTUP:g} seconds"
        if now > self._cell_end:
            return f"took longer than {self._limits.cell_seconds:g} seconds"
        if _memory(processes) > self._limits.memory * 2**20:
            return f"used more than {self._limits.memory} MiB of memory"
        return ""

    def _exit(self) -> str:
        """How the worker left before its time."""
        code = self._worker.poll()
        assert code is not None, "it has left"
        if code < 0:
            with suppress(ValueError):
                return f"ended the process: {signal.Signals(-code).name} ({signal.strsignal(-code)})"
        last = next((line.strip() for line in reversed(self._complaints) if line.strip()), "")
        if self._cell is None:
            return f"the notebook could not be started: {last or f'exit code {code}'}"
        return f"ended the process (exit code {code})"


def _drain(stream: IO[str], put: Any) -> None:
    with suppress(ValueError, OSError):
        for line in stream:
            put(line[:1_000_000])


def _processes(pid: int) -> list[psutil.Process]:
    """A process and its descendants; none if it is gone."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _memory(processes: Sequence[psutil.Process]) -> int:
    """Bytes that a process and its descendants use, shared ones counted once."""
    used = 0
    for i, process in enumerate(processes):
        with suppress(psutil.Error):
            used += process.memory_full_info().uss if i else process.memory_info().rss
    return used


def _kill(worker: Worker, mark: str) -> None:
    """End the worker, its process group, and whatever has left the group but carries the mark."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        worker.kill()
    worker.wait()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark:
                process.kill()
