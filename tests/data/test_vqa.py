import re
from collections import Counter, defaultdict

import matplotlib.colors
import pytest
import torch

from course_lib import data
from course_lib.data import vqa as module

SPLITS = ("train", "validation", "test")
ALL = data.load("vqa", "all")
SHAPES = ("circle", "square", "cross", "ring")
COLORS = ("red", "green", "blue", "yellow")


def objects(grid):
    return [(SHAPES[(each - 1) // 4], COLORS[(each - 1) % 4]) for each in grid[grid > 0].tolist()]


def answer(question, there):
    """What is to be said of these objects, by the words of the question alone."""
    if question == "how many shapes are there":
        return str(len(there))
    if found := re.fullmatch("what colour is the (.*)", question):
        (color,) = [color for shape, color in there if shape == found[1]]  # fails unless there is one
        return color
    if found := re.fullmatch("what shape is the (.*) one", question):
        (shape,) = [shape for shape, color in there if color == found[1]]
        return shape
    color, shape = re.fullmatch("is there a (.*) (.*)", question).groups()
    return "yes" if (shape, color) in there else "no"


def test_every_answer_is_right():
    for question, y, kind, grid in zip(ALL.questions, ALL.y, ALL.kind, ALL.grid, strict=True):
        words, there = ALL.decode(question), objects(grid)
        assert 1 <= len(there) <= 3
        assert answer(words, there) == ALL.classes[y], f"{words} {there}"
        words_of_a_kind = ("what colour", "what shape", "is there", "how many")[kind]
        assert words.startswith(words_of_a_kind)


def test_all_answers_of_a_question_are_equally_frequent():
    found = data.load("vqa", n=4000)
    counts = defaultdict(Counter)
    for question, y in zip(found.questions, found.y, strict=True):
        words = found.decode(question)
        counts[words if words.startswith("what") or words.startswith("how") else "is there"][
            found.classes[y]
        ] += 1
    assert len(counts) == 4 + 4 + 1 + 1
    for words, answers in counts.items():
        chance = {"what": 1 / 4, "how": 1 / 3, "is": 1 / 2}[words.split()[0]]
        total = sum(answers.values())
        assert len(answers) == round(1 / chance), words
        for found_answer, count in answers.items():
            assert abs(count / total - chance) < 0.11, f"{words} {found_answer}: {count} of {total}"


def test_the_question_alone_gets_a_third_right():
    train, test = data.load("vqa", n=3000), data.load("vqa", "test", n=1000)
    best = defaultdict(Counter)
    for question, y in zip(train.questions, train.y, strict=True):
        best[train.decode(question)][int(y)] += 1
    guesses = [best[test.decode(question)].most_common(1)[0][0] for question in test.questions]
    right = (torch.tensor(guesses) == test.y).float().mean()
    assert 0.27 < right < 0.4


def test_a_no_has_the_colour_and_the_shape_as_a_yes_has():
    for question, y, grid in zip(ALL.questions, ALL.y, ALL.grid, strict=True):
        if ALL.classes[y] == "no":
            color, shape = ALL.decode(question).split()[-2:]
            there = objects(grid)
            attributes = {shape for shape, _ in there} | {color for _, color in there}
            assert len({color, shape} & attributes) == (2 if len(there) > 1 else 1)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_the_picture_shows_the_grid(size):
    """The brightest pixel of an object has its colour, and where there is none is the grey ground."""
    found = data.load("vqa", n=200, size=size, noise=0)
    cell = size // 4
    for x, grid in zip(found.x, found.grid, strict=True):
        for row in range(4):
            for column in range(4):
                here = x[:, row * cell : (row + 1) * cell, column * cell : (column + 1) * cell].flatten(1)
                red, green, blue = here[:, here.amax(dim=0).argmax()].tolist()
                hue, saturation, _ = matplotlib.colors.rgb_to_hsv((red, green, blue))
                if grid[row, column] == 0:
                    assert red == green == blue <= 0.26
                else:
                    color = COLORS[int(grid[row, column] - 1) % 4]
                    expected = {"red": 0.0, "yellow": 0.15, "green": 0.37, "blue": 0.64}[color]
                    assert saturation > 0.6
                    assert abs(hue - expected) < 0.04, f"{color} has hue {hue}"


def test_shapes_differ_and_lie_within_their_place():
    covers = module._stencils(16)
    areas = covers.sum(axis=(1, 2)) / 16**2
    assert (areas > 0.2).all()
    for first in range(4):
        border = covers[first].copy()
        border[1:-1, 1:-1] = 0
        assert border.sum() < 1, f"the {SHAPES[first]} touches the border of its place"
        for other in range(first):
            assert abs(covers[first] - covers[other]).sum() > 0.05 * 16**2
    assert abs(areas[0] - torch.pi * (0.85 * 0.44) ** 2) < 0.01, "the circle's area"


def test_no_arrangement_is_in_two_splits_whatever_the_seed():
    seen = {split: set() for split in SPLITS}
    for seed in range(3):
        for split in SPLITS:
            seen[split] |= {str(grid.tolist()) for grid in data.load("vqa", split, n=200, seed=seed).grid}
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]


def test_noise_has_the_deviation_asked_for_and_values_are_bytes():
    clean, noisy = (data.load("vqa", n=200, noise=noise) for noise in (0.0, 0.05))
    x = noisy.x
    assert torch.equal((x * 255).round() / 255, x)
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal(clean.grid[0], noisy.grid[0])
    ground = (clean.x[0] > 0.1) & (clean.x[0] < 0.3)
    if ground.sum() > 1000:
        assert abs((noisy.x[0] - clean.x[0])[ground].std() - 0.05) < 0.005


def test_asking_for_more_keeps_the_first_ones():
    few, many = (data.load("vqa", "test", n=n) for n in (50, 120))
    for part in ("x", "y", "questions", "kind", "grid"):
        assert torch.equal(getattr(few, part), getattr(many, part)[:50]), part


def test_a_question_of_ones_own_can_be_asked():
    question = ALL.encode("is there a yellow cross")
    assert question.shape == ALL.questions[0].shape
    assert ALL.decode(question) == "is there a yellow cross"
    with pytest.raises(ValueError, match=r"the vocabulary has no \['purple'\]"):
        ALL.encode("is there a purple cross")
    with pytest.raises(ValueError, match="at most 6 words, got 7"):
        ALL.encode("what shape is the one there is")


def test_it_moves_with_all_its_parts():
    moved = ALL.to("cpu")
    assert moved.decode(moved.questions[1]) == ALL.decode(ALL.questions[1])
    assert torch.equal(moved.grid, ALL.grid)
    assert repr(moved).startswith("QuestionDataset('vqa', 'all': 3000 examples, 13 classes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"size": 20}, "size must be a whole number of at least 24, got 20"),
        ({"size": 30}, "size must be a multiple of 4 from 24 to 128, got 30"),
        ({"size": 256}, "size must be a multiple of 4 from 24 to 128, got 256"),
        ({"noise": -1}, "noise must be at least 0, got -1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("vqa", **options)
