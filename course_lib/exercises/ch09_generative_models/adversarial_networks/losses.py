"""The exercise on the losses of both players."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "09_generative_models/adversarial_networks"
Array = np.ndarray
Three = tuple[float, float, float]


def _soft(a: Array) -> Array:
    return np.logaddexp(0, a)


def losses(real: Array, fake: Array) -> Three:
    """Of the discriminator, of the generator, and of the generator when it saturates."""
    judge = np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()
    return judge, np.logaddexp(0, -fake).mean(), -np.logaddexp(0, fake).mean()


def _by_cases(real: Array, fake: Array) -> Three:
    def minus_log(a: Array) -> Array:  # of the sigmoid
        return np.maximum(-a, 0) + np.log1p(np.exp(-np.abs(a)))

    judge = np.sum(minus_log(real)) / real.size + np.sum(minus_log(-fake)) / fake.size
    return float(judge), float(minus_log(fake).mean()), float(-minus_log(-fake).mean())


def _naive(real: Array, fake: Array) -> Three:
    with np.errstate(all="ignore"):
        D, E = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
        judge = -np.log(D).mean() - np.log(1 - E).mean()
        return judge, -np.log(E).mean(), np.log(1 - E).mean()


def _one_plus(real: Array, fake: Array) -> Three:
    with np.errstate(over="ignore"):
        judge = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
        return judge, np.log1p(np.exp(-fake)).mean(), -np.log1p(np.exp(fake)).mean()


def _clipped(real: Array, fake: Array) -> Three:
    with np.errstate(all="ignore"):
        D, E = (np.clip(1 / (1 + np.exp(-a)), 1e-7, 1 - 1e-7) for a in (real, fake))
    return -np.log(D).mean() - np.log(1 - E).mean(), -np.log(E).mean(), np.log(1 - E).mean()


def _twice(real: Array, fake: Array) -> Three:
    with np.errstate(all="ignore"):
        return losses(1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake)))


def _pooled(real: Array, fake: Array) -> Three:
    judge = np.concatenate([_soft(-real), _soft(fake)]).mean()
    return judge, _soft(-fake).mean(), -_soft(fake).mean()


def _with(
    judge: Callable[[Array, Array], float] = lambda real, fake: _soft(-real).mean() + _soft(fake).mean(),
    maker: Callable[[Array, Array], float] = lambda real, fake: _soft(-fake).mean(),
    saturating: Callable[[Array, Array], float] = lambda real, fake: -_soft(fake).mean(),
) -> Callable[[Array, Array], Three]:
    """Another of the three losses."""

    def answer(real: Array, fake: Array) -> Three:
        return judge(real, fake), maker(real, fake), saturating(real, fake)

    return answer


def _logits(rng: np.random.Generator) -> list[Case]:
    return [
        case(np.array([2.0, -1, 4]), np.array([-3.0, 0.5]), label="three real, two made"),
        case(np.zeros(2), np.zeros(2), label="coins"),
        case(rng.normal(size=6).round(2) + 1, rng.normal(size=3).round(2) - 1, label="a fair judge"),
        case(np.array([1.0]), np.array([-2.0, 3, 1, 0.5]), label="one real, four made"),
        case(np.array([40.0, -3]), np.array([-50.0, 45]), label="a judge that is sure of itself"),
        case(np.array([-800.0, 5]), np.array([900.0, -2]), label="logits without limits"),
    ]


LOSSES = Exercise(
    id="adversarial_networks/losses",
    section=SECTION,
    title="Three losses",
    reference=losses,
    cases=_logits,
    alternatives=[_by_cases],
    mistakes=[
        Mistake(
            _with(judge=lambda real, fake: _soft(real).mean() + _soft(-fake).mean()),
            "The discriminator's targets are turned round: here it is asked to call real points made. Real is 1.",
        ),
        Mistake(
            _with(judge=lambda real, fake: -_soft(-real).mean() - _soft(fake).mean()),
            "The first number is the value V, which the discriminator wants large. A loss is minimized: minus V.",
        ),
        Mistake(
            _with(judge=lambda real, fake: (_soft(-real).mean() + _soft(fake).mean()) / 2),
            "The discriminator's two means are averaged. V is their sum.",
        ),
        Mistake(
            _pooled,
            "All logits are pooled into one mean, so the larger batch weighs more. Take a mean for each kind.",
        ),
        Mistake(
            lambda real, fake: (
                _soft(-real).sum() + _soft(fake).sum(),
                _soft(-fake).sum(),
                -_soft(fake).sum(),
            ),
            "These are sums over the batch. Expectations are estimated by means.",
        ),
        Mistake(
            _with(
                maker=lambda real, fake: -_soft(fake).mean(),
                saturating=lambda real, fake: _soft(-fake).mean(),
            ),
            "The generator's two losses are exchanged. Saturating is the one of the game, log(1 - D); it comes last.",
        ),
        Mistake(
            _with(saturating=lambda real, fake: _soft(fake).mean()),
            "The last loss has the wrong sign: as it falls, D falls. The generator minimizes log(1 - D) itself.",
        ),
        Mistake(
            _with(maker=lambda real, fake: -_soft(-fake).mean()),
            "The second loss has the wrong sign: it is log D. Minimize -log D, so that D rises.",
        ),
        Mistake(
            _with(
                maker=lambda real, fake: _soft(-real).mean() + _soft(-fake).mean(),
                saturating=lambda real, fake: -_soft(-real).mean() - _soft(fake).mean(),
            ),
            "The generator's losses hold the real logits, too. It cannot move those: use the made ones alone.",
        ),
        Mistake(
            _with(
                maker=lambda real, fake: _soft(-real).mean(),
                saturating=lambda real, fake: -_soft(real).mean(),
            ),
            "The generator's losses are taken from the real logits. It makes the made examples: use theirs.",
        ),
        Mistake(
            _with(maker=lambda real, fake: _soft(-real).mean()),
            "The second loss is taken from the real logits. The generator moves the made ones only.",
        ),
        Mistake(
            lambda real, fake: (fake.mean() - real.mean(), -fake.mean(), -fake.mean()),
            "These are the losses of a critic, from the scores themselves. Here logits come in: take -log D and -log(1 - D).",
        ),
        Mistake(
            _one_plus,
            "log(1 + e^a) overflows where e^a does, for a above 709. np.logaddexp(0, a) takes the larger term out.",
        ),
        Mistake(
            _naive,
            "Through probabilities, log(1 - D) is minus infinity where D rounds to 1. Use np.logaddexp(0, a).",
        ),
        Mistake(
            _clipped,
            "The probabilities are clipped, so a confident mistake costs no more than 16. Compute from the logit.",
        ),
        Mistake(
            _twice,
            "The sigmoid is applied twice: what comes in are logits, and log(1 + e^a) contains it already.",
        ),
    ],
    hint="-log D = log(1 + e^-a) and -log(1 - D) = log(1 + e^a), which is np.logaddexp(0, a).",
)
