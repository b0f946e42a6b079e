"""The kernels of dropout and DropConnect: masks drawn twice agree, keep their rate and their seed."""

import numpy as np
import pytest
import torch

from course_lib.kernels import drop_connect as links
from course_lib.kernels import dropout as units
from course_lib.kernels.drop_connect import drop_connect, masks
from course_lib.kernels.dropout import dropout
from course_lib.reference import dropout as ref

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10, torch.bfloat16: 3e-2}
SIZES = [((1, 1, 1), False), ((3, 5, 7), True), ((5, 17, 4), False), ((2, 3, 130), True), ((5, 17, 66), True)]


def seeded(value, device):
    return torch.tensor([value], device=device)


@pytest.mark.parametrize("shape", [(1,), (7, 5), (3, 1025), (0, 3), ()], ids=str)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_zeroes_or_scales(p, shape, device, dtype):
    x = (1 + torch.rand(shape)).to(device, dtype).requires_grad_()
    y = dropout(x, p, seed=seeded(3, device))
    kept = y != 0
    scale = 1 / (1 - p) if p < 1 else 0.0
    np.testing.assert_allclose(
        y.detach().double().cpu(), ref.dropout(x.detach().double().cpu().numpy(), kept.cpu().numpy(), p),
        TOLERANCE[dtype], err_msg=f"p={p} {shape}",
    )  # fmt: skip
    grad = torch.rand(shape).to(device, dtype)
    y.backward(grad)
    expected = ref.dropout_backward(grad.double().cpu().numpy(), kept.cpu().numpy(), p)
    np.testing.assert_allclose(
        x.grad.double().cpu(), expected, TOLERANCE[dtype], err_msg="another mask backward"
    )
    assert kept.all() if p == 0 else not kept.any() if p == 1 else True
    assert y.dtype == dtype, f"{dtype} became {y.dtype}, scaled by {scale}"


def test_dropout_keeps_its_rate_everywhere(device):
    kept = dropout(torch.ones(64, 256, device=device), 0.3, seed=seeded(11, device)) != 0
    assert abs(kept.double().mean().item() - 0.7) < 0.015, (
        f"kept {kept.double().mean()}, 4 deviations from 0.7"
    )
    words = kept.view(-1, 4).double().mean(0)  # the four numbers of a counter
    assert (words - 0.7).abs().max() < 0.03, f"each fourth entry is kept at the rates {words.tolist()}"
    neighbours = (kept[:, 1:] == kept[:, :-1]).double().mean().item()
    assert abs(neighbours - 0.58) < 0.02, f"neighbours agree at {neighbours} instead of 0.7^2 + 0.3^2"


def test_the_seed_and_nothing_else_makes_the_mask(monkeypatch, device):
    x = torch.ones(5, 100, device=device)
    expected = dropout(x, seed=seeded(2**61 + 5, device))
    monkeypatch.setattr(units, "BLOCK", 64)
    assert torch.equal(dropout(x, seed=seeded(2**61 + 5, device)), expected), "the mask depends on the block"
    assert torch.equal(dropout(x.t().contiguous().t(), seed=seeded(2**61 + 5, device)), expected)
    assert not torch.equal(dropout(x, seed=seeded(5, device)), expected), (
        "the upper bits of the seed are lost"
    )
    torch.manual_seed(4)
    first = dropout(x), dropout(x)
    torch.manual_seed(4)
    assert torch.equal(dropout(x), first[0]), "PyTorch's seed does not repeat the mask"
    assert not torch.equal(*first), "two calls share a mask"


def test_dropout_at_the_extremes(device):
    y = dropout(torch.full((1000,), torch.inf, device=device), 0.5, seed=seeded(0, device))
    assert set(y.unique().tolist()) == {0.0, torch.inf}, "what is dropped is 0, even of infinity"
    x = torch.ones(4, device=device)
    assert torch.equal(dropout(x, 0.5, training=False), x)
    with pytest.raises(ValueError, match="p must be from 0 to 1"):
        dropout(x, 1.5)


def test_dropout_has_gradients_of_gradients(device):
    x = torch.rand(9, dtype=torch.float64, device=device, requires_grad=True)
    assert torch.autograd.gradgradcheck(
        lambda x: dropout(x, 0.4, seed=seeded(1, device)) ** 2, x, fast_mode=True
    )


