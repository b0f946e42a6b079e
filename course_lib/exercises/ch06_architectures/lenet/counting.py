"""An exercise on the parameters of a layer with partial connections."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/lenet"

TABLE_I = (
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)
Table = Sequence[str]


def partial_parameters(table: Table, kernel: int) -> int:
    """A kernel for each X, a bias for each column."""
    return sum(row.count("X") for row in table) * kernel**2 + len(table[0])


def _by_columns(table: Table, kernel: int) -> int:
    return sum(kernel * kernel * "".join(column).count("X") + 1 for column in zip(*table, strict=True))


def _crosses(table: Table) -> int:
    return sum(row.count("X") for row in table)


def _count(
    weights: Callable[[Table, int], int], biases: Callable[[Table], int]
) -> Callable[[Table, int], int]:
    """A wrong count, by its weights and its biases."""
    return lambda table, kernel: weights(table, kernel) + biases(table)


def _right_weights(table: Table, kernel: int) -> int:
    return _crosses(table) * kernel**2


def _columns(table: Table) -> int:
    return len(table[0])


PARTIAL = Exercise(
    id="lenet/partial_parameters",
    section=SECTION,
    title="Partial connections",
    reference=partial_parameters,
    cases=[
        case(("XX.", ".XX"), 3, label="two maps before, three after, four crosses"),
        case(TABLE_I, 5, label="table I with 5x5 kernels"),
        case(TABLE_I, 3, label="table I with 3x3 kernels"),
        case(("XXXX", "XXXX", "XXXX"), 5, label="all connected"),
        case(("X...", ".X..", "..X.", "...X"), 3, label="one input for each map"),
        case(("XX..", "XX..", "..XX", "..XX", "...X"), 1, label="1x1 kernels"),
        case(("X",), 7, label="one map to one map"),
    ],
    alternatives=[_by_columns],
    mistakes=[
        Mistake(
            _count(lambda table, kernel: len(table) * len(table[0]) * kernel**2, _columns),
            "All pairs are counted here. Only a pair with an X has a kernel.",
        ),
        Mistake(
            _count(
                lambda table, kernel: (len(table) * len(table[0]) - _crosses(table)) * kernel**2, _columns
            ),
            "The dots are counted. A kernel stands at each X; a dot means that there is none.",
        ),
        Mistake(
            _count(_right_weights, lambda table: 0),
            "The biases are missing: each map that comes out, a column, has one.",
        ),
        Mistake(
            _count(_right_weights, len),
            "The biases are counted by rows, the maps that go in. It is the maps that come out, the columns, that have one.",
        ),
        Mistake(
            _count(_right_weights, _crosses),
            "Each kernel has a bias of its own here. The kernels of a column are added up, and one bias serves them all.",
        ),
        Mistake(
            _count(_right_weights, lambda table: 1),
            "There is one bias for the whole layer here. Each column has one.",
        ),
        Mistake(
            _count(lambda table, kernel: _crosses(table) * kernel, _columns),
            "A kernel of K rows has K columns too: K squared weights for each X.",
        ),
        Mistake(
            _count(lambda table, kernel: len(table[0]) * kernel**2, _columns),
            "This gives every map one kernel, as if it saw a single map. It has one for each X in its column.",
        ),
    ],
    hint="Go along the columns: how many kernels has this map, how many weights has each, and how many biases?",
)

EXERCISES = [PARTIAL]
