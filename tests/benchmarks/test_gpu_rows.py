"""The rows for a GPU, small, and in Triton's interpreter where there is none: ours agrees with its rival."""

import dataclasses
import inspect
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib import kernels, optim
from course_lib.benchmarks import layer_rows, rows
from course_lib.benchmarks.gpu import OnGPU, gpu_rows
from course_lib.benchmarks.limits import Work
from course_lib.benchmarks.measure import assert_agree
from course_lib.benchmarks.optim import RESNET_WEIGHTS, resnet_shapes, steps
from course_lib.benchmarks.vision import greedy_nms, many_boxes
from course_lib.layers import class_losses

HARDWARE = torch.cuda.is_available()
if not HARDWARE:
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported

DEVICE = torch.device("cuda" if HARDWARE else "cpu")
LARGE = [row for each in rows().values() for row in each if row.only_on == "cuda"]
DRAWN = [row for row in LARGE if isinstance(row.build, OnGPU)]


@pytest.fixture(autouse=True)
def forced(monkeypatch):
    """Kernels wherever a layer asks, on the CPU too; the interpreter warns of infinities, a GPU does not."""
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    monkeypatch.setattr(class_losses, "usable", lambda *tensors: True, raising=False)
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize(
    "row", [row for row in DRAWN if row.dtype == torch.float32], ids=lambda row: row.name
)
def test_ours_computes_what_its_rival_does(row):
    contest = dataclasses.replace(row.build, shapes=row.build.trial)(DEVICE, 1)
    ours = contest.pop("ours")()
    assert contest, "no rival is installed"
    for rival in contest.values():
        theirs = rival()
        assert [x.shape for x in ours if x is not None] == [x.shape for x in theirs if x is not None]
        if row.agree:
            assert_agree(row, ours, theirs)
    assert all(x.isfinite().all() for x in ours if x is not None)


def test_both_dtypes_are_drawn_and_gradients_asked_for():
    one, all_of_it, half = gpu_rows(
        "sum",
        {"ours": lambda x, i: x[i] * 2, "PyTorch": lambda x, i: x[i] + x[i]},
        [(4000, 3), (2,)],
        [(4, 3), (2,)],
        draw=lambda x, i: [torch.randn(x), torch.zeros(i, dtype=torch.int64)],
        forward=Work(numbers=18),
        backward=Work(numbers=30, others=16),
    )
    names = [row.name for row in (one, all_of_it, half)]
    assert names == [
        "sum 4000x3, float32, forward",
        "sum 4000x3, float32, forward and backward",
        "sum 4000x3, bfloat16, forward and backward",
    ]
    assert one.work == Work(numbers=18)
    assert half.work == Work(numbers=48, others=16)
    cpu = torch.device("cpu")
    (y,) = one.build(cpu, 1)["ours"]()
    assert (y.shape, y.dtype, y.requires_grad) == ((2, 3), torch.float32, False)
    contest = half.build(cpu, 1)
    assert contest.keys() == {"ours", "PyTorch"}, "nothing is compiled on the CPU"
    (slope,) = contest["ours"]()
    assert (slope.shape, slope.dtype) == ((4000, 3), torch.bfloat16)
    assert_agree(half, [slope], contest["PyTorch"]())


def test_every_row_says_what_it_moves_and_is_for_cuda_alone():
    assert {row.name for row in LARGE} >= {row.name for row in DRAWN}
    for row in DRAWN:
        assert row.work.moved(row.dtype) > 0, row.name
        largest = max(math.prod(shape) for shape in row.build.shapes)
        assert row.work.numbers >= largest, f"{row.name}: reads less than its inputs"
        intensity = row.work.multiply_adds / row.work.moved(row.dtype)
        large = largest * row.dtype.itemsize > 2**20 * 8
        assert large or intensity > 20, f"{row.name}: fits into a cache, and waits for memory"
        assert len(row.name.split(", ")[0]) <= 29, f"{row.name}: the appendix has no room for it"
    assert not [row for row in layer_rows("x", torch.nn.ReLU, {}, list) if row.only_on]


@pytest.mark.parametrize("rule", ["Adam", "AdamW"])
def test_steps_of_adam_agree(rule):
    contest = steps(rule, lambda: [(7, 5), (3,)], DEVICE, 1)
    for _ in range(3):
        found = {name: call().clone() for name, call in contest.items()}
        for name, weights in found.items():
            torch.testing.assert_close(weights, found["PyTorch"], msg=lambda m, name=name: f"{name}: {m}")
    assert issubclass(getattr(optim, rule), torch.optim.Optimizer)


def test_the_shapes_are_those_of_a_resnet_50():
    shapes = resnet_shapes()
    assert (len(shapes), sum(map(math.prod, shapes))) == (161, RESNET_WEIGHTS)


def test_boxes_are_suppressed_alike():
    """Those of one class, as the loop in NumPy does; what torchvision finds, if it is there, are the same."""
    many, one = (many_boxes(1000, classes).build(DEVICE, 1) for classes in (5, 1))
    drawn = inspect.getclosurevars(one["ours"]).nonlocals
    kept = greedy_nms(drawn["given"].cpu().numpy(), drawn["scores"].cpu().numpy(), 0.5)
    for name, call in one.items():
        assert call().tolist() == kept.tolist(), name
    assert 1000 > len(many["ours"]()) > len(kept)


def test_listing_the_rows_imports_no_triton():
    """In a process of its own: here the rows above have run."""
    code = "import sys; from course_lib.benchmarks import rows; rows(); assert 'triton' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
