"""SGD against torch.optim.SGD and the update rule by hand."""

import copy
import itertools
import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_same_signature
from torch import nn
from trajectories import assert_same_path, both_paths, net_and_data, train

from course_lib.optim import SGD

SETTINGS = [
    {
        "lr": lr,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": decay,
        "nesterov": nesterov,
        "maximize": up,
    }
    for lr, momentum, dampening, decay, nesterov, up in itertools.product(
        [0.0, 0.1], [0.0, 0.9], [0.0, 0.3], [0.0, 0.05], [False, True], [False, True]
    )
    if not nesterov or (momentum > 0 and dampening == 0)
]


@pytest.mark.parametrize("options", SETTINGS, ids=lambda o: " ".join(f"{v}" for v in o.values()))
def test_every_setting_agrees_with_torch(options):
    ours, theirs = both_paths(SGD, lambda cls, net: cls(net.parameters(), **options))
    assert_same_path("SGD", ours, theirs, str(options))
    assert (options["lr"] == 0) == torch.equal(ours[0][1], ours[-1][1]), "the weights should move iff lr > 0"


@given(
    lr=st.floats(0, 1),
    momentum=st.floats(0, 1.2),
    dampening=st.floats(-0.5, 1),
    weight_decay=st.floats(0, 0.5),
    nesterov=st.booleans(),
    maximize=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=60, deadline=None)
def test_random_settings_agree_with_torch(lr, momentum, dampening, weight_decay, nesterov, maximize, dtype):
    options = {
        "lr": lr,
        "momentum": momentum,
        "dampening": 0.0 if nesterov else dampening,
        "weight_decay": weight_decay,
        "nesterov": nesterov and momentum > 0,
        "maximize": maximize,
    }
    ours, theirs = both_paths(SGD, lambda cls, net: cls(net.parameters(), **options), dtype, steps=4)
    assert_same_path("SGD", ours, theirs, f"{options} {dtype}")


def test_gradients_zeroed_in_place_agree_with_torch():
    def path(cls):
        net, x, t = net_and_data()
        optimizer = cls(net.parameters(), lr=0.1, momentum=0.9)
        optimizer.zero_grad = lambda: torch.optim.Optimizer.zero_grad(optimizer, set_to_none=False)
        return train(net, optimizer, x, t)

    assert_same_path("SGD", path(SGD), path(torch.optim.SGD), "with gradients zeroed in place")


def test_three_steps_by_hand():
    w = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = SGD([w], lr=0.5, momentum=0.5, dampening=0.25, weight_decay=0.1)
    expected, v = 1.0, None
    for gradient in (2.0, -1.0, 3.0):
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        g = gradient + 0.1 * expected
        v = g if v is None else 0.5 * v + 0.75 * g
        expected -= 0.5 * v
        assert w.item() == pytest.approx(expected, rel=1e-15), f"SGD by hand, gradient {gradient}"
        assert w.grad.item() == gradient, "SGD changed the gradient"


def test_a_quadratic_contracts_by_one_minus_lr():
    # w <- w - lr w has the closed form w (1 - lr)^k.
    w = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = SGD([w], lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        w.square().sum().mul(0.5).backward()
        optimizer.step()
    torch.testing.assert_close(w.detach(), torch.tensor([1.0, -2.0], dtype=torch.float64) * 0.9**50)


def test_parameter_groups_agree_with_torch():
    def make(cls, net):
        groups = [
            {"params": net[0].parameters(), "lr": 0.01, "weight_decay": 0.1},
            {"params": [net[2].weight], "momentum": 0.5, "nesterov": True, "dampening": 0.0},
        ]
        optimizer = cls(groups, lr=0.1, momentum=0.9, dampening=0.1)
        optimizer.add_param_group({"params": [net[2].bias], "maximize": True})
        return optimizer

    assert_same_path("SGD", *both_paths(SGD, make), "with parameter groups")


@pytest.mark.parametrize("lr", [torch.tensor(0.1), torch.tensor([0.1])], ids=["0-d", "1-d"])
def test_a_tensor_lr_agrees_with_torch(lr):
    assert_same_path(
        "SGD",
        *both_paths(SGD, lambda cls, net: cls(net.parameters(), lr=lr, foreach=False)),
        "with a tensor lr",
    )


@pytest.mark.parametrize(
    ("name", "make_scheduler"),
    [
        ("StepLR", lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
        ("CosineAnnealingLR", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 8)),
        ("OneCycleLR", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=20)),  # momentum too
    ],
)
def test_schedulers_agree_with_torch(name, make_scheduler):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, theirs = both_paths(
            SGD,
            lambda cls, net: cls(net.parameters(), lr=0.2, momentum=0.9),
            steps=10,
            make_scheduler=make_scheduler,
        )
    assert_same_path("SGD", ours, theirs, f"under {name}")


