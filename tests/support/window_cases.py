"""Windows that hypothesis draws, and the maps they slide over, for the layers that pool."""

import math

import numpy as np
import torch
from hypothesis import strategies as st

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def windows(draw, padded=True, dilated=False):
    """Options of a pooling layer, and a size (H, W) that at least one window fits in."""
    kernel, dilation = draw(PAIRS), draw(PAIRS) if dilated else (1, 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    options = {"kernel_size": kernel, "stride": draw(st.none() | PAIRS), "ceil_mode": draw(st.booleans())}
    if padded:
        options["padding"] = tuple(draw(st.integers(0, each // 2)) for each in kernel)
    if dilated:
        options["dilation"] = dilation
    return options, tuple(each + draw(st.integers(0, 6)) for each in reach)


def distinct(*shape, dtype=torch.float64, seed=0):
    """Maps in which no two entries are equal, in random order, from -0.5 to 0.5."""
    count = math.prod(shape)
    order = np.random.default_rng(seed).permutation(count)
    return torch.tensor((order + 0.25) / max(count, 1) - 0.5, dtype=dtype).view(shape)
