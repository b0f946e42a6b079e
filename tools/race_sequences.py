"""Race five nets on three tasks from sequence to sequence: ``python tools/race_sequences.py``.

A recurrent encoder and decoder with each of three cells, one of them with attention as well, and a
transformer, all of about the same size, learn to recall a letter, to write dates and to add. Each has the
same seconds of one core, whatever else the machine does, and the learning rate that was best for it in a
shorter run on validation data. How many are right on test data, from beginning to end, by the length of the
question, is written to ``course_lib/training/records/sequence_race.json``.
"""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pretraining import descend, processor, train_for, versions
from torch import Tensor, nn

import course_lib
from course_lib import data, models, optim, training
from course_lib.training import teacher_forcing_loss

RECORD = Path(course_lib.__file__).parent / "training/records/sequence_race.json"
CELLS = {"RNN": "rnn", "LSTM": "lstm", "GRU": "gru", "GRU, attention": "gru"}
KINDS = (*CELLS, "transformer")

Pairs = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Settings:
    """Everything that decides what comes out, but for the speed of the machine.

    Attributes:
        seconds: of one core, for each net.
        trial_seconds: of one core, for each learning rate that is tried.
        rates: of Adam; each rises over the first steps and falls to 0 along a cosine of the time.
        batch_size: pairs a step, of questions of similar length.
        largest_gradient: by its norm.
        parameters: that no net has more of; recurrent ones are as wide as that allows.
        examples: to learn from,
        held_out: to choose the rate by, and to judge by, each.
        distances: after how many letters a net is asked to recall one; it learns with the second.
        seeds: of the weights and the order of the examples; the rates are tried with another.
    """

    seconds: float = 15.0
    trial_seconds: float = 5.0
    rates: tuple[float, ...] = (0.002, 0.005, 0.01)
    batch_size: int = 32
    largest_gradient: float = 1.0
    parameters: int = 93_000
    examples: int = 8000
    held_out: int = 1000
    distances: tuple[int, ...] = (10, 20, 40, 80)
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass
class Task:
    """Pairs of questions and answers, and the number of tokens in either."""

    learn: Pairs
    choose: Pairs
    judge: dict[str, Pairs]  # by what tells the lengths
    tokens: int


def pairs(name: str, split: str, n: int, **options: Any) -> tuple[Pairs, int]:
    """The first n pairs of a split, and the number of tokens."""
    part = data.load(name, split=split, n=n, **options)
    return (part.x, part.y), len(part.vocabulary)


def by_length(judge: Pairs, bounds: tuple[int, ...]) -> dict[str, Pairs]:
    """Pairs by the length of the question: up to the first bound, up to the second, and so on."""
    length = (judge[0] != 0).sum(dim=1)
    found = {}
    for low, high in itertools.pairwise((0, *bounds)):
        chosen = (length > low) & (length <= high)
        found[f"{low + 1}-{high}"] = (judge[0][chosen], judge[1][chosen])
    return found


