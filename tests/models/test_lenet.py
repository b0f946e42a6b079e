"""lenet5 against torch.nn, against the figures of the paper, and against its words."""

import copy
import pickle

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F

from course_lib import data, models, optim, training
from course_lib.models.lenet import TABLE_I, DigitCodes, PartialConv2d, ScaledTanh, Subsampling, lenet5

PARAMETERS = {
    False: {"c1": 156, "c3": 2_416, "c5": 48_120, "f6": 10_164, "output": 850},
    True: {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164},
}
SHAPES = {  # figure 2 of the paper
    "c1": (6, 28, 28), "s2": (6, 14, 14), "c3": (16, 10, 10), "s4": (16, 5, 5), "c5": (120, 1, 1),
    "f6": (84,), "output": (10,),
}  # fmt: skip


def by_torch(classes=10, padding=0, channels=1, widths=(6, 16, 120, 84)):
    a, b, c, d = widths
    return nn.Sequential(
        nn.Conv2d(channels, a, 5, padding=padding), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(a, b, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(b, c, 5), nn.Tanh(), nn.Flatten(), nn.Linear(c, d), nn.Tanh(), nn.Linear(d, classes),
    ).double()  # fmt: skip


def what_c3_sees():
    """Section II.B in its own words: the maps of S2 that each map of C3 takes."""
    three_in_a_row = [{start % 6, (start + 1) % 6, (start + 2) % 6} for start in range(6)]
    four_in_a_row = [{(start + i) % 6 for i in range(4)} for start in range(6)]
    two_and_two = [{i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6} for i in range(3)]
    return [*three_in_a_row, *four_in_a_row, *two_and_two, set(range(6))]


def outputs(net, x):
    """What every named layer gives."""
    found = {}
    for name, layer in net.named_children():
        x = found[name] = layer(x)
    return found


@pytest.mark.parametrize("original", [False, True])
def test_the_papers_numbers_of_parameters_layer_by_layer(original):
    net = lenet5(original=original)
    got = {name: sum(p.numel() for p in layer.parameters()) for name, layer in net.named_children()}
    assert {name: n for name, n in got.items() if n} == PARAMETERS[original], f"original={original}"
    assert sum(got.values()) == (60_000 if original else 61_706), f"original={original}"
    assert all(p.requires_grad for p in net.parameters())


def test_the_papers_numbers_of_connections():
    shapes = {name: SHAPES[name][-1] for name in ("c1", "c3", "c5")}
    net = lenet5(original=True)
    kernels = {name: sum(p.numel() for p in getattr(net, name).parameters()) for name in shapes}
    got = {name: kernels[name] * side**2 for name, side in shapes.items()}
    assert got == {"c1": 122_304, "c3": 151_600, "c5": 48_120}


@pytest.mark.parametrize("original", [False, True])
@pytest.mark.parametrize(("side", "padding"), [(32, 0), (28, 2)])
def test_the_sizes_of_the_papers_figure(original, side, padding):
    found = outputs(lenet5(original=original, padding=padding), torch.zeros(3, 1, side, side))
    assert {name: tuple(found[name].shape) for name in SHAPES} == {n: (3, *s) for n, s in SHAPES.items()}


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({}, {}),
        ({"padding": 2, "num_classes": 7}, {"padding": 2, "classes": 7}),
        ({"in_channels": 3, "width_mult": 0.5}, {"channels": 3, "widths": (3, 8, 60, 42)}),
        ({"width_mult": 0.01}, {"widths": (1, 1, 1, 1)}),
    ],
)
def test_the_same_seed_gives_torchs_net(options, theirs):
    torch.manual_seed(0)
    net = lenet5(**options).double()
    torch.manual_seed(0)
    twin = by_torch(**theirs)
    for (name, mine), other in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(mine, other), f"lenet5({options}): the first {name}"
    side = 32 - 2 * options.get("padding", 0)
    x = torch.randn(4, options.get("in_channels", 1), side, side, dtype=torch.float64)
    assert_close(net(x), twin(x), f"lenet5({options})", rtol=1e-10, atol=1e-12)


def test_the_original_is_what_the_paper_says():
    torch.manual_seed(1)
    net = lenet5(original=True, dtype=torch.float64)
    x = torch.randn(3, 1, 32, 32, dtype=torch.float64)
    p = dict(net.named_parameters())

    def squash(a):
        return 1.7159 * torch.tanh(a * 2 / 3)

    def halve(a, name):
        four = a[..., ::2, ::2] + a[..., 1::2, ::2] + a[..., ::2, 1::2] + a[..., 1::2, 1::2]
        channels = four.unbind(1)
        parts = [w * c + b for w, b, c in zip(p[f"{name}.weight"], p[f"{name}.bias"], channels, strict=True)]
        return torch.stack(parts, 1)

    a = squash(halve(squash(F.conv2d(x, p["c1.weight"], p["c1.bias"])), "s2"))
    kernels, maps = iter(p["c3.weight"]), []
    for k, seen in enumerate(what_c3_sees()):
        chosen = sorted(seen)
        weight = torch.stack([next(kernels) for _ in chosen])[None]
        maps.append(F.conv2d(a[:, chosen], weight, p["c3.bias"][k : k + 1]))
    a = squash(halve(squash(torch.cat(maps, 1)), "s4"))
    a = squash(a.flatten(1) @ p["c5.weight"].flatten(1).T + p["c5.bias"])
    a = squash(a @ p["f6.weight"].T + p["f6.bias"])
    expected = -torch.stack([((a - code) ** 2).sum(1) for code in net.output.codes], 1)
    assert_close(net(x), expected, "lenet5(original=True)", rtol=1e-10)


