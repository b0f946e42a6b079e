"""The transformer and its layers against the NumPy reference, torch.nn's and numerical gradients."""

import copy
import inspect
import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.reference import attention as ref_attention
from course_lib.reference import transformer as ref

TOLERANCE = {torch.float64: {"rtol": 1e-9, "atol": 1e-10}, torch.float32: {"rtol": 1e-4, "atol": 1e-5}}
LAYERS = ["TransformerEncoderLayer", "TransformerDecoderLayer"]
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "F.gelu": F.gelu, "tanh": torch.tanh, "module": nn.SiLU()}

pytestmark = [
    pytest.mark.filterwarnings("ignore:enable_nested_tensor"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]


def pair(name, *args, **options):
    """The same parameters in ours and torch's, none of them zero."""
    ours, theirs = (getattr(owner, name)(*args, **options) for owner in (layers, nn))
    return same_parameters(ours, theirs)


def same_parameters(ours, theirs):
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.4)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def stack(owner, kind, layer_options, num_layers=2, norm=True, **options):
    layer = getattr(owner, f"Transformer{kind}Layer")(4, 2, 6, 0.0, **layer_options)
    final = owner.LayerNorm(4, dtype=layer_options.get("dtype")) if norm else None
    return getattr(owner, f"Transformer{kind}")(layer, num_layers, final, **options)


def sequence(batch_first, lead, length, size, dtype):
    shape = (length, size) if not lead else (*lead, length, size) if batch_first else (length, *lead, size)
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def draw_padding(lead, length):
    return (torch.rand(*lead, length) < 0.4) & (torch.arange(length) > 0)


def draw_mask(kind, n_queries, n_keys, dtype):
    if kind == "none":
        return None
    mask = torch.triu(torch.ones(n_queries, n_keys, dtype=torch.bool), 1)
    return (
        mask if kind == "bool" else torch.zeros(n_queries, n_keys, dtype=dtype).masked_fill(mask, -math.inf)
    )


def output_and_gradients(module, inputs, **options):
    y = module(*inputs, **options)
    grad = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    return [y.detach(), *torch.autograd.grad(y, [*inputs, *module.parameters()], grad, allow_unused=True)]


def assert_all_close(got, expected, what, **tolerance):
    for number, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        torch.testing.assert_close(
            mine, theirs, **tolerance, msg=lambda m, number=number: f"{what}, number {number}: {m}"
        )


