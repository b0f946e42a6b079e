"""Figures with sliders: live in a kernel, prerendered in the static book, from one call."""

import inspect
import itertools
import math
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from course_lib.environment import in_book
from course_lib.visualize.frames import draw_figure, make_frames, own_figures, picture_address
from course_lib.visualize.page import Slider, page

MAX_FRAMES = 80
MINUS = "\u2212"
INTERVAL = 700  # milliseconds a frame is shown while playing
Alt = str | Callable[..., str]


@dataclass(frozen=True)
class Explorable:
    """A figure with sliders as one piece of HTML that needs neither a kernel nor a network."""

    html: str
    summary: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.summary


def explore(
    draw: Callable[..., Any],
    alt: Alt,
    *,
    start: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    play: bool = False,
    **sliders: Iterable[Any],
) -> Any:
    """Show the figure that ``draw`` draws, with a slider for each of its arguments.

    In a live kernel the figure is drawn anew at every move. While the static book is made (``in_book``), all
    figures are drawn at once and become part of the page.

    Args:
        draw: called as ``draw(name=value, ...)``; draws on a new figure (or the current one, which is new)
            and returns it, its axes, or None. Fix the limits of the axes, so that frames can be compared.
        alt: what the picture shows, for those who do not see it: a text, to which the sliders' values are
            added, or a function of the values that returns a text.
        start: the opening value of some sliders; default their first.
        labels: what to call a slider; default its name with spaces for underscores.
        play: add a button that runs through the values of the first slider.
        sliders: for each argument of ``draw`` its values: numbers, texts, or yes and no.

    Returns:
        An ``ipywidgets.VBox`` in a live kernel, an ``Explorable`` in the book; a notebook shows either one.

    Raises:
        TypeError, ValueError: no slider, a slider without values or with values that look alike, an
            argument ``draw`` does not take, a start that is no value, more than 80 frames, no alt text.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function, got {type(draw).__name__}")
    if not (callable(alt) or (isinstance(alt, str) and alt.strip())):
        raise ValueError(
            "alt must be a text that says what the picture shows, or a function that returns one"
        )
    controls = _controls(sliders, start or {}, labels or {})
    _check_arguments(draw, controls)
    return _static(draw, alt, controls, play) if in_book() else _live(draw, alt, controls, play)


def _static(draw: Callable[..., Any], alt: Alt, controls: list[Slider], play: bool) -> Explorable:
    names = [control.name for control in controls]
    every = itertools.product(*(control.values for control in controls))
    settings = [dict(zip(names, values, strict=True)) for values in every]
    frames = make_frames(draw, settings)
    alts = [_alt_text(alt, controls, values) for values in settings]
    summary = f"<explore: {', '.join(f'{c.label} ({len(c.values)} values)' for c in controls)}>"
    return Explorable(page(frames, alts, controls, play, INTERVAL), summary)


def _live(draw: Callable[..., Any], alt: Alt, controls: list[Slider], play: bool) -> Any:
    import ipywidgets  # slow to import, and of no use in the static book

    wide = ipywidgets.Layout(width="min(36rem, 100%)")
    sliders = [
        ipywidgets.SelectionSlider(
            options=control.texts,
            index=control.start,
            description=control.label,
            continuous_update=True,
            layout=wide,
            style={"description_width": "initial"},
        )
        for control in controls
    ]
    picture = ipywidgets.HTML()

    def show(_change: Any = None) -> None:
        values = {c.name: c.values[s.index] for c, s in zip(controls, sliders, strict=True)}
        with own_figures():
            address, width, height = picture_address(draw_figure(draw, values))
        text = escape(_alt_text(alt, controls, values), quote=True)
        style = "max-width: 100%; height: auto; border-radius: 0.4rem"
        size = f'width="{width}" height="{height}"'
        picture.value = f'<img src="{address}" {size} alt="{text}" style="{style}">'

    def show_or_explain(change: Any) -> None:
        try:
            show(change)
        except Exception:  # an error in a callback would vanish
            picture.value = f"<pre>{escape(traceback.format_exc(limit=-2))}</pre>"

    show()  # an error here reaches the cell
    for slider in sliders:
        slider.observe(show_or_explain, names="index")
    rows: list[Any] = [*sliders]
    if play:
        last = len(controls[0].values) - 1
        button = ipywidgets.Play(min=0, max=last, value=sliders[0].index, interval=INTERVAL, repeat=True)
        ipywidgets.link((button, "value"), (sliders[0], "index"))
        rows.append(button)
    return ipywidgets.VBox([picture, *rows])


def _controls(
    sliders: Mapping[str, Iterable[Any]], start: Mapping[str, Any], labels: Mapping[str, str]
) -> list[Slider]:
    for given, what in ((start, "start"), (labels, "labels")):
        unknown = [name for name in given if name not in sliders]
        if unknown:
            raise ValueError(
                f"{what} names {unknown[0]!r}, which is no slider; there is {', '.join(sliders)}"
            )
    if not sliders:
        raise ValueError("explore needs at least one slider, such as learning_rate=[0.01, 0.1, 1.0]")
    controls = []
    for name, given_values in sliders.items():
        values = _values(name, given_values)
        label = labels.get(name, name.replace("_", " "))
        opening = _position(name, values, start[name]) if name in start else 0
        controls.append(Slider(name, label, values, _texts(name, values), opening))
    count = math.prod(len(control.values) for control in controls)
    if count > MAX_FRAMES:
        lengths = " x ".join(str(len(control.values)) for control in controls)
        raise ValueError(f"{lengths} = {count} frames are too many for a page; the limit is {MAX_FRAMES}")
    return controls


def _values(name: str, given: Iterable[Any]) -> list[Any]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"slider {name!r} must be a sequence of values, got {given!r}")
    values = [value.item() if hasattr(value, "item") else value for value in given]
    if not values:
        raise ValueError(f"slider {name!r} has no values")
    return values


def _position(name: str, values: list[Any], wanted: Any) -> int:
    for index, value in enumerate(values):
        both_numbers = isinstance(value, float) and isinstance(wanted, int | float)
        if value == wanted or (both_numbers and math.isclose(value, wanted, abs_tol=1e-9)):
            return index
    raise ValueError(f"start of slider {name!r} is {wanted!r}, which is none of its values {values}")


def _texts(name: str, values: list[Any]) -> list[str]:
    """Return what the slider shows for each value: short where that tells them apart."""
    texts = [_text(value) for value in values]
    if len(set(texts)) < len(texts):
        texts = [str(value) for value in values]
    if len(set(texts)) < len(texts):
        raise ValueError(f"slider {name!r} has values that look alike: {', '.join(texts)}")
    return texts


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    # A screen reader may skip a hyphen; it reads the minus sign.
    return text.replace("-", MINUS) if isinstance(value, int | float) else text


def _alt_text(alt: Alt, controls: list[Slider], values: Mapping[str, Any]) -> str:
    if callable(alt):
        text = alt(**values)
        if not (isinstance(text, str) and text.strip()):
            raise ValueError(f"alt must return a text that says what the picture shows, got {text!r}")
        return text
    told = (f"{c.label} = {c.texts[c.values.index(values[c.name])]}" for c in controls)
    return f"{alt.rstrip().rstrip('.')} ({', '.join(told)})."


def _check_arguments(draw: Callable[..., Any], controls: list[Slider]) -> None:
    names = [control.name for control in controls]
    try:
        inspect.signature(draw).bind(**dict.fromkeys(names))
    except TypeError as error:
        raise TypeError(f"draw cannot be called with {', '.join(names)}: {error}") from error
