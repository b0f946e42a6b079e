"""CharacterCNN against convolutions written as loops over windows, and its highways against their formula."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models import CharacterCNN, Highway, word_bytes


def by_loops(net, word):
    """The vector of one word, its characters given without padding, window by window."""
    length = max(len(word), 1)
    found = []
    for convolution in net.convolutions:
        weight, bias = convolution.weight[:, :, 0], convolution.bias  # (number, embedding_dim, width)
        width = weight.shape[2]
        vectors = torch.zeros(length + width, net.embedding.embedding_dim, dtype=weight.dtype)
        for place, character in enumerate(word):
            vectors[place] = net.embedding.weight[character]
        answers = [
            torch.einsum("new,we->n", weight, vectors[start : start + width]) + bias
            for start in range(length)
        ]
        found.append(torch.stack(answers).amax(dim=0).tanh())
    x = torch.cat(found)
    for highway in net.highways:
        gate = 1 / (1 + torch.exp(-(highway.gate.weight @ x + highway.gate.bias)))
        x = gate * (highway.transform.weight @ x + highway.transform.bias).clamp(min=0) + (1 - gate) * x
    return net.projection.weight @ x + net.projection.bias


@given(
    words=st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=4),
    filters=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=3),
    highways=st.integers(0, 2),
    extra=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_values_are_those_of_loops_over_windows(words, filters, highways, extra):
    torch.manual_seed(0)
    net = CharacterCNN(10, 5, embedding_dim=3, filters=filters, highways=highways).double()
    length = max(1, *map(len, words)) + extra
    characters = torch.tensor([word + [0] * (length - len(word)) for word in words])
    expected = torch.stack([by_loops(net, word) for word in words])
    torch.testing.assert_close(net(characters), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_padding_and_neighbours_change_nothing(dtype):
    torch.manual_seed(0)
    net = CharacterCNN(257, 8).to(dtype)
    words = word_bytes(["the", "cat", "", "naïveté"])
    y = net(words.reshape(2, 2, 16))
    assert y.shape == (2, 2, 8)
    assert y.dtype == dtype
    wide = net(torch.cat([words, torch.zeros(4, 9, dtype=torch.int64)], dim=1))
    torch.testing.assert_close(wide, y.reshape(4, 8), msg="longer padding gave other vectors")
    torch.testing.assert_close(net(words[1, :3]), y[0, 1], msg="a word alone has another vector")
    assert not torch.allclose(net(word_bytes(["tac"])), net(word_bytes(["cat"]))), "the order is lost"


def test_like_spellings_have_like_vectors():
    torch.manual_seed(0)
    net = CharacterCNN(257, 64)
    walk, other, alike = net(word_bytes(["walking", "quartz", "walkings"]))
    assert (walk - alike).norm() < 0.8 * (walk - other).norm()


def test_gradients():
    torch.manual_seed(0)
    net = CharacterCNN(6, 2, embedding_dim=2, filters=((1, 2), (2, 2))).double()
    characters = torch.tensor([[1, 2, 3, 0], [5, 4, 0, 0]])
    names = [name for name, _ in net.named_parameters() if not name.startswith("embedding")]
    values = tuple(net.get_parameter(name).detach().requires_grad_() for name in names)
    assert torch.autograd.gradcheck(
        lambda *given: torch.func.functional_call(net, dict(zip(names, given, strict=True)), (characters,)),
        values,
    )
    net(characters).sum().backward()
    assert (net.embedding.weight.grad[0] == 0).all(), "padding learns"
    assert (net.embedding.weight.grad[1:] != 0).any(dim=1).all()


def test_a_highway_keeps_at_first():
    torch.manual_seed(0)
    highway, x = Highway(20), torch.randn(50, 20)
    assert (highway(x) - x).norm() < 0.4 * x.norm()
    highway.gate.bias.data.fill_(-100.0)
    torch.testing.assert_close(highway(x), x)
    highway.gate.bias.data.fill_(100.0)
    torch.testing.assert_close(
        highway(x), (x @ highway.transform.weight.T + highway.transform.bias).clamp(min=0)
    )


def test_word_bytes():
    found = word_bytes(["ab", b"\x00\xff", "é", "longer"], length=3)
    assert found.dtype == torch.int64
    assert found.tolist() == [[98, 99, 0], [1, 256, 0], [196, 170, 0], [109, 112, 111]]
    assert word_bytes([""]).tolist() == [[0] * 16]


def test_state_dict_round_trip():
    net, other = CharacterCNN(257, 8), CharacterCNN(257, 8)
    other.load_state_dict(net.state_dict())
    words = word_bytes(["some", "words"])
    assert torch.equal(other(words), net(words))


NET = CharacterCNN(5, 3)


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: CharacterCNN(0, 3), "CharacterCNN: num_characters must be 1 or more, got 0"),
        (TypeError, lambda: CharacterCNN(5, 3.0), "CharacterCNN: out_features must be an integer, got 3.0"),
        (ValueError, lambda: CharacterCNN(5, 3, highways=-1), "highways must be 0 or more, got -1"),
        (ValueError, lambda: CharacterCNN(5, 3, filters=()), "filters must be one pair .* got none"),
        (ValueError, lambda: CharacterCNN(5, 3, filters=((0, 3),)), "the width of filters must be 1 or more"),
        (TypeError, lambda: NET([[1, 2]]), "characters must be a torch.Tensor, got list"),
        (
            ValueError,
            lambda: NET(torch.zeros(2, 0, dtype=torch.int64)),
            r"a length of 1 or more, .* \(2, 0\)",
        ),
        (
            TypeError,
            lambda: NET(torch.zeros(2, 3)),
            "input must be of dtype int64 or int32, got torch.float32",
        ),
        (ValueError, lambda: NET(torch.tensor([[5]])), "input must be in 0 ... 4 .* got 5"),
        (ValueError, lambda: word_bytes(["a"], 0), "word_bytes: length must be 1 or more, got 0"),
        (ValueError, lambda: word_bytes([]), "words must be one or more, got none"),
        (TypeError, lambda: word_bytes("word"), "words must be a list of strings or bytes, got 'word'"),
        (TypeError, lambda: word_bytes([1]), "words must be a list of strings or bytes"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
