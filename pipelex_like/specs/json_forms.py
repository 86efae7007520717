"""From pydantic's JSON Schema of a table to one for TOML: no null, no titles, with the meanings and names we know."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from pipelex_like.deck.policy import ACTIONS, ATTEMPT_SECONDS, ERROR_CLASSES, RULES
from pipelex_like.deck.vocabulary import SETTINGS
from pipelex_like.specs.policy import ActionsTable, BackendPolicyTable, PolicyTable
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelex_like.deck.vocabulary import Setting
    from pipelex_like.specs.fields import Table
    from pipelex_like.types import Kind

Schema = dict[str, object]

REFERENCE = "#/definitions/"
VARIABLE = r"\$\{"
UNSET: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "keys to take away from what came before, as TOML writes them",
    "examples": [['profiles.hybrid.routes."gpt-*"']],
}
_FORMS: Mapping[str, Schema] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "text": {"type": "string"},
    "texts": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    "flag": {"type": "boolean"},
    "table": {"type": "object"},
    "flag or integer": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]},
    "text or table": {"anyOf": [{"type": "string"}, {"type": "object"}]},
}


def open_choice(words: Iterable[str]) -> Schema:
    """Words that an editor completes, in a place where any other text is right too."""
    return {"anyOf": [{"enum": list(words)}, {"type": "string"}]}


class Forms:
    """Makes schemas of one file. `words` are the names known for each `x-names`; `variables` says whether a
    `${VARIABLE}` may stand in this file; `definitions` grows with every table that is used."""

    def __init__(self, *, words: Mapping[str, Sequence[str]], variables: bool) -> None:
        self.words = words
        self.variables = variables
        self.definitions: Schema = {}

    def table(self, table: type[Table]) -> Schema:
        """Give the schema of a table; those inside it go to the definitions."""
        given = table.model_json_schema()
        inner = given.pop("$defs", {})
        for name, schema in inner.items():
            self.definitions[name] = self._described(self._plain(schema), name == ActionsTable.__name__)
        found = self._plain(given)
        # A reader wants to see first what only this table has.
        own = [name for name in table.__annotations__ if name in properties(found)]
        found["properties"] = {name: properties(found)[name] for name in (*own, *properties(found))}
        if issubclass(table, PolicyTable):
            _add_rules(properties(found), backend=issubclass(table, BackendPolicyTable))
        return found

    def settings(self, kind: Kind) -> Schema:
        """Give the settings of a kind as properties."""
        return {name: _setting(setting) for name, setting in SETTINGS[kind].items()}

    def named(self, group: str) -> Schema:
        """Give the schema of a text that is a name of this group."""
        words = self.words.get(group)
        if not words:
            return {"type": "string"}
        name = f"names-{group}".replace(" ", "-")
        self.definitions[name] = open_choice(words)
        return {"$ref": f"{REFERENCE}{name}"}

    def document(self, title: str, body: Schema) -> Schema:
        """Give the whole schema of a file."""
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": title,
            "type": "object",
            **body,
            "definitions": dict(sorted(self.definitions.items())),
        }

    def _described(self, schema: Schema, actions: bool) -> Schema:
        if actions:
            for name, value in properties(schema).items():
                value |= {"description": ERROR_CLASSES[name], "default": ACTIONS[name]}
        return schema

    def _plain(self, schema: Schema) -> Schema:
        found: Schema = {key: self._part(key, value) for key, value in schema.items() if key != "title"}
        if "$ref" in found:
            found["$ref"] = str(found["$ref"]).replace("#/$defs/", REFERENCE)
        if is_list(found.get("anyOf")):
            found = self._union(found)
        if found.get("default", "") in (None, ""):
            found.pop("default", None)
        return self._with_names(described({"$ref": found.pop("$ref")}, **found) if "$ref" in found else found)

    def _part(self, key: str, value: object) -> object:
        if key == "properties" and is_table(value):
            return {name: self._plain(inner) for name, inner in value.items() if is_table(inner)}
        if key in ("items", "additionalProperties", "propertyNames") and is_table(value):
            return self._plain(value)
        if key == "anyOf" and is_list(value):
            return [self._plain(inner) for inner in value if is_table(inner)]
        return " ".join(value.split()) if key == "description" and isinstance(value, str) else value

    def _union(self, schema: Schema) -> Schema:
        """Leave out what TOML or this file does not know, and the union itself where one member stays."""
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        members: list[Schema] = []
        for member in _flat(schema["anyOf"]):
            told = member.get("type") == "null" or (not self.variables and member.get("pattern") == VARIABLE)
            if not told and member not in members:
                members.append(member)
        numbers = [{**member, "type": "integer"} for member in members if member.get("type") == "number"]
        members = [member for member in members if member not in numbers]
        return {**members[0], **rest} if len(members) == 1 else {"anyOf": members, **rest}

    def _with_names(self, schema: Schema) -> Schema:
        """Put the known names where `x-names` and `x-keys` ask for them."""
        group, keys = schema.pop("x-names", None), schema.pop("x-keys", None)
        if isinstance(group, str):
            value = self.named(group)
            texts: Schema = {"anyOf": [value, {"type": "array", "items": value}]} if group == "models" else value
            match schema.get("type"):
                case "array":
                    schema["items"] = value
                case "object":
                    schema["additionalProperties"] = texts
                    if isinstance(keys, str) and self.words.get(keys):
                        schema["properties"] = dict.fromkeys(self.words[keys], texts)
                case _ if self.words.get(group):
                    schema = described(
                        value, **{key: schema[key] for key in ("description", "default") if key in schema}
                    )
                case _:
                    pass
        return schema


def properties(schema: Schema) -> dict[str, Schema]:
    """Give the properties of a table's schema."""
    found = schema.get("properties")
    return found if is_schemas(found) else {}


