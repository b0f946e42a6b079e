"""Exercises on the threshold unit, the gates it makes, and XOR out of NANDs."""

from collections.abc import Callable, Iterable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "01_neural_networks/neurons"
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])

# the unit


def unit(x: np.ndarray, w: np.ndarray, threshold: float) -> np.ndarray:
    """Fire (1) where the weighted sum exceeds the threshold."""
    return (x @ w > threshold).astype(int)


UNIT = Exercise(
    id="neurons/unit",
    section=SECTION,
    title="A threshold unit",
    reference=unit,
    cases=[
        case(CORNERS, np.array([1.0, 1.0]), 1.5, label="the AND gate"),
        case(CORNERS, np.array([1.0, 1.0]), 1.0, label="a sum that lands exactly on the threshold"),
        case(CORNERS, np.array([-1.0, -1.0]), -1.5, label="a negative threshold (NAND)"),
        case(
            np.array([[1.0, 0.0, 1.0]]),
            np.array([2.0, -3.0, 0.5]),
            2.0,
            label="one example with three inputs",
        ),
        case(np.array([[1.0], [0.0]]), np.array([4.0]), 3.0, label="a single input"),
        case(np.zeros((0, 2)), np.array([1.0, 1.0]), 0.5, label="an empty batch"),
        case(
            np.array([[2.0, 1.0], [0.5, 3.0]]),
            np.array([0.25, -1.0]),
            -1.0,
            label="inputs that are not 0 or 1",
        ),
    ],
    alternatives=[lambda x, w, threshold: np.where((x * w).sum(axis=1) - threshold > 0, 1, 0)],
    mistakes=[
        Mistake(
            lambda x, w, threshold: (x @ w >= threshold).astype(int),
            "This is what you get when the unit fires at the threshold. It must exceed it: use > and not >=.",
        ),
        Mistake(
            lambda x, w, threshold: (x @ w + threshold > 0).astype(int),
            "This is what you get when the threshold is added to the sum. The bias is minus the threshold.",
        ),
        Mistake(
            lambda x, w, threshold: x @ w - threshold,
            "This is the sum minus the threshold, before the decision. A unit answers only 0 or 1.",
        ),
        Mistake(
            lambda x, w, threshold: np.where(x @ w > threshold, 1, -1),
            "This unit answers -1 when it is silent. McCulloch and Pitts' unit answers 0.",
        ),
        Mistake(
            lambda x, w, threshold: (x @ w < threshold).astype(int),
            "This unit fires when the sum is below the threshold: the comparison is the wrong way round.",
        ),
        Mistake(
            lambda x, w, threshold: (x.sum(axis=1) > threshold).astype(int),
            "This is what you get when the weights are ignored: every input counts the same.",
        ),
    ],
    hint="A matrix product x @ w gives one weighted sum per row; a comparison turns it into True and False.",
)

# which gate is it?

GATES: dict[tuple[int, ...], str] = {
    (0, 0, 0, 1): "AND",
    (0, 1, 1, 1): "OR",
    (1, 1, 1, 0): "NAND",
    (1, 0, 0, 0): "NOR",
}


def gate_name(w1: float, w2: float, threshold: float) -> str:
    """Name the gate, going through its truth table in the order 00, 01, 10, 11."""
    fires = CORNERS @ np.array([w1, w2]) > threshold
    return GATES.get(tuple(int(f) for f in fires), "other")


def _named(fires: Iterable[bool]) -> str:
    return GATES.get(tuple(int(f) for f in fires), "other")


def _exchanged(first: str, second: str) -> Callable[[float, float, float], str]:
    swap = {first: second, second: first}

    def answer(w1: float, w2: float, threshold: float) -> str:
        name = gate_name(w1, w2, threshold)
        return swap.get(name, name)

    return answer


