"""The loss with auxiliary heads: its formula, its gradients, and training with it."""

from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch.nn import functional as F

from course_lib import data, layers, optim, training
from course_lib.models.auxiliary import loss_with_auxiliary_heads
from course_lib.models.googlenet import GoogLeNetOutputs, googlenet
from course_lib.models.inception_v3 import InceptionOutputs


class OneAndTwo(NamedTuple):
    logits: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor


def logits(heads, seed=0, n=5, classes=4):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, classes, generator=generator, requires_grad=True) for _ in range(heads)]


TARGET = torch.tensor([0, 3, 1, 1, 2])


@pytest.mark.parametrize("kind", [GoogLeNetOutputs._make, OneAndTwo._make, tuple, list])
@pytest.mark.parametrize("weight", [0, 0.3, 1, 2.5])
def test_it_is_the_weighted_sum(kind, weight):
    heads = logits(3)
    main, first, second = (F.cross_entropy(each, TARGET) for each in heads)
    got = loss_with_auxiliary_heads(kind(heads), TARGET, weight)
    torch.testing.assert_close(got, main + weight * (first + second))


def test_the_default_weight_is_googlenets():
    outputs = GoogLeNetOutputs(*logits(3))
    expected = loss_with_auxiliary_heads(outputs, TARGET, 0.3)
    assert torch.equal(loss_with_auxiliary_heads(outputs, TARGET), expected)


def test_a_single_head_and_a_tensor_alone():
    main, head = logits(2)
    got = loss_with_auxiliary_heads(InceptionOutputs(main, head), TARGET, weight=0.4)
    torch.testing.assert_close(got, F.cross_entropy(main, TARGET) + 0.4 * F.cross_entropy(head, TARGET))
    alone = F.cross_entropy(main, TARGET)
    assert torch.equal(loss_with_auxiliary_heads(main, TARGET, weight=0.4), alone), "evaluation"
    assert torch.equal(loss_with_auxiliary_heads((main,), TARGET), alone), "no heads"


def test_the_gradient_of_a_head_is_weighted():
    main, first, second = logits(3)
    loss_with_auxiliary_heads((main, first, second), TARGET, weight=0.3).backward()
    for each, factor in ((main, 1), (first, 0.3), (second, 0.3)):
        residual = each.detach().softmax(1) - F.one_hot(TARGET, 4)
        torch.testing.assert_close(each.grad, factor * residual / len(TARGET))


def test_any_loss_will_do():
    main, head = logits(2)
    smooth = partial(layers.cross_entropy, label_smoothing=0.1)
    expected = smooth(main, TARGET) + 0.4 * smooth(head, TARGET)
    assert torch.equal(loss_with_auxiliary_heads((main, head), TARGET, 0.4, smooth), expected)
    goal = torch.zeros_like(main)
    expected = main.square().mean() + 0.4 * head.square().mean()
    got = loss_with_auxiliary_heads((main, head), goal, 0.4, loss=layers.MSELoss())
    torch.testing.assert_close(got, expected)


def test_googlenet_learns_with_it():
    digits = data.load("digits")
    x, y = F.interpolate(2 * digits.x[:40] - 1, 32), digits.y[:40]
    torch.manual_seed(0)
    net = googlenet(10, in_channels=1, width_mult=0.125, dropout_aux=0.2)
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    losses = []
    for _ in range(12):
        loss = loss_with_auxiliary_heads(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2, f"from {losses[0]:.2f} to {losses[-1]:.2f}"


def test_evaluate_takes_it():
    digits = data.load("digits", split="validation")
    images = F.interpolate(digits.x[:20], 32), digits.y[:20]
    torch.manual_seed(0)
    net = googlenet(10, in_channels=1, width_mult=0.125)
    expected = training.evaluate(net, images)
    assert training.evaluate(net, images, loss=loss_with_auxiliary_heads) == expected


@pytest.mark.parametrize(
    ("error", "outputs", "options", "words"),
    [
        (ValueError, logits(2), {"weight": -0.1}, r"weight must be 0 or more, got -0\.1"),
        (ValueError, logits(2), {"weight": float("inf")}, "weight must be finite, got inf"),
        (TypeError, logits(2), {"weight": "0.3"}, "weight must be a number, got '0.3'"),
        (ValueError, (), {}, "outputs must hold the logits of the network at least, got none"),
        (TypeError, None, {}, "outputs must be a tensor or a sequence of tensors, got NoneType"),
        (TypeError, "logits", {}, "a sequence of tensors, got str"),
        (TypeError, (*logits(1), None), {}, "a sequence of tensors, got tuple of NoneType, Tensor"),
    ],
)
def test_bad_calls_are_named(error, outputs, options, words):
    with pytest.raises(error, match=rf"loss_with_auxiliary_heads: .*{words}"):
        loss_with_auxiliary_heads(outputs, TARGET, **options)
