"""Train the generative models that come with the course: ``python tools/pretrain_generators.py KIND ...``.

Each sees the same pictures and has the same time: seconds of one core that the process itself has used,
whatever else the machine does. How many steps fit into them is another matter on every machine, so what comes
out is alike in quality, not in every weight. The record in each file says how many steps there were.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from pretraining import descend, half, processor, train_for, versions
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_lib import data, models, optim
from course_lib.models import embedded_weights, generators

DIGITS = {"classes": "digits", "size": 32, "noise": 0.0}
LARGEST_GRADIENT = 1.0  # of the diffusion model, by its norm
CHUNK = 250  # pictures drawn at a time, each chunk from a start of its own

Step = Callable[[Tensor, float], None]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a model becomes, but for the speed of the machine.

    Attributes:
        kind: "vae", "gan" or "ddpm".
        options: of ``conv_vae``, ``dcgan`` or ``ddpm``.
        batch_size: pictures a step.
        learning_rate: of Adam; it rises over the first steps and falls to 0 along a cosine of the time.
        betas: of Adam.
        smoothing: one-sided label smoothing of the GAN's discriminator.
        schedule: of the diffusion model's noise: arguments of ``NoiseSchedule.cosine``.
        average: decay of the exponential moving average of the diffusion model's weights.
        dataset: name of the data set,
        data_options: its options, and
        examples: how many pictures of its training split are shown.
        side: of a picture, after 2x2 pixels have been averaged.
        seconds: of one core.
        samples: pictures that are drawn and stored.
    """

    kind: str
    options: dict[str, Any]
    batch_size: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    smoothing: float = 0.0
    schedule: dict[str, Any] = field(default_factory=dict)
    average: float = 0.0
    dataset: str = "glyphs"
    data_options: dict[str, Any] = field(default_factory=lambda: dict(DIGITS))
    examples: int = 4000
    side: int = 16
    seconds: float = 240.0
    samples: int = 1000


RECIPES = {
    "vae": Recipe("vae", {"latent": 16, "width": 32}, 64, 2e-3),
    "gan": Recipe("gan", {"latent": 32, "width": 24}, 64, 2e-3, betas=(0.5, 0.999), smoothing=0.1),
    "ddpm": Recipe("ddpm", {"width": 16}, 64, 4e-3, schedule={"steps": 200, "largest": 0.25}, average=0.995),
}


def pictures(recipe: Recipe) -> Tensor:
    """The training pictures (n, 1, side, side), ink from 0 to 1."""
    x = data.load(recipe.dataset, "train", n=recipe.examples, **recipe.data_options).x
    return F.avg_pool2d(x, x.shape[-1] // recipe.side)


def vae_training(recipe: Recipe) -> tuple[nn.Module, Step]:
    """A VAE and its step: the bound on the likelihood of Bernoulli pixels."""
    net = models.conv_vae(**recipe.options)
    optimizer = optim.Adam(net.parameters(), lr=recipe.learning_rate, betas=recipe.betas)

    def step(x: Tensor, share: float) -> None:
        descend(optimizer, models.negative_elbo(net(x), x), recipe.learning_rate * share)

    return net, step


def gan_training(recipe: Recipe) -> tuple[nn.Module, Step]:
    """A generator and its step: one of the discriminator, one of its own."""
    generator, discriminator = models.dcgan(**recipe.options)
    one, other = (
        optim.Adam(net.parameters(), lr=recipe.learning_rate, betas=recipe.betas)
        for net in (generator, discriminator)
    )

    def step(x: Tensor, share: float) -> None:
        rate, real = recipe.learning_rate * share, 2 * x - 1
        fake = generator(torch.randn(len(x), recipe.options["latent"]))
        told_apart = models.discriminator_loss(
            discriminator(real), discriminator(fake.detach()), recipe.smoothing
        )
        descend(other, told_apart, rate)
        descend(one, models.generator_loss(discriminator(fake)), rate)

    return generator, step


def ddpm_training(recipe: Recipe) -> tuple[nn.Module, Step]:
    """The moving average of a diffusion model, and the model's step."""
    net = models.ddpm(**recipe.options)
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    schedule = models.NoiseSchedule.cosine(**recipe.schedule)
    optimizer = optim.Adam(net.parameters(), lr=recipe.learning_rate, betas=recipe.betas)

    def step(x: Tensor, share: float) -> None:
        rate = recipe.learning_rate * share
        descend(optimizer, models.ddpm_loss(net, schedule, 2 * x - 1), rate, LARGEST_GRADIENT)
        mean.update_parameters(net)

    return mean.module, step


TRAININGS = {"vae": vae_training, "gan": gan_training, "ddpm": ddpm_training}


def batches(x: Tensor, size: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Batches of ``size`` rows for ever, every row once in each round."""
    while True:
        for rows in torch.randperm(len(x), generator=rng).split(size):
            if len(rows) == size:
                yield x[rows]


def train(recipe: Recipe, seed: int) -> tuple[nn.Module, dict[str, Any]]:
    """Return the trained net in evaluation mode, and what was measured on the way."""
    x = pictures(recipe)
    torch.manual_seed(seed)
    net, step = TRAININGS[recipe.kind](recipe)
    shown = batches(x, recipe.batch_size, torch.Generator().manual_seed(seed))
    measured = train_for(recipe.seconds, lambda share: step(next(shown), share), time.process_time)
    return net.eval(), measured


def record(recipe: Recipe, seed: int, measured: dict[str, Any]) -> dict[str, Any]:
    """Return what the file says of its weights."""
    return {**vars(recipe), "seed": seed, **measured, "processor": processor(), "versions": versions()}


def draw(kind: str, seed: int, sampler: str | None, n: int) -> Tensor:
    """n pictures as uint8 (n, 1, side, side); models of different seeds begin with different noise."""
    sample = generators.generator_draw(kind, seed, sampler)
    drawn = [
        sample(min(CHUNK, n - start), torch.Generator().manual_seed(1000 * seed + start // CHUNK))
        for start in range(0, n, CHUNK)
    ]
    return (255 * torch.cat(drawn).clamp(0, 1)).round().to(torch.uint8)


def make(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Train one model, write it, and then the pictures that it draws; return what was measured."""
    net, measured = train(recipe, seed)
    generators.FOLDER.mkdir(parents=True, exist_ok=True)
    path = generators.FOLDER / f"{recipe.kind}_{seed}.safetensors"
    embedded_weights.write(path, half(net), record(recipe, seed, measured))
    drawn, seconds = {}, {}
    for sampler in generators.SAMPLERS[recipe.kind]:
        name, began = sampler or "samples", time.process_time()
        drawn[name] = draw(recipe.kind, seed, sampler, recipe.samples)
        seconds[name] = round(time.process_time() - began, 2)
    embedded_weights.write(generators.samples_path(path), drawn, {"seconds": seconds})
    return {**measured, "drawing": seconds}


def main() -> None:
    """Make the models asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="+", choices=RECIPES, metavar="KIND", help=", ".join(RECIPES))
    parser.add_argument("--seeds", type=int, nargs="+", default=generators.SEEDS, choices=generators.SEEDS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one core's seconds
    for seed in arguments.seeds:
        for kind in arguments.kinds:
            print(f"{kind}, seed {seed}: {make(RECIPES[kind], seed)}", flush=True)


if __name__ == "__main__":
    main()
