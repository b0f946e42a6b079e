"""The exercise on the loss of a causal language model, with padding."""

import math
from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/language_models"
Array = np.ndarray


def causal_loss(logits: Array, tokens: Array, pad: int) -> float:
    """Mean of -log softmax(logits[:, i])[tokens[:, i + 1]] where that token is no padding."""
    return float(_losses(logits[:, :-1], tokens[:, 1:])[tokens[:, 1:] != pad].mean())


def _losses(logits: Array, targets: Array) -> Array:
    """-log softmax(logits)[target] for each target: (n, t, V) and (n, t) -> (n, t)."""
    chosen = np.take_along_axis(logits, targets[..., None], axis=2)[..., 0]
    return np.asarray(np.logaddexp.reduce(logits, axis=2) - chosen)


def _by_loop(logits: Array, tokens: Array, pad: int) -> float:
    found = []
    for scores, row in zip(logits, tokens, strict=True):
        for i in range(len(row) - 1):
            if row[i + 1] != pad:
                s = scores[i] - scores[i].max()
                found.append(np.log(np.exp(s).sum()) - s[row[i + 1]])
    return float(np.mean(found))


def _loss(wrong: Callable[[Array, Array, int], float]) -> Callable[[Array, Array, int], float]:
    """A wrong loss under the arguments' names."""

    def answer(logits: Array, tokens: Array, pad: int) -> float:
        with np.errstate(all="ignore"):
            return float(wrong(logits, tokens, pad))

    return answer


def _by_sentence(logits: Array, tokens: Array, pad: int) -> float:
    kept = tokens[:, 1:] != pad
    losses = _losses(logits[:, :-1], tokens[:, 1:]) * kept
    return float((losses.sum(axis=1) / kept.sum(axis=1)).mean())


def _over_all(logits: Array, tokens: Array, pad: int) -> float:
    losses = _losses(logits[:, :-1], tokens[:, 1:])
    return float(np.where(tokens[:, 1:] != pad, losses, 0.0).mean())


def _over_tokens(logits: Array, tokens: Array, pad: int) -> float:
    kept = tokens[:, 1:] != pad
    return float(_losses(logits[:, :-1], tokens[:, 1:])[kept].sum() / (tokens != pad).sum())


def _inputs_decide(logits: Array, tokens: Array, pad: int) -> float:
    return float(_losses(logits[:, :-1], tokens[:, 1:])[tokens[:, :-1] != pad].mean())


def _overflowing(logits: Array, tokens: Array, pad: int) -> float:
    e = np.exp(logits[:, :-1])
    p = np.take_along_axis(e / e.sum(axis=2, keepdims=True), tokens[:, 1:, None], axis=2)[..., 0]
    return float(-np.log(p[tokens[:, 1:] != pad]).mean())


def _with_a_constant(logits: Array, tokens: Array, pad: int) -> float:
    p = np.exp(-_losses(logits[:, :-1], tokens[:, 1:])[tokens[:, 1:] != pad])
    return float(-np.log(p + 1e-12).mean())


def _probability(logits: Array, tokens: Array, pad: int) -> float:
    return float(1 - np.exp(-_losses(logits[:, :-1], tokens[:, 1:])[tokens[:, 1:] != pad]).mean())


def _raw(logits: Array, tokens: Array, pad: int) -> float:
    chosen = np.take_along_axis(logits[:, :-1], tokens[:, 1:, None], axis=2)[..., 0]
    return float(-chosen[tokens[:, 1:] != pad].mean())


def _batches(rng: np.random.Generator) -> list[Case]:
    def draw(n: int, t: int, v: int, lengths: list[int], label: str, size: float = 1.0, pad: int = 0) -> Case:
        tokens = rng.integers(1, v, size=(n, t)) if pad == 0 else rng.integers(0, v - 1, size=(n, t))
        for row, length in zip(tokens, lengths, strict=True):
            row[length:] = pad
        return case(size * rng.normal(size=(n, t, v)).round(2), tokens, pad, label=label)

    return [
        case(
            np.log([[[1.0, 1.0, 2.0], [2.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]),
            np.array([[1, 2, 1]]),
            0,
            label="by hand: log 2, log 4",
        ),
        draw(2, 4, 5, [4, 4], "no padding"),
        draw(2, 5, 4, [5, 3], "sentences of two lengths"),
        draw(3, 6, 7, [6, 2, 4], "padding is the last number", pad=6),
        draw(2, 4, 3, [4, 3], "logits of thousands", size=1000.0),
    ]


CAUSAL = Exercise(
    id="language_models/loss",
    section=SECTION,
    title="The loss of a causal language model",
    reference=causal_loss,
    cases=_batches,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _loss(lambda logits, tokens, pad: _losses(logits, tokens)[tokens != pad].mean()),
            "Nothing is shifted: the logits at a token are asked for that very token. They speak of the next one.",
        ),
        Mistake(
            _loss(
                lambda logits, tokens, pad: _losses(logits[:, 1:], tokens[:, :-1])[
                    tokens[:, :-1] != pad
                ].mean()
            ),
            "The shift goes the wrong way: this asks for the token before.",
        ),
        Mistake(
            _loss(lambda logits, tokens, pad: _losses(logits[:, :-1], tokens[:, 1:]).mean()),
            "Padding counts as if it were text. Leave out the places whose target is padding.",
        ),
        Mistake(
            _over_all,
            "The loss at padding is 0, but the mean still counts these places. Divide by the targets that are left.",
        ),
        Mistake(
            _over_tokens,
            "The sum is divided by the number of tokens. The first of each sentence is no target.",
        ),
        Mistake(
            _inputs_decide,
            "Padding is looked for among the inputs, so the end of each shorter sentence predicts padding. The "
            "targets decide.",
        ),
        Mistake(
            _by_sentence,
            "Each sentence has its own mean here, so tokens of short ones count for more. Take one mean over all.",
        ),
        Mistake(
            _loss(
                lambda logits, tokens, pad: _losses(logits[:, :-1], tokens[:, 1:])[tokens[:, 1:] != pad].sum()
            ),
            "This is the sum over the targets. Take their mean.",
        ),
        Mistake(
            _loss(lambda logits, tokens, pad: causal_loss(logits, tokens, pad) / math.log(2)),
            "This is in bits. The natural logarithm is asked for.",
        ),
        Mistake(
            _loss(_overflowing),
            "Large logits overflow, or a probability becomes 0. Take the logarithm of the sum of exponentials "
            "relative to the largest logit.",
        ),
        Mistake(
            _loss(_with_a_constant),
            "A small constant is added before the logarithm: it hides how improbable a token is. Stay with logarithms.",
        ),
        Mistake(_probability, "This is one less the mean probability. Take the mean of -log p."),
        Mistake(
            _raw,
            "The logits are no log-probabilities yet: subtract the logarithm of their sum of exponentials.",
        ),
    ],
    hint="Put logits[:, :-1] beside tokens[:, 1:]. Then -log softmax at the target, and a mean over what is no padding.",
)
