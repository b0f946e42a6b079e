"""Heartbeats from a dynamical model, normal and not."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.options import at_least_zero, number, whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import generate

Floats = NDArray[np.float64]

_SAMPLES, _RATE, _BEFORE = 128, 160, 0.3  # samples a beat, samples a second, seconds before the R peak
_STEPS = 4  # of the integration, for each sample
_WARM_UP = 3.0  # seconds, in which the model forgets where it started (by e a second)
_CLASSES = ("normal", "premature beat", "ST elevation", "no P wave", "inverted T wave")


@dataclass(frozen=True)
class _Waves:
    """Five waves of each of n beats, P, Q, R, S, T, and one between S and T: arrays (n, 6).

    Angles are where the wave is in the cycle, with R at 0; ``a`` is its strength and ``b`` its width.
    """

    angle: Floats
    a: Floats
    b: Floats


# McSharry et al. (2003), table I; the sixth, the ST segment, is flat in a healthy beat.
_ANGLE = np.array([-np.pi / 3, -np.pi / 12, 0.0, np.pi / 12, np.pi / 2, np.pi / 4])
_A = np.array([1.2, -5.0, 30.0, -7.5, 0.75, 0.0])
_B = np.array([0.25, 0.1, 0.1, 0.1, 0.4, 0.25])
_P, _T, _ST = 0, 4, 5


@register(
    Sheet(
        name="ecg",
        kind="generated",
        what="Heartbeats of an electrocardiogram, from a dynamical model, normal or of four other kinds.",
        source="Made by this course with the model of P. E. McSharry, G. D. Clifford, L. Tarassenko and L. "
        "A. Smith (2003), A dynamical model for generating synthetic electrocardiogram signals, IEEE Trans. "
        "Biomed. Eng. 50(3), 289-294; the anomalies are our own changes of its parameters.",
        licence="CC0 1.0: numbers from a seed",
        size="as many beats as you ask for",
        splits={"train": 1000, "validation": 1000, "test": 1000, "all": 3000},
        shape=(1, _SAMPLES),
        values="float32, millivolts; 128 samples at 160 Hz, the R peak near 0.3 s",
        target="int64, 0 for a normal beat, else the kind of anomaly",
        classes=_CLASSES,
        options={
            "n": "1000: beats in the split",
            "abnormal": "0.2: the part of them that is not normal, a quarter of each kind",
            "noise": "0.02: standard deviation of the measuring noise, in millivolts",
            "seed": "0: of the random numbers",
        },
        pitfalls=(
            "These are drawings by an equation and not patients: a detector that is perfect here has shown "
            "nothing about hearts.",
            "The anomalies differ in how far they change the curve: a premature beat is easy to see, a "
            "missing P wave is a bump of a quarter of a millivolt. Look at the kinds one by one.",
            "Whoever learns what is normal must not see anomalies: take x[y == 0] of the training split, and "
            "choose the threshold on the validation split.",
            "Beats are cut out around their R peak; in a recording that cutting is a problem of its own.",
        ),
    )
)
def ecg(split: str, *, n: int = 1000, abnormal: float = 0.2, noise: float = 0.02, seed: int = 0) -> Dataset:
    """Return ``x`` (n, 1, 128) and ``y`` (n,), in random order."""
    n = whole("n", n, at_least=1)
    noise = at_least_zero("noise", noise)
    if not 0 <= number("abnormal", abnormal) <= 1:
        raise ValueError(f"abnormal must be from 0 to 1, got {abnormal!r}")

    def draw(rng: Generator) -> tuple[Floats, NDArray[np.int64]]:
        wrong = round(n * abnormal)
        y = rng.permutation(np.concatenate([np.zeros(n - wrong), 1 + np.arange(wrong) % 4]).astype(np.int64))
        waves = _with_anomalies(_healthy(rng, n), y)
        beats = _integrate(waves, _angular_velocity(rng, y), _breathing(rng, n))
        return (_scaled(beats) + noise * rng.standard_normal(beats.shape))[:, None], y

    generated = generate("ecg", seed, split, draw)
    return Dataset(generated.x, generated.y.to(torch.int64))


def _healthy(rng: Generator, n: int) -> _Waves:
    """The table's waves, each beat's a little different from the next: one heart beats like no other."""

    def vary(values: Floats, spread: float) -> Floats:
        return values * np.exp(spread * rng.standard_normal((n, len(values))))

    return _Waves(angle=vary(_ANGLE, 0.05), a=vary(_A, 0.1), b=vary(_B, 0.07))


def _with_anomalies(waves: _Waves, y: NDArray[np.int64]) -> _Waves:
    """Change the waves of the beats that are not normal."""
    angle, a, b = waves.angle.copy(), waves.a.copy(), waves.b.copy()
    premature, raised, missing, inverted = (y == kind for kind in (1, 2, 3, 4))
    # A beat that starts in the ventricle: no P wave, a broad QRS complex, and T the other way.
    a[premature, _P] = 0.0
    b[premature, 1:4] *= 2.2
    a[premature, 1:4] /= 3.5  # a wave's height goes with a b^2: higher by a third
    angle[premature, 1:4] *= 1.8
    a[premature, _T] *= -1.5
    a[raised, _ST] = 1.2
    a[missing, _P] = 0.0
    a[inverted, _T] *= -1.0
    return replace(waves, angle=angle, a=a, b=b)


def _angular_velocity(rng: Generator, y: NDArray[np.int64]) -> Floats:
    """How fast each beat goes round its cycle, in radians a second, (n,): about 70 beats a minute."""
    per_minute = np.clip(70 + 8 * rng.standard_normal(len(y)), 50, 100)
    return 2 * np.pi * np.where(y == 1, 1.15, 1.0) * per_minute / 60


def _breathing(rng: Generator, n: int) -> Floats:
    """The phase of the breath at the R peak, (n,): it moves the base line."""
    return 2 * np.pi * rng.random(n)


def _integrate(waves: _Waves, omega: Floats, breath: Floats) -> Floats:
    """Solve dz/dt = - sum_i a_i d_i exp(-d_i^2 / (2 b_i^2)) - (z - z_0) for n beats side by side: (n, 128).

    d_i is the angle from wave i, wrapped to [-pi, pi); on the model's circle the angle is omega t. z_0 is the
    base line, 0.005 sin(2 pi 0.25 t): breathing. Heun's method, the average of the slopes at both ends.
    """
    step = 1 / (_RATE * _STEPS)

    def slope(t: float, z: Floats) -> Floats:
        d = (omega * t)[:, None] - waves.angle
        d = np.mod(d + np.pi, 2 * np.pi) - np.pi
        pull = (waves.a * d * np.exp(-(d**2) / (2 * waves.b**2))).sum(axis=1)
        return -pull - (z - 0.005 * np.sin(2 * np.pi * 0.25 * t + breath))

    warm_up = round(_WARM_UP / step)
    z, found = np.zeros(len(omega)), []
    for k in range(-warm_up, _SAMPLES * _STEPS):
        t = k * step - _BEFORE
        if k >= 0 and k % _STEPS == 0:
            found.append(z)
        here = slope(t, z)
        z = z + step / 2 * (here + slope(t + step, z + step * here))
    return np.stack(found, axis=1)


def _scaled(z: Floats) -> Floats:
    """Millivolts: the table's own R wave, 0.0383 high at 70 beats a minute, becomes 1.2 mV."""
    return 1.2 * z / 0.0383
