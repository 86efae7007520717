"""backends.toml: the providers that a team has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipelex_like.deck import BackendSpec, SdkKey, Template
from pipelex_like.errors import did_you_mean
from pipelex_like.specs.costs import CostsTable, read_costs
from pipelex_like.specs.faults import checked, named
from pipelex_like.specs.fields import GATEWAY_NAMES, Plain, Text, Variable
from pipelex_like.specs.headers import read_header, warn_of_secret
from pipelex_like.specs.page import Path, shown
from pipelex_like.specs.policy import BackendPolicyTable, read_policy
from pipelex_like.specs.via import read_via
from pipelex_like.types import EMPTY, FrozenDict, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.deck import Scalarish, SdkSettings
    from pipelex_like.specs.page import Page

_INHERITING = ("extends", "unset")
IGNORED = frozenset({"claude_4_tokens_limit", "model_specs_section"})
_ALWAYS = (SdkKey(name="api_key", secret=True), SdkKey(name="endpoint"))
_FORMER = ("api_version", "aws_region", "gcp_project_id", "gcp_location", "gcp_credentials_file_path")
# A shorter default is a word for a server without keys, such as `not-needed`.
_LIKE_A_KEY = 16
_TYPES: Mapping[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "true or false"),
}


class BackendTable(BackendPolicyTable):
    """`[name]` of backends.toml without the keys that SDKs declare."""

    enabled: Annotated[bool | Literal["auto"] | Variable, Field(union_mode="left_to_right")] = Field(
        default=True, description='true, false, or "auto": on exactly when its variables are set'
    )
    display_name: Plain | None = Field(default=None, description="its name for people")
    key_url: Plain | None = Field(default=None, description="where to get a key")
    key_hint: Plain | None = Field(default=None, description="what a key looks like")
    other_names: list[Plain] | None = Field(default=None, description="further names in pins", examples=[["gemini"]])
    proxy: Text | None = Field(
        default=None, description="URL of a proxy for its requests", examples=["http://proxy.example:3128"]
    )
    ca_file: Text | None = Field(
        default=None,
        description="PEM file of certificate authorities to trust besides the usual ones; relative to the project",
    )
    headers: dict[str, object] | None = Field(
        default=None,
        description="sent with every request",
        json_schema_extra={"additionalProperties": {"type": "string"}},
    )
    unlisted: Annotated[bool | list[Plain], Field(union_mode="left_to_right")] = Field(
        default=True,
        description="true (pins may name ids that no file lists), false, or patterns of bare names it takes",
        examples=[["*/*"]],
    )
    only_when_named: bool = Field(default=False, description="serves only where a profile, a route or a pin names it")
    mirror: bool = Field(
        default=False, description="serves every handle of every spec file in its own wire format; for the sandbox"
    )
    via: Plain | None = Field(
        default=None,
        description='"cloudflare_gateway": requests go through that gateway; "direct": never, whatever a profile says',
        json_schema_extra=GATEWAY_NAMES,
    )
    default_costs: CostsTable | None = Field(default=None, description="prices of models that no file lists")
    required: list[list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]]] | None = Field(
        default=None, description='sets of variables, each of which turns "auto" on', examples=[[["VLLM_API_BASE"]]]
    )
    models: Text | None = Field(
        default=None, description="handles and ids from a variable that holds alias:id,...", examples=["${AI_MODELS}"]
    )
    model_providers: Text | None = Field(
        default=None,
        description="providers from a variable that holds name:provider,...",
        examples=["${HUGGINGFACE_MODEL_PROVIDERS}"],
    )
    extra_config: dict[str, object] | None = Field(default=None, description="a table of your own, not looked at")


_OWN_KEYS = frozenset(BackendTable.model_fields)


def declared_keys(sdks: Iterable[SdkSettings]) -> dict[str, SdkKey]:
    """Give every key that a backend's table may hold for some SDK; a key that is secret for one is so for all."""
    found = {key.name: key for key in _ALWAYS} | {name: SdkKey(name=name) for name in _FORMER}
    for sdk in sdks:
        for key in sdk.keys:
            if not (key.name in found and found[key.name].secret):
                found[key.name] = key
    return found


