"""What is written down of a model's run."""

from dataclasses import dataclass, field

from course_lib.models.tracing.seen import NOTHING, Seen

INPUT = -1  # in the place of an operation's number


@dataclass(eq=False)
class Call:
    """One run of one module."""

    name: str  # as in model.named_modules(); "" is the model
    kind: str
    caller: "Call | None"
    has_calls: bool = False
    outputs: list["Value"] = field(default_factory=list)

    def chain(self) -> list["Call"]:
        """The calls around this one, from the model's to its own."""
        return [*([] if self.caller is None else self.caller.chain()), self]


@dataclass(eq=False)
class Operation:
    """One run of one operator of PyTorch's core, inside the innermost ``call``."""

    number: int
    name: str
    call: Call
    inputs: frozenset[int]  # the operations its inputs come from
    handed_on: bool
    multiply_adds: int
    parameters: frozenset[str]  # which it uses
    output: "Value"


@dataclass(eq=False)
class Value:
    """A tensor at one time: where it comes from, what it sees, and which parameters it is a view of."""

    shape: tuple[int, ...] = ()
    bytes: int = 0
    sources: frozenset[int] = frozenset()
    maker: int = INPUT  # the operation that computed it, not one that handed it on
    seen: Seen = NOTHING
    parameters: frozenset[str] = frozenset()


@dataclass(eq=False)
class Trace:
    """What happened, in order; nothing of the model is kept."""

    events: list[Call | Operation]  # a call stands where it began
    operations: list[Operation]
    inputs: list[Value]
    outputs: list[Value]
    pixels: tuple[int, int] | None  # of the image, if the input is one
    sizes: dict[str, int]  # numbers in each parameter, each once
    kinds: dict[str, str]  # of all modules, by name
