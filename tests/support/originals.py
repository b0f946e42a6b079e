"""What our layers, functions and losses must share with the originals of torch.nn, whatever they compute."""

import inspect

import torch


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


def output_and_gradients(layer, x, grad, *others):
    """Output, and gradients of x and of every parameter if the layer has any, from dE/dy = ``grad``."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(x, *others)
    sources = [x, *(layer.parameters() if isinstance(layer, torch.nn.Module) else ())]
    return [y.detach(), *torch.autograd.grad(y, sources, grad, allow_unused=True)]
