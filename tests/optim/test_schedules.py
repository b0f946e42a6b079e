"""Every scheduler of torch.optim.lr_scheduler steers our optimizers as it steers PyTorch's."""

import copy
import inspect
import warnings

import pytest
import torch
from torch.optim import lr_scheduler
from trajectories import assert_same_path, both_paths, net_and_data, train

from course_lib import optim

STEPS = 12
SCHEDULERS = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: min(1, (step + 1) / 4)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.9),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 7], 0.1),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.5, 4),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.1, 1.0, 6),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.8),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, STEPS, 2.0),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.2, 3, cycle_momentum=False),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=STEPS + 1, cycle_momentum=False),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.25, 1.0, 3), lr_scheduler.CosineAnnealingLR(o, STEPS - 4)], [4]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, 0.5, 4), lr_scheduler.ExponentialLR(o, 0.9)], optimizer=o
    ),
}
ELSEWHERE = {"LRScheduler", "ReduceLROnPlateau"}  # the base class; a step of its own, tested below
MOMENTUM = {"SGD": {"momentum": 0.9}, "Adam": {}, "AdamW": {}, "RMSprop": {"momentum": 0.9}}


def test_no_scheduler_is_left_out():
    there = {
        name
        for name, cls in vars(lr_scheduler).items()
        if inspect.isclass(cls)
        and issubclass(cls, lr_scheduler.LRScheduler)
        and cls.__module__ == lr_scheduler.__name__
        and not name.startswith("_")
    }
    assert there - ELSEWHERE == set(SCHEDULERS)


@pytest.mark.parametrize("name", optim.__all__)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_steers_ours_as_torchs(name, scheduler):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*lr_scheduler.step.*")
        ours, theirs = both_paths(
            getattr(optim, name),
            lambda cls, net: cls(net.parameters(), lr=0.05),
            steps=STEPS,
            make_scheduler=SCHEDULERS[scheduler],
        )
    assert_same_path(name, ours, theirs, f"under {scheduler}")


@pytest.mark.parametrize("name", optim.__all__)
def test_the_rate_acts(name):
    """A schedule that ends at once leaves the weights where they are, so the paths above depend on it."""
    net, x, t = net_and_data()
    optimizer = getattr(optim, name)(net.parameters(), lr=0.05)
    path = train(net, optimizer, x, t, 4, lr_scheduler.LambdaLR(optimizer, lambda step: float(step == 0)))
    assert not torch.equal(path[0][1], net_and_data()[0][0].weight)
    assert torch.equal(path[0][1], path[-1][1])


@pytest.mark.parametrize("scheduler", ["OneCycleLR", "CyclicLR"])
@pytest.mark.parametrize("name", MOMENTUM)
def test_momentum_is_cycled_as_torchs(name, scheduler):
    def make(optimizer):
        if scheduler == "OneCycleLR":
            return lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=STEPS + 1)
        return lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 3)

    ours, theirs = both_paths(
        getattr(optim, name),
        lambda cls, net: cls(net.parameters(), lr=0.01, **MOMENTUM[name]),
        steps=STEPS,
        make_scheduler=make,
    )
    assert_same_path(name, ours, theirs, f"with the momentum of {scheduler}")


@pytest.mark.parametrize("name", optim.__all__)
def test_a_plateau_lowers_the_rate_as_torchs(name):
    rates = []
    for cls in (getattr(optim, name), getattr(torch.optim, name)):
        optimizer = cls(net_and_data()[0].parameters(), lr=0.1)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        rates.append([])
        for loss in (1.0, 0.9, 0.95, 0.95, 0.8, 0.85, 0.85, 0.85):
            scheduler.step(loss)
            rates[-1].append(optimizer.param_groups[0]["lr"])
    assert rates[0] == rates[1]
    assert rates[0][-1] < 0.1


@pytest.mark.parametrize("name", optim.__all__)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_resumed_schedule_goes_on_where_it_was(name, scheduler):
    """With the states of optimizer and scheduler, the path is that of a run that never stopped."""
    net, x, t = net_and_data()
    optimizer = getattr(optim, name)(net.parameters(), lr=0.05)
    schedule = SCHEDULERS[scheduler](optimizer)
    train(net, optimizer, x, t, 5, schedule)
    saved = copy.deepcopy([part.state_dict() for part in (net, optimizer, schedule)])
    unbroken = train(net, optimizer, x, t, STEPS - 5, schedule)

    again = net_and_data(seed=1)[0]
    other = getattr(optim, name)(again.parameters(), lr=0.05)
    new = SCHEDULERS[scheduler](other)
    for part, state in zip((again, other, new), saved, strict=True):
        part.load_state_dict(state)
    resumed = train(again, other, x, t, STEPS - 5, new)
    assert_same_path(name, resumed, unbroken, f"resumed under {scheduler}")
