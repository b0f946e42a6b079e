"""The sizes of the published BERTs, and the parameters that follow from them."""

from dataclasses import dataclass

from course_lib.layers import checks


@dataclass(frozen=True)
class BertConfig:
    """The sizes of a BERT; ``dataclasses.replace`` makes another from it.

    Attributes:
        vocab_size: V, tokens in the vocabulary.
        hidden_size: d, numbers in the vector of a token.
        num_hidden_layers: blocks.
        num_attention_heads: a divisor of hidden_size.
        intermediate_size: m, hidden units of the perceptron in each block.
        max_position_embeddings: the longest sequence that it can read.
        type_vocab_size: kinds of segment: the first and the second sentence.
        pad_token_id: the token of padding, whose vector is 0 at first and learns as a target only; None if
            the vocabulary has none.
        dropout: behind embeddings and attention weights, and of what each part of a block adds.

    Raises:
        ValueError: a size below 1, hidden_size not a multiple of num_attention_heads, a pad_token_id outside
            the vocabulary, dropout outside 0 ... 1.
        TypeError: a size that is no integer, a dropout that is no number.
    """

    vocab_size: int = 30_522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    pad_token_id: int | None = 0
    dropout: float = 0.1

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        for name in (*sizes, "max_position_embeddings", "type_vocab_size"):
            checks.positive_integer("BertConfig", name, getattr(self, name))
        checks.probability("BertConfig", "dropout", self.dropout)
        if self.hidden_size % self.num_attention_heads:
            expected = f"a multiple of num_attention_heads={self.num_attention_heads}"
            raise ValueError(f"BertConfig: hidden_size must be {expected}, got {self.hidden_size}")
        if self.pad_token_id is not None:
            checks.non_negative_integer("BertConfig", "pad_token_id", self.pad_token_id)
            if self.pad_token_id >= self.vocab_size:
                expected = f"in 0 ... {self.vocab_size - 1} (vocab_size={self.vocab_size})"
                raise ValueError(f"BertConfig: pad_token_id must be {expected}, got {self.pad_token_id}")

    @property
    def parameters(self) -> int:
        """How many numbers the body, ``Bert``, learns, the pooler included and heads not.

        The three tables of embeddings, with a layer norm; in a block the four projections of attention,
        d^2 + d each, the perceptron, and two layer norms; one more d^2 + d in the pooler.
        """
        d, m = self.hidden_size, self.intermediate_size
        tables = (self.vocab_size + self.max_position_embeddings + self.type_vocab_size) * d
        block = 4 * (d**2 + d) + (2 * d * m + m + d) + 4 * d
        return tables + 2 * d + self.num_hidden_layers * block + (d**2 + d)


# Devlin et al. (2019), section 3, with the vocabulary of the uncased models.
BERT_CONFIGS: dict[str, BertConfig] = {
    "bert-base": BertConfig(),
    "bert-large": BertConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    ),
}
