"""The denoising autoencoder: it reads a damaged input and gives back the whole one."""

from torch import Tensor, nn

from course_lib.models.autoencoder import Autoencoder


class DenoisingAutoencoder(Autoencoder):
    """In training x -> decoder(encoder(corruption(x))); in evaluation x is read as it is.

    The target is the clean x: ``training.fit(net, (x, x), loss=layers.mse_loss)``.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, corruption: nn.Module) -> None:
        super().__init__(encoder, decoder)
        if not isinstance(corruption, nn.Module):
            name = type(corruption).__name__
            raise TypeError(f"DenoisingAutoencoder: corruption must be a torch.nn.Module, got {name}")
        self.corruption = corruption

    def forward(self, x: Tensor) -> Tensor:
        """Corrupt (in training), encode and decode."""
        return self.decode(self.encode(self.corruption(x)))


def denoising_autoencoder(net: Autoencoder, corruption: nn.Module) -> DenoisingAutoencoder:
    """Return ``net`` as one that repairs: its encoder and decoder, behind a corruption that acts in training.

    To copy is no longer enough: a blanked pixel can only be guessed from the others, so the net has to learn
    how they depend on one another, even if its code is larger than its input. The parameters are shared with
    ``net``, whose names they keep.

    Args:
        net: any autoencoder, such as ``autoencoder([784, 1000], code=layers.Sigmoid)``.
        corruption: ``layers.MaskingNoise(q)``, ``layers.GaussianNoise(std)``, or any module that damages x
            when it is in training mode.

    Source: Vincent, Larochelle, Bengio & Manzagol (2008), Extracting and composing robust features with
    denoising autoencoders.

    Raises:
        TypeError: a net that is no autoencoder, a corruption that is no module.
    """
    if not isinstance(net, Autoencoder):
        raise TypeError(f"denoising_autoencoder: net must be an Autoencoder, got {type(net).__name__}")
    return DenoisingAutoencoder(net.encoder, net.decoder, corruption)
