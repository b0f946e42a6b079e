"""GPT-1: a decoder without an encoder, trained to say what comes next."""

from dataclasses import replace
from typing import Any, cast

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models.gpt_blocks import (
    GPT,
    STD,
    CausalSelfAttention,
    CausalTransformer,
    FeedForward,
    KeysAndValues,
)
from course_lib.models.gpt_config import GPT_CONFIGS, GPT1Config


class GPT1Block(nn.Module):
    """x = norm(x + attention(x)), then norm(x + mlp(x)): x (n, t, d) -> (n, t, d)."""

    def __init__(self, config: GPT1Config, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        self.attn = CausalSelfAttention(config, device, dtype)
        self.ln_1 = layers.LayerNorm(config.n_embd, device=device, dtype=dtype)
        self.mlp = FeedForward(config, device, dtype)
        self.ln_2 = layers.LayerNorm(config.n_embd, device=device, dtype=dtype)

    def forward(
        self, x: Tensor, mask: Tensor | None, past: KeysAndValues | None
    ) -> tuple[Tensor, KeysAndValues]:
        """Compute the new vectors; arguments as in ``CausalSelfAttention``."""
        seen, remembered = self.attn(x, mask, past)
        x = self.ln_1(x + seen)
        return self.ln_2(x + self.mlp(x)), remembered


class GPT1Transformer(CausalTransformer):
    """Tokens (n, t) -> their vectors (n, t, d), by the names of the published GPT-1."""

    def __init__(self, config: GPT1Config, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config)
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.tokens_embed = layers.Embedding(config.vocab_size, config.n_embd, **made)
        self.positions_embed = layers.Embedding(config.n_positions, config.n_embd, **made)
        self.h = nn.ModuleList(GPT1Block(config, **made) for _ in range(config.n_layer))
        for table in self.embeddings():
            layers.normal_(table.weight, std=STD)

    def embeddings(self) -> tuple[layers.Embedding, layers.Embedding]:
        """The tables of tokens and of positions."""
        return self.tokens_embed, self.positions_embed


class GPT1(GPT):
    """The first GPT: tokens (n, t) -> logits (n, t, V) of the next token, of the sizes in ``config``.

    Blocks of a transformer's decoder without the part that looks at an encoder; layer norms stand behind the
    sums, as in the first transformer. Its parameters are named and laid out as in Hugging Face's
    OpenAIGPTLMHeadModel. Weights start as N(0, 0.02^2).

    Source: Radford, Narasimhan, Salimans & Sutskever (2018), Improving language understanding by generative
    pre-training, sections 3.1 and 4.1.

    Raises:
        TypeError: a config that is no GPT1Config.
    """

    def __init__(self, config: GPT1Config, device: Device = None, dtype: Dtype = None) -> None:
        if not isinstance(config, GPT1Config):
            raise TypeError(f"GPT1: config must be a GPT1Config, got {type(config).__name__}")
        super().__init__(GPT1Transformer(config, device, dtype))


def gpt1(device: Device = None, dtype: Dtype = None, **sizes: Any) -> GPT1:
    """GPT-1: 12 blocks, 116,534,784 parameters, unless ``sizes``, such as n_layer=2, say otherwise.

    ``sizes`` are those of ``GPTConfig``.
    """
    config = cast(GPT1Config, GPT_CONFIGS["gpt1"])
    return GPT1(replace(config, **sizes), device, dtype)
