"""Training: the loop, its record, early stopping, checkpoints, and a look at the gradients."""

from course_lib.training.checkpoint import CheckpointError, load_checkpoint, read_checkpoint, save_checkpoint
from course_lib.training.early_stopping import EarlyStopping
from course_lib.training.evaluation import evaluate
from course_lib.training.fit import fit
from course_lib.training.gradients import gradient_norms
from course_lib.training.history import History
from course_lib.training.measures import accuracy, cross_entropy
from course_lib.training.run import DivergenceError

__all__ = [
    "CheckpointError",
    "DivergenceError",
    "EarlyStopping",
    "History",
    "accuracy",
    "cross_entropy",
    "evaluate",
    "fit",
    "gradient_norms",
    "load_checkpoint",
    "read_checkpoint",
    "save_checkpoint",
]
