"""The exercise on ways to step in a bilinear game."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray
Pair = tuple[Array, Array]


def steps(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    """One step in turns, and one that looks ahead, of V = theta^T A psi."""
    moved = theta - eta * A @ psi
    seen_theta, seen_psi = moved, psi + eta * A.T @ theta
    return (moved, psi + eta * A.T @ moved), (theta - eta * A @ seen_psi, psi + eta * A.T @ seen_theta)


def _by_blocks(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    m, k = A.shape
    zero, both = np.zeros_like, np.concatenate([theta, psi])
    field = np.block([[zero(A @ A.T), -A], [A.T, zero(A.T @ A)]])  # d(theta, psi)/dt
    ahead = both + eta * field @ (both + eta * field @ both)
    first = theta + eta * (field @ both)[:m]
    second = psi + eta * (field @ np.concatenate([first, psi]))[m:]
    return (first, second), (ahead[:m], ahead[m : m + k])


def _game(
    turns: Callable[[Array, Array, Array, float], Pair] = lambda t, p, A, eta: steps(t, p, A, eta)[0],
    ahead: Callable[[Array, Array, Array, float], Pair] = lambda t, p, A, eta: steps(t, p, A, eta)[1],
) -> Callable[..., tuple[Pair, Pair]]:
    """Another way to take turns, or to look ahead."""

    def answer(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
        return turns(theta, psi, A, eta), ahead(theta, psi, A, eta)

    return answer


def _together(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return t - eta * A @ p, p + eta * A.T @ t


def _moved_on(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return _together(*_together(t, p, A, eta), A, eta)


def _average(t: Array, p: Array, A: Array, eta: float) -> Pair:
    seen = _together(t, p, A, eta)
    return t - eta * A @ (p + seen[1]) / 2, p + eta * A.T @ (t + seen[0]) / 2


def _exchanged(theta: Array, psi: Array, A: Array, eta: float) -> tuple[Pair, Pair]:
    turns, ahead = steps(theta, psi, A, eta)
    return ahead, turns


def _judge_first(t: Array, p: Array, A: Array, eta: float) -> Pair:
    after = p + eta * A.T @ t
    return t - eta * A @ after, after


def _one_looks(t: Array, p: Array, A: Array, eta: float) -> Pair:
    return t - eta * A @ (p + eta * A.T @ t), p + eta * A.T @ t


def _games(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, eta: float, label: str) -> Case:
        t, p, A = rng.normal(size=n).round(2), rng.normal(size=n).round(2), rng.normal(size=(n, n)).round(2)
        return case(t, p, A, eta, label=label)

    one = np.ones(1)
    return [
        case(one, 0 * one, np.eye(1), 0.2, label="one number each, from (1, 0)"),
        case(0.5 * one, -2 * one, np.eye(1), 0.5, label="one number each"),
        draw(2, 0.1, "two numbers each"),
        draw(3, 0.4, "three numbers each"),
        case(
            np.array([1.0, -1]), np.array([0.5, 2]), np.array([[0.0, 2], [1, 0]]), 1.0, label="a large step"
        ),
    ]


STEPS = Exercise(
    id="adversarial_networks/steps",
    section=SECTION,
    title="Two ways to step",
    reference=steps,
    cases=_games,
    alternatives=[_by_blocks],
    mistakes=[
        Mistake(
            _game(turns=_together),
            "In the first result both players step at the same time. In turns psi answers to the new theta.",
        ),
        Mistake(_game(turns=_judge_first), "In turns psi moves first here. It is theta that begins."),
        Mistake(
            lambda theta, psi, A, eta: steps(theta, psi, A, -eta),
            "Both signs are turned round: theta wants V small and goes down its gradient, psi goes up.",
        ),
        Mistake(
            _game(
                turns=lambda t, p, A, eta: (t - eta * A @ p, p - eta * A.T @ (t - eta * A @ p)),
                ahead=lambda t, p, A, eta: (
                    t - eta * A @ (p - eta * A.T @ t),
                    p - eta * A.T @ (t - eta * A @ p),
                ),
            ),
            "Both players go down. psi wants V large: it goes up its gradient.",
        ),
        Mistake(
            lambda theta, psi, A, eta: (
                (theta - eta * A @ psi, psi + eta * A @ (theta - eta * A @ psi)),
                (theta - eta * A @ (psi + eta * A @ theta), psi + eta * A @ (theta - eta * A @ psi)),
            ),
            "The gradient by psi is A @ theta here. V = theta^T A psi, so it is A transposed times theta.",
        ),
        Mistake(
            _game(ahead=_moved_on),
            "The second step starts from the place that was only looked at. Go from the old place, with the gradient found there.",
        ),
        Mistake(
            _game(ahead=_average),
            "The gradients of the old place and the one ahead are averaged, as in Heun's method. Use the one ahead alone.",
        ),
        Mistake(
            _game(ahead=_one_looks),
            "Only theta looks ahead. Both players use the place at which both have moved.",
        ),
        Mistake(
            _game(ahead=_together),
            "The second result is a plain step of both players. Step once to look, and take the gradient there.",
        ),
        Mistake(
            _game(
                ahead=lambda t, p, A, eta: (
                    t - eta * A @ steps(t, p, A, eta)[0][1],
                    p + eta * A.T @ steps(t, p, A, eta)[0][0],
                )
            ),
            "The look ahead is taken in turns. To look ahead, both players move from the old place at the same time.",
        ),
        Mistake(
            lambda theta, psi, A, eta: (steps(theta, psi, A, eta)[0], steps(theta, psi, A, eta)[0]),
            "The second result is a step in turns again: psi looks ahead, but theta does not answer to psi's move.",
        ),
        Mistake(
            lambda theta, psi, A, eta: (steps(theta, psi, A, eta)[1], steps(theta, psi, A, eta)[1]),
            "The first result looks ahead as well. In turns theta moves by the psi that is there, then psi answers.",
        ),
        Mistake(
            _game(ahead=lambda t, p, A, eta: steps(*steps(t, p, A, eta)[0], A, eta)[1]),
            "The second step starts where the first one ended. Both start from the same place.",
        ),
        Mistake(
            lambda theta, psi, A, eta: steps(theta, psi, A.T, eta),
            "A is transposed in both gradients. V = theta^T A psi has the gradient A psi by theta, A^T theta by psi.",
        ),
        Mistake(
            lambda theta, psi, A, eta: steps(theta, psi, np.eye(len(theta)), eta),
            "A does not count here: this is the game theta^T psi. The gradients are A psi and A^T theta.",
        ),
        Mistake(
            lambda theta, psi, A, eta: tuple(pair[::-1] for pair in steps(theta, psi, A, eta)),
            "In each pair the players are exchanged: theta first, psi second.",
        ),
        Mistake(_exchanged, "The two results are in the wrong order: in turns first, looking ahead second."),
    ],
    hint="The gradient of theta^T A psi is A psi by theta and A^T theta by psi. Write the looked-at place down first.",
)
