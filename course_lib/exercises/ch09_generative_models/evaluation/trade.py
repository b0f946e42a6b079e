"""The exercise on what is worth choosing where one thing is traded for another."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/evaluation"
Array = np.ndarray


def _kept(beats: Array) -> Array:
    """Which models are beaten by none: beats[i, j] says that i beats j."""
    return np.asarray(~np.any(beats, axis=0))


def _costs(distance: Array, recall: Array, seconds: Array) -> Array:
    return np.stack([distance, -recall, seconds], axis=1)  # (m, 3), lower is better


def _no_worse(cost: Array) -> Array:
    return np.asarray((cost[:, None] <= cost[None]).all(axis=2))


def _better(cost: Array) -> Array:
    """In how many of the costs i is better than j: (m, m)."""
    return np.asarray((cost[:, None] < cost[None]).sum(axis=2))


def front(distance: Array, recall: Array, seconds: Array) -> Array:
    """Which models no other beats: as good in all three and better in one."""
    cost = _costs(distance, recall, seconds)
    return _kept(_no_worse(cost) & (_better(cost) > 0))


def _by_loops(distance: Array, recall: Array, seconds: Array) -> Array:
    models = list(zip(distance, recall, seconds, strict=True))
    kept = []
    for a in models:
        beaten = False
        for b in models:
            if b[0] <= a[0] and b[1] >= a[1] and b[2] <= a[2] and b != a:
                beaten = True
        kept.append(not beaten)
    return np.array(kept)


def _front(costs: Callable[[Array, Array, Array], list[Array]]) -> Callable[..., Array]:
    """The front of other costs."""

    def answer(distance: Array, recall: Array, seconds: Array) -> Array:
        cost = np.stack(costs(distance, recall, seconds), axis=1)
        return _kept(_no_worse(cost) & (_better(cost) > 0))

    return answer


def _strictly(distance: Array, recall: Array, seconds: Array) -> Array:
    return _kept(_better(_costs(distance, recall, seconds)) == 3)


def _twins_fall(distance: Array, recall: Array, seconds: Array) -> Array:
    no_worse = _no_worse(_costs(distance, recall, seconds)).copy()
    np.fill_diagonal(no_worse, False)
    return _kept(no_worse)


def _winners(distance: Array, recall: Array, seconds: Array) -> Array:
    best = (distance == distance.min()) | (recall == recall.max()) | (seconds == seconds.min())
    return np.asarray(best)


def _best_sum(distance: Array, recall: Array, seconds: Array) -> Array:
    costs = _costs(distance, recall, seconds)
    ranks = (costs[:, None] > costs[None]).sum(axis=(1, 2))
    return np.asarray(ranks == np.min(ranks))


def _two_of_three(distance: Array, recall: Array, seconds: Array) -> Array:
    return _kept(_better(_costs(distance, recall, seconds)) >= 2)


def _beats_one(distance: Array, recall: Array, seconds: Array) -> Array:
    cost = _costs(distance, recall, seconds)
    return np.asarray((_no_worse(cost) & (_better(cost) > 0)).any(axis=1))


def _tables(rng: np.random.Generator) -> list[Case]:
    def table(*rows: tuple[float, float, float], label: str) -> Case:
        return case(*np.array(rows).T.copy(), label=label)

    drawn = np.stack([rng.integers(1, 6, 9), rng.integers(1, 6, 9) / 8, rng.integers(1, 6, 9)], axis=1)
    return [
        table((50.0, 0.5, 1.0), (20.0, 0.6, 2.0), (60.0, 0.4, 3.0), label="one is beaten by both"),
        table((30.0, 0.5, 1.0), (20.0, 0.5, 2.0), (10.0, 0.5, 3.0), label="each better costs more"),
        table((30.0, 0.7, 1.0), (30.0, 0.7, 1.0), (40.0, 0.7, 1.0), (20.0, 0.2, 5.0), label="twins"),
        table(
            (10.0, 0.1, 9.0),
            (20.0, 0.5, 5.0),
            (40.0, 0.9, 7.0),
            (30.0, 0.3, 1.0),
            (50.0, 0.4, 6.0),
            label="five models",
        ),
        table(
            (10.0, 0.9, 5.0),
            (10.0, 0.8, 5.0),
            (12.0, 0.9, 4.0),
            (10.0, 0.9, 6.0),
            label="ties in some of the three",
        ),
        table(*map(tuple, drawn), label="nine models"),
    ]


FRONT = Exercise(
    id="evaluation/front",
    section=SECTION,
    title="Which models are worth a look?",
    reference=front,
    cases=_tables,
    alternatives=[_by_loops],
    mistakes=[
        Mistake(
            _front(lambda d, r, s: [d, r, s]),
            "A low recall counts as good here. Recall is to be high, the other two low.",
        ),
        Mistake(
            _front(lambda d, r, s: [-d, -r, s]),
            "A large Fréchet distance counts as good here. It is to be low.",
        ),
        Mistake(_front(lambda d, r, s: [d, -r, -s]), "Many seconds count as good here. They are to be few."),
        Mistake(
            _front(lambda d, r, s: [d, s]),
            "Recall does not count here. A model may be worth a look for its recall alone.",
        ),
        Mistake(
            _front(lambda d, r, s: [d, -r]),
            "Time does not count here. A model may be worth a look for its speed alone.",
        ),
        Mistake(
            _front(lambda d, r, s: [-r, s]),
            "The distance does not count here. A model may be worth a look for its distance alone.",
        ),
        Mistake(
            _strictly,
            "A model falls only if another is better in all three. Better in one and no worse in the others is enough.",
        ),
        Mistake(
            _twins_fall,
            "Two equal models throw each other out. To beat a model, another must be better in something.",
        ),
        Mistake(
            _winners,
            "Only the winners of one column are kept. A model that wins nothing may still be beaten by nobody.",
        ),
        Mistake(
            _best_sum,
            "You add up ranks and keep the best sum. That weighs the three for the reader; keep all that nobody beats.",
        ),
        Mistake(
            _two_of_three,
            "A model falls where another is better in two of three. The third may be what somebody needs.",
        ),
        Mistake(
            _beats_one,
            "These are the models that beat some other one. Asked for are those that no other beats.",
        ),
        Mistake(
            lambda distance, recall, seconds: ~front(distance, recall, seconds),
            "These are the models that are beaten. Return the others.",
        ),
    ],
    hint="Turn the sign of recall, so that low is good everywhere; then compare every model with every other.",
)
