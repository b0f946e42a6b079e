"""An architecture as one piece of HTML: a drawing made of vectors, and a few lines of script to zoom it."""

import hashlib
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from math import ceil

from matplotlib.colors import to_hex

from course_lib.visualize.architecture_boxes import NOT_RUN, Box
from course_lib.visualize.architecture_layout import ROW_GAP, Place
from course_lib.visualize.style import FAINT_INK, INK, PALETTE, PAPER, tint

MARGIN, PAD, LINE = 14.0, 9.0, 15.0  # around all, in a box, from line to line
GRAIN = 26.0
NAME, KIND, NOTE = 9.5, 12.0, 10.5  # sizes of text
COLORS = {
    "convolution": ("blue", 0.26), "dense": ("orange", 0.34), "pooling": ("green", 0.28),
    "attention": ("purple", 0.34), "light": ("yellow", 0.40), "block": ("sky", 0.34),
    "join": (None, 0.0), "input": (None, 0.0),
}  # fmt: skip
WORDS = {"light": "normalization, activation", "join": "sum, concatenation", "block": "block of layers"}

STYLE = f"""
.course-architecture {{ max-width: 100%; margin: 1rem 0; color: inherit; }}
.course-architecture-view {{ overflow: auto; max-height: min(44rem, 85vh); background: {PAPER};
  border-radius: 0.4rem; touch-action: pan-x pan-y; cursor: grab; user-select: none; }}
.course-architecture-view:focus-visible, .course-architecture button:focus-visible {{
  outline: 2px solid #2f81d0; outline-offset: 2px; }}
.course-architecture svg {{ display: block; margin: 0 auto; max-width: none; }}
.course-architecture text {{ font-family: "DejaVu Sans", Verdana, sans-serif; font-size: {NOTE}px;
  fill: {INK}; text-anchor: middle; }}
.course-architecture .n {{ font-size: {NAME}px; fill: {FAINT_INK}; }}
.course-architecture .k {{ font-size: {KIND}px; font-weight: bold; }}
.course-architecture .g {{ font-size: {NOTE}px; fill: {FAINT_INK}; text-anchor: start; }}
.course-architecture .e {{ fill: none; stroke: {FAINT_INK}; stroke-width: 1.4; }}
.course-architecture .s {{ fill: none; stroke: {PALETTE["vermilion"]}; stroke-width: 1.8; }}
.course-architecture .a {{ fill: {FAINT_INK}; }}
.course-architecture .b {{ fill: {INK}; fill-opacity: 0.05; }}
.course-architecture rect.o {{ stroke: {INK}; stroke-width: 1.1; }}
.course-architecture rect.d {{ stroke-dasharray: 5 3; }}
.course-architecture-controls {{ display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem 0.8rem;
  margin-top: 0.5rem; font-size: 0.85em; }}
.course-architecture-controls span {{ white-space: nowrap; }}
.course-architecture-controls i {{ display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.35em;
  border: 1px solid {INK}; border-radius: 2px; vertical-align: -0.1em; }}
.course-architecture-controls button {{ min-width: 2rem; min-height: 1.75rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid currentColor; border-radius: 0.4rem; cursor: pointer; }}
.course-architecture-controls [hidden] {{ display: none; }}
"""

