"""Exercise on a whole walk in PyTorch's form of momentum."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Exercise, Mistake, case
from course_lib.exercises.ch05_optimization.momentum.slopes import bowl, valleys

SECTION = "05_optimization/momentum"
Gradient = Callable[[np.ndarray], np.ndarray]


def torch_walk(
    gradient: Gradient,
    start: np.ndarray,
    rates: Sequence[float],
    gamma: float,
    dampening: float = 0.0,
    nesterov: bool = False,
) -> np.ndarray:
    """The buffer in the gradient's units, the rate outside."""
    places, buffer = [start], None
    for rate in rates:
        grad = gradient(places[-1])
        buffer = grad if buffer is None else gamma * buffer + (1 - dampening) * grad
        places.append(places[-1] - rate * (grad + gamma * buffer if nesterov else buffer))
    return np.array(places)


def _by_velocity(
    gradient: Gradient,
    start: np.ndarray,
    rates: Sequence[float],
    gamma: float,
    dampening: float = 0.0,
    nesterov: bool = False,
) -> np.ndarray:
    """The rate inside the memory, which is rescaled whenever the rate changes."""
    places, v, last = [start], np.zeros_like(start), None
    for rate in rates:
        push = rate * gradient(places[-1])
        v = push if last is None else gamma * v * rate / last + (1 - dampening) * push
        last = rate
        places.append(places[-1] - (push + gamma * v if nesterov else v))
    return np.array(places)


Kept = np.ndarray | None
# (buffer or None, gradient, gamma, dampening) -> new buffer
Memory = Callable[[Kept, np.ndarray, float, float], np.ndarray]
# (new buffer, buffer before or None, gradient, gamma) -> Nesterov's direction
Ahead = Callable[[np.ndarray, Kept, np.ndarray, float], np.ndarray]


def _memory(b: Kept, g: np.ndarray, gamma: float, dampening: float) -> np.ndarray:
    return g if b is None else gamma * b + (1 - dampening) * g


def _ahead(b: np.ndarray, old: Kept, g: np.ndarray, gamma: float) -> np.ndarray:
    return g + gamma * b


def _torch(
    memory: Memory = _memory, ahead: Ahead = _ahead, first_rate: bool = False, with_start: bool = True
) -> Callable[..., np.ndarray]:
    """A wrong walk with another memory or direction, with one rate for all steps, or without its start."""

    def answer(
        gradient: Gradient,
        start: np.ndarray,
        rates: Sequence[float],
        gamma: float,
        dampening: float = 0.0,
        nesterov: bool = False,
    ) -> np.ndarray:
        places, b = [start], None
        for rate in rates:
            g = gradient(places[-1])
            old, b = b, memory(b, g, gamma, dampening)
            direction = ahead(b, old, g, gamma) if nesterov else b
            places.append(places[-1] - (rates[0] if first_rate else rate) * direction)
        return np.array(places if with_start else places[1:])

    return answer


def _classic(look: bool, keep_ahead: bool = False) -> Callable[..., np.ndarray]:
    """The rate inside the memory; with nesterov the classic walk, or its places ahead."""

    def answer(
        gradient: Gradient,
        start: np.ndarray,
        rates: Sequence[float],
        gamma: float,
        dampening: float = 0.0,
        nesterov: bool = False,
    ) -> np.ndarray:
        if not (nesterov or keep_ahead) and look:
            return torch_walk(gradient, start, rates, gamma, dampening)
        theta, v, path = start, None, [start]
        for rate in rates:
            place = theta if v is None or not nesterov else theta - gamma * v
            g = rate * gradient(place)
            v = g if v is None else gamma * v + (1 - dampening) * g
            theta = theta - v
            path.append(theta - gamma * v if nesterov and keep_ahead else theta)
        return np.array(path)

    return answer


_HERE = np.array([1.0, -2.0])

