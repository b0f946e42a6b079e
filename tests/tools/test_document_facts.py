"""What the project's documents name is there: commands, options, files, settings, sections."""

import re

import pytest
import typer
import yaml
from documents import DOCUMENTS, FENCED, ROOT, TEXT, commands, spans
from sections import listed_files

from course_lib.cli import app

MADE = ("_build/", ".venv", "grades.", "submissions/")  # what a command writes, or the reader brings


def options() -> set[str]:
    """The options of all commands of `course`."""
    group = typer.main.get_command(app)
    pages = [*group.commands.values(), *group.commands["data"].commands.values()]
    return {option for page in pages for parameter in page.params for option in parameter.opts}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_block_says_what_it_is(name):
    assert len(re.findall("^```", TEXT[name], re.M)) == 2 * len(FENCED.findall(TEXT[name]))
    assert {kind for kind, _ in FENCED.findall(TEXT[name])} <= {"console", "python", "text"}


def test_commands_in_the_text_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    known = {"make": set(targets), "course": set(typer.main.get_command(app).commands)}
    named = [span.split() for span in spans(*DOCUMENTS) if re.match(r"(make|course) \w", span)]
    assert {"make", "course"} <= {program for program, *_ in named}
    assert [words for words in named if words[1] not in known[words[0]]] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_options_in_the_text_exist(name):
    lines = [*spans(name), *(c for c in commands(name) if c.startswith("course"))]
    named = {word.split("=")[0] for line in lines for word in line.split() if re.match(r"--?[a-z]", word)}
    own = {"--help"}  # every command's, and every tool's
    assert named - options() - own == set()


def test_the_instructors_guide_knows_every_option_of_grading():
    mine = {"--json", "--record"}  # for a reader's own notebook
    check_page = typer.main.get_command(app).commands["check"]
    long = {option for each in check_page.params for option in each.opts if option.startswith("--")}
    told = {word for span in [*spans("instructors.md"), *commands("instructors.md")] for word in span.split()}
    assert long - mine <= told


def test_folders_and_files_in_the_text_exist():
    path = re.compile(r"\.?\w[\w.-]*(/[\w.-]+)*(/|\.(md|py|txt|yml|toml|json|ipynb))")
    for name in DOCUMENTS:
        below = [ROOT, ROOT / "course_lib", ROOT / "course_lib/exercises/ch01_neural_networks/neurons"]
        found = {span for span in spans(name) if path.fullmatch(span) and not span.startswith(MADE)}
        found = {span for span in found if "chNN_chapter" not in span}  # stands for every section's
        missing = [span for span in sorted(found) if not any((folder / span).exists() for folder in below)]
        assert missing == [], name


def test_links_to_files_lead_somewhere():
    for name in DOCUMENTS:
        targets = re.findall(r"\]\(([^)#\s]+)", TEXT[name])
        here = [target for target in targets if "://" not in target]
        assert [target for target in here if not (ROOT / target).exists()] == [], name


def test_the_readme_counts_the_sections():
    pages = listed_files(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    sections = [page for page in pages if re.fullmatch(r"chapters/\w+/(?!index$)\w+", page)]
    chapters = {page.split("/")[1] for page in sections}
    assert len(chapters) == 12
    assert f"Twelve chapters, {len(sections)} sections" in TEXT["README.md"]
    assert f"minutes for {len(sections)} sections" in TEXT["README.md"]


def test_the_workflows_and_their_settings_are_explained():
    """And no setting is explained that no workflow reads."""
    text = TEXT["CONTRIBUTING.md"]
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").iterdir()}
    variables = {name for file in files.values() for name in re.findall(r"\bvars\.(\w+)", file)}
    assert {name for name in spans("CONTRIBUTING.md") if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name)} == variables
    assert [name for name in files if f"`.github/workflows/{name}`" not in text] == []
    for setting in re.findall(r"sysctl -w (\S+)", "\n".join(files.values())):
        assert setting in text
    assert "secrets." not in "\n".join(files.values()), "none is explained"
