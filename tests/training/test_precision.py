import pytest
import torch

from course_lib.training import fit
from course_lib.training.precision import Precision

CPU = torch.device("cpu")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def test_off_changes_nothing():
    precision = Precision(False, CPU)
    with precision.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    loss = torch.tensor(3.0)
    assert precision.scaler.scale(loss) is loss


def test_on_multiplies_matrices_in_sixteen_bits():
    precision = Precision(True, CPU)
    with precision.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    assert not precision.scaler.is_enabled()  # bfloat16 needs no scaling


@pytest.mark.parametrize("supported", [True, False])
def test_a_gpu_without_bfloat16_gets_float16_and_a_scaler(monkeypatch, supported):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    precision = Precision(True, torch.device("cuda"))
    assert precision.dtype == (torch.bfloat16 if supported else torch.float16)
    assert precision.scaler.is_enabled() is not supported


@pytest.mark.parametrize("device", DEVICES)
def test_training_in_mixed_precision_learns_and_keeps_float32_weights(device):
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > x[:, 1]).long()
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)
    seen = []
    model.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    history = fit(model, (x, y), (x, y), optimizer=optimizer, epochs=5, device=device, seed=0, amp=True)
    assert set(seen) == {torch.bfloat16}
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert history["validation_accuracy"][-1] > 0.9
    assert model.weight.dtype == torch.float32
    assert model.weight.device.type == device
