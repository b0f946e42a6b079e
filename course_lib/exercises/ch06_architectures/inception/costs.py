"""Exercises on what modules, chains of kernels and reductions cost."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/inception"

Layer = tuple[int | None, int, int]  # channels (None: a pooling), kernel height, kernel width
Shape = tuple[int, int, int]

# a module of any kind


def module_cost(shape: Shape, branches: Sequence[Sequence[Layer]]) -> int:
    """Go along each branch and carry the channels."""
    c_in, h, w = shape
    total = 0
    for branch in branches:
        c = c_in
        for channels, kernel_height, kernel_width in branch:
            if channels is not None:
                total += h * w * c * channels * kernel_height * kernel_width
                c = channels
    return total


def _counted(
    area: Callable[[int, int], int] = lambda h, w: h * w,
    kernel: Callable[[int, int], int] = lambda h, w: h * w,
    chained: bool = True,
    restart: bool = True,
    pooling: Callable[[int, int, int], int] = lambda c, h, w: 0,
    extra: Callable[[int], int] = lambda c: 0,
) -> Callable[[Shape, Sequence[Sequence[Layer]]], int]:
    """A wrong count: of the map, of the kernel, of the channels that a layer sees, of poolings."""

    def answer(shape: Shape, branches: Sequence[Sequence[Layer]]) -> int:
        c_in, h, w = shape
        total, c = 0, c_in
        for branch in branches:
            c = c_in if restart else c
            for channels, k_h, k_w in branch:
                if channels is None:
                    total += area(h, w) * pooling(c, k_h, k_w)
                    continue
                total += area(h, w) * (c * channels * kernel(k_h, k_w) + extra(channels))
                c = channels if chained else c_in
        return total

    return answer


def _last_only(shape: Shape, branches: Sequence[Sequence[Layer]]) -> int:
    return sum(
        module_cost(shape, [branch]) - module_cost(shape, [branch[:-1]]) for branch in branches if branch
    )


GOOGLENET_3A = [[(64, 1, 1)], [(96, 1, 1), (128, 3, 3)], [(16, 1, 1), (32, 5, 5)], [(None, 3, 3), (32, 1, 1)]]
V3_C = [
    [(192, 1, 1)],
    [(128, 1, 1), (128, 1, 7), (192, 7, 1)],
    [(128, 1, 1), (128, 7, 1), (128, 1, 7), (128, 7, 1), (192, 1, 7)],
    [(None, 3, 3), (192, 1, 1)],
]

MODULE = Exercise(
    id="inception/module_cost",
    section=SECTION,
    title="What any module costs",
    reference=module_cost,
    cases=[
        case((3, 4, 4), [[(5, 1, 1)]], label="one 1x1 convolution"),
        case((3, 4, 4), [[(2, 1, 1), (5, 3, 3)]], label="a 3x3 behind a 1x1"),
        case((3, 4, 6), [[(2, 1, 1)], [(4, 3, 3)]], label="two branches on a map that is not square"),
        case((8, 5, 5), [[(4, 1, 7), (4, 7, 1)]], label="1x7 and 7x1"),
        case((6, 3, 3), [[(None, 3, 3), (2, 1, 1)]], label="a 1x1 behind a pooling"),
        case((6, 3, 3), [[(None, 3, 3)], [(2, 3, 1)]], label="a pooling alone"),
        case((192, 28, 28), GOOGLENET_3A, label="module 3a of GoogLeNet"),
        case((768, 17, 17), V3_C, label="a module of Inception v3"),
    ],
    mistakes=[
        Mistake(
            _counted(chained=False),
            "Every layer sees the module's input here. The second layer of a branch sees what the first one made, which is the whole point of a 1x1 in front.",
        ),
        Mistake(
            _counted(restart=False),
            "A branch goes on where the one before it ended. All branches begin with the module's input.",
        ),
        Mistake(
            _last_only,
            "Only the last layer of each branch is counted. The 1x1 convolutions in front cost something, too.",
        ),
        Mistake(
            _counted(pooling=lambda c, h, w: c * h * w),
            "Poolings are counted. They compare or add, and multiply nothing: 0.",
        ),
        Mistake(
            _counted(pooling=lambda c, h, w: c * c * h * w),
            "Poolings are counted as convolutions. They have no weights and cost 0 multiply-adds.",
        ),
        Mistake(
            _counted(area=lambda h, w: 1),
            "These are the weights. Each of them is used at every place of the map: multiply by h w.",
        ),
        Mistake(
            _counted(area=lambda h, w: w * w),
            "The map is taken for a square. It has h rows of w places.",
        ),
        Mistake(
            _counted(kernel=lambda h, w: max(h, w) ** 2),
            "Kernels are taken for squares of their longer side. A 1x7 kernel has 7 weights, not 49.",
        ),
        Mistake(
            _counted(kernel=lambda h, w: h),
            "Kernels count with their height alone. A kernel has height times width weights.",
        ),
        Mistake(
            _counted(extra=lambda c: c),
            "The biases are counted. They are added and not multiplied, and by the convention of this chapter do not count.",
        ),
    ],
    hint="Two loops: over the branches, and along each branch with a variable for the channels, which starts anew each time.",
)

# chains of small kernels

Chain = Sequence[tuple[int, int, int]]


def saved(c_in: int, chain: Chain) -> float:
    """Add up the weights of the chain, and compare with the kernel of its window."""
    height = 1 + sum(h - 1 for _, h, _ in chain)
    width = 1 + sum(w - 1 for _, _, w in chain)
    seen, weights = c_in, 0
    for channels, h, w in chain:
        weights += seen * channels * h * w
        seen = channels
    return 1 - weights / (c_in * seen * height * width)


def _parts(c_in: int, chain: Chain) -> tuple[int, int]:
    """The weights of the chain, and those of the single kernel."""
    weights = module_cost((c_in, 1, 1), [list(chain)])
    height, width = 1 + sum(h - 1 for _, h, _ in chain), 1 + sum(w - 1 for _, _, w in chain)
    return weights, c_in * chain[-1][0] * height * width


def _product(sizes: Sequence[int]) -> int:
    result = 1
    for size in sizes:
        result *= size
    return result


def _window(merge: Callable[[Sequence[int]], int]) -> Callable[[int, Chain], float]:
    """The sizes of the single kernel, merged in a wrong way from those of the chain."""

    def answer(c_in: int, chain: Chain) -> float:
        height, width = merge([h for _, h, _ in chain]), merge([w for _, _, w in chain])
        return 1 - _parts(c_in, chain)[0] / (c_in * chain[-1][0] * height * width)

    return answer


def _kernels_alone(c_in: int, chain: Chain) -> float:
    return saved(1, [(1, h, w) for _, h, w in chain])


def _all_from_first(c_in: int, chain: Chain) -> float:
    weights = sum(c_in * c * h * w for c, h, w in chain)
    return 1 - weights / _parts(c_in, chain)[1]


SAVED = Exercise(
    id="inception/saved",
    section=SECTION,
    title="What a factorization saves",
    reference=saved,
    cases=[
        case(64, [(64, 3, 3), (64, 3, 3)], label="5x5 as two 3x3, equal channels"),
        case(64, [(64, 1, 7), (64, 7, 1)], label="7x7 as 1x7 and 7x1"),
        case(10, [(10, 3, 1), (10, 1, 3)], label="3x3 as 3x1 and 1x3"),
        case(16, [(32, 3, 3), (32, 3, 3)], label="behind a narrow 1x1, as in GoogLeNet's 3a"),
        case(64, [(96, 3, 3), (96, 3, 3)], label="as in Inception v2"),
        case(8, [(8, 3, 3), (8, 3, 3), (8, 3, 3)], label="7x7 as three 3x3"),
        case(8, [(4, 1, 5), (12, 5, 1)], label="few channels in between"),
        case(6, [(9, 3, 5)], label="a chain of one: nothing is saved"),
        case(5, [(7, 1, 3), (2, 3, 3)], label="a window of 3x5"),
    ],
    mistakes=[
        Mistake(
            lambda c_in, chain: 1 - saved(c_in, chain),
            "This is the share that is left. Asked for is the share that is saved, one minus it.",
        ),
        Mistake(
            lambda c_in, chain: max(0.0, saved(c_in, chain)),
            "A chain can cost more than the single kernel. Then the share is negative: don't cut it off.",
        ),
        Mistake(
            lambda c_in, chain: _parts(c_in, chain)[1] / _parts(c_in, chain)[0] - 1,
            "This is what the single kernel costs more, relative to the chain. Take the share of the single kernel's weights.",
        ),
        Mistake(
            _window(sum),
            "Heights and widths are added up. Windows that follow one another overlap by one: each adds its size less 1.",
        ),
        Mistake(
            _window(_product),
            "Heights and widths are multiplied. Two 3x3 see 5x5, not 9x9: each layer adds its size less 1.",
        ),
        Mistake(
            _window(max),
            "The single kernel is only as large as the largest of the chain. Layers behind one another see more: each adds its size less 1.",
        ),
        Mistake(
            _kernels_alone,
            "The channels are left out. They cancel only if all layers have as many as the input.",
        ),
        Mistake(
            _all_from_first,
            "Every layer of the chain sees c_in channels here. From the second on it sees those of the layer before.",
        ),
        Mistake(
            lambda c_in, chain: 100 * saved(c_in, chain),
            "This is in percent. Return the share, a number that is at most 1.",
        ),
    ],
    hint="First the size of the single kernel, as in a receptive field. Then the weights of both, with the channels.",
)
