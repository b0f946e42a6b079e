"""An exercise on logs: what went wrong in a training run that was stopped early."""

from course_lib.exercises import Exercise, Mistake

SECTION = "03_regularization/early_stopping"

FAULTS = ("impatient", "nothing", "training loss", "not restored", "wrong direction")

WENT_WRONG = Exercise(
    id="early_stopping/went_wrong",
    section=SECTION,
    title="What went wrong?",
    reference=FAULTS,
    cases=[],
    mistakes=[
        Mistake(
            ("nothing", "impatient", "training loss", "not restored", "wrong direction"),
            "A and B are exchanged. A stopped at the first wriggle of a curve that was falling; B waited until nothing "
            "came any more.",
        ),
        Mistake(
            ("impatient", "nothing", "not restored", "training loss", "wrong direction"),
            "C and D are exchanged. Look at which column had its best value in the epoch that was kept, and at which "
            "epoch came last.",
        ),
        Mistake(
            ("nothing", "nothing", "training loss", "not restored", "wrong direction"),
            "Look at A again: the validation loss had fallen in every epoch but one.",
        ),
        Mistake(
            ("impatient", "nothing", "nothing", "not restored", "wrong direction"),
            "Look at C again: compare the epoch that was kept with the one of the lowest validation loss.",
        ),
        Mistake(
            ("impatient", "nothing", "training loss", "nothing", "wrong direction"),
            "Look at D again: it stopped at the right time, but kept the weights of another epoch than the best.",
        ),
        Mistake(
            ("impatient", "nothing", "training loss", "not restored", "nothing"),
            "Look at E again: it watches the accuracy, and the epoch that it kept has the lowest of all.",
        ),
        Mistake(
            ("impatient", "nothing", "training loss", "not restored", "impatient"),
            "E did stop soon, but more patience would not help: what it calls best is the lowest accuracy.",
        ),
        Mistake(
            ("impatient", "impatient", "training loss", "not restored", "wrong direction"),
            "B waited for three epochs after its lowest validation loss, and the loss rose in each of them.",
        ),
        Mistake(
            ("impatient", "nothing", "training loss", "training loss", "wrong direction"),
            "D stopped after epoch 6. Had it watched the training loss, which fell in every epoch, it would have gone on.",
        ),
        Mistake(
            ("impatient", "nothing", "not restored", "not restored", "wrong direction"),
            "C did not stop when the validation loss had been rising for three epochs: it watched something else.",
        ),
        Mistake(
            ("impatient", "nothing", "training loss", "not restored", "not restored"),
            "E did give back what it takes for the best, its first epoch. But that has the lowest accuracy of all.",
        ),
    ],
    hint="For each log, find the best epoch of the watched column yourself, and compare it with the kept one.",
)

EXERCISES = [WENT_WRONG]
