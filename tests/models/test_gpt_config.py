"""Sizes of the GPTs: the counts that are published, and the formula against the nets."""

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models.gpt1 import GPT1, gpt1
from course_lib.models.gpt2 import GPT2, gpt2
from course_lib.models.gpt_config import GPT_CONFIGS, GPT1Config, GPT2Config, GPTConfig

PARAMETERS = {
    "gpt1": 116_534_784,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "gpt3": 174_604_259_328,
}
SIZES = {"vocab_size": 11, "n_positions": 7, "n_embd": 6, "n_layer": 2, "n_head": 3}


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_every_published_size_has_its_count():
    assert {name: config.parameters for name, config in GPT_CONFIGS.items()} == PARAMETERS


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_nets_have_as_many_parameters(name):
    net = gpt1(device="meta") if name == "gpt1" else gpt2(name, device="meta")
    assert net.config == GPT_CONFIGS[name]
    assert count(net) == PARAMETERS[name], name


@settings(max_examples=30)
@given(
    st.sampled_from([(GPT1, GPT1Config), (GPT2, GPT2Config)]),
    st.tuples(*[st.integers(1, 40)] * 2),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_the_formula_counts_nets_of_any_size(kind, tables, head_size, n_layer, n_head):
    net, config = kind
    sizes = config(*tables, head_size * n_head, n_layer, n_head)
    assert sizes.parameters == count(net(sizes, device="meta")), sizes


def test_gpt3_is_a_hundred_times_gpt2_xl():
    assert GPT_CONFIGS["gpt3"].parameters == pytest.approx(174.6e9, rel=1e-3)
    assert 100 < GPT_CONFIGS["gpt3"].parameters / GPT_CONFIGS["gpt2-xl"].parameters < 120


def test_a_config_cannot_be_changed_but_replaced():
    config = GPT2Config(**SIZES)
    with pytest.raises(FrozenInstanceError):
        config.n_layer = 3
    assert replace(config, n_layer=3) == GPT2Config(**SIZES | {"n_layer": 3})
    assert config != GPT1Config(**SIZES), "the same sizes of another architecture"


@pytest.mark.parametrize("kind", [GPTConfig, GPT1Config, GPT2Config])
@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        *[(ValueError, {name: 0}, f"{name} must be 1 or more, got 0") for name in SIZES],
        *[(TypeError, {name: 2.0}, f"{name} must be an integer, got 2") for name in SIZES],
        (ValueError, {"n_head": 4}, "n_embd must be a multiple of n_head=4, got 6"),
        (ValueError, {"dropout": 1.5}, "dropout must be from 0 to 1, got 1.5"),
        (TypeError, {"dropout": "0"}, "dropout must be a number, got '0'"),
        (TypeError, {"n_heads": 4}, "unexpected keyword argument 'n_heads'"),
    ],
)
def test_bad_sizes_are_named(kind, error, options, words):
    with pytest.raises(error, match=words):
        kind(**SIZES | options)
    with pytest.raises(error, match=words):
        replace(kind(**SIZES), **options)
