"""Writing a target token by token: the likeliest next one each time, or the best few beginnings at once."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.models.seq2seq import State


class EncoderDecoder(Protocol):
    """What decoding asks of a model, such as ``Seq2Seq`` and ``Seq2SeqTransformer``.

    The state is a tuple of tensors whose first dimension is the batch, so that rows can be chosen.
    """

    start: int
    padding: int

    def encode(self, source: Tensor) -> State:
        """Read source (n, s)."""

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (n, t) on from ``state``: logits (n, t, target_size) of what follows, the state."""


class Beams(NamedTuple):
    """What a beam search found for each source, best first."""

    tokens: Tensor  # (n, beam, t), filled up with padding behind the end token
    scores: Tensor  # (n, beam): log-probability over length penalty


@torch.no_grad()
def greedy_decode(model: EncoderDecoder, source: Tensor, max_length: int, end: int | None = None) -> Tensor:
    """Write the likeliest token, read it, and so on: source (n, s) -> tokens (n, t), t up to max_length.

    A target stops with its first ``end`` token, and is filled up with ``model.padding``; once all have
    stopped, so does the search. No token is ever taken back, even if the likely beginning has no likely way
    on. The model is used in the mode that it is in: call ``eval()`` before.

    Raises:
        ValueError: max_length below 1, a negative end.
        TypeError: either is no integer.
    """
    _check("greedy_decode", max_length, end)
    state = model.encode(source)
    token = source.new_full((len(source), 1), model.start)
    ended = torch.zeros_like(token, dtype=torch.bool)
    written: list[Tensor] = []
    while len(written) < max_length and not ended.all():
        logits, state = model.decode(token, state)
        token = logits[:, -1].argmax(dim=-1, keepdim=True).masked_fill(ended, model.padding)
        written.append(token)
        ended = ended | (token == end) if end is not None else ended
    return torch.cat(written, dim=1)


@torch.no_grad()
def beam_search(
    model: EncoderDecoder,
    source: Tensor,
    max_length: int,
    end: int | None = None,
    beam: int = 4,
    length_penalty: float = 0.0,
) -> Beams:
    """Keep the ``beam`` best beginnings, and extend all of them: source (n, s) -> ``Beams``.

    A beginning y_1 ... y_m has the score

        sum_i log p(y_i | y_1 ... y_{i - 1}, source) / ((5 + m) / 6)^length_penalty.

    Every token lowers the sum, so that with a penalty of 0 short targets win; 0.6 to 1 makes up for it. m
    counts the end token. A target that has ended stays as it is while its score is among the best. With
    ``beam=1`` this is ``greedy_decode``; with a beam as wide as there are targets it finds the best of all;
    in between it may miss it. Where there are fewer targets than ``beam``, the rest has the score -inf.

    The model is used in the mode that it is in: call ``eval()`` before.

    Source: Wu et al. (2016), Google's neural machine translation system, equation 14, without its coverage.

    Raises:
        ValueError: max_length or beam below 1, a negative end or length_penalty.
        TypeError: one of them is no number of its kind.
    """
    _check("beam_search", max_length, end)
    checks.positive_integer("beam_search", "beam", beam)
    checks.finite_number("beam_search", "length_penalty", length_penalty, at_least=0)
    n, device = len(source), source.device
    row = torch.arange(n, device=device).unsqueeze(1)
    state = tuple(part.repeat_interleave(beam, dim=0) for part in model.encode(source))
    tokens = torch.full((n, beam, 1), model.start, device=device)
    lengths = torch.zeros((n, beam), dtype=torch.int64, device=device)
    ended = torch.zeros((n, beam), dtype=torch.bool, device=device)
    sums = torch.full((n, beam), -torch.inf, device=device)  # of log-probabilities
    sums[:, 0] = 0.0  # the beams begin alike: only one of them may be continued
    for _ in range(max_length):
        logits, state = model.decode(tokens[..., -1].reshape(-1, 1), state)
        log_p = logits[:, -1].log_softmax(dim=-1).unflatten(0, (n, beam))  # (n, beam, target_size)
        lengths = lengths + ~ended
        candidates = sums.unsqueeze(-1) + _stay_where_ended(log_p, ended, model.padding)
        scores = _per_length(candidates, lengths.unsqueeze(-1), length_penalty)
        best = scores.flatten(1).topk(beam, dim=1).indices  # (n, beam), of beam * target_size
        parent, token = best // log_p.shape[-1], best % log_p.shape[-1]
        sums, lengths, ended = candidates.flatten(1).gather(1, best), lengths[row, parent], ended[row, parent]
        tokens = torch.cat([tokens[row, parent], token.unsqueeze(-1)], dim=-1)
        state = tuple(part.index_select(0, (beam * row + parent).flatten()) for part in state)
        ended = ended | (token == end) if end is not None else ended
        if (ended | sums.isneginf()).all():
            break
    return Beams(tokens[..., 1:], _per_length(sums, lengths, length_penalty))


def _check(owner: str, max_length: int, end: int | None) -> None:
    checks.positive_integer(owner, "max_length", max_length)
    if end is not None:
        checks.non_negative_integer(owner, "end", end)


def _stay_where_ended(log_p: Tensor, ended: Tensor, padding: int) -> Tensor:
    """What has ended has one continuation, which costs nothing: padding."""
    stay = torch.full_like(log_p[0, 0], -torch.inf)
    stay[padding] = 0.0
    return torch.where(ended.unsqueeze(-1), stay, log_p)


def _per_length(sums: Tensor, lengths: Tensor, length_penalty: float) -> Tensor:
    return sums / ((5 + lengths.to(sums.dtype)) / 6) ** length_penalty
