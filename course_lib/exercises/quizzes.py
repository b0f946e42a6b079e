"""Shows a section's quiz: jupyterquiz, kept from the network and legible on light and dark pages."""

from __future__ import annotations

import copy
import itertools
import random
import re
from typing import Any
from unittest import mock

from IPython.display import HTML, Javascript, display

from course_lib.environment import in_book
from course_lib.exercises import registry

# Every pair of text and ground below has a contrast of at least 4.5; blue and orange-brown are told apart
# by the colour-blind, and every answer says in words whether it is right.
_COLOURS = {
    "--jq-multiple-choice-bg": "#26456e",
    "--jq-many-choice-bg": "#26456e",
    "--jq-numeric-bg": "#26456e",
    "--jq-string-bg": "#26456e",
    "--jq-text-color": "#ffffff",
    "--jq-link-color": "#cfe2ff",
    "--jq-mc-button-bg": "#f2f2f2",
    "--jq-mc-button-border": "#767676",
    "--jq-numeric-input-bg": "#26456e",
    "--jq-numeric-input-label": "inherit",
    "--jq-correct-color": "#00664c",
    "--jq-incorrect-color": "#9c3d00",
}
# Feedback stands on the page itself, whose ground may be white or black: it takes the page's own ink.
_STYLE = """
#{id} .Feedback {{ color: inherit; font-size: 1rem; line-height: 1.4; text-align: left; padding: .4em .8em; }}
#{id} .Feedback.correct, #{id} .Feedback.incorrect {{ border-left: .4em solid; }}
#{id} .Feedback.correct {{ border-color: #0072B2; }}
#{id} .Feedback.incorrect {{ border-color: #D55E00; }}
#{id} .Quiz {{ font-size: 1rem; line-height: 1.4; }}
#{id} .InpLabel, #{id} .Input-text {{ font-size: 1rem; }}
#{id} .MCButton:focus-within, #{id} .Input-text:focus {{ outline: .2em solid #0072B2; }}
#{id} .sr-only {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
"""
# jupyterquiz asks for MathJax once. While that is still loading, it takes its settings away and has another
# loaded from the network: formulas stay raw, or turn red. This waits for the page's own, for up to a minute.
_TYPESET = """
function typesetWhenReady(element, tries = 240) {
    const math = window.MathJax;
    if (math && math.typesetPromise) {
        math.startup.promise.then(() => math.typesetPromise([element]));
    } else if (math && math.Hub) {
        math.Hub.Queue(["Typeset", math.Hub, element]);
    } else if (tries) {
        setTimeout(typesetWhenReady, 250, element, tries - 1);
    }
}
"""
_MENDS = {
    r"(?s)// Trigger MathJax typesetting if available.*?(?=// Prevent link clicks)": (
        "typesetWhenReady(container);"
    ),
    r"(?s)if \(typeof MathJax !== 'undefined'\) \{\s*const v =.*?typeset\(\[container\]\);\s*\}\s*\}": (
        "typesetWhenReady(container);"
    ),
    r"(?s)if \(typeof MathJax != 'undefined'\) \{.*?typeset\(\[fb\]\);.*?not detected'\);\s*\}": (
        "typesetWhenReady(fb);"
    ),
    r"(?m)^\s*console\.log\([^\n]*\);?\s*$": "",
    r"(this\.fbDiv\.className = 'Feedback';)": r"\1 this.fbDiv.setAttribute('role', 'status');",
    r'lab\.innerHTML = "Type (numeric|your) answer here:";': (
        'lab.innerHTML = "Type your answer, then press Enter:"; lab.htmlFor = id + "-0";'
    ),
    # In Chromium a formula is no part of the name of its answer: it is named by what was written.
    r"lab\.append\(aSpan\);": (
        r"lab.append(aSpan); if (/\\\\[(]/.test(aSpan.textContent)) "
        r'inp.setAttribute("aria-label", aSpan.textContent.replace(/\\\\[()]/g, ""));'
    ),
}
_YES, _NO = r"(right|correct|yes|exactly|true)\b", r"(not quite|wrong|incorrect|no)\b"
_shown = itertools.count()


def quiz(section: str) -> None:
    """Show the quiz of a section, such as ``"01_neural_networks/neurons"``, below the cell.

    Works in a live notebook and in static HTML, without a request to any host. Without JavaScript the
    questions can still be read.

    Raises:
        KeyError: where there is no such section, or it has no quiz.
        ValueError: where the quiz is not well formed.
    """
    questions = registry.quiz_of(section)
    if not questions:
        raise KeyError(f"the section {section!r} has no quiz")
    validate_quiz(questions)
    for part in _parts(questions, f"{section} {next(_shown)}" if in_book() else None):
        display(part)


