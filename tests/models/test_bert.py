"""BERT's body against Hugging Face's, with the same weights; it looks both ways, and not at padding."""

import pytest
import torch
from originals import assert_close
from transformers_models import (
    BERT_SIZES,
    assert_gradients_near,
    assert_near,
    assert_same_names,
    of_full_size,
    random_tokens,
    right_padded,
    twin,
)

from course_lib.models.bert import Bert, bert
from course_lib.models.bert_config import BertConfig


def twins(seed=0, **options):
    """Their net and ours, in evaluation, with the same weights."""
    theirs = twin("BertModel", seed, **options)
    ours = bert(**BERT_SIZES | options).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def segments(tokens):
    """The first four tokens are the first sentence, the others the second."""
    return (torch.arange(tokens.shape[1]) >= 4).long().expand_as(tokens)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("bert-base", {}),
        (
            "bert-large",
            {
                "hidden_size": 1024,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "intermediate_size": 4096,
            },
        ),
    ],
)
def test_published_sizes_have_hugging_faces_names_and_shapes(name, sizes):
    assert_same_names(bert(name, device="meta"), of_full_size("BertModel", **sizes), name)


@pytest.mark.parametrize("t", [1, 5, 12])
@pytest.mark.parametrize("pair", [False, True])
def test_the_same_weights_give_the_same_vectors(t, pair):
    theirs, ours = twins()
    tokens = random_tokens(t=t)
    types = segments(tokens) if pair else None
    expected, got = theirs(tokens, token_type_ids=types), ours(tokens, token_type_ids=types)
    assert_near(got, expected.last_hidden_state, f"vectors of {t} tokens")
    assert_near(ours.pooled(got), expected.pooler_output, "what the pooler makes of [CLS]")


@pytest.mark.parametrize(("hidden_size", "heads", "blocks"), [(8, 1, 1), (24, 2, 2), (30, 6, 4)])
def test_other_sizes_too_and_our_weights_there(hidden_size, heads, blocks):
    options = {"hidden_size": hidden_size, "num_attention_heads": heads, "num_hidden_layers": blocks}
    theirs, ours = twins(seed=heads, **options)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(0.9).add_(0.05)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    assert_near(ours(random_tokens()), theirs(random_tokens()).last_hidden_state, "with our weights")


def test_with_padding_the_tokens_get_the_same_vectors():
    theirs, ours = twins()
    tokens, mask = random_tokens(), right_padded()
    real = mask.bool()
    expected = theirs(tokens, attention_mask=mask).last_hidden_state
    for each in (mask, real):
        assert_near(ours(tokens, each)[real], expected[real], f"vectors of tokens, mask {each.dtype}")
    alone = ours(tokens[1:2, : int(mask[1].sum())])
    assert_close(ours(tokens, mask)[1:2, : alone.shape[1]], alone, "as without padding", atol=1e-5)


def test_the_same_seed_drops_the_same_in_training():
    theirs, ours = twins()
    tokens, outputs = random_tokens(), []
    for run in (lambda: ours.train()(tokens), lambda: theirs.train()(tokens).last_hidden_state):
        torch.manual_seed(3)
        outputs.append(run())
    assert_near(*outputs, "vectors in training")


def test_gradients_are_theirs():
    theirs, ours = twins()
    tokens = random_tokens()
    expected = theirs(tokens, token_type_ids=segments(tokens))
    (expected.last_hidden_state.sum(-1).square().mean() + expected.pooler_output.sum()).backward()
    got = ours(tokens, token_type_ids=segments(tokens))
    (got.sum(-1).square().mean() + ours.pooled(got).sum()).backward()
    assert_gradients_near(ours, theirs)


def test_every_token_knows_of_every_other():
    _, ours = twins()
    ours, tokens = ours.double(), random_tokens()
    before = ours(tokens)
    for position in range(9):
        other = tokens.clone()
        other[:, position] = (tokens[:, position] + 1) % 23
        changed = (ours(other) - before).abs().amax(dim=-1)
        assert changed.min() > 1e-4, f"token {position} matters to those before it, too"


