"""The losses and their functions against torch, the NumPy reference, numerical gradients and closed forms."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from families.losses import ONNX
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import losses as ref

TOLERANCE = {torch.float64: {"rtol": 1e-10, "atol": 1e-11}, torch.float32: {"rtol": 1e-4, "atol": 1e-5}}
DTYPES = pytest.mark.parametrize("dtype", list(TOLERANCE), ids=str)
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
FUNCTIONS = {
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "NLLLoss": "nll_loss",
    "CrossEntropyLoss": "cross_entropy",
}
NUMBERS = ["MSELoss", "L1Loss", "SmoothL1Loss", "BCEWithLogitsLoss"]
CLASSES = ["NLLLoss", "CrossEntropyLoss"]
EACH = pytest.mark.parametrize("name", FUNCTIONS)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def loss_and_gradient(function, x, target, **options):
    """The loss, and the gradient of the input from dE/dloss = 1, 2, 3, ..."""
    x = x.detach().clone().requires_grad_()
    loss = function(x, target, **options)
    grad = 1 + torch.arange(loss.numel(), dtype=loss.dtype, device=loss.device).view(loss.shape)
    return loss.detach(), *torch.autograd.grad(loss, x, grad)


def assert_all_agree(name, x, target, options, reduction, dtype):
    """The layer, torch's layer, both functions and the reference."""
    options = options | {"reduction": reduction}
    before = x.clone(), target.clone()
    got = loss_and_gradient(getattr(layers, name)(**options), x, target)
    expected = {
        "torch.nn": loss_and_gradient(getattr(nn, name)(**options), x, target),
        "torch.nn.functional": loss_and_gradient(getattr(F, FUNCTIONS[name]), x, target, **options),
        "our function": loss_and_gradient(getattr(layers, FUNCTIONS[name]), x, target, **options),
    }
    arrays = {
        key: value.double().numpy() if isinstance(value, torch.Tensor) else value
        for key, value in options.items()
    }
    a, t = x.double().numpy(), target.numpy() if not target.is_floating_point() else target.double().numpy()
    values = getattr(ref, FUNCTIONS[name])(a, t, **arrays)
    grad = (1.0 + np.arange(np.size(values))).reshape(np.shape(values))
    gradient = getattr(ref, f"{FUNCTIONS[name]}_backward")(grad, a, t, **arrays)
    expected["the reference"] = torch.tensor(values), torch.tensor(gradient)
    what = f"{name} {tuple(x.shape)} {options}"
    for rival, pair in expected.items():
        for part, mine, other in zip(("loss", "gradient"), got, pair, strict=True):
            assert_close(mine, other.to(dtype), f"{what} {part} against {rival}", **TOLERANCE[dtype])
    assert_close(x, before[0], f"{name} changed its input")
    assert_close(target, before[1], f"{name} changed its target")


@DTYPES
@REDUCTIONS
@pytest.mark.parametrize("name", NUMBERS)
@given(
    shape=st.lists(st.integers(1, 4), max_size=4),
    beta=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    weighted=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=20, deadline=None)
def test_losses_for_numbers(name, reduction, dtype, shape, beta, weighted, seed):
    torch.manual_seed(seed)
    x, target, options = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype), {}
    if name == "SmoothL1Loss":
        options["beta"] = beta
    elif name == "BCEWithLogitsLoss":
        target = torch.rand(shape, dtype=dtype)
        if weighted:
            options["weight"] = torch.rand(shape, dtype=dtype)
            options["pos_weight"] = torch.rand(shape[-1:], dtype=dtype)
    assert_all_agree(name, x, target, options, reduction, dtype)


@st.composite
def classification(draw):
    """A shape of logits, and classes, some of them ignored."""
    classes = draw(st.integers(1, 5))
    outer = draw(st.sampled_from([(), (1,), (4,), (3, 2), (2, 2, 3), (2, 1, 2, 2)]))
    ignore_index = draw(st.sampled_from([-100, 0, -1, 9]))
    torch.manual_seed(draw(st.integers(0, 999)))
    target = torch.randint(classes, outer)
    if target.numel() > 1:
        target[(0,) * target.ndim] = ignore_index
    if target.eq(ignore_index).all():
        ignore_index = -100
    return (*outer[:1], classes, *outer[1:]), target, ignore_index, draw(st.booleans())


