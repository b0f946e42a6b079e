"""What a student reads: one message, a few details; as HTML in a notebook, as text in a terminal."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass, replace

PASSED, FAILED, NOT_STARTED, ERROR = "passed", "failed", "not started", "error"

_WORDS = {PASSED: "Passed", FAILED: "Not yet", NOT_STARTED: "Not started", ERROR: "Error"}
_WIDTH = 80
# Blue, orange, grey and vermilion of the Okabe-Ito palette: they stand out on white and on black, and only
# decorate a box whose first word says the same.
_COLOURS = {PASSED: "#0072B2", FAILED: "#E69F00", NOT_STARTED: "#888888", ERROR: "#D55E00"}


@dataclass(frozen=True)
class Detail:
    """One labelled part of a report. ``code`` parts keep their lines; others are wrapped as prose."""

    label: str
    text: str
    code: bool = False


@dataclass(frozen=True, repr=False)
class Report:
    """The outcome of a check.

    ``status`` is ``"passed"``, ``"failed"`` (wrong so far), ``"not started"`` (nothing written yet) or
    ``"error"`` (it could not be judged: it raised, did not end, or was not what the exercise asks for).
    """

    exercise: str
    status: str
    message: str
    details: tuple[Detail, ...] = ()
    title: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASSED

    def adding(self, *details: Detail) -> Report:
        """Return this report with further details at its end."""
        return replace(self, details=(*self.details, *details))

    def __str__(self) -> str:
        head = f"{_WORDS[self.status].upper()}: {self.title or self.exercise}"
        lines = [*_wrap(head), "", *_wrap(self.message)]
        for detail in self.details:
            if detail.code:
                lines += ["", f"{detail.label}:"]
                for line in detail.text.splitlines():
                    lines += _wrap(line, indent="    ", hanging="      ")
            else:
                lines += ["", *_wrap(f"{detail.label}: {detail.text}")]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = f"{_WORDS[self.status]}: {_escape(self.title or self.exercise)}"
        parts = [f"<p style='margin:0'><strong>{head}</strong></p>"]
        parts.append(f"<p style='margin:.4em 0 0'>{_inline(self.message)}</p>")
        if self.details:
            parts.append("<dl style='margin:.4em 0 0'>")
            for detail in self.details:
                parts.append(f"<dt style='font-weight:600;margin:.4em 0 0'>{_escape(detail.label)}</dt>")
                parts.append(f"<dd style='margin:0 0 0 1em'>{_body(detail)}</dd>")
            parts.append("</dl>")
        style = (
            f"border:1px solid {_COLOURS[self.status]};border-left-width:.5em;border-radius:4px;"
            "padding:.6em 1em;margin:.4em 0;color:inherit;background:transparent;overflow-wrap:anywhere"
        )
        return f"<div class='exercise-report' role='status' style='{style}'>{''.join(parts)}</div>"


def _wrap(text: str, indent: str = "", hanging: str = "") -> list[str]:
    """Wrap at the terminal's width. Text that has no spaces is cut."""
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=hanging) or [""]


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _inline(text: str) -> str:
    """Escape prose; what stands in backticks becomes code."""
    style = "style='color:inherit;background:transparent'"
    return re.sub(r"`([^`]+)`", rf"<code {style}>\1</code>", _escape(text))


def _body(detail: Detail) -> str:
    if not detail.code:
        return _inline(detail.text)
    style = "margin:0;padding:0;border:0;white-space:pre-wrap;color:inherit;background:transparent"
    return f"<pre style='{style}'>{_escape(detail.text)}</pre>"
