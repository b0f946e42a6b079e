"""The exercise on one step of beam search."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/sequence_to_sequence"
Array = np.ndarray
Found = tuple[Array, Array, Array]


def extended(sums: Array, log_p: Array, ended: Array, padding: int) -> Array:
    """Sums (b, V) of all continuations; what has ended has one, which is free."""
    stay = np.where(np.arange(log_p.shape[1]) == padding, 0.0, -np.inf)
    return sums[:, None] + np.where(ended[:, None], stay, log_p)


def best_of(candidates: Array) -> Found:
    """Rows, columns and values of the b largest of candidates (b, V), best first."""
    flat = np.argsort(-candidates, axis=None, kind="stable")[: len(candidates)]
    parents, tokens = np.divmod(flat, candidates.shape[1])
    return parents, tokens, candidates[parents, tokens]


def beam_step(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    """Parents, tokens and sums of the b best continuations."""
    return best_of(extended(sums, log_p, ended, padding))


def _by_sorting(sums: Array, log_p: Array, ended: Array, padding: int) -> tuple[list[float], ...]:
    found: list[tuple[float, int, int]] = []
    for i, total in enumerate(sums):
        if ended[i]:
            found.append((float(total), i, padding))
        else:
            found += [(float(total + value), i, token) for token, value in enumerate(log_p[i])]
    found = sorted(found, reverse=True)[: len(sums)]
    return [i for _, i, _ in found], [token for *_, token in found], [total for total, *_ in found]


def _from(candidates: Callable[[Array, Array, Array, int], Array]) -> Callable[..., Found]:
    """The best of other candidates."""

    def answer(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
        return best_of(candidates(sums, log_p, ended, padding))

    return answer


def _then(change: Callable[[Array, Array, Array, Array], Found]) -> Callable[..., Found]:
    """The right result, changed."""

    def answer(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
        return change(*beam_step(sums, log_p, ended, padding), log_p)

    return answer


def _each_for_itself(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    candidates = extended(sums, log_p, ended, padding)
    parents, tokens = np.arange(len(sums)), candidates.argmax(axis=1)
    order = np.argsort(-candidates[parents, tokens], kind="stable")
    return order, tokens[order], candidates[order, tokens[order]]


def _from_the_best(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    candidates = extended(sums, log_p, ended, padding)
    others = np.arange(len(sums)) != sums.argmax()
    return best_of(np.where(others[:, None], -np.inf, candidates))


def _divided_by_beams(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    candidates = extended(sums, log_p, ended, padding)
    flat = np.argsort(-candidates, axis=None, kind="stable")[: len(sums)]
    return flat // len(sums), flat % len(sums), candidates.flatten()[flat]


def _ended_stay(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    candidates = extended(sums, log_p, ended, padding)
    parents, tokens, _ = best_of(np.where(ended[:, None] & np.isfinite(candidates), 1e3, candidates))
    found = candidates[parents, tokens]
    order = np.argsort(-found, kind="stable")
    return parents[order], tokens[order], found[order]


def _worst(sums: Array, log_p: Array, ended: Array, padding: int) -> Found:
    candidates = extended(sums, log_p, ended, padding)
    flat = np.argsort(candidates, axis=None, kind="stable")[: len(sums)]
    parents, tokens = np.divmod(flat, log_p.shape[1])
    return parents, tokens, candidates[parents, tokens]


def _free_for_all(sums: Array, log_p: Array, ended: Array, padding: int) -> Array:
    return sums[:, None] + np.where(ended[:, None], 0.0, log_p)


def _padding_at_its_price(sums: Array, log_p: Array, ended: Array, padding: int) -> Array:
    others = np.arange(log_p.shape[1]) != padding
    return sums[:, None] + np.where(ended[:, None] & others, -np.inf, log_p)


def _probabilities(sums: Array, log_p: Array, ended: Array, padding: int) -> Array:
    return np.exp(sums)[:, None] + np.exp(extended(0 * ended, log_p, ended, padding))


def _dropped(sums: Array, log_p: Array, ended: Array, padding: int) -> Array:
    return sums[:, None] + np.where(ended[:, None], -np.inf, log_p)


def _steps(rng: np.random.Generator) -> list[Case]:
    def draw(b: int, v: int, ended: list[int], label: str, padding: int = 0) -> Case:
        logits = rng.normal(0, 1.5, (b, v))
        log_p = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).round(4)
        sums = -np.sort(rng.exponential(1.0, b)).round(3)
        return case(sums, log_p, np.isin(np.arange(b), ended), padding, label=label)

    spread = np.log([[0.3, 0.2, 0.15, 0.25, 0.1]] * 4)
    table = np.log([[0.5, 0.3, 0.2], [0.05, 0.9, 0.05]])
    return [
        case(np.log([0.6, 0.4]), table, np.zeros(2, bool), 0, label="two beams, three tokens"),
        case(np.log([0.9, 0.1]), table, np.zeros(2, bool), 0, label="both continue the first"),
        case(np.log([0.4, 0.6]), table, np.array([True, False]), 0, label="the first has ended"),
        draw(3, 4, [], "three beams"),
        draw(3, 4, [0], "the best has ended"),
        draw(4, 6, [1, 3], "two of four have ended, padding is 2", 2),
        draw(4, 3, [0, 1, 2, 3], "all have ended"),
        draw(5, 4, [2], "more beams than tokens", 3),
        case(np.array([-0.1, -12, -13, -14]), spread, np.zeros(4, bool), 0, label="all from one"),
        case(np.array([-0.5, -25, -30]), spread[:3], np.array([True, False, True]), 1, label="one falls out"),
    ]


STEP = Exercise(
    id="sequence_to_sequence/beam_step",
    section=SECTION,
    title="One step of beam search",
    reference=beam_step,
    cases=_steps,
    alternatives=[_by_sorting],
    mistakes=[
        Mistake(
            _each_for_itself,
            "Each beam goes on with its own best token. All continuations of all beams compete: one beam may get two places.",
        ),
        Mistake(
            _from_the_best,
            "Only the best beam is continued. All continuations of all beams compete.",
        ),
        Mistake(
            _from(lambda sums, log_p, ended, padding: sums[:, None] + log_p),
            "Beams that have ended are continued like others. They stay as they are: padding, at no cost.",
        ),
        Mistake(
            _from(_padding_at_its_price),
            "What has ended pays for its padding. It is free: the sum stays what it was.",
        ),
        Mistake(
            _from(_free_for_all),
            "What has ended may be continued by any token at no cost, so copies of it fill the beam. Only by padding.",
        ),
        Mistake(
            _from(_dropped),
            "What has ended is dropped. It stays in the beam while its sum is among the best.",
        ),
        Mistake(
            _ended_stay,
            "What has ended is kept even where others are better. It competes with its sum, like all others.",
        ),
        Mistake(
            _from(lambda sums, log_p, ended, padding: extended(0 * sums, log_p, ended, padding)),
            "Only the newest token counts. Add the sums so far.",
        ),
        Mistake(
            _from(_probabilities),
            "Probabilities are added here. They multiply; it is their logarithms that add up.",
        ),
        Mistake(_worst, "These are the worst continuations. Sort from large to small."),
        Mistake(
            _then(lambda parents, tokens, sums, log_p: (parents[::-1], tokens[::-1], sums[::-1])),
            "The right continuations, but the worst first.",
        ),
        Mistake(
            _then(lambda parents, tokens, sums, log_p: (tokens, parents, sums)),
            "Parents and tokens are exchanged: first the beam that is continued, then the token.",
        ),
        Mistake(
            _divided_by_beams,
            "The place in the flat table is divided by the number of beams. A row has as many entries as there are tokens.",
        ),
        Mistake(
            _then(lambda parents, tokens, sums, log_p: (parents, tokens, log_p[parents, tokens])),
            "The last result is the log-probability of the newest token. It should be the sum of all.",
        ),
    ],
    hint="A table (b, V) of sums; a row that has ended is minus infinity but for its padding. Sort the flat table.",
)
