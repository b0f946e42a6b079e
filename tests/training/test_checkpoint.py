import os
import pickle
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib.training import (
    CheckpointError,
    EarlyStopping,
    History,
    fit,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)

ROOT = Path(__file__).parents[2]
X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).long()


def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))


def train(epochs, path=None, resume=False, **options):
    """A run with all that a checkpoint must hold: momentum, dropout, running statistics, a scheduler."""
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    options = {"train": (X, Y), "seed": 4} | options
    data = options.pop("train")
    history = fit(
        model,
        data,
        (X, Y),
        optimizer=optimizer,
        scheduler=scheduler,
        epochs=epochs,
        batch_size=16,
        checkpoint=path,
        resume=resume,
        **options,
    )
    return history, model


def assert_same(first, second):
    assert first[0] == second[0], "the histories differ"
    one, other = first[1].state_dict(), second[1].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one), "the weights differ"


# Resuming


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_resumed_run_is_the_unbroken_one(tmp_path, stop):
    train(stop, tmp_path / "run.pt")
    assert_same(train(5, tmp_path / "run.pt", resume=True), train(5))


def test_without_a_seed_the_global_generators_are_restored_too(tmp_path):
    torch.manual_seed(9)
    unbroken = train(4, seed=None)
    torch.manual_seed(9)
    train(2, tmp_path / "run.pt", seed=None)
    torch.manual_seed(1234)
    assert_same(train(4, tmp_path / "run.pt", resume=True, seed=None), unbroken)


@pytest.mark.parametrize("own_generator", [True, False])
def test_a_loader_goes_on_shuffling_where_it_was(tmp_path, own_generator):
    def loader():
        generator = torch.Generator().manual_seed(6) if own_generator else None
        return DataLoader(TensorDataset(X, Y), batch_size=16, shuffle=True, generator=generator)

    unbroken = train(4, train=loader())
    train(2, tmp_path / "run.pt", train=loader())
    assert_same(train(4, tmp_path / "run.pt", resume=True, train=loader()), unbroken)


def test_a_torch_dataset_goes_on_too(tmp_path):
    unbroken = train(4, train=TensorDataset(X, Y))
    train(2, tmp_path / "run.pt", train=TensorDataset(X, Y))
    assert_same(train(4, tmp_path / "run.pt", resume=True, train=TensorDataset(X, Y)), unbroken)


def test_augmentation_drawn_from_numpy_and_python_goes_on(tmp_path):
    import random

    class Noisy(torch.utils.data.Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, index):
            return X[index] + random.gauss(0, 0.1) + np.float32(np.random.standard_normal()), Y[index]  # noqa: NPY002

    def run(*arguments, **options):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        return train(*arguments, train=Noisy(), **options)

    unbroken = run(3)
    run(1, tmp_path / "run.pt")
    assert_same(run(3, tmp_path / "run.pt", resume=True), unbroken)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_early_stopping_goes_on(tmp_path, stop):
    def options():
        return {"early_stopping": EarlyStopping(patience=2, min_delta=0.05, monitor="train_loss")}

    unbroken = train(30, **options())
    assert stop < len(unbroken[0]) < 30
    train(stop, tmp_path / "run.pt", **options())
    assert_same(train(30, tmp_path / "run.pt", resume=True, **options()), unbroken)
    # Once more: the run is over, and over it stays, with the best weights.
    assert_same(train(30, tmp_path / "run.pt", resume=True, **options()), unbroken)


def test_mixed_precision_goes_on(tmp_path):
    train(2, tmp_path / "run.pt", amp=True)
    assert_same(train(4, tmp_path / "run.pt", resume=True, amp=True), train(4, amp=True))


def test_a_finished_run_does_not_train_on(tmp_path):
    finished = train(3, tmp_path / "run.pt")
    content = (tmp_path / "run.pt").read_bytes()
    assert_same(train(3, tmp_path / "run.pt", resume=True), finished)
    assert (tmp_path / "run.pt").read_bytes() == content


def test_resume_without_a_file_starts_and_without_resume_starts_anew(tmp_path):
    path = tmp_path / "new" / "run.pt"
    assert_same(train(2, path, resume=True), train(2))
    assert_same(train(2, path), train(2))


