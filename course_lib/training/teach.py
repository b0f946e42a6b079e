"""A training loop for models of sequences, counted in steps: forward, loss, backward, clip, step.

``fit`` hands a model one tensor and counts epochs. Here the loss calls the model itself, so that it may read
two sequences, or score two; the gradient is clipped; and steps are what is counted and recorded.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.models.seq2seq import shift_right
from course_lib.models.token_losses import token_loss
from course_lib.training.batches import Batches, as_batches, checked
from course_lib.training.evaluation import device_for, mode_kept
from course_lib.training.history import History
from course_lib.training.measures import Means
from course_lib.training.progress import progress_bar, summary
from course_lib.training.randomness import seeded
from course_lib.training.run import DivergenceError

SequenceLoss = Callable[[Any, Tensor, Tensor], Tensor]
ModelMetrics = Mapping[str, Callable[[Any], Tensor | float]]


def teacher_forcing_loss(model: Any, source: Tensor, target: Tensor, ignore: int | None = None) -> Tensor:
    """Mean cross-entropy of the tokens of ``target`` (n, t), each predicted from the right ones before it.

    ``model(source, shift_right(target, model.start))`` must give logits (n, t, target_size). Tokens equal to
    ``ignore`` do not count: ``functools.partial(teacher_forcing_loss, ignore=0)`` does not learn padding, and
    then a token of its own has to mark the end.

    Source: Williams & Zipser (1989), A learning algorithm for continually running fully recurrent neural
    networks, section 3.2, for the idea of forcing.
    """
    logits = model(source, shift_right(target, model.start))
    index = -100 if ignore is None else ignore  # torch's number for nothing
    return token_loss(logits, target, index)


def teach(
    model: nn.Module,
    train: Any,
    validation: Any = None,
    *,
    loss: SequenceLoss = teacher_forcing_loss,
    optimizer: torch.optim.Optimizer | None = None,
    scheduler: Any = None,
    steps: int = 1000,
    batch_size: int = 32,
    clip: float | None = 1.0,
    every: int = 100,
    metrics: ModelMetrics | None = None,
    device: str | torch.device | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> History:
    """Train ``model`` in place and return what happened: a record each ``every`` steps, and after the last.

    A record holds ``step``, ``learning_rate``, ``train_loss`` and ``gradient_norm`` (before clipping), means
    over the steps since the last record, ``validation_loss``, the metrics, and ``seconds``.

    Args:
        model: any module; it returns to the mode (train, eval) it had.
        train: pairs of tensors in any form that ``fit`` takes, read again and again: a data set with ``.x``
            and ``.y``, a pair (sources, targets), or an iterable of batches such as ``BucketBatches``.
        validation: the same kinds; its mean loss is measured for each record.
        loss: function of (model, source, target). For a language model, whose target is its input shifted:
            ``lambda model, x, y: token_loss(model(x), y)``.
        optimizer: default ``torch.optim.Adam`` with learning rate 0.001.
        scheduler: a learning-rate scheduler of that optimizer, stepped after every step.
        steps: how many batches are learned from.
        batch_size: examples a step, unless ``train`` comes in batches.
        clip: a gradient (of all parameters together) whose norm is larger is scaled down to it (Pascanu,
            Mikolov & Bengio 2013, algorithm 1); None for never.
        every: steps between two records.
        metrics: names and functions of the model, called for each record in evaluation, without gradients:
            ``{"exact_match": lambda model: ...greedy_decode(model, x, 10)...}``.
        device: default the one the model is on; ``"auto"`` for the best there is.
        seed: makes the order of the examples and what PyTorch draws depend on this number alone, and leaves
            the global generators as they were; without it, those decide.
        progress: show a progress bar; default in terminals and notebooks.

    Raises:
        DivergenceError: the loss became infinite or NaN; the weights are those that gave it.
        ValueError, TypeError: an argument, the data or the loss is not what it must be.
    """
    checks.positive_integer("teach", "steps", steps)
    checks.positive_integer("teach", "every", every)
    if clip is not None:
        checks.finite_number("teach", "clip", clip, above=0)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("teach: the model has no parameters to train")
    where = device_for(model, device)
    model.to(where)
    optimizer = torch.optim.Adam(parameters) if optimizer is None else optimizer
    history, means, start = History(), Means(), time.perf_counter()
    with seeded(seed, where) as generator, mode_kept(model), progress_bar(1, steps, 1, progress) as bar:
        batches = _endless(as_batches(train, "train", batch_size, generator))
        model.train()
        for step, (source, target) in enumerate(itertools.islice(batches, steps), start=1):
            value = loss(model, source.to(where), target.to(where))
            _check_loss(value, step, history)
            optimizer.zero_grad()
            value.backward()
            norm = nn.utils.clip_grad_norm_(parameters, math.inf if clip is None else clip)
            rate = float(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            means.add({"train_loss": value.detach(), "gradient_norm": norm}, examples=len(source))
            bar.update()
            if step % every == 0 or step == steps:
                record = {"step": step, "learning_rate": rate} | means.result()
                if validation is not None:
                    found = mean_loss(model, validation, loss=loss, batch_size=batch_size)
                    record["validation_loss"] = found
                record |= _measured(model, metrics or {})
                history.append(record | {"seconds": time.perf_counter() - start})
                bar.set_postfix(summary(record))
                means, start = Means(), time.perf_counter()
    return history


@torch.no_grad()
def mean_loss(
    model: nn.Module, data: Any, *, loss: SequenceLoss = teacher_forcing_loss, batch_size: int = 256
) -> float:
    """Return the mean over examples of ``loss``, a function of (model, source, target), in evaluation.

    ``data`` is what ``teach`` takes. Afterwards the model is in the mode it came in.

    Raises:
        ValueError, TypeError: as in ``teach``.
    """
    where, means = device_for(model, None), Means()
    with mode_kept(model):
        model.eval()
        for source, target in checked(as_batches(data, "data", batch_size), "data"):
            means.add({"loss": loss(model, source.to(where), target.to(where))}, examples=len(source))
    return means.result()["loss"]


@torch.no_grad()
def _measured(model: nn.Module, metrics: ModelMetrics) -> dict[str, float]:
    with mode_kept(model):
        model.eval()
        return {name: float(metric(model)) for name, metric in metrics.items()}


def _endless(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    for epoch in itertools.count(1):
        yield from checked(batches, "train", epoch)


def _check_loss(value: Any, step: int, history: History) -> None:
    if not isinstance(value, Tensor) or value.ndim > 0:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"teach: the loss must return one number, a tensor of shape (), got {got}")
    if not math.isfinite(value.item()):
        raise DivergenceError(f"teach: the loss is {value.item()} in step {step}", history)
