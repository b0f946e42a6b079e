"""Small random networks with branches, for what is said of any network."""

import torch
from hypothesis import strategies as st
from torch import nn

CHANNELS = 2


class Graph(nn.Module):
    """Each step takes one or two of the maps made before, and makes another of ``CHANNELS`` channels."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.layers = nn.ModuleList(layer for layer, _, _ in steps)

    def forward(self, x):
        maps = [x]
        for layer, first, second in self.steps:
            if isinstance(layer, Joint):
                maps.append(layer(maps[first % len(maps)], maps[second % len(maps)]))
            else:
                maps.append(layer(maps[first % len(maps)]))
        return maps[-1]


class Joint(nn.Module):
    """Adds two maps of one size, or else takes the first."""

    def forward(self, x, y):
        return self.join(x, y) if x.shape == y.shape else x.clone()

    def join(self, x, y):
        return x + y


class Concatenation(Joint):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(2 * CHANNELS, CHANNELS, 1)

    def join(self, x, y):
        return self.mix(torch.cat([x, y], 1))


def convolution(draw):
    kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, CHANNELS]))
    padding, stride = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    return nn.Conv2d(CHANNELS, CHANNELS, (kernel, draw(st.integers(1, 3))), stride, padding, dilation, groups)


def transposed(draw):
    stride = draw(st.integers(1, 3))
    kernel = draw(st.integers(stride, 3))
    return nn.ConvTranspose2d(CHANNELS, CHANNELS, kernel, stride, groups=draw(st.sampled_from([1, CHANNELS])))


def mean(draw):
    kernel = draw(st.integers(1, 3))
    return nn.AvgPool2d(kernel, draw(st.integers(1, 2)), draw(st.integers(0, kernel // 2)))


def upsampling(draw):
    return nn.Upsample(scale_factor=2, mode=draw(st.sampled_from(["nearest", "bilinear"])))


def plain(draw):
    return draw(st.sampled_from([nn.ReLU(), nn.Identity(), nn.BatchNorm2d(CHANNELS)]))


MAKERS = (convolution, transposed, mean, upsampling, plain)


@st.composite
def graphs(draw):
    """A graph in evaluation mode, its positive weights in float64, and the size of an image for it."""
    steps = []
    for _ in range(draw(st.integers(1, 6))):
        make = draw(st.sampled_from([*MAKERS, None, None]))
        layer = draw(st.sampled_from([Joint, Concatenation]))() if make is None else make(draw)
        # The newest map, mostly: else most branches would end nowhere.
        steps.append((layer, draw(st.sampled_from([-1, -1, -1, -2, 0])), draw(st.integers(-4, -1))))
    graph = Graph(steps).double().eval()
    with torch.no_grad():
        for name, parameter in graph.named_parameters():
            parameter.zero_() if name.endswith("bias") else parameter.uniform_(0.5, 1.0)
    return graph, draw(st.tuples(st.integers(4, 9), st.integers(4, 9)))
