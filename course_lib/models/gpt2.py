"""GPT-2, and GPT-3 but for its size: the layer norms moved in front, so that many blocks can be stacked."""

import math
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.gpt_blocks import (
    GPT,
    STD,
    CausalSelfAttention,
    CausalTransformer,
    FeedForward,
    KeysAndValues,
)
from course_lib.models.gpt_config import GPT_CONFIGS, GPT2Config


class GPT2Block(nn.Module):
    """x = x + attention(norm(x)), then x + mlp(norm(x)): x (n, t, d) -> (n, t, d)."""

    def __init__(self, config: GPT2Config, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        self.ln_1 = layers.LayerNorm(config.n_embd, device=device, dtype=dtype)
        self.attn = CausalSelfAttention(config, device, dtype)
        self.ln_2 = layers.LayerNorm(config.n_embd, device=device, dtype=dtype)
        self.mlp = FeedForward(config, device, dtype)
        # Each block adds twice to x: smaller weights there, the more blocks the smaller, keep the sum's size.
        for last in (self.attn.c_proj, self.mlp.c_proj):
            layers.normal_(last.weight, std=STD / math.sqrt(2 * config.n_layer))

    def forward(
        self, x: Tensor, mask: Tensor | None, past: KeysAndValues | None
    ) -> tuple[Tensor, KeysAndValues]:
        """Compute the new vectors; arguments as in ``CausalSelfAttention``."""
        seen, remembered = self.attn(self.ln_1(x), mask, past)
        x = x + seen
        return x + self.mlp(self.ln_2(x)), remembered


class GPT2Transformer(CausalTransformer):
    """Tokens (n, t) -> their vectors (n, t, d), by the names of the published GPT-2."""

    def __init__(self, config: GPT2Config, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config)
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.wte = layers.Embedding(config.vocab_size, config.n_embd, **made)
        self.wpe = layers.Embedding(config.n_positions, config.n_embd, **made)
        self.h = nn.ModuleList(GPT2Block(config, **made) for _ in range(config.n_layer))
        self.ln_f = layers.LayerNorm(config.n_embd, **made)
        for table in self.embeddings():
            layers.normal_(table.weight, std=STD)

    def embeddings(self) -> tuple[layers.Embedding, layers.Embedding]:
        """The tables of tokens and of positions."""
        return self.wte, self.wpe

    def finish(self, x: Tensor) -> Tensor:
        """Normalize what the last block gave."""
        return self.ln_f(x)


class GPT2(GPT):
    """Tokens (n, t) -> logits (n, t, V) of the next token, of the sizes in ``config``.

    A GPT-1 whose layer norms stand in front of the parts of a block, with one more at the end, and whose
    blocks' last layers start with weights smaller by 1 / sqrt(2 n_layer), the others as N(0, 0.02^2). Its
    parameters are named and laid out as in the published weights and Hugging Face's GPT2LMHeadModel. GPT-3 is
    the same but for attention that in every other block looks at near tokens only, which adds no parameter.

    Source: Radford, Wu, Child, Luan, Amodei & Sutskever (2019), Language models are unsupervised multitask
    learners, section 2.3; Brown et al. (2020), Language models are few-shot learners, section 2.1.

    Raises:
        TypeError: a config that is no GPT2Config.
    """

    def __init__(self, config: GPT2Config, device: Device = None, dtype: Dtype = None) -> None:
        if not isinstance(config, GPT2Config):
            raise TypeError(f"GPT2: config must be a GPT2Config, got {type(config).__name__}")
        super().__init__(GPT2Transformer(config, device, dtype))


def gpt2(name: str = "gpt2", device: Device = None, dtype: Dtype = None, **sizes: Any) -> GPT2:
    """GPT-2 of a published size, unless ``sizes``, such as n_layer=2, say otherwise.

    Args:
        name: "gpt2" (124,439,808 parameters), "gpt2-medium" (354,823,168), "gpt2-large" (774,030,080),
            "gpt2-xl" (1,557,611,200) or "gpt3" (174,604,259,328: for ``device="meta"``).
        sizes: those of ``GPTConfig`` that shall differ.

    Raises:
        ValueError: another name.
    """
    configs = {key: config for key, config in GPT_CONFIGS.items() if isinstance(config, GPT2Config)}
    checks.one_of("gpt2", "name", name, list(configs))
    return GPT2(replace(configs[name], **sizes), device, dtype)
