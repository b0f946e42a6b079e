"""The training loop: forward, loss, backward, step."""

import os
import time
from typing import Any

import torch
from torch import nn

from course_lib.training.batches import as_batches, checked
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.early_stopping import EarlyStopping
from course_lib.training.evaluation import device_for, measure, measures, mode_kept
from course_lib.training.history import History, Record
from course_lib.training.measures import Loss, Means, Metrics, cross_entropy
from course_lib.training.precision import Precision
from course_lib.training.progress import progress_bar, summary
from course_lib.training.randomness import seeded
from course_lib.training.run import Run, check_loss


def train_epoch(run: Run, bar: Any) -> Record:
    """Show the model every batch once; return the mean loss and metrics, taken while the weights change."""
    run.model.train()
    means = Means()
    for step, (x, y) in enumerate(checked(run.train, "train", run.epoch), start=1):
        x, y = x.to(run.precision.device), y.to(run.precision.device)
        with run.precision.autocast():
            output = run.model(x)
            loss = run.loss(output, y)
        check_loss(loss, step, run)

        run.optimizer.zero_grad()
        run.precision.scaler.scale(loss).backward()  # without mixed precision this is loss.backward()
        run.precision.scaler.step(run.optimizer)  # ... and optimizer.step()
        run.precision.scaler.update()

        # Of several outputs, as auxiliary heads give them in training, the first is the prediction.
        prediction = output if isinstance(output, torch.Tensor) else output[0]
        means.add(measures(prediction.detach(), y, loss.detach(), run.metrics), examples=len(x))
        bar.update()
    return means.result("train_")


def validate(run: Run) -> Record:
    """Measure loss and metrics on the validation data, if there are any."""
    if run.validation is None:
        return {}
    batches = checked(run.validation, "validation", run.epoch)
    found = measure(run.model, batches, run.loss, run.metrics, run.precision)
    return {f"validation_{name}": value for name, value in found.items()}


def fit(
    model: nn.Module,
    train: Any,
    validation: Any = None,
    *,
    loss: Loss | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    scheduler: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    metrics: Metrics | None = None,
    early_stopping: EarlyStopping | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    device: str | torch.device | None = None,
    seed: int | None = None,
    amp: bool = False,
    progress: bool | None = None,
) -> History:
    """Train ``model`` in place and return what happened, epoch by epoch.

    Args:
        model: any module; it stays on the device of training, and returns to the mode (train, eval) it had.
        train: an object with tensors ``.x`` and ``.y``, a pair of tensors, or a PyTorch dataset of pairs,
            shuffled anew every epoch, a short last batch included; or an iterable of batches such as a
            ``DataLoader``, taken as it comes.
        validation: the same kinds; measured after every epoch, never trained on.
        loss: function or module of (output, target), a mean over the batch; default cross-entropy of logits.
            It sees all outputs of a model that has several in training; the metrics see the first.
        optimizer: default ``torch.optim.Adam`` with learning rate 0.001.
        scheduler: a learning-rate scheduler of that optimizer, stepped once an epoch.
        epochs: how many in all, those of a resumed checkpoint counted in.
        batch_size: examples a step, unless ``train`` comes in batches.
        metrics: names and functions of (output, target), means over the batch; default the accuracy where the
            targets are class labels, ``{}`` for none.
        early_stopping: when to stop before ``epochs``, and whether to go back to the best weights.
        checkpoint: file that holds the state of the run, replaced after every epoch.
        resume: go on from ``checkpoint`` if it exists; on a CPU the outcome equals that of an unbroken run.
        device: default the one the model is on; ``"auto"`` for the best there is.
        seed: makes the shuffling and what PyTorch draws (dropout) depend on this number alone, and leaves the
            global generators as they were; without it, those decide.
        amp: mixed precision, see ``Precision``.
        progress: show a progress bar; default in terminals and notebooks. Never in the static book.

    Raises:
        DivergenceError: the loss became infinite or NaN; the weights are those that gave it.
        CheckpointError: the checkpoint is damaged or belongs to another set-up.
        ValueError, TypeError: an argument, the data or the loss is not what it must be.
    """
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
        raise ValueError(f"epochs must be a whole number of at least 0, got {epochs!r}")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs a checkpoint to resume from")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("the model has no parameters to train")
    target = device_for(model, device)
    model.to(target)
    with seeded(seed, target) as generator, mode_kept(model):
        run = Run(
            model=model,
            train=as_batches(train, "train", batch_size, generator),
            validation=None if validation is None else as_batches(validation, "validation", batch_size),
            loss=cross_entropy if loss is None else loss,
            metrics=metrics,
            optimizer=torch.optim.Adam(model.parameters()) if optimizer is None else optimizer,
            scheduler=scheduler,
            early_stopping=early_stopping,
            precision=Precision(amp, target),
            generator=generator,
            history=History(),
        )
        if checkpoint is not None and resume and os.path.exists(checkpoint):
            load_checkpoint(checkpoint, run.parts())
        with progress_bar(epochs, run.steps, run.epoch, progress) as bar:
            while run.epoch <= epochs and not run.stopped:
                start = time.perf_counter()
                record = {"epoch": run.epoch, "learning_rate": run.learning_rate}
                record |= train_epoch(run, bar) | validate(run)
                run.end_epoch(record | {"seconds": time.perf_counter() - start})
                if checkpoint is not None:
                    save_checkpoint(checkpoint, run.parts())
                bar.set_postfix(summary(record))
        if early_stopping is not None:
            early_stopping.restore(model)
    return run.history
