"""What a student reads for every kind of answer. Each test asserts on the words."""

import functools
import html
import re
import sys
import time

import numpy as np
import pytest
import torch

from course_lib.exercises import Exercise, Mistake, case, check


def text(report):
    """The report on one line."""
    return " ".join(str(report).split())


def good(w, x, factor=2.0):
    return factor * (x @ w)


def details(report):
    return {detail.label: detail.text for detail in report.details}


# --- right ----------------------------------------------------------------------------------------


def test_a_right_answer_passes_with_the_number_of_cases(scale):
    report = check(scale, good)
    assert report.passed
    assert report.status == "passed"
    assert report.exercise == "toy/scale"
    assert str(report) == "PASSED: Scale <it>\n\nAll 3 cases agree."


@pytest.mark.parametrize(
    "form",
    [
        lambda v: v.tolist(),
        tuple,
        torch.tensor,
        lambda v: torch.tensor(v, dtype=torch.float32, requires_grad=True),
        lambda v: v.astype(np.float32),
        lambda v: np.repeat(v, 2)[::2],
        lambda v: v.astype(np.longdouble),
    ],
)
def test_other_forms_pass(scale, form):
    assert check(scale, lambda w, x, factor=2.0: form(good(w, x, factor))).passed


class Callable:
    def __call__(self, w, x, factor=2.0):
        return good(w, x, factor)

    def method(self, w, x, factor=2.0):
        return good(w, x, factor)


@pytest.mark.parametrize(
    "answer",
    [
        Callable(),
        Callable().method,
        functools.partial(good),
        functools.wraps(good)(lambda *a, **k: good(*a, **k)),
    ],
)
def test_callables_of_all_kinds_are_called(scale, answer):
    assert check(scale, answer).passed


def test_printing_is_allowed_and_shown(scale):
    def answer(w, x, factor=2.0):
        print("w is", w)
        return good(w, x, factor)

    report = check(scale, answer)
    assert report.passed
    assert "Printed:\n    w is [1. 2.]" in str(report)


def test_long_prints_are_cut(scale):
    def answer(w, x, factor=2.0):
        for n in range(100_000):
            print("line", n)
        return good(w, x, factor)

    report = check(scale, answer)
    assert report.passed
    assert "line 4\n    ..." in str(report)
    assert len(str(report)) < 300


def test_warnings_are_shown_once(scale):
    def answer(w, x, factor=2.0):
        np.log(np.zeros(1))
        return good(w, x, factor)

    report = check(scale, answer)
    assert report.passed
    assert text(report).count("RuntimeWarning: divide by zero encountered in log") == 1


# --- not started ----------------------------------------------------------------------------------


def stub_dots(w, x, factor=2.0):
    """Return the scaled sums."""
    ...


def stub_pass(w, x, factor=2.0):
    pass


def stub_bare_return(w, x, factor=2.0):
    return


def stub_raise(w, x, factor=2.0):
    """Return the scaled sums."""
    raise NotImplementedError


def stub_raise_words(w, x, factor=2.0):
    raise NotImplementedError("your turn")


def stub_closure():
    outer = 1

    def stub(w, x, factor=2.0):
        """Return the scaled sums, with `outer`."""
        ...

    return stub if outer else None


@pytest.mark.parametrize(
    "stub",
    [
        stub_dots,
        stub_pass,
        stub_bare_return,
        stub_raise,
        stub_raise_words,
        stub_closure(),
        lambda w, x: ...,
        ...,
    ],
)
def test_an_untouched_stub_is_not_started(scale, stub):
    report = check(scale, stub)
    assert report.status == "not started"
    assert str(report).startswith("NOT STARTED: Scale <it>")
    assert "run this check again" in text(report)


def half_done_returns(w, x, factor=2.0):
    total = x @ w
    return (total, ...)


def half_done_computes(w, x, factor=2.0):
    scaled = ...
    return scaled * 2


def half_done_raises(w, x, factor=2.0):
    if factor != 2.0:
        raise NotImplementedError
    return x @ w


@pytest.mark.parametrize("stub", [half_done_returns, half_done_computes, half_done_raises])
def test_a_blank_left_open_is_not_started(scale, stub):
    report = check(scale, stub)
    assert report.status == "not started"
    assert "There is still a `...`" in text(report)


