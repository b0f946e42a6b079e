"""Every layer gives, on each device this machine has, what it gives on the CPU in float64."""

import copy

import pytest
import torch
from families import gather

from course_lib import data, environment, layers, models, optim, training

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LAYERS = {
    "Sigmoid": layers.Sigmoid,
    "Tanh": layers.Tanh,
    "Hardtanh": layers.Hardtanh,
    "ReLU": layers.ReLU,
    "ReLU6": layers.ReLU6,
    "LeakyReLU": layers.LeakyReLU,
    "RReLU in evaluation": lambda: layers.RReLU().eval(),
    "PReLU": lambda: layers.PReLU(7),
    "ELU": layers.ELU,
    "SELU": layers.SELU,
    "GELU": layers.GELU,
    "GELU, tanh": lambda: layers.GELU(approximate="tanh"),
    "SiLU": layers.SiLU,
    "Softplus": layers.Softplus,
    "Softsign": layers.Softsign,
    "Softmax": lambda: layers.Softmax(dim=1),
    "Linear": lambda: layers.Linear(7, 5),
    "mlp": lambda: models.mlp([7, 6, 5]),
    "McCullochPitts": lambda: layers.McCullochPitts([1.0, -1.0, 0.5, 2.0, 0.0, 1.0, -0.5], 0.25),
}

FAMILIES = gather("ON_DEVICES")


def run(layer: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, gradient of the input and of every parameter, in float64 on the CPU."""
    x = x.clone().requires_grad_()
    y = layer(x)
    if y.requires_grad:
        weights = torch.linspace(-1, 1, y.numel(), device=y.device, dtype=y.dtype).reshape(y.shape)
        (y * weights).sum().backward()
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    return [tensor.detach().cpu().double() for tensor in [y, *gradients] if tensor is not None]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", LAYERS)
def test_float32_agrees_with_the_cpu_in_float64(name: str, device: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]()
    x = torch.randn(40, 7)
    found = run(layer.to(device), x.to(device))
    layer.zero_grad(set_to_none=True)
    expected = run(layer.cpu().double(), x.double())
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=2e-5, atol=2e-6, msg=lambda m: f"{name} on {device}: {m}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", LAYERS)
def test_autocast_stays_near_float32(name: str, device: str) -> None:
    torch.manual_seed(0)
    layer = LAYERS[name]().to(device)
    x = torch.randn(40, 7, device=device)
    with torch.no_grad():
        exact = layer(x)
        with torch.autocast(device, dtype=torch.bfloat16):
            rounded = layer(x)
    assert rounded.float().sub(exact).abs().max() < 0.05, f"{name} on {device} under autocast"


def run_family(function, inputs) -> list[torch.Tensor]:
    """Outputs, and gradients of the floating inputs and of every parameter, in float64 on the CPU."""
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    found = function(*inputs)
    outputs = [found] if isinstance(found, torch.Tensor) else [y for y in found if y is not None]
    smooth = [y for y in outputs if y.requires_grad]
    if smooth:
        weights = [
            torch.linspace(-1, 1, y.numel(), device=y.device, dtype=y.dtype).view_as(y) for y in smooth
        ]
        torch.autograd.backward(smooth, weights)
    parameters = function.parameters() if isinstance(function, torch.nn.Module) else []
    gradients = [x.grad for x in [*inputs, *parameters]]
    return [y.detach().cpu().double() for y in [*outputs, *gradients] if y is not None]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("family", "name"), FAMILIES)
def test_float32_of_every_family_agrees_with_the_cpu_in_float64(family, name, device):
    make, draw = FAMILIES[family, name]
    torch.manual_seed(0)
    function = make()
    inputs = draw(torch.Generator().manual_seed(0))
    exact = copy.deepcopy(function).double() if isinstance(function, torch.nn.Module) else function
    expected = run_family(exact, [x.double() if x.is_floating_point() else x for x in inputs])
    found = run_family(
        function.to(device) if isinstance(function, torch.nn.Module) else function,
        [x.to(device) for x in inputs],
    )
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5, msg=lambda m: f"{name} on {device}: {m}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("amp", [False, True])
def test_digits_are_learned(device: str, amp: bool) -> None:
    environment.seed_everything(0)
    train, validation = (data.load("digits", split=split) for split in ("train", "validation"))
    model = torch.nn.Sequential(torch.nn.Flatten(), models.mlp([64, 32, 10]))
    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    history = training.fit(
        model, train, validation, optimizer=optimizer, epochs=6, batch_size=32, device=device, seed=0, amp=amp
    )
    assert history["validation_accuracy"][-1] > 0.92, f"{device}, mixed precision {amp}: {history}"
    assert next(model.parameters()).device.type == device
