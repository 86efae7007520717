"""docs/problems: a page for every code that the package can report, and an index that says the same."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from pipelex_like.setup.lint.codes import CODES, COMMANDS, LINT
from pipelex_like.setup.lint.findings import IN_KIT
from pipelex_like.setup.lint.fixes import FIXES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipelex_like"
DOCS = ROOT / "docs" / "problems"
ROOMS = ("documents", "specs", "routing", "setup", "engine", "cli")
# Where a call of that name has the code: `problem(severity, code, ...)`, `page.error(path, code, ...)`.
PLACES = {
    "problem": 1,
    "error": 1,
    "warn": 1,
    "note": 1,
    "_report": 2,
    "_Fault": 0,
    "_problem": 0,
    "_warning": 0,
    "_refusal": 0,
}
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z|\w+NotFoundError\Z")
# Kebab-case texts of these rooms that are no codes.
OTHERS = {
    "2026-11-01",
    "cf-aig-authorization",
    "google-ai-studio",
    "google-vertex-ai",
    "perplexity-ai",
    "sourced-answers",
    "stand-in",
    "utf-8",
    "x-keys",
    "x-names",
}
NO_LEDGER = "no-ledger"  # `usage --json` has it in a record of its own


def literals(path: Path) -> set[str]:
    """Give the texts of a file that stand where a problem's code does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and any(_is_code(target) for target in node.targets):
            found |= _texts(node.value)
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg == "code":
                found |= _texts(keyword.value)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = PLACES.get(name)
        if place is not None and len(node.args) > place:
            found |= _texts(node.args[place])
    return {text for text in found if CODE.match(text)}


def _is_code(target: ast.expr) -> bool:
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return isinstance(names[0], ast.Name) and names[0].id == "code"


def _texts(node: ast.expr) -> set[str]:
    """Give the text of a literal, of both sides of a condition, or of the first of several."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=other):
            return _texts(body) | _texts(other)
        case ast.Tuple(elts=[first, *_]):
            return _texts(first)
        case _:
            return set()


def reported() -> set[str]:
    return {code for room in ROOMS for path in (PACKAGE / room).rglob("*.py") for code in literals(path)} - {NO_LEDGER}


def index() -> str:
    lines = [
        "# Problems",
        "",
        "What `pipelex-like validate` can say, by code. Each line of its answer ends in one: "
        "`.pipelex/inference/deck/base_deck.toml:14: aliases.fast[2]: ... [duplicate-in-chain]`.",
        "",
        "- `--select CODE,...` tells only warnings of these codes, `--ignore CODE,...` none of them. Errors are always "
        "told: nothing loads before they are mended.",
        "- `--strict` exits with 1 for warnings too; notes never fail.",
        "- `--fix` mends what has one right answer and keeps every comment; `--diff` only shows what it would change.",
        "- `--json` is for programs, `--format github` writes annotations for a workflow, `--max-price-age DAYS` says "
        "when a price is old (180).",
        "",
        "Codes marked *validate* are told by that command alone. What a load tells is in its ConfigError, or, if it is "
        "only a warning, on the `pipelex_like` logger. Of what stands in the packaged kit, *validate* tells nothing to "
        "those who inherit it.",
        "",
        "| code | what it means | told by | `--fix` |",
        "| --- | --- | --- | --- |",
    ]
    for code in sorted(CODES, key=str.lower):
        told = "*validate*" if code in LINT else "other commands" if code in COMMANDS else "every load"
        fix = "yes" if code in FIXES else ""
        summary = CODES[code].replace("|", "\\|")
        lines.append(f"| [`{code}`]({code}.md) | {summary} | {told} | {fix} |")
    lines += [
        "",
        "## In the packaged kit",
        "",
        "These do not count where the kit itself is looked at, for a reason:",
        "",
    ]
    lines += [f"- `{code}`: {reason}." for code, reason in IN_KIT.items()]
    return "\n".join(lines) + "\n"


def test_the_index_is_that_of_the_code(request: pytest.FixtureRequest) -> None:
    page = DOCS / "README.md"
    if request.config.getoption("--record"):
        page.write_text(index(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == index()


def test_every_code_that_is_reported_is_in_the_table_and_the_other_way_round() -> None:
    assert reported() == set(CODES)


def test_no_code_is_written_where_the_test_does_not_look() -> None:
    """Kebab-case texts of the rooms that report are codes, whatever they are passed to."""
    kebab = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+\Z")
    found: set[str] = set()
    for room in ("documents", "specs", "routing"):
        for path in (PACKAGE / room).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            found |= {
                node.value
                for node in nodes
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and kebab.match(node.value)
            }
    assert found - OTHERS <= set(CODES)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} - {"README"} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_the_code_means_shows_it_and_tells_the_way_out(code: str) -> None:
    page = (DOCS / f"{code}.md").read_text(encoding="utf-8")
    title, _, rest = page.partition("\n\n")
    assert title == f"# `{code}`"
    assert rest.startswith(f"{CODES[code]}. ")
    assert ("Only `validate` tells it." in rest) == (code in LINT)
    assert ("**`--fix`** mends it" in rest) == (code in FIXES)
    (example,) = re.findall(r"^```(?:toml|text|console)\n(.+?)\n```$", rest, re.DOTALL | re.MULTILINE)
    assert example.strip()
    assert re.search(r"^\*\*The way out\.\*\* \S", rest, re.MULTILINE)
    for block in re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        tomllib.loads(block)
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page):
        assert (DOCS / target).exists(), target


def test_every_finding_of_validate_has_a_case() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("cases/*/expected.txt")]
    assert not {code for code in LINT if not any(f"[{code}]" in text for text in texts)}
    assert len(texts) >= 25
