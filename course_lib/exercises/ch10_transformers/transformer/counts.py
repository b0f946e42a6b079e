"""Exercises that count: the parameters of a transformer, and the multiply-adds of a layer of its decoder."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/transformer"

# parameters


def parameters(layers: int, d: int, hidden: int, tokens: int, tied: bool) -> int:
    """Attention 4 d^2 + 4 d, net 2 d h + h + d, norm 2 d; one or two attentions, two or three norms."""
    attention, net, norm = 4 * d * d + 4 * d, 2 * d * hidden + hidden + d, 2 * d
    encoder = attention + net + 2 * norm
    decoder = 2 * attention + net + 3 * norm
    return layers * (encoder + decoder) + (1 if tied else 3) * tokens * d


def _by_tensors(layers: int, d: int, hidden: int, tokens: int, tied: bool) -> int:
    attention = [(3 * d, d), (3 * d, 1), (d, d), (d, 1)]
    net = [(hidden, d), (hidden, 1), (d, hidden), (d, 1)]
    norm = [(d, 1), (d, 1)]
    shapes = layers * (3 * attention + 2 * net + 5 * norm) + [(tokens, d)] * (3 - 2 * bool(tied))
    return sum(rows * columns for rows, columns in shapes)


def _plus(more: Callable[[int, int, int, int, bool], int]) -> Callable[[int, int, int, int, bool], int]:
    """The right count, and something more or less."""

    def answer(layers: int, d: int, hidden: int, tokens: int, tied: bool) -> int:
        return parameters(layers, d, hidden, tokens, tied) + more(layers, d, hidden, tokens, tied)

    return answer


PARAMETERS = Exercise(
    id="transformer/parameters",
    section=SECTION,
    title="The parameters of a transformer",
    reference=parameters,
    cases=[
        case(1, 4, 8, 10, False, label="a tiny one"),
        case(6, 512, 2048, 37_000, True, label="the base model"),
        case(6, 512, 2048, 37_000, False, label="the base model with three tables"),
        case(6, 1024, 4096, 37_000, True, label="the big model"),
        case(2, 8, 8, 30, False, label="hidden units as many as features"),
        case(3, 6, 20, 1, True, label="a single token"),
    ],
    alternatives=[_by_tensors],
    mistakes=[
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * (4 * d * d + 4 * d)),
            "One attention for each layer of the decoder is missing: it looks at itself and at the source.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: n * (4 * d * d + 4 * d)),
            "The encoder's layers have one attention each, and here they have two.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 10 * d),
            "The norms have parameters as well: a scale and a shift for each feature.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 5 * d),
            "A norm has a scale and a shift for each feature: 2 d, and not d.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 2 * d),
            "One norm too few in the layers of one stack. The encoder's have two, the decoder's three: one for each part.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 12 * d),
            "The projections of attention have biases: 4 d for each attention.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 2 * (h + d)),
            "The two maps of the small net have biases: one for each hidden unit, one for each feature.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * 3 * d * d),
            "Three d x d matrices for each attention. There are four: queries, keys, values, and the output.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: 2 * v * d if tied else 0),
            "Three tables are counted although they are tied. Tied, they are one and the same.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: 0 if tied else -v * d),
            "Not tied, there are three tables: source tokens, target tokens, and the last map.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: -n * (2 * d * h + h + d)),
            "Only one of the two stacks has the small nets here. Encoder and decoder layers both have one.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: 4 * d),
            "A norm at the end of each stack is counted. The paper's stacks, with norms after, have none.",
        ),
        Mistake(
            _plus(lambda n, d, h, v, tied: v),
            "The last map has no bias here. It is a table of tokens times features.",
        ),
    ],
    hint="Count an attention, a net and a norm. An encoder's layer has 1, 1 and 2 of them, a decoder's 2, 1 and 3.",
)

# multiply-adds of a layer of the decoder


def work(s: int, t: int, d: int, hidden: int) -> int:
    """Self-attention 4 t d^2 + 2 t^2 d, cross-attention 2 t d^2 + 2 s d^2 + 2 t s d, net 2 t d h."""
    own = 4 * t * d * d + 2 * t * t * d
    across = 2 * t * d * d + 2 * s * d * d + 2 * t * s * d
    return own + across + 2 * t * d * hidden


def _by_products(s: int, t: int, d: int, hidden: int) -> int:
    total = 0
    for queries, keys in ((t, t), (t, s)):
        projections = [(queries, d, d), (keys, d, d), (keys, d, d), (queries, d, d)]
        inside = [(queries, d, keys), (queries, keys, d)]
        total += sum(a * b * c for a, b, c in projections + inside)
    return total + t * d * hidden + t * hidden * d


def _worked(formula: Callable[[int, int, int, int], int]) -> Callable[[int, int, int, int], int]:
    """A wrong count under the arguments' names."""

    def answer(s: int, t: int, d: int, hidden: int) -> int:
        return formula(s, t, d, hidden)

    return answer


WORK = Exercise(
    id="transformer/work",
    section=SECTION,
    title="The multiply-adds of a decoder's layer",
    reference=work,
    cases=[
        case(1, 1, 4, 8, label="one token each"),
        case(5, 3, 4, 8, label="a longer source"),
        case(3, 5, 4, 8, label="a longer target"),
        case(29, 10, 64, 128, label="a date"),
        case(25, 25, 512, 2048, label="a layer of the base model, a sentence"),
        case(4000, 200, 512, 2048, label="a long text, a short summary"),
    ],
    alternatives=[_by_products],
    mistakes=[
        Mistake(
            _worked(lambda s, t, d, h: 2 * (4 * t * d * d + 2 * t * t * d) + 2 * t * d * h),
            "The source's length plays no part here. In cross-attention keys and values are made of the source.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * t * d * d + 2 * s * d * d),
            "In cross-attention all four projections run over the source here. Queries and output have the target's length.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * s * d * d + 2 * t * d * d),
            "In cross-attention keys and values are projected as often as the target is long. They are the source's.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * s * t * d + 2 * s * s * d),
            "The scores of cross-attention are s x s here. Every target token meets every source token: t x s.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - t * t * d - t * s * d),
            "Attention has two products besides the projections: scores, and the average of the values. One is missing.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * t * t * d - 2 * t * s * d),
            "Only the projections are counted. Scores and averages, the part that grows with the square, are missing.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * t * d * h),
            "The small net at every position is missing.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - t * d * h),
            "The small net has two matrices: up to the hidden units, and down again.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) + 2 * s * d * h),
            "The small net runs over the source as well. In the decoder it sees target positions only.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - 2 * t * d * d),
            "Two projections of the target are missing. Each attention has four, and in cross-attention the target gives queries and output.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: 4 * t * d * d + 2 * t * t * d + 2 * t * d * h),
            "This is a layer of the encoder. The decoder's also looks at the source.",
        ),
        Mistake(
            _worked(lambda s, t, d, h: work(s, t, d, h) - t * t * d),
            "Half of the scores and averages of self-attention are left out. They are masked, but computed all the same.",
        ),
    ],
    hint="A product of (a, b) and (b, c) takes a b c. Which lengths have queries, keys, values and outputs in each attention?",
)
