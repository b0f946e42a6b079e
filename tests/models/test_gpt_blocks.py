"""What GPT-1 and GPT-2 share: nobody looks ahead, nothing is forgotten, and padding is not seen."""

import copy
import pickle

import pytest
import torch
from originals import assert_close

from course_lib import layers, optim
from course_lib.models.gpt1 import gpt1
from course_lib.models.gpt2 import gpt2
from course_lib.models.gpt_blocks import Conv1D
from course_lib.models.token_losses import causal_lm_loss

SIZES = {"vocab_size": 23, "n_positions": 12, "n_embd": 24, "n_layer": 3, "n_head": 4}
both = pytest.mark.parametrize("make", [gpt1, gpt2])


def tiny(make, seed=0, **options):
    """A net in evaluation whose weights are so large that every token matters."""
    torch.manual_seed(seed)
    net = make(**SIZES | options).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return net


def random_tokens(n=3, t=9, seed=1):
    return torch.randint(23, (n, t), generator=torch.Generator().manual_seed(seed))


def test_conv1d_is_a_linear_layer_with_its_weight_on_its_side():
    torch.manual_seed(0)
    layer, linear = Conv1D(5, 7), layers.Linear(5, 7)
    assert layer.weight.shape == (5, 7)
    assert not layer.bias.any()
    layer.load_state_dict({"weight": linear.weight.T, "bias": linear.bias})
    x = torch.randn(2, 3, 5)
    assert_close(layer(x), linear(x), "Conv1D", atol=1e-6)
    assert repr(layer) == "Conv1D(in_features=5, out_features=7)"


@both
@pytest.mark.parametrize("position", range(1, 9))
def test_no_token_changes_what_is_said_before_it(make, position):
    net, tokens = tiny(make), random_tokens()
    other = tokens.clone()
    other[:, position] = (tokens[:, position] + 1) % 23
    before, after = net(tokens), net(other)
    assert_close(after[:, :position], before[:, :position], f"logits before token {position}", atol=1e-12)
    changed = (after[:, position:] - before[:, position:]).abs().amax(dim=-1)
    assert changed.min() > 1e-4, f"token {position} matters to itself and to all behind it"


@both
def test_a_beginning_says_what_it_says_within_the_whole(make):
    net, tokens = tiny(make), random_tokens()
    whole = net(tokens)
    for t in range(1, 10):
        assert_close(net(tokens[:, :t]), whole[:, :t], f"the first {t} tokens", atol=1e-12)


@both
@pytest.mark.parametrize("cuts", [[1] * 9, [4, 5], [3, 1, 4, 1], [9], [8, 1], [1, 8]])
def test_read_in_parts_with_a_cache_is_read_at_once(make, cuts):
    net, tokens = tiny(make), random_tokens()
    parts, cache = [], None
    for part in tokens.split(cuts, dim=1):
        logits, cache = net.with_cache(part, cache)
        parts.append(logits)
    assert_close(torch.cat(parts, dim=1), net(tokens), f"parts of {cuts}", atol=1e-12)
    assert [tuple(each.shape) for pair in cache for each in pair] == [(3, 4, 9, 6)] * 6


@both
def test_a_cache_can_be_continued_twice(make):
    net, tokens = tiny(make), random_tokens()
    _, cache = net.with_cache(tokens[:, :6])
    kept = [tuple(each.clone() for each in pair) for pair in cache]
    first, _ = net.with_cache(tokens[:, 6:], cache)
    for mine, theirs in zip(cache, kept, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True)), "the cache is left alone"
    assert torch.equal(net.with_cache(tokens[:, 6:], cache)[0], first)


@both
def test_padding_behind_the_text_changes_nothing(make):
    net, tokens = tiny(make), random_tokens(n=1)
    padded = torch.cat([tokens, torch.zeros(1, 3, dtype=torch.long)], dim=1)
    mask = torch.tensor([[1] * 9 + [0] * 3])
    assert_close(net(padded, mask)[:, :9], net(tokens), "with padding", atol=1e-12)


@both
def test_a_masked_token_is_not_seen(make):
    net, tokens = tiny(make), random_tokens()
    other = tokens.clone()
    other[:, 2] = (tokens[:, 2] + 1) % 23
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[:, 2] = False
    seen = mask[0]
    assert_close(net(other, mask)[:, seen], net(tokens, mask)[:, seen], "without token 2", atol=1e-12)
    assert not torch.allclose(net(other)[:, 3:], net(tokens)[:, 3:])


@both
def test_text_masked_from_the_first_token_gives_numbers(make):
    net = tiny(make)
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    assert net(random_tokens(2, 4), mask).isfinite().all(), "padding in front, which looks nowhere"