GATE_NAME = Exercise(
    id="neurons/gate_name",
    section=SECTION,
    title="Which gate is it?",
    reference=gate_name,
    cases=[
        case(1.0, 1.0, 1.5, label="the AND of the text"),
        case(1.0, 1.0, 0.5, label="a lower threshold"),
        case(-1.0, -1.0, -1.5, label="negative weights"),
        case(-1.0, -1.0, -0.5, label="negative weights, higher threshold"),
        case(1.0, 1.0, 1.0, label="a sum exactly at the threshold"),
        case(-2.0, -2.0, -2.0, label="negative weights, a sum exactly at the threshold"),
        case(0.4, 3.0, 3.2, label="unequal weights"),
        case(1.0, -1.0, 0.5, label="fires for (1, 0) alone"),
        case(1.0, 0.0, 0.5, label="copies the first input"),
        case(-1.0, 0.0, -0.5, label="negates the first input"),
        case(1.0, 1.0, 2.5, label="never fires"),
        case(1.0, 1.0, -0.5, label="always fires"),
    ],
    mistakes=[
        Mistake(
            lambda w1, w2, threshold: _named(CORNERS @ np.array([w1, w2]) >= threshold),
            "This is what you get when the unit fires at the threshold itself. The sum must exceed it.",
        ),
        Mistake(
            lambda w1, w2, t: _named((False, w2 > t, w1 > t, w1 + w2 > t)),
            "The input (0, 0) is missing. A unit with a negative threshold fires there, although "
            "its sum is zero.",
        ),
        Mistake(
            lambda w1, w2, threshold: gate_name(w1, w2, -threshold),
            "This is what you get when the threshold's sign is flipped: b = -threshold, and w.x + b > 0.",
        ),
        Mistake(
            _exchanged("NAND", "NOR"),
            "NAND and NOR are exchanged. NAND is silent for (1, 1) only; NOR fires for (0, 0) only.",
        ),
        Mistake(
            _exchanged("AND", "OR"),
            "AND and OR are exchanged. AND needs both inputs; for OR either is enough.",
        ),
    ],
    hint="Compute the four sums 0, w2, w1 and w1 + w2, compare each with the threshold, look the pattern up.",
)

# XOR out of NANDs

Gate = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _nand(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return 1 - np.asarray(a) * np.asarray(b)


def _constant(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.ones_like(np.asarray(a))


def _nor(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (1 - np.asarray(a)) * (1 - np.asarray(b))


def xor_from(gate: Gate, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    """Wire four copies of the gate."""
    both = gate(x1, x2)
    return gate(gate(x1, both), gate(x2, both))


def _xor_with_five(gate: Gate, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    return gate(gate(x1, gate(x2, x2)), gate(gate(x1, x1), x2))


_X1, _X2 = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])

XOR_FROM = Exercise(
    id="neurons/xor_from",
    section=SECTION,
    title="XOR out of NANDs",
    reference=xor_from,
    cases=[
        case(_nand, _X1, _X2, label="built from NAND gates: XOR"),
        case(_nor, _X1, _X2, label="the same wiring built from NOR gates: the dual of XOR, which is XNOR"),
        case(_nand, np.array([1]), np.array([1]), label="one pair of inputs"),
        case(_constant, _X1, _X2, label="broken gates that always answer 1: so must the circuit"),
    ],
    alternatives=[_xor_with_five],
    mistakes=[
        Mistake(
            lambda gate, x1, x2: np.asarray(x1) ^ np.asarray(x2),
            "The truth table is right, but the gate you were given is not what makes it. Wired "
            "with NOR gates the "
            "same circuit must give XNOR; yours does not change.",
        ),
        Mistake(
            lambda gate, x1, x2: gate(gate(x1, x1), gate(x2, x2)),
            "Negating both inputs of a NAND gives OR. XOR must also be silent for (1, 1).",
        ),
        Mistake(
            lambda gate, x1, x2: gate(gate(x1, x2), gate(x1, x2)),
            "This is a NAND followed by a NOT, which is AND.",
        ),
        Mistake(
            lambda gate, x1, x2: gate(x1, gate(x2, gate(x1, x2))),
            "One branch is missing: the first NAND must meet x1 in one gate and x2 in another, "
            "and a last gate "
            "joins the two.",
        ),
        Mistake(
            lambda gate, x1, x2: 1 - xor_from(gate, x1, x2),
            "This is XNOR: one negation too many at the output.",
        ),
    ],
    hint="Start with n = gate(x1, x2). Two more gates each combine n with one input; a fourth joins them.",
)

EXERCISES = [UNIT, GATE_NAME, XOR_FROM]
