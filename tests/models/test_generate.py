"""Writing: with a cache as without, as Hugging Face does, and as drawing by hand."""

import pytest
import torch
from torch import nn
from transformers_models import GPT_SIZES, POSITIONS, random_tokens, transformers, twin

from course_lib.models.generate import generate
from course_lib.models.gpt1 import gpt1
from course_lib.models.gpt2 import gpt2
from course_lib.models.sample_tokens import sample_tokens

both = pytest.mark.parametrize(
    ("make", "theirs"), [(gpt1, "OpenAIGPTLMHeadModel"), (gpt2, "GPT2LMHeadModel")]
)
ways = pytest.mark.parametrize(
    "way",
    [
        {"temperature": 0},
        {},
        {"temperature": 0.5, "top_k": 5},
        {"temperature": 1.5, "top_p": 0.8},
        {"top_k": 9, "top_p": 0.5},
    ],
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def lively(make, theirs):
    """Our net with weights so large that every token matters, and Hugging Face's with the same."""
    reference = twin(theirs)
    net = make(**GPT_SIZES)
    net.load_state_dict(reference.state_dict())
    return net.eval(), reference


class Counting(nn.Module):
    """Surely says the token after the last, and counts how many tokens it has had to read."""

    def __init__(self, vocabulary=10):
        super().__init__()
        self.vocabulary, self.read = vocabulary, []

    def forward(self, tokens):
        self.read.append(tokens.shape[1])
        return 50 * nn.functional.one_hot((tokens + 1) % self.vocabulary, self.vocabulary).float()


@both
@ways
def test_with_and_without_a_cache_the_same_is_written(make, theirs, way):
    net, _ = lively(make, theirs)
    for t, new in ((1, 11), (4, 8), (9, 0), (12, 3), (4, 20), (20, 2)):
        tokens = random_tokens(2, t)
        texts = [
            generate(net, tokens, new, **way, generator=seeded(), cache=cache) for cache in (True, False)
        ]
        assert torch.equal(*texts), f"{t} tokens, {new} new"
        assert texts[0].shape == (2, t + new)
        assert torch.equal(texts[0][:, :t], tokens), "the beginning is kept"


@both
def test_greedy_text_is_hugging_faces(make, theirs):
    net, reference = lively(make, theirs)
    tokens = random_tokens(3, 4)
    expected = reference.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        generation_config=transformers.GenerationConfig(max_new_tokens=8, do_sample=False, pad_token_id=0),
    )
    assert torch.equal(generate(net, tokens, 8, temperature=0), expected)


@both
def test_each_token_is_drawn_from_what_the_model_says_of_all_before_it(make, theirs):
    net, _ = lively(make, theirs)
    text, generator = random_tokens(2, 3), seeded(3)
    written = generate(net, text, 6, temperature=0.7, top_k=8, generator=seeded(3))
    for _ in range(6):
        drawn = sample_tokens(net(text)[:, -1], 0.7, 8, generator=generator)
        text = torch.cat([text, drawn[:, None]], dim=1)
    assert torch.equal(written, text)


def test_the_cache_saves_the_reading():
    net, _ = lively(gpt2, "GPT2LMHeadModel")
    read = []
    net.transformer.drop.register_forward_hook(lambda module, inputs, output: read.append(output.shape[1]))
    generate(net, random_tokens(1, 5), 4)
    assert read == [5, 1, 1, 1]
    read.clear()
    generate(net, random_tokens(1, 5), 4, cache=False)
    assert read == [5, 6, 7, 8]
    read.clear()
    generate(net, random_tokens(1, 10), 5)
    assert read == [10, 1, 1, POSITIONS, POSITIONS], "beyond n_positions all is read again"


def test_any_module_can_write_without_a_cache():
    counting = Counting()
    tokens = torch.tensor([[3], [8]])
    assert generate(counting, tokens, 4, cache=False).tolist() == [[3, 4, 5, 6, 7], [8, 9, 0, 1, 2]]
    assert counting.read == [1, 2, 3, 4]
    assert tokens.tolist() == [[3], [8]], "the beginning itself is left alone"


def test_dropout_is_off_while_writing_and_modes_are_as_before():
    net = gpt2(**GPT_SIZES, dropout=0.9).train()
    net.transformer.h[1].eval()
    modes = [module.training for module in net.modules()]
    first, second = (generate(net, random_tokens(), 3, temperature=0) for _ in range(2))
    assert torch.equal(first, second)
    assert [module.training for module in net.modules()] == modes
    with pytest.raises(ValueError, match=r"must be in 0 \.\.\. 22"):
        generate(net, random_tokens() + 99, 3)
    assert [module.training for module in net.modules()] == modes, "after an error, too"


def test_writing_makes_no_graph_and_the_seed_decides():
    net = gpt1(**GPT_SIZES)
    one, same, other = (generate(net, random_tokens(), 3, generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    torch.manual_seed(5)
    drawn = generate(net, random_tokens(), 3)
    torch.manual_seed(5)
    assert torch.equal(generate(net, random_tokens(), 3), drawn)
    assert all(parameter.grad is None for parameter in net.parameters())


NET, TOKENS = gpt2(**GPT_SIZES), random_tokens()


@pytest.mark.parametrize(
    ("error", "arguments", "options", "words"),
    [
        (TypeError, (abs, TOKENS, 2), {}, "model must be a torch.nn.Module, got builtin_function"),
        (
            TypeError,
            (Counting(), TOKENS, 2),
            {},
            r"must be a GPT with cache=True \(pass cache=False\), got Cou",
        ),
        (TypeError, (NET, [[1]], 2), {}, "generate: tokens must be a torch.Tensor, got list"),
        (TypeError, (NET, TOKENS.float(), 2), {}, "tokens must be of dtype torch.int64, got torch.float32"),
        (ValueError, (NET, TOKENS[0], 2), {}, r"tokens must be \(n, t\), t of 1 or more, got shape \(9,\)"),
        (ValueError, (NET, TOKENS[:, :0], 2), {}, r"t of 1 or more, got shape \(3, 0\)"),
        (ValueError, (NET, TOKENS, -1), {}, "max_new_tokens must be 0 or more, got -1"),
        (TypeError, (NET, TOKENS, 2.0), {}, "max_new_tokens must be an integer, got 2.0"),
        (ValueError, (NET, TOKENS, 2), {"temperature": -1}, "temperature must be 0 or more"),
        (ValueError, (NET, TOKENS, 2), {"top_k": 0}, "k must be 1 or more, got 0"),
        (ValueError, (NET, TOKENS, 2), {"top_p": 2}, "p must be from 0 to 1, got 2"),
    ],
)
def test_bad_calls_of_generate_are_named(error, arguments, options, words):
    with pytest.raises(error, match=words):
        generate(*arguments, **options)
