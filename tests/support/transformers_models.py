"""Hugging Face's GPT-1, GPT-2 and BERT as an independent reference: tiny, random, and never downloaded."""

import torch

import torchvision_models  # isort: skip  # transformers imports torchvision: this is how it can be
import transformers
from originals import assert_close

assert torchvision_models.torchvision, "imported"

VOCABULARY, POSITIONS = 23, 12
GPT_SIZES = {"vocab_size": VOCABULARY, "n_positions": POSITIONS, "n_embd": 24, "n_layer": 3, "n_head": 4}
BERT_SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": POSITIONS,
}


def twin(name: str, seed: int = 0, **options) -> torch.nn.Module:
    """Hugging Face's model of that class, in evaluation: attention by the formula, and no weight 0 or 1."""
    kind = getattr(transformers, name)
    sizes = BERT_SIZES if name.startswith("Bert") else GPT_SIZES | {"bos_token_id": 0, "eos_token_id": 0}
    torch.manual_seed(seed)
    model = kind(kind.config_class(**sizes | {"attn_implementation": "eager"} | options))
    return lively(model).eval()


def lively(model: torch.nn.Module) -> torch.nn.Module:
    """The model with weights ten times as large as they start, so that outputs depend on every one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def of_full_size(name: str, **options) -> torch.nn.Module:
    """Hugging Face's model of that class in a published size, on the meta device: nothing is allocated."""
    kind = getattr(transformers, name)
    with torch.device("meta"):
        return kind(kind.config_class(**options))


def random_tokens(n: int = 3, t: int = 9, seed: int = 1) -> torch.Tensor:
    return torch.randint(VOCABULARY, (n, t), generator=torch.Generator().manual_seed(seed))


def right_padded(n: int = 3, t: int = 9) -> torch.Tensor:
    """A mask of ones for tokens and zeros for padding behind them, unlike in each row."""
    lengths = torch.tensor([t, t // 2, 1])[:n]
    return (torch.arange(t) < lengths[:, None]).long()


def assert_same_names(ours, theirs, what):
    """The same names in the same order, of the same shapes; the same of them are parameters."""
    got = {name: tuple(value.shape) for name, value in ours.state_dict().items()}
    expected = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    assert list(got) == list(expected), f"{what}: names, {sorted(set(got) ^ set(expected))}"
    assert got == expected, f"{what}: shapes {[name for name in got if got[name] != expected[name]]}"
    mine = [name for name, _ in ours.named_parameters()]
    assert mine == [name for name, _ in theirs.named_parameters()], f"{what}: which are parameters"


def assert_near(got, expected, what):
    """Equal to 1e-5 of the largest, and not all equal: something can be seen to differ."""
    scale = expected.abs().max().item()
    assert expected.std() > 0.01 * scale, f"{what}: outputs that differ from each other"
    assert_close(got, expected, what, atol=1e-5 * scale)


def assert_gradients_near(ours, theirs):
    """Each parameter's gradient equal to 1e-4 of its largest, or to 1e-6 where that is next to nothing."""
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        atol = 1e-4 * other.grad.abs().max().item() + 1e-6
        assert_close(mine.grad, other.grad, f"gradient of {name}", rtol=0, atol=atol)
