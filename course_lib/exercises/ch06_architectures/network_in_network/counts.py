"""The exercises on what 1x1 convolutions cost."""

from collections.abc import Callable, Sequence

from course_lib.exercises import Exercise, Mistake, case

SECTION = "06_architectures/network_in_network"
Costs = tuple[int, int]
Blocks = Sequence[tuple[int, Sequence[int]]]


def bottleneck_cost(c_in: int, width: int, c_out: int, kernel: int, h: int, w: int) -> Costs:
    """Directly, and as a 1x1 layer with a kernel behind it."""
    return h * w * kernel**2 * c_in * c_out, h * w * width * (c_in + kernel**2 * c_out)


def _costs(direct: Callable[..., int], pair: Callable[..., int]) -> Callable[..., Costs]:
    """Both costs a pixel, as functions of (c_in, width, c_out, kernel), times the pixels."""

    def answer(c_in: int, width: int, c_out: int, kernel: int, h: int, w: int) -> Costs:
        sizes = (c_in, width, c_out, kernel)
        return h * w * direct(*sizes), h * w * pair(*sizes)

    return answer


def _right_direct(c_in: int, width: int, c_out: int, kernel: int) -> int:
    return kernel**2 * c_in * c_out


def _right_pair(c_in: int, width: int, c_out: int, kernel: int) -> int:
    return c_in * width + kernel**2 * width * c_out


def _one_pixel(c_in: int, width: int, c_out: int, kernel: int, h: int, w: int) -> Costs:
    direct, pair = bottleneck_cost(c_in, width, c_out, kernel, 1, 1)
    return direct, pair


def _exchanged(c_in: int, width: int, c_out: int, kernel: int, h: int, w: int) -> Costs:
    direct, pair = bottleneck_cost(c_in, width, c_out, kernel, h, w)
    return pair, direct


def _shrinking(c_in: int, width: int, c_out: int, kernel: int, h: int, w: int) -> Costs:
    inner = (h - kernel + 1) * (w - kernel + 1)
    return inner * kernel**2 * c_in * c_out, h * w * c_in * width + inner * kernel**2 * width * c_out


COST = Exercise(
    id="network_in_network/cost",
    section=SECTION,
    title="The price of a bottleneck",
    reference=bottleneck_cost,
    cases=[
        case(2, 1, 1, 1, 1, 1, label="one pixel, kernels of one entry"),
        case(4, 2, 3, 3, 5, 5, label="4 channels to 3 through 2"),
        case(192, 16, 32, 5, 28, 28, label="the example of the text"),
        case(64, 64, 64, 3, 7, 9, label="a bottleneck as wide as what it is for, on a map that is no square"),
        case(256, 64, 256, 1, 14, 14, label="two 1x1 layers"),
    ],
    mistakes=[
        Mistake(
            _costs(_right_direct, lambda c_in, m, c_out, k: k**2 * m * c_out),
            "The pair's 1x1 layer is missing. It is cheap, but not free: c_in * width multiplications a pixel.",
        ),
        Mistake(
            _costs(_right_direct, lambda c_in, m, c_out, k: k**2 * (c_in * m + m * c_out)),
            "The 1x1 layer is counted as a large one. Its kernel has one entry a channel: no kernel squared there.",
        ),
        Mistake(
            _costs(
                lambda c_in, m, c_out, k: k * c_in * c_out, lambda c_in, m, c_out, k: c_in * m + k * m * c_out
            ),
            "The kernel counts once. It has kernel rows and kernel columns: take its square.",
        ),
        Mistake(
            _costs(_right_direct, lambda c_in, m, c_out, k: k**2 * c_in * m + m * c_out),
            "This pair squeezes behind the large kernel. Here the 1x1 layer comes first: the kernel then reads width channels.",
        ),
        Mistake(
            _costs(_right_direct, lambda c_in, m, c_out, k: c_in * c_out + k**2 * m * c_out),
            "The 1x1 layer makes c_out channels here. It makes as many as the bottleneck is wide.",
        ),
        Mistake(
            _costs(_right_direct, lambda c_in, m, c_out, k: c_in * m + k**2 * c_in * c_out),
            "The kernel behind the bottleneck still reads all c_in channels. Only width channels come out of the 1x1 layer.",
        ),
        Mistake(
            _costs(
                lambda c_in, m, c_out, k: (k**2 * c_in + 1) * c_out,
                lambda c_in, m, c_out, k: (c_in + 1) * m + (k**2 * m + 1) * c_out,
            ),
            "Biases are counted. They are added, and the question is for multiplications.",
        ),
        Mistake(
            _costs(
                lambda *sizes: 2 * _right_direct(*sizes),
                lambda *sizes: 2 * _right_pair(*sizes),
            ),
            "Both are twice as large: additions are counted as well. Count multiplications only.",
        ),
        Mistake(_one_pixel, "These are the weights. Each is used once at every pixel: multiply by h and w."),
        Mistake(_exchanged, "The two are exchanged: the direct cost comes first."),
        Mistake(_shrinking, "The large kernel's map shrinks here. With same padding it has h x w places."),
    ],
    hint="At one pixel, a layer multiplies once for each of its weights. How many weights has each of the three layers?",
)


