"""The exercise on byte pairs: a word becomes tokens by merges learned before."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/language_models"
Pair = tuple[int, int]
Answer = Callable[[bytes, Sequence[Pair]], list[int]]


def _joined(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """Replace the pair by the new token, from left to right."""
    joined: list[int] = []
    for token in tokens:
        if joined and (joined[-1], token) == pair:
            joined[-1] = new
        else:
            joined.append(token)
    return joined


def encode(word: bytes, merges: Sequence[Pair]) -> list[int]:
    """Apply the merges in the order in which they were learned."""
    tokens = list(word)
    for number, pair in enumerate(merges):
        tokens = _replaced(tokens, pair, 256 + number)
    return tokens


def _replaced(tokens: list[int], pair: Pair, new: int, step: int = 2) -> list[int]:
    """Replace the pair by the new token; after a match go on ``step`` places further."""
    found: list[int] = []
    i = 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == tuple(pair):
            found.append(new)
            i += step
        else:
            found.append(tokens[i])
            i += 1
    return found


def _earliest_first(word: bytes, merges: Sequence[Pair]) -> list[int]:
    tokens, rank = list(word), {tuple(pair): i for i, pair in enumerate(merges)}
    while True:
        there = [pair for pair in pairwise(tokens) if pair in rank]
        if not there:
            return tokens
        best = min(there, key=lambda pair: rank[pair])
        tokens = _joined(tokens, best, 256 + rank[best])


def _in_order(
    order: Callable[[int], Sequence[int]] = range,
    replace: Callable[[list[int], Pair, int], list[int]] = _replaced,
    first: int = 256,
) -> Answer:
    """Merges in another order, replaced in another way, or with other numbers."""

    def answer(word: bytes, merges: Sequence[Pair]) -> list[int]:
        tokens = list(word)
        for i in order(len(merges)):
            tokens = replace(tokens, merges[i], first + i)
        return tokens

    return answer


def _renumbered(shift: int) -> Answer:
    """The right tokens, those of merges with other numbers."""

    def answer(word: bytes, merges: Sequence[Pair]) -> list[int]:
        return [token if token < 256 else token + shift for token in encode(word, merges)]

    return answer


def _longest_first(word: bytes, merges: Sequence[Pair]) -> list[int]:
    names = [bytes([byte]) for byte in range(256)]
    for left, right in merges:
        names.append(names[left] + names[right])
    tokens, rest = [], word
    while rest:
        best = max((i for i, name in enumerate(names) if rest.startswith(name)), key=lambda i: len(names[i]))
        tokens.append(best)
        rest = rest[len(names[best]) :]
    return tokens


def _leftmost_first(word: bytes, merges: Sequence[Pair]) -> list[int]:
    tokens, rank = list(word), {tuple(pair): i for i, pair in enumerate(merges)}
    while True:
        place = next((i for i in range(len(tokens) - 1) if (tokens[i], tokens[i + 1]) in rank), None)
        if place is None:
            return tokens
        tokens[place : place + 2] = [256 + rank[tokens[place], tokens[place + 1]]]


def _once(tokens: list[int], pair: Pair, new: int) -> list[int]:
    for i in range(len(tokens) - 1):
        if (tokens[i], tokens[i + 1]) == tuple(pair):
            return [*tokens[:i], new, *tokens[i + 2 :]]
    return tokens


def _from_the_right(tokens: list[int], pair: Pair, new: int) -> list[int]:
    return _replaced(tokens[::-1], (pair[1], pair[0]), new)[::-1]


def _overlapping(tokens: list[int], pair: Pair, new: int) -> list[int]:
    found: list[int] = []
    skip = False
    for i, token in enumerate(tokens):
        if tuple(tokens[i : i + 2]) == tuple(pair):
            found.append(new)
            skip = True
        elif skip:
            skip = False
        else:
            found.append(token)
    return found


def _without_the_last(tokens: list[int], pair: Pair, new: int) -> list[int]:
    found: list[int] = []
    i = 0
    while i < len(tokens) - 1:
        match = (tokens[i], tokens[i + 1]) == tuple(pair)
        found.append(new if match else tokens[i])
        i += 2 if match else 1
    return found


def _either_way(tokens: list[int], pair: Pair, new: int) -> list[int]:
    found: list[int] = []
    i = 0
    while i < len(tokens):
        match = sorted(tokens[i : i + 2]) == sorted(pair)
        found.append(new if match else tokens[i])
        i += 2 if match else 1
    return found


def _first_place_only(tokens: list[int], pair: Pair, new: int) -> list[int]:
    found = list(tokens)
    while pair in list(pairwise(found)):
        i = found.index(pair[0])
        if found[i + 1] != pair[1]:
            break
        found[i : i + 2] = [new]
    return found


def _by_spelling(word: bytes, merges: Sequence[Pair]) -> list[int]:
    names = [bytes([byte]) for byte in range(256)]
    tokens = list(word)
    for left, right in merges:
        names.append(names[left] + names[right])
        i = 0
        while i < len(tokens) - 1:
            if names[tokens[i]] + names[tokens[i + 1]] == names[-1]:
                tokens[i : i + 2] = [len(names) - 1]
            i += 1
    return tokens


def _bytes_only(word: bytes, merges: Sequence[Pair]) -> list[int]:
    tokens = list(word)
    for number, pair in enumerate(merges):
        if max(pair) < 256:
            tokens = _replaced(tokens, pair, 256 + number)
    return tokens


def _characters(word: bytes, merges: Sequence[Pair]) -> list[int]:
    tokens = [ord(character) for character in word.decode("utf-8", errors="replace")]
    for number, pair in enumerate(merges):
        tokens = _replaced(tokens, pair, 256 + number)
    return tokens


a, b, c, d = b"abcd"

ENCODE = Exercise(
    id="language_models/encode",
    section=SECTION,
    title="From bytes to tokens",
    reference=encode,
    cases=[
        case(b"abcab", [(a, b)], label="one merge, twice in the word"),
        case(b"abcd", [(a, b), (256, c), (257, d)], label="merges of merges"),
        case(b"abc", [(b, c), (a, b)], label="two merges that want the same byte"),
        case(b"abc", [(b, c), (a, b), (a, 256)], label="the leftmost pair is not the earliest"),
        case(b"abcd", [(a, b), (c, d), (b, c), (256, c)], label="a longer token that comes too late"),
        case(b"abc", [(b, c), (a, b), (257, c)], label="the bytes of a token that is made in another way"),
        case(b"acab", [(a, b)], label="the first byte of a pair comes alone, too"),
        case(b"aaaaa", [(a, a), (256, 256)], label="a pair that overlaps itself"),
        case(b"ba", [(a, b)], label="the pair in the other order"),
        case("é".encode() * 2, [(0xC3, 0xA9)], label="bytes beyond ASCII"),
        case(b"", [(a, b)], label="no bytes"),
        case(b"d", [], label="no merges"),
    ],
    alternatives=[_earliest_first, _in_order(replace=_joined)],
    mistakes=[
        Mistake(
            _longest_first,
            "The longest token that fits is taken from the left. The merges come in the order in which they were "
            "learned, even where that makes shorter tokens.",
        ),
        Mistake(
            _in_order(lambda n: range(n)[::-1]),
            "The last merge comes first. Begin with the merge that was learned first.",
        ),
        Mistake(
            _leftmost_first,
            "The leftmost pair that can be merged is. Where two merges want the same byte, the earlier one has it.",
        ),
        Mistake(
            _in_order(replace=_once),
            "Each merge is applied once. It holds wherever the pair stands in the word.",
        ),
        Mistake(
            _in_order(replace=_first_place_only),
            "Only the first place of a pair's first token is looked at. What follows there may be another one: go on.",
        ),
        Mistake(
            _by_spelling,
            "Tokens are merged because they spell the new one. A merge joins the two tokens of its pair and no others.",
        ),
        Mistake(
            _in_order(replace=_from_the_right),
            "The word is searched from the right. Where a pair overlaps itself, as in aaa, the left one is merged.",
        ),
        Mistake(
            _in_order(replace=_overlapping),
            "In aaa the middle byte goes into two tokens. What has been merged is used up: go on behind it.",
        ),
        Mistake(
            _in_order(replace=_without_the_last),
            "The last token of a word gets lost unless it is merged. Keep it.",
        ),
        Mistake(
            _in_order(replace=_either_way),
            "Pairs are merged in either order. (a, b) is a followed by b.",
        ),
        Mistake(
            _bytes_only, "Only pairs of bytes are merged. A merge may join tokens that merges have made."
        ),
        Mistake(_renumbered(-256), "Merge i has the number i here, which is a byte's. Its token is 256 + i."),
        Mistake(
            _renumbered(1), "The first merge makes token 257 here. Counted from 0, merge i makes 256 + i."
        ),
        Mistake(
            _characters,
            "The word is taken apart into characters. The tokens are bytes, of which é has two in UTF-8.",
        ),
    ],
    hint="For each merge, in order: walk through the tokens, and write the new one wherever the pair stands.",
)
