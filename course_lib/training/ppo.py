"""Proximal policy optimization of a language model: write, be judged, and do more of what was liked."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.models.generate import generate
from course_lib.models.gpt_blocks import GPT
from course_lib.training.evaluation import mode_kept
from course_lib.training.history import History, Record
from course_lib.training.measures import Means
from course_lib.training.ppo_losses import (
    generalized_advantages,
    kl_divergence,
    masked_mean,
    ppo_loss,
    token_log_probs,
    token_rewards,
)

Reward = Callable[[Tensor], Tensor]  # tokens (n, t + new) -> scores (n,)


class Rollout(NamedTuple):
    """Texts that the policy wrote, and all that is learned from; t prompt tokens, ``new`` drawn ones."""

    tokens: Tensor  # (n, t + new); behind an end token there are end tokens only
    mask: Tensor  # (n, new), True for the drawn tokens that count: up to the first end
    scores: Tensor  # (n,), what the reward gave
    kl: Tensor  # (n,), KL(policy || reference) of the next token, summed over the tokens that count
    log_probs: Tensor  # (n, new), of the drawn tokens under the policy that drew them
    advantages: Tensor  # (n, new), of mean 0 and variance 1
    returns: Tensor  # (n, new), what the critic should have said


class PPO:
    """Raises the reward of what ``policy`` writes, held by a leash to ``reference``.

    Each step draws texts from the policy, scores them, takes kl_weight * (log pi - log rho) off at every
    token, and learns from them ``epochs`` times with the clipped loss; the critic learns what is to be
    expected. Dropout is off throughout: the ratio must compare policies, and not what was dropped.

    Without the leash (``kl_weight=0``) the policy goes wherever the reward is high, be it only by a fault of
    the reward, and forgets how to write.

    Args:
        policy: tokens (n, t) -> logits (n, t, V); trained in place.
        critic: tokens (n, t) -> values (n, t), such as a ``ScalarHead``; trained in place. It may share
            parameters with the policy.
        reference: as the policy, which often starts as a copy of it; never changed.
        reward: function of tokens (n, t + new), prompt included, to scores (n,); called without gradients.
        max_new_tokens: how many tokens are drawn.
        end: a token that ends a text; what comes behind it does not count. None for none.
        optimizer: of the policy's and the critic's parameters; default Adam with learning rate 0.0003.
        kl_weight: of the leash, beta.
        clip: of the loss, see ``ppo_loss``.
        gamma, lam: see ``generalized_advantages``.
        epochs: how often each batch of texts is learned from.
        minibatches: into how many parts it is cut each time.
        value_weight: of the critic's squared error beside the policy's loss.
        max_norm: a gradient whose norm is larger is scaled down to it.
        generator: draws tokens and orders, on the policy's device; None is PyTorch's global one.

    Source: Schulman et al. (2017), algorithm 1; Ziegler et al. (2019), section 2; Ouyang et al. (2022),
    section 3.5, without its mixture with pretraining.

    Raises:
        ValueError: a number out of its range, scores or values of another shape.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        policy: nn.Module,
        critic: nn.Module,
        reference: nn.Module,
        reward: Reward,
        max_new_tokens: int,
        *,
        end: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        kl_weight: float = 0.1,
        clip: float = 0.2,
        gamma: float = 1.0,
        lam: float = 0.95,
        epochs: int = 4,
        minibatches: int = 1,
        value_weight: float = 0.5,
        max_norm: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        for name, module in (("policy", policy), ("critic", critic), ("reference", reference)):
            if not isinstance(module, nn.Module):
                raise TypeError(f"PPO: {name} must be a torch.nn.Module, got {type(module).__name__}")
        for name, count in (
            ("max_new_tokens", max_new_tokens),
            ("epochs", epochs),
            ("minibatches", minibatches),
        ):
            checks.positive_integer("PPO", name, count)
        if end is not None:
            checks.non_negative_integer("PPO", "end", end)
        for name, weight in (("kl_weight", kl_weight), ("value_weight", value_weight)):
            checks.finite_number("PPO", name, weight, at_least=0)
        for name, bound in (("clip", clip), ("max_norm", max_norm)):
            checks.finite_number("PPO", name, bound, above=0)
        for name, share in (("gamma", gamma), ("lam", lam)):
            checks.probability("PPO", name, share)
        self.policy, self.critic, self.reference, self.reward = policy, critic, reference, reward
        self.max_new_tokens, self.end, self.generator = max_new_tokens, end, generator
        self.kl_weight, self.clip, self.gamma, self.lam = kl_weight, clip, gamma, lam
        self.epochs, self.minibatches = epochs, minibatches
        self.value_weight, self.max_norm = value_weight, max_norm
        both = dict.fromkeys([*policy.parameters(), *critic.parameters()])  # each once, should they share any
        self.parameters = [parameter for parameter in both if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(self.parameters, lr=3e-4) if optimizer is None else optimizer

    def fit(self, prompts: Tensor, steps: int, batch_size: int = 64) -> History:
        """Take ``steps`` steps, each from ``batch_size`` of the prompts (n, t), drawn with repetition.

        Returns a record a step: ``step``, ``reward`` and ``kl`` (means over the texts, measured before they
        are learned from), ``policy_loss``, ``value_loss`` and ``clipped`` (the share of tokens whose ratio
        left 1 - clip ... 1 + clip; means over epochs and minibatches), and ``seconds``.

        Raises:
            ValueError: prompts that are not (n, t), steps or batch_size below 1.
            TypeError: prompts that are no integers.
        """
        checks.positive_integer("PPO.fit", "steps", steps)
        checks.positive_integer("PPO.fit", "batch_size", batch_size)
        checks.tensor("PPO.fit", prompts, "prompts")
        if prompts.ndim != 2 or not prompts.numel():
            expected = "(n, t), neither of them 0"
            raise ValueError(f"PPO.fit: prompts must be {expected}, got shape {tuple(prompts.shape)}")
        history = History()
        for step in range(1, steps + 1):
            start = time.perf_counter()
            chosen = torch.randint(
                len(prompts), (batch_size,), generator=self.generator, device=prompts.device
            )
            record = self.step(prompts[chosen])
            history.append({"step": step} | record | {"seconds": time.perf_counter() - start})
        return history

    def step(self, prompts: Tensor) -> Record:
        """Write on from prompts (n, t), and learn from what was written; return what was measured."""
        with self._evaluating():
            rollout = self.rollout(prompts)
            found = {"reward": rollout.scores.mean().item(), "kl": rollout.kl.mean().item()}
            return found | self._learn(rollout)

    def rollout(self, prompts: Tensor) -> Rollout:
        """Write on from prompts (n, t), and judge what was written; nothing is learned."""
        with self._evaluating(), torch.no_grad():
            return self._rollout(prompts)

    def _rollout(self, prompts: Tensor) -> Rollout:
        cache = isinstance(self.policy, GPT)
        tokens = generate(self.policy, prompts, self.max_new_tokens, generator=self.generator, cache=cache)
        mask = torch.ones_like(tokens[:, prompts.shape[1] :], dtype=torch.bool)
        if self.end is not None:
            over = (tokens[:, prompts.shape[1] :] == self.end).cumsum(dim=1) > 0
            mask[:, 1:] = ~over[:, :-1]
            tokens = torch.cat([prompts, tokens[:, prompts.shape[1] :].masked_fill(~mask, self.end)], dim=1)
        logits, reference_logits = (self._of_drawn(m(tokens)) for m in (self.policy, self.reference))
        drawn = tokens[:, prompts.shape[1] :]
        log_probs, reference = (token_log_probs(x, drawn) for x in (logits, reference_logits))
        scores = self.reward(tokens)
        rewards = token_rewards(scores, log_probs, reference, self.kl_weight, mask)
        values = self._of_drawn(self.critic(tokens))
        advantages = generalized_advantages(rewards, values, self.gamma, self.lam, mask)
        kl = kl_divergence(logits, reference_logits).masked_fill(~mask, 0.0).sum(dim=1)
        returns = advantages + values
        return Rollout(tokens, mask, scores, kl, log_probs, _whitened(advantages, mask), returns)

    def _learn(self, rollout: Rollout) -> Record:
        """Pass over the texts ``epochs`` times; return the means of what was measured."""
        means, n = Means(), len(rollout.tokens)
        for _ in range(self.epochs):
            order = torch.randperm(n, generator=self.generator, device=rollout.tokens.device)
            for chosen in order.tensor_split(min(self.minibatches, n)):
                means.add(self._learn_from(Rollout(*(part[chosen] for part in rollout))), len(chosen))
        return means.result()

    def _learn_from(self, texts: Rollout) -> dict[str, Tensor]:
        """One step of the optimizer."""
        logits, mask = self._of_drawn(self.policy(texts.tokens)), texts.mask
        log_probs = token_log_probs(logits, texts.tokens[:, -mask.shape[1] :])
        policy_loss = ppo_loss(log_probs, texts.log_probs, texts.advantages, self.clip, mask)
        errors = (self._of_drawn(self.critic(texts.tokens)) - texts.returns).square()
        value_loss = masked_mean(errors, mask)
        self.optimizer.zero_grad()
        (policy_loss + self.value_weight * value_loss).backward()
        nn.utils.clip_grad_norm_(self.parameters, self.max_norm)
        self.optimizer.step()
        left = ((log_probs - texts.log_probs).exp() - 1).abs() > self.clip
        clipped = masked_mean(left.to(log_probs.dtype), mask)
        return {"policy_loss": policy_loss.detach(), "value_loss": value_loss.detach(), "clipped": clipped}

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode within, so that nothing is dropped; then each module is in the mode it came in."""
        with ExitStack() as modes:
            for module in (self.policy, self.critic, self.reference):
                modes.enter_context(mode_kept(module))
                module.eval()
            yield

    def _of_drawn(self, output: Tensor) -> Tensor:
        """Of what a model gave for all tokens, the part from which the drawn ones were predicted."""
        return output[:, -self.max_new_tokens - 1 : -1]


def _whitened(x: Tensor, mask: Tensor) -> Tensor:
    """x with mean 0 and variance 1 where mask is True, 0 elsewhere."""
    centred = (x - masked_mean(x, mask)).masked_fill(~mask, 0.0)
    return centred / (masked_mean(centred.square(), mask).sqrt() + 1e-8)
