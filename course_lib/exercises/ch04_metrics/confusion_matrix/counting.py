"""Exercises on counting into a confusion matrix, and on reading one."""

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "04_metrics/confusion_matrix"

# from labels to a matrix


def count(actual: list, predicted: list, classes: list) -> np.ndarray:
    """Rows actual, columns predicted, both in the order of ``classes``."""
    rows, columns = ([classes.index(label) for label in labels] for labels in (actual, predicted))
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (rows, columns), 1)
    return counts


def _by_comparing(actual: list, predicted: list, classes: list) -> list[list[int]]:
    pairs = list(zip(actual, predicted, strict=True))
    return [[pairs.count((row, column)) for column in classes] for row in classes]


def _by_bincount(actual: list, predicted: list, classes: list) -> np.ndarray:
    k = len(classes)
    codes = [classes.index(a) * k + classes.index(b) for a, b in zip(actual, predicted, strict=True)]
    return np.bincount(np.array(codes, dtype=int), minlength=k * k).reshape(k, k)


def _added_once(actual: list, predicted: list, classes: list) -> np.ndarray:
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    counts[[classes.index(a) for a in actual], [classes.index(b) for b in predicted]] += 1
    return counts


def _those_that_occur(actual: list, predicted: list, classes: list) -> np.ndarray:
    seen = {*actual, *predicted}
    return count(actual, predicted, [label for label in classes if label in seen])


def _sorted_that_occur(actual: list, predicted: list, classes: list) -> np.ndarray:
    return count(actual, predicted, sorted({*actual, *predicted}))


def _one_row_many_times(actual: list, predicted: list, classes: list) -> list[list[int]]:
    counts = [[0] * len(classes)] * len(classes)
    for a, b in zip(actual, predicted, strict=True):
        counts[classes.index(a)][classes.index(b)] += 1
    return counts


def _only_errors(actual: list, predicted: list, classes: list) -> np.ndarray:
    counts = count(actual, predicted, classes)
    return counts - np.diag(np.diag(counts))


def _mirrored(actual: list, predicted: list, classes: list) -> np.ndarray:
    counts = count(actual, predicted, classes)
    return np.tril(counts) + np.triu(counts, 1).T


def _by_row(actual: list, predicted: list, classes: list) -> np.ndarray:
    counts = count(actual, predicted, classes)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _labels(rng: np.random.Generator) -> list[Case]:
    cats = ["cat", "dog", "hen"]
    return [
        case(
            ["hen", "egg", "egg"], ["hen", "hen", "egg"], ["hen", "egg"], label="two classes, three examples"
        ),
        case([1, 1, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0, 0], [1, 0], label="positives first: classes [1, 0]"),
        case(
            ["cat", "cat", "dog", "dog", "dog", "cat", "hen"],
            ["cat", "dog", "dog", "dog", "cat", "dog", "cat"],
            cats,
            label="three classes, one of them never predicted",
        ),
        case(
            ["dog", "dog", "cat", "dog"],
            ["dog", "cat", "cat", "dog"],
            cats,
            label="a class that does not occur",
        ),
        case([7, 3, 3, 7, 5, 3], [7, 3, 7, 5, 5, 3], [7, 5, 3], label="numbers that are not 0 ... K - 1"),
        case(
            rng.integers(0, 4, 40).tolist(),
            rng.integers(0, 4, 40).tolist(),
            [3, 1, 0, 2],
            label="forty examples",
        ),
    ]


COUNT = Exercise(
    id="confusion_matrix/count",
    section=SECTION,
    title="Counting",
    reference=count,
    cases=_labels,
    alternatives=[_by_comparing, _by_bincount],
    mistakes=[
        Mistake(
            lambda actual, predicted, classes: count(predicted, actual, classes),
            "This is the transposed matrix: its rows are the predictions. Here the row is what an example is.",
        ),
        Mistake(
            lambda actual, predicted, classes: count(actual, predicted, sorted(classes)),
            "Rows and columns are sorted. Keep the order in which classes lists them.",
        ),
        Mistake(
            lambda actual, predicted, classes: count(predicted, actual, sorted(classes)),
            "Rows and columns are exchanged, and sorted besides. The row is what an example is, in the order of "
            "classes.",
        ),
        Mistake(
            _added_once,
            "Every pair counts once at most: counts[rows, columns] += 1 does not add again where a pair repeats. "
            "Use a loop, np.add.at or np.bincount.",
        ),
        Mistake(
            _those_that_occur,
            "Classes that do not occur have no row and no column here. They are zeros, and they keep their place.",
        ),
        Mistake(
            _sorted_that_occur,
            "The classes are those found among the labels, sorted. Take them from classes, all of them and in its "
            "order.",
        ),
        Mistake(
            _one_row_many_times,
            "All rows are alike: [[0] * K] * K is the same list K times, and each count goes into all of its rows. "
            "Make a list for each row, or use np.zeros.",
        ),
        Mistake(
            _only_errors,
            "The diagonal is empty. Right answers are counted, too: they are the diagonal.",
        ),
        Mistake(
            _mirrored,
            "Both directions of a confusion are added into one entry. A called B and B called A are different errors.",
        ),
        Mistake(
            _by_row,
            "Each row is divided by its sum. Return the counts themselves.",
        ),
        Mistake(
            lambda actual, predicted, classes: np.diag(np.diag(count(actual, predicted, classes))),
            "Only right answers are counted. An error belongs into the row of what the example is and the column of "
            "what it was called.",
        ),
    ],
    hint="Which row does an example of class classes[2] belong into, and which column if it is called classes[0]?",
)

