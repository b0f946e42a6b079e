"""The pictures inside scikit-image's package, read as they are there, and cut into patches."""

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)

# SHA-256 of the files; they have not changed from scikit-image 0.22 on.
_FILES = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "coins.png": "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "lfw_subset.npy": "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}


def embedded_file(name: str) -> bytes:
    """Return the content of a file that comes with scikit-image; nothing is ever downloaded.

    ``skimage.data`` would fetch a file that is missing or different, which a set called embedded must not.

    Raises:
        FileNotFoundError: scikit-image, or this file of it, is not installed.
        ValueError: the file is not the one that the data sheets speak of.
    """
    found = importlib.util.find_spec("skimage")
    folders = found.submodule_search_locations if found is not None else None
    path = next((Path(folder, "data", name) for folder in folders or ()), Path("skimage", "data", name))
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing: scikit-image brings it with it from version 0.22 on, so install that again"
        ) from None
    if hashlib.sha256(content).hexdigest() != _FILES[name]:
        raise ValueError(f"{path} is not the file that this course knows; install scikit-image again")
    return content


def picture(name: str) -> NDArray[np.uint8]:
    """Return a picture that comes with scikit-image: (h, w), or (h, w, 3) in colour."""
    from PIL import Image

    with Image.open(io.BytesIO(embedded_file(name))) as image:
        return np.asarray(image)


def patches(pixels: NDArray[Pixel], size: int) -> NDArray[Pixel]:
    """Cut ``pixels`` (h, w, ...) into squares (n, size, size, ...) side by side, from the top left corner.

    Rows come one after the other; what is left over at the right and bottom edges is dropped.
    """
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    whole = pixels[: rows * size, : columns * size]
    grid = whole.reshape(rows, size, columns, size, *pixels.shape[2:])
    return grid.swapaxes(1, 2).reshape(rows * columns, size, size, *pixels.shape[2:])
