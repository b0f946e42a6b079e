"""One call of an operator of PyTorch's core, as the rules of sight read it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from course_lib.models.tracing.seen import Seen


@dataclass(frozen=True)
class Step:
    """An operator's arguments by name, its first output's shape, what its inputs see, the image's size."""

    operator: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    look: Callable[[Any], Seen]
    pixels: tuple[int, int]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def input(self) -> tuple[Seen, Tensor]:
        """The first tensor, and what it sees."""
        x = self.arguments["input" if "input" in self.arguments else "self"]
        return self.look(x), x

    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments."""
        found: list[Tensor] = []
        for value in self.arguments.values():
            values = value if isinstance(value, list | tuple) else [value]
            found += [each for each in values if isinstance(each, Tensor)]
        return found


Rule = Callable[[Step], Seen]
