"""One style for every figure: dark ink on an opaque light card, legible on light and on dark pages.

The colours are those of Okabe and Ito, told apart under every common form of colour blindness; still, no
colour carries a meaning alone: lines differ in dashes too, points in shape, regions in hatching.
"""

from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import to_rgb

INK = "#1b2330"
FAINT_INK = "#5a6270"
PAPER = "#fbfaf6"
# Okabe and Ito, "Color universal design", 2008.
PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
}
# The colours of lines, the clearest on paper first; sky and yellow are too faint there.
CYCLE = [*(PALETTE[name] for name in ("blue", "vermilion", "green", "purple")), INK, PALETTE["orange"]]
DASHES: list[str | tuple[float, tuple[float, ...]]] = [
    "-",
    (0, (5, 1.6)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
    (0, (9, 2)),
    (0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)),
]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*", "<", ">"]
HATCHES = ["", "///", "...", "\\\\\\", "xx", "---", "++", "oo", "|||", "**"]

SEQUENTIAL = "cividis"  # from dark to light at an even pace, blue to yellow
DIVERGING = "PuOr"  # two hues apart for every form of colour blindness; white is zero

WIDTH, HEIGHT = 5.4, 3.4  # inches; at this width 10-point text is still 9 px high on a phone 390 px wide
STYLE: dict[Any, Any] = {
    "figure.figsize": (WIDTH, HEIGHT),
    "figure.dpi": 130,
    "savefig.dpi": 130,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "savefig.transparent": False,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "axes.facecolor": PAPER,
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11,
    "axes.prop_cycle": cycler(color=CYCLE) + cycler(linestyle=DASHES),
    "text.color": INK,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that figures are the same everywhere
    "font.size": 11,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.handlelength": 2.6,  # long enough to show the dashes
    "grid.color": "#d9d7cf",
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "hatch.linewidth": 0.6,
    "hatch.color": "#8b8f98",
    "image.cmap": SEQUENTIAL,
    "image.interpolation": "nearest",
    "mathtext.fontset": "dejavusans",
}


def use_style() -> None:
    """Make this the style of every figure drawn from now on; importing ``course_lib.visualize`` does it."""
    mpl.rcParams.update(STYLE)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, from 1 (equal) to 21 (black on white).

    Source: Web Content Accessibility Guidelines 2.1, "contrast ratio".
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def tint(color: str, amount: float) -> tuple[float, float, float]:
    """Mix ``color`` into the paper: 0 gives paper, 1 the pure colour."""
    mixed = [amount * c + (1 - amount) * p for c, p in zip(to_rgb(color), to_rgb(PAPER), strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
