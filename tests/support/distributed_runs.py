"""What tests of distributed training run in several processes, and in one to compare with.

``torchrun --max-restarts 1 ... distributed_runs.py OUT`` writes what each process found to OUT. All is in one
launch, since to import PyTorch takes each process longer than its work.
``python distributed_runs.py callers OUT`` starts some that start torchrun, and wait.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import torch
from torch import nn

from course_lib import layers, models, optim
from course_lib.models.gpt_config import GPT2Config
from course_lib.models.token_losses import token_loss
from course_lib.training.distributed import (
    Processes,
    SyncBatchNorm2d,
    backward_together,
    compare_gradients,
    fit_together,
    joined,
    measure_speed,
    share,
    torchrun,
)

STEPS, EVERY, BATCH, EXAMPLES, DEATH = 12, 3, 50, 120, 7  # 120 = 50 + 50 + 20: batches of two sizes


def pictures(n, dtype):
    """n pictures and their classes, the same in all processes."""
    drawn = torch.Generator().manual_seed(n)
    x = torch.randn(n, 1, 8, 8, dtype=torch.float64, generator=drawn).to(dtype)
    return x, torch.randint(10, (n,), generator=drawn)


def tokens(n, dtype):
    """n rows of five tokens and what follows them."""
    stream = torch.randint(11, (n, 6), generator=torch.Generator().manual_seed(n))
    return stream[:, :-1], stream[:, 1:]


def cross_entropy(model, x, y):
    return nn.functional.cross_entropy(model(x), y)


def next_token(model, x, y):
    return token_loss(model(x), y)


def net(dtype, norm=None, dropout=0.0):
    """A small net for ``pictures``; torch's random numbers decide its weights."""
    torch.manual_seed(1)
    first = layers.Conv2d(1, 4, 3, padding=1, dtype=dtype)
    norms = [] if norm is None else [norm(4, dtype=dtype)]
    last = layers.Linear(256, 10, dtype=dtype)
    return nn.Sequential(first, *norms, layers.ReLU(), nn.Flatten(), layers.Dropout(dropout), last)


def frozen(dtype):
    made = net(dtype)
    made[0].requires_grad_(False)
    return made


def unused(dtype):
    made = net(dtype)
    made.register_parameter("never", nn.Parameter(torch.ones(3, dtype=dtype)))
    return made


def gpt(dtype):
    torch.manual_seed(1)
    return models.GPT2(GPT2Config(11, 5, n_embd=8, n_layer=2, n_head=2, dropout=0.0), dtype=dtype)


# Name: model, data, loss, precision, examples in the batch that two processes share.
GRADIENTS = {
    "equal shares": (net, pictures, cross_entropy, torch.float64, 8),
    "unequal shares": (net, pictures, cross_entropy, torch.float64, 7),
    "shares of 2 and 1": (net, pictures, cross_entropy, torch.float64, 3),
    "a share of nothing": (net, pictures, cross_entropy, torch.float64, 1),
    "float32": (net, pictures, cross_entropy, torch.float32, 61),
    "a frozen layer": (frozen, pictures, cross_entropy, torch.float64, 5),
    "an unused parameter": (unused, pictures, cross_entropy, torch.float64, 5),
    "tied weights": (gpt, tokens, next_token, torch.float64, 5),
    "a GPT in float32": (gpt, tokens, next_token, torch.float32, 9),
}


def gradients(model, loss, x, y, processes=None):
    """The loss and its gradients by ``backward_together``, as ``processes`` see them; alone by default."""
    processes = processes or Processes()
    own = share(torch.arange(len(x)), processes.rank, processes.world)
    value = backward_together(model, loss, x[own], y[own], total=len(x))
    return value, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def case_gradients(name, processes=None):
    make, draw, loss, dtype, n = GRADIENTS[name]
    return gradients(make(dtype), loss, *draw(n, dtype), processes)


def case_comparison(name, processes):
    """Whole, ours and torch's, where each process has an example and torch copes with all parameters."""
    make, draw, loss, dtype, n = GRADIENTS[name]
    return compare_gradients(make(dtype), loss, *draw(n, dtype), processes)


