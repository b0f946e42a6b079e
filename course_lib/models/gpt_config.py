"""The sizes of the published GPTs, and the parameters that follow from them."""

from dataclasses import dataclass, fields

from course_lib.layers import checks


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a GPT; ``dataclasses.replace`` makes another from it.

    Attributes:
        vocab_size: V, tokens in the vocabulary.
        n_positions: the longest sequence that it can read: each position has a learned vector.
        n_embd: d, numbers in the vector of a token.
        n_layer: blocks.
        n_head: heads of the attention, a divisor of n_embd.
        dropout: behind the embeddings, of the attention weights, and of what each part of a block adds.

    Raises:
        ValueError: a size below 1, n_embd not a multiple of n_head, dropout outside 0 ... 1.
        TypeError: a size that is no integer, a dropout that is no number.
    """

    vocab_size: int
    n_positions: int
    n_embd: int
    n_layer: int
    n_head: int
    dropout: float = 0.1

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for field in fields(self):
            if field.name != "dropout":
                checks.positive_integer(owner, field.name, getattr(self, field.name))
        checks.probability(owner, "dropout", self.dropout)
        if self.n_embd % self.n_head:
            expected = f"a multiple of n_head={self.n_head}"
            raise ValueError(f"{owner}: n_embd must be {expected}, got {self.n_embd}")

    @property
    def parameters(self) -> int:
        """How many numbers are learned: (V + n_positions) d of embeddings, and 12 d^2 + 13 d in a block.

        Of the 12 d^2, attention has 4 (queries, keys, values, output) and the perceptron with 4 d hidden
        units 8; biases have 9 d, and the two layer norms 4 d. The logits' weights are the embedding's.
        """
        d = self.n_embd
        return (self.vocab_size + self.n_positions) * d + self.n_layer * (12 * d + 13) * d


class GPT1Config(GPTConfig):
    """The sizes of a GPT-1, which normalizes behind each part of a block: see ``GPTConfig``."""


class GPT2Config(GPTConfig):
    """The sizes of a GPT-2 or GPT-3, which normalize before each part and once at the end: see
    ``GPTConfig``.
    """

    @property
    def parameters(self) -> int:
        """Those of ``GPTConfig``, and 2 d of the last layer norm."""
        return super().parameters + 2 * self.n_embd


# Radford et al. (2018), section 4.1, where the vocabulary is 40,000 merges and 478 single symbols; Radford et
# al. (2019), table 2 (whose counts were wrong: these are those of the published weights); Brown et al.
# (2020), table 2.1, with the tokens of GPT-2.
GPT_CONFIGS: dict[str, GPTConfig] = {
    "gpt1": GPT1Config(40_478, 512, 768, 12, 12),
    "gpt2": GPT2Config(50_257, 1024, 768, 12, 12),
    "gpt2-medium": GPT2Config(50_257, 1024, 1024, 24, 16),
    "gpt2-large": GPT2Config(50_257, 1024, 1280, 36, 20),
    "gpt2-xl": GPT2Config(50_257, 1024, 1600, 48, 25),
    "gpt3": GPT2Config(50_257, 2048, 12_288, 96, 96),
}