def test_seconds_of_earlier_epochs_are_kept(tmp_path):
    first = train(2, tmp_path / "run.pt")[0]
    assert train(3, tmp_path / "run.pt", resume=True)[0]["seconds"][:2] == first["seconds"]


# Being killed

CHILD = """
import os, sys, time
import torch
sys.path[:0] = [{root!r}, {here!r}]
import test_checkpoint


def hang_at(call, function):
    calls = []

    def wrapper(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            print("here", flush=True)
            time.sleep(600)
        return function(*arguments)

    return wrapper


{hook}
test_checkpoint.train(5, {path!r}, resume=True)
"""
# Where the child hangs until it is killed, and how many epochs are on the disk by then. An epoch has three
# steps; a checkpoint is one rename and two syncs, of the file and of its folder.
MOMENTS = {
    "amid the first epoch": (0, "torch.Tensor.backward = hang_at(2, torch.Tensor.backward)"),
    "amid the third epoch": (2, "torch.Tensor.backward = hang_at(8, torch.Tensor.backward)"),
    "before the second checkpoint is on the disk": (1, "os.fsync = hang_at(3, os.fsync)"),
    "before the second checkpoint is renamed": (1, "os.replace = hang_at(2, os.replace)"),
    "after the second checkpoint is renamed": (2, "os.fsync = hang_at(4, os.fsync)"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_resumes_to_the_unbroken_one(tmp_path, moment):
    done, hook = MOMENTS[moment]
    path = tmp_path / "run.pt"
    here = str(Path(__file__).parent)
    code = CHILD.format(root=str(ROOT), here=here, path=str(path), hook=hook)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "here\n", f"{moment}: the child never got there"
    finally:
        child.kill()
        child.wait()
    assert child.returncode == -signal.SIGKILL
    if done:
        assert len(read_checkpoint(path)["history"]["records"]) == done, moment
    else:
        assert not path.exists(), moment
    assert_same(train(5, path, resume=True), train(5))


# The file


def test_parts_come_back(tmp_path):
    model, other = net(), nn.Linear(1, 1)
    history = History([{"epoch": 1, "train_loss": 0.5}])
    save_checkpoint(tmp_path / "a.pt", {"model": model, "history": history})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    found = History()
    load_checkpoint(tmp_path / "a.pt", {"model": model, "history": found})
    assert found == history
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), net().state_dict().values(), strict=True)
    )
    states = read_checkpoint(tmp_path / "a.pt")
    assert states["model"].keys() == model.state_dict().keys()
    with pytest.raises(CheckpointError, match=r"(?s)a\.pt does not fit the one given: .*0\.weight"):
        load_checkpoint(tmp_path / "a.pt", {"model": other, "history": found})


def test_only_the_checkpoint_is_left_in_the_folder(tmp_path):
    train(3, tmp_path / "run.pt")
    assert os.listdir(tmp_path) == ["run.pt"]


def test_a_failed_write_keeps_the_old_checkpoint_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    train(1, path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        train(2, path, resume=True)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.pt"]


def test_numpy_numbers_can_be_saved(tmp_path):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=np.float64(0.25), momentum=np.float32(0.5))
    fit(model, (X, Y), epochs=1, optimizer=optimizer, checkpoint=tmp_path / "run.pt")
    assert read_checkpoint(tmp_path / "run.pt")["optimizer"]["param_groups"][0]["lr"] == 0.25


def test_what_could_not_be_read_back_is_refused_at_once(tmp_path):
    class Part:
        def state_dict(self):
            return {"steps": [1, {"function": print}]}

    with pytest.raises(
        CheckpointError, match=r"cannot save part\['steps'\]\[1\]\['function'\]: a builtin_function"
    ):
        save_checkpoint(tmp_path / "a.pt", {"part": Part()})
    assert os.listdir(tmp_path) == []


# Damage and malice


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "run.pt"
    train(1, path)
    return path


