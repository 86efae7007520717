"""Writes what is made from the code: docs/reference/ and the packaged JSON Schemas. Run it after a change:

    python tests/project/reference.py

tests/project/test_reference.py compares the files with what this would write.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipelex_like import errors
from pipelex_like.cli.app import app
from pipelex_like.deck.policy import ACTIONS, ERROR_CLASSES, RULES
from pipelex_like.deck.vocabulary import SETTINGS
from pipelex_like.specs.json_schemas import FILE_KINDS, FILES, json_schemas, schema_text
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference"
SCHEMAS = ROOT / "pipelex_like" / "data" / "schemas"
MADE = "Made from the code by `python tests/project/reference.py`; a test compares the two."


def files() -> dict[Path, str]:
    """Give every file that is made from the code, with its text."""
    schemas = json_schemas(sdk_settings())
    return {
        PAGES / "README.md": index(),
        PAGES / "commands.md": page("The command line", commands()),
        PAGES / "configuration.md": page("Keys of the configuration files", configuration(schemas)),
        PAGES / "settings.md": page("Settings, and how calls are governed", settings()),
        PAGES / "errors.md": page("Errors", error_classes()),
        **{SCHEMAS / f"{kind}.json": schema_text(schemas[kind]) for kind in FILE_KINDS},
    }


def page(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"# {title}", MADE, "", *lines]).rstrip() + "\n"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(columns)
    found = [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    return [f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |", *found, ""] if found else []


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def index() -> str:
    return page(
        "Reference",
        [
            "- [The command line](commands.md): every command with its options",
            "- [Keys of the configuration files](configuration.md), file by file, as the JSON Schemas have them",
            "- [Settings, and how calls are governed](settings.md)",
            "- [Errors](errors.md): the classes that are raised, and what they carry",
            "",
            "What the keys mean together is told in [configuration.md](../configuration.md).",
        ],
    )


# --- The command line ---


def commands() -> Iterator[str]:
    yield from command(typer.main.get_command(app), "pipelex-like")


def command(found: object, name: str) -> Iterator[str]:
    yield f"## `{name}`"
    paragraphs = inspect.cleandoc(found.help or "").split("\n\n")
    for paragraph in paragraphs:
        text = " ".join(paragraph.split())
        example = text.removeprefix("Example: ")
        yield from ([text, ""] if example == text else ["```bash", f"$ {example}", "```", ""])
    params = [param for param in found.params if not getattr(param, "hidden", False) and param.name != "help"]
    yield from table(
        ["argument or option", "meaning", "default"],
        ((spelling(param), param.help or "", default(param)) for param in params),
    )
    for inner, below in getattr(found, "commands", {}).items():
        if not below.hidden:
            yield from command(below, f"{name} {inner}")


def spelling(param: object) -> str:
    metavar = param.metavar or param.name.upper()
    if param.param_type_name == "argument":
        return f"`{metavar}`"
    names = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    return names if param.is_flag else f"{names} {metavar}"


def default(param: object) -> str:
    value = param.default
    return "" if value in (None, False, [], ()) or callable(value) or "UNSET" in repr(value) else f"`{value}`"


# --- Configuration ---


def configuration(schemas: Mapping[str, dict]) -> Iterator[str]:
    for kind in FILE_KINDS:
        schema = schemas[kind]
        yield f"## {FILES[kind].replace('<', '&lt;').replace('>', '&gt;')}"
        yield f"`pipelex-like schema {kind}` prints its JSON Schema."
        yield ""
        yield from keys(schema, kind)
        for name, definition in schema["definitions"].items():
            if "properties" in definition:
                yield f"### {kind}: {name}"
                yield from [definition.get("description", ""), ""]
                yield from keys(definition, kind)


def keys(schema: dict, kind: str) -> list[str]:
    rows = [(f"`{key}`", said, kind) for key, said in schema["properties"].items()]
    rows += [(f"`{pattern}`", said, kind) for pattern, said in schema.get("patternProperties", {}).items()]
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        rows.append(("any other name", rest, kind))
    return table(
        ["key", "takes", "default", "meaning"],
        ((key, takes(said, where), fallback(said), meaning(said)) for key, said, where in rows),
    ) + [line for key, said in schema["properties"].items() for line in below(key, said, kind)]


def below(key: str, schema: dict, kind: str) -> list[str]:
    """A table that is written where it is used gets its own rows."""
    if "properties" not in schema:
        return []
    return [f"### {kind}: `{key}`", schema.get("description", ""), "", *keys(schema, kind)]


def fallback(schema: dict) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def meaning(schema: dict) -> str:
    examples = [f"`{json.dumps(example, ensure_ascii=False)}`" for example in schema.get("examples", ())]
    said = schema.get("description", "")
    return f"{said}; such as {', '.join(examples)}" if examples else said


def takes(schema: dict, kind: str) -> str:
    for union in ("anyOf", "allOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(takes(member, kind) for member in schema[union]))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "a name" if name.startswith("names-") else f"[{name}](#{kind}-{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {takes(schema.get('items', {}), kind)}"
        case "object":
            inner = schema.get("additionalProperties")
            return f"table of {takes(inner, kind)}" if isinstance(inner, dict) and inner else "table"
        case "integer" | "number" as number:
            return " ".join([number, *bounds(schema)])
        case "boolean":
            return "`true`, `false`"
        case "string":
            return "a `${VARIABLE}`" if schema.get("pattern") == r"\$\{" else "text"
        case _:
            return "anything"


def bounds(schema: dict) -> Iterator[str]:
    if "exclusiveMinimum" in schema:
        yield f"above {schema['exclusiveMinimum']:g}"
    if "minimum" in schema:
        yield f"from {schema['minimum']:g}"
    # Larger bounds only keep a number printable.
    if schema.get("maximum", 10**9) < 10**9:
        yield f"to {schema['maximum']:g}"


# --- Settings and errors ---


def settings() -> Iterator[str]:
    for kind, found in SETTINGS.items():
        yield f"## Settings: {kind}"
        rows = []
        for name, setting in found.items():
            limits = {"minimum": setting.least, "maximum": setting.most}
            said = bounds({key: value for key, value in limits.items() if value is not None})
            words = [f": {', '.join(setting.words)}"] if setting.words else []
            rows.append(
                (f"`{name}`", "".join([setting.form, *words, *(f" {bound}" for bound in said)]), setting.meaning)
            )
        yield from table(["setting", "takes", "meaning"], rows)
    yield "## How calls are governed"
    yield from table(
        ["key", "takes", "default", "where", "meaning"],
        (
            (
                f"`{name}`",
                rule.form,
                rule.otherwise if rule.default is None else str(rule.default),
                where(rule),
                rule.meaning,
            )
            for name, rule in RULES.items()
        ),
    )
    yield "## `actions`"
    yield from table(
        ["error class", "default", "when"],
        ((f"`{word}`", action, ERROR_CLASSES[word]) for word, action in ACTIONS.items()),
    )


def where(rule: object) -> str:
    return "everywhere" if rule.backend and rule.caller else "backends" if rule.backend else "profiles, presets, calls"


def error_classes() -> Iterator[str]:
    found = [
        one
        for one in vars(errors).values()
        if inspect.isclass(one) and issubclass(one, BaseException) and one.__module__ == errors.__name__
    ]
    yield from table(
        ["class", "is a", "when"],
        ((f"`{one.__name__}`", ", ".join(f"`{base.__name__}`" for base in one.__bases__), first(one)) for one in found),
    )


def first(one: type) -> str:
    return (inspect.getdoc(one) or "").split("\n\n")[0]


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