def test_what_a_library_has_not_implemented_is_an_error(scale):
    def answer(w, x, factor=2.0):
        return torch.empty(2, device="meta").to("cpu")

    report = check(scale, answer)
    assert report.status == "error"
    assert "Your function raised NotImplementedError: Cannot copy out of meta tensor" in text(report)


def returns_a_constant(w, x, factor=2.0):
    """Return the scaled sums."""
    return 3


def only_prints(w, x, factor=2.0):
    print(x @ w)


@pytest.mark.parametrize("answer", [returns_a_constant, only_prints])
def test_a_short_answer_is_not_a_stub(scale, answer):
    assert check(scale, answer).status == "failed"


# --- not what is asked for ------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, np.zeros(3), 3, "text", [good], Callable])
def test_a_value_for_a_function(scale, value):
    report = check(scale, value)
    assert report.status == "error"
    assert "This exercise asks for a function, and you passed" in text(report)
    if value is Callable:
        assert "the class `Callable`" in text(report)
    else:
        assert 'Pass the function itself, without parentheses: `check("toy/scale", your_function)`' in text(
            report
        )


def test_a_function_for_a_value(make):
    report = check(make(3), good)
    assert report.status == "error"
    assert "asks for a value, and you passed `good` itself. Call it and pass what it returns." in text(report)


def test_too_few_parameters_are_named(scale):
    report = check(scale, lambda w: w)
    assert report.status == "error"
    assert "Your function takes 1 argument (w), but it is called with 2 arguments (w, x)." in text(report)


def test_too_many_parameters_are_named(scale):
    report = check(scale, lambda w, x, b, *, c: w)
    assert "Your function takes 4 arguments (w, x, b, c), but it is called with 2 arguments (w, x)." in text(
        report
    )


def test_a_missing_keyword_is_named(scale):
    report = check(scale, lambda w, x: good(w, x))
    assert "takes 2 arguments (w, x), but it is called with 3 arguments (w, x, factor=...)" in text(report)


def test_no_parameters(scale):
    assert "Your function takes no arguments" in text(check(scale, lambda: 3))


# --- raising and stopping -------------------------------------------------------------------------


def test_an_exception_is_shown_with_its_line_and_the_arguments(scale):
    def answer(w, x, factor=2.0):
        total = x @ w
        return total / undefined  # noqa: F821

    report = check(scale, answer)
    assert report.status == "error"
    assert "Your function raised NameError: name 'undefined' is not defined." in text(report)
    assert "the cell which defines the name has been run" in text(report)
    line = answer.__code__.co_firstlineno + 2
    assert f"line {line} of your cell: return total / undefined" in text(report)
    assert "Case: 1 of 3 (two points)" in text(report)
    assert "w = array([1.0, 2.0])" in text(report)
    assert "x = array([[1.0, 2.0], [3.0, 4.0]])" in text(report)


def test_the_line_is_the_students_own_even_where_a_library_raises(scale):
    def answer(w, x, factor=2.0):
        return np.linalg.inv(x[:, :1] @ w[None, :1])

    assert "return np.linalg.inv(x[:, :1] @ w[None, :1])" in text(check(scale, answer))


def test_an_exception_without_words(scale):
    class Silent(Exception):
        def __str__(self):
            raise ValueError

    def answer(w, x, factor=2.0):
        raise Silent

    assert "Your function raised Silent." in text(check(scale, answer))


def test_endless_recursion(scale):
    def answer(w, x, factor=2.0):
        return answer(w, x, factor)

    limit = sys.getrecursionlimit()
    report = check(scale, answer)
    assert report.status == "error"
    assert "RecursionError" in text(report)
    assert "It calls itself without end" in text(report)
    assert sys.getrecursionlimit() == limit


def test_the_first_use_of_a_library_is_not_on_the_answers_time(make):
    loaded = []

    def double(x):
        if not loaded:
            time.sleep(0.3)  # as an import does
            loaded.append(True)
        return 2 * x

    exercise = make(double, [case(0), case(1), case(2)], time_limit=0.2)
    assert check(exercise, lambda x: double(x)).status == "passed"


def test_an_endless_loop(make):
    def answer(x):
        while x:
            pass
        return 0

    exercise = make(lambda x: 2 * x, [case(0), case(1), case(2)], time_limit=0.2)
    report = check(exercise, answer)
    assert report.status == "error"
    assert "did not come to an end within 0.2 seconds" in text(report)
    assert "Is there a loop whose condition never turns false?" in text(report)
    assert "Case: 2 of 3" in text(report)


