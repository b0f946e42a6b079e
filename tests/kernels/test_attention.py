"""Attention by tiles against its NumPy reference: values, gradients, masks, and what dropout drops."""

import math

import pytest
import torch
from originals import assert_close

from course_lib import kernels, layers
from course_lib.kernels import attention as kernel
from course_lib.kernels.attention import scaled_dot_product_attention as attend
from course_lib.reference import attention as ref


def draw(lead, length, n_keys, size, size_v, device, dtype=torch.float32):
    torch.manual_seed(0)
    shapes = (*lead, length, size), (*lead, n_keys, size), (*lead, n_keys, size_v)
    return [torch.randn(shape, dtype=dtype, device=device, requires_grad=True) for shape in shapes]


def assert_is_attention(given, mask, what, scale=None, **options):
    """Output and gradients are the reference's; ``mask`` (..., L, S) is what is added to the scores."""
    y = attend(*given, scale=scale, **options)
    grad = torch.randn_like(y)
    grads = torch.autograd.grad(y, given, grad)
    arrays = [each.detach().cpu().double().numpy() for each in given]
    added = mask.cpu().double().numpy()
    expected = [ref.scaled_dot_product_attention(*arrays, added, scale)[0]]
    back = ref.scaled_dot_product_attention_backward(grad.cpu().double().numpy(), *arrays, added, scale)
    for name, got, want in zip(
        ("y", "dE/dq", "dE/dk", "dE/dv"), (y, *grads), [*expected, *back[:3]], strict=True
    ):
        assert_close(got.detach().cpu(), torch.tensor(want).float(), f"{what}: {name}", rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("lead", "length", "n_keys", "size", "size_v"),
    [((), 1, 1, 1, 1), ((2,), 70, 66, 5, 3), ((1, 2), 3, 70, 17, 20)],
)
def test_agrees_with_the_reference(device, lead, length, n_keys, size, size_v, causal):
    given = draw(lead, length, n_keys, size, size_v, device)
    mask = torch.tensor(ref.causal_mask(length, n_keys)) if causal else torch.zeros(length, n_keys)
    assert_is_attention(given, mask, f"{length} queries, {n_keys} keys, causal={causal}", is_causal=causal)


def test_masks(device):
    given = draw((2, 2), 5, 67, 4, 4, device)
    keys = torch.rand(2, 1, 1, 67, device=device) > 0.4
    allowed = torch.rand(5, 67, device=device) > 0.3
    allowed[2] = False  # a query that may look nowhere
    for what, mask in {"keys": keys, "pairs, one query without any": allowed}.items():
        added = torch.zeros(mask.shape, device=device).masked_fill(~mask, -math.inf)
        assert_is_attention(given, added, f"mask of {what}", attn_mask=mask)
        assert_is_attention(given, added, f"added mask of {what}", attn_mask=added)
    added = torch.randn(2, 2, 5, 67, device=device)
    assert_is_attention(given, added, "mask of every head, and a scale", scale=0.3, attn_mask=added)
    assert (attend(*given, attn_mask=allowed)[:, :, 2] == 0).all(), "a query that may look nowhere gets 0"


def test_broadcast_and_strided_inputs(device):
    q, k, v = (each.detach() for each in draw((2, 3), 4, 6, 5, 2, device))
    expected = attend(q, k[:1].expand_as(k), v)
    views = [each.transpose(1, 2).contiguous().transpose(1, 2) for each in (q, k[:1], v)]
    assert_close(attend(*views), expected, "views of joined heads, one key for all", atol=1e-6)
    deep = [each[None, :, None] for each in (q, k, v)]
    assert_close(attend(*deep)[0, :, 0], attend(q, k, v), "five dimensions", atol=1e-6)


def test_extreme_scores(device):
    q, k, v = (each.detach() for each in draw((), 3, 66, 2, 2, device))
    large = attend(1e4 * q, 1e4 * k, v)
    winner = (q @ k.T).argmax(dim=1)
    assert_close(large, v[winner], "of scores around 1e8 the largest takes all", atol=1e-6)
    small = attend(1e-30 * q, 1e-30 * k, v)
    assert_close(small, v.mean(dim=0).expand(3, 2), "of equal scores the mean", atol=1e-6)
    k[65, 0] = math.nan
    assert attend(q, k, v).isnan().all(), "a NaN among the keys reaches every query"


def test_half_precision(device):
    given = draw((2,), 6, 9, 8, 8, device)
    y = attend(*given)
    low = attend(*(each.half() for each in given))
    assert_close(low, y.half(), "float16", rtol=2e-2, atol=2e-2)


def dropped(length, n_keys, p, seed, device):
    """What dropout makes of equal weights, one for each pair, and the same through the backward pass."""
    zeros = torch.zeros(length, 1, device=device), torch.zeros(n_keys, 1, device=device)
    value = torch.eye(n_keys, device=device).requires_grad_()
    torch.manual_seed(seed)
    y = attend(*zeros, value, dropout_p=p)
    (grad,) = torch.autograd.grad(y, value, torch.eye(length, n_keys, device=device))
    return n_keys * y.detach(), n_keys * grad


