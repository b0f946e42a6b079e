"""Exercises are found by id, in the book's order, and ids are the exercise's own."""

import sys
import textwrap

import pytest

import course_lib.exercises
from course_lib.exercises import registry

TEMPLATE = """
from course_lib.exercises import Exercise, Mistake
EXERCISES = [
    Exercise(id=f"{stem}/{{name}}", section="{section}", title="T", reference=1, cases=[],
             mistakes=[Mistake(n, f"{{n}}.") for n in (2, 3, 4)])
    for name in {names!r}
]
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Return a function that adds a section to a book of the test's own."""
    monkeypatch.setattr(course_lib.exercises, "__path__", [str(tmp_path)])
    registry.modules.cache_clear()

    def add(section, *names, code="", order=()):
        chapter, stem = section.split("/")
        folder = tmp_path / f"ch{chapter}"
        folder.mkdir(exist_ok=True)
        if order or not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text(f"SECTIONS = {tuple(order)!r}\n")
        text = TEMPLATE.format(stem=stem, section=section, names=names) + textwrap.dedent(code)
        (folder / f"{stem}.py").write_text(text)
        registry.modules.cache_clear()

    yield add
    for name in [name for name in sys.modules if name.startswith("course_lib.exercises.ch9")]:
        del sys.modules[name]
        vars(course_lib.exercises).pop(name.split(".")[2], None)
    registry.modules.cache_clear()


def test_sections_come_in_the_books_order(book):
    book("91_two/only", "a")
    book("90_one/alpha", "a", "b", order=["omega", "alpha"])
    book("90_one/omega", "a")
    book("90_one/later", "a")
    assert registry.sections() == ["90_one/omega", "90_one/alpha", "90_one/later", "91_two/only"]
    ids = [exercise.id for exercise in registry.all_exercises()]
    assert ids == ["omega/a", "alpha/a", "alpha/b", "later/a", "only/a"]
    assert [exercise.id for exercise in registry.of_section("90_one/alpha")] == ["alpha/a", "alpha/b"]


def test_finding_imports_that_section_alone(book):
    book("90_one/broken", code="raise RuntimeError('must not be imported')")
    book("90_one/sound", "a")
    assert registry.find("sound/a").id == "sound/a"
    with pytest.raises(KeyError, match="sound/b"):
        registry.find("sound/b")
    with pytest.raises(KeyError, match="nowhere/a"):
        registry.find("nowhere/a")
    with pytest.raises(RuntimeError, match="must not be imported"):
        registry.find("broken/a")


def test_a_section_without_exercises_is_a_key_error(book):
    with pytest.raises(KeyError):
        registry.of_section("90_one/nothing")


def test_an_exercise_in_the_wrong_file(book):
    book("90_one/here", code='EXERCISES = __import__("dataclasses").replace(EXERCISES[0], section="x")')
    with pytest.raises(Exception, match=r".+"):
        registry.all_exercises()
    book(
        "90_one/there", "a", code="from course_lib.exercises.ch91_two import away; EXERCISES = away.EXERCISES"
    )
    book("91_two/away", "a")
    with pytest.raises(ValueError, match="says '91_two/away', but is in the file of '90_one/there'"):
        registry.of_section("90_one/there")


def test_an_id_used_twice(book):
    book("90_one/here", "a", "a")
    with pytest.raises(ValueError, match="'here/a' is used twice"):
        registry.of_section("90_one/here")


def test_a_stem_used_twice(book):
    book("90_one/same", "a")
    book("91_two/same", "a")
    with pytest.raises(ValueError, match="two sections are called 'same'"):
        registry.all_exercises()


def test_a_quiz_is_data_or_a_file(book, tmp_path):
    book("90_one/data", code="QUIZ = [1, 2]")
    book("90_one/none")
    assert registry.quiz_of("90_one/data") == [1, 2]
    assert registry.quiz_of("90_one/none") == []
    package = tmp_path / "ch90_one" / "filed"
    package.mkdir()
    (package / "__init__.py").write_text("EXERCISES = []\n")
    (package / "quiz.json").write_text('[{"question": "é?"}]', encoding="utf-8")
    registry.modules.cache_clear()
    assert registry.quiz_of("90_one/filed") == [{"question": "é?"}]
