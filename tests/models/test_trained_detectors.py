"""The detectors that come with the course: made by recipe, good on pictures that none of them has seen."""

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import pretrain_detectors
import pytest
import torch

from course_lib import models
from course_lib.models import embedded_weights, trained_detectors

KINDS = list(trained_detectors.MODELS)
EACH = [(kind, seed) for kind in KINDS for seed in trained_detectors.SEEDS]
each_of_ours = pytest.mark.parametrize(("kind", "seed"), EACH)


@pytest.fixture(scope="module")
def held():
    """Sixty pictures of the test split, with proposals for those that need them."""
    pictures = pretrain_detectors.Pictures.load("test", 60, search=True)
    return lambda kind: pictures if kind in pretrain_detectors.SEARCHING else replace(pictures, proposals=[])


@each_of_ours
def test_the_record_is_the_recipe(kind, seed):
    recipe, got = pretrain_detectors.RECIPES[kind], models.detector_record(kind, seed)
    expected = pretrain_detectors.record(recipe, seed, {})
    for key in ("processor", "versions"):
        got.pop(key), expected.pop(key)
    measured = {key: got.pop(key) for key in list(got) if key not in expected}
    assert measured["steps"] > 500, f"{measured['steps']} steps"
    assert recipe.seconds <= measured["measured_seconds"] < recipe.seconds + 2
    assert got == json.loads(json.dumps(expected)), f"{kind}, {seed}: not what the tool says"


def test_all_kinds_had_the_same_pictures_and_the_same_time():
    shared = ("examples", "held_out", "batch_size", "learning_rate", "seconds", "processor", "versions")
    records = [models.detector_record(*each) for each in EACH]
    for key in shared:
        assert all(record[key] == records[0][key] for record in records), key


@each_of_ours
def test_files_are_small(kind, seed):
    assert trained_detectors.path_of("test", kind, seed).stat().st_size < 1e6


@each_of_ours
def test_it_finds_objects_on_new_pictures(kind, seed, held):
    """As well as on validation pictures, by its record, but for what chance does to sixty of them."""
    net = models.load_detector(kind, seed)
    assert not any(module.training for module in net.modules())
    judged = pretrain_detectors.judge(net, held(kind))
    told = models.detector_record(kind, seed)["validation"]
    for key in set(told) - {"seconds_a_picture"}:
        assert abs(judged[key] - told[key]) < 0.12, f"{key}: {judged[key]} on test, {told[key]} told"


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_differ_and_loads_share_nothing(kind):
    nets = [models.load_detector(kind, seed) for seed in trained_detectors.SEEDS]
    first, again = nets[0], models.load_detector(kind, 0)
    for one, other in itertools.combinations(nets, 2):
        weights = [next(net.parameters()) for net in (one, other)]
        assert not torch.equal(*weights), f"{kind}: the same weights for two seeds"
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    assert all(parameter.abs().sum() > 0 for parameter in again.parameters() if parameter.dim() > 1)


@pytest.mark.parametrize("kind", KINDS)
def test_loading_draws_no_random_numbers_and_gives_the_dtype_asked_for(kind):
    before = torch.get_rng_state()
    net = models.load_detector(kind, 0, dtype=torch.float64)
    assert torch.equal(before, torch.get_rng_state())
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}


@pytest.mark.parametrize("load", [models.load_detector, models.detector_record])
@pytest.mark.parametrize(("kind", "seed", "named"), [("yolo", 0, "kind"), ("rcnn", 7, "seed")])
def test_what_is_not_there_is_named(load, kind, seed, named):
    with pytest.raises(ValueError, match=f"{load.__name__}: {named}"):
        load(kind, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tool_runs_at_a_small_scale(tmp_path, monkeypatch, kind):
    """Six steps by a clock that ticks once a step, after which the file is there and loads."""
    monkeypatch.setattr(trained_detectors, "FOLDER", tmp_path)
    monkeypatch.setattr(pretrain_detectors, "time", SimpleNamespace(process_time=itertools.count().__next__))
    recipe = replace(
        pretrain_detectors.RECIPES[kind], batch_size=4, examples=24, fitted=24, held_out=4, seconds=6
    )
    measured = pretrain_detectors.make(recipe, 1)
    assert measured["steps"] == 6
    record = models.detector_record(kind, 1)
    assert record["seed"] == 1
    assert record["validation"] == measured["validation"]
    assert ("mask_map" in record["validation"]) == kind.startswith("mask")
    assert embedded_weights.names() == sorted(set(embedded_weights.names())), "no part of load_pretrained's"
    models.load_detector(kind, 1)
