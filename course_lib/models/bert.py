"""BERT: a transformer's encoder that reads both what stands before a word and what stands behind it."""

from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.attention_masks import padding_mask
from course_lib.models.bert_config import BERT_CONFIGS, BertConfig

EPSILON = 1e-12  # of every layer norm
STD = 0.02  # of the weights at the start, truncated at two deviations


def linear(in_features: int, out_features: int, device: Device = None, dtype: Dtype = None) -> layers.Linear:
    """A dense layer as BERT's begin: N(0, 0.02^2) up to two deviations, and no bias."""
    layer = layers.Linear(in_features, out_features, device=device, dtype=dtype)
    layers.trunc_normal_(layer.weight, std=STD, a=-2 * STD, b=2 * STD)
    layers.zeros_(layer.bias)
    return layer


def layer_norm(size: int, device: Device = None, dtype: Dtype = None) -> layers.LayerNorm:
    """A layer norm with BERT's epsilon."""
    return layers.LayerNorm(size, EPSILON, device=device, dtype=dtype)


class BertEmbeddings(nn.Module):
    """What a token is + where it stands + in which segment: tokens (n, t) -> (n, t, d)."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        d = config.hidden_size
        self.word_embeddings = layers.Embedding(config.vocab_size, d, config.pad_token_id, **made)
        self.position_embeddings = layers.Embedding(config.max_position_embeddings, d, **made)
        self.token_type_embeddings = layers.Embedding(config.type_vocab_size, d, **made)
        self.LayerNorm = layer_norm(d, device, dtype)
        self.dropout = layers.Dropout(config.dropout)
        for table in (self.word_embeddings, self.position_embeddings, self.token_type_embeddings):
            layers.trunc_normal_(table.weight, std=STD, a=-2 * STD, b=2 * STD)
        if config.pad_token_id is not None:
            layers.zeros_(self.word_embeddings.weight.detach()[config.pad_token_id])

    def forward(self, tokens: Tensor, token_type_ids: Tensor) -> Tensor:
        """Sum the three vectors of each token."""
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.word_embeddings(tokens) + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(x + self.position_embeddings(positions)))


class BertSelfAttention(nn.Module):
    """Every token looks at all tokens: x (n, t, d) -> (n, t, d)."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        d = config.hidden_size
        self.heads, self.dropout = config.num_attention_heads, config.dropout
        self.query, self.key, self.value = (linear(d, d, device, dtype) for _ in range(3))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Attend; ``mask`` is True where one may look, and broadcasts to (n, heads, t, t)."""
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )  # (n, heads, t, d / heads) each
        p = self.dropout if self.training else 0.0
        return layers.scaled_dot_product_attention(q, k, v, mask, p).transpose(1, 2).flatten(2)


class BertOutput(nn.Module):
    """How a part of a block ends: norm(x + dense(y)), y (n, t, in_features) what the part found out on x."""

    def __init__(
        self, in_features: int, config: BertConfig, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        self.dense = linear(in_features, config.hidden_size, device, dtype)
        self.LayerNorm = layer_norm(config.hidden_size, device, dtype)
        self.dropout = layers.Dropout(config.dropout)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """Add to x and normalize."""
        return self.LayerNorm(x + self.dropout(self.dense(y)))


class BertLayer(nn.Module):
    """Attention, then a small net at every position: x (n, t, d) -> (n, t, d)."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        d, hidden = config.hidden_size, config.intermediate_size
        self.attention = nn.ModuleDict(
            {"self": BertSelfAttention(config, device, dtype), "output": BertOutput(d, config, device, dtype)}
        )
        self.intermediate = nn.ModuleDict({"dense": linear(d, hidden, device, dtype)})
        self.act = layers.GELU()
        self.output = BertOutput(hidden, config, device, dtype)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Compute the new vectors."""
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(self.act(self.intermediate["dense"](x)), x)


class Bert(nn.Module):
    """Tokens (n, t) -> a vector for each, (n, t, d), that knows of all the others; sizes from ``config``.

    The first token is [CLS], which stands for the whole; sentences end with [SEP]. ``pooled`` makes of
    [CLS]'s vector what the heads for whole sequences read; without ``add_pooling_layer`` it is missing. The
    parameters are named as in the published weights and Hugging Face's BertModel.

    Source: Devlin, Chang, Lee & Toutanova (2019), BERT: pre-training of deep bidirectional transformers for
    language understanding, section 3.

    Raises:
        TypeError: a config that is no BertConfig.
    """

    def __init__(
        self,
        config: BertConfig,
        add_pooling_layer: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        if not isinstance(config, BertConfig):
            raise TypeError(f"Bert: config must be a BertConfig, got {type(config).__name__}")
        self.config = config
        self.embeddings = BertEmbeddings(config, device, dtype)
        blocks = (BertLayer(config, device, dtype) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(blocks)})
        if add_pooling_layer:
            d = config.hidden_size
            self.pooler = nn.ModuleDict({"dense": linear(d, d, device, dtype), "activation": layers.Tanh()})

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Compute the vectors (n, t, d).

        Args:
            tokens: (n, t), integers in 0 ... V - 1, t from 1 to max_position_embeddings.
            attention_mask: (n, t), 1 or True for a token and 0 or False for padding, at which no token looks.
            token_type_ids: (n, t), 0 in the first segment and 1 in the second; None is all 0.

        Raises:
            ValueError: tokens, a mask or segments of another shape, one outside its table.
            TypeError: tokens or segments that are no integers, a mask of floating-point numbers.
        """
        checks.tensor("Bert", tokens, "tokens")
        limit = self.config.max_position_embeddings
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= limit:
            expected = f"(n, t), t from 1 to max_position_embeddings={limit}"
            raise ValueError(f"Bert: tokens must be {expected}, got shape {tuple(tokens.shape)}")
        n, t = tokens.shape
        mask = None if attention_mask is None else padding_mask("Bert", attention_mask, (n, t))
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(tokens)
        checks.tensor("Bert", token_type_ids, "token_type_ids")
        if token_type_ids.shape != tokens.shape:
            got = tuple(token_type_ids.shape)
            raise ValueError(f"Bert: token_type_ids must have tokens' shape {(n, t)}, got {got}")
        x = self.embeddings(tokens, token_type_ids)
        for block in cast(nn.ModuleList, self.encoder["layer"]):
            x = block(x, mask)
        return x

    def pooled(self, x: Tensor) -> Tensor:
        """One vector for each sequence, from that of its first token: x (n, t, d) -> (n, d)."""
        return self.pooler["activation"](self.pooler["dense"](x[:, 0]))


def bert(name: str = "bert-base", device: Device = None, dtype: Dtype = None, **sizes: Any) -> Bert:
    """BERT of a published size, unless ``sizes``, such as num_hidden_layers=2, say otherwise.

    Args:
        name: "bert-base" (109,482,240 parameters) or "bert-large" (335,141,888).
        sizes: those of ``BertConfig`` that shall differ.

    Raises:
        ValueError: another name.
    """
    checks.one_of("bert", "name", name, list(BERT_CONFIGS))
    return Bert(replace(BERT_CONFIGS[name], **sizes), device=device, dtype=dtype)
