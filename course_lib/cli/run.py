"""``course run``: execute a section with other parameters."""

import ast
import difflib
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from course_lib.cli import sections
from course_lib.cli.output import FAILED, MISUSED, fail
from course_lib.cli.sections import Section

KINDS = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a word",
    list: "a list",
    tuple: "a list",
}


def run(
    section: Annotated[str, typer.Argument(help="Such as neurons, 01_neural_networks/neurons, or a file.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter; repeat for more."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="A set of parameters that the section defines, such as full.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write [default: ./SECTION-run.ipynb].")
    ] = None,
) -> None:
    """Execute a section with parameters of your choice and keep the executed notebook.

    The parameters are the names in the section's parameters cell (sizes, epochs, data set, device, seed). A
    profile sets several; -p overrides it. Values are read as JSON or YAML: 10, 1e-3, true, [0, 1], mnist.
    """
    found = sections.find(section)
    notebook = _read(found.path)
    known = parameters_of(notebook)
    values = {**_profile(found, profile), **dict(_assignment(each) for each in parameter or [])}
    _check(found, values, known)
    target = output or Path.cwd() / f"{found.stem}-{profile or 'run'}.ipynb"
    settings = ", ".join(f"{name} = {value!r}" for name, value in {**known, **values}.items())
    typer.echo(f"{found.name}: {settings}")
    _execute(found, notebook, values, target)
    typer.echo(f"Done: {target}")


def _read(path: Path) -> Any:
    import jupytext
    import nbformat

    if path.suffix == ".ipynb":
        return nbformat.read(path, as_version=4)
    return jupytext.read(path, fmt="md:myst")


def parameters_of(notebook: Any) -> dict[str, Any]:
    """The names that the cell tagged ``parameters`` sets, with their values where these are literals."""
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        for statement in ast.parse(cell.source).body:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _literal(getattr(statement, "value", None))
    return found


def _literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:
        return None


def _profile(section: Section, profile: str | None) -> dict[str, Any]:
    if profile is None:
        return {}
    if profile not in section.profiles:
        known = f"it has {', '.join(section.profiles)}" if section.profiles else "it has none"
        fail(f"{section.name} has no profile {profile!r}; {known}", MISUSED)
    return dict(section.profiles[profile])


def _assignment(text: str) -> tuple[str, Any]:
    """``name=value`` as a name and what the value means."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        fail(f"-p takes name=value, got {text!r}", MISUSED)
    try:
        return name, json.loads(value)  # before YAML, which takes 1e-3 for a word
    except ValueError:
        pass
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        return name, value


def _check(section: Section, values: dict[str, Any], known: dict[str, Any]) -> None:
    """End the command where a parameter does not exist, or is of another kind than its default."""
    for name, value in values.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            has = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            fail(f"{section.name} has no parameter {name!r}{meant} ({has})", MISUSED)
        if known[name] is not None and value is not None and _kind(value) != _kind(known[name]):
            fail(f"{name} should be {_kind(known[name])} like {known[name]!r}, got {value!r}", MISUSED)


def _kind(value: Any) -> str:
    return KINDS.get(type(value), f"a {type(value).__name__}")


def _execute(section: Section, notebook: Any, values: dict[str, Any], target: Path) -> None:
    """Run the notebook through papermill; ends the command, naming the cell, where one fails."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillException, PapermillExecutionError

    if not target.resolve().parent.is_dir():
        fail(f"the folder of {target} does not exist", MISUSED)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{section.stem}.ipynb"
        nbformat.write(notebook, source)
        try:
            papermill.execute_notebook(
                source, target, parameters=values, kernel_name="python3", cwd=Path.cwd(), progress_bar=True
            )
        except PapermillExecutionError as error:
            what = f"{_place(error)}: {error.ename}: {error.evalue}"
            fail(f"{section.name}: {what}\nHow far it came is in {target}.", FAILED)
        except (PapermillException, RuntimeError) as error:
            fail(f"{section.name}: the notebook could not be run: {error}", FAILED)


def _place(error: Any) -> str:
    """Which cell failed: its number among the code cells, and its first line."""
    lines = [line.strip() for line in error.source.splitlines() if line.strip()]
    return f"code cell {error.exec_count} failed ({lines[0][:60] if lines else 'empty'})"
