"""Mistral's errors, and what its checks have in common: what is not known is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Dialect, Refusal
from pipelex_like.sandbox.formats.openai_dialect import OPENAI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.wire import Reply

AGENT = "mistral-client-python/"
"""How the SDK introduces itself; its address for chats is OpenAI's too."""
_INVALID = 422


def _error(refusal: Refusal) -> bytes:
    if refusal.status == _INVALID and refusal.param is not None:
        where = ["body", *refusal.param.replace("[", ".").replace("]", "").split(".")]
        fault = {"type": refusal.code or "value_error", "loc": where, "msg": refusal.message}
        return orjson.dumps({"detail": [fault]})
    told = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
    return orjson.dumps({"object": "error", **told})


def _event(refusal: Refusal) -> bytes:
    return b"data: " + _error(refusal) + b"\n\n"


MISTRAL = Dialect(credential=OPENAI.credential, error=_error, stream_error=_event)


def refuse_unknown(body: Mapping[str, object], known: frozenset[str]) -> None:
    """Refuse a field that is not known."""
    unknown = sorted(body.keys() - known)
    if unknown:
        raise Refusal("Extra inputs are not permitted", status=_INVALID, param=unknown[0], code="extra_forbidden")


def validated(answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    """Answer with the status that Mistral gives to fields that are wrong."""

    def checked(call: Call) -> Reply:
        try:
            return answer(call)
        except Refusal as refusal:
            if refusal.param is None or refusal.status == _INVALID:
                raise
            param, code, kind = refusal.param, refusal.code, refusal.kind
            raise Refusal(refusal.message, status=_INVALID, param=param, code=code, kind=kind) from None

    return checked