def tasks(settings: Settings) -> dict[str, Task]:
    """What is raced over."""
    made = {}
    load = partial(pairs, "recall", distance=settings.distances[1])
    learn, tokens = load("train", settings.examples)
    asked = {
        str(each): pairs("recall", "test", settings.held_out, distance=each)[0] for each in settings.distances
    }
    made["recall"] = Task(learn, load("validation", settings.held_out)[0], asked, tokens)
    sums = {"digits": 2, "operations": "+"}
    for name, options, bounds in (("dates", {}, (10, 14, 29)), ("arithmetic", sums, (4, 5, 6))):
        load = partial(pairs, name, **options)
        learn, tokens = load("train", settings.examples if name == "dates" else settings.examples * 3 // 4)
        judge = by_length(load("test", settings.held_out)[0], bounds)
        made[name] = Task(learn, load("validation", settings.held_out)[0], judge, tokens)
    return made


def size_of(net: nn.Module) -> int:
    """The number of its parameters."""
    return sum(parameter.numel() for parameter in net.parameters())


def make(kind: str, tokens: int, most: int) -> nn.Module:
    """A fresh net of a kind, with at most so many parameters."""
    if kind == "transformer":
        options = {"num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 128, "dropout": 0.0}
        return models.transformer(tokens, tokens, **options)
    attention = "dot" if "attention" in kind else None
    recurrent = partial(models.seq2seq, tokens, tokens, cell=CELLS[kind], attention=attention)
    with torch.device("meta"):
        width = next(k for k in itertools.count(16) if size_of(recurrent(hidden_size=k + 1)) > most)
    return recurrent(hidden_size=width)


def batches(learn: Pairs, size: int, seed: int) -> Iterator[Pairs]:
    """Batches without end, of questions of similar length."""
    rng = torch.Generator().manual_seed(seed)
    of_similar = training.BucketBatches(training.trim_padding(learn[0]), list(learn[1]), size, rng)
    return itertools.chain.from_iterable(itertools.repeat(of_similar))


def taught(
    kind: str, task: Task, rate: float, seconds: float, seed: int, settings: Settings
) -> tuple[nn.Module, int]:
    """A net of a kind after so many seconds of training, in evaluation mode, and the number of its steps."""
    torch.manual_seed(seed)
    net = make(kind, task.tokens, settings.parameters)
    optimizer = optim.Adam(net.parameters(), lr=rate)
    given = batches(task.learn, settings.batch_size, seed)

    def step(share: float) -> None:
        loss = teacher_forcing_loss(net, *next(given))
        descend(optimizer, loss, rate * share, settings.largest_gradient)

    steps = train_for(seconds, step)["steps"]
    return net.eval(), steps


def exact(net: nn.Module, judge: Pairs) -> float:
    """Share of the answers that the net writes without a fault."""
    written = models.greedy_decode(net, judge[0], judge[1].shape[1])
    return (written == judge[1]).all(dim=1).double().mean().item()


def best_rate(kind: str, task: Task, settings: Settings) -> float:
    """The learning rate after whose short run the validation loss is lowest."""
    losses = {}
    for rate in settings.rates:
        net, _ = taught(kind, task, rate, settings.trial_seconds, max(settings.seeds) + 1, settings)
        with torch.no_grad():
            losses[rate] = teacher_forcing_loss(net, *task.choose).item()
    return min(losses, key=lambda rate: losses[rate])


def race(kind: str, task: Task, settings: Settings) -> dict[str, Any]:
    """What a kind of net does on a task: for each seed its steps, and the shares that are right."""
    rate = best_rate(kind, task, settings)
    runs = []
    for seed in settings.seeds:
        net, steps = taught(kind, task, rate, settings.seconds, seed, settings)
        began = time.process_time()
        right = {length: round(exact(net, judge), 4) for length, judge in task.judge.items()}
        answers = sum(len(judge[0]) for judge in task.judge.values())
        spent = (time.process_time() - began) / answers
        runs.append({"seed": seed, "steps": steps, "right": right, "milliseconds": round(1e3 * spent, 3)})
    answers_of = {length: len(judge[0]) for length, judge in task.judge.items()}
    return {"rate": rate, "parameters": size_of(net), "answers": answers_of, "runs": runs}


def main(settings: Settings | None = None, path: Path = RECORD) -> None:
    """Race all kinds on all tasks, and write the record."""
    settings = settings or Settings()
    torch.set_num_threads(1)  # one core's seconds
    results: dict[str, dict[str, Any]] = {}
    for name, task in tasks(settings).items():
        results[name] = {}
        for kind in KINDS:
            results[name][kind] = race(kind, task, settings)
            print(name, kind, results[name][kind], flush=True)
    record = {"settings": asdict(settings), "processor": processor(), "versions": versions()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record | {"results": results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
