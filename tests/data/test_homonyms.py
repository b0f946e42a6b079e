from collections import Counter

import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from course_lib import data
from course_lib.data.homonym_phrases import DETERMINERS, MEANINGS, OPENINGS, TAILS

SPLITS = ("train", "validation", "test")
ALL = data.load("homonyms", "all")
SENTENCES = [ALL.decode(x) for x in ALL.x]
ANSWERS = [ALL.decode(y) for y in ALL.y]
WORDS = {meaning.name: meaning.word for meaning in MEANINGS}


def around(sentence, place):
    """What stands before and after the homonym, without the opening."""
    words = sentence.split()
    before, after = " ".join(words[:place]), " ".join(words[place + 1 :])
    for opening in OPENINGS[1:]:
        before = before.removeprefix(opening).strip()
    return before, after


def test_six_words_have_two_meanings_each_and_names_of_their_own():
    assert Counter(WORDS.values()) == dict.fromkeys(("bank", "bat", "crane", "mouse", "seal", "spring"), 2)
    spoken = {word for sentence in SENTENCES for word in sentence.split()}
    assert not spoken & set(WORDS), "a sentence gives the answer's name away"
    assert spoken | set(WORDS) | {""} == {word.decode() for word in ALL.vocabulary}


def test_the_place_is_that_of_the_only_homonym():
    for sentence, answer, place in zip(SENTENCES, ANSWERS, ALL.place, strict=True):
        words = sentence.split()
        assert words[place] == WORDS[answer]
        assert sum(word in set(WORDS.values()) for word in words) == 1


def test_clues_are_where_they_are_said_to_be_and_belong_to_the_meaning():
    meanings = {meaning.name: meaning for meaning in MEANINGS}
    for sentence, answer, place, clue in zip(SENTENCES, ANSWERS, ALL.place, ALL.clue, strict=True):
        (before, after), meaning = around(sentence, place), meanings[answer]
        if clue == 0:
            assert before in meaning.before
            assert after in TAILS
        else:
            assert after in meaning.after
            assert before in DETERMINERS if clue == 1 else before.split()[1] in meaning.adjectives


def test_no_phrase_goes_with_both_meanings_of_a_word():
    for first in MEANINGS:
        for other in MEANINGS:
            if first.word == other.word and first.name != other.name:
                for part in ("before", "adjectives", "after"):
                    assert not set(getattr(first, part)) & set(getattr(other, part)), (first.word, part)


def test_meanings_and_kinds_of_clues_are_even():
    counts = Counter(ANSWERS)
    assert min(counts.values()) > 0.8 * 3000 / 12, counts
    assert ((ALL.clue.bincount() / 3000 - 1 / 3).abs() < 0.04).all()


def test_no_combination_is_in_two_splits_whatever_the_seed():
    seen = {split: set() for split in SPLITS}
    for seed in range(3):
        for split in SPLITS:
            found = data.load("homonyms", split, n=300, seed=seed)
            sentences = [found.decode(x) for x in found.x]
            assert len(set(sentences)) == 300, "a sentence came twice"
            for sentence, place in zip(sentences, found.place, strict=True):
                before, after = around(sentence, int(place))
                seen[split].add((before, sentence.split()[place], after))
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]


def test_the_sheet_is_right_about_reading_from_the_left():
    """Words up to the homonym tell its meaning where the clue comes before it, and are a guess elsewhere."""
    train, test = (data.load("homonyms", split) for split in ("train", "test"))
    seen = [
        [" ".join(f.decode(x).split()[: p + 1]) for x, p in zip(f.x, f.place, strict=True)]
        for f in (train, test)
    ]
    whole = [[f.decode(x) for x in f.x] for f in (train, test)]
    right = {}
    for name, (texts, new) in {"left": seen, "whole": whole}.items():
        counter = CountVectorizer().fit(texts)
        model = LogisticRegression(C=100, max_iter=2000).fit(counter.transform(texts), train.y[:, 0])
        right[name] = torch.from_numpy(model.predict(counter.transform(new))) == test.y[:, 0]
    assert right["whole"].float().mean() > 0.97
    assert right["left"][test.clue == 0].float().mean() > 0.97
    assert 0.3 < right["left"][test.clue == 1].float().mean() < 0.7


def test_encode_undoes_decode():
    for x, sentence in zip(ALL.x[:50], SENTENCES, strict=False):
        tokens = ALL.encode(sentence)
        assert torch.equal(tokens, x[: len(tokens)])
        assert (x[len(tokens) :] == 0).all()


def test_it_moves_with_all_its_parts():
    moved = ALL.to("cpu")
    assert moved.decode(moved.x[3]) == SENTENCES[3]
    assert torch.equal(moved.place, ALL.place)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 5000}, "n must be at most about .* for 'train' of 'homonyms' .* got 5000"),
        ({"seed": "one"}, "seed must be a whole number of at least 0, got 'one'"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("homonyms", **options)
