"""Greedy decoding and beam search: against trying every target, and against tables made by hand."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close

from course_lib.models.decoding import beam_search, greedy_decode
from course_lib.models.seq2seq import Seq2Seq, shift_right
from course_lib.models.seq2seq_transformer import Seq2SeqTransformer

END = 3


class Table:
    """A model that goes by {what was written: probabilities of the next token}, whatever the source."""

    start, padding = 0, 0

    def __init__(self, size, table):
        self.size, self.table = size, table

    def encode(self, source):
        return (source[:, :0],)

    def decode(self, tokens, state):
        written = torch.cat([state[0], tokens], dim=1)
        rows = []
        for row in written.tolist():
            p = self.table.get(tuple(row[1:]), dict.fromkeys(range(self.size), 1 / self.size))
            rows.append([math.log(p[token]) if token in p else -math.inf for token in range(self.size)])
        return torch.tensor(rows, dtype=torch.float64).unsqueeze(1), (written,)


def models(seed, size=4):
    torch.manual_seed(seed)
    options = {"dtype": torch.float64}
    net = [
        lambda: Seq2Seq(5, size, 4, 6, cell="lstm", attention="dot", **options),
        lambda: Seq2Seq(5, size, 4, 6, attention="additive", bidirectional=True, **options),
        lambda: Seq2Seq(5, size, 4, 6, cell="rnn", num_layers=2, **options),
        lambda: Seq2SeqTransformer(5, size, 8, 2, 1, 1, 8, **options),
    ][seed % 4]().eval()
    with torch.no_grad():
        net.head.weight *= 6  # untrained models hardly prefer anything
    return net


@torch.no_grad()
def log_probabilities(net, source, targets):
    """Of targets, the end token included, given source (s,): each from one pass over the whole."""
    found = {}
    for length in {len(target) for target in targets}:
        these = [target for target in targets if len(target) == length]
        y = torch.tensor(these)
        log_p = net(source.expand(len(y), -1), shift_right(y, net.start)).log_softmax(dim=-1)
        sums = log_p.gather(2, y.unsqueeze(-1)).sum(dim=(1, 2))
        found |= dict(zip(these, sums.tolist(), strict=True))
    return found


def every_target(size, max_length):
    """All that end, or are as long as may be."""
    for length in range(1, max_length + 1):
        for target in itertools.product(range(size), repeat=length):
            if END not in target[:-1] and (target[-1] == END or length == max_length):
                yield target


def source_of(n, seed):
    return torch.randint(1, 5, (n, 4), generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 99), st.sampled_from([0.0, 0.7, 1.5]))
@settings(max_examples=12, deadline=None)
def test_a_beam_as_wide_as_there_are_targets_finds_the_best_of_all(seed, alpha):
    net, source = models(seed), source_of(2, seed)
    found = beam_search(net, source, 3, END, beam=64, length_penalty=alpha)
    for row in range(2):
        sums = log_probabilities(net, source[row], list(every_target(4, 3)))
        scores = {target: value / ((5 + len(target)) / 6) ** alpha for target, value in sums.items()}
        ranked = sorted(scores.values(), reverse=True)
        best = max(scores, key=scores.get)
        assert found.tokens[row, 0].tolist() == [*best, *[0] * (3 - len(best))], f"seed {seed}"
        finite = found.scores[row][found.scores[row].isfinite()]
        expected = torch.tensor(ranked, dtype=torch.float64)
        assert_close(finite, expected, f"scores of all {len(ranked)} targets", 1e-9, 1e-9)


@given(st.integers(0, 99), st.integers(1, 4), st.sampled_from([None, END]))
@settings(max_examples=25, deadline=None)
def test_greedy_is_a_loop_that_reads_all_it_wrote_anew(seed, n, end):
    net, source = models(seed), source_of(n, seed)
    rows = []
    for row in source:
        written = []
        while len(written) < 5 and (end is None or end not in written):
            reads = torch.tensor([[net.start, *written]])
            written.append(int(net(row[None], reads)[0, -1].argmax()))
        rows.append(written)
    longest = max(map(len, rows))
    expected = [row + [0] * (longest - len(row)) for row in rows]
    assert greedy_decode(net, source, 5, end).tolist() == expected


@given(st.integers(0, 99), st.integers(1, 3), st.sampled_from([0.0, 1.0]))
@settings(max_examples=20, deadline=None)
def test_a_beam_of_1_is_greedy_and_a_batch_is_its_rows(seed, n, alpha):
    net, source = models(seed), source_of(n, seed)
    greedy = greedy_decode(net, source, 5, END)
    single = beam_search(net, source, 5, END, beam=1, length_penalty=alpha)
    assert single.tokens[:, 0].tolist() == greedy.tolist()
    together = beam_search(net, source, 5, END, beam=3, length_penalty=alpha)
    for row in range(n):
        alone = beam_search(net, source[row : row + 1], 5, END, beam=3, length_penalty=alpha)
        t = alone.tokens.shape[2]
        assert torch.equal(together.tokens[row, :, :t], alone.tokens[0])
        assert not together.tokens[row, :, t:].any(), "padding behind the end"
        assert_close(together.scores[row], alone.scores[0], "scores", 1e-9, 1e-9)


def test_a_beam_takes_back_what_greedy_cannot():
    """0.6 * 0.4 is less than 0.4 * 0.9: the likelier beginning has no likely way on."""
    table = {(): {1: 0.6, 2: 0.4}, (1,): {1: 0.4, 2: 0.35, 3: 0.25}, (2,): {1: 0.9, 2: 0.1}}
    model, source = Table(4, table), torch.ones(1, 1, dtype=torch.int64)
    assert greedy_decode(model, source, 2).tolist() == [[1, 1]]
    found = beam_search(model, source, 2, beam=2)
    assert found.tokens.tolist() == [[[2, 1], [1, 1]]]
    expected = torch.tensor([[0.36, 0.24]], dtype=torch.float64).log()
    assert_close(found.scores, expected, "log-probabilities", 1e-12, 1e-12)


def test_the_length_penalty_makes_up_for_length():
    """Ending at once has 0.3; three tokens more have 0.7 * 0.6 * 0.65 = 0.273, and a better rate."""
    table = {(): {END: 0.3, 1: 0.7}, (1,): {1: 0.6, 2: 0.4}, (1, 1): {END: 0.65, 1: 0.35}}
    model, source = Table(4, table), torch.ones(1, 1, dtype=torch.int64)
    short = beam_search(model, source, 3, END, beam=4)
    assert short.tokens[0, 0].tolist() == [END, 0, 0]
    assert short.scores[0, 0].item() == pytest.approx(math.log(0.3))
    long = beam_search(model, source, 3, END, beam=4, length_penalty=1.0)
    assert long.tokens[0, 0].tolist() == [1, 1, END]
    assert long.scores[0, 0].item() == pytest.approx(math.log(0.7 * 0.6 * 0.65) / (8 / 6))


def test_it_stops_when_everything_has_ended():
    table = {(): {END: 0.5, 1: 0.5}, (1,): {END: 1.0}}
    model, source = Table(4, table), torch.ones(3, 2, dtype=torch.int64)
    found = beam_search(model, source, 50, END, beam=5)
    assert found.tokens.shape == (3, 5, 2)
    assert found.scores[:, :2].exp().tolist() == [[0.5, 0.5]] * 3
    assert found.scores[:, 2:].isneginf().all(), "there are two targets, and five were asked for"
    assert greedy_decode(Table(4, {(): {END: 1.0}}), source, 50, END).tolist() == [[END]] * 3


def test_nothing_is_recorded_for_gradients():
    net, source = models(0), source_of(2, 0)
    assert not beam_search(net, source, 3).scores.requires_grad
    before = source.clone()
    greedy_decode(net, source, 3)
    assert torch.equal(source, before)


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"max_length": 0}, "max_length must be 1 or more, got 0"),
        (TypeError, {"max_length": 2.5}, "max_length must be an integer"),
        (ValueError, {"max_length": 3, "end": -1}, "end must be 0 or more, got -1"),
        (ValueError, {"max_length": 3, "beam": 0}, "beam must be 1 or more, got 0"),
        (ValueError, {"max_length": 3, "length_penalty": -1.0}, "length_penalty must be 0 or more"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=f"beam_search: {words}"):
        beam_search(models(0), source_of(1, 0), **options)
    if options.keys() <= {"max_length", "end"}:
        with pytest.raises(error, match=f"greedy_decode: {words}"):
            greedy_decode(models(0), source_of(1, 0), **options)
