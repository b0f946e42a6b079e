"""The exercises on reading the inside of a network: the input of its head, the output of a layer."""

import copy
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib import layers
from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "07_transfer_learning/feature_extraction"

# strip a head


def penultimate(net: nn.Module, head: str, x: Tensor) -> Tensor:
    """Put an Identity in the head's place in a copy, and run that."""
    stripped = copy.deepcopy(net).eval()
    parent, _, name = head.rpartition(".")
    setattr(stripped.get_submodule(parent), name, nn.Identity())
    with torch.no_grad():
        result: Tensor = stripped(x)
    return result


def _by_pre_hook(net: nn.Module, head: str, x: Tensor) -> Tensor:
    caught: list[Tensor] = []
    mode = net.training
    handle = net.get_submodule(head).register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    with torch.no_grad():
        net.eval()(x)
    handle.remove()
    net.train(mode)
    return caught[0]


def _whole(net: nn.Module, head: str, x: Tensor) -> Tensor:
    with torch.no_grad():
        result: Tensor = copy.deepcopy(net).eval()(x)
    return result


def _in_training(net: nn.Module, head: str, x: Tensor) -> Tensor:
    caught: list[Tensor] = []
    twin = copy.deepcopy(net).train()
    twin.get_submodule(head).register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    with torch.no_grad():
        twin(x)
    return caught[0]


def _children(net: nn.Module, head: str, x: Tensor) -> Tensor:
    with torch.no_grad():
        result: Tensor = nn.Sequential(*list(copy.deepcopy(net).eval().children())[:-1])(x)
    return result


def _whole_block(net: nn.Module, head: str, x: Tensor) -> Tensor:
    top = head.partition(".")[0]
    return penultimate(net, top, x)


def _zeroed(net: nn.Module, head: str, x: Tensor) -> Tensor:
    twin = copy.deepcopy(net)
    layer = twin.get_submodule(head)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    return _whole(twin, head, x)


def _rectified(net: nn.Module, head: str, x: Tensor) -> Tensor:
    return penultimate(net, head, x).relu()


class _Averaged(nn.Module):
    """A net whose forward does something that no child does: it averages over places."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = layers.Conv2d(1, channels, 3, padding=1)
        self.bn = layers.BatchNorm2d(channels)
        self.fc = layers.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """x (n, 1, h, w) -> logits (n, k)."""
        result: Tensor = self.fc(self.bn(self.conv(x)).relu().mean(dim=(2, 3)))
        return result


def _flat() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(), first=layers.Linear(12, 5), tanh=layers.Tanh(), fc=layers.Linear(5, 3)
        )
    )


def _with_classifier() -> nn.Module:
    features = nn.Sequential(layers.Conv2d(1, 4, 3), layers.BatchNorm2d(4), layers.ReLU(), nn.Flatten())
    classifier = nn.Sequential(layers.Linear(16, 6), layers.Tanh(), layers.Dropout(0.5), layers.Linear(6, 3))
    return nn.Sequential(OrderedDict(features=features, classifier=classifier))


def _made(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A net with drawn weights and running statistics, in training mode as one finds it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make()
        for module in net.modules():
            if isinstance(module, layers.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.5)
                module.running_var.uniform_(0.5, 2.0)
    return net


def _pictures(rng: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32).round(2))


def _nets(rng: np.random.Generator) -> list[Case]:
    return [
        case(_made(_flat, 0), "fc", _pictures(rng, 4, 1, 3, 4), label="a Sequential of four layers"),
        case(
            _made(lambda: _Averaged(6, 4), 1),
            "fc",
            _pictures(rng, 3, 1, 5, 5),
            label="a net that averages in its forward",
        ),
        case(
            _made(_with_classifier, 2),
            "classifier.3",
            _pictures(rng, 5, 1, 4, 4),
            label="a head inside a block, behind dropout",
        ),
        case(
            _made(lambda: _Averaged(3, 7), 3).eval(), "fc", _pictures(rng, 1, 1, 6, 6), label="a single image"
        ),
    ]


PENULTIMATE = Exercise(
    id="feature_extraction/penultimate",
    section=SECTION,
    title="Strip the head",
    reference=penultimate,
    cases=_nets,
    alternatives=[_by_pre_hook],
    atol=1e-5,
    rtol=1e-4,
    mistakes=[
        Mistake(
            _whole,
            "These are the net's logits: the head is still on. Replace it by nn.Identity().",
        ),
        Mistake(
            _in_training,
            "The net runs in training mode: batch normalization uses this batch, and dropout is on. Call eval() first.",
        ),
        Mistake(
            _children,
            "A Sequential of all children but the last leaves out what forward does between them, and takes a whole block for "
            "the head. Keep the net, and replace only the layer called head.",
        ),
        Mistake(
            _whole_block,
            "The whole block that holds the head is gone. With 'classifier.3' only layer 3 of the classifier is the head.",
        ),
        Mistake(
            _zeroed,
            "The head is still there, with weights of 0. Its input is asked for, not its output.",
        ),
        Mistake(
            _rectified,
            "There is a ReLU too many: what the head is given may be negative.",
        ),
    ],
    hint="head.rpartition('.') separates the layer's own name from its parent's; net.get_submodule('') is the net itself.",
)

# extract by a hook


def extract(net: nn.Module, layer: str, batches: list[Tensor]) -> Tensor:
    """Collect a flat copy of the layer's output for every batch; leave no hook behind."""
    caught: list[Tensor] = []
    mode = net.training
    handle = net.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: caught.append(output.detach().clone().flatten(1))
    )
    with torch.no_grad():
        net.eval()
        for x in batches:
            net(x)
    handle.remove()
    net.train(mode)
    return torch.cat(caught)


