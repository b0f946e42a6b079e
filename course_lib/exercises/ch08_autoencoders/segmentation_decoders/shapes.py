"""Exercises on the shape of nets that go down and up: mirror a list, crop and join."""

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "08_autoencoders/segmentation_decoders"
Array = np.ndarray
Config = list[int | str]

# mirror a configuration


def mirror(config: Config) -> Config:
    """The way up: each pooling an unpooling, each convolution back to the channels it came from."""
    numbers = [entry for entry in config if entry != "M"]
    sources = iter([numbers[0], *numbers[:-1]][::-1])
    return ["U" if entry == "M" else next(sources) for entry in reversed(config)]


def _forward_then_turned(config: Config) -> Config:
    turned: Config = []
    channels = next(entry for entry in config if entry != "M")
    for entry in config:
        turned.append("U" if entry == "M" else channels)
        channels = channels if entry == "M" else entry
    return turned[::-1]


def _renamed(config: Config) -> Config:
    return ["U" if entry == "M" else entry for entry in config]


def _stages(config: Config) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for entry in config:
        if entry == "M":
            found.append([])
        else:
            found[-1].append(int(entry))
    return found[:-1]


def _unpool_last(config: Config) -> Config:
    mirrored: Config = []
    entries = mirror(config)
    for place, entry in enumerate(entries):
        if entry == "U":
            mirrored += ["U"] if place else []
        else:
            mirrored.append(entry)
    return [*mirrored, "U"]


def _narrow_at_once(config: Config) -> Config:
    stages = _stages(config)
    mirrored: Config = []
    for number in reversed(range(len(stages))):
        target = stages[number - 1][-1] if number else stages[0][0]
        mirrored += ["U", *[target] * len(stages[number])]
    return mirrored


def _narrow_by_stage(config: Config) -> Config:
    """All of a stage at its last width, but the last layer, which has the width of the stage before."""
    stages = _stages(config)
    mirrored: Config = []
    for number in reversed(range(len(stages))):
        target = stages[number - 1][-1] if number else stages[0][0]
        mirrored += ["U", *[stages[number][-1]] * (len(stages[number]) - 1), target]
    return mirrored


