"""Adagrad, Adadelta, RMSprop, Adam and AdamW against torch.optim's and the papers' steps in NumPy."""

import copy
import inspect
import itertools
import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trajectories import assert_same_path, both_paths, net_and_data, train

from course_lib import optim
from course_lib.reference import optim as ref

CLASSES = {name: getattr(optim, name) for name in ("Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW")}

# Every option of each, with a value that is not the default.
OPTIONS = {
    "Adagrad": {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3},
    "Adadelta": {"rho": 0.5, "eps": 1e-3},
    "RMSprop": {"alpha": 0.5, "eps": 1e-3, "momentum": 0.9, "centered": True},
    "Adam": {"betas": (0.5, 0.6), "eps": 1e-3, "amsgrad": True, "decoupled_weight_decay": True},
    "AdamW": {"betas": (0.5, 0.6), "eps": 1e-3, "amsgrad": True},
}
SETTINGS = [
    (name, dict(chosen))
    for name, options in OPTIONS.items()
    for chosen in itertools.product(
        *[[(key, value), None] for key, value in {**options, "weight_decay": 0.05, "maximize": True}.items()]
    )
    for chosen in [[pair for pair in chosen if pair is not None]]
]


@pytest.mark.parametrize(
    ("name", "options"), SETTINGS, ids=lambda o: o if isinstance(o, str) else " ".join(o)
)
def test_every_setting_agrees_with_torch(name, options):
    ours, theirs = both_paths(CLASSES[name], lambda cls, net: cls(net.parameters(), lr=0.1, **options))
    assert_same_path(name, ours, theirs, str(options))
    assert not torch.equal(ours[0][1], ours[-1][1]), f"{name} {options}: the weights do not move"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", CLASSES)
def test_a_hundred_steps_with_the_defaults_agree_with_torch(name, dtype):
    ours, theirs = both_paths(CLASSES[name], lambda cls, net: cls(net.parameters()), dtype, steps=100)
    assert_same_path(name, ours, theirs, f"defaults {dtype}")
    assert ours[-1][0] < ours[0][0], f"{name} does not descend"


@pytest.mark.parametrize("name", CLASSES)
@given(data=st.data(), dtype=st.sampled_from([torch.float32, torch.float64]))
@settings(max_examples=30, deadline=None)
def test_random_settings_agree_with_torch(name, data, dtype):
    values = {
        "lr": st.floats(0, 1),
        "lr_decay": st.floats(0, 1),
        "initial_accumulator_value": st.floats(0, 2),
        "rho": st.floats(0, 1),
        "alpha": st.floats(0, 1),
        "betas": st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
        "eps": st.floats(1e-8, 1),
        "momentum": st.floats(0, 1),
        "amsgrad": st.booleans(),
        "weight_decay": st.floats(0, 0.5),
        "maximize": st.booleans(),
    }
    taken = inspect.signature(CLASSES[name]).parameters
    options = {key: data.draw(value, key) for key, value in values.items() if key in taken}
    ours, theirs = both_paths(
        CLASSES[name], lambda cls, net: cls(net.parameters(), **options), dtype, steps=4
    )
    assert_same_path(name, ours, theirs, f"{options} {dtype}")


PAPERS = {
    "Adagrad": (lambda w, g, state: ref.adagrad(w, g, state, 0.1), {"lr": 0.1}),
    "Adadelta": (lambda w, g, state: ref.adadelta(w, g, state), {}),
    "RMSprop": (lambda w, g, state: ref.rmsprop(w, g, state, 0.1), {"lr": 0.1}),
    "Adam": (lambda w, g, state: ref.adam(w, g, state, 0.1), {"lr": 0.1}),
    "AdamW": (lambda w, g, state: ref.adam(w, g, state, 0.1, decay=0.3), {"lr": 0.1, "weight_decay": 0.3}),
}


@pytest.mark.parametrize("name", CLASSES)
def test_steps_are_the_papers(name):
    step, options = PAPERS[name]
    rng = np.random.default_rng(0)
    w, state = rng.normal(size=(3, 2)), None
    parameter = nn.Parameter(torch.tensor(w))
    optimizer = CLASSES[name]([parameter], **options)
    for turn in range(20):
        g = rng.normal(size=w.shape) * 10.0 ** rng.integers(-3, 3)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        w, state = step(w, g, state)
        np.testing.assert_allclose(
            parameter.detach(), w, rtol=1e-12, err_msg=f"{name} step {turn} against the reference"
        )
        assert torch.equal(parameter.grad, torch.tensor(g)), f"{name} changed the gradient"


