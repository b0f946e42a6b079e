"""The stacked autoencoder: deep, and trained one layer after the other before it is trained as a whole."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers.checks import Device, Dtype
from course_lib.models.autoencoder import Autoencoder, Factory, autoencoder


class StackedAutoencoder(Autoencoder):
    """A dense autoencoder that can be taken apart: see ``stacked_autoencoder``."""

    def pairs(self) -> list[Autoencoder]:
        """Return the shallow autoencoders it is made of, from the outermost in; they share its parameters.

        Pair i is the encoder's layer i and the decoder's layer that answers to it, each with its activation:
        it rebuilds what layer i reads.
        """
        down, up = _dense_layers(self.encoder), _dense_layers(self.decoder)
        return [Autoencoder(one, other) for one, other in zip(down, reversed(up), strict=True)]

    def pretrain(self, x: Tensor, train: Callable[[Autoencoder, Tensor], Any]) -> list[Any]:
        """Train pair after pair, each on the codes of the one before; return what ``train`` returned.

        Args:
            x: inputs (n, sizes[0]).
            train: trains an autoencoder on its inputs, such as
                ``lambda pair, h: training.fit(pair, (h, h), loss=layers.mse_loss)``. To have denoising
                layers, let it train ``denoising_autoencoder(pair, layers.MaskingNoise(0.25))``.
        """
        results, h = [], x
        for pair in self.pairs():
            results.append(train(pair, h))
            with torch.no_grad():
                h = pair.encode(h)
        return results


def stacked_autoencoder(
    sizes: Sequence[int],
    activation: Factory = layers.Sigmoid,
    code: Factory | None = None,
    output: Factory | None = None,
    *,
    device: Device = None,
    dtype: Dtype = None,
) -> StackedAutoencoder:
    """Like ``autoencoder``, with ``pretrain``: greedy training, layer by layer.

    Before good initialization, ReLUs and normalization, deep autoencoders did not train from random weights:
    the gradient vanished on the way to the first layers. Greedy training has none of that way to go: each
    layer first learns to rebuild what it reads, and the whole is only fine-tuned. The encoder is a good start
    for a classifier, too, where labels are few.

    Arguments, shapes and errors are those of ``autoencoder``, whose parameters it has by the same names.

    Source: Bengio, Lamblin, Popovici & Larochelle (2007), Greedy layer-wise training of deep networks.
    """
    net = autoencoder(sizes, activation, code, output, device=device, dtype=dtype)
    return StackedAutoencoder(net.encoder, net.decoder)


def _dense_layers(net: nn.Module) -> list[nn.Sequential]:
    """Each dense layer of a Sequential with the activation behind it."""
    found: list[nn.Sequential] = []
    for module in net.children():
        if isinstance(module, layers.Linear):
            found.append(nn.Sequential(module))
        else:
            found[-1].append(module)
    return found
