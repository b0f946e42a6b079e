"""The best of n: rewarded texts without any training, bought with n times the writing."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.models.generate import generate
from course_lib.models.gpt_blocks import GPT


class BestOfN(NamedTuple):
    """The best text for each prompt."""

    tokens: Tensor  # (m, t + new)
    scores: Tensor  # (m,)


@torch.no_grad()
def best_of_n(
    model: nn.Module,
    prompts: Tensor,
    n: int,
    reward: Callable[[Tensor], Tensor],
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> BestOfN:
    """Write on ``n`` times from each of the prompts (m, t), and keep what the reward scores highest.

    Args:
        model: tokens (n, t) -> logits (n, t, V).
        prompts: the beginnings; int64.
        n: texts a prompt.
        reward: function of tokens (m n, t + new), prompt included, to scores (m n,).
        max_new_tokens: how many tokens are drawn.
        temperature, generator: as in ``generate``.

    Source: Stiennon et al. (2020), Learning to summarize from human feedback.

    Raises:
        ValueError: n below 1, scores of another shape; what ``generate`` raises.
        TypeError: an n that is no integer; what ``generate`` raises.
    """
    checks.positive_integer("best_of_n", "n", n)
    checks.tensor("best_of_n", prompts, "prompts")
    beginnings = prompts.repeat_interleave(n, dim=0)
    cache = isinstance(model, GPT)
    tokens = generate(model, beginnings, max_new_tokens, temperature, generator=generator, cache=cache)
    scores = reward(tokens)
    if scores.shape != (len(tokens),):
        raise ValueError(
            f"best_of_n: reward must give scores of shape ({len(tokens)},), got {tuple(scores.shape)}"
        )
    best_scores, best = scores.view(-1, n).max(dim=1)
    rows = torch.arange(len(prompts), device=tokens.device)
    return BestOfN(tokens.view(len(prompts), n, -1)[rows, best], best_scores)


def best_of_n_kl(n: int) -> float:
    """log n - (n - 1) / n, in nats: how far the best of ``n`` is from what the model writes, at most.

    It is KL(best of n || model) where no text comes twice and no two score alike; else the truth is less.
    Best of 16 is 1.84 nats away: with so long a leash a policy trained by PPO is to be compared.

    Source: Stiennon et al. (2020), appendix G.3; as a bound: Beirami et al. (2024), Theoretical guarantees on
    the best-of-n alignment policy.

    Raises:
        ValueError: n below 1.
        TypeError: an n that is no integer.
    """
    checks.positive_integer("best_of_n_kl", "n", n)
    return math.log(n) - (n - 1) / n
