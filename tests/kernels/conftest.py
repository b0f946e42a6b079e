"""Kernels run on the GPU where there is one, and elsewhere in Triton's interpreter: see tests/conftest.py."""

import numpy as np
import pytest
import torch

HARDWARE = torch.cuda.is_available()


@pytest.fixture(scope="session")
def device() -> torch.device:
    return torch.device("cuda" if HARDWARE else "cpu")


@pytest.fixture(autouse=True)
def quiet():
    """The interpreter computes infinities and NaN in NumPy, where a GPU says nothing."""
    with np.errstate(all="ignore"):
        yield


def pytest_generate_tests(metafunc):
    """``dtype``, where a test does not name its own: float32 and float64, and on hardware bfloat16."""
    if "dtype" in metafunc.fixturenames and not _parametrized(metafunc, "dtype"):
        dtypes = [torch.float32, torch.float64, *([torch.bfloat16] if HARDWARE else [])]
        metafunc.parametrize("dtype", dtypes, ids=str)


def _parametrized(metafunc, name):
    marks = metafunc.definition.iter_markers("parametrize")
    return any(name in str(mark.args[0]).replace(" ", "").split(",") for mark in marks)
