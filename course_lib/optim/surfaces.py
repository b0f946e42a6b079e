"""Functions of two variables on which an optimizer can be watched, and its walk down one of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FAR = 1e6  # a walk that is farther from the origin than this has diverged


@dataclass(frozen=True)
class Surface:
    """A cost of two parameters.

    Attributes:
        name: for titles.
        height: points (..., 2) -> costs (...), differentiable.
        minima: where it is lowest.
        start: a place to begin a walk.
        window: (left, right, bottom, top), what a map of it should show.
    """

    name: str
    height: Callable[[Tensor], Tensor]
    minima: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    window: tuple[float, float, float, float]

    def __call__(self, points: Tensor) -> Tensor:
        """Return the cost at points (..., 2)."""
        return self.height(points)


def ravine(condition: float = 25.0, angle: float = 0.0) -> Surface:
    """Return a straight valley: the quadratic 1/2 (u^2 + condition v^2), turned by ``angle`` degrees.

    Its second derivatives are 1 along the valley and ``condition`` across it, so that ``condition`` is the
    condition number of its Hessian.

    Raises:
        ValueError: where ``condition`` is not positive.
    """
    if condition <= 0:
        raise ValueError(f"condition must be positive, got {condition}")
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def height(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        u, v = cos * x + sin * y, cos * y - sin * x
        return 0.5 * (u**2 + condition * v**2)

    u, v = -2.0, 0.6
    start = (cos * u - sin * v, sin * u + cos * v)
    return Surface("ravine", height, ((0.0, 0.0),), start, (-2.5, 2.5, -1.5, 1.5))


def saddle() -> Surface:
    """Return x^2/2 - y^2/2 + y^4/4: a saddle at the origin, between two minima at (0, -1) and (0, 1).

    The walk begins almost exactly on the line from which a saddle cannot be left by its gradient.
    """

    def height(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return x**2 / 2 - y**2 / 2 + y**4 / 4

    return Surface("saddle", height, ((0.0, -1.0), (0.0, 1.0)), (-1.5, 1e-3), (-2.0, 2.0, -1.6, 1.6))


def rosenbrock() -> Surface:
    """Return (1 - x)^2 + 100 (y - x^2)^2, a curved valley with a nearly flat floor.

    Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960.
    """

    def height(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    return Surface("Rosenbrock's valley", height, ((1.0, 1.0),), (-1.2, 1.0), (-2.0, 2.0, -1.0, 3.0))


def beale() -> Surface:
    """Return Beale's function: wide plateaus between steep walls, and one minimum at (3, 0.5).

    Source: Beale, "On an iterative method for finding a local minimum of a function of more than one
    variable", 1958.
    """

    def height(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return sum((c - x + x * y**k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625)))  # type: ignore[return-value]

    return Surface("Beale's plateaus", height, ((3.0, 0.5),), (1.0, 1.5), (-4.5, 4.5, -2.0, 2.0))


def descend(
    make: Callable[[list[Tensor]], torch.optim.Optimizer],
    surface: Surface,
    steps: int = 100,
    *,
    start: tuple[float, float] | None = None,
    noise: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """Let an optimizer walk down a surface, and return where it was.

    Args:
        make: takes the parameters, returns the optimizer: ``lambda p: optim.SGD(p, lr=0.1)``.
        surface: what to descend.
        steps: how many.
        start: where to begin; default the surface's own start.
        noise: standard deviation of Gaussian noise that is added to the gradient, as a mini-batch would.
        seed: of the noise.

    Returns:
        Float64 tensor (steps + 1, 2), the start first. After a walk has diverged there are NaNs.
    """
    generator = torch.Generator().manual_seed(seed)
    place = torch.tensor(surface.start if start is None else start, dtype=torch.float64, requires_grad=True)
    optimizer = make([place])
    path = torch.full((steps + 1, 2), torch.nan, dtype=torch.float64)
    path[0] = place.detach()
    for step in range(1, steps + 1):
        (place.grad,) = torch.autograd.grad(surface(place), place)
        if noise:
            place.grad += noise * torch.randn(2, dtype=torch.float64, generator=generator)
        optimizer.step()
        if not bool((place.detach().abs() < FAR).all()):
            break
        path[step] = place.detach()
    return path
