"""Records of long runs: they are there, whole, and made by the tool as it stands."""

import json
from dataclasses import asdict, replace

import pytest
import race_sequences
import torch

from course_lib import models
from course_lib.training import recorded

SMALL = replace(
    race_sequences.Settings(),
    seconds=0.05,
    trial_seconds=0.02,
    rates=(0.002, 0.01),
    parameters=20_000,
    examples=200,
    held_out=60,
    seeds=(0,),
)


@pytest.fixture(scope="module")
def record():
    return recorded("sequence_race")


def test_settings_are_those_of_the_tool(record):
    assert record["settings"] == json.loads(json.dumps(asdict(race_sequences.Settings())))
    assert record["processor"]
    assert {"torch", "python", "course_lib"} <= set(record["versions"])


def test_every_net_ran_on_every_task_with_every_seed(record):
    assert list(record["results"]) == ["recall", "dates", "arithmetic"]
    for task, of_task in record["results"].items():
        assert list(of_task) == list(race_sequences.KINDS), task
        answers = [result["answers"] for result in of_task.values()]
        assert all(each == answers[0] for each in answers), f"{task}: all are asked the same"
        for kind, result in of_task.items():
            settings = record["settings"]
            assert result["rate"] in settings["rates"]
            assert 0.9 < result["parameters"] / settings["parameters"] <= 1, (task, kind)
            assert [run["seed"] for run in result["runs"]] == settings["seeds"]
            for run in result["runs"]:
                assert run["steps"] > 100, (task, kind)
                assert list(run["right"]) == list(result["answers"])
                assert all(0 <= share <= 1 for share in run["right"].values())


def test_an_unknown_record_is_named():
    with pytest.raises(ValueError, match="recorded: name"):
        recorded("marathon")


def test_the_tool_runs_at_a_small_scale(tmp_path):
    threads = torch.get_num_threads()
    race_sequences.main(SMALL, tmp_path / "race.json")
    torch.set_num_threads(threads)
    made = json.loads((tmp_path / "race.json").read_text())
    assert set(made) == {"settings", "processor", "versions", "results"}
    for of_task in made["results"].values():
        assert list(of_task) == list(race_sequences.KINDS)


@pytest.mark.parametrize("kind", race_sequences.KINDS)
def test_nets_are_as_large_as_they_may_be(kind):
    net = race_sequences.make(kind, 42, 93_000)
    assert 90_000 < race_sequences.size_of(net) <= 93_000
    assert (getattr(net, "attention", None) is not None) == (kind == "GRU, attention")


def test_questions_are_sorted_by_their_length():
    x = torch.tensor([[1, 0, 0], [1, 2, 0], [1, 2, 3], [3, 2, 0]])
    found = race_sequences.by_length((x, torch.arange(4)[:, None]), (1, 2, 3))
    assert {name: y.flatten().tolist() for name, (_, y) in found.items()} == {
        "1-1": [0],
        "2-2": [1, 3],
        "3-3": [2],
    }


def test_only_whole_answers_are_right():
    """A model that writes 1, 2, 3 whatever it is asked."""

    class Parrot(models.Seq2Seq):
        def decode(self, tokens, state):
            return torch.nn.functional.one_hot(tokens + 1, 5).float(), state

    parrot = Parrot(5, 5, hidden_size=4).eval()
    answers = torch.tensor([[1, 2, 3], [1, 2, 4], [1, 2, 3], [2, 2, 3]])
    assert race_sequences.exact(parrot, (torch.ones(4, 2, dtype=torch.int64), answers)) == 0.5
