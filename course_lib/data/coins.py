"""Greek coins from Pompeii: one real photograph, with the outlines that this course drew."""

import json
from importlib import resources

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.detection import DetectionDataset, visible_boxes
from course_lib.data.options import whole
from course_lib.data.pictures import picture
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet

# Large enough for the largest coin, and no larger than the picture is high.
_SMALLEST, _LARGEST = 72, 303


@register(
    Sheet(
        name="coins",
        kind="embedded",
        what="A photograph of 24 ancient coins, with their boxes and masks: a real picture to test on.",
        source="Greek coins from Pompeii, Brooklyn Museum Collection; inside scikit-image as "
        "skimage.data.coins. Boxes and masks made by this course.",
        licence="picture: no known copyright restrictions; boxes and masks: CC0 1.0",
        size="one photograph of 303x384 pixels; 76 kB, inside scikit-image",
        splits={"test": 1, "all": 1},
        shape=(1, 303, 384),
        values="float32, from 0 (black) to 1",
        target="int64, 1 at every pixel of a coin; and boxes, labels and instances, coin by coin in rows "
        "from the top left",
        classes=("background", "coin"),
        options={
            "crop": "None: the whole picture; a number from 72 to 303 gives 24 squares of so many pixels a "
            "side, each about one coin (or as near as the edge allows), with what shows of its neighbours"
        },
        pitfalls=(
            "One picture with 24 coins is for testing what was learned elsewhere; there is no training "
            "split. One coin is 4 percentage points of recall.",
            "The background brightens towards the top left until it is as bright as the darker coins: the "
            "best single threshold, chosen with the masks in hand, has an IoU of 0.82 over all pixels. "
            "Compare a model with that.",
            "The outlines follow the steepest fall of brightness around each coin (the cheapest closed path "
            "of radius against angle, smoothed a little, looked at one by one). Expect a pixel of doubt: a "
            "plain watershed agrees with them to an IoU of 0.96 to 0.99, so make nothing of differences "
            "above that.",
            "The photograph looks retouched around the coins: coin 7 has square corners that are not metal, "
            "and its outline cuts them off.",
            "It is grey, its coins have relief, and they are 38 to 65 pixels wide. A model trained on colour "
            "pictures of smaller, flat shapes needs three equal channels and a smaller picture first.",
            "Squares overlap, so the same coin is in several of them; one that the edge of a square cuts "
            "counts with the part that shows, however little.",
        ),
    )
)
def coins(split: str, *, crop: int | None = None) -> DetectionDataset:
    """Return the picture, or squares of it, and 24 coins, or as many as are the most in a square."""
    grey, instances = picture("coins.png")[None], outlines()[None]
    if crop is not None:
        side = whole("crop", crop, at_least=_SMALLEST)
        if side > _LARGEST:
            raise ValueError(f"crop must be at most {_LARGEST}, the height of the picture, got {crop}")
        corners = _corners(instances[0], side)
        grey = np.stack([grey[0, top : top + side, left : left + side] for top, left in corners])
        cut = [instances[0, top : top + side, left : left + side] for top, left in corners]
        instances = np.stack([_renumbered(each) for each in cut])
    most = int(instances.max())
    counts = instances.max(axis=(1, 2))
    return DetectionDataset(
        torch.from_numpy(grey.astype(np.float32) / 255)[:, None],
        torch.from_numpy((instances > 0).astype(np.int64)),
        boxes=torch.from_numpy(visible_boxes(instances, most)),
        labels=torch.from_numpy((np.arange(most) < counts[:, None]).astype(np.int64)),
        instances=torch.from_numpy(instances),
    )


def outlines() -> NDArray[np.uint8]:
    """Return the number of the coin, 1 to 24, at each pixel (303, 384) of the picture, 0 for none."""
    content = resources.files("course_lib.data").joinpath("files", "coins.json").read_text(encoding="utf-8")
    drawn = json.loads(content)
    instances = np.zeros((drawn["height"], drawn["width"]), np.uint8)
    for number, coin in enumerate(drawn["coins"], start=1):
        for row, (start, end) in enumerate(coin["rows"], start=coin["top"]):
            instances[row, start:end] = number
    return instances


def _corners(instances: NDArray[np.uint8], side: int) -> list[tuple[int, int]]:
    """Return top and left of the square about each coin, moved inside the picture where it sticks out."""
    height, width = instances.shape
    corners = []
    for left, top, right, bottom in visible_boxes(instances[None], int(instances.max()))[0].astype(int):
        start = ((top + bottom - side) // 2, (left + right - side) // 2)
        corners.append((min(max(start[0], 0), height - side), min(max(start[1], 0), width - side)))
    return corners


def _renumbered(instances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Number what is there from 1, in the same order."""
    there = np.unique(instances[instances > 0])
    numbers = np.zeros(256, np.uint8)
    numbers[there] = np.arange(1, len(there) + 1)
    return numbers[instances]
