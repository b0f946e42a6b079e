"""The exercise on the five arrangements of a residual block."""

from collections.abc import Callable, Mapping

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "06_architectures/resnet"
Plan = tuple[str, str]  # the branch, what follows the addition: b normalization, r ReLU, 1 and 2 dense layers

PLANS: Mapping[str, Plan] = {
    "original": ("1br2b", "r"),
    "bn_after_addition": ("1br2", "br"),
    "relu_before_addition": ("1br2br", ""),
    "relu_only_pre_activation": ("r1br2b", ""),
    "full_pre_activation": ("br1br2", ""),
}


Norm = Callable[[np.ndarray], np.ndarray]


def normalize(x: np.ndarray, axis: int = 0, ddof: int = 0) -> np.ndarray:
    """Every column to mean 0 and variance 1, over the batch; epsilon 1e-5."""
    var = x.var(axis=axis, ddof=ddof, keepdims=True)
    standardized: np.ndarray = (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(var + 1e-5)
    return standardized


def _through(plan: str, x: np.ndarray, w1: np.ndarray, w2: np.ndarray, norm: Norm = normalize) -> np.ndarray:
    for letter in plan:
        if letter == "b":
            x = norm(x)
        elif letter == "r":
            x = np.maximum(x, 0)
        else:
            x = x @ (w1 if letter == "1" else w2).T
    return x


def residual_variant(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
    """Walk through the plan of the variant."""
    branch, after = PLANS[variant]
    return _through(after, x + _through(branch, x, w1, w2), w1, w2)


def _written_out(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
    b, r = normalize, lambda z: np.maximum(z, 0)
    start = {"relu_only_pre_activation": r(x), "full_pre_activation": r(b(x))}.get(variant, x)
    inner = r(b(start @ w1.T)) @ w2.T
    if variant == "bn_after_addition":
        return np.asarray(r(b(x + inner)))
    if variant == "full_pre_activation":
        return np.asarray(x + inner)
    if variant == "relu_before_addition":
        return np.asarray(x + r(b(inner)))
    return np.asarray(r(x + b(inner)) if variant == "original" else x + b(inner))


def _with(**plans: Plan) -> Callable[[np.ndarray, np.ndarray, np.ndarray, str], np.ndarray]:
    """A wrong answer: other plans for some variants."""

    def answer(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
        branch, after = plans.get(variant, PLANS[variant])
        return _through(after, x + _through(branch, x, w1, w2), w1, w2)

    return answer


def _activated_shortcut(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
    """What stands before the first layer is applied to the shortcut, too."""
    branch, after = PLANS[variant]
    before = branch[: branch.index("1")]
    x = _through(before, x, w1, w2)
    return _through(after, x + _through(branch[len(before) :], x, w1, w2), w1, w2)


def _other_norm(norm: Norm) -> Callable[[np.ndarray, np.ndarray, np.ndarray, str], np.ndarray]:
    """The right orders with another normalization."""

    def answer(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
        branch, after = PLANS[variant]
        return _through(after, x + _through(branch, x, w1, w2, norm), w1, w2, norm)

    return answer


def _no_shortcut(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
    branch, after = PLANS[variant]
    return _through(branch + after, x, w1, w2)


def _exchanged(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, variant: str) -> np.ndarray:
    return (
        residual_variant(x, w2, w1, variant) if w1.shape == w2.shape else residual_variant(x, w1, w2, variant)
    )


def _batches(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> np.ndarray:
        return rng.integers(-4, 5, shape).astype(float)

    cases = []
    for variant in PLANS:
        cases.append(case(whole(4, 2), whole(2, 2), whole(2, 2), variant, label=f"{variant}, two units"))
        cases.append(
            case(whole(6, 3), whole(5, 3), whole(3, 5), variant, label=f"{variant}, 3 to 5 to 3 units")
        )
    cases.append(
        case(whole(4, 2), whole(2, 2), np.zeros((2, 2)), "original", label="original, second weights 0")
    )
    return cases


VARIANTS = Exercise(
    id="resnet/variants",
    section=SECTION,
    title="Five orders of the same layers",
    reference=residual_variant,
    cases=_batches,
    alternatives=[_written_out],
    mistakes=[
        Mistake(
            _with(original=("1br2br", "r")),
            "In the original block a ReLU stands before the addition as well. It stands behind it only.",
        ),
        Mistake(
            _with(original=("1br2b", "")),
            "The original block lacks its last ReLU, behind the addition.",
        ),
        Mistake(
            _with(bn_after_addition=("1br2b", "br")),
            "With the normalization after the addition, the branch ends with its second layer: there is no normalization before.",
        ),
        Mistake(
            _with(bn_after_addition=("1br2", "rb")),
            "After the addition the ReLU comes before the normalization here. Normalize first.",
        ),
        Mistake(
            _with(relu_before_addition=("1br2br", "r")),
            "With the ReLU before the addition there is none behind it: it has moved.",
        ),
        Mistake(
            _with(relu_before_addition=("1br2rb", "")),
            "With the ReLU before the addition, the branch ends with the normalization, then the ReLU.",
        ),
        Mistake(
            _with(relu_only_pre_activation=("r1br2", "")),
            "The ReLU-only pre-activation moves the ReLU only: the second normalization stays at the end of the branch.",
        ),
        Mistake(
            _with(relu_only_pre_activation=("r1br2b", "r")),
            "The ReLU-only pre-activation keeps a ReLU behind the addition here. It has moved to the front of the branch.",
        ),
        Mistake(
            _with(full_pre_activation=("rb1br2", "")),
            "In the full pre-activation the ReLU comes before the normalization at the front. Normalize first.",
        ),
        Mistake(
            _with(full_pre_activation=("br1br2b", "")),
            "The full pre-activation has two normalizations, each before a ReLU. The branch ends with its second layer.",
        ),
        Mistake(
            _activated_shortcut,
            "In the pre-activations the shortcut is activated as well. The addition is to x as it came.",
        ),
        Mistake(_no_shortcut, "Nothing is added here. Every variant adds x to what its branch gives."),
        Mistake(
            _other_norm(lambda z: normalize(z, axis=1)),
            "Each example is normalized over its units. Batch normalization takes each unit over the examples.",
        ),
        Mistake(
            _other_norm(lambda z: normalize(z, ddof=1)),
            "The variance is divided by n - 1. In training mode, batch normalization divides by n.",
        ),
        Mistake(
            lambda x, w1, w2, variant: residual_variant(x, w1, w2, "original"),
            "This is the original for every variant. Look at the argument `variant`.",
        ),
        Mistake(
            _exchanged,
            "The two layers are exchanged: w1 comes first.",
        ),
    ],
    hint="Write two lists for each variant: what the branch applies to x, and what is applied to the sum.",
)
