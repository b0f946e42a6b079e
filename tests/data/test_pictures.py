import hashlib
import importlib.machinery
import importlib.metadata

import numpy as np
import pytest
import skimage

from course_lib.data import pictures
from course_lib.data.pictures import embedded_file, patches, picture


def test_every_file_comes_inside_the_installed_package():
    shipped = {str(file) for file in importlib.metadata.files("scikit-image")}
    for name, digest in pictures._FILES.items():
        assert f"skimage/data/{name}" in shipped
        assert hashlib.sha256(embedded_file(name)).hexdigest() == digest


@pytest.mark.parametrize(
    "name", ["astronaut", "brick", "chelsea", "coffee", "coins", "grass", "gravel", "rocket"]
)
def test_pictures_are_scikit_images_own(name):
    file = f"{name}.{'jpg' if name == 'rocket' else 'png'}"
    assert np.array_equal(picture(file), getattr(skimage.data, name)())


def package(folder):
    """An installed package called skimage, that lies in ``folder``."""
    found = importlib.machinery.ModuleSpec("skimage", None, is_package=True)
    found.submodule_search_locations = [str(folder)]
    return lambda name: found


def test_a_missing_file_is_named_and_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", package(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"coins.png is missing: scikit-image brings it"):
        embedded_file("coins.png")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"coins.png is missing: scikit-image brings it"):
        embedded_file("coins.png")


def test_another_file_of_that_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "coins.png").write_bytes(b"not these coins")
    monkeypatch.setattr("importlib.util.find_spec", package(tmp_path))
    with pytest.raises(ValueError, match=r"coins.png is not the file that this course knows"):
        embedded_file("coins.png")


@pytest.mark.parametrize("channels", [(), (3,)])
def test_patches_tile_the_picture_row_by_row(channels):
    pixels = np.arange(np.prod((7, 10, *channels))).reshape(7, 10, *channels)
    cut = patches(pixels, 3)
    assert cut.shape == (6, 3, 3, *channels)
    for number, patch in enumerate(cut):
        top, left = 3 * (number // 3), 3 * (number % 3)
        assert np.array_equal(patch, pixels[top : top + 3, left : left + 3])


def test_a_picture_may_be_one_patch_or_none():
    assert patches(np.zeros((4, 5)), 4).shape == (1, 4, 4)
    assert patches(np.zeros((4, 5)), 6).shape == (0, 6, 6)
