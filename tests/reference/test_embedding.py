"""The NumPy embedding against a product with one-hot rows, central differences and worked examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import embedding
from course_lib.reference.gradient_check import numerical_gradient, relative_error


def drawn(rows, columns, shape, seed):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(rows, columns)), rng.integers(0, rows, size=shape)


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 4),
    shape=st.lists(st.integers(0, 4), max_size=3),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_a_lookup_is_a_product_with_one_hot_rows(rows, columns, shape, seed):
    rng, weight, indices = drawn(rows, columns, shape, seed)
    one_hot = np.eye(rows)[indices]
    y = embedding.embedding(indices, weight)
    np.testing.assert_array_equal(y, one_hot @ weight, err_msg="embedding")
    grad_out = rng.normal(size=y.shape)
    expected = one_hot.reshape(-1, rows).T @ grad_out.reshape(-1, columns)
    got = embedding.embedding_backward(grad_out, indices, rows)
    np.testing.assert_allclose(got, expected, atol=1e-13, err_msg="embedding_backward")


def test_the_gradient_agrees_with_central_differences():
    rng, weight, indices = drawn(5, 3, (2, 4), 0)
    scale = rng.normal(size=(2, 4, 3))

    def loss(table):
        return float(np.sum(scale * np.sin(embedding.embedding(indices, table))))

    got = embedding.embedding_backward(scale * np.cos(weight[indices]), indices, 5)
    assert relative_error(got, numerical_gradient(loss, weight)) < 1e-8


def test_by_hand():
    indices, grad_out = np.array([2, 0, 2]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [6.0, 8.0]])
    np.testing.assert_array_equal(embedding.embedding(indices, weight), [[6, 8], [1, 2], [6, 8]])
    backward = embedding.embedding_backward
    np.testing.assert_array_equal(backward(grad_out, indices, 3), [[3, 4], [0, 0], [6, 9]])
    np.testing.assert_array_equal(backward(grad_out, indices, 3, padding_idx=2), [[3, 4], [0, 0], [0, 0]])
    scaled = backward(grad_out, indices, 3, scale_grad_by_freq=True)
    np.testing.assert_array_equal(scaled, [[3, 4], [0, 0], [3, 4.5]])
    renormalized = embedding.renormalize(weight, indices, max_norm=5.0)  # row 1 is not used, row 0 is short
    np.testing.assert_allclose(renormalized, [[1, 2], [3, 4], [3, 4]], rtol=1e-7)
    np.testing.assert_array_equal(weight[2], [6, 8])  # the table given is left as it is
    np.testing.assert_allclose(embedding.renormalize(weight, indices, 7.0, norm_type=1)[2], [3, 4], rtol=1e-7)


@pytest.mark.parametrize("bad", [-1, 3])
def test_an_index_outside_the_table_is_named(bad):
    with pytest.raises(ValueError, match=rf"indices must be in 0 \.\.\. 2, got {bad}"):
        embedding.embedding(np.array([0, bad]), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=rf"indices must be in 0 \.\.\. 2, got {bad}"):
        embedding.embedding_backward(np.zeros((2, 2)), np.array([0, bad]), 3)