@pytest.mark.parametrize("first", [SGD, torch.optim.SGD])
@pytest.mark.parametrize("second", [SGD, torch.optim.SGD])
def test_state_dicts_go_both_ways(first, second):
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}
    net, x, t = net_and_data()
    optimizer = first(net.parameters(), **options)
    train(net, optimizer, x, t, 4)
    state = copy.deepcopy(optimizer.state_dict())
    resumed = copy.deepcopy(net)
    other = second(resumed.parameters(), lr=99.0)
    other.load_state_dict(state)
    what = f"{first.__module__} loaded into {second.__module__}"
    assert_same_path("SGD", train(net, optimizer, x, t, 4), train(resumed, other, x, t, 4), what)


def test_state_dict_has_torchs_keys():
    states = []
    for cls in (SGD, torch.optim.SGD):
        net, x, t = net_and_data()
        optimizer = cls(net.parameters(), lr=0.1, momentum=0.9)
        train(net, optimizer, x, t, 2)
        states.append(optimizer.state_dict())
    ours, theirs = states
    assert ours["state"].keys() == theirs["state"].keys()
    assert ours["state"][0].keys() == theirs["state"][0].keys() == {"momentum_buffer"}
    assert {k: v for k, v in ours["param_groups"][0].items() if k in theirs["param_groups"][0]} == theirs[
        "param_groups"
    ][0]


def test_signature_is_torchs():
    assert_same_signature(SGD, torch.optim.SGD)


def test_parameters_without_a_gradient_stay():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = SGD([used, unused], lr=0.1, momentum=0.9, weight_decay=0.5)
    used.sum().backward()
    optimizer.step()
    assert (used != 1).all()
    assert (unused == 1).all()
    assert unused not in optimizer.state


def test_a_closure_is_called_once_with_gradients_on_and_its_loss_returned():
    calls, w = [], nn.Parameter(torch.tensor(3.0))
    optimizer = SGD([w], lr=0.1)

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = w * w
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert calls == [True]
    assert loss.item() == 9.0
    assert w.item() == pytest.approx(3 - 0.6)
    assert optimizer.step() is None


def test_special_gradients_agree_with_torch():
    for name, gradient in {
        "inf and nan": torch.tensor([math.inf, -math.inf, math.nan]),
        "tiny and large": torch.tensor([1e-30, 1e4, -1e4]),
        "sparse": torch.sparse_coo_tensor([[0, 2]], [1.0, 2.0], (3,), check_invariants=True),
    }.items():
        results = []
        for cls in (SGD, torch.optim.SGD):
            w = nn.Parameter(torch.ones(3))
            optimizer = cls([w], lr=0.1)
            for _ in range(2):
                w.grad = gradient.clone()
                optimizer.step()
            results.append(w.detach())
        torch.testing.assert_close(
            *results, rtol=0, atol=0, equal_nan=True, msg=lambda m, n=name: f"SGD, {n}: {m}"
        )


def test_empty_complex_and_half_parameters_agree_with_torch():
    for name, start in {
        "empty": torch.zeros(0, 3),
        "complex": torch.tensor([1 + 2j, -3j]),
        "bfloat16": torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        "float16": torch.tensor([1.0, 2.0], dtype=torch.float16),
    }.items():
        results = []
        for cls in (SGD, torch.optim.SGD):
            w = nn.Parameter(start.clone())
            optimizer = cls([w], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
            for _ in range(3):
                w.grad = w.detach() * 0.5 + 1
                optimizer.step()
            results.append(w.detach())
        assert torch.equal(*results), f"SGD, {name} against torch.optim.SGD"


PARAMETERS = [nn.Parameter(torch.zeros(2))]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lr": -0.1}, "SGD: lr must be 0 or more, got -0.1"),
        ({"lr": math.nan}, "SGD: lr must be 0 or more, got nan"),
        ({"lr": torch.tensor([0.1, 0.2])}, r"SGD: a Tensor lr must hold one number, got shape \(2,\)"),
        ({"momentum": -1}, "SGD: momentum must be 0 or more, got -1"),
        ({"weight_decay": -1}, "SGD: weight_decay must be 0 or more, got -1"),
        (
            {"nesterov": True},
            "SGD: nesterov=True needs a momentum and no dampening, got momentum=0 and dampening=0",
        ),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.5}, "SGD: nesterov=True needs .* dampening=0.5"),
        ({"foreach": True}, "SGD: foreach=True is not supported, got True"),
        ({"fused": True}, "SGD: fused=True is not supported, got True"),
        ({"differentiable": True}, "SGD: differentiable=True is not supported, got True"),
    ],
)
def test_bad_arguments_are_named(options, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        SGD(PARAMETERS, **options)


@pytest.mark.parametrize("bad", [[], torch.zeros(2), ["w"], [torch.zeros(2, requires_grad=True) * 2]])
def test_bad_parameters_raise_as_in_torch(bad):
    with pytest.raises((ValueError, TypeError)) as theirs:
        torch.optim.SGD(bad, lr=0.1)
    with pytest.raises(type(theirs.value)) as ours:
        SGD(bad, lr=0.1)
    assert str(ours.value) == str(theirs.value)
