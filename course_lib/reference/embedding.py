"""An embedding: a table with a vector for each class, looked up by number.

``weight`` (num_embeddings, embedding_dim) is the table; ``indices``, integers of any shape, say which rows to
take. Looking a row up is multiplying a one-hot row by the table, without the multiplications by 0.

Source: Bengio, Ducharme, Vincent & Jauvin (2003), A neural probabilistic language model, JMLR 3, section 2.
"""

import numpy as np


def embedding(indices: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rows of the table: indices (...) -> (..., embedding_dim).

    Raises:
        ValueError: an index outside 0 ... num_embeddings - 1 (NumPy would count negative ones from the end).
    """
    _check_indices(indices, len(weight))
    return weight[indices]


def embedding_backward(
    grad_out: np.ndarray,
    indices: np.ndarray,
    num_embeddings: int,
    padding_idx: int | None = None,
    scale_grad_by_freq: bool = False,
) -> np.ndarray:
    """dE/dweight (num_embeddings, embedding_dim) from ``grad_out`` = dE/dy (..., embedding_dim).

    A row collects the gradients of all places where it was used. Rows that were not used get 0, and so does
    row ``padding_idx``. With ``scale_grad_by_freq`` a row's gradient is divided by the number of its uses.
    """
    _check_indices(indices, num_embeddings)
    grad_weight = np.zeros((num_embeddings, grad_out.shape[-1]))
    for index in np.ndindex(indices.shape):
        grad_weight[indices[index]] += grad_out[index]
    if scale_grad_by_freq:
        uses = np.bincount(indices.ravel(), minlength=num_embeddings)
        grad_weight /= np.maximum(uses, 1)[:, np.newaxis]
    if padding_idx is not None:
        grad_weight[padding_idx] = 0.0
    return grad_weight


def renormalize(
    weight: np.ndarray, indices: np.ndarray, max_norm: float, norm_type: float = 2.0
) -> np.ndarray:
    """The table with each row among ``indices`` scaled down to norm ``max_norm`` if its norm is larger.

    The norm is (sum_i |w_i|^p)^(1/p) with p = ``norm_type``; the factor, as in PyTorch, is
    max_norm / (norm + 1e-7).
    """
    renormalized = weight.copy()
    for row in np.unique(indices):
        norm = np.linalg.norm(weight[row], norm_type)
        if norm > max_norm:
            renormalized[row] *= max_norm / (norm + 1e-7)
    return renormalized


def _check_indices(indices: np.ndarray, num_embeddings: int) -> None:
    outside = indices[(indices < 0) | (indices >= num_embeddings)]
    if outside.size:
        raise ValueError(f"indices must be in 0 ... {num_embeddings - 1}, got {outside[0]}")
