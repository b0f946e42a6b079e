"""The surfaces are what they say, and the walk is the optimizer's."""

import pytest
import torch

from course_lib import optim
from course_lib.optim import surfaces

ALL = {
    "ravine": surfaces.ravine(),
    "turned ravine": surfaces.ravine(100.0, angle=30.0),
    "saddle": surfaces.saddle(),
    "rosenbrock": surfaces.rosenbrock(),
    "beale": surfaces.beale(),
}


@pytest.mark.parametrize("name", ALL)
def test_the_minima_are_the_lowest_places_of_the_window(name):
    surface = ALL[name]
    left, right, bottom, top = surface.window
    across, up = torch.linspace(left, right, 301), torch.linspace(bottom, top, 301)
    grid = torch.cartesian_prod(across, up).double()
    for minimum in surface.minima:
        place = torch.tensor(minimum, dtype=torch.float64)
        gradient = torch.autograd.functional.jacobian(surface, place)
        curvature = torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, place))
        assert gradient.abs().max() < 1e-9, (name, minimum)
        assert curvature.min() > 0, (name, minimum)
        assert surface(grid).min() >= surface(place) - 1e-12, (name, minimum)
        assert left < minimum[0] < right, name
        assert bottom < minimum[1] < top, name
    assert surface(grid.view(301, 301, 2)).shape == (301, 301)


@pytest.mark.parametrize("angle", [0.0, 20.0, 90.0])
@pytest.mark.parametrize("condition", [1.0, 25.0, 1e4])
def test_a_ravine_has_the_condition_number_asked_for(condition, angle):
    surface = surfaces.ravine(condition, angle)
    hessian = torch.autograd.functional.hessian(surface, torch.zeros(2, dtype=torch.float64))
    assert torch.linalg.cond(hessian).item() == pytest.approx(condition, rel=1e-9)
    unturned = surfaces.ravine(condition)
    heights = [each(torch.tensor(each.start)).item() for each in (surface, unturned)]
    assert heights[0] == pytest.approx(heights[1], rel=1e-5), "the start turns with the ravine"


def test_a_ravine_needs_a_positive_condition():
    with pytest.raises(ValueError, match="condition must be positive, got 0"):
        surfaces.ravine(0)


def test_the_saddle_is_one():
    hessian = torch.autograd.functional.hessian(surfaces.saddle(), torch.zeros(2, dtype=torch.float64))
    assert sorted(torch.linalg.eigvalsh(hessian).tolist()) == [-1.0, 1.0]


@pytest.mark.parametrize("name", ["rosenbrock", "beale"])
def test_published_values(name):
    value = {"rosenbrock": 24.2, "beale": 14.203125}[name]  # at (-1.2, 1), its classic start, and at (0, 0)
    place = {"rosenbrock": (-1.2, 1.0), "beale": (0.0, 0.0)}[name]
    assert ALL[name](torch.tensor(place, dtype=torch.float64)).item() == pytest.approx(value)


def test_a_walk_follows_the_closed_form_of_gradient_descent():
    rate, steps = 0.05, 30
    surface = surfaces.ravine(25.0)
    path = surfaces.descend(lambda p: optim.SGD(p, lr=rate), surface, steps)
    start = torch.tensor(surface.start, dtype=torch.float64)
    factors = torch.tensor([1 - rate, 1 - 25 * rate], dtype=torch.float64)
    expected = start * factors ** torch.arange(steps + 1)[:, None]
    torch.testing.assert_close(path, expected, rtol=1e-12, atol=1e-14)


def test_a_walk_that_diverges_ends_in_nans():
    path = surfaces.descend(lambda p: optim.SGD(p, lr=0.2), surfaces.ravine(25.0), 200)
    finite = path.isfinite().all(dim=1)
    assert finite[0]
    assert not finite[-1]
    assert finite.sum() == finite.int().argmin(), "all that is finite comes first"


def test_noise_is_drawn_from_the_seed_alone():
    def walk(**options):
        return surfaces.descend(lambda p: optim.SGD(p, lr=0.01), surfaces.ravine(), 50, **options)

    assert torch.equal(walk(noise=1.0, seed=3), walk(noise=1.0, seed=3))
    assert not torch.equal(walk(noise=1.0, seed=3), walk(noise=1.0, seed=4))
    assert torch.equal(walk(seed=3), walk(seed=4)), "without noise there is nothing to draw"
    first = walk(start=(1.0, 1.0))[0]
    assert first.tolist() == [1.0, 1.0]
