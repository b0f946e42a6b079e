import pytest
import torch

from course_lib.data.words import WordDataset, join_words, number_words

VOCABULARY = (b"", b"cat", b"the", b"sat")


def test_words_are_numbered_and_padded():
    found = number_words(["the cat sat", "cat"], VOCABULARY, 4)
    assert found.dtype == torch.int64
    assert found.tolist() == [[2, 1, 3, 0], [1, 0, 0, 0]]


def test_the_words_come_back_without_padding():
    assert join_words(VOCABULARY, torch.tensor([2, 1, 0, 3, 0])) == "the cat sat"
    assert join_words(VOCABULARY, [0, 0]) == ""


def test_a_data_set_of_words_decodes_and_encodes():
    found = WordDataset(torch.tensor([[2, 1, 0]]), torch.tensor([[3]]), vocabulary=VOCABULARY)
    assert found.decode(found.x[0]) == "the cat"
    assert found.encode("the  cat\nsat").tolist() == [2, 1, 3]
    with pytest.raises(ValueError, match=r"the vocabulary has no \['a', 'dog'\]"):
        found.encode("a cat the dog")
