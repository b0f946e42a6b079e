"""A training run of several processes that ends as one process would have ended it, killed ones included."""

import math
import os
import time
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.layers import checks
from course_lib.training.checkpoint import Stateful, load_checkpoint, save_checkpoint
from course_lib.training.distributed.processes import Processes
from course_lib.training.distributed.shares import SharedBatches, mixed, share
from course_lib.training.distributed.summing import ModelLoss, backward_together, share_state
from course_lib.training.evaluation import mode_kept
from course_lib.training.history import History
from course_lib.training.randomness import seeded
from course_lib.training.run import DivergenceError


class Progress:
    """How far a run has come, and what the order of its examples follows from."""

    def __init__(self, batches: SharedBatches) -> None:
        self.step, self.history, self._batches = 0, History(), batches

    def state_dict(self) -> dict[str, Any]:
        """Return the number of steps done, the record, and what must not change on the way."""
        return {"step": self.step, "history": self.history.state_dict(), "fixed": self._fixed()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; ValueError if the batches would be others than before."""
        if state["fixed"] != self._fixed():
            raise ValueError(f"it is from a run with {state['fixed']}, this one has {self._fixed()}")
        self.step = int(state["step"])
        self.history.load_state_dict(state["history"])

    def _fixed(self) -> dict[str, int]:
        names = ("examples", "batch_size", "seed")
        return {name: getattr(self._batches, name) for name in names}


def fit_together(
    model: nn.Module,
    data: Any,
    loss: ModelLoss,
    optimizer: Optimizer,
    processes: Processes,
    *,
    steps: int,
    batch_size: int,
    rate: Callable[[int], float] | None = None,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 10,
    after_step: Callable[[int], None] | None = None,
) -> History:
    """Train ``model`` in place with all processes, and return a record each ``every`` steps.

    The batch of a step is the same, however many processes share it, and the gradient that all of them apply
    is that of the whole batch: so is the outcome, to rounding. Chance that the model draws itself (dropout)
    follows from seed, step and rank; with the same number of processes it is the same, with another number
    it is other chance of the same kind.

    If there is a checkpoint the run goes on from it, with as many processes as there are now. On CPUs, with
    as many as before, it ends bit for bit as if it had never been interrupted. No random state needs saving,
    since all of it follows from the number of the step.

    Args:
        model: any module; with ``layers.BatchNorm2d`` it is normalized share by share (``SyncBatchNorm2d``
            by the batch). It is moved to the processes' device and stays in the mode it had.
        data: an object with tensors ``.x`` (n, ...) and ``.y`` (n, ...), the same in all processes.
        loss: function of (model, x, y), a mean over the examples.
        optimizer: holds the model's parameters.
        processes: from ``joined()``.
        steps: how many in all, those before the checkpoint counted in.
        batch_size: examples in a step, of all processes together.
        rate: learning rate as a function of the step, from 0; default that of the optimizer.
        seed: of the order of the examples, and of chance in the model.
        checkpoint: file that the first process replaces at each record; it alone need see it.
        every: steps between two records; the last step has one, too.
        after_step: called in every process with the number of steps done.

    Raises:
        DivergenceError: the loss became infinite or NaN.
        CheckpointError: the checkpoint is damaged, or of a run with other batches.
        ValueError, TypeError: an argument is not what it must be.
    """
    checks.positive_integer("fit_together", "steps", steps)
    checks.positive_integer("fit_together", "every", every)
    x, y = _pair(data, processes)
    batches = SharedBatches(len(x), batch_size, seed)
    progress = Progress(batches)
    parts: dict[str, Stateful] = {"model": model, "optimizer": optimizer, "progress": progress}
    model.to(processes.device)
    if checkpoint is not None and processes.rank == 0 and os.path.exists(checkpoint):
        load_checkpoint(checkpoint, parts)
    share_state(parts)
    losses: list[float] = []
    start = time.perf_counter()
    with mode_kept(model):
        model.train()
        for step in range(progress.step, steps):
            rows = batches.rows(step)
            own = share(rows, processes.rank, processes.world).to(x.device)
            if rate is not None:
                _set_rate(optimizer, rate(step))
            optimizer.zero_grad()
            with seeded(mixed(seed, step, processes.rank), processes.device):
                value = float(backward_together(model, loss, x[own], y[own], total=len(rows)))
            if not math.isfinite(value):
                raise DivergenceError(f"fit_together: the loss is {value} in step {step}", progress.history)
            optimizer.step()
            progress.step = step + 1
            losses.append(value)
            if progress.step % every == 0 or progress.step == steps:
                _record(progress, optimizer, losses, time.perf_counter() - start)
                losses, start = [], time.perf_counter()
                if checkpoint is not None and processes.rank == 0:
                    save_checkpoint(checkpoint, parts)
            if after_step is not None:
                after_step(progress.step)
    return progress.history


def _record(progress: Progress, optimizer: Optimizer, losses: list[float], seconds: float) -> None:
    """Add the mean loss of the steps since the last record."""
    progress.history.append(
        {
            "step": progress.step,
            "learning_rate": float(optimizer.param_groups[0]["lr"]),
            "train_loss": sum(losses) / len(losses),
            "seconds": seconds,
        }
    )


def _set_rate(optimizer: Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _pair(data: Any, processes: Processes) -> tuple[Tensor, Tensor]:
    x, y = getattr(data, "x", None), getattr(data, "y", None)
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise TypeError(f"fit_together: data must have tensors .x and .y, got {type(data).__name__}")
    if len(x) != len(y) or not len(x):
        raise ValueError(
            f"fit_together: data must have as many x as y, one or more, got {len(x)} and {len(y)}"
        )
    return x.to(processes.device), y.to(processes.device)