@DTYPES
@REDUCTIONS
@pytest.mark.parametrize("name", CLASSES)
@given(case=classification(), smoothing=st.sampled_from([0.0, 0.1, 1.0]))
@settings(max_examples=40, deadline=None)
def test_losses_for_classes(name, reduction, dtype, case, smoothing):
    shape, target, ignore_index, weighted = case
    x = 3 * torch.randn(shape, dtype=dtype)
    options = {"ignore_index": ignore_index}
    if weighted:
        options["weight"] = torch.rand(shape[min(1, len(shape) - 1)], dtype=dtype) + 0.1
    if name == "CrossEntropyLoss":
        options["label_smoothing"] = smoothing
    assert_all_agree(name, x, target, options, reduction, dtype)


@DTYPES
@REDUCTIONS
@given(case=classification(), smoothing=st.sampled_from([0.0, 0.1, 1.0]))
@settings(max_examples=30, deadline=None)
def test_cross_entropy_of_probabilities(reduction, dtype, case, smoothing):
    shape, _, _, weighted = case
    axis = min(1, len(shape) - 1)
    x, target = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype).softmax(axis)
    options = {"label_smoothing": smoothing}
    if weighted:
        options["weight"] = torch.rand(shape[axis], dtype=dtype) + 0.1
    assert_all_agree("CrossEntropyLoss", x, target, options, reduction, dtype)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_may_be_bytes_as_in_torch(name):
    x, target = torch.randn(4, 3).log_softmax(1), torch.tensor([0, 2, 1, 2], dtype=torch.uint8)
    assert_close(getattr(layers, name)()(x, target), getattr(nn, name)()(x, target), f"{name}, uint8 classes")


@REDUCTIONS
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_the_weights_of_single_entries(name, reduction):
    x, target, weight = torch.randn(3, 4), torch.randn(3, 4), torch.rand(3, 4)
    each = getattr(layers, name)(x, target, reduction="none") * weight
    expected = {"none": each, "sum": each.sum(), "mean": each.sum() / weight.sum()}[reduction]
    got = getattr(layers, name)(x, target, reduction=reduction, weight=weight)
    assert_close(got, expected, f"{name} with weights, {reduction}", 1e-6)
    ones = getattr(layers, name)(x, target, reduction=reduction, weight=torch.ones(3, 4))
    assert_close(ones, getattr(layers, name)(x, target, reduction=reduction), f"{name}, weights 1", 1e-6)


