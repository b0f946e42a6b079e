"""PPO: its best policy in closed form, one step by hand, and what becomes of a policy without a leash."""

import copy

import pytest
import torch
from originals import assert_close
from torch import nn

from course_lib import layers
from course_lib.models.generate import generate
from course_lib.models.gpt2 import gpt2
from course_lib.models.scalar_head import scalar_head
from course_lib.training.ppo import PPO

V = 5


class Recurrent(nn.Module):
    """A small language model that is no GPT; ``body`` gives its vectors."""

    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(V, 6, dtype=torch.float64)
        self.gru = layers.GRU(6, 6, batch_first=True, dtype=torch.float64)
        self.drop = layers.Dropout(0.5)
        self.head = layers.Linear(6, V, dtype=torch.float64)

    def body(self, tokens):
        return self.gru(self.embedding(tokens))[0]

    def forward(self, tokens):
        return self.head(self.drop(self.body(tokens)))


def table():
    """A policy that knows the last token only: one row of logits for each."""
    torch.manual_seed(0)
    policy = nn.Embedding(V, V, dtype=torch.float64)
    critic = scalar_head(nn.Embedding(V, 3, dtype=torch.float64), 3)
    return policy, critic


def recurrent():
    torch.manual_seed(0)
    policy = Recurrent()
    reference = Recurrent()
    critic = scalar_head(nn.Embedding(V, 3, dtype=torch.float64), 3)
    nn.init.normal_(critic.head.weight)
    return policy, critic, reference


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def prompts(n, t=2):
    return torch.randint(0, V, (n, t), generator=generator(7))


def last_token(tokens):
    return tokens[:, -1].double()


def test_its_best_policy_is_the_reference_times_exp_of_reward_over_beta():
    """Of all policies pi*(a) = rho(a) exp(r(a) / beta) / Z has the largest E[r] - beta KL(pi || rho)."""
    policy, critic = table()
    reference, beta = copy.deepcopy(policy), 2.0
    optimizer = torch.optim.Adam([*policy.parameters(), *critic.parameters()], lr=0.05)
    ppo = PPO(
        policy, critic, reference, last_token, 1, kl_weight=beta, optimizer=optimizer, generator=generator()
    )
    history = ppo.fit(torch.arange(V)[:, None], steps=50, batch_size=400)
    optimal = (reference.weight + torch.arange(V) / beta).log_softmax(dim=-1)
    pi = policy.weight.log_softmax(dim=-1)
    gap = (pi.exp() * (pi - optimal)).sum(dim=-1)
    before = (reference.weight.softmax(-1) * (reference.weight.log_softmax(-1) - optimal)).sum(-1)
    assert gap.max() < 0.02 < 0.05 < before.min(), f"KL(pi || pi*) {gap.tolist()}, at first {before.tolist()}"
    assert history["kl"][0] == pytest.approx(0, abs=1e-12)
    kl = (optimal.exp() * (optimal - reference.weight.log_softmax(-1))).sum(-1).mean().item()
    assert history["kl"][-1] == pytest.approx(kl, rel=0.25)
    # What the critic expects is the reward less the leash: beta log Z, whatever token comes.
    log_z = beta * torch.logsumexp(reference.weight.log_softmax(-1) + torch.arange(V) / beta, dim=-1)
    assert_close(critic(torch.arange(V)[:, None])[:, 0].detach(), log_z.detach(), "values", 0, 0.25)


def test_a_rollout_is_what_generate_draws_and_the_formulas_of_it():
    policy, critic, reference = recurrent()
    ppo = PPO(
        policy, critic, reference, last_token, 3, kl_weight=0.3, gamma=1.0, lam=1.0, generator=generator(4)
    )
    policy.eval()
    tokens = generate(policy, prompts(6), 3, generator=generator(4), cache=False)
    got = ppo.rollout(prompts(6))
    assert torch.equal(got.tokens, tokens)
    assert got.mask.all()
    assert torch.equal(got.scores, last_token(tokens))
    reference.eval()
    log_pi, log_rho = policy(tokens)[:, 1:4].log_softmax(-1), reference(tokens)[:, 1:4].log_softmax(-1)
    drawn = tokens[:, 2:, None]
    assert_close(got.log_probs, log_pi.gather(2, drawn)[..., 0].detach(), "log-probabilities", 1e-12, 1e-12)
    kl = (log_pi.exp() * (log_pi - log_rho)).sum(dim=(1, 2)).detach()
    assert_close(got.kl, kl, "divergence", 1e-10, 1e-10)
    rewards = -0.3 * (log_pi - log_rho).gather(2, drawn)[..., 0]
    rewards[:, -1] += got.scores
    to_come = rewards.flip(1).cumsum(1).flip(1).detach()  # with gamma = lam = 1 the critic cancels out
    assert_close(got.returns, to_come, "returns", 1e-10, 1e-10)
    advantages = to_come - critic(tokens)[:, 1:4].detach()
    centred = advantages - advantages.mean()
    assert_close(got.advantages, centred / centred.square().mean().sqrt(), "advantages", 1e-6, 1e-6)


def test_behind_the_end_nothing_counts():
    policy, critic, reference = recurrent()
    with torch.no_grad():
        policy.head.bias[4] += 1.0
    ppo = PPO(policy, critic, reference, last_token, 6, end=4, kl_weight=0.3, generator=generator())
    got = ppo.rollout(prompts(20))
    ended = 0
    for row, mask, advantages in zip(
        got.tokens[:, 2:].tolist(), got.mask.tolist(), got.advantages, strict=True
    ):
        length = row.index(4) + 1 if 4 in row else 6
        ended += length < 6
        assert mask == [place < length for place in range(6)]
        assert row[length:] == [4] * (6 - length)
        assert not advantages[length:].any()
    assert ended > 5
    kept = got.advantages[got.mask]
    assert kept.mean().item() == pytest.approx(0, abs=1e-9)
    assert kept.square().mean().item() == pytest.approx(1, abs=1e-6)


