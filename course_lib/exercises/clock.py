"""Ends a call that takes too long, whatever it does."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

_PERIOD = 1e-3  # seconds between two blows
_PATIENCE = 2.0  # seconds a worker thread is given to end before it is left alone


class TimeUp(BaseException):
    """The time is up. Derived from BaseException so that ``except Exception`` lets it pass."""


def call_within(
    seconds: float, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Return ``function(*args, **kwargs)``, or raise :class:`TimeUp` after ``seconds`` at the latest.

    On the main thread of a Unix system a timer's signal interrupts the call. Elsewhere the call runs in a
    thread of its own, which is sent an exception. What neither can interrupt is one long call into C that
    never looks at signals, such as ``sum(range(10**12))``: it ends late.
    """
    if seconds <= 0:
        raise TimeUp
    alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    hook = sys.unraisablehook
    # Blows also fall in destructors, which can't raise; a hook written in Python would be struck itself.
    sys.unraisablehook = deque[Any](maxlen=0).append
    try:
        return (_call_with_alarm if alarm else _call_in_thread)(seconds, function, args, kwargs)
    except TimeUp as blow:
        traceback.clear_frames(blow.__traceback__)  # closes generators, which may complain: not later
    finally:
        sys.unraisablehook = hook
    raise TimeUp


class _Striker:
    """Raises :class:`TimeUp` in every frame below one of ours, as often as it takes.

    An answer may catch the exception (``except:`` in a loop, and such loops inside of each other). So each
    blow, when it is made and again when it is dropped at the end of an ``except``, sets a trace function that
    strikes at the next line: outside of the ``try`` that caught the blow before.
    """

    def __init__(self, ours: FrameType) -> None:
        self._ours = ours
        self.active = True
        striker = self

        class Blow(TimeUp):
            def __init__(self) -> None:
                striker._arm(sys._getframe(1))

            def __del__(self) -> None:
                striker._arm(sys._getframe(1))

        self.blow = Blow

    def _arm(self, frame: FrameType | None) -> None:
        below: list[FrameType] = []
        while frame is not None and frame is not self._ours:
            below.append(frame)
            frame = frame.f_back
        if self.active and frame is self._ours and below:
            for each in below:
                each.f_trace = self._trace
            sys.settrace(self._trace)

    def _trace(self, _frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line" and self.active:
            raise self.blow
        return self._trace


def _enter(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call in a frame of its own: blows fall here and in all frames below, and never in the caller's."""
    return function(*args, **kwargs)


def _call_with_alarm(
    seconds: float, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    ours = sys._getframe()
    striker: _Striker | None = None

    def strike(_signal: int, frame: FrameType | None) -> None:
        nonlocal striker
        if frame and frame.f_code.co_filename == __file__ and frame.f_code is not _enter.__code__:
            return  # a blow is just being made or dropped; another will come
        while frame is not None and frame.f_back is not ours:
            frame = frame.f_back
        if frame is not None:
            striker = striker or _Striker(ours)
            raise striker.blow

    trace = sys.gettrace()
    handler = signal.signal(signal.SIGALRM, strike)
    begun = time.monotonic()
    left, period = signal.setitimer(signal.ITIMER_REAL, seconds, _PERIOD)
    try:
        result = _enter(function, args, kwargs)
    finally:
        # No Python function may be called before tracing and timer are off: a blow would fall in it.
        if striker:
            striker.active = False
            sys.settrace(trace)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), period)
    if striker:  # the answer caught the exception and returned something after all
        raise TimeUp
    return result


def _call_in_thread(
    seconds: float, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    results: list[Any] = []
    errors: list[BaseException] = []
    frames: list[FrameType] = []
    begun = threading.Event()
    # A bare lock and a list: a blow that falls inside of an event would leave its lock closed for ever.
    running, released = threading.Lock(), list[bool]()
    running.acquire()

    def work() -> None:
        frames.append(sys._getframe())
        begun.set()
        try:
            results.append(_enter(function, args, kwargs))
        except BaseException as error:
            errors.append(error)
        while not released:  # a late blow must fall here, and not in the thread's own last steps
            try:
                sys.settrace(None)
                if running.locked():
                    running.release()
                time.sleep(_PERIOD)
            except TimeUp:
                continue

    thread = threading.Thread(target=work, daemon=True, name="answer")
    thread.start()
    begun.wait()
    in_time = running.acquire(timeout=seconds)
    if not in_time:
        _strike_thread(thread, running, _Striker(frames[0]))
    released.append(True)
    if not in_time:
        raise TimeUp
    if errors:
        raise errors[0]
    return results[0]


def _strike_thread(thread: threading.Thread, running: threading.Lock, striker: _Striker) -> None:
    """Strike ``thread`` until its call has ended, or patience does."""
    identity = ctypes.c_ulong(thread.ident or 0)
    end = time.monotonic() + _PATIENCE
    while thread.is_alive() and running.locked() and time.monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(striker.blow))
        time.sleep(_PERIOD)
    striker.active = False
    time.sleep(20 * _PERIOD)  # for the last blow to fall
