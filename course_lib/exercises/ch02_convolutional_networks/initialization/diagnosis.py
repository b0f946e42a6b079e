"""The exercise on telling from its activations what is wrong with a network."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "02_convolutional_networks/initialization"
Layers = Sequence[np.ndarray]


def _mean_square(a: np.ndarray) -> float:
    return float(np.mean(np.asarray(a, dtype=float) ** 2))


def _between(a: np.ndarray) -> float:
    """How much a unit varies from example to example, mean over the units."""
    return float(a.var(axis=0).mean())


def _dead(a: np.ndarray) -> float:
    """The share of the units that are zero for every example."""
    return float((a == 0).all(axis=0).mean())


def diagnose(activations: Layers) -> str:
    """Look at the layers in the order that the exercise gives."""
    first, last = _mean_square(activations[0]), _mean_square(activations[-1])
    if any((a == a[:, :1]).all() for a in activations):
        return "symmetric"
    if _dead(activations[-1]) > 0.5:
        return "dead"
    if last < 1e-4 * first:
        return "vanishing"
    if last > 1e4 * first:
        return "exploding"
    return "blind" if _between(activations[-1]) < 1e-4 * last else "healthy"


def _wrong(
    size: Callable[[np.ndarray], float] = _mean_square,
    dead: Callable[[np.ndarray], float] = _dead,
    symmetric: Callable[[np.ndarray], bool] = lambda a: bool((a == a[:, :1]).all()),
    ends: tuple[int, int] = (0, -1),
    limit: float = 1e4,
    names: tuple[str, str] = ("vanishing", "exploding"),
    relative: bool = True,
    between: Callable[[np.ndarray], float] = _between,
) -> Callable[[Layers], str]:
    """A wrong diagnosis, with one of its parts exchanged."""

    def answer(activations: Layers) -> str:
        first, last = (size(activations[end]) for end in ends)
        first = first if relative else 1.0
        if any(symmetric(a) for a in activations):
            return "symmetric"
        if dead(activations[-1]) > 0.5:
            return "dead"
        if last * limit < first:
            return names[0]
        if last > limit * first:
            return names[1]
        return "blind" if between(activations[-1]) < 1e-4 * last else "healthy"

    return answer


def _layers(
    std: float,
    activation: Callable[[np.ndarray], np.ndarray],
    depth: int = 8,
    scale: float = 1.0,
    seed: int = 0,
) -> list[np.ndarray]:
    """Activations (12, 20) of a random net by layer; weights of spread std / sqrt(20)."""
    rng = np.random.default_rng(seed)
    a = scale * rng.normal(size=(12, 20))
    found = []
    for _ in range(depth):
        a = activation(a @ rng.normal(0, std / np.sqrt(20), (20, 20)))
        found.append(a)
    return found


def _relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _equal(a: np.ndarray) -> np.ndarray:
    return np.repeat(a[:, :1], a.shape[1], axis=1)


_HEALTHY = _layers(np.sqrt(2), _relu, seed=1)
_CORPSE = np.where(np.arange(20) < 14, 0.0, _HEALTHY[-1] + 0.5)  # 14 of 20 units never fire
_CENTRED = _HEALTHY[-1] - _HEALTHY[-1].mean()
_UNIT = _CENTRED / _CENTRED.std()
_CHECKS = np.where((np.arange(12)[:, None] + np.arange(2)) % 2 == 0, 1.0, -1.0)  # (12, 2)
_TWO = 0.5 + 0.0042 * np.outer(
    [1, -1], np.where(np.arange(20) % 2 == 0, 1, -1)
)  # variance 7e-5 of the square
_EQUAL_SUMS = 1.0 + np.eye(20)[:12]  # each example has the same mean
_SPARSE = np.where((np.arange(12)[:, None] + np.arange(20)) % 3 == 0, 2.0, 0.0)  # zeros, but no dead unit
_MANY_FIRE = np.where(
    np.arange(12)[:, None] == np.arange(20) % 12, 3.0, 0.0
)  # each unit fires for one example

DIAGNOSE = Exercise(
    id="initialization/diagnose",
    section=SECTION,
    title="What killed this network?",
    reference=diagnose,
    cases=[
        case(_HEALTHY, label="a ReLU net that He's rule started"),
        case(_layers(0.3, _relu, seed=2), label="a ReLU net with small weights"),
        case(_layers(5.0, _relu, seed=3), label="a ReLU net with large weights"),
        case(_layers(0.3, np.tanh, seed=4), label="a tanh net with small weights"),
        case([*_HEALTHY[:-1], _CORPSE], label="a ReLU net most of whose last units never fire"),
        case(
            [*_HEALTHY[:-1], _SPARSE], label="most last activations are zero, but every unit fires at times"
        ),
        case([*_HEALTHY[:-1], _MANY_FIRE], label="every last unit fires for one or no more examples"),
        case([_HEALTHY[0], _equal(_HEALTHY[1]), *_HEALTHY[2:]], label="a middle layer of equal units"),
        case([np.zeros((12, 20))] * 4, label="a net of zeros"),
        case(_layers(1.5, np.tanh, scale=1e-3, seed=5), label="small inputs, and a net that recovers"),
        case(_layers(np.sqrt(2), _relu, scale=1e-4, seed=6), label="small inputs, kept as they are"),
        case(_layers(np.sqrt(2), _relu, scale=1e4, seed=7), label="large inputs, kept as they are"),
        case(
            [_HEALTHY[0], 1e-3 * _HEALTHY[-1]],
            label="a thousandth of the size, a millionth of the mean square",
        ),
        case([_HEALTHY[0], _HEALTHY[-1] / 30], label="a thirtieth of the size"),
        case(
            _layers(1.0, _sigmoid, seed=9),
            label="a sigmoid net, whose units differ and whose examples do not",
        ),
        case([_HEALTHY[0], 0.5 + 1e-4 * _CENTRED], label="every activation near one half"),
        case(
            [_HEALTHY[0], np.repeat(1 + _HEALTHY[1][:1], 12, axis=0)], label="every example exactly the same"
        ),
        case([_HEALTHY[0], _EQUAL_SUMS], label="every example differs, but all have the same length"),
        case(
            [_HEALTHY[0], _CENTRED],
            label="last activations of mean 0",
        ),
        case(
            [_HEALTHY[0], np.where(np.arange(20) < 14, 0.0, _HEALTHY[3]), *_HEALTHY[4:]],
            label="most units of a middle layer never fire, the last ones do",
        ),
        case(_layers(0.03, _relu, seed=2), label="activations below a hundred-millionth, and all different"),
        case(
            [_HEALTHY[0], np.where(np.arange(20) < 10, 0.0, _HEALTHY[-1] + 0.5)],
            label="exactly half of the last units never fire",
        ),
        case(
            [_HEALTHY[0], 1e3 * _HEALTHY[1], _HEALTHY[-1]],
            label="a large layer in the middle, the last as large as the first",
        ),
        case([_HEALTHY[0], 0.5 + 2e-3 * _UNIT], label="examples that differ by a few thousandths"),
        case([_HEALTHY[0], 1e-4 * _CORPSE], label="most last units never fire, and the others are small"),
        case(
            [_HEALTHY[0], np.where(np.arange(20) < 14, -1.0, 1.0) * (_HEALTHY[-1] + 0.5)],
            label="most last units are always negative",
        ),
        case([_UNIT, 0.02 * _CHECKS], label="a last layer of two units, a fiftieth of the size"),
        case([_UNIT[:2], _TWO], label="two examples, hardly different"),
    ],
    alternatives=[
        _wrong(size=lambda a: float(np.sum(a * a) / a.size)),
        _wrong(symmetric=lambda a: bool(np.ptp(a, axis=1).max() == 0)),
    ],
    mistakes=[
        Mistake(
            _wrong(dead=lambda a: float((a == 0).mean())),
            "Zeros are counted one by one. A dead unit is zero for every example: use .all(axis=0) first.",
        ),
        Mistake(
            _wrong(dead=lambda a: float((a == 0).all(axis=1).mean())),
            "The axes are exchanged: rows are examples and columns are units, and a unit is dead if its column is zero.",
        ),
        Mistake(
            _wrong(dead=lambda a: float((a == 0).any(axis=0).mean())),
            "A unit that is zero for some examples is counted as dead. It must be zero for all of them.",
        ),
        Mistake(
            _wrong(relative=False),
            "The last mean square is compared with 1. Compare it with the first layer's: small inputs are no disease.",
        ),
        Mistake(
            _wrong(size=lambda a: float(abs(np.mean(a)))),
            "This takes the mean of the activations. Take the mean of their squares: a mean can be near 0 in a sound net.",
        ),
        Mistake(
            _wrong(limit=1e2),
            "The limit is too tight: a net is sound until the mean square has changed by a factor of ten thousand.",
        ),
        Mistake(
            _wrong(size=lambda a: _mean_square(a) ** 0.5),
            "The roots of the mean squares are compared. The factor of ten thousand is meant for the mean squares.",
        ),
        Mistake(
            _wrong(between=lambda a: float(a.var())),
            "This is the variance of all entries together, which differences between units keep up. Use a.var(axis=0).",
        ),
        Mistake(
            _wrong(between=lambda a: float(a.mean(axis=1).var())),
            "This compares the mean of every example. Examples can differ in their units and agree in the mean.",
        ),
        Mistake(
            _wrong(between=lambda a: np.inf),
            "That no example can be told from another goes unnoticed: look at the variance of each unit over examples.",
        ),
        Mistake(
            _wrong(names=("exploding", "vanishing")),
            "Vanishing and exploding are exchanged: a signal vanishes if the last layer's is smaller than the first's.",
        ),
        Mistake(
            _wrong(symmetric=lambda a: False),
            "Equal units are not found. Compare every column with the first: a == a[:, :1].",
        ),
        Mistake(
            _wrong(symmetric=lambda a: bool(np.allclose(a, a[:, :1]))),
            "Nearly equal is not equal: when all activations are tiny, np.allclose calls everything equal. Compare with ==.",
        ),
        Mistake(
            _wrong(between=lambda a: float(a.std(axis=0).mean())),
            "The standard deviation over the examples stands where their variance belongs: use a.var(axis=0).",
        ),
        Mistake(
            _wrong(size=lambda a: float(np.sum(a**2))),
            "Sums of squares are compared, which grow with the width of a layer. Take the mean of the squares.",
        ),
        Mistake(
            _wrong(between=lambda a: float(a.var(axis=0, ddof=1).mean())),
            "The variance is divided by n - 1 here (as torch.var does). Divide by n.",
        ),
        Mistake(
            _wrong(dead=lambda a: _dead(a) + 1e-9),
            "Exactly half of the units is not more than half: compare with > 0.5.",
        ),
        Mistake(
            lambda activations: (
                "dead"
                if any(_dead(a) > 0.5 for a in activations)
                and not any((a == a[:, :1]).all() for a in activations)
                else diagnose(activations)
            ),
            "Dead units are looked for in every layer. The exercise asks for the last one alone: activations[-1].",
        ),
        Mistake(
            _wrong(dead=lambda a: float((a <= 0).all(axis=0).mean())),
            "Units that are always negative are counted as dead. Dead means zero: compare with == 0.",
        ),
        Mistake(
            _wrong(symmetric=lambda a: bool((a == a[:1]).all())),
            "This looks for equal examples (rows). Symmetry means equal units: all columns the same.",
        ),
        Mistake(
            lambda activations: (
                "symmetric"
                if (activations[-1] == activations[-1][:, :1]).all()
                else _wrong(symmetric=lambda a: False)(activations)
            ),
            "Only the last layer is searched for equal units. A layer in the middle can be the one.",
        ),
        Mistake(
            lambda activations: "dead" if _dead(activations[-1]) > 0.5 else diagnose(activations),
            "Dead units are looked for before equal ones. In a net of zeros all units are equal: that comes first.",
        ),
    ],
    hint="Test in the order of the list, and return at the first that holds. One layer is an array (n, d).",
)

EXERCISES = [DIAGNOSE]