def is_schemas(value: object) -> TypeGuard[dict[str, Schema]]:
    """Whether a value holds schemas by name."""
    return is_table(value) and all(is_table(inner) for inner in value.values())


def described(schema: Schema, **beside: object) -> Schema:
    """Add a description or default. Draft 7 ignores all that stands beside a `$ref`: it is put one level deeper."""
    return {"allOf": [schema], **beside} if "$ref" in schema and beside else {**schema, **beside}


def table_of(keys: Mapping[str, object], description: str = "") -> Schema:
    """Give the schema of a table that has these keys and no others."""
    said = {"description": description} if description else {}
    return {"type": "object", **said, "properties": dict(keys), "additionalProperties": False}


def _flat(members: object) -> list[Schema]:
    found: list[Schema] = []
    for member in members if is_list(members) else ():
        if is_table(member):
            found += _flat(member["anyOf"]) if list(member) == ["anyOf"] else [member]
    return found


def _add_rules(found: dict[str, Schema], *, backend: bool) -> None:
    for name, rule in RULES.items():
        if name in found:
            default = ATTEMPT_SECONDS if backend and name == "timeout" else rule.default
            said = f"; default: {rule.otherwise}" if default is None else ""
            unit = {"seconds": "seconds: ", "dollars": "US dollars: "}.get(rule.form, "")
            found[name]["description"] = f"{unit}{rule.meaning}{said}"
            if default is not None:
                found[name]["default"] = int(default) if isinstance(default, float) else default


def _setting(setting: Setting) -> Schema:
    bounds: Schema = {}
    if setting.least is not None:
        bounds["minimum"] = setting.least
    if setting.most is not None:
        bounds["maximum"] = setting.most
    form = _FORMS[setting.form]
    meaning: Schema = {"description": setting.meaning}
    members = form.get("anyOf")
    if is_list(members):
        bounded = [{**one, **bounds} if is_table(one) and one.get("type") == "integer" else one for one in members]
        return {"anyOf": bounded, **meaning}
    if setting.words and setting.form == "text":
        return {"enum": list(setting.words), **meaning}
    if setting.words:
        return {"anyOf": [{**form, **bounds}, {"enum": list(setting.words)}], **meaning}
    return {**form, **bounds, **meaning}
