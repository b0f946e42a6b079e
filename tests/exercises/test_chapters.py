"""Every exercise and quiz of the book does its work, and the chapters use what there is."""

import ast
import re
from functools import cache
from pathlib import Path

import jupytext
import pytest

from course_lib.exercises import registry
from course_lib.exercises.harness import PROOFS
from course_lib.exercises.judge import judge
from course_lib.exercises.quizzes import validate_quiz

CHAPTERS = Path(__file__).parents[2] / "chapters"
EXERCISES = {exercise.id: exercise for exercise in registry.all_exercises()}
SECTIONS = registry.sections()
DIRECTIVE = re.compile(
    r"^[`:]{3,}\{(exercise-start|exercise-end|solution-start|solution-end)\} *(\S*)", re.MULTILINE
)
LABEL = re.compile(r"^:label: *(\S+)", re.MULTILINE)


@cache
def cells(section):
    """Return a section's cells as ``(type, source)``."""
    notebook = jupytext.read(CHAPTERS / f"{section}.md", fmt="md:myst")
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


@cache
def blocks(section):
    """Return ``{exercise id: {"stub" | "solution" | "check": code}}``, from the gates in the section's text.

    The order of gates and cells is that of every section: exercise-start, text, stub, exercise-end,
    solution-start, solution, solution-end, check.
    """
    found: dict[str, dict[str, str]] = {}
    place, current = "", ""
    for kind, source in cells(section):
        if kind == "code":
            if place in ("stub", "solution", "check"):
                found[current][place] = found[current].get(place, "") + source + "\n"
                place = "" if place == "check" else place
            continue
        for gate in DIRECTIVE.finditer(source):
            rest = source[gate.end() :]
            if gate[1] == "exercise-start":
                label = LABEL.search(rest)
                assert label, f"{section}: an exercise without a label: {gate[0]}"
                place, current = "stub", label[1]
                assert current not in found, f"{section}: the label {current} comes twice"
                found[current] = {}
            elif gate[1] == "solution-start":
                assert gate[2] == current, (
                    f"{section}: the solution of {gate[2]} follows the exercise {current}"
                )
                place = "solution"
            else:
                place = "check" if gate[1] == "solution-end" else ""
    return found


def checked(code):
    """Return ``[(id, name of the answer)]`` of every ``check("id", name)`` in a piece of code."""
    code = "\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!")))
    return [
        (ast.literal_eval(node.args[0]), ast.unparse(node.args[1]))
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"
    ]


def definition(code, name):
    """Return the last definition or assignment of ``name`` in a piece of code."""
    found = None
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            found = node
        if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]:
            found = node
    return found


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_every_exercise_is_proved(exercise_id, proof):
    PROOFS[proof](EXERCISES[exercise_id])


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_a_page_exercises_and_a_quiz(section):
    assert (CHAPTERS / f"{section}.md").exists(), f"{section} has exercises, but no page"
    assert len(registry.of_section(section)) >= 3, f"{section} has fewer than three exercises"
    validate_quiz(registry.quiz_of(section))
    code = "\n".join(source for kind, source in cells(section) if kind == "code")
    assert f'quiz("{section}")' in code, f"{section} does not show its quiz"


def test_every_page_with_a_check_is_a_section():
    for page in CHAPTERS.glob("*/*.md"):
        section = f"{page.parent.name}/{page.stem}"
        if re.search(r"^check\(", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert section in SECTIONS, f"{section} checks answers, but has no exercises in course_lib"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_exercise_is_checked_once_and_every_check_has_an_exercise(section):
    code = [source for kind, source in cells(section) if kind == "code"]
    used = [exercise_id for source in code for exercise_id, _ in checked(source)]
    there = [exercise.id for exercise in registry.of_section(section)]
    assert sorted(used) == sorted(there), f"{section}: checks and exercises differ"
    assert sorted(blocks(section)) == sorted(there), f"{section}: exercise-start labels and exercises differ"


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_stub_and_solution_are_written_alike(exercise_id):
    parts = blocks(EXERCISES[exercise_id].section)[exercise_id]
    assert list(parts) == ["stub", "solution", "check"], f"{exercise_id}: blocks {list(parts)}"
    ((used, name),) = checked(parts["check"])
    assert used == exercise_id, f"the check of {exercise_id} has the id {used}"
    stub, solution = definition(parts["stub"], name), definition(parts["solution"], name)
    assert stub is not None, f"{exercise_id}: the stub defines no {name}"
    assert solution is not None, f"{exercise_id}: the solution defines no {name}"
    assert type(stub) is type(solution)
    if isinstance(stub, ast.FunctionDef) and isinstance(solution, ast.FunctionDef):
        assert ast.unparse(stub.args) == ast.unparse(solution.args), f"{exercise_id}: other parameters"
        assert ast.get_docstring(stub), f"{exercise_id}: the stub has no docstring"
        assert ast.get_docstring(stub) == ast.get_docstring(solution), f"{exercise_id}: other docstrings"


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_every_stub_is_not_started(exercise_id):
    exercise = EXERCISES[exercise_id]
    parts = blocks(exercise.section)[exercise_id]
    ((_, name),) = checked(parts["check"])
    stub = definition(parts["stub"], name)
    assert stub is not None
    # The stub stands alone: annotations and defaults may name what the section imports, so they are left out.
    if isinstance(stub, ast.FunctionDef):
        for argument in ast.walk(stub.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        stub.returns, stub.decorator_list = None, []
        stub.args.defaults = [ast.Constant(None) for _ in stub.args.defaults]
        stub.args.kw_defaults = [default and ast.Constant(None) for default in stub.args.kw_defaults]
    names: dict[str, object] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([stub], [])), exercise_id, "exec"), names)
    report = judge(exercise, names[name])
    assert report.status == "not started", f"the stub of {exercise_id}:\n{report}"


def test_sections_are_in_the_order_of_the_table_of_contents():
    contents = (CHAPTERS.parent / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"chapters/(\d\d_\w+/\w+)", contents)
    assert [section for section in listed if section in SECTIONS] == SECTIONS
