"""A task on which any sequence-to-sequence model shows that it learns: say five symbols in reverse."""

import torch

from course_lib.layers import cross_entropy
from course_lib.models import shift_right


def symbols(n: int, seed: int) -> torch.Tensor:
    """n sequences (n, 5) of the symbols 1 to 8; 0 stands for the start."""
    return torch.randint(1, 9, (n, 5), generator=torch.Generator().manual_seed(seed))


def assert_learns_to_reverse(net: torch.nn.Module, lr: float, steps: int) -> None:
    """After ``steps`` of Adam nine tenths of the places in new sequences are right, the true past given."""
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for step in range(steps):
        source = symbols(32, seed=step)
        target = source.flip(1)
        loss = cross_entropy(net(source, shift_right(target)).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    source = symbols(50, seed=steps)
    right = net.eval()(source, shift_right(source.flip(1))).argmax(dim=-1) == source.flip(1)
    assert right.float().mean() > 0.9, f"{right.float().mean():.2f} of the places right"
