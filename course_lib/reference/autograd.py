"""Reverse-mode automatic differentiation on NumPy arrays, small enough to read in one sitting.

Each operation makes a ``Value`` that remembers its parents and how to send a gradient back to them.
``backward`` walks from the result to the inputs and applies the chain rule at each step, as PyTorch does.

Source: Baydin et al. (2018), Automatic differentiation in machine learning: a survey, section 3.2. The form
is that of Karpathy's micrograd, for arrays and with broadcasting.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_lib.reference import activations

Axis = int | tuple[int, ...] | None


class Value:
    """A float64 array ``data`` that records what it was computed from.

    ``grad`` is None until ``backward`` of a result adds the result's gradient for this value to it (of data's
    shape). Set it to None again before the next step.
    """

    __array_ufunc__ = None  # array + value must reach Value.__radd__, not NumPy's loop over the entries

    def __init__(
        self,
        data: np.ndarray | float,
        parents: tuple[Value, ...] = (),
        send_back: Callable[[np.ndarray], tuple[np.ndarray, ...]] = lambda grad: (),
    ) -> None:
        self.data = np.asarray(data, dtype=np.float64)
        self.grad: np.ndarray | None = None
        self._parents = parents
        self._send_back = send_back  # gradient of this value -> gradients of its parents, in their order

    def backward(self) -> None:
        """Add d(self)/dv to ``v.grad`` for each value v that self was computed from; self is one number."""
        if self.data.size != 1:
            raise ValueError(
                f"backward starts from one number, got shape {self.shape}: take a sum or a mean first"
            )
        flowing = {self: np.ones(self.shape)}
        for value in reversed(self._parents_first()):
            grad = flowing.pop(value)  # complete: all that used this value came before it
            value.grad = grad if value.grad is None else value.grad + grad
            for parent, part in zip(value._parents, value._send_back(grad), strict=True):
                flowing[parent] = flowing.get(parent, 0.0) + _sum_to(part, parent.shape)

    def _parents_first(self) -> list[Value]:
        """Topological order, without recursion: a chain may be longer than Python's stack."""
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, parents_done = stack.pop()
            if parents_done:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value._parents)
        return order

    def __add__(self, other: Operand) -> Value:
        other = _value(other)
        return Value(self.data + other.data, (self, other), lambda grad: (grad, grad))

    def __mul__(self, other: Operand) -> Value:
        other = _value(other)
        x, y = self.data, other.data
        return Value(x * y, (self, other), lambda grad: (grad * y, grad * x))

    def __matmul__(self, other: Operand) -> Value:
        other = _value(other)
        x, y = self.data, other.data
        if x.ndim < 2 or y.ndim < 2:
            raise ValueError(f"@ needs arrays of rank 2 or more, got shapes {x.shape} and {y.shape}")
        return Value(
            x @ y, (self, other), lambda grad: (grad @ y.swapaxes(-1, -2), x.swapaxes(-1, -2) @ grad)
        )

    def __pow__(self, exponent: float) -> Value:
        if not isinstance(exponent, int | float):
            raise TypeError(f"the exponent must be a number, got {type(exponent).__name__}")
        x = self.data
        if exponent == 0:
            return Value(x**0, (self,), lambda grad: (grad * 0.0,))  # below, 0 * 0**-1 would be NaN
        return Value(x**exponent, (self,), lambda grad: (grad * exponent * x ** (exponent - 1),))

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Operand) -> Value:
        return self + -_value(other)

    def __truediv__(self, other: Operand) -> Value:
        return self * _value(other) ** -1

    def __radd__(self, other: Operand) -> Value:
        return self + other

    def __rmul__(self, other: Operand) -> Value:
        return self * other

    def __rsub__(self, other: Operand) -> Value:
        return _value(other) - self

    def __rtruediv__(self, other: Operand) -> Value:
        return _value(other) / self

    def __rmatmul__(self, other: Operand) -> Value:
        return _value(other) @ self

    def exp(self) -> Value:
        """e^x, entry by entry."""
        y = np.exp(self.data)
        return Value(y, (self,), lambda grad: (grad * y,))

    def log(self) -> Value:
        """Natural logarithm."""
        x = self.data
        return Value(np.log(x), (self,), lambda grad: (grad / x,))

    def tanh(self) -> Value:
        """Hyperbolic tangent."""
        y = np.tanh(self.data)
        return Value(y, (self,), lambda grad: (grad * (1.0 - y**2),))

    def sigmoid(self) -> Value:
        """1 / (1 + e^-x)."""
        y = activations.sigmoid(self.data)
        return Value(y, (self,), lambda grad: (grad * y * (1.0 - y),))

    def relu(self) -> Value:
        """max(0, x)."""
        x = self.data
        return Value(np.maximum(x, 0.0), (self,), lambda grad: (grad * (x > 0),))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Value:
        """Sum over all entries, or along the given axes."""
        x = self.data
        kept = x.sum(axis=axis, keepdims=True).shape
        y = x.sum(axis=axis, keepdims=keepdims)
        return Value(y, (self,), lambda grad: (np.broadcast_to(grad.reshape(kept), x.shape),))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Value:
        """Mean over all entries, or along the given axes."""
        total = self.sum(axis, keepdims)
        return total * (total.data.size / self.data.size)

    def reshape(self, *shape: int) -> Value:
        """The same entries in another shape; one length may be -1."""
        x = self.data
        return Value(x.reshape(shape), (self,), lambda grad: (grad.reshape(x.shape),))

    @property
    def T(self) -> Value:
        """All axes in reverse order."""
        return Value(self.data.T, (self,), lambda grad: (grad.T,))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of data, and of grad."""
        return self.data.shape

    def __repr__(self) -> str:
        return f"Value({self.data}, grad={self.grad})"


Operand = Value | np.ndarray | float


def _value(x: Operand) -> Value:
    return x if isinstance(x, Value) else Value(x)


def _sum_to(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting: an entry that was used in several places receives the sum of their gradients."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return grad.sum(axis=stretched, keepdims=True)
