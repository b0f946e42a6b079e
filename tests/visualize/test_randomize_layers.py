"""randomize_layers: what is shuffled, what stays, and in which order."""

import itertools

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize


def net_with_averages():
    torch.manual_seed(0)
    net = models.simple_cnn(3, 4, width=4, norm=layers.BatchNorm2d)
    for parameter in net.parameters():
        nn.init.normal_(parameter)  # a fresh normalization has equal weights
    net(torch.randn(8, 3, 8, 8))
    return net


def changed(net, other):
    """Names of the layers whose parameters differ."""
    pairs = zip(net.named_parameters(), other.parameters(), strict=True)
    return {name.rpartition(".")[0] for (name, a), b in pairs if not torch.equal(a, b)}


def test_from_the_last_layer_on_one_more_each_time():
    net = net_with_averages()
    names = [name for name, module in net.named_modules() if list(module.parameters(recurse=False))][::-1]
    assert names[0] == str(len(net) - 1)
    assert names[-1] == "0"
    steps = list(visualize.randomize_layers(net))
    assert [name for name, _ in steps] == names
    for number, (name, copy) in enumerate(steps, start=1):
        assert changed(net, copy) == set(names[:number]), f"step {number}, {name}"


def test_the_entries_of_a_parameter_stay_and_so_do_buffers():
    net = net_with_averages()
    *_, (_, last) = visualize.randomize_layers(net)
    for (name, before), after in zip(net.named_parameters(), last.parameters(), strict=True):
        assert torch.equal(before.flatten().sort()[0], after.flatten().sort()[0]), name
        assert after.requires_grad, name
    for (name, before), after in zip(net.named_buffers(), last.buffers(), strict=True):
        assert torch.equal(before, after), name


def test_a_shuffled_layer_is_the_same_in_all_later_copies():
    net = net_with_averages()
    copies = [copy for _, copy in visualize.randomize_layers(net)]
    for earlier, later in itertools.pairwise(copies):
        assert torch.equal(earlier[-1].weight, later[-1].weight)


def test_every_order_of_a_weight_is_as_likely():
    net = nn.Sequential(layers.Linear(3, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[0.0, 1.0, 2.0]]))
    counts = {}
    for seed in range(600):
        ((_, copy),) = visualize.randomize_layers(net, seed=seed)
        order = tuple(copy[0].weight.flatten().tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert all(60 < count < 140 for count in counts.values()), counts


def test_the_model_and_the_random_state_stay_and_the_seed_decides():
    net = net_with_averages()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    first, again, other = (
        [copy.state_dict() for _, copy in visualize.randomize_layers(net, seed=seed)] for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    for a, b in zip(first, again, strict=True):
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(first[-1]["0.weight"], other[-1]["0.weight"])


def test_a_copy_is_in_the_mode_of_the_model_and_can_be_changed_by_itself():
    net = net_with_averages().eval()
    steps = list(visualize.randomize_layers(net))
    assert not any(module.training for _, copy in steps for module in copy.modules())
    nn.init.zeros_(steps[0][1][-1].weight)
    assert steps[1][1][-1].weight.any()


def test_chosen_layers_in_the_order_given_with_all_their_parts():
    first, second = nn.Sequential(layers.Conv2d(1, 2, 3), layers.Conv2d(2, 2, 3)), layers.Conv2d(2, 3, 1)
    net = nn.Sequential(first, second)
    steps = list(visualize.randomize_layers(net, [first, "1"]))
    assert [name for name, _ in steps] == ["0", "1"]
    assert changed(net, steps[0][1]) == {"0.0", "0.1"}
    assert changed(net, steps[1][1]) == {"0.0", "0.1", "1"}


def test_a_shared_parameter_is_shuffled_once_and_stays_shared():
    net = nn.Sequential(layers.Linear(8, 8, bias=False), layers.Linear(8, 8, bias=False))
    net[0].weight = net[1].weight
    (_, one), (_, two) = visualize.randomize_layers(net, ["1", "0"])
    assert two[0].weight is two[1].weight
    assert torch.equal(one[0].weight, two[0].weight)
    assert not torch.equal(net[0].weight, two[0].weight)


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (TypeError, (lambda x: x,), "model must be a torch.nn.Module, got function"),
        (ValueError, (nn.ReLU(),), "model must have parameters, got ReLU"),
        (TypeError, (nn.Linear(2, 2), "0"), "layers must be a sequence of layers, got str"),
        (TypeError, (nn.Linear(2, 2), [3]), "layer must be a name or a torch.nn.Module, got int"),
        (ValueError, (nn.Sequential(nn.Linear(2, 2)), ["1"]), "layer must be a name in .* got '1'"),
        (
            ValueError,
            (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), ["1"]),
            "layers must have parameters, got '1'",
        ),
    ],
)
def test_bad_calls_are_named_at_once(error, arguments, words):
    with pytest.raises(error, match=f"randomize_layers: {words}"):
        visualize.randomize_layers(*arguments)


def test_a_bad_seed_is_named_at_once():
    with pytest.raises(ValueError, match="randomize_layers: seed must be 0 or more, got -1"):
        visualize.randomize_layers(nn.Linear(2, 2), seed=-1)
