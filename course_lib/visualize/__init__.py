"""Figures in one style, legible on light and dark pages, and figures with sliders."""

from course_lib.visualize.contact_sheet import contact_sheet
from course_lib.visualize.explore import Explorable, explore
from course_lib.visualize.images import image_grid
from course_lib.visualize.lines import curves
from course_lib.visualize.networks import network_diagram
from course_lib.visualize.paths import paths
from course_lib.visualize.regions import boundary_line, decision_regions
from course_lib.visualize.style import (
    DASHES,
    DIVERGING,
    HATCHES,
    INK,
    MARKERS,
    PALETTE,
    PAPER,
    SEQUENTIAL,
    use_style,
)

use_style()

__all__ = [
    "DASHES",
    "DIVERGING",
    "HATCHES",
    "INK",
    "MARKERS",
    "PALETTE",
    "PAPER",
    "SEQUENTIAL",
    "Explorable",
    "boundary_line",
    "contact_sheet",
    "curves",
    "decision_regions",
    "explore",
    "image_grid",
    "network_diagram",
    "paths",
    "use_style",
]
