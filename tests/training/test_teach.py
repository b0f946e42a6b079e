"""teach: a plain loop written by hand, and what it records."""

import functools
import math

import pytest
import torch
from torch import nn

from course_lib.models.seq2seq import Seq2Seq
from course_lib.training import DivergenceError
from course_lib.training.bucketing import BucketBatches
from course_lib.training.teach import mean_loss, teach, teacher_forcing_loss

G = torch.Generator().manual_seed(0)
X = torch.randint(1, 6, (40, 4), generator=G)
Y = X.flip(1)


def net(dropout=0.0):
    torch.manual_seed(1)
    return Seq2Seq(6, 6, 8, 12, attention="dot", dropout=dropout)


def sgd(model, lr=0.5):
    return torch.optim.SGD(model.parameters(), lr=lr)


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def forced(model, source, target):
    """The loss as nn.functional has it, one place of the target after the other."""
    reads = torch.cat([torch.zeros(len(target), 1, dtype=torch.int64), target[:, :-1]], dim=1)
    logits = model(source, reads)
    places = [nn.functional.cross_entropy(logits[:, i], target[:, i]) for i in range(target.shape[1])]
    return sum(places) / len(places)


@pytest.mark.parametrize("clip", [None, 0.2])
def test_it_is_a_loop_written_by_hand(clip):
    model, expected = net(), net()
    optimizer = sgd(model)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, gamma=0.5)
    options = {"batch_size": 16, "clip": clip, "seed": 3, "progress": False, "steps": 8, "every": 4}
    history = teach(model, (X, Y), (X, Y), optimizer=optimizer, scheduler=scheduler, **options)

    generator = torch.Generator().manual_seed(3)
    batches = [chosen for _ in range(3) for chosen in torch.randperm(40, generator=generator).split(16)][:8]
    losses, norms, rate = [], [], 0.5
    for step, chosen in enumerate(batches, start=1):
        loss = forced(expected, X[chosen], Y[chosen])
        gradients = torch.autograd.grad(loss, list(expected.parameters()))
        norm = torch.cat([g.flatten() for g in gradients]).norm().item()
        with torch.no_grad():
            for parameter, gradient in zip(expected.parameters(), gradients, strict=True):
                parameter -= rate * gradient * (min(1, clip / norm) if clip is not None else 1)
        losses.append((loss.item(), len(chosen)))
        norms.append((norm, len(chosen)))
        rate = rate if step % 3 else rate / 2
    for mine, theirs in zip(weights(model), weights(expected), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)

    def mean(pairs):
        return sum(value * count for value, count in pairs) / sum(count for _, count in pairs)

    assert history["step"] == [4, 8]
    assert history["learning_rate"] == [0.25, 0.125], "the rate that the recorded step used"
    assert history["train_loss"] == pytest.approx([mean(losses[:4]), mean(losses[4:])], rel=1e-4)
    assert history["gradient_norm"] == pytest.approx([mean(norms[:4]), mean(norms[4:])], rel=1e-3)
    assert history["validation_loss"][-1] == pytest.approx(forced(expected, X, Y).item(), rel=1e-4)


def test_the_last_step_is_recorded_and_metrics_see_a_model_in_evaluation():
    model = net(dropout=0.5).train()
    seen = []

    def metric(given):
        seen.append((given is model, given.training, torch.is_grad_enabled()))
        return torch.tensor(len(seen))

    history = teach(model, (X, Y), steps=7, every=3, metrics={"calls": metric}, seed=0, progress=False)
    assert history["step"] == [3, 6, 7]
    assert history["calls"] == [1, 2, 3]
    assert seen == [(True, False, False)] * 3
    assert model.training
    assert "validation_loss" not in history.columns


def test_a_seed_decides_and_leaves_the_global_generator_alone():
    first, second, other = net(0.3), net(0.3), net(0.3)
    state = torch.get_rng_state()
    for model, seed in ((first, 5), (second, 5), (other, 6)):
        teach(model, (X, Y), steps=4, seed=seed, progress=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(other))


def test_it_learns_from_buckets_with_a_loss_of_ones_own():
    """A language model: the target is the input, shifted, and the model reads one thing."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(6, 8), nn.Linear(8, 6))
    rows = [torch.arange(length) % 5 + 1 for length in (3, 7, 5, 4, 6, 9)]
    batches = BucketBatches(
        [r[:-1] for r in rows], [r[1:] for r in rows], 2, torch.Generator().manual_seed(0)
    )

    def loss(model, x, y):
        return nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=0)

    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    history = teach(
        model, batches, batches, loss=loss, optimizer=optimizer, steps=60, every=20, progress=False
    )
    assert history["validation_loss"][-1] < 0.01 < history["train_loss"][0], str(history)


def test_mean_loss_weighs_examples_and_leaves_the_model_as_it_was():
    model = net(dropout=0.5).train()
    expected = forced(net(), X, Y).item()
    assert mean_loss(model, (X, Y), batch_size=7) == pytest.approx(expected, rel=1e-5)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_padding_is_learned_unless_it_is_ignored():
    model = net()
    y = Y.clone()
    y[:, 2:] = 0
    all_places = forced(model, X, y).item()
    first_two = forced(model, X, y[:, :2]).item()
    assert teacher_forcing_loss(model, X, y).item() == pytest.approx(all_places, rel=1e-5)
    ignoring = functools.partial(teacher_forcing_loss, ignore=0)
    assert ignoring(model, X, y).item() == pytest.approx(first_two, rel=1e-5)


def test_a_loss_that_is_no_number_stops_the_run():
    model = net()

    def loss(model, x, y):
        return teacher_forcing_loss(model, x, y) * (math.nan if len(history_of) == 2 else 1)

    history_of = []
    metrics = {"mark": lambda model: history_of.append(1) or 0.0}
    with pytest.raises(DivergenceError, match="the loss is nan in step 3") as error:
        teach(model, (X, Y), loss=loss, steps=9, every=1, metrics=metrics, progress=False)
    assert error.value.history["step"] == [1, 2]


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"steps": 0}, "steps must be 1 or more, got 0"),
        (TypeError, {"every": 1.5}, "every must be an integer"),
        (ValueError, {"clip": 0.0}, "clip must be greater than 0"),
        (ValueError, {"batch_size": 0}, "batch_size must be a whole number"),
        (TypeError, {"loss": lambda model, x, y: torch.zeros(3)}, r"tensor of shape \(\), got shape \(3,\)"),
        (TypeError, {"loss": lambda model, x, y: 1.0}, r"tensor of shape \(\), got float"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        teach(net(), (X, Y), progress=False, **options)


def test_there_must_be_something_to_learn_and_to_learn_from():
    with pytest.raises(ValueError, match="the model has no parameters to train"):
        teach(net().requires_grad_(False), (X, Y))
    with pytest.raises(ValueError, match="train gave no batches in epoch 2"):
        teach(net(), iter([(X, Y)]), steps=2, progress=False)
