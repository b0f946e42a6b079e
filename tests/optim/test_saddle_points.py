"""SGD at a saddle does what the algebra says: it stays on the stable line, noise or an offset sets it free.

On x^2/2 - y^2/2 + y^4/4 one step is x <- (1 - lr) x and y <- (1 + lr) y - lr y^3.
"""

import itertools
import math

import pytest
import torch

from course_lib import optim
from course_lib.optim import surfaces

SADDLE = surfaces.saddle()


def walk(rate, start, steps, **options):
    return surfaces.descend(lambda p: optim.SGD(p, lr=rate), SADDLE, steps, start=start, **options)


def steps_to_leave(path):
    far = path[:, 1].abs() > 0.5
    assert far.any(), "the walk never left the saddle"
    return int(far.int().argmax())


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 1.5])
def test_a_walk_on_the_stable_line_ends_at_the_saddle(rate):
    path = walk(rate, (-1.5, 0.0), 3000)
    assert (path[:, 1] == 0).all(), f"rate {rate}: left the line y = 0 without noise"
    expected = -1.5 * (1 - rate) ** torch.arange(3001, dtype=torch.float64)
    torch.testing.assert_close(path[:, 0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("offset", [1e-4, -1e-8, 1e-12])
def test_beside_the_line_the_distance_grows_by_one_plus_the_rate(rate, offset):
    near = int(math.log(1e-3 / abs(offset)) / math.log(1 + rate))  # until y^3 begins to matter
    path = walk(rate, (-1.5, offset), near)
    expected = offset * (1 + rate) ** torch.arange(near + 1, dtype=torch.float64)
    torch.testing.assert_close(path[:, 1], expected, rtol=1e-4, atol=0.0)


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_leaving_takes_time_in_proportion_to_the_logarithm_of_the_offset(rate):
    for offset in (1e-2, 1e-4, 1e-8, 1e-16):
        taken = steps_to_leave(walk(rate, (-1.5, offset), 1000))
        theory = math.log(0.5 / offset) / math.log(1 + rate)
        assert theory - 1 <= taken <= theory + 0.3 / rate + 1, f"rate {rate}, offset {offset}"


@pytest.mark.parametrize("seed", range(5))
def test_noise_sets_a_walk_free_and_it_ends_near_a_minimum(seed):
    path = walk(0.1, (-1.5, 0.0), 400, noise=1e-3, seed=seed)
    assert steps_to_leave(path) < 200
    distance = (path[-1] - torch.tensor(SADDLE.minima, dtype=torch.float64)).norm(dim=1).min()
    assert distance < 0.01, f"seed {seed}: {path[-1].tolist()} is at no minimum"


def test_a_hundred_times_less_noise_costs_a_constant_number_of_steps():
    def median(noise):
        taken = [steps_to_leave(walk(0.1, (-1.5, 0.0), 400, noise=noise, seed=s)) for s in range(15)]
        return sorted(taken)[7]

    more = math.log(100) / math.log(1.1)
    medians = [median(noise) for noise in (1e-2, 1e-4, 1e-6)]
    for first, second in itertools.pairwise(medians):
        assert abs(second - first - more) < 6, medians
