"""What the command trains: two models of the course on embedded data, small enough for any machine."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from course_lib import data, models, optim
from course_lib.layers import checks
from course_lib.models.gpt_config import GPT2Config
from course_lib.models.token_losses import token_loss
from course_lib.training.distributed.summing import ModelLoss
from course_lib.training.measures import cross_entropy

LENGTH = 32  # bytes that the language model reads


@dataclass
class Task:
    """A model, the data that it learns from, its loss and its optimizer."""

    model: nn.Module
    data: Any
    loss: ModelLoss
    optimizer: torch.optim.Optimizer


def digits(seed: int = 0) -> Task:
    """A small CNN without batch norm that reads digits, trained by gradient descent with momentum."""
    torch.manual_seed(seed)
    model = models.simple_cnn()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return Task(model, data.load("digits"), lambda model, x, y: cross_entropy(model(x), y), optimizer)


def python_docs(seed: int = 0) -> Task:
    """A small GPT-2 that reads Python's reference byte by byte, trained by AdamW."""
    torch.manual_seed(seed)
    model = models.GPT2(GPT2Config(256, LENGTH, n_embd=64, n_layer=2, n_head=4, dropout=0.0))
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    text = data.load("python-docs", length=LENGTH)
    return Task(model, text, lambda model, x, y: token_loss(model(x), y), optimizer)


TASKS = {"digits": digits, "python-docs": python_docs}


def make_task(name: str, seed: int = 0) -> Task:
    """Return the task of that name, "digits" or "python-docs", its weights drawn from ``seed``.

    Raises:
        ValueError: there is no such task.
    """
    checks.one_of("make_task", "name", name, list(TASKS))
    return TASKS[name](seed)
