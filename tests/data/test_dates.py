import datetime
import re

import pytest
import torch

from course_lib import data
from course_lib.data import dates as module

ALL = data.load("dates", "all")


def read(source):
    """The date that a string says, by other means than those that wrote it."""
    words = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", source.replace(",", " ").replace(" of ", " "))
    words = re.sub(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]* +", "", words)
    words = re.sub(r" +", " ", words).strip()
    for form in (
        "%d %B %Y",
        "%B %d %Y",
        "%b %d %Y",
        "%d %b %Y",
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%Y/%m/%d",
        "%d-%b-%Y",
    ):
        try:
            return datetime.datetime.strptime(words, form).date()
        except ValueError:
            continue
    for form in ("%Y %B %d", "%Y%m%d"):
        try:
            return datetime.datetime.strptime(words, form).date()
        except ValueError:
            continue
    raise AssertionError(f"no form fits {source!r}")


def test_every_source_says_the_date_that_its_target_writes():
    for x, y in ALL:
        assert read(ALL.decode(x)).isoformat() == ALL.decode(y), ALL.decode(x)


def test_weekdays_are_right():
    named = [(x, y) for x, y in ALL if re.match("[a-z]+day, ", ALL.decode(x))]
    assert len(named) > 300
    for x, y in named:
        assert (
            datetime.date.fromisoformat(ALL.decode(y)).strftime("%A").lower() == ALL.decode(x).split(",")[0]
        )


def test_all_twelve_forms_occur_about_equally_often():
    shapes = [re.sub("[a-z]+", "a", re.sub(r"\d+", "0", ALL.decode(x))) for x, _ in ALL]
    assert len(module._FORMS) == 12
    for form in module._FORMS:
        sample = {form(datetime.date(1987, month, day)) for month in (1, 5, 9) for day in (1, 2, 3, 11, 21)}
        shape = re.sub("[a-z]+", "a", re.sub(r"\d+", "0", next(iter(sample))))
        assert shapes.count(shape) > 400, f"the form {next(iter(sample))!r} is rare"


@pytest.mark.parametrize(
    ("day", "written"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th")],
)
def test_ordinals(day, written):
    assert module._ordinal(day) == written
    assert module._ordinal(day + 20 if day < 10 else day) in (
        written.replace(str(day), str(day + 20)),
        written,
    )


def test_a_day_is_in_one_split_only_in_whatever_form():
    days = {
        split: {ALL.decode(y) for _, y in data.load("dates", split, n=5000)}
        for split in ("train", "validation", "test")
    }
    assert not days["train"] & days["validation"]
    assert not days["train"] & days["test"]
    assert not days["validation"] & days["test"]
    assert all(len(each) == 5000 for each in days.values()), "a day came twice"


def test_encode_undoes_decode_and_padding_is_nothing():
    x, y = ALL[0]
    assert torch.equal(ALL.encode(ALL.decode(y)), y)
    source = ALL.encode(ALL.decode(x))
    assert torch.equal(source, x[: len(source)])
    assert (x[len(source) :] == 0).all()
    assert ALL.vocabulary[0] == b""
    with pytest.raises(ValueError, match=r"the vocabulary of 'dates' has no \['A', '_'\]"):
        ALL.encode("A_1")


def test_the_longest_date_fits():
    longest = max(
        len(form(datetime.date(1997, month, day)))
        for form in module._FORMS
        for month in range(1, 13)
        for day in range(1, 29)
    )
    assert longest == ALL.x.shape[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1"),
        ({"n": 10**6}, "n must be at most 43829 for 'train', its number of days, got 1000000"),
        ({"seed": "1"}, "seed must be a whole number"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("dates", **options)


def test_the_seed_changes_the_dates():
    assert not torch.equal(data.load("dates", seed=1).y, data.load("dates").y)
