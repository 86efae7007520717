"""Carry a configuration of another form over into today's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import find_directory
from pipelex_like.documents.find import inference_in, is_folder
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.setup.migrate.migration import Migration, shown_diff

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Migration", "plan", "shown_diff"]

_YAML = (".yaml", ".yml")
_NAMES = ("config.yaml", "litellm_config.yaml", "litellm-config.yaml", "litellm.yaml", "config.yml")


def plan(source: Path | None, environ: Mapping[str, str], *, to: Path | None = None) -> Migration:
    """Recognise what stands at `source` (a directory, or LiteLLM's config.yaml; None = the configuration that a load
    would find) and give it in today's form, for its own place, or for `to`. Nothing is written.

    A config.yaml becomes `to`, or else `.pipelex/inference` in the working directory. Raises ConfigError with all
    problems where it cannot be read or carried over.
    """
    if source is None:
        source = find_directory(None, environ, Path.cwd(), KIT).directory
        if source == KIT:
            raise _error(".", "there is no configuration here to carry over.", "Name a directory, or a config.yaml.")
    if not is_folder(source) and not source.exists():
        raise _error(str(source), "there is no such file or directory.")
    file = _yaml_in(source)
    if file is not None:
        from pipelex_like.setup.litellm.plan import plan_litellm

        return plan_litellm(file, to or Path(".pipelex") / "inference", environ)
    if not is_folder(source):
        hint = "A file of LiteLLM ends in .yaml; of ours, name the directory."
        raise _error(str(source), "this is neither a directory nor a YAML file.", hint)
    from pipelex_like.setup.migrate.pipelex import plan_pipelex

    return plan_pipelex(source, environ, to=to)


def _yaml_in(source: Path) -> Path | None:
    """Give the config.yaml that is meant; None for a directory of TOML files."""
    if not is_folder(source):
        return source if source.suffix.lower() in _YAML else None
    if (inference_in(source) / "backends.toml").exists():
        return None
    return next((source / name for name in _NAMES if (source / name).is_file()), None)


def _error(place: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError([Problem(severity="error", code="cannot-migrate", file=place, message=message, hint=hint)])
