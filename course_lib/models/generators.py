"""The generative models that come with the course: three kinds, trained for equal times on equal pictures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models import embedded_weights
from course_lib.models.conv_vae import conv_vae
from course_lib.models.dcgan import dcgan
from course_lib.models.ddpm import ddpm
from course_lib.models.diffusion_samplers import ddim_sample, ddpm_sample
from course_lib.models.noise_schedule import NoiseSchedule
from course_lib.models.vae import VAE

FOLDER = embedded_weights.FOLDER / "generators"
SEEDS = (0, 1, 2)
SAMPLERS: dict[str, tuple[str | None, ...]] = {
    "vae": (None,),
    "gan": (None,),
    "ddpm": (None, "ddim_50", "ddim_10"),
}
Draw = Callable[[int, torch.Generator | None], Tensor]

_MODELS: dict[str, Callable[..., nn.Module]] = {
    "vae": conv_vae,
    "gan": lambda **options: dcgan(**options).generator,
    "ddpm": ddpm,
}


def load_generator(kind: str, seed: int, *, device: Device = None, dtype: Dtype = None) -> nn.Module:
    """Return a trained generative model of digits, 16x16 pixels of ink, in evaluation mode.

    Trained by ``tools/pretrain_generators.py``, each for the same seconds of one core on the same pictures.
    The state of the random generators does not change.

    Args:
        kind: "vae" (a ``VAE`` of ``conv_vae``), "gan" (the generator of a ``dcgan``: z -> pictures from -1 to
            1) or "ddpm" (a ``DDPM``, which guesses noise in pictures from -1 to 1).
        seed: 0, 1 or 2, of the weights and the order of the pictures.
        device: where the parameters go.
        dtype: of the parameters.

    Raises:
        ValueError: there is no such kind or seed.
    """
    path = _path("load_generator", kind, seed)
    return embedded_weights.load(path, _MODELS[kind], device, dtype)


def generator_record(kind: str, seed: int) -> dict[str, Any]:
    """Return how ``load_generator(kind, seed)`` was made: recipe, seconds and steps of training, versions.

    Raises:
        ValueError: there is no such kind or seed.
    """
    return embedded_weights.read_record(_path("generator_record", kind, seed))


def generator_samples(kind: str, seed: int, sampler: str | None = None) -> Tensor:
    """Return the 1,000 pictures (1000, 1, 16, 16) that the model drew, uint8: ink times 255.

    Args:
        kind: as in ``load_generator``.
        seed: likewise.
        sampler: of "ddpm" "ddim_50" and "ddim_10" besides None, the ancestral one of all its steps.

    Raises:
        ValueError: there is no such kind, seed or sampler.
    """
    path = _path("generator_samples", kind, seed)
    _check_sampler("generator_samples", kind, sampler)
    return embedded_weights.read_state(samples_path(path))[sampler or "samples"]


def generator_draw(
    kind: str, seed: int, sampler: str | None = None, *, device: Device = None, dtype: Dtype = None
) -> Draw:
    """Return ``draw(n, generator) -> pictures (n, 1, 16, 16)``, ink from 0 to 1, of the trained model.

    The arguments are those of ``load_generator`` and ``generator_samples``. VAEs give the mean picture
    of a drawn code, without the noise of pixels.

    Raises:
        ValueError: there is no such kind, seed or sampler.
    """
    owner = "generator_draw"
    _check_sampler(owner, kind, sampler)
    net, record = load_generator(kind, seed, device=device, dtype=dtype), generator_record(kind, seed)
    if isinstance(net, VAE):
        return net.sample
    if kind == "gan":
        return partial(_draw_from_codes, net, record["options"]["latent"])
    schedule = NoiseSchedule.cosine(**record["schedule"])
    return partial(_draw_by_denoising, net, schedule, record["side"], int(sampler[5:]) if sampler else None)


def samples_path(path: Path) -> Path:
    """Where the pictures are that the model in the file ``path`` drew."""
    return path.with_name(f"{path.stem}_samples.safetensors")


def _draw_from_codes(net: nn.Module, latent: int, n: int, generator: torch.Generator | None = None) -> Tensor:
    like = next(net.parameters())
    z = torch.randn(n, latent, generator=generator, device=like.device, dtype=like.dtype)
    with torch.no_grad():
        return (net(z) + 1) / 2


def _draw_by_denoising(
    net: nn.Module,
    schedule: NoiseSchedule,
    side: int,
    steps: int | None,
    n: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    shape = (n, 1, side, side)
    if steps is None:
        x = ddpm_sample(net, schedule, shape, generator)
    else:
        x = ddim_sample(net, schedule, shape, steps, generator=generator)
    return (x + 1) / 2


def _path(owner: str, kind: str, seed: int) -> Path:
    checks.one_of(owner, "kind", kind, tuple(SAMPLERS))
    checks.one_of(owner, "seed", seed, SEEDS)
    return FOLDER / f"{kind}_{seed}.safetensors"


def _check_sampler(owner: str, kind: str, sampler: str | None) -> None:
    checks.one_of(owner, "kind", kind, tuple(SAMPLERS))
    checks.one_of(owner, "sampler", sampler, SAMPLERS[kind])