def test_one_step_is_a_policy_gradient_and_least_squares():
    """Before anything is learned the ratio is 1: the gradient is that of -A log pi."""
    policy, critic, reference = recurrent()
    policy.train()
    parameters = [*policy.parameters(), *critic.parameters()]
    options = {"epochs": 1, "value_weight": 0.7, "max_norm": 1e9, "generator": generator(4)}
    ppo = PPO(
        policy, critic, reference, last_token, 3, optimizer=torch.optim.SGD(parameters, lr=0.1), **options
    )
    twin, twin_critic = copy.deepcopy(policy).eval(), copy.deepcopy(critic)
    rollout = PPO(
        twin, twin_critic, reference, last_token, 3, **options | {"generator": generator(4)}
    ).rollout(prompts(6))
    record = ppo.step(prompts(6))

    log_pi = twin(rollout.tokens)[:, 1:4].log_softmax(-1).gather(2, rollout.tokens[:, 2:, None])[..., 0]
    value_loss = (twin_critic(rollout.tokens)[:, 1:4] - rollout.returns).square().mean()
    loss = -(rollout.advantages * log_pi).mean() + 0.7 * value_loss
    twins = [*twin.parameters(), *twin_critic.parameters()]
    gradients = torch.autograd.grad(loss, twins)
    for mine, theirs, gradient in zip(parameters, twins, gradients, strict=True):
        assert_close(mine.detach(), (theirs - 0.1 * gradient).detach(), "parameter", 1e-9, 1e-10)
    assert record["value_loss"] == pytest.approx(value_loss.item())
    assert record["clipped"] == 0
    assert record["reward"] == rollout.scores.mean().item()
    assert policy.training, "it returns to the mode it had"


def test_without_a_leash_it_goes_where_the_reward_is():
    ends = {}
    for kl_weight in (0.0, 1.0):
        torch.manual_seed(0)
        policy = gpt2(n_layer=1, n_head=2, n_embd=16, n_positions=8, vocab_size=V)
        critic = scalar_head(copy.deepcopy(policy.transformer), 16)
        optimizer = torch.optim.Adam([*policy.parameters(), *critic.parameters()], lr=0.01)
        options = {"optimizer": optimizer, "kl_weight": kl_weight, "minibatches": 2, "epochs": 2}
        reference = copy.deepcopy(policy)

        def reward(tokens):  # as many 3s as possible
            return (tokens[:, 2:] == 3).float().sum(dim=1)

        ppo = PPO(policy, critic, reference, reward, 5, generator=generator(), **options)
        before = [parameter.clone() for parameter in reference.parameters()]
        history = ppo.fit(prompts(10), steps=25, batch_size=64)
        assert all(torch.equal(a, b) for a, b in zip(before, reference.parameters(), strict=True))
        assert history.columns == ["step", "reward", "kl", "policy_loss", "value_loss", "clipped", "seconds"]
        assert history["step"] == list(range(1, 26))
        ends[kl_weight] = history[-1]
        assert history["reward"][-1] > history["reward"][0] + 0.3, str(history)
    free, held = ends[0.0], ends[1.0]
    assert free["reward"] > 4, f"of 5 tokens {free['reward']:.1f} are the rewarded one"
    assert free["kl"] > 2 * held["kl"], f"KL {free['kl']:.2f} without a leash, {held['kl']:.2f} with one"


def test_a_generator_decides():
    ends = []
    for seed in (1, 1, 2):
        policy, critic = table()
        ppo = PPO(
            policy, critic, copy.deepcopy(policy), last_token, 2, minibatches=3, generator=generator(seed)
        )
        state = torch.get_rng_state()
        ppo.fit(prompts(4), steps=2, batch_size=9)
        assert torch.equal(torch.get_rng_state(), state)
        ends.append(policy.weight.detach())
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"max_new_tokens": 0}, "max_new_tokens must be 1 or more"),
        (ValueError, {"epochs": 0}, "epochs must be 1 or more"),
        (TypeError, {"minibatches": 1.0}, "minibatches must be an integer"),
        (ValueError, {"end": -1}, "end must be 0 or more"),
        (ValueError, {"kl_weight": -0.1}, "kl_weight must be 0 or more"),
        (ValueError, {"clip": 0.0}, "clip must be greater than 0"),
        (ValueError, {"lam": 1.1}, "lam must be from 0 to 1"),
        (TypeError, {"policy": len}, "policy must be a torch.nn.Module, got builtin_function_or_method"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    policy, critic = table()
    given = {
        "policy": policy,
        "critic": critic,
        "reference": policy,
        "reward": last_token,
        "max_new_tokens": 2,
    }
    with pytest.raises(error, match=f"PPO: {words}"):
        PPO(**given | options)


def test_bad_calls_are_named():
    policy, critic = table()
    ppo = PPO(policy, critic, policy, last_token, 2)
    with pytest.raises(ValueError, match=r"prompts must be \(n, t\), neither of them 0, got shape \(3,\)"):
        ppo.fit(torch.ones(3, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match="steps must be 1 or more"):
        ppo.fit(prompts(2), 0)
    with pytest.raises(TypeError, match=r"tokens must be of dtype torch.int64"):
        ppo.fit(torch.ones(3, 1), 1)
    wrong = PPO(policy, critic, policy, lambda tokens: tokens.double(), 2)
    with pytest.raises(ValueError, match=r"scores must have shape \(64,\), got \(64, 4\)"):
        wrong.fit(prompts(2), 1)
