"""LiteLLM's config.yaml as it is meant: deployments by name, aliases, fallbacks and settings.

https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from pipelex_like.setup.litellm.advice import GENERAL, LITELLM, ROUTER, TOP
from pipelex_like.setup.litellm.providers import PROVIDERS, split_model
from pipelex_like.setup.migrate.migration import NOT_CARRIED, OTHERWISE, SET, note
from pipelex_like.types import dotted, is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.errors import Problem
    from pipelex_like.setup.litellm.yaml import KeyPath, Yaml

ENVIRON = "os.environ/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One entry of `model_list`: `rest` is the model's name after the provider, `params` what `litellm_params` say
    besides it, credentials by name filled in."""

    name: str
    provider: str
    rest: str
    params: Mapping[str, object]
    info: Mapping[str, object]
    path: KeyPath

    @property
    def wild(self) -> bool:
        """Whether it stands for many models."""
        return "*" in self.name or "*" in self.rest


@dataclass(slots=True, kw_only=True)
class Report:
    """What is said of a migration while it goes on; `variables` are those to set."""

    yaml: Yaml
    notes: list[Problem] = field(default_factory=list["Problem"])
    variables: dict[str, None] = field(default_factory=dict[str, None])

    def lost(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Tell of something that is not carried over."""
        self._say(NOT_CARRIED, path, message, hint)

    def otherwise(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Tell of something that means not quite the same here."""
        self._say(OTHERWISE, path, message, hint)

    def once(self, path: KeyPath, message: str, hint: str = "") -> None:
        """Tell of something that means not quite the same here, the first time that it is met."""
        if not any(said.message == message for said in self.notes):
            self.otherwise(path, message, hint)

    def to_set(self, name: str, path: KeyPath, message: str) -> None:
        """Tell of a variable that takes the place of a value in the file."""
        if name not in self.variables:
            self.variables[name] = None
            self._say(SET, path, message)

    def _say(self, code: str, path: KeyPath, message: str, hint: str = "") -> None:
        self.notes.append(note(code, self.yaml.shown, dotted(path), message, hint, line=self.yaml.line(*path)))


@dataclass(slots=True, kw_only=True)
class LiteConfig:
    """The file as it is meant. `fallbacks` map a name to names, by sort: general, context_window, content_policy."""

    report: Report
    deployments: list[Deployment] = field(default_factory=list[Deployment])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    fallbacks: dict[str, dict[str, list[str]]] = field(default_factory=dict[str, dict[str, list[str]]])
    router: Mapping[str, object] = field(default_factory=dict[str, object])
    litellm: Mapping[str, object] = field(default_factory=dict[str, object])

    def setting(self, *names: str) -> object:
        """Give the first of the settings that the router, or else the module, has under one of these names."""
        for name in names:
            for table in (self.router, self.litellm):
                if table.get(name) is not None:
                    return table[name]
        return None


def read_config(yaml: Yaml) -> LiteConfig:
    """Read a config.yaml; what has no counterpart here goes to the report."""
    report = Report(yaml=yaml)
    for path in yaml.twice:
        report.otherwise(path, "this key stands in its mapping twice; the last one counts.")
    config = LiteConfig(report=report)
    config.router = _table(yaml.data.get("router_settings"), ("router_settings",), report)
    config.litellm = _table(yaml.data.get("litellm_settings"), ("litellm_settings",), report)
    credentials = _credentials(yaml.data.get("credential_list"))
    models = yaml.data.get("model_list")
    for place, entry in enumerate(models if is_list(models) else ()):
        found = _deployment(entry, ("model_list", place), credentials, report)
        if found is not None:
            config.deployments.append(found)
    config.aliases = _aliases(config.router.get("model_group_alias"), report)
    for table, above in ((config.litellm, "litellm_settings"), (config.router, "router_settings")):
        _read_fallbacks(config, table, above)
    _tell_rest(config, yaml.data)
    return config


def _deployment(
    entry: object, path: KeyPath, credentials: Mapping[str, Mapping[str, object]], report: Report
) -> Deployment | None:
    params = entry.get("litellm_params") if is_table(entry) else None
    name = entry.get("model_name") if is_table(entry) else None
    if not is_table(entry) or not is_table(params) or name is None:
        report.lost(path, "an entry of model_list has a model_name and litellm_params; this one lacks them.")
        return None
    credential = params.get("litellm_credential_name")
    params = {**credentials.get(str(credential), {}), **params}
    model = params.get("model")
    if not isinstance(model, str) or not model.strip():
        report.lost((*path, "litellm_params"), f'"{name}" names no model.')
        return None
    wanted = params.get("custom_llm_provider")
    provider, rest = split_model(model.strip(), wanted if isinstance(wanted, str) else None)
    if model.strip() == "*":
        provider, rest = "*", "*"
    elif provider not in PROVIDERS:
        message = f'"{model}" is of a provider that is not known here.'
        hint = "If it speaks OpenAI's protocol, write openai/<model> with its api_base, and migrate again."
        report.lost((*path, "litellm_params", "model"), message, hint)
        return None
    legacy = {key: entry[key] for key in ("rpm", "tpm", "weight") if key in entry}
    info = entry.get("model_info")
    return Deployment(
        name=str(name),
        provider=str(provider),
        rest=rest,
        params={**legacy, **{key: value for key, value in params.items() if key != "model" and value is not None}},
        info=info if is_table(info) else {},
        path=path,
    )


def _credentials(value: object) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    for entry in value if is_list(value) else ():
        values = entry.get("credential_values") if is_table(entry) else None
        if is_table(entry) and is_table(values):
            found[str(entry.get("credential_name"))] = values
    return found


def _table(value: object, path: KeyPath, report: Report) -> dict[str, object]:
    if value is not None and not is_table(value):
        report.lost(path, "a mapping was expected here.")
    return value if is_table(value) else {}


def _aliases(value: object, report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, target in (value if is_table(value) else {}).items():
        model = target.get("model") if is_table(target) else target
        if isinstance(model, str):
            found[name] = model
        else:
            report.lost(("router_settings", "model_group_alias", name), "this alias names no model.")
    return found


_SORTS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


def _read_fallbacks(config: LiteConfig, table: Mapping[str, object], above: str) -> None:
    for sort in _SORTS:
        for name, targets in _pairs(table.get(sort)):
            config.fallbacks.setdefault(sort, {})[name] = targets
    default = table.get("default_fallbacks")
    if is_list(default):
        config.fallbacks.setdefault("fallbacks", {})["*"] = _names(default, config.report, (above, "default_fallbacks"))


def _pairs(value: object) -> Iterable[tuple[str, list[str]]]:
    for entry in value if is_list(value) else [value]:
        for name, targets in (entry if is_table(entry) else {}).items():
            listed = targets if is_list(targets) else [targets]
            yield name, [text for text in listed if isinstance(text, str)]


def _names(value: object, report: Report, path: KeyPath) -> list[str]:
    listed = cast("list[object]", value) if is_list(value) else []
    for place, item in enumerate(listed):
        if not isinstance(item, str):
            report.lost((*path, place), "a fallback with settings of its own; only names are carried over.")
    return [item for item in listed if isinstance(item, str)]


def _tell_rest(config: LiteConfig, data: Mapping[str, object]) -> None:
    """Tell what no part of the migration reads, each with the nearest thing there is here."""
    report = config.report
    for key in data:
        if key not in TOP:
            report.lost((key,), "this part has no counterpart here.")
    for title, table, advice in (
        ("general_settings", _table(data.get("general_settings"), ("general_settings",), report), GENERAL),
        ("router_settings", config.router, ROUTER),
        ("litellm_settings", config.litellm, LITELLM),
    ):
        for key, value in table.items():
            hint = advice.get(key, "")
            if hint is not None and value not in (None, False):
                report.lost((title, key), "there is no such setting here.", hint)
    variables = data.get("environment_variables")
    for name in variables if is_table(variables) else ():
        message = f"set {name} in the environment or in .env; its value is not copied."
        report.to_set(name, ("environment_variables", name), message)