def test_the_vector_of_padding_starts_at_0_and_is_not_learned_by_being_read():
    tokens = torch.tensor([[3, 5, 0, 0]])
    net = bert(**BERT_SIZES)
    table = net.embeddings.word_embeddings.weight
    assert not table[0].any()
    net(tokens).square().sum().backward()
    assert not table.grad[0].any()
    assert table.grad[3].any()
    free = bert(**BERT_SIZES, pad_token_id=None)
    table = free.embeddings.word_embeddings.weight
    assert table[0].any()
    free(tokens).sum(-1).square().sum().backward()
    assert table.grad[0].any(), "without a padding token, 0 is a word like any"


def test_weights_start_as_a_normal_distribution_cut_at_two_deviations():
    torch.manual_seed(0)
    sizes = {"vocab_size": 300, "hidden_size": 64, "intermediate_size": 99}
    net = bert(**BERT_SIZES | sizes, pad_token_id=None)
    for name, parameter in net.named_parameters():
        if parameter.ndim == 1:
            assert set(parameter.tolist()) == {float(name.endswith("LayerNorm.weight"))}, name
        else:
            assert parameter.abs().max() <= 0.04, name
            if parameter.numel() > 1000:  # the deviation of what is left of N(0, 0.02^2)
                assert parameter.std().item() == pytest.approx(0.8796 * 0.02, rel=0.05), name


@pytest.mark.parametrize("shape", [(1, 1), (2, 12), (0, 3)])
def test_shapes_and_dtypes(shape):
    net = bert(**BERT_SIZES, dtype=torch.float64)
    vectors = net(torch.zeros(shape, dtype=torch.int32))
    assert vectors.shape == (*shape, 24)
    assert vectors.dtype == torch.float64
    assert net.pooled(vectors).shape == (shape[0], 24)


TOKENS = torch.zeros(2, 3, dtype=torch.long)


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (TypeError, ([[1, 2]],), "Bert: tokens must be a torch.Tensor, got list"),
        (TypeError, (torch.ones(1, 2),), "must be of dtype int64 or int32, got torch.float32"),
        (
            ValueError,
            (TOKENS[0],),
            r"tokens must be \(n, t\), t from 1 to max_position_embeddings=12.*\(3,\)",
        ),
        (ValueError, (TOKENS[:, :0],), r"t from 1 to max_position_embeddings=12, got shape \(2, 0\)"),
        (ValueError, (torch.zeros(1, 13).long(),), r"max_position_embeddings=12, got shape \(1, 13\)"),
        (ValueError, (TOKENS + 23,), "must be in 0 ... 22 .*, got 23"),
        (
            ValueError,
            (TOKENS, TOKENS[:, 1:]),
            r"attention_mask must have tokens' shape \(2, 3\), got \(2, 2\)",
        ),
        (TypeError, (TOKENS, TOKENS.float()), "attention_mask must hold booleans or integers"),
        (
            ValueError,
            (TOKENS, None, TOKENS[0]),
            r"token_type_ids must have tokens' shape \(2, 3\), got \(3,\)",
        ),
        (ValueError, (TOKENS, None, TOKENS + 2), "must be in 0 ... 1 .*, got 2"),
        (TypeError, (TOKENS, None, [0]), "token_type_ids must be a torch.Tensor, got list"),
    ],
)
def test_bad_inputs_are_named(error, arguments, words):
    with pytest.raises(error, match=words):
        bert(**BERT_SIZES)(*arguments)


def test_other_names_and_configs_are_refused():
    with pytest.raises(ValueError, match="bert: name must be one of 'bert-base', 'bert-large', got 'bert'"):
        bert("bert")
    with pytest.raises(TypeError, match="Bert: config must be a BertConfig, got dict"):
        Bert(BERT_SIZES)
    with pytest.raises(AttributeError, match="pooler"):
        Bert(BertConfig(**BERT_SIZES), add_pooling_layer=False).pooled(torch.zeros(1, 2, 24))
