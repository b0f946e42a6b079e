"""Sequence to sequence: against torch.nn's layers one step at a time, without padding or batches."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from reversing import assert_learns_to_reverse, symbols
from torch import nn

from course_lib.layers import cross_entropy
from course_lib.models.seq2seq import DotAttention, Seq2Seq, padding_mask, seq2seq, shift_right

VARIANTS = list(itertools.product(("rnn", "lstm", "gru"), (None, "additive", "dot"), (False, True)))
ORIGINALS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def model(cell="gru", attention="additive", bidirectional=False, num_layers=1, **options):
    torch.manual_seed(0)
    sizes = {"embedding_dim": 4, "hidden_size": 8, "num_layers": num_layers, "dtype": torch.float64}
    return seq2seq(7, 6, cell=cell, attention=attention, bidirectional=bidirectional, **sizes, **options)


def draw(n, s, t, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(1, 7, (n, s), generator=g), torch.randint(0, 6, (n, t), generator=g)


def by_hand(net, cell, source, target):
    """Logits and attention of one source (s,) without padding: torch.nn's layers, one step of the target
    after the other, and Luong's equations as they are printed.
    """
    original = ORIGINALS[cell]
    size, num_layers, bidirectional = 8, net.decoder.num_layers, net.encoder.bidirectional
    encoder = original(4, size // (1 + bidirectional), num_layers, bidirectional=bidirectional).double()
    decoder = original(4, size, num_layers).double()
    encoder.load_state_dict(net.encoder.state_dict())
    decoder.load_state_dict(net.decoder.state_dict())
    features, state = encoder(net.source_embedding.weight[source])

    def both_ways(h):  # the first half of each layer's state is that of the forward direction
        return torch.stack([torch.cat(list(part)) for part in h.chunk(num_layers)])

    state = tuple(map(both_ways, state)) if isinstance(state, tuple) else both_ways(state)
    logits, looks = [], []
    for token in target:
        out, state = decoder(net.target_embedding.weight[token][None], state)
        h = out[0]
        if net.attention is not None:
            if isinstance(net.attention, DotAttention):
                scores = torch.stack([h @ f for f in features]) / size**0.5
            else:
                w, u = net.attention.query_proj.weight, net.attention.key_proj.weight
                v = net.attention.score.weight[0]
                scores = torch.stack([v @ torch.tanh(w @ h + u @ f) for f in features])
            looks.append(scores.softmax(dim=0))
            joined = torch.cat([h, looks[-1] @ features])
            h = torch.tanh(net.combine.weight @ joined + net.combine.bias)
        logits.append(net.head.weight @ h + net.head.bias)
    return torch.stack(logits), torch.stack(looks) if looks else None


@pytest.mark.parametrize(("cell", "attention", "bidirectional"), VARIANTS)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_it_is_torch_nn_one_step_after_the_other(cell, attention, bidirectional, num_layers):
    net = model(cell, attention, bidirectional, num_layers)
    source, target = draw(3, 5, 4)
    lengths = [5, 2, 1]
    for row, length in zip(source, lengths, strict=True):
        row[length:] = 0
    got = net(source, target)
    for i, length in enumerate(lengths):
        expected, weights = by_hand(net, cell, source[i, :length], target[i])
        assert_close(got[i], expected, f"logits of a source of {length} tokens", 1e-10, 1e-10)
        if attention is not None:
            looks = net.attention_weights(source, target)[i]
            assert_close(looks[:, :length], weights, f"weights, {length} tokens", 1e-10, 1e-10)
            assert not looks[:, length:].any(), "it looks at padding"


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(0, 5), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_more_padding_changes_nothing_and_steps_are_the_whole(n, s, t, more, seed):
    cell, attention, bidirectional = VARIANTS[seed % len(VARIANTS)]
    net = model(cell, attention, bidirectional)
    source, target = draw(n, s, t, seed)
    whole = net(source, target)
    assert whole.shape == (n, t, 6)
    padded = torch.cat([source, source.new_zeros(n, more)], dim=1)
    assert_close(net(padded, target), whole, f"{more} more tokens of padding", 1e-10, 1e-10)
    state, steps = net.encode(source), []
    for place in range(t):
        logits, state = net.decode(target[:, place : place + 1], state)
        assert all(len(part) == n for part in state), "the batch must be first, for beams to be reordered"
        steps.append(logits)
    assert_close(torch.cat(steps, dim=1), whole, "one token at a time", 1e-10, 1e-10)


@pytest.mark.parametrize("attention", [None, "additive", "dot"])
def test_no_place_sees_the_tokens_after_it(attention):
    net = model(attention=attention)
    source, target = draw(2, 4, 6)
    other = target.clone()
    other[:, 3] = (target[:, 3] + 1) % 6
    before, after = net(source, target), net(source, other)
    assert torch.equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(dim=-1).all(), "the place itself is read, and remembered"


def test_without_attention_all_that_is_known_of_the_source_is_the_last_state():
    net = model(attention=None)
    source, target = draw(1, 5, 3)
    features, mask, h = net.encode(source)
    assert torch.equal(net.decode(target, (features * 0, mask, h))[0], net(source, target))
    looking = model(attention="dot")
    features, mask, h = looking.encode(source)
    assert not torch.equal(looking.decode(target, (features * 0, mask, h))[0], looking(source, target))


def test_gradients_are_those_of_finite_differences():
    net = model(bidirectional=True)
    source, target = draw(2, 3, 3)
    source[1, 2] = 0
    tables = (net.source_embedding.weight, net.combine.weight, net.attention.key_proj.weight)

    def loss(*_):
        return cross_entropy(net(source, shift_right(target)).flatten(0, 1), target.flatten())

    assert torch.autograd.gradcheck(loss, tables)


def test_it_learns_to_reverse():
    torch.manual_seed(0)
    net = Seq2Seq(9, 9, 16, 32, attention="additive", bidirectional=True)
    assert_learns_to_reverse(net, lr=0.01, steps=150)
    source = symbols(50, seed=0)
    looks = net.attention_weights(source, shift_right(source.flip(1))).mean(dim=0)
    places = looks @ torch.arange(5.0)  # where it looks on average, word by word
    correlation = torch.corrcoef(torch.stack([places, torch.arange(5.0)]))[0, 1]
    assert correlation < -0.9, f"it does not look backwards: {looks}"


@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 9), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_shift_right_is_start_and_all_but_the_last(n, t, start, seed):
    target = torch.randint(0, 9, (n, t), generator=torch.Generator().manual_seed(seed))
    before = target.clone()
    expected = [([start, *row])[:t] for row in target.tolist()]
    assert shift_right(target, start).tolist() == expected
    assert torch.equal(target, before)


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=5))
def test_padding_is_what_stands_behind_the_last_token(rows):
    expected = []
    for row in rows:
        length = max([place + 1 for place, token in enumerate(row) if token != 2], default=1)
        expected.append([place >= length for place in range(4)])
    assert padding_mask(torch.tensor(rows), padding=2).tolist() == expected


@pytest.mark.parametrize(("cell", "attention", "bidirectional"), VARIANTS)
def test_its_state_makes_an_equal_model(cell, attention, bidirectional):
    net = model(cell, attention, bidirectional)
    torch.manual_seed(1)
    other = Seq2Seq(
        7, 6, 4, 8, cell=cell, attention=attention, bidirectional=bidirectional, dtype=torch.float64
    )
    other.load_state_dict(net.state_dict())
    source, target = draw(2, 4, 3)
    assert torch.equal(other(source, target), net(source, target))


def test_dropout_acts_in_training_only():
    net = model(num_layers=2, dropout=0.5)
    source, target = draw(2, 4, 3)
    assert not torch.equal(net(source, target), net(source, target))
    net.eval()
    assert torch.equal(net(source, target), net(source, target))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: Seq2Seq(0, 6), "source_size must be 1 or more, got 0"),
        (TypeError, lambda: Seq2Seq(7, 6.0), "target_size must be an integer"),
        (ValueError, lambda: Seq2Seq(7, 6, start=6), "start must be less than target_size=6, got 6"),
        (
            ValueError,
            lambda: Seq2Seq(7, 6, cell="mlp"),
            "cell must be one of 'rnn', 'lstm', 'gru', got 'mlp'",
        ),
        (ValueError, lambda: Seq2Seq(7, 6, attention="self"), "attention must be one of None, 'additive'"),
        (ValueError, lambda: Seq2Seq(7, 6, 4, 5, bidirectional=True), "hidden_size must be even"),
        (ValueError, lambda: Seq2Seq(7, 6, num_layers=0), "num_layers must be 1 or more"),
        (
            ValueError,
            lambda: model().encode(torch.ones(4, dtype=torch.int64)),
            r"source must be \(n, t\) with n and t of 1 or more, got shape \(4,\)",
        ),
        (ValueError, lambda: model().encode(torch.ones(2, 0, dtype=torch.int64)), r"got shape \(2, 0\)"),
        (TypeError, lambda: model().encode([1, 2]), "source must be a torch.Tensor, got list"),
        (TypeError, lambda: model()(torch.ones(2, 3), draw(2, 3, 3)[1]), "input must be of dtype int64"),
        (ValueError, lambda: model()(draw(2, 3, 3)[0], draw(3, 3, 3)[1]), "target must have the source's"),
        (ValueError, lambda: model()(draw(2, 3, 3)[0] + 7, draw(2, 3, 3)[1]), "input must be in 0 ... 6"),
        (
            ValueError,
            lambda: model(attention=None).attention_weights(*draw(2, 3, 3)),
            "attention must be 'additive' or 'dot' to have weights, got None",
        ),
        (ValueError, lambda: shift_right(torch.ones(3)), r"target must be \(n, t\), got shape \(3,\)"),
        (ValueError, lambda: shift_right(torch.ones(3, 1), -1), "start must be 0 or more"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
