"""The NumPy convolutions against SciPy, central differences, and examples computed by hand."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.reference import convolution as ref
from course_lib.reference.gradient_check import numerical_gradient, relative_error

SMALL = st.integers(1, 3)
PAIRS = st.tuples(SMALL, SMALL)
PADDINGS = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def convolutions(draw):
    """A convolution that fits: (x, w, options)."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel, stride, dilation, padding = draw(PAIRS), draw(PAIRS), draw(PAIRS), draw(PADDINGS)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    size = [n + draw(st.integers(0, 3)) for n in least]
    c_in, c_out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    n = draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x, w = rng.normal(size=(n, c_in, *size)), rng.normal(size=(c_out, c_in // groups, *kernel))
    return x, w, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def spread(w, dilation):
    """The kernel with dilation - 1 zeros between its entries."""
    d_h, d_w = dilation
    wide = np.zeros((*w.shape[:2], d_h * (w.shape[2] - 1) + 1, d_w * (w.shape[3] - 1) + 1))
    wide[:, :, ::d_h, ::d_w] = w
    return wide


def conv2d_by_scipy(x, w, stride, padding, dilation, groups):
    """SciPy knows one image and one kernel at a time, and neither stride nor dilation."""
    p_h, p_w = padding
    x = np.pad(x, ((0, 0), (0, 0), (p_h, p_h), (p_w, p_w)))
    w = spread(w, dilation)
    per_group_in, per_group_out = x.shape[1] // groups, len(w) // groups
    y = np.zeros((len(x), len(w), x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1))
    for n, o, c in np.ndindex(len(x), len(w), per_group_in):
        image = x[n, o // per_group_out * per_group_in + c]
        y[n, o] += scipy.signal.correlate2d(image, w[o, c], mode="valid")
    return y[:, :, :: stride[0], :: stride[1]]


@given(n=st.integers(1, 8), m=st.integers(1, 8), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_signals_agree_with_numpy_and_commute(n, m, seed):
    rng = np.random.default_rng(seed)
    x, k = rng.normal(size=n), rng.normal(size=m)
    np.testing.assert_allclose(ref.convolve(x, k), np.convolve(x, k), atol=1e-13, err_msg="convolve")
    np.testing.assert_allclose(ref.convolve(x, k), ref.convolve(k, x), atol=1e-13, err_msg="x * k = k * x")
    np.testing.assert_allclose(ref.toeplitz(k, n) @ x, np.convolve(x, k), atol=1e-13, err_msg="toeplitz")
    padded = np.concatenate([k, np.zeros(n - 1)])
    expected = scipy.linalg.toeplitz(padded, np.concatenate([k[:1], np.zeros(n - 1)]))
    np.testing.assert_array_equal(ref.toeplitz(k, n), expected, err_msg="toeplitz against scipy")
    correlation = ref.cross_correlate(x, k)
    assert len(correlation) == max(0, n - m + 1)
    if m <= n:
        np.testing.assert_allclose(
            correlation, np.correlate(x, k, "valid"), atol=1e-13, err_msg="cross_correlate"
        )
        inside = ref.convolve(x, k[::-1])[m - 1 : n]
        np.testing.assert_allclose(
            correlation, inside, atol=1e-13, err_msg="cross-correlation is convolution with k turned around"
        )


def test_a_convolution_by_hand():
    # two dice: the numbers of ways to throw 2 ... 12
    die = np.ones(6)
    np.testing.assert_array_equal(ref.convolve(die, die), [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1])
    np.testing.assert_array_equal(
        ref.convolve(np.array([1.0, 2, 3]), np.array([0, 1, 0.5])), [0, 1, 2.5, 4, 1.5]
    )
    np.testing.assert_array_equal(ref.cross_correlate(np.array([1.0, 2, 4]), np.array([1.0, -1])), [-1, -2])


IMAGE = np.array(
    [
        [105, 102, 100, 97, 96],
        [103, 99, 103, 101, 102],
        [101, 98, 104, 102, 100],
        [99, 101, 106, 104, 99],
        [104, 104, 104, 100, 98],
    ],
    dtype=float,
)
SHARPEN = np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
VERTICAL_EDGES = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def test_the_worked_corner_is_320():
    y = ref.conv2d(IMAGE[None, None], SHARPEN[None, None], padding=1)[0, 0]
    assert y.shape == (5, 5)
    assert y[0, 0] == 320  # 5 * 105 - 102 - 103, and the two entries outside are 0
    assert y[0, 1] == 5 * 102 - 105 - 100 - 99 == 206
    assert y[2, 2] == 5 * 104 - 103 - 98 - 102 - 106 == 111
    np.testing.assert_array_equal(y, scipy.ndimage.correlate(IMAGE, SHARPEN, mode="constant"))


def test_a_vertical_edge_by_hand():
    step = np.zeros((1, 1, 4, 5))
    step[..., 3:] = 1.0
    y = ref.conv2d(step, VERTICAL_EDGES[None, None])
    np.testing.assert_array_equal(y[0, 0], [[0, -4, -4], [0, -4, -4]])
    np.testing.assert_array_equal(
        ref.conv2d(step.swapaxes(2, 3), VERTICAL_EDGES[None, None]), np.zeros((1, 1, 3, 2))
    )


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_conv2d_agrees_with_scipy(case):
    x, w, options = case
    b = np.arange(len(w)) - 0.5
    before = x.copy(), w.copy()
    expected = conv2d_by_scipy(x, w, **options)
    np.testing.assert_allclose(ref.conv2d(x, w, **options), expected, atol=1e-12, err_msg=f"conv2d {options}")
    np.testing.assert_allclose(
        ref.conv2d(x, w, b, **options), expected + b.reshape(-1, 1, 1), atol=1e-12, err_msg="conv2d bias"
    )
    sizes = [
        ref.output_size(n, k, s, p, d)
        for n, k, s, p, d in zip(
            x.shape[2:], w.shape[2:], options["stride"], options["padding"], options["dilation"], strict=True
        )
    ]
    assert expected.shape[2:] == tuple(sizes), f"output_size: {options}"
    np.testing.assert_array_equal(x, before[0], err_msg="conv2d changed x")
    np.testing.assert_array_equal(w, before[1], err_msg="conv2d changed w")


@given(convolutions())
@settings(max_examples=20, deadline=None)
def test_conv2d_backward_agrees_with_central_differences(case):
    x, w, options = case
    b = np.zeros(len(w))
    shape = ref.conv2d(x, w, **options).shape
    grad_out = np.cos(np.arange(np.prod(shape))).reshape(shape)
    grads = ref.conv2d_backward(grad_out, x, w, **options)
    losses = {
        "dx": (x, lambda x: np.sum(grad_out * ref.conv2d(x, w, b, **options))),
        "dw": (w, lambda w: np.sum(grad_out * ref.conv2d(x, w, b, **options))),
        "db": (b, lambda b: np.sum(grad_out * ref.conv2d(x, w, b, **options))),
    }
    for grad, (name, (argument, loss)) in zip(grads, losses.items(), strict=True):
        assert grad.shape == argument.shape, f"conv2d_backward {name} {options}"
        error = relative_error(grad, numerical_gradient(loss, argument, h=1.0))  # linear: any step is exact
        assert error < 1e-10, f"conv2d_backward {name} {options}: {error}"


@given(convolutions(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_transposed_convolution_is_the_transpose(case, extra):
    # <conv(u), v> = <u, conv^T(v)> for all u and v says that one is the other's transpose
    u, w, options = case
    v = np.sin(1 + np.arange(ref.conv2d(u, w, **options).size)).reshape(ref.conv2d(u, w, **options).shape)
    output_padding = tuple(  # what the floor of the output size left over
        n - ref.transposed_output_size(m, k, s, p, 0, d)
        for n, m, k, s, p, d in zip(
            u.shape[2:], v.shape[2:], w.shape[2:], options["stride"], options["padding"], options["dilation"],
            strict=True,
        )
    )  # fmt: skip
    b = np.arange(u.shape[1]) + 0.5 if extra else None
    back = ref.conv_transpose2d(v, w, b, output_padding=output_padding, **options)
    assert back.shape == u.shape, f"conv_transpose2d {options} output_padding={output_padding}"
    if b is not None:
        back = back - b.reshape(-1, 1, 1)
    assert np.sum(ref.conv2d(u, w, **options) * v) == pytest.approx(np.sum(u * back), rel=1e-11, abs=1e-11)
    dx, _, _ = ref.conv2d_backward(v, u, w, **options)
    np.testing.assert_allclose(back, dx, atol=1e-12, err_msg=f"conv_transpose2d is conv2d's dx: {options}")


@given(convolutions())
@settings(max_examples=20, deadline=None)
def test_conv_transpose2d_backward_agrees_with_central_differences(case):
    _, w, options = case
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, len(w), 3, 2))
    whole = [
        ref.transposed_output_size(n, k, s, p, 0, d)
        for n, k, s, p, d in zip(
            x.shape[2:], w.shape[2:], options["stride"], options["padding"], options["dilation"], strict=True
        )
    ]
    if min(whole) < 1:
        options |= {"padding": 0}
    output_padding = tuple(max(s, d) - 1 for s, d in zip(options["stride"], options["dilation"], strict=True))
    b = np.zeros(w.shape[1] * options["groups"])

    def run(x, w, b):
        return ref.conv_transpose2d(x, w, b, output_padding=output_padding, **options)

    grad_out = rng.normal(size=run(x, w, b).shape)
    grads = ref.conv_transpose2d_backward(grad_out, x, w, **options)
    losses = {
        "dx": (x, lambda x: np.sum(grad_out * run(x, w, b))),
        "dw": (w, lambda w: np.sum(grad_out * run(x, w, b))),
        "db": (b, lambda b: np.sum(grad_out * run(x, w, b))),
    }
    for grad, (name, (argument, loss)) in zip(grads, losses.items(), strict=True):
        assert grad.shape == argument.shape, f"conv_transpose2d_backward {name} {options}"
        error = relative_error(grad, numerical_gradient(loss, argument, h=1.0))
        assert error < 1e-10, f"conv_transpose2d_backward {name} {options}: {error}"


@given(convolutions())
@settings(max_examples=30, deadline=None)
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(case):
    x, w, options = case
    if options.pop("groups") > 1 or len(x) == 0:
        return
    m = ref.conv2d_matrix(w, x.shape[2:], **options)
    y = ref.conv2d(x[:1], w, **options)
    np.testing.assert_allclose(m @ x[0].ravel(), y.ravel(), atol=1e-12, err_msg=f"conv2d_matrix {options}")
    exact = [
        (n - d * (k - 1) - 1 + 2 * p) % s
        for n, k, s, p, d in zip(
            x.shape[2:], w.shape[2:], options["stride"], options["padding"], options["dilation"], strict=True
        )
    ]
    back = ref.conv_transpose2d(y, w, output_padding=tuple(exact), **options)
    np.testing.assert_allclose(
        m.T @ y.ravel(), back.ravel(), atol=1e-12, err_msg=f"conv2d_matrix transposed {options}"
    )


def test_a_small_matrix_by_hand():
    # a 2x2 kernel on a 3x3 image: four windows
    w = np.array([[[[1.0, 2], [3, 4]]]])
    expected = [
        [1, 2, 0, 3, 4, 0, 0, 0, 0],
        [0, 1, 2, 0, 3, 4, 0, 0, 0],
        [0, 0, 0, 1, 2, 0, 3, 4, 0],
        [0, 0, 0, 0, 1, 2, 0, 3, 4],
    ]
    np.testing.assert_array_equal(ref.conv2d_matrix(w, (3, 3)), expected)


def test_a_transposed_convolution_by_hand():
    x = np.array([[[[1.0, 2], [3, 4]]]])
    ones = np.ones((1, 1, 2, 2))
    expected = [[1, 3, 2], [4, 10, 6], [3, 7, 4]]  # the stamps overlap in the middle
    np.testing.assert_array_equal(ref.conv_transpose2d(x, ones)[0, 0], expected)
    stride_2 = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(ref.conv_transpose2d(x, ones, stride=2)[0, 0], stride_2)
    np.testing.assert_array_equal(ref.conv_transpose2d(x, ones, padding=1)[0, 0], [[10]])
    # it is a transpose and no inverse: there and back is not the image
    there = ref.conv2d(x, ones)
    assert ref.conv_transpose2d(there, ones).shape == x.shape
    assert not np.allclose(ref.conv_transpose2d(there, ones), x)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5, 3), 3),
        ((5, 3, 2, 1), 3),
        ((6, 3, 2, 1), 3),
        ((227, 11, 4), 55),
        ((224, 7, 2, 3), 112),
        ((7, 3, 1, 0, 3), 1),
        ((32, 5, 1, 2), 32),
        ((1, 1), 1),
    ],
)
def test_output_sizes_by_hand(arguments, expected):
    assert ref.output_size(*arguments) == expected
    size, kernel, stride, padding, dilation = (*arguments, *(1, 0, 1)[len(arguments) - 2 :])
    starts = range(-padding, size + padding - dilation * (kernel - 1), stride)
    assert ref.output_size(*arguments) == len(starts), "as many as there are places for the window to start"


