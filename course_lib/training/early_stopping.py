"""Stop training when it no longer helps, and keep the best weights."""

import math
from typing import Any

import torch


class EarlyStopping:
    """Watch one number and say when it has stopped improving.

    Pass it to ``fit``, or call ``step`` yourself once an epoch.

    Args:
        patience: stop after this many epochs in a row without improvement; at least 1.
        min_delta: a change counts as improvement only when it is larger than this.
        mode: ``"min"`` where smaller is better (losses), ``"max"`` where larger is (accuracies).
        monitor: the column of the history that ``fit`` watches.
        restore_best: whether ``fit`` ends with the weights of the best epoch instead of the last one's.

    Attributes:
        best: the best value so far; ``None`` before the first.
        best_epoch: its epoch; 0 before the first.
        stopped: whether patience has run out.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, algorithm 7.1. Other rules:
    Prechelt, "Early stopping - but when?", 1998.
    """

    def __init__(
        self,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "min",
        monitor: str = "validation_loss",
        restore_best: bool = True,
    ) -> None:
        if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
            raise ValueError(f"patience must be a whole number of at least 1, got {patience!r}")
        if not (min_delta >= 0 and math.isfinite(min_delta)):
            raise ValueError(f"min_delta must be a number of at least 0, got {min_delta!r}")
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max", got {mode!r}')
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.monitor, self.restore_best = monitor, restore_best
        self.reset()

    def reset(self) -> None:
        """Forget everything seen, for a new run."""
        self.best: float | None = None
        self.best_epoch = 0
        self.epoch = 0
        self.best_weights: dict[str, Any] | None = None

    @property
    def stopped(self) -> bool:
        """Whether there were ``patience`` epochs in a row without improvement."""
        return self.epoch - self.best_epoch >= self.patience

    def step(self, value: float, model: torch.nn.Module | None = None) -> bool:
        """Take the value of one more epoch (and the model that had it); return whether to stop.

        NaN is never an improvement.
        """
        self.epoch += 1
        if self._improves(float(value)):
            self.best, self.best_epoch = float(value), self.epoch
            if model is not None and self.restore_best:
                self.best_weights = {name: _copy(part) for name, part in model.state_dict().items()}
        return self.stopped

    def restore(self, model: torch.nn.Module) -> None:
        """Load the best weights into ``model``; without any yet (no epoch, or not kept) leave it as it is."""
        if self.best_weights is not None:
            model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        """Return everything seen, for a checkpoint."""
        names = ("best", "best_epoch", "epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take what was seen from a checkpoint."""
        self.best, self.best_weights = state["best"], state["best_weights"]
        self.best_epoch, self.epoch = state["best_epoch"], state["epoch"]

    def _improves(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if self.best is None:
            return True
        return (
            value < self.best - self.min_delta if self.mode == "min" else value > self.best + self.min_delta
        )


def _copy(part: Any) -> Any:
    return part.detach().clone() if isinstance(part, torch.Tensor) else part