# Zooming is a wider drawing in a view that scrolls; wheel, arrow keys and one finger are the browser's own.
SCRIPT = """
document.querySelectorAll('[data-architecture="@KEY@"]').forEach((root) => {
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const view = root.querySelector(".course-architecture-view"), svg = view.querySelector("svg");
  const width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height, fingers = new Map();
  let scale = 1, moved = false;
  const zoom = (wanted, x, y) => {
    const before = scale, box = view.getBoundingClientRect();
    const atX = x === undefined ? box.width / 2 : x - box.left, atY = y === undefined ? 0 : y - box.top;
    scale = Math.min(3, Math.max(0.05, wanted));
    const left = (view.scrollLeft + atX) * scale / before - atX;
    const top = (view.scrollTop + atY) * scale / before - atY;
    svg.style.width = `${width * scale}px`;
    svg.style.height = `${height * scale}px`;
    view.scrollTo(left, top);
  };
  const open = () => {
    if (!view.clientWidth) return;
    zoom(Math.min(1, Math.max(@LEAST@, view.clientWidth / width)));
    view.scrollTo(@MIDDLE@ * width * scale - view.clientWidth / 2, 0);
  };
  const acts = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), start: open,
    all: () => zoom(Math.min(1, view.clientWidth / width, view.clientHeight / height)) };
  root.querySelectorAll("button").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => { moved = true; acts[button.dataset.act](); });
  });
  view.addEventListener("keydown", (event) => {
    const act = { "+": "in", "=": "in", "-": "out", "0": "start" }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moved = true;
    acts[act]();
  });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    moved = true;
    zoom(scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  }, { passive: false });
  const middle = () => {
    const [a, b] = [...fingers.values()];
    return [Math.hypot(a.x - b.x, a.y - b.y), (a.x + b.x) / 2, (a.y + b.y) / 2];
  };
  view.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = true;
  });
  window.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const apart = fingers.size === 2 ? middle()[0] : 0;
    if (event.pointerType === "mouse")
      view.scrollBy(finger.x - event.clientX, finger.y - event.clientY);
    finger.x = event.clientX;
    finger.y = event.clientY;
    if (apart) { const [now, x, y] = middle(); zoom(scale * now / apart, x, y); }
  });
  ["pointerup", "pointercancel"].forEach((name) =>
    window.addEventListener(name, (event) => fingers.delete(event.pointerId)));
  new ResizeObserver(() => { if (!moved) open(); }).observe(view);
  open();
});
"""
ACTS = (
    ("out", "\u2212", "Zoom out"),
    ("in", "+", "Zoom in"),
    ("start", "Reset", "Reset"),
    ("all", "All", "Show all"),
)
LEAST = 0.65  # the smallest opening scale: smaller, nothing could be read


def box_size(box: Box) -> tuple[float, float]:
    """Width and height, from estimates of the widths of texts in a wide font."""
    widths = [0.64 * NAME * len(shown_name(box)), 0.72 * KIND * len(title(box))]
    widths += [0.64 * NOTE * len(note) for note in box.notes]
    lines = bool(shown_name(box)) + 1 + len(box.notes)
    # Of a few widths only: boxes below one another are then often alike, and lines beside them straight.
    return ceil((max(widths) + 2 * PAD) / GRAIN) * GRAIN, lines * LINE + PAD


def title(box: Box) -> str:
    """What is in bold."""
    return box.kind if box.repeats == 1 else f"{box.repeats} \u00d7 {box.kind}"


def shown_name(box: Box) -> str:
    """The module's name above it; a sum has none of its own."""
    return "" if box.role in ("join", "input") else box.label


def page(found: Sequence[Box], places: Sequence[Place], edges: Sequence[Sequence[Place]], alt: str) -> str:
    """The HTML. The same content gives the same text; there are no ids, so it can be on a page twice."""
    bands = _bands(found, places)
    gutter = max((0.62 * NOTE * len(name) + PAD for name, _, _ in bands), default=0.0)
    left = min(min(place.x - place.width / 2 for place in places), *(p.x for e in edges for p in e), 0.0)
    right = max(max(place.x + place.width / 2 for place in places), *(p.x for e in edges for p in e), 0.0)
    left -= MARGIN + gutter
    width, top = right + MARGIN - left, -MARGIN
    height = max(place.y + place.height for place in places) + 2 * MARGIN
    parts = [
        f'<rect class="b" x="{left:.0f}" y="{y:.0f}" width="{width:.0f}" height="{h:.0f}"/>'
        f'<text class="g" x="{left + PAD:.0f}" y="{y + 13:.0f}">{escape(name)}</text>'
        for name, y, h in bands
    ]
    parts += [_edge(edge) for edge in sorted(edges, key=len)]
    parts += [_box(box, place) for box, place in zip(found, places, strict=True)]
    drawing = "\n".join(parts)
    key = hashlib.sha256(f"{drawing}{alt}".encode()).hexdigest()[:12]
    told = escape(alt, quote=True)
    middle = f"{(places[0].x - left) / width:.3f}"  # where the input is
    script = SCRIPT.replace("@KEY@", key).replace("@LEAST@", str(LEAST)).replace("@MIDDLE@", middle)
    return (
        f'<div class="course-architecture" data-architecture="{key}">\n<style>{STYLE}</style>\n'
        '<div class="course-architecture-view" tabindex="0" role="group" aria-label="Drawing that scrolls; '
        f'plus and minus zoom">\n<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{told}" '
        f'width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}">\n'
        f"<title>{told}</title>\n{drawing}\n</svg>\n</div>\n{_controls(found)}<script>{script}</script>\n</div>"
    )


