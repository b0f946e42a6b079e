"""The exercises on transplanted prefixes: how to make one, and how to read the four lines."""

from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/what_transfers"
State = dict[str, np.ndarray]


def transplant(source: State, target: State, n: int) -> State:
    """The parameters of blocks 0 to n - 1 from the source, all others from the target."""
    return {name: (source if int(name.split(".")[0]) < n else target)[name] for name in target}


def _by_update(source: State, target: State, n: int) -> State:
    fresh = dict(target)
    fresh.update({name: value for name, value in source.items() if int(name.partition(".")[0]) < n})
    return fresh


def _with_block_n(source: State, target: State, n: int) -> State:
    return transplant(source, target, n + 1)


def _suffix(source: State, target: State, n: int) -> State:
    return {name: (source if int(name.split(".")[0]) >= n else target)[name] for name in target}


def _prefix_only(source: State, target: State, n: int) -> State:
    return {name: source[name] for name in target if int(name.split(".")[0]) < n}


def _as_text(source: State, target: State, n: int) -> State:
    return {name: (source if name < str(n) else target)[name] for name in target}


def _first_digit(source: State, target: State, n: int) -> State:
    return {name: (source if int(name[0]) < n else target)[name] for name in target}


def _one_block(source: State, target: State, n: int) -> State:
    return {name: (source if int(name.split(".")[0]) == n - 1 else target)[name] for name in target}


def _weights_only(source: State, target: State, n: int) -> State:
    return {
        name: (source if int(name.split(".")[0]) < n and name.endswith("weight") else target)[name]
        for name in target
    }


def _no_buffers(source: State, target: State, n: int) -> State:
    return {
        name: (source if int(name.split(".")[0]) < n and name.endswith(("weight", "bias")) else target)[name]
        for name in target
    }


def _first_entries(source: State, target: State, n: int) -> State:
    return {name: (source if i < n else target)[name] for i, name in enumerate(target)}


def _states(rng: np.random.Generator) -> list[Case]:
    def state(blocks: int, norm: bool = False) -> State:
        made: State = {}
        for block in range(blocks):
            made[f"{block}.0.weight"] = rng.integers(-9, 10, (2, 2)).astype(float)
            made[f"{block}.0.bias"] = rng.integers(-9, 10, 2).astype(float)
            if norm:
                made[f"{block}.1.running_mean"] = rng.integers(-9, 10, 2).astype(float)
        return made

    return [
        case(state(3), state(3), 1, label="the first of three blocks"),
        case(state(4), state(4), 2, label="two of four"),
        case(state(4), state(4), 0, label="nothing at all"),
        case(state(3, norm=True), state(3, norm=True), 2, label="with running means of a batch norm"),
        case(state(12), state(12), 3, label="a net of twelve blocks"),
        case(state(12), state(12), 11, label="eleven of twelve"),
    ]


TRANSPLANT = Exercise(
    id="what_transfers/transplant",
    section=SECTION,
    title="Transplant a prefix",
    reference=transplant,
    cases=_states,
    alternatives=[_by_update],
    mistakes=[
        Mistake(_with_block_n, "One block too many: cut at n means blocks 0 to n - 1 from the source."),
        Mistake(
            _suffix,
            "The upper blocks come from the source: source and target are exchanged. It is the lower blocks that are carried over.",
        ),
        Mistake(_prefix_only, "Only the prefix is returned. The new net needs a value for every name."),
        Mistake(
            _as_text,
            "Names are compared as texts, where '10' comes before '2'. Turn the part before the dot into a number.",
        ),
        Mistake(
            _first_digit, "The first digit is read, so that block 11 counts as block 1. Split at the dot."
        ),
        Mistake(_one_block, "Only one block is carried over. A prefix has all the blocks below the cut."),
        Mistake(_weights_only, "Only the weights are carried over. Biases and running means belong to them."),
        Mistake(
            _no_buffers,
            "Weights and biases go, the running means stay. The layers above would see other numbers than in the source.",
        ),
        Mistake(_first_entries, "n entries are carried over. A block has several: a weight, a bias, more."),
    ],
    hint="int(name.split('.')[0]) is the number of the block.",
)


