"""Ours and the original called alike: equal results, errors and warnings, whatever kind of arrays come."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import UndefinedMetricWarning

KINDS = {
    "list": lambda x: x,
    "array": np.asarray,
    "tensor": lambda x: x if isinstance(x[0], str) else torch.from_numpy(np.array(x)),
}


def run(call):
    """Return what a call gives, or its error, and the categories of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = call()
        except (ValueError, TypeError, ZeroDivisionError, NotImplementedError) as error:
            found = error
    undefined = any(issubclass(each.category, UndefinedMetricWarning) for each in caught)
    return found, undefined


def assert_equal(got, expected, what, rtol=1e-12, atol=1e-13):
    if isinstance(expected, str) or expected is None:
        assert got == expected, f"{what}: {got} instead of {expected}"
    elif isinstance(expected, dict):
        assert list(got) == list(expected), f"{what}: keys {list(got)}"
        for key in expected:
            assert_equal(got[key], expected[key], f"{what}[{key}]", rtol, atol)
    elif isinstance(expected, tuple):
        assert len(got) == len(expected), f"{what}: {len(got)} results"
        for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
            assert_equal(mine, theirs, f"{what}[{i}]", rtol, atol)
    else:
        assert np.shape(got) == np.shape(expected), f"{what}: shape {np.shape(got)}"
        np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol, atol, err_msg=what)


def assert_kind(got, tensors, what):
    """Numbers are floats; arrays are tensors if tensors came, else NumPy's."""
    for each in got if isinstance(got, tuple) else (got,):
        if each is not None and not isinstance(each, str | dict):
            expected = float if np.ndim(each) == 0 else torch.Tensor if tensors else np.ndarray
            assert isinstance(each, expected), f"{what}: {type(each)}"


@pytest.fixture(scope="session")
def agree():
    """Compare ours with the original on arrays of every kind."""

    def compare(ours, theirs, *arrays, rtol=1e-12, kinds=tuple(KINDS), **options):
        what = f"{ours.__name__}{arrays} {options}"
        expected, undefined = run(lambda: theirs(*map(np.asarray, arrays), **options))
        for kind in kinds:
            given = [KINDS[kind](x) for x in arrays]
            got, warned = run(lambda given=given: ours(*given, **options))
            if isinstance(expected, Exception):
                assert isinstance(got, Exception), f"{what}: {got} instead of {expected!r}"
                continue
            assert not isinstance(got, Exception), f"{what} of {kind}: {got!r} instead of {expected}"
            assert_equal(got, expected, f"{what} of {kind}", rtol)
            assert_kind(got, any(isinstance(x, torch.Tensor) for x in given), what)
            assert warned == undefined, f"{what} of {kind}: warned {warned}, the original {undefined}"

    return compare


@pytest.fixture(scope="session")
def devices():
    return ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
