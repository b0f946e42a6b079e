import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib.environment import device as choose_device
from course_lib.training import DivergenceError, EarlyStopping, History, evaluate, fit
from course_lib.training.batches import TensorBatches

X = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
Y = (X @ torch.tensor([1.0, -2.0, 0.5]) > 0).long()


def net(dropout=0.0):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2))


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_equals_a_loop_written_by_hand():
    """Reference: the plain PyTorch loop, with the same order of examples."""
    model, expected = net(), net()
    history = fit(model, (X, Y), (X, Y), optimizer=sgd(model), epochs=4, batch_size=16, seed=3)

    optimizer, generator, losses = sgd(expected), torch.Generator().manual_seed(3), []
    for _ in range(4):
        total = 0.0
        for chosen in torch.randperm(50, generator=generator).split(16):
            loss = nn.functional.cross_entropy(expected(X[chosen]), Y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        losses.append(total / 50)
    assert same(weights(model), weights(expected))
    assert history["train_loss"] == losses
    output = expected(X)
    assert history["validation_loss"][-1] == pytest.approx(
        nn.functional.cross_entropy(output, Y).item(), rel=1e-6
    )
    assert history["validation_accuracy"][-1] == pytest.approx((output.argmax(1) == Y).double().mean().item())


def test_learns():
    model = net()
    history = fit(model, (X, Y), epochs=60, optimizer=sgd(model), seed=0)
    assert history["train_accuracy"][-1] > 0.95
    assert evaluate(model, (X, Y))["accuracy"] > 0.95


def test_default_optimizer_is_adam():
    model, expected = net(), net()
    fit(model, (X, Y), epochs=2, seed=0)
    fit(expected, (X, Y), epochs=2, seed=0, optimizer=torch.optim.Adam(expected.parameters(), lr=0.001))
    assert same(weights(model), weights(expected))


def test_history_has_a_record_an_epoch():
    history = fit(net(), (X, Y), (X, Y), epochs=3, seed=0)
    assert isinstance(history, History)
    assert history["epoch"] == [1, 2, 3]
    assert history.columns == [
        "epoch",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "seconds",
    ]
    assert all(seconds > 0 for seconds in history["seconds"])


def test_zero_epochs_leave_the_model_as_it_is():
    model = net()
    before = weights(model)
    assert len(fit(model, (X, Y), epochs=0)) == 0
    assert same(weights(model), before)


@pytest.mark.parametrize(
    "train",
    [
        SimpleNamespace(x=X, y=Y),
        [X, Y],
        TensorDataset(X, Y),
        DataLoader(TensorDataset(X, Y), batch_size=10),
        list(TensorBatches(X, Y, 10)),
    ],
    ids=["dataset", "pair", "torch dataset", "loader", "batches"],
)
def test_any_kind_of_data_trains(train):
    history = fit(net(), train, train, epochs=2, batch_size=10, seed=0)
    assert history["train_loss"][1] < history["train_loss"][0]


def test_iterable_dataset_is_taken_as_batches():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(TensorBatches(X, Y, 10))

    assert len(fit(net(), Stream(), epochs=2)) == 2


# Seeds and modes


def test_a_seed_makes_the_run_a_function_of_itself():
    runs = []
    for global_seed in (1, 2):
        model = net(dropout=0.5)
        torch.manual_seed(global_seed)
        runs.append((fit(model, (X, Y), epochs=2, seed=7), weights(model)))
        expected = torch.Generator().manual_seed(global_seed)
        assert torch.equal(torch.rand(3), torch.rand(3, generator=expected)), "fit moved the global generator"
    assert runs[0][0] == runs[1][0]
    assert same(runs[0][1], runs[1][1])


def test_without_a_seed_the_global_one_decides():
    histories = []
    for global_seed in (1, 1, 2):
        model = net()
        torch.manual_seed(global_seed)
        histories.append(fit(model, (X, Y), epochs=2))
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


def test_trains_in_train_mode_validates_in_eval_mode_without_gradients():
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled()))
            return super().forward(x)

    model = Watched(3, 2).eval()
    fit(model, (X, Y), (X, Y), epochs=2, batch_size=50)
    assert seen == [(True, True), (False, False)] * 2
    assert not model.training


