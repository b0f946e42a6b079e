import pytest
import torch

from course_lib.training.measures import Means, accuracy, cross_entropy, default_metrics


def test_accuracy_of_labels_and_of_pixels():
    output = torch.tensor([[0.0, 1.0], [3.0, 2.0], [0.0, 5.0], [1.0, 0.0]])
    assert accuracy(output, torch.tensor([1, 0, 0, 0])) == 0.75
    maps = torch.zeros(1, 3, 2, 2)
    maps[0, 2, 0, 0] = 1.0
    assert accuracy(maps, torch.tensor([[[2, 0], [0, 1]]])) == 0.75


def test_means_weigh_a_short_batch_by_its_examples():
    means = Means()
    means.add({"loss": 1.0}, examples=3)
    means.add({"loss": torch.tensor(5.0)}, examples=1)
    assert means.result("train_") == {"train_loss": 2.0}


def test_default_loss_is_cross_entropy():
    output, target = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([1])
    expected = -torch.log_softmax(output, dim=1)[0, 1]
    torch.testing.assert_close(cross_entropy(output, target), expected)
    shares = torch.tensor([[0.2, 0.3, 0.5]])
    torch.testing.assert_close(cross_entropy(output, shares), -(shares * output.log_softmax(1)).sum())


def test_default_loss_explains_regression_targets():
    with pytest.raises(
        TypeError, match=r"integer class labels, got torch.float32 .*loss=torch.nn.MSELoss\(\)"
    ):
        cross_entropy(torch.zeros(4, 1), torch.zeros(4))


@pytest.mark.parametrize(
    ("output", "target", "names"),
    [
        (torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64), ["accuracy"]),
        (torch.zeros(4, 3, 2, 2), torch.zeros(4, 2, 2, dtype=torch.int64), ["accuracy"]),
        (torch.zeros(4, 1), torch.zeros(4, 1), []),
        (torch.zeros(4), torch.zeros(4, dtype=torch.int64), []),
    ],
)
def test_accuracy_is_measured_where_it_means_something(output, target, names):
    assert list(default_metrics(output, target)) == names