def test_table_I_is_what_the_paper_says_of_it():
    columns = [{row for row in range(6) if TABLE_I[row][column] == "X"} for column in range(16)]
    assert columns == what_c3_sees()
    assert {letter for row in TABLE_I for letter in row} == {"X", "."}


def test_partial_convolution_is_a_convolution_with_weights_that_are_zero():
    torch.manual_seed(2)
    layer = PartialConv2d(["X.X", ".XX"], dtype=torch.float64)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, requires_grad=True)
    full = torch.zeros(3, 2, 5, 5, dtype=torch.float64)
    for kernel, place in zip(layer.weight, [(0, 0), (1, 1), (2, 0), (2, 1)], strict=True):
        full[place] = kernel.detach()
    assert_close(layer(x), F.conv2d(x, full, layer.bias), "PartialConv2d", rtol=1e-12)
    assert torch.autograd.gradcheck(
        lambda x, w, b: torch.func.functional_call(layer, {"weight": w, "bias": b}, (x,)),
        (x, *layer.parameters()),
    )


def test_subsampling_and_digit_codes_have_their_gradients():
    torch.manual_seed(3)
    halve, codes = Subsampling(2, dtype=torch.float64), DigitCodes(3, dtype=torch.float64)
    x = torch.randn(2, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, w, b: torch.func.functional_call(halve, {"weight": w, "bias": b}, (x,)),
        (x, *halve.parameters()),
    )
    assert torch.autograd.gradcheck(codes, torch.randn(2, 84, dtype=torch.float64, requires_grad=True))


def test_the_scaled_tanh_is_1_at_1_and_bends_most_there():
    x = torch.linspace(0.5, 1.5, 1001, dtype=torch.float64, requires_grad=True)
    y = ScaledTanh()(x)
    assert y[500].item() == pytest.approx(1, abs=1e-4)
    assert_close(ScaledTanh()(-x), -y, "an odd function")
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    assert x[bend.argmin()].item() == pytest.approx(1, abs=0.02)


def test_the_codes_are_ten_different_pictures_that_are_not_learned():
    layer = DigitCodes()
    assert layer.codes.shape == (10, 84)
    assert layer.codes.abs().eq(1).all()
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["codes"], "the codes are saved with the net"
    apart = (layer.codes[:, None] != layer.codes).sum(-1) + 84 * torch.eye(10)
    assert apart.min() >= 12, f"digits whose codes differ in {apart.min()} of 84 entries"
    scores = layer(layer.codes)
    assert scores.argmax(1).tolist() == list(range(10)), "the code of a digit is recognized as that digit"
    assert scores.diagonal().abs().max() == 0
    assert_close(-scores, 4.0 * (apart - 84 * torch.eye(10)), "squared distances of codes of 1 and -1")


def test_cross_entropy_of_the_originals_scores_is_equation_9():
    torch.manual_seed(4)
    x, y = ScaledTanh()(torch.randn(5, 84, dtype=torch.float64)), torch.tensor([3, 1, 4, 1, 5])
    layer = DigitCodes(dtype=torch.float64)
    distance = torch.cdist(x, layer.codes).square()
    expected = (distance[range(5), y] + (-distance).exp().sum(1).log()).mean()
    assert_close(F.cross_entropy(layer(x), y), expected, "equation 9", rtol=1e-10)


def test_the_originals_weights_are_drawn_as_in_its_appendix():
    torch.manual_seed(5)
    net = lenet5(original=True, in_channels=2)
    inputs = {"c1": 50, "s2": 4, "s4": 4, "c5": 400, "f6": 120}
    for name, fan_in in inputs.items():
        layer, bound = getattr(net, name), 2.4 / fan_in
        assert layer.weight.abs().max() <= bound, f"{name}: weights from U(-2.4 / F, 2.4 / F)"
        if layer.weight.numel() > 50:
            assert layer.weight.abs().max() > 0.95 * bound, f"{name}: the whole range is drawn from"
            assert layer.weight.mean().abs() < 0.1 * bound, name
        assert not layer.bias.any(), name
    first = 0
    for k, seen in enumerate(what_c3_sees()):
        largest = net.c3.weight[first : first + len(seen)].abs().max()
        assert 0.9 < largest / (2.4 / (25 * len(seen))) <= 1, f"c3, map {k}"
        first += len(seen)


