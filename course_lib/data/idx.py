"""The IDX format of the MNIST family: a header with type and shape, then the numbers, big-endian, gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The third byte of the header tells the type (http://yann.lecun.com/exdb/mnist/).
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> NDArray[np.number]:
    """Return the array in the gzipped IDX file ``path``, in this machine's byte order.

    Raises:
        ValueError: the file is not gzipped IDX, or is shorter or longer than its header says.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is not a complete gzip file: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        found = content[:4].hex(" ") or "nothing"
        raise ValueError(f"{path.name} is not an IDX file: it begins with {found}")
    dtype = np.dtype(_TYPES[content[2]])
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"{path.name} ends in the middle of its header, after {len(content)} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(f"{path.name} says {shape}, {expected:,} bytes in all, and has {len(content):,}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
