"""A number for each token of a text: what a critic expects, or what a judge gives."""

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


class ScalarHead(nn.Module):
    """tokens (n, t) -> a number for each, (n, t): a language model's vectors, each times one row of weights.

    As the language model looks only back, the number of a token is about the text up to it. In PPO it is the
    value: the reward to be expected from there on. ``score``, the number of the last token, is about all of
    the text: a reward model's judgement. The head starts at 0, and so do all numbers.

    Args:
        body: tokens (n, t) -> vectors (n, t, hidden_size), such as ``copy.deepcopy(gpt2(...).transformer)``;
            of a body that is not copied the parameters are shared.
        hidden_size: of the vectors.
        device: where the head's parameters live.
        dtype: of them.

    Source: Ziegler et al. (2019), Fine-tuning language models from human preferences, section 2.1; Ouyang et
    al. (2022), Training language models to follow instructions with human feedback, section 3.5.

    Raises:
        ValueError: a size below 1, vectors of another shape.
        TypeError: a body that is no module, a size that is no integer.
    """

    def __init__(
        self, body: nn.Module, hidden_size: int, *, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        if not isinstance(body, nn.Module):
            raise TypeError(f"ScalarHead: body must be a torch.nn.Module, got {type(body).__name__}")
        self.body = body
        self.head = layers.Linear(hidden_size, 1, device=device, dtype=dtype)
        layers.zeros_(self.head.weight)
        layers.zeros_(self.head.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Give each token its number."""
        vectors = self.body(tokens)
        expected = (*tokens.shape, self.head.in_features)
        if not isinstance(vectors, Tensor) or vectors.shape != expected:
            got = f"shape {tuple(vectors.shape)}" if isinstance(vectors, Tensor) else type(vectors).__name__
            raise ValueError(f"ScalarHead: body must give vectors of shape {expected}, got {got}")
        return self.head(vectors).squeeze(-1)

    def score(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the number of the last token of each text: (n, t) -> (n,).

        Args:
            lengths: (n,), how many tokens each text has where padding follows; t unless given.

        Raises:
            ValueError: lengths of another shape, or outside 1 ... t.
        """
        values = self(tokens)
        if lengths is None:
            return values[:, -1]
        checks.tensor("ScalarHead.score", lengths, "lengths")
        n, t = values.shape
        if lengths.shape != (n,) or not bool(((lengths >= 1) & (lengths <= t)).all()):
            raise ValueError(
                f"ScalarHead.score: lengths must be ({n},), each in 1 ... {t}, got {lengths.tolist()}"
            )
        return values[torch.arange(n, device=values.device), lengths - 1]


def scalar_head(body: nn.Module, hidden_size: int) -> ScalarHead:
    """A number for each token: see ``ScalarHead``. It lives where the body does, in its dtype."""
    like = next(body.parameters(), None) if isinstance(body, nn.Module) else None
    if like is None:
        return ScalarHead(body, hidden_size)
    return ScalarHead(body, hidden_size, device=like.device, dtype=like.dtype)
