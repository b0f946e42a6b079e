"""Drawings of architectures: what is in them, and that they work in a browser."""

import functools
import importlib.util
import re
import warnings
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect, sync_playwright
from torch import nn
from torchvision_models import get_model

from course_lib import layers
from course_lib.visualize.architecture import Architecture, architecture
from course_lib.visualize.architecture_layout import COLUMN_GAP, lay_out
from course_lib.visualize.style import INK, PAPER, contrast

ROOT = Path(__file__).parents[2]
ALL = 99  # deeper than any model


@functools.cache
def on_meta(name):
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return get_model(name, weights=None)


@functools.cache
def drawn(name, **options):
    return architecture(on_meta(name), 224, f"The layers of {name}", **options)


def lenet():
    return nn.Sequential(
        *(layers.Conv2d(1, 6, 5), layers.Tanh(), layers.AvgPool2d(2), layers.Conv2d(6, 16, 5), layers.Tanh()),
        *(layers.AvgPool2d(2), nn.Flatten(), layers.Linear(400, 84), layers.Tanh(), layers.Linear(84, 10)),
    )


class Elements(HTMLParser):
    """All elements of a piece of HTML as (tag, attributes), and whether they are well nested."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


# what is drawn


def test_lenet_is_a_chain_of_boxes():
    got = architecture(lenet(), (1, 32, 32), "LeNet")
    assert [(box.kind, box.role, box.notes) for box in got.boxes] == [
        ("input", "input", ["1 x 32 x 32"]),
        ("Conv2d 5 x 5", "convolution", ["+ Tanh", "6 x 28 x 28", "156 parameters"]),
        ("AvgPool2d 2 x 2, stride 2", "pooling", ["6 x 14 x 14"]),
        ("Conv2d 5 x 5", "convolution", ["+ Tanh", "16 x 10 x 10", "2,416 parameters"]),
        ("AvgPool2d 2 x 2, stride 2", "pooling", ["+ Flatten", "400"]),
        ("Linear", "dense", ["+ Tanh", "84", "33,684 parameters"]),
        ("Linear", "dense", ["10", "850 parameters"]),
    ]
    assert [box.inputs for box in got.boxes] == [[], *([box] for box in got.boxes[:-1])]
    assert got.skips == 0
    assert repr(got) == "<architecture: 7 boxes, 6 lines, 0 of them skip boxes>"


MODELS = ["alexnet", "resnet18", "googlenet", "densenet121", "mobilenet_v2", "vit_b_16"]


@pytest.mark.parametrize(
    ("name", "depth"),
    [*((name, None) for name in MODELS), ("resnet50", 1), ("googlenet", 1), ("vit_b_16", 1)],
)
def test_every_layer_with_parameters_is_in_exactly_one_box(name, depth):
    net = on_meta(name)
    got = architecture(net, 224, name, depth=depth)
    counts = dict.fromkeys((key for key, _ in net.named_parameters()), 0)
    for box in got.boxes:
        inside = {unit.name for unit in box.units}
        for key in counts:
            owner = key.rpartition(".")[0]
            parts = owner.split(".")
            around = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
            # A block's own parameters are used by what it does between layers: those boxes have its name.
            counts[key] += bool(around & inside) and bool(box.parameters)
    assert sum(box.parameters for box in got.boxes) == sum(p.numel() for p in net.parameters())
    if name != "vit_b_16" or depth == 1:  # a box for what the encoder adds, and boxes for what is in it
        assert set(counts.values()) <= {1}, [key for key, count in counts.items() if count != 1][:5]
    assert all(box.parameters == 0 or any("parameters" in note for note in box.notes) for box in got.boxes)


def test_resnet18_skips_eight_times():
    got = drawn("resnet18")
    assert got.skips == 8
    sums = [box for box in got.boxes if box.kind == "add"]
    assert len(sums) == 8
    assert all(len(box.inputs) == 2 for box in sums)
    assert all(box.notes[0] == "+ ReLU" for box in sums)
    assert sum("downsample" in box.label for box in got.boxes) == 3


def test_densenet_concatenates_what_came_before():
    net = on_meta("densenet121")
    everything = architecture(net, 224, "DenseNet", depth=ALL)
    assert sum(box.kind == "cat" for box in everything.boxes) == 6 + 12 + 24 + 16 + 4
    block = architecture(net.features.denseblock1, (64, 56, 56), "A dense block", depth=1)
    assert [len(box.inputs) for box in block.boxes] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert block.boxes[-1].kind == "cat"
    assert block.skips == 6 * 7 // 2


def test_googlenet_has_modules_of_four_branches():
    got = drawn("googlenet")
    joints = [box for box in got.boxes if box.kind == "cat"]
    assert [len(box.inputs) for box in joints] == [4] * 9
    idle = [box for box in got.boxes if "not run in evaluation" in box.notes]
    assert [(box.label, box.kind) for box in idle] == [("aux1", "InceptionAux"), ("aux2", "InceptionAux")]
    assert 'class="o d"' in got.html


def test_deep_networks_become_blocks_and_repeated_blocks_one_box():
    got = drawn("resnet152")
    assert len(got.boxes) < 20
    by_block = architecture(on_meta("resnet152"), 224, "ResNet-152", depth=2)
    blocks = [(box.repeats, box.label) for box in by_block.boxes if box.role == "block"]
    assert blocks == [
        (1, "layer1.0"), (2, "layer1.1 … layer1.2"), (1, "layer2.0"), (7, "layer2.1 … layer2.7"),
        (1, "layer3.0"), (35, "layer3.1 … layer3.35"), (1, "layer4.0"), (2, "layer4.1 … layer4.2"),
    ]  # fmt: skip
    assert "35 × Bottleneck" in by_block.html
    assert "6 × _DenseLayer" in drawn("densenet121").html


def test_depth_is_that_of_the_module_tree():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())), nn.ReLU()
    )
    names = [
        [box.label for box in architecture(net, 8, "A net", depth=depth).boxes[1:]] for depth in (1, 2, 3)
    ]
    assert names == [["0", "1"], ["0.0", "0.1", "1"], ["0.0", "0.1.0"]]


def test_no_box_is_so_full_that_small_layers_used_twice_vanish():
    """A normalization of what goes on elsewhere too has a box of its own."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x):
            y = self.conv(x)
            return y + self.norm(y)

    got = architecture(Block(), 8, "A block")
    assert [box.kind for box in got.boxes] == ["input", "Conv2d 1 x 1", "BatchNorm2d", "add"]
    assert [box.kind for box in got.boxes[-1].inputs] == ["Conv2d 1 x 1", "BatchNorm2d"]


