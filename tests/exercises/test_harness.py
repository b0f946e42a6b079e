"""The harness lets good exercises through and catches those that don't do their work."""

import numpy as np
import pytest
import torch

from course_lib.exercises import Exercise, Mistake, case, harness
from course_lib.exercises.harness import PROOFS


def fields(**changes):
    """A good exercise: the row sums of a matrix, weighted."""
    cases = [
        case(np.array([1.0, 2.0]), np.array([[1.0, 2.0], [3.0, 4.0]])),
        case(np.array([0.5, -1.0, 2.0]), np.arange(12.0).reshape(4, 3)),
    ]
    mistakes = [
        Mistake(lambda w, x: x.sum(axis=1), "Here the weights are ignored."),
        Mistake(lambda w, x: x @ w / len(x), "This is divided by the number of rows."),
        Mistake(lambda w, x: (x @ w)[:, None], "This is a column."),
    ]
    good = {
        "id": "toy/sums",
        "section": "00_toys/toy",
        "title": "Sums",
        "reference": lambda w, x: x @ w,
        "cases": cases,
        "mistakes": mistakes,
        "alternatives": [lambda w, x: (x * w).sum(axis=1)],
    }
    return good | changes


def value_fields(**changes):
    mistakes = [Mistake(n, f"Not {n}.") for n in (128, 3, 32)]
    return fields(reference=4, cases=[], mistakes=mistakes, alternatives=[4.0]) | changes


def gate(answer, x1, x2):
    w1, w2, threshold = answer
    return int(w1 * x1 + w2 * x2 > threshold)


