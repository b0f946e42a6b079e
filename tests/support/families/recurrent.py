"""Recurrent layers and the embedding: ONNX's RNN, LSTM, GRU and Gather, and calls that must fail."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib import layers

# Where torch.nn's gates are in ONNX's order: i, f, g, o in i, o, f, c (LSTM), and r, z, n in z, r, h (GRU).
ORDER = {"RNN": (0,), "LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}


def in_torchs_order(operator, array):
    """Rows of an ONNX weight or bias, a block for each gate, in the order of torch.nn."""
    blocks = np.split(array, len(ORDER[operator]))
    return np.concatenate([blocks[gate] for gate in ORDER[operator]])


def torch_state(operator, inputs):
    """ONNX's W, R and B as a state_dict; its first axis is the direction."""
    state = {}
    for direction, suffix in enumerate(("", "_reverse")[: len(inputs["W"])]):
        arrays = {"weight_ih": inputs["W"][direction], "weight_hh": inputs["R"][direction]}
        if "B" in inputs:
            arrays["bias_ih"], arrays["bias_hh"] = np.split(inputs["B"][direction], 2)
        for kind, array in arrays.items():
            state[f"{kind}_l0{suffix}"] = torch.tensor(in_torchs_order(operator, array))
    return state


def all_outputs(operator, attributes, inputs, **options):
    """Y (t, directions, n, k), Y_h (directions, n, k) and, of an LSTM, Y_c; with layout=1, n comes first."""
    batch_first = attributes.get("layout", 0) == 1
    direction = attributes.get("direction", b"forward").decode()
    hidden_size = attributes["hidden_size"]
    layer = getattr(layers, operator)(
        inputs["X"].shape[-1],
        hidden_size,
        bias="B" in inputs,
        batch_first=batch_first,
        bidirectional=direction == "bidirectional",
        **options,
    )
    layer.load_state_dict(torch_state(operator, inputs))
    time = 1 if batch_first else 0
    x = torch.tensor(inputs["X"])
    x = x.flip(time) if direction == "reverse" else x  # a net that reads backward: both sides turned round
    begin = [torch.tensor(inputs[name]) for name in ("initial_h", "initial_c") if name in inputs]
    hx = (tuple(begin) if operator == "LSTM" else begin[0]) if begin else None
    y, last = layer(x, hx)
    y = y.flip(time) if direction == "reverse" else y
    y = y.unflatten(2, (-1, hidden_size))  # (t, n, directions, k)
    y = y if batch_first else y.transpose(1, 2)
    states = last if operator == "LSTM" else [last]
    states = [part.transpose(0, 1) if batch_first else part for part in states]
    return [part.detach().numpy() for part in [y, *states]]


def recurrent(operator):
    def run(attributes, inputs):
        y, *states = all_outputs(operator, attributes, inputs)
        turned = "direction" in attributes  # which outputs a case asks for
        if attributes.get("layout", 0) == 1 or (operator == "GRU" and turned):
            return [y, states[0]]
        return states if operator == "LSTM" and turned else states[:1]

    return run


def gather(attributes, inputs):
    """Rows along ``axis``: an Embedding whose vectors are all that the table has there."""
    axis = attributes.get("axis", 0)
    data = torch.tensor(inputs["data"]).movedim(axis, 0)
    indices = torch.tensor(inputs["indices"])
    rows = layers.Embedding.from_pretrained(data.flatten(1))(indices).unflatten(-1, data.shape[1:])
    found = range(indices.ndim)  # the dimensions of the indices take the place of the axis
    return [rows.movedim(list(found), [axis + dim for dim in found]).numpy()]


ONNX = {"RNN": recurrent("RNN"), "LSTM": recurrent("LSTM"), "GRU": recurrent("GRU"), "Gather": gather}
# ONNX's GRU cases all reset before the product (linear_before_reset=0), and ours resets after it. Both are
# the same where R's bias is 0 and either h is 0 (one step) or all weights of a direction are equal (so that r
# is the same for all units): those cases pass, and say nothing of the order. tests/layers/test_recurrent.py
# compares GRU with onnxruntime at linear_before_reset=1 and random weights, which does.
NOT_OURS = {
    "test_lstm_with_peepholes": "torch.nn has no gates that see the cell: in reference.lstm_peephole_step",
    "test_gru_seq_length": "resets before the product, GRU after it: in reference.gru_reset_first_step",
    "test_gather_negative_indices": "an Embedding's classes begin at 0: -1 is an error, not the last of them",
}


