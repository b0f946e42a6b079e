"""Pickles as Python 2 wrote them; a web server that misbehaves on demand, and no way to other machines."""

import io
import pickle
import struct

import pytest
from web import cache, hasty, loopback_only, misbehave, server

__all__ = ["cache", "hasty", "loopback_only", "misbehave", "server"]  # fixtures of this folder, too


class _Python2Pickler(pickle._Pickler):
    """Writes strings, bytes and names of classes as Python 2 and the libraries of its time did."""

    dispatch = dict(pickle._Pickler.dispatch)
    modules = {
        "numpy._core.multiarray": "numpy.core.multiarray",
        "builtins": "__builtin__",
        "copyreg": "copy_reg",
    }

    def save_string(self, obj):
        content = obj if isinstance(obj, bytes) else obj.encode("latin1")
        if self.proto == 0:
            self.write(b"S" + repr(content).removeprefix("b").encode() + b"\n")
        else:
            self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(obj)

    def save_global(self, obj, name=None):
        name = name or obj.__name__
        module = self.modules.get(obj.__module__ or "", obj.__module__) or pickle.whichmodule(obj, name)
        self.write(f"c{self.modules.get(module, module)}\n{name}\n".encode())
        self.memoize(obj)

    dispatch[bytes] = save_string
    dispatch[str] = save_string
    dispatch[type] = save_global
    dispatch[type(len)] = save_global
    dispatch[type(lambda: None)] = save_global


@pytest.fixture
def python2_pickle():
    """A function ``(object, protocol=2) -> bytes``, with the pickle Python 2 would have written."""

    def dumps(obj, protocol=2):
        file = io.BytesIO()
        _Python2Pickler(file, protocol).dump(obj)
        return file.getvalue()

    return dumps