@pytest.mark.parametrize("original", [False, True])
def test_every_parameter_has_a_gradient(original):
    torch.manual_seed(6)
    net = lenet5(original=original, in_channels=2, num_classes=4, dtype=torch.float64)
    F.cross_entropy(net(torch.randn(3, 2, 32, 32, dtype=torch.float64)), torch.tensor([0, 1, 3])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"original={original}: {name}"
        assert parameter.grad.any(), f"original={original}: the gradient of {name} is 0"


@pytest.mark.parametrize("original", [False, True])
def test_device_dtype_seed_and_copies(original):
    for net in (lenet5(original=original, device="meta", dtype=torch.float64), _on_meta(original)):
        assert {t.device.type for t in net.state_dict().values()} == {"meta"}
    torch.manual_seed(0)
    net = lenet5(original=original, dtype=torch.float64)
    assert {t.dtype for t in net.state_dict().values()} == {torch.float64}
    torch.manual_seed(0)
    again = lenet5(original=original, dtype=torch.float64)
    fresh = lenet5(original=original, dtype=torch.float64)
    fresh.load_state_dict(net.state_dict())
    x = torch.randn(2, 1, 32, 32, dtype=torch.float64)
    for way in (again, fresh, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(way(x), net(x))
        with pytest.raises(ValueError, match="lenet5: input"):
            way(x[..., :28, :28])


def _on_meta(original):
    with torch.device("meta"):
        return lenet5(original=original, dtype=torch.float64)


def test_no_images_give_no_scores():
    for original in (False, True):
        assert lenet5(original=original)(torch.zeros(0, 1, 32, 32)).shape == (0, 10)


def test_c5_sees_the_whole_image():
    fields = {field.name: field.size for field in models.receptive_field(lenet5(), 32)}
    assert [fields[name] for name in ("c1", "s2", "c3", "s4", "c5")] == [
        (5, 5), (6, 6), (14, 14), (16, 16), (32, 32),
    ]  # fmt: skip


@pytest.mark.parametrize("original", [False, True])
def test_it_learns_digits(original):
    train, validation = data.load("digits"), data.load("digits", split="validation")

    def enlarged(split):
        return F.interpolate(2 * split.x - 1, size=(32, 32), mode="bilinear"), split.y

    torch.manual_seed(0)
    net = lenet5(original=original)
    x, y = enlarged(train)
    optimizer = optim.Adam(net.parameters(), lr=0.002)
    training.fit(net, (x[:600], y[:600]), optimizer=optimizer, epochs=3, batch_size=32, seed=0)
    found = training.evaluate(net, enlarged(validation))["accuracy"]
    assert found > 0.8, f"lenet5(original={original}): accuracy {found:.2f} where chance is 0.1"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "lenet5: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": -1}, "lenet5: in_channels must be 1 or more, got -1"),
        (ValueError, {"padding": -2}, "lenet5: padding must be 0 or more, got -2"),
        (ValueError, {"width_mult": 0.0}, "lenet5: width_mult must be greater than 0, got 0"),
        (TypeError, {"num_classes": 10.0}, r"lenet5: num_classes must be an integer, got 10\.0"),
        (TypeError, {"padding": "same"}, "lenet5: padding must be an integer, got 'same'"),
        (TypeError, {"width_mult": "half"}, "lenet5: width_mult must be a number, got 'half'"),
        (ValueError, {"original": True, "width_mult": 0.5}, "the original has width_mult=1 and up to 10"),
        (ValueError, {"original": True, "num_classes": 26}, "lenet5: the original .* num_classes=26"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        lenet5(**options)


@pytest.mark.parametrize(
    ("error", "x", "words"),
    [
        (ValueError, torch.zeros(2, 1, 28, 28), r"\(N, 1, 32, 32\), got \(2, 1, 28, 28\): padding=2 is for"),
        (ValueError, torch.zeros(2, 1, 64, 64), r"\(N, 1, 32, 32\), got \(2, 1, 64, 64\)$"),
        (ValueError, torch.zeros(2, 3, 32, 32), r"\(N, 1, 32, 32\), got \(2, 3, 32, 32\)$"),
        (ValueError, torch.zeros(1, 32, 32), r"\(N, 1, 32, 32\), got \(1, 32, 32\)$"),
        (TypeError, torch.zeros(2, 1, 32, 32, dtype=torch.uint8), "lenet5: input must have a floating-point"),
    ],
)
@pytest.mark.parametrize("original", [False, True])
def test_images_that_do_not_fit_are_named(original, error, x, words):
    with pytest.raises(error, match=words):
        lenet5(original=original)(x)


def test_bad_arguments_of_the_originals_layers_are_named():
    with pytest.raises(ValueError, match="Subsampling: channels must be 1 or more, got 0"):
        Subsampling(0)
    with pytest.raises(ValueError, match="DigitCodes: num_classes must be from 1 to 10, got 11"):
        DigitCodes(11)
    with pytest.raises(ValueError, match="conv2d: input must have shape"):
        PartialConv2d(TABLE_I)(torch.zeros(1, 5, 9, 9))
