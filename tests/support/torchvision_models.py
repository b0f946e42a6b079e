"""torchvision's models as an independent reference, imported without torchvision's compiled operators.

The torchvision that pip finds is built for CUDA. On a machine without it the compiled operators (suppression
of boxes and the like) can't be loaded, and its import then fails for two of them that it wants to describe.
Its classification models need neither. So the two are declared here, without a body: a call is an error.
"""

import contextlib
import inspect

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
    "assert_arguments_are",
    "assert_same_as_torchvisions",
    "assert_same_names_and_shapes",
    "assert_same_on_images",
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


def assert_same_as_torchvisions(
    name, ours, size, *, n=2, train=False, seed=0, dtype=torch.float32, rtol=1e-5, **options
):
    """Weights loaded strictly both ways give the same outputs, to ``rtol`` of the largest, and equal states.

    Weights that begin as zeros get random numbers, and running averages those of one batch: as they begin,
    whole branches would add nothing to the outputs.
    """
    torch.manual_seed(seed)
    net, twin = ours(**options).to(dtype), get_model(name, weights=None, **options).to(dtype)
    x = torch.randn(n, 3, size, size, dtype=dtype)
    _enliven(twin, x)
    for source, target in ((twin, net), (net, twin)):
        target.load_state_dict(source.state_dict(), strict=True)
        torch.manual_seed(seed)
        got = net.train(train)(x)
        torch.manual_seed(seed)
        expected = twin.train(train)(x)
        for mine, theirs in zip(_outputs(got), _outputs(expected), strict=True):
            scale = theirs.abs().max().item()
            case = f"{name} at {size}, {'training' if train else 'evaluation'}, with the same weights"
            assert (theirs[0] - theirs[1]).abs().max() > 1e-3 * scale, f"{case}: all images look alike"
            assert_close(mine, theirs, case, atol=rtol * scale)
    for (key, mine), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert_close(mine, theirs, f"{name}: {key} after that", rtol=1e-4, atol=1e-5)


def assert_same_on_images(name, ours, least):
    """In evaluation ours agrees with torchvision's, once the running statistics are those of images.

    Until then little of the image arrives at the logits, and nets that differ could give nearly the same. So
    logits of two images must differ by ``least``; they agree to 1e-5 of that difference.
    """
    torch.manual_seed(0)
    net, twin = ours(), get_model(name, weights=None)
    for module in twin.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    twin.train()(torch.randn(8, 3, 64, 64))
    net.load_state_dict(twin.state_dict())
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        got, expected = net.eval()(x), twin.eval()(x)
    scale = (expected[0] - expected[1]).abs().max().item()
    assert scale > least, "logits that depend on the image"
    assert_close(got, expected, f"{name} in evaluation", atol=1e-5 * scale)


def assert_arguments_are(theirs, ours, made, left_out):
    """The function ``ours`` and the class ``made`` take what torchvision's class takes, in its order.

    ``left_out`` is the one argument we do not have; what only we have is keyword-only. Where theirs says
    init_weights=None, which means True, ours says True.
    """
    expected = dict(inspect.signature(theirs).parameters)
    del expected[left_out]
    got = inspect.signature(ours).parameters
    assert list(got)[: len(expected)] == list(expected)
    for name, parameter in expected.items():
        default = True if name == "init_weights" else parameter.default
        assert got[name].default == default, name
    for name in list(got)[len(expected) :]:
        assert got[name].kind is inspect.Parameter.KEYWORD_ONLY, name
    assert inspect.signature(made).parameters == got, "the class takes what the function takes"


def _enliven(net, x):
    norms = [module for module in net.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.02)
        net.eval()  # without auxiliary heads: torchvision's want larger images
        for norm in norms:
            norm.train().momentum = 1.0
        net(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _outputs(y):
    return [y] if isinstance(y, torch.Tensor) else list(y)
