"""Data sets by name: a loader registers itself together with its data sheet, and ``load`` finds it."""

import difflib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import torch

from course_lib import environment
from course_lib.data.dataset import Dataset
from course_lib.data.detection import DetectionDataset
from course_lib.data.graph import GraphDataset
from course_lib.data.sheet import Sheet

Build = Callable[..., Dataset]


@dataclass(frozen=True)
class _Loader:
    sheet: Sheet
    build: Build


_LOADERS: dict[str, _Loader] = {}


def register(sheet: Sheet) -> Callable[[Build], Build]:
    """Register the decorated function as the loader of ``sheet.name``.

    The function takes the split as its only positional argument and the set's options as keywords with
    defaults; it returns the tensors, and ``load`` adds what the sheet knows. It is called with valid splits
    and option names only.
    """

    def decorate(build: Build) -> Build:
        if sheet.name in _LOADERS:
            raise ValueError(f"there are two data sets called {sheet.name!r}")
        _LOADERS[sheet.name] = _Loader(sheet, build)
        return build

    return decorate


@overload
def load(
    name: Literal["citations", "cora", "karate"],
    split: str = "train",
    device: str | torch.device | None = None,
    **options: Any,
) -> GraphDataset: ...
@overload
def load(
    name: Literal["coins", "scenes"],
    split: str = "train",
    device: str | torch.device | None = None,
    **options: Any,
) -> DetectionDataset: ...
@overload
def load(
    name: str, split: str = "train", device: str | torch.device | None = None, **options: Any
) -> Dataset: ...
def load(
    name: str, split: str = "train", device: str | torch.device | None = None, **options: Any
) -> Dataset:
    """Return one split of a data set: ``load("digits", split="test")``.

    Splits are "train", "validation" and "test", which never share an example, and "all", their union; a
    truth table, with nothing to hold out, has only "train" and "all", and a single picture to test on only
    "test" and "all". Without ``device`` the tensors are on the CPU; "auto" is the best device there is. The
    options of each set are in its data sheet (``sheets``); the same options give the same bits every time.

    Raises:
        ValueError: there is no such set, split or device, or an option has a value it cannot have.
        TypeError: the set has no such option.
        DownloadError: a downloaded set is not in the cache and cannot be fetched.
    """
    loader = _find(name)
    sheet = loader.sheet
    if split not in list(sheet.splits):
        raise ValueError(f"split of {name!r} must be one of {_quoted(sheet.splits)}; got {split!r}")
    _check_options(loader, options)
    # Before the data: a wrong device must not cost a download.
    target = torch.device("cpu") if device is None else environment.device(device)
    built = loader.build(split, **options)
    described = replace(
        built,
        classes=built.classes or sheet.classes,  # a loader says so itself where its options choose them
        name=sheet.name,
        split=split,
        source=sheet.source,
        licence=sheet.licence,
    )
    return described.to(target)


def names() -> list[str]:
    """Return the names that ``load`` knows, sorted."""
    return sorted(_LOADERS)


def sheets() -> list[Sheet]:
    """Return the data sheets of all sets: embedded first, then generated, then downloaded, each by name."""
    order = ("embedded", "generated", "downloaded")
    return sorted((each.sheet for each in _LOADERS.values()), key=lambda s: (order.index(s.kind), s.name))


def _find(name: str) -> _Loader:
    if not isinstance(name, str):
        raise TypeError(f"name must be a string such as 'digits', got {type(name).__name__}")
    if name not in _LOADERS:
        known = f"known are {_quoted(names())}"
        raise ValueError(f"there is no data set called {name!r}{_suggestion(name, _LOADERS)}; {known}")
    return _LOADERS[name]


def _check_options(loader: _Loader, options: dict[str, Any]) -> None:
    parameters = inspect.signature(loader.build).parameters.values()
    known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            expected = f"it takes {_quoted(known)}" if known else "it takes none"
            raise TypeError(
                f"{loader.sheet.name!r} has no option called {option!r}{_suggestion(option, known)}; "
                f"{expected}"
            )


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word.lower().replace("_", "-"), known, n=2)
    return f", did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(repr(word) for word in words)
