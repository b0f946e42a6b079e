import pytest
import torch
from torch import nn

from course_lib.training import evaluate

X = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_values_do_not_depend_on_the_batches(model, batch_size):
    found = evaluate(model, (X, Y), batch_size=batch_size)
    model.eval()
    output = model(X)
    expected = nn.functional.cross_entropy(output, Y).item()
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert found["accuracy"] == pytest.approx((output.argmax(1) == Y).double().mean().item())


@pytest.mark.parametrize("training", [True, False])
def test_nothing_about_the_model_changes(model, training):
    model.train(training)
    model[1].eval()  # a frozen layer
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, (X, Y), batch_size=4)
    assert (model.training, model[0].training, model[1].training) == (training, training, False)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_graph_is_built(model):
    seen = []
    evaluate(model, (X, Y), loss=lambda output, target: seen.append(output.requires_grad) or output.sum())
    assert seen == [False]


def test_own_loss_and_metrics():
    identity = nn.Identity()
    found = evaluate(
        identity,
        (torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [0.0]])),
        loss=nn.MSELoss(),
        metrics={"mean": lambda output, target: output.mean()},
        batch_size=1,
    )
    assert found == {"loss": 5.0, "mean": 2.0}


def test_empty_data_is_named(model):
    with pytest.raises(ValueError, match="data has no examples"):
        evaluate(model, (X[:0], Y[:0]))


def test_modes_come_back_after_an_error(model):
    model[1].eval()
    with pytest.raises(ZeroDivisionError):
        evaluate(model, (X, Y), loss=lambda output, target: 1 / 0)
    assert [module.training for module in model] == [True, False, True, True]