def assert_refused(path, message):
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match=message):
        train(2, path, resume=True)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_truncated(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    assert_refused(saved, r"run\.pt is damaged, or no checkpoint")


def test_one_flipped_bit_in_a_tensor(saved):
    with zipfile.ZipFile(saved) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
        start = largest.header_offset
    content = bytearray(saved.read_bytes())
    at = content.index(archive.namelist()[0].split("/")[0].encode(), start) + 200
    content[at] ^= 1
    saved.write_bytes(content)
    assert_refused(saved, r"run\.pt is damaged: the checksum")


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({"model": 1}), b"PK\x05\x06" + bytes(18)])
def test_foreign_files(tmp_path, content):
    path = tmp_path / "run.pt"
    path.write_bytes(content)
    assert_refused(path, "run.pt (is damaged, or no checkpoint|was refused)")


@pytest.mark.parametrize(
    "content",
    [
        {"model": {}},
        [1, 2],
        net().state_dict(),
        {"format": "course_lib checkpoint", "version": 1},
        {"format": "course_lib checkpoint", "version": 1, "kinds": {}, "states": {"model": {}}},
    ],
)
def test_files_of_another_program(tmp_path, content):
    torch.save(content, tmp_path / "run.pt")
    assert_refused(tmp_path / "run.pt", "is no checkpoint of this library")


def test_a_later_version_is_named(tmp_path):
    torch.save({"format": "course_lib checkpoint", "version": 99}, tmp_path / "run.pt")
    assert_refused(tmp_path / "run.pt", "has version 99; this library reads 1")


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("place", ["format", "states", "model"])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path, place):
    path, witness = tmp_path / "run.pt", tmp_path / "witness"
    evil = Evil(witness)
    content = {
        "format": "course_lib checkpoint",
        "version": 1,
        "kinds": {"model": "M"},
        "states": {"model": {}},
    }
    if place == "model":
        content["states"]["model"] = {"weight": evil}
    else:
        content[place] = evil
    torch.save(content, path)
    assert_refused(path, r"was refused: it holds code to run: \w+\.mkdir$")
    assert not witness.exists()
    torch.load(path, weights_only=False)
    assert witness.exists(), "the attack of this test does not work, so that it proves nothing"


def test_code_in_a_plain_pickle_does_not_run(tmp_path):
    path, witness = tmp_path / "run.pt", tmp_path / "witness"
    path.write_bytes(pickle.dumps(Evil(witness)))
    assert_refused(path, "is damaged, or no checkpoint")
    assert not witness.exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*none\.pt"):
        read_checkpoint(tmp_path / "none.pt")


# Another set-up


def test_another_model_is_refused(saved):
    model = nn.Sequential(nn.Linear(3, 9), nn.BatchNorm1d(9), nn.Dropout(0.5), nn.Linear(9, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    with pytest.raises(
        CheckpointError, match=r"(?s)the model in .* does not fit the one given: .*size mismatch"
    ):
        fit(model, (X, Y), optimizer=optimizer, scheduler=scheduler, checkpoint=saved, resume=True)


def test_another_optimizer_is_refused(saved):
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    with pytest.raises(CheckpointError, match="another set-up: its optimizer is SGD, not Adam"):
        fit(model, (X, Y), optimizer=optimizer, scheduler=scheduler, checkpoint=saved, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "as to scheduler, only the checkpoint has one"),
        (
            {"early_stopping": EarlyStopping(monitor="train_loss")},
            "as to early_stopping, the checkpoint has none",
        ),
    ],
)
def test_a_part_too_few_or_too_many_is_named(saved, options, message):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    if "early_stopping" in options:
        options["scheduler"] = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    with pytest.raises(CheckpointError, match=message):
        fit(model, (X, Y), optimizer=optimizer, checkpoint=saved, resume=True, **options)


@pytest.mark.parametrize("part", ["early_stopping", "random", "history", "optimizer"])
def test_a_part_with_nonsense_in_it_is_named(tmp_path, part):
    path = tmp_path / "run.pt"
    stopper = EarlyStopping(monitor="train_loss")
    train(1, path, early_stopping=stopper)
    content = torch.load(path, weights_only=True)
    content["states"][part] = {"nonsense": 1}
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=f"the {part} in .* does not fit the one given"):
        train(2, path, resume=True, early_stopping=stopper)
