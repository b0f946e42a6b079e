"""Exercises on weight decay: coupled to the gradient or not, and which parameters it should touch."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from course_lib.exercises import Exercise, Mistake, case

SECTION = "03_regularization/weight_penalties"

# a step of an optimizer that scales its gradient


def decay_step(
    w: np.ndarray, g: np.ndarray, scale: np.ndarray, learning_rate: float, decay: float, decoupled: bool
) -> np.ndarray:
    """Decay apart from the scaled gradient, or add the penalty's gradient before scaling."""
    if decoupled:
        return (1 - learning_rate * decay) * w - learning_rate * g / scale
    return w - learning_rate * (g + decay * w) / scale


Rule = Callable[[np.ndarray, np.ndarray, np.ndarray, float, float], np.ndarray]


def _coupled(w: np.ndarray, g: np.ndarray, s: np.ndarray, lr: float, decay: float) -> np.ndarray:
    return decay_step(w, g, s, lr, decay, False)


def _decoupled(w: np.ndarray, g: np.ndarray, s: np.ndarray, lr: float, decay: float) -> np.ndarray:
    return decay_step(w, g, s, lr, decay, True)


def _either(coupled: Rule = _coupled, decoupled: Rule = _decoupled) -> Callable[..., np.ndarray]:
    return lambda w, g, scale, learning_rate, decay, decoupled_: (decoupled if decoupled_ else coupled)(
        w, g, scale, learning_rate, decay
    )


_W, _G, _S = np.array([1.0, -2.0, 0.5]), np.array([3.0, 0.1, 0.0]), np.array([3.0, 0.05, 1.0])

DECAY_STEP = Exercise(
    id="weight_penalties/decay_step",
    section=SECTION,
    title="Decay, coupled and decoupled",
    reference=decay_step,
    cases=[
        case(_W, _G, np.ones(3), 0.1, 0.5, False, label="scale 1, coupled"),
        case(_W, _G, np.ones(3), 0.1, 0.5, True, label="scale 1, decoupled: the same"),
        case(_W, _G, _S, 0.1, 0.5, False, label="unequal scales, coupled"),
        case(_W, _G, _S, 0.1, 0.5, True, label="unequal scales, decoupled"),
        case(_W, 0 * _G, _S, 0.2, 0.25, True, label="no gradient, decoupled"),
        case(_W, 0 * _G, _S, 0.2, 0.25, False, label="no gradient, coupled"),
        case(_W, _G, _S, 0.1, 0.0, True, label="no decay"),
        case(
            np.array([[1.0, 4.0]]),
            np.array([[2.0, -8.0]]),
            np.array([[2.0, 8.0]]),
            0.5,
            1.5,
            True,
            label="a strong decay",
        ),
    ],
    alternatives=[
        _either(
            lambda w, g, s, lr, decay: (1 - lr * decay / s) * w - lr * g / s,
            lambda w, g, s, lr, decay: w - lr * (g / s + decay * w),
        ),
    ],
    mistakes=[
        Mistake(
            _either(_decoupled, _coupled),
            "The two are exchanged: decoupled means that the decay is not divided by the scale.",
        ),
        Mistake(
            _either(decoupled=_coupled),
            "Both divide the decay by the scale here. Decoupled decay does not touch the gradient or its scale.",
        ),
        Mistake(
            _either(coupled=_decoupled),
            "Both leave the decay undivided here. An L2 penalty's gradient is scaled with the rest.",
        ),
        Mistake(
            _either(decoupled=lambda w, g, s, lr, decay: (1 - decay) * w - lr * g / s),
            "The decay is not multiplied by the learning rate. AdamW's factor is 1 - eta gamma.",
        ),
        Mistake(
            _either(decoupled=lambda w, g, s, lr, decay: (1 - lr * decay) * (w - lr * g / s)),
            "Here the weight decays after its step, so the step shrinks as well. The old weight decays.",
        ),
        Mistake(
            _either(
                lambda w, g, s, lr, decay: w - lr * (g + 2 * decay * w) / s,
                lambda w, g, s, lr, decay: (1 - 2 * lr * decay) * w - lr * g / s,
            ),
            "The decay is twice too strong: gamma already contains the 2 of the derivative (gamma = 2 lambda).",
        ),
        Mistake(
            _either(coupled=lambda w, g, s, lr, decay: w - lr * (g / s + decay * w / s**2)),
            "The coupled decay is divided by the scale twice.",
        ),
        Mistake(
            _either(
                lambda w, g, s, lr, decay: w - lr * (g - decay * w) / s,
                lambda w, g, s, lr, decay: (1 + lr * decay) * w - lr * g / s,
            ),
            "The weights grow here: the decay has the wrong sign.",
        ),
        Mistake(
            _either(
                lambda w, g, s, lr, decay: w - lr * (g + decay * w),
                lambda w, g, s, lr, decay: (1 - lr * decay) * w - lr * g,
            ),
            "The gradient is not divided by the scale: this is plain gradient descent.",
        ),
    ],
    hint="Coupled: first g + decay * w, then scale and step. Decoupled: two terms, and the scale is under g alone.",
)

