"""Slopes that the walks of the exercises descend."""

import numpy as np


def bowl(theta: np.ndarray) -> np.ndarray:
    """Slope of a bowl with curvatures 1, 4, 9, ..."""
    return theta * np.arange(1, len(theta) + 1) ** 2


def valleys(theta: np.ndarray) -> np.ndarray:
    """Slope of t^4/4 - t^2/2 + t/5, in every entry."""
    return theta**3 - theta + 0.2
