"""autoencoder against the same net of torch.nn, with tied weights against the formula, linear against PCA."""

import copy
import pickle
from itertools import pairwise

import pytest
import torch
from originals import assert_close
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional as F

from course_lib import data, layers, metrics, optim
from course_lib.models.autoencoder import Autoencoder, TiedLinear, autoencoder


def by_torch(sizes, code, output):
    def half(sizes, last):
        modules = []
        for n, m in pairwise(sizes):
            modules += [nn.Linear(n, m), nn.ReLU()]
        return nn.Sequential(*modules[:-1], *([last()] if last else []))

    return nn.ModuleDict({"encoder": half(sizes, code), "decoder": half(sizes[::-1], output)})


@pytest.mark.parametrize("sizes", [(7, 3), (9, 6, 2), (5, 8, 8, 12)], ids=str)
@pytest.mark.parametrize(("code", "output"), [(None, None), (nn.Sigmoid, None), (None, nn.Sigmoid)])
def test_the_same_seed_gives_torchs_net(sizes, code, output):
    torch.manual_seed(0)
    net = autoencoder(sizes, code=code, output=output)
    torch.manual_seed(0)
    twin = by_torch(sizes, code, output)
    assert list(net.state_dict()) == list(twin.state_dict())
    x = torch.randn(4, sizes[0])
    h = twin["encoder"](x)
    case = f"autoencoder {sizes}"
    assert torch.equal(net.encode(x), h), f"{case}: code"
    assert torch.equal(net(x), twin["decoder"](h)), f"{case}: reconstruction"
    assert torch.equal(net.decode(h), net(x)), f"{case}: decode"


def test_images_keep_their_shape_and_their_code_is_a_vector():
    net = autoencoder((12, 5), shape=(1, 3, 4))
    x = torch.randn(2, 1, 3, 4)
    assert net.encode(x).shape == (2, 5)
    assert net(x).shape == x.shape
    flat = autoencoder((12, 5))
    flat.load_state_dict({k.replace(".dense", ""): v for k, v in net.state_dict().items()})
    assert torch.equal(net(x).flatten(1), flat(x.flatten(1)))
    assert net(torch.zeros(0, 1, 3, 4)).shape == (0, 1, 3, 4)


def test_tied_weights_are_one_matrix_with_the_gradient_of_both_uses():
    torch.manual_seed(0)
    net = autoencoder((6, 4, 2), layers.Tanh, tied=True, dtype=torch.float64)
    w1, w2 = net.encoder[0].weight, net.encoder[2].weight
    names = ["encoder.0.weight", "encoder.0.bias", "encoder.2.weight", "encoder.2.bias"]
    assert list(net.state_dict()) == [*names, "decoder.0.bias", "decoder.2.bias"]
    with torch.no_grad():
        for bias in (net.decoder[0].bias, net.decoder[2].bias):
            bias.normal_()
    x = torch.randn(5, 6, dtype=torch.float64)
    h = torch.tanh(x @ w1.T + net.encoder[0].bias) @ w2.T + net.encoder[2].bias
    expected = torch.tanh(h @ w2 + net.decoder[0].bias) @ w1 + net.decoder[2].bias
    assert_close(net(x), expected, "tied autoencoder", 1e-12, 1e-12)
    parameters = list(net.parameters())
    assert len(parameters) == 6
    found = torch.autograd.grad(net(x).square().sum(), parameters)
    for name, mine, theirs in zip(
        net.state_dict(), found, torch.autograd.grad(expected.square().sum(), parameters), strict=True
    ):
        assert_close(mine, theirs, f"tied autoencoder, gradient of {name}", 1e-10, 1e-10)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_of_a_tied_net_is_tied_to_itself(how):
    net = autoencoder((6, 4), tied=True)
    twin = how(net)
    with torch.no_grad():
        twin.encoder[0].weight.zero_()
    x = torch.randn(3, 6)
    assert torch.equal(twin(x), twin.decoder[0].bias.expand(3, 6)), (
        "the copy's decoder uses another's weights"
    )
    assert net.encoder[0].weight.abs().sum() > 0


