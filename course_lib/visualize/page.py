"""The static form of an explorable: pictures, sliders and a few lines of script in one piece of HTML."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from course_lib.visualize.frames import Frames


@dataclass(frozen=True)
class Slider:
    """A slider: its argument, what it is called, its values, how they read, and the opening position."""

    name: str
    label: str
    values: list[Any]
    texts: list[str]
    start: int


# The colours are the page's own, so that the labels are legible on light and on dark. `dark-light` tells the
# theme that the picture needs no dimming on a dark page.
STYLE = """
.course-explore { max-width: 37rem; margin: 1rem 0; color: inherit; }
.course-explore img { display: block; max-width: 100%; height: auto; border-radius: 0.4rem; }
.course-explore-controls { display: grid; align-items: center; gap: 0.2rem 0.8rem; margin-top: 0.6rem;
  grid-template-columns: fit-content(40%) minmax(6rem, 1fr) max-content; }
.course-explore-controls[hidden] { display: none; }
.course-explore-controls label { margin: 0; text-align: start; }
.course-explore-controls input { width: 100%; min-height: 1.75rem; margin: 0; accent-color: #2f81d0; }
.course-explore-controls input:focus-visible, .course-explore-controls button:focus-visible {
  outline: 2px solid #2f81d0; outline-offset: 2px; }
.course-explore-controls output { min-width: var(--longest); text-align: right;
  font-variant-numeric: tabular-nums; }
.course-explore-controls button { grid-column: 1 / -1; justify-self: start; min-height: 1.75rem;
  padding: 0.1rem 0.8rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid currentColor; border-radius: 0.4rem; cursor: pointer; }
.course-explore-status { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 30rem) {
  .course-explore-controls { grid-template-columns: fit-content(45%) minmax(6rem, 1fr); }
  .course-explore-controls output { grid-column: 1 / -1; min-width: 0; } }
@media (prefers-reduced-motion: reduce) { .course-explore-controls button { display: none; } }
"""

# `copy` tells apart an explorable that is on one page twice: ids must be unique.
SCRIPT = """
document.querySelectorAll('[data-explore="@KEY@"]').forEach((root, copy) => {
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const image = root.querySelector("img"), controls = root.querySelector(".course-explore-controls");
  const sliders = [...controls.querySelectorAll("input")], outputs = [...controls.querySelectorAll("output")];
  const still = root.querySelector(".course-explore-still");
  const status = root.querySelector(".course-explore-status"), button = controls.querySelector("button");
  if (copy) sliders.forEach((slider) => {
    const parts = controls.querySelectorAll(`[for="${slider.id}"]`);
    slider.id += `-${copy}`;
    parts.forEach((part) => part.setAttribute("for", slider.id));
  });
  const show = () => {
    let frame = 0;
    sliders.forEach((slider, i) => {
      const text = data.texts[i][slider.value];
      frame = frame * data.texts[i].length + Number(slider.value);
      outputs[i].textContent = text;
      slider.setAttribute("aria-valuetext", text);
    });
    image.src = data.pictures[data.frames[frame]];
    image.alt = data.alts[frame];
  };
  let timer = null;
  const pause = () => {
    clearInterval(timer);
    timer = null;
    if (button) button.textContent = "\\u25b6 Play";
  };
  sliders.forEach((slider) => {
    slider.addEventListener("input", () => { pause(); show(); });
    slider.addEventListener("change", () => { status.textContent = image.alt; });
  });
  if (button) button.addEventListener("click", () => {
    if (timer !== null) return pause();
    button.textContent = "\\u275a\\u275a Pause";
    timer = setInterval(() => {
      sliders[0].value = (Number(sliders[0].value) + 1) % data.texts[0].length;
      show();
    }, @INTERVAL@);
  });
  controls.hidden = false;
  still.hidden = true;
  show();
});
"""


def page(frames: Frames, alts: Sequence[str], sliders: Sequence[Slider], play: bool, interval: int) -> str:
    """Return the HTML: the opening picture, visible without script, and sliders that script wakes.

    The same content gives the same text, ids included. Nothing is fetched from anywhere.
    """
    pictures = list(dict.fromkeys(frames.addresses))
    data = {
        "texts": [slider.texts for slider in sliders],
        "alts": list(alts),
        "pictures": pictures,
        "frames": [pictures.index(address) for address in frames.addresses],
    }
    # "<" would let a text end the script element it is in.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    labels = [[slider.label, slider.start] for slider in sliders]
    key = hashlib.sha256(f"{text}{labels}{play}".encode()).hexdigest()[:12]
    opening = 0
    for slider in sliders:
        opening = opening * len(slider.values) + slider.start
    told = ", ".join(f"{slider.label} = {slider.texts[slider.start]}" for slider in sliders)
    button = '<button type="button">\u25b6 Play</button>' if play else ""
    script = SCRIPT.replace("@KEY@", key).replace("@INTERVAL@", str(interval))
    return (
        f'<div class="course-explore" data-explore="{key}">\n<style>{STYLE}</style>\n'
        f'<img class="dark-light" width="{frames.width}" height="{frames.height}" '
        f'src="{frames.addresses[opening]}" alt="{escape(alts[opening], quote=True)}">\n'
        f'<div class="course-explore-controls" hidden>\n{_rows(sliders, key)}{button}</div>\n'
        '<p class="course-explore-status" role="status"></p>\n'
        f'<p class="course-explore-still">{escape(told)}. The sliders need JavaScript.</p>\n'
        f'<script type="application/json">{text}</script>\n<script>{script}</script>\n</div>'
    )


def _rows(sliders: Sequence[Slider], key: str) -> str:
    rows = []
    for number, slider in enumerate(sliders):
        identity = f"explore-{key}-{number}"
        text = escape(slider.texts[slider.start], quote=True)
        # As wide as the longest text, so that nothing moves when the text changes.
        width = max(map(len, slider.texts))
        rows.append(
            f'<label for="{identity}">{escape(slider.label)}</label>'
            f'<input type="range" id="{identity}" min="0" max="{len(slider.values) - 1}" step="1" '
            f'value="{slider.start}" aria-valuetext="{text}" autocomplete="off">'
            f'<output for="{identity}" aria-live="off" style="--longest: {width}ch">{text}</output>\n'
        )
    return "".join(rows)
