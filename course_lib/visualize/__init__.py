"""Figures in one style, figures with sliders, and maps of what a network responds to."""

from course_lib.visualize.architecture import Architecture, architecture
from course_lib.visualize.contact_sheet import contact_sheet
from course_lib.visualize.deconvnet import deconvnet
from course_lib.visualize.explore import Explorable, explore
from course_lib.visualize.grad_cam import grad_cam
from course_lib.visualize.guided_backprop import guided_backprop
from course_lib.visualize.images import image_grid
from course_lib.visualize.lines import curves
from course_lib.visualize.networks import network_diagram
from course_lib.visualize.occlusion import occlusion
from course_lib.visualize.paths import paths
from course_lib.visualize.randomize_layers import randomize_layers
from course_lib.visualize.rank_correlation import rank_correlation
from course_lib.visualize.regions import boundary_line, decision_regions
from course_lib.visualize.saliency import saliency
from course_lib.visualize.strongest import Strongest, strongest
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
    "Architecture",
    "Explorable",
    "Strongest",
    "architecture",
    "boundary_line",
    "contact_sheet",
    "curves",
    "decision_regions",
    "deconvnet",
    "explore",
    "grad_cam",
    "guided_backprop",
    "image_grid",
    "network_diagram",
    "occlusion",
    "paths",
    "randomize_layers",
    "rank_correlation",
    "saliency",
    "strongest",
    "use_style",
]
