"""ELMo against PyTorch's bidirectional LSTM; neither language model sees what it has to predict."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib import data, metrics, optim
from course_lib.models import CharacterCNN, ELMo, ElmoOutputs, ScalarMix, loss_of_elmo, word_bytes


def torchs(net):
    """PyTorch's LSTM of both directions, with the weights of the net's first layers."""
    lstm = nn.LSTM(net.size, net.size, batch_first=True, bidirectional=True)
    state = dict(net.forward_lstms[0].state_dict())
    state |= {f"{name}_reverse": value for name, value in net.backward_lstms[0].state_dict().items()}
    lstm.load_state_dict(state)
    return lstm


@given(n=st.integers(1, 4), t=st.integers(1, 6), size=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_the_first_layer_is_torchs_bidirectional_lstm(n, t, size, seed):
    torch.manual_seed(seed)
    net = ELMo(7, size, num_layers=1)
    words = torch.randint(7, (n, t))
    found = net(words)
    expected, _ = torchs(net)(net.words(words))
    torch.testing.assert_close(found.layers[1], expected)
    torch.testing.assert_close(found.layers[0], net.words(words).repeat(1, 1, 2))
    torch.testing.assert_close(found.forward_logits, net.head(expected[..., :size]))
    torch.testing.assert_close(found.backward_logits, net.head(expected[..., size:]))


def test_lengths_are_those_of_packed_sequences():
    torch.manual_seed(0)
    net = ELMo(7, 5, num_layers=1)
    words, lengths = torch.randint(7, (4, 6)), torch.tensor([6, 1, 3, 5])
    packed = pack_padded_sequence(net.words(words), lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(torchs(net)(packed)[0], batch_first=True)
    found = net(words, lengths).layers[1]
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length])


def test_a_second_layer_adds_what_it_reads():
    torch.manual_seed(0)
    net = ELMo(7, 5, num_layers=2)
    first = net(torch.arange(6)[None]).layers[1]
    second = net(torch.arange(6)[None]).layers[2]
    expected = net.forward_lstms[1](first[..., :5])[0] + first[..., :5]
    torch.testing.assert_close(second[..., :5], expected)
    expected = net.backward_lstms[1](first[..., 5:].flip(1))[0].flip(1) + first[..., 5:]
    torch.testing.assert_close(second[..., 5:], expected)


@pytest.mark.parametrize("place", [0, 2, 5])
def test_neither_language_model_sees_what_it_has_to_predict(place):
    """A changed word changes the forward logits from its place on, and the backward ones up to it."""
    torch.manual_seed(0)
    net = ELMo(9, 6, num_layers=3)
    words = torch.randint(8, (2, 6))
    other = words.clone()
    other[:, place] = 8
    before, after = net(words), net(other)
    changed = (before.forward_logits != after.forward_logits).any(dim=2)
    assert not changed[:, :place].any(), "the forward model has looked ahead"
    assert changed[:, place:].all()
    changed = (before.backward_logits != after.backward_logits).any(dim=2)
    assert not changed[:, place + 1 :].any(), "the backward model has looked back"
    assert changed[:, : place + 1].all()


def test_padding_means_nothing():
    torch.manual_seed(0)
    net = ELMo(9, 6)
    words, lengths = torch.randint(9, (3, 7)), torch.tensor([2, 7, 4])
    other = words.clone()
    other[0, 2:], other[2, 4:] = 0, 1
    first, second = net(words, lengths), net(other, lengths)
    for row, length in enumerate(lengths):
        alone = net(words[row : row + 1, :length])
        for name, dim in (("layers", 1), ("forward_logits", 0), ("backward_logits", 0)):
            ours, theirs, only = (
                getattr(each, name).select(dim, r) for each, r in ((first, row), (second, row), (alone, 0))
            )
            ours, theirs = (each.narrow(dim, 0, int(length)) for each in (ours, theirs))
            torch.testing.assert_close(ours, theirs, msg=f"{name} of sentence {row} depend on padding")
            torch.testing.assert_close(ours, only, msg=f"{name} of sentence {row} depend on its neighbours")


def test_a_word_has_another_vector_in_another_sentence():
    torch.manual_seed(0)
    net = ELMo(9, 6)
    found = net(torch.tensor([[1, 2, 3], [4, 2, 5]])).layers[:, :, 1]
    assert torch.equal(found[0, 0], found[0, 1]), "layer 0 is the word by itself"
    assert not torch.allclose(found[1, 0], found[1, 1])
    assert not torch.allclose(found[2, 0], found[2, 1])


def test_the_loss_is_the_mean_of_both_cross_entropies():
    torch.manual_seed(0)
    outputs = ELMo(9, 6)(words := torch.randint(9, (3, 5)))
    forward = metrics.token_log_prob(words[:, 1:], outputs.forward_logits[:, :-1])
    backward = metrics.token_log_prob(words[:, :-1], outputs.backward_logits[:, 1:])
    expected = -(forward.mean() + backward.mean()) / 2
    assert loss_of_elmo(outputs, words).item() == pytest.approx(float(expected), rel=1e-5)
    both = math.sqrt(metrics.perplexity(forward) * metrics.perplexity(backward))
    assert loss_of_elmo(outputs, words).exp().item() == pytest.approx(both, rel=1e-5)


def test_the_loss_leaves_padding_out():
    torch.manual_seed(0)
    net = ELMo(9, 6)
    words, lengths = torch.tensor([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]]), torch.tensor([3, 5])
    got = loss_of_elmo(net(words, lengths), words, ignore_index=0)
    single = [net(words[:1, :3]), net(words[1:])]
    forward = [
        F.cross_entropy(each.forward_logits[0, :-1], row, reduction="sum")
        for each, row in zip(single, (words[0, 1:3], words[1, 1:]), strict=True)
    ]
    backward = [
        F.cross_entropy(each.backward_logits[0, 1:], row, reduction="sum")
        for each, row in zip(single, (words[0, :2], words[1, :-1]), strict=True)
    ]
    torch.testing.assert_close(got, (sum(forward) + sum(backward)) / 6 / 2)


@given(layers=st.integers(1, 4), shape=st.lists(st.integers(1, 4), max_size=3), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_mix_is_its_formula(layers, shape, seed):
    torch.manual_seed(seed)
    mix, x = ScalarMix(layers).double(), torch.randn(layers, *shape, dtype=torch.float64)
    torch.testing.assert_close(mix(x), x.mean(dim=0), msg="at first it is the mean")
    mix.scalars.data.normal_()
    mix.gamma.data.fill_(1.7)
    weights = mix.scalars.exp() / mix.scalars.exp().sum()
    expected = 1.7 * sum(weight * each for weight, each in zip(weights, x, strict=True))
    torch.testing.assert_close(mix(x), expected, rtol=1e-10, atol=1e-12)
    mix.scalars.data[0] = 1000.0
    torch.testing.assert_close(mix(x), 1.7 * x[0], msg="one weight is everything")
    assert torch.autograd.gradcheck(mix, x.requires_grad_())


def test_it_learns_which_meaning_a_word_has():
    """Trained as language models only, it gives a homonym like vectors where it means the same."""
    found = data.load("homonyms", n=600)
    torch.manual_seed(0)
    net = ELMo(len(found.vocabulary), 32)
    lengths = (found.x > 0).sum(dim=1)
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(4):
        for rows in torch.randperm(600).split(50):
            loss = loss_of_elmo(net(found.x[rows], lengths[rows]), found.x[rows], ignore_index=0)
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert losses[-1] < 0.6 * losses[0], f"the loss fell from {losses[0]:.2f} only to {losses[-1]:.2f}"
    rows = (found.x.gather(1, found.place[:, None]) == found.encode("bank")).nonzero()[:, 0]
    with torch.no_grad():
        vectors = net(found.x[rows], lengths[rows]).layers[2][torch.arange(len(rows)), found.place[rows]]
    alike = F.cosine_similarity(vectors[:, None], vectors[None], dim=2).fill_diagonal_(-2)
    meanings = found.y[rows, 0]
    right = (meanings[alike.argmax(dim=1)] == meanings).float().mean()
    assert right > 0.8, f"the most similar vector has the same meaning in {right:.0%} only"


def test_words_can_be_read_by_their_characters():
    found = data.load("homonyms", "test", n=20)
    torch.manual_seed(0)
    net = ELMo(len(found.vocabulary), 12, words=CharacterCNN(257, 12, filters=((2, 8),)))
    outputs = net(word_bytes(found.vocabulary)[found.x])
    assert outputs.layers.shape == (3, 20, 14, 24)
    assert outputs.backward_logits.shape == (20, 14, len(found.vocabulary))
    loss_of_elmo(outputs, found.x, ignore_index=0).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    net, words = ELMo(9, 6, dropout=0.5), torch.randint(9, (2, 5))
    assert not torch.equal(net(words).forward_logits, net(words).forward_logits)
    net.eval()
    assert torch.equal(net(words).forward_logits, net(words).forward_logits)


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_state_dict_precision_and_device(device):
    torch.manual_seed(0)
    net, other = ELMo(9, 6).double().to(device), ELMo(9, 6)
    other.load_state_dict(net.state_dict())
    words, lengths = torch.randint(9, (2, 5)), torch.tensor([3, 5])
    exact, rounded = net(words.to(device), lengths.to(device)), other(words, lengths)
    assert isinstance(exact, ElmoOutputs)
    assert exact.layers.dtype == torch.float64
    torch.testing.assert_close(rounded.layers, exact.layers.cpu().float(), rtol=1e-4, atol=1e-5)


NET, WORDS = ELMo(9, 6), torch.zeros(2, 5, dtype=torch.int64)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: ELMo(0), "ELMo: vocab_size must be 1 or more, got 0"),
        (TypeError, lambda: ELMo(9, 6.5), "ELMo: size must be an integer, got 6.5"),
        (ValueError, lambda: ELMo(9, num_layers=0), "ELMo: num_layers must be 1 or more, got 0"),
        (TypeError, lambda: ELMo(9, words=len), "ELMo: words must be a torch.nn.Module, got builtin"),
        (ValueError, lambda: ELMo(9, dropout=2), "from 0 to 1, got 2"),
        (ValueError, lambda: NET(WORDS[0]), r"ELMo: words must become \(n, t, 6\), got shape \(5, 6\)"),
        (ValueError, lambda: NET(WORDS + 9), "input must be in 0 ... 8"),
        (ValueError, lambda: NET(WORDS, torch.tensor([1])), "ELMo: lengths must be 2 numbers from 0 to 5"),
        (ValueError, lambda: NET(WORDS, torch.tensor([1, 6])), r"from 0 to 5, got \[1, 6\]"),
        (TypeError, lambda: NET(WORDS, [1, 2]), "ELMo: lengths must be a torch.Tensor, got list"),
        (TypeError, lambda: loss_of_elmo(NET(WORDS), [0]), "targets must be a torch.Tensor, got list"),
        (
            ValueError,
            lambda: loss_of_elmo(NET(WORDS), WORDS[:, 1:]),
            r"must have shape \(2, 5\), .* \(2, 4\)",
        ),
        (ValueError, lambda: loss_of_elmo(NET(WORDS[:, :1]), WORDS[:, :1]), "with two words or more"),
        (ValueError, lambda: loss_of_elmo(NET(WORDS), WORDS, 0), "two words other than ignore_index=0"),
        (ValueError, lambda: ScalarMix(0), "ScalarMix: num_layers must be 1 or more, got 0"),
        (ValueError, lambda: ScalarMix(3)(torch.zeros(2, 4)), r"\(num_layers=3, ...\), got shape \(2, 4\)"),
        (TypeError, lambda: ScalarMix(3)(WORDS), "input must have a floating-point dtype"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