@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", LAYERS)
@given(
    heads=st.integers(1, 3),
    head_dim=st.integers(1, 3),
    hidden=st.integers(1, 7),
    activation=st.sampled_from(list(ACTIVATIONS)),
    options=st.fixed_dictionaries(
        {
            "layer_norm_eps": st.sampled_from([1e-5, 1e-2]),
            **{name: st.booleans() for name in ("batch_first", "norm_first", "bias")},
        }
    ),
    lead=st.sampled_from([(), (1,), (3,)]),
    lengths=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    masks=st.tuples(*[st.sampled_from(["none", "bool", "float"])] * 2),
    padded=st.booleans(),
    training=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_layers_agree_with_torch(
    name, dtype, heads, head_dim, hidden, activation, options, lead, lengths, masks, padded, training, seed
):
    torch.manual_seed(seed)
    size = heads * head_dim
    ours, theirs = pair(
        name, size, heads, hidden, 0.0, ACTIVATIONS[activation], **options, device="cpu", dtype=dtype
    )
    ours.train(training)
    theirs.train(training)
    inputs = [sequence(options["batch_first"], lead, length, size, dtype) for length in lengths]
    own = {"mask": draw_mask(masks[0], lengths[0], lengths[0], dtype)}
    own["key_padding_mask"] = draw_padding(lead, lengths[0]) if padded else None
    if name == LAYERS[0]:
        inputs = inputs[:1]
        call = {f"src_{key}": value for key, value in own.items()}
    else:
        call = {f"tgt_{key}": value for key, value in own.items()}
        call["memory_mask"] = draw_mask(masks[1], *lengths, dtype)
        call["memory_key_padding_mask"] = draw_padding(lead, lengths[1]) if padded else None
    before = [x.detach().clone() for x in inputs]
    what = f"{name}({size}, {heads}, {hidden}, {activation}, {options}), {lead} {lengths}, {masks} {padded}"
    got, expected = (output_and_gradients(layer, inputs, **call) for layer in (ours, theirs))
    assert_all_close(got, expected, what, **TOLERANCE[dtype])
    assert all(torch.equal(x, old) for x, old in zip(inputs, before, strict=True)), (
        f"{what}: changed its input"
    )
    with torch.no_grad():  # torch may use its fused layer
        torch.testing.assert_close(
            ours(*inputs, **call), theirs(*inputs, **call), **TOLERANCE[dtype], msg=lambda m: f"{what}: {m}"
        )


@given(
    heads=st.integers(1, 2),
    length=st.integers(1, 4),
    norm_first=st.booleans(),
    causal=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=25, deadline=None)
def test_the_encoders_layer_agrees_with_the_reference(heads, length, norm_first, causal, seed):
    torch.manual_seed(seed)
    options = {"batch_first": True, "norm_first": norm_first, "dtype": torch.float64}
    layer, _ = pair("TransformerEncoderLayer", 2 * heads, heads, 5, 0.0, **options)
    x = sequence(True, (2,), length, 2 * heads, torch.float64)
    mask = draw_mask("float", length, length, torch.float64) if causal else None
    y = layer(x, mask)
    grad = torch.randn_like(y)
    names = ["self_attn.out_proj", "linear1", "linear2", "norm1", "norm2"]
    modules = [layer.get_submodule(each) for each in names]
    sources = [x, layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias]
    sources += [parameter for module in modules for parameter in (module.weight, module.bias)]
    got = [y, *torch.autograd.grad(y, sources, grad)]

    array, w_in, b_in, w_o, b_o, *rest = [tensor.detach().numpy() for tensor in sources]
    multi_head = ref_attention.MultiHead(*np.split(w_in, 3), w_o, *np.split(b_in, 3), b_o)
    params = ref.EncoderLayer(multi_head, *rest[:4], tuple(rest[4:6]), tuple(rest[6:]))
    bias = 0.0 if mask is None else mask.numpy()
    expected = ref.encoder_layer(params, array, heads, bias, norm_first)
    of_x, grads = ref.encoder_layer_backward(grad.numpy(), params, array, heads, bias, norm_first)
    of_attention = grads.self_attn
    gradients = [
        of_x,
        np.concatenate(of_attention[:3]),
        np.concatenate(of_attention[4:7]),
        of_attention.w_o,
        of_attention.b_o,
        *grads[1:5],
        *grads.norm_1,
        *grads.norm_2,
    ]
    for number, (mine, theirs) in enumerate(zip(got, [expected, *gradients], strict=True)):
        np.testing.assert_allclose(
            mine.detach(), theirs, rtol=1e-8, atol=1e-9, err_msg=f"encoder layer, reference, number {number}"
        )


@pytest.mark.parametrize("kind", ["Encoder", "Decoder"])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("hint", [None, True, False])
def test_stacks_agree_with_torch(kind, batch_first, norm, hint):
    torch.manual_seed(0)
    options = {"batch_first": batch_first, "dtype": torch.float64}
    ours, theirs = (stack(owner, kind, options, norm=norm) for owner in (layers, nn))
    same_parameters(ours, theirs)
    inputs = [sequence(batch_first, (3,), length, 4, torch.float64) for length in (5, 4)]
    mask = draw_mask("float", 5, 5, torch.float64)
    if kind == "Encoder":
        inputs, call = inputs[:1], {"mask": mask, "is_causal": hint}
    else:
        call = {
            "tgt_mask": mask,
            "tgt_is_causal": hint,
            "memory_mask": draw_mask("float", 5, 4, torch.float64),
        }
        call |= {"memory_is_causal": bool(hint)}
    got, expected = (output_and_gradients(module, inputs, **call) for module in (ours, theirs))
    assert_all_close(got, expected, f"Transformer{kind}, hint {hint}", **TOLERANCE[torch.float64])
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(
    activation=st.sampled_from(["relu", "gelu", "tanh"]),
    options=st.fixed_dictionaries({name: st.booleans() for name in ("batch_first", "norm_first", "bias")}),
    counts=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    lead=st.sampled_from([(), (2,)]),
    lengths=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    masked=st.booleans(),
    padded=st.booleans(),
    training=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=25, deadline=None)
def test_the_transformer_agrees_with_torch(
    dtype, activation, options, counts, lead, lengths, masked, padded, training, seed
):
    torch.manual_seed(seed)
    ours, theirs = pair(
        "Transformer", 4, 2, *counts, 5, 0.0, ACTIVATIONS[activation], **options, device="cpu", dtype=dtype
    )
    ours.train(training)
    theirs.train(training)
    inputs = [sequence(options["batch_first"], lead, length, 4, dtype) for length in lengths]
    n_source, n_target = lengths
    call = {}
    if masked:
        call["src_mask"] = draw_mask("float", n_source, n_source, dtype)
        call["tgt_mask"] = draw_mask("float", n_target, n_target, dtype)
        call["memory_mask"] = draw_mask("float", n_target, n_source, dtype)
    if padded:
        for name, length in (("src", n_source), ("tgt", n_target), ("memory", n_source)):
            padding = draw_padding(lead, length)
            call[f"{name}_key_padding_mask"] = torch.zeros(padding.shape, dtype=dtype).masked_fill(
                padding, -math.inf
            )
    what = f"Transformer, {counts} layers, {activation}, {options}, {lead} {lengths}, {masked} {padded}"
    got, expected = (output_and_gradients(module, inputs, **call) for module in (ours, theirs))
    assert_all_close(got, expected, what, **TOLERANCE[dtype])
    with torch.no_grad():
        torch.testing.assert_close(
            ours(*inputs, **call), theirs(*inputs, **call), **TOLERANCE[dtype], msg=lambda m: f"{what}: {m}"
        )


@pytest.mark.parametrize("enable_nested_tensor", [True, False])
@pytest.mark.parametrize("mask_check", [True, False])
@pytest.mark.parametrize("at_the_end", [True, False])
@pytest.mark.parametrize(
    "options",
    [{}, {"norm_first": True}, {"batch_first": False}, {"bias": False}, {"activation": torch.tanh}],
    ids=["default", "norm first", "sequence first", "no bias", "tanh"],
)
def test_padded_positions_are_as_in_torch(enable_nested_tensor, mask_check, at_the_end, options):
    if not mask_check and not at_the_end:
        return  # a broken promise: torch then mixes up the positions
    options = {"batch_first": True, "dtype": torch.float64, **options}
    nested = {"enable_nested_tensor": enable_nested_tensor, "mask_check": mask_check}
    ours, theirs = (stack(owner, "Encoder", options, **nested) for owner in (layers, nn))
    same_parameters(ours, theirs)
    padding = torch.tensor([[False, False, True, True], [False, True, True, True], [False] * 4])
    padding = padding if at_the_end else padding.flip(1)
    x = sequence(options["batch_first"], (3,), 4, 4, torch.float64)
    causal = draw_mask("bool", 4, 4, torch.float64)
    masks = {
        "bool": {"src_key_padding_mask": padding},
        "float": {"src_key_padding_mask": torch.zeros(3, 4).double().masked_fill(padding, -math.inf)},
        **({"both": {"mask": causal, "src_key_padding_mask": padding}} if at_the_end else {}),
    }
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        for (name, call), gradients in ((item, grad) for item in masks.items() for grad in (True, False)):
            with torch.set_grad_enabled(gradients):
                got, expected = ours(x, **call), theirs(x, **call)
            what = f"{nested}, {options}, {name} mask, training={training}, gradients={gradients}"
            torch.testing.assert_close(got, expected, msg=lambda m, what=what: f"{what}: {m}")


@pytest.mark.parametrize("name", [*LAYERS, "Transformer"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"norm_first": True, "batch_first": True},
        {"activation": nn.GELU(), "dropout": 0.3},
    ],
    ids=str,
)
def test_seed_signature_repr_and_state_dict_are_torchs(name, options):
    args = (8, 2, 2, 2, 12) if name == "Transformer" else (8, 2, 12)
    made = []
    for owner in (layers, nn):
        torch.manual_seed(5)
        made.append(getattr(owner, name)(*args, **options))
    ours, theirs = made
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (key, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert torch.equal(mine, other), f"{name} {options}: {key} of the same seed"
    fresh = getattr(layers, name)(*args, **options)
    fresh.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    inputs = [torch.randn(4, 4, 8)] * (1 if name == LAYERS[0] else 2)
    expected = ours.eval()(*inputs)
    for key, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert torch.equal(copied.eval()(*inputs), expected), f"{name} {options}: {key}"


@pytest.mark.parametrize("member", ["__init__", "forward"])
@pytest.mark.parametrize("name", [*LAYERS, "TransformerEncoder", "TransformerDecoder", "Transformer"])
def test_arguments_are_torchs(name, member):
    got, expected = (
        inspect.signature(getattr(getattr(owner, name), member)).parameters for owner in (layers, nn)
    )
    assert {n: p.default for n, p in got.items()} == {n: p.default for n, p in expected.items()}
    assert list(got) == list(expected)


def test_the_causal_mask_is_torchs():
    for size, dtype in ((0, None), (1, None), (4, torch.float64)):
        got, expected = (
            owner.Transformer.generate_square_subsequent_mask(size, dtype=dtype) for owner in (layers, nn)
        )
        torch.testing.assert_close(got, expected, rtol=0, atol=0)
    assert layers.Transformer.generate_square_subsequent_mask(2, device="meta").device.type == "meta"


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("hint", [True, None])
def test_no_position_of_the_target_sees_a_later_one(norm_first, hint):
    torch.manual_seed(0)
    model = layers.Transformer(8, 2, 1, 2, 16, 0.0, batch_first=True, norm_first=norm_first)
    source, target = torch.randn(2, 4, 8), torch.randn(2, 6, 8)
    mask = model.generate_square_subsequent_mask(6)
    before = model(source, target, tgt_mask=mask, tgt_is_causal=hint)
    target[:, 3] = torch.randn(2, 8)
    change = (model(source, target, tgt_mask=mask, tgt_is_causal=hint) - before).abs().amax(dim=(0, 2))
    assert change[:3].max() < 1e-6, f"positions before the change saw it: {change}"
    assert change[3:].min() > 1e-3, f"positions after the change did not see it: {change}"


def test_a_module_as_activation_is_kept_in_every_layer():
    torch.manual_seed(0)
    for activation in (nn.GELU(), nn.Tanh()):
        model = layers.Transformer(4, 2, 2, 2, 5, 0.0, activation).double()
        function = F.gelu if isinstance(activation, nn.GELU) else torch.tanh
        expected = nn.Transformer(4, 2, 2, 2, 5, 0.0, function).double()
        expected.load_state_dict(model.state_dict())
        x, y = torch.randn(3, 2, 4).double(), torch.randn(5, 2, 4).double()
        torch.testing.assert_close(model(x, y), expected(x, y), msg=lambda m: f"{activation}: {m}")  # noqa: B023


def test_what_a_hook_saw_stays():
    """The ReLU overwrites the hidden layer, but not where somebody may still look at it."""
    torch.manual_seed(0)
    layer = layers.TransformerEncoderLayer(4, 2, 6, 0.0)
    seen = {}
    layer.linear1.register_forward_hook(lambda module, args, output: seen.update(kept=output))
    x = torch.randn(3, 2, 4)
    y = layer(x)
    assert (seen["kept"] < 0).any()
    plain = layers.TransformerEncoderLayer(4, 2, 6, 0.0)
    plain.load_state_dict(layer.state_dict())
    torch.testing.assert_close(plain(x), y, rtol=0, atol=0)
    plain.linear1 = nn.Identity()
    plain.linear2 = nn.Identity()
    before = plain.norm1(x + plain.self_attn(x, x, x)[0])
    torch.testing.assert_close(plain(x), plain.norm2(before + before.relu()))


def test_custom_stacks_and_layers_are_used():
    class Echo(nn.Module):
        def forward(self, x, memory=None, **masks):
            return x if memory is None else x + memory.mean()

    model = layers.Transformer(4, 2, custom_encoder=Echo(), custom_decoder=Echo())
    source, target = torch.randn(3, 2, 4), torch.randn(5, 2, 4)
    torch.testing.assert_close(model(source, target), target + source.mean())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.TransformerEncoder(Echo(), 2)(source) is source


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("norm_first", [True, False])
def test_gradcheck(name, norm_first):
    torch.manual_seed(0)
    layer, _ = pair(name, 4, 2, 3, 0.0, "gelu", batch_first=True, norm_first=norm_first, dtype=torch.float64)
    inputs = [sequence(True, (2,), length, 4, torch.float64) for length in (2, 3)]
    inputs = inputs[:1] if name == LAYERS[0] else inputs
    assert torch.autograd.gradcheck(layer, inputs)


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    layer = layers.TransformerEncoderLayer(8, 2, 16, 0.5)
    x = torch.randn(5, 3, 8)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))
    for name in ("dropout", "dropout1", "dropout2"):
        assert layer.get_submodule(name).p == 0.5
    assert layer.self_attn.dropout == 0.5


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("norm_first", [True, False])
def test_each_dropout_silences_its_own_part(name, norm_first):
    torch.manual_seed(0)
    parts = {"dropout1": "self_attn.out_proj", "dropout2": "linear2"}
    if name == LAYERS[1]:
        parts = {
            "dropout1": "self_attn.out_proj",
            "dropout2": "multihead_attn.out_proj",
            "dropout3": "linear2",
        }
    inputs = [torch.randn(5, 3, 4)] * (len(parts) - 1)
    for dropout, last in parts.items():
        dropped, silent = pair(name, 4, 2, 6, 0.0, norm_first=norm_first)
        dropped.get_submodule(dropout).p = 1.0
        for parameter in silent.get_submodule(last).parameters():
            nn.init.zeros_(parameter)
        torch.testing.assert_close(dropped(*inputs), silent(*inputs), msg=lambda m, d=dropout: f"{d}: {m}")


