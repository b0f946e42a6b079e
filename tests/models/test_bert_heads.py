"""BERT's heads against Hugging Face's classes of the same names, with the same weights."""

import copy

import pytest
import torch
from transformers_models import (
    BERT_SIZES,
    assert_near,
    assert_same_names,
    of_full_size,
    random_tokens,
    right_padded,
    twin,
)

from course_lib import layers, optim
from course_lib.models import bert_heads
from course_lib.models.bert_config import BERT_CONFIGS, BertConfig
from course_lib.models.bert_heads import (
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertForTokenClassification,
)
from course_lib.models.mask_tokens import mask_tokens
from course_lib.models.token_losses import token_loss

CONFIG = BertConfig(**BERT_SIZES)
OUTPUTS = {
    "BertForSequenceClassification": ["logits"],
    "BertForTokenClassification": ["logits"],
    "BertForQuestionAnswering": ["start_logits", "end_logits"],
    "BertForMaskedLM": ["logits"],
    "BertForNextSentencePrediction": ["logits"],
    "BertForPreTraining": ["prediction_logits", "seq_relationship_logits"],
}
every_head = pytest.mark.parametrize("name", OUTPUTS)
labelled = pytest.mark.parametrize("kind", [BertForSequenceClassification, BertForTokenClassification])


def outputs(name, result):
    """By name, from a tensor or a named tuple of them."""
    return {"logits": result} if isinstance(result, torch.Tensor) else result._asdict()


def twins(name, **options):
    theirs = twin(name, **options)
    ours = getattr(bert_heads, name)(CONFIG, **options).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


@every_head
def test_at_full_size_names_and_shapes_are_hugging_faces(name):
    ours = getattr(bert_heads, name)(BERT_CONFIGS["bert-base"], device="meta")
    assert_same_names(ours, of_full_size(name), name)


@every_head
@pytest.mark.parametrize("padded", [False, True])
def test_the_same_weights_give_the_same_outputs(name, padded):
    theirs, ours = twins(name)
    tokens, mask = random_tokens(), right_padded() if padded else None
    types = (torch.arange(9) >= 4).long().expand_as(tokens)
    expected = theirs(tokens, attention_mask=mask, token_type_ids=types)
    got = outputs(name, ours(tokens, mask, types))
    assert list(got) == OUTPUTS[name]
    for key, value in got.items():
        reference = expected[key]
        if padded and value.shape[:2] == tokens.shape:
            value, reference = value[mask.bool()], reference[mask.bool()]
        assert_near(value, reference, f"{name}: {key}")


@labelled
def test_any_number_of_labels(kind):
    theirs, ours = twins(kind.__name__, num_labels=5)
    assert_near(ours(random_tokens()), theirs(random_tokens()).logits, f"{kind.__name__} of 5")
    assert ours(random_tokens()).shape[-1] == 5


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertForPreTraining"])
def test_the_same_seed_drops_the_same_in_training(name):
    theirs, ours = twins(name)
    tokens, results = random_tokens(), []
    for net in (ours, theirs):
        torch.manual_seed(3)
        result = net.train()(tokens)
        results.append(result[0] if isinstance(result, tuple) else getattr(result, OUTPUTS[name][0], result))
    assert_near(*results, f"{name} in training")


@pytest.mark.parametrize("kind", [BertForMaskedLM, BertForPreTraining])
def test_what_a_word_is_read_as_is_what_it_is_guessed_by(kind):
    net = kind(CONFIG)
    for each in (net, copy.deepcopy(net)):
        predictions, words = each.cls["predictions"], each.bert.embeddings.word_embeddings
        assert predictions.decoder.weight is words.weight
        assert predictions.bias is predictions.decoder.bias
    head = net.cls["predictions"].transform
    extra = sum(p.numel() for p in net.parameters()) - sum(p.numel() for p in net.bert.parameters())
    expected = sum(p.numel() for p in head.parameters()) + CONFIG.vocab_size
    assert extra == expected + (2 * 24 + 2 if kind is BertForPreTraining else 0)


@every_head
def test_gradients_reach_every_parameter(name):
    torch.manual_seed(0)
    net = getattr(bert_heads, name)(CONFIG, dtype=torch.float64)
    result = outputs(name, net(random_tokens(), token_type_ids=torch.arange(9).remainder(2).expand(3, 9)))
    sum(value.square().sum() for value in result.values()).backward()
    for key, parameter in net.named_parameters():
        assert parameter.dtype == torch.float64, key
        if not key.endswith("key.bias"):  # adds the same to all scores of a query: softmax does not see it
            assert parameter.grad is not None, f"{name}: {key} has no gradient"
            assert parameter.grad.any(), f"{name}: the gradient of {key} is 0"


def test_a_small_net_learns_to_fill_the_gaps():
    torch.manual_seed(0)
    sizes = BERT_SIZES | {"num_hidden_layers": 2, "dropout": 0.0, "pad_token_id": None}
    net = BertForMaskedLM(BertConfig(**sizes))
    start = torch.randint(20, (64, 1), generator=torch.Generator().manual_seed(0))
    tokens = (start + torch.arange(8)) % 20  # each follows from any other
    optimizer, generator, losses = (
        optim.Adam(net.parameters(), lr=0.005),
        torch.Generator().manual_seed(1),
        [],
    )
    for _ in range(120):
        inputs, targets = mask_tokens(tokens, 22, 23, generator=generator)
        optimizer.zero_grad()
        losses.append(token_loss(net(inputs), targets))
        losses[-1].backward()
        optimizer.step()
    first, last = (torch.stack(part).mean().item() for part in (losses[:5], losses[-5:]))
    assert last < 0.3 * first, f"from {first:.2f} to {last:.2f}"


def test_a_small_net_learns_which_sentences_begin_alike():
    torch.manual_seed(0)
    net = BertForSequenceClassification(BertConfig(**BERT_SIZES | {"num_hidden_layers": 1, "dropout": 0.0}))
    tokens = torch.randint(1, 23, (64, 6), generator=torch.Generator().manual_seed(0))
    labels = (tokens[:, 3] > 11).long()
    optimizer = optim.Adam(net.parameters(), lr=0.005)
    for _ in range(60):
        optimizer.zero_grad()
        loss = layers.cross_entropy(net(tokens), labels)
        loss.backward()
        optimizer.step()
    assert (net(tokens).argmax(-1) == labels).double().mean() > 0.95, f"loss {loss.item():.2f}"


@labelled
@pytest.mark.parametrize(("error", "labels"), [(ValueError, 0), (TypeError, 2.0)])
def test_bad_numbers_of_labels_are_named(kind, error, labels):
    with pytest.raises(error, match=f"{kind.__name__}: num_labels must be .*, got {labels}"):
        kind(CONFIG, labels)


@every_head
def test_other_configs_are_refused(name):
    with pytest.raises(TypeError, match="config must be a BertConfig, got dict"):
        getattr(bert_heads, name)(BERT_SIZES)
