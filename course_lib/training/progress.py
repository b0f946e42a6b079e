"""A progress bar for people; nothing where nobody watches."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from tqdm.auto import tqdm

from course_lib.environment import in_book


def progress_bar(epochs: int, steps: int | None, first_epoch: int, progress: bool | None) -> Any:
    """Return a bar over all steps of all epochs, a context manager with ``update()`` and ``set_postfix``.

    ``progress`` None shows it in a terminal or a notebook; it never appears while the static book is made,
    nor with tqdm's own ``TQDM_DISABLE=1`` in the environment.
    """
    wanted = (sys.stderr.isatty() or _in_notebook()) if progress is None else progress
    refused = bool(os.environ.get("TQDM_DISABLE"))  # which tqdm's bar for notebooks overlooks
    return tqdm(
        total=None if steps is None else epochs * steps,
        initial=0 if steps is None else (first_epoch - 1) * steps,
        disable=in_book() or refused or not wanted,
        unit="step",
        leave=False,
    )


def summary(record: Mapping[str, float]) -> dict[str, str]:
    """Return the losses and metrics of a record, as the bar shows them."""
    quiet = {"epoch", "learning_rate", "seconds"}
    return {name: f"{value:.4g}" for name, value in record.items() if name not in quiet}


def _in_notebook() -> bool:
    # Without importing IPython: where it is not loaded, this is no notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
