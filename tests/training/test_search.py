"""Searches by several processes: shared, resumed, robust against a killed worker."""

import time

import optuna
import pytest

from course_lib.training import search

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "search.db"


@pytest.fixture
def square(tmp_path):
    """An objective that waits in its first trial until it is allowed to go on, and is sent by value."""
    gate = tmp_path / "go on"

    def objective(trial):
        x = trial.suggest_float("x", -1.0, 1.0)
        while trial.number == 0 and not gate.exists():
            time.sleep(0.02)
        return x**2

    objective.open = gate.touch
    return objective


def tried(study):
    """The settings that came to a result."""
    return [trial.params["x"] for trial in study.trials if trial.value is not None]


def test_workers_share_the_settings_and_try_each_once(place, square):
    square.open()
    study = search.open_study(place)
    settings = [0.1, -0.2, 0.3, -0.4, 0.5]
    for x in settings:
        study.enqueue_trial({"x": x})
    found = search.search(square, place, trials=5, workers=2)
    assert sorted(tried(found)) == sorted(settings)
    assert found.best_params == {"x": 0.1}
    assert search.finished(study) == 5, "who opened the study before sees the results, too"


def test_a_killed_workers_setting_is_tried_again_and_nothing_else(place, square):
    study = search.open_study(place)
    settings = [0.7, 0.2, 0.4]
    for x in settings:
        study.enqueue_trial({"x": x})
    worker = search.start_worker(square, place, trials=3)
    while not (study.trials[0].params and study.trials[0].state.name == "RUNNING"):
        assert worker.poll() is None, worker.stderr.read().decode()
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    worker.stderr.close()

    square.open()
    search.work(square, place, trials=3)
    assert sorted(tried(study)) == sorted(settings)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert study.trials[-1].params == {"x": 0.7}, "the setting of the killed worker comes last"


def test_a_worker_killed_before_its_first_sign_of_life_is_missed_all_the_same(place, square):
    square.open()
    study = search.open_study(place)
    study.enqueue_trial({"x": 0.3})
    study.ask()  # takes the trial as a worker does, and never reports
    search.work(square, place, trials=1)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE"]
    assert tried(study) == [0.3]


def test_a_finished_search_does_nothing_and_more_trials_go_on(place, square):
    square.open()
    search.work(square, place, trials=2)
    first = search.search(square, place, trials=2)
    assert len(first.trials) == 2
    search.work(square, f"sqlite:///{place}", trials=3)
    assert len(search.search(square, place, trials=3).trials) == 3
    assert tried(first)[:2] == tried(search.open_study(place))[:2]


def test_studies_in_one_file_are_apart(place, square):
    square.open()
    search.work(square, place, trials=1, name="one", direction="maximize")
    assert len(search.open_study(place, "one").trials) == 1
    assert search.open_study(place, "two").trials == []
    assert search.open_study(place, "one").direction.name == "MAXIMIZE"


def test_pruned_trials_count_as_finished(place):
    def objective(trial):
        raise optuna.TrialPruned

    search.work(objective, place, trials=2)
    assert [trial.state.name for trial in search.open_study(place).trials] == ["PRUNED", "PRUNED"]


def test_a_failing_objective_is_told_in_its_own_words(place):
    def objective(trial):
        raise ValueError("the learning rate is a string")

    with pytest.raises(RuntimeError, match=r"(?s)last words:\n.*ValueError: the learning rate is a string"):
        search.search(objective, place, trials=2, workers=1)
