"""Published weights of GPT-1, GPT-2 and BERT as our networks name them."""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from course_lib.models.bert import Bert
from course_lib.models.gpt_blocks import GPT

# Files keep what was in the networks of their day: masks and counted positions, which are no weights, and
# TensorFlow's names for the scale and shift of a layer norm.
_NO_WEIGHTS = re.compile(r"(^|\.)(h\.\d+\.attn\.(masked_)?bias|embeddings\.position_ids)$")
_HEADS = ("cls.", "pooler.")  # of the training, which other uses have no need for


def load_published(model: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Load published weights into ``model``, and return the names of the parameters that they do not have.

    Those keep their values: they are of a head that a use of its own has, such as a classifier, and are to be
    trained. Names of parameters are the published ones anyway; what a file may have otherwise is the prefix
    of the body, gamma and beta for weight and bias of layer norms, and masks that are no weights. What a head
    of BERT's training has learned is left out where the model has no such head.

    Args:
        model: a GPT1, GPT2, Bert or BERT with a head.
        state: what ``safetensors.torch.load_file("model.safetensors")`` gives, of openai-gpt, gpt2, or
            bert-base-uncased, for example.

    Raises:
        TypeError: another model.
        ValueError: weights that are of another network: the body misses one, the shapes differ, one has no
            place. Then the model is left as it was.
    """
    prefix = _body(model)
    wanted = dict(model.named_parameters(remove_duplicate=False))
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        name = _todays_name(key)
        place = name if name in wanted else prefix + name
        if place in wanted:
            found[place] = value
        elif not _NO_WEIGHTS.search(name) and not name.startswith(_HEADS):
            raise ValueError(f"load_published: state must be of {type(model).__name__}, which has no {key}")
    tied = {id(wanted[name]) for name in found}
    missing = [name for name, parameter in wanted.items() if id(parameter) not in tied]
    of_body = [name for name in missing if name.startswith(prefix)]
    if of_body:
        raise ValueError(f"load_published: state must have all of the body, but has no {of_body[0]}")
    for name, value in found.items():
        if value.shape != wanted[name].shape:
            expected, got = tuple(wanted[name].shape), tuple(value.shape)
            raise ValueError(f"load_published: {name} must have shape {expected}, got {got}")
    model.load_state_dict(found, strict=False)
    return missing


def _body(model: nn.Module) -> str:
    """What the names of the body's parameters begin with."""
    if isinstance(model, Bert):
        return ""
    if isinstance(model, GPT):
        return "transformer."
    if isinstance(getattr(model, "bert", None), Bert):
        return "bert."
    raise TypeError(f"load_published: model must be a GPT or a BERT, got {type(model).__name__}")


def _todays_name(key: str) -> str:
    """The name without the prefix of the body, and as layer norms have it in PyTorch."""
    name = key.removeprefix("bert.").removeprefix("transformer.")
    return re.sub(
        r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
    )
