"""The NumPy graphs against SciPy, NetworkX, NumPy's Chebyshev series, central differences and by hand."""

import math

import networkx as nx
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csgraph
from scipy.spatial.distance import pdist, squareform

from course_lib.reference import graph as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

NORMALIZATIONS = [None, "sym", "rw"]
SEEDS = {"n": st.integers(1, 9), "p": st.floats(0, 1), "seed": st.integers(0, 9999)}
# A path 0 - 1 - 2, and node 3 alone.
PATH = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=float)


def undirected(n, p, seed):
    """A random graph with weights from 0.5 to 2, and no loops."""
    rng = np.random.default_rng(seed)
    upper = np.triu((rng.random((n, n)) < p) * rng.uniform(0.5, 2, (n, n)), 1)
    return upper + upper.T


def directed(n, seed):
    """A random directed graph with weights, no loops, and at least one edge to each node."""
    rng = np.random.default_rng(seed)
    a = (rng.random((n, n)) < 0.4) * rng.uniform(0.5, 2, (n, n))
    np.fill_diagonal(a, 0)
    return a + np.roll(np.eye(n), 1, axis=1)


def gradients_by_differences(call, grad_out, arrays):
    """Dsum(grad_out * call(*arrays)) / d each array, by central differences."""
    return [
        numerical_gradient(
            lambda a, i=i: float((grad_out * call(*arrays[:i], a, *arrays[i + 1 :])).sum()), array
        )
        for i, array in enumerate(arrays)
    ]


# ---- matrices


@given(n=st.integers(1, 6), e=st.integers(0, 15), seed=st.integers(0, 9999), weighted=st.booleans())
@settings(max_examples=40, deadline=None)
def test_adjacency_and_degree_are_scipys_and_networkxs(n, e, seed, weighted):
    rng = np.random.default_rng(seed)
    edges, weight = rng.integers(n, size=(2, e)), rng.uniform(0.1, 2, e)
    w = weight if weighted else np.ones(e)
    a = ref.adjacency(edges, n, weight if weighted else None)
    expected = scipy.sparse.coo_matrix((w, (edges[1], edges[0])), shape=(n, n)).toarray()
    np.testing.assert_allclose(a, expected, atol=1e-12, err_msg=f"adjacency {edges.tolist()}")
    net = nx.MultiDiGraph()
    net.add_nodes_from(range(n))
    net.add_weighted_edges_from((s, t, x) for (s, t), x in zip(edges.T.tolist(), w.tolist(), strict=True))
    arriving = [value for _, value in net.in_degree(weight="weight")]
    np.testing.assert_allclose(ref.degree(a), arriving, atol=1e-12, err_msg=f"degree {edges.tolist()}")


