"""The embedding, a learned table of vectors, called as in ``torch.nn``."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


class IndexOutOfRange(IndexError, ValueError):
    """An index outside the table: an IndexError, as in torch.nn, and a ValueError, as all bad input here."""


class Embedding(nn.Module):
    """y = weight[x]: a learned vector for each of num_embeddings classes, such as words or positions.

    Shapes: x (...) of integers in 0 ... num_embeddings - 1 -> y (..., embedding_dim); ``weight``
    (num_embeddings, embedding_dim), drawn from N(0, 1). ``course_lib.reference.embedding`` has the same in
    NumPy, with its backward pass.

    Args:
        num_embeddings: number of classes.
        embedding_dim: size of each vector.
        padding_idx: a row that stands for "nothing here": zero at first, and its gradient is always zero.
        max_norm: every row that is looked up and whose norm is larger is scaled down to it first. This
            changes ``weight`` itself.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses in the batch.
        sparse: make the gradient of ``weight`` a sparse tensor, with the rows that were used.

    Raises:
        ValueError: a size below 1, padding_idx outside the table, max_norm or norm_type that is no positive
            number, an index outside the table (on the CPU; a GPU reports it later, in words of its own).
        TypeError: an argument or input of the wrong type: indices are int64 or int32.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        checks.positive_integer("Embedding", "num_embeddings", num_embeddings)
        checks.positive_integer("Embedding", "embedding_dim", embedding_dim)
        if max_norm is not None:
            checks.number("Embedding", "max_norm", max_norm)
            if max_norm <= 0:
                raise ValueError(f"Embedding: max_norm must be greater than 0, got {max_norm}")
        checks.number("Embedding", "norm_type", norm_type)
        if norm_type <= 0:
            raise ValueError(f"Embedding: norm_type must be greater than 0, got {norm_type}")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is None:
            empty = torch.empty((num_embeddings, embedding_dim), device=device, dtype=dtype)
            self.weight = nn.Parameter(empty, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            checks.float_tensor("Embedding", _weight, "_weight")
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                expected = (num_embeddings, embedding_dim)
                raise ValueError(f"Embedding: _weight must have shape {expected}, got {tuple(_weight.shape)}")
            self.weight = nn.Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> "Embedding":
        """Make a layer whose table is ``embeddings`` (num_embeddings, embedding_dim) itself, not a copy.

        With ``freeze`` it is not trained. The other arguments are the layer's.
        """
        checks.float_tensor("Embedding", embeddings, "embeddings")
        checks.rank("Embedding", embeddings, "(num_embeddings, embedding_dim)", name="embeddings")
        num_embeddings, embedding_dim = embeddings.shape
        return cls(
            num_embeddings,
            embedding_dim,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def reset_parameters(self) -> None:
        """Draw the table anew from N(0, 1), the numbers torch.nn.Embedding draws; row padding_idx is zero."""
        nn.init.normal_(self.weight)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Look up the rows of ``input``, integers of any shape."""
        checks.tensor("Embedding", input)
        if input.dtype not in (torch.int64, torch.int32):
            raise TypeError(f"Embedding: input must be of dtype int64 or int32, got {input.dtype}")
        try:
            return F.embedding(
                input,
                self.weight,
                self.padding_idx,
                self.max_norm,
                self.norm_type,
                self.scale_grad_by_freq,
                self.sparse,
            )
        except IndexError as error:  # the kernel looks at every index anyway: a check before would cost more
            outside = input[(input < 0) | (input >= self.num_embeddings)]
            expected = f"in 0 ... {self.num_embeddings - 1} (num_embeddings={self.num_embeddings})"
            raise IndexOutOfRange(f"Embedding: input must be {expected}, got {outside[0]}") from error

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        for name, default in (defaults | {"sparse": False}).items():
            if getattr(self, name) != default:
                shown += f", {name}={getattr(self, name)}"
        return shown


def _row(padding_idx: int | None, num_embeddings: int) -> int | None:
    """Return the row that ``padding_idx`` means; negative ones count from the end."""
    if padding_idx is None:
        return None
    if isinstance(padding_idx, bool) or not isinstance(padding_idx, int):
        raise TypeError(f"Embedding: padding_idx must be an integer, got {padding_idx!r}")
    if not -num_embeddings <= padding_idx < num_embeddings:
        expected = f"{-num_embeddings} ... {num_embeddings - 1}"
        raise ValueError(f"Embedding: padding_idx must be {expected}, got {padding_idx}")
    return padding_idx % num_embeddings