@EACH
def test_signature_repr_and_state_dict_are_torchs(name):
    assert_same_signature(getattr(layers, name), getattr(nn, name))
    assert_same_signature(getattr(layers, FUNCTIONS[name]), getattr(F, FUNCTIONS[name]), newer=["weight"])
    assert repr(getattr(layers, name)()) == repr(getattr(nn, name)())
    assert not getattr(layers, name)().state_dict()
    assert getattr(layers, name)(reduction="sum").reduction == "sum"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("BCEWithLogitsLoss", {"weight": torch.tensor([1.0, 2.0, 3.0]), "pos_weight": torch.tensor([4.0])}),
        ("NLLLoss", {"weight": torch.tensor([1.0, 2.0, 3.0]), "ignore_index": 1}),
        ("CrossEntropyLoss", {"weight": torch.tensor([1.0, 2.0, 3.0]), "label_smoothing": 0.1}),
        ("SmoothL1Loss", {"beta": 0.5}),
        ("MSELoss", {"reduction": "none"}),
    ],
)
def test_weights_are_buffers_that_copies_keep(name, options):
    ours, theirs = getattr(layers, name)(**options), getattr(nn, name)(**options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x, target = torch.randn(4, 3), torch.rand(4, 3)
    if name in CLASSES:
        target = torch.tensor([0, 1, 2, 2])
    for copied in (ours, copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert_close(copied(x, target), theirs(x, target), f"{name} copied")
    assert (
        ours.double()(x.double(), target.double() if name not in CLASSES else target).dtype == torch.float64
    )


@EACH
def test_gradcheck_first_and_second_order(name):
    torch.manual_seed(0)
    x, target = torch.randn(4, 3, 2, dtype=torch.float64).requires_grad_(), torch.randn(4, 3, 2).double()
    target = torch.randint(3, (4, 2)) if name in CLASSES else target.sigmoid()
    for reduction in ("mean", "none"):
        layer = getattr(layers, name)(reduction=reduction)
        assert torch.autograd.gradcheck(lambda x, f=layer: f(x, target), x), name
        assert torch.autograd.gradgradcheck(lambda x, f=layer: f(x, target), x), name


def test_gradcheck_of_targets_and_class_probabilities():
    torch.manual_seed(1)
    x = torch.randn(4, 3, dtype=torch.float64).requires_grad_()
    target = torch.rand(4, 3, dtype=torch.float64).requires_grad_()
    for name in [*NUMBERS, "CrossEntropyLoss"]:
        assert torch.autograd.gradcheck(getattr(layers, name)(), (x, target)), name
        assert torch.autograd.gradgradcheck(getattr(layers, name)(), (x, target)), name


@pytest.mark.parametrize("value", [1e4, -1e4, 1e-30, math.inf, -math.inf, math.nan])
@EACH
def test_extreme_values_agree_with_torch(name, value):
    x, target = torch.tensor([[value, 1.0, -1.0], [0.0, value, value]]), torch.rand(2, 3)
    targets = [target.round(), target] if name in NUMBERS else [torch.tensor([0, 2]), torch.tensor([1, 0])]
    for target in targets:
        for reduction in ("none", "mean"):
            got = loss_and_gradient(getattr(layers, name)(reduction=reduction), x, target)
            expected = loss_and_gradient(getattr(nn, name)(reduction=reduction), x, target)
            for part, mine, other in zip(("loss", "gradient"), got, expected, strict=True):
                assert_close(mine, other, f"{name} at {value}, {reduction}: {part}")


def test_confident_logits_neither_overflow_nor_lose_their_slope():
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    loss, slope = loss_and_gradient(layers.CrossEntropyLoss(reduction="sum"), logits, torch.tensor([1, 1]))
    assert_close(loss, torch.tensor(2e4), "CrossEntropyLoss of a confident mistake")
    assert_close(slope, torch.tensor([[1.0, -1.0], [0.0, 0.0]]), "its gradient, p - t")
    loss, slope = loss_and_gradient(
        layers.BCEWithLogitsLoss(reduction="sum"), logits, torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    )
    assert_close(loss, torch.tensor(1e4), "BCEWithLogitsLoss of a confident mistake")
    assert_close(slope, torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "its gradient, s - t")
    # Through the sigmoid, the squared error has no slope left there.
    _, slope = loss_and_gradient(lambda x, t: layers.mse_loss(x.sigmoid(), t), logits, torch.zeros(2, 2))
    assert slope.abs().max() == 0


def test_the_gradient_of_softmax_and_cross_entropy_is_p_less_t():
    x, target = torch.randn(6, 4, dtype=torch.float64), torch.randint(4, (6,))
    _, slope = loss_and_gradient(layers.CrossEntropyLoss(), x, target)
    expected = (x.softmax(1) - F.one_hot(target, 4)) / 6
    assert_close(slope, expected, "CrossEntropyLoss: gradient", 1e-12, 1e-12)
    both = layers.NLLLoss()(x.log_softmax(1), target)
    assert_close(layers.CrossEntropyLoss()(x, target), both, "NLLLoss after log_softmax", 1e-12)


def test_two_classes_are_one_logit():
    x, target = torch.randn(9, dtype=torch.float64), torch.randint(2, (9,))
    two = torch.stack([torch.zeros_like(x), x], dim=1)
    expected = layers.BCEWithLogitsLoss()(x, target.double())
    assert_close(layers.CrossEntropyLoss()(two, target), expected, "two classes, one logit", 1e-12)


def test_smoothed_labels_are_smoothed_probabilities():
    x, target = torch.randn(6, 4, dtype=torch.float64), torch.randint(4, (6,))
    smooth = 0.8 * F.one_hot(target, 4).double() + 0.2 / 4
    got = layers.CrossEntropyLoss(label_smoothing=0.2)(x, target)
    assert_close(got, layers.CrossEntropyLoss()(x, smooth), "label smoothing", 1e-12)


def test_smooth_l1_is_square_near_and_straight_far():
    x = torch.tensor([0.5, -0.5, 3.0, -3.0], requires_grad=True)
    loss = layers.SmoothL1Loss(reduction="none", beta=2.0)(x, torch.zeros(4))
    assert_close(loss.detach(), torch.tensor([0.0625, 0.0625, 2.0, 2.0]), "SmoothL1Loss by hand")
    (slope,) = torch.autograd.grad(loss.sum(), x)
    assert_close(slope, torch.tensor([0.25, -0.25, 1.0, -1.0]), "SmoothL1Loss: slope by hand")


@EACH
def test_empty_batches_and_nothing_but_ignored_agree_with_torch(name):
    x = torch.zeros(0, 3)
    target = torch.zeros(0, dtype=torch.int64) if name in CLASSES else torch.zeros(0, 3)
    for reduction in ("mean", "sum", "none"):
        ours, theirs = (getattr(module, name)(reduction=reduction) for module in (layers, nn))
        assert_close(ours(x, target), theirs(x, target), f"{name} of an empty batch, {reduction}")
    if name in CLASSES:
        ignored = torch.full((2,), -100)
        assert getattr(layers, name)()(torch.randn(2, 3), ignored).isnan(), f"{name}: mean of nothing"
        assert getattr(layers, name)(reduction="sum")(torch.randn(2, 3), ignored) == 0, f"{name}: all ignored"


@EACH
def test_memory_layouts_agree_with_torch(name):
    x = torch.randn(4, 3, 5, 2, dtype=torch.float64)
    target = torch.randint(3, (4, 5, 2)) if name in CLASSES else torch.rand(4, 3, 5, 2).double()
    views = {
        "channels_last": (x.contiguous(memory_format=torch.channels_last), target),
        "strided": (torch.randn(8, 3, 5, 2, dtype=torch.float64)[::2], target),
        "transposed": (x.transpose(0, 2).contiguous().transpose(0, 2), target.mT.contiguous().mT),
    }
    for layout, (view, t) in views.items():
        got = loss_and_gradient(getattr(layers, name)(), view, t)
        expected = loss_and_gradient(getattr(nn, name)(), view.contiguous(), t.contiguous())
        for part, mine, other in zip(("loss", "gradient"), got, expected, strict=True):
            assert_close(mine, other, f"{name} {layout} {part}", 1e-12, 1e-12)


@EACH
def test_autocast_and_bfloat16_agree_with_torch(name):
    x, target = torch.randn(8, 3), torch.rand(8, 3)
    target = torch.randint(3, (8,)) if name in CLASSES else target
    ours, theirs = getattr(layers, name)(), getattr(nn, name)()
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert_close(ours(x.to(dtype), target), theirs(x.to(dtype), target), f"{name}, autocast, {dtype}")
    if name in NUMBERS:
        target = target.bfloat16()
    assert_close(ours(x.bfloat16(), target), theirs(x.bfloat16(), target), f"{name} in bfloat16")


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
@EACH
def test_any_device_will_do(name, device):
    x = torch.randn(4, 3, device=device)
    target = torch.zeros(4, dtype=torch.int64) if name in CLASSES else torch.rand(4, 3)
    loss = getattr(layers, name)()(x, target.to(device))
    assert (loss.device.type, loss.shape) == (device, ())


def test_onnx_log_probabilities_and_losses(onnx_cases):
    """The cases of cross-entropy that want the log-probabilities too: minus the loss of each class."""
    cases = [case for case in onnx_cases["SoftmaxCrossEntropyLoss"] if case.name.endswith("_log_prob")]
    assert len(cases) == 17
    for case in cases:
        x, (loss, log_probabilities) = torch.tensor(case.inputs["x"]), case.outputs
        got = ONNX["SoftmaxCrossEntropyLoss"](case.attributes, case.inputs)[0]
        np.testing.assert_allclose(got, loss, rtol=1e-4, atol=1e-5, err_msg=case.name)
        every = [torch.full_like(x[:, 0], c, dtype=torch.int64) for c in range(x.shape[1])]
        got = torch.stack([-layers.CrossEntropyLoss(reduction="none")(x, c) for c in every], dim=1)
        np.testing.assert_allclose(got, log_probabilities, rtol=1e-4, atol=1e-5, err_msg=case.name)
