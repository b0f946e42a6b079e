"""A small dense net that guesses the noise on points, of the plane or of any space of few dimensions."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks
from course_lib.models.time_embedding import TimeEmbedding


class DenseDenoiser(nn.Module):
    """The noise in x_t: x (n, features), t (n,), and y (n,) if there are classes -> (n, features).

    A dense layer to ``width`` units, ``blocks`` residual blocks h + W silu(V h + U told), each of which reads
    the embedded time, and a dense layer back. Where x is nearly all noise, the answer is nearly x itself: so
    x is added, each coordinate times a number that depends on what is told alone.

    Args:
        features: coordinates of a point.
        width: units, an even number.
        blocks: residual blocks.
        num_classes: classes that the net may be told; y = None means "not told".
        where: ``device`` and ``dtype`` of the parameters.

    Raises:
        ValueError: a size below 1, an odd width, points or times of another shape.
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        features: int = 2,
        width: int = 64,
        blocks: int = 3,
        num_classes: int | None = None,
        **where: Any,
    ) -> None:
        super().__init__()
        for name, value in {"features": features, "width": width, "blocks": blocks}.items():
            checks.positive_integer("DenseDenoiser", name, value)
        self.features, self.num_classes = features, num_classes
        self.time = TimeEmbedding(width, num_classes, **where)
        self.enter = layers.Linear(features, width, **where)
        self.read = nn.ModuleList(layers.Linear(width, width, **where) for _ in range(blocks))
        self.told = nn.ModuleList(layers.Linear(width, width, **where) for _ in range(blocks))
        self.write = nn.ModuleList(layers.Linear(width, width, **where) for _ in range(blocks))
        self.leave = layers.Linear(width, features, **where)
        self.gate = layers.Linear(width, features, **where)

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Guess the noise."""
        checks.float_tensor("DenseDenoiser", x, "x")
        checks.rank("DenseDenoiser", x, "(n, features)", name="x")
        checks.size("DenseDenoiser", x, 1, self.features, "features", name="x")
        checks.tensor("DenseDenoiser", t, "t")
        if t.shape != x.shape[:1]:
            raise ValueError(f"DenseDenoiser: t must be (n,) with n={len(x)}, got shape {tuple(t.shape)}")
        told, h = F.silu(self.time(t, y)), self.enter(x)
        for read, tell, write in zip(self.read, self.told, self.write, strict=True):
            h = h + write(F.silu(read(h) + tell(told)))
        return self.gate(told) * x + self.leave(F.silu(h))


def dense_denoiser(
    features: int = 2, width: int = 64, blocks: int = 3, num_classes: int | None = None, **where: Any
) -> DenseDenoiser:
    """A dense net that guesses noise on points; the arguments are those of ``DenseDenoiser``."""
    return DenseDenoiser(features, width, blocks, num_classes, **where)
