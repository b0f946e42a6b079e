"""A head of one number: the body's vectors times a row of weights, read at the last token that counts."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import nn

from course_lib import layers
from course_lib.models.gpt2 import gpt2
from course_lib.models.scalar_head import ScalarHead, scalar_head


class Causal(nn.Module):
    """A small body that looks only back: a GRU on an embedding."""

    def __init__(self, size=7, hidden=5):
        super().__init__()
        self.embedding = layers.Embedding(size, 4, dtype=torch.float64)
        self.gru = layers.GRU(4, hidden, batch_first=True, dtype=torch.float64)

    def forward(self, tokens):
        return self.gru(self.embedding(tokens))[0]


def head():
    torch.manual_seed(0)
    net = scalar_head(Causal(), 5)
    nn.init.normal_(net.head.weight)
    nn.init.normal_(net.head.bias)
    return net


def texts(n, t, seed=0):
    return torch.randint(1, 7, (n, t), generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_each_number_is_a_product_and_the_score_that_of_the_last_token(n, t, seed):
    net, tokens = head(), texts(n, t, seed)
    vectors = net.body(tokens)
    expected = (vectors * net.head.weight[0]).sum(dim=-1) + net.head.bias
    assert_close(net(tokens), expected, "numbers", 1e-12, 1e-12)
    assert_close(net.score(tokens), expected[:, -1], "scores", 1e-12, 1e-12)
    lengths = torch.randint(1, t + 1, (n,), generator=torch.Generator().manual_seed(seed))
    scores = net.score(tokens, lengths)
    for i, length in enumerate(lengths.tolist()):
        alone = net.score(tokens[i : i + 1, :length])[0]
        assert_close(scores[i], alone, f"score of {length} of {t} tokens", 1e-12, 1e-12)


def test_it_starts_at_0_and_yet_learns():
    torch.manual_seed(0)
    net = scalar_head(Causal(), 5)
    tokens = texts(3, 4)
    assert not net(tokens).any()
    net.score(tokens).sum().backward()
    assert net.head.weight.grad.any()


def test_gradients_are_those_of_finite_differences():
    net, tokens = head(), texts(2, 3)
    parameters = (net.head.weight, net.head.bias, net.body.embedding.weight)
    assert torch.autograd.gradcheck(lambda *_: net(tokens), parameters)


def test_it_sits_on_a_gpt_of_ours_and_shares_or_copies_it():
    torch.manual_seed(0)
    model = gpt2(n_layer=2, n_head=2, n_embd=8, n_positions=6, vocab_size=7, dtype=torch.float64)
    tokens = texts(2, 5)
    shared, copied = scalar_head(model.transformer, 8), scalar_head(copy.deepcopy(model.transformer), 8)
    assert shared.head.weight.dtype == torch.float64
    for net in (shared, copied):
        weights = torch.arange(8.0, dtype=torch.float64)
        net.head.weight = nn.Parameter(weights[None])
        expected = model.transformer.eval()(tokens) @ weights
        assert_close(net.eval()(tokens), expected, "products of the vectors", 1e-10, 1e-10)
    other = tokens.clone()
    other[:, 4] = tokens[:, 4] % 6 + 1
    assert_close(shared(other)[:, :4], shared(tokens)[:, :4], "it looks ahead", 1e-12, 1e-12)
    with torch.no_grad():
        model.transformer.wte.weight *= torch.arange(8.0)
    assert not torch.allclose(shared(tokens), copied(tokens))


def test_its_state_makes_an_equal_model():
    net = head()
    torch.manual_seed(1)
    other = ScalarHead(Causal(), 5, dtype=torch.float64)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(texts(2, 3)), net(texts(2, 3)))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (TypeError, lambda: scalar_head(len, 5), "body must be a torch.nn.Module, got builtin_function"),
        (ValueError, lambda: scalar_head(Causal(), 0), "in_features must be 1 or more"),
        (
            ValueError,
            lambda: scalar_head(Causal(), 4)(texts(2, 3)),
            r"body must give vectors of shape \(2, 3, 4\), got shape \(2, 3, 5\)",
        ),
        (ValueError, lambda: scalar_head(nn.GRU(1, 1), 1)(torch.ones(2, 1)), r"shape \(2, 1, 1\), got tuple"),
        (
            ValueError,
            lambda: head().score(texts(2, 3), torch.tensor([1, 4])),
            r"lengths must be \(2,\), each in",
        ),
        (ValueError, lambda: head().score(texts(2, 3), torch.tensor([0, 3])), r"got \[0, 3\]"),
        (ValueError, lambda: head().score(texts(2, 3), torch.tensor([3])), r"got \[3\]"),
        (TypeError, lambda: head().score(texts(2, 3), [1, 2]), "lengths must be a torch.Tensor, got list"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