def validate_quiz(questions: list[dict[str, Any]]) -> None:
    """Check that a quiz can be shown and answered.

    Every question has a text and a type; a ``multiple_choice`` has one right answer, a ``many_choice`` two or
    more (and both at least one wrong); every answer has feedback; no question, and no answer of a question,
    comes twice.

    Raises:
        ValueError: naming the question and its fault.
    """
    if not questions:
        raise ValueError("the quiz has no questions")
    texts = [str(question.get("question")) for question in questions]
    for number, question in enumerate(questions, start=1):
        if texts.count(texts[number - 1]) > 1:
            raise ValueError(f"question {number}: its text comes twice")
        for fault in _faults(question):
            raise ValueError(f"question {number} ({texts[number - 1][:40]!r}): {fault}")


def _faults(question: dict[str, Any]) -> list[str]:
    kind, answers = question.get("type"), question.get("answers")
    if kind not in ("multiple_choice", "many_choice", "numeric", "string"):
        return [f"unknown type {kind!r}"]
    if not str(question.get("question") or "").strip():
        return ["it has no text"]
    if not isinstance(answers, list) or len(answers) < 2:
        return ["it needs at least two answers"]
    faults = ["an answer has no feedback"] * any(not str(a.get("feedback") or "").strip() for a in answers)
    faults += ["an answer doesn't say whether it is correct"] * any(
        not isinstance(a.get("correct"), bool) and a.get("type") != "default" for a in answers
    )
    given = [_given(kind, answer) for answer in answers]
    faults += ["two answers are the same"] * (len(set(given)) < len(given))
    faults += ["an answer is empty"] * ("" in given)
    right = sum(answer.get("correct") is True for answer in answers)
    if kind == "multiple_choice" and right != 1:
        faults.append(f"a multiple_choice has one right answer, and this has {right}")
    if kind == "many_choice" and not 2 <= right < len(answers):
        faults.append(f"a many_choice has two right answers or more, and a wrong one; this has {right} right")
    if kind in ("numeric", "string"):
        faults += ["it has no right answer"] * (not right)
        faults += ["it needs a default answer, the feedback on all else"] * ("default" not in given)
    return faults


def _given(kind: str, answer: dict[str, Any]) -> str:
    """Return what an answer is recognised by."""
    if kind in ("numeric", "string") and answer.get("type") == "default":
        return "default"
    if kind == "numeric":
        return str(answer.get("value", answer.get("range", "")))
    return f"{answer.get('answer') or ''}{answer.get('code') or ''}".strip()


def _parts(questions: list[dict[str, Any]], seed: str | None) -> list[Any]:
    """Return what jupyterquiz would display, with our colours and style, and nothing to fetch.

    jupyterquiz names its container at random: a seed makes the book's pages the same in every build. In a
    live notebook the name stays random, since two open notebooks may show one quiz on the same page.
    """
    from jupyterquiz import display_quiz

    shown: list[Any] = []
    names = display_quiz.__globals__
    with mock.patch.dict(names, {"display": shown.append, "random": random.Random(seed)}):
        display_quiz(
            _worded(questions), shuffle_answers=False, border_radius=6, max_width=720, colors=_COLOURS
        )
    container, script = shown
    name = re.search(r'<div id="(\w+)"', container.data)
    assert name is not None, "jupyterquiz no longer opens with its container"
    style = f"<style>{_STYLE.format(id=name[1])}</style>"
    return [HTML(container.data + style + _readable(questions) + "</div>"), Javascript(_offline(script.data))]


def _worded(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the questions with every feedback beginning with a word on whether the answer is right."""
    worded = copy.deepcopy(questions)
    for answer in (answer for question in worded for answer in question["answers"]):
        right = bool(answer.get("correct"))
        if not re.match(_YES if right else _NO, answer["feedback"], re.IGNORECASE):
            answer["feedback"] = f"{'Right.' if right else 'Not quite.'} {answer['feedback']}"
    return worded


def _offline(script: str) -> str:
    """Return jupyterquiz's script unable to fetch, quiet, and easier on MathJax and screen readers.

    Raises:
        RuntimeError: where jupyterquiz has changed so that a mend finds nothing to mend.
    """
    for pattern, mended in _MENDS.items():
        script, made = re.subn(pattern, mended, script)
        if not made:
            raise RuntimeError(f"jupyterquiz has changed: nothing in its script matches {pattern}")
    return _TYPESET + script


def _readable(questions: list[dict[str, Any]]) -> str:
    """Return the questions for a reader without JavaScript."""
    items = []
    for question in questions:
        answers = "".join(f"<li>{a['answer']}</li>" for a in question["answers"] if a.get("answer"))
        items.append(f"<li>{question['question']}<ul>{answers}</ul></li>")
    return f"<noscript><ol>{''.join(items)}</ol></noscript>"
