"""Batches of sequences of like lengths: less padding, and so less work for nothing."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_lib.layers import checks
from course_lib.models.seq2seq import padding_mask


class BucketBatches:
    """Batches (source, target), (n, s) and (n, t), each as long as its longest; for ``teach`` and ``fit``.

    In every pass the pairs are put in a new random order, cut into pools of ``pool`` batches, sorted by
    length within each pool, cut into batches, and the batches shuffled: neighbours are alike in length, and
    yet differ from pass to pass. Without a generator all are sorted once, and nothing is random: right for
    measuring, wrong for training, which would go from short to long.

    Args:
        sources: token numbers, a tensor (length,) each; ``trim_padding`` makes them of a matrix.
        targets: as many.
        batch_size: pairs in a batch; the last may be short.
        generator: draws the orders.
        padding: the token at the end of what is shorter.
        pool: batches in a pool. 1 is ordinary shuffling; more make lengths more alike, and batches less so.

    Raises:
        ValueError: no pairs, unlike numbers of sources and targets, a size below 1, tokens in a matrix.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        sources: Sequence[Tensor],
        targets: Sequence[Tensor],
        batch_size: int,
        generator: torch.Generator | None = None,
        *,
        padding: int = 0,
        pool: int = 20,
    ) -> None:
        checks.positive_integer("BucketBatches", "batch_size", batch_size)
        checks.positive_integer("BucketBatches", "pool", pool)
        if len(sources) != len(targets) or not len(sources):
            raise ValueError(
                "BucketBatches: sources and targets must be as many, and 1 or more, "
                f"got {len(sources)} and {len(targets)}"
            )
        for name, sequences in (("sources", sources), ("targets", targets)):
            for sequence in sequences:
                checks.tensor("BucketBatches", sequence, name)
                checks.rank("BucketBatches", sequence, "(length)", name=f"each of {name}")
        self.sources, self.targets = list(sources), list(targets)
        self.batch_size, self.generator = batch_size, generator
        self.padding, self.pool = padding, pool

    def __len__(self) -> int:
        return -(-len(self.sources) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.sources)
        if self.generator is None:
            order = sorted(range(count), key=self._lengths)
            batches = [order[i : i + self.batch_size] for i in range(0, count, self.batch_size)]
        else:
            shuffled = torch.randperm(count, generator=self.generator)
            pools = [
                sorted(p.tolist(), key=self._lengths) for p in shuffled.split(self.batch_size * self.pool)
            ]
            cut = [p[i : i + self.batch_size] for p in pools for i in range(0, len(p), self.batch_size)]
            batches = [cut[i] for i in torch.randperm(len(cut), generator=self.generator).tolist()]
        for batch in batches:
            yield self._padded(self.sources, batch), self._padded(self.targets, batch)

    def _lengths(self, index: int) -> tuple[int, int]:
        return len(self.sources[index]), len(self.targets[index])

    def _padded(self, sequences: list[Tensor], chosen: list[int]) -> Tensor:
        return pad_sequence([sequences[i] for i in chosen], batch_first=True, padding_value=self.padding)


def trim_padding(tokens: Tensor, padding: int = 0) -> list[Tensor]:
    """Return the rows of ``tokens`` (n, t) without the padding at their ends; at least one token of each.

    Raises:
        TypeError: tokens is no tensor.
        ValueError: tokens is no matrix, or has no columns.
    """
    checks.tensor("trim_padding", tokens, "tokens")
    if tokens.ndim != 2 or not tokens.shape[1]:
        raise ValueError(f"trim_padding: tokens must be (n, t), t of 1 or more, got {tuple(tokens.shape)}")
    lengths = (~padding_mask(tokens, padding)).sum(dim=1).tolist()
    return [row[:length] for row, length in zip(tokens, lengths, strict=True)]