def parameters(in_channels: int, blocks: Blocks) -> int:
    """Weights and biases; only the first layer of a block has a kernel larger than one pixel."""
    total = 0
    for kernel, widths in blocks:
        for out_channels in widths:
            total += (kernel**2 * in_channels + 1) * out_channels
            in_channels, kernel = out_channels, 1
    return total


def _by_lists(in_channels: int, blocks: Blocks) -> int:
    """All layers in one list first."""
    kernels = [k for kernel, widths in blocks for k in [kernel] + [1] * (len(widths) - 1)]
    out = [width for _, widths in blocks for width in widths]
    inputs = [in_channels, *out[:-1]]
    return sum(o + i * o * k * k for i, o, k in zip(inputs, out, kernels, strict=True))


def _no_biases(in_channels: int, blocks: Blocks) -> int:
    return parameters(in_channels, blocks) - sum(sum(widths) for _, widths in blocks)


def _large_everywhere(in_channels: int, blocks: Blocks) -> int:
    total = 0
    for kernel, widths in blocks:
        for out_channels in widths:
            total += (kernel**2 * in_channels + 1) * out_channels
            in_channels = out_channels
    return total


def _fresh_start(in_channels: int, blocks: Blocks) -> int:
    return sum(parameters(in_channels, [block]) for block in blocks)


def _first_only(in_channels: int, blocks: Blocks) -> int:
    total = 0
    for kernel, widths in blocks:
        total += (kernel**2 * in_channels + 1) * widths[0]
        in_channels = widths[-1]
    return total


def _inputs_of_first(in_channels: int, blocks: Blocks) -> int:
    """The 1x1 layers of a block all read the channels that the block reads."""
    total = 0
    for kernel, widths in blocks:
        for position, out_channels in enumerate(widths):
            total += ((1 if position else kernel**2) * in_channels + 1) * out_channels
        in_channels = widths[-1]
    return total


def _line_kernel(in_channels: int, blocks: Blocks) -> int:
    total = 0
    for kernel, widths in blocks:
        for out_channels in widths:
            total += (kernel * in_channels + 1) * out_channels
            in_channels, kernel = out_channels, 1
    return total


def _bias_of_inputs(in_channels: int, blocks: Blocks) -> int:
    """A bias for each channel that comes in."""
    out = [width for _, widths in blocks for width in widths]
    return _no_biases(in_channels, blocks) + in_channels + sum(out[:-1])


PARAMETERS = Exercise(
    id="network_in_network/parameters",
    section=SECTION,
    title="Count a network of mlpconv blocks",
    reference=parameters,
    cases=[
        case(1, [(3, (2,))], label="one block of one layer"),
        case(1, [(3, (2, 4))], label="one block with a 1x1 layer"),
        case(3, [(5, (8, 4)), (3, (6, 5, 2))], label="two blocks"),
        case(
            3, [(5, (192, 160, 96)), (5, (192, 192, 192)), (3, (192, 192, 10))], label="the paper's network"
        ),
        case(2, [(1, (3, 3)), (7, (3,))], label="a block without a large kernel"),
    ],
    alternatives=[_by_lists],
    mistakes=[
        Mistake(_no_biases, "The biases are missing: every layer has one for each channel that it hands on."),
        Mistake(
            _large_everywhere,
            "All layers have the block's kernel here. Only the first has; those behind it are 1x1.",
        ),
        Mistake(
            _fresh_start,
            "Every block starts from the channels of the image. From the second on, a block reads what the one before hands on.",
        ),
        Mistake(_first_only, "Only the first layer of each block is counted. Add its 1x1 layers."),
        Mistake(
            _inputs_of_first,
            "The 1x1 layers read the block's input here. Each reads the channels of the layer before it.",
        ),
        Mistake(_line_kernel, "The kernel counts once. It has kernel times kernel entries for each channel."),
        Mistake(
            _bias_of_inputs,
            "There is a bias for each channel that comes in. It is one for each that goes out.",
        ),
    ],
    hint="Keep two numbers up to date as you go from layer to layer: how many channels come in, and how large the kernel is.",
)

EXERCISES = [COST, PARAMETERS]
