"""Checkpoints: a file is replaced whole or not at all, and reading one runs no code of its own."""

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

FORMAT = "course_lib checkpoint"
VERSION = 1
PLAIN = (bool, int, float, str, bytes, type(None), torch.Tensor, torch.dtype, torch.device)


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written, read, or used for this model and optimizer."""


class Stateful(Protocol):
    """Anything with a state to keep: models, optimizers, schedulers, histories, random generators."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Take the state."""


def save_checkpoint(path: str | os.PathLike[str], parts: Mapping[str, Stateful]) -> None:
    """Write the states of all ``parts`` to ``path``; the folder is made if it is missing.

    The file is written beside its final place, forced to disk, and then renamed over it: whenever the process
    or the machine dies, ``path`` holds the old checkpoint or the new one, whole.

    Raises:
        CheckpointError: a state holds something that could not be read back safely, such as a function.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "kinds": {name: type(part).__name__ for name, part in parts.items()},
        "states": {name: _plain(part.state_dict(), name) for name, part in parts.items()},
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(target.parent)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the states in a checkpoint by name (``"model"``, ``"optimizer"``, ...), tensors on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is damaged, is no checkpoint of this library, or tries to run code.
    """
    return _read(path)["states"]


def load_checkpoint(path: str | os.PathLike[str], parts: Mapping[str, Stateful]) -> None:
    """Give every one of ``parts`` its state back.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: as ``read_checkpoint``; or the parts are not the ones that were saved: another model
            or kind of optimizer, a scheduler too many.
    """
    content = _read(path)
    kinds, states = content["kinds"], content["states"]
    for name in sorted({*kinds, *parts}):
        if name not in kinds or name not in parts:
            where = "the checkpoint has none" if name in parts else "only the checkpoint has one"
            raise CheckpointError(f"{path} was saved by another set-up: as to {name}, {where}")
        # A model may be the same network under another class name; its parameters are compared below.
        given = type(parts[name]).__name__
        if name != "model" and kinds[name] != given:
            raise CheckpointError(
                f"{path} was saved by another set-up: its {name} is {kinds[name]}, not {given}"
            )
    for name, part in parts.items():
        try:
            part.load_state_dict(states[name])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise CheckpointError(f"the {name} in {path} does not fit the one given: {error}") from error


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    if not os.path.exists(path):
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch.load does not compare checksums
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged, or no checkpoint: {error}") from error
    if damaged is not None:
        raise CheckpointError(f"{path} is damaged: the checksum of its part {damaged!r} is wrong")
    try:
        # weights_only: tensors and plain values, never code.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or foreign file can fail in any way
        asked = re.search(r"GLOBAL (\S+)", str(error))
        code = f"it holds code to run: {asked[1]}" if asked else "it is no checkpoint"
        # PyTorch's own message advises to load the file without this protection: it is not passed on.
        raise CheckpointError(f"{path} was refused: {code}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no checkpoint of this library")
    if content.get("version") != VERSION:
        raise CheckpointError(f"{path} has version {content.get('version')!r}; this library reads {VERSION}")
    if not all(isinstance(content.get(key), dict) for key in ("kinds", "states")):
        raise CheckpointError(f"{path} is no checkpoint of this library: parts are missing")
    if content["kinds"].keys() != content["states"].keys():
        raise CheckpointError(f"{path} is no checkpoint of this library: its parts do not match")
    return content


def _plain(state: Any, where: str) -> Any:
    """Return the state with NumPy numbers as Python's; refuse what ``weights_only`` could not read back."""
    if isinstance(state, np.generic):
        return state.item()
    if isinstance(state, Mapping):
        return {key: _plain(value, f"{where}[{key!r}]") for key, value in state.items()}
    if type(state) in (list, tuple):
        return type(state)(_plain(value, f"{where}[{i}]") for i, value in enumerate(state))
    if isinstance(state, PLAIN):
        return state
    raise CheckpointError(f"cannot save {where}: a {type(state).__name__} could not be read back safely")


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