# which parameters decay?

Shapes = Mapping[str, tuple[int, ...]]


def count_decayed(shapes: Shapes) -> tuple[int, int]:
    """Numbers in parameters of two axes and more, and in the others."""
    decayed = sum(math.prod(shape) for shape in shapes.values() if len(shape) >= 2)
    return decayed, sum(math.prod(shape) for shape in shapes.values()) - decayed


def _counted(chosen: Callable[[str, tuple[int, ...]], bool]) -> Callable[[Shapes], tuple[int, int]]:
    def answer(shapes: Shapes) -> tuple[int, int]:
        sizes = {name: math.prod(shape) for name, shape in shapes.items()}
        decayed = sum(size for name, size in sizes.items() if chosen(name, shapes[name]))
        return decayed, sum(sizes.values()) - decayed

    return answer


_MLP = {"0.weight": (32, 64), "0.bias": (32,), "2.weight": (10, 32), "2.bias": (10,)}
_CNN = {
    "conv.weight": (16, 1, 3, 3),
    "norm.weight": (16,),
    "norm.bias": (16,),
    "head.weight": (10, 16),
    "head.bias": (10,),
}

COUNT_DECAYED = Exercise(
    id="weight_penalties/count_decayed",
    section=SECTION,
    title="Which parameters decay?",
    reference=count_decayed,
    cases=[
        case({"weight": (3, 5), "bias": (3,)}, label="a dense layer"),
        case(_MLP, label="two dense layers"),
        case(_CNN, label="a convolution, a normalization and a head"),
        case({"conv1d.weight": (4, 2, 3), "gain": (4,), "temperature": ()}, label="a parameter without axes"),
        case({"bias": (7,), "norm.weight": (7,)}, label="nothing to decay"),
        case({"projection": (6, 2), "offset": (6,)}, label="names that say nothing"),
    ],
    alternatives=[_counted(lambda name, shape: not len(shape) < 2)],
    mistakes=[
        Mistake(_counted(lambda name, shape: True), "Everything decays here, biases and normalizations too."),
        Mistake(
            _counted(lambda name, shape: name.endswith("weight")),
            "This goes by the name. A normalization's scale is called weight too; go by the number of axes.",
        ),
        Mistake(
            _counted(lambda name, shape: not name.endswith("bias")),
            "Only parameters called bias are spared here. Scales of normalizations have one axis too, under other names.",
        ),
        Mistake(
            _counted(lambda name, shape: len(shape) == 2),
            "Only tables with exactly two axes decay here. The weights of a convolution have three or four.",
        ),
        Mistake(
            _counted(lambda name, shape: len(shape) >= 1),
            "Parameters with a single axis decay here. Those are biases and scales.",
        ),
        Mistake(
            lambda shapes: count_decayed(shapes)[::-1],
            "The pair is the wrong way round: the number that decays comes first.",
        ),
        Mistake(
            lambda shapes: (
                sum(len(shape) >= 2 for shape in shapes.values()),
                sum(len(shape) < 2 for shape in shapes.values()),
            ),
            "These are the numbers of tensors. Count the numbers in them: the product of each shape.",
        ),
        Mistake(
            lambda shapes: (
                sum(sum(shape) for shape in shapes.values() if len(shape) >= 2),
                sum(sum(shape) for shape in shapes.values() if len(shape) < 2),
            ),
            "The sides of the shapes are added. A table of 3 by 5 holds 15 numbers.",
        ),
        Mistake(
            lambda shapes: (
                sum(math.prod(shape[:2]) for shape in shapes.values() if len(shape) >= 2),
                count_decayed(shapes)[1],
            ),
            "Only the first two sides are multiplied. A shape of (4, 2, 3) holds 24 numbers.",
        ),
    ],
    hint="len(shape) is the number of axes, and math.prod(shape) the number of entries, 1 for an empty shape.",
)

EXERCISES = [DECAY_STEP, COUNT_DECAYED]
