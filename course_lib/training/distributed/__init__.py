"""Data parallel training: several processes share each batch, and end where one would have ended.

    torchrun --standalone --nproc-per-node 2 -m course_lib.training.distributed train --task digits

The parts, from below: ``processes`` (who am I), ``shares`` (which examples are mine), ``summing`` (the
gradient of the whole batch), ``together`` (the loop, which survives killed processes), ``launch`` (torchrun).
"""

from course_lib.training.distributed.comparison import compare_gradients, largest_difference
from course_lib.training.distributed.launch import torchrun
from course_lib.training.distributed.normalization import SyncBatchNorm2d
from course_lib.training.distributed.processes import Processes, joined
from course_lib.training.distributed.rates import large_batch_rate
from course_lib.training.distributed.shares import SharedBatches, mixed, share
from course_lib.training.distributed.speed import Speed, measure_speed
from course_lib.training.distributed.summing import (
    backward_together,
    share_state,
    sum_gradients,
    sum_over_processes,
)
from course_lib.training.distributed.tasks import Task, make_task
from course_lib.training.distributed.together import fit_together

__all__ = [
    "Processes",
    "SharedBatches",
    "Speed",
    "SyncBatchNorm2d",
    "Task",
    "backward_together",
    "compare_gradients",
    "fit_together",
    "joined",
    "large_batch_rate",
    "largest_difference",
    "make_task",
    "measure_speed",
    "mixed",
    "share",
    "share_state",
    "sum_gradients",
    "sum_over_processes",
    "torchrun",
]
