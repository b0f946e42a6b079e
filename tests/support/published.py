"""What the tests of published weights share."""

import torch

V1 = "IMAGENET1K_V1"
NARROW = {"width_mult": 1 / 32, "num_classes": 5}
EMBEDDED = ["glyphs_cifar_resnet14", "glyphs_simple_cnn"]


def same_state(net, state):
    got = net.state_dict()
    assert list(got) == list(state), set(got) ^ set(state)
    for key, value in state.items():
        assert torch.equal(got[key], value), key
