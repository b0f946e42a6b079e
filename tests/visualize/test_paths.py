"""Maps of surfaces with walks on them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_lib import optim, visualize
from course_lib.optim import surfaces


@pytest.fixture
def walks():
    surface = surfaces.ravine()
    return {
        name: surfaces.descend(lambda p, rate=rate: optim.SGD(p, lr=rate), surface, 40)
        for name, rate in (("slow", 0.01), ("fast", 0.07), ("too fast", 0.2))
    }


def test_each_walk_is_drawn_to_its_end_and_named(walks):
    ax = visualize.paths(surfaces.ravine(), walks)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(walks)
    lines = {tuple(line.get_xydata()[-1]) for line in ax.lines}
    for name in ("slow", "fast"):
        assert tuple(walks[name][-1].tolist()) in lines, name
    ends = walks["too fast"].isfinite().all(dim=1).sum() - 1
    assert tuple(walks["too fast"][ends].tolist()) in lines, "it ends where it was last seen"
    assert (0.0, 0.0) in lines, "the minimum is marked"
    assert ax.get_xlim() == surfaces.ravine().window[:2]
    plt.close("all")


def test_any_function_with_a_window(walks):
    ax = visualize.paths(lambda p: p.square().sum(-1), {}, window=(-1, 1, -2, 2), legend=True)
    assert ax.get_ylim() == (-2, 2)
    assert ax.get_legend() is None
    plt.close("all")
    with pytest.raises(ValueError, match="no window"):
        visualize.paths(lambda p: p.sum(-1), {})
    with pytest.raises(ValueError, match=r"'flat' must be places \(steps, 2\), got shape \(4,\)"):
        visualize.paths(surfaces.saddle(), {"flat": np.zeros(4)})
    plt.close("all")


def test_arrays_and_tensors_draw_alike():
    place = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    for walk in (place, place.numpy()):
        ax = visualize.paths(surfaces.saddle(), {"walk": walk}, legend=False)
        assert ax.lines[0].get_xydata().tolist() == place.tolist()
    plt.close("all")
