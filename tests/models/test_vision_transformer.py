"""The vision transformers against torchvision's, and their attention maps against the formula."""

import copy
import math

import pytest
import torch
from originals import assert_close
from torch import nn
from torchvision_models import assert_same_names_and_shapes, get_model, published, torchvision

from course_lib import layers, optim
from course_lib.models import vision_transformer
from course_lib.models.vision_transformer import VisionTransformer, vit_b_16

PARAMETERS = {
    "vit_b_16": 86_567_656,
    "vit_b_32": 88_224_232,
    "vit_l_16": 304_326_632,
    "vit_l_32": 306_535_400,
    "vit_h_14": 632_045_800,
}
SMALL = {"image_size": 32, "patch_size": 8, "num_layers": 3, "num_heads": 4, "hidden_dim": 32, "mlp_dim": 48}
every_net = pytest.mark.parametrize("name", PARAMETERS)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def lively(model, seed=0):
    """The model with random numbers where it starts with zeros: logits that differ from 0."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim < 2 or parameter is model.class_token or not parameter.any():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def small(seed=0, **options):
    torch.manual_seed(seed)
    return lively(VisionTransformer(**SMALL | {"num_classes": 7} | options))


def assert_twins(net, twin, size):
    """Weights go strictly both ways; outputs agree to 1e-5 of their size, with the same units dropped."""
    lively(twin)
    x = torch.randn(2, 3, size, size)
    for source, target, train in ((twin, net, False), (net, twin, True)):
        target.load_state_dict(source.state_dict(), strict=True)
        outputs = []
        for model in (net, twin):
            torch.manual_seed(1)
            outputs.append(model.train(train)(x).detach())
        scale = outputs[1].abs().max().item()
        assert scale > 0.01, "logits that are not all 0"
        assert_close(*outputs, f"ViT at {size}, training {train}", atol=1e-5 * scale)


@every_net
def test_names_shapes_and_parameters_are_torchvisions_and_published(name):
    ours = getattr(vision_transformer, name)
    assert_same_names_and_shapes(name, ours)
    assert count(ours(device="meta")) == PARAMETERS[name], name
    if name != "vit_h_14":  # its published weights are for larger images
        assert published(name)["num_params"] == PARAMETERS[name]


def test_torchvisions_weights_give_its_outputs_and_ours_give_them_there():
    options = {"image_size": 48, "num_classes": 20, "dropout": 0.2, "attention_dropout": 0.3}
    assert_twins(vit_b_16(**options), get_model("vit_b_16", weights=None, **options), 48)


@pytest.mark.parametrize("representation_size", [None, 11])
@pytest.mark.parametrize(("dropout", "attention_dropout"), [(0, 0), (0.5, 0), (0, 0.5), (0.3, 0.3)])
def test_the_general_net_is_torchvisions(representation_size, dropout, attention_dropout):
    options = {"dropout": dropout, "attention_dropout": attention_dropout, "num_classes": 7}
    options |= SMALL | {"representation_size": representation_size}
    torch.manual_seed(3)
    net = VisionTransformer(**options)
    torch.manual_seed(3)
    twin = torchvision.models.VisionTransformer(**options)
    for (name, ours), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), f"{options}: the first {name} is not torchvision's"
    assert not net(torch.randn(2, 3, 32, 32)).any(), "the first logits are 0"
    assert_twins(net, twin, 32)


def test_another_normalization_is_torchvisions_too():
    options = SMALL | {"num_classes": 7}
    net = VisionTransformer(**options, norm_layer=lambda size: layers.LayerNorm(size, eps=0.1))
    twin = torchvision.models.VisionTransformer(
        **options, norm_layer=lambda size: nn.LayerNorm(size, eps=0.1)
    )
    assert_twins(net, twin, 32)
    assert not torch.allclose(net(torch.ones(1, 3, 32, 32)), small()(torch.ones(1, 3, 32, 32)))


@every_net
def test_the_sizes_are_those_of_table_1(name):
    size, patch = name.removeprefix("vit_").split("_")
    num_layers, width, mlp_dim, heads = {
        "b": (12, 768, 3072, 12),
        "l": (24, 1024, 4096, 16),
        "h": (32, 1280, 5120, 16),
    }[size]
    net = getattr(vision_transformer, name)(device="meta")
    assert net.encoder.pos_embedding.shape == (1, (224 // int(patch)) ** 2 + 1, width), name
    assert net.conv_proj.weight.shape == (width, 3, int(patch), int(patch)), name
    assert len(net.encoder.layers) == num_layers, name
    assert {block.self_attention.num_heads for block in net.encoder.layers} == {heads}, name
    assert {block.mlp[0].weight.shape for block in net.encoder.layers} == {(mlp_dim, width)}, name
    assert {module.eps for module in net.modules() if isinstance(module, layers.LayerNorm)} == {1e-6}, name
    x = torch.empty(2, 3, 224, 224, device="meta")
    assert net.encoder(net.tokens(x)).shape == (2, (224 // int(patch)) ** 2 + 1, width), name
    assert net(x).shape == (2, 1000), name


def test_tokens_are_the_class_token_and_the_patches_row_by_row():
    net = small(dtype=torch.float64)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    tokens = net.tokens(x)
    assert tokens.shape == (2, 1 + 16, 32)
    assert torch.equal(tokens[:, 0], net.class_token[0].expand(2, -1))
    weight, bias = net.conv_proj.weight.flatten(1), net.conv_proj.bias
    for row in range(4):
        for column in range(4):
            patch = x[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].flatten(1)
            expected = patch @ weight.T + bias
            torch.testing.assert_close(tokens[:, 1 + 4 * row + column], expected, msg=f"{row}, {column}")


def maps_by_formula(net, x):
    """softmax(q k^T / sqrt(d)) in every block, from torchvision's net with the same weights."""
    twin = torchvision.models.VisionTransformer(**SMALL, num_classes=7).double().eval()
    twin.load_state_dict(net.state_dict())
    tokens, maps = [], []
    for block in twin.encoder.layers:
        block.ln_1.register_forward_hook(lambda m, x, y: tokens.append(y))
    twin(x)
    for block, y in zip(twin.encoder.layers, tokens, strict=True):
        attention = block.self_attention
        q, k, _ = (y @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, -1)
        q, k = (part.unflatten(-1, (4, 8)).transpose(1, 2) for part in (q, k))
        maps.append((q @ k.mT / math.sqrt(8)).softmax(-1))
    return maps


