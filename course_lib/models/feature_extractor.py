"""A network up to one of its layers: what a trained net sees, as input for something else."""

import difflib
from typing import Any

from torch import nn


def feature_extractor(model: nn.Module, layer: str) -> "FeatureExtractor":
    """Return a module that computes what ``layer`` of ``model`` gives, and nothing after it.

    ``model`` is neither copied nor changed: the two share parameters, buffers and mode (train or eval), and
    gradients flow through the one into the other. Shapes are those of the layer: (n, c, h, w) for a
    convolution. To put a head on it: ``nn.Sequential(feature_extractor(net, "avgpool"), nn.Flatten(),
    layers.Linear(512, 10))``. To keep it as it is: ``extractor.eval().requires_grad_(False)``, and ``eval``
    again whenever the whole was told to ``train``, or batch normalization goes on with its averages.

    A layer that the model uses several times, such as the one ReLU of a residual block, gives its first
    output, which is what torchvision's extractor gives by that name; for the last one, name what stands
    around it.

    Args:
        model: any module; its forward decides in which order layers run.
        layer: a name in ``model.named_modules()``.

    Raises:
        ValueError: the model has no such layer, or does not use it (when the extractor is called).
        TypeError: the model is no module, the layer no string.
    """
    return FeatureExtractor(model, layer)


class FeatureExtractor(nn.Module):
    """What ``feature_extractor`` returns.

    Attributes:
        model: the whole model.
        layer: name of the layer where it ends.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"feature_extractor: model must be a torch.nn.Module, got {type(model).__name__}")
        if not isinstance(layer, str):
            raise TypeError(
                f"feature_extractor: layer must be the name of a layer, got {type(layer).__name__}"
            )
        names = [name for name, _ in model.named_modules() if name]
        if layer not in names:
            near = difflib.get_close_matches(layer, names, n=3) or names[-5:]
            raise ValueError(
                "feature_extractor: layer must be a name in model.named_modules(), such as "
                f"{', '.join(map(repr, near))}; got {layer!r}"
            )
        self.model, self.layer = model, layer
        self.training = model.training  # a new module is in training mode, whatever its parts are in

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model on its own arguments until the layer has given its output; return that."""

        def stop(module: nn.Module, inputs: Any, output: Any) -> None:
            raise _Reached(self, output)

        handle = self.model.get_submodule(self.layer).register_forward_hook(stop)
        try:
            self.model(*args, **kwargs)
        except _Reached as reached:
            if reached.by is self:
                return reached.output
            raise  # another extractor, of which this one is a part
        finally:
            handle.remove()
        raise ValueError(
            f"feature_extractor: {self.layer!r} is no layer that the model runs in "
            f"{'training' if self.model.training else 'evaluation'} mode"
        )

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"layer={self.layer!r}"


class _Reached(BaseException):
    """A layer has given its output. Not an Exception: a model that handles those must not handle this."""

    def __init__(self, by: FeatureExtractor, output: Any) -> None:
        super().__init__()
        self.by, self.output = by, output
