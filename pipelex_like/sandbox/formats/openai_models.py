"""GET /v1/models in the forms of those who have their list there, GET /v1/models/ID and GET /health."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.sandbox.formats.base import CREATED, Refusal, json_reply

if TYPE_CHECKING:
    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

MODELS = ("sandbox-text", "sandbox-image")


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}


def list_models(call: Call) -> Reply:
    """List the models with a name of their own; every other name is answered too.

    Whoever asks for pages asks as Cohere's clients do (https://docs.cohere.com/reference/list-models).
    """
    if "page_size" not in call.query:
        return json_reply({"object": "list", "data": [_model(name) for name in MODELS]})
    _page_size(call, "page_size", 1000)
    rows = [{"name": name, "endpoints": ["chat"], "finetuned": False, "context_length": 128000} for name in MODELS]
    return json_reply({"models": rows, "next_page_token": ""})


def list_anthropic_models(call: Call) -> Reply:
    """List the same models as Anthropic does: https://platform.claude.com/docs/en/api/models-list"""
    _page_size(call, "limit", 1000)
    rows = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"} for name in MODELS
    ]
    if (after := call.query.get("after_id")) is not None:
        if after not in MODELS:
            raise Refusal(f"after_id: there is no model '{after}'", param="after_id")
        rows = rows[MODELS.index(after) + 1 :]
    size = int(call.query.get("limit", "20"))
    shown = rows[:size]
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return json_reply({"data": shown, "has_more": len(rows) > size, **ends})


def _page_size(call: Call, name: str, most: int) -> None:
    text = call.query.get(name, "20")
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refusal(f"{name}: a whole number from 1 to {most} is wanted", param=name)


def one_model(call: Call) -> Reply:
    """Tell of one model; every name is known."""
    return json_reply(_model(call.parts["model"]))


def health(call: Call) -> Reply:
    """Say that the sandbox runs."""
    del call
    return json_reply({"status": "ok", "simulated": True})
