"""The exercise on counting the parameters of recurrent layers."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/lstm_and_gru"


def count_parameters(blocks: int, d: int, k: int, num_layers: int, bidirectional: bool) -> int:
    """Parameters of a recurrent net with two biases, as torch counts them."""
    directions = 2 if bidirectional else 1
    total = 0
    for layer in range(num_layers):
        inputs = d if layer == 0 else directions * k
        total += directions * blocks * (k * inputs + k * k + 2 * k)
    return total


def _closed_form(blocks: int, d: int, k: int, num_layers: int, bidirectional: bool) -> int:
    ways = 1 + bidirectional
    return ways * blocks * k * (d + (num_layers - 1) * ways * k + num_layers * (k + 2))


def _wrong(
    one: Callable[[int, int, int], int] = lambda blocks, inputs, k: blocks * (k * inputs + k * k + 2 * k),
    inputs_above: Callable[[int, int, int], int] = lambda d, k, ways: ways * k,
    ways_of: Callable[[bool], int] = lambda both: 1 + both,
) -> Callable[..., int]:
    """The sum over layers with another layer, other inputs or another number of directions."""

    def answer(blocks: int, d: int, k: int, num_layers: int, bidirectional: bool) -> int:
        ways = ways_of(bidirectional)
        above = inputs_above(d, k, 1 + bidirectional)
        return ways * (one(blocks, d, k) + (num_layers - 1) * one(blocks, above, k))

    return answer


COUNT = Exercise(
    id="lstm_and_gru/count_parameters",
    section=SECTION,
    title="Count the parameters",
    reference=count_parameters,
    cases=[
        case(1, 3, 2, 1, False, label="an RNN"),
        case(4, 5, 3, 1, False, label="an LSTM"),
        case(3, 5, 4, 1, True, label="a GRU in both directions"),
        case(4, 7, 5, 3, False, label="an LSTM of three layers"),
        case(4, 2, 6, 2, True, label="an LSTM of two layers in both directions"),
        case(3, 300, 512, 4, True, label="a large GRU"),
    ],
    alternatives=[_closed_form],
    mistakes=[
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * (k * inputs + k * k + k)),
            "One bias for each block. torch keeps two, bias_ih and bias_hh, though their sum would do.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * (k * inputs + k * k)),
            "The biases are missing: two for each row.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * (k * inputs + k * k) + 2 * k),
            "The biases count only once. Every block has its own, as it has its own weights.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: k * inputs + k * k + 2 * k),
            "This is a single block. The LSTM has four of these, the GRU three.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * (k * inputs + 2 * k)),
            "The recurrent weights are missing: each block has k x k weights for the last state.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * (k * k + 2 * k)),
            "The weights for the input are missing: each block has k rows as long as the input.",
        ),
        Mistake(
            _wrong(lambda blocks, inputs, k: blocks * k * inputs + (blocks * k) ** 2 + 2 * blocks * k),
            "The recurrent matrix is as wide as it is high here. All blocks read the same state of k numbers.",
        ),
        Mistake(
            _wrong(inputs_above=lambda d, k, ways: d),
            "Every layer reads the d inputs here. The higher ones read the states of the layer below.",
        ),
        Mistake(
            _wrong(inputs_above=lambda d, k, ways: k),
            "Higher layers read k numbers here. With two directions the layer below gives 2 k.",
        ),
        Mistake(
            _wrong(inputs_above=lambda d, k, ways: ways * k, ways_of=lambda both: 1),
            "Only one direction is counted. The backward one has weights of its own.",
        ),
        Mistake(
            lambda blocks, d, k, num_layers, bidirectional: count_parameters(blocks, d, k, 1, bidirectional),
            "This is the first layer alone. Add those above it.",
        ),
    ],
    hint="A block of a layer: k (inputs) weights, k k more for the state, and 2 k biases.",
)
