"""Makes a call harmless: it can't end the process, ask for input, print, or shift random streams."""

from __future__ import annotations

import builtins
import getpass
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

_MOST_OUTPUT = 20_000  # characters kept of what an answer prints
_EXITS = (os._exit, os.abort)


class AskedInput(BaseException):
    """The answer wanted something typed in."""


class Output(io.TextIOBase):
    """A stream that keeps the first characters written to it and drops the rest."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = _MOST_OUTPUT

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Keep ``text`` while there is room."""
        if self._room > 0 and text:
            self._parts.append(str(text)[: self._room])
            self._room -= len(self._parts[-1])
        return len(text)

    def getvalue(self) -> str:
        """Return what was kept."""
        return "".join(self._parts)


class _NoInput(io.TextIOBase):
    """A standard input that nobody types into."""

    def readable(self) -> bool:
        return True

    def read(self, *_: Any) -> NoReturn:
        raise AskedInput

    readline = readlines = __next__ = read


@dataclass
class Watched:
    """What a guarded call did besides returning: text printed to either stream, and warnings given."""

    output: Output = field(default_factory=Output)
    warned: list[warnings.WarningMessage] = field(default_factory=list)


def _refuse_exit(*_: Any, **__: Any) -> NoReturn:
    raise SystemExit


def _refuse_input(*_: Any, **__: Any) -> NoReturn:
    raise AskedInput


@contextmanager
def guarded(function: Callable[..., Any], seed: int = 0) -> Iterator[Watched]:
    """Guard what runs inside; everything is put back afterwards, whatever happened.

    ``exit``, ``quit`` (also IPython's, which would stop the kernel), ``os._exit`` and ``os.abort`` raise
    ``SystemExit``; ``input``, ``getpass``, ``breakpoint`` and reading the standard input raise
    :class:`AskedInput`. Both streams and all warnings are collected. Python's, NumPy's and torch's global
    random streams start from ``seed`` and go on afterwards as if nothing had happened.
    """
    watched = Watched()
    with ExitStack() as undo:
        _replace_attributes(undo)
        _replace_names(_globals_of(function), undo)
        _replace_names(vars(sys.modules["__main__"]), undo)
        for name in ("stdout", "stderr"):
            _set(sys, name, watched.output, undo)
        _set(sys, "stdin", _NoInput(), undo)
        _reseed(seed, undo)
        warned = undo.enter_context(warnings.catch_warnings(record=True))
        assert warned is not None  # record=True
        watched.warned = warned
        warnings.simplefilter("always")
        yield watched


def _set(owner: Any, name: str, value: Any, undo: ExitStack) -> None:
    if hasattr(owner, name):
        undo.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, value)


def _replace_attributes(undo: ExitStack) -> None:
    for owner, name in ((os, "_exit"), (os, "abort"), (builtins, "exit"), (builtins, "quit")):
        _set(owner, name, _refuse_exit, undo)
    for owner, name in ((builtins, "input"), (getpass, "getpass"), (sys, "breakpointhook")):
        _set(owner, name, _refuse_input, undo)
    undo.callback(sys.setrecursionlimit, sys.getrecursionlimit())
    undo.callback(sys.settrace, sys.gettrace())


def _replace_names(names: dict[str, Any], undo: ExitStack) -> None:
    """Replace, in a module's names, every way out that was imported or put there under any name."""
    autocall = sys.modules.get("IPython.core.autocall")
    leavers = (autocall.ExitAutocall,) if autocall else ()
    for name, value in list(names.items()):
        if isinstance(value, leavers) or any(value is leave for leave in _EXITS):
            names[name] = _refuse_exit
            undo.callback(_put_back, names, name, value)


def _put_back(names: dict[str, Any], name: str, value: Any) -> None:
    if names.get(name) is _refuse_exit:
        names[name] = value


def _globals_of(function: Any) -> dict[str, Any]:
    """Return the names a function sees, through ``partial``, methods and callable objects."""
    for _ in range(20):
        if hasattr(function, "__globals__"):
            names: dict[str, Any] = function.__globals__
            return names
        inner = getattr(function, "func", None) or getattr(function, "__func__", None)
        function = inner or vars(type(function)).get("__call__")
    return {}


def _reseed(seed: int, undo: ExitStack) -> None:
    undo.callback(random.setstate, random.getstate())
    random.seed(seed)
    undo.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002 (the global one is meant)
    np.random.seed(seed)  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        undo.callback(torch.default_generator.set_state, torch.default_generator.get_state())
        torch.default_generator.manual_seed(seed)
