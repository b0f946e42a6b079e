"""scaled_dot_product_attention, each way: against the NumPy reference and PyTorch, and its memory."""

import inspect
import itertools
import math

import numpy as np
import pytest
import torch
from families import attention as attention_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from course_lib import layers
from course_lib.layers import attention, blockwise_attention
from course_lib.reference import attention as ref

WAYS = ["native", "naive", "blockwise"]
TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 1e-4, "atol": 1e-5}}
MASKS = ["none", "causal", "bool", "rows of bool", "float", "broadcast float", "nothing to see"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks smaller than the sequences of these tests, so that there are several."""
    monkeypatch.setattr(blockwise_attention, "BLOCK", 3)
    monkeypatch.setattr(blockwise_attention.blockwise_attention, "__defaults__", (None, 0.0, False, None, 3))


def draw(lead, n_queries, n_keys, size, value_size, dtype=torch.float64):
    shapes = ((n_queries, size), (n_keys, size), (n_keys, value_size))
    return tuple(torch.randn(*lead, *shape, dtype=dtype) for shape in shapes)


def draw_mask(kind, lead, n_queries, n_keys, dtype=torch.float64):
    """The mask and is_causal."""
    if kind == "bool":
        return torch.rand(*lead, n_queries, n_keys) > 0.4, False
    if kind == "rows of bool":
        return torch.rand(*lead, 1, n_keys) > 0.4, False
    if kind == "float":
        return torch.randn(*lead, n_queries, n_keys, dtype=dtype), False
    if kind == "broadcast float":
        return torch.randn(n_queries, 1, dtype=dtype), False
    if kind == "nothing to see":
        return torch.zeros(n_queries, n_keys, dtype=torch.bool), False
    return None, kind == "causal"


def output_and_gradients(function, inputs, grad=None):
    """Output and the gradients of the floating inputs."""
    inputs = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
    y = function(*inputs)
    grad = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y) if grad is None else grad
    leaves = [x for x in inputs if x.requires_grad]
    return [y.detach(), *torch.autograd.grad(y, leaves, grad, materialize_grads=True)]


def assert_all_close(got, expected, what, **tolerance):
    for name, mine, theirs in zip(("y", "dq", "dk", "dv", "dmask"), got, expected, strict=False):
        torch.testing.assert_close(
            mine, theirs, **tolerance, msg=lambda m, name=name: f"attention, {what}, {name}: {m}"
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("way", WAYS)
@given(
    lead=st.sampled_from([(), (2,), (2, 2), (1, 3), (2, 1, 2)]),
    n_queries=st.integers(0, 7),
    n_keys=st.integers(0, 7),
    size=st.integers(1, 5),
    value_size=st.integers(1, 5),
    kind=st.sampled_from(MASKS),
    scale=st.sampled_from([None, 0.1, 1.5]),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_every_way_agrees_with_torch_and_the_reference(
    way, dtype, lead, n_queries, n_keys, size, value_size, kind, scale, seed
):
    torch.manual_seed(seed)
    inputs = draw(lead, n_queries, n_keys, size, value_size, dtype)
    mask, is_causal = draw_mask(kind, lead, n_queries, n_keys, dtype)
    inputs = inputs if mask is None else (*inputs, mask)
    before = [x.clone() for x in inputs]

    def ours(q, k, v, m=None):
        return layers.scaled_dot_product_attention(q, k, v, m, 0.0, is_causal, scale=scale, way=way)

    def theirs(q, k, v, m=None):
        return F.scaled_dot_product_attention(q, k, v, m, 0.0, is_causal, scale=scale)

    got = output_and_gradients(ours, inputs)
    what = f"way {way}, {dtype}, {lead} {n_queries}x{n_keys} of {size}, mask {kind}"
    assert_all_close(got, output_and_gradients(theirs, inputs), f"{what} against torch", **TOLERANCE[dtype])
    for x, old in zip(inputs, before, strict=True):
        torch.testing.assert_close(x, old, rtol=0, atol=0, msg=f"attention, {what}: changed its input")

    additive = 0.0
    if is_causal:
        additive = ref.causal_mask(n_queries, n_keys)
    elif mask is not None:
        additive = np.where(mask, 0.0, -np.inf) if mask.dtype == torch.bool else mask.double().numpy()
    q, k, v = (x.double().numpy() for x in inputs[:3])
    grad = torch.linspace(-1, 1, got[0].numel(), dtype=dtype).view_as(got[0]).double().numpy()
    y, _ = ref.scaled_dot_product_attention(q, k, v, additive, scale)
    expected = [y, *ref.scaled_dot_product_attention_backward(grad, q, k, v, additive, scale)[:3]]
    got = [x.double() for x in got[:4]]
    expected = [torch.from_numpy(x) for x in expected]
    assert_all_close(got, expected, f"{what} against reference", **TOLERANCE[dtype])


@given(
    n_queries=st.integers(1, 9),
    n_keys=st.integers(1, 9),
    block=st.integers(1, 10),
    kind=st.sampled_from(MASKS),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_blocks_of_any_size_change_nothing(n_queries, n_keys, block, kind, seed):
    torch.manual_seed(seed)
    inputs = draw((2,), n_queries, n_keys, 3, 2)
    mask, is_causal = draw_mask(kind, (2,), n_queries, n_keys)
    inputs = inputs if mask is None else (*inputs, mask)

    def blocks(q, k, v, m=None):
        return blockwise_attention.blockwise_attention(q, k, v, m, 0.0, is_causal, block=block)

    def naive(q, k, v, m=None):
        return layers.scaled_dot_product_attention(q, k, v, m, 0.0, is_causal, way="naive")

    got, expected = output_and_gradients(blocks, inputs), output_and_gradients(naive, inputs)
    assert_all_close(
        got, expected, f"{n_queries}x{n_keys}, blocks of {block}, mask {kind}", rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("heads", "kv_heads"), [(6, 3), (6, 2), (4, 1), (3, 3)])
@pytest.mark.parametrize("kind", ["none", "causal", "bool"])
def test_grouped_queries_share_keys_and_values(way, heads, kv_heads, kind):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, heads, 4, 3), torch.randn(2, kv_heads, 5, 3), torch.randn(2, kv_heads, 5, 2)
    mask, is_causal = draw_mask(kind, (2, heads), 4, 5)

    def ours(q, k, v):
        return layers.scaled_dot_product_attention(q, k, v, mask, 0.0, is_causal, enable_gqa=True, way=way)

    def by_hand(q, k, v):
        groups = [head * kv_heads // heads for head in range(heads)]
        return F.scaled_dot_product_attention(q, k[:, groups], v[:, groups], mask, 0.0, is_causal)

    got, expected = output_and_gradients(ours, (q, k, v)), output_and_gradients(by_hand, (q, k, v))
    assert_all_close(got, expected, f"{way}, {heads} heads on {kv_heads}", rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_leading_dimensions_broadcast(way):
    torch.manual_seed(0)
    inputs = torch.randn(2, 3, 4, 2), torch.randn(3, 5, 2), torch.randn(2, 1, 5, 2)

    def ours(q, k, v):
        return layers.scaled_dot_product_attention(q, k, v, way=way)

    got = output_and_gradients(ours, inputs)
    expected = output_and_gradients(F.scaled_dot_product_attention, inputs)
    assert_all_close(got, expected, f"{way}, broadcast", rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", MASKS[:-1])
@pytest.mark.parametrize("way", WAYS)
def test_gradcheck(way, kind):
    torch.manual_seed(0)
    mask, is_causal = draw_mask(kind, (2,), 4, 5)
    inputs = [x.requires_grad_() for x in draw((2,), 4, 5, 3, 2)]
    if mask is not None:
        inputs.append(mask.requires_grad_(mask.is_floating_point()))

    def ours(q, k, v, m=None):
        return layers.scaled_dot_product_attention(q, k, v, m, 0.0, is_causal, way=way)

    assert torch.autograd.gradcheck(ours, inputs), f"attention, way {way}, mask {kind}"
    if way != "blockwise":  # its backward pass is not differentiable again
        assert torch.autograd.gradgradcheck(ours, inputs), f"attention, way {way}, mask {kind}, twice"


def test_blockwise_refuses_a_second_derivative():
    q = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = layers.scaled_dot_product_attention(q, q, q, way="blockwise")
    with pytest.raises(RuntimeError, match="blockwise attention: create_graph must be False, got True"):
        torch.autograd.grad(y.sum(), q, create_graph=True)


@pytest.mark.parametrize("way", WAYS)
def test_a_query_that_may_look_nowhere_gets_nothing_and_teaches_nothing(way):
    torch.manual_seed(0)
    inputs = draw((1, 2), 3, 4, 2, 2)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    for name, given_mask in {"bool": mask, "float": torch.zeros(3, 4).masked_fill(~mask, -math.inf)}.items():

        def ours(q, k, v, m=given_mask):
            return layers.scaled_dot_product_attention(q, k, v, m, way=way)

        y, *gradients = output_and_gradients(ours, inputs)
        expected = F.scaled_dot_product_attention(*inputs, given_mask)
        torch.testing.assert_close(y, expected, equal_nan=True, msg=f"{way}, {name} mask, against torch")
        if way != "native":  # PyTorch's kernel gives NaN before version 2.5
            assert (y[..., 1, :] == 0).all(), f"{way}, {name} mask: {y[..., 1, :]}"
            assert (gradients[0][..., 1, :] == 0).all(), f"{way}, {name} mask: gradient of the query"
            assert all(gradient.isfinite().all() for gradient in gradients), f"{way}, {name} mask"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scale", [1e-30, 1e4])
def test_extreme_sizes_agree_with_torch(way, scale):
    torch.manual_seed(0)
    inputs = [scale * x + (scale if scale > 1 else 0) for x in draw((1, 2), 5, 6, 4, 4, torch.float32)]
    y = layers.scaled_dot_product_attention(*inputs, way=way)
    expected = F.scaled_dot_product_attention(*(x.double() for x in inputs))
    assert y.isfinite().all(), f"{way} at {scale}"
    torch.testing.assert_close(y.double(), expected, rtol=1e-3, atol=1e-3 * scale, msg=f"{way} at {scale}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinity_and_nan_are_not_hidden(way, value):
    q, k, v = torch.randn(1, 1, 3, 2), torch.randn(1, 1, 4, 2), torch.randn(1, 1, 4, 2)
    v[0, 0, 1, 0] = value
    y = layers.scaled_dot_product_attention(q, k, v, way=way)
    assert not y[..., 0].isfinite().any(), f"{way}: {value} among the values disappeared"
    assert y[..., 1].isfinite().all(), f"{way}: {value} among the values spread to another feature"
    q[0, 0, 2, 1] = math.nan
    y = layers.scaled_dot_product_attention(q, k, v, way=way)
    assert y[0, 0, :2, 1].isfinite().all(), f"{way}: NaN in a query spread to others"
    if way == "native":  # PyTorch's fused kernel for the CPU gives 0 here
        torch.testing.assert_close(y, F.scaled_dot_product_attention(q, k, v), equal_nan=True)
    else:
        assert y[0, 0, 2].isnan().all(), f"{way}: NaN in a query disappeared"


@pytest.mark.parametrize("way", WAYS)
def test_memory_layouts_agree(way):
    torch.manual_seed(0)
    q, k, v = (torch.randn(4, 2, 3, 5, dtype=torch.float64) for _ in range(3))
    views = (q.transpose(0, 2), k.permute(1, 2, 0, 3), v.permute(1, 2, 0, 3)[..., ::2])
    views = (views[0].permute(1, 0, 2, 3), *views[1:])
    got = layers.scaled_dot_product_attention(*views, way=way)
    expected = layers.scaled_dot_product_attention(*(x.contiguous() for x in views), way=way)
    torch.testing.assert_close(got, expected, msg=f"{way}: strided input")
    expanded = torch.randn(1, 1, 5, 4, dtype=torch.float64).expand(2, 3, 5, 4)
    got = layers.scaled_dot_product_attention(expanded, expanded, expanded, way=way)
    expected = layers.scaled_dot_product_attention(*[expanded.contiguous()] * 3, way=way)
    torch.testing.assert_close(got, expected, msg=f"{way}: expanded input")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_stays_near(way, dtype):
    torch.manual_seed(0)
    inputs = draw((2, 2), 7, 8, 4, 4, torch.float32)
    exact = layers.scaled_dot_product_attention(*inputs)
    low = [x.to(dtype) for x in inputs]
    y, *gradients = output_and_gradients(
        lambda q, k, v: layers.scaled_dot_product_attention(q, k, v, way=way), low
    )
    assert y.dtype == dtype
    assert [gradient.dtype for gradient in gradients] == [dtype] * 3
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05, msg=lambda m: f"{way}, {dtype}: {m}")
    mask = torch.randn(7, 8)  # float32 with inputs of half the size, as under autocast
    y = layers.scaled_dot_product_attention(*low, mask.to(dtype), way=way)
    exact = layers.scaled_dot_product_attention(*inputs, mask)
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05, msg=lambda m: f"{way}, mask: {m}")


@pytest.mark.parametrize("way", WAYS)
def test_autocast_stays_near(way):
    torch.manual_seed(0)
    inputs = draw((2, 2), 7, 8, 4, 4, torch.float32)
    mask = torch.randn(7, 8)
    exact = layers.scaled_dot_product_attention(*inputs, mask, way=way)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, *gradients = output_and_gradients(
            lambda q, k, v, m: layers.scaled_dot_product_attention(q, k, v, m, way=way), (*inputs, mask)
        )
    assert [gradient.dtype for gradient in gradients] == [torch.float32] * 4
    torch.testing.assert_close(y.float(), exact, rtol=0.05, atol=0.05, msg=lambda m: f"{way}: {m}")


@pytest.mark.parametrize("way", WAYS)
def test_dropout_keeps_the_mean_and_follows_the_seed(way):
    torch.manual_seed(0)
    inputs = draw((), 5, 7, 3, 2)
    exact = layers.scaled_dot_product_attention(*inputs)

    def call(q=inputs[0], k=inputs[1], v=inputs[2], p=0.3):
        torch.manual_seed(7)
        return layers.scaled_dot_product_attention(q, k, v, dropout_p=p, way=way)

    assert torch.equal(call(), call()), f"{way}: the same seed gives the same output"
    assert not torch.allclose(call(), exact), f"{way}: dropout_p=0.3 changed nothing"
    assert (call(p=1.0) == 0).all(), f"{way}: dropout_p=1 left something"
    torch.manual_seed(1)
    many = [x.expand(3000, *x.shape) for x in inputs]
    mean = layers.scaled_dot_product_attention(*many, dropout_p=0.3, way=way).mean(dim=0)
    torch.testing.assert_close(mean, exact, rtol=0, atol=0.06, msg=lambda m: f"{way}: mean over masks: {m}")
    variable = [x.clone().requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(call, variable), f"{way}: gradients with dropout"


def largest_allocation(call):
    """Bytes of the largest single piece of memory that was asked for."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        call()
    return max(event.cpu_memory_usage for event in record.events())


LARGE_CASES = {
    "3d": ((), {}, None),
    "4d": ((1,), {}, None),
    "2d": (None, {}, None),
    "causal": ((1,), {"is_causal": True}, None),
    "values of another size": ((1,), {}, 3),
    "dropout": ((1,), {"dropout_p": 0.1}, None),
    "five dimensions": ((1, 1), {}, None),
    "grouped": ((1,), {"enable_gqa": True}, None),
    "padding": ((1,), {"attn_mask": torch.ones(1, 1, 1, 1500, dtype=torch.bool)}, None),
    "mask of three dimensions": ((1,), {"attn_mask": torch.ones(1, 1, 1500, dtype=torch.bool)}, None),
    "learned mask": ((1,), {"attn_mask": torch.zeros(1500, 1, requires_grad=True)}, None),
}


@pytest.mark.parametrize(
    ("way", "case"),
    [*(("native", case) for case in LARGE_CASES), ("blockwise", "4d"), ("blockwise", "grouped")],
)
def test_large_sequences_are_never_squared(way, case, monkeypatch):
    monkeypatch.undo()  # blocks of the usual size
    lead, options, value_size = LARGE_CASES[case]
    n = 1500
    assert n * n > attention.LARGE
    shape = (n, 4) if lead is None else (*lead, 1, n, 4)
    q, k = (torch.randn(shape, requires_grad=True) for _ in range(2))
    v = torch.randn((*shape[:-1], value_size or 4), requires_grad=True)

    def call(way=way):
        layers.scaled_dot_product_attention(q, k, v, **options, way=way).sum().backward()

    used = largest_allocation(call)
    assert used < n * n, f"{way}, {case}: {used} bytes at once, of {4 * n * n} for the square"
    if way == "native" and case == "4d":
        assert largest_allocation(lambda: call("naive")) >= 4 * n * n, "the measurement sees nothing"
        got, expected = (layers.scaled_dot_product_attention(q, k, v, way=way) for way in ("native", "naive"))
        torch.testing.assert_close(got, expected, msg="native at a large size")


@pytest.mark.parametrize("lead", [(), (2,), (2, 1), (2, 1, 1)], ids=str)
@pytest.mark.parametrize("kind", MASKS)
def test_native_is_the_same_where_it_counts_as_large(lead, kind, monkeypatch):
    monkeypatch.setattr(attention, "LARGE", 0)
    torch.manual_seed(0)
    for value_size, mask_lead in itertools.product((3, 2), ((), lead)):
        inputs = draw(lead, 4, 5, 3, value_size)
        mask, is_causal = draw_mask(kind, mask_lead, 4, 5)
        got = layers.scaled_dot_product_attention(*inputs, mask, 0.0, is_causal)
        expected = layers.scaled_dot_product_attention(*inputs, mask, 0.0, is_causal, way="naive")
        torch.testing.assert_close(got, expected, msg=lambda m: f"native, large, {lead}, mask {kind}: {m}")


def test_twenty_thousand_positions():
    """The square would hold 400 million numbers, 1.6 GB in float32."""
    q, k, v = (torch.randn(1, 1, 20_000, 2) for _ in range(3))
    fused = layers.scaled_dot_product_attention(q, k, v, is_causal=True)
    blocks = blockwise_attention.blockwise_attention(q, k, v, is_causal=True, block=512)
    for i in (0, 511, 512, 9_999, 19_999):
        seen = slice(0, i + 1)
        weights = torch.softmax(q[0, 0, i] @ k[0, 0, seen].T / math.sqrt(2), dim=-1)
        for name, y in {"native": fused, "blockwise": blocks}.items():
            torch.testing.assert_close(
                y[0, 0, i], weights @ v[0, 0, seen], rtol=1e-4, atol=1e-5, msg=f"{name}, query {i} of 20,000"
            )


def test_arguments_are_torchs():
    parameters = inspect.signature(layers.scaled_dot_product_attention).parameters
    got = {name: parameter.default for name, parameter in parameters.items()}
    empty = inspect.Parameter.empty
    assert got == {
        "query": empty,
        "key": empty,
        "value": empty,
        "attn_mask": None,
        "dropout_p": 0.0,
        "is_causal": False,
        "scale": None,
        "enable_gqa": False,
        "way": "native",
    }
    keyword_only = [name for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert keyword_only == ["scale", "enable_gqa", "way"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(way, device):
    q, k, v = (x.to(device) for x in draw((2, 2), 4, 5, 3, 3, torch.float32))
    for mask in (None, torch.ones(4, 5, dtype=torch.bool, device=device)):
        y = layers.scaled_dot_product_attention(q, k, v, mask, way=way)
        assert (y.device.type, y.shape) == (device, (2, 2, 4, 3)), f"{way} on {device}"


HALF = {"float16": 2e-3, "bfloat16": 2e-2}


@pytest.mark.parametrize("why", [attention_cases.SCORES, attention_cases.ROUNDING])
def test_onnx_cases_of_which_ours_has_a_part(onnx_cases, why):
    """Cases left out for an output that we lack, or for rounding: what we have of them, to some last bits."""
    cases = [case for case in onnx_cases["Attention"] if attention_cases.NOT_OURS.get(case.name) == why]
    assert len(cases) == {attention_cases.SCORES: 15, attention_cases.ROUNDING: 9}[why]
    for case in cases:
        got = attention_cases.run_attention(case.attributes, case.inputs)
        for mine, theirs in zip(got, case.outputs, strict=why == attention_cases.ROUNDING):
            tolerance = HALF.get(theirs.dtype.name, 1e-5)
            expected = theirs.astype(np.float64)
            np.testing.assert_allclose(mine, expected, tolerance, tolerance, err_msg=f"ONNX {case.name}")
