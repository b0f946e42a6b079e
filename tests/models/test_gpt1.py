"""GPT-1: names and shapes as published, and how its weights start."""

import pytest
import torch
from transformers_models import GPT_SIZES, assert_same_names, of_full_size

from course_lib.models.gpt1 import GPT1, gpt1
from course_lib.models.gpt_config import GPT2Config


def test_the_published_size_has_hugging_faces_names_and_shapes():
    assert_same_names(gpt1(device="meta"), of_full_size("OpenAIGPTLMHeadModel"), "GPT-1")


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
