"""A summary in writing: as text that fits a narrow page, and as HTML."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.models.summary import Layer, Summary

WIDTH = 75
SHORTEST = 9  # of a name, however long those beside it are
CONVENTION = "mult-adds: convolutions and matrix products, for one input"
HEAD = ("layer", "kind", "output", "parameters", "mult-adds", "memory", "sees")
TEXT = 2  # columns of text; the others are aligned on the right

STYLE = """
.course-summary { max-height: 32rem; overflow: auto; margin: 1rem 0; }
.course-summary table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; }
.course-summary th, .course-summary td { padding: 0.1rem 0.5rem; text-align: right; white-space: nowrap; }
.course-summary th:first-child, .course-summary td:nth-child(2), .course-summary th:nth-child(2) {
  text-align: left; }
.course-summary tbody th { font-weight: normal; }
.course-summary caption { caption-side: bottom; text-align: left; font-size: 0.85em; }
.course-summary tfoot th, .course-summary tfoot td { border-top: 1px solid currentColor; }
"""


def as_text(summary: "Summary") -> str:
    """At most ``WIDTH`` characters wide: long names lose their beginning, long kinds their end."""
    rows = [HEAD, *(_cells(summary, layer) for layer in summary.layers), _total(summary)]
    if not _is_image(summary):
        rows = [row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else 1
    for column, least in ((1, 12), (0, SHORTEST), (1, 6), (0, 1)):
        excess = sum(widths) + gap * (len(widths) - 1) - WIDTH
        widths[column] = max(min(least, widths[column]), widths[column] - max(excess, 0))
    lines = []
    for row in rows:
        name, kind, *numbers = row
        name = name if len(name) <= widths[0] else "…" + name[len(name) - widths[0] + 1 :]
        kind = kind if len(kind) <= widths[1] else kind[: widths[1] - 1] + "…"
        cells = [name.ljust(widths[0]), kind.ljust(widths[1])]
        cells += [number.rjust(width) for number, width in zip(numbers, widths[2:], strict=True)]
        lines.append((" " * gap).join(cells).rstrip())
    lines.insert(-1, "-" * max(map(len, lines)))
    return "\n".join([_title(summary), *lines, CONVENTION])


def as_html(summary: "Summary") -> str:
    """A table that scrolls by itself, with full names and exact numbers as tooltips."""
    image = _is_image(summary)
    head = [*HEAD, "jump"] if image else list(HEAD[:-1])
    body = []
    for layer in summary.layers:
        cells = [*_cells(summary, layer), _jump(layer)] if image else list(_cells(summary, layer)[:-1])
        body.append(_row(cells, f"{layer.multiply_adds:,} multiply-adds, {layer.activation_bytes:,} bytes"))
    total = [*_total(summary), ""] if image else list(_total(summary)[:-1])
    title = escape(_title(summary), quote=True)
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="course-summary" role="region" aria-label="{title}" tabindex="0">\n'
        f"<style>{STYLE}</style>\n<table>\n<caption>{title}; {CONVENTION}</caption>\n"
        f"<thead><tr>{columns}</tr></thead>\n"
        f"<tbody>\n{''.join(body)}</tbody>\n<tfoot>{_row(total, '')}</tfoot>\n</table>\n</div>"
    )


def _row(cells: Sequence[str], told: str) -> str:
    first, *others = (escape(cell) for cell in cells)
    tip = f' title="{told}"' if told else ""
    return f'<tr{tip}><th scope="row">{first}</th>' + "".join(f"<td>{o}</td>" for o in others) + "</tr>\n"


def _title(summary: "Summary") -> str:
    sizes = ", ".join(_by(size) for size in summary.input_size)
    return f"{summary.model} on {sizes}, {str(summary.dtype).removeprefix('torch.')}"


def _cells(summary: "Summary", layer: "Layer") -> tuple[str, ...]:
    ran = layer.output_size is not None
    return (
        layer.name,
        layer.kind,
        _by(layer.output_size) if layer.output_size is not None else "not run",
        f"{layer.parameters:,}" if layer.parameters else "",
        short(layer.multiply_adds),
        short(layer.activation_bytes, "B"),
        _sees(layer) if ran else "",
    )


def _total(summary: "Summary") -> tuple[str, ...]:
    numbers = (short(summary.multiply_adds), short(summary.activation_bytes, "B"))
    return ("total", "", "", f"{summary.parameters:,}", *numbers, "")


def short(number: int, unit: str = "") -> str:
    """A count in three digits: 118 M; nothing for 0."""
    if number == 0:
        return ""
    value, powers = float(number), ["", "k", "M", "G", "T", "P"]
    while value >= 999.5 and len(powers) > 1:
        value, powers = value / 1000, powers[1:]
    digits = 0 if value >= 99.95 or (not powers[0] and value == number) else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {powers[0]}{unit}".rstrip()


def _sees(layer: "Layer") -> str:
    if layer.field is None:
        return "?"
    if layer.field.whole:
        return "whole"
    height, width = layer.field.size
    return str(height) if height == width else f"{height}x{width}"


def _jump(layer: "Layer") -> str:
    if layer.output_size is None or layer.field is None or layer.field.whole:
        return ""
    height, width = layer.field.jump
    return str(height) if height == width else f"{height}x{width}"


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size)) or "1"


def _is_image(summary: "Summary") -> bool:
    return len(summary.input_size) == 1 and len(summary.input_size[0]) == 3
