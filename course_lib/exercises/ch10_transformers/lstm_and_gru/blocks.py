"""The exercise on an LSTM whose blocks are in an unknown order."""

from collections.abc import Callable
from itertools import permutations

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference.activations import sigmoid

SECTION = "10_transformers/lstm_and_gru"
Array = np.ndarray


def find_order(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
    """The order of the blocks of a, as a word of the letters i, f, g, o."""
    for order in permutations("ifgo"):
        block = dict(zip(order, np.split(a, 4, axis=1), strict=True))
        new = sigmoid(block["f"]) * c + sigmoid(block["i"]) * np.tanh(block["g"])
        if np.allclose(new, c_next) and np.allclose(sigmoid(block["o"]) * np.tanh(new), h_next):
            return "".join(order)
    raise ValueError("no order of the blocks explains this step")


def _by_elimination(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
    blocks = np.split(a, 4, axis=1)
    o = min(range(4), key=lambda j: np.abs(sigmoid(blocks[j]) * np.tanh(c_next) - h_next).max())
    rest = [j for j in range(4) if j != o]
    found = min(
        permutations(rest),
        key=lambda t: np.abs(
            sigmoid(blocks[t[0]]) * np.tanh(blocks[t[1]]) + sigmoid(blocks[t[2]]) * c - c_next
        ).max(),
    )
    names = {found[0]: "i", found[1]: "g", found[2]: "f", o: "o"}
    return "".join(names[j] for j in range(4))


def _renamed(old: str, new: str) -> Callable[..., str]:
    """The right word with letters exchanged."""

    def answer(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
        return find_order(a, c, h_next, c_next).translate(str.maketrans(old, new))

    return answer


def _always(word: str) -> Callable[..., str]:
    def answer(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
        return word

    return answer


def _reversed(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
    return find_order(a, c, h_next, c_next)[::-1]


def _inverse(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
    order = find_order(a, c, h_next, c_next)
    return "".join("ifgo"[order.index(name)] for name in "ifgo")


def _positions(a: Array, c: Array, h_next: Array, c_next: Array) -> str:
    order = find_order(a, c, h_next, c_next)
    return "".join(str(order.index(name)) for name in "ifgo")


def _listed(a: Array, c: Array, h_next: Array, c_next: Array) -> list[str]:
    return list(find_order(a, c, h_next, c_next))


def _steps(rng: np.random.Generator) -> list[Case]:
    def draw(order: str, n: int, k: int, label: str) -> Case:
        block = {name: rng.normal(0, 1.5, (n, k)).round(2) for name in "ifgo"}
        c = rng.normal(0, 1.5, (n, k)).round(2)
        c_next = sigmoid(block["f"]) * c + sigmoid(block["i"]) * np.tanh(block["g"])
        h_next = sigmoid(block["o"]) * np.tanh(c_next)
        a = np.concatenate([block[name] for name in order], axis=1)
        return case(a, c, h_next, c_next, label=label)

    return [
        draw("ifgo", 3, 2, "torch's order"),
        draw("ifog", 2, 3, "the candidate last"),
        draw("iofg", 4, 2, "the order of ONNX"),
        draw("gifo", 1, 4, "the candidate first"),
        draw("ogfi", 5, 1, "torch's order from the end"),
        draw("fgoi", 2, 2, "all in other places"),
    ]


ORDER = Exercise(
    id="lstm_and_gru/find_order",
    section=SECTION,
    title="Find the swapped gates",
    reference=find_order,
    cases=_steps,
    alternatives=[_by_elimination],
    mistakes=[
        Mistake(_always("ifgo"), "This is torch's order whatever comes. Try the orders against the step."),
        Mistake(_always("ifog"), "The same answer for every step. Let the numbers decide."),
        Mistake(_reversed, "The right word, read from the end. The first letter names the first block."),
        Mistake(
            _inverse,
            "The order is inverted: you say which block of a stands at i, f, g and o. Say which gate each block of a is.",
        ),
        Mistake(
            _positions,
            "These are the places of i, f, g and o. Name the gate of each block, in the order of the blocks.",
        ),
        Mistake(_listed, "A list of letters. Join them to one word, such as 'ifgo'."),
        Mistake(
            _renamed("ig", "gi"),
            "i and g are exchanged. Only one of the two goes through a sigmoid: the gate i.",
        ),
        Mistake(_renamed("fo", "of"), "f and o are exchanged. The one that multiplies the old cell is f."),
        Mistake(_renamed("if", "fi"), "i and f are exchanged. The one that multiplies the old cell is f."),
        Mistake(
            _renamed("go", "og"),
            "g and o are exchanged. The candidate g is written into the cell; o shows it.",
        ),
    ],
    hint="There are only 24 orders: itertools.permutations('ifgo'). Which of them gives c_next and h_next?",
)
