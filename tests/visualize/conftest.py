import matplotlib as mpl
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from course_lib.visualize import use_style


@pytest.fixture(autouse=True)
def clean_figures():
    """Every test starts with the course's style and leaves no figure."""
    use_style()
    yield
    plt.close("all")
