"""The residual blocks against the paper's figure 4, built of torch.nn, and on what the paper says of them."""

import copy
import itertools
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import nn

from course_lib import layers
from course_lib.models import residual_blocks
from course_lib.models.residual_blocks import VARIANTS, BasicBlock, Bottleneck, PlainBlock

KINDS = {"BasicBlock": BasicBlock, "Bottleneck": Bottleneck}
IDENTITIES = ("relu_before_addition", "relu_only_pre_activation", "full_pre_activation")
every = pytest.mark.parametrize("variant", VARIANTS)
both = pytest.mark.parametrize("kind", KINDS)


class Figure4(nn.Module):
    """A block seen from its convolutions: what stands before and behind each of them."""

    def __init__(self, variant, convs, bns, downsample):
        super().__init__()
        self.variant, self.convs, self.bns = variant, nn.ModuleList(convs), nn.ModuleList(bns)
        self.downsample = downsample

    def forward(self, x):
        h, skip = x, x
        for number, (conv, bn) in enumerate(zip(self.convs, self.bns, strict=True)):
            inner = number < len(self.convs) - 1
            if self.variant == "full_pre_activation":
                h = bn(h)
            if self.variant in ("relu_only_pre_activation", "full_pre_activation"):
                h = torch.relu(h)
            if number == 0 and self.downsample is not None:
                skip = self.downsample(h)
            h = conv(h)
            if self.variant in ("original", "relu_before_addition", "relu_only_pre_activation") or (
                self.variant == "bn_after_addition" and inner
            ):
                h = bn(h)
            if self.variant == "relu_before_addition" or (
                self.variant in ("original", "bn_after_addition") and inner
            ):
                h = torch.relu(h)
        h = h + skip
        if self.variant == "bn_after_addition":
            h = self.bns[-1](h)
        return torch.relu(h) if self.variant in ("original", "bn_after_addition") else h


def pair(kind, variant, in_channels, channels, stride=1, change=False, **options):
    """A block of ours in float64, and the same of torch.nn with the same weights."""
    block_of = KINDS[kind]
    out = channels * block_of.expansion
    norm, place = layers.BatchNorm2d, {"device": None, "dtype": torch.float64}
    down = residual_blocks.projection(in_channels, out, stride, variant, norm, **place) if change else None
    ours = block_of(in_channels, channels, stride, down, variant=variant, dtype=torch.float64, **options)
    width = channels if kind == "BasicBlock" else int(channels * (options.get("width_per_group", 64) / 64))
    groups = options.get("groups", 1)
    width *= groups
    if kind == "BasicBlock":
        convs = [nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)]
        convs += [nn.Conv2d(channels, channels, 3, 1, 1, bias=False)]
    else:
        first, second = (1, stride) if options.get("stride_on", "3x3") == "3x3" else (stride, 1)
        convs = [nn.Conv2d(in_channels, width, 1, first, bias=False)]
        convs += [nn.Conv2d(width, width, 3, second, 1, groups=groups, bias=False)]
        convs += [nn.Conv2d(width, out, 1, bias=False)]
    pre = variant == "full_pre_activation"
    bns = [nn.BatchNorm2d(conv.in_channels if pre else conv.out_channels) for conv in convs]
    shortcut = None
    if change:
        shortcut = nn.Sequential(nn.Conv2d(in_channels, out, 1, stride, bias=False))
        if not pre:
            shortcut.append(nn.BatchNorm2d(out))
    theirs = Figure4(variant, convs, bns, shortcut).double()
    renamed = {}
    for key, value in theirs.state_dict().items():
        name, _, rest = key.partition(".")
        if name in ("convs", "bns"):
            number, _, rest = rest.partition(".")
            key = f"{name[:-1]}{int(number) + 1}.{rest}"
        renamed[key] = torch.rand_like(value) + 0.5 if "bn" in key and value.is_floating_point() else value
    ours.load_state_dict(renamed, strict=True)
    for number in range(len(convs)):
        bns[number].load_state_dict(getattr(ours, f"bn{number + 1}").state_dict())
    return ours, theirs


def parameters_in_order(block):
    """Names of ours in the order in which Figure4 lists its own: convolutions, normalizations, shortcut."""
    return sorted(dict(block.named_parameters()), key=lambda key: ("conv", "bn", "down").index(_stem(key)))


def _stem(key):
    return next(stem for stem in ("conv", "bn", "down") if key.startswith(stem))


