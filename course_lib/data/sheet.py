"""The data sheet of a data set: what a reader should know before trusting a number computed from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Sheet:
    """What a data set is, where it comes from, what may be done with it, and what to look out for.

    Attributes:
        name: what ``load`` calls it.
        kind: "embedded" (comes with an installed library), "generated" (from a seed) or "downloaded" (once,
            then cached); only the last ever uses the network.
        what: one sentence.
        source: who made it, with the work to cite.
        licence: what may be done with it.
        size: how large it is, on disk or on the wire.
        splits: the number of examples in each split that ``load`` accepts, with the default options.
        shape: the shape of one example of ``x``.
        values: what the numbers in ``x`` mean.
        target: what ``y`` means.
        classes: the names of the classes, in the order of their labels; empty for regression.
        options: the keyword options of ``load`` for this set, each with its default and meaning.
        pitfalls: how it misleads.
        alternative: for a downloaded set, what to use without a network.
    """

    name: str
    kind: Literal["embedded", "generated", "downloaded"]
    what: str
    source: str
    licence: str
    size: str
    splits: Mapping[str, int]
    shape: tuple[int, ...]
    values: str
    target: str
    classes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    pitfalls: tuple[str, ...] = ()
    alternative: str = ""
