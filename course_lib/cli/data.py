"""``course data``: the data sets, and where downloads are kept."""

from typing import Annotated

import typer

from course_lib.cli.output import FAILED, MISUSED, fail, table

data = typer.Typer(
    help="The data sets of the course: list them, fetch one ahead of time, see where downloads are kept.",
    no_args_is_help=False,
    invoke_without_command=True,
)


@data.callback()
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_sets()


@data.command("list")
def list_sets() -> None:
    """List the data sets: which come with the course, which are generated, which are downloaded."""
    from course_lib.data import sheets

    rows = [("name", "kind", "examples", "what")]
    for sheet in sheets():
        rows.append((sheet.name, sheet.kind, f"{max(sheet.splits.values(), default=0):,}", sheet.what))
    for line in table(rows, right=(2,)):
        typer.echo(line)


@data.command("fetch")
def fetch(name: Annotated[str, typer.Argument(help="The data set, such as mnist.")]) -> None:
    """Download a data set now, so that later it works without a network. Others are there already."""
    from course_lib.data import DownloadError, cache_folder, load, sheets

    sheet = next((sheet for sheet in sheets() if sheet.name == name), None)
    split = next(iter(sheet.splits)) if sheet else "train"
    try:
        found = load(name, split)
    except DownloadError as error:
        fail(str(error), FAILED)
    except ValueError as error:
        fail(str(error), MISUSED)
    where = f"in {cache_folder()}" if sheet and sheet.kind == "downloaded" else "it needs no download"
    examples = "training examples" if split == "train" else f"examples in {split!r}"
    typer.echo(f"{name}: {len(found.x):,} {examples} of shape {tuple(found.x.shape[1:])}; {where}")


@data.command("where")
def where() -> None:
    """Print the folder that downloads are kept in. The environment variable COURSE_DATA moves it."""
    from course_lib.data import cache_folder

    typer.echo(cache_folder())
