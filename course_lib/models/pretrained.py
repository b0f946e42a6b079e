"""Trained networks by name: small ones that come with the course, and those published for ImageNet."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from course_lib.layers.checks import Device, Dtype
from course_lib.models import embedded_weights
from course_lib.models.alexnet import alexnet
from course_lib.models.densenet import densenet121, densenet161, densenet169, densenet201
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.mobilenet_v2 import mobilenet_v2
from course_lib.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from course_lib.models.published_state import published_state
from course_lib.models.published_weights import ADDRESS, PUBLISHED, Published
from course_lib.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from course_lib.models.vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn
from course_lib.models.vision_transformer import vit_b_16, vit_b_32, vit_l_16, vit_l_32

_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "alexnet": alexnet,
    "densenet121": densenet121,
    "densenet161": densenet161,
    "densenet169": densenet169,
    "densenet201": densenet201,
    "googlenet": googlenet,
    "inception_v3": inception_v3,
    "mobilenet_v2": mobilenet_v2,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "resnet152": resnet152,
    "vgg11": vgg11,
    "vgg11_bn": vgg11_bn,
    "vgg13": vgg13,
    "vgg13_bn": vgg13_bn,
    "vgg16": vgg16,
    "vgg16_bn": vgg16_bn,
    "vgg19": vgg19,
    "vgg19_bn": vgg19_bn,
    "vit_b_16": vit_b_16,
    "vit_b_32": vit_b_32,
    "vit_l_16": vit_l_16,
    "vit_l_32": vit_l_32,
}
_FIRST = "IMAGENET1K_V1"


@dataclass(frozen=True)
class PretrainedSheet:
    """What a trained network is, and what to know before its numbers are trusted.

    Attributes:
        name: what ``load_pretrained`` calls it.
        kind: "embedded" (comes with the course) or "published" (downloaded once, then cached).
        model: the function of ``course_lib.models`` that makes the network.
        options: its arguments; a norm by the name of its layer.
        trained_on: the data.
        accuracy: on examples held out, from 0 to 1.
        held_out: which examples those were.
        preprocessing: what it expects to be done to images with values from 0 to 1.
        classes: their names, in the order of the logits; empty for ImageNet's 1,000.
        source: who made it.
        licence: what may be done with it.
        megabytes: size of the file.
        record: of an embedded one, how it was trained: optimizer's rate, epochs, seed, versions ...
    """

    name: str
    kind: Literal["embedded", "published"]
    model: str
    options: Mapping[str, Any]
    trained_on: str
    accuracy: float
    held_out: str
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    source: str
    licence: str
    megabytes: float
    record: Mapping[str, Any] = field(default_factory=dict)


def pretrained_names() -> list[str]:
    """Return the names that ``load_pretrained`` knows: what comes with the course first, each kind sorted."""
    return [*embedded_weights.names(), *sorted(_NETWORKS)]


def load_pretrained(
    name: str, *, weights: str | None = None, device: Device = None, dtype: Dtype = None, **options: Any
) -> nn.Module:
    """Return a trained network in evaluation mode, ready for images prepared as its sheet says.

    Names that begin with "glyphs" come with the course: small nets for grey characters, trained by
    ``tools/pretrain.py``. The others are the course's networks with the weights that torchvision publishes
    for ImageNet: downloaded once, checked by the hash in the file's name, kept in the cache of the data sets
    (``data.cache_folder()``), read as tensors alone and never as code. ``pretrained_names()`` lists both, and
    ``pretrained_sheet(name).preprocessing`` is what the images must go through.

    As in torchvision, googlenet and inception_v3 have transform_input=True, and googlenet comes without its
    auxiliary heads, which were not trained along: aux_logits=True takes them nevertheless. The state of the
    random generators does not change.

    Args:
        name: one of ``pretrained_names()``.
        weights: which of the published ones, by torchvision's name; None: "IMAGENET1K_V1". A few networks
            have "IMAGENET1K_V2" too, trained better and later than their papers tell.
        device: where the parameters go.
        dtype: of the parameters; None: that of the file, float32.
        options: of a published network, such as dropout or aux_logits; only those that the weights fit.

    Raises:
        ValueError: there is no such network, no such weights, or they do not fit the options.
        TypeError: options for a network that comes with the course, or unknown to the network.
        DownloadError: the weights are not in the cache and cannot be fetched.
    """
    sheet = pretrained_sheet(name, weights)
    if sheet.kind == "embedded":
        if options:
            raise TypeError(f"load_pretrained: {name!r} takes no options, got {', '.join(options)}")
        path = embedded_weights.FOLDER / f"{name}.safetensors"
        state = embedded_weights.read_state(path)
        with torch.device("meta"):  # no weights are drawn that would be thrown away
            net = embedded_weights.build(sheet.model, sheet.options)
    else:
        options = {**sheet.options, **options}
        with torch.device("meta"):  # before the download: a wrong option must not cost one
            net = _NETWORKS[name](**options)
        published = PUBLISHED[name, weights or _FIRST]
        state = published_state(name, published, _alternative())
        if published.heads and not options["aux_logits"]:
            state = {key: value for key, value in state.items() if not key.startswith(published.heads)}
    return _loaded(net, state, name, options).to(device=device, dtype=dtype).eval()


def pretrained_sheet(name: str, weights: str | None = None) -> PretrainedSheet:
    """Return what is known of a trained network; nothing is downloaded.

    Raises:
        ValueError: there is no such network, or no such weights of it.
        TypeError: the name is no string.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string such as 'resnet18', got {type(name).__name__}")
    if name not in pretrained_names():
        near = difflib.get_close_matches(name.lower(), pretrained_names(), n=2)
        meant = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"there is no trained {name!r}{meant}; known are {', '.join(pretrained_names())}")
    published = name in _NETWORKS
    known = [each for network, each in PUBLISHED if network == name]
    if weights is not None and weights not in known:
        choice = f"one of {', '.join(map(repr, known))}" if published else "None, since it has only its own"
        raise ValueError(f"weights of {name!r} must be {choice}; got {weights!r}")
    return _published_sheet(name, PUBLISHED[name, weights or _FIRST]) if published else _embedded_sheet(name)