@dataclass(slots=True, kw_only=True)
class BackendsReader:
    """Reads backends.toml. `keys` are those that SDKs declare."""

    page: Page
    keys: Mapping[str, SdkKey]
    other_names: dict[str, str] = field(default_factory=dict[str, str])

    def read(self) -> dict[str, BackendSpec]:
        """Give the backends in their order; those with errors are left out and named in the page's `faulty`."""
        tables = self._tables()
        self._claim(tables)
        found: dict[str, BackendSpec] = {}
        for name, table in tables.items():
            before = self.page.errors
            spec = self._backend(name, table)
            if self.page.errors > before:
                self.page.faulty.add(name)
            else:
                found[name] = spec
        return found

    def _tables(self) -> dict[str, dict[str, object]]:
        tables: dict[str, dict[str, object]] = {}
        for name, table in self.page.document.data.items():
            if is_table(table):
                if self._name(name):
                    tables[name] = table
            elif name not in _INHERITING:
                hint = did_you_mean(name, _INHERITING)
                self.page.error((name,), "wrong-type", f"expected a backend's table, got {named(table)}.", hint)
        return tables

    def _name(self, name: str) -> bool:
        if not self.page.name((name,), name):
            return False
        if "/" in name or name == "direct":
            why = (
                'a reference takes what stands before the first "/" for a backend' if "/" in name else "it is reserved"
            )
            self.page.error((name,), "bad-name", f"a backend cannot have this name: {why}.", "Give it another.")
            self.page.faulty.add(name)
            return False
        return True

    def _claim(self, tables: Mapping[str, dict[str, object]]) -> None:
        """Note every other name, and report one that is taken already."""
        for name, table in tables.items():
            given = table.get("other_names")
            for place, other in enumerate(given if is_list(given) else ()):
                if not isinstance(other, str):
                    continue
                owner = other if other in tables else self.other_names.setdefault(other, name)
                if owner != name or other == name:
                    message = f'"{shown(other)}" already names the backend "{owner}".'
                    self.page.error((name, "other_names", place), "name-taken", message, "Leave it out.")
                    self.page.faulty.add(name)

    def _backend(self, name: str, raw: dict[str, object]) -> BackendSpec:
        page, path = self.page, (name,)
        rest = {key: value for key, value in raw.items() if key not in self.keys and key not in IGNORED}
        table = checked(BackendTable, rest, page=page, path=path, known=(*self.keys, *_OWN_KEYS))
        if table.max_attempts is not None:
            message = "it bounds whole calls, so on a backend it has no effect."
            hint = "Write it in a profile or a preset; max_retries bounds the repeats at a backend."
            page.warn((name, "max_attempts"), "no-effect", message, hint)
        return BackendSpec(
            name=name,
            enabled=self._enabled(table, path),
            keys=self._keys(raw, path),
            headers=self._headers(table, path),
            proxy=self._proxy(table, path),
            ca_file=None if table.ca_file is None else page.text((name, "ca_file"), table.ca_file),
            policy=read_policy(table, page, path),
            display_name=table.display_name,
            key_url=table.key_url,
            key_hint=table.key_hint,
            other_names=tuple(table.other_names or ()),
            unlisted=table.unlisted if isinstance(table.unlisted, bool) else tuple(table.unlisted),
            only_when_named=table.only_when_named,
            mirror=table.mirror,
            via=read_via(table.via, page, (*path, "via")),
            default_costs=None
            if table.default_costs is None
            else read_costs(table.default_costs, page, (name, "default_costs")),
            required=None if table.required is None else tuple(tuple(names) for names in table.required),
            models=None if table.models is None else page.text((name, "models"), table.models),
            model_providers=None
            if table.model_providers is None
            else page.text((name, "model_providers"), table.model_providers),
            extra_config=page.free_table((name, "extra_config"), table.extra_config) if table.extra_config else EMPTY,
            origin=page.origin(path),
            origins=page.origins(path, raw),
        )

    def _enabled(self, table: BackendTable, path: Path) -> bool | Literal["auto"] | Template:
        if isinstance(table.enabled, bool) or table.enabled == "auto":
            return table.enabled
        found = self.page.text((*path, "enabled"), table.enabled, "bool")
        return found if isinstance(found, Template) else True

    def _keys(self, raw: Mapping[str, object], path: Path) -> FrozenDict[str, Scalarish]:
        found: dict[str, Scalarish] = {}
        for name, value in raw.items():
            key = self.keys.get(name)
            filled = None if key is None else self._key(key, value, (*path, name))
            if filled is not None:
                found[name] = filled
        return FrozenDict(found)

    def _key(self, key: SdkKey, value: object, path: Path) -> Scalarish | None:
        """Give the value of an SDK's key; a blank text is as good as none."""
        wanted, said = _TYPES[key.scalar]
        if isinstance(value, str):
            before = self.page.errors
            found = self.page.text(path, value, key.scalar)
            if isinstance(found, Template):
                if key.secret and any(len(slot.default or "") >= _LIKE_A_KEY for slot in found.slots):
                    warn_of_secret(self.page, path)
                return found
            if key.scalar == "str":
                held = key.secret or (key.name == "endpoint" and "@" in found)
                if held and found.strip() and self.page.errors == before:
                    warn_of_secret(self.page, path)
                return found if found.strip() else None
        elif type(value) is wanted or (wanted is float and type(value) is int):
            return value  # pyright: ignore[reportReturnType]
        self.page.error(path, "wrong-type", f"expected {said}, got {named(value)}.")
        return None

    def _headers(self, table: BackendTable, path: Path) -> FrozenDict[str, str | Template]:
        given = table.headers or {}
        return FrozenDict(
            {
                name: read_header(name, value, page=self.page, path=(*path, "headers", name))
                for name, value in given.items()
            }
        )

    def _proxy(self, table: BackendTable, path: Path) -> str | Template | None:
        if table.proxy is None:
            return None
        found = self.page.text((*path, "proxy"), table.proxy)
        if isinstance(found, str) and "@" in found:
            warn_of_secret(self.page, (*path, "proxy"))
        return found