def test_dropout_is_the_same_in_both_passes_and_has_its_rate(device):
    y, grad = dropped(60, 60, 0.25, 3, device)
    kept = y != 0
    assert_close(y[kept], torch.full_like(y[kept], 4 / 3), "what is kept is scaled", rtol=1e-5)
    # E = sum_i y[i, i]: dE/dvalue[j, c] is the weight of the pair (c, j).
    assert_close(grad.T != 0, kept, "what the backward pass drops")
    deviation = (0.25 * 0.75 / 3600) ** 0.5
    assert abs(kept.float().mean().item() - 0.75) < 5 * deviation, f"kept {kept.float().mean():.3f} of 0.75"
    again = dropped(60, 60, 0.25, 3, device)[0]
    assert_close(again, y, "the same seed")
    assert (dropped(60, 60, 0.25, 4, device)[0] != y).any(), "another seed drops the same"


def test_dropout_does_not_depend_on_the_tiles(device, monkeypatch):
    expected = dropped(40, 40, 0.5, 0, device)
    launch = kernel._launch

    def smaller(*arguments):
        rows = arguments[-1]
        (programs,), options = launch(*arguments)
        heads = programs // -(-rows // options["BLOCK"])
        return (heads * -(-rows // 16),), options | {"BLOCK": 16}

    monkeypatch.setattr(kernel, "_launch", smaller)
    for what, got, want in zip(("y", "dE/dvalue"), dropped(40, 40, 0.5, 0, device), expected, strict=True):
        assert_close(got, want, f"{what} with tiles of 16", rtol=1e-5)


def test_dropout_of_everything_and_gradients_through_it(device):
    q, k, v = draw((), 4, 5, 3, 2, device)
    assert attend(q, k, v, dropout_p=1.0).abs().sum() == 0, "all weights are dropped"
    torch.manual_seed(5)
    y = attend(q, k, v, dropout_p=0.5)
    grads = torch.autograd.grad(y.sum(), (q, k))
    step = 1e-2
    for name, x, grad in (("q", q, grads[0]), ("k", k, grads[1])):
        along, ends = torch.randn_like(x), []
        for sign in (1, -1):
            moved = [each + sign * step * along if each is x else each for each in (q, k, v)]
            torch.manual_seed(5)
            ends.append(attend(*moved, dropout_p=0.5).sum().item())
        slope, expected = (ends[0] - ends[1]) / (2 * step), (grad * along).sum().item()
        assert abs(slope - expected) < 2e-2, f"slope along {name}: {slope} by differences, {expected}"


def test_nothing_to_attend_to(device):
    q, k, v = draw((2,), 3, 0, 4, 2, device)
    y = attend(q, k, v)
    assert_close(y, torch.zeros(2, 3, 2, device=device), "no keys")
    for grad in torch.autograd.grad(y.sum(), (q, k, v)):
        assert grad.abs().sum() == 0
    assert attend(q[:, :0], q.detach(), q.detach()).shape == (2, 0, 4)


def test_ours_uses_it_where_pytorch_has_no_fused_kernel(device, monkeypatch):
    given = draw((1, 2), 6, 5, 4, 3, device)
    mask = torch.rand(1, 1, 1, 5, device=device) > 0.3
    expected = layers.scaled_dot_product_attention(*given, mask, way="naive")
    monkeypatch.setattr(kernels, "usable", lambda *tensors: True)
    monkeypatch.setattr(layers.attention, "LARGE", 0)
    monkeypatch.setattr(layers.attention, "_has_fused_kernel", lambda *tensors: False)
    y = layers.scaled_dot_product_attention(*given, mask)
    assert_close(y, expected, "by the kernel", rtol=1e-5, atol=1e-6)
    learned = torch.zeros(6, 5, device=device, requires_grad=True)
    (grad,) = torch.autograd.grad(layers.scaled_dot_product_attention(*given, learned).sum(), learned)
    assert grad.abs().sum() > 0, "a learned mask keeps the other way, and has a gradient"


def test_what_does_not_fit(device):
    q, k, v = draw((), 3, 4, 2, 2, device)
    for wrong in ((q, k[:, :1], v), (q, k, v[:3])):
        with pytest.raises(ValueError, match="query, key and value must have shapes"):
            attend(*wrong)
    with pytest.raises(ValueError, match="attn_mask must be None with is_causal"):
        attend(q, k, v, torch.ones(3, 4, dtype=torch.bool, device=device), is_causal=True)
    learned = torch.zeros(3, 4, device=device, requires_grad=True)
    wide = torch.zeros(3, 200, device=device)
    for wrong in ((q.double(), k.double(), v.double()), (q, k, v.half()), (q, k, v, learned), (wide,) * 3):
        with pytest.raises(TypeError, match="query, key and value must be"):
            attend(*wrong)
    y = attend(q, k, v)
    with pytest.raises(RuntimeError, match="create_graph must be False"):
        torch.autograd.grad(y.sum(), q, create_graph=True)
