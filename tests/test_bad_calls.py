"""Bad calls raise the promised error and name the argument, what was expected and what came."""

import pytest
from families import gather

CALLS = gather("BAD_CALLS")


def test_many_are_tried():
    assert len(CALLS) >= 150


@pytest.mark.parametrize(("family", "number"), CALLS, ids=[f"{family}-{number}" for family, number in CALLS])
def test_a_bad_call_is_named(family, number):
    error, call, words = CALLS[family, number]
    with pytest.raises(error) as caught:
        call()
    assert caught.type is error, f"{family} {number}: {caught.type.__name__} instead of {error.__name__}"
    assert words in str(caught.value), f"{family} {number}: {caught.value}"