def _controls(found: Sequence[Box]) -> str:
    acts = (
        ("out", "\u2212", "Zoom out"),
        ("in", "+", "Zoom in"),
        ("start", "Reset", "Reset"),
        ("all", "All", "Show all"),
    )
    buttons = "".join(
        f'<button type="button" hidden data-act="{act}" aria-label="{name}">{text}</button>'
        for act, text, name in acts
    )
    roles = [role for role in COLORS if role != "input" and any(box.role == role for box in found)]
    keys = "".join(f'<span><i style="background:{_color(r)}"></i>{WORDS.get(r, r)}</span>' for r in roles)
    return f'<div class="course-architecture-controls">{buttons}{keys}</div>\n'


def _color(role: str) -> str:
    name, amount = COLORS[role]
    return PAPER if name is None else to_hex(tint(PALETTE[name], amount))


def _box(box: Box, place: Place) -> str:
    x, y, width, height = place.x - place.width / 2, place.y, place.width, place.height
    lines = [("n", shown_name(box))] if shown_name(box) else []
    lines += [("k", title(box)), *(("t", note) for note in box.notes)]
    dashed = " d" if NOT_RUN in box.notes else ""
    texts = "".join(
        f'<text class="{kind}" x="{place.x:.0f}" '
        f'y="{y + PAD / 2 + (i + 0.76) * LINE:.0f}">{escape(text)}</text>'
        for i, (kind, text) in enumerate(lines)
    )
    radius = 14 if box.role == "join" else 4
    return (
        f'<g><rect class="o{dashed}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" rx="{radius}" fill="{_color(box.role)}"/>{texts}</g>'
    )


def _edge(edge: Sequence[Place]) -> str:
    """A line from box to box, straight through the rows it passes; with a head where it ends."""
    skips = len(edge) > 2  # it passes at least one row
    first, last = edge[0], edge[-1]
    points = [(first.x, first.y + first.height)]
    for place in edge[1:-1]:
        points += [(place.x, place.y), (place.x, place.y + place.height)]
    points.append((last.x, last.y - 5))
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        bend = (to_y - y) / 2
        straight = abs(x - to_x) < 1
        curve = f"C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}"
        path += f"V{to_y:.0f}" if straight else curve
    head = f"M{last.x:.0f} {last.y:.0f}l-4 -7h8z"
    return f'<path class="{"s" if skips else "e"}" d="{path}"/><path class="a" d="{head}"/>'


def _bands(found: Sequence[Box], places: Sequence[Place]) -> list[tuple[str, float, float]]:
    """(name, top, height) behind the boxes of one module, where no other has boxes in the same rows."""
    rows: dict[str, list[Place]] = {}
    for box, place in zip(found, places, strict=True):
        parts = box.group.split(".") if box.group else []
        for length in range(1, len(parts) + 1):
            rows.setdefault(".".join(parts[:length]), []).append(place)
    alone: dict[str, tuple[int, int]] = {}
    for name, inside in rows.items():
        first, last = min(p.row for p in inside), max(p.row for p in inside)
        others = [p for p in places if first <= p.row <= last and not any(p is each for each in inside)]
        if not others and 1 < len(inside) < len(places) - 2:
            alone[name] = (first, last)
    joints = {box.group for box in found if box.role == "join"}
    named = [name for name in alone if name in joints] or list(alone)  # blocks end in a sum, mostly
    found_bands = []
    for name in named:
        if any(other.startswith(name + ".") for other in named):
            continue
        inside = rows[name]
        top = min(p.y for p in inside) - ROW_GAP / 2 + 2
        found_bands.append((name, top, max(p.y + p.height for p in inside) + ROW_GAP / 2 - 2 - top))
    return found_bands