@pytest.mark.parametrize("scale", [1e4, 1e-30])
@pytest.mark.parametrize("name", LAYERS)
def test_extreme_values_agree_with_torch(name, scale):
    torch.manual_seed(0)
    ours, theirs = pair(name, 4, 2, 6, 0.0, batch_first=True)
    inputs = [scale * torch.randn(2, 5, 4)] * (1 if name == LAYERS[0] else 2)
    for each in (ours, theirs):
        each.eval()
    torch.testing.assert_close(ours(*inputs), theirs(*inputs), rtol=1e-3, atol=1e-4)
    inputs[0][0, 0, 0] = math.nan
    assert ours(*inputs)[0, 0].isnan().all()
    assert ours(*inputs)[1].isfinite().all()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("n", [0, 1])
def test_empty_batches_and_layouts(name, n):
    torch.manual_seed(0)
    ours, theirs = pair(name, 4, 2, 6, 0.0)
    inputs = [torch.randn(5, n, 4)] * (1 if name == LAYERS[0] else 2)
    torch.testing.assert_close(ours(*inputs), theirs(*inputs), msg=lambda m: f"{name}, batch of {n}: {m}")
    view = [torch.randn(4, 3, 5).permute(2, 1, 0)] * len(inputs)
    torch.testing.assert_close(ours(*view), ours(*(x.contiguous() for x in view)))


@pytest.mark.parametrize("name", LAYERS)
def test_autocast_and_low_precision_agree_with_torch(name):
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        ours, theirs = pair(name, 8, 2, 16, 0.0, dtype=dtype)
        inputs = [torch.randn(5, 3, 8, dtype=dtype)] * (1 if name == LAYERS[0] else 2)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.float32):
            y, expected = ours(*inputs), theirs(*inputs)
        assert y.dtype == expected.dtype
        torch.testing.assert_close(y, expected, rtol=0.1, atol=0.1, msg=lambda m: f"{name}, bfloat16: {m}")


@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(device):
    model = layers.Transformer(8, 2, 1, 1, 12, batch_first=True, device=device)
    y = model(torch.randn(2, 4, 8, device=device), torch.randn(2, 5, 8, device=device))
    assert (y.device.type, y.shape) == (device, (2, 5, 8))
