"""The layers of a transformer's encoder and of its decoder, called as in ``torch.nn``."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.dense import Linear
from course_lib.layers.dropout import Dropout
from course_lib.layers.layer_normalization import LayerNorm
from course_lib.layers.multi_head_attention import MultiheadAttention

Activation = str | Callable[[Tensor], Tensor]


class _TransformerLayer(nn.Module):
    """What both kinds share: their parts. Each part is added to what it reads: x + part(x), a residual."""

    attentions: tuple[str, ...]
    self_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    dropout1: Dropout
    dropout2: Dropout

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        for name, value in (("d_model", d_model), ("nhead", nhead), ("dim_feedforward", dim_feedforward)):
            checks.positive_integer(owner, name, value)
        checks.probability(owner, "dropout", dropout)
        if d_model % nhead:
            raise ValueError(f"{owner}: d_model must be a multiple of nhead={nhead}, got {d_model}")
        self.norm_first = norm_first
        for name in self.attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, device=device, dtype=dtype
            )
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, device, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, device, dtype)
        parts = range(1, len(self.attentions) + 2)
        for number in parts:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)
            self.add_module(f"norm{number}", norm)
        for number in parts:
            self.add_module(f"dropout{number}", Dropout(dropout))
        self.activation = activation_function(owner, activation)

    def _feed_forward(self, x: Tensor) -> Tensor:
        """The same small net at every position."""
        hidden = self.linear1(x)
        if type(self.linear1) is Linear and not self.linear1._forward_hooks:  # nobody else has it
            hidden = _overwrite(self.activation, hidden)
        else:
            hidden = self.activation(hidden)
        return self.linear2(self.dropout(hidden))

    def _check_input(self, name: str, x: Tensor) -> None:
        owner, d_model = type(self).__name__, self.self_attn.embed_dim
        checks.float_tensor(owner, x, name)
        if x.ndim not in (2, 3) or x.shape[-1] != d_model:
            lead = "n, length" if self.self_attn.batch_first else "length, n"
            raise ValueError(
                f"{owner}: {name} must have shape ({lead}, {d_model}) or (length, {d_model}), "
                f"got {tuple(x.shape)}"
            )


class TransformerEncoderLayer(_TransformerLayer):
    """Self-attention, then a small net at every position, each with a residual and a layer norm.

    ``norm_first=False`` normalizes the sums, as the paper does: x = norm(x + part(x)). ``norm_first=True``
    normalizes what the parts read: x = x + part(norm(x)), which needs no warm-up of the learning rate.

    Shapes: src (length, n, d_model), with ``batch_first`` (n, length, d_model), or (length, d_model) -> same.
    The same in NumPy, with its backward pass: ``course_lib.reference.transformer.encoder_layer``.

    Args:
        d_model, nhead: features of a position, and heads among which they are split.
        dim_feedforward: hidden units of the net.
        dropout: probability for attention weights, hidden units and what each part adds; in training.
        activation: of the net: "relu", "gelu" or a function of a tensor.
        bias: whether linear maps and norms have one.

    Raises:
        ValueError: a size below 1, d_model not a multiple of nhead, dropout outside 0 ... 1, an unknown
            activation, inputs or masks whose shapes do not fit.
        TypeError: inputs or masks of another type.

    Source: Vaswani et al. (2017), section 3; Xiong et al. (2020), On layer normalization in the transformer
    architecture, for norm_first.
    """

    attentions = ("self_attn",)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Apply the layer; masks and the hint ``is_causal`` are those of MultiheadAttention."""
        self._check_input("src", src)
        masks = (src_mask, src_key_padding_mask, is_causal)
        x = src
        if self.norm_first:
            x = x + self.dropout1(attend(self.self_attn, self.norm1(x), None, *masks))
            return x + self.dropout2(self._feed_forward(self.norm2(x)))
        x = self.norm1(x + self.dropout1(attend(self.self_attn, x, None, *masks)))
        return self.norm2(x + self.dropout2(self._feed_forward(x)))


class TransformerDecoderLayer(_TransformerLayer):
    """Self-attention, attention to the encoder's output, then a small net at every position.

    The first is masked in training (``tgt_mask``), so that no position sees those after it, which it has to
    predict. Arguments, shapes, errors and source as for TransformerEncoderLayer; ``memory`` is the encoder's
    output, (length, n, d_model) or as ``batch_first`` says, with a length of its own. A module given as
    activation is kept in every copy of a stack (PyTorch's stacks of decoder layers fall back to ReLU).
    """

    attentions = ("self_attn", "multihead_attn")
    multihead_attn: MultiheadAttention
    norm3: LayerNorm
    dropout3: Dropout

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Apply the layer; masks and the hints ``is_causal`` are those of MultiheadAttention."""
        self._check_input("tgt", tgt)
        self._check_input("memory", memory)
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self.dropout1(attend(self.self_attn, self.norm1(x), None, *own))
            x = x + self.dropout2(attend(self.multihead_attn, self.norm2(x), memory, *other))
            return x + self.dropout3(self._feed_forward(self.norm3(x)))
        x = self.norm1(x + self.dropout1(attend(self.self_attn, x, None, *own)))
        x = self.norm2(x + self.dropout2(attend(self.multihead_attn, x, memory, *other)))
        return self.norm3(x + self.dropout3(self._feed_forward(x)))


def _overwrite(activation: Callable[[Tensor], Tensor], hidden: Tensor) -> Tensor:
    """activation(hidden), in the same memory where the gradient allows: up to a sixth of the layer's time."""
    if activation is F.relu:
        return torch.relu_(hidden)
    if activation is F.gelu and not hidden.requires_grad:
        return torch.ops.aten.gelu_(hidden)
    return activation(hidden)


def attend(
    attention: MultiheadAttention,
    x: Tensor,
    memory: Tensor | None,
    mask: Tensor | None,
    key_padding_mask: Tensor | None,
    is_causal: bool,
) -> Tensor:
    """Attention of x to ``memory``, or to itself if that is None, without the weights."""
    source = x if memory is None else memory
    output, _ = attention(x, source, source, key_padding_mask, False, mask, is_causal=is_causal)
    return output


def activation_function(owner: str, activation: Activation) -> Callable[[Tensor], Tensor]:
    """Return the function that ``activation`` names or is."""
    if isinstance(activation, str):
        checks.one_of(owner, "activation", activation, ("relu", "gelu"))
        return F.relu if activation == "relu" else F.gelu
    if not callable(activation):
        raise TypeError(f"{owner}: activation must be 'relu', 'gelu' or a function, got {activation!r}")
    return activation
