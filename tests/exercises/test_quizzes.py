"""Quizzes are well formed, fetch nothing, are legible, and say in words whether an answer is right."""

import json
import re

import pytest

from course_lib.exercises import quiz, quizzes
from course_lib.exercises.quizzes import validate_quiz


def answer(text, correct=False, **more):
    return {"answer": text, "correct": correct, "feedback": f"About {text}."} | more


def question(text="Which?", kind="multiple_choice", answers=None, **more):
    answers = [answer("one", True), answer("two")] if answers is None else answers
    return {"question": text, "type": kind, "answers": answers} | more


NUMERIC = question(
    "How many?",
    "numeric",
    [
        {"type": "value", "value": 4, "correct": True, "feedback": "Yes: 4."},
        {"type": "range", "range": [5, 9], "correct": False, "feedback": "Too many."},
        {"type": "default", "feedback": "Count again."},
    ],
)
MANY = question("Which ones?", "many_choice", [answer("a", True), answer("b", True), answer("c")])


def test_good_quizzes_are_good():
    validate_quiz([question(), NUMERIC, MANY])


@pytest.mark.parametrize(
    ("questions", "fault"),
    [
        ([], "no questions"),
        ([question(), question()], "text comes twice"),
        ([question(kind="essay")], "unknown type 'essay'"),
        ([question(text="")], "no text"),
        ([question(answers=[answer("one", True)])], "at least two answers"),
        ([question(answers=[answer("one", True), answer("two", True)])], "one right answer, and this has 2"),
        ([question(answers=[answer("one"), answer("two")])], "one right answer, and this has 0"),
        ([question(answers=[answer("one", True), answer("one")])], "two answers are the same"),
        ([question(answers=[answer("one", True), answer(" ")])], "an answer is empty"),
        ([question(answers=[answer("one", True), answer("two", feedback="")])], "no feedback"),
        ([question(answers=[answer("one", True), answer("two", correct="no")])], "whether it is correct"),
        ([question(kind="many_choice")], "this has 1 right"),
        ([question(kind="many_choice", answers=[answer("a", True), answer("b", True)])], "this has 2 right"),
        ([NUMERIC | {"answers": NUMERIC["answers"][:2]}], "needs a default answer"),
        ([NUMERIC | {"answers": NUMERIC["answers"][1:]}], "no right answer"),
    ],
)
def test_faults_are_named(questions, fault):
    with pytest.raises(ValueError, match=r".") as raised:
        validate_quiz(questions)
    assert fault in str(raised.value)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed when the quiz of a section is asked for."""
    displayed = []
    monkeypatch.setattr(quizzes, "display", displayed.append)
    monkeypatch.setattr("course_lib.exercises.registry.quiz_of", lambda section: [question(), NUMERIC, MANY])
    return displayed


def test_it_fetches_nothing(shown):
    quiz("00_toys/toy")
    page, script = shown
    assert not re.findall(r"https?://|//cdn|\bimport\(", page.data + script.data)
    assert "appendChild(script)" not in script.data


def test_the_mends_still_fit_jupyterquiz(shown):
    quiz("00_toys/toy")
    script = shown[1].data
    assert "setAttribute('role', 'status')" in script
    assert 'lab.htmlFor = id + "-0"' in script
    assert not re.search(r"(?m)^\s*console\.log", script)
    assert script.count("MathJax") == 1, "of jupyterquiz's own handling of MathJax nothing is left"
    assert script.count("typesetWhenReady(") == 6, "the questions, and the feedback of each kind"


def test_a_script_that_no_longer_fits_is_noticed():
    with pytest.raises(RuntimeError, match="jupyterquiz has changed"):
        quizzes._offline("console.log('nothing else');")


def test_feedback_begins_with_a_word(shown):
    quiz("00_toys/toy")
    data = re.search(r"var questions\w+=(\[.*?\]);\n", shown[1].data)
    assert data is not None
    for each in json.loads(data[1]):
        for one in each["answers"]:
            assert re.match(r"(Right\.|Yes:) " if one.get("correct") else "Not quite. ", one["feedback"])


def test_the_container_is_named_alike_in_every_build_and_unlike_on_one_page(shown, monkeypatch):
    def names():
        shown.clear()
        quiz("00_toys/toy")
        quiz("00_toys/toy")
        found = [re.search(r'<div id="(\w+)"', part.data) for part in shown[::2]]
        return [match[1] for match in found if match]

    monkeypatch.setenv("COURSE_BOOK", "1")
    monkeypatch.setattr(quizzes, "_shown", iter(range(9)))
    first = names()
    monkeypatch.setattr(quizzes, "_shown", iter(range(9)))
    assert names() == first
    assert first[0] != first[1]
    monkeypatch.delenv("COURSE_BOOK")
    assert len({*names(), *names(), *first}) == 6


def test_without_javascript_the_questions_can_be_read(shown):
    quiz("00_toys/toy")
    noscript = re.search(r"<noscript>(.*)</noscript>", shown[0].data, re.DOTALL)
    assert noscript is not None
    assert "Which?" in noscript[1]
    assert "<li>two</li>" in noscript[1]
    assert shown[0].data.count("<div") == shown[0].data.count("</div>")


def test_a_section_without_a_quiz(monkeypatch):
    monkeypatch.setattr("course_lib.exercises.registry.quiz_of", lambda section: [])
    with pytest.raises(KeyError, match="has no quiz"):
        quiz("00_toys/toy")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, two):
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_from_its_ground():
    colours = quizzes._COLOURS
    ink = colours["--jq-text-color"]
    grounds = [name for name in colours if name.endswith("-bg") and name != "--jq-mc-button-bg"]
    for name in [*grounds, "--jq-correct-color", "--jq-incorrect-color"]:
        assert contrast(ink, colours[name]) >= 4.5, name
    assert contrast("#333333", colours["--jq-mc-button-bg"]) >= 4.5
    assert contrast(colours["--jq-link-color"], colours["--jq-multiple-choice-bg"]) >= 4.5
