"""A web server that misbehaves on demand, and no way to other machines: fixtures for a folder's conftest."""

import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from course_lib.data import download
from course_lib.data.download import Patience, RemoteFile

Behaviour = Callable[[BaseHTTPRequestHandler, bytes], None]


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """No test of this folder reaches another host, whatever it tries."""
    connect = socket.socket.connect

    def guarded(self, address):
        host = address[0] if isinstance(address, tuple) else "127.0.0.1"
        assert host in ("127.0.0.1", "localhost"), f"a test tried to reach {host}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache that does not exist yet."""
    folder = tmp_path / "cache" / "data"
    monkeypatch.setenv("COURSE_DATA", str(folder))
    return folder


@pytest.fixture
def hasty(monkeypatch):
    """Waits of milliseconds, for the server is near."""
    patience = Patience(attempts=3, connect=5, silence=0.4, pause=0.01, turn=30)
    monkeypatch.setattr(download, "PATIENCE", patience)
    return patience


class Server:
    """Serves bodies by path; a request uses up one of the path's behaviours, and without any all is well."""

    def __init__(self):
        self.requests: list[tuple[str, str | None]] = []  # (path, Range header)
        self.closing = threading.Event()
        self._bodies: dict[str, bytes] = {}
        self._behaviours: dict[str, list[Behaviour]] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with outer._lock:
                    outer.requests.append((self.path, self.headers.get("Range")))
                    waiting = outer._behaviours.get(self.path)
                    behave = waiting.pop(0) if waiting else fine
                self.outer = outer
                behave(self, outer._bodies.get(self.path, b""))

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *args: None  # a client that was killed is no news
        self.host = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def put(self, path: str, body: bytes, *behaviours: Behaviour) -> str:
        """Serve ``body`` at ``path`` and return its URL."""
        self._bodies[path] = body
        self._behaviours[path] = list(behaviours)
        return f"http://{self.host}{path}"

    def file(self, name: str, body: bytes, *behaviours: Behaviour) -> RemoteFile:
        """Serve ``body`` as a file of its own and return what ``fetch`` needs to know of it."""
        url = self.put(f"/{name}", body, *behaviours)
        return RemoteFile(name, (url,), f"sha256:{hashlib.sha256(body).hexdigest()}")

    def close(self):
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


def _send(handler, status, body, length=None, **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def _start(handler) -> int:
    wanted = handler.headers.get("Range")
    return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0


def fine(handler, body):
    """The whole body, or the rest of it if that is asked for."""
    start = _start(handler)
    if not start:
        _send(handler, 200, body)
    elif start < len(body):
        _send(handler, 206, body[start:], Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")
    else:
        _send(handler, 416, b"", Content_Range=f"bytes */{len(body)}")


class Misbehaviour:
    """What servers do to us; each is a behaviour, or makes one."""

    fine = staticmethod(fine)

    @staticmethod
    def ignore_range(handler, body):
        _send(handler, 200, body)

    @staticmethod
    def status(code) -> Behaviour:
        return lambda handler, body: _send(handler, code, b"<html>sorry</html>")

    @staticmethod
    def truncate(n) -> Behaviour:
        """Announce all, send n bytes of what was asked for, close politely."""

        def behave(handler, body):
            start = _start(handler)
            _send(handler, 206 if start else 200, body[start : start + n], length=len(body) - start)

        return behave

    @staticmethod
    def die(n) -> Behaviour:
        """Send n bytes, then reset the connection as a crashing machine does."""

        def behave(handler, body):
            _send(handler, 200, body[:n], length=len(body))
            time.sleep(0.05)  # let them arrive: a reset throws away what is under way
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

        return behave

    @staticmethod
    def hang_up(handler, body):
        handler.connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def hang(handler, body):
        """Say nothing."""
        handler.outer.closing.wait(20)

    @staticmethod
    def stall(n) -> Behaviour:
        """Send n bytes, and then nothing, with the connection open."""

        def behave(handler, body):
            _send(handler, 200, body[:n], length=len(body))
            handler.outer.closing.wait(20)

        return behave

    @staticmethod
    def corrupt(handler, body):
        start = _start(handler)
        wrong = bytearray(body[start:])
        wrong[-1] ^= 1
        _send(handler, 206 if start else 200, bytes(wrong))

    @staticmethod
    def slow(handler, body):
        """Everything, in many small pieces, each well within the time limit."""
        _send(handler, 200, b"", length=len(body))
        for start in range(0, len(body), max(1, len(body) // 10)):
            handler.wfile.write(body[start : start + max(1, len(body) // 10)])
            handler.wfile.flush()
            time.sleep(0.05)

    @staticmethod
    def when(event) -> Behaviour:
        """Everything, once the test says so."""

        def behave(handler, body):
            event.wait(20)
            fine(handler, body)

        return behave

    @staticmethod
    def redirect(path) -> Behaviour:
        return lambda handler, body: _send(handler, 302, b"moved", Location=path)


@pytest.fixture
def misbehave():
    return Misbehaviour
