"""Published weights as the networks of the course name them."""

import re

import torch
from torch import Tensor

from course_lib.data.download import DownloadError, RemoteFile, fetch
from course_lib.models.published_weights import ADDRESS, Published

# Files keep the names of the day they were made. DenseNet's layers once were norm.1, which a module can no
# longer be called, and the transformer's perceptron had names where it now has places.
_OLD_NAMES = (
    (re.compile(r"(\.denselayer\d+\.(?:norm|relu|conv))\.([12]\.)"), r"\1\2"),
    (re.compile(r"(\.encoder_layer_\d+\.mlp)\.linear_1\."), r"\1.0."),
    (re.compile(r"(\.encoder_layer_\d+\.mlp)\.linear_2\."), r"\1.3."),
)


def published_state(name: str, published: Published, alternative: str) -> dict[str, Tensor]:
    """Return the weights in a published file, fetched if need be, by the names they have today.

    Raises:
        DownloadError: the file cannot be had, or is not what it should be in spite of its hash.
    """
    file = RemoteFile(published.file, (ADDRESS + published.file,), f"sha256:{published.hash_prefix}")
    (path,) = fetch(name, [file], alternative, folder="pretrained")
    try:
        # weights_only: tensors and plain values, never code.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a hostile file can fail in any way
        state = None  # PyTorch's message advises to load it without this protection: it is not passed on
    if not isinstance(state, dict) or not all(isinstance(each, Tensor) for each in state.values()):
        raise DownloadError(
            f"{path} was refused: its hash begins as it should, but it is no file of weights alone"
        )
    return {todays_name(key): value for key, value in state.items()}


def todays_name(key: str) -> str:
    """Return the name that a parameter or buffer has in the network now."""
    for old, new in _OLD_NAMES:
        key = old.sub(new, key)
    return key
