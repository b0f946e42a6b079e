from pydoc_data.topics import topics

import pytest
import torch

from course_lib import data

SPLITS = ("train", "validation", "test")


def paragraphs(split):
    return {" ".join(p.split()) for p in data.load("python-docs", split).text.split("\n\n") if p.strip()}


def test_it_is_pythons_own_text():
    every = {" ".join(p.split()) for topic in topics.values() for p in topic.split("\n\n")}
    found = [paragraphs(split) for split in SPLITS]
    assert set.union(*found) == every - {""}, "something was lost or added"


def test_no_paragraph_is_in_two_splits():
    train, validation, test = ({p for p in paragraphs(split) if len(p) >= 40} for split in SPLITS)
    assert min(len(validation), len(test)) > 50
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_a_target_is_the_next_byte_and_blocks_follow_one_another():
    docs = data.load("python-docs")
    assert torch.equal(docs.x[:, 1:], docs.y[:, :-1])
    assert torch.equal(docs.x[1:, 0], docs.y[:-1, -1])
    raw = docs.text.encode()
    assert bytes(docs.x.flatten().tolist()) == raw[: docs.x.numel()]


def test_text_has_no_long_gaps_and_decodes():
    docs = data.load("python-docs", "test")
    assert docs.decode(docs.x[0]) == docs.text.encode()[:128].decode()
    assert torch.equal(docs.encode("naïve"), torch.tensor(list("naïve".encode())))
    assert docs.decode(docs.encode("naïve")) == "naïve"
    assert "\n\n\n" not in docs.text


@pytest.mark.parametrize("length", [1, 64, 100, 1000])
def test_blocks_of_any_length_hold_about_the_same_text(length):
    docs = data.load("python-docs", "validation", length=length)
    assert docs.x.shape == docs.y.shape == (250 * 128 // length, length)


def test_the_whole_is_the_parts_in_order():
    parts = [data.load("python-docs", split) for split in SPLITS]
    every = data.load("python-docs", "all")
    assert torch.equal(every.x, torch.cat([part.x for part in parts]))
    assert every.text == "\n\n".join(part.text for part in parts)


@pytest.mark.parametrize(
    ("length", "words"),
    [(0, "length must be a whole number"), (10**7, "length must be at most .* for 'train'")],
)
def test_a_bad_length_is_named(length, words):
    with pytest.raises(ValueError, match=words):
        data.load("python-docs", length=length)
