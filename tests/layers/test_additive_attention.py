"""AdditiveAttention against its NumPy reference, the loops of the formula, and numerical gradients."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import layers
from course_lib.reference import attention as ref

TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 1e-4, "atol": 1e-4}}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(
    lead=st.sampled_from([(), (2,), (2, 3), (0,)]),
    n_queries=st.integers(0, 4),
    n_keys=st.integers(0, 5),
    sizes=st.tuples(*[st.integers(1, 4)] * 4),
    masked=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=50, deadline=None)
def test_values_and_gradients_agree_with_the_reference(dtype, lead, n_queries, n_keys, sizes, masked, seed):
    torch.manual_seed(seed)
    query_dim, key_dim, hidden_dim, value_size = sizes
    layer = layers.AdditiveAttention(query_dim, key_dim, hidden_dim, dtype=dtype)
    shapes = ((n_queries, query_dim), (n_keys, key_dim), (n_keys, value_size))
    inputs = [torch.randn(*lead, *shape, dtype=dtype, requires_grad=True) for shape in shapes]
    before = [x.detach().clone() for x in inputs]
    padding = torch.rand(*lead, n_keys) < 0.4 if masked else None
    y, weights = layer(*inputs, padding)
    grad = torch.randn_like(y)
    sources = [*inputs, *(layer.get_submodule(name).weight for name in ("query_proj", "key_proj", "score"))]
    got = torch.autograd.grad(y, sources, grad, materialize_grads=True)

    arrays = [x.detach().double().numpy() for x in sources]
    arrays[5] = arrays[5][0]
    mask = (
        0.0
        if padding is None
        else padding.unsqueeze(-2).double().masked_fill(padding.unsqueeze(-2), -math.inf)
    )
    mask = mask if padding is None else mask.numpy()
    expected = ref.additive_attention(*arrays, mask)
    gradients = ref.additive_attention_backward(grad.double().numpy(), *arrays, mask)
    names = ("y", "weights", "dquery", "dkey", "dvalue", "dw", "du", "dv")
    for name, mine, theirs in zip(names, (y, weights, *got), (*expected, *gradients), strict=True):
        theirs = torch.from_numpy(theirs.copy()).view(mine.shape)
        torch.testing.assert_close(
            mine.detach().double(),
            theirs,
            **TOLERANCE[dtype],
            msg=lambda m, name=name: f"AdditiveAttention {lead} {n_queries}x{n_keys}, {name}: {m}",
        )
    assert all(torch.equal(x, old) for x, old in zip(inputs, before, strict=True)), "changed its input"


def test_by_the_loops_of_the_formula():
    torch.manual_seed(0)
    layer = layers.AdditiveAttention(3, 2, 4)
    query, key = torch.randn(1, 3), torch.randn(5, 2)
    y, weights = layer(query, key)
    w, u, v = layer.query_proj.weight, layer.key_proj.weight, layer.score.weight[0]
    scores = torch.stack([v @ torch.tanh(w @ query[0] + u @ key[j]) for j in range(5)])
    torch.testing.assert_close(weights[0], scores.softmax(dim=0))
    torch.testing.assert_close(y[0], scores.softmax(dim=0) @ key, msg="values default to the keys")


def test_padding_gets_no_weight_and_all_padding_gives_nothing():
    torch.manual_seed(0)
    layer = layers.AdditiveAttention(3, 3, 4)
    x = torch.randn(2, 5, 3, requires_grad=True)
    padding = torch.tensor([[False, False, True, True, False], [True] * 5])
    y, weights = layer(x, x, key_padding_mask=padding)
    assert (weights[0][:, [2, 3]] == 0).all()
    torch.testing.assert_close(weights[0].sum(dim=-1), torch.ones(5))
    assert (weights[1] == 0).all()
    assert (y[1] == 0).all()
    y.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())
    assert (x.grad[1] == 0).all()


def test_parameters_are_three_linears_without_bias():
    torch.manual_seed(3)
    layer = layers.AdditiveAttention(3, 2, 4)
    torch.manual_seed(3)
    expected = [
        torch.nn.Linear(3, 4, bias=False),
        torch.nn.Linear(2, 4, bias=False),
        torch.nn.Linear(4, 1, bias=False),
    ]
    assert list(layer.state_dict()) == ["query_proj.weight", "key_proj.weight", "score.weight"]
    for mine, theirs in zip(layer.parameters(), expected, strict=True):
        assert torch.equal(mine, theirs.weight)
    assert repr(layer).startswith("AdditiveAttention(\n  query_dim=3, key_dim=2, hidden_dim=4\n")
    x, key = torch.randn(4, 3), torch.randn(5, 2)
    fresh = layers.AdditiveAttention(3, 2, 4)
    fresh.load_state_dict(layer.state_dict())
    for copied in (fresh, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x, key)[0], layer(x, key)[0])


def test_gradcheck():
    layer = layers.AdditiveAttention(3, 2, 4, dtype=torch.float64)
    inputs = [torch.randn(2, *shape, dtype=torch.float64, requires_grad=True) for shape in ((3, 3), (4, 2))]
    assert torch.autograd.gradcheck(layer, inputs)
    assert torch.autograd.gradgradcheck(layer, inputs)


@pytest.mark.parametrize("scale", [1e4, 1e-30])
def test_extreme_values_stay_finite(scale):
    torch.manual_seed(0)
    layer = layers.AdditiveAttention(3, 3, 4)
    x = scale * torch.randn(2, 5, 3)
    y, weights = layer(x, x)
    exact, _ = copy.deepcopy(layer).double()(x.double(), x.double())
    torch.testing.assert_close(y.double(), exact, rtol=1e-3, atol=1e-3 * scale)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 5))


def test_nan_is_not_hidden():
    layer = layers.AdditiveAttention(2, 2, 3)
    query = torch.randn(2, 2)
    query[1, 0] = math.nan
    y, _ = layer(query, torch.randn(4, 2))
    assert y[1].isnan().all()
    assert y[0].isfinite().all()


def test_autocast_stays_near():
    torch.manual_seed(0)
    layer = layers.AdditiveAttention(6, 6, 8)
    x = torch.randn(2, 5, 6)
    exact, _ = layer(x, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = layer(x, x)
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    layer = layers.AdditiveAttention(3, 2, 4, device=device)
    padding = torch.zeros(2, 6, dtype=torch.bool, device=device)
    inputs = [torch.randn(2, *shape, device=device) for shape in ((5, 3), (6, 2))]
    y, weights = layer(*inputs, key_padding_mask=padding)
    assert (y.device.type, y.shape, weights.shape) == (device, (2, 5, 2), (2, 5, 6))