TORCH_WALK = Exercise(
    id="momentum/torch_walk",
    section=SECTION,
    title="PyTorch's form from the classic one",
    reference=torch_walk,
    cases=[
        case(bowl, _HERE, [0.1] * 4, 0.9, label="a constant rate"),
        case(bowl, _HERE, [0.1, 0.1, 0.1, 0.01, 0.01], 0.9, label="the rate is cut"),
        case(bowl, _HERE, [0.01, 0.02, 0.05, 0.1], 0.5, label="the rate grows"),
        case(bowl, _HERE, [0.1] * 4, 0.9, 0.5, label="dampening"),
        case(valleys, np.array([1.5]), [0.2] * 5, 0.8, 0.8, label="dampening as large as gamma"),
        case(bowl, _HERE, [0.1] * 4, 0.9, nesterov=True, label="Nesterov, a constant rate"),
        case(
            valleys,
            np.array([1.5, -1.0]),
            [0.1, 0.1, 0.02, 0.02],
            0.7,
            nesterov=True,
            label="Nesterov, the rate is cut",
        ),
        case(bowl, np.array([1.0, 2.0, -1.0]), [0.05], 0.9, 0.3, label="a single step"),
    ],
    alternatives=[_by_velocity],
    mistakes=[
        Mistake(
            _classic(look=False),
            "The rate stands inside the memory, as in the classic form, and Nesterov's gradient is taken ahead. Keep the buffer in the gradient's units and multiply by the rate outside.",
        ),
        Mistake(
            _classic(look=False, keep_ahead=True),
            "Right while the rate stays. When it changes, PyTorch multiplies the whole buffer by the new rate: keep the rate out of the buffer.",
        ),
        Mistake(
            _classic(look=True),
            "With nesterov=True this is the classic walk. PyTorch takes the gradient at the parameters it has and steps by grad + gamma * buffer.",
        ),
        Mistake(
            _torch(
                memory=lambda b, g, gamma, dampening: (0 if b is None else gamma * b) + (1 - dampening) * g
            ),
            "The first gradient is dampened here. In PyTorch the first buffer is the gradient itself.",
        ),
        Mistake(
            _torch(memory=lambda b, g, gamma, dampening: g if b is None else gamma * b + g),
            "dampening has no effect here: it multiplies each gradient but the first by 1 - dampening.",
        ),
        Mistake(
            _torch(memory=lambda b, g, gamma, dampening: g if b is None else gamma * b + dampening * g),
            "The gradient is multiplied by dampening. It should keep a share of 1 - dampening.",
        ),
        Mistake(
            _torch(memory=lambda b, g, gamma, dampening: g if b is None else gamma * (1 - dampening) * b + g),
            "dampening is applied to the buffer. It dampens the new gradient.",
        ),
        Mistake(
            _torch(memory=lambda b, g, gamma, dampening: g if b is None else gamma * b + (1 - gamma) * g),
            "The gradient is multiplied by 1 - gamma, as in a running mean. PyTorch has (1 - dampening), which is 1 unless you ask.",
        ),
        Mistake(
            _torch(ahead=lambda b, old, g, gamma: b),
            "With nesterov=True the step is still the buffer here. It should be grad + gamma * buffer, with the buffer that has this gradient in it already (with the old one the sum is the buffer itself).",
        ),
        Mistake(
            _torch(ahead=lambda b, old, g, gamma: g),
            "With nesterov=True the buffer is left out of the step: it is grad + gamma * buffer.",
        ),
        Mistake(
            _torch(ahead=lambda b, old, g, gamma: g + b),
            "gamma is missing in Nesterov's step: it is grad + gamma * buffer.",
        ),
        Mistake(
            _torch(ahead=lambda b, old, g, gamma: gamma * b),
            "Nesterov's step is only gamma * buffer here. The gradient comes on top.",
        ),
        Mistake(
            _torch(ahead=lambda b, old, g, gamma: b + gamma * b),
            "This adds gamma * buffer to the buffer. PyTorch's Nesterov adds it to the gradient.",
        ),
        Mistake(
            _torch(first_rate=True),
            "Every step uses the first rate. There is one rate for each step.",
        ),
        Mistake(
            _torch(with_start=False),
            "The start is missing: the path has one place more than there are steps.",
        ),
    ],
    hint="Replace v by rate * buffer in the classic form and cross out the rate. What is the buffer at the first step?",
)