@pytest.mark.parametrize("way", ["exit", "quit", "sys.exit", "os._exit", "os.abort", "raise SystemExit"])
def test_leaving(scale, way):
    names = {"sys": sys}
    call = way if way.startswith("raise") else f"{way}()"
    exec(f"import os\nfrom os import _exit as leave\ndef answer(w, x, factor=2.0):\n    {call}", names)
    report = check(scale, names["answer"])
    assert report.status == "error"
    assert "Your function tried to end Python" in text(report)


def asks():
    input("x? ")


def reads():
    sys.stdin.readline()


def breaks():
    breakpoint()


@pytest.mark.parametrize("way", [asks, reads, breaks])
def test_waiting_for_someone_to_type(scale, way):
    report = check(scale, lambda w, x, factor=2.0: way())
    assert report.status == "error"
    assert "Your function waits for someone to type" in text(report)


def test_an_interrupt_is_reported(scale):
    def answer(w, x, factor=2.0):
        raise KeyboardInterrupt

    assert "The check was interrupted." in text(check(scale, answer))


# --- exceptions that are asked for ----------------------------------------------------------------


def checked_root(x):
    if x < 0:
        raise ValueError("x is negative")
    return x**0.5


@pytest.fixture
def root(make):
    return make(checked_root, [case(4.0), case(9.0), case(-1.0)])


def test_the_right_exception_passes(root):
    class Better(ValueError):
        pass

    def answer(x):
        if x < 0:
            raise Better
        return x**0.5

    assert check(root, answer).passed


def test_a_missing_exception(root):
    report = check(root, lambda x: abs(x) ** 0.5)
    assert report.status == "failed"
    assert "should raise a ValueError here, and it returned 1.0." in text(report)
    assert "2 of 3 agree" in text(report)


def test_another_exception(root):
    def answer(x):
        return [0, 1, 2, 3][int(x) % 4 if x < 0 else "x"]

    def wrong_kind(x):
        if x < 0:
            raise KeyError("no")
        return x**0.5

    assert "should raise a ValueError here, and it raised KeyError: 'no'" in text(check(root, wrong_kind))
    assert "Your function raised TypeError" in text(check(root, answer))


def test_a_mistake_may_raise(make):
    def divides(x):
        return 1 / x

    exercise = make(lambda x: 1 / x if x else 0.0, [case(0), case(2)], mistakes=[divides, abs, float])
    assert check(exercise, lambda x: x**-1).status == "error"  # the same exception with other words
    assert check(exercise, lambda x: 1 / x).message == "This is mistake number 0."


# --- wrong ----------------------------------------------------------------------------------------


def test_a_mistake_is_named(scale):
    report = check(scale, lambda w, x, factor=2.0: np.sum(x * w, axis=1))
    assert report.status == "failed"
    assert report.message == "This is what you get without the factor."
    assert "the weights are ignored" not in text(report)
    assert "0 of 3 agree" in text(report)


def test_a_mistake_in_float32_as_a_list_is_named_too(scale):
    report = check(scale, lambda w, x, factor=2.0: (x @ w).astype(np.float32).tolist())
    assert report.message == "This is what you get without the factor."


def test_a_mistake_shows_in_later_cases_only(scale):
    report = check(scale, lambda w, x, factor=2.0: (x @ w) * 2)
    assert report.message == "The factor is an argument, and not always 2."
    assert "Case: 3 of 3" in text(report)
    assert "x = array of shape (100, 3): 0.0, 1.0, 2.0, 3.0, ..." in text(report)
    assert "2 of 3 agree" in text(report)


def test_a_mistake_in_some_cases_is_not_that_mistake(scale):
    def answer(w, x, factor=2.0):
        return x @ w if len(x) < 50 else good(w, x, factor)

    assert "without the factor" not in text(check(scale, answer))


def test_an_answer_by_heart_is_rejected(scale):
    report = check(scale, lambda w, x, factor=2.0: np.array([10.0, 22.0]))
    assert report.status == "failed"
    assert "The result is the same in every case, whatever the arguments." in text(report)
    assert "1 of 3 agree" in text(report)


def test_none(scale):
    def answer(w, x, factor=2.0):
        x @ w

    report = check(scale, answer)
    assert report.status == "failed"
    assert "Your function returned None: does every path through it end in a `return`?" in text(report)