def assert_same(kind, variant, ours, theirs, x, case):
    x = x.double().requires_grad_()
    y, expected = ours(x), theirs(x)
    assert_close(y, expected, case, rtol=1e-9, atol=1e-10)
    slopes = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view(y.shape)
    names = parameters_in_order(ours)
    mine = [dict(ours.named_parameters())[name] for name in names]
    got = torch.autograd.grad(y, [x, *mine], slopes)
    wanted = torch.autograd.grad(expected, [x, *theirs.parameters()], slopes)
    for name, a, b in zip(["x", *names], got, wanted, strict=True):
        assert_close(a, b, f"{case}, gradient of {name}", rtol=1e-7, atol=1e-8)
    for number, bn in enumerate(theirs.bns, 1):
        for name, value in bn.named_buffers():
            mine = getattr(ours, f"bn{number}").get_buffer(name)
            assert_close(mine, value, f"{case}, bn{number}.{name}", rtol=1e-9)


@every
@both
@given(
    in_channels=st.integers(1, 5),
    channels=st.integers(1, 4),
    stride=st.integers(1, 3),
    n=st.integers(2, 3),
    h=st.integers(2, 7),
    w=st.integers(2, 7),
    train=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_where_sizes_change_it_is_the_papers_figure(
    kind, variant, in_channels, channels, stride, n, h, w, train, seed
):
    torch.manual_seed(seed)
    ours, theirs = pair(kind, variant, in_channels, channels, stride, change=True)
    case = f"{kind}({in_channels}, {channels}, {stride}, downsample, {variant}), training={train}"
    x = torch.randn(n, in_channels, h, w)
    ours.train(train), theirs.train(train)
    assert_same(kind, variant, ours, theirs, x, case)
    out = channels * KINDS[kind].expansion
    assert ours(x.double()).shape == (n, out, -(-h // stride), -(-w // stride)), case


@every
@both
@pytest.mark.parametrize("train", [True, False])
def test_where_they_do_not_it_is_the_papers_figure(kind, variant, train):
    torch.manual_seed(1)
    ours, theirs = pair(kind, variant, 4 * KINDS[kind].expansion, 4)
    case = f"{kind}(variant={variant}) with an identity, training={train}"
    ours.train(train), theirs.train(train)
    assert_same(kind, variant, ours, theirs, torch.randn(3, 4 * KINDS[kind].expansion, 6, 5), case)


@every
@pytest.mark.parametrize(
    "options",
    [{"groups": 2}, {"groups": 3, "width_per_group": 20}, {"width_per_group": 128}, {"stride_on": "1x1"}],
)
def test_a_bottlenecks_own_options(variant, options):
    torch.manual_seed(2)
    ours, theirs = pair("Bottleneck", variant, 5, 4, stride=2, change=True, **options)
    assert_same(
        "Bottleneck", variant, ours, theirs, torch.randn(3, 5, 7, 6), f"Bottleneck {variant} {options}"
    )


@pytest.mark.parametrize("train", [True, False])
def test_the_five_differ_on_the_same_weights(train):
    torch.manual_seed(3)
    blocks = {variant: BasicBlock(3, 3, variant=variant).train(train) for variant in VARIANTS}
    state = blocks["original"].state_dict()
    for key, value in state.items():
        if value.is_floating_point() and "bn" in key:
            value.uniform_(0.5, 1.5)
    x, outputs = torch.randn(2, 3, 5, 5), {}
    for variant, block in blocks.items():
        block.load_state_dict(state)
        outputs[variant] = block(x)
    for one, other in itertools.combinations(VARIANTS, 2):
        apart = (outputs[one] - outputs[other]).abs().max()
        assert apart > 0.1, f"{one} and {other} differ by {apart:.1e} only, training={train}"


@every
@both
def test_names_are_the_originals_in_every_variant(kind, variant):
    block = KINDS[kind](8, 8, variant=variant)
    expected = KINDS[kind](8, 8)
    assert list(block.state_dict()) == list(expected.state_dict()), f"{kind} {variant}"
    widths = [getattr(block, f"bn{i}").num_features for i in range(1, 4) if hasattr(block, f"bn{i}")]
    after, before = ([8, 8], [8, 8]) if kind == "BasicBlock" else ([8, 8, 32], [8, 8, 8])
    assert widths == (before if variant == "full_pre_activation" else after), f"{kind} {variant}"


@every
@both
@pytest.mark.parametrize("train", [True, False])
def test_with_zero_convolutions_a_new_block_is_the_identity_or_not(kind, variant, train):
    channels = 3 * KINDS[kind].expansion
    block = KINDS[kind](channels, 3, variant=variant).train(train)
    for module in block.modules():
        if isinstance(module, layers.Conv2d):
            nn.init.zeros_(module.weight)
    x = 3 * torch.randn(2, channels, 4, 4, generator=torch.Generator().manual_seed(0))
    of_any = torch.equal(block(x), x)
    of_positive = torch.equal(block(x.abs()), x.abs())
    case = f"{kind} {variant}, training={train}: of any x {of_any}, of x >= 0 {of_positive}"
    assert of_any == (variant in IDENTITIES), case
    assert of_positive == (variant in IDENTITIES or variant == "original"), case


@every
@both
def test_last_of_branch_is_what_makes_the_branch_zero(kind, variant):
    torch.manual_seed(4)
    channels = 2 * KINDS[kind].expansion
    block = KINDS[kind](channels, 2, variant=variant)
    nn.init.zeros_(block.last_of_branch())
    x = torch.randn(3, channels, 4, 4).abs()
    activated = block.through(block.order.before, x)
    assert not block.through(block.order.branch, activated).any(), f"{kind} {variant}: the branch"
    changed = {key for key, value in block.named_parameters() if not value.any() and key.endswith("weight")}
    last = 2 if kind == "BasicBlock" else 3
    layer = "conv" if variant in ("bn_after_addition", "full_pre_activation") else "bn"
    assert changed == {f"{layer}{last}.weight"}, f"{kind} {variant}"


@pytest.mark.parametrize("norm", [nn.Identity, lambda c: layers.BatchNorm2d(c, affine=False)])
def test_last_of_branch_is_a_convolution_if_normalizations_have_no_weight(norm):
    block = BasicBlock(2, 2, norm_layer=norm)
    assert block.last_of_branch() is block.conv2.weight


@pytest.mark.parametrize("variant", IDENTITIES)
def test_gradients_of_blocks_that_add_nothing_pass_unchanged(variant):
    torch.manual_seed(5)
    blocks = nn.Sequential(*(BasicBlock(3, 3, variant=variant) for _ in range(6)))
    for block in blocks:
        nn.init.zeros_(block.last_of_branch())
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    slopes = torch.randn(2, 3, 5, 5)
    (got,) = torch.autograd.grad(blocks(x), x, slopes)
    assert torch.equal(got, slopes), f"{variant}: dL/dx_l is dL/dx_L, bit for bit"


def test_an_original_block_lets_gradients_pass_where_its_output_is_positive():
    block = BasicBlock(2, 2)
    nn.init.zeros_(block.last_of_branch())
    x = torch.tensor([-2.0, -1.0, 1.0, 2.0]).expand(2, 2, 4, 4).clone().requires_grad_()
    (got,) = torch.autograd.grad(block(x), x, torch.ones(2, 2, 4, 4))
    assert torch.equal(got, (x > 0).float())


@every
@both
def test_only_a_pre_activation_begins_with_an_activation(kind, variant):
    torch.manual_seed(6)
    channels = 2 * KINDS[kind].expansion
    first, later = (KINDS[kind](channels, 2, variant=variant, activated=a) for a in (True, False))
    dropped = set(later.state_dict()) - set(first.state_dict())
    full = variant == "full_pre_activation"
    assert {key.split(".")[0] for key in dropped} == ({"bn1"} if full else set()), f"{kind} {variant}"
    first.load_state_dict(later.state_dict(), strict=not full)
    x = torch.randn(3, channels, 4, 4).relu()
    if not full:
        assert torch.equal(first(x), later(x)), f"{kind} {variant}: activated changes nothing else"
    else:
        expected = x + first.through(first.order.branch, x)
        assert torch.equal(first(x), expected), f"{kind} {variant}: x is used as it is"


@every
def test_a_plain_block_is_the_same_layers_without_the_addition(variant):
    torch.manual_seed(7)
    plain, residual = PlainBlock(3, 3, variant=variant), BasicBlock(3, 3, variant=variant)
    plain.load_state_dict(residual.state_dict())
    x = torch.randn(2, 3, 5, 5)
    conv1, bn1, conv2, bn2 = plain.conv1, plain.bn1, plain.conv2, plain.bn2
    if variant == "full_pre_activation":
        expected = conv2(bn2(conv1(bn1(x).relu())).relu())
    elif variant == "relu_only_pre_activation":
        expected = bn2(conv2(bn1(conv1(x.relu())).relu()))
    else:
        expected = bn2(conv2(bn1(conv1(x)).relu())).relu()
    assert torch.equal(plain(x), expected), f"PlainBlock {variant}"
    assert not torch.allclose(residual(x), expected, atol=0.1), f"BasicBlock {variant} adds x"


def test_a_bottleneck_of_256_channels_costs_about_a_basic_block_of_64():
    basic, bottleneck = (
        sum(weight.numel() for weight in block.parameters() if weight.ndim == 4)
        for block in (BasicBlock(64, 64), Bottleneck(256, 64))
    )
    assert (basic, bottleneck) == (2 * 9 * 64 * 64, 256 * 64 + 9 * 64 * 64 + 64 * 256)
    assert 0.9 < bottleneck / basic < 1


def test_a_bottleneck_with_the_stride_on_its_1x1_sees_one_of_four_places():
    torch.manual_seed(8)
    for stride_on, seen in (("1x1", 4), ("3x3", 16)):
        block = Bottleneck(8, 2, stride=2, stride_on=stride_on)
        x = torch.randn(1, 8, 4, 4, requires_grad=True)
        (slopes,) = torch.autograd.grad(block.conv2(block.conv1(x)).sum(), x)
        places = int(slopes.abs().sum(1).ne(0).sum())
        assert places == seen, f"stride_on={stride_on}: {places} of 16 places have a gradient"


@every
def test_projection_normalizes_where_normalizations_follow_convolutions(variant):
    made = residual_blocks.projection(3, 5, 2, variant, None, None, torch.float64)
    kinds = [layers.Conv2d] if variant == "full_pre_activation" else [layers.Conv2d, layers.BatchNorm2d]
    assert [type(module) for module in made] == kinds
    assert made(torch.zeros(2, 3, 5, 4, dtype=torch.float64)).shape == (2, 5, 3, 2)


@every
@both
def test_layers_are_ours_and_copies_work_alike(kind, variant):
    torch.manual_seed(9)
    block = KINDS[kind](4, 1, variant=variant, downsample=nn.Conv2d(4, KINDS[kind].expansion, 1))
    leaves = {type(m) for m in block.modules() if not list(m.children())} - {nn.Conv2d}
    assert leaves == {layers.Conv2d, layers.BatchNorm2d, layers.ReLU}
    x = torch.randn(2, 4, 3, 3)
    block.eval()
    for other in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        assert torch.equal(other(x), block(x)), f"{kind} {variant}"


@both
def test_norm_layer_device_and_dtype(kind):
    block = KINDS[kind](8, 2, norm_layer=lambda c: layers.GroupNorm(1, c), device="meta", dtype=torch.float64)
    assert not any(isinstance(module, layers.BatchNorm2d) for module in block.modules())
    assert {(p.device.type, p.dtype) for p in block.parameters()} == {("meta", torch.float64)}


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck, PlainBlock])
@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"variant": "e"}, "variant must be one of 'original', .*, got 'e'"),
        (TypeError, {"norm_layer": "batch"}, "norm_layer must be a class or a function .* got 'batch'"),
        (TypeError, {"norm_layer": nn.BatchNorm2d(3)}, "norm_layer must be a class .* got BatchNorm2d"),
        (TypeError, {"norm_layer": lambda c: None}, "norm_layer must make a torch.nn.Module, got NoneType"),
    ],
)
def test_bad_options_are_named(block, error, options, words):
    with pytest.raises(error, match=f"{block.__name__}: {words}"):
        block(4, 4, **options)


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"groups": 0}, "Bottleneck: groups must be 1 or more, got 0"),
        (TypeError, {"width_per_group": 6.4}, "Bottleneck: width_per_group must be an integer, got 6.4"),
        (TypeError, {"channels": 2.0}, "Bottleneck: channels must be an integer, got 2.0"),
        (ValueError, {"stride_on": "3"}, "Bottleneck: stride_on must be one of '3x3', '1x1', got '3'"),
        (ValueError, {"stride": 0}, "Conv2d: stride must be 1 or more"),
        (ValueError, {"in_channels": 0}, "Conv2d: in_channels must be 1 or more"),
    ],
)
def test_bad_options_of_a_bottleneck_are_named(error, options, words):
    with pytest.raises(error, match=words):
        Bottleneck(**({"in_channels": 4, "channels": 4} | options))
