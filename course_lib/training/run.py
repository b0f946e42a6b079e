"""Everything one training run consists of, checked before it starts."""

import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from course_lib.training.batches import Batches
from course_lib.training.checkpoint import Stateful
from course_lib.training.early_stopping import EarlyStopping
from course_lib.training.history import History, Record
from course_lib.training.measures import Loss, Metrics
from course_lib.training.precision import Precision
from course_lib.training.randomness import RandomState


@dataclass
class Run:
    """The parts of a training run; ``history`` grows by one record an epoch."""

    model: nn.Module
    train: Batches
    validation: Batches | None
    loss: Loss
    metrics: Metrics | None
    optimizer: torch.optim.Optimizer
    scheduler: Any
    early_stopping: EarlyStopping | None
    precision: Precision
    generator: torch.Generator
    history: History

    def __post_init__(self) -> None:
        trainable = {id(parameter) for parameter in self.model.parameters() if parameter.requires_grad}
        steered = {id(parameter) for group in self.optimizer.param_groups for parameter in group["params"]}
        if not trainable & steered:
            raise ValueError(
                "the optimizer holds none of the model's parameters: it was made for another model"
            )
        if self.scheduler is not None and getattr(self.scheduler, "optimizer", None) is not self.optimizer:
            raise ValueError("the scheduler steers another optimizer than the one given: pass both")
        if self.early_stopping is not None:
            self.early_stopping.reset()

    @property
    def epoch(self) -> int:
        """The number of the epoch under way, or of the next one; the first is 1."""
        return len(self.history) + 1

    @property
    def stopped(self) -> bool:
        """Whether early stopping has ended the run."""
        return self.early_stopping is not None and self.early_stopping.stopped

    @property
    def learning_rate(self) -> float:
        """The learning rate now, of the optimizer's first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def steps(self) -> int | None:
        """Steps an epoch, where the training data can tell."""
        return len(self.train) if isinstance(self.train, Sized) else None

    def parts(self) -> dict[str, Stateful]:
        """Return what a checkpoint must hold to go on from here."""
        generators = {
            id(g): g for g in (self.generator, getattr(self.train, "generator", None)) if g is not None
        }
        parts: dict[str, Any] = {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "early_stopping": self.early_stopping,
            "scaler": self.precision.scaler,
            "history": self.history,
            "random": RandomState(*generators.values()),
        }
        return {name: part for name, part in parts.items() if part is not None}

    def end_epoch(self, record: Record) -> None:
        """Record the epoch, then let the scheduler and early stopping see it.

        Raises:
            ValueError: early stopping monitors a column that is not recorded.
        """
        self.history.append(record)
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(record.get("validation_loss", record["train_loss"]))
        elif self.scheduler is not None:
            self.scheduler.step()
        if self.early_stopping is not None:
            if self.early_stopping.monitor not in record:
                raise ValueError(
                    f"early stopping monitors {self.early_stopping.monitor!r}, which is not recorded; there "
                    f"is {', '.join(record)} (validation columns need validation data)"
                )
            self.early_stopping.step(record[self.early_stopping.monitor], self.model)


class DivergenceError(ArithmeticError):
    """The loss became infinite or not a number; ``history`` holds the epochs before."""

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def check_loss(value: Any, step: int, run: Run) -> None:
    """Insist that the loss of a batch is one finite number.

    Raises:
        TypeError, ValueError: it is not a tensor, or not a scalar.
        DivergenceError: it is infinite or NaN.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"the loss must return a tensor, got {type(value).__name__}")
    if value.ndim > 0:
        raise ValueError(
            f"the loss must return one number, a mean over the batch, got shape {tuple(value.shape)}"
        )
    if not math.isfinite(value.item()):
        raise DivergenceError(
            f"the loss is {value.item()} in epoch {run.epoch}, step {step}: try a smaller learning rate (now "
            f"{run.learning_rate:g}), and look for NaN or huge numbers in the data",
            run.history,
        )
