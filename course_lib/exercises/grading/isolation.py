"""Locks a worker in, as far as the kernel can: it keeps its own folder, and may read what Python needs.

Two means of Linux, neither of which asks for special rights:

- *Landlock* (Linux 6.2 or newer): the process and all it starts may write below its own folder alone, and
  read the system's programs and libraries, Python, the course, and downloaded data. All else, such as the
  user's files and other people's notebooks, is closed to it. From Linux 6.7 on it may use no TCP, and
  from 6.12 on send no signal to processes outside.
- *A network namespace* of its own, which has no way out, where the system lets a user make one.

What they don't cover: reading what stands in the folders of ``readable``; seeing that other processes and
files exist; filling the disk, a file of 1 GiB at a time; faults of the kernel itself. Without a
namespace, UDP. On other systems than Linux there is nothing of all this.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course_lib.data import cache_folder

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/proc", "/sys", "/dev")
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h


class NotIsolated(RuntimeError):
    """The system has nothing to lock a process in with."""


def readable() -> list[Path]:
    """The folders that a locked-in process may read, beside its own."""
    python = {Path(folder).resolve() for folder in (sys.prefix, sys.base_prefix)}
    package = Path(__file__).resolve().parents[2]
    folders = [*map(Path, _SYSTEM), *sorted(python), package, cache_folder()]
    return [folder for folder in folders if folder.is_dir()]


def exposed(paths: Iterable[Path]) -> list[Path]:
    """Those of some paths that a locked-in process could read all the same."""
    open_to_all = [folder.resolve() for folder in readable()]
    return [path for path in paths if any(path.resolve().is_relative_to(folder) for folder in open_to_all)]


@dataclass(frozen=True)
class Means:
    """What the system keeps a locked-in process from; what is False, it can do.

    ``files``: reading, writing and deleting outside; ``tcp`` and ``udp``: reaching anybody by them;
    ``signals``: stopping processes outside.
    """

    files: bool
    tcp: bool
    udp: bool
    signals: bool

    def __str__(self) -> str:
        kept = [name for name, is_kept in vars(self).items() if is_kept]
        free = [name for name, is_kept in vars(self).items() if not is_kept]
        return f"locked in: {', '.join(kept) or 'nothing'}" + (f"; not: {', '.join(free)}" if free else "")


@cache
def means() -> Means:
    """What this system can keep a process from."""
    version = _landlock_version()
    alone = version > 0 and _can_leave_the_network()
    # Before version 3, files outside could be cut to nothing though not opened for writing.
    return Means(files=version >= 3, tcp=version >= 4 or alone, udp=alone, signals=version >= 6)


def _landlock_version() -> int:
    """The version of Landlock's interface, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    import landlockpy

    return landlockpy.abi_version() if landlockpy.supported() else 0


def _can_leave_the_network() -> bool:
    trial = f"import sys; from {__name__} import leave_the_network; sys.exit(not leave_the_network())"
    return subprocess.run([sys.executable, "-P", "-c", trial], check=False).returncode == 0


def need() -> None:
    """Raise ``NotIsolated`` where a process can't be kept from other people's files."""
    if not means().files:
        raise NotIsolated("this system has no Landlock (Linux 6.2 or newer) to lock notebooks in with")


def confine(folder: Path) -> None:
    """Lock this process in, for good, with ``folder`` as its own."""
    from landlockpy import AccessFS, Ruleset, Scope

    leave_the_network()
    read = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as rules:
        for path in readable():
            rules.allow_path(path, read)
        rules.allow_path(folder, rules.handled_fs)
        for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
            rules.allow_path(device, AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        rules.restrict()


def leave_the_network() -> bool:
    """Move this process to a network of its own, without a way out; whether the system lets it."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    with suppress(OSError):  # it keeps its name in the new namespace, and no more rights than it had
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True
