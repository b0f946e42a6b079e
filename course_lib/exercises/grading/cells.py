"""Finds the calls of ``check`` in a notebook's code and sends them to the judge instead."""

from __future__ import annotations

import ast
from collections.abc import Collection

_ENGINE = "course_lib.exercises"


class SendToJudge(ast.NodeTransformer):
    """Rewrites ``check("section/name", answer)`` into a call of ``judge_name``, whatever ``check`` means.

    Calls with other ids, or without an answer, stay as they are. ``from course_lib.exercises import check as
    c`` is understood.
    """

    def __init__(self, ids: Collection[str], judge_name: str):
        self._ids = ids
        self._judge_name = judge_name
        self._names = {"check"}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Learn under which name ``check`` is imported."""
        if node.module and node.module.startswith(_ENGINE):
            self._names |= {alias.asname for alias in node.names if alias.name == "check" and alias.asname}
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace what is called."""
        self.generic_visit(node)
        answers = node.args[1:2] or [word.value for word in node.keywords if word.arg == "answer"]
        exercise = self._exercise(node)
        if self._is_check(node.func) and exercise in self._ids and answers:
            judge = ast.copy_location(ast.Name(self._judge_name, ast.Load()), node)
            name = ast.copy_location(ast.Constant(exercise), node)
            return ast.copy_location(ast.Call(judge, [name, answers[0]], []), node)
        return node

    def _is_check(self, function: ast.expr) -> bool:
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
        return name in self._names

    def _exercise(self, node: ast.Call) -> str | None:
        given = node.args[:1] or [word.value for word in node.keywords if word.arg == "exercise"]
        value = given[0].value if given and isinstance(given[0], ast.Constant) else None
        return value if isinstance(value, str) else None
