"""Faces and what is beside them, cut from news photographs; they come with scikit-image."""

import io

import numpy as np
import torch

from course_lib.data.dataset import Dataset
from course_lib.data.pictures import embedded_file
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.splits import stratified


@register(
    Sheet(
        name="faces",
        kind="embedded",
        what="100 faces and 100 cut-outs from the backgrounds of photographs, 25x25 in grey.",
        source="Labeled Faces in the Wild: G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller (2007), "
        "Labeled faces in the wild, University of Massachusetts Amherst, report 07-49; aligned by G. B. "
        "Huang, M. Mattar, H. Lee and E. Learned-Miller (2012), Learning to align from scratch, NIPS 25, "
        "764-772; these 200 cut-outs are inside scikit-image as skimage.data.lfw_subset.",
        licence="none stated: press photographs, collected for research. Learn from them here; do not "
        "publish them, and do not build anything on them that decides about people",
        size="200 pictures; 1 MB, inside scikit-image",
        splits={"train": 120, "validation": 40, "test": 40, "all": 200},
        shape=(1, 25, 25),
        values="float32, from 0 (black) to 1",
        target="int64, 1 for a face",
        classes=("other", "face"),
        pitfalls=(
            "Far too easy, for the wrong reason: the cut-outs without a face are mostly blurred, flat or "
            "black. The mean difference between a pixel and the one below it, a single number, tells 195 of "
            "the 200 apart, so compare a model with that, and not with one half.",
            "62 of the others show the black corners that turning a photograph upright leaves, and 2 of the "
            "faces do: a model may learn the corner. And two of the others show half a face.",
            "With 40 test pictures, one picture is 2.5 percentage points.",
            "The splits are random (fixed, half of each class): nothing says who is shown, and the same "
            "person, or two pieces of one photograph, may be in train and in test.",
            "The people are those in the news around 2003: mostly men, mostly light-skinned, mostly adults, "
            "facing the camera. What works on them has not been shown to work on you.",
        ),
    )
)
def faces(split: str) -> Dataset:
    """Return ``x`` (n, 1, 25, 25) in [0, 1] and ``y`` (n,)."""
    pictures = np.load(io.BytesIO(embedded_file("lfw_subset.npy")))  # float64, the 100 faces first
    labels = np.repeat([1, 0], 100)
    rows = stratified(labels, {"validation": 40, "test": 40})[split]
    x = pictures[rows].astype(np.float32)[:, None]
    return Dataset(torch.from_numpy(x), torch.from_numpy(labels[rows].astype(np.int64)))
