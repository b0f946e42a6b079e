import math

import pytest

from course_lib.training import History

ROWS = [
    {"epoch": 1, "learning_rate": 0.1, "train_loss": 2.0, "validation_accuracy": 0.5, "seconds": 0.25},
    {"epoch": 2, "learning_rate": 0.1, "train_loss": 1.0, "validation_accuracy": 0.75, "seconds": 0.5},
    {"epoch": 3, "learning_rate": 0.01, "train_loss": 1.0, "validation_accuracy": 0.625, "seconds": 1.0},
]


def test_rows_and_columns():
    history = History(ROWS)
    assert len(history) == 3
    assert list(history) == ROWS
    assert history[0] == ROWS[0]
    assert history[-1]["epoch"] == 3
    assert history["train_loss"] == [2.0, 1.0, 1.0]
    assert history.columns == list(ROWS[0])
    assert history.to_dict()["epoch"] == [1, 2, 3]


def test_unknown_column_names_those_there_are():
    with pytest.raises(KeyError, match="no column 'loss'; there is epoch, learning_rate, train_loss"):
        History(ROWS)["loss"]


def test_a_column_missing_in_some_rows_is_nan_there():
    history = History([*ROWS, {"epoch": 4}])
    assert history["train_loss"][:3] == [2.0, 1.0, 1.0]
    assert math.isnan(history["train_loss"][3])


def test_json_round_trip_is_exact():
    rows = [{"epoch": 1, "train_loss": 0.1 + 0.2, "seconds": 1 / 3}]
    assert list(History.from_json(History(rows).to_json())) == rows


def test_state_dict_round_trip_shares_nothing():
    history, copy = History(ROWS), History()
    copy.load_state_dict(history.state_dict())
    assert copy == history
    copy.records[0]["train_loss"] = -1.0
    assert history[0]["train_loss"] == 2.0


def test_best_is_the_first_of_equals():
    assert History(ROWS).best("train_loss")["epoch"] == 2
    assert History(ROWS).best("validation_accuracy", mode="max")["epoch"] == 2


def test_best_skips_nan_and_complains_of_nothing_but_nan():
    assert History([{"a": math.nan}, {"a": 3.0}]).best("a") == {"a": 3.0}
    with pytest.raises(ValueError, match="column 'a' has no number"):
        History([{"a": math.nan}]).best("a")


def test_best_wants_min_or_max():
    with pytest.raises(ValueError, match='mode must be "min" or "max"'):
        History(ROWS).best("train_loss", mode="largest")


def test_equality_and_text_leave_the_seconds_out():
    slower = History([row | {"seconds": 99.0} for row in ROWS])
    assert slower == History(ROWS)
    assert repr(slower) == repr(History(ROWS))
    assert "seconds" not in repr(slower)
    assert History([row | {"train_loss": 99.0} for row in ROWS]) != History(ROWS)
    assert History(ROWS[:2]) != History(ROWS)


def test_histories_with_nan_can_be_equal():
    assert History([{"train_loss": math.nan}]) == History([{"train_loss": math.nan}])


def test_text_is_an_aligned_table():
    assert repr(History([row | {"learning_rate": 0.5} for row in ROWS[:1]])) == (
        "epoch  learning_rate  train_loss  validation_accuracy\n"
        "    1            0.5           2                  0.5"
    )
    assert repr(History()) == "History: no epochs yet"


def test_long_text_shows_both_ends():
    lines = repr(History([{"epoch": epoch} for epoch in range(1, 101)])).splitlines()
    assert len(lines) == 12
    assert [line.strip() for line in lines[1:]] == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "...",
        "96",
        "97",
        "98",
        "99",
        "100",
    ]
    assert len({len(line) for line in lines}) == 1
