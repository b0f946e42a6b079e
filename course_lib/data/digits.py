"""Real handwritten digits that come with scikit-learn."""

import numpy as np
import torch

from course_lib.data.dataset import Dataset
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.splits import stratified


@register(
    Sheet(
        name="digits",
        kind="embedded",
        what="1,797 handwritten digits as 8x8 grey pictures: small, real, and quick to learn.",
        source="The test part (optdigits.tes) of 'Optical Recognition of Handwritten Digits', E. Alpaydin "
        "and C. Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49; inside "
        "scikit-learn as sklearn.datasets.load_digits.",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        size="1,797 pictures; 57 kB, inside scikit-learn",
        splits={"train": 1197, "validation": 300, "test": 300, "all": 1797},
        shape=(1, 8, 8),
        values="float32, ink from 0 (none) to 1; sixteenths, since each pixel counts the dark ones of a 4x4 "
        "block",
        target="int64, the digit",
        classes=tuple("0123456789"),
        pitfalls=(
            "These are the original collection's test pictures only: 13 people wrote them, none of whom "
            "wrote any of its 3,823 training pictures, which are not included. Accuracies published for the "
            "original split do not compare with those on this one.",
            "The splits are random (fixed, with the classes in equal proportions), because nothing says who "
            "wrote which picture: the same hands are in train, validation and test, so the test error is "
            "that for known writers, and new ones will do worse.",
            "With 300 test pictures, one picture is 0.33 percentage points, and two models less than about "
            "3 points apart may only differ by luck.",
            "A pixel is one of 17 levels, 0 to 16 in the original; here they are divided by 16.",
            "The pictures are centred and scaled to fit, so a model learns nothing about position or size.",
        ),
    )
)
def digits(split: str) -> Dataset:
    """Return ``x`` (n, 1, 8, 8) in [0, 1] and ``y`` (n,)."""
    from sklearn.datasets import load_digits  # a second to import: only those who load it wait

    pictures, labels = load_digits(return_X_y=True)
    rows = stratified(labels, {"validation": 300, "test": 300})[split]
    x = (pictures[rows] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return Dataset(torch.from_numpy(x), torch.from_numpy(labels[rows].astype(np.int64)))