def test_attention_maps_are_those_of_the_formula_block_by_block():
    net = small(dtype=torch.float64).eval()
    with torch.no_grad():  # sharper weights than at the start, and unlike in each head
        for block in net.encoder.layers:
            block.self_attention.in_proj_weight.mul_(4)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    maps, expected = net.attention_maps(x), maps_by_formula(net, x)
    assert len(maps) == 3, "a map for each block"
    for number, (got, want) in enumerate(zip(maps, expected, strict=True)):
        assert got.shape == (2, 4, 17, 17)
        torch.testing.assert_close(got, want, msg=lambda m, number=number: f"block {number}: {m}")
        torch.testing.assert_close(got.sum(-1), torch.ones_like(got[..., 0]))
        assert got.max() > 0.2, f"block {number}: a map that is not flat"
        assert not torch.allclose(got[:, 0], got[:, 1]), f"block {number}: heads differ"


def test_asking_for_attention_maps_changes_nothing():
    net = small().eval()
    x = torch.randn(2, 3, 32, 32)
    before, state = net(x), copy.deepcopy(net.state_dict())
    net.attention_maps(x)
    assert torch.equal(net(x), before)
    assert all(torch.equal(a, b) for a, b in zip(state.values(), net.state_dict().values(), strict=True))
    for (
        block
    ) in net.encoder.layers:  # what the blocks hand on with their weights is what they hand on without
        y = torch.randn(2, 17, 32)
        torch.testing.assert_close(block.with_weights(y)[0], block(y))


def test_the_picture_of_the_docstring():
    net = small().eval()
    maps = net.attention_maps(torch.randn(1, 3, 32, 32))
    picture = maps[-1][0, :, 0, 1:].unflatten(-1, (4, 4))
    assert picture.shape == (4, 4, 4)
    assert torch.equal(picture[2, 3, 1], maps[-1][0, 2, 0, 1 + 3 * 4 + 1])


def test_attention_dropout_drops_weights_of_the_maps_in_training_only():
    net = small(attention_dropout=0.5)
    x = torch.randn(2, 3, 32, 32)
    dropped = torch.stack(net.attention_maps(x)) == 0
    assert dropped.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert not (torch.stack(net.eval().attention_maps(x)) == 0).any()


def test_attention_maps_have_gradients():
    net = small()
    net.attention_maps(torch.randn(1, 3, 32, 32))[1][0, :, 0].square().sum().backward()
    grads = [block.self_attention.in_proj_weight.grad for block in net.encoder.layers]
    assert grads[0].any(), "the first block has a part in the second's map"
    assert grads[1].any()
    assert grads[2] is None, "the third block has none"


def test_without_positions_the_order_of_the_patches_does_not_matter():
    net = small(dtype=torch.float64).eval()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    mixed = torch.cat([x[:, :, 16:], x[:, :, :16]], dim=2)  # the halves of the image exchanged
    assert not torch.allclose(net(x), net(mixed))
    nn.init.zeros_(net.encoder.pos_embedding)
    torch.testing.assert_close(net(x), net(mixed))


@pytest.mark.parametrize("size", [16, 32, 64])
def test_narrow_nets_take_small_images(size):
    net = vit_b_16(image_size=size, width_mult=1 / 16, num_classes=7, in_channels=1)
    assert net(torch.randn(2, 1, size, size)).shape == (2, 7), f"vit_b_16 on {size}"
    assert net(torch.zeros(0, 1, size, size)).shape == (0, 7), f"vit_b_16 on no images of {size}"


