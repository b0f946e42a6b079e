"""Exercises on how many windows there are, and on what share of the objects proposals find."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "12_detection/region_proposals"
Array = np.ndarray
Windows = list[tuple[int, int]]

# sliding windows


def count_windows(height: int, width: int, windows: Windows, step: int) -> int:
    """Positions of all windows (h, w) that lie inside, ``step`` pixels apart."""
    return sum(
        ((height - h) // step + 1) * ((width - w) // step + 1)
        for h, w in windows
        if h <= height and w <= width
    )


def _by_ranges(height: int, width: int, windows: Windows, step: int) -> int:
    total = 0
    for h, w in windows:
        total += len(range(0, height - h + 1, step)) * len(range(0, width - w + 1, step))
    return total


def _counted(
    down: Callable[[int, int, int], int] = lambda side, window, step: max(0, (side - window) // step + 1),
    across: Callable[[int, int, int], int] | None = None,
    join: Callable[[int, int], int] = lambda rows, columns: rows * columns,
    total: Callable[[list[int]], int] = sum,
) -> Callable[..., int]:
    """Another count of rows or columns, another way to join them, or another total."""

    def answer(height: int, width: int, windows: Windows, step: int) -> int:
        columns = across or down
        return total([join(down(height, h, step), columns(width, w, step)) for h, w in windows])

    return answer


def _turned(height: int, width: int, windows: Windows, step: int) -> int:
    return count_windows(height, width, [(w, h) for h, w in windows], step)


WINDOWS = Exercise(
    id="region_proposals/windows",
    section=SECTION,
    title="Count the windows",
    reference=count_windows,
    cases=[
        case(5, 7, [(3, 3)], 1, label="one window, every pixel"),
        case(64, 64, [(16, 16), (32, 32)], 8, label="two sizes"),
        case(10, 20, [(4, 8)], 3, label="a step that leaves a rest"),
        case(10, 20, [(10, 20), (11, 3), (3, 30), (12, 25)], 1, label="as large as the picture, and larger"),
        case(375, 500, [(64, 64), (64, 128), (128, 64), (256, 256)], 5, label="a photograph"),
        case(9, 6, [(3, 2), (2, 3), (9, 1)], 2, label="no squares"),
        case(8, 8, [], 1, label="no windows"),
    ],
    alternatives=[_by_ranges],
    mistakes=[
        Mistake(
            _counted(lambda side, window, step: max(0, (side - window) // step)),
            "One position is missing in each direction: the first one is at 0, before any step.",
        ),
        Mistake(
            lambda height, width, windows, step: count_windows(
                height, width, [(h, w) for h, w in windows if h < height and w < width], step
            ),
            "A window as large as the picture, or as high, or as wide, is left out. It has one position there.",
        ),
        Mistake(
            _counted(lambda side, window, step: len(range(0, side - window, step))),
            "A window that ends at the border of the picture is left out. It lies inside: its corner may be at side - window.",
        ),
        Mistake(
            _counted(lambda side, window, step: max(0, side - window + 1)),
            "The step is ignored: the windows move pixel by pixel.",
        ),
        Mistake(
            _counted(across=lambda side, window, step: max(0, side - window + 1)),
            "The step counts downwards only. It is the same to the right.",
        ),
        Mistake(
            _counted(lambda side, window, step: (side - window) // step + 1),
            "A window larger than the picture is counted: two negative numbers have a positive product. It has no place.",
        ),
        Mistake(
            _counted(lambda side, window, step: max(0, -(-(side - window) // step) + 1)),
            "The last window sticks out: a rest smaller than a step has no room for another. Round down.",
        ),
        Mistake(
            _counted(lambda side, window, step: max(0, (side - 1) // step + 1)),
            "These are the positions of the window's corner anywhere in the picture. The whole window must lie inside.",
        ),
        Mistake(
            _counted(lambda side, window, step: side // window),
            "These windows lie side by side, without overlap. They are a step apart.",
        ),
        Mistake(
            _counted(join=lambda rows, columns: rows + columns if rows and columns else 0),
            "Rows and columns are added. Each row goes with each column: multiply.",
        ),
        Mistake(_turned, "Height and width of the windows are exchanged. They come as (h, w)."),
        Mistake(
            _counted(total=lambda each: each[-1] if each else 0),
            "This is the count of the last window alone. Add up all of them.",
        ),
        Mistake(
            _counted(total=lambda each: max(each, default=0)),
            "This is the count of the most frequent window alone. Add up all of them.",
        ),
    ],
    hint="In one direction: how many steps fit into what is left beside the window, and one more.",
)

# recall


def recall_curve(iou: Array, threshold: float) -> Array:
    """Share of the objects found by the first 1, 2 ... boxes."""
    return (np.maximum.accumulate(iou, axis=1) >= threshold).mean(axis=0)


def _by_first(iou: Array, threshold: float) -> list[float]:
    found = iou >= threshold
    first = [int(row.argmax()) if row.any() else iou.shape[1] for row in found]
    return [sum(at <= n for at in first) / len(first) for n in range(iou.shape[1])]


def _claimed(iou: Array, threshold: float) -> Array:
    free, curve = np.ones(len(iou), dtype=bool), []
    for column in iou.T:
        row = np.where(free, column, -1.0)
        if row.max() >= threshold:
            free[row.argmax()] = False
        curve.append((~free).mean())
    return np.array(curve)


def _of_found(iou: Array, threshold: float) -> Array:
    curve = recall_curve(iou, threshold)
    return curve / curve[-1] if curve[-1] > 0 else curve


def _useful(iou: Array, threshold: float) -> Array:
    hits = (iou >= threshold).any(axis=0)
    return np.asarray(np.cumsum(hits) / np.arange(1, iou.shape[1] + 1))


def _tables(rng: np.random.Generator) -> list[Case]:
    def table(objects: int, boxes: int, threshold: float, label: str) -> Case:
        return case((rng.random((objects, boxes)) ** 2).round(2), threshold, label=label)

    return [
        case(np.array([[0.1, 0.6, 0.2], [0.7, 0.1, 0.9]]), 0.5, label="two objects, three boxes"),
        case(np.array([[0.5, 0.2], [0.4, 0.3], [0.0, 0.5]]), 0.5, label="exactly the threshold"),
        case(np.array([[0.9, 0.1, 0.1], [0.8, 0.2, 0.1]]), 0.5, label="one box on two objects"),
        case(np.array([[0.1, 0.2], [0.3, 0.1]]), 0.5, label="nothing is found"),
        table(5, 8, 0.5, "five objects"),
        table(4, 12, 0.7, "a strict threshold"),
        case(np.array([[0.5, 0.8, 0.2], [0.6, 0.1, 0.7]]), 0.75, label="a stricter one"),
    ]


RECALL = Exercise(
    id="region_proposals/recall",
    section=SECTION,
    title="Recall against the number of boxes",
    reference=recall_curve,
    cases=_tables,
    alternatives=[_by_first],
    mistakes=[
        Mistake(
            lambda iou, threshold: (np.maximum.accumulate(iou, axis=1) > threshold).mean(axis=0),
            "An overlap of exactly the threshold is refused. It is enough.",
        ),
        Mistake(
            lambda iou, threshold: recall_curve(iou, 0.5),
            "The threshold is 0.5, whatever is asked for. Use the argument.",
        ),
        Mistake(
            lambda iou, threshold: (iou >= threshold).mean(axis=0),
            "Each box is judged alone. An object stays found when more boxes come.",
        ),
        Mistake(
            lambda iou, threshold: np.cumsum((iou >= threshold).sum(axis=0)) / len(iou),
            "An object that several boxes find is counted several times. It is found once.",
        ),
        Mistake(
            lambda iou, threshold: np.maximum.accumulate(iou, axis=1).mean(axis=0),
            "This is the mean best overlap, without the threshold.",
        ),
        Mistake(
            _claimed,
            "Each box claims one object here, as in average precision. For recall of proposals, a box may find several.",
        ),
        Mistake(
            _useful,
            "This is the share of the boxes that find something. Recall is the share of the objects that are found.",
        ),
        Mistake(_of_found, "The objects that no box finds are left out. They count as missed."),
        Mistake(
            lambda iou, threshold: (np.maximum.accumulate(iou[:, ::-1], axis=1) >= threshold).mean(axis=0),
            "The boxes are counted from the last one. Begin with the first column.",
        ),
        Mistake(
            lambda iou, threshold: np.append(0.0, recall_curve(iou, threshold)),
            "The curve begins with no box at all. Its first entry is for one box.",
        ),
        Mistake(
            lambda iou, threshold: np.append(0.0, recall_curve(iou, threshold)[:-1]),
            "The curve is one box late: each entry leaves out its own box. The first n boxes are the columns up to n.",
        ),
        Mistake(
            lambda iou, threshold: recall_curve(iou, threshold)[-1],
            "This is the last point of the curve. Return one for each number of boxes.",
        ),
        Mistake(
            lambda iou, threshold: len(iou) * recall_curve(iou, threshold),
            "These are counts. Divide by the number of objects.",
        ),
    ],
    hint="np.maximum.accumulate along the boxes: the best overlap so far.",
)