def _hooked(
    keep: Callable[[Tensor, Tensor], Tensor] = lambda inputs, output: output.clone().flatten(1),
    join: Callable[[list[Tensor]], Tensor] = torch.cat,
    training: bool = False,
) -> Callable[..., Tensor]:
    """A hook that keeps something else, or a net in another mode."""

    def answer(net: nn.Module, layer: str, batches: list[Tensor]) -> Tensor:
        caught: list[Tensor] = []
        twin = copy.deepcopy(net).train(training)
        twin.get_submodule(layer).register_forward_hook(
            lambda _, inputs, output: caught.append(keep(inputs[0], output))
        )
        with torch.no_grad():
            for x in batches:
                twin(x)
        return join(caught)

    return answer


def _logits(net: nn.Module, layer: str, batches: list[Tensor]) -> Tensor:
    with torch.no_grad():
        twin = copy.deepcopy(net).eval()
        return torch.cat([twin(x) for x in batches])


def _in_place() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            conv=layers.Conv2d(1, 3, 3, padding=1),
            bn=layers.BatchNorm2d(3),
            relu=nn.ReLU(inplace=True),
            pool=layers.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc=layers.Linear(12, 4),
        )
    )


def _batches(rng: np.random.Generator) -> list[Case]:
    def some(*sizes: int) -> list[Tensor]:
        return [_pictures(rng, n, 1, 4, 4) for n in sizes]

    return [
        case(_made(_in_place, 4), "pool", some(3), label="one batch"),
        case(_made(_in_place, 5), "fc", some(2, 3), label="two batches"),
        case(_made(_in_place, 6), "bn", some(4, 4), label="a layer before a ReLU that works in place"),
        case(_made(_in_place, 7), "conv", some(2, 2, 1), label="a convolution, three batches"),
    ]


EXTRACT = Exercise(
    id="feature_extraction/extract",
    section=SECTION,
    title="Extract by a hook",
    reference=extract,
    cases=_batches,
    atol=1e-5,
    rtol=1e-4,
    mistakes=[
        Mistake(
            _hooked(keep=lambda inputs, output: output.flatten(1)),
            "After the layer 'bn' comes a ReLU that works in place: it overwrote what you kept, and the negative values are "
            "gone. Keep a clone.",
        ),
        Mistake(
            _hooked(keep=lambda inputs, output: inputs.clone().flatten(1)),
            "This is what goes into the layer. The third argument of the hook is what comes out.",
        ),
        Mistake(_logits, "This is the output of the whole net, not that of the layer."),
        Mistake(
            _hooked(training=True),
            "The net runs in training mode, so features depend on the company in the batch. Call eval() first.",
        ),
        Mistake(
            _hooked(join=lambda caught: caught[-1]),
            "Only the last batch is left: each call replaces what the hook kept. Append to a list, and concatenate.",
        ),
        Mistake(
            _hooked(
                keep=lambda inputs, output: output.clone().mean(dim=(2, 3)) if output.dim() == 4 else output
            ),
            "The maps are averaged over their places. Here all c h w values of an image are asked for: flatten(1).",
        ),
    ],
    hint="register_forward_hook takes a function of (module, inputs, output) and returns a handle with remove().",
)
