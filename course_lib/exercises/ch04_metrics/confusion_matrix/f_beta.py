"""The exercise on F-beta, which is defined nearly everywhere if it is made of counts."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "04_metrics/confusion_matrix"


def f_beta(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
    """One denominator, 0 only where there is neither a hit nor an error."""
    below = (1 + beta**2) * tp + beta**2 * fn + fp
    return (1 + beta**2) * tp / below if below else zero_division


def _by_weights(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
    """The weighted harmonic mean of precision and recall."""
    if tp == 0:
        return zero_division if fn == fp == 0 else 0.0
    share = 1 / (1 + beta**2)
    return 1 / (share * (tp + fp) / tp + (1 - share) * (tp + fn) / tp)


def _of_ratios(mean: Callable[[float, float, float], float]) -> Callable[..., float]:
    """A wrong mean of (precision, recall, beta), right where there is no hit."""

    def answer(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
        if tp == 0:
            return f_beta(tp, fn, fp, beta, zero_division)
        return mean(tp / (tp + fp), tp / (tp + fn), beta)

    return answer


def _of_ratios_or_zero(mean: Callable[[float, float, float], float]) -> Callable[..., float]:
    """The same mean, but 0 wherever there is no hit, whatever zero_division says."""

    def answer(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
        return mean(tp / (tp + fp), tp / (tp + fn), beta) if tp else 0.0

    return answer


def _of_ratios_or_given(mean: Callable[[float, float, float], float]) -> Callable[..., float]:
    """The same mean, but zero_division wherever there is no hit."""

    def answer(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
        return mean(tp / (tp + fp), tp / (tp + fn), beta) if tp else zero_division

    return answer


def _undefined(wherever: Callable[[int, int, int], bool]) -> Callable[..., float]:
    """Right but for 0/0: zero_division wherever the counts (tp, fn, fp) say so."""

    def answer(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
        return zero_division if wherever(tp, fn, fp) else f_beta(tp, fn, fp, beta, zero_division)

    return answer


def _through_ratios(tp: int, fn: int, fp: int, beta: float = 1.0, zero_division: float = 0.0) -> float:
    """Precision and recall each with zero_division, then their mean."""
    p = tp / (tp + fp) if tp + fp else zero_division
    r = tp / (tp + fn) if tp + fn else zero_division
    below = beta**2 * p + r
    return (1 + beta**2) * p * r / below if below else zero_division


F_BETA = Exercise(
    id="confusion_matrix/f_beta",
    section=SECTION,
    title="F-beta",
    reference=f_beta,
    cases=[
        case(6, 2, 4, label="6 hits, 2 misses, 4 false alarms"),
        case(6, 2, 4, 2.0, label="the same, beta 2"),
        case(6, 2, 4, 0.5, label="the same, beta 1/2"),
        case(1, 0, 49, label="everything called positive"),
        case(30, 30, 0, 3.0, label="no false alarm, beta 3"),
        case(0, 5, 3, 2.0, 1.0, label="no hit, but errors of both kinds, zero_division=1"),
        case(0, 5, 0, 1.0, 1.0, label="nothing called positive, zero_division=1"),
        case(0, 0, 3, 1.0, 1.0, label="nothing is positive, zero_division=1"),
        case(0, 0, 0, label="nothing at all"),
        case(0, 0, 0, 2.0, 1.0, label="nothing at all, zero_division=1"),
    ],
    alternatives=[_by_weights],
    mistakes=[
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: f_beta(tp, fp, fn, beta, zero_division),
            "Misses and false alarms are exchanged: this is F with 1 / beta. beta^2 belongs to the misses, so that a "
            "large beta favours recall.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: f_beta(tp, fn, fp, beta**0.5, zero_division),
            "beta stands where its square belongs.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: (
                (1 + beta**2) * tp / ((1 + beta**2) * tp + beta * fn + fp) if tp + fn + fp else zero_division
            ),
            "The misses are multiplied by beta. They count beta^2 times.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: f_beta(tp, fn, fp, beta**2, zero_division),
            "beta is squared twice. In F it stands as beta^2.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: f_beta(tp, fn, fp, 1.0, zero_division),
            "This is F1 for every beta. Use the argument.",
        ),
        Mistake(
            _of_ratios(lambda p, r, beta: (p + beta**2 * r) / (1 + beta**2)),
            "This is an arithmetic mean, the weighted average of the section: a perfect recall makes up for any "
            "precision. F is the harmonic mean.",
        ),
        Mistake(
            _of_ratios(lambda p, r, beta: (p * r**beta**2) ** (1 / (1 + beta**2))),
            "This is a geometric mean. F is the harmonic mean: average 1 / P and 1 / R.",
        ),
        Mistake(
            _of_ratios(lambda p, r, beta: p * r / (beta**2 * p + r)),
            "The factor 1 + beta^2 above the line is missing: a detector without errors gets 1 / (1 + beta^2).",
        ),
        Mistake(
            _of_ratios(lambda p, r, beta: 2 * p * r / (beta**2 * p + r)),
            "The factor above the line is 1 + beta^2, which is 2 for beta 1 only.",
        ),
        Mistake(
            _undefined(lambda tp, fn, fp: tp == 0),
            "zero_division stands wherever there is no hit. With misses or false alarms there is something to divide "
            "by: F is 0 then.",
        ),
        Mistake(
            _undefined(lambda tp, fn, fp: tp + fp == 0 or tp + fn == 0),
            "zero_division stands wherever precision or recall is 0/0. With the counts in one denominator F is "
            "defined, and 0, as long as there is any error.",
        ),
        Mistake(
            _through_ratios,
            "Precision and recall get zero_division first, and then their mean is taken. A detector that misses "
            "everything must not profit from that: use one denominator made of counts.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: f_beta(tp, fn, fp, beta),
            "0/0 is always 0 here. Where all three counts are 0, return zero_division.",
        ),
        Mistake(
            lambda tp, fn, fp, beta=1.0, zero_division=0.0: (
                tp / (tp + beta**2 * fn + fp) if tp + fn + fp else zero_division
            ),
            "The hits count once, and in F they count 1 + beta^2 times, above and below the line. For beta 1 this "
            "is the Jaccard index.",
        ),
        Mistake(
            _of_ratios_or_zero(lambda p, r, beta: (p + beta**2 * r) / (1 + beta**2)),
            "This is an arithmetic mean: a perfect recall makes up for any precision. Besides, 0/0 is always 0 here.",
        ),
        Mistake(
            _of_ratios_or_zero(lambda p, r, beta: (p + r) / 2),
            "This is half the sum of precision and recall. F is a harmonic mean, and beta has its part in it.",
        ),
        Mistake(
            _of_ratios_or_given(lambda p, r, beta: 2 * p * r / (p + r)),
            "beta is not used, and zero_division stands wherever there is no hit. It belongs only where all three "
            "counts are 0.",
        ),
        Mistake(
            _of_ratios_or_zero(lambda p, r, beta: 2 * p * r / (p + r)),
            "Neither beta nor zero_division is used: this is plain F1.",
        ),
        Mistake(
            _of_ratios_or_zero(lambda p, r, beta: (1 + beta**2) * p * r / (p + beta**2 * r)),
            "beta^2 stands with the wrong one of the two: below the line it multiplies the precision. Besides, 0/0 is "
            "always 0 here.",
        ),
        Mistake(
            _of_ratios_or_given(lambda p, r, beta: (1 + beta**2) * p * r / (p + beta**2 * r)),
            "beta^2 stands with the wrong one of the two: below the line it multiplies the precision. Besides, "
            "zero_division belongs only where all three counts are 0.",
        ),
        Mistake(
            _of_ratios_or_zero(lambda p, r, beta: (1 + beta) * p * r / (beta * p + r)),
            "beta stands where its square belongs, and 0/0 is always 0.",
        ),
    ],
    hint="Use the form of F-beta with counts: its denominator is 0 only where all three counts are.",
)
