"""The process that a ``Nursery`` starts: it imports what every notebook needs; each worker is its copy."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from course_lib.exercises import registry
from course_lib.exercises.grading import isolation, worker
from course_lib.exercises.grading.nursery import LARGEST_REQUEST, TEXT

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def main() -> None:
    """Serve requests from the line whose number is the argument, until it is closed."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker.prepare()
    line = socket.socket(fileno=int(sys.argv[1]))
    while True:
        told, streams, _, _ = socket.recv_fds(line, LARGEST_REQUEST, 3)
        if not told:
            return
        request = json.loads(told)
        registry.of_section(request["section"])
        pid = os.fork()
        if pid == 0:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            line.close()
            _become(request, streams)
            worker.main()
        for stream in streams:
            os.close(stream)
        line.send(json.dumps({"pid": pid}).encode())
        ended = os.pidfd_open(pid)
        watched: list[Any] = [ended, line]
        ready, _, _ = select.select(watched, [], [])
        os.close(ended)
        if line in ready:  # whoever asked is gone, and nobody watches the worker any more
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        _end_the_rest()
        if line in ready:
            return
        line.send(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())


def _become(request: dict[str, Any], streams: list[int]) -> None:
    """Take on a worker's folder, environment and standard streams, and be locked in if need be."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request["confined"]:
        isolation.confine(Path.cwd())
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, **TEXT, closefd=False)  # noqa: SIM115
        for number, mode in enumerate("rww")
    )


def _end_the_rest() -> None:
    """End the processes that the last worker has left: each generation of orphans becomes our children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while left := children.read_text().split():
        for pid in map(int, left):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
