"""What BERT is trained with, and what it is used for: a small head on its vectors each.

All take what ``Bert`` takes: tokens (n, t), an attention_mask and token_type_ids. Their parameters are named
as in Hugging Face's classes of the same names.

Source: Devlin et al. (2019), section 3.1 for the training, figure 4 for the uses.
"""

from typing import NamedTuple

from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.bert import Bert, layer_norm, linear
from course_lib.models.bert_config import BertConfig


class Spans(NamedTuple):
    """Where an answer may start and end: logits over the positions, (n, t) each."""

    start_logits: Tensor
    end_logits: Tensor


class PretrainingLogits(NamedTuple):
    """What BERT is trained on says."""

    prediction_logits: Tensor  # (n, t, V): which token stands there
    seq_relationship_logits: Tensor  # (n, 2): class 0 if the second sentence follows the first, 1 if not


class BertPredictions(nn.Module):
    """Which token stands there: x (n, t, d) -> logits (n, t, V); the weights are the embedding's."""

    def __init__(
        self, config: BertConfig, table: nn.Parameter, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        d = config.hidden_size
        self.transform = nn.ModuleDict(
            {"dense": linear(d, d, device, dtype), "LayerNorm": layer_norm(d, device, dtype)}
        )
        self.act = layers.GELU()
        self.decoder = layers.Linear(d, config.vocab_size, device="meta")
        self.decoder.weight = table
        self.decoder.bias = nn.Parameter(table.new_zeros(config.vocab_size))
        self.bias = self.decoder.bias  # it has both names in the published weights

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        return self.decoder(self.transform["LayerNorm"](self.act(self.transform["dense"](x))))


class _WithHead(nn.Module):
    """The body, and the classifier that two of the heads are."""

    def __init__(self, config: BertConfig, pooled: bool, device: Device, dtype: Dtype) -> None:
        super().__init__()
        self.bert = Bert(config, pooled, device, dtype)
        self.config = config

    def _classifier(self, num_labels: int, device: Device, dtype: Dtype) -> None:
        checks.positive_integer(type(self).__name__, "num_labels", num_labels)
        self.dropout = layers.Dropout(self.config.dropout)
        self.classifier = linear(self.config.hidden_size, num_labels, device, dtype)


class BertForSequenceClassification(_WithHead):
    """The class of a sentence, or of a pair of sentences: logits (n, num_labels)."""

    def __init__(
        self, config: BertConfig, num_labels: int = 2, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__(config, True, device, dtype)
        self._classifier(num_labels, device, dtype)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Compute the logits from what the pooler makes of [CLS]."""
        x = self.bert.pooled(self.bert(tokens, attention_mask, token_type_ids))
        return self.classifier(self.dropout(x))


class BertForTokenClassification(_WithHead):
    """The class of each word, such as person, place or neither: logits (n, t, num_labels)."""

    def __init__(
        self, config: BertConfig, num_labels: int = 2, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__(config, False, device, dtype)
        self._classifier(num_labels, device, dtype)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Compute the logits of each token."""
        return self.classifier(self.dropout(self.bert(tokens, attention_mask, token_type_ids)))


class BertForQuestionAnswering(_WithHead):
    """Where in a document the answer to a query stands: ``Spans``, from [CLS] query [SEP] document [SEP]."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config, False, device, dtype)
        self.qa_outputs = linear(config.hidden_size, 2, device, dtype)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Spans:
        """Compute the logits of the first and of the last token of the answer."""
        logits = self.qa_outputs(self.bert(tokens, attention_mask, token_type_ids))
        return Spans(logits[..., 0], logits[..., 1])


class BertForMaskedLM(_WithHead):
    """Which token stood where [MASK] stands now: logits (n, t, V)."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config, False, device, dtype)
        table = self.bert.embeddings.word_embeddings.weight
        self.cls = nn.ModuleDict({"predictions": BertPredictions(config, table, device, dtype)})

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Compute the logits of each position."""
        return self.cls["predictions"](self.bert(tokens, attention_mask, token_type_ids))


class BertForNextSentencePrediction(_WithHead):
    """Whether the second sentence follows the first: logits (n, 2), class 0 if so."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config, True, device, dtype)
        self.cls = nn.ModuleDict({"seq_relationship": linear(config.hidden_size, 2, device, dtype)})

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Compute the logits from what the pooler makes of [CLS]."""
        return self.cls["seq_relationship"](
            self.bert.pooled(self.bert(tokens, attention_mask, token_type_ids))
        )


class BertForPreTraining(_WithHead):
    """Both tasks of the training at once: ``PretrainingLogits``."""

    def __init__(self, config: BertConfig, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__(config, True, device, dtype)
        table = self.bert.embeddings.word_embeddings.weight
        self.cls = nn.ModuleDict(
            {
                "predictions": BertPredictions(config, table, device, dtype),
                "seq_relationship": linear(config.hidden_size, 2, device, dtype),
            }
        )

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> PretrainingLogits:
        """Compute the logits of each position, and those of the pair of sentences."""
        x = self.bert(tokens, attention_mask, token_type_ids)
        follows = self.cls["seq_relationship"](self.bert.pooled(x))
        return PretrainingLogits(self.cls["predictions"](x), follows)
