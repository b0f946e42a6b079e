import collections
import io
import os
import pickle
import subprocess

import numpy as np
import pytest
import scipy.sparse

from course_lib.data.unpickle import CsrMatrix, load_arrays


class csr_matrix:
    """Pickles as scipy's class of this name did ten years ago."""


csr_matrix.__module__ = "scipy.sparse.csr"


def old_csr(matrix):
    old = csr_matrix()
    old.__dict__.update(
        _shape=matrix.shape, maxprint=50, indices=matrix.indices, indptr=matrix.indptr, data=matrix.data
    )
    return old


def load(content):
    return load_arrays(io.BytesIO(content), "file")


@pytest.mark.parametrize("protocol", [0, 2])
def test_arrays_numbers_and_containers_of_python_2_come_back(python2_pickle, protocol):
    arrays = [
        np.arange(12, dtype=dtype).reshape(order_shape, order=order)
        for dtype in ("u1", "i4", ">i2", "f4", "f8")
        for order_shape, order in (((3, 4), "C"), ((2, 3, 2), "F"), ((12,), "C"))
    ]
    arrays += [np.zeros((0, 3)), np.array([[255, 0, 128]], dtype="u1")]
    found = load(python2_pickle({"arrays": arrays, "labels": [3, 1], "name": "batch"}, protocol))
    assert (found["labels"], found["name"]) == ([3, 1], "batch")
    for array, other in zip(arrays, found["arrays"], strict=True):
        np.testing.assert_array_equal(other, array)
        assert other.dtype == array.dtype.newbyteorder("="), "NumPy reads into the byte order of the machine"


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_graph_of_python_2_comes_back(python2_pickle, protocol):
    graph = collections.defaultdict(list, {0: [1, 2], 1: [0], 2: [np.int64(0)]})
    assert load(python2_pickle(graph, protocol)) == graph


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_sparse_matrix_comes_back_as_scipy_reads_it(python2_pickle, protocol):
    matrix = scipy.sparse.random(20, 30, density=0.2, format="csr", dtype="f4", random_state=0)
    found = load(python2_pickle(old_csr(matrix), protocol))
    assert isinstance(found, CsrMatrix)
    np.testing.assert_array_equal(found.toarray(), matrix.toarray())


def test_entries_given_twice_add_up_as_in_scipy(python2_pickle):
    matrix = scipy.sparse.csr_matrix(([1.0, 2.0, 4.0], [1, 1, 0], [0, 2, 2, 3]), shape=(3, 2))
    np.testing.assert_array_equal(load(python2_pickle(old_csr(matrix))).toarray(), matrix.toarray())
    assert matrix[0, 1] == 3


def test_an_empty_matrix_is_a_matrix(python2_pickle):
    found = load(python2_pickle(old_csr(scipy.sparse.csr_matrix((2, 3), dtype="f4"))))
    np.testing.assert_array_equal(found.toarray(), np.zeros((2, 3)))


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class State:
    """Pickles as an instance of whatever class, made without calling it."""


@pytest.mark.parametrize(
    "call",
    [
        (os.system, "touch {}"),
        (subprocess.Popen, ["touch", "{}"]),
        (eval, "open('{}', 'w')"),
        (open, "{}", "w"),
        (getattr, [], "append"),
        (np.fromfile, "{}"),
        (np.load, "{}"),
        (__import__, "os"),
    ],
    ids=lambda call: call[0].__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_call_of_anything_else_is_refused_and_not_made(tmp_path, call, protocol):
    trace = tmp_path / "trace"
    function, *arguments = call
    arguments = [
        [part.format(trace) for part in a] if isinstance(a, list) else a.format(trace) for a in arguments
    ]
    content = pickle.dumps({"data": Calls(function, *arguments)}, protocol)
    with pytest.raises(
        ValueError, match=r"file is not a pickle of arrays: it asks for \S+, which no array needs"
    ):
        load(content)
    assert not trace.exists()


def test_no_object_of_another_class_is_made_through_the_back_door():
    content = b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR."
    with pytest.raises(ValueError, match="it asks for an object of type ndarray"):
        load(content)


def test_an_extension_code_is_refused():
    with pytest.raises(ValueError, match="not a pickle of arrays"):
        load(b"\x80\x02\x82\x01.")


@pytest.mark.parametrize("content", [b"", b".", b"<html>", b"\x80\x02", b"\x80\x09K\x01.", b"I1\n", b"(1."])
def test_what_is_no_pickle_is_named(content):
    with pytest.raises(ValueError, match="file is not a pickle of arrays"):
        load(content)


def test_every_way_of_cutting_a_pickle_short_is_named(python2_pickle):
    content = python2_pickle({"data": np.arange(4), "labels": [1]})
    for end in range(len(content)):
        with pytest.raises(ValueError, match="file is not a pickle of arrays"):
            load(content[:end])
