"""GET /v1/models, GET /v1/models/ID and GET /health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import CREATED, json_reply

if TYPE_CHECKING:
    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

MODELS = ("sandbox-text", "sandbox-image")


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}


def list_models(call: Call) -> Reply:
    """List the models with a name of their own; every other name is answered too."""
    del call
    return json_reply({"object": "list", "data": [_model(name) for name in MODELS]})


def one_model(call: Call) -> Reply:
    """Tell of one model; every name is known."""
    return json_reply(_model(call.parts["model"]))


def health(call: Call) -> Reply:
    """Say that the sandbox runs."""
    del call
    return json_reply({"status": "ok", "simulated": True})
