import torch

from course_lib.data.strings import numbered, vocabulary


def test_characters_are_numbered_from_one_and_padded_with_zero():
    found = numbered(["ab", "", "cab"], "abc", 4)
    assert found.dtype == torch.int64
    assert found.tolist() == [[1, 2, 0, 0], [0, 0, 0, 0], [3, 1, 2, 0]]


def test_the_vocabulary_gives_the_strings_back():
    words = vocabulary("abc")
    assert words == (b"", b"a", b"b", b"c")
    for row, string in zip(numbered(["ab", "", "cab"], "abc", 4), ["ab", "", "cab"], strict=True):
        assert b"".join(words[number] for number in row).decode() == string
