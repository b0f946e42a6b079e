"""The transformer, a stack of encoder layers and one of decoder layers, called as in ``torch.nn``."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.layer_normalization import LayerNorm
from course_lib.layers.transformer_layers import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)


class TransformerEncoder(nn.Module):
    """``num_layers`` copies of ``encoder_layer``, one after the other, and then ``norm``.

    Every copy starts from the same parameters. With ``enable_nested_tensor``, PyTorch skips padded positions
    in evaluation without gradients, and their output is 0, before ``norm``, if its fused layer applies
    (batch_first, norm_first=False, bias, an even number of heads, ReLU or GELU), no ``mask`` is given and
    the padding is at the end, which ``mask_check`` looks up. Ours computes them, and then gives 0 likewise.

    Shapes: src and output as for ``encoder_layer``.

    Raises:
        ValueError: num_layers below 1; and what the layers raise.
    """

    def __init__(
        self,
        encoder_layer: nn.Module,
        num_layers: int,
        norm: nn.Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies("TransformerEncoder", "encoder_layer", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check
        self.use_nested_tensor = enable_nested_tensor and _is_fused_by_torch(encoder_layer)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Apply all layers with the same masks; ``is_causal`` is the hint of MultiheadAttention."""
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        if src_key_padding_mask is not None and mask is None and self._skips_padding(src):
            padding = _padding(src_key_padding_mask)
            if not self.mask_check or bool((padding[:, :-1] <= padding[:, 1:]).all()):
                x = x.masked_fill(padding.unsqueeze(-1), 0.0)
        return x if self.norm is None else self.norm(x)

    def _skips_padding(self, src: Tensor) -> bool:
        """Whether PyTorch would leave out the padded positions of src."""
        if not self.use_nested_tensor or self.training or src.ndim != 3 or torch.is_autocast_enabled():
            return False
        return not (torch.is_grad_enabled() and any(x.requires_grad for x in (src, *self.parameters())))


class TransformerDecoder(nn.Module):
    """``num_layers`` copies of ``decoder_layer``, one after the other, all fed by memory, and then ``norm``.

    Every copy starts from the same parameters. Shapes: tgt, memory and output as for ``decoder_layer``.

    Raises:
        ValueError: num_layers below 1; and what the layers raise.
    """

    def __init__(self, decoder_layer: nn.Module, num_layers: int, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = _copies("TransformerDecoder", "decoder_layer", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Apply all layers with the same masks; ``is_causal`` are the hints of MultiheadAttention."""
        x = tgt
        for layer in self.layers:
            x = layer(
                x,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=bool(tgt_is_causal),
                memory_is_causal=memory_is_causal,
            )
        return x if self.norm is None else self.norm(x)


class Transformer(nn.Module):
    """An encoder reads the source; a decoder reads its output and the target so far, and goes on.

    Embeddings, positions and the final linear map are not part of it. In training the whole target goes in at
    once, shifted right by one, with ``generate_square_subsequent_mask`` as tgt_mask.

    Shapes: src (s, n, d_model), tgt (t, n, d_model) -> (t, n, d_model); with ``batch_first`` n comes first,
    and without a batch it is left out.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias:
            as for TransformerEncoderLayer.
        num_encoder_layers, num_decoder_layers: how often each layer is stacked; a LayerNorm follows.
        custom_encoder, custom_decoder: modules to use instead.

    Raises:
        ValueError: a size below 1, an argument out of range, inputs or masks whose shapes do not fit.
        TypeError: inputs or masks of another type.

    Source: Vaswani et al. (2017), section 3.1.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: nn.Module | None = None,
        custom_decoder: nn.Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.positive_integer("Transformer", "d_model", d_model)
        checks.positive_integer("Transformer", "nhead", nhead)
        of_layers = (
            *(d_model, nhead, dim_feedforward, dropout, activation),
            *(layer_norm_eps, batch_first, norm_first, bias, device, dtype),
        )

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            encoder_layer = TransformerEncoderLayer(*of_layers)
            custom_encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm())
        if custom_decoder is None:
            decoder_layer = TransformerDecoderLayer(*of_layers)
            custom_decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm())
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw all matrices anew, so that the layers of a stack differ; a seed gives torch.nn's numbers."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode src, then decode tgt; masks and hints are those of MultiheadAttention."""
        self._check(src, tgt)
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        for name, x in (("src", src), ("tgt", tgt)):
            checks.float_tensor("Transformer", x, name)
            if x.ndim not in (2, 3) or x.ndim != src.ndim or x.shape[-1] != self.d_model:
                lead = "length" if src.ndim == 2 else "n, length" if self.batch_first else "length, n"
                expected = f"({lead}, d_model={self.d_model})"
                raise ValueError(f"Transformer: {name} must have shape {expected}, got {tuple(x.shape)}")
        batch = 0 if self.batch_first else 1
        if src.ndim == 3:
            checks.size("Transformer", tgt, batch, src.shape[batch], "src's batch size", "tgt")

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Device = None, dtype: Dtype = None) -> Tensor:
        """Return the causal mask (sz, sz): 0 where position i may look (j <= i), -inf where it may not."""
        checks.non_negative_integer("Transformer", "sz", sz)
        return torch.full((sz, sz), -torch.inf, device=device, dtype=dtype).triu(1)


def _copies(owner: str, name: str, layer: nn.Module, n: int) -> nn.ModuleList:
    checks.positive_integer(owner, "num_layers", n)
    if not isinstance(layer, nn.Module):
        raise TypeError(f"{owner}: {name} must be a module, got {type(layer).__name__}")
    return nn.ModuleList(copy.deepcopy(layer) for _ in range(n))


def _is_fused_by_torch(layer: nn.Module) -> bool:
    """Whether PyTorch has a kernel for this whole layer, on which its skipping of padding relies."""
    if not isinstance(layer, TransformerEncoderLayer):
        return False
    attention = layer.self_attn
    usual = layer.activation in (F.relu, F.gelu) or isinstance(layer.activation, nn.ReLU | nn.GELU)
    biased = attention.in_proj_bias is not None
    same_eps = layer.norm1.eps == layer.norm2.eps
    even = attention.num_heads % 2 == 0
    return usual and biased and even and same_eps and attention.batch_first and not layer.norm_first


def _padding(key_padding_mask: Tensor) -> Tensor:
    """True where a position is padding: marked True, or with -inf to be added to its scores."""
    boolean = key_padding_mask.dtype == torch.bool
    return key_padding_mask if boolean else key_padding_mask == -torch.inf
