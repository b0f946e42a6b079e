"""The checkpoints that come with the course: made by recipe, as good as they say, and alone enough."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pretrain
import pytest
import torch
from published import EMBEDDED

from course_lib import data, training
from course_lib.models import embedded_weights
from course_lib.models.preprocessing import Preprocessing
from course_lib.models.pretrained import load_pretrained, pretrained_sheet

REPOSITORY = Path(__file__).parents[2]
each_of_ours = pytest.mark.parametrize("name", EMBEDDED)


def test_each_checkpoint_has_a_recipe_and_each_recipe_a_checkpoint():
    assert embedded_weights.names() == EMBEDDED == sorted(pretrain.RECIPES)


@each_of_ours
def test_the_record_is_the_recipe(name):
    sheet, recipe = pretrained_sheet(name), pretrain.RECIPES[name]
    path = embedded_weights.FOLDER / f"{name}.safetensors"
    assert path.stat().st_size < 1e6, "a checkpoint of less than 1 MB"
    expected = pretrain.record(name, recipe, sheet.classes, sheet.accuracy)
    got = dict(sheet.record)
    assert set(got.pop("versions")) == set(expected.pop("versions")), name
    assert got == json.loads(json.dumps(expected)), f"the record of {name} is not what tools/pretrain.py says"
    assert sheet.classes == data.load("glyphs", n=1).classes
    assert sheet.kind == "embedded"
    assert sheet.options == recipe.options
    assert sheet.preprocessing == Preprocessing(28, 28, (recipe.mean,), (recipe.std,))
    assert name in sheet.source


@each_of_ours
def test_the_accuracy_is_the_recorded_one(name):
    sheet, net = pretrained_sheet(name), load_pretrained(name)
    assert not any(module.training for module in net.modules())

    def accuracy_on(n, seed):
        drawn = data.load("glyphs", "test", n=n, seed=seed, **sheet.record["data_options"])
        return training.evaluate(net, (sheet.preprocessing(drawn.x), drawn.y))["accuracy"]

    n, recorded = sheet.record["held_out"], sheet.accuracy
    again = accuracy_on(n, sheet.record["seed"])
    assert abs(again - recorded) < 0.001, f"{name}: {again:.4f} on the characters that gave {recorded:.4f}"
    # On other characters of the same fonts luck is in it: four standard deviations of the difference.
    fresh = accuracy_on(1100, seed=12345)
    margin = 4 * math.sqrt(recorded * (1 - recorded) * (1 / n + 1 / 1100))
    assert abs(fresh - recorded) < margin, f"{name}: {fresh:.4f} on fresh characters, recorded {recorded:.4f}"
    assert fresh > 0.8, f"{name}: {fresh:.4f}, where chance is {1 / len(sheet.classes):.3f}"


@each_of_ours
def test_the_weights_are_tensors_that_are_all_different_from_fresh_ones(name):
    sheet, net = pretrained_sheet(name), load_pretrained(name)
    torch.manual_seed(0)
    fresh = embedded_weights.build(sheet.model, sheet.options).state_dict()
    assert list(fresh) == list(net.state_dict())
    for key, value in net.state_dict().items():
        assert value.isfinite().all(), f"{name}: {key}"
        assert not torch.equal(value, fresh[key]), f"{name}: {key} has never been trained"


@each_of_ours
def test_two_loads_share_nothing(name):
    first, second = load_pretrained(name), load_pretrained(name)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    assert all(parameter.abs().sum() > 0 for parameter in second.parameters())


@each_of_ours
def test_pretrain_runs_at_a_small_scale_and_repeats_itself(tmp_path, name):
    recipe = replace(pretrain.RECIPES[name], examples=110, held_out=55, epochs=1)
    states = []
    for folder in ("one", "two"):
        accuracy = pretrain.make(name, recipe, tmp_path / folder)
        path = tmp_path / folder / f"{name}.safetensors"
        states.append(embedded_weights.read_state(path))
        record = embedded_weights.read_record(path)
        assert record["held_out_accuracy"] == accuracy
        assert record["examples"] == 110
        assert record["versions"]["torch"] == torch.__version__
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), f"{name}: {key} came out differently the second time"


def test_nothing_of_torchvisions_is_needed():
    program = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import torch\n"
        "from course_lib.models.pretrained import load_pretrained, pretrained_names, pretrained_sheet\n"
        "for name in pretrained_names(): pretrained_sheet(name)\n"
        "print(load_pretrained('glyphs_simple_cnn')(torch.zeros(1, 1, 28, 28)).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(1, 55)" in done.stdout or "[1, 55]" in done.stdout


def test_the_checkpoints_are_packaged():
    assert '"**/*.safetensors"' in (REPOSITORY / "pyproject.toml").read_text()
