"""Selective search: calls that must fail."""

import math

import numpy as np
import torch

from course_lib.vision.selective_search import selective_search

IMAGE = torch.zeros(3, 8, 8)
NAN = torch.full((3, 8, 8), math.nan)


def bad(words, image=IMAGE, error=ValueError, **options):
    return error, lambda: selective_search(image, **options), f"selective_search: {words}"


BAD_CALLS = [
    bad("image must be a torch.Tensor, got ndarray", np.zeros((8, 8, 3)), TypeError),
    bad("image must be (3, h, w) or (1, h, w), got shape (8, 8)", IMAGE[0]),
    bad("image must be (3, h, w) or (1, h, w), got shape (2, 8, 8)", IMAGE[:2]),
    bad("image must be (3, h, w) or (1, h, w), got shape (3, 0, 8)", IMAGE[:, :0]),
    bad("image must have values from 0 to 1, got 2 to 2", IMAGE + 2),
    bad("image must have values from 0 to 1, got nan to nan", NAN),
    bad("scale must be greater than 0, got 0", scale=0),
    bad("sigma must be 0 or more, got -1", sigma=-1),
    bad("min_size must be greater than 0, got -5", min_size=-5),
    bad("measures must be some of colour, texture, size, fill, got []", measures=[]),
    bad("measures must be some of colour, texture, size, fill, got ['color']", measures=["color"]),
    bad("colour_spaces must be some of rgb, hsv, lab, grey, got 'hsv'", colour_spaces="hsv"),
    bad("colour_spaces must be some of rgb, hsv, lab, grey, got ['cmyk']", colour_spaces=["cmyk"]),
]
