"""Grading on a cluster: two workers, one of which is killed, and every notebook gets its one grade."""

import collections
import os
import signal

import dask
import psutil
import pytest
from answers import UNIT
from distributed import Client, LocalCluster

from course_lib.exercises.grading.cluster import grade_on


@pytest.fixture
def client(tmp_path):
    options = {"processes": True, "dashboard_address": None, "local_directory": str(tmp_path / "dask")}
    with LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster, Client(cluster) as client:
        yield client


def test_a_killed_worker_costs_no_grade_and_none_is_given_twice(client, make_notebook, tmp_path):
    (tmp_path / "handed_in").mkdir()
    names = [f"handed_in/{name}.ipynb" for name in "abcdefgh"]
    paths = [make_notebook(UNIT, f"'of {name}'", name=name) for name in names]
    broken = tmp_path / "handed_in/z.ipynb"
    broken.write_text("{")
    missing = tmp_path / "handed_in/gone.ipynb"
    victim, found, nurseries = next(iter(client.run(os.getpid).values())), [], []
    for each in grade_on(client, [*paths, broken, missing]):
        found.append(each)
        if len(found) == 3:
            nurseries = psutil.Process(victim).children(recursive=True)
            os.kill(victim, signal.SIGKILL)
    counts = collections.Counter(each.notebook for each in found)
    assert counts == dict.fromkeys(map(str, [*paths, broken, missing]), 1)
    passed = {each.notebook for each in found if each.grade and each.grade.results[0].passed}
    assert passed == set(map(str, paths))
    problems = {each.notebook: each.problem for each in found if not each.grade}
    assert "no notebook that can be read" in problems[str(broken)]
    assert problems[str(missing)] == "can't be read: No such file or directory"
    _, alive = psutil.wait_procs(nurseries, 30)
    assert not alive, "what the killed worker had started is gone with it"


def test_the_command_grades_on_a_cluster(client, course, make_notebook, tmp_path):
    (tmp_path / "handed_in").mkdir()
    make_notebook(UNIT, name="handed_in/a.ipynb")
    make_notebook("1", UNIT.replace(">", "<"), name="handed_in/b.ipynb")
    table = tmp_path / "grades.csv"
    address = client.scheduler.address
    told = course("check", tmp_path / "handed_in", "--scheduler", address, "--out", table)
    assert told.exit_code == 1, told.stderr
    rows = [row.split(",") for row in table.read_text().splitlines()]
    assert [row[rows[0].index("neurons/unit")] for row in rows[1:]] == ["passed", "failed"]


def test_no_scheduler_is_told_kindly(course, make_notebook):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        told = course("check", make_notebook(UNIT).parent, "--scheduler", "tcp://127.0.0.1:9")
    assert told.exit_code == 2
    assert "127.0.0.1:9" in told.stderr
