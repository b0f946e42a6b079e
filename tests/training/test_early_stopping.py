import math

import pytest
import torch

from course_lib.training import EarlyStopping


def stops_after(stopper, values):
    """The number of values it takes before the stopper says stop, or None."""
    for count, value in enumerate(values, start=1):
        if stopper.step(value):
            return count
    return None


@pytest.mark.parametrize(
    ("patience", "values", "expected"),
    [
        (1, [3, 2, 1, 0], None),
        (1, [3, 2, 2, 1], 3),  # equal is no improvement
        (2, [3, 4, 2, 4, 3], 5),
        (3, [1, 2, 2, 2], 4),
        (3, [1, 2, 2], None),
        (2, [math.nan, math.nan], 2),
        (2, [1, math.nan, math.nan], 3),
        (2, [math.inf, 1, 2, 2], 4),
    ],
)
def test_stops_after_patience_epochs_without_improvement(patience, values, expected):
    assert stops_after(EarlyStopping(patience), values) == expected


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [("max", [1, 2, 3, 4], None), ("max", [4, 3], 2), ("min", [4, 3, 2], None)],
)
def test_mode(mode, values, expected):
    assert stops_after(EarlyStopping(1, mode=mode), values) == expected


@pytest.mark.parametrize(("step", "expected"), [(0.25, 2), (0.5, 2), (0.75, None)])
def test_improvement_must_exceed_min_delta(step, expected):
    assert stops_after(EarlyStopping(1, min_delta=0.5), [4.0, 4.0 - step]) == expected
    assert stops_after(EarlyStopping(1, min_delta=0.5, mode="max"), [4.0, 4.0 + step]) == expected


def test_small_steps_add_up_to_an_improvement():
    # The comparison is with the best value, not the last one: 0.3 + 0.3 > 0.5.
    assert stops_after(EarlyStopping(2, min_delta=0.5), [1.0, 0.7, 0.4, 0.3]) is None


def test_restores_a_copy_of_the_best_weights():
    model, stopper = torch.nn.Linear(1, 1, bias=False), EarlyStopping(5)
    for value, weight in [(3.0, 30.0), (1.0, 10.0), (2.0, 20.0)]:
        with torch.no_grad():
            model.weight.fill_(weight)
        stopper.step(value, model)
    stopper.restore(model)
    assert model.weight.item() == 10.0
    assert (stopper.best, stopper.best_epoch) == (1.0, 2)


def test_keeps_no_weights_unless_asked_to():
    model, stopper = torch.nn.Linear(1, 1), EarlyStopping(restore_best=False)
    stopper.step(1.0, model)
    assert stopper.best_weights is None
    before = model.weight.item()
    stopper.restore(model)
    assert model.weight.item() == before


def test_state_dict_goes_on_where_it_was():
    first, second = EarlyStopping(2), EarlyStopping(2)
    first.step(1.0)
    first.step(2.0)
    second.load_state_dict(first.state_dict())
    assert second.step(2.0)


def test_reset_forgets():
    stopper = EarlyStopping(1)
    assert stops_after(stopper, [1, 2]) == 2
    stopper.reset()
    assert not stopper.stopped
    assert stops_after(stopper, [5, 4]) is None


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"patience": 0}, "patience"),
        ({"patience": 1.5}, "patience"),
        ({"patience": True}, "patience"),
        ({"min_delta": -1.0}, "min_delta"),
        ({"min_delta": math.nan}, "min_delta"),
        ({"mode": "lowest"}, "mode"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        EarlyStopping(**arguments)
