"""The transformer as a model of sequences: tokens in, logits out."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models.seq2seq import State, check_tokens, check_vocabularies, padding_mask

OWNER = "Seq2SeqTransformer"


class Seq2SeqTransformer(nn.Module):
    """source (n, s), target so far (n, t), both token numbers -> logits (n, t, target_size).

    Tokens become vectors, times sqrt(d_model); sines and cosines of their places are added; the encoder reads
    the source, the decoder the target under a causal mask, and a linear map makes the logits. It is called
    as ``Seq2Seq`` is: ``forward(source, shift_right(target, model.start))`` learns all places at once, and
    ``encode`` and ``decode`` write step by step. A step reads all that was written anew: the state is the
    encoder's output, the padding, and those tokens.

    Args:
        source_size: number of source tokens.
        target_size: number of target tokens.
        d_model: features of a place.
        nhead: heads of each attention, a divisor of d_model.
        num_encoder_layers: how many layers read the source.
        num_decoder_layers: how many write.
        dim_feedforward: hidden units of the net in each layer.
        dropout: in training, behind the positions and as in ``layers.Transformer``.
        norm_first: where the layers normalize; False is the paper's way, True trains without warm-up.
        max_len: the longest sequence that is taken; None for any.
        start: the token that the decoder reads first; padding serves.
        padding: the token that fills up the end of a sequence; how often does not matter in a source.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Vaswani et al. (2017), Attention is all you need, sections 3.1, 3.4 and 3.5. Unlike there, the
    two embeddings and the last map share nothing; they start from N(0, 1 / d_model) and Linear's own.

    Raises:
        ValueError: a size out of range, d_model not a multiple of nhead, tokens of another shape or outside
            the table, no source token, a sequence longer than max_len.
        TypeError: an argument of the wrong type, tokens that are no whole numbers.
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        d_model: int = 64,
        nhead: int = 4,
        num_encoder_layers: int = 2,
        num_decoder_layers: int = 2,
        dim_feedforward: int = 256,
        dropout: float = 0.1,
        *,
        norm_first: bool = True,
        max_len: int | None = None,
        start: int = 0,
        padding: int = 0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        check_vocabularies(OWNER, source_size, target_size, start, padding)
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.start, self.padding = start, padding
        self.source_embedding = layers.Embedding(source_size, d_model, **where)
        self.target_embedding = layers.Embedding(target_size, d_model, **where)
        for embedding in (self.source_embedding, self.target_embedding):
            layers.normal_(embedding.weight, std=d_model**-0.5)  # of variance 1 once scaled
        self.positions = layers.SinusoidalPositionalEncoding(d_model, max_len, dropout, batch_first=True)
        self.transformer = layers.Transformer(
            d_model,
            nhead,
            num_encoder_layers,
            num_decoder_layers,
            dim_feedforward,
            dropout,
            batch_first=True,
            norm_first=norm_first,
            **where,
        )
        self.head = layers.Linear(d_model, target_size, **where)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Read the source and the target so far; the logits at each place are of the token that follows."""
        return self.decode(target, self.encode(source))[0]

    def encode(self, source: Tensor) -> State:
        """Read source (n, s): its features (n, s, d_model), its padding (n, s), and no token written yet."""
        check_tokens(OWNER, source, "source")
        mask = padding_mask(source, self.padding)
        features = self.transformer.encoder(
            self._embedded(self.source_embedding, source), src_key_padding_mask=mask
        )
        return features, mask, source[:, :0]

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (n, t) on from ``state``; return the logits (n, t, target_size) and the new state."""
        features, mask, before = state
        check_tokens(OWNER, tokens, "target", features)
        written = torch.cat([before.to(tokens), tokens], dim=1)
        length = written.shape[1]
        future = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        hidden = self.transformer.decoder(
            self._embedded(self.target_embedding, written),
            features,
            tgt_mask=future,
            memory_key_padding_mask=mask,
            tgt_is_causal=True,
        )
        return self.head(hidden[:, -tokens.shape[1] :]), (features, mask, written)

    def attention_maps(self, source: Tensor, target: Tensor) -> list[Tensor]:
        """Where the decoder looks in the source, layer by layer: num_decoder_layers x (n, nhead, t, s).

        ``target`` is what the decoder reads, as in ``forward``. In evaluation every row sums to 1.
        """
        maps: list[Tensor] = []

        def keep(attention: nn.Module, inputs: tuple[Any, ...]) -> None:
            query, key, value, mask = inputs[:4]
            # forward is called past the hooks, of which this is one
            _, weights = attention.forward(query, key, value, mask, average_attn_weights=False)
            maps.append(weights)

        across = [part for name, part in self.named_modules() if name.endswith("multihead_attn")]
        hooks = [attention.register_forward_pre_hook(keep) for attention in across]
        try:
            self(source, target)
        finally:
            for hook in hooks:
                hook.remove()
        return maps

    def _embedded(self, embedding: nn.Module, tokens: Tensor) -> Tensor:
        return self.positions(embedding(tokens) * math.sqrt(self.transformer.d_model))


def transformer(source_size: int, target_size: int, **options: Any) -> Seq2SeqTransformer:
    """A transformer from tokens to tokens. ``options`` are those of ``Seq2SeqTransformer``."""
    return Seq2SeqTransformer(source_size, target_size, **options)
