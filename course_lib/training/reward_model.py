"""A judge learned from comparisons: which of two texts did people prefer?"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.models.scalar_head import ScalarHead
from course_lib.models.seq2seq import padding_mask
from course_lib.training.history import History
from course_lib.training.teach import mean_loss, teach


def preference_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """-log sigmoid(r_chosen - r_rejected), the mean: rewards (n,) each of the better and the worse -> ().

    Bradley and Terry's model says that the better one wins with probability sigmoid(r_chosen - r_rejected);
    this is how surprised it is that it did. Only differences matter: a constant added to all rewards changes
    nothing.

    Source: Bradley & Terry (1952), Rank analysis of incomplete block designs; Ziegler et al. (2019).

    Raises:
        TypeError: rewards that are no float tensors.
        ValueError: rewards of unlike shapes, or none.
    """
    checks.float_tensor("preference_loss", chosen, "chosen")
    checks.float_tensor("preference_loss", rejected, "rejected")
    if chosen.shape != rejected.shape or not chosen.numel():
        raise ValueError(
            "preference_loss: chosen and rejected must have the same shape, of 1 reward or more, "
            f"got {tuple(chosen.shape)} and {tuple(rejected.shape)}"
        )
    return F.softplus(rejected - chosen).mean()


def ranking_loss(rewards: Tensor) -> Tensor:
    """``preference_loss`` of all k (k - 1) / 2 pairs of texts that were ranked: rewards (n, k), best first.

    The k texts are answers to one prompt. A mean over their pairs learns each text once, where pairs that are
    shuffled would learn it k - 1 times, and fit it too closely.

    Source: Ouyang et al. (2022), equation 1.

    Raises:
        TypeError: rewards that are no float tensor.
        ValueError: rewards that are no matrix with rows, and two columns or more.
    """
    checks.float_tensor("ranking_loss", rewards, "rewards")
    if rewards.ndim != 2 or not len(rewards) or rewards.shape[1] < 2:
        expected = "(n, k) with n of 1 or more and k of 2 or more"
        raise ValueError(f"ranking_loss: rewards must be {expected}, got shape {tuple(rewards.shape)}")
    k = rewards.shape[1]
    better, worse = torch.triu_indices(k, k, offset=1, device=rewards.device)
    return preference_loss(rewards[:, better], rewards[:, worse])


def fit_reward_model(
    model: ScalarHead, train: Any, validation: Any = None, *, padding: int | None = None, **options: Any
) -> History:
    """Train ``model`` in place on pairs (chosen, rejected) of texts, tokens (n, t) each; see ``teach``.

    Args:
        model: a ``ScalarHead``, whose ``score`` of a text is its reward.
        train: as ``teach`` takes it: a pair of tensors (chosen, rejected), or batches of them.
        validation: likewise; the history then has ``validation_loss``, and the share of pairs in which the
            chosen text has the greater reward, ``validation_agreement``.
        padding: the token that fills up the ends of texts; None if there is none.
        options: those of ``teach``: optimizer, steps, batch_size, every, seed ...

    Raises:
        ValueError, TypeError: as ``teach``.
    """

    def loss(model: ScalarHead, chosen: Tensor, rejected: Tensor) -> Tensor:
        return preference_loss(_score(model, chosen, padding), _score(model, rejected, padding))

    if validation is not None:
        measured = {
            "validation_agreement": lambda model: preference_agreement(model, validation, padding=padding)
        }
        options["metrics"] = measured | (options.get("metrics") or {})
    return teach(model, train, validation, loss=loss, **options)


def preference_agreement(model: ScalarHead, data: Any, *, padding: int | None = None) -> float:
    """Return the share of pairs (chosen, rejected) whose chosen text has the greater reward; ties count half.

    Raises:
        ValueError, TypeError: as ``teach``.
    """

    def share(model: ScalarHead, chosen: Tensor, rejected: Tensor) -> Tensor:
        difference = _score(model, chosen, padding) - _score(model, rejected, padding)
        return (difference.sign().double().mean() + 1) / 2

    return mean_loss(model, data, loss=share)


def _score(model: ScalarHead, tokens: Tensor, padding: int | None) -> Tensor:
    lengths = None if padding is None else (~padding_mask(tokens, padding)).sum(dim=1)
    return model.score(tokens, lengths)
