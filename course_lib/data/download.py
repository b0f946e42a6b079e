"""Fetching files once: verified by hash, kept in a cache, all or nothing."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from course_lib.data.alone import alone_in
from course_lib.data.failures import Failure, explain
from course_lib.environment import in_book


class DownloadError(RuntimeError):
    """A data set could not be fetched.

    The message says what was tried, why it failed, where the cache is, and what to use instead.
    """


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch: where it can be had, and what it must be.

    Attributes:
        name: file name in the cache.
        urls: where it is, in the order to try.
        known_hash: as pooch writes it, "sha256:..." ("md5:..." where nothing better is published); its first
            digits, 8 at least, where no more of them are published.
    """

    name: str
    urls: tuple[str, ...]
    known_hash: str


@dataclass(frozen=True)
class Patience:
    """How often to try at each URL, and how long to wait for what, in seconds."""

    attempts: int = 3
    connect: float = 10.0
    silence: float = 30.0  # of a server that is connected
    pause: float = 1.0  # before the second attempt; twice as long before each further one
    turn: float = 3600.0  # for another process that is fetching the same set


PATIENCE = Patience()


def cache_folder() -> Path:
    """Return the folder of downloaded data: COURSE_DATA, or else one in the user's cache folder."""
    from platformdirs import user_cache_dir

    chosen = os.environ.get("COURSE_DATA")
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("course", appauthor=False)) / "data"


def fetch(
    dataset: str,
    files: Sequence[RemoteFile],
    alternative: str,
    patience: Patience | None = None,
    folder: str | None = None,
) -> list[Path]:
    """Return local paths of ``files``, having downloaded those that the cache does not hold intact.

    A file appears under its name when it is complete and has its hash, never before. Processes that want the
    same set at once take turns, so that it is downloaded once. A connection that breaks is taken up where it
    broke, if the server can do that, and so is the download of a process that was killed. A download that
    fails leaves nothing.

    Args:
        dataset: name of the data set, or of what else the error message shall call it.
        files: what to fetch.
        alternative: what the reader can use without a network, for the error message.
        patience: time limits and number of attempts; ``PATIENCE`` by default.
        folder: name of the folder in the cache; ``dataset`` by default.

    Raises:
        DownloadError: a file cannot be had, or the cache cannot be written.
    """
    place = cache_folder() / (folder or dataset)
    patience = patience or PATIENCE
    missing = [file for file in files if not _is_intact(place / file.name, file.known_hash)]
    log: list[str] = []
    if missing:
        try:
            with alone_in(place, patience.turn):
                for file in missing:
                    _fetch_one(file, place, patience, log)
        except (Failure, OSError) as error:
            reason = str(error) if isinstance(error, Failure) else f"the cache cannot be written ({error})"
            raise DownloadError(_message(dataset, reason, log, alternative)) from error
    return [place / file.name for file in files]


def _fetch_one(file: RemoteFile, folder: Path, patience: Patience, log: list[str]) -> None:
    """Try each URL a few times, until ``file`` is in ``folder``; add to ``log`` what goes wrong."""
    target, part = folder / file.name, folder / f"{file.name}.part"
    if _is_intact(target, file.known_hash):  # another process fetched it while this one waited for its turn
        return
    try:
        for url in file.urls:
            for attempt in range(1, patience.attempts + 1):
                try:
                    _download(url, part, patience)
                    _verify(part, file.known_hash)
                    os.replace(part, target)
                    return
                except Failure as failure:
                    log.append(f"{url}: {failure}")
                    if not failure.worth_another_try:
                        break
                    if attempt < patience.attempts:
                        time.sleep(patience.pause * 2 ** (attempt - 1))
        raise Failure(f"{file.name} could not be fetched")
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _download(url: str, part: Path, patience: Patience) -> None:
    """Append to ``part`` what it lacks of the file at ``url``."""
    from pooch import HTTPDownloader

    with open(part, "ab") as output:
        have = os.fstat(output.fileno()).st_size

        def start_over_unless_resumed(response: Any, *_args: Any, **_kwargs: Any) -> None:
            # 206 is the rest of the file, 200 all of it; 416 says that there is no rest, so what is here is
            # wrong.
            if response.status_code in (200, 416):
                output.truncate(0)

        download = HTTPDownloader(
            progressbar=_somebody_watches(),
            chunk_size=1 << 16,
            timeout=(patience.connect, patience.silence),
            # identity, because the hash is that of the file and not of a compressed form of it
            headers={"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {}),
            hooks={"response": start_over_unless_resumed},
        )
        with explain(url, patience.connect, patience.silence, lambda: os.fstat(output.fileno()).st_size):
            download(url, output, None)


def _verify(part: Path, known_hash: str) -> None:
    if not _is_intact(part, known_hash):
        size = part.stat().st_size
        part.unlink()  # wrong bytes are not worth resuming from
        algorithm, digits = known_hash.split(":")
        raise Failure(
            f"the {size:,} bytes that came do not have the file's {algorithm} hash, {digits[:8]}...: "
            "damaged or replaced"
        )


def _is_intact(path: Path, known_hash: str) -> bool:
    from pooch import file_hash

    algorithm, digits = known_hash.split(":")
    assert len(digits) >= 8, f"{known_hash} is too short to know a file by"
    try:
        return path.is_file() and file_hash(path, alg=algorithm).startswith(digits)
    except OSError:  # a file that cannot be read is as good as none
        return False


def _somebody_watches() -> bool:
    """Tell whether to show a progress bar: in a terminal or a live notebook, never in the built book."""
    in_kernel = "ipykernel" in sys.modules
    return not in_book() and (in_kernel or (sys.stderr is not None and sys.stderr.isatty()))


def _message(dataset: str, reason: str, log: Sequence[str], alternative: str) -> str:
    lines = [f"cannot download {dataset!r}: {reason}."]
    if log:
        lines.append("  Tried:")
        for entry, repeated in groupby(log):
            times = len(list(repeated))
            lines.append(f"    {entry}" + (f" ({times} times)" if times > 1 else ""))
    lines += [
        f"  Cache: {cache_folder()} (the environment variable COURSE_DATA chooses another folder)",
        f"  Without a network: {alternative}",
    ]
    return "\n".join(lines)