def test_none_after_a_print(scale):
    report = check(scale, only_prints)
    assert "returned None, though it printed something: did you print instead of return?" in text(report)
    assert "Printed: [ 5. 11.]" in text(report)


@pytest.mark.parametrize(("odd", "name"), [(np.nan, "NaN (not a number)"), (np.inf, "infinity")])
def test_nan_and_infinity(scale, odd, name):
    def answer(w, x, factor=2.0):
        value = good(w, x, factor)
        value[-1] = odd
        return value

    report = check(scale, answer)
    assert report.status == "failed"
    assert f"The result holds {name}, where 22.0 is expected." in text(report)
    assert "at index [1]" in text(report)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "Your function returned a string, where an array of shape (2,) is expected."),
        ({"a": 1}, "Your function returned a dictionary, where"),
        ([None, 1], "Your function returned a list of 2, where"),
        (object, "Your function returned a type, where"),
        (np.array(["a", "b"]), "Your function returned an array of objects, where"),
        (np.ones(2) + 1j, "The result holds complex numbers, where real ones are expected."),
        (5.0, "The result is a single number, where shape (2,) is expected."),
        (np.ones(5), "The result has shape (5,), where shape (2,) is expected."),
        ((np.ones(2), 1), "One value is expected, and your function returned 2."),
    ],
)
def test_wrong_types_and_shapes(scale, value, words):
    report = check(scale, lambda w, x, factor=2.0: value)
    assert report.status == "failed"
    assert words in text(report)


def test_a_generator(scale):
    def answer(w, x, factor=2.0):
        yield from good(w, x, factor)

    assert "returned a generator, which holds no values yet: it uses `yield`." in text(check(scale, answer))
    lazy = check(scale, lambda w, x, factor=2.0: map(float, good(w, x, factor)))
    assert "returned a map, which holds no values yet: wrap it in `list(...)`." in text(lazy)


def test_a_missing_axis_and_a_transpose(make):
    exercise = make(
        lambda x: 2 * x, [case(np.arange(6.0).reshape(2, 3)), case(np.arange(20.0).reshape(4, 5))]
    )
    assert "It is the transpose of the right answer." in text(check(exercise, lambda x: 2 * x.T))
    report = check(exercise, lambda x: 2 * x[None])
    assert "The result has shape (1, 2, 3), where shape (2, 3) is expected." in text(report)
    assert "The numbers are right, but there is an axis of length 1 too many." in text(report)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda y: -y, "Every number has the wrong sign."),
        (lambda y: 0.75 * y, "Every number is 0.75 times what it should be."),
        (lambda y: y + 3, "Every number is 3.0 too large."),
        (lambda y: y - 0.25, "Every number is 0.25 too small."),
        (lambda y: y[::-1], "The numbers are right, but in reverse order."),
    ],
)
def test_laws_that_hold_for_all_numbers(scale, wrong, words):
    assert words in text(check(scale, lambda w, x, factor=2.0: wrong(good(w, x, factor))))


def test_no_law_is_named_by_chance(make):
    exercise = make(lambda x: x, [case(2.0), case(0.0)])
    assert "Every number" not in text(check(exercise, lambda x: 3 * x))


def test_equal_numbers_of_another_type_follow_no_law(make):
    exercise = make(lambda x: np.arange(x), [case(3), case(5)], strict=True)
    report = check(exercise, lambda x: np.arange(float(x)))
    assert "The result holds floats, where whole numbers are expected." in text(report)
    assert "Every number" not in text(report)


def test_the_first_and_the_largest_difference(scale):
    def answer(w, x, factor=2.0):
        value = good(w, x, factor)
        value[1:] += np.arange(1, len(value)) * 0.5
        return value

    report = check(scale, answer)
    assert details(report)["You returned"] == "array([10.0, 22.5])"
    assert details(report)["Expected"] == "array([10.0, 22.0])"
    assert "at index [1]: 22.5 instead of 22.0. 1 of 2 entries differ, by 0.5 at most." in text(report)


def test_close_numbers_are_shown_apart(make):
    exercise = make(lambda x: x / 3, [case(1.0), case(2.0)])
    report = check(exercise, lambda x: x / 3 + 0.00002)
    shown = details(report)
    assert (shown["You returned"], shown["Expected"]) == ("0.33335", "0.33333")
    report = check(exercise, lambda x: x / 3 * 1.00002)
    assert details(report)["You returned"] != details(report)["Expected"]


