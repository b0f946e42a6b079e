"""Fetching published weights once, into the cache of the data sets: by the hash in the file's own name."""

import os
import time
from contextlib import suppress
from pathlib import Path

from course_lib.data import download
from course_lib.data.alone import alone_in
from course_lib.data.download import DownloadError, Patience, cache_folder
from course_lib.data.failures import Failure

FOLDER = "pretrained"  # in the cache


def fetch_by_prefix(name: str, url: str, prefix: str, alternative: str) -> Path:
    """Return the local path of the file at ``url``, downloaded unless the cache holds it intact.

    All or nothing, resumed and locked as ``course_lib.data.download.fetch`` does it, which needs whole hashes
    and so cannot do this.

    Args:
        name: what the error message calls it.
        url: where it is.
        prefix: the first hexadecimal digits of its SHA-256.
        alternative: what the reader can use without a network, for the error message.

    Raises:
        DownloadError: the file cannot be had, or the cache cannot be written.
    """
    patience, folder = download.PATIENCE, cache_folder() / FOLDER
    target = folder / url.rsplit("/", 1)[1]
    if _is_intact(target, prefix):
        return target
    log: list[str] = []
    try:
        with alone_in(folder, patience.turn):
            if not _is_intact(target, prefix):  # unless another process fetched it in the meantime
                _fetch(url, target, prefix, patience, log)
    except (Failure, OSError) as error:
        reason = str(error) if isinstance(error, Failure) else f"the cache cannot be written ({error})"
        raise DownloadError(download._message(name, reason, log, alternative)) from error
    return target


def _fetch(url: str, target: Path, prefix: str, patience: Patience, log: list[str]) -> None:
    """Try a few times, until the file is at ``target``; add to ``log`` what goes wrong."""
    part = target.with_name(f"{target.name}.part")
    try:
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.pause * 2 ** (attempt - 1))
            try:
                download._download(url, part, patience)
                _verify(part, prefix)
                os.replace(part, target)
                return
            except Failure as failure:
                log.append(f"{url}: {failure}")
                if not failure.worth_another_try:
                    break
        raise Failure(f"{target.name} could not be fetched")
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _verify(part: Path, prefix: str) -> None:
    if not _is_intact(part, prefix):
        size = part.stat().st_size
        part.unlink()  # wrong bytes are not worth resuming from
        raise Failure(
            f"the {size:,} bytes that came have no sha256 hash that begins with {prefix}: damaged or replaced"
        )


def _is_intact(path: Path, prefix: str) -> bool:
    from pooch import file_hash

    try:
        return path.is_file() and file_hash(path, alg="sha256").startswith(prefix)
    except OSError:  # a file that cannot be read is as good as none
        return False