# where it is drawn


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "vit_b_16"])
def test_nothing_overlaps_and_lines_go_down(name):
    found = drawn(name).boxes
    number = {id(box): i for i, box in enumerate(found)}
    places, edges = lay_out([(90, 40)] * len(found), [[number[id(s)] for s in box.inputs] for box in found])
    everything = [
        *places,
        *{id(place): place for edge in edges for place in edge if not place.is_box}.values(),
    ]
    for row in {place.row for place in places}:
        here = sorted((place for place in everything if place.row == row), key=lambda place: place.x)
        for left, right in pairwise(here):
            assert right.x - left.x >= (left.width + right.width) / 2 + COLUMN_GAP - 1e-6
    for edge in edges:
        assert [place.row for place in edge] == list(range(edge[0].row, edge[-1].row + 1))


# what it is as HTML


@pytest.mark.parametrize(
    ("name", "limit"), [("densenet121", 150_000), ("googlenet", 150_000), ("resnet152", 150_000)]
)
def test_it_is_light(name, limit):
    assert len(drawn(name).html.encode()) < limit
    if name == "densenet121":
        assert len(drawn(name, depth=3).html.encode()) < 600_000


def test_it_is_one_piece_without_ids_that_fetches_nothing():
    got = drawn("resnet18")
    assert isinstance(got, Architecture)
    assert got._repr_html_() == got.html == drawn.__wrapped__("resnet18").html
    page = Elements(got.html)
    assert not any("id" in attributes for _, attributes in page.found)
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.found)
    assert re.findall(r"https?://[^\"']+", got.html) == ["http://www.w3.org/2000/svg"]
    keys = re.findall(r'data-architecture="(\w+)"', got.html)
    assert re.findall(r'data-architecture="(\w+)"', drawn("alexnet").html) != keys


