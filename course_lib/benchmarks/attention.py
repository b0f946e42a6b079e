"""Attention and the transformer, at the sizes of their chapter."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.benchmarks.contest import Row, layer_rows

Make = Callable[..., nn.Module]


class Call(nn.Module):
    """A function that is always called with the same options, as a module."""

    def __init__(self, function: Callable[..., Tensor], **options: Any) -> None:
        super().__init__()
        self.function, self.options = function, options

    def forward(self, *inputs: Tensor) -> Tensor:
        """Call it."""
        return self.function(*inputs, **self.options)


class Attend(nn.Module):
    """Multi-head attention of x to ``memory``, or to itself."""

    def __init__(self, attention: nn.Module, need_weights: bool) -> None:
        super().__init__()
        self.attention, self.need_weights = attention, need_weights

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Any:
        """Attend."""
        source = x if memory is None else memory
        return self.attention(x, source, source, need_weights=self.need_weights)


class StoredEncoding(nn.Module):
    """Positional encoding from a table for 5,000 positions that was made before."""

    table: Tensor

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.register_buffer("table", layers.SinusoidalPositionalEncoding(d_model).encoding(5000))

    def forward(self, x: Tensor) -> Tensor:
        """Add its first rows."""
        return x + self.table[: x.shape[1]]


class Concatenating(nn.Module):
    """Additive attention with a network that reads every pair of query and key, joined."""

    def __init__(self, query_dim: int, key_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(query_dim + key_dim, hidden_dim, bias=False)
        self.score = nn.Linear(hidden_dim, 1, bias=False)

    def forward(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Attend."""
        lengths = (-1, query.shape[1], key.shape[1], -1)
        pairs = torch.cat([query.unsqueeze(2).expand(lengths), key.unsqueeze(1).expand(lengths)], dim=-1)
        weights = self.score(torch.tanh(self.hidden(pairs))).squeeze(-1).softmax(dim=-1)
        return weights @ key, weights


def _function_rows(name: str, *shape: int, **options: Any) -> list[Row]:
    rivals = {
        "PyTorch": lambda: Call(F.scaled_dot_product_attention, **options),
        "naive": lambda: Call(layers.scaled_dot_product_attention, way="naive", **options),
        "blockwise": lambda: Call(layers.scaled_dot_product_attention, way="blockwise", **options),
    }
    return layer_rows(
        f"scaled_dot_product_attention{name} {'x'.join(map(str, shape))}",
        lambda: Call(layers.scaled_dot_product_attention, **options),
        rivals,
        lambda: [torch.randn(shape) for _ in range(3)],
        bar=0.95,
    )


def _rows(name: str, ours: Make, theirs: Make, *shapes: tuple[int, ...]) -> list[Row]:
    """Rows of a layer against PyTorch's, both in evaluation: forward, PyTorch uses its fused kernels."""
    return layer_rows(
        f"{name} {'x'.join(map(str, shapes[0]))}",
        lambda: ours().eval(),
        {"PyTorch": lambda: theirs().eval()},
        lambda: [torch.randn(shape) for shape in shapes],
        bar=0.95,
    )


def _attention_rows(name: str, need_weights: bool, batch_first: bool, *shapes: tuple[int, ...]) -> list[Row]:
    options: dict[str, Any] = {"embed_dim": shapes[0][-1], "num_heads": 4, "batch_first": batch_first}
    return _rows(
        f"MultiheadAttention, {name}",
        lambda: Attend(layers.MultiheadAttention(**options), need_weights),
        lambda: Attend(nn.MultiheadAttention(**options), need_weights),
        *shapes,
    )


def _layer_rows(name: str, detail: str, options: dict[str, Any], *shapes: tuple[int, ...]) -> list[Row]:
    options = {"d_model": shapes[0][-1], "nhead": 4, "batch_first": True} | options
    options.setdefault("dim_feedforward", 4 * shapes[0][-1])
    return _rows(
        name + detail,
        lambda: getattr(layers, name)(**options),
        lambda: getattr(nn, name)(**options),
        *shapes,
    )


SMALL, WIDE = (32, 32, 64), (16, 64, 128)
ROWS: list[Row] = [
    *_function_rows("", 16, 4, 64, 32),
    *_function_rows(", causal", 16, 4, 64, 32, is_causal=True),
    *_function_rows(", long", 1, 2, 768, 32),
    *_attention_rows("self", False, True, WIDE),
    *_attention_rows("self, with weights", True, True, WIDE),
    *_attention_rows("self, length first, with weights", True, False, (64, 16, 128)),
    *_attention_rows("cross, with weights", True, True, WIDE, (16, 32, 128)),
    *_layer_rows("TransformerEncoderLayer", "", {}, SMALL),
    *_layer_rows("TransformerEncoderLayer", "", {}, WIDE),
    *_layer_rows("TransformerEncoderLayer", ", GELU", {"activation": "gelu"}, WIDE),
    *_layer_rows("TransformerEncoderLayer", ", norm first", {"norm_first": True}, WIDE),
    *_layer_rows("TransformerDecoderLayer", "", {}, SMALL, SMALL),
    *_layer_rows("TransformerDecoderLayer", "", {}, WIDE, WIDE),
    *_layer_rows(
        "Transformer", ", 2 + 2 layers", {"num_encoder_layers": 2, "num_decoder_layers": 2}, SMALL, SMALL
    ),
    *layer_rows(
        "SinusoidalPositionalEncoding 16x64x128",
        lambda: layers.SinusoidalPositionalEncoding(128, batch_first=True),
        {"stored table": lambda: StoredEncoding(128)},
        lambda: [torch.randn(WIDE)],
        against="stored table",
    ),
    *layer_rows(
        "AdditiveAttention 16x12x64 to 16x24x64",
        lambda: layers.AdditiveAttention(64, 64, 64),
        {"joined pairs": lambda: Concatenating(64, 64, 64)},
        lambda: [torch.randn(16, 12, 64), torch.randn(16, 24, 64)],
        against="joined pairs",
        agree=False,
    ),
]