GOOD = {
    "function": fields(),
    "several values": fields(
        reference=lambda w, x: (w + 1, float(x.sum())),
        mistakes=[Mistake(lambda w, x, n=n: (w + n, float(x.sum())), f"{n}.") for n in (2, 3, 4)],
        alternatives=[],
    ),
    "dictionary": fields(
        reference=lambda w, x: {"w": w + 1, "name": "w"},
        mistakes=[Mistake(lambda w, x, n=n: {"w": w + n, "name": "w"}, f"{n}.") for n in (2, 3, 4)],
        alternatives=[],
    ),
    "words": fields(
        reference=lambda n: "even" if n % 2 == 0 else "odd",
        cases=[case(1), case(2)],
        mistakes=[Mistake(lambda n, m=m: m * n, f"{m}.") for m in (2, 3, 4)],
        alternatives=[],
    ),
    "counts": fields(
        reference=lambda x: int((np.asarray(x) > 0).sum()),
        cases=[case([1, 2, -1]), case([0, 5])],
        mistakes=[Mistake(lambda x, m=m: m + len(x), f"{m}.") for m in (2, 3, 4)],
        alternatives=[],
        strict=True,
    ),
    "tensors": fields(
        reference=lambda x: torch.relu(x),
        cases=[case(torch.tensor([-1.0, 2.0])), case(torch.tensor([[0.5, -3.0]], requires_grad=True))],
        mistakes=[Mistake(f, f"{n}.") for n, f in enumerate((torch.abs, torch.neg, torch.tanh))],
        alternatives=[lambda x: x.clamp(min=0)],
    ),
    "draws": fields(
        reference=lambda n, rng: rng.normal(size=n),
        cases=[case(n, np.random.default_rng(n)) for n in (2, 3)],
        mistakes=[Mistake(lambda n, rng, m=m: rng.normal(size=n) + m, f"{m}.") for m in (2, 3, 4)],
        alternatives=[],
    ),
    "exceptions": fields(
        reference=lambda x: [1.0, 2.0, 3.0][x],
        cases=[case(0), case(1), case(7)],
        mistakes=[Mistake(lambda x, m=m: float(m + x), f"{m}.") for m in (2, 3, 4)],
        alternatives=[],
    ),
    "value": value_fields(),
    "values": value_fields(
        reference=(1.5, np.ones(2)),
        mistakes=[Mistake((n, np.ones(2)), f"{n}.") for n in (2, 3, 4)],
        alternatives=[],
    ),
    "word": value_fields(
        reference="AND", mistakes=[Mistake(w, f"{w}.") for w in ("OR", "XOR", "NOT")], alternatives=[]
    ),
    "behaviour": value_fields(
        reference=(1.0, 1.0, 0.5),
        cases=[case(a, b) for a in (0, 1) for b in (0, 1)],
        mistakes=[Mistake(w, f"{w}.") for w in ((1, 1, 1), (1, 0, 0.5), (1, 1, -1))],
        alternatives=[(2, 2, 1)],
        apply=gate,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_exercises_are_proved(name):
    exercise = Exercise(**GOOD[name])
    for proof in PROOFS.values():
        proof(exercise)


def same(w, x):
    return x @ w


def grows(w, x):
    value = x @ w
    w += 1
    return value


def draws(w, x):
    return x @ w + torch.rand(1, generator=GENERATOR).numpy()


GENERATOR = torch.Generator().manual_seed(1)
WEIGHTS = [Mistake(lambda w, x: x.sum(axis=1), "Here the weights are ignored.")]


@pytest.mark.parametrize(
    ("proof", "changes", "words"),
    [
        ("reference_passes", fields(reference=grows), "the reference should be 'passed'"),
        ("reference_passes", fields(reference=draws), "the reference should be 'passed'"),
        (
            "alternatives_pass",
            fields(alternatives=[same, lambda w, x: -x @ w]),
            "alternative 2 should be 'passed'",
        ),
        ("alternatives_pass", value_fields(alternatives=[5]), "alternative 1 should be 'passed'"),
        (
            "forms_pass",
            value_fields(reference=(1.0, 2.0), mistakes=[Mistake((n,), f"{n}.") for n in (1, 2, 3)]),
            "",
        ),
        (
            "mistakes_are_named",
            fields(mistakes=[*WEIGHTS, Mistake(same, "This is right."), Mistake(grows, "This changes w.")]),
            "the mistake 'This is right.' should be 'failed'",
        ),
        (
            "mistakes_are_named",
            fields(mistakes=[*WEIGHTS, *(Mistake(lambda w, x: -x @ w, f"Twin {n}.") for n in (1, 2))]),
            "the mistake 'Twin 2.' was not named",
        ),
        (
            "mistakes_are_named",
            value_fields(mistakes=[Mistake(n, f"{n}.") for n in (1, 2)] + [Mistake(..., "Three.")]),
            "the mistake 'Three.' should be 'failed'",
        ),
        (
            "answers_by_heart_fail",
            fields(cases=[case(np.ones(2), np.ones((1, 2))), case(np.ones(2), np.ones((1, 2)))]),
            "the result of case 1, always should be rejected",
        ),
        (
            "answers_by_heart_fail",
            fields(cases=[case(np.ones(2), np.zeros((n, 2))) for n in (1, 2)]),
            "zeros should be rejected",
        ),
        ("answers_by_heart_fail", value_fields(reference=[]), "an empty list should be rejected"),
    ],
)
def test_faulty_exercises_are_caught(proof, changes, words):
    exercise = Exercise(**changes)
    if not words:  # this one is sound: the proof must not cry wolf
        PROOFS[proof](exercise)
        return
    with pytest.raises(AssertionError) as raised:
        PROOFS[proof](exercise)
    assert words in str(raised.value)
    assert str(raised.value).startswith("toy/sums: ")


@pytest.mark.parametrize("proof", ["stub_is_not_started", "misbehaviour_is_reported", "forms_pass"])
def test_a_judge_that_is_too_kind_is_caught(proof, monkeypatch):
    right = harness.judge(Exercise(**fields()), same)
    wrong = harness.judge(Exercise(**fields()), lambda w, x: -x @ w)
    monkeypatch.setattr(harness, "judge", lambda *_: wrong if proof == "forms_pass" else right)
    with pytest.raises(AssertionError, match="toy/sums"):
        PROOFS[proof](Exercise(**fields()))


def test_mistakes_that_raise_are_told_apart():
    def raises(error):
        def answer(w, x):
            raise error

        return answer

    mistakes = [Mistake(raises(e), f"{e!r}.") for e in (ValueError("a"), ValueError("b"), TypeError("a"))]
    PROOFS["mistakes_are_named"](Exercise(**fields(mistakes=mistakes)))
