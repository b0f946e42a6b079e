"""Several processes train as one would: gradients, whole runs, killed processes, their command."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import distributed_runs as runs
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from typer.testing import CliRunner

from course_lib import layers, optim
from course_lib.training import CheckpointError, DivergenceError
from course_lib.training import distributed as ours
from course_lib.training.distributed import __main__ as command
from course_lib.training.distributed import launch

SCRIPT = runs.__file__
LIMIT = 1000  # seconds, for machines that do much else
pytestmark = pytest.mark.timeout(1200)


@contextmanager
def marked():
    """Mark all processes that are started in the block; the value finds those that live."""
    mark = f"COURSE_TEST_{uuid.uuid4().hex}"
    os.environ[mark] = "1"
    try:
        yield lambda: with_mark(mark)
    finally:
        del os.environ[mark]
        left = with_mark(mark)
        for process in left:
            process.kill()
    assert not left


def with_mark(mark):
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.environ() and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:  # ended meanwhile, or another user's
            continue
    return found


@pytest.fixture(autouse=True, scope="module")
def nobody_left():
    """In the end none of the processes that these tests start may live."""
    with marked():
        yield


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """The one launch of two processes, and the folder with what they found."""
    out = tmp_path_factory.mktemp("together")
    return launch.torchrun(2, [SCRIPT, str(out)], max_restarts=1, timeout=LIMIT), out


def found_by_both(launched, name):
    ended, out = launched
    files = [out / f"{name}{rank}.pt" for rank in (0, 1)]
    assert all(file.exists() for file in files), ended.stderr[-3000:]
    return [torch.load(file, weights_only=False) for file in files]


@pytest.fixture(scope="module")
def two(launched):
    """What each of two processes found, before one was killed."""
    return found_by_both(launched, "together")


def until(true):
    """Wait for a condition."""
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, "it has not come to pass"
        time.sleep(0.1)


def assert_equal(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        difference = float((found[name].double() - value.double()).abs().max())
        scale = 1 + float(value.abs().max())
        assert difference <= tolerance * scale, f"{name} differs by {difference:g}"


# The gradient of the whole batch


@pytest.mark.parametrize("name", runs.GRADIENTS)
def test_two_processes_have_the_gradient_of_the_whole_batch(two, name):
    make, draw, loss, dtype, n = runs.GRADIENTS[name]
    model = make(dtype)
    value = loss(model, *draw(n, dtype))
    value.backward()
    expected = {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in model.named_parameters()
        if p.requires_grad
    }
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for mean_loss, gradients in (found[name] for found in two):
        assert_equal(gradients, expected, tolerance)
        assert float(mean_loss) == pytest.approx(value.item(), rel=tolerance)
    assert all(torch.equal(two[0][name][1][key], two[1][name][1][key]) for key in expected)


def test_alone_the_gradient_is_that_of_backward():
    for name in runs.GRADIENTS:
        make, draw, loss, dtype, n = runs.GRADIENTS[name]
        model = make(dtype)
        loss(model, *draw(n, dtype)).backward()
        _, gradients = runs.case_gradients(name)
        for key, parameter in model.named_parameters():
            if parameter.grad is not None:
                torch.testing.assert_close(gradients[key], parameter.grad)


def test_torchs_own_class_agrees_for_equal_and_unequal_shares(two):
    assert len(two[0]["comparison"]) == len(runs.GRADIENTS) - 2
    for found in two:
        for name, ways in found["comparison"].items():
            tolerance = 1e-12 if runs.GRADIENTS[name][3] == torch.float64 else 1e-5
            for way in ("ours", "torch"):
                assert ours.largest_difference(ways["whole"], ways[way]) < tolerance, (name, way)


def test_the_mean_of_means_is_another_gradient():
    model, (x, y) = runs.net(torch.float64), runs.pictures(3, torch.float64)
    _, whole = runs.gradients(model, runs.cross_entropy, x, y)
    model.zero_grad()
    (sum(runs.cross_entropy(model, x[s], y[s]) for s in (slice(2), slice(2, 3))) / 2).backward()
    halves = {name: p.grad for name, p in model.named_parameters()}
    assert ours.largest_difference(whole, halves) > 0.01


# Batch normalization


def test_batch_norm_of_each_process_knows_its_share_only(two):
    model = runs.net(torch.float64, layers.BatchNorm2d)
    x, y = runs.pictures(7, torch.float64)
    for rows in (slice(4), slice(4, 7)):
        (len(x[rows]) / 7 * runs.cross_entropy(model, 3 * x[rows] + 100, y[rows])).backward()
    by_share = {name: p.grad for name, p in model.named_parameters()}
    _, whole, *_ = runs.with_norm(layers.BatchNorm2d)
    for found in two:
        assert_equal(found["batch norm"][1], by_share, 1e-10)
        assert ours.largest_difference(whole, found["batch norm"][1]) > 0.001


def test_synchronized_batch_norm_is_that_of_the_whole_batch(two):
    value, gradients, buffers, said = runs.with_norm(layers.BatchNorm2d)
    for found in two:
        loss, others, statistics, output = found["sync batch norm"]
        assert float(loss) == pytest.approx(value.item(), rel=1e-10)
        assert_equal(others, gradients, 1e-9)
        assert_equal(statistics, buffers, 1e-10)
        torch.testing.assert_close(output, said, rtol=1e-9, atol=1e-9)


def test_synchronized_batch_norm_counts_in_32_bits_where_x_has_16(two):
    for found in two:
        output, expected, variance = found["in 16 bits"]
        assert output.dtype == variance.dtype == torch.bfloat16
        torch.testing.assert_close(output.double(), expected, rtol=0.02, atol=0.02)
        assert variance.item() == pytest.approx(0.9 + 0.1 * 1200 * 1201 / 12, rel=0.02)


def test_synchronized_batch_norm_alone_is_the_layers_own():
    state = ours.SyncBatchNorm2d(4, dtype=torch.float64).state_dict()
    layers.BatchNorm2d(4, dtype=torch.float64).load_state_dict(state)
    _, plain, *_ = runs.with_norm(layers.BatchNorm2d)
    _, synchronized, *_ = runs.with_norm(ours.SyncBatchNorm2d)
    assert_equal(synchronized, plain, 0.0)


def test_synchronized_batch_norm_refuses_a_batch_with_an_idle_process(two):
    assert two[0]["too few"] == two[1]["too few"]
    assert "total must be 2 processes or more, got 1" in two[0]["too few"]


# Runs


def test_a_run_of_two_processes_ends_as_one_of_one(two):
    history, parameters = runs.fit(ours.Processes(), 0.0)
    for found in two:
        assert_equal(found["plain"][1], parameters, 1e-12)
        for mine, theirs in zip(history["records"], found["plain"][0]["records"], strict=True):
            assert theirs["train_loss"] == pytest.approx(mine["train_loss"], rel=1e-12)
            assert theirs["step"] == mine["step"]
            assert theirs["learning_rate"] == mine["learning_rate"] == 0.01 / mine["step"]


def test_one_process_goes_on_where_two_stopped(two, launched, tmp_path):
    half = tmp_path / "half.pt"
    half.write_bytes((launched[1] / "half.pt").read_bytes())
    done = []
    history, parameters = runs.fit(ours.Processes(), 0.0, half, done.append)
    assert done == list(range(runs.STEPS // 2 + 1, runs.STEPS + 1))
    assert_equal(parameters, two[0]["plain"][1], 1e-12)
    assert [record["step"] for record in history["records"]] == [3, 6, 9, 12]


def test_a_run_with_a_killed_process_ends_bit_for_bit_as_one_without(two, launched):
    found = found_by_both(launched, "killed")
    ended, out = launched
    assert ended.returncode == 0, ended.stderr[-3000:]
    lives = {p.stem: p.read_text().split() for p in out.glob("life*.txt")}
    assert lives["life0-rank1"][-1] == str(runs.DEATH), "the first life ends with the kill"
    last = runs.DEATH - runs.DEATH % runs.EVERY  # the step of the last checkpoint
    for rank in (0, 1):
        again = [str(step) for step in range(last + 1, runs.STEPS + 1)]
        assert lives[f"life1-rank{rank}"] == again, "the second goes on from the last checkpoint"
        for name, parameter in two[0]["dropout"][1].items():
            assert torch.equal(found[rank][1][name], parameter), f"{name} of process {rank}"
    for records in (found[0][0]["records"], two[0]["dropout"][0]["records"]):
        for record in records:
            record.pop("seconds")
    assert found[0][0] == two[0]["dropout"][0], "the record is whole, too"
    assert not list(out.glob(".*partial"))


def test_a_run_alone_resumes_bit_for_bit(tmp_path):
    whole = runs.fit(ours.Processes(), 0.5)[1]
    runs.fit(ours.Processes(), 0.5, tmp_path / "c.pt", steps=5)
    resumed, parameters = runs.fit(ours.Processes(), 0.5, tmp_path / "c.pt")
    assert_equal(parameters, whole, 0.0)
    assert [record["step"] for record in resumed["records"]] == [3, 5, 6, 9, 12]
    again = runs.fit(ours.Processes(), 0.5, tmp_path / "c.pt")
    assert_equal(again[1], whole, 0.0)


def test_dropout_differs_between_processes_and_steps(two):
    _, parameters = runs.fit(ours.Processes(), 0.5)
    assert not torch.equal(parameters["0.weight"], two[0]["dropout"][1]["0.weight"])
    seeds = {ours.mixed(seed, step, rank) for seed in range(9) for step in range(9) for rank in range(9)}
    assert len(seeds) == 9**3
    assert max(seeds) < 2**63


def test_a_checkpoint_of_other_batches_is_refused(tmp_path):
    model = nn.Sequential(nn.Flatten(), layers.Linear(64, 10))
    x, y = runs.pictures(20, torch.float32)
    data = SimpleNamespace(x=x, y=y)

    def fit(**options):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        return ours.fit_together(
            model,
            data,
            runs.cross_entropy,
            optimizer,
            ours.Processes(),
            **{"steps": 2, "batch_size": 8, "checkpoint": tmp_path / "c.pt", **options},
        )

    fit()
    with pytest.raises(CheckpointError, match=r"'batch_size': 8.*this one has .*'batch_size': 9"):
        fit(batch_size=9)
    with pytest.raises(CheckpointError, match=r"'seed': 0.*this one has .*'seed': 5"):
        fit(seed=5)
    data.x.fill_(float("nan"))
    with pytest.raises(DivergenceError, match="the loss is nan in step 2"):
        fit(steps=3)


# Who computes what


@given(st.integers(1, 40), st.integers(1, 9))
def test_shares_are_the_batch_in_parts_of_about_one_size(n, world):
    rows = torch.arange(n)
    parts = [ours.share(rows, rank, world) for rank in range(world)]
    assert torch.equal(torch.cat(parts), rows)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 3))
def test_every_epoch_has_each_example_once_in_an_order_of_its_own(n, size, seed):
    batches = ours.SharedBatches(n, size, seed)
    steps = len(batches)
    epochs = [torch.cat([batches.rows(e * steps + i) for i in range(steps)]) for e in range(3)]
    for epoch in epochs:
        assert torch.equal(epoch.sort().values, torch.arange(n))
    assert n < 20 or not torch.equal(epochs[0], epochs[1])
    assert all(len(batches.rows(i)) == size for i in range(steps - 1))
    assert torch.equal(batches.rows(2 * steps), ours.SharedBatches(n, size, seed).rows(2 * steps))


def test_who_changes_the_rows_of_a_step_does_not_change_the_order():
    batches = ours.SharedBatches(10, 5)
    batches.rows(0).zero_()
    assert len(set(batches.rows(0).tolist())) == 5


def test_the_rate_of_a_large_batch_is_scaled_and_warmed_up():
    rates = [
        ours.large_batch_rate(step, batch_size=1024, base_rate=0.1, warmup=4) for step in (0, 1, 2, 3, 4, 99)
    ]
    assert rates == pytest.approx([0.1, 0.175, 0.25, 0.325, 0.4, 0.4])
    assert ours.large_batch_rate(0, batch_size=64, base_rate=0.1) == pytest.approx(0.025)


def test_the_processes_speak_on_this_machine_only(two):
    for found in two:
        assert found["addresses"], "they do speak"
        assert all(ip.removeprefix("::ffff:").startswith("127.") for ip in found["addresses"])


def test_who_is_not_started_by_torchrun_is_alone(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with ours.joined("cpu") as processes:
        assert processes == ours.Processes(0, 1, torch.device("cpu"))
        assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ("gpus", "processes", "asked", "device", "backend"),
    [
        (0, 2, None, "cpu", "gloo"),
        (4, 4, None, "cuda:2", "nccl"),
        (8, 4, "cuda", "cuda:2", "nccl"),
        (4, 4, "cpu", "cpu", "gloo"),
        (1, 4, None, "cpu", "gloo"),
        (1, 4, "cuda", "cuda:0", "gloo"),
        (2, 4, "cuda", "cuda:0", "gloo"),
        (4, 4, "cuda:1", "cuda:1", "gloo"),
    ],
)
def test_each_process_takes_the_gpu_of_its_number_if_there_are_enough(
    gpus, processes, asked, device, backend, monkeypatch
):
    begun, used = [], []
    for name, number in {"RANK": 6, "LOCAL_RANK": 2, "LOCAL_WORLD_SIZE": processes}.items():
        monkeypatch.setenv(name, str(number))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    for name, answer in {"get_rank": 6, "get_world_size": 8, "destroy_process_group": None}.items():
        monkeypatch.setattr(torch.distributed, name, lambda answer=answer: answer)
    monkeypatch.setattr(
        torch.distributed, "init_process_group", lambda *names, **options: begun.append((*names, options))
    )
    with ours.joined(asked, timeout=7) as found:
        assert found == ours.Processes(6, 8, torch.device(device))
    assert used == [torch.device(device)] * (device != "cpu")
    ((found, options),) = begun
    assert found == backend
    assert options["timeout"].total_seconds() == 7
    # NCCL is told, so that no process opens the GPU of another.
    assert options["device_id"] == (torch.device(device) if backend == "nccl" else None)


def test_alone_the_gpu_that_is_asked_for_is_used(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    for asked, device in ((None, "cuda:0"), ("cuda", "cuda:0"), ("cuda:1", "cuda:1"), ("cpu", "cpu")):
        with ours.joined(asked) as processes:
            assert processes == ours.Processes(0, 1, torch.device(device))


# Speed, and the command


def test_the_speed_is_that_of_all_processes(two):
    speeds = [found["speed"] for found in two]
    assert speeds[0] == speeds[1]
    assert speeds[0]["processes"] == 2
    assert speeds[0]["step"] > 0 < speeds[0]["exchange"]
    # 30 examples in batches of 20 and 10: the three steps have 10, 20 and 10 of them.
    per_step = speeds[0]["samples_per_second"] * speeds[0]["step"]
    assert per_step == pytest.approx(40 / 3)


def test_the_command_measures_real_processes():
    ended = CliRunner().invoke(
        command.app, ["scaling", "--processes", "1", "--steps", "2", "--batch", "9", "--device", "cpu"]
    )
    assert ended.exit_code == 0, ended.output
    assert "digits, 9 examples a step" in ended.stdout
    last = ended.stdout.splitlines()[-1].split()
    assert last[0] == "1"
    assert last[2] == "1.00"


def test_the_command_prints_ratios(monkeypatch):
    def run(count, line):
        found = {"processes": count, "batch_size": 64, "samples_per_second": 100.0 * count**0.5}
        machine = {"device": "cpu", "processor": "Babbage's", "system": "brass"}
        out = json.dumps({"machine": machine, **found, "step": 0.02, "exchange": 0.001})
        return subprocess.CompletedProcess(line, 0, f"noise\n{out}\n", "")

    monkeypatch.setattr(command, "torchrun", run)
    lines = (
        CliRunner()
        .invoke(command.app, ["scaling", "--processes", "1", "--processes", "4"])
        .stdout.splitlines()
    )
    assert lines[0] == "cpu, Babbage's, brass"
    assert [line.split() for line in lines[-2:]] == [
        ["1", "100", "1.00", "20.0", "1.00"],
        ["4", "200", "2.00", "20.0", "1.00"],
    ]


@pytest.mark.parametrize("task", ["digits", "python-docs"])
def test_the_command_trains_and_goes_on(task, tmp_path):
    def train(steps, *more):
        line = [
            "train",
            "--task",
            task,
            "--steps",
            str(steps),
            "--batch",
            "8",
            "--device",
            "cpu",
            "--every",
            "2",
        ]
        ended = CliRunner().invoke(command.app, [*line, "--warmup", "3", *more])
        assert ended.exit_code == 0, ended.output
        return ended.stdout.splitlines()

    whole, kept = train(4), ["--checkpoint", str(tmp_path / "c.pt")]
    train(2, *kept)
    assert train(4, *kept) == whole
    assert whole[0] == "1 processes"
    assert whole[-1].startswith("parameters: ")


def test_the_command_says_what_is_wrong():
    for line, words in (
        (["train", "--task", "cats"], "'digits', 'python-docs'"),
        (["scaling", "--task", "cats"], "'digits', 'python-docs'"),
        (["compare", "--device", "cpu"], "start them with torchrun"),
    ):
        ended = CliRunner().invoke(command.app, line, env={"COLUMNS": "300"})
        assert ended.exit_code == 2
        assert words in ended.output
    diverged = CliRunner().invoke(command.app, ["train", "--rate", "1e30", "--steps", "9", "--device", "cpu"])
    assert diverged.exit_code == 1
    assert "the loss is" in diverged.output


# No process is left behind


def test_processes_that_take_too_long_are_ended(tmp_path):
    script = tmp_path / "forever.py"
    script.write_text("import time\ntime.sleep(3600)\n")
    with marked() as alive:
        with pytest.raises(subprocess.TimeoutExpired):
            launch.torchrun(1, [str(script)], timeout=0.1)
        assert not alive()


def test_processes_end_with_who_called_for_them(tmp_path):
    """However the caller ends: the reader interrupts the notebook, its kernel is told to end, or killed."""
    (tmp_path / "forever.py").write_text(
        "import os, sys, time\n"
        "with open(sys.argv[1] + '.partial', 'w') as file:\n"
        "    file.write(sys.argv[2])\n"
        "os.replace(sys.argv[1] + '.partial', sys.argv[1])\n"
        "time.sleep(3600)\n"
    )
    signals = ("SIGINT", "SIGTERM", "SIGKILL")
    with marked() as alive:
        path = os.pathsep.join(filter(None, sys.path))
        callers = subprocess.Popen(
            [sys.executable, SCRIPT, "callers", str(tmp_path)],
            env={**os.environ, "PYTHONPATH": path},
            stderr=subprocess.DEVNULL,
        )
        until(lambda: callers.poll() is not None or all((tmp_path / name).exists() for name in signals))
        assert len(alive()) == 1 + 3 * len(signals), "a caller, torchrun and its process for each signal"
        for name in signals:
            os.kill(int((tmp_path / name).read_text()), getattr(signal, name))
        until(lambda: not alive())
        callers.wait()


def test_a_failing_script_is_told(tmp_path):
    script = Path(tmp_path / "fails.py")
    script.write_text("raise KeyError('where is it')\n")
    ended = launch.torchrun(1, [str(script)], timeout=LIMIT)
    assert ended.returncode == 1
    assert "KeyError: 'where is it'" in ended.stderr


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ours.Processes(2, 2), ValueError, "rank must be below world=2, got 2"),
        (lambda: ours.Processes(0, 0), ValueError, "world must be 1 or more"),
        (lambda: ours.share(torch.arange(3), 1, 1), ValueError, "rank must be below world=1, got 1"),
        (lambda: ours.share(torch.arange(3), 0, 0), ValueError, "world must be 1 or more"),
        (lambda: ours.SharedBatches(0, 1), ValueError, "examples must be 1 or more"),
        (lambda: ours.SharedBatches(3, 1.5), TypeError, "batch_size must be an integer"),
        (lambda: ours.SharedBatches(3, 1, -1), ValueError, "seed must be 0 or more"),
        (lambda: ours.SharedBatches(3, 1).rows(-1), ValueError, "step must be 0 or more"),
        (lambda: ours.mixed(1, -1), ValueError, "numbers must be 0 or more"),
        (lambda: launch.torchrun(0, []), ValueError, "processes must be 1 or more"),
        (lambda: launch.torchrun(1, [], max_restarts=-1), ValueError, "max_restarts must be 0 or more"),
        (lambda: launch.torchrun(1, [], timeout=0), ValueError, "timeout must be greater than 0"),
        (
            lambda: ours.large_batch_rate(-1, batch_size=1, base_rate=1.0),
            ValueError,
            "step must be 0 or more",
        ),
        (
            lambda: ours.large_batch_rate(1, batch_size=0, base_rate=1.0),
            ValueError,
            "batch_size must be 1 or",
        ),
        (
            lambda: ours.large_batch_rate(1, batch_size=1, base_rate=0),
            ValueError,
            "base_rate must be greater",
        ),
        (
            lambda: ours.make_task("cats"),
            ValueError,
            "name must be one of 'digits', 'python-docs', got 'cats'",
        ),
        (lambda: too_large_a_share(), ValueError, "total must be at least the share, 4, got 3"),
        (lambda: fit_data(torch.zeros(2)), TypeError, "data must have tensors .x and .y, got Tensor"),
        (lambda: fit_data(SimpleNamespace(x=torch.zeros(3, 2), y=torch.zeros(2))), ValueError, "got 3 and 2"),
        (
            lambda: fit_data(SimpleNamespace(x=torch.zeros(2, 2), y=torch.zeros(2)), steps=0),
            ValueError,
            "steps",
        ),
    ],
)
def test_bad_calls_are_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


def too_large_a_share():
    x, y = runs.pictures(4, torch.float64)
    ours.backward_together(runs.net(torch.float64), runs.cross_entropy, x, y, total=3)


def fit_data(data, steps=1):
    model = layers.Linear(2, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    ours.fit_together(model, data, runs.cross_entropy, optimizer, ours.Processes(), steps=steps, batch_size=1)
