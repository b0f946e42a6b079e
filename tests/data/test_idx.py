import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.data.idx import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array, code=None):
    """The format as its description gives it, written without the reader's help."""
    code = CODES[array.dtype.str[1:]] if code is None else code
    header = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def written(folder, content):
    path = folder / "a-idx.gz"
    path.write_bytes(gzip.compress(content))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda kind: hnp.arrays(
            np.dtype(kind), hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
        )
    )
)
def test_arrays_of_every_type_and_rank_come_back(tmp_path, array):
    found = read_idx(written(tmp_path, idx(array)))
    assert found.dtype == array.dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


def test_what_is_read_can_be_written_to(tmp_path):
    read_idx(written(tmp_path, idx(np.arange(6, dtype="u1").reshape(2, 3))))[0, 0] = 1


GOOD = idx(np.arange(24, dtype="u1").reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file: it begins with nothing"),
        (b"\0\0", "is not an IDX file: it begins with 00 00"),
        (b"<html>", "is not an IDX file: it begins with 3c 68 74 6d"),
        (idx(np.zeros(3, dtype="u1"), code=0x07), "is not an IDX file"),
        (GOOD[:10], "ends in the middle of its header, after 10 bytes"),
        (GOOD[:-1], r"says \(2, 3, 4\), 40 bytes in all, and has 39"),
        (GOOD + b"\0", "40 bytes in all, and has 41"),
        # (2^32 - 1)^2 does not fit 64 bits with a sign: the size must not wrap around to a plausible one
        (struct.pack(">BBBBII", 0, 0, 8, 2, 2**32 - 1, 2**32 - 1), "bytes in all, and has 12"),
    ],
)
def test_what_is_not_idx_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(written(tmp_path, content))
    assert "a-idx.gz" in str(caught.value)


@pytest.mark.parametrize("broken", ["not gzip at all", "cut short", "damaged"])
def test_what_is_not_gzip_is_named(tmp_path, broken):
    whole = gzip.compress(GOOD * 10)
    content = {
        "not gzip at all": GOOD,
        "cut short": whole[:-9],
        "damaged": whole[:20] + b"\xff\xff\xff" + whole[23:],
    }[broken]
    path = tmp_path / "a-idx.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a-idx.gz is not a complete gzip file"):
        read_idx(path)
