import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.data import download
from course_lib.data.download import DownloadError, cache_folder, fetch

BODY = bytes(range(256)) * 1000
PIECE = 1 << 16  # what is written at once: of a broken piece nothing is kept
HALF = 2 * PIECE
ALTERNATIVE = 'data.load("digits") needs no network'
REPOSITORY = Path(__file__).parents[2]


def get(*files):
    return fetch("set", files, ALTERNATIVE)


def contents(folder):
    """Everything in the folder but the lock, which stays after a success."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != ".lock")


# ---- the good case, and the cache


def test_a_file_arrives_once_and_is_kept(server, cache, hasty):
    file = server.file("a.bin", BODY)
    assert [path.read_bytes() for path in get(file)] == [BODY]
    assert get(file) == [cache / "set" / "a.bin"]
    assert len(server.requests) == 1, "the second fetch should have been answered by the cache"
    assert contents(cache) == ["set/a.bin"]


def test_files_come_in_the_order_asked_for(server, cache, hasty):
    files = [server.file(name, name.encode()) for name in ("b", "a", "c")]
    assert [path.name for path in get(*files)] == ["b", "a", "c"]


def test_an_empty_file_is_a_file(server, cache, hasty):
    assert get(server.file("empty", b""))[0].read_bytes() == b""


def test_md5_is_checked_where_nothing_better_is_published(server, cache, hasty, misbehave):
    file = server.file("a.bin", BODY, misbehave.corrupt)
    known = replace(file, known_hash=f"md5:{hashlib.md5(BODY).hexdigest()}")
    assert get(known)[0].read_bytes() == BODY
    assert len(server.requests) == 2


def test_redirects_are_followed(server, cache, hasty, misbehave):
    server.put("/new", BODY)
    assert get(server.file("old", BODY, misbehave.redirect("/new")))[0].read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/old", "/new"]


@pytest.mark.parametrize("damaged", [b"", BODY[:-1], BODY[:-1] + b"!", BODY + b"!"])
def test_a_damaged_file_in_the_cache_is_fetched_again(server, cache, hasty, damaged):
    file = server.file("a.bin", BODY)
    (path,) = get(file)
    path.write_bytes(damaged)
    assert get(file)[0].read_bytes() == BODY
    assert len(server.requests) == 2


def test_a_damaged_file_is_never_handed_out(server, cache, hasty, misbehave):
    file = server.file("a.bin", BODY)
    (path,) = get(file)
    path.write_bytes(b"damaged")
    server.put("/a.bin", BODY, *[misbehave.status(404)] * 9)
    with pytest.raises(DownloadError, match="404"):
        get(file)


def test_the_first_digits_of_a_hash_may_do(server, cache, hasty):
    file = server.file("a.bin", BODY)
    short = replace(file, known_hash=file.known_hash[: len("sha256:") + 8])
    assert get(short)[0].read_bytes() == BODY
    other = "0" if short.known_hash[-1] != "0" else "1"
    with pytest.raises(DownloadError, match="do not have the file's sha256 hash"):
        get(replace(short, known_hash=short.known_hash[:-1] + other))
    with pytest.raises(AssertionError, match="too short to know a file by"):
        get(replace(short, known_hash=short.known_hash[:-1]))


def test_an_intact_cache_needs_neither_network_nor_lock(server, cache, hasty, monkeypatch):
    file = server.file("a.bin", BODY)
    get(file)
    server.close()
    monkeypatch.setattr(download, "alone_in", lambda *args: pytest.fail("locked for nothing"))
    assert get(file)[0].read_bytes() == BODY


def test_the_cache_is_where_course_data_says_else_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", "~/somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "somewhere"
    for unset in (lambda: monkeypatch.delenv("COURSE_DATA"), lambda: monkeypatch.setenv("COURSE_DATA", "")):
        unset()
        assert cache_folder().is_absolute()
        assert "course" in cache_folder().parts
        assert tmp_path in cache_folder().parents or sys.platform == "win32"


# ---- servers that fail once, and then recover


def broken_ways(misbehave):
    return {
        "500": misbehave.status(500),
        "503": misbehave.status(503),
        "429": misbehave.status(429),
        "truncated": misbehave.truncate(HALF),
        "truncated at once": misbehave.truncate(0),
        "died": misbehave.die(HALF),
        "hung up": misbehave.hang_up,
        "hung": misbehave.hang,
        "stalled": misbehave.stall(HALF),
        "corrupt": misbehave.corrupt,
    }


WAYS = [
    "500",
    "503",
    "429",
    "truncated",
    "truncated at once",
    "died",
    "hung up",
    "hung",
    "stalled",
    "corrupt",
]


@pytest.mark.parametrize("way", WAYS)
def test_one_failure_is_forgiven(server, cache, hasty, misbehave, way):
    (path,) = get(server.file("a.bin", BODY, broken_ways(misbehave)[way]))
    assert path.read_bytes() == BODY
    assert len(server.requests) == 2
    assert contents(cache) == ["set/a.bin"]


def test_slow_is_not_silent(server, cache, hasty, misbehave):
    # Ten pieces with pauses: longer in all than the limit on silence, and each pause shorter.
    assert get(server.file("a.bin", BODY, misbehave.slow))[0].read_bytes() == BODY
    assert len(server.requests) == 1


# ---- servers that never recover


REASONS = {
    "500": "answered 500 Internal Server Error",
    "503": "answered 503 Service Unavailable",
    "429": "answered 429 Too Many Requests",
    "truncated": f"broke after {HALF:,} bytes",
    "truncated at once": "cannot reach|hung up",
    "died": f"broke after {HALF:,} bytes",
    "hung up": "hung up",
    "hung": "silent for 0.4 s, after 0 bytes",
    "stalled": f"silent for 0.4 s, after {HALF:,} bytes",
    "corrupt": f"the {len(BODY):,} bytes that came do not have the file's sha256 hash",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_is_explained_and_leaves_nothing(server, cache, hasty, misbehave, way):
    broken = broken_ways(misbehave)[way]
    file = server.file("a.bin", BODY, broken, *[misbehave.status(500)] * 9)
    with pytest.raises(DownloadError, match=REASONS[way]) as caught:
        get(file)
    message = str(caught.value)
    for needed in ("cannot download 'set'", "a.bin", file.urls[0], str(cache), "COURSE_DATA", ALTERNATIVE):
        assert needed in message, f"{way}: the message lacks {needed!r}:\n{message}"
    assert len(server.requests) == 3
    refusals = re.findall(r"answered 500 Internal Server Error(?: \((\d) times\))?", message)
    assert refusals == (["3"] if way == "500" else ["2"]), "each attempt is reported, equal ones in one line"
    assert not cache.parent.exists(), f"{way}: {contents(cache.parent)} was left behind"


def test_nobody_there_is_explained(server, cache, hasty):
    file = server.file("a.bin", BODY)
    server.close()
    with pytest.raises(DownloadError, match=f"cannot reach {server.host}"):
        get(file)
    assert not cache.parent.exists()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_is_asked_for_once(server, cache, hasty, misbehave, status):
    with pytest.raises(DownloadError, match=f"answered {status}"):
        get(server.file("a.bin", BODY, *[misbehave.status(status)] * 9))
    assert len(server.requests) == 1
    assert not cache.parent.exists()


def test_a_made_up_status_is_reported_as_it_is(server, cache, hasty, misbehave):
    with pytest.raises(DownloadError, match="answered 499"):
        get(server.file("a.bin", BODY, misbehave.status(499)))


def test_the_next_mirror_is_tried(server, cache, hasty, misbehave):
    gone = server.put("/gone", BODY, *[misbehave.status(404)] * 9)
    ill = server.put("/ill", BODY, *[misbehave.status(500)] * 9)
    file = server.file("a.bin", BODY)
    (path,) = get(replace(file, urls=(gone, ill, *file.urls)))
    assert path.read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/gone", "/ill", "/ill", "/ill", "/a.bin"]


def test_what_came_before_the_failure_is_kept_if_it_is_whole(server, cache, hasty, misbehave):
    first = server.file("first", BODY)
    second = server.file("second", BODY[::-1], misbehave.truncate(HALF), misbehave.status(404))
    with pytest.raises(DownloadError, match="second could not be fetched"):
        get(first, second)
    assert contents(cache) == ["set/first"]
    assert [path.read_bytes() for path in get(first, second)] == [BODY, BODY[::-1]]
    assert [path for path, _ in server.requests].count("/first") == 1


def test_a_cache_that_was_there_stays(server, cache, hasty, misbehave):
    cache.mkdir(parents=True)
    (cache / "other").write_text("mine")
    with pytest.raises(DownloadError):
        get(server.file("a.bin", BODY, misbehave.status(404)))
    assert [p.name for p in cache.iterdir()] == ["other"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_nothing(server, cache, hasty, monkeypatch, interruption):
    def interrupt(*args):
        raise interruption

    monkeypatch.setattr(download, "_verify", interrupt)
    with pytest.raises(interruption):
        get(server.file("a.bin", BODY))
    assert not cache.parent.exists()


def test_a_connection_that_is_not_secure_is_not_tried_again(server, cache, hasty):
    file = server.file("a.bin", BODY)
    with pytest.raises(DownloadError, match=f"no secure connection to {server.host}") as caught:
        get(replace(file, urls=(file.urls[0].replace("http://", "https://"),)))
    assert "times" not in str(caught.value)
    assert not cache.parent.exists()


# ---- resuming


def test_a_broken_download_goes_on_where_it_broke(server, cache, hasty, misbehave):
    (path,) = get(server.file("a.bin", BODY, misbehave.truncate(HALF), misbehave.truncate(PIECE)))
    assert path.read_bytes() == BODY
    assert [wanted for _, wanted in server.requests] == [None, f"bytes={HALF}-", f"bytes={HALF + PIECE}-"]


def test_a_server_that_cannot_resume_sends_all_of_it(server, cache, hasty, misbehave):
    (path,) = get(server.file("a.bin", BODY, misbehave.truncate(HALF), misbehave.ignore_range))
    assert path.read_bytes() == BODY
    assert len(server.requests) == 2


def test_a_refusal_in_between_does_not_lose_what_came(server, cache, hasty, misbehave):
    get(server.file("a.bin", BODY, misbehave.truncate(HALF), misbehave.status(500)))
    assert [wanted for _, wanted in server.requests] == [None, f"bytes={HALF}-", f"bytes={HALF}-"]


def test_wrong_bytes_are_not_resumed_from(server, cache, hasty, misbehave):
    (path,) = get(server.file("a.bin", BODY, misbehave.truncate(HALF), misbehave.corrupt))
    assert path.read_bytes() == BODY
    assert [wanted for _, wanted in server.requests] == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize("left", [BODY[:HALF], b"x" * HALF, BODY, b"x" * len(BODY), BODY + b"x"])
def test_whatever_a_dead_process_left_does_not_harm(server, cache, hasty, left):
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "a.bin.part").write_bytes(left)
    assert get(server.file("a.bin", BODY))[0].read_bytes() == BODY
    assert contents(cache) == ["set/a.bin"]


# ---- several at once, and sudden death


PROGRAM = """
import sys
from course_lib.data.download import Patience, RemoteFile, fetch
url, digest = sys.argv[1:]
print("ready", flush=True)
file = RemoteFile("a.bin", (url,), "sha256:" + digest)
(path,) = fetch("set", [file], "nothing", Patience(silence=20))
assert path.read_bytes() == bytes(range(256)) * 1000
"""


def start(file):
    command = [sys.executable, "-c", PROGRAM, file.urls[0], file.known_hash.removeprefix("sha256:")]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def wait_for(condition, what):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


def test_two_processes_at_once_download_once(server, cache, misbehave):
    go = threading.Event()
    file = server.file("a.bin", BODY, misbehave.when(go))
    processes = [start(file), start(file)]
    wait_for(lambda: server.requests, "the first request")
    time.sleep(0.3)  # time enough for the other one to ask too, if nothing kept it from that
    go.set()
    assert [process.wait(30) for process in processes] == [0, 0]
    assert len(server.requests) == 1
    assert contents(cache) == ["set/a.bin"]


def test_threads_at_once_download_once(server, cache, hasty, misbehave):
    file = server.file("a.bin", BODY, misbehave.slow)
    found = []
    threads = [threading.Thread(target=lambda: found.append(get(file)[0].read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [BODY] * 4
    assert len(server.requests) == 1


def test_a_killed_download_is_taken_up_by_the_next(server, cache, hasty, misbehave):
    file = server.file("a.bin", BODY, misbehave.stall(200_000))
    process = start(file)
    part = cache / "set" / "a.bin.part"
    wait_for(lambda: part.exists() and part.stat().st_size > 100_000, "half of the file")
    process.kill()  # SIGKILL: nothing is tidied up
    assert process.wait(30) != 0
    assert contents(cache) == ["set/a.bin.part"]
    have = part.stat().st_size
    assert get(file)[0].read_bytes() == BODY
    assert server.requests[-1] == ("/a.bin", f"bytes={have}-")
    assert contents(cache) == ["set/a.bin"]


# ---- caches that cannot be written


@pytest.fixture
def unprivileged():
    """Take away the power of root to write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def read_only(monkeypatch):
    """A folder that can be read and not written, in a place that everybody may enter."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "cache"
        folder.mkdir()
        folder.chmod(0o555)
        Path(parent).chmod(0o755)
        monkeypatch.setenv("COURSE_DATA", str(folder))
        yield folder
        folder.chmod(0o755)


@pytest.mark.parametrize("there_already", [False, True], ids=["empty", "with the folder of the set"])
def test_a_read_only_cache_is_named(server, hasty, read_only, there_already, request):
    if there_already:
        read_only.chmod(0o755)
        (read_only / "set").mkdir(mode=0o555)
        read_only.chmod(0o555)
    request.getfixturevalue("unprivileged")
    with pytest.raises(DownloadError, match=r"the cache cannot be written.*ermission denied") as caught:
        get(server.file("a.bin", BODY))
    assert str(read_only) in str(caught.value)
    assert ALTERNATIVE in str(caught.value)
    assert not server.requests, "there is no point in downloading what cannot be kept"


def test_a_file_where_the_cache_should_be_is_named(server, tmp_path, hasty, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="the cache cannot be written"):
        get(server.file("a.bin", BODY))


def test_a_full_disk_is_named_and_leaves_nothing(server, cache, hasty, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.os, "replace", full)
    with pytest.raises(DownloadError, match="No space left on device"):
        get(server.file("a.bin", BODY))
    assert not cache.parent.exists()


# ---- what is shown


@pytest.mark.parametrize(
    ("in_book", "in_kernel", "shown"), [(True, True, False), (False, True, True), (False, False, False)]
)
def test_progress_is_shown_where_somebody_watches(
    server, cache, hasty, capsys, monkeypatch, in_book, in_kernel, shown
):
    monkeypatch.setenv("COURSE_BOOK", "1" if in_book else "0")
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    if not in_kernel:
        monkeypatch.delitem(sys.modules, "ipykernel")
    get(server.file("a.bin", BODY))
    out, err = capsys.readouterr()
    assert out == ""
    assert bool(err) == shown
