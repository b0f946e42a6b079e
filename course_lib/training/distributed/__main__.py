"""``torchrun --standalone --nproc-per-node 2 -m course_lib.training.distributed train``: see ``--help``."""

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from course_lib.benchmarks import machine
from course_lib.training.distributed.comparison import compare_gradients, largest_difference
from course_lib.training.distributed.launch import torchrun
from course_lib.training.distributed.processes import Processes, joined
from course_lib.training.distributed.rates import large_batch_rate
from course_lib.training.distributed.speed import Speed, measure_speed
from course_lib.training.distributed.tasks import TASKS, Task, make_task
from course_lib.training.distributed.together import fit_together
from course_lib.training.run import DivergenceError

MODULE = "course_lib.training.distributed"
TaskName = Annotated[str, typer.Option(help=f"What to train: {' or '.join(TASKS)}.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the weights and of the order.")]
Batch = Annotated[int, typer.Option(min=1, help="Examples in a step, of all processes together.")]
Steps = Annotated[int, typer.Option(min=1)]
Device = Annotated[str | None, typer.Option(help="cpu or cuda [default: a GPU each, if there are so many].")]

app = typer.Typer(
    help="Train with several processes. Start `train`, `compare` and `speed` with torchrun; with "
    "--max-restarts, set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1, lest they look for the dead.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def train(
    task: TaskName = "digits",
    steps: Steps = 100,
    batch: Batch = 64,
    rate: Annotated[float | None, typer.Option(help="Learning rate of a batch of 64.")] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Steps in which a large batch's rate climbs.")] = 0,
    seed: Seed = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Kept up to date; gone on from, if there is one.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Steps between two checkpoints.")] = 20,
    device: Device = None,
) -> None:
    """Train a task; the outcome does not depend on the number of processes, but for rounding."""
    with joined(device) as processes:
        made = _task(task, seed)
        base = made.optimizer.param_groups[0]["lr"] if rate is None else rate
        try:
            history = fit_together(
                made.model,
                made.data,
                made.loss,
                made.optimizer,
                processes,
                steps=steps,
                batch_size=batch,
                rate=partial(
                    large_batch_rate, batch_size=batch, base_rate=base, base_batch=64, warmup=warmup
                ),
                seed=seed,
                checkpoint=checkpoint,
                every=every,
            )
        except DivergenceError as error:
            typer.secho(f"error: {error}", err=True)
            raise typer.Exit(1) from None
        _say(processes, f"{processes.world} processes\n{history}\nparameters: {digest(made)}")


@app.command()
def compare(task: TaskName = "digits", batch: Batch = 61, seed: Seed = 0, device: Device = None) -> None:
    """Compute the gradient of one batch whole, in shares, and by PyTorch's DistributedDataParallel."""
    with joined(device) as processes:
        made = _task(task, seed)
        model = made.model.to(processes.device)
        x, y = (part[:batch].to(processes.device) for part in (made.data.x, made.data.y))
        try:
            found = compare_gradients(model, made.loss, x, y, processes)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        for name in ("ours", "torch"):
            difference = largest_difference(found["whole"], found[name])
            _say(processes, f"{name}: differs from the whole batch by {difference:.1e} of its largest entry")


@app.command()
def speed(task: TaskName = "digits", batch: Batch = 256, steps: Steps = 20, device: Device = None) -> None:
    """Measure the speed of these processes; prints a line of JSON."""
    with joined(device) as processes:
        found = measure_speed(_task(task, 0), processes, batch_size=batch, steps=steps)
        described = machine.describe(processes.device, threads=1)
        _say(processes, json.dumps({"machine": described, **asdict(found)}))


@app.command()
def scaling(
    task: TaskName = "digits",
    batch: Batch = 256,
    steps: Steps = 20,
    processes: Annotated[
        list[int] | None, typer.Option(min=1, help="How many; repeat for more. [default: 1 2]")
    ] = None,
    device: Device = None,
) -> None:
    """Measure the speed with 1, 2, ... processes on this machine; starts torchrun itself."""
    _task(task, 0)
    options = ["--task", task, "--batch", str(batch), "--steps", str(steps)]
    options += [] if device is None else ["--device", device]
    rows: list[Speed] = []
    for count in processes or [1, 2]:
        ended = torchrun(count, ["-m", MODULE, "speed", *options])
        if ended.returncode:
            typer.secho(ended.stderr, err=True)
            raise typer.Exit(1)
        found = json.loads(ended.stdout.splitlines()[-1])
        described = found.pop("machine")
        rows.append(Speed(**found))
    typer.echo(", ".join(described[key] for key in ("device", "processor", "system")))
    typer.echo(f"{task}, {batch} examples a step\nprocesses  examples/s  ratio  step, ms  exchange, ms")
    for row in rows:
        ratio = row.samples_per_second / rows[0].samples_per_second
        times = f"{1e3 * row.step:>8.1f}  {1e3 * row.exchange:>12.2f}"
        typer.echo(f"{row.processes:>9}  {row.samples_per_second:>10.0f}  {ratio:>5.2f}  {times}")


def digest(task: Task) -> str:
    """Return a hash of all parameters: equal exactly where each bit is."""
    found = hashlib.sha256()
    for parameter in task.model.parameters():
        found.update(parameter.detach().cpu().numpy().tobytes())
    return found.hexdigest()[:16]


def _task(name: str, seed: int) -> Task:
    try:
        return make_task(name, seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _say(processes: Processes, text: str) -> None:
    if processes.rank == 0:
        typer.echo(text)


if __name__ == "__main__":
    app()
