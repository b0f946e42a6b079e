"""The exercise on Adam with the two ways for weights to decay."""

from collections.abc import Callable

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case
from course_lib.reference import optim as reference

SECTION = "05_optimization/adaptive_methods"
Array = np.ndarray
Three = tuple[Array, Array, Array]


def adam_step(
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    decay: float,
    decoupled: bool,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Three:
    """Into the gradient, or beside the step."""
    if not decoupled:
        g = g + decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return theta * (1 - lr * decay * decoupled) - step, m, v


def _by_reference(
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    decay: float,
    decoupled: bool,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> Three:
    g = g if decoupled else g + decay * theta
    beside = decay if decoupled else 0.0
    new, state = reference.adam(theta, g, (t - 1, m, v), lr, beta1, beta2, eps, beside)
    _, m, v = map(np.asarray, state or ())
    return new, m, v


def _adam(
    into: Callable[[float, bool], tuple[float, float]] = lambda c, d: (0.0, 0.0) if d else (c, c),
    beside: Callable[[Array, Array, Array, float, float], Array] = lambda w, step, r, lr, c: (
        w * (1 - lr * c) - step
    ),
    beside_if: Callable[[bool], bool] = lambda d: d,
    count: Callable[[int], int | None] = lambda t: t,
    inside: bool = False,
    corrected_kept: bool = False,
    power: float = 0.5,
    root_of: Callable[[Array, float, float], Array] | None = None,
) -> Callable[..., Three]:
    """A wrong step: decay put elsewhere, another t (None: no correction), another root, means spoilt."""

    def answer(
        theta: Array,
        g: Array,
        m: Array,
        v: Array,
        t: int,
        decay: float,
        decoupled: bool,
        lr: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> Three:
        to_m, to_v = into(decay, decoupled)
        m = beta1 * m + (1 - beta1) * (g + to_m * theta)
        v = beta2 * v + (1 - beta2) * (g + to_v * theta) ** 2
        n = count(t)
        m_hat = m if n is None else m / (1 - beta1**n)
        v_hat = v if n is None else v / (1 - beta2**n)
        root = np.sqrt(v_hat + eps) if inside else v_hat**power + eps
        if root_of is not None:  # of v, 1 - beta2**t and epsilon
            root = root_of(v, 1 - beta2**t, eps)
        step = lr * m_hat / root
        new = beside(theta, step, root, lr, decay) if beside_if(decoupled) else theta - step
        return (new, m_hat, v_hat) if corrected_kept else (new, m, v)

    return answer


def _adam_cases(rng: np.random.Generator) -> list[Case]:
    def whole(*shape: int) -> Array:
        return rng.integers(1, 7, shape).astype(float) * rng.choice([-1.0, 1.0], shape)

    zero = np.zeros(2)
    theta, g = np.array([2.0, -2.0]), np.array([0.5, 8.0])
    past = (np.array([0.2, -1.0]), np.array([0.3, 2.0]))
    return [
        case(theta, g, zero, zero, 1, 0.0, True, label="the first step, no decay"),
        case(theta, g, zero, zero, 1, 0.1, True, 0.1, label="the first step, decoupled"),
        case(theta, g, zero, zero, 1, 0.1, False, 0.1, label="the first step, L2"),
        case(theta, g, *past, 7, 0.5, True, 0.1, 0.8, 0.9, label="step 7, decoupled, other betas"),
        case(theta, g, *past, 7, 0.5, False, 0.1, 0.8, 0.9, label="step 7, L2, other betas"),
        case(
            whole(2, 3),
            whole(2, 3),
            whole(2, 3),
            np.full((2, 3), 2.0),
            3,
            0.25,
            True,
            0.5,
            0.9,
            0.99,
            0.125,
            label="a matrix, and an epsilon that is felt",
        ),
    ]


ADAM_STEP = Exercise(
    id="adaptive_methods/adam_step",
    section=SECTION,
    title="Adam with L2, and AdamW",
    reference=adam_step,
    cases=_adam_cases,
    alternatives=[_by_reference],
    mistakes=[
        Mistake(
            _adam(into=lambda c, d: (c, c), beside_if=lambda d: False),
            "The decay goes into the gradient in either case. With decoupled=True it must stay out of m and v.",
        ),
        Mistake(
            _adam(into=lambda c, d: (0.0, 0.0), beside_if=lambda d: True),
            "The weights decay beside the step in either case. With decoupled=False the penalty is part of the gradient.",
        ),
        Mistake(
            _adam(into=lambda c, d: (c, c)),
            "With decoupled=True the weights decay twice, in the gradient and beside the step.",
        ),
        Mistake(
            _adam(into=lambda c, d: (0.0, 0.0) if d else (c, 0.0)),
            "The penalty enters m but not v. It is part of the gradient, and v takes in the square of all of it.",
        ),
        Mistake(
            _adam(beside=lambda w, step, r, lr, c: (w - step) * (1 - lr * c)),
            "The decay acts on the weights after the step. In AdamW it acts on the old ones.",
        ),
        Mistake(
            _adam(beside=lambda w, step, r, lr, c: w * (1 - c) - step),
            "The decay is not multiplied by the rate: the factor is 1 - lr * decay.",
        ),
        Mistake(
            _adam(beside=lambda w, step, r, lr, c: w - lr * c * w / r - step),
            "The decoupled decay is divided by the root, like the gradient. That is what it should be spared.",
        ),
        Mistake(
            _adam(beside=lambda w, step, r, lr, c: w * (1 + lr * c) - step),
            "The weights grow instead of decaying: the factor is 1 - lr * decay.",
        ),
        Mistake(_adam(count=lambda t: None), "The bias correction is missing."),
        Mistake(
            _adam(count=lambda t: t + 1),
            "The correction counts one step too many: t is 1 at the first step.",
        ),
        Mistake(_adam(inside=True), "Epsilon is under the root. In Adam it is added after the root."),
        Mistake(
            _adam(root_of=lambda v, c, eps: np.sqrt(v) / c + eps),
            "The correction of v is outside the root. Correct v first, then take the root.",
        ),
        Mistake(
            _adam(root_of=lambda v, c, eps: (np.sqrt(v) + eps) / np.sqrt(c)),
            "This adds epsilon to the root of the uncorrected v, as the paper's shortcut and Keras do. Correct v first.",
        ),
        Mistake(
            _adam(into=lambda c, d: (0.0, 0.0) if d else (-c, -c)),
            "The penalty's gradient is subtracted, so the weights are drawn away from 0. It is added: g + decay * theta.",
        ),
        Mistake(_adam(power=1.0), "The root is missing: the step is divided by the corrected v itself."),
        Mistake(
            _adam(into=lambda c, d: (0.0, 0.0) if d else (2 * c, 2 * c)),
            "The penalty's gradient is twice too large: it is decay * theta, that of decay / 2 times the squares.",
        ),
        Mistake(
            _adam(into=lambda c, d: (c, c) if d else (0.0, 0.0), beside_if=lambda d: not d),
            "The two kinds are exchanged: decoupled=True keeps the decay out of the gradient.",
        ),
        Mistake(
            _adam(corrected_kept=True),
            "The corrected means are returned. What is carried to the next step are m and v without correction.",
        ),
    ],
    hint="The two differ in two places: before m and v, and at the very end.",
)
