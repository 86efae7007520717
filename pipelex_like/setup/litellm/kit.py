"""What the packaged kit knows of backends and models, for whoever writes a directory on top of it."""

from __future__ import annotations

import tomllib
from functools import cache

from pipelex_like.data import KIT
from pipelex_like.types import is_list, is_table


@cache
def _file(name: str) -> dict[str, object]:
    path = KIT / name
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def kit_backend(name: str) -> dict[str, object]:
    """Give the table of a packaged backend; empty for a name that the kit does not have."""
    found = _file("backends.toml").get(name)
    return found if is_table(found) else {}


def kit_defaults(backend: str) -> dict[str, object]:
    """Give what the models of a packaged backend have in common."""
    found = _file(f"backends/{backend}.toml").get("defaults")
    return found if is_table(found) else {}


def kit_model(backend: str, model_id: str) -> tuple[str, dict[str, object]] | None:
    """Give the handle and table of a packaged model by the id that its provider knows, or None."""
    for handle, table in _file(f"backends/{backend}.toml").items():
        if handle != "defaults" and is_table(table) and table.get("model_id", handle) == model_id:
            return handle, table
    return None


def kit_handles(backend: str) -> frozenset[str]:
    """Give the handles of a packaged backend."""
    return frozenset(_file(f"backends/{backend}.toml")) - {"defaults"}


def kit_order(profile: str) -> list[str]:
    """Give the fallback_order of a packaged profile."""
    profiles = _file("routing_profiles.toml").get("profiles")
    found = profiles.get(profile) if is_table(profiles) else None
    order = found.get("fallback_order") if is_table(found) else None
    return [str(name) for name in order] if is_list(order) else []


def kit_presets() -> frozenset[tuple[str, str]]:
    """Give kind and name of every packaged preset."""
    found: set[tuple[str, str]] = set()
    for path in (KIT / "deck").glob("*.toml"):
        for kind, table in _file(f"deck/{path.name}").items():
            presets = table.get("presets") if is_table(table) else None
            found |= {(kind, name) for name in presets} if is_table(presets) else set()
    return frozenset(found)
