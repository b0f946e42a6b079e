"""Reading arrays from the pickles that old data sets are published as, and nothing else from them."""

import collections
import pickle
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

# NumPy's own constructors of pickled arrays and numbers, wherever this version keeps them.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]


class CsrMatrix:
    """A scipy.sparse.csr_matrix as its pickle holds it: three arrays and a shape."""

    data: NDArray[np.number]
    indices: NDArray[np.integer]
    indptr: NDArray[np.integer]
    _shape: tuple[int, int]

    def toarray(self) -> NDArray[np.float32]:
        """Return the dense matrix; entries given more than once add up."""
        dense = np.zeros(self._shape, dtype=np.float32)
        rows = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        np.add.at(dense, (rows, self.indices), self.data)
        return dense


def load_arrays(file: IO[bytes], name: str) -> Any:
    """Return what is pickled in ``file``: numbers, strings, lists, dicts, NumPy arrays and CSR matrices.

    A pickle may call any function it names; here it can only name those that build these. Strings of Python 2
    are read as Latin-1, as NumPy needs.

    Raises:
        ValueError: the pickle names anything else, or is damaged; ``name`` says which it was.
    """
    try:
        return _ArrayUnpickler(file, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is not a pickle of arrays: {error}") from error


class _ArrayUnpickler(pickle.Unpickler):
    _ALLOWED = {
        "numpy.core.multiarray _reconstruct": _RECONSTRUCT,
        "numpy.core.multiarray scalar": _SCALAR,
        "numpy ndarray": np.ndarray,
        "numpy dtype": np.dtype,
        "collections defaultdict": collections.defaultdict,
        "__builtin__ list": list,
        "__builtin__ object": object,
        "scipy.sparse.csr csr_matrix": CsrMatrix,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("copy_reg", "_reconstructor"):
            return _reconstructor
        try:
            return self._ALLOWED[f"{module} {name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs") from None


def _reconstructor(cls: type, base: type, state: None) -> CsrMatrix:
    """Do what copyreg's function of this name does, for the one class that needs it here."""
    if cls is not CsrMatrix or base is not object or state is not None:
        raise pickle.UnpicklingError(f"it asks for an object of type {cls.__name__}, which no array needs")
    return CsrMatrix()
