"""Activation layers, called as in ``torch.nn``.

Each works entry by entry on a tensor of any shape and returns one of the same shape (Softmax, which works
along one dimension, is in ``softmax``). ``forward`` is PyTorch's own kernel.
``course_lib.reference.activations`` has the same formulas in plain NumPy, with their derivatives. An input
that is no tensor or no float tensor raises TypeError, an argument out of range ValueError, and so does
``inplace=True``: no layer here changes its input.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


class Activation(nn.Module):
    """What the layers below share: ``shown`` names the arguments that repr shows."""

    shown: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.shown)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x)), in (0, 1); slope y (1 - y), at most 1/4, vanishing on both sides.

    Source: Rumelhart, Hinton & Williams (1986), equation 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("Sigmoid", x)
        return torch.sigmoid(x)


class Tanh(Activation):
    """y = (exp(x) - exp(-x)) / (exp(x) + exp(-x)), in (-1, 1), zero-centred; slope 1 - y^2.

    Source: LeCun, Bottou, Orr & Mueller (1998), Efficient BackProp, section 4.4.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("Tanh", x)
        return torch.tanh(x)


class Hardtanh(Activation):
    """y = x clipped to [min_val, max_val]; slope 1 strictly inside, 0 elsewhere.

    Source: Collobert et al. (2011), Natural language processing (almost) from scratch, section 3.3.1.
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        checks.number("Hardtanh", "min_val", min_val)
        checks.number("Hardtanh", "max_val", max_val)
        checks.not_inplace("Hardtanh", inplace)
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val must be less than max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("Hardtanh", x)
        return F.hardtanh(x, self.min_val, self.max_val)


class ReLU(Activation):
    """y = max(0, x); slope 1 for x > 0, else 0.

    Source: Nair & Hinton (2010), section 2; Glorot, Bordes & Bengio (2011).
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        checks.not_inplace("ReLU", inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("ReLU", x)
        return torch.relu(x)


class ReLU6(Activation):
    """y = x clipped to [0, 6]; slope 1 strictly inside, 0 elsewhere.

    With a ceiling, activations are known to fit into the few bits of low-precision arithmetic.
    Source: Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10; for low precision: Sandler,
    Howard, Zhu, Zhmoginov & Chen (2018), section 4.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        checks.not_inplace("ReLU6", inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("ReLU6", x)
        return F.relu6(x)


class LeakyReLU(Activation):
    """y = x for x > 0, else negative_slope * x: a unit that is off still learns.

    Source: Maas, Hannun & Ng (2013), equation 3.
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        checks.finite_number("LeakyReLU", "negative_slope", negative_slope, at_least=0)
        checks.not_inplace("LeakyReLU", inplace)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("LeakyReLU", x)
        return F.leaky_relu(x, self.negative_slope)


class RReLU(Activation):
    """y = x for x > 0, else a * x with a random slope a.

    In training each entry draws its own a from U(lower, upper), with PyTorch's global generator; in
    evaluation every a is the mean (lower + upper) / 2.
    Source: Xu, Wang, Chen & Li (2015), section 2.4, where the slope is 1 / U(3, 8).
    """

    shown = ("lower", "upper")

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        checks.finite_number("RReLU", "lower", lower, at_least=0)
        checks.finite_number("RReLU", "upper", upper)
        checks.not_inplace("RReLU", inplace)
        if lower > upper:
            raise ValueError(f"RReLU: lower must be at most upper, got {lower} and {upper}")
        self.lower, self.upper = lower, upper

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("RReLU", x)
        return F.rrelu(x, self.lower, self.upper, self.training)


class PReLU(Activation):
    """y = x for x > 0, else a * x with a learned slope a.

    ``weight`` (num_parameters,) holds the slopes, ``init`` at first: one for all entries, or one for each
    channel of x (n, num_parameters, ...). Weight decay would pull them to 0, to ReLU: exempt them from it.
    Source: He, Zhang, Ren & Sun (2015), equation 1; the gradient for a is equation 3.
    """

    shown = ("num_parameters",)

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        checks.positive_integer("PReLU", "num_parameters", num_parameters)
        checks.finite_number("PReLU", "init", init)
        self.num_parameters, self.init = num_parameters, init
        self.weight = nn.Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope back to ``init``."""
        nn.init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape, or (n, num_parameters, ...) with a slope for each channel."""
        checks.float_tensor("PReLU", x)
        weight = self.weight
        checks.same_precision("PReLU", x, weight)
        if self.num_parameters != 1 and self.num_parameters != (x.shape[1] if x.ndim > 1 else 1):
            expected = f"(n, num_parameters={self.num_parameters}, ...)"
            raise ValueError(f"PReLU: input must have shape {expected}, got {tuple(x.shape)}")
        return F.prelu(x, weight)


class ELU(Activation):
    """y = x for x > 0, else alpha * (exp(x) - 1), which saturates at -alpha.

    Source: Clevert, Unterthiner & Hochreiter (2016), section 3.
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        checks.finite_number("ELU", "alpha", alpha, at_least=0)
        checks.not_inplace("ELU", inplace)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("ELU", x)
        return F.elu(x, self.alpha)


class SELU(Activation):
    """y = scale * (x for x > 0, else alpha * (exp(x) - 1)), with scale = 1.0507... and alpha = 1.6732...

    The constants keep mean 0 and variance 1 from layer to layer if weights have variance 1 / fan-in.
    Source: Klambauer, Unterthiner, Mayr & Hochreiter (2017), equation 2.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        checks.not_inplace("SELU", inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("SELU", x)
        return F.selu(x)


class GELU(Activation):
    """y = x * Phi(x), with Phi the standard normal's cumulative distribution; not monotonic.

    ``approximate="tanh"``: y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))), off by 0.0005 at most.
    Source: Hendrycks & Gimpel (2016), section 2.
    """

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("GELU", x)
        return F.gelu(x, approximate=self.approximate)


class SiLU(Activation):
    """y = x * sigmoid(x), also called swish; not monotonic.

    Source: Elfwing, Uchibe & Doya (2018), section 2.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        checks.not_inplace("SiLU", inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("SiLU", x)
        return F.silu(x)


class Softplus(Activation):
    """y = log(1 + exp(beta * x)) / beta, a smooth ReLU: sharper for a larger beta; slope sigmoid(beta * x).

    Where beta * x > threshold, y = x, which differs by less than exp(-threshold) / beta.
    Source: Dugas, Bengio, Belisle, Nadeau & Garcia (2001).
    """

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        checks.finite_number("Softplus", "beta", beta, above=0)
        checks.finite_number("Softplus", "threshold", threshold)
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.float_tensor("Softplus", x)
        return F.softplus(x, self.beta, self.threshold)


class Softsign(Activation):
    """y = x / (1 + |x|), in (-1, 1): saturates more slowly than tanh; slope 1 / (1 + |x|)^2.

    Source: Bergstra, Desjardins, Lamblin & Bengio (2009); Glorot & Bengio (2010), section 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to x of any shape."""
        checks.tensor("Softsign", x)
        return F.softsign(x)
