"""The losses of a game: what a discriminator, a generator and a critic minimize.

Discriminators give logits a, and D = sigmoid(a) is the probability that an example is real. All logarithms
are computed from the logits: -log D = softplus(-a), and -log(1 - D) = softplus(a), whatever the size of a.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """-mean log D(real) - mean log(1 - D(fake)) -> ().

    The two batches may differ in size, and each has its own mean. With ``smoothing`` = s the target of real
    examples is 1 - s in place of 1; that of made ones stays 0 (one-sided label smoothing). At D = 1/2 the
    loss is 2 log 2.

    Source: Goodfellow et al. (2014), Generative adversarial nets, equation 1 (negated); smoothing: Salimans
    et al. (2016), Improved techniques for training GANs, section 3.4.

    Raises:
        ValueError: no logits, a smoothing outside 0 ... 1.
        TypeError: logits that are no float tensor, a smoothing that is no number.
    """
    owner = "discriminator_loss"
    _check_scores(owner, real_logits, "real_logits")
    _check_scores(owner, fake_logits, "fake_logits")
    checks.probability(owner, "smoothing", smoothing)
    real = (1 - smoothing) * F.softplus(-real_logits).mean()
    if smoothing:
        real = real + smoothing * F.softplus(real_logits).mean()
    return real + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, saturating: bool = False) -> Tensor:
    """-mean log D(fake), or, saturating, mean log(1 - D(fake)) -> ().

    Both fall as D(fake) rises. The saturating one is what the minimax game says; its gradient by the logit is
    -D, which vanishes where the discriminator is sure, while that of the other is -(1 - D).

    Source: Goodfellow et al. (2014), Generative adversarial nets, equation 1 and the end of section 3.

    Raises:
        ValueError: no logits.
        TypeError: logits that are no float tensor.
    """
    _check_scores("generator_loss", fake_logits, "fake_logits")
    return -F.softplus(fake_logits).mean() if saturating else F.softplus(-fake_logits).mean()


def critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """mean score(fake) - mean score(real) -> (): minus a lower bound on the Wasserstein distance.

    It is a bound for critics whose slope is 1 at most, for which ``gradient_penalty`` cares. Scores are any
    numbers, not logits; the generator minimizes ``-critic(fake).mean()``.

    Source: Arjovsky, Chintala & Bottou (2017), Wasserstein generative adversarial networks, equation 2.

    Raises:
        ValueError: no scores.
        TypeError: scores that are no float tensor.
    """
    _check_scores("critic_loss", real_scores, "real_scores")
    _check_scores("critic_loss", fake_scores, "fake_scores")
    return fake_scores.mean() - real_scores.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """mean (||gradient of the critic at x||_2 - 1)^2 -> (), to be weighted by 10 or so.

    Each x is a random point on the segment from a real example to the made one beside it,
    x = u real + (1 - u) fake with one u from U(0, 1) a pair; the norm is over all entries of an example. The
    penalty can be differentiated by the critic's parameters; real and fake are held fixed.

    Args:
        critic: x (n, ...) -> scores (n,), each from its own example alone: no batch normalization.
        real: (n, ...).
        fake: of the same shape.
        generator: of u; by default torch's global one.

    Source: Gulrajani et al. (2017), Improved training of Wasserstein GANs, equation 3 and algorithm 1.

    Raises:
        ValueError: real and fake of different shapes, no examples, scores that are not (n,).
        TypeError: a critic that cannot be called, real or fake that is no float tensor.
    """
    owner = "gradient_penalty"
    if not callable(critic):
        raise TypeError(f"{owner}: critic must be a function or module, got {type(critic).__name__}")
    checks.float_tensor(owner, real, "real")
    checks.float_tensor(owner, fake, "fake")
    if real.shape != fake.shape:
        raise ValueError(
            f"{owner}: fake must have the shape of real, {tuple(real.shape)}, got {tuple(fake.shape)}"
        )
    if real.ndim < 2 or not len(real):
        raise ValueError(f"{owner}: real must be (n, ...) with n of 1 or more, got shape {tuple(real.shape)}")
    device = real.device if generator is None else generator.device
    u = torch.rand(len(real), generator=generator, device=device, dtype=real.dtype).to(real.device)
    u = u.view(-1, *[1] * (real.ndim - 1))
    between = (u * real.detach() + (1 - u) * fake.detach()).requires_grad_()
    with torch.enable_grad():
        scores = critic(between)
        if scores.shape != (len(real),):
            raise ValueError(
                f"{owner}: critic must give one score an example, ({len(real)},), "
                f"got shape {tuple(scores.shape)}"
            )
        (slopes,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    """p / (p + q): the best answer where real examples have the density p and made ones q, of one shape.

    NaN where both are 0, where there is nothing to answer. Of logarithms it is sigmoid(log p - log q), so the
    best logit is log p - log q.

    Source: Goodfellow et al. (2014), Generative adversarial nets, proposition 1.

    Raises:
        ValueError: different shapes, a negative density.
        TypeError: p or q that is no float tensor.
    """
    owner = "optimal_discriminator"
    for name, density in (("p", p), ("q", q)):
        checks.float_tensor(owner, density, name)
        if (density < 0).any():
            raise ValueError(f"{owner}: {name} must be 0 or more, got {density.min().item():g}")
    if p.shape != q.shape:
        raise ValueError(f"{owner}: q must have the shape of p, {tuple(p.shape)}, got {tuple(q.shape)}")
    larger = torch.maximum(p, q)  # so that the sum does not overflow
    return (p / larger) / (p / larger + q / larger)


def _check_scores(owner: str, scores: Tensor, name: str) -> None:
    checks.float_tensor(owner, scores, name)
    if not scores.numel():
        raise ValueError(f"{owner}: {name} must hold one number at least, got shape {tuple(scores.shape)}")
