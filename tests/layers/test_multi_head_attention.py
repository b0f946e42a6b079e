"""MultiheadAttention against its NumPy reference, torch.nn.MultiheadAttention and numerical gradients."""

import copy
import inspect
import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import layers
from course_lib.layers import attention
from course_lib.reference import attention as ref

TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 1e-4, "atol": 1e-5}}
PADDINGS, MASKS = ["none", "bool", "float"], ["none", "bool", "float", "bool 3d", "float 3d"]


def ours_and_theirs(*args, dtype=torch.float64, **options):
    """The same parameters in both layers, none of them zero."""
    ours = layers.MultiheadAttention(*args, dtype=dtype, **options)
    theirs = nn.MultiheadAttention(*args, dtype=dtype, **options)
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.5)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def draw_inputs(layer, lead, n_queries, n_keys, same="nothing"):
    """Query, key and value; ``same`` names those that are one tensor."""
    dtype = layer.out_proj.weight.dtype

    def draw(length, size):
        sizes = {0: (length,), 1: (*lead, length) if layer.batch_first else (length, *lead)}[len(lead)]
        return torch.randn(*sizes, size, dtype=dtype, requires_grad=True)

    query = draw(n_queries, layer.embed_dim)
    key = query if same == "all" else draw(n_keys, layer.kdim)
    value = key if same in ("all", "key and value") else draw(n_keys, layer.vdim)
    return query, key, value


def draw_masks(padding, mask, lead, n_queries, n_keys, num_heads, dtype):
    """Masks that leave at least the first key."""
    n = math.prod(lead)
    shape = {"none": None}.get(
        mask, (n * num_heads, n_queries, n_keys) if "3d" in mask else (n_queries, n_keys)
    )
    result = []
    for kind, size in ((padding, (*lead, n_keys)), (mask, shape)):
        if kind == "none":
            result.append(None)
        elif kind.startswith("bool"):
            result.append((torch.rand(size) < 0.4) & (torch.arange(n_keys) > 0))
        else:
            result.append(torch.randn(size, dtype=dtype))
    return result


def output_and_gradients(layer, inputs, **options):
    """Outputs, then gradients of every distinct input and of the parameters."""
    layer.zero_grad()
    outputs = [y for y in layer(*inputs, **options) if y is not None]
    leaves = [*{id(x): x for x in inputs}.values(), *layer.parameters()]
    grads = [torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape) for y in outputs]
    return [*(y.detach() for y in outputs), *torch.autograd.grad(outputs, leaves, grads, allow_unused=True)]


def assert_all_close(got, expected, what, **tolerance):
    assert len(got) == len(expected), what
    for number, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        assert mine.shape == theirs.shape, f"MultiheadAttention, {what}, number {number}"
        torch.testing.assert_close(
            mine,
            theirs,
            **tolerance,
            equal_nan=True,
            msg=lambda m, number=number: f"MultiheadAttention, {what}, number {number}: {m}",
        )


