"""The generative models that come with the course: made by recipe, drawing what is stored, and digits."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pretrain_generators
import pytest
import torch

from course_lib import metrics, models
from course_lib.models import embedded_weights, generators

REPOSITORY = Path(__file__).parents[2]
EACH = [(kind, seed) for kind in generators.SAMPLERS for seed in generators.SEEDS]
each_of_ours = pytest.mark.parametrize(("kind", "seed"), EACH)


def pixels(kind, seed, sampler=None, n=1000):
    """The first stored pictures (n, 256), from 0 to 1."""
    return models.generator_samples(kind, seed, sampler)[:n].flatten(1) / 255


@pytest.fixture(scope="module")
def real():
    """Pictures (2000, 256) from the source of the training pictures, the first 1,000 of them shown."""
    recipe = replace(pretrain_generators.RECIPES["vae"], examples=5000)
    return pretrain_generators.pictures(recipe)[3000:].flatten(1)


@each_of_ours
def test_the_record_is_the_recipe(kind, seed):
    recipe, got = pretrain_generators.RECIPES[kind], models.generator_record(kind, seed)
    expected = pretrain_generators.record(recipe, seed, {"steps": 0, "measured_seconds": 0.0})
    measured = {key: got.pop(key) for key in ("steps", "measured_seconds", "processor", "versions")}
    assert set(measured["versions"]) == set(expected["versions"])
    assert measured["steps"] > 500, f"{measured['steps']} steps"
    assert recipe.seconds <= measured["measured_seconds"] < recipe.seconds + 2
    for key in measured:
        expected.pop(key)
    assert got == json.loads(json.dumps(expected)), f"{kind}, {seed}: not what the tool says"


def test_all_kinds_had_the_same_pictures_and_the_same_time():
    shared = ("dataset", "data_options", "examples", "side", "seconds", "samples", "processor", "versions")
    records = [models.generator_record(*each) for each in EACH]
    for key in shared:
        assert all(record[key] == records[0][key] for record in records), key
    assert records[0]["seconds"] == 240.0


@each_of_ours
def test_files_are_small_and_weights_are_trained(kind, seed):
    path = generators.FOLDER / f"{kind}_{seed}.safetensors"
    for file in (path, generators.samples_path(path)):
        assert file.stat().st_size < 1e6, f"{file.name}: a file of less than 1 MB"
    net, others = models.load_generator(kind, seed), models.load_generator(kind, (seed + 1) % 3)
    assert not any(module.training for module in net.modules())
    for (key, value), other in zip(net.state_dict().items(), others.state_dict().values(), strict=True):
        assert value.isfinite().all(), key
        if value.is_floating_point():
            assert not torch.equal(value, other), f"{key} is the same for two seeds"


@each_of_ours
def test_stored_pictures_are_what_the_model_draws(kind, seed):
    """A chunk is drawn as a whole, as its pictures share one stream of noise; the cheap samplers only."""
    for sampler in generators.SAMPLERS[kind]:
        stored = models.generator_samples(kind, seed, sampler)
        assert stored.dtype == torch.uint8
        assert stored.shape == (1000, 1, 16, 16)
        assert len(torch.unique(stored, dim=0)) > 990, "pictures come twice"
        if kind == "ddpm" and sampler != "ddim_10":
            continue  # hundreds of passes through the net; how samplers agree is tested below
        drawn = pretrain_generators.draw(kind, seed, sampler, pretrain_generators.CHUNK)
        difference = (drawn.int() - stored[: len(drawn)].int()).abs()
        assert difference.float().mean() < 1, (
            f"{kind}, {sampler}: {difference.float().mean():.2f} grey levels"
        )


def test_samplers_of_one_model_agree():
    """DDIM from the same noise: nearly the same pictures for 10 and 50 steps, others by the ancestral one."""
    for seed in generators.SEEDS:
        few, many = (pixels("ddpm", seed, name) for name in ("ddim_10", "ddim_50"))
        own = (few - many).norm(dim=1).mean()
        strange = (few - many.roll(1, dims=0)).norm(dim=1).mean()
        ancestral = (few - pixels("ddpm", seed)).norm(dim=1).mean()
        assert own < 0.6 * strange, f"seed {seed}: {own:.2f} to the own, {strange:.2f} to another"
        assert ancestral > 0.8 * strange, f"seed {seed}"


def test_models_of_other_seeds_drew_from_other_noise():
    """With a shared start DDIM's pictures of two seeds would be alike, and the spread too small."""
    one, other = pixels("ddpm", 0, "ddim_50"), pixels("ddpm", 1, "ddim_50")
    own = (one - other).norm(dim=1).mean()
    strange = (one - other.roll(1, dims=0)).norm(dim=1).mean()
    assert own > 0.9 * strange


