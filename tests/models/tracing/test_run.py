"""What is written down of a run: names, what is handed on, what changes in place."""

import pytest
import torch
from torch import nn

from course_lib.models.tracing import UNKNOWN, Map, trace, units


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()
        self.first = nn.Sequential(nn.Conv2d(1, 1, 1), self.relu)
        self.second = self.first

    def forward(self, x):
        return self.second(self.first(self.relu(x)))


def run(model, shape=(1, 4, 6)):
    return trace(model, [(1, *shape)], [torch.float32])


def test_modules_used_twice_have_the_name_by_which_they_were_called():
    names = [unit.name for unit in units(run(Shared()))]
    assert names == ["relu", "first.0", "first.1", "second.0", "second.1"]


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.inner = nn.Identity()  # called: so what the function does are units

    def forward(self, x):
        return self.function(self.inner(x))


def test_units_know_whose_output_they_take():
    model = Function(lambda x: (x + 1).view(1, 24).exp() * x.view(1, 24))
    identity, add, exp, mul = units(run(model))
    assert [unit.kind for unit in (identity, add, exp, mul)] == ["Identity", "add", "exp", "mul"]
    assert identity.inputs == [None]
    assert add.inputs == [identity]
    assert exp.inputs == [add]
    assert mul.inputs == [identity, exp]


def test_what_changes_in_place_changes_for_all_who_see_it():
    def function(x):
        y = x * 2
        same, row = y.view_as(y), y[:, :, 1:2]
        same.add_(1)
        return y + row

    mul, add, total = units(run(Function(function)))[1:]
    assert [unit.kind for unit in (mul, add, total)] == ["mul", "add", "add"]
    assert add.inputs == [mul]
    assert set(total.inputs) == {add, mul}  # the row has changed too; how is not known
    assert total.seen is UNKNOWN


def test_a_buffer_of_constants_that_is_made_on_the_way():
    model = Function(lambda x: x + torch.linspace(0, 1, 6).softmax(0))
    (_, add) = units(run(model))
    assert add.kind == "add"
    assert isinstance(add.seen, Map)


def test_tied_parameters_count_once():
    net = nn.Sequential(nn.Linear(6, 6, bias=False), nn.Linear(6, 6, bias=False))
    net[1].weight = net[0].weight
    assert [unit.parameters for unit in units(run(net, (6,)))] == [36, 0]


def test_a_parameter_counts_where_it_is_used():
    class Owner(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.inner = nn.Parameter(torch.zeros(1, 1, 6)), nn.Linear(6, 6)

        def forward(self, x):
            return self.inner(torch.cat([self.token.expand(1, 2, 6), x], 1))

    assert [(u.kind, u.parameters) for u in units(run(Owner(), (4, 6)))] == [("cat", 6), ("Linear", 42)]


@pytest.mark.parametrize("mode", [True, False])
def test_running_averages_stay(mode):
    net = nn.Sequential(nn.BatchNorm2d(1)).train(mode)
    run(net)
    assert net[0].num_batches_tracked == 0
    assert net[0].training is mode