@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("training", [True, False])
@given(
    heads=st.integers(1, 3),
    head_dim=st.integers(1, 3),
    lead=st.sampled_from([(), (1,), (3,)]),
    n_queries=st.integers(1, 5),
    n_keys=st.integers(1, 5),
    same=st.sampled_from(["nothing", "key and value", "all"]),
    other_sizes=st.booleans(),
    options=st.fixed_dictionaries(
        {name: st.booleans() for name in ("bias", "batch_first", "add_bias_kv", "add_zero_attn")}
    ),
    padding=st.sampled_from(PADDINGS),
    mask=st.sampled_from(MASKS),
    need_weights=st.booleans(),
    average=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_agree_with_torch(
    training,
    dtype,
    heads,
    head_dim,
    lead,
    n_queries,
    n_keys,
    same,
    other_sizes,
    options,
    padding,
    mask,
    need_weights,
    average,
    seed,
):
    torch.manual_seed(seed)
    if other_sizes and same == "nothing":
        options = options | {"kdim": 2, "vdim": 5}
    ours, theirs = ours_and_theirs(heads * head_dim, heads, dtype=dtype, **options)
    ours.train(training)
    theirs.train(training)
    n_keys = n_queries if same == "all" else n_keys
    inputs = draw_inputs(ours, lead, n_queries, n_keys, same)
    before = [x.detach().clone() for x in inputs]
    padding_mask, attn_mask = draw_masks(padding, mask, lead, n_queries, n_keys, heads, dtype)
    call = {
        "key_padding_mask": padding_mask,
        "attn_mask": attn_mask,
        "need_weights": need_weights,
        "average_attn_weights": average,
    }
    what = (
        f"{heads} heads, {lead} {n_queries}x{n_keys}, same {same}, {options}, padding {padding}, mask {mask}"
    )
    got = output_and_gradients(ours, inputs, **call)
    assert_all_close(got, output_and_gradients(theirs, inputs, **call), what, **TOLERANCE[dtype])
    assert all(torch.equal(x, old) for x, old in zip(inputs, before, strict=True)), (
        f"{what}: changed its input"
    )
    with torch.no_grad():
        mine, expected = ours(*inputs, **call), theirs(*inputs, **call)
    for one, other in zip(mine, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(
                one, other, **TOLERANCE[dtype], msg=lambda m: f"no gradient, {what}: {m}"
            )


@given(
    heads=st.integers(1, 3),
    head_dim=st.integers(1, 3),
    n=st.integers(1, 3),
    n_queries=st.integers(1, 4),
    n_keys=st.integers(1, 4),
    need_weights=st.booleans(),
    masked=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_agree_with_the_reference(
    heads, head_dim, n, n_queries, n_keys, need_weights, masked, seed
):
    torch.manual_seed(seed)
    size = heads * head_dim
    ours, _ = ours_and_theirs(size, heads, batch_first=True, kdim=3, vdim=4)
    inputs = draw_inputs(ours, (n,), n_queries, n_keys)
    mask = torch.randn(n_queries, n_keys, dtype=torch.float64) if masked else None
    y, weights = ours(*inputs, attn_mask=mask, need_weights=need_weights, average_attn_weights=False)
    grad = torch.randn_like(y)
    projections = (ours.q_proj_weight, ours.k_proj_weight, ours.v_proj_weight)
    sources = [*inputs, *projections, ours.out_proj.weight, ours.in_proj_bias, ours.out_proj.bias]
    got = torch.autograd.grad(y, sources, grad)

    arrays = [x.detach().numpy() for x in sources]
    params = ref.MultiHead(*arrays[3:7], *np.split(arrays[7], 3), arrays[8])
    bias = 0.0 if mask is None else mask.numpy()
    expected, p = ref.multi_head_attention(params, *arrays[:3], heads, bias)
    *of_inputs, of_params = ref.multi_head_attention_backward(grad.numpy(), params, *arrays[:3], heads, bias)
    gradients = [*of_inputs, *of_params[:4], np.concatenate(of_params[4:7]), of_params[7]]
    what = f"{heads} heads of {head_dim}, {n}x{n_queries}x{n_keys}, reference"
    names = ("y", "dquery", "dkey", "dvalue", "dw_q", "dw_k", "dw_v", "dw_o", "db_in", "db_out")
    for name, mine, theirs in zip(names, (y, *got), (expected, *gradients), strict=True):
        np.testing.assert_allclose(mine.detach(), theirs, rtol=1e-9, atol=1e-10, err_msg=f"{what}: {name}")
    if need_weights:
        np.testing.assert_allclose(weights.detach(), p, rtol=1e-9, atol=1e-12, err_msg=f"{what}: weights")


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("extra", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}], ids=str)
def test_the_causal_hint_means_the_causal_mask(need_weights, batch_first, extra):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(6, 2, batch_first=batch_first, **extra)
    x = draw_inputs(ours, (3,), 5, 5, "all")
    mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    plain = output_and_gradients(theirs, x, attn_mask=mask, need_weights=need_weights)
    for name, given_mask in {"float": mask, "bool": mask < 0}.items():
        got = output_and_gradients(ours, x, attn_mask=given_mask, need_weights=need_weights, is_causal=True)
        assert_all_close(got, plain, f"is_causal with a {name} mask", **TOLERANCE[torch.float64])
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[:, 4] = True
    options = {"key_padding_mask": padding, "attn_mask": mask < 0, "need_weights": need_weights}
    got = output_and_gradients(ours, x, **options, is_causal=True)
    expected = output_and_gradients(theirs, x, **options)
    assert_all_close(got, expected, "is_causal with padding", **TOLERANCE[torch.float64])


def test_a_query_that_may_look_nowhere():
    """As torch in training: NaN with the weights, without them the bias of the output projection alone."""
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(4, 2, batch_first=True)
    x = draw_inputs(ours, (2,), 3, 3, "all")
    padding = torch.tensor([[True, True, True], [False, False, True]])
    for need_weights in (True, False):
        got = output_and_gradients(ours, x, key_padding_mask=padding, need_weights=need_weights)
        expected = output_and_gradients(theirs, x, key_padding_mask=padding, need_weights=need_weights)
        what = f"all keys are padding, need_weights={need_weights}"
        if need_weights:  # some gradients are 0 in ours, which torch makes NaN
            got, expected = got[:2], expected[:2]
        assert_all_close(got, expected, what, **TOLERANCE[torch.float64])
        assert got[0][0].isnan().all() == need_weights, what
        assert got[0][1].isfinite().all(), what


def test_padding_does_not_leak():
    torch.manual_seed(0)
    layer = layers.MultiheadAttention(6, 3, batch_first=True)
    x = torch.randn(2, 5, 6)
    padding = torch.tensor([[False, False, False, True, True], [False] * 5])
    before, weights = layer(x, x, x, key_padding_mask=padding)
    changed = x.clone()
    changed[0, 3:] = torch.randn(2, 6)
    after, _ = layer(x, changed, changed, key_padding_mask=padding)
    torch.testing.assert_close(after, before, msg="what padding holds reached the output")
    assert (weights[0, :, 3:] == 0).all()


@pytest.mark.parametrize("extra", [{}, {"kdim": 3}, {"vdim": 5}, {"kdim": 3, "vdim": 5}], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("add_bias_kv", [True, False])
def test_seed_signature_repr_and_state_dict_are_torchs(extra, bias, add_bias_kv):
    options = {"bias": bias, "add_bias_kv": add_bias_kv, **extra}
    torch.manual_seed(5)
    ours = layers.MultiheadAttention(8, 2, **options)
    torch.manual_seed(5)
    theirs = nn.MultiheadAttention(8, 2, **options)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    for (name, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.equal(mine, other), f"MultiheadAttention {options}: {name} of the same seed"
    for name in (
        "embed_dim",
        "num_heads",
        "head_dim",
        "kdim",
        "vdim",
        "dropout",
        "batch_first",
        "add_zero_attn",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("in_proj_weight", "q_proj_weight", "in_proj_bias", "bias_k", "bias_v"):
        assert (getattr(ours, name) is None) == (getattr(theirs, name) is None), name
    fresh = layers.MultiheadAttention(8, 2, **options)
    fresh.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    inputs = torch.randn(4, 3, 8), torch.randn(5, 3, ours.kdim), torch.randn(5, 3, ours.vdim)
    expected = ours(*inputs)
    for name, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        for mine, other in zip(copied(*inputs), expected, strict=True):
            assert torch.equal(mine, other), f"MultiheadAttention {options}: {name}"


@pytest.mark.parametrize("member", ["__init__", "forward"])
def test_arguments_are_torchs(member):
    got, expected = (
        inspect.signature(getattr(owner, member)).parameters
        for owner in (layers.MultiheadAttention, nn.MultiheadAttention)
    )
    assert {n: p.default for n, p in got.items()} == {n: p.default for n, p in expected.items()}
    assert list(got) == list(expected)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_gradcheck(need_weights, batch_first):
    torch.manual_seed(0)
    layer, _ = ours_and_theirs(4, 2, batch_first=batch_first, add_bias_kv=True)
    inputs = draw_inputs(layer, (2,), 2, 3)
    mask = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)

    def call(query, key, value, mask):
        found = layer(query, key, value, attn_mask=mask, need_weights=need_weights)
        return found if need_weights else found[0]

    assert torch.autograd.gradcheck(call, (*inputs, mask))
    assert torch.autograd.gradgradcheck(call, (*inputs, mask))


@pytest.mark.parametrize("need_weights", [True, False])
def test_dropout_acts_in_training_alone(need_weights):
    torch.manual_seed(0)
    layer = layers.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
    x = torch.randn(64, 6, 8)
    first, weights = layer(x, x, x, need_weights=need_weights, average_attn_weights=False)
    second, _ = layer(x, x, x, need_weights=need_weights)
    assert not torch.equal(first, second)
    if need_weights:
        assert 0.45 < (weights == 0).float().mean() < 0.55
    layer.eval()
    assert torch.equal(
        layer(x, x, x, need_weights=need_weights)[0], layer(x, x, x, need_weights=need_weights)[0]
    )
    torch.manual_seed(1)
    layer.train()
    samples = torch.stack([layer(x[:1], x[:1], x[:1], need_weights=need_weights)[0] for _ in range(1500)])
    exact = layer.eval()(x[:1], x[:1], x[:1])[0]
    torch.testing.assert_close(samples.mean(dim=0), exact, rtol=0, atol=0.05)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("lengths", [(0, 3), (3, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_empty_and_small_inputs_agree_with_torch(need_weights, batch_first, lengths, n):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(4, 2, batch_first=batch_first)
    inputs = draw_inputs(ours, (n,), *lengths)
    what = f"batch of {n}, lengths {lengths}, need_weights={need_weights}"
    got = ours(*inputs, need_weights=need_weights)
    expected = theirs(*inputs, need_weights=need_weights)
    for mine, other in zip(got, expected, strict=True):
        assert (mine is None) == (other is None)
        if mine is not None:
            torch.testing.assert_close(mine, other, msg=lambda m: f"{what}: {m}")
    got[0].sum().backward()
    assert all(x.grad.shape == x.shape for x in inputs)


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("scale", [1e4, 1e-30])
def test_extreme_values_agree_with_torch(need_weights, scale):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(4, 2, dtype=torch.float32)
    x = scale * torch.randn(5, 3, 4)
    got, expected = (layer(x, x, x, need_weights=need_weights)[0] for layer in (ours, theirs))
    assert got.isfinite().all()
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4 * scale)
    for value in (math.inf, math.nan):
        x[0, 0, 0] = value
        got = ours(x, x, x, need_weights=need_weights)[0]
        assert got[1, 0].isnan().all(), f"{value} among the values disappeared"
        assert got[:, 1].isfinite().all(), f"{value} spread to another sequence"


@pytest.mark.parametrize("need_weights", [True, False])
def test_memory_layouts_agree(need_weights):
    torch.manual_seed(0)
    for batch_first, same in itertools.product((True, False), ("all", "nothing")):
        layer, _ = ours_and_theirs(6, 2, batch_first=batch_first)
        x = torch.randn(6, 3, 3, dtype=torch.float64).permute(2, 1, 0)
        other = x if same == "all" else torch.randn(3, 3, 12, dtype=torch.float64)[..., ::2]
        inputs = (x, other, other)
        got = layer(*inputs, need_weights=need_weights)[0]
        dense = x.contiguous()
        dense = (dense, dense, dense) if same == "all" else (dense, other.contiguous(), other.contiguous())
        torch.testing.assert_close(
            got, layer(*dense, need_weights=need_weights)[0], msg=f"{batch_first}, {same}"
        )


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("mask", ["none", "bool", "float"])
def test_autocast_and_low_precision_agree_with_torch(need_weights, mask):
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        ours, theirs = ours_and_theirs(8, 2, dtype=dtype, add_bias_kv=True)
        x = torch.randn(5, 3, 8, dtype=dtype)
        _, attn_mask = draw_masks("none", mask, (3,), 5, 5, 2, dtype)
        options = {"need_weights": need_weights, "attn_mask": attn_mask}
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.float32):
            y, expected = ours(x, x, x, **options)[0], theirs(x, x, x, **options)[0]
        assert y.dtype == torch.bfloat16
        what = f"{dtype}, mask {mask}, need_weights={need_weights}"
        torch.testing.assert_close(y, expected, rtol=0.05, atol=0.05, msg=what)
    if mask == "float":  # to a layer of bfloat16: rounded, where torch refuses it
        y = ours(x, x, x, need_weights=need_weights, attn_mask=attn_mask.float())[0]
        torch.testing.assert_close(y, expected, rtol=0.05, atol=0.05, msg="a mask of float32")


def test_long_sequences_are_not_squared(monkeypatch):
    """Without weights, attention goes through the function that never holds a large square."""
    seen = []
    function = attention.native_attention

    def spy(*args, **options):
        seen.append(args[0].shape)
        return function(*args, **options)

    monkeypatch.setattr("course_lib.layers.multi_head_attention.native_attention", spy)
    layer = layers.MultiheadAttention(4, 2, batch_first=True)
    x = torch.randn(1, 7, 4)
    layer(x, x, x, need_weights=False)
    layer(x, x, x)
    assert seen == [(1, 2, 7, 2)]


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("need_weights", [True, False])
def test_any_device_will_do(device, need_weights):
    layer = layers.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True, device=device)
    x = torch.randn(5, 3, 6, device=device)
    padding = torch.zeros(3, 5, dtype=torch.bool, device=device)
    y, weights = layer(x, x, x, padding, need_weights)
    assert (y.device.type, y.shape) == (device, (5, 3, 6))
    assert not need_weights or weights.shape == (3, 5, 7)
