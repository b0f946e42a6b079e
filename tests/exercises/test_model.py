"""An exercise that is not well formed can't be made."""

import numpy as np
import pytest

from course_lib.exercises import Exercise, Mistake, case


def double(x):
    return 2 * x


def fields(**changes):
    good = {
        "id": "toy/double",
        "section": "00_toys/toy",
        "title": "Double",
        "reference": double,
        "cases": [case(1), case(2)],
        "mistakes": [Mistake(lambda x, n=n: n * x, f"That is {n} times.") for n in (3, 4, 5)],
    }
    return good | changes


def test_a_good_one_can_be_made():
    exercise = Exercise(**fields())
    assert exercise.wants_function
    assert len(exercise.all_cases) == 2
    assert repr(exercise) == "Exercise('toy/double')"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"id": "Toy/double"}, "stem/name"),
        ({"id": "double"}, "stem/name"),
        ({"id": "other/double"}, "start with the section's stem, 'toy'"),
        ({"section": "toys/toy"}, "NN_chapter/stem"),
        ({"title": " "}, "no title"),
        ({"mistakes": []}, "0 mistakes"),
        ({"mistakes": [Mistake(abs, "One."), Mistake(abs, "Two.")]}, "2 mistakes, and needs at least 3"),
        ({"mistakes": [Mistake(abs, h) for h in ("One.", "Two.", "Three")]}, "'Three' should be a sentence"),
        ({"mistakes": [Mistake(abs, h) for h in ("One.", "Two.", "")]}, "should be a sentence"),
        ({"mistakes": [Mistake(abs, h) for h in ("One.", "Two.", "One.")]}, "share the hint 'One.'"),
        (
            {"mistakes": [Mistake(v, h) for v, h in zip((abs, abs, 3), ("1.", "2.", "3."), strict=True)]},
            "all be",
        ),
        ({"alternatives": [4]}, "all be functions"),
        ({"hint": "look again"}, "should be a sentence"),
        ({"cases": [case(1)]}, "by heart"),
        ({"cases": []}, "by heart"),
        ({"apply": lambda f, x: f(x)}, "'apply' is for values"),
    ],
)
def test_faults_are_named(changes, fault):
    with pytest.raises(ValueError, match="exercise") as raised:
        Exercise(**fields(**changes))
    assert fault in str(raised.value)


def test_a_plain_value_has_no_cases():
    mistakes = [Mistake(n, f"That is {n}.") for n in (1, 2, 3)]
    assert not Exercise(**fields(reference=4, cases=[], mistakes=mistakes)).wants_function
    with pytest.raises(ValueError, match="a plain value has no cases"):
        Exercise(**fields(reference=4, mistakes=mistakes))


def test_cases_made_by_a_function_are_the_same_each_time():
    def cases(rng):
        return [case(rng.normal(size=3)) for _ in range(2)]

    one, two = Exercise(**fields(cases=cases)), Exercise(**fields(cases=cases))
    assert np.array_equal(one.all_cases[1].args[0], two.all_cases[1].args[0])
    assert not np.array_equal(one.all_cases[0].args[0], one.all_cases[1].args[0])


def test_one_made_case_is_too_few():
    with pytest.raises(ValueError, match="by heart"):
        _ = Exercise(**fields(cases=lambda rng: [case(1)])).all_cases
