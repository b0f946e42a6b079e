"""GPT-1 against Hugging Face's OpenAIGPTLMHeadModel, with the same weights."""

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

from course_lib.models.gpt1 import GPT1, gpt1
from course_lib.models.gpt_config import GPT2Config


def twins(seed=0, **options):
    """Their net and ours, in evaluation, with the same weights."""
    theirs = twin("OpenAIGPTLMHeadModel", seed, **options)
    ours = gpt1(**GPT_SIZES | options).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def test_the_published_size_has_hugging_faces_names_and_shapes():
    assert_same_names(gpt1(device="meta"), of_full_size("OpenAIGPTLMHeadModel"), "GPT-1")


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


def test_weights_start_small_and_norms_as_the_identity():
    torch.manual_seed(0)
    net = gpt1(vocab_size=300, n_positions=50, n_embd=64, n_layer=2, n_head=4)
    for name, parameter in net.named_parameters():
        if parameter.ndim == 1:
            assert set(parameter.tolist()) == {float("ln" in name and name.endswith("weight"))}, name
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name


@pytest.mark.parametrize("config", [GPT2Config(**GPT_SIZES), GPT_SIZES, None])
def test_a_config_of_another_kind_is_refused(config):
    with pytest.raises(TypeError, match="GPT1: config must be a GPT1Config, got "):
        GPT1(config)
