"""The transformer from tokens to tokens: against torch.nn.Transformer, and what it may and may not see."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from reversing import assert_learns_to_reverse
from torch import nn

from course_lib.layers import cross_entropy
from course_lib.models.seq2seq import shift_right
from course_lib.models.seq2seq_transformer import Seq2SeqTransformer, transformer

SIZES = {"d_model": 8, "nhead": 2, "dim_feedforward": 12, "dropout": 0.0, "dtype": torch.float64}


def model(**options):
    torch.manual_seed(0)
    return transformer(7, 6, **SIZES | options)


def draw(n, s, t, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(1, 7, (n, s), generator=g), torch.randint(0, 6, (n, t), generator=g)


def sines(length, d_model):
    """Section 3.5, entry by entry."""
    table = torch.empty(length, d_model, dtype=torch.float64)
    for place in range(length):
        for i in range(d_model):
            angle = place / 10000 ** ((i - i % 2) / d_model)
            table[place, i] = math.cos(angle) if i % 2 else math.sin(angle)
    return table


@pytest.mark.parametrize("norm_first", [False, True])
def test_it_is_torch_nn_between_embeddings_and_a_head(norm_first):
    net = model(norm_first=norm_first)
    original = nn.Transformer(
        8, 2, 2, 2, 12, dropout=0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    original.load_state_dict(net.transformer.state_dict())
    source, target = draw(3, 5, 4)
    lengths = [5, 2, 1]
    for row, length in zip(source, lengths, strict=True):
        row[length:] = 0
    got = net(source, target)
    for i, length in enumerate(lengths):  # one after the other, so that there is no padding
        x = net.source_embedding.weight[source[i, :length]] * 8**0.5 + sines(length, 8)
        y = net.target_embedding.weight[target[i]] * 8**0.5 + sines(4, 8)
        causal = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
        hidden = original(x[None], y[None], tgt_mask=causal)[0]
        expected = hidden @ net.head.weight.T + net.head.bias
        assert_close(got[i], expected, f"logits of a source of {length} tokens", 1e-10, 1e-10)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(0, 5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_more_padding_changes_nothing_and_steps_are_the_whole(n, s, t, more, seed):
    net = model(norm_first=seed % 2 == 0).train(seed % 3 == 0)
    source, target = draw(n, s, t, seed)
    whole = net(source, target)
    assert whole.shape == (n, t, 6)
    padded = torch.cat([source, source.new_zeros(n, more)], dim=1)
    assert_close(net(padded, target), whole, f"{more} more tokens of padding", 1e-10, 1e-10)
    with torch.no_grad():  # PyTorch's stacks skip padding only then, and ours do as they do
        assert_close(net(padded, target), whole.detach(), "without gradients", 1e-10, 1e-10)
    state, steps = net.encode(source), []
    for place in range(t):
        logits, state = net.decode(target[:, place : place + 1], state)
        assert all(len(part) == n for part in state), "the batch must be first, for beams to be reordered"
        steps.append(logits)
    assert_close(torch.cat(steps, dim=1), whole, "one token at a time", 1e-10, 1e-10)


@pytest.mark.parametrize("norm_first", [False, True])
def test_no_place_sees_the_tokens_after_it(norm_first):
    net = model(norm_first=norm_first)
    source, target = draw(2, 4, 6)
    other = target.clone()
    other[:, 3] = (target[:, 3] + 1) % 6
    before, after = net(source, target), net(source, other)
    assert_close(before[:, :3], after[:, :3], "places before the change", 1e-12, 1e-12)
    assert (before[:, 3:] != after[:, 3:]).any(dim=-1).all(), "the place itself is read, and remembered"


def test_the_order_of_the_source_matters_by_its_positions_alone():
    net = model()
    source, target = draw(2, 5, 3)
    assert not torch.allclose(net(source, target), net(source.flip(1), target))
    net.positions = nn.Identity()
    assert_close(net(source, target), net(source.flip(1), target), "without positions", 1e-10, 1e-10)


def test_gradients_are_those_of_finite_differences():
    net = model(num_encoder_layers=1, num_decoder_layers=1)
    source, target = draw(2, 3, 3)
    source[1, 2] = 0
    tables = (net.source_embedding.weight, net.target_embedding.weight, net.head.bias)

    def loss(*_):
        return cross_entropy(net(source, shift_right(target)).flatten(0, 1), target.flatten())

    assert torch.autograd.gradcheck(loss, tables)


def test_the_maps_are_the_weights_that_the_decoder_used():
    net = model(num_decoder_layers=3).eval()
    source, target = draw(2, 5, 4)
    source[1, 3:] = 0
    maps = net.attention_maps(source, target)
    assert [tuple(each.shape) for each in maps] == [(2, 2, 4, 5)] * 3
    for number, each in enumerate(maps):
        assert_close(each.sum(dim=-1), torch.ones(2, 2, 4).double(), f"rows of layer {number}", 0, 1e-12)
        assert not each[1, :, :, 3:].any(), "it looks at padding"
    # The first layer's, from its own parameters.
    features, _, _ = net.encode(source)
    first = net.transformer.decoder.layers[0]
    x = net._embedded(net.target_embedding, target)
    causal = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
    y = first.norm1(x)
    x = x + first.self_attn(y, y, y, attn_mask=causal)[0]
    w_q, w_k, _ = first.multihead_attn.in_proj_weight.chunk(3)
    b_q, b_k, _ = first.multihead_attn.in_proj_bias.chunk(3)
    for head in range(2):
        rows = slice(4 * head, 4 * head + 4)
        q = first.norm2(x) @ w_q[rows].T + b_q[rows]
        k = features @ w_k[rows].T + b_k[rows]
        expected = (q[0] @ k[0].T / 2).softmax(dim=-1)
        assert_close(maps[0][0, head], expected, f"layer 0, head {head}", 1e-10, 1e-10)
    assert not any(layer.multihead_attn._forward_pre_hooks for layer in net.transformer.decoder.layers)


def test_it_learns_to_reverse():
    torch.manual_seed(0)
    net = Seq2SeqTransformer(9, 9, 32, 4, 1, 1, 64, dropout=0.0)
    assert_learns_to_reverse(net, lr=0.005, steps=120)


def test_embeddings_have_variance_1_once_scaled():
    torch.manual_seed(0)
    net = Seq2SeqTransformer(500, 500, 64)
    for name in ("source_embedding", "target_embedding"):
        assert (getattr(net, name).weight * 8).std().item() == pytest.approx(1, rel=0.02), name


def test_its_state_makes_an_equal_model():
    net = model()
    torch.manual_seed(1)
    other = Seq2SeqTransformer(7, 6, **SIZES)
    other.load_state_dict(net.state_dict())
    source, target = draw(2, 4, 3)
    assert torch.equal(other(source, target), net(source, target))


def test_dropout_acts_in_training_only():
    net = model(dropout=0.5)
    source, target = draw(2, 4, 3)
    assert not torch.equal(net(source, target), net(source, target))
    net.eval()
    assert torch.equal(net(source, target), net(source, target))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: Seq2SeqTransformer(0, 6), "source_size must be 1 or more, got 0"),
        (ValueError, lambda: Seq2SeqTransformer(7, 6, start=9), "start must be less than target_size=6"),
        (ValueError, lambda: Seq2SeqTransformer(7, 6, 10, 4), "multiple of nhead=4, got 10"),
        (ValueError, lambda: Seq2SeqTransformer(7, 6, dropout=1.5), "dropout must be from 0 to 1"),
        (TypeError, lambda: model().encode("source"), "source must be a torch.Tensor, got str"),
        (ValueError, lambda: model().encode(torch.ones(0, 3)), r"source must be \(n, t\) with n and t of 1"),
        (ValueError, lambda: model(max_len=3).encode(draw(1, 4, 1)[0]), "length must be at most max_len=3"),
        (ValueError, lambda: model()(draw(2, 3, 3)[0], draw(3, 3, 3)[1]), "target must have the source's"),
        (ValueError, lambda: model()(draw(2, 3, 3)[0] + 7, draw(2, 3, 3)[1]), "input must be in 0 ... 6"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
