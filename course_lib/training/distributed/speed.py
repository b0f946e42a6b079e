"""How many examples a second several processes learn from, and how much of the time they wait."""

import time
from dataclasses import dataclass

import torch

from course_lib.layers import checks
from course_lib.training.distributed.processes import Processes
from course_lib.training.distributed.shares import SharedBatches, share
from course_lib.training.distributed.summing import backward_together, sum_gradients, sum_over_processes
from course_lib.training.distributed.tasks import Task

WARM_UP = 3  # steps that are not timed: the first ones allocate and connect


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Attributes:
        processes: how many shared the work.
        batch_size: examples in a step, of all processes together.
        samples_per_second: of all processes together.
        step: seconds a step takes.
        exchange: seconds that a sum of the gradients takes when nobody has to wait for a slower one.
    """

    processes: int
    batch_size: int
    samples_per_second: float
    step: float
    exchange: float


def measure_speed(task: Task, processes: Processes, *, batch_size: int, steps: int = 20) -> Speed:
    """Train the task for some steps and return the speed, the same in all processes; the model learns.

    Raises:
        ValueError, TypeError: ``steps`` or ``batch_size`` below 1.
    """
    checks.positive_integer("measure_speed", "steps", steps)
    x, y = task.data.x.to(processes.device), task.data.y.to(processes.device)
    model = task.model.to(processes.device).train()
    batches = SharedBatches(len(x), batch_size)
    examples, start = 0, 0.0
    for number in range(-WARM_UP, steps):
        if number == 0:
            start = _now(processes)
        rows = batches.rows(number + WARM_UP)
        own = share(rows, processes.rank, processes.world).to(x.device)
        task.optimizer.zero_grad()
        backward_together(model, task.loss, x[own], y[own], total=len(rows))
        task.optimizer.step()
        examples += len(rows) if number >= 0 else 0
    seconds = _now(processes) - start
    start = _now(processes)
    for _ in range(steps):
        sum_gradients(model.parameters())
    exchange = (_now(processes) - start) / steps
    # The clocks of the processes differ by little; their mean makes the result one and the same.
    both = sum_over_processes(torch.tensor([seconds, exchange], dtype=torch.float64, device=processes.device))
    seconds, exchange = (both / processes.world).tolist()
    return Speed(processes.world, batch_size, examples / seconds, seconds / steps, exchange)


def _now(processes: Processes) -> float:
    """The time when all processes have come here and finished their work."""
    sum_over_processes(torch.zeros(1, device=processes.device)).item()  # waits for the device and the others
    return time.perf_counter()
