"""The exercise on choosing head, loss and metric."""

from course_lib.exercises import Exercise, Mistake

SECTION = "04_metrics/classification_and_regression"

Choice = tuple[int, str, str]

CE, BCE, MSE, L1 = "CrossEntropyLoss", "BCEWithLogitsLoss", "MSELoss", "L1Loss"

CHOICES: dict[str, Choice] = {
    "flower": (12, CE, "accuracy"),
    "defect": (3, CE, "skill"),
    "rain": (1, BCE, "log loss"),
    "turn": (1, MSE, "RMSE"),
    "distance": (1, L1, "MAE"),
    "grade": (4, BCE, "class distance"),
}


def _with(**changes: Choice) -> dict[str, Choice]:
    return CHOICES | changes


SIX_TASKS = Exercise(
    id="classification_and_regression/six_tasks",
    section=SECTION,
    title="Head, loss and metric for six tasks",
    reference=CHOICES,
    cases=[],
    mistakes=[
        Mistake(
            _with(flower=(1, MSE, "accuracy")),
            "flower: a single number makes species 2 lie between 1 and 3, and a rose and an oak are no amounts. Give each species a logit.",
        ),
        Mistake(
            _with(flower=(1, MSE, "RMSE")),
            "flower: regressing the index of the species judges the numbering, not the flower. Twelve logits, a loss for one of twelve.",
        ),
        Mistake(
            _with(flower=(12, BCE, "accuracy")),
            "flower: twelve sigmoids answer twelve independent questions. Every flower has exactly one species: let the logits compete.",
        ),
        Mistake(
            _with(flower=(12, CE, "class distance")),
            "flower: a distance between classes needs an order, and species have none. All confusions count alike here.",
        ),
        Mistake(
            _with(flower=(12, CE, "log loss")),
            "flower: log loss judges the stated probabilities. Asked was only how often the named species is right.",
        ),
        Mistake(
            _with(flower=(12, CE, "skill")),
            "flower: with equally frequent species the baseline is known, 1 in 12, and the question was simply how often the answer is right.",
        ),
        Mistake(
            _with(flower=(1, CE, "accuracy")),
            "flower: a softmax over a single logit is always 1. Each of the twelve species needs a logit of its own.",
        ),
        Mistake(
            _with(defect=(3, CE, "log loss")),
            "defect: log loss is not 0 for a system that always says scratch (0 is its perfect value). Look for the metric that is 0 at the baseline.",
        ),
        Mistake(
            _with(defect=(3, CE, "accuracy")),
            "defect: always saying scratch has an accuracy of 90%. The report must give 0 to that answer.",
        ),
        Mistake(
            _with(defect=(1, BCE, "skill")),
            "defect: one logit decides between two answers. There are three kinds.",
        ),
        Mistake(
            _with(defect=(3, BCE, "skill")),
            "defect: exactly one kind is right, so the three logits should compete in one softmax.",
        ),
        Mistake(
            _with(defect=(2, BCE, "skill")),
            "defect: questions at the two borders between three classes would need an order, and scratch, dent and stain have none.",
        ),
        Mistake(
            _with(rain=(1, BCE, "accuracy")),
            "rain: accuracy treats 51% and 99% alike, as both mean yes. The stated probabilities are what is to be judged.",
        ),
        Mistake(
            _with(rain=(1, BCE, "skill")),
            "rain: skill counts yes and no, made from the probabilities by a threshold. The probabilities themselves are to be judged.",
        ),
        Mistake(
            _with(rain=(1, BCE, "RMSE")),
            "rain: the RMSE of probabilities against 0 and 1 judges them, too (it is the root of the Brier score), but the worst forecast costs 1 there. "
            "A certain forecast that fails was to cost without limit.",
        ),
        Mistake(
            _with(rain=(2, CE, "log loss")),
            "rain: two logits and a softmax work as well, but one logit says the same, and the fewest outputs were asked for.",
        ),
        Mistake(
            _with(rain=(1, CE, "log loss")),
            "rain: a softmax over a single logit is always 1. One logit wants the sigmoid's loss.",
        ),
        Mistake(
            _with(rain=(1, MSE, "RMSE")),
            "rain: the mean of zeros and ones is a probability, so this can work, but a bare output may leave the range from 0 to 1, and "
            "a certain forecast that fails costs no more than 1. Use a logit and the loss that is made for it.",
        ),
        Mistake(
            _with(rain=(1, L1, "MAE")),
            "rain: absolute error aims at the median, and the median of zeros and ones is 0 or 1 and no probability. Use the loss whose best "
            "output is the probability.",
        ),
        Mistake(
            _with(turn=(1, L1, "MAE")),
            "turn: with absolute error one miss by 20 degrees costs as much as twenty by 1. Here it does far more harm: square the errors.",
        ),
        Mistake(
            _with(turn=(1, L1, "RMSE")),
            "turn: the metric squares the errors and the loss does not, so the head learns the median where the mean is wanted.",
        ),
        Mistake(
            _with(turn=(1, MSE, "MAE")),
            "turn: the loss squares the errors and the metric does not, so they ask for different answers. Large errors should weigh more in both.",
        ),
        Mistake(
            _with(turn=(1, MSE, "accuracy")),
            "turn: an angle is hardly ever hit exactly, and near misses are good. Say how far off the answers are, in degrees.",
        ),
        Mistake(
            _with(turn=(1, MSE, "skill")),
            "turn: skill is made of accuracies, of answers that are right or wrong. Here errors have a size, and the large ones should weigh more.",
        ),
        Mistake(
            _with(turn=(60, CE, "accuracy")),
            "turn: sixty classes of a degree and accuracy make an answer that is off by 1 as bad as one that is off by 50. Asked is an amount.",
        ),
        Mistake(
            _with(distance=(1, MSE, "RMSE")),
            "distance: a few grossly wrong labels would dominate a sum of squares and drag the answer along. The middle value, the median, was asked for.",
        ),
        Mistake(
            _with(distance=(1, MSE, "MAE")),
            "distance: the metric's best answer is the median, and this loss aims at the mean, which gross errors move. Train for the median.",
        ),
        Mistake(
            _with(distance=(1, L1, "RMSE")),
            "distance: in the RMSE the few grossly wrong labels outweigh everything else. Judge by the error that the loss already uses.",
        ),
        Mistake(
            _with(grade=(5, CE, "class distance")),
            "grade: five logits and the median class are a fair choice, too, but asked was one question for each border between neighbouring grades.",
        ),
        Mistake(
            _with(grade=(5, BCE, "class distance")),
            "grade: five grades have four borders between neighbours, so four questions.",
        ),
        Mistake(
            _with(grade=(4, BCE, "accuracy")),
            "grade: accuracy counts a healthy eye called severe like one called mild. The doctors ask by how many grades it is off.",
        ),
        Mistake(
            _with(grade=(4, BCE, "MAE")),
            "grade: with grades as numbers this is nearly the same thing, the mean class distance. Use its name in the list.",
        ),
        Mistake(
            _with(grade=(5, CE, "accuracy")),
            "grade: neither this loss nor accuracy knows the order of the grades. One question for each border, and a metric that counts grades.",
        ),
        Mistake(
            _with(grade=(4, CE, "class distance")),
            "grade: the four answers do not exclude each other: a severe eye is beyond every border. Four questions want four sigmoids.",
        ),
        Mistake(
            _with(grade=(1, MSE, "class distance")),
            "grade: one number would take the steps between grades for equal amounts. Nothing says so; ask about each border.",
        ),
    ],
    hint="For each task ask: is the label a name, a place in an order, or an amount? Then: which errors does the user mind?",
)
