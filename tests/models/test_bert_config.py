"""Sizes of BERT: the counts that are published, and the formula against the net."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models.bert import Bert, bert
from course_lib.models.bert_config import BERT_CONFIGS, BertConfig

PARAMETERS = {"bert-base": 109_482_240, "bert-large": 335_141_888}


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("name", BERT_CONFIGS)
def test_published_sizes_have_their_counts_and_so_have_the_nets(name):
    assert BERT_CONFIGS[name].parameters == PARAMETERS[name], name
    net = bert(name, device="meta")
    assert net.config == BERT_CONFIGS[name]
    assert count(net) == PARAMETERS[name], name


@settings(max_examples=30)
@given(st.tuples(*[st.integers(1, 30)] * 7))
def test_the_formula_counts_nets_of_any_size(sizes):
    vocabulary, head_size, blocks, heads, hidden, positions, types = sizes
    blocks, heads = 1 + blocks % 3, 1 + heads % 4
    config = BertConfig(vocabulary, head_size * heads, blocks, heads, hidden, positions, types)
    assert config.parameters == count(Bert(config, device="meta")), config


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        *[
            (ValueError, {name: 0}, f"BertConfig: {name} must be 1 or more, got 0")
            for name in BertConfig.__dataclass_fields__
            if name not in ("pad_token_id", "dropout")
        ],
        (TypeError, {"hidden_size": 8.0}, "hidden_size must be an integer, got 8"),
        (
            ValueError,
            {"num_attention_heads": 7},
            "hidden_size must be a multiple of num_attention_heads=7, got 768",
        ),
        (ValueError, {"pad_token_id": 30_522}, "pad_token_id must be in 0 ... 30521 .*, got 30522"),
        (ValueError, {"pad_token_id": -1}, "pad_token_id must be 0 or more, got -1"),
        (ValueError, {"dropout": -0.1}, "dropout must be from 0 to 1, got -0.1"),
    ],
)
def test_bad_sizes_are_named(error, options, words):
    with pytest.raises(error, match=words):
        replace(BERT_CONFIGS["bert-base"], **options)
