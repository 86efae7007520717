"""The budgets of CONTRIBUTING.md: they guard the tail, where code becomes feared."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "pipelex_like"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
BROAD_EXCEPTS = {"engine/watching.py", "workers/translate.py", "workers/registry.py", "usage/sinks.py", "cli/app.py"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, Function)]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_file_has_at_most_300_lines(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 300, f"{_name(path)} has {lines} lines: a room that wants to be two"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_function_has_at_most_50_lines_and_6_positional_parameters(path: Path) -> None:
    for function in _functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= 50, f"{_name(path)}:{function.lineno} {function.name} has {length} lines"
        arguments = function.args
        assert len(arguments.posonlyargs) + len(arguments.args) <= 6, f"{_name(path)}:{function.lineno}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_global_statement(path: Path) -> None:
    assert not [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Global)]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_broad_excepts_only_where_foreign_errors_enter(path: Path) -> None:
    def is_broad(handler: ast.ExceptHandler) -> bool:
        if handler.type is None:
            return True
        names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)

    broad = [node.lineno for node in ast.walk(_tree(path)) if isinstance(node, ast.ExceptHandler) and is_broad(node)]
    assert not broad or _name(path) in BROAD_EXCEPTS, f"{_name(path)}: broad except at lines {broad}"


def test_the_budget_test_sees_the_package() -> None:
    assert {"errors.py", "deck/route.py", "cli/app.py"} <= {_name(path) for path in FILES}
