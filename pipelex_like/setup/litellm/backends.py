"""Deployments become backends and models: those of the kit where they fit, others beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipelex_like.setup.litellm.access import Access, Reader, variables_in
from pipelex_like.setup.litellm.kit import kit_backend, kit_defaults, kit_handles, kit_model
from pipelex_like.setup.litellm.models import TYPE_OF, facts_of, kind_of, settings_of
from pipelex_like.setup.litellm.providers import PROVIDERS, name_of, split_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.setup.litellm.config import Deployment, LiteConfig
    from pipelex_like.types import Kind

_OPENINGS = ("endpoint", "api_version", "api_key", "headers", "default_costs")
_CREDENTIALS = ("api_key", "aws_access_key_id", "aws_profile", "aws_bearer_token", "gcp_project_id")
_FACTS = (
    "model_type",
    "inputs",
    "outputs",
    "context_window",
    "max_tokens",
    "max_prompt_images",
    "structure_method",
    "thinking_mode",
    "listed_constraints",
    "valued_constraints",
    "costs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A deployment as it stands here: who serves it, by which handle and id, with which settings."""

    deployment: Deployment
    backend: str
    handle: str
    model_id: str
    kind: Kind
    settings: Mapping[str, object]

    @property
    def pin(self) -> str:
        """The reference that leads there and nowhere else."""
        return f"{self.backend}/{self.handle}"


@dataclass(slots=True, kw_only=True)
class Backends:
    """What is written of backends: `tables` for backends.toml, `models` by backend and handle, `defaults` of the
    spec files of backends that the kit does not have, `names` of every access, `wild` the deployments of patterns."""

    config: LiteConfig
    tables: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    models: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict[str, dict[str, dict[str, object]]])
    defaults: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    names: dict[Access, str] = field(default_factory=dict[Access, str])
    served: list[Served] = field(default_factory=list[Served])
    wild: list[tuple[Deployment, str]] = field(default_factory=list[tuple["Deployment", str]])

    def read(self) -> None:
        """Fill all of it from the deployments."""
        reader = Reader(config=self.config, used=variables_in(self.config))
        placed = [(each, reader.access(each)) for each in self.config.deployments if each.provider != "*"]
        self._name([(each, access) for each, access in placed if _kind(each) is not None])
        for deployment, access in placed:
            kind = _kind(deployment)
            if kind is None:
                message = f'"{deployment.name}" does a kind of work that is not done here.'
                hint = "Text, reading documents and pictures are; keep LiteLLM or the provider's own client for it."
                self.config.report.lost(deployment.path, message, hint)
            elif deployment.wild:
                self.wild.append((deployment, self.names[access]))
                settings_of(deployment, kind, self.config.report)
            else:
                self.served.append(self._serve(deployment, access, kind))

    def _name(self, placed: list[tuple[Deployment, Access]]) -> None:
        """Give each access a backend: the packaged name to the one that it fits best, in the order of the file."""
        by_base: dict[str, list[Access]] = {}
        for _, access in placed:
            held = by_base.setdefault(access.base, [])
            if access not in held:
                held.append(access)
        for base, accesses in by_base.items():
            wild = [access for each, access in placed if access.base == base and each.name.endswith("/*")]
            uses = [access for _, access in placed if access.base == base and not access.addressed]
            fitting = sorted(dict.fromkeys(uses), key=uses.count, reverse=True)
            owner = next(iter((*wild, *fitting, *(accesses if not kit_backend(base) else ()))), None)
            for access in accesses:
                name = base if access == owner else self._free_name(access)
                self.names[access] = name
                self._write(name, access, packaged=access == owner and bool(kit_backend(base)))

    def _free_name(self, access: Access) -> str:
        wanted = _host_name(access) or access.base
        taken = {*self.names.values(), *self.tables}
        count = 1 if wanted != access.base else 2
        name = wanted if wanted != access.base else f"{wanted}_{count}"
        while name in taken or kit_backend(name):
            count += 1
            name = f"{wanted}_{count}"
        return name

    def _write(self, name: str, access: Access, *, packaged: bool) -> None:
        said = {key: dict(value) if isinstance(value, tuple) else value for key, value in access.pairs}
        if packaged:
            if said:
                self.tables[name] = {**_required(access, said), **said}
            return
        provider = next(each for each in PROVIDERS.values() if each.backend == access.base)
        standing = {
            key: value
            for key, value in kit_backend(access.base).items()
            if key in _OPENINGS or key.startswith(("aws_", "gcp_"))
        }
        if provider.endpoint is not None:
            standing = {"endpoint": provider.endpoint}
            standing |= {"api_key": f"${{{provider.variable}}}"} if provider.variable is not None else {}
        if access.keyless:
            standing.pop("api_key", None)
        table = {**standing, **said}
        opened = any(key in table for key in _CREDENTIALS)
        self.tables[name] = {**({"enabled": "auto"} if opened else _by(table.get("endpoint"))), **table}
        foreign = access.addressed or provider.endpoint is not None
        self.defaults[name] = kit_defaults("openai_compatible" if foreign and access.base == "openai" else access.base)
        if not self.defaults[name]:
            self.defaults[name] = kit_defaults("openai_compatible")

    def _serve(self, deployment: Deployment, access: Access, kind: Kind) -> Served:
        report, backend = self.config.report, self.names[access]
        named = name_of(deployment.provider, deployment.rest)
        packaged = backend == access.base and bool(kit_backend(access.base))
        known = kit_model(access.base, named.model_id)
        handle, table = named.model_id, dict[str, object]()
        if known is not None and packaged:
            handle = known[0]
        elif packaged and handle in kit_handles(access.base):
            handle = f"{deployment.name}-model"
            table["model_id"] = named.model_id
        if known is None or not packaged:
            table |= _known_facts(access, named.model_id, deployment)
        standing = known[1] if known is not None and packaged else {}
        if named.sdk is not None and standing.get("sdk", kit_defaults(access.base).get("sdk")) != named.sdk:
            table["sdk"] = named.sdk
        table |= facts_of(deployment, kind, report)
        default = {**kit_defaults(access.base), **standing}.get("model_type", "llm")
        if table and default != TYPE_OF[kind]:
            table.setdefault("model_type", TYPE_OF[kind])
        if table:
            self._keep(backend, handle, table, deployment)
        return Served(
            deployment=deployment,
            backend=backend,
            handle=handle,
            model_id=named.model_id,
            kind=kind,
            settings=settings_of(deployment, kind, report),
        )

    def _keep(self, backend: str, handle: str, table: dict[str, object], deployment: Deployment) -> None:
        before = self.models.setdefault(backend, {}).setdefault(handle, table)
        if before != table:
            message = f'"{backend}/{handle}" stands there twice with different facts; those that came first count.'
            self.config.report.otherwise((*deployment.path, "model_info"), message)


