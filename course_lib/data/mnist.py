"""MNIST and Fashion-MNIST: 28x28 grey pictures in IDX files, downloaded."""

from collections.abc import Mapping

import numpy as np
import torch

from course_lib.data.dataset import Dataset
from course_lib.data.download import RemoteFile, fetch
from course_lib.data.idx import read_idx
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.splits import stratified

_SPLITS = {"train": 55_000, "validation": 5_000, "test": 10_000, "all": 70_000}
_VALUES = "float32, from 0 (background) to 1, in steps of 1/255"
_ALTERNATIVE = 'data.load("digits") has 1,797 real handwritten digits, 8x8, which come with scikit-learn'


def _files(folders: tuple[str, ...], known: Mapping[str, str]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, tuple(folder + name for folder in folders), f"sha256:{digest}")
        for name, digest in known.items()
    )


# Hashes: tensorflow_datasets/url_checksums/mnist.txt and fashion_mnist.txt, which agree with those in
# torchvision/prototype/datasets/_builtin/mnist.py.
MNIST_FILES = _files(
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
)
FASHION_FILES = _files(
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
)


@register(
    Sheet(
        name="mnist",
        kind="downloaded",
        what="70,000 handwritten digits as 28x28 grey pictures: the classic of the field.",
        source="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), Gradient-based learning applied to "
        "document recognition, Proceedings of the IEEE 86(11), 2278-2324; made from NIST's Special "
        "Databases 1 and 3.",
        licence="CC BY-SA 3.0 as commonly stated; copyright Yann LeCun and Corinna Cortes",
        size="11.6 MB to download; 220 MB in memory",
        splits=_SPLITS,
        shape=(1, 28, 28),
        values=_VALUES,
        target="int64, the digit",
        classes=tuple("0123456789"),
        pitfalls=(
            "Easy: nearest neighbours reach 97 %, so an idea that works here has not shown much.",
            "Validation is a fixed stratified twelfth of the 60,000 training pictures; the same people "
            "wrote both. The test pictures are by other people.",
            "Figures in print are mostly for training on all 60,000.",
            "The digits are centred by their mass and scaled to 20x20 inside a margin of 4 pixels.",
            "Decades of choosing models by their score on these 10,000 test pictures have used that score "
            "up.",
        ),
        alternative=_ALTERNATIVE,
    )
)
def mnist(split: str) -> Dataset:
    """Return ``x`` (n, 1, 28, 28) in [0, 1] and ``y`` (n,)."""
    return _pictures("mnist", MNIST_FILES, split)


@register(
    Sheet(
        name="fashion-mnist",
        kind="downloaded",
        what="70,000 grey pictures of clothes, 28x28, ten kinds: MNIST's shape, and harder.",
        source="H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a novel image dataset for "
        "benchmarking machine learning algorithms, arXiv:1708.07747; made from the catalogue of "
        "Zalando.",
        licence="MIT, copyright Zalando SE",
        size="30.9 MB to download; 220 MB in memory",
        splits=_SPLITS,
        shape=(1, 28, 28),
        values=_VALUES,
        target="int64, the kind",
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        pitfalls=(
            "Shirt, T-shirt/top, Pullover and Coat overlap: at this size some cannot be told apart, by "
            "people either.",
            "Validation is a fixed stratified twelfth of the 60,000 training pictures; figures in print are "
            "mostly for training on all of them.",
            "Catalogue pictures of one shop, all posed alike: nothing here says how a model does on "
            "photographs.",
            "Grey levels are inverted and rescaled, so light clothes are not simply bright.",
        ),
        alternative=_ALTERNATIVE,
    )
)
def fashion_mnist(split: str) -> Dataset:
    """Return ``x`` (n, 1, 28, 28) in [0, 1] and ``y`` (n,)."""
    return _pictures("fashion-mnist", FASHION_FILES, split)


def _pictures(name: str, files: tuple[RemoteFile, ...], split: str) -> Dataset:
    paths = {path.name: path for path in fetch(name, files, _ALTERNATIVE)}
    chosen = {"test": ("t10k",), "all": ("train", "t10k")}.get(split, ("train",))
    pictures = np.concatenate([read_idx(paths[f"{each}-images-idx3-ubyte.gz"]) for each in chosen])
    labels = np.concatenate([read_idx(paths[f"{each}-labels-idx1-ubyte.gz"]) for each in chosen])
    if split in ("train", "validation"):
        rows = stratified(labels, {"validation": len(labels) // 12})[split]
        pictures, labels = pictures[rows], labels[rows]
    x = torch.from_numpy(pictures).unsqueeze(1).float().div_(255)
    return Dataset(x, torch.from_numpy(labels).long())
