"""`models`, `backends` and `profiles`: what is there, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import completion
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say_json, table
from pipelex_like.cli.failures import answering, refuse
from pipelex_like.cli.session import load
from pipelex_like.types import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Backend, ModelSpec
    from pipelex_like.types import Kind

KindOption = Annotated[
    str | None, typer.Option("--kind", help="llm, extract or img_gen.", autocompletion=completion.kinds)
]


def models(
    *,
    kind: KindOption = None,
    backend: Annotated[
        str | None,
        typer.Option("--backend", help="Only the models of this backend.", autocompletion=completion.backends),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Models of backends that are off, too.")] = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the models that the backends serve.

    Example: pipelex-like models --kind img_gen --all
    """
    wanted = kind_of(kind)
    with answering(as_json=as_json), load(config_dir, profile, env_file) as ai:
        if backend is not None and backend not in ai.backends:
            refuse(f'no backend is named "{backend}"; there are {", ".join(ai.backends)}')
        rows = [
            spec
            for name, specs in ai.specs.items()
            if backend in (None, name)
            for spec in specs.values()
            if wanted in (None, spec.kind)
        ]
        shown = [spec for spec in rows if every or backend or ai.backends[spec.backend].state == "on"]
        if as_json:
            say_json([_model(spec) for spec in shown])
            return
        cells = [(spec.handle, spec.backend, str(spec.model_id), str(spec.sdk), spec.kind or "") for spec in shown]
        table("", ["handle", "backend", "model id", "sdk", "kind"], sorted(cells))
        if len(shown) < len(rows):
            note(f"{len(rows) - len(shown)} more stand at backends that are off: --all shows them")


def backends(
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the backends: what each serves, whether it is on, and if not, which variable is missing.

    Example: pipelex-like backends --json
    """
    with answering(as_json=as_json), load(config_dir, profile, env_file) as ai:
        held = ai.backends.values()
        if as_json:
            say_json([_backend(backend, models=len(ai.specs[backend.name])) for backend in held])
            return
        rows = [(backend.name, backend.state, ", ".join(backend.kinds), _why(backend)) for backend in held]
        table("", ["backend", "state", "serves", "why"], rows)
        on = sum(backend.state == "on" for backend in held)
        note(f"{on} of {len(rows)} are on; what is missing goes into the environment or into .env")


def _why(backend: Backend) -> str:
    named = backend.state == "on" and backend.spec.only_when_named
    return f"{backend.reason}; only for what names it ({backend.name}/...)" if named else backend.reason


def profiles(
    *,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """List the routing profiles; the one in force is marked.

    Example: pipelex-like profiles --profile hybrid
    """
    with answering(as_json=as_json), load(config_dir, profile, env_file) as ai:
        current = ai.profile
        records = [
            {
                "name": each.name,
                "in_force": each.name == current.name,
                "description": each.description,
                "default": each.default,
                "fallback_order": each.fallback_order,
                "routes": {rule.pattern: rule.backend for rule in each.rules},
                "file": each.origin.file,
            }
            for each in ai.profiles.values()
        ]
        if as_json:
            say_json(records)
            return
        rows = [
            ("*" if record["in_force"] else "", str(record["name"]), str(record["description"])) for record in records
        ]
        table("", ["", "profile", "what it does"], rows)
        note(f"in force: {current.name or 'none'}, chosen by {ai.profile_from}")


def kind_of(word: str | None) -> Kind | None:
    """The kind that `--kind` names."""
    for kind in KINDS:
        if word == kind:
            return kind
    if word is not None:
        refuse(f"--kind wants llm, extract or img_gen, not {word!r}")
    return None


def _model(spec: ModelSpec) -> Mapping[str, object]:
    return {
        "handle": spec.handle,
        "backend": spec.backend,
        "model_id": str(spec.model_id),
        "sdk": str(spec.sdk),
        "kind": spec.kind,
        "inputs": [str(word) for word in spec.inputs],
        "outputs": list(spec.outputs),
        "retired": spec.retired,
    }


def _backend(backend: Backend, *, models: int) -> Mapping[str, object]:
    spec = backend.spec
    return {
        "name": backend.name,
        "display_name": spec.display_name or backend.name,
        "other_names": list(spec.other_names),
        "state": backend.state,
        "reason": backend.reason,
        "missing": list(backend.missing),
        "alternatives": [list(way) for way in backend.alternatives],
        "kinds": list(backend.kinds),
        "models": models,
        "only_when_named": spec.only_when_named,
        "key_url": spec.key_url,
    }