def test_the_smallest_failing_case_is_shown(make):
    cases = [case(np.ones(50)), case(np.ones(4)), case(np.ones(2)), case(np.zeros(1))]
    report = check(make(lambda x: x, cases), lambda x: 2 * x + (x == 1))
    assert "Case: 3 of 4" in text(report)
    assert "1 of 4 agree" in text(report)


def test_a_wrong_answer_that_changes_its_input_is_told_both(make):
    def answer(x):
        x += 1
        return 3 * x

    report = check(make(lambda x: 2 * x, [case(np.array([1.0, 2.0])), case(np.ones(3))]), answer)
    assert report.status == "failed"
    assert "not right yet" in text(report)
    assert "also changes its input `x` in place" in text(report)


def test_a_case_with_something_in_it_is_shown_before_an_empty_one(make):
    cases = [case(np.array([1.0, -2.0])), case(np.zeros(0)), case(np.ones(3))]
    report = check(make(np.abs, cases), lambda x: x if x > 0 else -x)
    assert "Case: 1 of 3" in text(report)


def test_several_values(make):
    exercise = make(lambda x: (x, 2 * x, -x), [case(np.ones(2)), case(np.array([1.0, 2.0]))])
    assert check(exercise, lambda x: [x, (x + x).tolist(), torch.tensor(-x)]).passed
    report = check(exercise, lambda x: (x, 2 * x + 1, -x))
    assert "In value 2 of 3: The result is not right yet." in text(report)
    assert "at index [0] of value 2 of 3: 3.0 instead of 2.0" in text(report)
    report = check(exercise, lambda x: (x, x, x, x))
    assert "Three values are expected, and your function returned 4." in text(report)
    report = check(exercise, lambda x: 5)
    assert "Three values are expected, and your function returned one, a whole number." in text(report)
    report = check(exercise, lambda x: (x,))
    assert "Three values are expected, and your function returned one, a tuple of 1." in text(report)


def test_dictionaries(make):
    exercise = make(lambda x: {"w": x, "b": 0.0}, [case(np.ones(2)), case(np.zeros(2))])
    assert check(exercise, lambda x: {"b": 0, "w": x.tolist()}).passed
    report = check(exercise, lambda x: {"w": x, "bias": 0})
    assert "The dictionary lacks the keys 'b' and has keys that are not asked for: 'bias'." in text(report)
    report = check(exercise, lambda x: {"w": x + 1, "b": 0})
    assert "In entry 'w': The result is not right yet." in text(report)


def test_words(make):
    exercise = make(lambda n: "even" if n % 2 == 0 else "odd", [case(1), case(2)])
    report = check(exercise, lambda n: "Even " if n % 2 == 0 else "Odd")
    assert "They differ only in spaces or capital letters." in text(report)


def test_strict_asks_for_the_element_type(make):
    cases = [case(np.arange(3)), case(np.arange(4))]
    answer = lambda x: (x > 1).astype(float)  # noqa: E731
    assert check(make(lambda x: x > 1, cases), answer).passed
    report = check(make(lambda x: x > 1, cases, strict=True), answer)
    assert report.status == "failed"
    assert "The result holds floats, where True and False are expected." in text(report)


# --- side effects ---------------------------------------------------------------------------------


def test_changing_the_input_is_named(scale):
    def answer(w, x, factor=2.0):
        value = good(w, x, factor)
        w *= 2
        return value

    report = check(scale, answer)
    assert report.status == "failed"
    assert "What you return is right, but your function changes its input `w` in place" in text(report)
    assert check(scale, good).passed  # the exercise's own arrays are as they were


def test_returning_the_changed_input_is_seen(make):
    exercise = make(lambda x, y: x + y, [case(np.ones(2), 1), case(np.zeros(3), 2)])

    def answer(x, y):
        x += y
        return x

    assert "changes its input `x`" in text(check(exercise, answer))


def test_changing_the_input_may_be_a_mistake(make):
    def in_place(x):
        x.sort()
        return x

    exercise = make(sorted, [case([2, 1]), case([3, 1, 2])], mistakes=[in_place, list, max])
    assert check(exercise, lambda x: sorted(x)).passed
    assert check(exercise, lambda x: x.sort() or x).message == "This is mistake number 0."


