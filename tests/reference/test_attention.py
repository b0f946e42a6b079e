"""The NumPy attention against loops over single numbers, central differences, closed forms and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax

from course_lib.reference import attention as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

LENGTHS = {"n_queries": st.integers(1, 5), "n_keys": st.integers(1, 5), "size": st.integers(1, 4)}


def one_by_one(q, k, v, mask, scale):
    """Attention as a sentence: every number by itself."""
    y = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        seen = [j for j in range(len(k)) if mask[i, j] > -math.inf]
        scores = {j: scale * sum(a * b for a, b in zip(q[i], k[j], strict=True)) + mask[i, j] for j in seen}
        total = math.fsum(math.exp(score) for score in scores.values())
        for j, score in scores.items():
            y[i] += math.exp(score) / total * v[j]
    return y


def draw_mask(kind, rng, n_queries, n_keys):
    if kind == "causal":
        return ref.causal_mask(n_queries, n_keys)
    if kind == "random":
        return np.where(rng.random((n_queries, n_keys)) < 0.4, -np.inf, 0.0)
    return rng.normal(size=(n_queries, n_keys)) if kind == "bias" else np.zeros((n_queries, n_keys))


MASKS = st.sampled_from(["none", "causal", "random", "bias"])


@given(**LENGTHS, kind=MASKS, scale=st.sampled_from([None, 0.3, 2.0]), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_forward_is_what_the_sentence_says(n_queries, n_keys, size, kind, scale, seed):
    rng = np.random.default_rng(seed)
    q, k = rng.normal(size=(n_queries, size)), rng.normal(size=(n_keys, size))
    v = rng.normal(size=(n_keys, 3))
    mask = draw_mask(kind, rng, n_queries, n_keys)
    y, p = ref.scaled_dot_product_attention(q, k, v, mask, scale)
    expected = one_by_one(q, k, v, mask, 1 / math.sqrt(size) if scale is None else scale)
    np.testing.assert_allclose(y, expected, atol=1e-12, err_msg=f"attention, mask {kind}")
    alive = (mask > -np.inf).any(axis=1)
    np.testing.assert_allclose(p.sum(axis=1), alive, atol=1e-12, err_msg="weights do not sum to 1")
    assert (p[mask == -np.inf] == 0).all(), "a masked key has weight"


@pytest.mark.parametrize("kind", ["none", "causal", "random", "bias"])
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=str)
def test_backward_agrees_with_central_differences(kind, lead):
    rng = np.random.default_rng(1)
    q, k, v = (rng.normal(size=(*lead, *shape)) for shape in ((3, 2), (4, 2), (4, 5)))
    mask = draw_mask(kind, rng, 3, 4)
    if kind == "random":
        mask[1] = -np.inf  # a query that may look nowhere teaches nothing
    grad_out = rng.normal(size=(*lead, 3, 5))
    *grads, grad_mask = ref.scaled_dot_product_attention_backward(grad_out, q, k, v, mask, 0.7)
    for position, (name, grad) in enumerate(zip("qkv", grads, strict=True)):

        def loss(array, position=position):
            arrays = [q, k, v]
            arrays[position] = array
            return np.sum(grad_out * ref.scaled_dot_product_attention(*arrays, mask, 0.7)[0])

        error = relative_error(grad, numerical_gradient(loss, (q, k, v)[position]))
        assert error < 1e-7, f"attention, mask {kind}: d{name} against central differences: {error}"
    if kind == "bias":
        numerical = numerical_gradient(
            lambda m: np.sum(grad_out * ref.scaled_dot_product_attention(q, k, v, m, 0.7)[0]), mask
        )
        summed = grad_mask.reshape(-1, 3, 4).sum(axis=0)
        assert relative_error(summed, numerical) < 1e-7, "attention: dmask against central differences"


def test_by_hand():
    """Two keys, scores log 3 and 0: weights 3/4 and 1/4."""
    q, k = np.array([[math.log(3), 0.0]]), np.array([[1.0, 0.0], [0.0, 5.0]])
    v = np.array([[4.0], [8.0]])
    y, p = ref.scaled_dot_product_attention(q, k, v, scale=1.0)
    np.testing.assert_allclose(p, [[0.75, 0.25]], atol=1e-15)
    np.testing.assert_allclose(y, [[5.0]], atol=1e-14)
    _, _, grad_v, grad_s = ref.scaled_dot_product_attention_backward(np.ones((1, 1)), q, k, v, scale=1.0)
    np.testing.assert_allclose(grad_v, [[0.75], [0.25]], atol=1e-15)
    np.testing.assert_allclose(grad_s, [[0.75 * (4 - 5), 0.25 * (8 - 5)]], atol=1e-14)


def test_equal_keys_average_and_large_scores_choose():
    v = np.array([[1.0], [2.0], [6.0]])
    y, _ = ref.scaled_dot_product_attention(np.ones((1, 2)), np.ones((3, 2)), v)
    np.testing.assert_allclose(y, [[3.0]], err_msg="equal keys: the mean of the values")
    y, p = ref.scaled_dot_product_attention(1e4 * np.eye(3), 1e4 * np.eye(3), v)
    np.testing.assert_array_equal(p, np.eye(3), err_msg="huge scores: the best key alone, no overflow")
    np.testing.assert_array_equal(y, v)


def test_products_have_variance_d_and_scaling_undoes_it():
    rng = np.random.default_rng(0)
    for size in (4, 64, 256):
        q, k = rng.normal(size=(20_000, size)), rng.normal(size=(20_000, size))
        variance = np.var(np.sum(q * k, axis=1))
        assert abs(variance / size - 1) < 0.06, f"size {size}: variance of q . k is {variance}"


def test_causal_mask():
    np.testing.assert_array_equal(
        ref.causal_mask(2, 3), [[0.0, -np.inf, -np.inf], [0.0, 0.0, -np.inf]], err_msg="causal_mask"
    )


def test_weights_agree_with_scipy_and_masked_rows_give_nothing():
    scores = np.random.default_rng(0).normal(size=(3, 4, 5)) * 100
    np.testing.assert_allclose(ref.attention_weights(scores), softmax(scores, axis=-1), atol=1e-15)
    scores[1, 2] = -np.inf
    assert (ref.attention_weights(scores)[1, 2] == 0).all()
    assert ref.attention_weights(np.zeros((2, 0))).shape == (2, 0)


@given(**LENGTHS, block=st.integers(1, 6), kind=MASKS, seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_blocks_change_nothing(n_queries, n_keys, size, block, kind, seed):
    rng = np.random.default_rng(seed)
    q, k = rng.normal(size=(n_queries, size)), rng.normal(size=(n_keys, size))
    v = rng.normal(size=(n_keys, 2))
    mask = draw_mask(kind, rng, n_queries, n_keys)
    y, z = ref.blockwise_attention(q, k, v, mask, block)
    name = f"blockwise, blocks of {block}, mask {kind}"
    expected, _ = ref.scaled_dot_product_attention(q, k, v, mask)
    np.testing.assert_allclose(y, expected, atol=1e-12, err_msg=name)
    with np.errstate(divide="ignore"):
        expected = logsumexp(q @ k.T / math.sqrt(size) + mask, axis=1)
    np.testing.assert_allclose(z, expected, atol=1e-12, err_msg=f"{name}: logsumexp")


def draw_multi_head(rng, d, d_key, d_value):
    shapes = [(d, d), (d, d_key), (d, d_value), (d, d), *[(d,)] * 4]
    return ref.MultiHead(*(rng.normal(size=shape) for shape in shapes))


def test_heads_split_and_merge():
    x = np.arange(24.0).reshape(1, 3, 8)
    heads = ref.split_heads(x, 4)
    assert heads.shape == (1, 4, 3, 2)
    np.testing.assert_array_equal(heads[0, 1], [[2, 3], [10, 11], [18, 19]])
    np.testing.assert_array_equal(ref.merge_heads(heads), x)


def test_multi_head_is_every_head_by_itself():
    rng = np.random.default_rng(0)
    params = draw_multi_head(rng, 6, 4, 5)
    x_q, x_k, x_v = rng.normal(size=(3, 6)), rng.normal(size=(4, 4)), rng.normal(size=(4, 5))
    mask = draw_mask("bias", rng, 3, 4)
    joined = []
    for head in range(3):
        mine = slice(2 * head, 2 * head + 2)
        q, k, v = (
            x @ w[mine].T + b[mine]
            for x, w, b in (
                (x_q, params.w_q, params.b_q),
                (x_k, params.w_k, params.b_k),
                (x_v, params.w_v, params.b_v),
            )
        )
        joined.append(one_by_one(q, k, v, mask, 1 / math.sqrt(2)))
    expected = np.concatenate(joined, axis=1) @ params.w_o.T + params.b_o
    y, p = ref.multi_head_attention(params, x_q, x_k, x_v, 3, mask)
    np.testing.assert_allclose(y, expected, atol=1e-12, err_msg="multi_head_attention")
    assert p.shape == (3, 3, 4)


def test_multi_head_backward_agrees_with_central_differences():
    rng = np.random.default_rng(0)
    params = draw_multi_head(rng, 4, 3, 5)
    inputs = [rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 2, 5))]
    mask, grad_out = draw_mask("bias", rng, 3, 2), rng.normal(size=(2, 3, 4))
    *of_inputs, of_params = ref.multi_head_attention_backward(grad_out, params, *inputs, 2, mask)
    for position, grad in enumerate([*of_inputs, *of_params]):
        arrays = [*inputs, *params]

        def loss(array, position=position, arrays=arrays):
            changed = [*arrays[:position], array, *arrays[position + 1 :]]
            return np.sum(
                grad_out * ref.multi_head_attention(ref.MultiHead(*changed[3:]), *changed[:3], 2, mask)[0]
            )

        name = ["x_q", "x_k", "x_v", *params._fields][position]
        numerical = numerical_gradient(loss, arrays[position])
        if name == "b_k":  # adds the same to all scores of a query, which softmax ignores
            np.testing.assert_allclose(grad, 0, atol=1e-12)
            np.testing.assert_allclose(numerical, 0, atol=1e-8)
        else:
            assert relative_error(grad, numerical) < 1e-7, f"multi-head: d{name} by central differences"


def test_additive_attention_and_its_backward():
    rng = np.random.default_rng(0)
    query, key, value = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 2))
    w, u, v = rng.normal(size=(6, 4)), rng.normal(size=(6, 3)), rng.normal(size=6)
    mask = draw_mask("random", rng, 3, 5)
    arrays = [query, key, value, w, u, v]
    y, p = ref.additive_attention(*arrays, mask)
    for i in range(3):
        scores = [v @ np.tanh(w @ query[1, i] + u @ key[1, j]) + mask[i, j] for j in range(5)]
        np.testing.assert_allclose(p[1, i], softmax(scores), atol=1e-12, err_msg="additive weights")
    np.testing.assert_allclose(y[1], p[1] @ value[1], atol=1e-12, err_msg="additive output")
    grad_out = rng.normal(size=y.shape)
    grads = ref.additive_attention_backward(grad_out, *arrays, mask)
    for position, (name, grad) in enumerate(zip(("query", "key", "value", *"wuv"), grads, strict=True)):

        def loss(array, position=position):
            changed = [*arrays[:position], array, *arrays[position + 1 :]]
            return np.sum(grad_out * ref.additive_attention(*changed, mask)[0])

        error = relative_error(grad, numerical_gradient(loss, arrays[position]))
        assert error < 1e-7, f"additive attention: d{name} against central differences: {error}"