@both
def test_the_logits_share_the_table_of_the_tokens(make):
    net = tiny(make)
    table = net.transformer.embeddings()[0].weight
    for way, copied in {
        "as made": net,
        "deepcopy": copy.deepcopy(net),
        "pickle": pickle.loads(pickle.dumps(net)),
    }.items():
        assert copied.lm_head.weight is copied.transformer.embeddings()[0].weight, way
        assert_close(copied(random_tokens()), net(random_tokens()), way)
    assert_close(net(random_tokens()), net.transformer(random_tokens()) @ table.T, "logits", atol=1e-12)


@both
def test_the_state_makes_another_net_the_same(make):
    net, other = tiny(make), tiny(make, seed=5)
    tokens = random_tokens()
    assert not torch.allclose(net(tokens), other(tokens))
    other.load_state_dict(net.state_dict())
    assert torch.equal(net(tokens), other(tokens))
    assert other.lm_head.weight is other.transformer.embeddings()[0].weight


@both
def test_gradients_reach_every_parameter_and_are_right(make):
    net, tokens = tiny(make, n_layer=2, n_embd=8, n_head=2), random_tokens(2, 12)
    causal_lm_loss(net(tokens), tokens).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.any(), f"the gradient of {name} is 0"
        with torch.no_grad():
            direction, step = torch.randn_like(parameter), 1e-5
            losses = []
            for sign in (1, -2):
                parameter.add_(sign * step * direction)
                losses.append(causal_lm_loss(net(tokens), tokens).item())
            parameter.add_(step * direction)
        slope = (losses[0] - losses[1]) / (2 * step)
        assert slope == pytest.approx((parameter.grad * direction).sum().item(), rel=1e-5, abs=1e-8), name


@both
def test_dropout_is_for_training_only(make):
    net, tokens = tiny(make, dropout=0.5), random_tokens()
    assert torch.equal(net(tokens), net(tokens))
    net.train()
    assert not torch.allclose(net(tokens), net(tokens))
    never = tiny(make, dropout=0.0)
    assert_close(never.train()(tokens), never.eval()(tokens), "dropout 0", atol=1e-12)


@both
def test_a_small_net_learns_a_text_by_heart(make):
    torch.manual_seed(0)
    net = make(**SIZES | {"dropout": 0.0, "n_layer": 2})
    tokens = random_tokens(4, 12)
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(causal_lm_loss(net(tokens), tokens))
        losses[-1].backward()
        optimizer.step()
    assert losses[0].item() == pytest.approx(torch.tensor(23.0).log().item(), abs=0.5), (
        "nothing is known at first"
    )
    assert losses[-1] < 0.2 * losses[0], f"from {losses[0]:.2f} to {losses[-1]:.2f}"


@both
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
@pytest.mark.parametrize("shape", [(1, 1), (2, 12), (0, 3)])
def test_shapes_and_dtypes(make, shape, dtype):
    net = make(**SIZES, dtype=torch.float64)
    logits = net(torch.zeros(shape, dtype=dtype))
    assert logits.shape == (*shape, 23)
    assert logits.dtype == torch.float64
    assert net.transformer(torch.zeros(shape, dtype=dtype)).shape == (*shape, 24)
    assert net.n_positions == 12


@both
@pytest.mark.parametrize(
    ("error", "tokens", "words"),
    [
        (TypeError, [[1, 2]], "tokens must be a torch.Tensor, got list"),
        (TypeError, torch.ones(1, 2), "must be of dtype int64 or int32, got torch.float32"),
        (
            ValueError,
            torch.zeros(3).long(),
            r"tokens must be \(n, t\), t from 1 to n_positions=12, got.*\(3,\)",
        ),
        (ValueError, torch.zeros(1, 0).long(), r"t from 1 to n_positions=12, got shape \(1, 0\)"),
        (ValueError, torch.zeros(1, 13).long(), r"t from 1 to n_positions=12, got shape \(1, 13\)"),
        (ValueError, torch.tensor([[23]]), "must be in 0 ... 22 .*, got 23"),
        (ValueError, torch.tensor([[-1]]), "must be in 0 ... 22 .*, got -1"),
    ],
)
def test_bad_tokens_are_named(make, error, tokens, words):
    with pytest.raises(error, match=words):
        make(**SIZES)(tokens)


@both
def test_what_does_not_fit_the_cache_is_named(make):
    net = make(**SIZES)
    _, cache = net.with_cache(torch.zeros(2, 10, dtype=torch.long))
    with pytest.raises(ValueError, match=r"t from 1 to n_positions=12 - 10 in the cache, got shape \(2, 3\)"):
        net.with_cache(torch.zeros(2, 3, dtype=torch.long), cache)
    with pytest.raises(ValueError, match=r"tokens must have n=2, as the cache, got shape \(1, 2\)"):
        net.with_cache(torch.zeros(1, 2, dtype=torch.long), cache)
