"""GPT-2: names and shapes as published, and how its weights start."""

import pytest
import torch
from transformers_models import GPT_SIZES, assert_same_names, of_full_size

from course_lib.models.gpt2 import GPT2, gpt2
from course_lib.models.gpt_config import GPT1Config


def test_the_published_size_has_hugging_faces_names_and_shapes():
    assert_same_names(gpt2(device="meta"), of_full_size("GPT2LMHeadModel"), "GPT-2")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gpt2-medium", {"n_embd": 1024, "n_layer": 24, "n_head": 16}),
        ("gpt2-xl", {"n_embd": 1600, "n_layer": 48, "n_head": 25}),
    ],
)
def test_larger_sizes_have_hugging_faces_names_and_shapes(name, options):
    assert_same_names(gpt2(name, device="meta"), of_full_size("GPT2LMHeadModel", **options), name)


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
