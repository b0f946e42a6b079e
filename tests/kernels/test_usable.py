"""What decides between a kernel and PyTorch, and that without a GPU nothing of Triton is loaded."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_lib import kernels

EVERYTHING = """
import sys
import torch
from course_lib import kernels, layers, models, optim, vision
found = [name for name in sys.modules if name.split(".")[0] == "triton"]
assert not found, f"imported without need: {found[:5]}"
sys.modules["triton"] = None  # as where it is not installed: importing it raises

x = torch.rand(2, 4, 8, 8, requires_grad=True)
many = [
    layers.LayerNorm((4, 8, 8)), layers.GroupNorm(2, 4), layers.InstanceNorm2d(4), layers.BatchNorm2d(4),
    layers.LocalResponseNorm(3), layers.LPPool2d(2, 2), layers.MixedPool2d(2), layers.StochasticPool2d(2),
    layers.MaxPool2d(2), layers.AvgPool2d(2), layers.Dropout(), layers.Dropout2d(), layers.DropConnect(8, 3),
    layers.Conv2d(4, 2, 3), layers.ReLU(), layers.Softmax(dim=1), layers.SpectralPool2d(4),
]
nodes, edges = torch.rand(5, 4, requires_grad=True), torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
graphs = [layers.GCNConv(4, 2), layers.ChebConv(4, 2, 2), layers.SAGEConv(4, 2), layers.GATConv(4, 2)]
loss = sum(layer(x).sum() for layer in many) + sum(layer(nodes, edges).sum() for layer in graphs)
words = torch.rand(2, 5, 8, requires_grad=True)
loss = loss + layers.scaled_dot_product_attention(words, words, words).sum()
loss = loss + layers.LSTM(8, 3)(words)[0].sum() + layers.GRU(8, 3)(words)[0].sum()
loss = loss + layers.MultiheadAttention(8, 2)(words, words, words)[0].sum()
loss = loss + layers.cross_entropy(words[0], torch.arange(5))
loss.backward()
for layer in many + graphs:
    if list(layer.parameters()):
        for rule in (optim.Adam, optim.AdamW, optim.SGD):
            rule(layer.parameters(), lr=0.1).step()
boxes = torch.tensor([[0.0, 0, 4, 4], [1, 1, 5, 5], [2, 2, 7, 7]])
vision.nms(boxes, torch.rand(3), 0.5)
rois = torch.cat([torch.zeros(3, 1), boxes], dim=1)
vision.roi_align(x, rois, 2), vision.roi_pool(x, rois, 2)
found = [name for name in sys.modules if name.startswith("course_lib.kernels.")]
assert not found, f"loaded on the CPU: {found}"
"""


def test_on_the_cpu_nothing_loads_triton():
    done = subprocess.run([sys.executable, "-c", EVERYTHING], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("tensors", [[torch.ones(2)], [torch.ones(2), None], [torch.ones(2, device="meta")]])
def test_tensors_elsewhere_keep_pytorch(tensors):
    assert not kernels.usable(*tensors), "kernels say they can run on tensors that are not on CUDA"


@pytest.fixture
def all_in_memory(monkeypatch):
    """As if each tensor were in the memory of a GPU of the newest kind."""
    monkeypatch.setattr(kernels, "_in_memory", lambda tensor: True)
    monkeypatch.setattr(kernels, "_new_enough", lambda index: True)


class Of:
    """As much of a tensor as says where it is."""

    def __init__(self, index):
        self.get_device = lambda: index


def test_tensors_of_two_gpus_keep_pytorch(all_in_memory):
    assert kernels.usable(Of(1), None, Of(1))
    assert not kernels.usable(Of(1), Of(0)), "a kernel on GPU 1 would read GPU 0's addresses as its own"


def test_what_is_compiled_keeps_pytorch(all_in_memory, monkeypatch):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not kernels.usable(Of(0))


@pytest.mark.parametrize(
    ("version", "capability", "expected"),
    [("13.0", (7, 5), False), ("13.0", (8, 0), True), ("13.0", (12, 0), True), (None, (9, 4), False)],
)
def test_gpus_that_the_kernels_are_not_made_for_keep_pytorch(version, capability, expected, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", version)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: capability)
    assert kernels._new_enough.__wrapped__(0) == expected, f"CUDA {version}, capability {capability}"


@pytest.mark.parametrize(
    ("version", "expected"), [("2.3.0", False), ("3.5.1", False), ("3.6.0", True), ("3.10.0+git1", True)]
)
def test_an_old_triton_counts_for_none(version, expected, monkeypatch):
    monkeypatch.setattr("triton.__version__", version)
    assert kernels._installed.__wrapped__() == expected, f"Triton {version}"


@pytest.mark.parametrize(
    "make",
    [torch.Tensor.to_sparse, lambda x: x.to(torch.complex64).conj().imag],
    ids=["sparse", "negated when it is read"],
)
def test_what_does_not_lie_in_memory_as_it_is_keeps_pytorch(make, device):
    assert not kernels.usable(make(torch.ones(2, device=device)))


@pytest.mark.parametrize(
    ("folder", "below"),
    [("reference", set()), ("kernels", {"reference"}), ("layers", {"reference", "kernels"})],
)
def test_imports_run_one_way(folder, below):
    for path in sorted(Path(kernels.__file__).parents[1].glob(f"{folder}/**/*.py")):
        packages = {name.split(".")[1] for name in imported(path) if name.startswith("course_lib.")}
        assert packages <= below | {folder}, f"{path.name} imports {sorted(packages - below - {folder})}"


def imported(path):
    """What a file imports, by full name; within functions, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


class OnCuda(torch.Tensor):
    """A tensor that says it is on CUDA, and is none: it has no memory there."""

    is_cuda = True


def test_subclasses_keep_pytorch():
    assert not kernels.usable(torch.ones(2).as_subclass(OnCuda)), "a subclass may have no memory to read"


def test_transformed_tensors_keep_pytorch(device):
    answers = []

    def ask(x):
        answers.append(kernels.usable(x))
        return x.sum()

    torch.func.vmap(ask)(torch.ones(3, 2, device=device))
    torch.func.grad(ask)(torch.ones(2, device=device))
    assert answers == [False, False], f"inside vmap and grad a kernel would read the wrong memory: {answers}"


def test_a_machine_with_a_gpu_and_triton_uses_kernels(device):
    assert kernels.usable(torch.ones(2, device=device), None) == (device.type == "cuda")
    assert kernels.usable(), "with nothing to object, Triton is installed here"
