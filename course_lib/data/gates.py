"""Truth tables of logic gates with two inputs: the smallest data sets there are."""

import torch

from course_lib.data.dataset import Dataset
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet

# Outputs for the inputs (0, 0), (0, 1), (1, 0), (1, 1).
_OUTPUTS = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "nand": (1, 1, 1, 0), "xor": (0, 1, 1, 0)}


@register(
    Sheet(
        name="gates",
        kind="generated",
        what="The truth table of a logic gate with two inputs: AND, OR, NAND or XOR.",
        source="Boolean logic; the units that compute it: W. S. McCulloch and W. Pitts (1943), A logical "
        "calculus of the ideas immanent in nervous activity, Bulletin of Mathematical Biophysics 5, "
        "115-133.",
        licence="none needed: mathematical facts",
        size="4 rows",
        splits={"train": 4, "all": 4},
        shape=(2,),
        values="float32, the two inputs, each 0 or 1, in the order (0, 0), (0, 1), (1, 0), (1, 1)",
        target="int64, the output, 0 or 1",
        classes=("0", "1"),
        options={"gate": '"and": which gate: "and", "or", "nand" or "xor"'},
        pitfalls=(
            "The four rows are all there is: with nothing to hold out there is no validation or test split, "
            "and a model that has learned the table has not shown that it generalizes.",
            "XOR is the one of the four that no single line separates.",
        ),
    )
)
def gates(split: str, *, gate: str = "and") -> Dataset:
    """Return ``x`` (4, 2) and ``y`` (4,); both splits are the whole table."""
    if gate not in list(_OUTPUTS):
        raise ValueError(f"gate must be one of {', '.join(map(repr, _OUTPUTS))}; got {gate!r}")
    inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    return Dataset(torch.tensor(inputs), torch.tensor(_OUTPUTS[gate]))
