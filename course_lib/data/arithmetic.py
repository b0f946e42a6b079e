"""Sums to be worked out character by character: a language with a rule for each answer."""

from numpy.random import Generator

from course_lib.data.hashed_splits import distinct
from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of
from course_lib.data.strings import numbered, vocabulary
from course_lib.data.text import TextDataset

_OPERATIONS = "+-*"
_ALPHABET = "0123456789+-*="
_MOST_DIGITS = 9
_SIZES = {"train": 4000, "validation": 1000, "test": 1000}

Problem = tuple[int, str, int]


@register(
    Sheet(
        name="arithmetic",
        kind="generated",
        what="Problems such as '12+345=', with the answer to be written digit by digit: '357'.",
        source="Made by this course; learning to add from characters: W. Zaremba and I. Sutskever (2014), "
        "Learning to execute.",
        licence="CC0 1.0: strings from a seed",
        size="as many problems as you ask for, as far as there are different ones",
        splits={**_SIZES, "all": sum(_SIZES.values())},
        shape=(8,),
        values="int64, numbers of characters, 0 for padding at the end",
        target="int64, numbers of the answer's characters, padded with 0; the first 0 says that it ends",
        options={
            "n": "None: problems in the split; None is what the table says",
            "digits": f"3: of either number at most, up to {_MOST_DIGITS}; shorter numbers come as often",
            "operations": '"+-": one or more of +, - and *',
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "No problem is in two splits, and 7+12 is where 12+7 is; but 7 and 12 may be in all of them. The "
            "test asks for new pairs of known numbers, and not for longer ones: load those with more digits.",
            "Count whole answers, and not characters: the leading digit is easy to guess.",
            "Every length of a number is equally frequent, so small numbers come far more often than among "
            "numbers drawn evenly, and with one or two digits there are few different problems.",
            "Answers can be negative; the sign is a character as any other.",
        ),
    )
)
def arithmetic(
    split: str, *, n: int | None = None, digits: int = 3, operations: str = "+-", seed: int = 0
) -> TextDataset:
    """Return ``x`` (n, 2 digits + 2) and ``y`` (n, u), u - 1 the longest answer; ``decode`` gives strings."""
    seed, digits = whole("seed", seed, at_least=0), whole("digits", digits, at_least=1)
    if digits > _MOST_DIGITS:
        raise ValueError(f"digits must be at most {_MOST_DIGITS}, got {digits}")
    if not isinstance(operations, str) or not operations or not set(operations) <= set(_OPERATIONS):
        raise ValueError(f"operations must be some of '{_OPERATIONS}', got {operations!r}")
    if len(set(operations)) < len(operations):
        raise ValueError(f"operations must be different ones, got {operations!r}")

    def draw(rng: Generator) -> Problem:
        a, b = (_number(rng, digits) for _ in range(2))
        return a, operations[int(rng.integers(len(operations)))], b

    problems: list[Problem] = []
    for part in parts_of(split):
        count = _SIZES[part] if n is None else whole("n", n, at_least=1)
        problems += distinct("arithmetic", seed, part, count, draw, _whichever_comes_first)
    longest = 1 + max(2 * digits if operation == "*" else digits + 1 for operation in operations)
    return TextDataset(
        numbered([f"{a}{operation}{b}=" for a, operation, b in problems], _ALPHABET, 2 * digits + 2),
        numbered([str(_answer(problem)) for problem in problems], _ALPHABET, longest),
        vocabulary=vocabulary(_ALPHABET),
    )


def _number(rng: Generator, digits: int) -> int:
    """Draw a number of 1 to ``digits`` digits, each length as often; of one digit it may be 0."""
    length = int(rng.integers(1, digits + 1))
    return int(rng.integers(10 ** (length - 1) if length > 1 else 0, 10**length))


def _whichever_comes_first(problem: Problem) -> str:
    """Return the same string for 7+12 and 12+7, and for 12-7 and 7-12, whose answers give each other away."""
    a, operation, b = problem
    return f"{min(a, b)}{operation}{max(a, b)}"


def _answer(problem: Problem) -> int:
    a, operation, b = problem
    return {"+": a + b, "-": a - b, "*": a * b}[operation]
