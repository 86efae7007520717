"""Where a deployment is and how it is opened: the keys of a backend's table, with variables in place of secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.setup.litellm.config import ENVIRON
from pipelex_like.setup.litellm.kit import kit_backend
from pipelex_like.setup.litellm.providers import PROVIDERS, name_of
from pipelex_like.setup.migrate.migration import is_credential
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.setup.litellm.config import Deployment, LiteConfig
    from pipelex_like.setup.litellm.yaml import KeyPath

Value = str | int | float | tuple[tuple[str, str], ...]

_KEYS: Mapping[str, str] = {
    "api_base": "endpoint",
    "base_url": "endpoint",
    "aws_bedrock_runtime_endpoint": "endpoint",
    "api_key": "api_key",
    "api_version": "api_version",
    "organization": "organization",
    "aws_access_key_id": "aws_access_key_id",
    "aws_secret_access_key": "aws_secret_access_key",
    "aws_session_token": "aws_session_token",
    "aws_region_name": "aws_region",
    "aws_profile_name": "aws_profile",
    "vertex_project": "gcp_project_id",
    "vertex_location": "gcp_location",
    "vertex_credentials": "gcp_credentials_file_path",
}
_GOVERNING: Mapping[str, str] = {
    "timeout": "timeout",
    "request_timeout": "timeout",
    "stream_timeout": "first_event_timeout",
    "max_retries": "max_retries",
    "num_retries": "max_retries",
    "max_parallel_requests": "max_concurrency",
    "cooldown_time": "cooldown",
}
# A timeout of a profile would be that of the whole call, so the one for all stands at each backend.
_EVERYWHERE = (
    (("timeout", "request_timeout"), "timeout"),
    (("stream_timeout",), "first_event_timeout"),
    (("num_retries",), "max_retries"),
    (("cooldown_time",), "cooldown"),
)
READ = frozenset((*_KEYS, *_GOVERNING, "extra_headers", "headers"))
"""The keys of `litellm_params` that say where a deployment is and how it is opened."""

_SECRET = frozenset(("api_key", "aws_access_key_id", "aws_secret_access_key", "aws_session_token"))
# What people write where a server asks for no key.
_NO_KEY = re.compile(
    r"(none|null|empty|any|anything|dummy|fake(-?key)?|no-?key|not-?needed|n/?a|x+|sk-1234|sk-xxx+|-+)?", re.IGNORECASE
)
_SERVERS = frozenset(("openai", "vllm", "ollama", "lm_studio", "litellm_proxy"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a backend's table says beyond the packaged backend `base`, as pairs in order. `keyless`: no key is sent;
    `addressed`: it has an address of its own."""

    base: str
    pairs: tuple[tuple[str, Value], ...] = ()
    keyless: bool = False
    addressed: bool = False


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads the access of deployments. `names` maps a literal secret to the variable that takes its place."""

    config: LiteConfig
    used: set[str]
    names: dict[str, str] = field(default_factory=dict[str, str])

    def access(self, deployment: Deployment) -> Access:
        """Give the access of a deployment; what it cannot hold goes to the report."""
        provider = PROVIDERS[deployment.provider]
        profile = self.for_profile()
        pairs = {key: value for key, value in self.everywhere().items() if key not in profile}
        named = name_of(deployment.provider, deployment.rest)
        if named.region is not None:
            pairs["aws_region"] = named.region
        keyless = False
        for key, value in deployment.params.items():
            path = (*deployment.path, "litellm_params", key)
            if key in ("extra_headers", "headers") and is_table(value):
                pairs["headers"] = tuple((name, self._header(name, item, path)) for name, item in value.items())
            elif key in _GOVERNING:
                self._govern(pairs, _GOVERNING[key], value, path)
            elif key in _KEYS and isinstance(value, str | int | float):
                keyless = keyless or (key == "api_key" and _is_no_key(value, deployment, provider.backend))
                if not (key == "api_key" and keyless):
                    self._open(pairs, _KEYS[key], str(value), provider.backend, path)
        standing = kit_backend(provider.backend)
        kept = {name: value for name, value in pairs.items() if not _as_packaged(value, standing.get(name))}
        return Access(
            base=provider.backend,
            pairs=tuple(kept.items()),
            keyless=keyless,
            addressed="endpoint" in kept and not provider.own_address,
        )

    def everywhere(self) -> dict[str, Value]:
        """Give what the settings for all say of how calls are governed."""
        found: dict[str, Value] = {}
        for names, key in _EVERYWHERE:
            value = self.config.setting(*names)
            if value is not None:
                self._govern(found, key, value, ("router_settings", names[0]))
        return found

    def for_profile(self) -> dict[str, Value]:
        """Give what of that may stand in the profile: a timeout may not, nor what a deployment has for itself."""
        own = {_GOVERNING[key] for each in self.config.deployments for key in each.params if key in _GOVERNING}
        found = self.everywhere()
        return {key: value for key, value in found.items() if key != "timeout" and key not in own and _plain(value)}

    def _govern(self, pairs: dict[str, Value], key: str, value: object, path: KeyPath) -> None:
        if isinstance(value, str) and value.startswith(ENVIRON):
            pairs[key] = f"${{{value.removeprefix(ENVIRON)}}}"
            return
        number = _number(value)
        if number is None or number < 0 or (number == 0 and key not in ("max_retries", "cooldown")):
            self.config.report.lost(path, f"a number was expected for {key}.")
        else:
            pairs[key] = number

    def _open(self, pairs: dict[str, Value], key: str, text: str, base: str, path: KeyPath) -> None:
        report = self.config.report
        if key == "gcp_credentials_file_path" and text.lstrip().startswith("{"):
            hint = "Save it as a file, and name the file in GCP_CREDENTIALS_FILE_PATH."
            report.lost(path, "the service account's key stands in the file itself, which was not copied.", hint)
        elif text.startswith(ENVIRON):
            pairs[key] = f"${{{text.removeprefix(ENVIRON)}}}"
        elif key in _SECRET:
            pairs[key] = self._variable(text, _wanted(base, key), path)
        elif key == "endpoint" and "@" in text:
            pairs[key] = self._variable(text, f"{base.upper()}_API_BASE", path)
        else:
            pairs[key] = _literal(text)

    def _header(self, name: str, value: object, path: KeyPath) -> str:
        text = str(value)
        if text.startswith(ENVIRON):
            return f"${{{text.removeprefix(ENVIRON)}}}"
        if is_credential(name):
            return self._variable(text, re.sub(r"\W", "_", name).upper(), (*path, name))
        return _literal(text)

    def _variable(self, secret: str, wanted: str, path: KeyPath) -> str:
        """Give the template that takes a literal secret's place, the same for the same secret."""
        if secret not in self.names:
            name, count = wanted, 1
            while name in self.used:
                count += 1
                name = f"{wanted}_{count}"
            self.used.add(name)
            self.names[secret] = name
        name = self.names[secret]
        self.config.report.to_set(name, path, f"set {name} to what stands here, in the environment or in .env.")
        return f"${{{name}}}"


