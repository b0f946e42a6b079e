"""One process at a time in a folder, and no trace of the folder if nothing came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.data.failures import Failure

if TYPE_CHECKING:
    from filelock import BaseFileLock


@contextmanager
def alone_in(folder: Path, timeout: float) -> Iterator[None]:
    """Create ``folder`` and keep out other processes that ask for it; a process that dies lets go of it.

    If the body raises, the lock file goes, and so do the folders that were created, unless they are in use.

    Raises:
        Failure: another process was in there for ``timeout`` seconds.
        OSError: the folder cannot be created or written.
    """
    created = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        lock = _locked(folder, timeout)
    except OSError:
        _remove_if_empty(created)
        raise
    try:
        yield
    except BaseException:
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        _remove_if_empty(created)
        raise
    finally:
        lock.release()


def _locked(folder: Path, timeout: float) -> "BaseFileLock":
    """Return an acquired lock in ``folder``, which a process that failed may be removing at this moment."""
    from filelock import FileLock, Timeout

    for _ in range(100):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=timeout)
        try:
            lock.acquire()
        except Timeout:
            raise Failure(
                f"another process has been fetching it for {timeout:g} s ({lock.lock_file})"
            ) from None
        except FileNotFoundError:
            continue
        if Path(lock.lock_file).exists():
            return lock
        lock.release()  # removed while this process waited, so others would lock a new file of the same name
    raise Failure(f"other processes keep removing {folder}")


def _remove_if_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
