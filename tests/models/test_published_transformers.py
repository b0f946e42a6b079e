"""Published weights: what files hold besides and otherwise is put right, and what is wrong is refused."""

import copy

import pytest
import torch
from transformers_models import BERT_SIZES, GPT_SIZES, assert_near, random_tokens, twin

from course_lib import layers
from course_lib.models.bert import bert
from course_lib.models.bert_config import BertConfig
from course_lib.models.bert_heads import (
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertForTokenClassification,
)
from course_lib.models.gpt1 import gpt1
from course_lib.models.gpt2 import gpt2
from course_lib.models.published_transformers import load_published

CONFIG = BertConfig(**BERT_SIZES)
gpts = pytest.mark.parametrize(("make", "name"), [(gpt1, "OpenAIGPTLMHeadModel"), (gpt2, "GPT2LMHeadModel")])


def gpt_file(theirs):
    """As the files of openai-gpt and gpt2: the body alone, without its prefix, and with the masks."""
    state = {name: value.clone() for name, value in theirs.transformer.state_dict().items()}
    for block in range(3):
        state[f"h.{block}.attn.bias"] = torch.ones(1, 1, 12, 12).tril()
        state[f"h.{block}.attn.masked_bias"] = torch.tensor(-1e4)
    return state


def bert_file(theirs):
    """As the file of bert-base-uncased: TensorFlow's names in norms, positions, the tied bias just once."""
    state = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in theirs.state_dict().items()
    }
    del state["cls.predictions.decoder.bias"]
    return state | {"bert.embeddings.position_ids": torch.arange(12)[None]}


@gpts
@pytest.mark.parametrize("whole", [False, True])
def test_a_gpts_file_gives_its_logits(make, name, whole):
    theirs, ours = twin(name), make(**GPT_SIZES).eval()
    assert load_published(ours, theirs.state_dict() if whole else gpt_file(theirs)) == []
    assert_near(ours(random_tokens()), theirs(random_tokens()).logits, name)
    assert ours.lm_head.weight is ours.transformer.embeddings()[0].weight, "still tied"


def test_berts_file_gives_its_logits_on_what_it_was_trained_on():
    theirs, ours = twin("BertForPreTraining"), BertForPreTraining(CONFIG).eval()
    assert load_published(ours, bert_file(theirs)) == []
    expected = theirs(random_tokens())
    for got, key in zip(ours(random_tokens()), ("prediction_logits", "seq_relationship_logits"), strict=True):
        assert_near(got, expected[key], key)


def test_berts_file_serves_a_body_alone_and_other_heads():
    theirs = twin("BertForPreTraining")
    file, tokens = bert_file(theirs), random_tokens()
    expected = theirs.bert(tokens).last_hidden_state
    body = bert(**BERT_SIZES).eval()
    assert load_published(body, file) == []
    assert_near(body(tokens), expected, "the body alone")
    guess = BertForMaskedLM(CONFIG).eval()
    assert load_published(guess, file) == []
    assert_near(guess(tokens), theirs(tokens).prediction_logits, "the guesses alone")
    for kind in (BertForSequenceClassification, BertForTokenClassification):
        ours = kind(CONFIG).eval()
        start = copy.deepcopy(ours.classifier.state_dict())
        assert load_published(ours, file) == ["classifier.weight", "classifier.bias"], (
            "which are to be trained"
        )
        assert_near(ours.bert(tokens), expected, f"the body of {kind.__name__}")
        assert all(torch.equal(value, start[key]) for key, value in ours.classifier.state_dict().items())


def test_a_body_without_prefix_fits_under_a_head():
    theirs = twin("BertModel")
    ours = BertForSequenceClassification(CONFIG).eval()
    assert load_published(ours, theirs.state_dict()) == ["classifier.weight", "classifier.bias"]
    assert_near(ours.bert(random_tokens()), theirs(random_tokens()).last_hidden_state, "the body")


def test_the_weights_are_copied():
    file = gpt_file(twin("GPT2LMHeadModel"))
    before = {key: value.clone() for key, value in file.items()}
    net = gpt2(**GPT_SIZES)
    load_published(net, file)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, before[key]) for key, value in file.items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.pop("ln_f.bias"), "has no transformer.ln_f.bias"),
        (lambda file: file.pop("wte.weight"), "has no transformer.wte.weight"),
        (lambda file: file.update({"h.0.attn.extra": torch.ones(2)}), "of GPT2, which has no h.0.attn.extra"),
        (lambda file: file.update({"h.3.ln_1.weight": torch.ones(24)}), "which has no h.3.ln_1.weight"),
        (
            lambda file: file.update({"wpe.weight": torch.ones(9, 24)}),
            r"transformer.wpe.weight must have shape \(12, 24\), got \(9, 24\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(change, words):
    file, net = gpt_file(twin("GPT2LMHeadModel")), gpt2(**GPT_SIZES)
    change(file)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match=f"load_published: .*{words}"):
        load_published(net, file)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_files_of_other_networks_are_refused():
    with pytest.raises(ValueError, match=r"of GPT1, which has no wte.weight"):
        load_published(gpt1(**GPT_SIZES), gpt_file(twin("GPT2LMHeadModel")))
    with pytest.raises(ValueError, match=r"of Bert, which has no wte.weight"):
        load_published(bert(**BERT_SIZES), gpt_file(twin("GPT2LMHeadModel")))
    with pytest.raises(ValueError, match=r"has no bert.pooler.dense.weight"):
        load_published(BertForSequenceClassification(CONFIG), twin("BertForMaskedLM").state_dict())


@pytest.mark.parametrize("model", [layers.Linear(2, 2), None])
def test_other_models_are_refused(model):
    with pytest.raises(TypeError, match="load_published: model must be a GPT or a BERT, got "):
        load_published(model, {})
