"""Every student edition runs to its end as it is, in an empty folder, and each check says "not started"."""

import nbformat
from nbclient import NotebookClient


def test_runs_untouched_and_every_check_says_not_started(edition, edition_path, quiet_environment, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    client = NotebookClient(
        edition, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=quiet_environment)  # raises, naming cell and error, if one fails
    checks = [cell for cell in edition.cells if cell.cell_type == "code" and cell.source.startswith("check(")]
    assert len(checks) >= 3, f"{edition_path.name}: a section has at least three exercises"
    for cell in checks:
        shown = "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        assert shown.startswith("NOT STARTED"), f"{edition_path.name}: {cell.source}: {shown or cell.outputs}"
    installs = edition.cells[1]
    assert "pip" in installs.source
    assert installs.outputs == [], "where course_lib is there, nothing is installed"
    nbformat.validate(edition)
