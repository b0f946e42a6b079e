"""Embedding against its NumPy reference, torch.nn.Embedding and numerical gradients."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_same_signature
from torch import nn

from course_lib import layers
from course_lib.reference import embedding as ref


def ours_and_theirs(*args, dtype=torch.float64, **options):
    """The same table in both layers."""
    ours = layers.Embedding(*args, dtype=dtype, **options)
    theirs = nn.Embedding(*args, dtype=dtype, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def output_and_gradient(layer, indices, grad):
    y = layer(indices)
    (gradient,) = torch.autograd.grad(y, layer.weight, grad)
    return y.detach(), gradient


def assert_same(got, expected, what):
    torch.testing.assert_close(
        got, expected, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"Embedding {what}: {m}"
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 5),
    shape=st.lists(st.integers(0, 4), max_size=3),
    integers=st.sampled_from([torch.int32, torch.int64]),
    pad=st.booleans(),
    scale_grad_by_freq=st.booleans(),
    sparse=st.booleans(),
    max_norm=st.sampled_from([None, 0.5, 2]),
    norm_type=st.sampled_from([1.0, 2.0, 3.5]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_reference_and_torch(
    dtype, rows, columns, shape, integers, pad, scale_grad_by_freq, sparse, max_norm, norm_type, seed
):
    torch.manual_seed(seed)
    sparse = sparse and len(shape) > 0  # for a single index, PyTorch's sparse backward fails with padding_idx
    options = {
        "padding_idx": -1 if pad else None,
        "max_norm": max_norm,
        "norm_type": norm_type,
        "scale_grad_by_freq": scale_grad_by_freq and not sparse,  # PyTorch's kernel does not have both
        "sparse": sparse,
    }
    case = f"{rows}x{columns} {shape} {options}"
    ours, theirs = ours_and_theirs(rows, columns, dtype=dtype, **options)
    table = ours.weight.detach().double().numpy().copy()
    indices = torch.randint(0, rows, shape, dtype=integers)
    before = indices.clone()
    grad = torch.randn(*shape, columns, dtype=dtype)
    y, dw = output_and_gradient(ours, indices, grad)
    y_torch, dw_torch = output_and_gradient(theirs, indices, grad)
    assert dw.is_sparse == dw_torch.is_sparse == sparse
    dw, dw_torch = (g.to_dense() for g in (dw, dw_torch))
    assert_same(y, y_torch, f"{case} against torch.nn")
    assert_same(dw, dw_torch, f"{case}: dw against torch.nn")
    assert_same(ours.weight, theirs.weight, f"{case}: table against torch.nn")
    assert_same(indices, before, f"{case} changed its input")

    numbers = indices.numpy()
    if max_norm is not None:
        table = ref.renormalize(table, numbers, max_norm, norm_type)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-12}
    expected = ref.embedding_backward(
        grad.double().numpy(), numbers, rows, ours.padding_idx, options["scale_grad_by_freq"]
    )
    for name, got, want in (("y", y, ref.embedding(numbers, table)), ("dw", dw, expected)):
        np.testing.assert_allclose(
            got.double().numpy(), want, **tolerance, err_msg=f"Embedding {case}: {name} against reference"
        )


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), pad=st.booleans(), seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_torchs_table(rows, columns, pad, seed):
    padding_idx = seed % rows if pad else None
    torch.manual_seed(seed)
    ours = layers.Embedding(rows, columns, padding_idx)
    torch.manual_seed(seed)
    theirs = nn.Embedding(rows, columns, padding_idx)
    assert_same(ours.weight, theirs.weight, f"of seed {seed} against torch.nn")
    assert not pad or not ours.weight[padding_idx].any()
    torch.manual_seed(seed)
    ours.reset_parameters()
    assert_same(ours.weight, theirs.weight, "reset_parameters")


OPTIONS = [
    {},
    {"padding_idx": 0},
    {"padding_idx": -2, "sparse": True},
    {"max_norm": 1.5, "norm_type": 1.0, "scale_grad_by_freq": True},
    {"max_norm": 2.0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_signature_repr_and_state_dict_are_torchs(options):
    for got, expected in (
        (layers.Embedding, nn.Embedding),
        (layers.Embedding.from_pretrained, nn.Embedding.from_pretrained),
    ):
        assert_same_signature(got, expected)
    ours, theirs = ours_and_theirs(4, 3, **options)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name in ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type", "sparse"):
        assert getattr(ours, name) == getattr(theirs, name), name
    fresh = layers.Embedding(4, 3, dtype=torch.float64, **options)
    fresh.load_state_dict(theirs.state_dict())
    indices = torch.tensor([[0, 3], [2, 2]])
    for name, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert_same(copied(indices), ours(indices), name)


@pytest.mark.parametrize("freeze", [True, False])
def test_from_pretrained_shares_the_table(freeze):
    table = torch.arange(12.0).reshape(4, 3)
    layer = layers.Embedding.from_pretrained(table, freeze=freeze, padding_idx=1)
    assert_same(layer(torch.tensor([2, 1])), table[[2, 1]], "from_pretrained")  # row padding_idx is kept
    assert layer.weight.requires_grad is not freeze
    assert layer.weight.data_ptr() == table.data_ptr()
    assert repr(layer) == repr(nn.Embedding.from_pretrained(table, freeze=freeze, padding_idx=1))
    frozen = layers.Embedding(4, 3, _freeze=True)
    assert not frozen.weight.requires_grad


def test_gradcheck_first_and_second_order():
    layer, _ = ours_and_theirs(4, 3)
    indices = torch.tensor([[0, 2], [2, 3]])

    def call(weight):
        return torch.func.functional_call(layer, {"weight": weight}, (indices,)) ** 2

    assert torch.autograd.gradcheck(call, layer.weight)
    assert torch.autograd.gradgradcheck(call, layer.weight)


def test_only_the_rows_used_learn():
    layer = layers.Embedding(5, 3, padding_idx=4)
    layer(torch.tensor([1, 4, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[0] * 3, [2] * 3, [0] * 3, [0] * 3, [0] * 3]


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 1e30, 1e-30])
def test_extreme_values_pass_through(value):
    layer = layers.Embedding.from_pretrained(torch.tensor([[value, 1.0], [2.0, 3.0]]))
    assert_same(layer(torch.tensor([0, 1, 0])), layer.weight[[0, 1, 0]], f"of {value}")


def test_memory_layouts_agree_with_torch():
    ours, theirs = ours_and_theirs(9, 3)
    indices = torch.randint(0, 9, (4, 6, 5))
    for name, view in {
        "transposed": indices.transpose(0, 2),
        "strided": indices[:, ::2, 1:],
        "expanded": indices[:1].expand(3, 6, 5),
        "one index": torch.tensor(8),
    }.items():
        assert_same(ours(view), theirs(view), name)


def test_low_precision_and_autocast_agree_with_torch():
    ours, theirs = ours_and_theirs(5, 3, dtype=torch.bfloat16)
    indices = torch.tensor([4, 0])
    assert_same(ours(indices), theirs(indices), "bfloat16")
    ours, theirs = ours_and_theirs(5, 3, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(ours(indices), theirs(indices), "autocast")


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    layer = layers.Embedding(5, 3, device=device)
    y = layer(torch.zeros(2, 4, dtype=torch.int64, device=device))
    assert (y.device.type, y.shape) == (device, (2, 4, 3))


@pytest.mark.parametrize("error", [IndexError, ValueError])
def test_an_index_outside_is_both_torchs_error_and_ours(error):
    with pytest.raises(error, match=r"^Embedding: input must be in 0 ... 4 \(num_embeddings=5\), got 7$"):
        layers.Embedding(5, 3)(torch.tensor([[1, 7], [9, 0]]))