@pytest.mark.parametrize(("size", "biased"), SIZES, ids=str)
def test_drop_connect_agrees_with_the_reference(size, biased, device, dtype):
    n, outputs, inputs = size
    p, seed = 0.3, seeded(99, device)
    x, w = torch.randn(n, inputs).to(device, dtype), torch.randn(outputs, inputs).to(device, dtype)
    b = torch.randn(outputs).to(device, dtype) if biased else None
    leaves = [None if each is None else each.requires_grad_() for each in (x, w, b)]
    y = drop_connect(*leaves, p, seed)
    grad = torch.randn(n, outputs).to(device, dtype)
    y.backward(grad)
    kept_w, kept_b = (mask.cpu().numpy().astype(float) for mask in masks(seed, n, outputs, inputs, p))
    arrays = [np.zeros(outputs) if each is None else each.detach().double().cpu().numpy() for each in leaves]
    expected = ref.drop_connect(*arrays, kept_w, kept_b, p)
    slopes = ref.drop_connect_backward(grad.double().cpu().numpy(), *arrays[:2], kept_w, kept_b, p)
    tolerance = 10 * TOLERANCE[dtype]
    np.testing.assert_allclose(y.detach().double().cpu(), expected, tolerance, tolerance, err_msg=f"{size} y")
    for name, leaf, slope in zip(["dx", "dw", "db"], leaves, slopes, strict=True):
        if leaf is not None:
            what = f"{size} {name}: another mask backward?"
            np.testing.assert_allclose(leaf.grad.double().cpu(), slope, tolerance, tolerance, err_msg=what)


def test_drop_connect_masks_do_not_depend_on_the_tile(monkeypatch, device):
    expected = masks(seeded(8, device), 3, 9, 35, 0.4)
    x, w = torch.randn(3, 35, device=device), torch.randn(9, 35, device=device)
    y = drop_connect(x, w, None, 0.4, seeded(8, device))
    for name, size in {"EXAMPLES": 2, "OUTPUTS": 8, "INPUTS": 16}.items():
        monkeypatch.setattr(links, name, size)
    for got, same in zip(masks(seeded(8, device), 3, 9, 35, 0.4), expected, strict=True):
        assert torch.equal(got, same), "the mask depends on the tile"
    torch.testing.assert_close(drop_connect(x, w, None, 0.4, seeded(8, device)), y, rtol=1e-4, atol=1e-5)


def test_drop_connect_keeps_its_rate_and_each_example_its_mask(device):
    kept, biases = masks(seeded(3, device), 12, 16, 64, 0.25)
    assert abs(kept.double().mean().item() - 0.75) < 0.016, (
        f"kept {kept.double().mean()}, 4 deviations from 0.75"
    )
    assert abs(biases.double().mean().item() - 0.75) < 0.13, f"biases kept: {biases.double().mean()}"
    same = (kept[0] == kept[1]).double().mean().item()
    assert abs(same - 0.625) < 0.07, f"two examples' masks agree at {same} instead of 0.75^2 + 0.25^2"
    assert masks(seeded(3, device), 2, 3, 5, 0.0)[0].all()
    assert not masks(seeded(3, device), 2, 3, 5, 1.0)[0].any()


def test_drop_connect_shapes_and_bad_calls(device):
    x, w, b = (torch.randn(shape, device=device) for shape in ((2, 3, 5), (4, 5), (4,)))
    assert drop_connect(x, w, b).shape == (2, 3, 4)
    assert drop_connect(x[0, 0], w, b).shape == (4,)
    assert drop_connect(x[:0], w, b).shape == (0, 3, 4)
    torch.testing.assert_close(drop_connect(x, w, b, 0.0), torch.nn.functional.linear(x, w, b))
    assert (drop_connect(x, w, b, 1.0) == 0).all()
    with pytest.raises(ValueError, match="p must be from 0 to 1"):
        drop_connect(x, w, b, -0.1)
    with pytest.raises(ValueError, match=r"input must be \(\.\.\., d_in\)"):
        drop_connect(x, w.t(), b)
    with pytest.raises(ValueError, match="bias must be"):
        drop_connect(x, w, b[:2])


def test_drop_connect_has_gradients_of_gradients(device):
    leaves = [
        torch.randn(shape, dtype=torch.float64, device=device, requires_grad=True)
        for shape in ((2, 3), (2, 3), (2,))
    ]
    assert torch.autograd.gradgradcheck(
        lambda *each: drop_connect(*each, 0.4, seeded(6, device)), leaves, fast_mode=True
    )