@pytest.mark.parametrize("training", [True, False])
def test_mode_comes_back_even_after_an_error(training):
    model = net().train(training)
    model[2].train(not training)
    with pytest.raises(ZeroDivisionError):
        fit(model, (X, Y), loss=lambda output, target: 1 / 0)
    assert (model.training, model[2].training) == (training, not training)


def test_every_example_counts_once_with_a_short_last_batch():
    sizes = []

    def loss(output, target):
        sizes.append(len(target))
        return nn.functional.cross_entropy(output, target)

    fit(net(), (X, Y), epochs=1, batch_size=16, loss=loss)
    assert sizes == [16, 16, 16, 2]


def test_inputs_are_left_alone():
    x, y = X.clone(), Y.clone()
    fit(net(), (x, y), (x, y), epochs=1)
    assert torch.equal(x, X)
    assert torch.equal(y, Y)


# Losses, metrics, schedulers, stopping


def test_regression_has_no_accuracy():
    torch.manual_seed(0)
    model, target = nn.Linear(3, 1), X.sum(1, keepdim=True)
    history = fit(model, (X, target), loss=nn.MSELoss(), optimizer=sgd(model, 0.05), epochs=60, seed=0)
    assert history["train_loss"][-1] < 0.001
    assert "train_accuracy" not in history.columns


def test_own_metrics_replace_accuracy():
    metrics = {"largest": lambda output, target: output.abs().max()}
    history = fit(net(), (X, Y), (X, Y), epochs=1, metrics=metrics)
    assert {"train_largest", "validation_largest"} <= set(history.columns)
    assert "train_accuracy" not in history.columns
    assert "train_accuracy" not in fit(net(), (X, Y), epochs=1, metrics={}).columns


def test_scheduler_steps_once_an_epoch():
    model = net()
    optimizer = sgd(model, 1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    history = fit(model, (X, Y), epochs=5, optimizer=optimizer, scheduler=scheduler)
    assert history["learning_rate"] == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("validation", [None, (X, Y)])
def test_plateau_scheduler_sees_the_loss(validation):
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-30)  # nothing changes, so nothing improves
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    scheduler.eps = 0.0  # its threshold for a change of the learning rate
    data = TensorBatches(X, Y, 50)
    history = fit(model, data, validation, epochs=4, optimizer=optimizer, scheduler=scheduler)
    assert history["learning_rate"] == pytest.approx([1e-30, 1e-30, 5e-31, 2.5e-31])


def test_early_stopping_stops_and_restores_the_best_weights():
    model, weights_after = net(), []
    stopper = EarlyStopping(patience=2, mode="max", monitor="validation_score")
    scores = iter([1.0, 3.0, 2.0, 2.0, 9.0])

    def score(output, target):
        if model.training:
            return 0.0
        weights_after.append(weights(model))
        return next(scores)

    history = fit(
        model, (X, Y), (X, Y), epochs=9, early_stopping=stopper, metrics={"score": score}, batch_size=50
    )
    assert history["validation_score"] == [1.0, 3.0, 2.0, 2.0]
    assert stopper.best_epoch == 2
    assert same(weights(model), weights_after[1])


def test_early_stopping_is_reset_for_a_new_run():
    stopper = EarlyStopping(patience=1, monitor="train_loss", min_delta=1e9)
    assert [len(fit(net(), (X, Y), epochs=5, early_stopping=stopper)) for _ in range(2)] == [2, 2]


