"""The layers and operations by family, a module each: what tests of the same kind run over all of them.

A family's module may define
    BAD_CALLS   list of (error, call, words): the call raises the error, and its message says these words
    ONNX        {operator: run}: run(attributes, inputs) computes the outputs of one node with our code
    NOT_OURS    {name of an ONNX case: why our operator does not have what it asks for}
    ROUNDED     {name of an ONNX case whose outputs are rounded: the relative tolerance}
    ON_DEVICES  {name: (make, inputs)}: make() gives a module or function, inputs(generator) its arguments
"""

import importlib
import pkgutil

ALL = {
    module.name: importlib.import_module(f"families.{module.name}")
    for module in pkgutil.iter_modules(__path__)
}


def gather(what: str) -> dict:
    """Return {(family, key): value} of the dictionaries called ``what``; the key of a list is a number."""
    found = {}
    for family, module in ALL.items():
        entries = getattr(module, what, {})
        pairs = entries.items() if isinstance(entries, dict) else enumerate(entries)
        found.update({(family, key): value for key, value in pairs})
    return found