def test_transposed_output_sizes_by_hand():
    assert ref.transposed_output_size(3, 3) == 5  # what 5x5 was before F=3, S=1, P=0 made it 3x3
    assert ref.transposed_output_size(3, 3, stride=2, padding=1) == 5
    assert ref.transposed_output_size(3, 3, stride=2, padding=1, output_padding=1) == 6
    for stride, kernel, padding, dilation in [(1, 3, 1, 1), (2, 3, 1, 1), (3, 2, 0, 2), (4, 5, 2, 1)]:
        for extra in range(stride):
            large = ref.transposed_output_size(6, kernel, stride, padding, extra, dilation)
            assert ref.output_size(large, kernel, stride, padding, dilation) == 6


def test_counts_by_hand():
    assert ref.parameter_count(3, 96, 11) == 34_944  # AlexNet's first layer
    assert ref.parameter_count(1, 6, 5) == 156  # LeNet-5's
    assert ref.parameter_count(64, 64, 3, groups=64, bias=False) == 576
    assert ref.parameter_count(4, 6, (1, 3), groups=2) == 6 * 2 * 3 + 6
    assert ref.multiply_add_count(3, 96, 11, 55) == 105_415_200
    assert ref.multiply_add_count(4, 6, 3, (2, 5), groups=2) == 6 * 2 * 9 * 10