def variables_in(config: LiteConfig) -> set[str]:
    """Give the variables that the file itself names."""
    found: set[str] = set()
    for deployment in config.deployments:
        for value in deployment.params.values():
            inner = value.values() if is_table(value) else (value,)
            found |= {str(text).removeprefix(ENVIRON) for text in inner if str(text).startswith(ENVIRON)}
    return found


def _wanted(base: str, key: str) -> str:
    """The variable that the packaged backend reads for a key, or one in the same manner."""
    standing = kit_backend(base).get(key)
    found = re.match(r"\$\{(\w+)", standing) if isinstance(standing, str) else None
    return found[1] if found else key.upper() if key.startswith("aws_") else f"{base.upper()}_{key.upper()}"


def _is_no_key(value: object, deployment: Deployment, base: str) -> bool:
    server = base in _SERVERS and ("api_base" in deployment.params or "base_url" in deployment.params)
    return (server or base == "ollama") and _NO_KEY.fullmatch(str(value).strip()) is not None


def _as_packaged(value: Value, standing: object) -> bool:
    """Whether the packaged backend says the same: literally, or by asking first for that variable."""
    if not isinstance(value, str) or not isinstance(standing, str):
        return value == standing
    plain = value.rstrip("/")
    if plain in (standing.rstrip("/"), f"{standing.rstrip('/')}/v1"):
        return True
    if plain.startswith("${") and standing.startswith(plain[:-1]) and standing[len(plain) - 1] in "|:}":
        return True
    _, sign, default = standing.rstrip("}").partition(":-")
    return bool(sign) and plain in (default, default.removesuffix("/v1"))


def _number(value: object) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return int(value) if value.strip().isdigit() else float(value)
        except ValueError:
            return None
    return None


def _plain(value: Value) -> bool:
    """Whether no variable is in it: a profile takes none."""
    return not isinstance(value, str)


def _literal(text: str) -> str:
    return text.replace("${", "$${")
