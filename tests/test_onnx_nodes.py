"""The ONNX backend's node cases, each run through the layer or operation that is its operator."""

import numpy as np
import pytest
from families import gather

RUNS = {operator: run for (_, operator), run in gather("ONNX").items()}
NOT_OURS = {case: why for (_, case), why in gather("NOT_OURS").items()}
ROUNDED = {case: rtol for (_, case), rtol in gather("ROUNDED").items()}


def difference(got, expected, rtol=1e-4):
    """Say how the outputs of a case differ from those ONNX expects; empty if they do not."""
    if len(got) != len(expected):
        return f"{len(got)} outputs instead of {len(expected)}"
    for number, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        mine = np.asarray(mine)
        if mine.shape != theirs.shape:
            return f"output {number} has shape {mine.shape} instead of {theirs.shape}"
        try:
            np.testing.assert_allclose(
                mine.astype(np.float64), theirs.astype(np.float64), rtol=rtol, atol=1e-5
            )
        except AssertionError as error:
            return f"output {number}: {error}"
    return ""


@pytest.mark.parametrize("operator", RUNS)
def test_operator(onnx_cases, operator):
    cases = [case for case in onnx_cases[operator] if case.name not in NOT_OURS]
    assert cases, f"ONNX has no case of {operator}"
    wrong = {}
    for case in cases:
        found = difference(
            RUNS[operator](case.attributes, case.inputs), case.outputs, ROUNDED.get(case.name, 1e-4)
        )
        if found:
            wrong[case.name] = found
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


def test_what_is_held_less_closely_would_not_pass_otherwise(onnx_cases):
    cases = {case.name: (operator, case) for operator in RUNS for case in onnx_cases[operator]}
    for name in ROUNDED:
        operator, case = cases[name]
        assert difference(RUNS[operator](case.attributes, case.inputs), case.outputs), f"{name} needs no more"


def test_what_is_left_out_exists_and_says_why(onnx_cases):
    known = {case.name for operator in RUNS for case in onnx_cases[operator]}
    assert set(NOT_OURS) <= known
    assert all(len(why) > 10 for why in NOT_OURS.values())
