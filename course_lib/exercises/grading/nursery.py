"""Makes workers by copying a process that has imported the course already: no import, no wait.

On Linux a ``Nursery`` starts one Python, which imports what every notebook needs and then waits. Each
worker is a copy of it (a *fork*), so it starts at once and shares its memory. One worker lives at a time;
when it ends, all it has left running ends too, also what has run away into a session of its own: orphans
of a worker come back to the nursery, which the kernel has been told to treat as their parent
(``PR_SET_CHILD_SUBREAPER``).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from course_lib.exercises.grading import isolation

_FORKER = "course_lib.exercises.grading.forker"
LARGEST_REQUEST = 2**20  # bytes: a working folder and an environment
TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}


class Forked:
    """A worker, with what we need of ``subprocess.Popen``."""

    def __init__(self, line: socket.socket, pid: int, streams: Sequence[IO[str]]):
        self._line = line
        self.pid = pid
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code (minus the number of the signal, if one ended it), or None while it runs."""
        return self._look(block=False)

    def wait(self) -> int:
        """Wait until it has ended, and all it has started with it; the exit code."""
        code = self._look(block=True)
        assert code is not None
        for stream in (self.stdin, self.stdout, self.stderr):
            with suppress(OSError):
                stream.close()
        return code

    def _look(self, block: bool) -> int | None:
        if self.returncode is None:
            with suppress(BlockingIOError):
                told = self._line.recv(LARGEST_REQUEST, 0 if block else socket.MSG_DONTWAIT)
                # A nursery that is gone has taken its worker along.
                self.returncode = json.loads(told)["code"] if told else -signal.SIGKILL
        return self.returncode

    def kill(self) -> None:
        """End it and its process group."""
        for end in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)


class Nursery:
    """Starts workers, one at a time. Leave it as a context, or ``close`` it: it is a process.

    Args:
        confined: whether workers are locked in (``isolation``): each then works in its own empty home.

    Raises:
        NotIsolated: they are to be locked in, and the system can't do that.
    """

    def __init__(self, confined: bool = False) -> None:
        if confined:
            isolation.need()
        self._confined = confined
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # One thread while it imports: a copy of a process has only the thread that made it.
            alone = {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _FORKER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **alone},
                start_new_session=True,
            )

    def start(self, section: str, folder: Path, environment: dict[str, str]) -> Forked:
        """Start a worker for a section, in a folder, with an environment of its own.

        A worker that is locked in works in its home (``COURSE_HOME``) in place of the folder.
        """
        home = environment["COURSE_HOME"]
        if self._confined:
            folder, environment = Path(home), {**environment, "HOME": home, "TMPDIR": home}
        (their_in, stdin), (stdout, their_out), (stderr, their_err) = os.pipe(), os.pipe(), os.pipe()
        theirs = [their_in, their_out, their_err]
        request = {
            "section": section,
            "folder": str(folder),
            "environment": environment,
            "confined": self._confined,
        }
        try:
            socket.send_fds(self._line, [json.dumps(request).encode()], theirs)
            pid = json.loads(self._line.recv(LARGEST_REQUEST))["pid"]
        finally:
            for end in theirs:
                os.close(end)
        ends = zip((stdin, stdout, stderr), "wrr", strict=True)
        return Forked(self._line, pid, [os.fdopen(end, mode, **TEXT) for end, mode in ends])

    def close(self) -> None:
        """End it, with all it has started."""
        self._line.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it waits for a worker, which ends with it
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
