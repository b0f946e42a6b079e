"""The kernel of Adam's step against torch.optim, and the NumPy reference."""

import numpy as np
import pytest
import torch

from course_lib.kernels.adam import adam, fits
from course_lib.reference import optim as ref

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-7, torch.bfloat16: 3e-2}
RULES = [
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"weight_decay": 0.1, "amsgrad": True}),
    (torch.optim.AdamW, {"weight_decay": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    (torch.optim.AdamW, {"lr": 0.3, "amsgrad": True}),
]


def gradients(shape, device, dtype):
    return [torch.randn(shape).to(device, dtype) for _ in range(4)]


@pytest.mark.parametrize(("rule", "options"), RULES, ids=str)
@pytest.mark.parametrize("shape", [(1,), (3, 7), (1030,), (0,), ()], ids=str)
def test_steps_as_pytorch(shape, rule, options, device, dtype):
    w = torch.randn(shape).to(device, dtype)
    theirs = w.double().clone().requires_grad_()
    optimizer = rule([theirs], foreach=False, **options)
    group = optimizer.param_groups[0]
    m, v = torch.zeros_like(w), torch.zeros_like(w)
    v_max = torch.zeros_like(w) if group["amsgrad"] else None
    for step, g in enumerate(gradients(shape, device, dtype), 1):
        theirs.grad = g.double()
        optimizer.step()
        before = g.clone()
        adam(
            w, g, m, v, v_max, lr=group["lr"], betas=group["betas"], eps=group["eps"],
            weight_decay=group["weight_decay"], step=step, decoupled=rule is torch.optim.AdamW,
        )  # fmt: skip
        assert torch.equal(g, before), "the gradient was changed"
    state = optimizer.state[theirs]
    expected = {"w": theirs.detach(), "m": state["exp_avg"], "v": state["exp_avg_sq"]}
    for (name, want), got in zip(expected.items(), (w, m, v), strict=True):
        torch.testing.assert_close(
            got.double(), want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype],
            msg=lambda text, name=name: f"{rule.__name__} {options}, {name}: {text}",
        )  # fmt: skip


def test_steps_as_the_reference(device):
    w, m, v = (
        torch.randn(37, dtype=torch.float64, device=device),
        *torch.zeros(2, 37, dtype=torch.float64).to(device),
    )
    array, state = w.cpu().numpy().copy(), ()
    for step, g in enumerate(gradients((37,), device, torch.float64), 1):
        adam(w, g, m, v, lr=0.1, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.2, step=step, decoupled=True)
        array, state = ref.adam(array, g.cpu().numpy(), state, 0.1, 0.9, 0.99, 1e-6, decay=0.2)
    np.testing.assert_allclose(w.cpu(), array, 1e-7, 1e-7)


@pytest.mark.parametrize("size", [0.0, 1e-15, 1e15])
def test_a_first_step_has_the_size_of_the_rate(size, device):
    w, g = torch.zeros(5, device=device), torch.full((5,), size, device=device)
    m, v, eps = torch.zeros_like(w), torch.zeros_like(w), 0.0 if size else 1e-8
    adam(w, g, m, v, lr=0.1, betas=(0.9, 0.999), eps=eps, weight_decay=0.0, step=1)
    torch.testing.assert_close(w, torch.full_like(w, -0.1 if size else 0.0), rtol=1e-4, atol=0)


def test_nan_reaches_the_weights_and_the_largest_square(device):
    w, m, v, v_max = torch.zeros(4, 3, device=device)
    g = torch.tensor([1.0, torch.nan, 1.0], device=device)
    adam(w, g, m, v, v_max, lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, step=1)
    assert w.isnan().tolist() == v_max.isnan().tolist() == [False, True, False]


def test_a_graph_made_before_a_step_is_refused_after_it(device):
    w, v_max = torch.ones(3, device=device, requires_grad=True), torch.zeros(3, device=device)
    loss = w.square().sum()
    with torch.no_grad():
        adam(w, w * 2, *torch.zeros(2, 3, device=device), v_max, lr=0.1, betas=(0.9, 0.999), eps=1e-8,
             weight_decay=0.0, step=1)  # fmt: skip
    assert v_max._version > 0, "the step changed the largest square, and autograd does not know"
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_what_does_not_fit(device):
    w = torch.zeros(4, 3, device=device)
    assert fits(w, w, None)
    assert not fits(w, w.t().contiguous().t()), "a transposed gradient lies in another order"
    with pytest.raises(ValueError, match="contiguous and of one shape"):
        adam(w, w[0], w, w, lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, step=1)