# Errors


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0, got -1"),
        ({"epochs": 1.5}, ValueError, "epochs must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be"),
        ({"resume": True}, ValueError, "resume=True needs a checkpoint"),
        ({"device": "nowhere"}, ValueError, "unknown device 'nowhere'"),
        ({"validation": (X[:0], Y[:0])}, ValueError, "validation has no examples"),
        ({"validation": []}, ValueError, "validation gave no batches: it is empty"),
        (
            {"early_stopping": EarlyStopping()},
            ValueError,
            "monitors 'validation_loss', which is not recorded",
        ),
        (
            {"loss": lambda output, target: output},
            ValueError,
            r"one number, a mean over the batch, got shape \(32, 2\)",
        ),
        ({"loss": lambda output, target: 1.0}, TypeError, "the loss must return a tensor, got float"),
    ],
)
def test_bad_arguments_are_explained(arguments, kind, message):
    with pytest.raises(kind, match=message):
        fit(net(), (X, Y), **arguments)


@pytest.mark.parametrize("empty", [[], DataLoader([]), iter([])], ids=["list", "loader", "iterator"])
def test_empty_loader_is_named(empty):
    with pytest.raises(ValueError, match="train gave no batches: it is empty"):
        fit(net(), empty)


def test_an_iterator_that_runs_dry_is_explained():
    with pytest.raises(
        ValueError, match=r"train gave no batches in epoch 2.*pass a list of batches or a DataLoader"
    ):
        fit(net(), iter([(X, Y)]), epochs=2)


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ValueError, match="the model has no parameters to train"):
        fit(nn.Flatten(), (X, Y))
    frozen = net().requires_grad_(False)
    with pytest.raises(ValueError, match="the model has no parameters to train"):
        fit(frozen, (X, Y))


def test_the_optimizer_of_another_model_is_refused():
    with pytest.raises(ValueError, match="holds none of the model's parameters"):
        fit(net(), (X, Y), optimizer=sgd(net()))


def test_the_scheduler_of_another_optimizer_is_refused():
    scheduler = torch.optim.lr_scheduler.StepLR(sgd(net()), 1)
    with pytest.raises(ValueError, match="the scheduler steers another optimizer"):
        fit(net(), (X, Y), scheduler=scheduler)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_names_epoch_and_step(bad):
    model, seen = net(), []

    def loss(output, target):
        seen.append(weights(model))
        value = nn.functional.cross_entropy(output, target)
        return value * bad if len(seen) == 7 else value  # 4 steps an epoch: epoch 2, step 3

    with pytest.raises(
        DivergenceError, match=r"the loss is -?(nan|inf) in epoch 2, step 3: .*learning rate"
    ) as caught:
        fit(model, (X, Y), loss=loss, batch_size=16, optimizer=sgd(model))
    assert caught.value.history["epoch"] == [1]
    assert same(weights(model), seen[-1]), "the weights changed after the loss was lost"


def test_a_learning_rate_that_is_too_large_diverges():
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    with pytest.raises(DivergenceError, match="now 100"):
        fit(model, (X, X[:, :1]), loss=nn.MSELoss(), optimizer=sgd(model, 100.0), epochs=100)


# Devices and the bar


def test_model_stays_where_it_is_unless_told_otherwise():
    model = net()
    fit(model, (X, Y), epochs=1)
    assert next(model.parameters()).device == torch.device("cpu")


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_every_device_agrees_with_the_cpu(device):
    cpu, other = net(), net()
    first = fit(cpu, (X, Y), (X, Y), epochs=3, optimizer=sgd(cpu), seed=0)
    second = fit(other, (X, Y), (X, Y), epochs=3, optimizer=sgd(other), seed=0, device=device)
    assert second["train_loss"] == pytest.approx(first["train_loss"], rel=1e-4)
    assert next(other.parameters()).device.type == choose_device(device).type


def test_nothing_is_printed_unless_someone_watches(capsys):
    fit(net(), (X, Y), epochs=1)
    assert capsys.readouterr() == ("", "")
    fit(net(), (X, Y), epochs=1, progress=True)
    assert "train_loss" in capsys.readouterr().err