@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (4, 1), ((2, 5), (3, 1)), (1, 7)])
def test_same_padding_keeps_the_size(kernel, dilation):
    sides = ref.same_padding(kernel, dilation)
    x, w = np.ones((1, 1, 8, 9)), np.ones((1, 1, *((kernel, kernel) if isinstance(kernel, int) else kernel)))
    assert ref.conv2d(ref.pad(x, sides), w, dilation=dilation).shape == x.shape
    for before, after in sides:
        assert 0 <= after - before <= 1, "an odd entry goes below or to the right"


SIDES = ((1, 2), (0, 2))
MODES = {  # rows of digits
    "zeros": "00000 12300 45600 78900 00000 00000",
    "reflect": "45654 12321 45654 78987 45654 12321",
    "replicate": "12333 12333 45666 78999 78999 78999",
    "circular": "78978 12312 45645 78978 12312 45645",
}


@pytest.mark.parametrize("mode", MODES)
def test_padding_by_hand_and_its_gradient(mode):
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    by_hand = [[float(digit) for digit in row] for row in MODES[mode].split()]
    np.testing.assert_array_equal(ref.pad(x, SIDES, mode)[0, 0], by_hand, err_msg=mode)
    grad_out = np.random.default_rng(0).normal(size=(1, 1, 6, 5))
    numerical = numerical_gradient(lambda x: np.sum(grad_out * ref.pad(x, SIDES, mode)), x, h=1.0)
    np.testing.assert_allclose(ref.pad_backward(grad_out, x.shape, SIDES, mode), numerical, atol=1e-11)


