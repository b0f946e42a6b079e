"""What holds for every test: none is skipped, raced against a clock or left to chance; files stay whole.

The ONNX backend's node cases are made once.

These cases are inputs and outputs of single operators, made independently of PyTorch.
"""

import collections
import warnings
from typing import NamedTuple

import hypothesis
import numpy as np
import pytest
import torch

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("course", deadline=None)
hypothesis.settings.load_profile("course")


class NodeCase(NamedTuple):
    name: str
    attributes: dict
    inputs: dict[str, np.ndarray]
    outputs: list[np.ndarray]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Keep a file's tests on one worker, since they share what is dear to set up; some go by themselves."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Begin each test with the same random numbers, whatever ran before it: what fails once fails again."""
    torch.manual_seed(0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skipped test into one that failed: what did not run has shown nothing."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing here may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def onnx_cases() -> dict[str, list[NodeCase]]:
    """All cases of one node, by operator. Takes some seconds, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX computes its own infinities, loudly
        import onnx
        import onnx.backend.test.case.node as node_cases

        collected = node_cases.collect_testcases(None)
    by_operator = collections.defaultdict(list)
    for case in collected:
        if len(case.model.graph.node) == 1:
            node = case.model.graph.node[0]
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            inputs, outputs = case.data_sets[0]
            names = [name for name in node.input if name]  # fewer than inputs for sequences, which we lack
            by_operator[node.op_type].append(
                NodeCase(case.name, attributes, dict(zip(names, inputs, strict=False)), outputs)
            )
    return by_operator
