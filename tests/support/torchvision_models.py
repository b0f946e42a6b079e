"""torchvision's models as an independent reference, imported without torchvision's compiled operators.

The torchvision that pip finds is built for CUDA. On a machine without it the compiled operators (suppression
of boxes and the like) can't be loaded, and its import then fails for two of them that it wants to describe.
Its classification models need neither. So the two are declared here, without a body: a call is an error.
"""

import contextlib

import torch
from originals import assert_close

with contextlib.suppress(RuntimeError):  # the operators are there: torchvision came with its own
    import torchvision
if "torchvision" not in globals():
    _DECLARED = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _DECLARED.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

from torchvision.models import get_model, get_model_weights

__all__ = [
    "assert_same_as_torchvisions",
    "assert_same_names_and_shapes",
    "get_model",
    "published",
    "torchvision",
]


def published(name: str) -> dict:
    """What torchvision publishes of a model's first weights: num_params, _ops (1e9 multiply-adds) ..."""
    return next(iter(get_model_weights(name))).meta


def assert_same_names_and_shapes(name, ours, **options):
    """Our full-size model's state has the names, order and shapes of torchvision's; nothing is allocated."""
    with torch.device("meta"):
        net, twin = ours(**options), get_model(name, weights=None, **options)
    got = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    expected = {key: tuple(value.shape) for key, value in twin.state_dict().items()}
    assert list(got) == list(expected), f"{name}: names of the state, {sorted(set(got) ^ set(expected))}"
    assert got == expected, f"{name}: shapes {[key for key in got if got[key] != expected[key]]}"
    learned = [key for key, _ in net.named_parameters()]
    assert learned == [key for key, _ in twin.named_parameters()], f"{name}: what is a parameter"


def assert_same_as_torchvisions(name, ours, size, *, n=2, train=False, seed=0, **options):
    """Random weights, loaded strictly both ways, give the same outputs to 1e-5 of their size."""
    torch.manual_seed(seed)
    net, twin = ours(**options), get_model(name, weights=None, **options)
    for theirs in twin.buffers():  # running averages that are not 0 and 1
        if theirs.is_floating_point():
            theirs.uniform_(0.5, 1.5)
    x = torch.randn(n, 3, size, size)
    for source, target in ((twin, net), (net, twin)):
        target.load_state_dict(source.state_dict(), strict=True)
        torch.manual_seed(seed)
        got = net.train(train)(x)
        torch.manual_seed(seed)
        expected = twin.train(train)(x)
        for mine, theirs in zip(_outputs(got), _outputs(expected), strict=True):
            scale = theirs.abs().max().item()
            assert_close(mine, theirs, f"{name} at {size} with torchvision's weights", atol=1e-5 * scale)


def _outputs(y):
    return [y] if isinstance(y, torch.Tensor) else list(y)
