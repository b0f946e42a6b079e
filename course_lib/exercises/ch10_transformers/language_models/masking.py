"""The exercise on what BERT is trained on: a text with gaps."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.exercises import Case, Exercise, Mistake, case

SECTION = "10_transformers/language_models"
Array = np.ndarray
Gaps = tuple[Array, Array]  # inputs and targets, (t,) each


def mask_text(
    tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
) -> Gaps:
    """Choose 15 %, and of these mask 80 %, replace 10 %, keep 10 %."""
    chosen = (choose < 0.15) & ~np.isin(tokens, special)
    return _inputs(chosen, tokens, mask_token, act, other), np.where(chosen, tokens, -100)


def _inputs(
    chosen: Array,
    tokens: Array,
    mask_token: int,
    act: Array,
    other: Array,
    mask: float = 0.8,
    change: float = 0.9,
) -> Array:
    hidden = np.where(act < mask, mask_token, np.where(act < change, other, tokens))
    return np.asarray(np.where(chosen, hidden, tokens))


def _by_loop(
    tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
) -> Gaps:
    inputs, targets = tokens.copy(), np.full_like(tokens, -100)
    for i, token in enumerate(tokens):
        if token in special or choose[i] >= 0.15:
            continue
        targets[i] = token
        if act[i] < 0.8:
            inputs[i] = mask_token
        elif act[i] < 0.9:
            inputs[i] = other[i]
    return inputs, targets


def _shares(mask: float, change: float) -> Callable[..., Gaps]:
    """Other shares of the chosen tokens are masked and replaced."""

    def answer(
        tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
    ) -> Gaps:
        chosen = (choose < 0.15) & ~np.isin(tokens, special)
        inputs = _inputs(chosen, tokens, mask_token, act, other, mask, change)
        return inputs, np.where(chosen, tokens, -100)

    return answer


def _chosen(choice: Callable[[Array, Sequence[int], Array], Array]) -> Callable[..., Gaps]:
    """Other tokens are chosen."""

    def answer(
        tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
    ) -> Gaps:
        chosen = choice(tokens, special, choose)
        return _inputs(chosen, tokens, mask_token, act, other), np.where(chosen, tokens, -100)

    return answer


def _targets(targets: Callable[[Array, Array, Array], Array]) -> Callable[..., Gaps]:
    """Right inputs, other targets: a function of the tokens, the inputs and what was chosen."""

    def answer(
        tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
    ) -> Gaps:
        inputs, right = mask_text(tokens, special, mask_token, choose, act, other)
        return inputs, targets(tokens, inputs, right != -100)

    return answer


def _changed_order(
    tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
) -> Gaps:
    chosen = (choose < 0.15) & ~np.isin(tokens, special)
    hidden = np.where(act < 0.8, mask_token, np.where(act < 0.9, tokens, other))
    return np.where(chosen, hidden, tokens), np.where(chosen, tokens, -100)


def _noise_everywhere(
    tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
) -> Gaps:
    inputs, targets = mask_text(tokens, special, mask_token, choose, act, other)
    return np.where((act >= 0.8) & (act < 0.9) & ~np.isin(tokens, special), other, inputs), targets


def _exchanged(
    tokens: Array, special: Sequence[int], mask_token: int, choose: Array, act: Array, other: Array
) -> Gaps:
    return mask_text(tokens, special, mask_token, choose, act, other)[::-1]


def _texts(rng: np.random.Generator) -> list[Case]:
    def draw(t: int, special: list[int], label: str, chosen: float) -> Case:
        tokens, other = rng.integers(5, 60, size=t), rng.integers(5, 60, size=t)
        if special:
            tokens[rng.choice(t, size=t // 6, replace=False)] = rng.choice(special, size=t // 6)
        choose = np.where(rng.random(t) < chosen, 0.15 * rng.random(t), 0.15 + 0.85 * rng.random(t)).round(3)
        return case(tokens, special, 4, choose, rng.random(t).round(3), other, label=label)

    return [
        case(
            np.array([1, 10, 11, 12, 13, 2]),
            [1, 2],
            4,
            np.array([0.05, 0.10, 0.90, 0.02, 0.14, 0.01]),
            np.array([0.10, 0.30, 0.20, 0.85, 0.95, 0.50]),
            np.array([20, 21, 22, 23, 24, 25]),
            label="one token of each fate",
        ),
        draw(12, [], "no special tokens", 0.5),
        draw(60, [1, 2], "[CLS] and [SEP] are not to be chosen", 0.5),
        draw(60, [0, 1, 2], "with padding", 0.15),
        case(
            np.arange(10, 15),
            [14],
            103,
            np.array([0.15, 0.149, 0.1, 0.1, 0.1]),
            np.array([0.1, 0.8, 0.9, 0.799, 0.2]),
            np.arange(30, 35),
            label="on the borders, and with other numbers",
        ),
    ]


MASK = Exercise(
    id="language_models/mask",
    section=SECTION,
    title="A text with gaps",
    reference=mask_text,
    cases=_texts,
    alternatives=[_by_loop],
    mistakes=[
        Mistake(
            _chosen(lambda tokens, special, choose: choose < 0.15),
            "Special tokens are chosen, too. What stands at [CLS] or [SEP] is known: never choose them.",
        ),
        Mistake(
            _chosen(lambda tokens, special, choose: (choose >= 0.15) & ~np.isin(tokens, special)),
            "85 % are chosen and 15 % left. It is the other way round.",
        ),
        Mistake(
            _chosen(lambda tokens, special, choose: (choose <= 0.15) & ~np.isin(tokens, special)),
            "A draw of exactly 0.15 is chosen here. Below 0.15 it says.",
        ),
        Mistake(
            _shares(1.0, 1.0),
            "Every chosen token becomes the mask. One in ten becomes another token, and one in ten stays.",
        ),
        Mistake(
            _shares(0.8, 1.0),
            "All chosen tokens that are not masked are replaced. From 0.9 on they stay as they are.",
        ),
        Mistake(
            _shares(0.8, 0.8),
            "Chosen tokens that are not masked all stay. Between 0.8 and 0.9 they become another token.",
        ),
        Mistake(
            _shares(0.1, 0.2),
            "10 % become the mask and 80 % stay. 80 % are masked.",
        ),
        Mistake(
            _shares(np.nextafter(0.8, 1), 0.9),
            "A number of exactly 0.8 masks here. Below 0.8 it says: at 0.8 the token is replaced.",
        ),
        Mistake(
            _shares(0.8, np.nextafter(0.9, 1)),
            "A number of exactly 0.9 replaces here. Below 0.9 it says: at 0.9 the token is kept.",
        ),
        Mistake(
            _changed_order,
            "Tokens stay between 0.8 and 0.9 and are replaced above. It is the other way round.",
        ),
        Mistake(
            _targets(lambda tokens, inputs, chosen: np.where(inputs != tokens, tokens, -100)),
            "Only tokens that were changed are targets. Those chosen and kept are to be guessed as well.",
        ),
        Mistake(
            _targets(lambda tokens, inputs, chosen: tokens.copy()),
            "Every token is a target, so the net would be trained to copy what it sees. Elsewhere it is -100.",
        ),
        Mistake(
            _targets(lambda tokens, inputs, chosen: np.where(chosen, inputs, -100)),
            "The targets are what stands in the gaps now. They are what stood there before.",
        ),
        Mistake(
            _targets(lambda tokens, inputs, chosen: np.where(chosen, tokens, 0)),
            "Where nothing is to be guessed stands 0, which is a token. It is -100, which the loss leaves out.",
        ),
        Mistake(
            _noise_everywhere,
            "Tokens that were not chosen are replaced. Nothing happens to those.",
        ),
        Mistake(_exchanged, "Inputs and targets are exchanged. The inputs come first."),
    ],
    hint="First which tokens are chosen (a mask of True and False), then what becomes of each, by two nested np.where.",
)
