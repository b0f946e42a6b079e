"""Questions about pictures: FiLM against its equation, what depends on what, and that it learns to look."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import nn

from course_lib import training
from course_lib.models.vqa import VQA, FiLM, vqa

PLACES = 16


def model(**options):
    torch.manual_seed(0)
    return vqa(8, 5, **{"channels": 6, "hidden_size": 5, "dtype": torch.float64} | options)


def draw(n, t=4, side=32, seed=0):
    g = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, side, side, generator=g, dtype=torch.float64)
    return images, torch.randint(1, 8, (n, t), generator=g)


def coloured_cells(n, seed):
    """Pictures with a red, a green and a blue cell of a 4 x 4 grid, light or dark; question 1, 2 or 3 asks
    for the shade of one.
    """
    g = torch.Generator().manual_seed(seed)
    images = torch.zeros(n, 3, 4, 4)
    cells = torch.stack([torch.randperm(PLACES, generator=g)[:3] for _ in range(n)])
    for colour in range(3):
        images[torch.arange(n), colour, cells[:, colour] // 4, cells[:, colour] % 4] = 1.0
    shade = torch.randint(0, 2, (n, 3), generator=g)
    images = images * (0.5 + 0.5 * shade[:, :, None, None])
    images = images.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    asked = torch.randint(0, 3, (n,), generator=g)
    return images, asked[:, None] + 1, shade[torch.arange(n), asked]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_film_is_its_equation_at_every_place(n, dim, channels, side, seed):
    torch.manual_seed(seed)
    film = FiLM(dim, channels, dtype=torch.float64)
    x = torch.randn(n, channels, side, side + 1, dtype=torch.float64)
    condition = torch.randn(n, dim, dtype=torch.float64)
    both = condition @ film.linear.weight.T + film.linear.bias
    y = film(x, condition)
    for i in range(n):
        for c in range(channels):
            expected = (1 + both[i, c]) * x[i, c] + both[i, channels + c]
            assert_close(y[i, c], expected, f"example {i}, channel {c}", 1e-12, 1e-12)


def test_it_is_the_same_net_in_torch_nn():
    net = model(blocks=1).eval()
    images, questions = draw(3)
    eye = nn.Sequential(
        nn.Conv2d(3, 3, 3, 2, 1, bias=False), nn.BatchNorm2d(3), nn.ReLU(),
        nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
    ).double().eval()  # fmt: skip
    eye.load_state_dict(net.eye.state_dict())
    reader = nn.GRU(5, 5, batch_first=True).double()
    reader.load_state_dict(net.reader.state_dict())
    _, last = reader(net.embedding.weight[questions])
    block = net.blocks[0]
    x = nn.functional.conv2d(eye(images), block.conv1.weight, block.conv1.bias).relu()
    assert x.shape == (3, 6, 4, 4), "a place for each cell of a 4 x 4 grid"
    y = nn.functional.conv2d(x, block.conv2.weight, padding=1)
    y = y / (1 + block.norm.eps) ** 0.5  # no batch was seen yet: mean 0, variance 1
    gamma, beta = (last[0] @ block.film.linear.weight.T + block.film.linear.bias).chunk(2, dim=1)
    x = x + ((1 + gamma)[..., None, None] * y + beta[..., None, None]).relu()
    hidden, _, out = net.classifier
    h = (x.flatten(2).max(dim=2).values @ hidden.weight.T + hidden.bias).relu()
    assert_close(net(images, questions), h @ out.weight.T + out.bias, "logits", 1e-10, 1e-10)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 4), st.sampled_from([8, 20, 32]))
@settings(max_examples=12, deadline=None)
def test_padding_of_the_question_changes_nothing(n, t, more, side):
    net = model().eval()
    images, questions = draw(n, t, side)
    padded = torch.cat([questions, questions.new_zeros(n, more)], dim=1)
    logits = net(images, questions)
    assert logits.shape == (n, 5)
    assert_close(net(images, padded), logits, f"{more} tokens of padding", 1e-12, 1e-12)


def test_the_answer_depends_on_picture_question_and_the_order_of_words():
    net = model().eval()
    images, questions = draw(2)
    logits = net(images, questions)
    assert not torch.allclose(net(images.flip(0), questions), logits)
    assert not torch.allclose(net(images, questions.flip(0)), logits)
    assert not torch.allclose(net(images, questions.flip(1)), logits)


def test_gradients_are_those_of_finite_differences():
    net = model(blocks=1).eval()
    images, questions = draw(2, side=8)
    assert torch.autograd.gradcheck(
        lambda x, _: net(x, questions), (images.requires_grad_(), net.embedding.weight)
    )


def test_it_learns_to_look_where_it_is_asked():
    """The shade of the red, the green or the blue cell, wherever that is: of the question alone, a guess."""
    images, questions, y = coloured_cells(400, 0)
    torch.manual_seed(0)
    net = VQA(4, 2, channels=16, hidden_size=16, blocks=1)

    def loss(net, index, answer):
        return nn.functional.cross_entropy(net(images[index], questions[index]), answer)

    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    options = {"loss": loss, "optimizer": optimizer, "steps": 120, "batch_size": 40, "seed": 0}
    training.teach(net, (torch.arange(400), y), progress=False, **options)
    new_images, new_questions, new_y = coloured_cells(200, 1)
    with torch.no_grad():
        right = (net.eval()(new_images, new_questions).argmax(dim=1) == new_y).float().mean().item()
        other = (net(new_images, new_questions % 3 + 1).argmax(dim=1) == new_y).float().mean().item()
    assert right > 0.9, f"{right:.2f} right"
    assert other < 0.7, f"{other:.2f} right though asked of another cell"


def test_its_state_makes_an_equal_model():
    net = model()
    net(*draw(4))  # moves the running statistics
    torch.manual_seed(1)
    other = VQA(8, 5, channels=6, hidden_size=5, dtype=torch.float64)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other.eval()(*draw(3)), net.eval()(*draw(3)))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: VQA(0, 5), "num_embeddings must be 1 or more"),
        (ValueError, lambda: VQA(8, 0), "VQA: num_classes must be 1 or more, got 0"),
        (ValueError, lambda: VQA(8, 5, blocks=0), "VQA: blocks must be 1 or more"),
        (TypeError, lambda: VQA(8, 5, padding=0.5), "VQA: padding must be an integer"),
        (ValueError, lambda: VQA(8, 5, channels=1), "channels must be 2 or more"),
        (ValueError, lambda: FiLM(0, 3), "FiLM: condition_dim must be 1 or more"),
        (ValueError, lambda: model()(draw(2)[0][0], draw(2)[1]), r"image must be \(n, in_channels, h, w\)"),
        (TypeError, lambda: model()(draw(2)[1], draw(2)[1]), "image must have a floating-point dtype"),
        (ValueError, lambda: model()(draw(2)[0], draw(3)[1]), "question must have image's batch size=2"),
        (ValueError, lambda: model()(draw(2)[0], draw(2)[1][:, 0]), r"question must be \(n, t\)"),
        (ValueError, lambda: model()(draw(2)[0], draw(2)[1] + 7), "input must be in 0 ... 7"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