def read_lines(base: Any, bnb: Any, bnb_plus: Any, anb: Any, anb_plus: Any) -> np.ndarray:
    """Three rows: broken by the cut, lost by the other task, gained by fine-tuning from it."""
    base, bnb, bnb_plus, anb, anb_plus = (np.asarray(v, float) for v in (base, bnb, bnb_plus, anb, anb_plus))
    return np.stack([base - bnb, bnb - anb, anb_plus - base])


def _rows(which: str) -> Any:
    """Other differences in place of the three."""

    def answer(base: Any, bnb: Any, bnb_plus: Any, anb: Any, anb_plus: Any) -> np.ndarray:
        v = {
            "0": np.zeros_like(np.asarray(bnb, float)),
            "base": np.asarray(base, float),
            "b": np.asarray(bnb, float),
            "b+": np.asarray(bnb_plus, float),
            "a": np.asarray(anb, float),
            "a+": np.asarray(anb_plus, float),
        }
        return np.stack([v[left] - v[right] for left, right in (each.split("-") for each in which.split())])

    return answer


def _relative(base: Any, bnb: Any, bnb_plus: Any, anb: Any, anb_plus: Any) -> np.ndarray:
    return read_lines(base, bnb, bnb_plus, anb, anb_plus) / base


READ = Exercise(
    id="what_transfers/read_lines",
    section=SECTION,
    title="Read the four lines",
    reference=read_lines,
    cases=[
        case(
            0.625,
            np.array([0.625, 0.5]),
            np.array([0.625, 0.625]),
            np.array([0.6, 0.3]),
            np.array([0.65, 0.66]),
            label="two cuts",
        ),
        case(
            0.9,
            np.array([0.9, 0.8, 0.85, 0.89]),
            np.array([0.91, 0.9, 0.88, 0.92]),
            np.array([0.9, 0.78, 0.6, 0.41]),
            np.array([0.92, 0.93, 0.91, 0.9]),
            label="four cuts",
        ),
        case(
            0.7,
            np.array([0.72, 0.71]),
            np.array([0.74, 0.69]),
            np.array([0.75, 0.66]),
            np.array([0.6, 0.55]),
            label="a source that hurts",
        ),
    ],
    mistakes=[
        Mistake(
            _rows("base-b+ b-a a+-base"),
            "The first row compares with BnB+, where fine-tuning has mended what the cut broke. Take the frozen BnB.",
        ),
        Mistake(
            _rows("b+-b b-a a+-base"),
            "The first row compares BnB+ with BnB. Asked is what is lost against the net from scratch, which had no cut.",
        ),
        Mistake(
            _rows("base-b base-a a+-base"),
            "The second row is the whole loss of AnB: the damage of the cut is in it, too. Compare with its control BnB.",
        ),
        Mistake(
            _rows("base-b b+-a+ a+-base"),
            "The second row compares the fine-tuned nets, where the layers may move away. Compare the frozen ones.",
        ),
        Mistake(
            _rows("base-b b-a a+-b+"),
            "The third row is the gain over BnB+. Asked is the gain over training from random weights.",
        ),
        Mistake(
            _rows("base-b b-a a+-a"),
            "The third row is what fine-tuning adds to freezing. Asked is the gain over training from random weights.",
        ),
        Mistake(
            _rows("b-base a-b base-a+"),
            "All signs are turned: losses are positive when something was lost, the gain when something was won.",
        ),
        Mistake(
            _rows("b-base a-b a+-base"),
            "The losses have the wrong sign: what is lost counts positive.",
        ),
        Mistake(_relative, "These are shares of the base accuracy. Asked are the differences themselves."),
    ],
    hint="A frozen net differs from its control in one thing only. Which net is the control of AnB?",
)