# from a matrix to five statements

Apples = tuple[float, ...]
MATRIX = ((80, 15, 5), (10, 38, 2), (6, 0, 4))
RIGHT: Apples = (122 / 160, 100 / 160, 4 / 10, 4 / 11, 6 / 96)


def _with(**others: float) -> Apples:
    """The right answer but for some entries: accuracy, common, recall, precision, box."""
    names = ("accuracy", "common", "recall", "precision", "box")
    return tuple(others.get(name, value) for name, value in zip(names, RIGHT, strict=True))


READ = Exercise(
    id="confusion_matrix/read",
    section=SECTION,
    title="Read a matrix",
    reference=RIGHT,
    cases=[],
    atol=6e-4,  # 0.364 and 0.0625 or 0.063 alike
    mistakes=[
        Mistake(
            _with(recall=4 / 11, precision=4 / 10, box=6 / 10),
            "Rows and columns are exchanged everywhere. A row holds all apples of one kind, a column all apples in "
            "one box: recall divides by the row, precision by the column.",
        ),
        Mistake(
            _with(recall=4 / 11, precision=4 / 10),
            "Recall and precision of rotten are exchanged. Recall asks of the rotten apples, which is a row; "
            "precision asks of the rotten box, which is a column.",
        ),
        Mistake(
            _with(box=6 / 10),
            "The last number is the share of the rotten apples that went into the ripe box. The customer sees only "
            "the box: divide by all the apples in it.",
        ),
        Mistake(
            _with(box=6 / 100),
            "The last number is divided by the number of ripe apples, a row. The customer opens the box of apples "
            "that were put to ripe: divide by that column.",
        ),
        Mistake(
            _with(box=6 / 160),
            "The last number is divided by all 160 apples. Of interest are the apples in the ripe box alone.",
        ),
        Mistake(
            _with(box=16 / 96),
            "The last number counts unripe apples in the ripe box, too. Asked is the share of rotten ones.",
        ),
        Mistake(
            _with(box=6 / 80),
            "The last number compares rotten with ripe apples in the box. The share is of all apples in the box.",
        ),
        Mistake(
            _with(accuracy=38 / 160),
            "The first number counts errors: 38 of 160 are off the diagonal. Accuracy counts the diagonal.",
        ),
        Mistake(
            _with(accuracy=(0.8 + 0.76 + 0.4) / 3),
            "The first number is the mean of the three recalls, the balanced accuracy. Accuracy counts every apple "
            "once: the diagonal over the sum of all.",
        ),
        Mistake(
            _with(common=80 / 100),
            "The second number is the recall of ripe. A machine that puts everything to ripe is right for all apples "
            "that are ripe: their row over the sum of all.",
        ),
        Mistake(
            _with(common=80 / 160),
            "The second number takes only the ripe apples that this machine found. One that puts everything to ripe "
            "finds all of them.",
        ),
        Mistake(
            _with(common=96 / 160),
            "The second number takes the column of ripe. The most common class is what most apples are: a row.",
        ),
        Mistake(
            _with(common=1 / 3),
            "The second number is that of guessing among three. Putting everything into the most common class is "
            "right as often as that class occurs.",
        ),
        Mistake(
            _with(common=1.0),
            "The second number is the recall of ripe for that machine: it finds them all. Accuracy also counts the "
            "apples that are not ripe.",
        ),
        Mistake(
            _with(accuracy=100 / 160, common=122 / 160),
            "The first two numbers are exchanged: the accuracy of this machine comes first.",
        ),
        Mistake(
            _with(recall=4 / 160, precision=4 / 160, box=6 / 160),
            "The last three are shares of all 160 apples. Each question names a smaller crowd: the rotten apples, the "
            "rotten box, the ripe box.",
        ),
        Mistake(
            _with(recall=6 / 10),
            "The third number is the share of rotten apples that were missed. Recall is the share that was found.",
        ),
        Mistake(
            _with(precision=7 / 11),
            "The fourth number is the share of wrong apples in the rotten box. Precision is the share of right ones.",
        ),
        Mistake(
            _with(accuracy=147 / 160),
            "The first number only asks whether an apple is rotten. A ripe one among the unripe is an error, too: "
            "take the diagonal.",
        ),
        Mistake(
            _with(common=60 / 160),
            "The second number is that machine's share of errors. Accuracy is the share of right answers.",
        ),
        Mistake(
            _with(box=90 / 96),
            "The last number is the share of apples in the ripe box that are not rotten. Asked is the share of "
            "rotten ones.",
        ),
        Mistake(
            tuple(100 * value for value in RIGHT),
            "These are percentages. Give fractions between 0 and 1.",
        ),
        Mistake(
            _with(precision=4 / 7),
            "The fourth number divides by the false alarms alone. Precision divides by everything that was called "
            "rotten, rightly or not.",
        ),
        Mistake(
            _with(recall=4 / 6),
            "The third number divides by the misses alone. Recall divides by all that are rotten, found or not.",
        ),
    ],
    hint="Write down the sums of the rows and of the columns first.",
)
