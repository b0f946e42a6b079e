# ruff: noqa: E722 (catching everything is what is tested here)
"""A call that never ends is ended, on the main thread and on others, whatever it catches."""

import functools
import signal
import sys
import threading
import time

import pytest

from course_lib.exercises.clock import TimeUp, call_within

SHORT = 0.1


def plain():
    while True:
        pass


def sleeps():
    while True:
        time.sleep(0.01)


def catches_exceptions():
    while True:
        try:
            len("x")
        except Exception:
            continue


def catches_everything():
    while True:
        try:
            len("x")
        except:
            continue


def keeps_what_it_catches():
    caught = []
    while True:
        try:
            time.sleep(0.001)
        except BaseException as error:
            caught.append(error)


def catches_at_three_levels():
    while True:
        try:
            while True:
                try:
                    while True:
                        try:
                            len("x")
                        except:
                            continue
                except:
                    continue
        except:
            continue


def continues_finally():
    while True:
        try:
            len("x")
        finally:
            continue  # noqa: B012


def calls_what_catches():
    def inner():
        try:
            len("x")
        except:
            return 1

    while True:
        try:
            inner()
        except:
            continue


def makes_a_generator_forever():
    def forever():
        while True:
            try:
                yield 1
            except:
                continue

    for _ in forever():
        pass


ENDLESS = [
    plain,
    sleeps,
    catches_exceptions,
    catches_everything,
    keeps_what_it_catches,
    catches_at_three_levels,
    continues_finally,
    calls_what_catches,
    makes_a_generator_forever,
]


def on_a_thread(function):
    """Run ``function`` on a thread other than the main one, and return what it returned or raised."""
    results = []

    def work():
        try:
            results.append(function())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return results[0]


def test_a_function_of_c_that_minds_signals_ends_too():
    with pytest.raises(TimeUp):
        call_within(SHORT, functools.partial(time.sleep, 250), (), {})


@pytest.mark.parametrize("endless", ENDLESS)
def test_it_ends_on_the_main_thread(endless):
    with pytest.raises(TimeUp):
        call_within(SHORT, endless, (), {})


@pytest.mark.parametrize("endless", ENDLESS)
def test_it_ends_on_another_thread(endless):
    assert isinstance(on_a_thread(lambda: call_within(SHORT, endless, (), {})), TimeUp)
    for thread in threading.enumerate():
        if thread.name == "answer":
            thread.join(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "answer"], "it still runs"


def returns_when_stopped():
    try:
        plain()
    except BaseException:
        return 3


def test_what_returns_after_all_was_still_late():
    with pytest.raises(TimeUp):
        call_within(SHORT, returns_when_stopped, (), {})
    assert isinstance(on_a_thread(lambda: call_within(SHORT, returns_when_stopped, (), {})), TimeUp)


def test_results_and_errors_come_through():
    assert call_within(9, divmod, (7, 2), {}) == (3, 1)
    assert call_within(9, int, ("11",), {"base": 2}) == 3
    assert on_a_thread(lambda: call_within(9, divmod, (7, 2), {})) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        call_within(9, divmod, (7, 0), {})
    assert isinstance(on_a_thread(lambda: call_within(9, divmod, (7, 0), {})), ZeroDivisionError)


def test_no_time_is_too_little():
    with pytest.raises(TimeUp):
        call_within(0, print, ("this must not be printed",), {})


def test_signal_timer_and_tracing_are_given_back():
    rung = []

    def trace(*_):
        return None

    old = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    left, period = signal.setitimer(signal.ITIMER_REAL, 1000.0, 7.0)
    before = sys.gettrace()
    try:
        sys.settrace(trace)
        with pytest.raises(TimeUp):
            call_within(SHORT, catches_at_three_levels, (), {})
        assert sys.gettrace() is trace
        sys.settrace(before)
        rest, again = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < rest < 1000
        assert again == 7.0
        assert not rung
        signal.raise_signal(signal.SIGALRM)
        assert rung
    finally:
        sys.settrace(before)
        signal.setitimer(signal.ITIMER_REAL, left, period)
        signal.signal(signal.SIGALRM, old)
