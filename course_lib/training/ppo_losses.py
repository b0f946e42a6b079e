"""What proximal policy optimization computes of texts that were drawn: rewards, advantages and losses.

Shapes: n texts of t drawn tokens each. ``mask`` (n, t) is True for the tokens that count, a beginning of each
row, at least one; None for all.
"""

import torch
from torch import Tensor

from course_lib.layers import checks


def token_log_probs(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability of each token: logits (..., V) that were there to predict tokens (...) -> (...).

    Raises:
        TypeError: logits that are no float tensor.
        ValueError: tokens of another shape.
    """
    checks.float_tensor("token_log_probs", logits, "logits")
    checks.tensor("token_log_probs", tokens, "tokens")
    if tokens.shape != logits.shape[:-1]:
        raise ValueError(
            f"token_log_probs: tokens must have shape {tuple(logits.shape[:-1])}, got {tuple(tokens.shape)}"
        )
    return logits.log_softmax(dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def kl_penalty(log_probs: Tensor, reference_log_probs: Tensor) -> Tensor:
    """log pi(token) - log rho(token), for each token that pi drew: (n, t) each -> (n, t).

    Its mean over what pi draws is KL(pi || rho), how far the policy pi is from the reference rho; one alone
    may be negative.

    Source: Ziegler et al. (2019), equation 2.

    Raises:
        TypeError: log-probabilities that are no float tensors.
        ValueError: unlike shapes.
    """
    _same_shape("kl_penalty", log_probs=log_probs, reference_log_probs=reference_log_probs)
    return log_probs - reference_log_probs


def kl_divergence(logits: Tensor, reference_logits: Tensor) -> Tensor:
    """KL(pi || rho) = sum over tokens of pi (log pi - log rho), exactly: logits (..., V) each -> (...).

    Raises:
        TypeError: logits that are no float tensors.
        ValueError: unlike shapes.
    """
    _same_shape("kl_divergence", logits=logits, reference_logits=reference_logits)
    log_pi, log_rho = logits.log_softmax(dim=-1), reference_logits.log_softmax(dim=-1)
    # Where pi is 0, so is the term, whatever rho: 0 log 0 is 0.
    return torch.where(log_pi.isneginf(), 0.0, log_pi.exp() * (log_pi - log_rho)).sum(dim=-1)


def token_rewards(
    scores: Tensor,
    log_probs: Tensor,
    reference_log_probs: Tensor,
    kl_weight: float,
    mask: Tensor | None = None,
) -> Tensor:
    """-kl_weight * ``kl_penalty`` at every token, and the text's score (n,) at its last: -> (n, t).

    Tokens that do not count get 0. The sum over a text is Ziegler's R = r - beta log(pi / rho).

    Raises:
        TypeError: an argument that is no float tensor, a weight that is no number.
        ValueError: shapes that do not fit, a negative weight.
    """
    parts = {"log_probs": log_probs, "reference_log_probs": reference_log_probs}
    mask = _of_texts("token_rewards", mask, **parts)
    checks.float_tensor("token_rewards", scores, "scores")
    checks.finite_number("token_rewards", "kl_weight", kl_weight, at_least=0)
    if scores.shape != (len(log_probs),):
        raise ValueError(
            f"token_rewards: scores must have shape ({len(log_probs)},), got {tuple(scores.shape)}"
        )
    rewards = (-kl_weight * kl_penalty(log_probs, reference_log_probs)).masked_fill(~mask, 0.0)
    last = mask.sum(dim=1, keepdim=True) - 1  # (n, 1)
    return rewards.scatter_add(1, last, scores.unsqueeze(1).to(rewards.dtype))


def generalized_advantages(
    rewards: Tensor, values: Tensor, gamma: float = 1.0, lam: float = 0.95, mask: Tensor | None = None
) -> Tensor:
    """How much better each token turned out than expected: rewards and values (n, t) -> (n, t).

        delta_i = r_i + gamma v_{i + 1} - v_i,        A_i = delta_i + gamma lam A_{i + 1},

    with v and A of 0 behind a text's end. v_i is the value before token i was drawn. ``lam=0`` trusts the
    critic one step on; ``lam=1`` uses all rewards that came, which is right on average and scatters.
    A + values is what the critic should have said.

    Source: Schulman, Moritz, Levine, Jordan & Abbeel (2016), High-dimensional continuous control using
    generalized advantage estimation, equation 16.

    Raises:
        TypeError: rewards or values that are no float tensors.
        ValueError: unlike shapes, gamma or lam outside 0 ... 1.
    """
    mask = _of_texts("generalized_advantages", mask, rewards=rewards, values=values)
    checks.probability("generalized_advantages", "gamma", gamma)
    checks.probability("generalized_advantages", "lam", lam)
    found: list[Tensor] = []
    value = advantage = torch.zeros_like(rewards[:, 0])
    for i in reversed(range(rewards.shape[1])):
        delta = rewards[:, i] + gamma * value - values[:, i]
        advantage = torch.where(mask[:, i], delta + gamma * lam * advantage, 0.0)
        value = torch.where(mask[:, i], values[:, i], 0.0)
        found.append(advantage)
    return torch.stack(found[::-1], dim=1)


def ppo_loss(
    log_probs: Tensor,
    old_log_probs: Tensor,
    advantages: Tensor,
    clip: float = 0.2,
    mask: Tensor | None = None,
) -> Tensor:
    """-mean of min(r A, clamp(r, 1 - clip, 1 + clip) A), r = pi(token) / pi_old(token): (n, t) each -> ().

    Where a token got likelier by more than ``clip`` and A says it was good, or rarer and A says it was bad,
    the gradient is 0: the texts came from pi_old, and speak for policies near it only. Where it went the
    wrong way, nothing is clipped.

    Source: Schulman, Wolski, Dhariwal, Radford & Klimov (2017), Proximal policy optimization algorithms,
    equation 7.

    Raises:
        TypeError: an argument that is no float tensor, a clip that is no number.
        ValueError: unlike shapes, a clip that is not positive.
    """
    parts = {"log_probs": log_probs, "old_log_probs": old_log_probs, "advantages": advantages}
    mask = _of_texts("ppo_loss", mask, **parts)
    checks.finite_number("ppo_loss", "clip", clip, above=0)
    ratio = (log_probs - old_log_probs).masked_fill(~mask, 0.0).exp()
    gain = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -masked_mean(gain, mask)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of the entries of x where ``mask``, of the same shape, is True."""
    return x.masked_fill(~mask, 0.0).sum() / mask.sum()


def _same_shape(owner: str, **tensors: Tensor) -> None:
    """Insist on float tensors of one shape."""
    (first, x), *others = tensors.items()
    checks.float_tensor(owner, x, first)
    for name, other in others:
        checks.float_tensor(owner, other, name)
        if other.shape != x.shape:
            raise ValueError(
                f"{owner}: {name} must have the shape of {first}, {tuple(x.shape)}, got {tuple(other.shape)}"
            )


def _of_texts(owner: str, mask: Tensor | None, **tensors: Tensor) -> Tensor:
    """Insist on float tensors of one shape (n, t) and a mask for it; return the mask."""
    _same_shape(owner, **tensors)
    first, x = next(iter(tensors.items()))
    if x.ndim != 2 or not x.numel():
        raise ValueError(f"{owner}: {first} must be (n, t), neither of them 0, got shape {tuple(x.shape)}")
    if mask is None:
        return torch.ones_like(x, dtype=torch.bool)
    checks.tensor(owner, mask, "mask")
    if mask.dtype != torch.bool or mask.shape != x.shape or not bool(mask[:, 0].all()):
        raise ValueError(
            f"{owner}: mask must be boolean, of shape {tuple(x.shape)} and True in the first column, "
            f"got {mask.dtype} of shape {tuple(mask.shape)}"
        )
    return mask
