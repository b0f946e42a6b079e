"""What our layers, functions and losses must share with the originals of torch.nn, whatever they compute."""

import copy
import inspect
import pickle

import torch

OF_A_CONVOLUTION = [
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode",
    "output_padding", "transposed",
]  # fmt: skip


def assert_same_signature(ours, theirs, newer=(), extra=()):
    """Arguments, their order and defaults are the original's.

    ``newer`` names arguments that the original has since a later PyTorch than the oldest we support, and
    ``extra`` keyword-only ones that only we have.
    """
    name = ours.__name__
    got, expected = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    ignored = {*extra, *(argument for argument in newer if argument not in expected)}
    assert [argument for argument in got if argument not in ignored] == list(expected), f"{name}: arguments"
    for argument, parameter in expected.items():
        mine = got[argument]
        assert (mine.default, mine.kind) == (parameter.default, parameter.kind), f"{name}: {argument}"
    for argument in extra:
        assert got[argument].kind is inspect.Parameter.KEYWORD_ONLY, f"{name}: {argument}"


def assert_close(got, expected, what, rtol=0.0, atol=0.0):
    """Tensors agree in shape, dtype and numbers, or the message says what does not; None agrees with None."""
    if expected is None:
        assert got is None, f"{what}: {got} instead of None"
        return
    torch.testing.assert_close(
        got, expected, rtol=rtol, atol=atol, equal_nan=True, msg=lambda m: f"{what}: {m}"
    )


def assert_interchangeable(ours, theirs, fresh, x, attributes):
    """Our layer shows itself and its ``attributes`` as the original, and is the same after being copied.

    ``fresh`` is another layer of ours, made alike: with the original's state_dict it computes what ours does.
    """
    name = type(ours).__name__
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for attribute in attributes:
        assert getattr(ours, attribute) == getattr(theirs, attribute), f"{name}.{attribute}"
    fresh.load_state_dict(theirs.state_dict())
    for way, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
    }.items():
        assert_close(copied(x), ours(x), f"{name} {way}")


def output_and_gradients(layer, x, grad, *others):
    """Output, and gradients of x and of every parameter if the layer has any, from dE/dy = ``grad``."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x, *others)
    sources = [x, *(layer.parameters() if isinstance(layer, torch.nn.Module) else ())]
    return [y.detach(), *torch.autograd.grad(y, sources, grad, allow_unused=True)]
