"""The vision transformer: an image as a sequence of patches."""

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.widths import check_sizes, scaled

Norm = Callable[[int], nn.Module]
NORM = partial(layers.LayerNorm, eps=1e-6)

# Table 1, and the patches' size of section 4.1 (the 16 in ViT-B/16): patch_size, then num_layers, num_heads,
# hidden_dim (the width D), mlp_dim.
VISION_TRANSFORMERS: dict[str, tuple[int, int, int, int, int]] = {
    "B/16": (16, 12, 12, 768, 3072),
    "B/32": (32, 12, 12, 768, 3072),
    "L/16": (16, 24, 16, 1024, 4096),
    "L/32": (32, 24, 16, 1024, 4096),
    "H/14": (14, 32, 16, 1280, 5120),
}


class EncoderBlock(nn.Module):
    """Every token looks at all tokens, then thinks for itself: x (n, tokens, hidden_dim) -> the same shape.

    y = x + attention(norm(x)), and then y + mlp(norm(y)): equations 2 and 3.
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        norm_layer: Norm = NORM,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.ln_1 = norm_layer(hidden_dim).to(**made)
        self.self_attention = layers.MultiheadAttention(hidden_dim, num_heads, attention_dropout, **made)
        self.dropout = layers.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim).to(**made)
        self.mlp = nn.Sequential(
            layers.Linear(hidden_dim, mlp_dim, **made),
            layers.GELU(),
            layers.Dropout(dropout),
            layers.Linear(mlp_dim, hidden_dim, **made),
            layers.Dropout(dropout),
        )
        for module in self.mlp:
            if isinstance(module, layers.Linear):
                layers.xavier_uniform_(module.weight)
                layers.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the new tokens."""
        return self._think(x + self.dropout(self._look(x, need_weights=False)[0]))

    def with_weights(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the new tokens, and the weights of each token for each: (n, num_heads, tokens, tokens)."""
        seen, weights = self._look(x, need_weights=True)
        return self._think(x + self.dropout(seen)), weights

    def _look(self, x: Tensor, need_weights: bool) -> Any:
        """Attend; without the weights, which forward does not need, a faster kernel is used."""
        # The tokens first, then the batch, is how torch.nn's attention keeps its output in memory even if it
        # is batch_first. Dropout draws in the order of memory: as here, the same seed drops the same units.
        x = self.ln_1(x).transpose(0, 1)
        seen, weights = self.self_attention(x, x, x, need_weights=need_weights, average_attn_weights=False)
        return seen.transpose(0, 1), weights

    def _think(self, x: Tensor) -> Tensor:
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Positions are added to the tokens, which then pass all blocks: x (n, tokens, hidden_dim), as is y."""

    def __init__(
        self,
        tokens: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        norm_layer: Norm = NORM,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, hidden_dim, **made))
        layers.normal_(self.pos_embedding, std=0.02)  # as BERT does
        self.dropout = layers.Dropout(dropout)
        self.layers = nn.Sequential()
        for index in range(num_layers):
            block = EncoderBlock(
                num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer, **made
            )
            self.layers.add_module(f"encoder_layer_{index}", block)
        self.ln = norm_layer(hidden_dim).to(**made)

    def positioned(self, x: Tensor) -> Tensor:
        """Say of every token where it stands."""
        return self.dropout(x + self.pos_embedding)

    def forward(self, x: Tensor) -> Tensor:
        """Encode the tokens."""
        return self.ln(self.layers(self.positioned(x)))


