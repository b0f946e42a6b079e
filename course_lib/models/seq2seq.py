"""Sequence to sequence: one recurrent network reads the source, another writes the target."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.attention import masked_softmax
from course_lib.layers.checks import Device, Dtype

State = tuple[Tensor, ...]  # what decoding goes on from; the batch is the first dimension of each
CELLS = {"rnn": layers.RNN, "lstm": layers.LSTM, "gru": layers.GRU}


class DotAttention(nn.Module):
    """Scores s_ij = q_i . k_j / sqrt(d): additive attention's calling form, and no parameters.

    Source: Luong, Pham & Manning (2015), Effective approaches to attention-based neural machine translation,
    equation 8 ("dot"); the division by sqrt(d): Vaswani et al. (2017).
    """

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor | None = None, key_padding_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend with query (..., t, d) to key (..., s, d): output (..., t, d) and weights (..., t, s)."""
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if key_padding_mask is not None:
            scores = scores.masked_fill(key_padding_mask.unsqueeze(-2), -torch.inf)
        weights = masked_softmax(scores)
        return weights @ (key if value is None else value), weights


class Seq2Seq(nn.Module):
    """source (n, s), target so far (n, t), both token numbers -> logits (n, t, target_size).

    The encoder's last state is where the decoder starts: without attention, all that it learns of the source
    (the bottleneck). With attention each step of the decoder, h_t, compares itself with all of the encoder's
    outputs, and the logits are read from tanh(W [h_t; their weighted average]).

    ``forward(source, shift_right(target, model.start))`` is teacher forcing: at each place the decoder reads
    the right tokens before it and predicts the one there, all places at once. To write without a target,
    ``encode`` gives a state, and ``decode`` reads tokens and gives logits and the next state, as often as
    needed: see ``greedy_decode`` and ``beam_search``. The state is a tuple of tensors whose first dimension
    is the batch.

    Args:
        source_size: number of source tokens.
        target_size: number of target tokens.
        embedding_dim: size of the vector of a token.
        hidden_size: of the state; with ``bidirectional`` each direction of the encoder has half of it.
        num_layers: of the encoder and of the decoder.
        cell: "rnn", "lstm" or "gru".
        attention: "additive", "dot" or None.
        bidirectional: whether the encoder reads from both ends.
        dropout: probability of zeroing, in training, entries of the embeddings and between layers.
        start: the token that the decoder reads first. Padding serves (T5 does so): no target starts with it.
        padding: the token that fills up the end of a sequence; how often does not matter in a source.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Sutskever, Vinyals & Le (2014), Sequence to sequence learning with neural networks; attention:
    Luong, Pham & Manning (2015), equations 5 to 8, with the score of Bahdanau, Cho & Bengio (2015) if
    "additive".

    Raises:
        ValueError: a size out of range, an unknown cell or attention, an odd hidden_size with
            ``bidirectional``, tokens of another shape or outside the table, no source token.
        TypeError: an argument of the wrong type, tokens that are no whole numbers.
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        embedding_dim: int = 64,
        hidden_size: int = 128,
        num_layers: int = 1,
        *,
        cell: str = "gru",
        attention: str | None = None,
        bidirectional: bool = False,
        dropout: float = 0.0,
        start: int = 0,
        padding: int = 0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.positive_integer("Seq2Seq", "num_layers", num_layers)
        check_vocabularies("Seq2Seq", source_size, target_size, start, padding)
        checks.one_of("Seq2Seq", "cell", cell, tuple(CELLS))
        checks.one_of("Seq2Seq", "attention", attention, (None, "additive", "dot"))
        if bidirectional and hidden_size % 2:
            raise ValueError(f"Seq2Seq: hidden_size must be even with bidirectional=True, got {hidden_size}")
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        between = {"dropout": dropout if num_layers > 1 else 0.0, "batch_first": True, **where}
        self.start, self.padding = start, padding
        self.source_embedding = layers.Embedding(source_size, embedding_dim, **where)
        self.target_embedding = layers.Embedding(target_size, embedding_dim, **where)
        self.dropout = layers.Dropout(dropout)
        each = hidden_size // (1 + bidirectional)
        self.encoder = CELLS[cell](embedding_dim, each, num_layers, bidirectional=bidirectional, **between)
        self.decoder = CELLS[cell](embedding_dim, hidden_size, num_layers, **between)
        self.attention: nn.Module | None = None
        if attention is not None:
            additive = attention == "additive"
            self.attention = (
                layers.AdditiveAttention(hidden_size, hidden_size, hidden_size, **where)
                if additive
                else DotAttention()
            )
            self.combine = layers.Linear(2 * hidden_size, hidden_size, **where)
        self.head = layers.Linear(hidden_size, target_size, **where)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Read the source and the target so far; the logits at each place are of the token that follows."""
        return self.decode(target, self.encode(source))[0]

    def encode(self, source: Tensor) -> State:
        """Read source (n, s): its features (n, s, hidden_size), its padding (n, s), and the last state."""
        check_tokens("Seq2Seq", source, "source")
        mask = padding_mask(source, self.padding)
        packed = pack_padded_sequence(
            self.dropout(self.source_embedding(source)),
            (~mask).sum(dim=1).cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        features, states = self.encoder(packed)
        features, _ = pad_packed_sequence(features, batch_first=True, total_length=source.shape[1])
        states = states if isinstance(states, tuple) else (states,)
        # (layers * directions, n, size) -> (n, layers, directions * size)
        joined = [
            h.unflatten(0, (self.encoder.num_layers, -1)).permute(2, 0, 1, 3).flatten(2) for h in states
        ]
        return features, mask, *joined

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (n, t) on from ``state``; return the logits (n, t, target_size) and the new state."""
        logits, _, state = self._decode(tokens, state)
        return logits, state

    def attention_weights(self, source: Tensor, target: Tensor) -> Tensor:
        """Where the decoder looks: (n, t, s), for each place of the target weights of the source's that sum
        to 1. ``target`` is what the decoder reads, as in ``forward``.

        Raises:
            ValueError: the model was made without attention.
        """
        _, weights, _ = self._decode(target, self.encode(source))
        if weights is None:
            raise ValueError("Seq2Seq: attention must be 'additive' or 'dot' to have weights, got None")
        return weights

    def _decode(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor | None, State]:
        check_tokens("Seq2Seq", tokens, "target", state[0])
        features, mask, *before = state
        hx = tuple(h.transpose(0, 1).contiguous() for h in before)
        x = self.dropout(self.target_embedding(tokens))
        hidden, after = self.decoder(x, hx if len(hx) > 1 else hx[0])
        weights = None
        if self.attention is not None:
            context, weights = self.attention(hidden, features, None, mask)
            hidden = torch.tanh(self.combine(torch.cat([hidden, context], dim=-1)))
        after = after if isinstance(after, tuple) else (after,)
        return self.head(hidden), weights, (features, mask, *(h.transpose(0, 1) for h in after))


def seq2seq(source_size: int, target_size: int, **options: Any) -> Seq2Seq:
    """A recurrent encoder and decoder. ``options`` are those of ``Seq2Seq``."""
    return Seq2Seq(source_size, target_size, **options)


def shift_right(target: Tensor, start: int = 0) -> Tensor:
    """What the decoder reads while it learns ``target`` (n, t): ``start``, then all but the last, (n, t).

    Raises:
        TypeError: target is no tensor, start no integer.
        ValueError: target is no matrix, start negative.
    """
    checks.tensor("shift_right", target, "target")
    checks.rank("shift_right", target, "(n, t)", name="target")
    checks.non_negative_integer("shift_right", "start", start)
    return torch.cat([torch.full_like(target[:, :1], start), target[:, :-1]], dim=1)


def padding_mask(tokens: Tensor, padding: int = 0) -> Tensor:
    """True where tokens (n, t) have ended: behind the last that is no padding. The first place is never True.

    A row of padding alone counts as one token of it, so that attention has something to look at.
    """
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    lengths = ((tokens != padding) * places).amax(dim=1, keepdim=True).clamp(min=1)  # (n, 1)
    return places > lengths


def check_vocabularies(owner: str, source_size: int, target_size: int, start: int, padding: int) -> None:
    """Raise unless the sizes are positive, ``start`` is a target token, and ``padding`` one of both."""
    checks.positive_integer(owner, "source_size", source_size)
    checks.positive_integer(owner, "target_size", target_size)
    tokens = (("start", start, "target_size", target_size), ("padding", padding, "target_size", target_size))
    for name, token, of, size in (*tokens, ("padding", padding, "source_size", source_size)):
        checks.non_negative_integer(owner, name, token)
        if token >= size:
            raise ValueError(f"{owner}: {name} must be less than {of}={size}, got {token}")


def check_tokens(owner: str, tokens: Tensor, name: str, features: Tensor | None = None) -> None:
    """Raise unless ``tokens`` is (n, t) with n and t from 1 on, and n that of ``features``, if given."""
    checks.tensor(owner, tokens, name)
    if tokens.ndim != 2 or not tokens.numel():
        raise ValueError(
            f"{owner}: {name} must be (n, t) with n and t of 1 or more, got shape {tuple(tokens.shape)}"
        )
    if features is not None:
        checks.size(owner, tokens, 0, len(features), "the source's batch size", name)
