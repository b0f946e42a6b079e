"""The ``course`` command: list the sections, check a notebook, see progress, run a section, fetch data, time.

Exit codes: 0 all is well, 1 something failed, 2 the command was not used as it should be. What takes long to
import (torch, the exercises) is imported by the commands that need it.
"""

import typer

from course_lib.cli.bench import bench
from course_lib.cli.check import check
from course_lib.cli.data import data
from course_lib.cli.listing import list_sections
from course_lib.cli.progress import progress
from course_lib.cli.run import run

app = typer.Typer(
    help="Read, run and check the course from the command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("list")(list_sections)
app.command("check")(check)
app.command("progress")(progress)
app.command("run")(run)
app.command("bench")(bench)
app.add_typer(data, name="data")

__all__ = ["app"]