class VisionTransformer(nn.Module):
    """Patches as words: x (n, in_channels, image_size, image_size) -> logits (n, num_classes).

    The image is cut into patches of patch_size x patch_size pixels, each is projected to a token of
    hidden_dim numbers, a learned class token is put in front, and learned positions are added. After
    num_layers blocks of a transformer's encoder the class token, which has looked at all patches, gives the
    logits. Next to nothing of images is built in (neither locality nor that a cat may be anywhere); it must
    be learned from many. The arguments are torchvision's, and so is the state_dict. The last dense layer
    starts at 0, and so do all logits.

    Args:
        image_size: height and width; no other image will do, for each place has a learned position.
        patch_size: height and width of a patch, a divisor of image_size.
        num_layers: blocks.
        num_heads: of the attention, a divisor of hidden_dim.
        hidden_dim: numbers in a token.
        mlp_dim: hidden units of the perceptron in each block.
        dropout: behind the positions, the attention, and both layers of the perceptron.
        attention_dropout: of the attention weights.
        num_classes: of the logits.
        representation_size: hidden units, with tanh, before the last layer, or None for no such layer. The
            paper has them in pre-training.
        norm_layer: makes a normalization for hidden_dim numbers.
        in_channels: of the images.
        width_mult: factor on hidden_dim (to a multiple of num_heads), mlp_dim and representation_size.
        device: where the parameters live.
        dtype: of the parameters.

    Source: Dosovitskiy et al. (2021), An image is worth 16x16 words: transformers for image recognition at
    scale, section 3.1 and table 1.

    Raises:
        ValueError: a size below 1, one that the other does not divide, a probability outside 0 ... 1, an
            image of another size or of other channels.
        TypeError: a size that is no integer, a norm_layer that is no class and no function.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Norm = NORM,
        *,
        in_channels: int = 3,
        width_mult: float = 1.0,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {"image_size": image_size, "patch_size": patch_size, "num_layers": num_layers}
        sizes |= {"num_heads": num_heads, "hidden_dim": hidden_dim, "mlp_dim": mlp_dim}
        sizes |= {"num_classes": num_classes, "in_channels": in_channels}
        if representation_size is not None:
            sizes["representation_size"] = representation_size
        check_sizes("VisionTransformer", width_mult, **sizes)
        for name, by in (("image_size", "patch_size"), ("hidden_dim", "num_heads")):
            if sizes[name] % sizes[by]:
                expected = f"a multiple of {by}={sizes[by]}"
                raise ValueError(f"VisionTransformer: {name} must be {expected}, got {sizes[name]}")
        checks.probability("VisionTransformer", "dropout", dropout)
        checks.probability("VisionTransformer", "attention_dropout", attention_dropout)
        if not callable(norm_layer) or isinstance(norm_layer, nn.Module):  # one would be shared by all places
            raise TypeError(
                f"VisionTransformer: norm_layer must be a class or a function, got {norm_layer!r}"
            )
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        hidden_dim, mlp_dim = scaled(hidden_dim, width_mult, num_heads), scaled(mlp_dim, width_mult)
        self.image_size, self.patch_size, self.in_channels = image_size, patch_size, in_channels

        # A dense layer on every patch is a convolution whose stride is its kernel's size.
        self.conv_proj = layers.Conv2d(in_channels, hidden_dim, patch_size, stride=patch_size, **made)
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_dim, **made))
        tokens = (image_size // patch_size) ** 2 + 1
        sizes_within = (tokens, num_layers, num_heads, hidden_dim, mlp_dim)
        self.encoder = Encoder(*sizes_within, dropout, attention_dropout, norm_layer, **made)
        head: OrderedDict[str, nn.Module] = OrderedDict()
        if representation_size is not None:
            representation_size = scaled(representation_size, width_mult)
            head["pre_logits"] = layers.Linear(hidden_dim, representation_size, **made)
            head["act"] = layers.Tanh()
        head["head"] = layers.Linear(representation_size or hidden_dim, num_classes, **made)
        self.heads = nn.Sequential(head)
        self._draw_ends()

    def _draw_ends(self) -> None:
        """Draw the projections of patches and class token with variance 1 / fan_in; set the logits to 0."""
        for module in (self.conv_proj, *self.heads):
            if isinstance(module, layers.Conv2d | layers.Linear):
                fan_in, _ = layers.fan_in_and_fan_out(module.weight)
                if module is self.heads.head:
                    layers.zeros_(module.weight)
                else:
                    layers.trunc_normal_(module.weight, std=math.sqrt(1 / fan_in))
                layers.zeros_(module.bias)

    def tokens(self, x: Tensor) -> Tensor:
        """Class token and patches of images, projected but without positions: (n, 1 + patches, hidden_dim).

        The patches follow row by row.
        """
        checks.float_tensor("VisionTransformer", x)
        shape = (self.in_channels, self.image_size, self.image_size)
        if x.ndim != 4 or x.shape[1:] != shape:
            expected = f"(N, {', '.join(map(str, shape))})"
            raise ValueError(f"VisionTransformer: input must be {expected}, got shape {tuple(x.shape)}")
        patches = self.conv_proj(x).flatten(2).mT  # (n, patches, hidden_dim)
        return torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits of images x (n, in_channels, image_size, image_size)."""
        return self.heads(self.encoder(self.tokens(x))[:, 0])

    def attention_maps(self, x: Tensor) -> list[Tensor]:
        """Where each token looks, block by block: num_layers tensors (n, num_heads, tokens, tokens).

        Entry [i, h, q, k] of a block is the weight that token q of image i gives to token k in head h. In
        evaluation each row sums to 1; in training attention_dropout has dropped some weights. Token 0 is the
        class token, token 1 + r c + s the patch in row r and column s of the c x c patches: ``maps[-1][0, :,
        0, 1:].unflatten(-1, (c, c))`` is a picture, for each head, of where in the first image the last
        block's class token looks.
        """
        x, maps = self.encoder.positioned(self.tokens(x)), []
        for block in self.encoder.layers:
            x, weights = cast(EncoderBlock, block).with_weights(x)
            maps.append(weights)
        return maps


def vit_b_16(image_size: int = 224, **options: Any) -> VisionTransformer:
    """ViT-B/16: 12 blocks, patches of 16 x 16; 86,567,656 parameters. Options: VisionTransformer's."""
    return VisionTransformer(image_size, *VISION_TRANSFORMERS["B/16"], **options)


def vit_b_32(image_size: int = 224, **options: Any) -> VisionTransformer:
    """ViT-B/32: 12 blocks, patches of 32 x 32; 88,224,232 parameters. Options: VisionTransformer's."""
    return VisionTransformer(image_size, *VISION_TRANSFORMERS["B/32"], **options)


def vit_l_16(image_size: int = 224, **options: Any) -> VisionTransformer:
    """ViT-L/16: 24 blocks, patches of 16 x 16; 304,326,632 parameters. Options: VisionTransformer's."""
    return VisionTransformer(image_size, *VISION_TRANSFORMERS["L/16"], **options)


def vit_l_32(image_size: int = 224, **options: Any) -> VisionTransformer:
    """ViT-L/32: 24 blocks, patches of 32 x 32; 306,535,400 parameters. Options: VisionTransformer's."""
    return VisionTransformer(image_size, *VISION_TRANSFORMERS["L/32"], **options)


def vit_h_14(image_size: int = 224, **options: Any) -> VisionTransformer:
    """ViT-H/14: 32 blocks, patches of 14 x 14; 632,045,800 parameters. Options: VisionTransformer's."""
    return VisionTransformer(image_size, *VISION_TRANSFORMERS["H/14"], **options)