def with_norm(norm, processes=None, n=7, dtype=torch.float64):
    """Gradients, running statistics and what the net says in evaluation, after one batch."""
    model = net(dtype, norm)
    x, y = pictures(n, dtype)
    found = gradients(model, cross_entropy, 3 * x + 100, y, processes)
    return (*found, dict(model.named_buffers()), model.eval()(x).detach())


def standardized(x, processes):
    """A process's share of x in bfloat16, standardized, and what it should be by float64."""
    norm = SyncBatchNorm2d(x.shape[1], dtype=torch.bfloat16)
    expected = (x.double() - x.double().mean()) / x.double().std(correction=0)
    own = share(torch.arange(len(x)), processes.rank, processes.world)
    return norm(x[own].bfloat16()), expected[own], norm.running_var


def fit(processes, dropout, checkpoint=None, after_step=None, steps=STEPS, dtype=torch.float64):
    """Train a net with Adam; return the record and the parameters."""
    model = net(dtype, dropout=dropout)
    x, y = pictures(EXAMPLES, dtype)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = fit_together(
        model,
        SimpleNamespace(x=x, y=y),
        cross_entropy,
        optimizer,
        processes,
        steps=steps,
        batch_size=BATCH,
        rate=lambda step: 0.01 / (1 + step),
        seed=3,
        checkpoint=checkpoint,
        every=EVERY,
        after_step=after_step,
    )
    return history.state_dict(), {name: p.detach().clone() for name, p in model.named_parameters()}


def together(processes, out):
    """All that needs two processes and no accident."""
    checkpoint = out / "plain.pt"

    def keep_half(step):
        if step == STEPS // 2 and processes.rank == 0:
            shutil.copy(checkpoint, out / "half.pt")

    compared = [name for name in GRADIENTS if name not in ("a share of nothing", "an unused parameter")]
    found = {name: case_gradients(name, processes) for name in GRADIENTS}
    found["comparison"] = {name: case_comparison(name, processes) for name in compared}
    found["batch norm"] = with_norm(layers.BatchNorm2d, processes)
    found["sync batch norm"] = with_norm(SyncBatchNorm2d, processes)
    found["in 16 bits"] = standardized(torch.arange(1200.0).view(4, 1, 10, 30), processes)
    try:
        with_norm(SyncBatchNorm2d, processes, n=1)
    except ValueError as error:
        found["too few"] = str(error)
    found["plain"] = fit(processes, 0.0, checkpoint, keep_half)
    found["dropout"] = fit(processes, 0.5)
    task = SimpleNamespace(model=net(torch.float32), loss=cross_entropy)
    task.data = SimpleNamespace(**dict(zip("xy", pictures(30, torch.float32), strict=True)))
    task.optimizer = optim.SGD(task.model.parameters(), lr=0.1)
    found["speed"] = vars(measure_speed(task, processes, batch_size=20, steps=3))
    found["addresses"] = [c.raddr.ip for c in psutil.Process().net_connections() if c.raddr]
    torch.save(found, out / f"together{processes.rank}.pt")


def killed(processes, out, life):
    """The run with dropout, in which process 1 is killed in its first life."""
    done = []

    def accident(step):
        done.append(step)
        (out / f"life{life}-rank{processes.rank}.txt").write_text(" ".join(map(str, done)))
        if step == DEATH and processes.rank == 1 and life == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    found = fit(processes, 0.5, out / "killed.pt", accident)
    torch.save(found, out / f"killed{processes.rank}.pt")


def callers(out):
    """A process for each signal, named by it, that calls torchrun and waits for what never ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background may ignore it
    names = ("SIGINT", "SIGTERM", "SIGKILL")
    for name in names:
        if os.fork() == 0:
            torchrun(1, [str(out / "forever.py"), str(out / name), str(os.getpid())])
            os._exit(1)
    for _ in names:
        os.wait()


if __name__ == "__main__":
    *what, _out = sys.argv[1:]
    if what:
        callers(Path(_out))
    else:
        with joined("cpu", timeout=900) as _processes:
            _life = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
            if _life == 0:
                together(_processes, Path(_out))
            killed(_processes, Path(_out), _life)
