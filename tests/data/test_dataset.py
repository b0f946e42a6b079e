import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data import Dataset, GraphDataset


def numbered(n):
    """Examples that tell where they stood: x is (i, -i) and y is i."""
    i = torch.arange(n)
    return Dataset(torch.stack([i, -i], dim=1).float(), i, classes=("a", "b"), name="numbered", split="train")


def test_it_has_a_length_and_is_indexed_like_a_tensor():
    data = numbered(5)
    assert len(data) == 5
    for index in (0, -1, slice(1, 3), torch.tensor([4, 0]), data.y > 2, [1, 1]):
        x, y = data[index]
        assert torch.equal(x, data.x[index])
        assert torch.equal(y, data.y[index])
    with pytest.raises(IndexError):
        data[5]
    assert [int(y) for _, y in data] == [0, 1, 2, 3, 4]


def test_torch_takes_it_for_a_data_set():
    loader = torch.utils.data.DataLoader(numbered(7), batch_size=3)
    assert [y.tolist() for _, y in loader] == [[0, 1, 2], [3, 4, 5], [6]]


def test_its_representation_says_what_is_in_it():
    text = repr(numbered(5))
    for part in ("numbered", "train", "5 examples", "2 classes", "x (5, 2) float32", "y (5,) int64", "cpu"):
        assert part in text
    assert "classes" not in repr(Dataset(torch.zeros(2, 1), torch.zeros(2)))


def test_to_moves_every_tensor_and_keeps_the_rest():
    data = numbered(5)
    moved = data.to("cpu")
    assert moved.x.device == moved.y.device == torch.device("cpu")
    assert (moved.classes, moved.name, moved.split) == (data.classes, data.name, data.split)
    graph = GraphDataset(data.x, data.y, graph_x=data.x, edge_index=torch.zeros(2, 1).long(), nodes=data.y)
    moved = graph.to(torch.device("cpu"))
    assert isinstance(moved, GraphDataset)
    assert torch.equal(moved.nodes, graph.nodes)
    assert torch.equal(moved.edge_index, graph.edge_index)


def test_to_really_moves(monkeypatch):
    # The meta device is on every machine: with it, a tensor that was forgotten shows.
    monkeypatch.setattr("course_lib.environment.device", torch.device)
    data = numbered(5)
    graph = GraphDataset(data.x, data.y, graph_x=data.x, edge_index=torch.zeros(2, 1).long(), nodes=data.y)
    moved = graph.to("meta")
    for name in ("x", "y", "graph_x", "edge_index", "nodes"):
        assert getattr(moved, name).device.type == "meta", f"{name} stayed behind"


def test_to_names_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="'abacus'"):
        numbered(2).to("abacus")


def test_x_and_y_must_fit_together():
    with pytest.raises(ValueError, match="got 3 and 2"):
        Dataset(torch.zeros(3, 1), torch.zeros(2))
    with pytest.raises(TypeError, match="y must be a torch tensor, got ndarray"):
        Dataset(torch.zeros(3, 1), np.zeros(3))
    with pytest.raises(ValueError, match="x must have one entry per example, got a scalar"):
        Dataset(torch.tensor(1.0), torch.zeros(1))


@given(n=st.integers(0, 40), batch_size=st.integers(1, 50), shuffle=st.booleans(), seed=st.integers(0, 9))
def test_a_pass_has_every_example_once(n, batch_size, shuffle, seed):
    data = numbered(n)
    batches = data.batches(batch_size, shuffle=shuffle, generator=torch.Generator().manual_seed(seed))
    sizes, seen = [], []
    for x, y in batches:
        assert torch.equal(x, torch.stack([y, -y], dim=1).float()), (
            "x and y of a batch do not belong together"
        )
        sizes.append(len(y))
        seen += y.tolist()
    assert sorted(seen) == list(range(n))
    assert shuffle or seen == list(range(n))
    assert len(sizes) == len(batches)
    assert all(size == batch_size for size in sizes[:-1])
    assert not sizes or 1 <= sizes[-1] <= batch_size


def test_128_in_batches_of_32_are_4_steps():
    assert len(numbered(128).batches(32)) == 4
    assert [len(y) for _, y in numbered(70).batches(32)] == [32, 32, 6]


def test_every_pass_is_shuffled_anew_and_the_generator_repeats_it():
    def orders(seed):
        batches = numbered(50).batches(16, shuffle=True, generator=torch.Generator().manual_seed(seed))
        return [torch.cat([y for _, y in batches]).tolist() for _ in range(2)]

    first, second = orders(0)
    assert first != second
    assert orders(0) == [first, second]
    assert orders(1)[0] != first


def test_without_a_generator_the_global_one_shuffles():
    torch.manual_seed(3)
    first = [y.tolist() for _, y in numbered(20).batches(8, shuffle=True)]
    torch.manual_seed(3)
    assert [y.tolist() for _, y in numbered(20).batches(8, shuffle=True)] == first


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None, "8"])
def test_a_batch_size_that_is_none_is_named_at_once(batch_size):
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1, got"):
        numbered(5).batches(batch_size)
