"""Where variables are set, and those that SDKs would read by themselves but that have no effect here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.setup.doctor.facts import EnvFile, Unread
from pipelex_like.setup.env_lines import env_files, env_lines
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from pipelex_like.engine.load import Loaded

ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable as one place sets it; `where` names the place."""

    where: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """All places that set variables, by variable, the one that wins first."""

    files: tuple[EnvFile, ...]
    places: Mapping[str, tuple[Setting, ...]]

    def where(self, name: str) -> str:
        """Give the place that sets a variable, or an empty text."""
        held = self.places.get(name)
        return held[0].where if held else ""


def settings_of(loaded: Loaded, environ: Mapping[str, str]) -> Settings:
    """Find each variable in the environment and in the `.env` files. A blank one counts as not set."""
    places: dict[str, list[Setting]] = {}
    for name, value in environ.items():
        if value.strip():
            places.setdefault(name, []).append(Setting(ENVIRONMENT, value))
    files: list[EnvFile] = []
    for path, shown in reversed(env_files(loaded)):
        found = _entries(path, shown)
        files.append(EnvFile(file=shown, found=found is not None, variables=len(found or ())))
        for name, setting in (found or {}).items():
            places.setdefault(name, []).append(setting)
    return Settings(tuple(files), FrozenDict({name: tuple(held) for name, held in places.items()}))


def _entries(path: Path, shown: str) -> dict[str, Setting] | None:
    lines = env_lines(path, shown)
    if lines is None:
        return None
    found = {line.name: Setting(f"{shown}:{line.line}", line.value) for line in lines}
    return {name: held for name, held in found.items() if held.value.strip() and name != "PIPELEX_CONFIG_DIR"}


_PROXY = 'write proxy = "${NAME}", with the name of the variable, in the table of a backend that needs a proxy'
_TRUST = 'write ca_file = "${NAME}", with the name of the variable, in the table of a backend that needs it'
_ENDPOINT = "write endpoint in [%s] of backends.toml"
_HEADERS = "write headers = { ... } in [%s] of backends.toml"
_NAMED = "the backend reads %s; set that, or name this one in backends.toml"
_QUIET = "set logging up in your program; nothing is logged by this variable"

_INSTEAD: Mapping[str, str] = {
    **{name: _PROXY for word in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") for name in (word, word.lower())},
    **{name: _TRUST for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")},
    "SSL_CERT_DIR": "write ca_file, a PEM file, in the table of a backend that needs it",
    "OPENAI_ORG_ID": 'write organization = "${OPENAI_ORG_ID}" in [openai] of backends.toml',
    "OPENAI_ORGANIZATION": 'write organization = "${OPENAI_ORGANIZATION}" in [openai] of backends.toml',
    "OPENAI_PROJECT_ID": 'write project = "${OPENAI_PROJECT_ID}" in [openai] of backends.toml',
    "OPENAI_API_VERSION": _NAMED % "AZURE_API_VERSION",
    "OPENAI_CUSTOM_HEADERS": _HEADERS % "openai",
    "OPENAI_LOG": _QUIET,
    "AZURE_OPENAI_API_KEY": _NAMED % "AZURE_API_KEY",
    "AZURE_OPENAI_ENDPOINT": _NAMED % "AZURE_API_BASE",
    "AZURE_OPENAI_AD_TOKEN": "tokens of Entra ID are not supported; use a key (AZURE_API_KEY)",
    "ANTHROPIC_BASE_URL": _ENDPOINT % "anthropic",
    "ANTHROPIC_AUTH_TOKEN": _NAMED % "ANTHROPIC_API_KEY",
    "ANTHROPIC_CUSTOM_HEADERS": _HEADERS % "anthropic",
    "ANTHROPIC_LOG": _QUIET,
    "GOOGLE_GENAI_USE_VERTEXAI": "models of Vertex AI are those of the backend vertexai, named vertexai/<model>",
    "GOOGLE_CLOUD_PROJECT": _NAMED % "GCP_PROJECT_ID",
    "GOOGLE_CLOUD_LOCATION": _NAMED % "GCP_LOCATION",
    "GOOGLE_GEMINI_BASE_URL": _ENDPOINT % "google",
    "GOOGLE_VERTEX_BASE_URL": _ENDPOINT % "vertexai",
    "AWS_DEFAULT_REGION": _NAMED % "AWS_REGION",
    "AWS_DEFAULT_PROFILE": _NAMED % "AWS_PROFILE",
    "AWS_ENDPOINT_URL": _ENDPOINT % "bedrock",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": _ENDPOINT % "bedrock",
    "AWS_CONFIG_FILE": "profiles are read from ~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "profiles are read from ~/.aws/credentials",
    "AWS_ROLE_ARN": "write a profile with that role into ~/.aws/config, and name it by AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "write a profile with web_identity_token_file into ~/.aws/config",
    "FAL_KEY_ID": _NAMED % "FAL_KEY (both parts, joined by a colon)",
    "FAL_KEY_SECRET": _NAMED % "FAL_KEY (both parts, joined by a colon)",
    "FAL_RUN_HOST": _ENDPOINT % "fal",
    "FAL_QUEUE_RUN_HOST": _ENDPOINT % "fal",
    "HUGGING_FACE_HUB_TOKEN": _NAMED % "HF_TOKEN",
    "HF_ENDPOINT": _ENDPOINT % "huggingface",
    "HF_INFERENCE_ENDPOINT": _ENDPOINT % "huggingface",
    "MISTRAL_SERVER_URL": _ENDPOINT % "mistral",
    "CO_API_KEY": _NAMED % "COHERE_API_KEY",
    "CO_API_URL": _ENDPOINT % "cohere",
    "OLLAMA_HOST": _NAMED % "OLLAMA_API_BASE",
}


def unread_of(settings: Settings, read: Container[str]) -> tuple[Unread, ...]:
    """Give the variables that are set and that nothing here reads, though the providers' SDKs do elsewhere."""
    names = (name for name in _INSTEAD if name in settings.places and name not in read)
    return tuple(Unread(name=name, instead=_INSTEAD[name]) for name in names)