@each_of_ours
def test_the_pictures_look_like_digits(real, kind, seed):
    """In pixels: nearer to real ones than noise of the same ink, and not one digit for ever."""
    fresh, shown = real[1000:], real[:1000]
    noise = torch.stack([column[torch.randperm(1000)] for column in fresh.T], dim=1)
    apart = metrics.frechet_distance_of_samples(noise, shown)
    for sampler in generators.SAMPLERS[kind]:
        x = pixels(kind, seed, sampler)
        assert abs(x.mean() - fresh.mean()) < 0.06, f"{sampler}: ink {x.mean():.3f}, real {fresh.mean():.3f}"
        assert metrics.frechet_distance_of_samples(x, shown) < apart / 2, f"{kind}, {sampler}"
        assert x.std(dim=0).mean() > 0.6 * fresh.std(dim=0).mean(), f"{kind}, {sampler}: too much alike"


@pytest.mark.parametrize("kind", list(generators.SAMPLERS))
def test_loading_leaves_the_random_generator_alone(kind):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    net = models.load_generator(kind, 0, dtype=torch.float64, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
    assert {each.dtype for each in net.parameters()} == {torch.float64}
    assert all(each.requires_grad for each in net.parameters())
    draw = models.generator_draw(kind, 0, generators.SAMPLERS[kind][-1], dtype=torch.float64)
    again = [draw(2, torch.Generator().manual_seed(5)) for _ in range(2)]
    assert again[0].dtype == torch.float64
    assert again[0].shape == (2, 1, 16, 16)
    assert torch.equal(*again)
    assert not again[0].requires_grad


@pytest.mark.parametrize("kind", list(generators.SAMPLERS))
def test_two_loads_share_nothing(kind):
    first, second = models.load_generator(kind, 0), models.load_generator(kind, 0)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    assert any(parameter.abs().sum() > 0 for parameter in second.parameters())


@pytest.mark.parametrize("kind", list(generators.SAMPLERS))
def test_the_tool_runs_at_a_small_scale(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(generators, "FOLDER", tmp_path)
    recipe = replace(pretrain_generators.RECIPES[kind], examples=100, seconds=0.2, samples=3)
    recipe = replace(recipe, schedule={**recipe.schedule, "steps": 60} if recipe.schedule else {})
    measured = pretrain_generators.make(recipe, 1)
    assert measured["steps"] >= 1
    record = models.generator_record(kind, 1)
    assert record["seed"] == 1
    assert record["steps"] == measured["steps"]
    for sampler in generators.SAMPLERS[kind]:
        assert models.generator_samples(kind, 1, sampler).shape == (3, 1, 16, 16)
    assert embedded_weights.names() == sorted(set(embedded_weights.names())), (
        "no part of load_pretrained's list"
    )


@pytest.mark.parametrize("kind", ["vae", "gan"])
def test_the_tool_makes_pictures_better_in_few_steps(kind, real, monkeypatch):
    """A hundred steps, by a clock that ticks once a step, move a fresh net's pictures towards the data."""
    clock = SimpleNamespace(process_time=itertools.count().__next__)
    monkeypatch.setattr(pretrain_generators, "time", clock)
    recipe = replace(pretrain_generators.RECIPES[kind], examples=500)
    gaps = []
    for steps in (1, 100):
        net, measured = pretrain_generators.train(replace(recipe, seconds=steps), 0)
        assert measured["steps"] == steps
        torch.manual_seed(0)
        with torch.no_grad():
            x = (
                net.sample(200)
                if kind == "vae"
                else (net(torch.randn(200, recipe.options["latent"])) + 1) / 2
            )
        gaps.append(metrics.frechet_distance_of_samples(x.flatten(1), real[:1000]))
    assert gaps[1] < 0.8 * gaps[0], f"{kind}: {gaps}"


def test_the_models_are_packaged():
    assert '"**/*.safetensors"' in (REPOSITORY / "pyproject.toml").read_text()
    assert generators.FOLDER.is_relative_to(REPOSITORY / "course_lib")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: models.load_generator("flow", 0),
            "load_generator: kind must be one of 'vae', 'gan', 'ddpm'",
        ),
        (lambda: models.load_generator("vae", 3), "load_generator: seed must be one of 0, 1, 2, got 3"),
        (lambda: models.generator_record("vae", -1), "generator_record: seed must be one of"),
        (lambda: models.generator_samples("vae", 0, "ddim_10"), "sampler must be one of None, got 'ddim_10'"),
        (
            lambda: models.generator_samples("ddpm", 0, "ddim_20"),
            "sampler must be one of None, 'ddim_50', 'ddim_10'",
        ),
        (lambda: models.generator_draw("gan", 0, "ancestral"), "generator_draw: sampler must be one of None"),
        (lambda: models.generator_draw("cat", 0), "generator_draw: kind must be one of"),
    ],
)
def test_bad_calls_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
