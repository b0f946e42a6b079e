"""Dropout, Dropout2d and DropConnect against torch's masks, the NumPy reference and statistics."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from families.dropout import MASK, NOT_OURS, ONNX
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close, assert_same_signature, output_and_gradients
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import dropout as ref

P = pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
UNITS = pytest.mark.parametrize("name", ["Dropout", "Dropout2d"])
DEVICES = ["meta", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.filterwarnings("ignore:dropout2d. Received a 3D input")
@UNITS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    shape=st.lists(st.integers(0, 4), min_size=3, max_size=4),
    p=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
    training=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_the_same_seed_drops_the_same_entries_as_torch(name, dtype, shape, p, training, seed):
    ours, theirs = (getattr(module, name)(p).train(training) for module in (layers, nn))
    x, grad = torch.randn(shape, dtype=dtype), torch.randn(shape, dtype=dtype)
    before, found = x.clone(), []
    for layer in (ours, theirs):
        torch.manual_seed(seed)
        found.append(output_and_gradients(layer, x, grad))
    for part, mine, other in zip(("y", "dx"), *found, strict=True):
        assert_close(mine, other, f"{name} {shape} p={p} training={training} seed={seed}: {part}")
    assert_close(x, before, f"{name} changed its input")


@UNITS
@P
def test_values_and_gradients_are_the_references_for_the_mask_drawn(name, p):
    layer, x = getattr(layers, name)(p), torch.randn(3, 4, 5, 2, dtype=torch.float64) + 5
    grad = torch.randn_like(x)
    y, dx = output_and_gradients(layer, x, grad)
    mask = (y != 0).double().numpy()
    np.testing.assert_allclose(y.numpy(), ref.dropout(x.numpy(), mask, p), rtol=1e-12, err_msg=f"{name} {p}")
    expected = ref.dropout_backward(grad.numpy(), mask, p)
    np.testing.assert_allclose(dx.numpy(), expected, rtol=1e-12, err_msg=f"{name} gradient, p = {p}")


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@UNITS
def test_the_expectation_is_the_input_and_p_the_fraction_dropped(name, p):
    torch.manual_seed(0)
    x = torch.ones(20_000, 5, 1, 1)
    y = getattr(layers, name)(p)(x)
    deviation = math.sqrt(p * (1 - p) / x.numel())
    assert abs((y == 0).float().mean() - p) < 5 * deviation, f"{name}: fraction dropped"
    assert abs(y.mean() - 1) < 5 * deviation / (1 - p), f"{name}: expectation"
    kept = y[y != 0]
    assert_close(kept, torch.full_like(kept, 1 / (1 - p)), f"{name}: scale of what is kept", 1e-6)


def test_dropout2d_drops_whole_channels_of_single_examples():
    torch.manual_seed(0)
    y = layers.Dropout2d(0.5)(torch.ones(50, 8, 3, 3))
    dropped = (y == 0).flatten(2)
    assert (dropped.all(dim=2) == dropped.any(dim=2)).all(), "part of a channel was dropped"
    counts = dropped.all(dim=2).sum(dim=1)
    assert len(counts.unique()) > 1, "all examples lost the same number of channels"
    y = layers.Dropout2d(0.5)(torch.ones(50, 8, 9))
    assert ((y == 0).all(dim=2) == (y == 0).any(dim=2)).all(), "part of a channel of a sequence was dropped"


@P
@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "DropConnect"])
def test_evaluation_is_the_identity_or_the_mean_net(name, p):
    x = torch.randn(3, 4, 5, 2)
    if name == "DropConnect":
        layer = layers.DropConnect(2, 3, p=p).eval()
        expected = F.linear(x, layer.weight, layer.bias)
    else:
        layer, expected = getattr(layers, name)(p).eval(), x
    assert_close(layer(x), expected, f"{name} in evaluation")


@UNITS
def test_p_at_its_ends(name):
    x = torch.randn(2, 3, 4, 4)
    assert_close(getattr(layers, name)(0.0)(x), x, f"{name}, p = 0")
    assert_close(getattr(layers, name)(1.0)(x), torch.zeros_like(x), f"{name}, p = 1")


@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "dropout", "dropout2d"])
def test_signature_and_repr_are_torchs(name):
    theirs = getattr(nn if name[0] == "D" else F, name)
    assert_same_signature(getattr(layers, name), theirs)
    if name[0] == "D":
        assert repr(getattr(layers, name)(0.3)) == repr(theirs(0.3))
        assert not getattr(layers, name)().state_dict()


@pytest.mark.parametrize("name", ["dropout", "dropout2d"])
@P
def test_the_functions_agree_with_torch(name, p):
    x = torch.randn(3, 4, 2, 2)
    for training in (True, False):
        found = []
        for module in (layers, F):
            torch.manual_seed(1)
            found.append(getattr(module, name)(x, p, training))
        assert_close(*found, f"{name}, p = {p}, training {training}")


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_memory_layouts_keep_torchs_masks(layout):
    x = torch.randn(3, 4, 2, 5).contiguous(memory_format=layout)
    for view in (x, x.transpose(0, 2), x[:, ::2], x[:1].expand(3, 4, 2, 5)):
        for name in ("Dropout", "Dropout2d"):
            found = []
            for module in (layers, nn):
                torch.manual_seed(2)
                found.append(getattr(module, name)()(view))
            assert_close(*found, f"{name} of strides {view.stride()}")


@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "DropConnect"])
def test_copies_draw_what_the_layer_would(name):
    layer = layers.DropConnect(2, 3) if name == "DropConnect" else getattr(layers, name)(0.4)
    x, found = torch.randn(3, 4, 5, 2), []
    for copied in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.manual_seed(3)
        found.append(copied(x))
    assert_close(found[1], found[0], f"{name} by deepcopy")
    assert_close(found[2], found[0], f"{name} by pickle")


@pytest.mark.parametrize("device", DEVICES)
def test_any_device_will_do(device):
    x = torch.randn(3, 4, 5, 2, device=device)
    for layer in (layers.Dropout(), layers.Dropout2d(), layers.DropConnect(2, 2, device=device)):
        y = layer(x)
        assert (y.device.type, y.shape) == (device, x.shape), f"{layer}"


def masks_drawn(layer, x):
    """The masks of a DropConnect, read off the gradients: dy_no / dw_oi is x_ni where the link is kept."""
    rows = x.reshape(-1, layer.in_features)
    y = layer(x).reshape(len(rows), layer.out_features)
    links = torch.zeros(len(rows), layer.out_features, layer.in_features, dtype=x.dtype)
    biases = torch.zeros(len(rows), layer.out_features, dtype=x.dtype)
    for n in range(len(rows)):
        for o in range(layer.out_features):
            dw, db = torch.autograd.grad(y[n, o], [layer.weight, layer.bias], retain_graph=True)
            links[n, o], biases[n, o] = dw[o] != 0, db[o] != 0
    return y.detach(), links.numpy(), biases.numpy()


@pytest.mark.parametrize("per_example", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3)], ids=str)
@P
def test_drop_connect_is_the_references_for_the_masks_drawn(p, shape, per_example):
    torch.manual_seed(4)
    layer = layers.DropConnect(3, 6, p=p, per_example=per_example, dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64) + 5
    y, links, biases = masks_drawn(layer, x)
    rows = x.reshape(-1, 3)
    arrays = rows.numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = ref.drop_connect(*arrays, links, biases, p)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-12, err_msg=f"{layer} {shape}")
    same = (links == links[:1]).all() and (biases == biases[:1]).all()
    if 0 < p < 1 and len(rows) > 1:
        assert same != per_example, f"{layer} {shape}: masks shared by the examples"
    torch.manual_seed(5)
    grad = torch.randn(*shape[:-1], 6, dtype=torch.float64)
    got = output_and_gradients(layer, x, grad)[1:]
    torch.manual_seed(5)
    torch.randn(*shape[:-1], 6, dtype=torch.float64)
    _, links, biases = masks_drawn(layer, x)
    expected = ref.drop_connect_backward(grad.reshape(-1, 6).numpy(), *arrays[:2], links, biases, p)
    for what, mine, theirs in zip(("dx", "dw", "db"), got, expected, strict=True):
        np.testing.assert_allclose(
            mine.numpy().reshape(theirs.shape), theirs, rtol=1e-10, atol=1e-12, err_msg=f"{layer} {what}"
        )


@pytest.mark.parametrize("per_example", [True, False])
def test_drop_connects_mean_and_variance_are_the_masks(per_example):
    torch.manual_seed(6)
    layer = layers.DropConnect(4, 3, p=0.3, per_example=per_example, dtype=torch.float64)
    x = torch.randn(4, dtype=torch.float64)
    with torch.no_grad():
        one_call = layer(x.expand(40_000, 4))
        samples = one_call if per_example else torch.stack([layer(x) for _ in range(4000)])
    arrays = x[None].numpy(), layer.weight.detach().numpy(), layer.bias.detach().numpy()
    mean, variance = ref.drop_connect_moments(*arrays, 0.3)
    bound = 5 * np.sqrt(variance.max() / len(samples))
    np.testing.assert_allclose(samples.mean(dim=0).numpy(), mean[0], atol=bound, err_msg="mean")
    np.testing.assert_allclose(samples.var(dim=0).numpy(), variance[0], rtol=0.15, err_msg="variance")
    assert_close(layer.eval()(x), torch.tensor(mean[0]), "the mean net", 1e-12, 1e-12)


def test_drop_connect_is_a_linear_otherwise():
    torch.manual_seed(7)
    ours = layers.DropConnect(5, 3)
    torch.manual_seed(7)
    theirs = nn.Linear(5, 3)
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value, f"DropConnect: {key} of the same seed")
    ours.load_state_dict(theirs.state_dict())
    assert repr(ours) == "DropConnect(in_features=5, out_features=3, bias=True, p=0.5, per_example=True)"
    bare = layers.DropConnect(5, 3, bias=False)
    assert bare.bias is None
    assert bare(torch.randn(4, 5)).shape == (4, 3)
    for shape in ((0, 5), (2, 0, 5)):
        assert ours(torch.zeros(shape)).shape == (*shape[:-1], 3)


@pytest.mark.parametrize("per_example", [True, False])
def test_drop_connect_gradcheck(per_example):
    layer = layers.DropConnect(3, 2, p=0.4, per_example=per_example, dtype=torch.float64)

    def call(x, weight, bias):
        torch.manual_seed(8)
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    inputs = torch.randn(4, 3, dtype=torch.float64, requires_grad=True), layer.weight, layer.bias
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("name", ["Dropout", "Dropout2d", "DropConnect"])
def test_low_precision_and_autocast(name):
    layer = layers.DropConnect(2, 3) if name == "DropConnect" else getattr(layers, name)(0.5)
    x = torch.randn(3, 4, 5, 2)
    found = []
    for autocast in (False, True):
        torch.manual_seed(9)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            found.append(layer(x))
    assert_close(found[1].float(), found[0], f"{name} under autocast", 3e-2, 3e-2)
    assert layer.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_onnx_masks(onnx_cases):
    """The cases of Dropout that want the mask of what is kept too, and draw none: it is all."""
    cases = [case for case in onnx_cases["Dropout"] if case.name in NOT_OURS and NOT_OURS[case.name] == MASK]
    assert len(cases) == 3
    for case in cases:
        got = ONNX["Dropout"](case.attributes, case.inputs)[0]
        expected, mask = case.outputs
        np.testing.assert_array_equal(got, expected, err_msg=case.name)
        np.testing.assert_array_equal(got == case.inputs["x"], mask, err_msg=case.name)
