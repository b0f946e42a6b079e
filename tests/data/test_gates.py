import pytest
import torch

from course_lib import data

MEANING = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "nand": lambda a, b: not (a and b),
    "xor": lambda a, b: a != b,
}


@pytest.mark.parametrize("gate", MEANING)
@pytest.mark.parametrize("split", ["train", "all"])
def test_the_table_is_what_the_gate_computes(gate, split):
    table = data.load("gates", split, gate=gate)
    assert table.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    for inputs, output in table:
        a, b = (bool(value) for value in inputs)
        assert bool(output) == MEANING[gate](a, b), f"{gate}({a}, {b})"
    assert (table.x.dtype, table.y.dtype) == (torch.float32, torch.int64)


def test_the_default_is_and():
    assert torch.equal(data.load("gates").y, data.load("gates", gate="and").y)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_there_is_nothing_to_hold_out(split):
    with pytest.raises(ValueError, match=f"must be one of 'train', 'all'; got '{split}'"):
        data.load("gates", split)


@pytest.mark.parametrize("gate", ["AND", "not", 3, None, ["and"]])
def test_an_unknown_gate_is_named(gate):
    with pytest.raises(ValueError, match="gate must be one of 'and', 'or', 'nand', 'xor'; got"):
        data.load("gates", gate=gate)