def test_one_array_given_back_again_and_again(make):
    buffer = np.zeros(1)

    def answer(x):
        buffer[0] = 2 * x
        return buffer

    assert check(make(lambda x: np.array([2.0 * x]), [case(1), case(2)]), answer).passed


def test_random_streams_are_shared_with_the_reference(make):
    def reference(n, rng, generator):
        return rng.normal(size=n) + torch.randn(n, generator=generator).numpy()

    cases = [case(n, np.random.default_rng(n), torch.Generator().manual_seed(n)) for n in (2, 3)]
    exercise = make(reference, cases)
    assert check(exercise, reference).passed
    assert check(exercise, lambda n, rng, generator: reference(n, rng, generator)).passed
    assert not check(exercise, lambda n, rng, generator: rng.normal(size=n)).passed


def test_the_global_streams_too(make):
    exercise = make(lambda n: np.random.rand(n) + torch.rand(n).numpy(), [case(2), case(3)])  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check(exercise, lambda n: torch.rand(n).numpy() + np.random.rand(n)).passed  # noqa: NPY002
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


# --- values ---------------------------------------------------------------------------------------


@pytest.fixture
def steps(make):
    return make(4, mistakes=[128, 3, 4.5])


@pytest.mark.parametrize("answer", [4, 4.0, np.int64(4), np.array(4), torch.tensor(4)])
def test_a_right_value(steps, answer):
    assert str(check(steps, answer)) == "PASSED: Made\n\nYour answer is right."


def test_a_wrong_value(steps):
    assert check(steps, 128).message == "This is mistake number 0."
    report = check(steps, 5)
    assert report.status == "failed"
    assert text(report) == "NOT YET: Made The result is not right yet. You gave: 5"


def test_the_key_is_not_told(make):
    key = {"error": 0.137, "folds": np.array([7, 11, 13])}
    exercise = make(key, mistakes=[{**key, "error": wrong} for wrong in (0.2, 0.3, 0.4)])
    report = check(exercise, {"error": 0.55, "folds": key["folds"]})
    assert report.message.startswith("In entry 'error': ")
    assert "0.137" not in text(report)
    report = check(exercise, {"error": 0.137, "folds": np.array([7, 11, 12])})
    assert "at index [2] of entry 'folds': 12. 1 of 3 entries differ." in text(report)
    assert "13" not in text(report).replace("0.137", "")
    assert "a number is expected" in text(check(exercise, {"error": np.nan, "folds": key["folds"]}))


@pytest.mark.parametrize("blank", [..., (1, ...), {"a": ...}, NotImplemented])
def test_a_value_not_started(steps, blank):
    report = check(steps, blank)
    assert report.status == "not started"
    assert "Put your answer in the place of the `...`" in text(report)


def test_misfit_values(steps, make):
    assert "Your answer is None." in text(check(steps, None))
    assert "Your answer is a string, where a whole number is expected." in text(check(steps, "four"))
    assert "One value is expected, and you gave 2." in text(check(steps, (4, 4)))
    assert "Two values are expected, and you gave one, a whole number." in text(check(make((1, 2)), 1))
    assert "The result holds NaN" in text(check(steps, float("nan")))


def or_gate(answer, x1, x2):
    w1, w2, threshold = answer
    return int(w1 * x1 + w2 * x2 > threshold)


@pytest.fixture
def gate(make):
    cases = [case(a, b) for a in (0, 1) for b in (0, 1)]
    return make((1, 1, 0.5), cases, mistakes=[(1, 1, 1), (1, 0, 0.5), (1, 1, -1)], apply=or_gate)


def test_every_value_that_behaves_rightly_passes(gate):
    for answer in [(1, 1, 0.5), [2, 3, 1], np.array([0.2, 0.2, 0.1])]:
        assert text(check(gate, answer)) == "PASSED: Made All 4 cases agree."


def test_a_value_that_behaves_wrongly(gate):
    assert check(gate, (1, 1, 1.5)).message == "This is mistake number 0."  # it behaves as that mistake does
    report = check(gate, (-1, -1, -0.5))
    assert "It gives: 1 Expected: 0" in text(report)
    assert "x1 = 0 x2 = 0" in text(report)


def test_a_value_of_the_wrong_form(gate):
    assert "Three values are expected, and you gave 2." in text(check(gate, (1, 1)))
    report = check(gate, (1, "1", 0.5))
    assert report.status == "error"
    assert "In value 2 of 3: Your answer is a string, where a whole number is expected." in text(report)