def _kind(deployment: Deployment) -> Kind | None:
    named = name_of(deployment.provider, deployment.rest)
    base = PROVIDERS[deployment.provider].backend
    known = kit_model(base, named.model_id)
    defaults = kit_defaults(base) if base == "fal" else {}
    return kind_of(deployment, {**defaults, **(known[1] if known is not None else {})}, named.model_id)


def _known_facts(access: Access, model_id: str, deployment: Deployment) -> dict[str, object]:
    """Give what the kit knows of a model that it lists elsewhere: the same one, or the one it is based on."""
    known = kit_model(access.base, model_id)
    base_model = deployment.info.get("base_model")
    if known is None and isinstance(base_model, str):
        _, name = split_model(base_model, None)
        known = kit_model(access.base, name) or kit_model("openai", name)
    if known is None:
        return {}
    table = {key: value for key, value in known[1].items() if key in _FACTS}
    if "sdk" in known[1] and not access.addressed and kit_model(access.base, model_id) is not None:
        table["sdk"] = known[1]["sdk"]
    return table


def _required(access: Access, said: Mapping[str, object]) -> dict[str, object]:
    """Say what a packaged backend requires, where its own sets of variables no longer hold."""
    standing = kit_backend(access.base)
    if "required" not in standing or ("endpoint" not in said and "api_key" not in said):
        return {}
    openings = {**standing, **said}
    return _by(openings.get("endpoint"), None if access.keyless else openings.get("api_key"))


def _by(*openings: object) -> dict[str, object]:
    """Switch a backend on by the variables in these texts; without any, for good."""
    found = (name for text in openings for name in re.findall(r"\$\{(\w+)", str(text)))
    names = list(dict.fromkeys(found))
    return {"enabled": "auto", "required": [names]} if names else {"enabled": True, "required": []}


def _host_name(access: Access) -> str:
    """Give a name for a server by its address, or by the variable that holds it."""
    endpoint = dict(access.pairs).get("endpoint")
    if not access.addressed or not isinstance(endpoint, str):
        return ""
    variable = re.match(r"\$\{(\w+)", endpoint)
    if variable is not None:
        words = re.sub(r"_?(API)?_?(BASE|URL|ENDPOINT)(_URL)?$", "", variable[1]).lower()
    else:
        parts = urlsplit(endpoint)
        host = re.sub(r"^(api|www)\.", "", parts.hostname or "")
        words = f"{host}_{parts.port}" if parts.port else host
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
