"""The exercise on labels: is the old one still true of the changed image?"""

from course_lib.exercises import Exercise, Mistake

SECTION = "03_regularization/noise_and_augmentation"

_RIGHT = {
    "cat or dog, mirrored": "keeps",
    "digits, turned by 180 degrees": "destroys",
    "boxes of cars, shifted": "follows",
    "arrow to the left or to the right, mirrored": "follows",
    "ripe or unripe tomato, saturation set to 0": "destroys",
    "cat or dog, slightly darker": "keeps",
    "class of each pixel, cropped": "follows",
    "kind of bird, cropped to one pixel": "destroys",
}

KEEPS = Exercise(
    id="noise_and_augmentation/keeps_label",
    section=SECTION,
    title="Is the label still true?",
    reference=_RIGHT,
    cases=[],
    mistakes=[
        Mistake(
            _RIGHT | {"digits, turned by 180 degrees": "keeps"},
            "A turned 6 is a 9, and a turned 7 is no digit: with the old label both are lies.",
        ),
        Mistake(
            _RIGHT | {"digits, turned by 180 degrees": "follows"},
            "For 6 and 9 the new label is known, but for 3, 4 or 7 there is none: the task has digits of any class.",
        ),
        Mistake(
            _RIGHT | {"arrow to the left or to the right, mirrored": "keeps"},
            "A mirrored arrow points the other way, which is what its label is about.",
        ),
        Mistake(
            _RIGHT | {"arrow to the left or to the right, mirrored": "destroys"},
            "The old label of the arrow is false, but the new one is known: exchange left and right.",
        ),
        Mistake(
            _RIGHT | {"boxes of cars, shifted": "keeps"},
            "The cars are still cars, but they are no longer where their boxes are.",
        ),
        Mistake(
            _RIGHT | {"class of each pixel, cropped": "keeps"},
            "Labels of pixels have places too: the map of classes has to be cropped in the same way.",
        ),
        Mistake(
            _RIGHT | {"ripe or unripe tomato, saturation set to 0": "keeps"},
            "Ripeness is seen by the colour, and that is what was taken away.",
        ),
        Mistake(
            _RIGHT | {"kind of bird, cropped to one pixel": "keeps"},
            "The label may be what was meant, but nothing in one pixel says which bird it is from: the image no longer "
            "shows what the label says.",
        ),
        Mistake(
            _RIGHT | {"boxes of cars, shifted": "destroys"},
            "The old boxes are false, but the new ones can be computed: move them along with the image.",
        ),
        Mistake(
            _RIGHT | {"class of each pixel, cropped": "destroys"},
            "The old map of classes is false, but the new one can be computed: cut the same window out of it.",
        ),
        Mistake(
            _RIGHT | {"ripe or unripe tomato, saturation set to 0": "follows"},
            "From what would you compute the new label? A grey tomato is neither seen to be ripe nor to be unripe.",
        ),
        Mistake(
            _RIGHT | {"kind of bird, cropped to one pixel": "follows"},
            "From what would you compute the new label? There is no kind of bird that one pixel shows.",
        ),
        Mistake(
            _RIGHT | {"cat or dog, mirrored": "destroys"},
            "A mirrored cat is a good picture of a cat: who never saw the original gives it the old label.",
        ),
        Mistake(
            _RIGHT | {"cat or dog, slightly darker": "follows"},
            "The picture has changed, but not the animal: in a darker picture a cat is a cat, and nothing has to be computed.",
        ),
        Mistake(
            _RIGHT | {"cat or dog, slightly darker": "destroys"},
            "A slightly darker picture still shows which animal it is. Only if it were black would nothing be left to see.",
        ),
        Mistake(
            _RIGHT | {"cat or dog, mirrored": "follows"},
            "A mirrored cat is still a cat: the label does not change. It follows only where it says something about "
            "places or directions.",
        ),
    ],
    hint="Look at the changed image only. Would someone who never saw the original give the old label, another one "
    "that you can work out, or none?",
)
