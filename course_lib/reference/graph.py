"""Graphs as matrices, their spectrum, and the layers built on them, forward and backward, in NumPy.

A graph of n nodes is its adjacency matrix ``a`` (n, n), where a[i, j] is the weight of the edge from j to i,
so that a @ x sums at each node what its neighbours send; an undirected graph has a = a^T. Features x are
(n, d). ``edge_index`` (2, e) lists the same edges as pairs of source and target.
"""

from collections.abc import Callable

import numpy as np


def adjacency(edge_index: np.ndarray, n: int, weight: np.ndarray | None = None) -> np.ndarray:
    """The matrix a (n, n): a[target, source] sums the weights (e,) of the edges there, 1 each by default."""
    a = np.zeros((n, n))
    for e, (source, target) in enumerate(edge_index.T):
        a[target, source] += 1.0 if weight is None else weight[e]
    return a


def degree(a: np.ndarray) -> np.ndarray:
    """What arrives at each node: the sums of a's rows (n,)."""
    return a.sum(axis=1)


def laplacian(a: np.ndarray, normalization: str | None = None) -> np.ndarray:
    """D - A, or normalized: "sym" I - D^-1/2 A D^-1/2, "rw" (random walk) I - D^-1 A; (n, n).

    x^T (D - A) x = 1/2 sum_ij a_ij (x_i - x_j)^2: it measures how much x varies along the edges. Where a
    degree is 0, its power counts as 0, so that a normalized Laplacian has a 1 on the diagonal there (as in
    PyTorch Geometric), and Chung's a 0. Source: Chung (1997), Spectral graph theory, section 1.2.
    """
    if normalization is None:
        return np.diag(degree(a)) - a
    if normalization == "sym":
        root = _power(degree(a), -0.5)
        return np.eye(len(a)) - root[:, None] * a * root
    if normalization == "rw":
        return np.eye(len(a)) - _power(degree(a), -1.0)[:, None] * a
    raise ValueError(f"normalization must be None, 'sym' or 'rw', got {normalization!r}")


