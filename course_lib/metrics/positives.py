"""Which examples are positive: the class that a detector is to find."""

import torch
from torch import Tensor

from course_lib.metrics import labels as label_lists
from course_lib.metrics.inputs import ArrayLike

Label = int | float | str | bool | None
GUESSED = ([0, 1], [-1, 1], [0], [-1], [1])  # classes of which 1 is the positive one


def is_positive(owner: str, y_true: ArrayLike, pos_label: Label, device: torch.device) -> Tensor:
    """Return (n,) booleans: which labels are ``pos_label``. None means 1, if all are 0 and 1, or -1 and 1.

    Raises:
        ValueError: more than two classes without ``pos_label``, or two for which it cannot be guessed.
    """
    codes, classes = label_lists.read_one(owner, "y_true", y_true, device)
    if pos_label is None:
        if classes not in GUESSED:
            raise ValueError(
                f"{owner}: pos_label must be given unless labels are 0 and 1 or -1 and 1, got {classes[:9]}"
            )
        pos_label = 1
    return codes == label_lists.positions([pos_label], classes, missing=-1)[0]
