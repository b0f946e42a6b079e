"""Classifier-free guidance: exaggerate what a class changes in the guess."""

from torch import Tensor, nn

from course_lib.layers import checks


class Guided(nn.Module):
    """A net eps(x, t), made from a net eps(x, t, y): see ``guided``."""

    def __init__(self, net: nn.Module, y: Tensor, weight: float) -> None:
        super().__init__()
        self.net, self.weight = net, weight
        self.register_buffer("y", y, persistent=False)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Guess the noise twice, with and without the class, and step over from the one to the other."""
        without = self.net(x, t)
        return without + self.weight * (self.net(x, t, self.y) - without)


def guided(net: nn.Module, y: Tensor, weight: float) -> Guided:
    """Return the net eps(x, t) = eps_0 + weight * (eps_y - eps_0), for any sampler.

    eps_y = net(x, t, y) knows the classes y (n,), eps_0 = net(x, t) does not. A weight of 0 ignores the
    class, 1 is the plain conditional net, and more exaggerates: samples are more typical of their class and
    less diverse. (Ho and Salimans count from 1: their w is ``weight`` - 1.)

    Source: Ho & Salimans (2022), Classifier-free diffusion guidance, equation 6.

    Raises:
        TypeError: a net without classes, y no tensor of integers, a weight that is no number.
        ValueError: y that is not (n,), a weight that is not finite.
    """
    if getattr(net, "num_classes", None) is None:
        raise TypeError(f"guided: net must have num_classes, got {type(net).__name__} without")
    checks.tensor("guided", y, "y")
    if y.is_floating_point() or y.is_complex():
        raise TypeError(f"guided: y must hold integers, got {y.dtype}")
    checks.rank("guided", y, "(n)", name="y")
    checks.finite_number("guided", "weight", weight)
    return Guided(net, y, weight)
