"""Exercise on reading reports of searches: which numbers are too good."""

import itertools

from course_lib.exercises import Exercise, Mistake

SECTION = "05_optimization/hyperparameter_search"
ANSWERS = ("too good", "fine", "too good", "fine", "too good", "too good")
_WHY = {
    "A": "the number that chose the winner among 200 is the number reported",
    "B": "validation images chose, new seeds took away the luck of one run, and the test images only judged",
    "C": "the test images chose the epoch of every trial",
    "D": "moving a range by validation scores is part of the search; the test images had no say",
    "E": "the test images chose the seed",
    "F": "the test images decided which trials lived on to be winners",
}


def _explained(answer: tuple[str, ...]) -> str:
    """A reason for every report that was judged wrongly."""
    wrong = [letter for letter, one, right in zip(_WHY, answer, ANSWERS, strict=True) if one != right]
    if len(wrong) == len(ANSWERS):
        return "All six are the wrong way round: the reports are too good where the judging images chose something."
    if set(answer) == {"too good"}:
        return "Not all are too good. Find the two in which the images that give the number chose nothing."
    if set(answer) == {"fine"}:
        return (
            "Not all are fine. Find the four in which the images that give the number have chosen something."
        )
    return f"Look again. {'; '.join(f'{letter}: {_WHY[letter]}' for letter in wrong)}."


READ_A_STUDY = Exercise(
    id="hyperparameter_search/read_a_study",
    section=SECTION,
    title="Read a study",
    reference=ANSWERS,
    cases=[],
    mistakes=[
        Mistake(answer, _explained(answer))
        for answer in itertools.product(("too good", "fine"), repeat=6)
        if answer != ANSWERS
    ],
    hint="Ask of each report which images give the number, and whether these images have chosen anything before.",
)

EXERCISES = [READ_A_STUDY]
