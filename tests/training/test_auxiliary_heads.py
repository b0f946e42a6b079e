from functools import partial

import pytest
import torch
from torch.nn import functional as F

from course_lib import data, training
from course_lib.models.auxiliary import loss_with_auxiliary_heads
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v3 import inception_v3


@pytest.mark.parametrize(
    ("make", "size", "weight"), [(googlenet, 32, 0.3), (partial(inception_v3, stem_stride=1), 40, 0.4)]
)
def test_fit_trains_a_network_with_heads(make, size, weight):
    digits = data.load("digits")
    x, y = F.interpolate(2 * digits.x[:48] - 1, size), digits.y[:48]
    torch.manual_seed(0)
    net = make(10, in_channels=1, width_mult=0.125)
    loss = partial(loss_with_auxiliary_heads, weight=weight)
    history = training.fit(net, (x, y), (x, y), loss=loss, epochs=2, batch_size=16, seed=0)
    for record in history:
        assert record["train_loss"] > record["validation_loss"], "heads count in training only"
        assert 0 <= record["train_accuracy"] <= 1
