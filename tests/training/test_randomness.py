import random

import numpy as np
import pytest
import torch

from course_lib.training.randomness import RandomState, seeded

CPU = torch.device("cpu")


def draw(generator):
    return (
        random.random(),
        random.gauss(0, 1),
        float(np.random.standard_normal()),  # noqa: NPY002
        float(torch.rand(())),
        float(torch.rand((), generator=generator)),
    )


def test_every_generator_goes_back_to_where_it_was():
    generator = torch.Generator().manual_seed(1)
    draw(generator)  # an odd number of normals: one is kept for later, and belongs to the state
    state = RandomState(generator).state_dict()
    expected = [draw(generator) for _ in range(3)]
    RandomState(generator).load_state_dict(state)
    assert [draw(generator) for _ in range(3)] == expected


def test_another_number_of_generators_is_refused():
    state = RandomState(torch.Generator()).state_dict()
    with pytest.raises(ValueError, match="1 random generators were saved, 0 are there"):
        RandomState().load_state_dict(state)


def test_a_seed_decides_about_everything_in_the_block_and_nothing_after_it():
    found = []
    for before in (11, 22):
        torch.manual_seed(before)
        expected = torch.rand(2)
        torch.manual_seed(before)
        with seeded(5, CPU) as generator:
            found.append((float(torch.rand(())), float(torch.rand((), generator=generator))))
        assert torch.equal(torch.rand(2), expected), "the global generator was not put back"
    assert found[0] == found[1]


def test_without_a_seed_the_global_generator_decides():
    orders = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        with seeded(None, CPU) as generator:
            orders.append(torch.randperm(20, generator=generator).tolist())
    assert orders[0] == orders[1] != orders[2]
