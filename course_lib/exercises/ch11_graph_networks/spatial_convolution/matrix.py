"""The exercise on the normalized adjacency matrix, with weights and loops."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "11_graph_networks/spatial_convolution"
Array = np.ndarray


def looped(A: Array) -> Array:
    """A with a loop of weight 1 wherever there is none."""
    return A + np.diag(np.where(np.diag(A) == 0, 1.0, 0.0))


def normalized(A: Array) -> Array:
    """D^-1/2 (A + loops) D^-1/2."""
    with_loops = looped(A)
    root = 1 / np.sqrt(with_loops.sum(axis=1))
    return root[:, None] * with_loops * root


def _by_loops(A: Array) -> Array:
    n = len(A)
    B = [[float(A[i, j]) if i != j or A[i, i] else 1.0 for j in range(n)] for i in range(n)]
    degree = [sum(row) for row in B]
    return np.array([[B[i][j] / (degree[i] * degree[j]) ** 0.5 for j in range(n)] for i in range(n)])


def _by_diagonals(A: Array) -> Array:
    B = A.astype(float)
    np.fill_diagonal(B, np.where(np.diag(B) == 0, 1.0, np.diag(B)))
    D = np.diag(B.sum(axis=0) ** -0.5)
    return D @ B @ D


def _with(
    loops: Callable[[Array], Array], degrees: Callable[[Array, Array], Array]
) -> Callable[[Array], Array]:
    """Other loops, or other degrees: those of A and of A with loops are at hand."""

    def answer(A: Array) -> Array:
        with np.errstate(all="ignore"):
            B = loops(A)
            degree = degrees(A, B)
            return B / np.sqrt(np.outer(degree, degree))

    return answer


def _row_means(A: Array) -> Array:
    B = looped(A)
    return B / B.sum(axis=1, keepdims=True)


def _column_means(A: Array) -> Array:
    B = looped(A)
    return B / B.sum(axis=0, keepdims=True)


def _one_side(A: Array) -> Array:
    B = looped(A)
    return B / np.sqrt(B.sum(axis=1, keepdims=True))


def _without_root(A: Array) -> Array:
    B = looped(A)
    return B / np.outer(B.sum(axis=1), B.sum(axis=1))


def _multiplied(A: Array) -> Array:
    B = looped(A)
    return B * np.sqrt(np.outer(B.sum(axis=1), B.sum(axis=1)))


def _laplacian(A: Array) -> Array:
    return np.eye(len(A)) - normalized(A)


def _loops_afterwards(A: Array) -> Array:
    degree = A.sum(axis=1)
    root = np.where(degree > 0, degree, 1.0) ** -0.5
    return np.eye(len(A)) + root[:, None] * A * root


def _graphs(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, links: float, label: str, loops: bool = False) -> Case:
        weight = rng.uniform(0.5, 3, (n, n)).round(1) * (rng.random((n, n)) < links)
        A = np.triu(weight, 1)
        A = A + A.T
        if loops:
            A = A + np.diag([2.5, 0.5] + [0.0] * (n - 2))
        return case(A, label=label)

    triangle = np.array([[0.0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]])
    return [
        case(np.array([[0.0, 1], [1, 0]]), label="two nodes and a link"),
        case(triangle, label="a triangle, and a node that hangs on it"),
        draw(5, 0.5, "links of other weights"),
        draw(6, 0.6, "two nodes have loops already", loops=True),
        case(np.zeros((3, 3)), label="three nodes without any link"),
        case(np.pad(triangle, (0, 1)).astype(int), label="a node without links, whole numbers"),
    ]


ADJACENCY = Exercise(
    id="spatial_convolution/adjacency",
    section=SECTION,
    title="The normalized adjacency matrix",
    reference=normalized,
    cases=_graphs,
    alternatives=[_by_loops, _by_diagonals],
    mistakes=[
        Mistake(
            _with(lambda A: A + 0.0, lambda A, B: np.where(B.sum(axis=1) > 0, B.sum(axis=1), 1.0)),
            "There are no loops: no node hears itself. Add them first, then count the degrees.",
        ),
        Mistake(
            _with(lambda A: A + np.eye(len(A)), lambda A, B: B.sum(axis=1)),
            "Every node gets a loop, also those that have one, which now weighs 1 too much. Look at the diagonal.",
        ),
        Mistake(
            _with(lambda A: A - np.diag(np.diag(A)) + np.eye(len(A)), lambda A, B: B.sum(axis=1)),
            "Loops that were there weigh 1 now. They should keep their own weight.",
        ),
        Mistake(
            _with(looped, lambda A, B: A.sum(axis=1)),
            "The degrees are those of A, without the loops. Count what arrives at a node with its loop.",
        ),
        Mistake(
            _with(looped, lambda A, B: A.sum(axis=1) + 1),
            "Every degree gets 1 for a loop. A loop that was there counts with its own weight: sum the rows with loops.",
        ),
        Mistake(
            _with(looped, lambda A, B: (B != 0).sum(axis=1)),
            "The degree counts neighbours. With weighted links it is the sum of their weights.",
        ),
        Mistake(
            _row_means,
            "Each row sums to 1: this is a mean, the row divided by its degree. Divide by the root of both ends' degrees.",
        ),
        Mistake(
            _column_means,
            "Each column sums to 1: it is divided by the degree of the sender. Divide by the root of both ends' degrees.",
        ),
        Mistake(
            _one_side,
            "Only the rows are divided. The root of the degree belongs on both sides, once for either end of a link.",
        ),
        Mistake(
            _without_root, "The degrees are multiplied without a root. The power of D is -1/2 on each side."
        ),
        Mistake(
            _multiplied, "The roots are multiplied with, and hubs get louder. The power is -1/2, so divide."
        ),
        Mistake(_laplacian, "This is I minus what is asked for, a Laplacian. Here it is the matrix itself."),
        Mistake(
            _loops_afterwards,
            "The loops are added after the normalization, so each node hears itself with weight 1. Add them first.",
        ),
    ],
    hint="Put the missing loops on the diagonal, sum the rows, and divide entry (i, j) by the root of both sums.",
)
