"""Positional encoding by its properties, the encoder's layer by central differences."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import attention
from course_lib.reference import transformer as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error


def test_the_encoding_by_hand():
    got = ref.positional_encoding(3, 4)
    expected = [
        [0, 1, 0, 1],
        [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)],
        [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)],
    ]
    np.testing.assert_allclose(got, expected, atol=1e-15, err_msg="positional_encoding(3, 4)")


@given(d_model=st.integers(1, 9), length=st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_odd_sizes_end_with_a_sine(d_model, length):
    got = ref.positional_encoding(length, d_model)
    assert got.shape == (length, d_model)
    for t in range(length):
        for j in range(d_model):
            angle = t / 10000 ** ((j - j % 2) / d_model)
            expected = math.cos(angle) if j % 2 else math.sin(angle)
            assert got[t, j] == pytest.approx(expected, abs=1e-12), f"position {t}, feature {j} of {d_model}"


@given(half=st.integers(1, 8), k=st.integers(-20, 20))
@settings(max_examples=40, deadline=None)
def test_a_shift_is_one_rotation_for_all_positions(half, k):
    encoding, matrix = ref.positional_encoding(60, 2 * half), ref.shift_matrix(k, 2 * half)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(2 * half), atol=1e-12, err_msg="no rotation")
    here = np.arange(20, 40)
    np.testing.assert_allclose(
        encoding[here] @ matrix.T, encoding[here + k], atol=1e-12, err_msg=f"shift {k}"
    )


def test_the_product_of_two_positions_depends_on_their_distance_alone():
    encoding = ref.positional_encoding(50, 32)
    products = encoding @ encoding.T
    for distance in (0, 1, 7):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-12, err_msg=f"distance {distance}")
    assert products[0, 0] == pytest.approx(16), "sin^2 + cos^2 of each pair"


def draw_layer(rng, d=4, d_hidden=5):
    multi_head = attention.MultiHead(*(rng.normal(size=shape) for shape in [(d, d)] * 4 + [(d,)] * 4))
    matrices = (rng.normal(size=shape) for shape in ((d_hidden, d), (d_hidden,), (d, d_hidden), (d,)))
    norms = ((rng.normal(size=d), rng.normal(size=d)) for _ in range(2))
    return ref.EncoderLayer(multi_head, *matrices, *norms)


def flatten(layer):
    return [*layer.self_attn, *layer[1:5], *layer.norm_1, *layer.norm_2]


def unflatten(arrays):
    multi_head = attention.MultiHead(*arrays[:8])
    return ref.EncoderLayer(multi_head, *arrays[8:12], tuple(arrays[12:14]), tuple(arrays[14:]))


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_layer_backward_agrees_with_central_differences(norm_first):
    rng = np.random.default_rng(4)
    params, x = draw_layer(rng), rng.normal(size=(2, 3, 4))
    mask, grad_out = attention.causal_mask(3, 3), rng.normal(size=(2, 3, 4))
    grad_x, grads = ref.encoder_layer_backward(grad_out, params, x, 2, mask, norm_first)
    names = ["x", *params.self_attn._fields, *params._fields[1:5], "g_1", "b_1", "g_2", "b_2"]
    arrays = [x, *flatten(params)]
    for position, (name, grad) in enumerate(zip(names, [grad_x, *flatten(grads)], strict=True)):

        def loss(array, position=position):
            changed = [*arrays[:position], array, *arrays[position + 1 :]]
            layer = unflatten(changed[1:])
            return np.sum(grad_out * ref.encoder_layer(layer, changed[0], 2, mask, norm_first))

        numerical = numerical_gradient(loss, arrays[position])
        np.testing.assert_allclose(
            grad, numerical, rtol=1e-6, atol=1e-8, err_msg=f"encoder_layer, norm_first={norm_first}: d{name}"
        )
        if name != "b_k":  # the bias of the keys changes nothing
            assert relative_error(grad, numerical) < 1e-6


@pytest.mark.parametrize("norm_first", [False, True])
def test_no_position_sees_a_later_one(norm_first):
    rng = np.random.default_rng(0)
    params, x = draw_layer(rng), rng.normal(size=(5, 4))
    mask = attention.causal_mask(5, 5)
    before = ref.encoder_layer(params, x, 2, mask, norm_first)
    x[3] = rng.normal(size=4)
    change = np.abs(ref.encoder_layer(params, x, 2, mask, norm_first) - before).max(axis=1)
    assert (change[:3] == 0).all(), f"positions 0, 1, 2 changed: {change}"
    assert (change[3:] > 1e-3).all(), f"positions 3 and 4 did not: {change}"


def test_without_positions_the_order_does_not_matter():
    rng = np.random.default_rng(0)
    params, x = draw_layer(rng), rng.normal(size=(5, 4))
    order = rng.permutation(5)
    permuted = ref.encoder_layer(params, x[order], 2)
    np.testing.assert_allclose(permuted, ref.encoder_layer(params, x, 2)[order], atol=1e-12)
