import base64
import html
import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from course_lib.visualize import PAPER, Explorable, explore

ROOT = Path(__file__).parents[2]
drawn = []


def draw(slope, shift=0):
    drawn.append((slope, shift))
    figure, ax = plt.subplots(figsize=(2, 1.5))
    ax.plot([0, 1], [shift, slope + shift])
    ax.set(xlim=(0, 1), ylim=(-3, 3))
    return figure


@pytest.fixture(autouse=True)
def forget():
    drawn.clear()


@pytest.fixture
def book(monkeypatch):
    monkeypatch.setenv("COURSE_BOOK", "1")


@pytest.fixture
def live(monkeypatch):
    monkeypatch.delenv("COURSE_BOOK", raising=False)


class Elements(HTMLParser):
    """All elements of a piece of HTML as (tag, attributes), and whether they are well nested."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


# In the static book


@pytest.mark.usefixtures("book")
class TestBook:
    def test_every_combination_is_drawn_once_the_last_slider_fastest(self):
        explore(draw, "a line", slope=[1, 2], shift=[0, 1, 2])
        assert drawn == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]

    def test_it_is_html_for_a_notebook_and_short_as_text(self):
        shown = explore(draw, "a line", slope=[1, 2], shift=range(3))
        assert isinstance(shown, Explorable)
        assert shown._repr_html_() == shown.html
        assert repr(shown) == "<explore: slope (2 values), shift (3 values)>"

    def test_the_same_call_gives_the_same_text(self):
        first, second = (explore(draw, "a line", slope=[1, 2]).html for _ in range(2))
        assert first == second
        assert explore(draw, "a line", slope=[1, 3]).html != first

    def test_ids_differ_between_different_explorables(self):
        pages = [
            explore(draw, "a line", slope=[1, 2]),
            explore(draw, "another line", slope=[1, 2]),
            explore(draw, "a line", slope=[1, 2], labels={"slope": "steepness"}),
            explore(draw, "a line", slope=[1, 2], start={"slope": 2}),
            explore(draw, "a line", slope=[1, 2], play=True),
        ]
        ids = [re.search(r'data-explore="(\w+)"', page.html)[1] for page in pages]
        assert len(set(ids)) == len(ids)

    def test_sliders_are_native_labelled_and_tell_their_value(self):
        page = Elements(explore(draw, "a line", slope=[-1.5, 0.25], shift=[0, 1, 2], start={"shift": 1}).html)
        first, second = page.all("input")
        assert [first["type"], first["min"], first["max"], first["value"]] == ["range", "0", "1", "0"]
        assert [second["max"], second["value"]] == ["2", "1"]
        assert first["aria-valuetext"] == "\u22121.5"
        assert second["aria-valuetext"] == "1"
        assert [label["for"] for label in page.all("label")] == [first["id"], second["id"]]
        assert [output["for"] for output in page.all("output")] == [first["id"], second["id"]]

    def test_without_script_the_opening_frame_is_there_and_the_sliders_are_not(self):
        text = explore(draw, "a line", slope=[1, 2], start={"slope": 2}).html
        page = Elements(text)
        (image,) = page.all("img")
        assert image["src"].startswith("data:image/webp;base64,")
        assert image["src"] == re.findall(r'"(data:[^"]+)"', text.split("application/json")[1])[1]
        assert image["alt"] == "a line (slope = 2)."
        controls = next(a for a in page.all("div") if a["class"] == "course-explore-controls")
        assert "hidden" in controls
        assert "slope = 2. The sliders need JavaScript." in text

    def test_the_size_of_the_frame_is_stated_so_that_nothing_jumps(self):
        (image,) = Elements(explore(draw, "a line", slope=[1, 2]).html).all("img")
        assert (image["width"], image["height"]) == ("220", "165")

    def test_nothing_is_fetched(self):
        text = explore(draw, "a line", slope=[1, 2], play=True).html
        text = re.sub(r"data:image/webp;base64,[^\"]+", "", text)
        assert not re.findall(r"https?:|//[a-z]|@import|url\(|<link|src=\"[^\"]|srcset", text)

    def test_alt_can_be_a_function(self):
        text = explore(
            draw, lambda slope, shift: f"rises by {slope} from {shift}", slope=[1, 2], shift=[3]
        ).html
        assert 'alt="rises by 1 from 3"' in text
        assert '"alts":["rises by 1 from 3","rises by 2 from 3"]' in text

    def test_equal_frames_are_carried_once(self):
        text = explore(lambda slope: draw(0), "a line", slope=[1, 2, 3]).html
        assert text.split("application/json")[1].count("data:image/webp") == 1
        assert '"frames":[0,0,0]' in text

    def test_hostile_texts_stay_texts(self):
        evil = '</script><script>alert("1")</script>&amp;"'
        text = explore(lambda slope: draw(1), evil, slope=[evil, "b"], labels={"slope": evil}).html
        page = Elements(text)
        assert len(page.all("script")) == 2
        assert page.all("img")[0]["alt"].startswith(evil)
        assert page.all("input")[0]["aria-valuetext"] == evil
        assert f">{html.escape(evil)}</label>" in text

    def test_play_adds_a_button(self):
        assert len(Elements(explore(draw, "a line", slope=[1, 2], play=True).html).all("button")) == 1
        assert len(Elements(explore(draw, "a line", slope=[1, 2]).html).all("button")) == 0

    def test_no_figure_is_left(self):
        explore(draw, "a line", slope=[1, 2])
        assert plt.get_fignums() == []

    def test_needs_no_widgets(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ipywidgets", None)
        explore(draw, "a line", slope=[1])


# Values


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, -2], ["1", "\u22122"]),
        ([0.1 + 0.2, 1e-5, 123456.0], ["0.3", "1e\u221205", "1.235e+05"]),
        (np.linspace(0, 1, 3), ["0", "0.5", "1"]),
        (range(2), ["0", "1"]),
        ((False, True), ["no", "yes"]),
        (["relu", "leaky-relu"], ["relu", "leaky-relu"]),
        ([1.00001, 1.00002], ["1.00001", "1.00002"]),
        (iter([1, 2]), ["1", "2"]),
    ],
)
def test_values_of_many_kinds(values, texts):
    text = explore(lambda slope: draw(1), "a line", slope=values).html
    assert f'"texts":[{str(texts).replace(chr(39), chr(34)).replace(", ", ",")}]' in text


@pytest.mark.usefixtures("book")
def test_draw_gets_plain_numbers():
    explore(draw, "a line", slope=np.array([0.5, 1.0]), shift=np.arange(2))
    assert {(type(slope), type(shift)) for slope, shift in drawn} == {(float, int)}


@pytest.mark.usefixtures("book")
def test_start_finds_a_value_in_spite_of_rounding():
    text = explore(draw, "a line", slope=np.arange(0, 1, 0.1), start={"slope": 0.3}).html
    assert Elements(text).all("input")[0]["value"] == "3"


@pytest.mark.parametrize("in_book", ["1", ""])
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({}, ValueError, "explore needs at least one slider"),
        ({"slope": []}, ValueError, "slider 'slope' has no values"),
        ({"slope": 3}, TypeError, "slider 'slope' must be a sequence of values, got 3"),
        ({"slope": "abc"}, TypeError, "slider 'slope' must be a sequence of values, got 'abc'"),
        ({"slope": [1, 1]}, ValueError, "slider 'slope' has values that look alike: 1, 1"),
        ({"height": [1]}, TypeError, "draw cannot be called with height"),
        ({"shift": [1]}, TypeError, "draw cannot be called with shift: missing a required argument: 'slope'"),
        ({"slope": range(81)}, ValueError, "81 = 81 frames are too many for a page; the limit is 80"),
        ({"slope": range(9), "shift": range(9)}, ValueError, "9 x 9 = 81 frames are too many"),
        (
            {"slope": [1, 2], "start": {"slope": 3}},
            ValueError,
            r"start of slider 'slope' is 3, .*none of its values",
        ),
        ({"slope": [1, 2], "start": {"shift": 3}}, ValueError, "start names 'shift', which is no slider"),
        (
            {"slope": [1, 2], "labels": {"s": "S"}},
            ValueError,
            "labels names 's', which is no slider; there is slope",
        ),
        ({"slope": [1], "alt": ""}, ValueError, "alt must be a text that says what the picture shows"),
        ({"slope": [1], "alt": None}, ValueError, "alt must be a text"),
        ({"slope": [1], "alt": lambda slope: " "}, ValueError, "alt must return a text that says"),
        ({"slope": [1], "draw": "line"}, TypeError, "draw must be a function, got str"),
    ],
)
def test_bad_arguments_are_explained_live_and_in_the_book(monkeypatch, in_book, arguments, kind, message):
    monkeypatch.setenv("COURSE_BOOK", in_book)
    with pytest.raises(kind, match=message):
        explore(**({"draw": draw, "alt": "a line"} | arguments))


def test_eighty_frames_are_allowed(monkeypatch):
    monkeypatch.setenv("COURSE_BOOK", "1")
    explore(lambda slope: plt.figure(figsize=(0.2, 0.2)), "a line", slope=range(80))


# In a live kernel


def parts(box):
    """The picture and the sliders of a live explorable."""
    return box.children[0], [child for child in box.children if isinstance(child, ipywidgets.SelectionSlider)]


@pytest.mark.usefixtures("live")
class TestLive:
    def test_it_opens_with_one_figure_at_the_start(self):
        box = explore(draw, "a line", slope=[1, 2], shift=[0, 1], start={"slope": 2})
        picture, sliders = parts(box)
        assert drawn == [(2, 0)]
        assert [slider.label for slider in sliders] == ["2", "0"]
        (image,) = Elements(picture.value).all("img")
        assert image["src"].startswith("data:image/webp;base64,")
        assert image["alt"] == "a line (slope = 2, shift = 0)."
        assert (image["width"], image["height"]) == ("220", "165")

    def test_moving_a_slider_draws_anew(self):
        picture, (slope, shift) = parts(explore(draw, "a line", slope=[1, 2], shift=[0, 1]))
        before = picture.value
        slope.index = 1
        shift.index = 1
        assert drawn == [(1, 0), (2, 0), (2, 1)]
        assert picture.value != before
        slope.index, shift.index = 0, 0
        assert picture.value == before

    def test_sliders_follow_continuously_and_have_names(self):
        _, (slope, shift) = parts(explore(draw, "a", slope=[1, 2], shift=[0], labels={"slope": "steepness"}))
        assert slope.continuous_update
        assert (slope.description, shift.description) == ("steepness", "shift")

    def test_an_error_while_moving_is_shown_and_goes_away(self):
        def fails(slope):
            return draw(1 / slope)

        picture, (slope,) = parts(explore(fails, "a line", slope=[1, 0, 2]))
        slope.index = 1
        assert "ZeroDivisionError" in picture.value
        assert "<img" not in picture.value
        slope.index = 2
        assert "<img" in picture.value

    def test_an_error_at_the_start_reaches_the_cell(self):
        with pytest.raises(ZeroDivisionError):
            explore(lambda slope: 1 / 0, "a line", slope=[1])

    def test_play_moves_the_first_slider(self):
        box = explore(draw, "a line", slope=[1, 2, 3], shift=[0, 1], start={"slope": 2}, play=True)
        (button,) = [child for child in box.children if isinstance(child, ipywidgets.Play)]
        assert (button.min, button.max, button.value) == (0, 2, 1)
        button.value = 2
        assert drawn[-1] == (3, 0)

    def test_no_figure_is_left(self):
        _, (slope,) = parts(explore(draw, "a line", slope=[1, 2]))
        slope.index = 1
        assert plt.get_fignums() == []

    def test_hostile_texts_stay_texts(self):
        picture, _ = parts(explore(draw, '"><script>alert(1)</script>', slope=[1]))
        assert [tag for tag, _ in Elements(picture.value).found] == ["img"]


# In a kernel, as a reader and the book run it

CELLS = [
    "import course_lib.visualize as visualize, matplotlib.pyplot as plt",
    """def draw(slope):
    figure, ax = plt.subplots()
    ax.plot([0, slope])
    return figure
visualize.explore(draw, "a line", slope=[1, 2])""",
    "visualize.curves({'loss': [3, 2, 1]});",
    "visualize.image_grid([[[0, 1], [1, 0]]]);",
]


@pytest.mark.parametrize("in_book", ["1", ""])
def test_in_a_notebook_every_figure_shows_once(monkeypatch, in_book):
    monkeypatch.setenv("COURSE_BOOK", in_book)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells]
    assert [len(found) for found in outputs] == [0, 1, 1, 1], outputs
    kind = "text/html" if in_book else "application/vnd.jupyter.widget-view+json"
    assert kind in outputs[1][0].data
    for (output,) in outputs[2:]:
        figure = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGBA")
        assert np.allclose(figure.getpixel((2, 2)), [*(255 * np.array(to_rgb(PAPER))), 255], atol=1)