def _published_sheet(name: str, published: Published) -> PretrainedSheet:
    return PretrainedSheet(
        name=name,
        kind="published",
        model=name,
        options=published.options,
        trained_on="1,281,167 photographs of 1,000 kinds of things: ImageNet, the challenge of 2012",
        accuracy=published.accuracy,
        held_out="its 50,000 validation photographs, as torchvision reports",
        preprocessing=Preprocessing(published.resize, published.size, IMAGENET_MEAN, IMAGENET_STD),
        classes=(),
        source=f"torchvision, {ADDRESS}{published.file}",
        licence="torchvision's is BSD-3-Clause; ImageNet's terms allow non-commercial research and education",
        megabytes=published.megabytes,
    )


def _embedded_sheet(name: str) -> PretrainedSheet:
    path = embedded_weights.FOLDER / f"{name}.safetensors"
    record = embedded_weights.read_record(path)
    size = record["data_options"]["size"]
    return PretrainedSheet(
        name=name,
        kind="embedded",
        model=record["model"],
        options=record["options"],
        trained_on=f"{record['examples']:,} drawn characters: data.load({record['dataset']!r})",
        accuracy=record["held_out_accuracy"],
        held_out=f"{record['held_out']:,} characters of its test split, whose fonts are others",
        preprocessing=Preprocessing(size, size, (record["mean"],), (record["std"],)),
        classes=tuple(record["classes"]),
        source=f"this course: python tools/pretrain.py {name}",
        licence="that of the course",
        megabytes=path.stat().st_size / 1e6,
        record=record,
    )


def _loaded(net: nn.Module, state: Mapping[str, Tensor], name: str, options: Mapping[str, Any]) -> nn.Module:
    """Give the net, which has no memory yet, the tensors of the state."""
    try:
        net.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        chosen = f" with {', '.join(f'{key}={value!r}' for key, value in options.items())}" if options else ""
        raise ValueError(f"the weights of {name!r} do not fit the network{chosen}: {error}") from error
    return net


def _alternative() -> str:
    own = " and ".join(f"models.load_pretrained({name!r})" for name in embedded_weights.names())
    return f"{own} come with the course: small nets that tell drawn characters, grey and 28x28, apart"
