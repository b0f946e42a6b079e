"""RNN, LSTM and GRU, both ways, against the NumPy reference, torch.nn, onnxruntime and gradcheck."""

import copy
import inspect
import itertools
import pickle
import warnings

import numpy as np
import pytest
import torch
from families.recurrent import all_outputs, onnx_answer
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from course_lib import layers
from course_lib.reference import recurrent as ref

KINDS = ("RNN", "LSTM", "GRU")
WAYS = ("native", "unrolled")
ALL = [
    {"num_layers": num_layers, "bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
    for num_layers, bias, batch_first, bidirectional in itertools.product(
        (1, 3), (True, False), (False, True), (False, True)
    )
]


def ours_and_theirs(kind, *args, way="native", dtype=torch.float64, **options):
    """The same parameters in both layers."""
    ours = getattr(layers, kind)(*args, way=way, dtype=dtype, **options)
    theirs = getattr(nn, kind)(*args, dtype=dtype, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def flat(y, last):
    """The tensors that a layer returned: its output, packed or not, and its states."""
    y = y.data if isinstance(y, PackedSequence) else y
    return [y, *(last if isinstance(last, tuple) else [last])]


def results(layer, x, hx, pack=None):
    """Outputs and states, then the gradients of x, hx and the parameters, for fixed output gradients."""
    leaves = [x.detach().clone().requires_grad_()]
    leaves += [part.detach().clone().requires_grad_() for part in hx or ()]
    given = leaves[0] if pack is None else pack(leaves[0])
    state = None if hx is None else tuple(leaves[1:]) if layer.mode == "LSTM" else leaves[1]
    outputs = flat(*layer(given, state))
    generator = torch.Generator().manual_seed(5)
    grads = [torch.randn(y.shape, generator=generator, dtype=y.dtype) for y in outputs]
    gradients = torch.autograd.grad(outputs, [*leaves, *layer.parameters()], grads)
    names = ["y", "h", "c"][: len(outputs)]
    names += ["dx", "dh", "dc"][: len(leaves)] + [f"d{name}" for name, _ in layer.named_parameters()]
    return dict(zip(names, [*outputs, *gradients], strict=True))


def assert_same(got, expected, what, rtol=0.0, atol=0.0):
    torch.testing.assert_close(
        got, expected, rtol=rtol, atol=atol, equal_nan=True, msg=lambda m: f"{what}: {m}"
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@given(
    options=st.sampled_from(ALL),
    form=st.sampled_from(["batch", "single", "packed", "packed, sorted"]),
    relu=st.booleans(),
    projected=st.booleans(),
    state_given=st.booleans(),
    lengths=st.lists(st.integers(1, 5), max_size=4),
    d=st.integers(1, 4),
    k=st.integers(2, 5),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_values_and_gradients_agree_with_torch(
    kind, way, options, form, relu, projected, state_given, lengths, d, k, dtype, seed
):
    torch.manual_seed(seed)
    if form != "batch":
        lengths = lengths or [3]  # torch.nn packs no empty batch
    if form == "packed, sorted":
        lengths = sorted(lengths, reverse=True)
    n, t = len(lengths), max(lengths, default=2)
    options = options | ({"nonlinearity": "relu"} if relu and kind == "RNN" else {})
    options |= {"proj_size": k - 1} if projected and kind == "LSTM" else {}
    ours, theirs = ours_and_theirs(kind, d, k, way=way, dtype=dtype, **options)
    batch_first = options["batch_first"]
    x = torch.randn((t, d) if form == "single" else (n, t, d) if batch_first else (t, n, d), dtype=dtype)
    hx = None
    if state_given:
        rows = options["num_layers"] * (1 + options["bidirectional"])
        batch = () if form == "single" else (n,)
        sizes = [options.get("proj_size", k), k][: 1 + (kind == "LSTM")]
        hx = tuple(torch.randn(rows, *batch, size, dtype=dtype) for size in sizes)
    pack = None
    if form.startswith("packed"):

        def pack(x):
            return pack_padded_sequence(x, torch.tensor(lengths), batch_first, form == "packed, sorted")

    before = [part.clone() for part in (x, *(hx or ()))]
    got, expected = results(ours, x, hx, pack), results(theirs, x, hx, pack)
    case = f"{kind} {way} {form} {lengths} {d}->{k} {options}"
    tolerance = {} if way == "native" else {"rtol": 1e-9, "atol": 1e-11}
    if way == "unrolled" and dtype == torch.float32:
        tolerance = {"rtol": 1e-4, "atol": 2e-5}
    assert list(got) == list(expected)
    for name, value in got.items():
        assert_same(value, expected[name], f"{case}: {name} against torch.nn", **tolerance)
    for part, same in zip((x, *(hx or ())), before, strict=True):
        assert_same(part, same, f"{case} changed its input")


def reference_layer(kind, x, state, params):
    """One layer in one direction: all h, the last state, and its way back."""
    if kind == "LSTM":
        states = ref.lstm(x, state, params)

        def backward(grad_h):
            dx, _, dparams = ref.lstm_backward(grad_h, np.zeros_like(state[1]), x, states, params)
            return dx, dparams

        return states[0][1:], (states[0][-1], states[1][-1]), backward
    run, run_backward = (ref.rnn, ref.rnn_backward) if kind == "RNN" else (ref.gru, ref.gru_backward)
    h = run(x, state[0], params)

    def backward(grad_h):
        dx, _, dparams = run_backward(grad_h, x, h, params)
        return dx, dparams

    return h[1:], (h[-1],), backward


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@given(
    num_layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    t=st.integers(1, 5),
    n=st.integers(0, 3),
    d=st.integers(1, 4),
    k=st.integers(1, 4),
    seed=st.integers(0, 999),
)
@settings(max_examples=20, deadline=None)
def test_values_and_gradients_agree_with_reference(kind, way, num_layers, bidirectional, t, n, d, k, seed):
    torch.manual_seed(seed)
    layer = getattr(layers, kind)(d, k, num_layers, bidirectional=bidirectional, way=way, dtype=torch.float64)
    x, directions = torch.randn(t, n, d, dtype=torch.float64, requires_grad=True), 1 + bidirectional
    hx = tuple(
        torch.randn(num_layers * directions, n, k, dtype=torch.float64) for _ in range(1 + (kind == "LSTM"))
    )
    y, *last = flat(*layer(x, hx if kind == "LSTM" else hx[0]))
    grad = torch.randn_like(y)
    dx, *dparams = torch.autograd.grad(y, [x, *layer.parameters()], grad)

    case = f"{kind} {way} {num_layers} layers {directions} directions {(t, n, d, k)}"
    below, backwards, states = x.detach().numpy(), [], []
    weights = iter(layer.all_weights)
    for number in range(num_layers):
        sides = []
        for turn in (slice(None), slice(None, None, -1))[:directions]:
            at = number * directions + len(sides)
            params = ref.Params(*(w.detach().numpy() for w in next(weights)))
            h, end, backward = reference_layer(
                kind, below[turn], tuple(part[at].numpy() for part in hx), params
            )
            sides.append(h[turn])
            states.append(end)
            backwards.append(backward)
        below = np.concatenate(sides, axis=2)
    grad_below, dparams_expected = grad.numpy(), []
    for number in reversed(range(num_layers)):
        total = 0.0
        for side in reversed(range(directions)):
            turn = slice(None, None, -1) if side else slice(None)
            part, of_params = backwards[number * directions + side](
                grad_below[:, :, side * k : side * k + k][turn]
            )
            total = total + part[turn]
            dparams_expected = [*of_params, *dparams_expected]
        grad_below = total
    expected = [
        below,
        *(np.stack(parts) for parts in zip(*states, strict=True)),
        grad_below,
        *dparams_expected,
    ]
    names = ["y", *["h", "c"][: len(last)], "dx", *(f"d{name}" for name, _ in layer.named_parameters())]
    for name, mine, want in zip(names, [y, *last, dx, *dparams], expected, strict=True):
        np.testing.assert_allclose(
            mine.detach().numpy(), want, rtol=1e-9, atol=1e-10, err_msg=f"{case}: {name} against reference"
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_batch_is_its_sequences_one_by_one(kind, way):
    torch.manual_seed(0)
    layer = getattr(layers, kind)(3, 4, 2, bidirectional=True, way=way, dtype=torch.float64)
    lengths = [2, 5, 1, 5, 4]
    x = torch.randn(5, len(lengths), 3, dtype=torch.float64)
    output, *states = flat(
        *(lambda y, last: (pad_packed_sequence(y)[0], last))(
            *layer(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False))
        )
    )
    for number, length in enumerate(lengths):
        y, *last = flat(*layer(x[:length, number]))
        assert_same(output[:length, number], y, f"{kind} {way}: sequence {number}", rtol=1e-10, atol=1e-12)
        assert not output[length:, number].any()
        for packed, alone in zip(states, last, strict=True):
            what = f"{kind} {way}: last state of sequence {number}"
            assert_same(packed[:, number], alone, what, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_dropout_acts_between_layers_in_training_only(kind, way, p):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(kind, 3, 6, 3, way=way, dropout=p, bidirectional=True)
    x = torch.randn(4, 5, 3, dtype=torch.float64)
    forms = {"batch": x, "packed": pack_padded_sequence(x, torch.tensor([4, 4, 3, 1, 1]))}
    for name, sequences in forms.items():
        torch.manual_seed(1)
        got = flat(*ours(sequences))
        torch.manual_seed(1)
        for mine, other in zip(got, flat(*theirs(sequences)), strict=True):
            what = f"{kind} {way} {name} dropout={p} against torch.nn of the same seed"
            assert_same(mine, other, what, rtol=1e-10, atol=1e-12)
    plain = getattr(layers, kind)(3, 6, 3, bidirectional=True, dtype=torch.float64)
    plain.load_state_dict(ours.state_dict())
    what = f"{kind} {way} dropout={p} in evaluation"
    assert_same(ours.eval()(x)[0], plain(x)[0], what, rtol=1e-10, atol=1e-12)
    if p > 0:
        assert not torch.allclose(ours.train()(x)[0], plain(x)[0]), f"{kind} {way} dropout={p} does nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_with_one_layer_warns(kind):
    with pytest.warns(UserWarning, match=f"{kind}: dropout=0.5 acts between layers") as caught:
        getattr(layers, kind)(3, 4, dropout=0.5)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(layers, kind)(3, 4, 2, dropout=0.5)
        getattr(layers, kind)(3, 4)


@pytest.mark.parametrize("kind", KINDS)
@given(options=st.sampled_from(ALL), d=st.integers(1, 9), k=st.integers(2, 9), seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_torchs_parameters(kind, options, d, k, seed):
    options = options | ({"proj_size": k - 1} if kind == "LSTM" and seed % 2 else {})
    torch.manual_seed(seed)
    ours = getattr(layers, kind)(d, k, **options)
    torch.manual_seed(seed)
    theirs = getattr(nn, kind)(d, k, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert_same(ours.state_dict()[name], value, f"{kind} {options} {name} of seed {seed}")
        assert value.abs().max() <= k**-0.5
    torch.manual_seed(seed)
    ours.reset_parameters()
    assert_same(ours.weight_hh_l0, theirs.weight_hh_l0, f"{kind} reset_parameters")
    for mine, other in zip(ours.all_weights, theirs.all_weights, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, other, strict=True))


def test_an_lstm_has_four_times_an_rnns_parameters_and_a_gru_three_times():
    count = {
        kind: sum(p.numel() for p in getattr(layers, kind)(10, 20, 2, bidirectional=True).parameters())
        for kind in KINDS
    }
    assert count["RNN"] == 2 * (20 * 10 + 20 * 20 + 40) + 2 * (20 * 40 + 20 * 20 + 40)
    assert (count["LSTM"], count["GRU"]) == (4 * count["RNN"], 3 * count["RNN"])


def test_signatures_are_torchs():
    common = {"bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
    begin = {"input_size": inspect.Parameter.empty, "hidden_size": inspect.Parameter.empty, "num_layers": 1}
    end = {"device": None, "dtype": None}
    expected = {
        "RNN": begin | {"nonlinearity": "tanh"} | common | end,
        "LSTM": begin | common | {"proj_size": 0} | end,
        "GRU": begin | common | end,
    }
    for kind in KINDS:
        got = inspect.signature(getattr(layers, kind)).parameters
        ours = {name: parameter.default for name, parameter in got.items() if name != "way"}
        assert ours == expected[kind], kind
        assert list(ours) == list(expected[kind]), kind
        assert got["way"].kind is inspect.Parameter.KEYWORD_ONLY
        forward = inspect.signature(getattr(layers, kind).forward).parameters
        assert list(forward) == list(inspect.signature(getattr(nn, kind).forward).parameters), kind
    positional = (3, 4, 2, "relu", False, True, 0.25, True)
    for kind, args in (("RNN", positional), ("LSTM", (*positional[:3], *positional[4:], 2))):
        ours, theirs = ours_and_theirs(kind, *args)  # the arguments mean the same in order
        assert repr(ours) == repr(theirs)
        assert ours.mode == theirs.mode
    assert layers.RNN(3, 4, nonlinearity="relu").nonlinearity == "relu"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [*ALL, {"dropout": 0.5, "num_layers": 2}], ids=str)
def test_repr_copies_and_state_dict_are_torchs(kind, options):
    ours, theirs = ours_and_theirs(kind, 3, 4, **options)
    assert repr(ours) == repr(theirs)
    shown = repr(getattr(layers, kind)(3, 4, way="unrolled"))
    assert shown == f"{kind}(3, 4, way=unrolled)"
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    fresh = getattr(layers, kind)(3, 4, dtype=torch.float64, **options)
    fresh.load_state_dict(theirs.state_dict())
    moved = copy.deepcopy(ours).float().double()
    moved.load_state_dict(ours.state_dict())
    for name, copied in {
        "torch.nn's state_dict": fresh,
        "deepcopy": copy.deepcopy(ours),
        "pickle": pickle.loads(pickle.dumps(ours)),
        "float and double again": moved,
    }.items():
        assert_same(copied.eval()(x)[0], ours.eval()(x)[0], f"{kind} {options}: {name}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_first_and_second_order(kind, way):
    torch.manual_seed(0)
    layer = getattr(layers, kind)(2, 2, bidirectional=True, way=way, dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *parameters):
        return tuple(
            flat(*torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,)))
        )

    inputs = (torch.randn(3, 2, 2, dtype=torch.float64).requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(call, inputs)
    assert torch.autograd.gradgradcheck(call, inputs)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan, 1e4, -1e30, 1e-30])
def test_extreme_values_agree_with_torch(kind, way, value):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(kind, 3, 4, way=way, dtype=torch.float32)
    x = torch.randn(4, 2, 3)
    x[1, 0, 1] = value
    got, expected = ours(x)[0], theirs(x)[0]
    assert_same(got, expected, f"{kind} {way} at {value}", rtol=1e-5, atol=1e-6)
    assert got[0].isfinite().all(), f"{kind} {way}: the first step knows of the second"
    assert got[:, 1].isfinite().all(), f"{kind} {way}: {value} reaches the other sequence"
    if value != value:
        assert got[1:, 0].isnan().all(), f"{kind} {way} lets NaN disappear"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_memory_layouts_agree_with_torch(kind, way):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(kind, 4, 3, way=way)
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    for name, view in {
        "transposed": x.transpose(0, 2),
        "strided": x.mT[:, ::2, :4],
        "expanded": x[:1, :1, :4].expand(3, 2, 4),
    }.items():
        assert_same(ours(view)[0], theirs(view)[0], f"{kind} {way} {name}", rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_autocast_and_low_precision_stay_near_torch(kind, way, dtype):
    torch.manual_seed(0)
    ours, theirs = ours_and_theirs(kind, 8, 4, way=way, dtype=torch.float32)
    x, hx = torch.randn(5, 2, 8, dtype=dtype), torch.randn(1, 2, 4, dtype=dtype)
    state = (hx, hx) if kind == "LSTM" else hx
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, expected = ours(x, state)[0], theirs(x, state)[0]
        assert_same(got.float(), expected.float(), f"{kind} {way} under autocast", atol=0.02)
    assert ours(x.float())[0].dtype == torch.float32
    got, expected = (layer.to(torch.bfloat16)(x.bfloat16())[0] for layer in (ours, theirs))
    assert got.dtype == torch.bfloat16
    assert_same(got, expected, f"{kind} {way} in bfloat16", atol=0.02)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device", ["meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_any_device_will_do(kind, way, device):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # cuDNN complains of parameters that lie apart
        for layer in (
            getattr(layers, kind)(3, 2, 2, device=device, way=way),
            getattr(layers, kind)(3, 2, 2, way=way).to(device),
            copy.deepcopy(getattr(layers, kind)(3, 2, 2, way=way).to(device)),
        ):
            y, *states = flat(*layer(torch.randn(4, 5, 3, device=device)))
            assert (y.device.type, y.shape) == (device, (4, 5, 2))
            assert all((s.device.type, s.shape) == (device, (2, 5, 2)) for s in states)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_may_be_computed(kind, way):
    """Weight normalization replaces a parameter by a function of others."""
    torch.manual_seed(0)
    layer = getattr(layers, kind)(3, 4, way=way)
    x = torch.randn(2, 5, 3)
    before = layer(x)[0].detach()
    parametrizations.weight_norm(layer, "weight_hh_l0")
    assert_same(layer(x)[0], before, f"{kind} {way} with weight normalization", rtol=1e-5, atol=1e-6)
    layer.parametrizations.weight_hh_l0.original0.data *= 2
    assert not torch.allclose(layer(x)[0], before)
    layer(x)[0].sum().backward()
    assert layer.parametrizations.weight_hh_l0.original0.grad.any()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("bias", [True, False])
def test_random_weights_agree_with_onnxruntime(kind, way, direction, bias):
    """ONNX's own cases have equal weights, which would hide gates in the wrong order."""
    rng = np.random.default_rng(4)
    t, n, d, k, directions = 4, 3, 2, 5, 1 + (direction == "bidirectional")
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
    shapes = {"X": (t, n, d), "W": (directions, gates * k, d), "R": (directions, gates * k, k)}
    shapes |= {"B": (directions, 2 * gates * k)} if bias else {}
    shapes |= {"initial_h": (directions, n, k)} | (
        {"initial_c": (directions, n, k)} if kind == "LSTM" else {}
    )
    inputs = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    attributes = {"hidden_size": k, "direction": direction}
    attributes |= {"linear_before_reset": 1} if kind == "GRU" else {}  # ours: reset after the product
    attributes |= {"activations": ["Tanh"] * directions} if kind == "RNN" else {}
    expected = onnx_answer(kind, inputs, **attributes)
    got = all_outputs(kind, {"hidden_size": k, "direction": direction.encode()}, inputs, way=way)
    for name, mine, want in zip(("Y", "Y_h", "Y_c"), got, expected, strict=False):
        np.testing.assert_allclose(
            mine, want, rtol=1e-4, atol=1e-5, err_msg=f"{kind} {way} {direction}: {name} against onnxruntime"
        )


def test_flatten_parameters_changes_nothing_off_cuda():
    layer = layers.LSTM(3, 4, 2)
    pointers = [parameter.data_ptr() for parameter in layer.parameters()]
    layer.flatten_parameters()
    assert pointers == [parameter.data_ptr() for parameter in layer.parameters()]