VGG16: Config = [64, 64, "M", 128, 128, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"]

MIRROR = Exercise(
    id="segmentation_decoders/mirror",
    section=SECTION,
    title="Mirror a network",
    reference=mirror,
    cases=[
        case([8, "M"], label="one convolution, one pooling"),
        case([8, 8, "M", 16, 16, "M"], label="two stages"),
        case([8, "M", 16, 16, "M", 32, 32, 32, "M"], label="stages of different lengths"),
        case(VGG16, label="VGG-16"),
        case([16, 24, "M", 32, 40, 48, "M"], label="widths that change within a stage"),
    ],
    alternatives=[_forward_then_turned],
    mistakes=[
        Mistake(
            lambda config: config[::-1],
            "The list is turned round and nothing else: it still pools. Every M must become a U, and the widths must shift.",
        ),
        Mistake(
            lambda config: _renamed(config)[::-1],
            "Each layer gives as many channels as its mirror image gives. It must give as many as its mirror image *gets*.",
        ),
        Mistake(
            lambda config: mirror(config)[::-1],
            "The layers stand in the order of the way down. The way up begins with what the way down ends with.",
        ),
        Mistake(_renamed, "The poolings are renamed, and the order is still that of the way down."),
        Mistake(
            _unpool_last,
            "Each stage convolves first and unpools then. The way down ends with a pooling, so the way up begins with an unpooling.",
        ),
        Mistake(
            _narrow_at_once,
            "All layers of a stage give the next stage's channels. Only the last one does: the others mirror convolutions within the stage.",
        ),
        Mistake(
            _narrow_by_stage,
            "This fits VGG-16, but not stages whose widths change within. Mirror layer by layer: out as many as its image got.",
        ),
        Mistake(
            lambda config: [*mirror(config)[:-1], 3],
            "The last layer gives 3 channels, as the first convolution gets an image. It keeps its own: the scores are made by one more layer.",
        ),
    ],
    hint="The convolution a -> b becomes a layer b -> a. What did each convolution get?",
)

# crop and join


def crop_and_join(left: Array, up: Array) -> Array:
    """The middle of the left map beside the map from below."""
    h, w = up.shape[2:]
    top, start = (left.shape[2] - h) // 2, (left.shape[3] - w) // 2
    return np.concatenate([left[:, :, top : top + h, start : start + w], up], axis=1)


def _by_borders(left: Array, up: Array) -> Array:
    rows, columns = left.shape[2] - up.shape[2], left.shape[3] - up.shape[3]
    before = (rows // 2, columns // 2)
    after = (left.shape[2] - (rows - before[0]), left.shape[3] - (columns - before[1]))
    return np.hstack([left[..., before[0] : after[0], before[1] : after[1]], up])


def _corner(left: Array, up: Array) -> Array:
    return np.concatenate([left[:, :, : up.shape[2], : up.shape[3]], up], axis=1)


def _far_corner(left: Array, up: Array) -> Array:
    h, w = left.shape[2] - up.shape[2], left.shape[3] - up.shape[3]
    return np.concatenate([left[:, :, h:, w:], up], axis=1)


def _one_more_before(left: Array, up: Array) -> Array:
    top, start = (-((up.shape[axis] - left.shape[axis]) // 2) for axis in (2, 3))
    rows, columns = slice(top, top + up.shape[2]), slice(start, start + up.shape[3])
    return np.concatenate([left[:, :, rows, columns], up], axis=1)


def _order(left: Array, up: Array) -> Array:
    joined = crop_and_join(left, up)
    return np.concatenate([up, joined[:, : left.shape[1]]], axis=1)


def _rows_only(left: Array, up: Array) -> Array:
    top = (left.shape[2] - up.shape[2]) // 2
    return np.concatenate([left[:, :, top : top + up.shape[2], : up.shape[3]], up], axis=1)


def _resized(left: Array, up: Array) -> Array:
    rows = np.arange(up.shape[2]) * left.shape[2] // up.shape[2]
    columns = np.arange(up.shape[3]) * left.shape[3] // up.shape[3]
    return np.concatenate([left[:, :, rows][..., columns], up], axis=1)


def _padded_up(left: Array, up: Array) -> Array:
    rows, columns = left.shape[2] - up.shape[2], left.shape[3] - up.shape[3]
    sides = ((0, 0), (0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    return np.concatenate([left, np.pad(up, sides)], axis=1)


def _only_left(left: Array, up: Array) -> Array:
    return crop_and_join(left, up)[:, : left.shape[1]]


def _maps(rng: np.random.Generator) -> list[Case]:
    def maps(n: int, c: int, h: int, w: int) -> Array:
        return rng.integers(-9, 10, (n, c, h, w)).astype(float)

    return [
        case(maps(1, 1, 4, 4), maps(1, 1, 2, 2), label="one channel each"),
        case(maps(2, 3, 8, 8), maps(2, 3, 4, 4), label="three channels, two images"),
        case(maps(1, 2, 10, 7), maps(1, 3, 4, 5), label="height and width differ"),
        case(maps(2, 1, 7, 6), maps(2, 2, 4, 3), label="one row and one column too many"),
        case(maps(1, 2, 3, 3), maps(1, 2, 3, 3), label="nothing to crop"),
    ]


JOIN = Exercise(
    id="segmentation_decoders/crop_and_join",
    section=SECTION,
    title="Hand it across",
    reference=crop_and_join,
    cases=_maps,
    alternatives=[_by_borders],
    mistakes=[
        Mistake(
            _corner,
            "The left map is cut from its top left corner. Its middle is what lies over the map from below.",
        ),
        Mistake(_far_corner, "This keeps the bottom right corner of the left map. Keep its middle."),
        Mistake(
            _rows_only,
            "The rows are cut from the middle, the columns from the left edge. Both from the middle.",
        ),
        Mistake(
            _one_more_before,
            "Where an odd number is too many, one more is cut off at the start. It goes at the end: round down.",
        ),
        Mistake(_order, "The map from below comes first. The left map's channels come first."),
        Mistake(
            _resized,
            "The left map is shrunk to fit: its pixels no longer lie over those of the other. Crop it.",
        ),
        Mistake(
            _padded_up, "The map from below is padded with zeros. Nothing is known there: crop the left map."
        ),
        Mistake(_only_left, "The left map is cropped rightly, and the map from below is lost. Join the two."),
    ],
    hint="np.concatenate along the axis of channels; the crop begins at (H - h) // 2.",
)
