"""What counts as scores, and which classes are meant."""

import pytest
import torch
from torch import nn

from course_lib import layers, visualize
from course_lib.visualize.class_scores import chosen_classes, scores_in

SCORES = torch.tensor([[0.0, 2.0, 1.0], [5.0, -1.0, 1.0]])


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (None, [1, 0]),
        (2, [2, 2]),
        ([2, 0], [2, 0]),
        ((1, 1), [1, 1]),
        (torch.tensor([0, 2], dtype=torch.int32), [0, 2]),
        (torch.tensor(1), [1, 1]),
        (SCORES.argmin(1), [0, 1]),
    ],
)
def test_classes_of_any_kind(classes, expected):
    got = chosen_classes("name", classes, SCORES)
    assert got.tolist() == expected
    assert got.dtype == torch.int64


@pytest.mark.parametrize(
    ("error", "classes", "words"),
    [
        (ValueError, 3, "classes must be from 0 to 2, got 3"),
        (ValueError, -1, "classes must be 0 or more, got -1"),
        (ValueError, [0, 3], "classes must be from 0 to 2, got 3"),
        (ValueError, [0], "classes must be one, or one for each of 2 images, got 1"),
        (ValueError, torch.tensor([0, 1, 2]), "classes must be one, or one for each of 2 images, got 3"),
        (TypeError, 1.0, r"classes must be an integer, got 1\.0"),
        (TypeError, True, "classes must be an integer, got True"),
        (TypeError, "cat", "classes must be an integer, got 'cat'"),
        (TypeError, torch.tensor([0.0, 1.0]), r"classes must be integers, got torch\.float32"),
        (TypeError, torch.tensor([True, False]), r"classes must be integers, got torch\.bool"),
    ],
)
def test_bad_classes_are_named(error, classes, words):
    with pytest.raises(error, match=f"name: {words}"):
        chosen_classes("name", classes, SCORES)


@pytest.mark.parametrize(
    ("error", "output", "words"),
    [
        (TypeError, (SCORES,), "must return a tensor of scores, got tuple"),
        (
            ValueError,
            SCORES[0],
            r"must return a score for each image and class, \(2, classes\), got shape \(3,\)",
        ),
        (ValueError, SCORES[:1], r"got shape \(1, 3\)"),
        (ValueError, SCORES[..., None], r"got shape \(2, 3, 1\)"),
    ],
)
def test_outputs_that_are_no_scores_are_named(error, output, words):
    with pytest.raises(error, match=words):
        scores_in("name", output, 2)


@pytest.mark.parametrize(
    "last", [layers.Softmax(dim=1), nn.Softmax(dim=1), nn.LogSoftmax(dim=1)], ids=["ours", "torch.nn", "log"]
)
def test_a_softmax_at_the_end_stops_gradient_maps_and_no_others(last):
    net = nn.Sequential(layers.Conv2d(1, 2, 3), nn.Flatten(), layers.Linear(8, 3), last)
    x = torch.rand(2, 1, 4, 4)
    with pytest.raises(ValueError, match="saliency: model must return scores before the softmax"):
        visualize.saliency(net, x)
    with pytest.raises(ValueError, match="grad_cam: model must return scores before the softmax"):
        visualize.grad_cam(net, x, "0")
    assert visualize.occlusion(net, x, patch=2).shape == (2, 4, 4), "the drop of a probability is one too"
    assert visualize.saliency(net[:3], x).shape == (2, 4, 4)


def test_a_softmax_inside_is_no_matter():
    net = nn.Sequential(layers.Softmax(dim=1), nn.Flatten(), layers.Linear(3 * 16, 2))
    assert visualize.saliency(net, torch.rand(1, 3, 4, 4)).any()


def test_scores_that_sum_to_1_are_scores():
    net = nn.Sequential(nn.Flatten(), layers.Linear(4, 2, bias=False))
    nn.init.constant_(net[1].weight, 0.5)
    assert visualize.saliency(net, torch.full((1, 1, 2, 2), 0.25)).tolist() == [[[0.5, 0.5], [0.5, 0.5]]]
