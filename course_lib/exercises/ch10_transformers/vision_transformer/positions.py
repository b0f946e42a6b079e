"""The exercise on positions for another grid."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/vision_transformer"
Grid = tuple[int, int]


def resize_positions(table: Tensor, old: Grid, new: Grid) -> Tensor:
    """Bilinear interpolation of the grid; the class token keeps its row."""
    table = torch.as_tensor(table)
    grid = table[1:].T.reshape(1, -1, *old)
    resized = F.interpolate(grid, size=new, mode="bilinear")
    return torch.cat([table[:1], resized[0].flatten(1).T])


def _by_matrices(table: Tensor, old: Grid, new: Grid) -> Tensor:
    table = torch.as_tensor(table)

    def along(before: int, after: int) -> Tensor:
        weights = torch.zeros(after, before, dtype=table.dtype)
        for i in range(after):
            at = min(max((i + 0.5) * before / after - 0.5, 0), before - 1)
            low = int(at)
            weights[i, low] += 1 - (at - low)
            weights[i, min(low + 1, before - 1)] += at - low
        return weights

    grid = table[1:].reshape(*old, -1)
    moved = torch.einsum("ar,bs,rsd->abd", along(old[0], new[0]), along(old[1], new[1]), grid)
    return torch.cat([table[:1], moved.flatten(0, 1)])


def _wrong(
    resize: Callable[[Tensor, Grid, Grid], Tensor],
) -> Callable[[Tensor, Grid, Grid], Tensor]:
    """Another way for the rows of the patches."""

    def answer(table: Tensor, old: Grid, new: Grid) -> Tensor:
        table = torch.as_tensor(table)
        return torch.cat([table[:1], resize(table[1:], old, new)])

    return answer


def _mode(mode: str, align: bool | None = None) -> Callable[[Tensor, Grid, Grid], Tensor]:
    def resize(rows: Tensor, old: Grid, new: Grid) -> Tensor:
        grid = rows.T.reshape(1, -1, *old)
        return F.interpolate(grid, size=new, mode=mode, align_corners=align)[0].flatten(1).T

    return resize


def _list(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    return F.interpolate(rows.T[None], size=new[0] * new[1], mode="linear")[0].T


def _unturned(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    grid = rows.reshape(1, -1, *old)
    return F.interpolate(grid, size=new, mode="bilinear")[0].flatten(1).T


def _unturned_back(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    return _mode("bilinear")(rows, old, new).T.reshape(-1, rows.shape[1])


def _exchanged(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    grid = rows.T.reshape(1, -1, *old)
    return F.interpolate(grid, size=new[::-1], mode="bilinear")[0].flatten(1).T


def _old_exchanged(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    return _mode("bilinear")(rows, old[::-1], new)


def _both_exchanged(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    return _mode("bilinear")(rows, old[::-1], new[::-1])


def _columns_first(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    grid = rows.T.reshape(1, -1, *old)
    return F.interpolate(grid, size=new, mode="bilinear")[0].transpose(1, 2).flatten(1).T


def _tiled(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    n = new[0] * new[1]
    return rows.repeat(-(-n // len(rows)), 1)[:n]


def _as_many(rows: Tensor, old: Grid, new: Grid) -> Tensor:
    return rows if len(rows) == new[0] * new[1] else _mode("bilinear")(rows, old, new)


def _without_class(table: Tensor, old: Grid, new: Grid) -> Tensor:
    return resize_positions(table, old, new)[1:]


def _class_last(table: Tensor, old: Grid, new: Grid) -> Tensor:
    return resize_positions(table, old, new).roll(-1, dims=0)


def _tables() -> list[Case]:
    generator = torch.Generator().manual_seed(7)

    def draw(old: Grid, new: Grid, d: int, label: str) -> Case:
        table = torch.randn(1 + old[0] * old[1], d, generator=generator, dtype=torch.float64)
        return case(table.mul(100).round().div(100), old, new, label=label)

    return [
        draw((2, 2), (4, 4), 3, "twice as many rows and columns"),
        draw((4, 4), (6, 6), 5, "a grid of the section"),
        draw((3, 3), (3, 3), 2, "the same grid"),
        draw((2, 3), (4, 5), 4, "wider than high"),
        draw((3, 2), (2, 4), 3, "fewer rows, more columns"),
        draw((4, 4), (3, 3), 2, "a smaller grid"),
        draw((2, 3), (3, 2), 3, "as many places, another grid"),
    ]


RESIZE = Exercise(
    id="vision_transformer/positions",
    section=SECTION,
    title="Positions for another grid",
    reference=resize_positions,
    cases=_tables(),
    alternatives=[_by_matrices],
    mistakes=[
        Mistake(
            _wrong(_list), "The list is interpolated, across the ends of rows. Lay it out as a grid first."
        ),
        Mistake(
            _wrong(_unturned),
            "The rows (n, d) are reshaped to (d, rows, columns) at once, which mixes features and places. Transpose first.",
        ),
        Mistake(
            _wrong(_unturned_back),
            "The grid (d, rows, columns) is reshaped to (n, d) at once. Make the places one axis, then transpose.",
        ),
        Mistake(
            _wrong(_mode("nearest")), "Each place takes its nearest neighbour's row. Interpolate bilinearly."
        ),
        Mistake(_wrong(_mode("bicubic")), "This is bicubic interpolation. Here it is to be bilinear."),
        Mistake(
            _wrong(_mode("bilinear", True)),
            "The corners are aligned: the outermost centres stay where they are. Patches are areas: align_corners=False.",
        ),
        Mistake(_wrong(_exchanged), "The new numbers of rows and columns are exchanged."),
        Mistake(
            _wrong(_old_exchanged),
            "The old numbers of rows and columns are exchanged: the table is laid out as another grid than it was.",
        ),
        Mistake(
            _wrong(_both_exchanged),
            "Rows and columns are exchanged, in the old grid and in the new one. A pair is (rows, columns).",
        ),
        Mistake(
            _wrong(_as_many),
            "With as many places as before the table comes back as it was. The grid may still be another: interpolate.",
        ),
        Mistake(_wrong(_columns_first), "The new places come column by column. They follow row by row."),
        Mistake(
            _wrong(_tiled),
            "The old rows are repeated until there are enough. That puts them at wrong places.",
        ),
        Mistake(_without_class, "The row of the class token is missing. It is kept as it is."),
        Mistake(_class_last, "The class token comes last. It is the first."),
    ],
    hint="Set row 0 aside; transpose to (d, n), reshape to (1, d, rows, columns), interpolate, and go the same way back.",
)
