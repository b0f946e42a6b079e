"""GPT-2 against Hugging Face's GPT2LMHeadModel, with the same weights."""

import pytest
import torch
from transformers_models import (
    GPT_SIZES,
    assert_near,
    assert_same_names,
    of_full_size,
    random_tokens,
    right_padded,
    twin,
)

from course_lib.models.gpt2 import GPT2, gpt2
from course_lib.models.gpt_config import GPT1Config


def twins(seed=0, **options):
    """Their net and ours, in evaluation, with the same weights."""
    theirs = twin("GPT2LMHeadModel", seed, **options)
    ours = gpt2(**GPT_SIZES | options).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def test_the_published_size_has_hugging_faces_names_and_shapes():
    assert_same_names(gpt2(device="meta"), of_full_size("GPT2LMHeadModel"), "GPT-2")


@pytest.mark.parametrize("t", [1, 5, 12])
def test_the_same_weights_give_the_same_logits(t):
    theirs, ours = twins()
    tokens = random_tokens(t=t)
    assert_near(ours(tokens), theirs(tokens).logits, f"logits of {t} tokens")
    assert_near(ours.transformer(tokens), theirs.transformer(tokens).last_hidden_state, "vectors")


@pytest.mark.parametrize(("n_embd", "n_head", "n_layer"), [(8, 1, 1), (24, 2, 2), (30, 6, 4)])
def test_other_sizes_too_and_our_weights_there(n_embd, n_head, n_layer):
    theirs, ours = twins(seed=n_head, n_embd=n_embd, n_head=n_head, n_layer=n_layer)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(0.9).add_(0.05)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert_near(ours(random_tokens()), theirs(random_tokens()).logits, "with our weights")


def test_with_padding_the_tokens_get_the_same_logits():
    theirs, ours = twins()
    tokens, mask = random_tokens(), right_padded()
    real = mask.bool()
    for each in (mask, real):
        expected = theirs(tokens, attention_mask=mask).logits
        assert_near(ours(tokens, each)[real], expected[real], f"logits of tokens, mask {each.dtype}")


def test_the_same_seed_drops_the_same_in_training():
    theirs, ours = twins()
    tokens, outputs = random_tokens(), []
    for run in (lambda: ours.train()(tokens), lambda: theirs.train()(tokens).logits):
        torch.manual_seed(3)
        outputs.append(run())
    assert_near(*outputs, "logits in training")


def test_gradients_are_theirs():
    theirs, ours = twins()
    tokens = random_tokens()
    theirs(tokens).logits.square().mean().backward()
    ours(tokens).square().mean().backward()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        scale = other.grad.abs().max().item()
        torch.testing.assert_close(
            mine.grad, other.grad, rtol=0, atol=1e-4 * scale + 1e-6, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gpt2-medium", {"n_embd": 1024, "n_layer": 24, "n_head": 16}),
        ("gpt2-xl", {"n_embd": 1600, "n_layer": 48, "n_head": 25}),
    ],
)
def test_larger_sizes_have_hugging_faces_names_and_shapes(name, options):
    assert_same_names(gpt2(name, device="meta"), of_full_size("GPT2LMHeadModel", **options), name)


def test_a_cache_holds_what_theirs_does():
    theirs, ours = twins()
    tokens = random_tokens()
    past = theirs(tokens, use_cache=True).past_key_values
    _, cache = ours.with_cache(tokens)
    for number, (mine, layer) in enumerate(zip(cache, past.layers, strict=True)):
        assert_near(mine[0], layer.keys, f"keys of block {number}")
        assert_near(mine[1], layer.values, f"values of block {number}")


def test_the_last_layers_of_blocks_start_smaller_the_more_blocks_there_are():
    torch.manual_seed(0)
    net = gpt2(vocab_size=300, n_positions=50, n_embd=64, n_layer=8, n_head=4)
    for name, parameter in net.named_parameters():
        if parameter.ndim == 1:
            assert set(parameter.tolist()) == {float("ln" in name and name.endswith("weight"))}, name
        else:
            expected = 0.02 / 4 if "c_proj" in name else 0.02
            assert parameter.std().item() == pytest.approx(expected, rel=0.05), name


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"gpt2: name must be one of 'gpt2', 'gpt2-medium', .*got 'gpt1'"):
        gpt2("gpt1")


@pytest.mark.parametrize("config", [GPT1Config(**GPT_SIZES), GPT_SIZES, None])
def test_a_config_of_another_kind_is_refused(config):
    with pytest.raises(TypeError, match="GPT2: config must be a GPT2Config, got "):
        GPT2(config)