# --- the report itself ----------------------------------------------------------------------------


def test_an_unknown_id_lists_close_ones(monkeypatch, scale):
    monkeypatch.setattr("course_lib.exercises.registry.all_exercises", lambda: [scale])
    report = check("toy/scales", good)
    assert report.status == "error"
    assert "There is no exercise with the id `toy/scales`. Did you mean: toy/scale" in text(report)
    assert "The exercise's own text names its id." in text(check("qqqq", good))


def test_arguments_the_wrong_way_round(scale):
    assert "The first argument is the exercise's id" in text(check(good, "toy/scale"))


def test_exercises_that_cannot_be_loaded(monkeypatch):
    def broken(_):
        raise ImportError("no module named numpie")

    monkeypatch.setattr("course_lib.exercises.registry.find", broken)
    report = check("toy/scale", good)
    assert report.status == "error"
    assert "can't be loaded: ImportError: no module named numpie." in text(report)


def test_a_broken_exercise_is_not_the_students_fault(make):
    def cases(rng):
        raise RuntimeError("the maker of cases fails")

    report = check(make(good, cases), good)
    assert report.status == "error"
    assert (
        "The check itself failed, which is not your fault: RuntimeError: the maker of cases fails."
        in text(report)
    )


def test_the_hint_comes_after_two_failed_tries(scale):
    wrong = lambda w, x, factor=2.0: x @ w  # noqa: E731
    hint = "Hint: A matrix product is one weighted sum a row."
    assert hint not in text(check(scale, wrong))
    assert hint not in text(check(scale, ...))
    assert hint in text(check(scale, wrong))
    assert hint in text(check(scale, lambda w, x, factor=2.0: 1 / 0))
    assert hint not in text(check(scale, good))


def test_html_is_escaped_and_says_its_status_in_words(make):
    exercise = make(lambda x: x, [case("<b>"), case("&amp;")], mistakes=[len, list, tuple])

    def answer(x):
        print("<script>alert(1)</script>")
        return x + "<i>"

    report = check(exercise, answer)
    page = report._repr_html_()
    assert "role='status'" in page
    assert "<strong>Not yet: Made</strong>" in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"<script|<b>|<i>|<style|http", page)
    assert "color:inherit" in page
    shown = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert "'<b><i>'" in shown
    assert "Expected" in shown
    assert "<strong>Passed: Made</strong>" in check(exercise, lambda x: str(x))._repr_html_()


def test_tags_are_balanced(scale):
    page = check(scale, lambda w, x, factor=2.0: -good(w, x, factor))._repr_html_()
    opened = re.findall(r"<([a-z]+)[ >]", page)
    assert sorted(opened) == sorted(re.findall(r"</([a-z]+)>", page))


def test_text_is_80_columns_wide_at_most(make):
    exercise = make(lambda x: x, [case("x" * 300, label="a very long label " * 10), case("y")])
    report = check(exercise, lambda x: x * 3 if len(x) > 1 else x)
    assert max(map(len, str(report).splitlines())) <= 80
    assert repr(report) == str(report)


def test_reports_are_the_same_each_time(scale):
    class Odd:
        pass

    for answer in (lambda w, x, factor=2.0: Odd(), lambda w, x, factor=2.0: object, only_prints):
        one, two = check(scale, answer), check(scale, answer)
        assert "0x" not in str(one)
        assert one.details == two.details[: len(one.details)]
        assert one.message == two.message


def test_mistakes_cost_nothing_while_answers_are_right(make):
    def slow(x):
        time.sleep(60)

    assert check(make(abs, [case(1), case(-2)], mistakes=[slow, slow, slow]), abs).passed


def test_reference_runs_once(make):
    calls = []

    def reference(x):
        calls.append(x)
        return x

    exercise = make(reference, [case(1), case(2)])
    for _ in range(3):
        check(exercise, lambda x: x)
    assert calls == [1, 2]


def test_an_exercise_of_the_book_by_its_id(monkeypatch):
    exercise = Exercise(
        id="toy/one",
        section="00_toys/toy",
        title="One",
        reference=1,
        cases=[],
        mistakes=[Mistake(n, f"Not {n}.") for n in (2, 3, 4)],
    )
    monkeypatch.setattr("course_lib.exercises.registry.find", {"toy/one": exercise}.__getitem__)
    assert check("toy/one", 1).passed
    assert check("toy/one", 2).message == "Not 2."
