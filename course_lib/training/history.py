"""The record of a training run: one row an epoch."""

import json
import math
from collections.abc import Iterator
from typing import Any, overload

Record = dict[str, float]
SHOWN_ROWS = 10  # a longer history shows its first and last rows


class History:
    """One record an epoch: ``epoch``, ``learning_rate``, ``train_loss``, ``validation_loss`` ... ``seconds``.

    ``history[0]`` is a record, ``history["train_loss"]`` a column. ``train_`` values are means over the
    epoch, taken batch by batch while the weights change; ``validation_`` values are taken at its end. Two
    histories are equal when everything but ``seconds`` is, and what is printed leaves the seconds out, so
    that it can be compared between runs.
    """

    def __init__(self, records: list[Record] | None = None) -> None:
        self.records: list[Record] = [dict(record) for record in records or []]

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the order they appeared."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    def append(self, record: Record) -> None:
        """Add the record of an epoch."""
        self.records.append(dict(record))

    def best(self, column: str, mode: str = "min") -> Record:
        """Return the first record with the smallest (``mode="min"``) or largest (``"max"``) value.

        Raises:
            KeyError: there is no such column.
            ValueError: ``mode`` is neither, or the column has no number.
        """
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max", got {mode!r}')
        self[column]
        rows = [record for record in self.records if not math.isnan(record.get(column, math.nan))]
        if not rows:
            raise ValueError(f"column {column!r} has no number")
        return dict((min if mode == "min" else max)(rows, key=lambda record: record[column]))

    def to_dict(self) -> dict[str, list[float]]:
        """Return the columns by name, ready for a plot or a data frame."""
        return {name: self[name] for name in self.columns}

    def to_json(self) -> str:
        """Return the records as JSON text; ``History.from_json`` reads it back."""
        return json.dumps(self.records)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Read what ``to_json`` wrote."""
        return cls(json.loads(text))

    def state_dict(self) -> dict[str, Any]:
        """Return the records, for a checkpoint."""
        return {"records": [dict(record) for record in self.records]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the records of a checkpoint."""
        self.records = [{str(name): value for name, value in record.items()} for record in state["records"]]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @overload
    def __getitem__(self, key: int) -> Record: ...
    @overload
    def __getitem__(self, key: str) -> list[float]: ...
    def __getitem__(self, key: int | str) -> Record | list[float]:
        if isinstance(key, int):
            return self.records[key]
        if key not in self.columns:
            raise KeyError(f"no column {key!r}; there is {', '.join(self.columns) or 'none yet'}")
        return [record.get(key, math.nan) for record in self.records]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        names = [name for name in self.columns if name != "seconds"]
        if not names:
            return "History: no epochs yet"
        rows = [[_cell(record.get(name, math.nan)) for name in names] for record in self.records]
        widths = [max(len(name), *(len(row[i]) for row in rows)) for i, name in enumerate(names)]
        if len(rows) > SHOWN_ROWS:
            half = SHOWN_ROWS // 2
            rows = [*rows[:half], ["..."] * len(names), *rows[-half:]]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in [names, *rows]
        ]
        return "\n".join(lines)

    def _comparable(self) -> list[dict[str, str]]:
        # As text, because a NaN (a metric undefined on some epoch) does not equal itself.
        return [{name: repr(value) for name, value in r.items() if name != "seconds"} for r in self.records]


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