@pytest.mark.parametrize("name", CLASSES)
def test_parameter_groups_agree_with_torch(name):
    def make(cls, net):
        groups = [
            {"params": net[0].parameters(), "lr": 0.01, "weight_decay": 0.1},
            {"params": [net[2].weight], "eps": 1e-3},
        ]
        optimizer = cls(groups, lr=0.1)
        optimizer.add_param_group({"params": [net[2].bias], "maximize": True})
        return optimizer

    assert_same_path(name, *both_paths(CLASSES[name], make), "with parameter groups")


# In float64: torch.optim divides a float32 rate in float32, which ours does not.
@pytest.mark.parametrize("lr", [torch.tensor(0.1).double(), torch.tensor([0.1]).double()], ids=["0-d", "1-d"])
@pytest.mark.parametrize("name", CLASSES)
def test_a_tensor_lr_agrees_with_torch(name, lr):
    def make(cls, net):
        return cls(net.parameters(), lr=lr, foreach=False)

    assert_same_path(name, *both_paths(CLASSES[name], make), "with a tensor lr")


@pytest.mark.parametrize(
    "make_scheduler",
    [
        lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 8),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: min(1, (epoch + 1) / 4)),
    ],
    ids=["StepLR", "CosineAnnealingLR", "LambdaLR"],
)
@pytest.mark.parametrize("name", CLASSES)
def test_schedulers_agree_with_torch(name, make_scheduler):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, theirs = both_paths(
            CLASSES[name], lambda cls, net: cls(net.parameters(), lr=0.2), make_scheduler=make_scheduler
        )
    assert_same_path(name, ours, theirs, "under a scheduler")


def test_one_cycle_changes_adams_betas_as_torchs():
    ours, theirs = both_paths(
        optim.Adam,
        lambda cls, net: cls(net.parameters()),
        make_scheduler=lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=20),
    )
    assert_same_path("Adam", ours, theirs, "under OneCycleLR")


@pytest.mark.parametrize("direction", ["ours to ours", "ours to theirs", "theirs to ours"])
@pytest.mark.parametrize(("name", "options"), OPTIONS.items(), ids=OPTIONS)
def test_state_is_saved_and_restored_both_ways(name, options, direction):
    pick = {"ours": CLASSES[name], "theirs": getattr(torch.optim, name)}
    first, second = (pick[word] for word in direction.split(" to "))
    net, x, t = net_and_data()
    optimizer = first(net.parameters(), lr=0.1, **options)
    train(net, optimizer, x, t, 4)
    state = pickle.loads(pickle.dumps(optimizer.state_dict()))
    resumed = copy.deepcopy(net)
    other = second(resumed.parameters(), lr=99.0)
    other.load_state_dict(state)
    assert_same_path(name, train(net, optimizer, x, t, 4), train(resumed, other, x, t, 4), direction)


@pytest.mark.parametrize(("name", "options"), [*OPTIONS.items(), *[(name, {}) for name in OPTIONS]])
def test_state_dict_has_torchs_keys_and_values(name, options):
    states = []
    for cls in (CLASSES[name], getattr(torch.optim, name)):
        net, x, t = net_and_data()
        optimizer = cls(net.parameters(), lr=0.1, **options)
        train(net, optimizer, x, t, 2)
        states.append(optimizer.state_dict())
    ours, theirs = states
    assert ours["param_groups"] == theirs["param_groups"]
    for number, entries in theirs["state"].items():
        assert list(ours["state"][number]) == list(entries), f"{name} state of parameter {number}"
        for key, value in entries.items():
            assert torch.equal(ours["state"][number][key], value), f"{name} state {key}"


def test_an_adamw_state_that_does_not_name_its_decay_still_decouples():
    net, x, t = net_and_data()
    optimizer = optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.5)
    train(net, optimizer, x, t, 2)
    state = copy.deepcopy(optimizer.state_dict())
    for group in state["param_groups"]:
        del group["decoupled_weight_decay"]  # as PyTorch 2.3 saves it
    resumed = copy.deepcopy(net)
    other = optim.AdamW(resumed.parameters())
    other.load_state_dict(state)
    assert_same_path(
        "AdamW", train(net, optimizer, x, t, 3), train(resumed, other, x, t, 3), "from PyTorch 2.3"
    )


