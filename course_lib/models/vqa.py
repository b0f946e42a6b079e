"""Questions about pictures: a small convolutional net that looks with the question in mind."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.seq2seq import check_tokens, padding_mask


class FiLM(nn.Module):
    """y = (1 + gamma) * x + beta, with gamma and beta (n, channels) a linear map of ``condition``.

    x (n, channels, h, w), condition (n, condition_dim) -> (n, channels, h, w): the condition says, for each
    feature, how much it counts and from where on, and the same at every place. The 1 is there because the
    linear map starts near 0, and would silence all features.

    Source: Perez, Strub, de Vries, Dumoulin & Courville (2018), FiLM: visual reasoning with a general
    conditioning layer, equations 1 and 2.
    """

    def __init__(self, condition_dim: int, channels: int, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        checks.positive_integer("FiLM", "condition_dim", condition_dim)
        checks.positive_integer("FiLM", "channels", channels)
        self.linear = layers.Linear(condition_dim, 2 * channels, device=device, dtype=dtype)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Scale and shift the features."""
        gamma, beta = self.linear(condition)[:, :, None, None].chunk(2, dim=1)
        return (1 + gamma) * x + beta


class FiLMBlock(nn.Module):
    """y = relu(W x), then y + relu(film(norm(V y))): W sees a place, V its neighbours, too."""

    def __init__(self, condition_dim: int, channels: int, **where: Any) -> None:
        super().__init__()
        self.conv1 = layers.Conv2d(channels, channels, 1, **where)
        self.conv2 = layers.Conv2d(channels, channels, 3, padding=1, bias=False, **where)
        self.norm = layers.BatchNorm2d(channels, affine=False, **where)  # FiLM scales and shifts
        self.film = FiLM(condition_dim, channels, **where)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Apply the block."""
        y = torch.relu(self.conv1(x))
        return y + torch.relu(self.film(self.norm(self.conv2(y)), condition))


class VQA(nn.Module):
    """image (n, in_channels, h, w), question (n, t) of token numbers -> logits (n, num_classes).

    It is no sequence to sequence: an answer is a class, and picture and question are fused. A GRU reads the
    question. Three strided convolutions make a map of h/8 x w/8 places of the picture; in each of the blocks
    behind them the question scales and shifts the features of all places (``FiLM``); the largest value of
    each feature, wherever it is, goes to a classifier.

    Args:
        vocabulary_size: number of question tokens.
        num_classes: number of answers.
        in_channels: of the picture.
        channels: features of a place.
        hidden_size: of the question's vector.
        blocks: how often the question acts.
        padding: the token that fills up the end of a question; how often does not matter.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Perez et al. (2018), section 3, smaller: with coordinates and deeper nets left out.

    Raises:
        ValueError: a size below 1, a picture or question of another shape, a token outside the table.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_classes: int,
        in_channels: int = 3,
        channels: int = 32,
        hidden_size: int = 64,
        blocks: int = 2,
        *,
        padding: int = 0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.positive_integer("VQA", "num_classes", num_classes)
        checks.positive_integer("VQA", "blocks", blocks)
        checks.positive_integer("VQA", "channels", channels)
        if channels < 2:
            raise ValueError(f"VQA: channels must be 2 or more, got {channels}")
        checks.non_negative_integer("VQA", "padding", padding)
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.padding = padding
        self.embedding = layers.Embedding(vocabulary_size, hidden_size, **where)
        self.reader = layers.GRU(hidden_size, hidden_size, batch_first=True, **where)
        widths = (channels // 2, channels, channels)
        self.eye = nn.Sequential()
        for c_in, c_out in zip((in_channels, *widths), widths, strict=False):
            self.eye.append(layers.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False, **where))
            self.eye.append(layers.BatchNorm2d(c_out, **where))
            self.eye.append(layers.ReLU())
        self.blocks = nn.ModuleList(FiLMBlock(hidden_size, channels, **where) for _ in range(blocks))
        self.classifier = nn.Sequential(
            layers.Linear(channels, 2 * channels, **where),
            layers.ReLU(),
            layers.Linear(2 * channels, num_classes, **where),
        )

    def forward(self, image: Tensor, question: Tensor) -> Tensor:
        """Answer."""
        checks.float_tensor("VQA", image, "image")
        checks.rank("VQA", image, "(n, in_channels, h, w)", name="image")
        condition, x = self.read(question), self.eye(image)
        checks.size("VQA", question, 0, len(image), "image's batch size", "question")
        for block in self.blocks:
            x = block(x, condition)
        return self.classifier(x.amax(dim=(2, 3)))

    def read(self, question: Tensor) -> Tensor:
        """Return the vectors (n, hidden_size) of questions (n, t)."""
        check_tokens("VQA", question, "question")
        lengths = (~padding_mask(question, self.padding)).sum(dim=1).cpu()
        packed = pack_padded_sequence(
            self.embedding(question), lengths, batch_first=True, enforce_sorted=False
        )
        return self.reader(packed)[1][0]


def vqa(vocabulary_size: int, num_classes: int, **options: Any) -> VQA:
    """A small net that answers questions about pictures. ``options`` are those of ``VQA``."""
    return VQA(vocabulary_size, num_classes, **options)
