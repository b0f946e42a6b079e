"""The autoencoder: a network that learns to give back its input, through a code that is no mere copy."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from math import prod

from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.mlp import mlp

Factory = Callable[[], nn.Module]


class EncoderDecoder(nn.Module):
    """An encoder, a decoder, and a code h between them.

    Raises:
        TypeError: an encoder or decoder that is no module.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        for name, module in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(module, nn.Module):
                owner = type(self).__name__
                raise TypeError(f"{owner}: {name} must be a torch.nn.Module, got {type(module).__name__}")
        self.encoder, self.decoder = encoder, decoder

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of x."""
        return self.encoder(x)

    def decode(self, h: Tensor) -> Tensor:
        """Return what a code stands for, in the shape of x."""
        return self.decoder(h)


class Autoencoder(EncoderDecoder):
    """x -> decoder(encoder(x)), in the shape of x.

    Any two modules that fit will do; ``autoencoder`` and ``conv_autoencoder`` make them. It is trained with
    its inputs as targets: ``training.fit(net, (x, x), loss=layers.mse_loss)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Encode and decode."""
        return self.decode(self.encode(x))


class TiedLinear(nn.Module):
    """h (..., out) -> x (..., in): a dense layer with the transposed weights of another, and its own bias.

    The weights are learned by both layers and stored with the other one.
    """

    def __init__(self, linear: layers.Linear) -> None:
        super().__init__()
        self._linear = (linear,)  # in a tuple: its parameters are not this layer's
        weight = linear.weight
        bias = weight.new_zeros(linear.in_features)
        self.bias = nn.Parameter(bias) if linear.bias is not None else self.register_parameter("bias", None)

    def forward(self, h: Tensor) -> Tensor:
        """Apply the transpose."""
        return F.linear(h, self._linear[0].weight.T, self.bias)

    def extra_repr(self) -> str:
        """Sizes shown by repr."""
        out_features, in_features = self._linear[0].weight.shape
        return f"in_features={out_features}, out_features={in_features}, bias={self.bias is not None}"


def autoencoder(
    sizes: Sequence[int],
    activation: Factory = layers.ReLU,
    code: Factory | None = None,
    output: Factory | None = None,
    *,
    shape: Sequence[int] | None = None,
    tied: bool = False,
    device: Device = None,
    dtype: Dtype = None,
) -> Autoencoder:
    """Dense layers down to a code and up again: x (n, sizes[0]) -> x_hat of the same shape.

    ``sizes`` = (inputs, hidden units..., code): ``autoencoder([784, 128, 2])`` goes 784, 128, 2, 128, 784.
    With one hidden layer it is h = g(W x + b), x_hat = f(W* h + c). A code smaller than the input must
    compress; a larger one can copy, unless something else keeps it from that (noise, sparsity, contraction).
    With linear layers alone and squared errors, the best it can do is the subspace of the principal
    components (Baldi & Hornik, 1989).

    Args:
        sizes: inputs, hidden layers of the encoder, units of the code; the decoder mirrors them.
        activation: makes the activation of hidden layers.
        code: makes the activation of the code, g; None: linear.
        output: makes that of the output, f, such as ``layers.Sigmoid`` for pixels from 0 to 1; None: linear.
        shape: of one input where it is no vector, such as (1, 28, 28): x (n, *shape) is flattened on its way
            in and gets its shape back on its way out.
        tied: whether the decoder uses the encoder's weights transposed, W* = W^T, with biases of its own.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Hinton & Salakhutdinov (2006), Reducing the dimensionality of data with neural networks.

    Raises:
        ValueError: fewer than two sizes, a size below 1, a shape of another number of entries.
        TypeError: a size that is no integer, an activation that makes no module.
    """
    sizes = list(sizes)
    encoder = mlp(sizes, activation, code, device=device, dtype=dtype)
    decoder = mlp(sizes[::-1], activation, output, device=device, dtype=dtype)
    if tied:
        encoding = [layer for layer in encoder if isinstance(layer, layers.Linear)][::-1]
        decoding = [i for i, layer in enumerate(decoder) if isinstance(layer, layers.Linear)]
        for i, linear in zip(decoding, encoding, strict=True):
            decoder[i] = TiedLinear(linear)
    if shape is not None:
        shape = _checked_shape(shape, sizes[0])
        encoder = named(("flatten", nn.Flatten()), ("dense", encoder))
        decoder = named(("dense", decoder), ("unflatten", nn.Unflatten(1, shape)))
    return Autoencoder(encoder, decoder)


def named(*parts: tuple[str, nn.Module]) -> nn.Sequential:
    """A Sequential whose parts have names."""
    return nn.Sequential(OrderedDict(parts))


def _checked_shape(shape: Iterable[int], inputs: int) -> tuple[int, ...]:
    sides = tuple(shape)
    for position, side in enumerate(sides):
        checks.positive_integer("autoencoder", f"shape[{position}]", side)
    if prod(sides) != inputs:
        raise ValueError(
            f"autoencoder: shape must hold sizes[0] = {inputs} entries, got {sides} with {prod(sides)}"
        )
    return sides