def onnx_answer(operator, inputs, **attributes):
    """What onnxruntime computes for one node: all outputs."""
    import onnx
    import onnxruntime

    names = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]
    outputs = ["Y", "Y_h", *(["Y_c"] if operator == "LSTM" else [])]
    given = [name if name in inputs else "" for name in names]
    while not given[-1]:
        given.pop()
    node = onnx.helper.make_node(operator, given, outputs, **attributes)
    graph = onnx.helper.make_graph(
        [node],
        operator,
        [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in inputs.items()
        ],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
    )
    opset = [onnx.helper.make_opsetid("", 14)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


class Flat(nn.Module):
    """A recurrent layer that returns its output and states in one list."""

    def __init__(self, layer, lengths=None):
        super().__init__()
        self.layer, self.lengths = layer, lengths

    def forward(self, x):
        if self.lengths is not None:
            x = pack_padded_sequence(x, self.lengths, enforce_sorted=False)
        y, last = self.layer(x)
        y = y if self.lengths is None else pad_packed_sequence(y)[0]
        return [y, *(last if isinstance(last, tuple) else (last,))]


def sequences(generator):
    return [torch.randn(6, 4, 5, generator=generator)]


def rows(generator):
    return [torch.randn(4, 5, generator=generator)]


def words(generator):
    return [torch.randint(0, 7, (3, 4), generator=generator)]


ON_DEVICES = {
    f"{kind}, {way}": (
        lambda kind=kind, way=way: Flat(getattr(layers, kind)(5, 4, 2, bidirectional=True, way=way)),
        sequences,
    )
    for kind in ("RNN", "LSTM", "GRU")
    for way in ("native", "unrolled")
}
ON_DEVICES |= {
    f"{kind}, {way}, packed": (
        lambda kind=kind, way=way: Flat(
            getattr(layers, kind)(5, 4, bidirectional=True, way=way), torch.tensor([2, 6, 1, 6])
        ),
        sequences,
    )
    for kind in ("LSTM", "GRU")
    for way in ("native", "unrolled")
}
ON_DEVICES |= {
    "RNN, relu": (lambda: Flat(layers.RNN(5, 4, nonlinearity="relu")), sequences),
    "LSTM, projected": (lambda: Flat(layers.LSTM(5, 4, proj_size=2)), sequences),
    "RNNCell": (lambda: layers.RNNCell(5, 4), rows),
    "LSTMCell": (lambda: layers.LSTMCell(5, 4), rows),
    "GRUCell": (lambda: layers.GRUCell(5, 4), rows),
    "Embedding": (lambda: layers.Embedding(7, 3, padding_idx=2), words),
}


def x(*shape):
    return torch.zeros(shape)


def packed(size):
    return pack_padded_sequence(x(4, 2, size), torch.tensor([4, 3]))


BAD_CALLS = [
    (ValueError, lambda: layers.RNN(0, 3), "RNN: input_size must be 1 or more, got 0"),
    (TypeError, lambda: layers.GRU(2.0, 3), "GRU: input_size must be an integer, got 2.0"),
    (ValueError, lambda: layers.LSTM(2, -3), "LSTM: hidden_size must be 1 or more, got -3"),
    (TypeError, lambda: layers.LSTM(2, "3"), "LSTM: hidden_size must be an integer, got '3'"),
    (ValueError, lambda: layers.GRU(2, 3, 0), "GRU: num_layers must be 1 or more, got 0"),
    (TypeError, lambda: layers.RNN(2, 3, 1.5), "RNN: num_layers must be an integer, got 1.5"),
    (
        ValueError,
        lambda: layers.RNN(2, 3, 1, "gelu"),
        "RNN: nonlinearity must be one of 'tanh', 'relu', got 'gelu'",
    ),
    (TypeError, lambda: layers.LSTM(2, 3, bias=1), "LSTM: bias must be True or False, got 1"),
    (
        TypeError,
        lambda: layers.LSTM(2, 3, batch_first="yes"),
        "LSTM: batch_first must be True or False, got 'yes'",
    ),
    (TypeError, lambda: layers.GRU(2, 3, bidirectional=2), "GRU: bidirectional must be True or False, got 2"),
    (ValueError, lambda: layers.GRU(2, 3, 2, dropout=1.5), "GRU: dropout must be from 0 to 1, got 1.5"),
    (ValueError, lambda: layers.GRU(2, 3, 2, dropout=-0.1), "GRU: dropout must be from 0 to 1, got -0.1"),
    (TypeError, lambda: layers.RNN(2, 3, 2, dropout="0.5"), "RNN: dropout must be a number, got '0.5'"),
    (
        ValueError,
        lambda: layers.LSTM(2, 3, proj_size=3),
        "LSTM: proj_size must be less than hidden_size=3, got 3",
    ),
    (ValueError, lambda: layers.LSTM(2, 3, proj_size=-1), "LSTM: proj_size must be 0 or more, got -1"),
    (
        ValueError,
        lambda: layers.LSTM(2, 3, way="fast"),
        "LSTM: way must be one of 'native', 'unrolled', got 'fast'",
    ),
    (TypeError, lambda: layers.RNN(2, 3)([1.0]), "RNN: input must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: layers.RNN(2, 3)(x(4, 1, 2).long()),
        "RNN: input must have a floating-point dtype, got torch.int64",
    ),
    (
        TypeError,
        lambda: layers.RNN(2, 3)(x(4, 1, 2).double()),
        "RNN: input must have the dtype of weight, torch.float32, got torch.float64",
    ),
    (
        ValueError,
        lambda: layers.GRU(2, 3)(x(2)),
        "GRU: input must be (t, n, input_size) or (t, input_size), got shape (2,)",
    ),
    (
        ValueError,
        lambda: layers.GRU(2, 3, batch_first=True)(x(1, 1, 1, 2)),
        "GRU: input must be (n, t, input_size) or (t, input_size), got shape (1, 1, 1, 2)",
    ),
    (
        ValueError,
        lambda: layers.LSTM(2, 3)(x(4, 1, 5)),
        "LSTM: input must have input_size=2 in dimension 2, got shape (4, 1, 5)",
    ),
    (
        ValueError,
        lambda: layers.LSTM(2, 3)(packed(5)),
        "LSTM: input must have input_size=2 in dimension 1, got shape (7, 5)",
    ),
    (
        ValueError,
        lambda: layers.RNN(2, 3)(x(0, 1, 2)),
        "RNN: input must have at least one step, got shape (0, 1, 2)",
    ),
    (
        ValueError,
        lambda: layers.RNN(2, 3, batch_first=True)(x(1, 0, 2)),
        "RNN: input must have at least one step, got shape (1, 0, 2)",
    ),
    (
        ValueError,
        lambda: layers.GRU(2, 3)(x(4, 5, 2), x(1, 4, 3)),
        "GRU: hx must have shape (1, 5, 3), got (1, 4, 3)",
    ),
    (
        ValueError,
        lambda: layers.RNN(2, 3)(x(4, 2), x(1, 1, 3)),
        "RNN: hx must have shape (1, 3), got (1, 1, 3)",
    ),
    (
        ValueError,
        lambda: layers.GRU(2, 3)(packed(2), x(1, 7, 3)),
        "GRU: hx must have shape (1, 2, 3), got (1, 7, 3)",
    ),
    (
        TypeError,
        lambda: layers.GRU(2, 3)(x(4, 5, 2), x(1, 5, 3).double()),
        "GRU: hx must have the dtype of input, torch.float32, got torch.float64",
    ),
    (
        TypeError,
        lambda: layers.RNN(2, 3)(x(4, 5, 2), (x(1, 5, 3),)),
        "RNN: hx must be a torch.Tensor, got tuple",
    ),
    (
        TypeError,
        lambda: layers.LSTM(2, 3)(x(4, 5, 2), x(1, 5, 3)),
        "LSTM: hx must be a pair of tensors (h, c), got Tensor",
    ),
    (
        ValueError,
        lambda: layers.LSTM(2, 3)(x(4, 5, 2), (x(1, 5, 3),)),
        "LSTM: hx must be a pair of tensors (h, c), got 1 of them",
    ),
    (
        ValueError,
        lambda: layers.LSTM(2, 3, 2, bidirectional=True)(x(4, 5, 2), (x(4, 5, 3), x(2, 5, 3))),
        "LSTM: hx[1] must have shape (4, 5, 3), got (2, 5, 3)",
    ),
    (
        ValueError,
        lambda: layers.LSTM(2, 3, proj_size=1)(x(4, 5, 2), (x(1, 5, 3), x(1, 5, 3))),
        "LSTM: hx[0] must have shape (1, 5, 1), got (1, 5, 3)",
    ),
    (ValueError, lambda: layers.RNNCell(0, 3), "RNNCell: input_size must be 1 or more, got 0"),
    (ValueError, lambda: layers.GRUCell(2, 0), "GRUCell: hidden_size must be 1 or more, got 0"),
    (ValueError, lambda: layers.RNNCell(2, 3, nonlinearity="elu"), "RNNCell: nonlinearity must be one of"),
    (
        ValueError,
        lambda: layers.RNNCell(2, 3)(x(1, 1, 2)),
        "RNNCell: input must be (n, input_size) or (input_size), got shape (1, 1, 2)",
    ),
    (
        ValueError,
        lambda: layers.GRUCell(2, 3)(x(4, 3)),
        "GRUCell: input must have input_size=2 in dimension 1",
    ),
    (ValueError, lambda: layers.GRUCell(2, 3)(x(4, 2), x(3)), "GRUCell: hx must have shape (4, 3), got (3,)"),
    (TypeError, lambda: layers.GRUCell(2, 3)(x(4, 2), 0), "GRUCell: hx must be a torch.Tensor, got int"),
    (
        TypeError,
        lambda: layers.LSTMCell(2, 3)(x(4, 2), x(4, 3)),
        "LSTMCell: hx must be a pair of tensors (h, c)",
    ),
    (
        ValueError,
        lambda: layers.LSTMCell(2, 3)(x(4, 2), (x(4, 3), x(4, 2))),
        "LSTMCell: hx[1] must have shape (4, 3), got (4, 2)",
    ),
    (
        TypeError,
        lambda: layers.LSTMCell(2, 3)(x(4, 2).double()),
        "LSTMCell: input must have the dtype of weight",
    ),
    (ValueError, lambda: layers.Embedding(0, 3), "Embedding: num_embeddings must be 1 or more, got 0"),
    (TypeError, lambda: layers.Embedding(5, 3.0), "Embedding: embedding_dim must be an integer, got 3.0"),
    (ValueError, lambda: layers.Embedding(5, 3, 5), "Embedding: padding_idx must be -5 ... 4, got 5"),
    (ValueError, lambda: layers.Embedding(5, 3, -6), "Embedding: padding_idx must be -5 ... 4, got -6"),
    (TypeError, lambda: layers.Embedding(5, 3, 1.0), "Embedding: padding_idx must be an integer, got 1.0"),
    (
        ValueError,
        lambda: layers.Embedding(5, 3, max_norm=0.0),
        "Embedding: max_norm must be greater than 0, got 0.0",
    ),
    (
        ValueError,
        lambda: layers.Embedding(5, 3, norm_type=-1),
        "Embedding: norm_type must be greater than 0, got -1",
    ),
    (
        ValueError,
        lambda: layers.Embedding(5, 3, _weight=x(5, 2)),
        "Embedding: _weight must have shape (5, 3)",
    ),
    (
        TypeError,
        lambda: layers.Embedding.from_pretrained([[1.0]]),
        "Embedding: embeddings must be a torch.Tensor",
    ),
    (
        ValueError,
        lambda: layers.Embedding.from_pretrained(x(5)),
        "Embedding: embeddings must be (num_embeddings, emb",
    ),
    (TypeError, lambda: layers.Embedding(5, 3)([1, 2]), "Embedding: input must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: layers.Embedding(5, 3)(x(2)),
        "Embedding: input must be of dtype int64 or int32, got torch.fl",
    ),
    (
        layers.embedding.IndexOutOfRange,  # both an IndexError, as in torch.nn, and a ValueError
        lambda: layers.Embedding(5, 3)(torch.tensor([[0, 5]])),
        "Embedding: input must be in 0 ... 4 (num_embeddings=5), got 5",
    ),
    (
        layers.embedding.IndexOutOfRange,
        lambda: layers.Embedding(5, 3, max_norm=1.0)(torch.tensor([-1])),
        "Embedding: input must be in 0 ... 4 (num_embeddings=5), got -1",
    ),
]