@pytest.mark.parametrize("name", CLASSES)
def test_signature_is_torchs(name):
    ours, theirs = (inspect.signature(cls).parameters for cls in (CLASSES[name], getattr(torch.optim, name)))
    assert [(n, p.default, p.kind) for n, p in ours.items()] == [
        (n, p.default, p.kind) for n, p in theirs.items()
    ]


@pytest.mark.parametrize("name", CLASSES)
def test_parameters_without_a_gradient_stay(name):
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = CLASSES[name]([used, unused], lr=0.1, weight_decay=0.5)
    used.sum().backward()
    optimizer.step()
    assert (used != 1).all()
    assert (unused == 1).all()


@pytest.mark.parametrize("name", CLASSES)
def test_a_closures_loss_is_returned(name):
    w = nn.Parameter(torch.tensor(3.0))
    optimizer = CLASSES[name]([w])

    def closure():
        optimizer.zero_grad()
        loss = w * w
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert w.item() < 3
    assert optimizer.step() is None


@pytest.mark.parametrize(
    "gradient",
    [
        torch.tensor([math.inf, -math.inf, math.nan]),
        torch.tensor([1e-30, 1e4, -1e4]),
        torch.zeros(3),
    ],
    ids=["inf and nan", "tiny and large", "zero"],
)
@pytest.mark.parametrize("name", CLASSES)
def test_special_gradients_agree_with_torch(name, gradient):
    results = []
    for cls in (CLASSES[name], getattr(torch.optim, name)):
        w = nn.Parameter(torch.ones(3))
        optimizer = cls([w], lr=0.1)
        for _ in range(3):
            w.grad = gradient.clone()
            optimizer.step()
        results.append(w.detach())
    torch.testing.assert_close(*results, rtol=0, atol=0, equal_nan=True, msg=lambda m: f"{name}: {m}")


@pytest.mark.parametrize(
    "start", [torch.zeros(0, 3), torch.ones(2).bfloat16(), torch.ones(2).half()], ids=str
)
@pytest.mark.parametrize("name", CLASSES)
def test_empty_and_half_parameters_agree_with_torch(name, start):
    results = []
    for cls in (CLASSES[name], getattr(torch.optim, name)):
        w = nn.Parameter(start.clone())
        optimizer = cls([w], lr=0.1, weight_decay=0.01)
        for _ in range(3):
            w.grad = w.detach() * 0.5 + 1
            optimizer.step()
        results.append(w.detach())
    assert torch.equal(*results), f"{name} on {start.dtype} {tuple(start.shape)} against torch.optim"


def test_a_centred_root_that_rounds_below_zero_is_zero():
    """A constant gradient has no variance; in float32 the difference of its means can come out negative."""
    w = nn.Parameter(torch.zeros(1000))
    optimizer = optim.RMSprop([w], lr=1e-3, centered=True, alpha=0.5)
    gradient = torch.linspace(1e4, 2e4, 1000)
    for _ in range(60):
        w.grad = gradient.clone()
        optimizer.step()
    assert not w.isnan().any()


def test_adams_first_step_is_the_rate_whatever_the_gradients_scale():
    for scale in (1e-3, 1.0, 1e5):
        w = nn.Parameter(torch.zeros(3, dtype=torch.float64))
        w.grad = scale * torch.tensor([1.0, -2.0, 5.0], dtype=torch.float64)
        optim.Adam([w], lr=0.1).step()
        torch.testing.assert_close(
            w.detach(), torch.tensor([-0.1, 0.1, -0.1], dtype=torch.float64), rtol=1e-4, atol=0
        )


def test_adagrads_rate_falls_with_the_root_of_time():
    w = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = optim.Adagrad([w], lr=1.0)
    for t in range(1, 50):
        before = w.item()
        w.grad = torch.full((1,), 7.0, dtype=torch.float64)
        optimizer.step()
        assert before - w.item() == pytest.approx(1 / math.sqrt(t), rel=1e-9), f"Adagrad, step {t}"