def test_an_edge_goes_from_the_first_row_to_the_second():
    a = ref.adjacency(np.array([[0, 0, 2, 0], [1, 2, 1, 1]]), 3)
    np.testing.assert_array_equal(a, [[0, 0, 0], [2, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(ref.degree(a), [0, 3, 1])


def test_laplacians_worked_by_hand():
    r = 1 / math.sqrt(2)
    by_hand = {
        None: [[1, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 1, 0], [0, 0, 0, 0]],
        "sym": [[1, -r, 0, 0], [-r, 1, -r, 0], [0, -r, 1, 0], [0, 0, 0, 1]],
        "rw": [[1, -1, 0, 0], [-0.5, 1, -0.5, 0], [0, -1, 1, 0], [0, 0, 0, 1]],
    }
    for normalization, expected in by_hand.items():
        got = ref.laplacian(PATH, normalization)
        np.testing.assert_allclose(got, expected, atol=1e-12, err_msg=f"laplacian {normalization}")


@given(**SEEDS)
@settings(max_examples=40, deadline=None)
def test_laplacians_are_scipys_and_networkxs(n, p, seed):
    a = undirected(n, p, seed)
    net = nx.from_numpy_array(a)
    alone = np.diag(1.0 * (a.sum(axis=1) == 0))  # 1 on the diagonal here, and 0 there
    np.testing.assert_allclose(ref.laplacian(a), csgraph.laplacian(a), atol=1e-12)
    np.testing.assert_allclose(ref.laplacian(a), nx.laplacian_matrix(net).toarray(), atol=1e-12)
    sym = ref.laplacian(a, "sym") - alone
    np.testing.assert_allclose(sym, csgraph.laplacian(a, normed=True), atol=1e-12)
    np.testing.assert_allclose(sym, nx.normalized_laplacian_matrix(net).toarray(), atol=1e-12)
    # D^-1 (D - A), by solving D x = D - A where there is a degree
    linked = a.sum(axis=1) > 0
    rw = ref.laplacian(a, "rw") - alone
    solved = np.linalg.solve(np.diag(np.where(linked, a.sum(axis=1), 1)), csgraph.laplacian(a))
    np.testing.assert_allclose(rw, solved, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_directed_graphs_degrees_are_what_arrives(seed):
    a = directed(6, seed)
    np.testing.assert_allclose(ref.laplacian(a), csgraph.laplacian(a, use_out_degree=True), atol=1e-12)
    sym = csgraph.laplacian(a, normed=True, use_out_degree=True)
    np.testing.assert_allclose(ref.laplacian(a, "sym"), sym, atol=1e-12)
    walk = np.eye(6) - ref.laplacian(a, "rw")
    np.testing.assert_allclose(walk.sum(axis=1), 1, atol=1e-12, err_msg="a random walk goes somewhere")
    np.testing.assert_allclose(walk * a.sum(axis=1, keepdims=True), a, atol=1e-12)


def test_an_unknown_normalization_is_refused():
    with pytest.raises(ValueError, match="normalization must be None, 'sym' or 'rw', got 'row'"):
        ref.laplacian(PATH, "row")


@given(**SEEDS)
@settings(max_examples=60, deadline=None)
def test_eigenvalues_count_the_components_and_do_not_exceed_2(n, p, seed):
    a = undirected(n, p, seed)
    components = csgraph.connected_components(a, directed=False)[0]
    values = ref.fourier_basis(ref.laplacian(a))[0]
    assert (values > -1e-9).all(), values
    assert (values < 1e-9).sum() == components, f"{values} of {components} components"
    values = ref.fourier_basis(ref.laplacian(a, "sym"))[0]
    assert (values > -1e-9).all(), values
    assert (values < 2 + 1e-9).all(), values
    alone = (a.sum(axis=1) == 0).sum()  # nodes without edges have eigenvalue 1 here
    assert (values < 1e-9).sum() == components - alone, f"sym: {values}"
    walk = np.sort(np.linalg.eigvals(ref.laplacian(a, "rw")).real)
    np.testing.assert_allclose(walk, values, atol=1e-7, err_msg="rw has sym's eigenvalues")


@pytest.mark.parametrize("n", [2, 4, 6, 3, 5])
def test_only_two_sided_graphs_reach_the_eigenvalue_2(n):
    ring = ref.adjacency(np.array([range(n), np.roll(range(n), -1)]), n)
    largest = ref.fourier_basis(ref.laplacian(np.sign(ring + ring.T), "sym"))[0][-1]
    assert (abs(largest - 2) < 1e-9) == (n % 2 == 0), f"ring of {n}: {largest}"


# ---- the spectrum


@pytest.mark.parametrize("n", [2, 3, 7])
def test_a_paths_waves_are_cosines(n):
    a = np.eye(n, k=1) + np.eye(n, k=-1)
    values, u = ref.fourier_basis(ref.laplacian(a))
    np.testing.assert_allclose(values, 2 - 2 * np.cos(np.pi * np.arange(n) / n), atol=1e-12)
    waves = np.cos(np.pi * np.outer(np.arange(n) + 0.5, np.arange(n)) / n)  # of the cosine transform, DCT-II
    waves /= np.linalg.norm(waves, axis=0)
    np.testing.assert_allclose(np.abs(np.sum(waves * u, axis=0)), 1, atol=1e-9, err_msg=f"path of {n}")


@given(**SEEDS, normalization=st.sampled_from([None, "sym"]))
@settings(max_examples=30, deadline=None)
def test_the_fourier_transform_goes_there_and_back(n, p, seed, normalization):
    lap = ref.laplacian(undirected(n, p, seed), normalization)
    values, u = ref.fourier_basis(lap)
    assert (np.diff(values) >= 0).all()
    np.testing.assert_allclose(lap @ u, u * values, atol=1e-9, err_msg="L u = lambda u")
    x = np.random.default_rng(seed).normal(size=(n, 2))
    x_hat = ref.graph_fourier_transform(x, u)
    np.testing.assert_allclose(np.linalg.solve(u, x), x_hat, atol=1e-9, err_msg="u x_hat = x")
    np.testing.assert_allclose(ref.inverse_graph_fourier_transform(x_hat, u), x, atol=1e-9)
    np.testing.assert_allclose((x_hat**2).sum(), (x**2).sum(), err_msg="Parseval")


def test_a_transform_worked_by_hand():
    """Two nodes with an edge: the waves are their mean and their difference, of eigenvalues 0 and 2."""
    values, u = ref.fourier_basis(ref.laplacian(np.array([[0.0, 1.0], [1.0, 0.0]])))
    np.testing.assert_allclose(values, [0, 2], atol=1e-12)
    x_hat = ref.graph_fourier_transform(np.array([[3.0], [1.0]]), u)
    np.testing.assert_allclose(np.abs(x_hat[:, 0]), [4 / math.sqrt(2), 2 / math.sqrt(2)])


@pytest.mark.parametrize("normalization", [None, "sym"])
@pytest.mark.parametrize("seed", range(3))
def test_filters_are_functions_of_the_matrix(seed, normalization):
    lap = ref.laplacian(undirected(7, 0.5, seed), normalization)
    x = np.random.default_rng(seed).normal(size=(7, 3))
    by_matrix = {
        "lambda^2": (lambda v: v**2, lap @ lap @ x),
        "exp(-3 lambda)": (lambda v: np.exp(-3 * v), scipy.linalg.expm(-3 * lap) @ x),
        "1 / (1 + lambda)": (lambda v: 1 / (1 + v), np.linalg.solve(np.eye(7) + lap, x)),
        "1": (np.ones_like, x),
    }
    for name, (response, expected) in by_matrix.items():
        got = ref.spectral_filter(x, lap, response)
        np.testing.assert_allclose(got, expected, atol=1e-9, err_msg=f"filter {name} of {normalization}")


@pytest.mark.parametrize("bound", ["largest eigenvalue", 2.0, 3.5])
def test_the_scaled_laplacians_eigenvalues_lie_where_chebyshevs_polynomials_do(bound):
    lap = ref.laplacian(undirected(8, 0.5, 1), "sym")
    values = np.linalg.eigvalsh(lap)
    bound = values[-1] if bound == "largest eigenvalue" else bound
    scaled = np.linalg.eigvalsh(ref.scaled_laplacian(lap, bound))
    np.testing.assert_allclose(scaled, 2 * values / bound - 1, atol=1e-9)
    assert scaled[0] > -1 - 1e-9
    assert scaled[-1] < 1 + 1e-9
    np.testing.assert_array_equal(ref.scaled_laplacian(lap), ref.scaled_laplacian(lap, 2.0))


@given(**SEEDS, k=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_the_recursion_is_numpys_chebyshev_series_of_the_eigenvalues(n, p, seed, k):
    scaled = ref.scaled_laplacian(ref.laplacian(undirected(n, p, seed), "sym"))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    terms = ref.chebyshev(scaled, x, k)
    assert terms.shape == (k, n, 3)
    for j, term in enumerate(terms):
        expected = ref.spectral_filter(x, scaled, np.polynomial.chebyshev.Chebyshev.basis(j))
        np.testing.assert_allclose(term, expected, atol=1e-9, err_msg=f"T_{j}")
    theta = rng.normal(size=k)
    expected = ref.spectral_filter(x, scaled, lambda v: np.polynomial.chebyshev.chebval(v, theta))
    w = theta[:, None, None] * np.eye(3)
    got = ref.chebyshev_filter(x, scaled, w, np.zeros(3))
    np.testing.assert_allclose(got, expected, atol=1e-9, err_msg=f"theta={theta}")


def test_a_chebyshev_filter_worked_by_hand():
    """L' = -1 off the diagonal: T_1 x swaps and turns the sign, and T_2 = 2 L'^2 - 1 is the identity."""
    scaled = np.array([[0.0, -1.0], [-1.0, 0.0]])
    x = np.array([[3.0], [1.0]])
    np.testing.assert_array_equal(ref.chebyshev(scaled, x, 3)[:, :, 0], [[3, 1], [-1, -3], [3, 1]])
    w = np.array([[[1.0], [0.0]], [[10.0], [1.0]], [[100.0], [0.0]]])  # (k, d_out, d)
    y = ref.chebyshev_filter(x, scaled, w, np.array([0.5, 0.0]))
    np.testing.assert_array_equal(y, [[3 - 10 + 300 + 0.5, -1], [1 - 30 + 100 + 0.5, -3]])


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_chebyshev_filters_see_k_minus_1_edges_far(k):
    path = np.eye(6, k=1) + np.eye(6, k=-1)
    impulse = np.eye(6)[:, :1]
    last = ref.chebyshev(ref.scaled_laplacian(ref.laplacian(path, "sym")), impulse, k)[-1, :, 0]
    assert np.nonzero(last)[0].max() == k - 1, f"T_{k - 1} of an impulse: {last}"


@pytest.mark.parametrize("k", [1, 2, 4])
def test_chebyshev_gradients_agree_with_central_differences(k):
    rng = np.random.default_rng(k)
    scaled = ref.scaled_laplacian(ref.laplacian(directed(5, k), "rw"))  # its transpose is another matrix
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(k, 2, 3)), rng.normal(size=2)
    grad_out = rng.normal(size=(5, 2))
    got = ref.chebyshev_filter_backward(grad_out, x, scaled, w)
    expected = gradients_by_differences(
        lambda x, w, b: ref.chebyshev_filter(x, scaled, w, b), grad_out, (x, w, b)
    )
    for what, mine, numerical in zip(("dx", "dw", "db"), got, expected, strict=True):
        assert mine.shape == numerical.shape
        assert relative_error(mine, numerical) < 1e-8, f"chebyshev_filter K={k}: {what}"


# ---- graph convolution


def test_a_normalized_adjacency_worked_by_hand():
    """With loops the path's degrees are 2, 3, 2 and 1."""
    r = 1 / math.sqrt(6)
    expected = [[1 / 2, r, 0, 0], [r, 1 / 3, r, 0], [0, r, 1 / 2, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(ref.gcn_matrix(PATH), expected, atol=1e-12)
    r = 1 / math.sqrt(12)  # improved: 3, 4, 3 and 2
    expected = [[2 / 3, r, 0, 0], [r, 2 / 4, r, 0], [0, r, 2 / 3, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(ref.gcn_matrix(PATH, improved=True), expected, atol=1e-12, err_msg="improved")


@pytest.mark.parametrize("improved", [False, True])
def test_a_loop_that_is_there_keeps_its_weight(improved):
    a = np.array([[4.0, 5.0], [5.0, 0.0]])
    fill = 2 if improved else 1
    mixed = 5 / math.sqrt(9 * (5 + fill))
    np.testing.assert_allclose(ref.gcn_matrix(a, improved), [[4 / 9, mixed], [mixed, fill / (5 + fill)]])


@given(**SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_normalized_adjacency_is_i_minus_networkxs_laplacian_with_loops(n, p, seed):
    a = undirected(n, p, seed)
    net = nx.from_numpy_array(a + np.eye(n))
    looped = nx.to_numpy_array(net)
    a_hat = ref.gcn_matrix(a)
    root = np.sqrt(looped.sum(axis=1))
    np.testing.assert_allclose(a_hat * np.outer(root, root), looped, atol=1e-12)
    expected = np.eye(n) - nx.normalized_laplacian_matrix(net).toarray()
    np.testing.assert_allclose(a_hat, expected, atol=1e-12)
    values = np.linalg.eigvalsh(a_hat)
    assert values[0] > -1 + 1e-9, f"loops keep -1 away: {values}"
    np.testing.assert_allclose(values[-1], 1, atol=1e-9)
    np.testing.assert_allclose(a_hat @ root, root, atol=1e-9, err_msg="the wave that all layers leave")


def test_a_node_whose_weights_cancel_sends_and_receives_nothing():
    a = np.array([[-1.0, 1.0], [2.0, 3.0]])  # degrees 0 and 5
    np.testing.assert_allclose(ref.gcn_matrix(a), [[0, 0], [0, 0.6]])


def test_a_gcn_worked_by_hand():
    a_hat = np.array([[0.5, 0.5], [0.0, 1.0]])
    x, w, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 10.0]]), np.array([0.5])
    # rows of a_hat x: (2, 3) and (3, 4)
    np.testing.assert_allclose(ref.gcn(x, a_hat, w, b), [[32.5], [43.5]])
    dx, dw, db = ref.gcn_backward(np.array([[1.0], [0.0]]), x, a_hat, w)
    np.testing.assert_allclose(dx, [[0.5, 5.0], [0.5, 5.0]])
    np.testing.assert_allclose(dw, [[2.0, 3.0]])
    np.testing.assert_allclose(db, [1.0])


@pytest.mark.parametrize("seed", range(3))
def test_gcns_gradients_agree_with_central_differences(seed):
    rng = np.random.default_rng(seed)
    a_hat = ref.gcn_matrix(directed(5, seed))
    x, w, b, grad_out = (rng.normal(size=size) for size in ((5, 3), (2, 3), 2, (5, 2)))
    got = ref.gcn_backward(grad_out, x, a_hat, w)
    expected = gradients_by_differences(lambda x, w, b: ref.gcn(x, a_hat, w, b), grad_out, (x, w, b))
    for what, mine, numerical in zip(("dx", "dw", "db"), got, expected, strict=True):
        assert relative_error(mine, numerical) < 1e-8, f"gcn: {what}"


# ---- neighbours' means and attention


def test_a_mean_by_node_worked_by_hand():
    src = np.array([[1.0, 10.0], [3.0, 30.0], [7.0, 70.0], [2.0, -4.0]])
    got = ref.scatter_mean(src, np.array([2, 0, 2, 2]), 4)
    np.testing.assert_allclose(got, [[3, 30], [0, 0], [10 / 3, 76 / 3], [0, 0]])


@given(n=st.integers(1, 6), e=st.integers(0, 15), seed=st.integers(0, 9999))
@settings(max_examples=30, deadline=None)
def test_sage_is_a_row_normalized_matrix_product(n, e, seed):
    rng = np.random.default_rng(seed)
    edges = rng.integers(n, size=(2, e))
    x, w_l, w_r, b = (rng.normal(size=size) for size in ((n, 3), (2, 3), (2, 3), 2))
    a = scipy.sparse.coo_matrix((np.ones(e), (edges[1], edges[0])), shape=(n, n)).toarray()
    for node in range(n):
        mean = ref.scatter_mean(x[edges[0]], edges[1], n)[node]
        senders = x[edges[0, edges[1] == node]]
        np.testing.assert_allclose(mean, senders.mean(axis=0) if len(senders) else np.zeros(3), atol=1e-12)
    a /= np.maximum(a.sum(axis=1, keepdims=True), 1)
    expected = np.hstack([a @ x, x, np.ones((n, 1))]) @ np.hstack([w_l, w_r, b[:, None]]).T
    np.testing.assert_allclose(ref.sage(x, edges, w_l, w_r, b), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_sages_gradients_agree_with_central_differences(seed):
    rng = np.random.default_rng(seed)
    edges = rng.integers(5, size=(2, 9))
    x, w_l, w_r, b = (rng.normal(size=size) for size in ((5, 3), (2, 3), (2, 3), 2))
    grad_out = rng.normal(size=(5, 2))
    got = ref.sage_backward(grad_out, x, edges, w_l, w_r)
    expected = gradients_by_differences(
        lambda x, w_l, w_r, b: ref.sage(x, edges, w_l, w_r, b), grad_out, (x, w_l, w_r, b)
    )
    for what, mine, numerical in zip(("dx", "dw_l", "dw_r", "db"), got, expected, strict=True):
        assert relative_error(mine, numerical) < 1e-8, f"sage: {what}"


def test_attention_worked_by_hand():
    """Edges 0 -> 2 and 1 -> 2 and loops; one number a node, w = 2."""
    x = np.array([[1.0], [2.0], [-3.0]])
    a = ref.adjacency(np.array([[0, 1], [2, 2]]), 3)
    w, att_src, att_dst = np.array([[[2.0]]]), np.array([[1.0]]), np.array([[0.5]])
    y, alpha = ref.gat(x, a, w, att_src, att_dst, slope=0.1)
    # Node 2 receives with 0.5 * -6 = -3; scores 2 - 3, 4 - 3 and -6 - 3, after LeakyReLU -0.1, 1 and -0.9.
    e = np.exp([-0.1, 1.0, -0.9])
    np.testing.assert_allclose(alpha[0, 2], e / e.sum())
    np.testing.assert_array_equal(alpha[0, :2], [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(y[0, :, 0], [2, 4, e @ [2, 4, -6] / e.sum()])


@given(**SEEDS, heads=st.integers(1, 3), slope=st.sampled_from([0.0, 0.2, 1.0]))
@settings(max_examples=30, deadline=None)
def test_attention_is_scipys_softmax_over_the_neighbours(n, p, seed, heads, slope):
    rng = np.random.default_rng(seed)
    a = (rng.random((n, n)) < p) * 1.0
    x, w, att_src, att_dst = (rng.normal(size=s) for s in ((n, 3), (heads, 2, 3), (heads, 2), (heads, 2)))
    y, alpha = ref.gat(x, a, w, att_src, att_dst, slope)
    assert y.shape == (heads, n, 2)
    np.testing.assert_allclose(alpha.sum(axis=2), 1, atol=1e-12, err_msg="alphas sum to 1")
    for head, i in np.ndindex(heads, n):
        h = [w[head] @ each for each in x]
        neighbours = [j for j in range(n) if a[i, j] or i == j]
        scores = [float(att_src[head] @ h[j] + att_dst[head] @ h[i]) for j in neighbours]
        weights = scipy.special.softmax([max(s, 0) + slope * min(s, 0) for s in scores])
        np.testing.assert_allclose(alpha[head, i, neighbours], weights, atol=1e-12, err_msg=f"{head}, {i}")
        assert alpha[head, i].nonzero()[0].tolist() == neighbours, f"node {i} listens to others"
        expected = sum(weight * h[j] for weight, j in zip(weights, neighbours, strict=True))
        np.testing.assert_allclose(y[head, i], expected, atol=1e-12)


def test_attention_that_prefers_nobody_is_the_mean_of_a_node_and_its_neighbours():
    x = np.random.default_rng(0).normal(size=(4, 3))
    zeros = np.zeros((1, 3))
    y, _ = ref.gat(x, PATH, np.eye(3)[None], zeros, zeros)
    looped = PATH + np.eye(4)
    np.testing.assert_allclose(y[0], looped @ x / looped.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(ref.gat(x * 1e5, PATH, np.eye(3)[None], zeros + 1, zeros)[1].sum(axis=2), 1)


def test_the_slope_is_a_fifth_by_default():
    x, a = np.array([[1.0], [-2.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    arguments = x, a, np.ones((1, 1, 1)), np.ones((1, 1)), np.zeros((1, 1))
    np.testing.assert_array_equal(ref.gat(*arguments)[1], ref.gat(*arguments, slope=0.2)[1])
    np.testing.assert_allclose(ref.gat(*arguments)[1][0, 0], scipy.special.softmax([1.0, -0.4]))


# ---- oversmoothing


def test_mean_average_distances_worked_by_hand():
    x = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    # distances 1 and 2 from the first, 1 and 1 from the second, 2 and 1 from the third
    assert ref.mean_average_distance(x) == pytest.approx((1.5 + 1 + 1.5) / 3)
    pairs = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])  # the third has none, and does not count
    assert ref.mean_average_distance(x, pairs) == pytest.approx(1)
    same = np.array([[1.0, 1.0], [2.0, 2.0], [0.5, 0.5]])
    assert ref.mean_average_distance(same) == 0
    # pairs at distance 0 are left out of the mean: 1 from each of the others
    assert ref.mean_average_distance(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])) == pytest.approx(1)
    assert ref.mean_average_distance(np.array([[1.0, 0.0], [0.0, 0.0]])) == 1, "no direction: cosine 0"


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_average_distance_is_scipys_cosine_distance(seed):
    x = np.random.default_rng(seed).normal(size=(6, 3))
    a = undirected(6, 0.5, seed) != 0
    distance = squareform(pdist(x, "cosine"))
    assert ref.mean_average_distance(x) == pytest.approx(distance.sum(axis=1).mean() / 5)
    means = [distance[i, a[i]].mean() for i in range(6) if a[i].any()]
    assert ref.mean_average_distance(x, a) == pytest.approx(np.mean(means))


@given(**SEEDS)
@settings(max_examples=30, deadline=None)
def test_dirichlets_energy_sums_the_differences_along_edges(n, p, seed):
    a = undirected(n, p, seed)
    x = np.random.default_rng(seed).normal(size=(n, 2))
    links = [(i, j) for i in range(n) for j in range(i) if a[i, j]]
    energy = sum(a[i, j] * ((x[i] - x[j]) ** 2).sum() for i, j in links)
    assert ref.dirichlet_energy(x, ref.laplacian(a)) == pytest.approx(energy, abs=1e-9)
    assert ref.dirichlet_energy(np.ones((n, 1)), ref.laplacian(a)) == pytest.approx(0, abs=1e-9)
    d = a.sum(axis=1)
    energy = sum(a[i, j] * ((x[i] / d[i] ** 0.5 - x[j] / d[j] ** 0.5) ** 2).sum() for i, j in links)
    linked = d > 0
    sym = ref.laplacian(a[linked][:, linked], "sym")
    assert ref.dirichlet_energy(x[linked], sym) == pytest.approx(energy, abs=1e-9)


def test_many_gcn_steps_make_all_nodes_say_the_same():
    a = np.eye(6, k=1) + np.eye(6, k=-1)
    x = np.abs(np.random.default_rng(0).normal(size=(6, 4)))
    lap, a_hat = ref.laplacian(a + np.eye(6), "sym"), ref.gcn_matrix(a)
    distances, energies = [], []
    for _ in range(60):
        distances.append(ref.mean_average_distance(x))
        energies.append(ref.dirichlet_energy(x, lap))
        x = a_hat @ x
    assert (np.diff(energies) < 0).all(), energies
    assert energies[-1] < 1e-3 * energies[0]
    assert distances[-1] < 1e-2 * distances[0]