def fourier_basis(lap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (n,), ascending, and eigenvectors, the columns of u (n, n), of a symmetric Laplacian.

    A graph's frequencies and its waves: the larger the eigenvalue, the more often the wave changes its sign
    along edges. Source: Shuman et al. (2013), The emerging field of signal processing on graphs, section II.
    """
    return np.linalg.eigh(lap)


def graph_fourier_transform(x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """How much of each wave is in x: u^T x, (n, d)."""
    return u.T @ x


def inverse_graph_fourier_transform(x_hat: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The signal made of so much of each wave: u x_hat, (n, d)."""
    return u @ x_hat


def spectral_filter(
    x: np.ndarray, lap: np.ndarray, response: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Multiply each wave in x by ``response`` at its eigenvalue: u g(lambda) u^T x, (n, d).

    Needs all eigenvectors: O(n^3) once, and O(n^2) for each signal.
    """
    eigenvalues, u = fourier_basis(lap)
    x_hat = graph_fourier_transform(x, u)
    return inverse_graph_fourier_transform(response(eigenvalues)[:, None] * x_hat, u)


def scaled_laplacian(lap: np.ndarray, lambda_max: float = 2.0) -> np.ndarray:
    """2 L / lambda_max - I, whose eigenvalues lie from -1 to 1, where Chebyshev's polynomials do."""
    return 2.0 * lap / lambda_max - np.eye(len(lap))


def chebyshev(l_scaled: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
    """T_0(L') x ... T_{k-1}(L') x, of shape (k, n, d): T_0 = 1, T_1(z) = z, T_j = 2 z T_{j-1} - T_{j-2}."""
    terms = [x, l_scaled @ x]
    while len(terms) < k:
        terms.append(2.0 * l_scaled @ terms[-1] - terms[-2])
    return np.stack(terms[:k])


def chebyshev_filter(x: np.ndarray, l_scaled: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y = sum_k T_k(L') x w_k^T + b: w (k, d_out, d), b (d_out,) -> y (n, d_out).

    Source: Defferrard, Bresson & Vandergheynst (2016), equations 4 and 5.
    """
    return np.einsum("knd,kod->no", chebyshev(l_scaled, x, len(w)), w) + b


def chebyshev_filter_backward(
    grad_out: np.ndarray, x: np.ndarray, l_scaled: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx (n, d), dE/dw (k, d_out, d), dE/db (d_out,).

    (T_k(L'))^T = T_k(L'^T), so the gradient runs through the same polynomials of the graph turned around.
    """
    back = chebyshev(l_scaled.T, grad_out, len(w))  # (k, n, d_out)
    dw = np.einsum("no,knd->kod", grad_out, chebyshev(l_scaled, x, len(w)))
    return np.einsum("kno,kod->nd", back, w), dw, grad_out.sum(axis=0)


def gcn_matrix(a: np.ndarray, improved: bool = False) -> np.ndarray:
    """D^-1/2 (A + I) D^-1/2, with D of A + I; ``improved`` adds 2 I. A loop that is there keeps its weight.

    Source: Kipf & Welling (2017), equation 2, the "renormalization trick".
    """
    looped = a + np.diag(np.where(np.diag(a) == 0, 2.0 if improved else 1.0, 0.0))
    root = _power(degree(looped), -0.5)
    return root[:, None] * looped * root


def gcn(x: np.ndarray, a_hat: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y = a_hat x w^T + b: x (n, d), a_hat (n, n), w (d_out, d), b (d_out,) -> y (n, d_out)."""
    return a_hat @ x @ w.T + b


def gcn_backward(
    grad_out: np.ndarray, x: np.ndarray, a_hat: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx (n, d), dE/dw (d_out, d), dE/db (d_out,): errors go back along the edges turned around."""
    arrived = a_hat.T @ grad_out
    return arrived @ w, arrived.T @ x, grad_out.sum(axis=0)


def scatter_mean(src: np.ndarray, index: np.ndarray, n: int) -> np.ndarray:
    """The mean of the rows of src (e, d) with the same index (e,), and 0 where there is none: (n, d)."""
    sums, counts = np.zeros((n, src.shape[1])), np.zeros(n)
    for row, node in zip(src, index, strict=True):
        sums[node] += row
        counts[node] += 1
    return sums / np.maximum(counts, 1)[:, None]


def sage(
    x: np.ndarray, edge_index: np.ndarray, w_l: np.ndarray, w_r: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """y = mean(x of the neighbours) w_l^T + x w_r^T + b, (n, d_out).

    Source: Hamilton, Ying & Leskovec (2017), algorithm 1, without its activation.
    """
    return scatter_mean(x[edge_index[0]], edge_index[1], len(x)) @ w_l.T + x @ w_r.T + b


def sage_backward(
    grad_out: np.ndarray, x: np.ndarray, edge_index: np.ndarray, w_l: np.ndarray, w_r: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """dE/dx (n, d), dE/dw_l and dE/dw_r (d_out, d), dE/db (d_out,)."""
    counts = np.maximum(np.bincount(edge_index[1], minlength=len(x)), 1)
    to_mean = grad_out @ w_l / counts[:, None]
    dx = grad_out @ w_r
    for source, target in edge_index.T:
        dx[source] += to_mean[target]
    mean = scatter_mean(x[edge_index[0]], edge_index[1], len(x))
    return dx, grad_out.T @ mean, grad_out.T @ x, grad_out.sum(axis=0)


def gat(
    x: np.ndarray, a: np.ndarray, w: np.ndarray, att_src: np.ndarray, att_dst: np.ndarray, slope: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """y_hi = sum_j alpha_hij w_h x_j for each head, and the alphas: (heads, n, d_out) and (heads, n, n).

    alpha_hij = softmax over j of LeakyReLU(att_src_h . w_h x_j + att_dst_h . w_h x_i), over the edges j -> i
    of a and j = i. w (heads, d_out, d), att_src and att_dst (heads, d_out).
    Source: Velickovic et al. (2018), Graph attention networks, equations 1 to 4.
    """
    linked = (a + np.eye(len(a))) != 0
    h = np.einsum("nd,hod->hno", x, w)
    score = np.einsum("hno,ho->hn", h, att_dst)[:, :, None] + np.einsum("hno,ho->hn", h, att_src)[:, None, :]
    score = np.where(linked, np.where(score > 0, score, slope * score), -np.inf)
    exponentials = np.exp(score - score.max(axis=2, keepdims=True))
    alpha = exponentials / exponentials.sum(axis=2, keepdims=True)
    return alpha @ h, alpha


def mean_average_distance(x: np.ndarray, pairs: np.ndarray | None = None) -> float:
    """MAD: the cosine distance 1 - cos(x_i, x_j), averaged over each node's pairs, then over the nodes.

    ``pairs`` (n, n) says which pairs count, by default all; those at distance 0 never do. It tends to 0 when
    all nodes come to say the same: oversmoothing. Source: Chen et al. (2020), Measuring and relieving the
    over-smoothing problem for graph neural networks from the topological view, section 3.
    """
    lengths = np.linalg.norm(x, axis=1)
    products = np.outer(lengths, lengths)
    cosine = np.divide(x @ x.T, products, out=np.zeros_like(products), where=products > 0)
    distance = 1.0 - cosine
    counts = ~np.eye(len(x), dtype=bool) if pairs is None else pairs.astype(bool)
    distance = np.where(counts & (distance > 1e-12), distance, 0.0)
    others = (distance > 0).sum(axis=1)
    if not others.any():
        return 0.0
    return float((distance.sum(axis=1)[others > 0] / others[others > 0]).mean())


def dirichlet_energy(x: np.ndarray, lap: np.ndarray) -> float:
    """tr(x^T L x): how much the features vary along the edges; with L = D - A, 1/2 sum_ij a_ij |x_i - x_j|^2.

    With the normalized Laplacian the features are divided by the roots of the degrees first. Source: Cai &
    Wang (2020), A note on over-smoothing for graph neural networks, definition 3.1.
    """
    return float(np.trace(x.T @ lap @ x))


def _power(degrees: np.ndarray, exponent: float) -> np.ndarray:
    """degrees^exponent, and 0 where there are none."""
    return np.array([d**exponent if d > 0 else 0.0 for d in degrees])
