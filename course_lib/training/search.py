"""Hyperparameter search by several processes, on one machine or many, over a study that is kept on disk.

Optuna chooses what to try and keeps the record. What is added here is the crew: workers that may come, go and
be killed while the study goes on.

    study = search(objective, "search.db", trials=40, direction="maximize")    # on every core
    work(objective, "search.db", trials=40, direction="maximize")              # another process joins in

A file serves one machine. Several machines share a database server: give its address, such as
``postgresql://name@host/search``, in place of the file.
"""

import os
import pickle
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import TrialState

Objective = Callable[[optuna.Trial], float]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT = 1  # seconds between two signs of life of a running trial
GRACE = 3  # seconds of silence after which a trial is taken for dead, and tried again
# Workers queue at the file. By default SQLite has a reader who turns writer give up at once.
_PATIENT = {"timeout": 60, "isolation_level": "IMMEDIATE"}


def open_study(where: str | os.PathLike[str], name: str = "search", **options: Any) -> optuna.Study:
    """Return the study of that name, with all its trials; create it if it is not there.

    Args:
        where: a file, or the address of a database server.
        name: one file may hold several studies.
        options: ``direction``, ``sampler`` and ``pruner``, as in ``optuna.create_study``.
    """
    return _study(_storage(where), name, options)


def work(
    objective: Objective, where: str | os.PathLike[str], trials: int, name: str = "search", **options: Any
) -> None:
    """Take part in a study until ``trials`` of its trials are finished, by whomever.

    Settings that wait (``study.enqueue_trial``) are tried first. The setting of a trial whose worker was
    killed is tried again. Of a file no more trials are finished than asked for; workers that meet at a
    database server may begin their last trials together, and finish a few more.

    Args:
        objective: takes an ``optuna.Trial``, returns the number to optimize.
        where, name, options: as in :func:`open_study`. Each worker has its own sampler: one with a seed would
            make all workers draw the same settings.
        trials: how many finished trials are wanted in all, those of earlier runs counted in.
    """
    storage = _storage(where)
    study = _study(storage, name, options)
    watch = _Watch(storage, study)
    # To look whether a trial is left and to take it is one step. A killed worker's lock opens by itself.
    lock = FileLock(f"{os.fspath(where)}.lock") if "://" not in os.fspath(where) else None

    def taken(trial: optuna.Trial) -> float:
        if lock:
            lock.release()
        return objective(trial)

    while finished(study) < trials:
        with lock or nullcontext():
            states = states_of(study)
            taken_up = sum(states[state] for state in (*FINISHED, TrialState.RUNNING))
            if states[TrialState.WAITING] or taken_up < trials:
                study.optimize(taken, n_trials=1)
                continue
        # Others are at the last ones; should they die, this worker is there.
        time.sleep(HEARTBEAT / 2)
        watch.look()


def states_of(study: optuna.Study) -> Counter[TrialState]:
    """Return how many trials are in each state."""
    return Counter(trial.state for trial in study.get_trials(deepcopy=False))


def finished(study: optuna.Study) -> int:
    """Return how many trials came to a result."""
    return sum(states_of(study)[state] for state in FINISHED)


def start_worker(
    objective: Objective, where: str | os.PathLike[str], trials: int, name: str = "search", **options: Any
) -> subprocess.Popen[bytes]:
    """Start a process that does :func:`work`, and return it; its ``stderr`` says what went wrong.

    The objective may be defined in a notebook: it is sent to the process with all it refers to.
    """
    import cloudpickle

    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    worker = subprocess.Popen(
        [sys.executable, "-m", "course_lib.training.search"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert worker.stdin is not None
    worker.stdin.write(cloudpickle.dumps((objective, os.fspath(where), trials, name, options)))
    worker.stdin.close()
    return worker


def search(
    objective: Objective,
    where: str | os.PathLike[str],
    trials: int,
    *,
    workers: int | None = None,
    name: str = "search",
    **options: Any,
) -> optuna.Study:
    """Start workers, wait for them, and return the study with its finished trials.

    Called again with the same file, it goes on where it stopped: for any reason, a killed computer included.

    Args:
        objective: takes an ``optuna.Trial``, returns the number to optimize; see :func:`start_worker`.
        where, name, options: as in :func:`open_study`.
        trials: how many finished trials are wanted in all, those of earlier runs counted in.
        workers: how many processes, of one thread each; default one for each core.

    Raises:
        RuntimeError: where a worker failed and the study was not finished by the others; with its last words.
    """
    study = open_study(where, name, **options)
    if finished(study) >= trials:
        return study
    crew = [start_worker(objective, where, trials, name, **options) for _ in range(workers or _cores())]
    try:
        said = [_read(worker) for worker in crew]
    finally:
        for worker in crew:
            worker.kill()
    if finished(study) < trials:
        raise RuntimeError(f"the search stopped early; a worker's last words:\n{_last(said)}")
    return study


def _storage(where: str | os.PathLike[str]) -> RDBStorage:
    place = os.fspath(where)
    address = place if "://" in place else f"sqlite:///{Path(place).absolute()}"
    with warnings.catch_warnings():  # heartbeats are marked as experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            address,
            engine_kwargs={"connect_args": _PATIENT} if address.startswith("sqlite") else None,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=3),
        )


def _study(storage: RDBStorage, name: str, options: dict[str, Any]) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name=name, load_if_exists=True, **options)


class _Watch:
    """Gives up trials whose worker was killed, so that their settings are tried again."""

    def __init__(self, storage: RDBStorage, study: optuna.Study) -> None:
        self.storage, self.study = storage, study
        self.seen: set[int] = set()

    def look(self) -> None:
        """Look once; a trial is given up after GRACE seconds without a heartbeat."""
        key = self.storage.get_study_id_from_name(self.study.study_name)
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # Who was killed before the first heartbeat would seem to run for ever: it is given one.
            if trial.number not in self.seen:
                self.seen.add(trial.number)
                self.storage.record_heartbeat(
                    self.storage.get_trial_id_from_study_id_trial_number(key, trial.number)
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            fail_stale_trials(self.study)


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(worker: subprocess.Popen[bytes]) -> str:
    """Wait for a worker to end, and return what it wrote about its troubles."""
    assert worker.stderr is not None
    with worker.stderr:
        said = worker.stderr.read().decode(errors="replace")
    worker.wait()
    return said


def _last(said: Sequence[str], lines: int = 12) -> str:
    return "\n".join(max(said, key=len, default="").splitlines()[-lines:])


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    _objective, _where, _trials, _name, _options = pickle.load(sys.stdin.buffer)
    work(_objective, _where, _trials, _name, **_options)