def test_a_tied_net_moves_as_one():
    net = autoencoder((6, 4), tied=True).to(torch.float64)
    assert net(torch.randn(2, 6, dtype=torch.float64)).dtype == torch.float64
    meta = autoencoder((6, 4), tied=True, device="meta")
    assert meta(torch.zeros(2, 6, device="meta")).device.type == "meta"


def test_a_layer_without_bias_is_tied_without():
    layer = layers.Linear(3, 2, bias=False)
    tied = TiedLinear(layer)
    assert tied.bias is None
    assert torch.equal(tied(torch.eye(2)), layer.weight)
    assert repr(tied) == "TiedLinear(in_features=2, out_features=3, bias=False)"


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_one_finds_the_subspace_of_the_principal_components(tied):
    """Baldi & Hornik (1989): the only minimum is there, all other stationary points are saddles."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor([3.0, 2.0, 1.0, 0.5, 0.3, 0.1], dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    x = torch.randn(200, 6, generator=generator, dtype=torch.float64) * scales @ turn
    x = x - x.mean(dim=0)
    torch.manual_seed(0)
    net = autoencoder((6, 2), tied=tied, dtype=torch.float64)
    steps = optim.Adam(net.parameters(), lr=0.03)
    for step in range(1500):
        steps.param_groups[0]["lr"] = (
            0.03 * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * step / 1500))).item()
        )
        loss = F.mse_loss(net(x), x)
        steps.zero_grad()
        loss.backward()
        steps.step()
    _, singular, axes = torch.linalg.svd(x, full_matrices=False)
    best = (singular[2:].square().sum() / x.numel()).item()
    assert loss.item() == pytest.approx(best, rel=1e-4), "the error of two principal components"
    decoder = net.encoder[0].weight.T if tied else net.decoder[0].weight
    basis = torch.linalg.qr(decoder.detach())[0]
    cosines = torch.linalg.svdvals(basis.T @ axes[:2].T)
    assert cosines.min() > 0.999, f"cosines of the principal angles: {cosines.tolist()}"


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (ValueError, {"sizes": (5,)}, "sizes must hold at least inputs and outputs"),
        (ValueError, {"sizes": (5, 0)}, r"sizes\[1\] must be 1 or more"),
        (
            ValueError,
            {"sizes": (5, 2), "shape": (2, 3)},
            r"shape must hold sizes\[0\] = 5 entries, got \(2, 3\) with 6",
        ),
        (TypeError, {"sizes": (6, 2), "shape": (2.0, 3)}, r"shape\[0\] must be an integer"),
        (
            TypeError,
            {"sizes": (6, 4, 2), "activation": layers.ReLU()},
            "activation must be a class or a function",
        ),
    ],
)
def test_bad_arguments_are_named(error, arguments, words):
    with pytest.raises(error, match=words):
        autoencoder(**arguments)


def test_parts_that_are_no_modules_are_named():
    with pytest.raises(TypeError, match=r"Autoencoder: decoder must be a torch\.nn\.Module, got function"):
        Autoencoder(nn.Identity(), lambda h: h)


def test_at_its_optimum_it_ranks_heartbeats_as_scikit_learns_pca_does():
    """Its weights are the principal components: errors, and how well they tell anomalies."""
    train, test = (data.load("ecg", split, n=400) for split in ("train", "test"))
    normal, beats = train.x[train.y == 0].flatten(1).double(), test.x.flatten(1).double()
    pca = PCA(8).fit(normal)
    net = autoencoder((128, 8), tied=True, dtype=torch.float64)
    components, mean = torch.from_numpy(pca.components_), torch.from_numpy(pca.mean_)
    with torch.no_grad():
        net.encoder[0].weight.copy_(components)
        net.encoder[0].bias.copy_(-components @ mean)
        net.decoder[0].bias.copy_(mean)
        errors = (net(beats) - beats).square().mean(dim=1)
    theirs = ((pca.inverse_transform(pca.transform(beats)) - beats.numpy()) ** 2).mean(axis=1)
    assert_close(errors, torch.from_numpy(theirs), "errors of heartbeats", 1e-8, 1e-12)
    anomalous = (test.y > 0).int()
    found = metrics.roc_auc_score(anomalous, errors)
    assert found == pytest.approx(roc_auc_score(anomalous, theirs), abs=1e-9)
    assert found > 0.9
