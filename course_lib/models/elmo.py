"""ELMo: two language models, one reading from the left and one from the right, and words in their context."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks


class ElmoOutputs(NamedTuple):
    """What the two language models make of a batch of sentences.

    Attributes:
        layers: (num_layers + 1, n, t, 2 size), each word's vectors, forward then backward: first the word by
            itself, twice, then what each LSTM layer makes of it in its context.
        forward_logits: (n, t, vocab_size), of the word that follows, from this word and those before it.
        backward_logits: (n, t, vocab_size), of the word before it, from this word and those that follow.
    """

    layers: Tensor
    forward_logits: Tensor
    backward_logits: Tensor


class ELMo(nn.Module):
    """Words become vectors, and LSTMs of either direction predict the next word and the word before.

    The directions share the words' vectors and the output layer, and nothing else; from the second layer on,
    a layer's input is added to its output. ``loss_of_elmo`` trains it, ``ScalarMix`` makes one vector of
    those that a word gets. In the paper, LSTMs of 4,096 units are projected to the size of 512; here a state
    has the size of the vectors.

    Shapes: words (n, t) of integers, or what ``words`` takes, such as characters (n, t, length) ->
    ``ElmoOutputs``.

    Args:
        vocab_size: number of words that can be predicted.
        size: of the words' vectors, and of the LSTMs' states.
        num_layers: LSTM layers in either direction.
        words: makes vectors (n, t, size) of the words, such as ``CharacterCNN(257, size)``; default an
            embedding of word numbers.
        dropout: between the layers, and before the logits.

    Source: Peters et al. (2018), Deep contextualized word representations, section 3.

    Raises:
        ValueError: a size below 1, a probability out of range, ``lengths`` that do not fit.
        TypeError: sizes that are no integers, ``words`` that is no module.
    """

    def __init__(
        self,
        vocab_size: int,
        size: int = 64,
        num_layers: int = 2,
        words: nn.Module | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        checks.positive_integer("ELMo", "vocab_size", vocab_size)
        checks.positive_integer("ELMo", "size", size)
        checks.positive_integer("ELMo", "num_layers", num_layers)
        if words is not None and not isinstance(words, nn.Module):
            raise TypeError(f"ELMo: words must be a torch.nn.Module, got {type(words).__name__}")
        self.words = layers.Embedding(vocab_size, size) if words is None else words
        self.forward_lstms, self.backward_lstms = (
            nn.ModuleList(layers.LSTM(size, size, batch_first=True) for _ in range(num_layers))
            for _ in range(2)
        )
        self.dropout = layers.Dropout(dropout)
        self.head = layers.Linear(size, vocab_size)
        self.size = size

    def forward(self, words: Tensor, lengths: Tensor | None = None) -> ElmoOutputs:
        """Read sentences (n, t, ...); of sentence i only the first ``lengths[i]`` words, if given.

        What stands at places beyond a sentence's end means nothing.
        """
        x = self.words(words)
        if x.ndim != 3 or x.shape[2] != self.size:
            raise ValueError(f"ELMo: words must become (n, t, {self.size}), got shape {tuple(x.shape)}")
        order = _backwards(x, lengths)
        onward = self._read(self.forward_lstms, x)
        back = [_ordered(each, order) for each in self._read(self.backward_lstms, _ordered(x, order))]
        return ElmoOutputs(
            torch.stack([torch.cat(pair, dim=2) for pair in zip(onward, back, strict=True)]),
            self.head(self.dropout(onward[-1])),
            self.head(self.dropout(back[-1])),
        )

    def _read(self, lstms: nn.ModuleList, x: Tensor) -> list[Tensor]:
        """Return the outputs (n, t, size) of all layers, the words' own vectors first."""
        outputs = [x]
        for number, lstm in enumerate(lstms):
            y, _ = lstm(self.dropout(outputs[-1]))
            outputs.append(y if number == 0 else y + outputs[-1])
        return outputs


class ScalarMix(nn.Module):
    """gamma * sum_j softmax(s)_j h_j: one vector from those of all layers, weighted as the task wants them.

    Shapes: (num_layers, ...) -> (...). At first all weights are equal and gamma is 1. For an ``ELMo`` with L
    LSTM layers ``num_layers`` is L + 1.

    Source: Peters et al. (2018), Deep contextualized word representations, equation 1.

    Raises:
        ValueError: ``num_layers`` below 1, or another number of layers in the input.
        TypeError: ``num_layers`` that is no integer, an input that is no tensor of floating-point numbers.
    """

    def __init__(self, num_layers: int) -> None:
        super().__init__()
        checks.positive_integer("ScalarMix", "num_layers", num_layers)
        self.scalars = nn.Parameter(torch.zeros(num_layers))
        self.gamma = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Mix the layers."""
        checks.float_tensor("ScalarMix", x)
        if x.ndim == 0 or len(x) != len(self.scalars):
            raise ValueError(
                f"ScalarMix: input must be (num_layers={len(self.scalars)}, ...), got shape {tuple(x.shape)}"
            )
        return self.gamma * torch.tensordot(self.scalars.softmax(dim=0), x, dims=1)


def loss_of_elmo(outputs: ElmoOutputs, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """Mean cross-entropy of both language models, each predicting its neighbours in ``targets`` (n, t).

    Forward, place i predicts word i + 1; backward, word i - 1. Words that are ``ignore_index``, such as
    padding, predict nothing and are not predicted. exp of the loss is the geometric mean of both
    perplexities.

    Raises:
        ValueError: targets of another shape, or no two words beside each other.
        TypeError: targets that are no tensor.

    Source: Peters et al. (2018), Deep contextualized word representations, section 3.1.
    """
    checks.tensor("loss_of_elmo", targets, "targets")
    shape = tuple(outputs.forward_logits.shape[:-1])
    if tuple(targets.shape) != shape or targets.shape[1] < 2:
        raise ValueError(
            f"loss_of_elmo: targets must have shape {shape}, with two words or more, got "
            f"{tuple(targets.shape)}"
        )
    here, there = targets[:, :-1].flatten(), targets[:, 1:].flatten()
    both = (here != ignore_index) & (there != ignore_index)
    if not both.any():
        raise ValueError(f"loss_of_elmo: targets must have two words other than ignore_index={ignore_index}")
    forward = layers.cross_entropy(outputs.forward_logits[:, :-1].flatten(0, 1)[both], there[both])
    backward = layers.cross_entropy(outputs.backward_logits[:, 1:].flatten(0, 1)[both], here[both])
    return (forward + backward) / 2


def _backwards(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return places (n, t) that turn each sentence round within its length, and leave the padding."""
    n, t = x.shape[:2]
    place = torch.arange(t, device=x.device).expand(n, t)
    if lengths is None:
        return t - 1 - place
    checks.tensor("ELMo", lengths, "lengths")
    if tuple(lengths.shape) != (n,) or ((lengths < 0) | (lengths > t)).any():
        raise ValueError(f"ELMo: lengths must be {n} numbers from 0 to {t}, got {lengths.tolist()}")
    last = lengths.to(x.device)[:, None] - 1
    return torch.where(place <= last, last - place, place)


def _ordered(x: Tensor, order: Tensor) -> Tensor:
    return x.gather(1, order.unsqueeze(2).expand_as(x))