@given(convolutions())
@settings(max_examples=30, deadline=None)
def test_im2col_makes_a_matrix_product_of_it_and_col2im_is_its_transpose(case):
    x, w, options = case
    if options.pop("groups") > 1:
        return
    columns = ref.im2col(x, w.shape[2:], **options)
    y = ref.conv2d(x, w, **options)
    assert columns.shape == (len(x), w[0].size, y.shape[2] * y.shape[3])
    np.testing.assert_allclose(
        (w.reshape(len(w), -1) @ columns).reshape(y.shape), y, atol=1e-12, err_msg=f"im2col {options}"
    )
    v = np.random.default_rng(1).normal(size=columns.shape)
    image = ref.col2im(v, x.shape, w.shape[2:], **options)
    assert np.sum(columns * v) == pytest.approx(np.sum(x * image), rel=1e-11, abs=1e-11), f"col2im {options}"


def test_im2col_by_hand():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    columns = [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    np.testing.assert_array_equal(ref.im2col(x, 2)[0], columns)
    visits = ref.col2im(np.ones((1, 4, 4)), (1, 1, 3, 3), 2)[0, 0]
    np.testing.assert_array_equal(visits, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


def test_a_moved_image_gives_a_moved_output():
    rng = np.random.default_rng(2)
    x, w = np.zeros((1, 2, 12, 12)), rng.normal(size=(3, 2, 3, 3))
    x[:, :, 4:7, 4:7] = rng.normal(size=(1, 2, 3, 3))
    moved = np.roll(x, (2, -1), axis=(2, 3))
    y = np.roll(ref.conv2d(x, w, padding=1), (2, -1), axis=(2, 3))
    np.testing.assert_allclose(ref.conv2d(moved, w, padding=1), y, atol=1e-13)


def test_two_3x3_kernels_are_one_of_5x5():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    x = rng.normal(size=(1, 1, 9, 9))
    both = scipy.signal.convolve2d(a, b)
    twice = ref.conv2d(ref.conv2d(x, a[None, None]), b[None, None])
    np.testing.assert_allclose(ref.conv2d(x, both[None, None]), twice, atol=1e-12)
    assert math.prod(both.shape) == 25
