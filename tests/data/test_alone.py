import threading
import time

import pytest

from course_lib.data.alone import alone_in
from course_lib.data.failures import Failure


def test_the_folder_is_there_inside_and_stays_after_success(tmp_path):
    folder = tmp_path / "a" / "b"
    with alone_in(folder, 5):
        assert folder.is_dir()
    assert folder.is_dir()


def test_only_what_was_made_here_goes_after_a_failure(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(RuntimeError, match="inside"), alone_in(tmp_path / "a" / "b" / "c", 5):
        raise RuntimeError("inside")
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]


def test_what_is_in_the_folder_survives_a_failure(tmp_path):
    def keep_and_fail():
        with alone_in(tmp_path / "a", 5):
            (tmp_path / "a" / "kept").write_text("")
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        keep_and_fail()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["kept"]


def test_waiting_ends_with_an_explanation(tmp_path):
    inside, leave = threading.Event(), threading.Event()

    def occupy():
        with alone_in(tmp_path / "a", 5):
            inside.set()
            leave.wait(20)

    holder = threading.Thread(target=occupy)
    holder.start()
    try:
        assert inside.wait(10)
        with (
            pytest.raises(Failure, match=r"another process has been fetching it for 0.1 s"),
            alone_in(tmp_path / "a", 0.1),
        ):
            pytest.fail("two at once")
        assert (tmp_path / "a").is_dir(), "the folder of the one who is inside must not go"
    finally:
        leave.set()
        holder.join(10)


def test_one_at_a_time_although_some_fail_and_remove_the_folder(tmp_path):
    folder = tmp_path / "cache" / "set"
    inside, most, done = [], [], []

    def enter(number):
        try:
            with alone_in(folder, 20):
                inside.append(number)
                most.append(len(inside))
                assert folder.is_dir()
                time.sleep(0.005)
                inside.remove(number)
                if number % 2:
                    raise RuntimeError("fails")
        except RuntimeError:
            pass
        done.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done) == list(range(16))
    assert set(most) == {1}, f"{max(most)} were inside at once"
