"""What runs under guard can't end the process, talk, listen, or leave anything changed."""

import builtins
import os
import random
import sys
import warnings

import numpy as np
import pytest
import torch

from course_lib.exercises.guard import AskedInput, guarded


def function():
    """Has this module's names."""


leave = os._exit


def test_every_way_out_is_closed_and_opened_again():
    names = [(os, "_exit"), (os, "abort"), (builtins, "exit"), (builtins, "quit"), (builtins, "input")]
    names = [(owner, name) for owner, name in names if hasattr(owner, name)]
    before = [getattr(owner, name) for owner, name in names]
    assert len(before) >= 3
    with guarded(function):
        for owner, name in names:
            with pytest.raises((SystemExit, AskedInput)):
                getattr(owner, name)()
        with pytest.raises(SystemExit):
            leave(3)  # imported by another name
    assert [getattr(owner, name) for owner, name in names] == before
    assert leave is os._exit


def test_all_is_put_back_after_an_error():
    streams = sys.stdout, sys.stderr, sys.stdin
    filters = list(warnings.filters)

    def fails():
        with guarded(function):
            sys.setrecursionlimit(4321)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert (sys.stdout, sys.stderr, sys.stdin) == streams
    assert warnings.filters == filters
    assert sys.getrecursionlimit() != 4321
    assert leave is os._exit


def test_streams_and_warnings_are_collected():
    with guarded(function) as watched:
        print("one")
        print("two", file=sys.stderr)
        warnings.warn("three")
        warnings.warn("three")
        with pytest.raises(AskedInput):
            sys.stdin.read()
    assert watched.output.getvalue() == "one\ntwo\n"
    assert [str(warning.message) for warning in watched.warned] == ["three", "three"]


def test_only_the_beginning_of_endless_output_is_kept():
    with guarded(function) as watched:
        for _ in range(1000):
            print("x" * 1000)
    assert 1000 < len(watched.output.getvalue()) < 100_000


def test_random_streams_start_alike_and_go_on_as_if_nothing_had_happened():
    def draw():
        return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    undisturbed = [draw(), draw()]
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    first = draw()
    with guarded(function, seed=1):
        inside = draw()
    assert [first, draw()] == undisturbed
    with guarded(function, seed=1):
        assert draw() == inside
    with guarded(function, seed=2):
        assert draw() != inside


def test_a_name_set_meanwhile_stays():
    names = {"leave": os._exit, "__builtins__": builtins}
    exec("def answer():\n    global leave, other\n    leave, other = 1, 2", names)
    with guarded(names["answer"]):
        names["answer"]()
    assert (names["leave"], names["other"]) == (1, 2)
