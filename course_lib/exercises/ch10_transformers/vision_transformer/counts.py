"""Exercises on the length of the sequence and its cost, and on the number of parameters."""

from collections.abc import Callable

from course_lib.exercises import Exercise, Mistake, case

SECTION = "10_transformers/vision_transformer"

# tokens and multiply-adds of one block


def block_work(h: int, w: int, p: int, d: int, m: int) -> tuple[int, int]:
    """Tokens, and multiply-adds of a block: each token for itself, and the pairs twice."""
    n = (h // p) * (w // p) + 1
    return n, n * (4 * d * d + 2 * d * m) + 2 * n * n * d


def _by_layers(h: int, w: int, p: int, d: int, m: int) -> tuple[int, int]:
    n = 1 + len(range(0, h - p + 1, p)) * len(range(0, w - p + 1, p))
    projections, scores, averages = [(d, d)] * 4, n * n * d, n * n * d
    dense = sum(inputs * outputs for inputs, outputs in [*projections, (d, m), (m, d)])
    return n, n * dense + scores + averages


def _work(
    work: Callable[[int, int, int], int], tokens: Callable[[int, int, int], int] | None = None
) -> Callable[..., tuple[int, int]]:
    """Another count from (n, d, m), or another number of tokens from (h, w, p)."""

    def answer(h: int, w: int, p: int, d: int, m: int) -> tuple[int, int]:
        n = tokens(h, w, p) if tokens else block_work(h, w, p, d, m)[0]
        return n, work(n, d, m)

    return answer


def _right(n: int, d: int, m: int) -> int:
    return n * (4 * d * d + 2 * d * m) + 2 * n * n * d


WORK = Exercise(
    id="vision_transformer/work",
    section=SECTION,
    title="The length of a sequence, and its cost",
    reference=block_work,
    cases=[
        case(224, 224, 16, 768, 3072, label="ViT-B/16"),
        case(224, 224, 32, 768, 3072, label="ViT-B/32"),
        case(8, 8, 2, 32, 64, label="the net of the section"),
        case(32, 64, 8, 48, 96, label="wider than high"),
        case(100, 70, 16, 12, 40, label="patches do not fit"),
        case(110, 78, 16, 12, 40, label="nearly another row and column"),
        case(16, 16, 16, 8, 24, label="one patch"),
    ],
    alternatives=[_by_layers],
    mistakes=[
        Mistake(
            _work(_right, lambda h, w, p: (h // p) * (w // p)),
            "The class token is a token, too: one more than there are patches.",
        ),
        Mistake(
            _work(_right, lambda h, w, p: (h * w) // (p * p) + 1),
            "All pixels are divided by those of a patch. Leftovers at the edges make no patch: divide each side.",
        ),
        Mistake(
            _work(_right, lambda h, w, p: -(-h // p) * -(-w // p) + 1),
            "Patches that stick out are counted. What is left over at the edges is dropped: round down.",
        ),
        Mistake(
            _work(_right, lambda h, w, p: round(h / p) * round(w / p) + 1),
            "The sides are rounded to the nearest whole number of patches. Leftovers are dropped, large ones too: round down.",
        ),
        Mistake(
            _work(_right, lambda h, w, p: (h // p) ** 2 + 1),
            "The picture is taken for a square. Height and width give different numbers of patches.",
        ),
        Mistake(
            _work(lambda n, d, m: n * (4 * d * d + 2 * d * m) + n * n * d),
            "The pairs count once: for the scores. The averages of the values cost as much again.",
        ),
        Mistake(
            _work(lambda n, d, m: n * (4 * d * d + 2 * d * m)),
            "The pairs are missing: every query meets every key, and every weight a value.",
        ),
        Mistake(
            _work(lambda n, d, m: n * (3 * d * d + 2 * d * m) + 2 * n * n * d),
            "There are three projections here. The output of the attention is projected as well.",
        ),
        Mistake(
            _work(lambda n, d, m: n * (4 * d * d + d * m) + 2 * n * n * d),
            "The MLP has one layer here. It has two: from d to m and back.",
        ),
        Mistake(
            _work(lambda n, d, m: n * (4 * d * d + 2 * d * m) + 2 * n * n * d * d),
            "A score is a product of two vectors of d numbers: d multiply-adds, not d squared.",
        ),
        Mistake(
            _work(lambda n, d, m: 4 * d * d + 2 * d * m + 2 * n * n * d),
            "Projections and MLP are counted for one token. Each of them goes through.",
        ),
        Mistake(
            _work(lambda n, d, m: 2 * _right(n, d, m)),
            "This counts multiplications and additions apart. A multiply-add is both.",
        ),
    ],
    hint="Count the tokens first. Then four projections and two dense layers for each, and d for each pair, twice.",
)

# parameters of a vision transformer


def vit_parameters(image: int, p: int, c: int, L: int, d: int, m: int, K: int) -> int:
    """Projection, class token, positions, blocks, last normalization, head."""
    n = (image // p) ** 2
    block = 4 * (d * d + d) + (d * m + m) + (m * d + d) + 4 * d
    return (c * p * p + 1) * d + d + (n + 1) * d + L * block + 2 * d + (d + 1) * K


def _by_shapes(image: int, p: int, c: int, L: int, d: int, m: int, K: int) -> int:
    shapes = [(d, c * p * p), (d,), (1, d), (1 + (image // p) ** 2, d), (d,), (d,), (K, d), (K,)]
    for _ in range(L):
        shapes += [(d,), (d,), (3 * d, d), (3 * d,), (d, d), (d,), (d,), (d,), (m, d), (m,), (d, m), (d,)]
    return sum(shape[0] * (shape[1] if len(shape) == 2 else 1) for shape in shapes)


def _more(more: Callable[[int, int, int, int, int, int, int], int]) -> Callable[..., int]:
    """The right count and something added or left out."""

    def answer(image: int, p: int, c: int, L: int, d: int, m: int, K: int) -> int:
        n = (image // p) ** 2
        return vit_parameters(image, p, c, L, d, m, K) + more(n, p, c, L, d, m, K)

    return answer


PARAMETERS = Exercise(
    id="vision_transformer/parameters",
    section=SECTION,
    title="Parameters of a vision transformer",
    reference=vit_parameters,
    cases=[
        case(224, 16, 3, 12, 768, 3072, 1000, label="ViT-B/16"),
        case(224, 32, 3, 12, 768, 3072, 1000, label="ViT-B/32"),
        case(8, 2, 1, 1, 32, 64, 10, label="the net of the section"),
        case(48, 8, 3, 3, 24, 40, 7, label="a small net"),
        case(20, 4, 2, 5, 12, 30, 2, label="two channels, two classes"),
    ],
    alternatives=[_by_shapes],
    mistakes=[
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -d),
            "Just d numbers too few: is it the class token, or the bias of the projection? Both are learned.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -(n + 1) * d),
            "The positions are missing: d numbers for each token.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: (n - 1) * (c * p * p + 1) * d),
            "Each patch has a projection of its own here. All share one.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: (p * p - c * p * p) * d),
            "The projection reads one channel only. A patch has c p p numbers.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -4 * L * d - 2 * d),
            "The normalizations are missing: a scale and a shift for each feature, twice in a block and once after it.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -2 * d),
            "2 d too few: is it the normalization after the last block, or the class token and its position? All are learned.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -(2 * L + 1) * d),
            "The normalizations have a scale and no shift here, or a shift and no scale. Each has both: 2 d.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -L * (m + d)),
            "The layers of the MLPs have no biases here. They have m and d of them.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -L * (d * d + d)),
            "Attention has three matrices here. There is a fourth, for its output.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -L * (5 * d + m)),
            "The blocks have no biases here. All their dense layers have: 4 d in the attention, m + d in the MLP.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: n * (d * K)),
            "The head reads all tokens here. It reads the class token alone.",
        ),
        Mistake(
            _more(lambda n, p, c, L, d, m, K: -(L - 1) * (4 * (d * d + d) + 2 * d * m + m + d + 4 * d)),
            "Only one block is counted. Each has weights of its own.",
        ),
        Mistake(_more(lambda n, p, c, L, d, m, K: -K), "The head has a bias, too: K numbers."),
    ],
    hint="Go through the equation from top to bottom: projection, class token, positions; per block; normalization, head.",
)
