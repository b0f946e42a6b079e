"""Preprocessing: images as published weights were trained on them, against torchvision's."""

import pytest
import torch
from originals import assert_close
from torchvision_models import get_model_weights

from course_lib.models.preprocessing import Preprocessing
from course_lib.models.pretrained import pretrained_sheet


@pytest.mark.parametrize("name", ["resnet18", "inception_v3", "vit_l_16"])
@pytest.mark.parametrize("shape", [(300, 400), (500, 333), (256, 256), (100, 90), (224, 301)], ids=str)
def test_preprocessing_is_torchvisions(name, shape):
    x = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    expected = get_model_weights(name)["IMAGENET1K_V1"].transforms()(x)
    got = pretrained_sheet(name).preprocessing(x)
    assert_close(got, expected, f"images of {shape} prepared for {name}", atol=1e-5)


def test_preprocessing_of_images_that_have_the_size_only_standardizes():
    x = torch.rand(2, 1, 28, 28, dtype=torch.float64)
    got = Preprocessing(28, 28, (0.5,), (0.25,))(x)
    assert_close(got, (x - 0.5) / 0.25, "a 28x28 image")


@pytest.mark.parametrize(
    ("error", "images", "words"),
    [
        (TypeError, torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "images must have a floating-point dtype"),
        (ValueError, torch.zeros(1, 8, 8), r"images must be \(N, C, H, W\), got shape \(1, 8, 8\)"),
        (ValueError, torch.zeros(1, 3, 8, 8), "images must have channels=1"),
    ],
)
def test_images_that_do_not_fit_are_named(error, images, words):
    with pytest.raises(error, match=words):
        Preprocessing(28, 28, (0.5,), (0.5,))(images)
