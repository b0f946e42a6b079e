"""What GPT-1 and GPT-2 share: attention that never looks ahead, and the keys and values it can remember."""

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.attention_masks import look_back
from course_lib.models.gpt_config import GPTConfig

KeysAndValues = tuple[Tensor, Tensor]  # of one block: (n, heads, t, d / heads) each
Cache = list[KeysAndValues]  # of every block

STD = 0.02  # of the weights at the start


class Conv1D(nn.Module):
    """y = x W + b, a dense layer whose ``weight`` is (in_features, out_features), as published GPTs have it.

    ``layers.Linear`` has the transpose. (The name is theirs: on a sequence, a dense layer at every position
    is a convolution whose kernel has length 1.)
    """

    def __init__(
        self, in_features: int, out_features: int, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty((in_features, out_features), device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(out_features, device=device, dtype=dtype))
        layers.normal_(self.weight, std=STD)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x (..., in_features)."""
        return torch.nn.functional.linear(x, self.weight.mT, self.bias)

    def extra_repr(self) -> str:
        """Sizes shown by repr."""
        return "in_features={}, out_features={}".format(*self.weight.shape)


class CausalSelfAttention(nn.Module):
    """Each position attends to itself and to those before it: x (n, t, d) -> (n, t, d)."""

    def __init__(self, config: GPTConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        self.n_head, self.dropout = config.n_head, config.dropout
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd, device, dtype)
        self.c_proj = Conv1D(config.n_embd, config.n_embd, device, dtype)
        self.resid_dropout = layers.Dropout(config.dropout)

    def forward(
        self, x: Tensor, mask: Tensor | None, past: KeysAndValues | None
    ) -> tuple[Tensor, KeysAndValues]:
        """Attend, from the positions in x to those in ``past`` and x; give back the keys and values, too.

        ``mask`` is True where a query may look, and broadcasts to (n, heads, t, past + t); None is causal.
        """
        q, k, v = (
            part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=-1)
        )  # (n, heads, t, d / heads) each
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        p = self.dropout if self.training else 0.0
        y = layers.scaled_dot_product_attention(q, k, v, mask, p, is_causal=mask is None)
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).flatten(2))), (k, v)


class FeedForward(nn.Module):
    """The same small net at every position, 4 d hidden units: x (..., d) -> (..., d)."""

    def __init__(self, config: GPTConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        self.c_fc = Conv1D(config.n_embd, 4 * config.n_embd, device, dtype)
        self.act = layers.GELU(approximate="tanh")
        self.c_proj = Conv1D(4 * config.n_embd, config.n_embd, device, dtype)
        self.dropout = layers.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Compute what the net adds."""
        return self.dropout(self.c_proj(self.act(self.c_fc(x))))


class CausalTransformer(nn.Module):
    """Tokens (n, t) -> a vector for each (n, t, d) that knows of all tokens up to it, and of none behind it.

    ``embeddings`` gives the tables of tokens and of positions, ``finish`` what follows the last block.
    """

    h: nn.ModuleList

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.drop = layers.Dropout(config.dropout)

    def embeddings(self) -> tuple[layers.Embedding, layers.Embedding]:
        """The tables of tokens (V, d) and of positions (n_positions, d)."""
        raise NotImplementedError

    def finish(self, x: Tensor) -> Tensor:
        """What follows the last block: nothing."""
        return x

    def forward(self, tokens: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Compute the vectors; arguments as in ``GPT.forward``."""
        return self.with_cache(tokens, None, attention_mask)[0]

    def with_cache(
        self, tokens: Tensor, cache: Cache | None = None, attention_mask: Tensor | None = None
    ) -> tuple[Tensor, Cache]:
        """Compute the vectors of tokens that follow those in ``cache``, and the cache with both."""
        past = 0 if cache is None else cache[0][0].shape[2]
        self._check(tokens, past, cache)
        mask = look_back(type(self).__name__, tokens, past, attention_mask)
        of_tokens, of_positions = self.embeddings()
        positions = torch.arange(past, past + tokens.shape[1], device=tokens.device)
        x = self.drop(of_tokens(tokens) + of_positions(positions))
        new: Cache = []
        for index, block in enumerate(self.h):
            x, remembered = block(x, mask, None if cache is None else cache[index])
            new.append(remembered)
        return self.finish(x), new

    def _check(self, tokens: Tensor, past: int, cache: Cache | None) -> None:
        owner, limit = type(self).__name__, self.config.n_positions
        checks.tensor(owner, tokens, "tokens")
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= limit - past:
            room = f"t from 1 to n_positions={limit}" + (f" - {past} in the cache" if past else "")
            raise ValueError(f"{owner}: tokens must be (n, t), {room}, got shape {tuple(tokens.shape)}")
        if cache is not None and cache[0][0].shape[0] != len(tokens):
            n = cache[0][0].shape[0]
            raise ValueError(
                f"{owner}: tokens must have n={n}, as the cache, got shape {tuple(tokens.shape)}"
            )


class GPT(nn.Module):
    """A language model, tokens (n, t) -> logits (n, t, V): what ``GPT1`` and ``GPT2`` share.

    logits[:, i] are of token i + 1, given tokens 0 ... i. Their weights are the table of the tokens.
    """

    def __init__(self, transformer: CausalTransformer) -> None:
        super().__init__()
        self.config, self.transformer = transformer.config, transformer
        self.lm_head = layers.Linear(self.config.n_embd, self.config.vocab_size, bias=False, device="meta")
        self.lm_head.weight = transformer.embeddings()[0].weight

    @property
    def n_positions(self) -> int:
        """The longest sequence that can be read."""
        return self.config.n_positions

    def forward(self, tokens: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Compute the logits (n, t, V) of the next token at every position.

        Args:
            tokens: (n, t), integers in 0 ... V - 1, t from 1 to n_positions.
            attention_mask: (n, t), 1 or True for a token and 0 or False for padding, at which no token looks.
                Pad behind the text: positions are counted from the left, padding included.

        Raises:
            ValueError: tokens or a mask of another shape, a token outside the vocabulary.
            TypeError: tokens that are no integers, a mask of floating-point numbers.
        """
        return self.lm_head(self.transformer(tokens, attention_mask))

    def with_cache(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Compute the logits of ``tokens`` that follow those in ``cache``, and the cache with both.

        What a position looks at never changes when tokens are added behind it, so its keys and values can be
        kept: the next token costs one position's arithmetic, not all of them again. The cache that came in
        is left as it is.

        Raises:
            ValueError: tokens of another batch size than the cache, more than fit behind it.
        """
        x, cache = self.transformer.with_cache(tokens, cache)
        return self.lm_head(x), cache
