"""The path of a small net under an optimizer, to be held against another's."""

import torch
from torch import nn


def net_and_data(dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)
    return net, torch.randn(6, 3, dtype=dtype), torch.randn(6, 2, dtype=dtype)


def train(net, optimizer, x, t, steps=8, scheduler=None):
    """Losses and all parameters after each step."""
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - t).square().mean()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        path.append([loss.item(), *(p.detach().clone() for p in net.parameters())])
    return path


def both_paths(ours, make, dtype=torch.float64, steps=8, make_scheduler=None):
    """The same training with our class and PyTorch's of that name; make(cls, net) gives the optimizer."""
    paths = []
    for cls in (ours, getattr(torch.optim, ours.__name__)):
        net, x, t = net_and_data(dtype)
        optimizer = make(cls, net)
        scheduler = make_scheduler(optimizer) if make_scheduler else None
        paths.append(train(net, optimizer, x, t, steps, scheduler))
    return paths


def assert_same_path(name, ours, theirs, what):
    """Bit for bit; where a setting blows the net up, both must have the same infinities and NaN."""
    for step, (mine, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        against = f"{name} {what}: step {step} against torch.optim.{name}"
        assert mine[0] == other[0] or (mine[0] != mine[0] and other[0] != other[0]), f"loss of {against}"
        for got, expected in zip(mine[1:], other[1:], strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=0, equal_nan=True, msg=against)