def test_the_alternative_text_is_there_and_escaped():
    (svg,) = Elements(architecture(lenet(), (1, 32, 32), 'Five "layers" & <two> poolings').html).all("svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == 'Five "layers" & <two> poolings'


def test_names_are_escaped():
    net = nn.Sequential()
    net.add_module("<script>alert(1)</script>", type("A<b>", (nn.ReLU,), {})())
    net.add_module("&", nn.Linear(8, 8))
    text = architecture(net, (3, 8, 8), "A net").html
    assert "<script>alert" not in text
    assert "A&lt;b&gt;" in text
    Elements(text)


def test_text_is_told_from_every_colour():
    fills = set(re.findall(r'fill="(#\w+)"', drawn("vit_b_16").html + drawn("googlenet").html))
    assert len(fills) == 7
    assert all(contrast(fill, INK) > 7 for fill in fills)
    assert PAPER in fills


@pytest.mark.parametrize(
    ("error", "arguments", "options", "words"),
    [
        (TypeError, (lenet(), (1, 32, 32)), {}, "alt"),
        (ValueError, (lenet(), (1, 32, 32), " "), {}, "alt must be a text that says what the drawing shows"),
        (ValueError, (lenet(), (1, 32, 32), None), {}, "alt must be a text"),
        (TypeError, (3, 8, "A net"), {}, "model must be a torch.nn.Module, got int"),
        (ValueError, (lenet(), (1, 32, 32), "A net"), {"depth": 0}, "depth must be 1 or more"),
        (TypeError, (lenet(), "big", "A net"), {}, "architecture: input_size must be an integer, a tuple"),
    ],
)
def test_what_is_refused(error, arguments, options, words):
    with pytest.raises(error, match=words):
        architecture(*arguments, **options)


# in a browser


@pytest.fixture(scope="module")
def browser():
    spec = importlib.util.spec_from_file_location("browser", ROOT / "tools" / "browser.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=module.browser(), args=["--no-sandbox"])


@pytest.fixture(scope="module")
def document():
    return f"<!doctype html><meta charset=utf-8>{drawn('resnet18').html * 2}"


@pytest.mark.parametrize("width", [390, 1200])
def test_it_opens_legible_and_zooms(browser, document, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.set_content(document)
    for n in (0, 1):  # the same drawing twice
        root = page.locator(".course-architecture").nth(n)
        view, svg = root.locator(".course-architecture-view"), root.locator("svg")
        opened = svg.bounding_box()["width"]
        assert view.bounding_box()["width"] <= width
        assert root.locator(".k").first.bounding_box()["height"] > 7
        root.get_by_role("button", name="Zoom in").click()
        assert svg.bounding_box()["width"] == pytest.approx(1.25 * opened, rel=0.01)
        view.press("-")
        view.press("-")
        assert svg.bounding_box()["width"] == pytest.approx(opened / 1.25, rel=0.01)
        view.press("0")
        assert svg.bounding_box()["width"] == pytest.approx(opened, rel=0.01)
        root.get_by_role("button", name="Show all").click()
        assert svg.bounding_box()["height"] <= view.bounding_box()["height"] + 1
    assert errors == []
    page.close()


@pytest.mark.parametrize("name", ["googlenet", "vit_b_16", "densenet121"])
def test_texts_stay_in_their_boxes(browser, name):
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_content(f"<!doctype html><meta charset=utf-8>{drawn(name).html}")
    over = page.evaluate("""() => [...document.querySelectorAll(".course-architecture g")].flatMap((box) => {
        const frame = box.querySelector("rect").getBBox();
        return [...box.querySelectorAll("text")].filter((text) => {
            const t = text.getBBox();
            return t.x < frame.x || t.x + t.width > frame.x + frame.width || t.y < frame.y
                || t.y + t.height > frame.y + frame.height;
        }).map((text) => text.textContent);
    })""")
    assert over == []
    page.close()


def test_it_is_dragged_with_the_mouse(browser, document):
    page = browser.new_page(viewport={"width": 800, "height": 800})
    page.set_content(document)
    view = page.locator(".course-architecture-view").first
    box = view.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 400)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 250, steps=3)
    page.mouse.up()
    page.mouse.move(box["x"] + 200, box["y"] + 100)  # no button: no drag
    assert view.evaluate("view => view.scrollTop") == pytest.approx(150, abs=1)
    page.close()


def test_without_script_it_is_a_drawing_that_scrolls(browser, document):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.set_content(document)
    root = page.locator(".course-architecture").first
    expect(root.locator("svg")).to_be_visible()
    expect(root.get_by_role("button")).to_have_count(0)
    assert (
        root.locator("svg").bounding_box()["height"]
        > root.locator(".course-architecture-view").bounding_box()["height"]
    )
    context.close()
