from collections import Counter

import pytest

from course_lib.data.hashed_splits import distinct, split_of


def drawn(split, n, seed=0, most=10**6):
    return distinct("anything", seed, split, n, lambda rng: int(rng.integers(most)), str)


def test_six_tenths_train_and_two_are_held_out_twice():
    counts = Counter(split_of(str(number)) for number in range(20_000))
    for split, share in {"train": 0.6, "validation": 0.2, "test": 0.2}.items():
        assert abs(counts[split] / 20_000 - share) < 0.015, counts


def test_keys_that_differ_in_one_place_are_independent():
    together = sum(split_of(f"{number}+1") == split_of(f"{number}+2") for number in range(20_000))
    assert abs(together / 20_000 - (0.36 + 0.04 + 0.04)) < 0.015


def test_examples_are_different_and_belong_to_their_split():
    found = drawn("validation", 500)
    assert len(set(found)) == 500
    assert all(split_of(str(each)) == "validation" for each in found)


def test_no_seed_takes_from_another_split():
    train = {each for seed in range(3) for each in drawn("train", 500, seed, most=3000)}
    test = {each for seed in range(3) for each in drawn("test", 300, seed, most=3000)}
    assert not train & test
    assert drawn("train", 50, seed=1) != drawn("train", 50)


def test_asking_for_more_keeps_the_first_ones():
    assert drawn("test", 200)[:70] == drawn("test", 70)


def test_all_there_are_can_be_had_and_no_more():
    members = [number for number in range(100) if split_of(str(number)) == "test"]
    assert sorted(drawn("test", len(members), most=100)) == members
    with pytest.raises(
        ValueError, match=f"n must be at most about {len(members)} for 'test' of 'anything' .* got 99"
    ):
        drawn("test", 99, most=100)
