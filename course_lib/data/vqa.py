"""Questions about small pictures: to answer, a network must look at what the question asks for."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.dataset import Dataset
from course_lib.data.hashed_splits import split_of
from course_lib.data.options import at_least_zero, whole
from course_lib.data.registry import register
from course_lib.data.shapes import signed_distance
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of, stream
from course_lib.data.words import join_words, number_words

KINDS = ("colour", "shape", "exists", "count")
_SHAPES = ("circle", "square", "cross", "ring")
_COLORS = {
    "red": (0.95, 0.15, 0.15),
    "green": (0.1, 0.75, 0.25),
    "blue": (0.2, 0.35, 1.0),
    "yellow": (0.95, 0.85, 0.1),
}
_NAMES = tuple(_COLORS)
_ANSWERS = ("no", "yes", "1", "2", "3", *_NAMES, *_SHAPES)
_MOST = 3  # objects
_SIDE = 4  # places along a side of the grid
_LONGEST = 6
_TRIES = 100  # to find a place
_WORDS = ("a", "are", "how", "is", "many", "one", "shapes", "the", "there", "what", "colour", "shape")
_VOCABULARY = (b"", *[word.encode() for word in sorted({*_WORDS, *_NAMES, *_SHAPES})])
_SIZES = {"train": 2000, "validation": 500, "test": 500}

Objects = list[tuple[int, int]]  # shape and colour of each


@dataclass(frozen=True, eq=False, repr=False)
class QuestionDataset(Dataset):
    """Pictures ``x`` (n, 3, h, w), a question about each, ``questions`` (n, t), and the answers ``y`` (n,).

    A question is a row of word numbers, int64, padded with 0; ``vocabulary`` has the words. ``kind`` (n,)
    says what is asked for: 0 a colour, 1 a shape, 2 whether there is one, 3 how many there are. ``grid``
    (n, 4, 4) is what the picture shows, place by place: 0 for nothing, else 1 + 4 * shape + colour, in the
    order of the classes. A model reads pictures and questions: ``model(d.x, d.questions)``; for batches take
    ``torch.utils.data.TensorDataset(d.x, d.questions, d.y)``.
    """

    questions: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.int64))
    kind: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    grid: Tensor = field(default_factory=lambda: torch.empty(0, _SIDE, _SIDE, dtype=torch.int64))
    vocabulary: tuple[bytes, ...] = ()

    def decode(self, question: Tensor) -> str:
        """Return the words of a question (t,)."""
        return join_words(self.vocabulary, question)

    def encode(self, question: str) -> Tensor:
        """Return the word numbers of a question, padded to the length (t,) of the others.

        Raises:
            ValueError: a word is not in the vocabulary, or there are too many.
        """
        length = self.questions.shape[1]
        found = number_words([question], self.vocabulary, length)[0]
        if len(found) > length:
            raise ValueError(f"a question must have at most {length} words, got {len(found)}")
        return found


@register(
    Sheet(
        name="vqa",
        kind="generated",
        what="Pictures of one to three coloured shapes, each with a question about it, such as 'what colour "
        "is the circle'.",
        source="Made by this course; the idea of such pictures and questions: J. Johnson et al. (2017), "
        "CLEVR: a diagnostic dataset for compositional language and elementary visual reasoning.",
        licence="CC0 1.0: pictures and words from a seed",
        size="as many as you ask for; a thousand take about 0.1 s",
        splits={**_SIZES, "all": sum(_SIZES.values())},
        shape=(3, 32, 32),
        values="float32, red, green and blue from 0 to 1; the questions, int64, are beside them",
        target="int64, the answer",
        classes=_ANSWERS,
        options={
            "n": "None: pictures in the split; None is what the table says",
            "size": "32: side of the pictures in pixels, a multiple of 4 from 24 to 128",
            "noise": "0.03: standard deviation of the noise on each pixel",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "x is half of the input: load(...).questions is the other half.",
            "All answers that a question can have are equally frequent, so without the picture one in three "
            "can be guessed right: half of the yes and no, a third of the numbers, a quarter of the rest.",
            "Where the answer is no, the colour and the shape are both there, on different objects (or one "
            "of them, on a single object): a list of the picture's colours and shapes is not enough.",
            "No arrangement of objects is in two splits, but each object is in all of them, at every place.",
        ),
    )
)
def vqa(
    split: str, *, n: int | None = None, size: int = 32, noise: float = 0.03, seed: int = 0
) -> QuestionDataset:
    """Return ``x`` (n, 3, size, size), ``questions`` (n, 6) and ``y`` (n,)."""
    seed, noise = whole("seed", seed, at_least=0), at_least_zero("noise", noise)
    if whole("size", size, at_least=24) > 128 or size % _SIDE:
        raise ValueError(f"size must be a multiple of {_SIDE} from 24 to 128, got {size}")
    pictures, questions, answers, grids, counts = [], [], [], [], []
    for part in parts_of(split):
        counts.append(_SIZES[part] if n is None else whole("n", n, at_least=1))
        rng = stream("vqa", seed, part)
        for number in range(counts[-1]):
            grid = None
            while grid is None:
                question, answer, objects = _asked(rng, KINDS[number % len(KINDS)])
                grid = _placed(rng, objects, part)
            questions.append(question)
            answers.append(_ANSWERS.index(answer))
            grids.append(grid)
        pixels = stream("vqa: pixels", seed, part)  # of its own, so that noise changes no question
        pictures.append(_painted(pixels, np.stack(grids[-counts[-1] :]), size // _SIDE, noise))
    x = torch.from_numpy(np.concatenate(pictures)).permute(0, 3, 1, 2)
    return QuestionDataset(
        x.to(torch.float32, memory_format=torch.contiguous_format).div_(255),
        torch.tensor(answers),
        questions=number_words(questions, _VOCABULARY, _LONGEST),
        kind=torch.cat([torch.arange(count) % len(KINDS) for count in counts]),
        grid=torch.from_numpy(np.stack(grids)),
        vocabulary=_VOCABULARY,
    )


def _asked(rng: Generator, kind: str) -> tuple[str, str, Objects]:
    """Draw a question, then one of its answers, then objects of which it is true."""
    count = 1 + int(rng.integers(_MOST))
    yes = bool(rng.integers(2))
    drawn = rng.integers(4, size=(2, 1 + _MOST)).tolist()  # there are four shapes and four colours
    (shape, *any_shape), (color, *any_color) = drawn
    away = rng.integers(1, 4, size=(2, _MOST)).tolist()
    other_shape, other_color = (
        [(own + each) % 4 for each in row] for own, row in zip((shape, color), away, strict=True)
    )
    if kind == "colour":
        chosen = [(shape, color), *zip(other_shape, any_color, strict=True)]
        question, answer = f"what colour is the {_SHAPES[shape]}", _NAMES[color]
    elif kind == "shape":
        chosen = [(shape, color), *zip(any_shape, other_color, strict=True)]
        question, answer = f"what shape is the {_NAMES[color]} one", _SHAPES[shape]
    elif kind == "exists":
        question, answer = f"is there a {_NAMES[color]} {_SHAPES[shape]}", "yes" if yes else "no"
        half_right = [(shape, other_color[0]), (other_shape[0], color)]
        turned = half_right[:: 1 if any_shape[0] < 2 else -1]  # which of the two, where there is one object
        last = (other_shape[1], any_color[0])
        chosen = [(shape, color), *zip(any_shape, any_color, strict=True)] if yes else [*turned, last]
    else:
        chosen = list(zip(any_shape, any_color, strict=True))
        question, answer = "how many shapes are there", str(count)
    return question, answer, chosen[:count]


def _placed(rng: Generator, objects: Objects, split: str) -> NDArray[np.int64] | None:
    """Put each object at a place of its own, so that the picture belongs to the split: a grid (4, 4).

    A single object has only 16 places, and one kind in forty has none in the test split: None, then.
    """
    for _ in range(_TRIES):
        grid = np.zeros(_SIDE * _SIDE, np.int64)
        for place, (shape, color) in zip(rng.permutation(len(grid)), objects, strict=False):
            grid[place] = 1 + len(_NAMES) * shape + color
        if split_of(str(grid.tolist())) == split:
            return grid.reshape(_SIDE, _SIDE)
    return None


def _stencils(cell: int) -> NDArray[np.float32]:
    """Return how much of each pixel the shapes cover: (4, cell, cell)."""
    upright = np.eye(2)[None] / (0.44 * cell)
    pixel = (np.arange(cell) + 0.5 - cell / 2).astype(np.float32)[None]
    distance = [signed_distance(shape, upright, pixel, pixel)[0] for shape in _SHAPES]
    return np.clip(np.float32(0.5) - np.stack(distance), 0, 1)


def _painted(rng: Generator, grids: NDArray[np.int64], cell: int, noise: float) -> NDArray[np.uint8]:
    """Paint the objects, lighter or darker, on dark grey grounds: (n, size, size, 3), in bytes."""
    size = _SIDE * cell
    stencils = _stencils(cell)[..., None]
    colors = np.array(list(_COLORS.values()), np.float32)
    pictures = np.empty((len(grids), size, size, 3), np.uint8)
    for picture, grid in zip(pictures, grids, strict=True):
        ground, light, grains = rng.random(), rng.random(grid.shape), rng.random((size, size, 3), np.float32)
        canvas = np.full((size, size, 3), 0.05 + 0.2 * ground, np.float32)
        for row, column in np.argwhere(grid):
            shape, color = divmod(int(grid[row, column]) - 1, len(_NAMES))
            here = canvas[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            paint = np.float32(0.75 + 0.25 * light[row, column]) * colors[color]
            here += stencils[shape] * (paint - here)
        canvas += np.float32(noise * np.sqrt(12)) * (grains - np.float32(0.5))
        picture[:] = np.rint(255 * np.clip(canvas, 0, 1))
    return pictures
