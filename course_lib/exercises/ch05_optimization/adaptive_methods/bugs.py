"""The exercise on finding out what is wrong with an Adam from the steps it takes."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray
Adam = Callable[[Array, float, float, float, float], Array]

BUGS = ("none", "no correction", "betas exchanged", "t stays 1", "no root", "epsilon inside")


def make_adam(bug: str) -> Adam:
    """An Adam for one weight with one of the bugs: gradients (T,), lr, beta1, beta2, eps -> steps (T,)."""

    def adam(gradients: Array, lr: float, beta1: float, beta2: float, eps: float) -> Array:
        if bug == "betas exchanged":
            beta1, beta2 = beta2, beta1
        m = v = 0.0
        steps = []
        for t, g in enumerate(gradients, start=1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            n = 1 if bug == "t stays 1" else t
            m_hat, v_hat = (m, v) if bug == "no correction" else (m / (1 - beta1**n), v / (1 - beta2**n))
            root = np.sqrt(v_hat + eps) if bug == "epsilon inside" else np.sqrt(v_hat) + eps
            steps.append(-lr * m_hat / (v_hat + eps if bug == "no root" else root))
        return np.array(steps)

    return adam


def _shortcut(gradients: Array, lr: float, beta1: float, beta2: float, eps: float) -> Array:
    """A right Adam in another arrangement, as the library has it."""
    m = v = 0.0
    steps = []
    for t, g in enumerate(gradients, start=1):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        root = np.sqrt(v) / np.sqrt(1 - beta2**t) + eps
        steps.append(-lr / (1 - beta1**t) * m / root)
    return np.array(steps)


def _by_probe(
    gradients: list[float], lr: float = 0.1, betas: tuple[float, float] = (0.8, 0.99), eps: float = 0.01
) -> Callable[[Adam], str]:
    """Name the first bug whose steps on these gradients are those of the Adam."""

    def answer(adam: Adam) -> str:
        probe = np.array(gradients)
        steps = np.asarray(adam(probe, lr, *betas, eps))
        for bug in BUGS:
            if np.allclose(steps, make_adam(bug)(probe, lr, *betas, eps), rtol=1e-6, atol=0):
                return bug
        return "none"

    return answer


diagnose = _by_probe([1.0, -2.0, 0.5, 3.0])


def _by_single_probes(adam: Adam) -> str:
    """One probe for each bug, made for it."""

    def last(gradients: list[float], eps: float = 0.0) -> float:
        return float(np.asarray(adam(np.array(gradients), 1.0, 0.5, 0.9, eps))[-1])

    if not np.isclose(last([4.0]), -1):
        return "no root" if np.isclose(last([4.0]), -0.25) else "no correction"
    if not np.isclose(last([1.0, 1.0]), -1):
        return "t stays 1"
    if not np.isclose(last([1.0], eps=3.0), -0.25):
        return "epsilon inside"
    # Of g = 0 and then 1 the corrected means are 0.5 / 0.75 with beta 0.5 and 0.1 / 0.19 with beta 0.9.
    right = np.isclose(last([0.0, 1.0]), -(0.5 / 0.75) / np.sqrt(0.1 / 0.19))
    return "none" if right else "betas exchanged"


def _exchanged(first: str, second: str) -> Callable[[Adam], str]:
    swap = {first: second, second: first}
    return lambda adam: swap.get(diagnose(adam), diagnose(adam))


DIAGNOSE = Exercise(
    id="adaptive_methods/diagnose",
    section=SECTION,
    title="What is wrong with this Adam?",
    reference=diagnose,
    cases=[
        *(case(make_adam(bug), label=f"the bug: {bug}") for bug in BUGS),
        case(_shortcut, label="a right Adam, in another arrangement"),
    ],
    alternatives=[_by_single_probes],
    mistakes=[
        Mistake(
            _by_probe([2.0], eps=0.01),
            "A single step cannot show everything: a corrected Adam takes the same first step whatever its betas "
            "are, and t is still 1. Look at several steps.",
        ),
        Mistake(
            _by_probe([2.0] * 4),
            "Exchanged betas pass for right here. With a constant gradient the corrected means are that gradient and "
            "its square whatever the betas are, and with equal betas nobody sees the exchange. Vary both.",
        ),
        Mistake(
            _by_probe([1.0, -2.0, 0.5, 3.0], eps=1e-12),
            "With such a small epsilon nobody sees where it stands. Choose one that is felt next to the gradients.",
        ),
        Mistake(
            _by_probe([1.0, -2.0, 0.5, 3.0], betas=(0.9, 0.99), eps=1e-12),
            "With 0.9 and 0.99 and a tiny epsilon two bugs look alike: 1 - 0.9 is the root of 1 - 0.99, so a t that stays "
            "1 cancels out, as if nothing were corrected. Take other betas, and an epsilon that is felt.",
        ),
        Mistake(
            _by_probe([1.0, -1.0, 1.0, 1.0]),
            "Gradients of size 1 have the square 1, and so has its root: the missing root does not show. Vary the sizes.",
        ),
        Mistake(
            _exchanged("no correction", "t stays 1"),
            "Two names are exchanged. Without correction the very first step is wrong; when t stays 1, all but the first.",
        ),
        Mistake(
            _exchanged("no root", "epsilon inside"),
            "Two names are exchanged. Without the root a step depends on the size of the gradients; with epsilon "
            "inside, only where they are as small as its root.",
        ),
        Mistake(
            lambda adam: "none" if diagnose(adam) == "none" else "no correction",
            "This tells the right from the wrong, but calls every bug the same. Compare with an Adam that has the bug.",
        ),
    ],
    hint="Write Adam once with a switch for each bug, and compare the steps on gradients that differ in size and sign.",
)
