"""The exercise on the distribution that the next token is drawn from."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/language_models"
Array = np.ndarray


def softmax(scores: Array) -> Array:
    """Softmax, the largest score subtracted first."""
    e = np.exp(scores - scores.max())
    return np.asarray(e / e.sum())


def cut(scores: Array, k: int) -> Array:
    """All but the k largest become minus infinity."""
    return np.where(scores >= np.sort(scores)[-k], scores, -np.inf)


def next_probabilities(logits: Array, temperature: float, k: int) -> Array:
    """softmax(logits / temperature) of the k largest, 0 for the others."""
    return softmax(cut(logits, k) / temperature)


def _by_probabilities(logits: Array, temperature: float, k: int) -> Array:
    p = softmax(logits / temperature)
    kept = np.argsort(-p)[:k] if temperature > 0.05 else np.argsort(-logits)[:k]
    found = np.zeros_like(p)
    found[kept] = p[kept]
    return found / found.sum()


def _by_partition(logits: Array, temperature: float, k: int) -> Array:
    kept = np.argpartition(logits, len(logits) - k)[len(logits) - k :]
    e = np.exp((logits[kept] - logits[kept].max()) / temperature)
    found = np.zeros(len(logits))
    np.add.at(found, kept, e / e.sum())
    return found


def _wrong(answer: Callable[[Array, float, int], Array]) -> Callable[[Array, float, int], Array]:
    """A wrong answer that may overflow, without a warning."""

    def quiet(logits: Array, temperature: float, k: int) -> Array:
        with np.errstate(all="ignore"):
            return answer(logits, temperature, k)

    return quiet


def _kept(logits: Array, k: int) -> Array:
    return np.isfinite(cut(logits, k))


def _overflowing(logits: Array, temperature: float, k: int) -> Array:
    e = np.where(_kept(logits, k), np.exp(logits / temperature), 0.0)
    return np.asarray(e / e.sum())


def _only_kept(logits: Array, temperature: float, k: int) -> Array:
    return softmax(logits[_kept(logits, k)] / temperature)


def _sorted(logits: Array, temperature: float, k: int) -> Array:
    return np.sort(next_probabilities(logits, temperature, k))[::-1].copy()


def _most_of(logits: Array, temperature: float, k: int) -> Array:
    return np.asarray(np.eye(len(logits))[logits.argmax()])


def _lists(rng: np.random.Generator) -> list[Case]:
    def draw(v: int, temperature: float, k: int, label: str, size: float = 1.0) -> Case:
        logits = np.linspace(-2, 2, v) + rng.uniform(-0.1, 0.1, size=v)
        return case((size * rng.permutation(logits)).round(2), temperature, k, label=label)

    return [
        case(np.log([1.0, 2.0, 4.0, 1.5]), 1.0, 2, label="by hand: 1/3 and 2/3"),
        case(np.log([1.0, 2.0, 4.0]), 0.5, 3, label="by hand: squares, 1, 4 and 16"),
        draw(6, 2.0, 4, "hotter, four of six"),
        draw(5, 0.7, 1, "only the likeliest"),
        draw(8, 0.3, 3, "all logits below 0", -1.0),
        draw(7, 0.5, 5, "logits of thousands", 1000.0),
    ]


SAMPLE = Exercise(
    id="language_models/sample",
    section=SECTION,
    title="Temperature and top-k",
    reference=next_probabilities,
    cases=_lists,
    alternatives=[_by_probabilities, _by_partition],
    mistakes=[
        Mistake(
            _wrong(lambda z, t, k: softmax(cut(z, k) * t)),
            "The logits are multiplied by the temperature. A low one must make them larger: divide.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(cut(z, k))),
            "The temperature does nothing here. (Probabilities divided by it and normalized are what they were.) "
            "Divide the logits.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(z / t) * _kept(z, k)),
            "The probabilities do not sum to 1: what the others had is missing. Normalize after the cut.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(z / t)),
            "All tokens keep a probability. Only the k likeliest may be drawn.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(np.where(_kept(z, k), z, 0.0) / t)),
            "A forbidden token gets the logit 0, which is like any other: weight 1. It takes minus infinity.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(cut(z, min(k + 1, len(z))) / t)),
            "One token too many is kept: k + 1 of them. Mind whether the border belongs to them.",
        ),
        Mistake(
            _wrong(lambda z, t, k: softmax(np.where(z > np.sort(z)[-k], z, -np.inf) / t)),
            "One token too few is kept: k - 1 of them. The k-th largest logit still belongs to them.",
        ),
        Mistake(
            _wrong(
                lambda z, t, k: (
                    softmax(-cut(-z, k) / t)
                    if k == len(z)
                    else softmax(np.where(_kept(-z, k), z, -np.inf) / t)
                )
            ),
            "The k least likely tokens are kept. Keep those with the largest logits.",
        ),
        Mistake(
            _wrong(_overflowing),
            "Large logits overflow to NaN. Subtract the largest one before the exponential.",
        ),
        Mistake(
            _only_kept,
            "The tokens that are cut have no place in the answer. It has V entries, theirs are 0.",
        ),
        Mistake(_sorted, "The probabilities come in order of size. Entry i belongs to token i."),
        Mistake(
            _wrong(lambda z, t, k: softmax(np.where(_kept(z, k), softmax(z), -np.inf) / t)),
            "A softmax of probabilities: they lie between 0 and 1, so all come out nearly alike. Divide the logits.",
        ),
        Mistake(
            _most_of,
            "The likeliest token has probability 1: that is temperature 0, or k = 1.",
        ),
    ],
    hint="Put minus infinity in place of all logits but the k largest, divide by the temperature, and take the softmax.",
)
