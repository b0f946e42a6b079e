"""Splits of what can be generated without end: a hash of the example says where it belongs, once for all."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from numpy.random import Generator

from course_lib.data.streams import stream

_TENTHS = ("train",) * 6 + ("validation",) * 2 + ("test",) * 2
_TRIES = 5000  # in vain, one after the other, until we take it that there is no more to be found

Example = TypeVar("Example")


def split_of(key: str) -> str:
    """Return the split that ``key`` belongs to, whatever the seed: six tenths train, two test.

    So an example that trains is in no other split of any other seed either.
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return _TENTHS[int.from_bytes(digest, "little") % 10]


def distinct(
    name: str,
    seed: int,
    split: str,
    n: int,
    draw: Callable[[Generator], Example],
    key: Callable[[Example], str],
) -> list[Example]:
    """Draw until there are ``n`` different examples whose ``key`` belongs to the split.

    The first ones stay the same when more are asked for.

    Args:
        name, seed, split: choose the stream of random numbers, as in ``stream``.
        n: how many.
        draw: makes an example, which must be hashable, of random numbers.
        key: what must not be in two splits of an example: itself, or that of it which tells its answer.

    Raises:
        ValueError: there seem to be fewer than ``n`` of them.
    """
    rng = stream(name, seed, split)
    found: dict[Example, None] = {}
    fruitless = 0
    while len(found) < n:
        example = draw(rng)
        if example not in found and split_of(key(example)) == split:
            found[example] = None
            fruitless = 0
        elif (fruitless := fruitless + 1) == _TRIES:
            raise ValueError(
                f"n must be at most about {len(found)} for {split!r} of {name!r} with these options, which "
                f"allow for no more different examples, got {n}"
            )
    return list(found)
