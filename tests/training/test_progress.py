import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from course_lib.training.progress import progress_bar, summary

ROOT = Path(__file__).parents[2]


class Terminal:
    """Standard error that is a terminal, or is not."""

    def __init__(self, is_terminal):
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def shown(monkeypatch, *, terminal=False, book=None, progress=None):
    """What a bar of two epochs of three steps writes."""
    error = Terminal(terminal)
    monkeypatch.setattr(sys, "stderr", error)
    monkeypatch.setenv("COURSE_BOOK", book or "")
    with progress_bar(2, 3, 1, progress) as bar:
        for _ in range(6):
            bar.update()
        bar.set_postfix({"train_loss": "0.5"})
    return error.text


def test_a_terminal_gets_a_bar(monkeypatch):
    text = shown(monkeypatch, terminal=True)
    assert "6/6" in text
    assert "train_loss=0.5" in text


@pytest.mark.parametrize("progress", [None, False])
def test_a_file_gets_none(monkeypatch, progress):
    assert shown(monkeypatch, progress=progress) == ""


def test_it_can_be_asked_for_and_refused(monkeypatch):
    assert "6/6" in shown(monkeypatch, progress=True)
    assert shown(monkeypatch, terminal=True, progress=False) == ""


@pytest.mark.parametrize("progress", [None, True])
def test_the_static_book_gets_none_even_if_asked(monkeypatch, progress):
    assert shown(monkeypatch, terminal=True, book="1", progress=progress) == ""


@pytest.mark.parametrize("progress", [None, True])
def test_tqdms_own_variable_hides_it(monkeypatch, progress):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert shown(monkeypatch, terminal=True, progress=progress) == ""


def test_a_resumed_run_starts_in_the_middle(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal(True))
    with progress_bar(4, 10, 3, None) as bar:
        assert (bar.n, bar.total) == (20, 40)


def test_unknown_number_of_steps(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal(True))
    with progress_bar(4, None, 1, None) as bar:
        assert bar.total is None


def test_summary_leaves_bookkeeping_out():
    record = {"epoch": 3, "learning_rate": 0.1, "train_loss": 0.123456, "validation_accuracy": 0.5}
    assert summary(record) == {"train_loss": "0.1235", "validation_accuracy": "0.5"}


def test_a_notebook_gets_a_widget_but_not_in_the_static_book(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("COURSE_BOOK", raising=False)
    cells = [
        "import os\nfrom course_lib.training.progress import progress_bar",
        "with progress_bar(1, 2, 1, None) as bar:\n    bar.update()",
        "os.environ['COURSE_BOOK'] = '1'\nwith progress_bar(1, 2, 1, None) as bar:\n    bar.update()",
        "os.environ.update(COURSE_BOOK='', TQDM_DISABLE='1')",
        "with progress_bar(1, 2, 1, None) as bar:\n    bar.update()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    importing, live, book, _, hidden = [cell.outputs for cell in notebook.cells]
    assert "application/vnd.jupyter.widget-view+json" in live[0].data
    assert importing == book == hidden == []
