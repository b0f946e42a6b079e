"""GPT-1 and GPT-2 against Hugging Face's OpenAIGPTLMHeadModel and GPT2LMHeadModel, with the same weights."""

import pytest
import torch
from transformers_models import (
    GPT_SIZES,
    assert_gradients_near,
    assert_near,
    random_tokens,
    right_padded,
    twin,
)

from course_lib.models.gpt1 import gpt1
from course_lib.models.gpt2 import gpt2

PAIRS = {1: (gpt1, "OpenAIGPTLMHeadModel"), 2: (gpt2, "GPT2LMHeadModel")}
both = pytest.mark.parametrize("number", PAIRS)


def twins(number, seed=0, **options):
    """Their net and ours, in evaluation, with the same weights."""
    ours_of, name = PAIRS[number]
    theirs = twin(name, seed, **options)
    ours = ours_of(**GPT_SIZES | options).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


@both
@pytest.mark.parametrize("t", [1, 5, 12])
def test_the_same_weights_give_the_same_logits(number, t):
    theirs, ours = twins(number)
    tokens = random_tokens(t=t)
    assert_near(ours(tokens), theirs(tokens).logits, f"logits of {t} tokens")
    assert_near(ours.transformer(tokens), theirs.transformer(tokens).last_hidden_state, "vectors")


@both
@pytest.mark.parametrize(("n_embd", "n_head", "n_layer"), [(8, 1, 1), (24, 2, 2), (30, 6, 4)])
def test_other_sizes_too_and_our_weights_there(number, n_embd, n_head, n_layer):
    theirs, ours = twins(number, seed=n_head, n_embd=n_embd, n_head=n_head, n_layer=n_layer)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(0.9).add_(0.05)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert_near(ours(random_tokens()), theirs(random_tokens()).logits, "with our weights")


@both
def test_with_padding_the_tokens_get_the_same_logits(number):
    theirs, ours = twins(number)
    tokens, mask = random_tokens(), right_padded()
    real = mask.bool()
    for each in (mask, real):
        expected = theirs(tokens, attention_mask=mask).logits
        assert_near(ours(tokens, each)[real], expected[real], f"logits of tokens, mask {each.dtype}")


@both
def test_the_same_seed_drops_the_same_in_training(number):
    theirs, ours = twins(number)
    tokens, outputs = random_tokens(), []
    for run in (lambda: ours.train()(tokens), lambda: theirs.train()(tokens).logits):
        torch.manual_seed(3)
        outputs.append(run())
    assert_near(*outputs, "logits in training")


@both
def test_gradients_are_theirs(number):
    theirs, ours = twins(number)
    tokens = random_tokens()
    theirs(tokens).logits.square().mean().backward()
    ours(tokens).square().mean().backward()
    assert_gradients_near(ours, theirs)


def test_a_cache_holds_what_theirs_does():
    theirs, ours = twins(2)
    tokens = random_tokens()
    past = theirs(tokens, use_cache=True).past_key_values
    _, cache = ours.with_cache(tokens)
    for number, (mine, layer) in enumerate(zip(cache, past.layers, strict=True)):
        assert_near(mine[0], layer.keys, f"keys of block {number}")
        assert_near(mine[1], layer.values, f"values of block {number}")