def test_width_and_channels_are_respected():
    net = vit_b_16(width_mult=0.3, num_classes=10, in_channels=1, representation_size=50, device="meta")
    assert net.conv_proj.weight.shape == (228, 1, 16, 16), "230.4, to a multiple of 12"
    block = net.encoder.layers[11]
    assert block.self_attention.in_proj_weight.shape == (684, 228)
    assert block.mlp[0].weight.shape == (922, 228)
    assert net.heads.pre_logits.weight.shape == (15, 228)
    assert net.heads.head.weight.shape == (10, 15)
    tiny = vit_b_16(width_mult=1e-4, device="meta")
    assert tiny.conv_proj.weight.shape == (12, 3, 16, 16), "at least one number a head"


def test_the_layers_are_ours():
    net = VisionTransformer(**SMALL, representation_size=5)
    kinds = {type(module).__name__: type(module) for module in net.modules() if not list(module.children())}
    ours = "Conv2d Dropout GELU LayerNorm Linear NonDynamicallyQuantizableLinear Tanh"
    assert set(kinds) == set(ours.split())
    assert all(kind.__module__.startswith("course_lib.layers") for kind in kinds.values())
    assert {type(block.self_attention) for block in net.encoder.layers} == {layers.MultiheadAttention}


def test_gradients_reach_every_parameter():
    net = small(dtype=torch.float64, representation_size=6)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    net(torch.randn(3, 3, 32, 32, dtype=torch.float64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_at_the_start_only_the_last_layer_has_a_gradient():
    torch.manual_seed(0)
    net = VisionTransformer(**SMALL)
    layers.cross_entropy(net(torch.randn(3, 3, 32, 32)), torch.arange(3)).backward()
    found = {name for name, parameter in net.named_parameters() if parameter.grad.any()}
    assert found == {"heads.head.weight", "heads.head.bias"}


def test_a_small_net_learns_a_batch_by_heart():
    torch.manual_seed(0)
    net = VisionTransformer(**SMALL, num_classes=4)
    x, y = torch.randn(16, 3, 32, 32), torch.arange(16) % 4
    optimizer = optim.Adam(net.parameters(), lr=0.003)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        losses.append(layers.cross_entropy(net(x), y))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0], f"from {losses[0]:.2f} to {losses[-1]:.2f}"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        *[(ValueError, {name: 0}, f"VisionTransformer: {name} must be 1 or more, got 0") for name in SMALL],
        *[(TypeError, {name: 2.0}, f"VisionTransformer: {name} must be an integer, got 2") for name in SMALL],
        (ValueError, {"image_size": 30}, "image_size must be a multiple of patch_size=8, got 30"),
        (ValueError, {"image_size": 4}, "image_size must be a multiple of patch_size=8, got 4"),
        (ValueError, {"num_heads": 5}, "hidden_dim must be a multiple of num_heads=5, got 32"),
        (ValueError, {"dropout": -0.1}, r"VisionTransformer: dropout must be from 0 to 1, got -0\.1"),
        (
            ValueError,
            {"attention_dropout": 2},
            "VisionTransformer: attention_dropout must be from 0 to 1, got 2",
        ),
        (ValueError, {"num_classes": 0}, "VisionTransformer: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "VisionTransformer: in_channels must be 1 or more, got 0"),
        (ValueError, {"representation_size": 0}, "representation_size must be 1 or more, got 0"),
        (ValueError, {"width_mult": math.inf}, "VisionTransformer: width_mult must be finite, got inf"),
        (
            TypeError,
            {"norm_layer": layers.LayerNorm(32)},
            "norm_layer must be a class or a function, got Layer",
        ),
        (TypeError, {"conv_stem_configs": []}, "unexpected keyword argument 'conv_stem_configs'"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        VisionTransformer(**SMALL | options)


@pytest.mark.parametrize(
    ("error", "x", "words"),
    [
        (
            ValueError,
            torch.zeros(1, 3, 32, 40),
            r"input must be \(N, 3, 32, 32\), got shape \(1, 3, 32, 40\)",
        ),
        (
            ValueError,
            torch.zeros(1, 3, 16, 16),
            r"input must be \(N, 3, 32, 32\), got shape \(1, 3, 16, 16\)",
        ),
        (
            ValueError,
            torch.zeros(1, 1, 32, 32),
            r"input must be \(N, 3, 32, 32\), got shape \(1, 1, 32, 32\)",
        ),
        (ValueError, torch.zeros(3, 32, 32), r"input must be \(N, 3, 32, 32\), got shape \(3, 32, 32\)"),
        (
            TypeError,
            torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
            "VisionTransformer: input must have a float",
        ),
        (TypeError, torch.zeros(1, 3, 32, 32, dtype=torch.float64), "Conv2d: input must have the dtype of"),
        (TypeError, None, "VisionTransformer: input must be a torch.Tensor, got NoneType"),
    ],
)
def test_inputs_that_do_not_fit_are_named(error, x, words):
    net = small()
    for call in (net, net.attention_maps):
        with pytest.raises(error, match=words):
            call(x)
